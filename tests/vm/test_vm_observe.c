/* SPDX-License-Identifier: Apache-2.0 */
/* An observed run: each instruction is shown before it runs, with the registers and the depth, and nothing else
 * changes. */
#include "vmtest.h"

struct seen {
	uint32_t slots[16], depths[16];
	uint64_t r0[16];
	uint32_t n;
};

static void step(void *user, const struct vm_prog *vp, uint32_t slot, const uint64_t *regs, uint32_t depth)
{
	struct seen *s = user;

	(void)vp;
	if (s->n < countof(s->slots)) {
		s->slots[s->n] = slot;
		s->depths[s->n] = depth;
		s->r0[s->n] = regs[0];
	}
	s->n++;
}

static enum err observe(struct code *c, struct seen *s, uint64_t *ret, struct diag *d)
{
	struct prog p = { .name = "t", .section = "", .insns = c->insns, .n_insns = c->n };
	struct vm_prog_opts o = { .profile = &abi_sallyport };
	struct vm_observer obs = { .step = step, .user = s };
	struct vm_run_args args = { .fuel = 100 };
	struct vm_prog *vp;
	struct vm *v;
	enum err e;

	*s = (struct seen){ .n = 0 };
	diag_init(d);
	CHECK_OK(vm_prog_new(&p, &o, &vp, d));
	CHECK_OK(vm_new(&v));
	e = vm_run_observed(v, vp, &args, &obs, ret, NULL, d);
	vm_free(v);
	vm_prog_free(vp);
	return e;
}

TEST(each_instruction_is_shown_before_it_runs)
{
	static const uint32_t slots[] = { 0, 1, 3, 5, 6, 4 }, depths[] = { 0, 0, 0, 1, 1, 0 };
	static const uint64_t r0[] = { 0, 7, 9, 9, 10, 10 };
	struct code c = { .n = 0 };
	struct seen s;
	struct diag d;
	uint64_t ret;

	movi(&c, 0, 7);
	lddw(&c, 0, 9);
	(void)emit(&c, "CALL_LOCAL", 0, 0, 0, 1);
	(void)emit(&c, "EXIT", 0, 0, 0, 0);
	addi(&c, 0, 1);
	(void)emit(&c, "EXIT", 0, 0, 0, 0);
	CHECK_OK(observe(&c, &s, &ret, &d));
	CHECK_EQ(ret, 10);
	CHECK_EQ(s.n, countof(slots));
	for (size_t i = 0; i < countof(slots); i++) {
		CHECK_EQ(s.slots[i], slots[i]);
		CHECK_EQ(s.depths[i], depths[i]);
		CHECK_EQ(s.r0[i], r0[i]);
	}
}

TEST(a_fault_ends_an_observed_run_as_any_other)
{
	struct code c = { .n = 0 };
	struct seen s;
	struct diag d;
	uint64_t ret;

	movi(&c, 1, 8);
	(void)emit(&c, "LDXB", 0, 1, 0, 0);
	(void)emit(&c, "EXIT", 0, 0, 0, 0);
	CHECK_EQ(observe(&c, &s, &ret, &d), E_FAULT);
	CHECK_EQ(d.insn, 1);
	CHECK_EQ(s.n, 2);
	c.n = 0;
	(void)emit(&c, "JA", 0, 0, -1, 0);
	(void)emit(&c, "EXIT", 0, 0, 0, 0);
	CHECK_EQ(observe(&c, &s, &ret, &d), E_FUEL);
	CHECK_EQ(s.n, 101);
}
