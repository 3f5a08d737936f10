/* SPDX-License-Identifier: Apache-2.0 */
/* jittest: one program through the interpreter and through native code, and whether they agree. */
#ifndef SALLYPORT_TESTS_JITTEST_H
#define SALLYPORT_TESTS_JITTEST_H

#include "../vm/vmtest.h"
#include "engine/jit/jit.h"

enum { JT_CTX = 256, JT_ARENA = 64 << 20 };

/* Ways of compiling: bits. A program that may fault is only compiled with JT_SANDBOXED. */
enum { JT_SANDBOXED = 1, JT_BASE = 2, JT_BLIND = 4, JT_GUARDED = 8, JT_WAYS = 16 };

/* One program, prepared once to be interpreted and once for each way of compiling. */
struct jt_prog {
	struct vm_prog *vp[JT_WAYS + 1]; /* the last one is interpreted; NULL: not compiled that way */
	struct jit_image *im[JT_WAYS];
	struct vm *vm;
};

/* How one run ended, and the memory that it left. */
struct jt_end {
	enum err err;
	uint64_t r0;
	struct vm_fault fault;
	struct diag d;
	uint8_t ctx[JT_CTX];
};

struct jt_input {
	const void *ctx; /* the first bytes of the context; the rest is zero */
	size_t ctx_bytes;
	uint64_t fuel;
	bool read_only;
	struct helper_env *env;
};

static inline struct jit_opts jt_opts(unsigned way)
{
	return (struct jit_opts){ .target = jit_host(),
				  .features = way & JT_BASE ? 0 : jit_host_features(),
				  .sandboxed = way & JT_SANDBOXED,
				  .blind = way & JT_BLIND,
				  .retpoline = way & JT_GUARDED,
				  .fuel = way & JT_GUARDED,
				  .seed = 7 };
}

static inline void jt_attach(struct vm_prog *vp, const struct jit_opts *o, struct jit_image **im)
{
	struct arena a;
	struct jit_code code;
	struct diag d;

	diag_init(&d);
	arena_init(&a, JT_ARENA);
	if (jit_compile(vp, o, &a, &code, &d) != E_OK || jit_map(&code, 1, im, &d) != E_OK ||
	    jit_attach(vp, *im, 0, &d) != E_OK)
		fail_msg("%s: %s", test_row ? test_row : "", d.text);
	arena_done(&a);
}

/* ways: which of the 16, as bits. */
static inline struct jt_prog jt_prog(const struct code *c, unsigned ways)
{
	struct jt_prog p = { 0 };
	struct diag d;

	diag_init(&d);
	CHECK_OK(vm_new(&p.vm));
	if (prepare_code(c, &p.vp[JT_WAYS], &d) != E_OK)
		fail_msg("%s: %s", test_row ? test_row : "", d.text);
	for (unsigned w = 0; w < JT_WAYS; w++) {
		struct jit_opts o = jt_opts(w);

		if (!(ways >> w & 1))
			continue;
		CHECK_OK(prepare_code(c, &p.vp[w], &d));
		jt_attach(p.vp[w], &o, &p.im[w]);
	}
	return p;
}

static inline void jt_done(struct jt_prog *p)
{
	for (unsigned w = 0; w <= JT_WAYS; w++) {
		if (p->vp[w]) {
			jit_detach(p->vp[w]);
			vm_prog_free(p->vp[w]);
		}
	}
	for (unsigned w = 0; w < JT_WAYS; w++)
		jit_image_free(p->im[w]);
	vm_free(p->vm);
}

static inline struct jt_end jt_run_way(const struct jt_prog *p, unsigned way, const struct jt_input *in)
{
	static _Alignas(64) uint8_t memory[JT_CTX + 128];
	struct jt_end e = { 0 };
	struct vm_run_args args = { .ctx = memory + 64,
				    .ctx_bytes = JT_CTX,
				    .ctx_writable = !in->read_only,
				    .env = in->env,
				    .fuel = in->fuel };

	diag_init(&e.d);
	memset(memory, 0xee, sizeof memory);
	memset(p->vm->stack, 0, sizeof p->vm->stack);
	memset(memory + 64, 0, JT_CTX);
	if (in->ctx_bytes)
		memcpy(memory + 64, in->ctx, in->ctx_bytes);
	e.err = vm_run(p->vm, p->vp[way], &args, &e.r0, &e.fault, &e.d);
	memcpy(e.ctx, memory + 64, JT_CTX);
	for (unsigned i = 0; i < 64; i++)
		CHECK(memory[i] == 0xee && memory[64 + JT_CTX + i] == 0xee);
	return e;
}

static inline void jt_same(const struct jt_end *want, const struct jt_end *got)
{
	if (got->err != want->err)
		print_message("# insn %u or %u, fuel %lld or %lld: %s: %s\n", got->fault.insn, want->fault.insn,
			      (long long)got->fault.fuel_left, (long long)want->fault.fuel_left, got->d.text,
			      want->d.text);
	CHECK_EQ(got->err, want->err);
	CHECK_EQ(got->r0, want->r0);
	CHECK_EQ(memcmp(got->ctx, want->ctx, JT_CTX), 0);
	if (want->err == E_OK)
		return;
	CHECK_EQ(got->fault.insn, want->fault.insn);
	CHECK_STR(got->d.text, want->d.text);
	CHECK_EQ(got->fault.addr, want->fault.addr);
	CHECK_EQ(got->fault.fuel_left, want->fault.fuel_left);
}

static inline bool jt_equal(const struct jt_end *a, const struct jt_end *b)
{
	return a->err == b->err && a->r0 == b->r0 && !memcmp(a->ctx, b->ctx, JT_CTX) &&
	       (a->err == E_OK || (a->fault.insn == b->fault.insn && a->fault.addr == b->fault.addr &&
				   a->fault.fuel_left == b->fault.fuel_left && !strcmp(a->d.text, b->d.text)));
}

/* Sets of ways. */
enum { JT_ALL = 0xffff, JT_CHECKING = 0xaaaa, JT_COUNTING = 0xff00 };

/* Does a way disagree with the interpreter? */
static inline bool jt_disagree(const struct code *c, const struct jt_input *in, unsigned ways)
{
	struct jt_prog p = jt_prog(c, ways);
	struct jt_end want = jt_run_way(&p, JT_WAYS, in);
	bool bad = false;

	for (unsigned w = 0; w < JT_WAYS; w++)
		if (p.vp[w] && (want.err == E_OK || w & JT_SANDBOXED)) {
			struct jt_end got = jt_run_way(&p, w, in);

			bad |= !jt_equal(&want, &got);
		}
	jt_done(&p);
	return bad;
}

/* Take instructions out while the disagreement stays. Jumps keep their places: an instruction becomes r0 = r0. */
static inline void jt_shrink(struct code *c, const struct jt_input *in, unsigned ways)
{
	bool smaller = true;

	/* What counts no fuel may not end once it is wrong. */
	ways &= JT_CHECKING | JT_COUNTING;
	print_message("# %s disagrees; what is left of it:\n", test_row ? test_row : "");
	for (unsigned round = 0; smaller && round < 4; round++) {
		smaller = false;
		for (uint32_t i = 0; i < c->n; i++) {
			struct isa_insn old = c->insns[i];

			if (old.sem == ISA_PAD || old.sem == ISA_EXIT || old.sem == ISA_IMM64 ||
			    (old.sem == ISA_MOV && old.src == old.dst && !old.dst && old.form == ISA_FORM_RR) ||
			    old.sem == ISA_CALL)
				continue;
			c->insns[i] = isa_make(ISA_MOV, 64, ISA_FORM_RR, 0);
			if (jt_disagree(c, in, ways))
				smaller = true;
			else
				c->insns[i] = old;
		}
	}
	for (uint32_t i = 0; i < c->n; i++) {
		const struct isa_insn *n = &c->insns[i];

		if (n->sem != ISA_PAD && !(n->sem == ISA_MOV && n->src == n->dst && n->form == ISA_FORM_RR))
			print_message("# %4u %-18s dst r%u src r%u off %d imm %lld\n", i, isa_rows[n->row].name, n->dst,
				      n->src, n->off, (long long)n->imm);
	}
}

/* All ways agree with the interpreter, whose end is returned. */
static inline struct jt_end jt_check(const struct jt_prog *p, const struct jt_input *in)
{
	static char row[200];
	const char *name = test_row;
	struct jt_end want = jt_run_way(p, JT_WAYS, in), got;

	for (unsigned w = 0; w < JT_WAYS; w++) {
		if (!p->vp[w])
			continue;
		(void)snprintf(row, sizeof row, "%s, way %u", name ? name : "", w);
		test_row = row;
		got = jt_run_way(p, w, in);
		jt_same(&want, &got);
	}
	test_row = name;
	return want;
}

static inline struct jt_end jt_compare(const struct code *c, const struct jt_input *in, unsigned ways)
{
	struct jt_prog p = jt_prog(c, ways);
	struct jt_end e = jt_check(&p, in);

	jt_done(&p);
	return e;
}

#endif
