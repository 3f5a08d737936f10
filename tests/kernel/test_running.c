/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of engine/kernel against the running kernel, wherever there is a profile of it: every offset, size and
 * direction of an access of every context that is not made of BTF arguments, what a load gives, what may be returned,
 * where a type may go.
 */
#include "test.h"

#include "bed.h"
#include "engine/isa/isa.h"

#include <errno.h>

static const struct kernel_profile *running(void)
{
	static const struct kernel_profile *k;
	static char why[128];
	static bool asked;

	if (!asked)
		k = bed_profile(why, sizeof why);
	asked = true;
	if (!k)
		SKIP("%s", why);
	return k;
}

/* What a program of this target may return. */
static int32_t good_value(const struct kernel_profile *k, const struct kernel_target *t)
{
	struct kernel_ret_range r = kernel_ret_range(k, t);

	return r.have ? (int32_t)r.min : 0;
}

static bool by_btf(uint32_t type)
{
	return type == KPROG_TRACING || type == KPROG_LSM || type == KPROG_STRUCT_OPS || type == KPROG_EXT;
}

/* Types and attach types that can be loaded here, one after the other; false: that was all. */
static bool next_target(const struct kernel_profile *k, struct kernel_target *t)
{
	for (;;) {
		struct bed_prog p = { .n = 0 };
		struct bed_verdict v;

		if (t->prog_type == 0 || ++t->attach_type >= KATTACH_N) {
			t->attach_type = 0;
			if (++t->prog_type >= KPROG_N)
				return false;
		}
		t->sleepable = kernel_type_is(k, t, KERNEL_TYPE_MUST_SLEEP);
		if (by_btf(t->prog_type) || !kernel_attach_ok(k, t))
			continue;
		bed_end(&p, good_value(k, t));
		bed_load(t, &p, BED_QUIET, &v);
		if (v.accepted)
			return true;
		if (!t->attach_type)
			print_message("# %s is not in this kernel\n", kernel_prog_type_name(t->prog_type));
	}
}

/* Attach types matter to few contexts: of the others one is enough. */
static bool attach_matters(const struct kernel_target *t)
{
	switch (t->prog_type) {
	case KPROG_CGROUP_SOCK:
	case KPROG_CGROUP_SOCK_ADDR:
	case KPROG_CGROUP_SOCKOPT:
	case KPROG_CGROUP_SKB:
	case KPROG_XDP:
		return t->attach_type <= KATTACH_XDP || t->prog_type != KPROG_XDP;
	case KPROG_SK_LOOKUP:
	case KPROG_NETFILTER:
		return true;
	case KPROG_SK_REUSEPORT:
		return t->attach_type != 0;
	default:
		return t->attach_type == 0;
	}
}

static uint8_t size_bits(uint32_t size)
{
	return size == 8 ? BPF_DW : size == 4 ? BPF_W : size == 2 ? BPF_H : BPF_B;
}

struct access {
	int16_t off;
	uint32_t size;
	bool write;
};

/* r0 = *(size *)(base + off), or the other way round */
static void add_access(struct bed_prog *p, const struct access *a, uint8_t base)
{
	uint8_t op = BPF_MEM | size_bits(a->size);

	if (a->write) {
		bed_add(p, bed_op(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0));
		bed_add(p, bed_op(BPF_STX | op, base, BPF_REG_0, a->off, 0));
	} else {
		bed_add(p, bed_op(BPF_LDX | op, BPF_REG_0, base, a->off, 0));
	}
}

/* How the kernel's log writes what a load gave. */
static const char *log_name(const struct kernel_ctx_access *a)
{
	switch (a->reg) {
	case KR_SCALAR:
		return "scalar(";
	case KR_PACKET:
		return "pkt(";
	case KR_PACKET_END:
		return "pkt_end(";
	case KR_PACKET_META:
		return "pkt_meta(";
	case KR_FLOW_KEYS:
		return "flow_keys(";
	case KR_SOCKET:
		return a->flags & KF_OR_NULL ? "sock_or_null(" : "sock(";
	case KR_SOCK_COMMON:
		return "sock_common_or_null(";
	case KR_TP_BUFFER:
		return "tp_buffer(";
	case KR_BTF_ID:
		return a->flags & KF_TRUSTED ? "trusted_ptr_" : "ptr_";
	default:
		return "?";
	}
}

static void check_load_gives(const char *log, const struct kernel_ctx_access *a)
{
	const char *name = log_name(a), *r0 = strstr(log, "R0=");

	CHECK(r0 != NULL);
	if (!r0)
		return;
	r0 += 3;
	/* "scalar()" loses its brackets when nothing is known of it */
	if (strncmp(r0, name, strlen(name)) && !(a->reg == KR_SCALAR && !strncmp(r0, "scalar", 6)))
		test_fail_str(__FILE__, __LINE__, "R0", r0, name);
	if (a->reg == KR_BTF_ID)
		CHECK(!strncmp(r0 + strlen(name), a->btf, strlen(a->btf)));
}

/* All accesses that are judged otherwise are told, not the first alone. */
struct tally {
	uint32_t asked, wrong;
};

static void check_access(struct tally *tally, const struct kernel_profile *k, const struct kernel_target *t,
			 const struct access *a)
{
	struct kernel_ctx_access got = { .reg = KR_NONE };
	struct bed_prog p = { .n = 0 };
	struct bed_verdict v;
	char row[96];
	bool want;

	want = kernel_ctx_access(k, t, a->off, a->size, a->write, &got) == KERNEL_CTX_YES;
	(void)snprintf(row, sizeof row, "%s/%s: %s %u bytes at %d", kernel_prog_type_name(t->prog_type),
		       kernel_attach_type_name(t->attach_type), a->write ? "write" : "read", a->size, a->off);
	test_row = row;
	add_access(&p, a, BPF_REG_1);
	bed_end(&p, good_value(k, t));
	bed_load(t, &p, want && !a->write ? BED_STATES : BED_QUIET, &v);
	tally->asked++;
	if (want != v.accepted) {
		tally->wrong++;
		print_error("%s: the table says %s\n", row, want ? "yes" : "no");
	}
	/* older logs have other words */
	if (want && v.accepted && !a->write && k->version >= KERNEL_V(6, 18))
		check_load_gives(v.log, &got);
	test_row = NULL;
}

/* A load that sign-extends: not of what gives a pointer. */
static void check_signed(struct tally *tally, const struct kernel_profile *k, const struct kernel_target *t,
			 const struct access *a)
{
	enum { BPF_MEM_SIGNED = 0x80 };
	struct kernel_ctx_access got;
	struct bed_prog p = { .n = 0 };
	struct bed_verdict v;
	bool want = kernel_ctx_access(k, t, a->off, a->size, false, &got) == KERNEL_CTX_YES && !got.sign_extends;

	bed_add(&p, bed_op(BPF_LDX | BPF_MEM_SIGNED | size_bits(a->size), BPF_REG_0, BPF_REG_1, a->off, 0));
	bed_end(&p, good_value(k, t));
	bed_load(t, &p, BED_QUIET, &v);
	tally->asked++;
	if (want != v.accepted) {
		tally->wrong++;
		print_error("%s: signed, %u bytes at %d: the table says %s\n", kernel_prog_type_name(t->prog_type),
			    a->size, a->off, want ? "yes" : "no");
	}
}

static void check_offsets(struct tally *tally, const struct kernel_profile *k, const struct kernel_target *t,
			  int32_t from, int32_t to)
{
	for (int32_t off = from; off < to; off++)
		for (uint32_t size = 1; size <= 8; size *= 2) {
			struct access a = { (int16_t)off, size, false };

			check_access(tally, k, t, &a);
			if (size < 8 && k->version >= KERNEL_V(6, 6))
				check_signed(tally, k, t, &a);
			a.write = true;
			check_access(tally, k, t, &a);
		}
}

TEST(contexts_may_be_read_and_written_where_the_running_kernel_lets_them)
{
	const struct kernel_profile *k = running();
	struct kernel_target t = { .prog_type = 0 };
	struct tally tally = { 0 };
	enum { EDGE = 64 };

	while (next_target(k, &t)) {
		int32_t size = (int32_t)kernel_ctx_size(k, &t);

		if (!attach_matters(&t))
			continue;
		CHECK(size > 0);
		if (size <= 1024) {
			check_offsets(&tally, k, &t, -9, size + 9);
		} else {
			check_offsets(&tally, k, &t, -9, EDGE);
			size = size > INT16_MAX - EDGE ? INT16_MAX - EDGE : size;
			check_offsets(&tally, k, &t, size - EDGE, size + EDGE);
		}
	}
	print_message("# %u accesses\n", tally.asked);
	CHECK(tally.asked > 10000);
	CHECK_EQ(tally.wrong, 0);
}

/* r1 = a socket of this kind or NULL, from the context of cgroup_skb */
static void add_socket(struct bed_prog *p, enum kernel_reg reg)
{
	enum { SK_FULLSOCK = 95, TCP_SOCK = 96, SKB_SK = 168 };

	bed_add(p, bed_op(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_1, SKB_SK, 0));
	if (reg == KR_SOCK_COMMON)
		return;
	bed_add(p, bed_op(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_1, 0, 2, 0));
	bed_end(p, 0);
	bed_add(p, bed_op(BPF_JMP | BPF_CALL, 0, 0, 0, reg == KR_SOCKET ? SK_FULLSOCK : TCP_SOCK));
	bed_add(p, bed_op(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_0, 0, 0));
}

TEST(sockets_may_be_read_where_the_running_kernel_lets_them)
{
	static const struct {
		const char *name;
		enum kernel_reg reg;
	} rows[] = { { "sock_common", KR_SOCK_COMMON }, { "sock", KR_SOCKET }, { "tcp_sock", KR_TCP_SOCK } };
	const struct kernel_profile *k = running();
	struct kernel_target t = { .prog_type = KPROG_CGROUP_SKB };

	for (size_t i = 0; i < countof(rows); i++)
		for (int16_t off = 0; off < 128; off++)
			for (uint32_t size = 1; size <= 8; size *= 2) {
				struct kernel_ctx_access got;
				struct bed_prog p = { .n = 0 };
				struct bed_verdict v;
				char row[64];

				(void)snprintf(row, sizeof row, "%s: %u bytes at %d", rows[i].name, size, off);
				test_row = row;
				add_socket(&p, rows[i].reg);
				bed_add(&p, bed_op(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 1, 0));
				add_access(&p, &(struct access){ off, size, false }, BPF_REG_1);
				bed_end(&p, 0);
				bed_load(&t, &p, BED_QUIET, &v);
				CHECK_EQ(kernel_sock_access(k, rows[i].reg, off, size, &got), v.accepted);
				test_row = NULL;
			}
}

TEST(programs_may_return_what_the_running_kernel_lets_them)
{
	const struct kernel_profile *k = running();
	struct kernel_target t = { .prog_type = 0 };

	while (next_target(k, &t)) {
		struct kernel_ret_range r = kernel_ret_range(k, &t);

		for (int32_t value = -2; value < 6; value++) {
			struct bed_prog p = { .n = 0 };
			struct bed_verdict v;

			test_row = kernel_prog_type_name(t.prog_type);
			bed_end(&p, value);
			bed_load(&t, &p, BED_QUIET, &v);
			CHECK_EQ(!r.have || (value >= r.min && value <= r.max), v.accepted);
			test_row = NULL;
		}
	}
}

enum door { DOOR_OPEN, DOOR_SHUT, DOOR_UNKNOWN };

/* DOOR_SHUT: EINVAL before the verifier has said anything. DOOR_UNKNOWN: something else forbids it here. */
static enum door door(const struct kernel_target *t, int32_t value)
{
	struct bed_prog p = { .n = 0 };
	struct bed_verdict v;

	bed_end(&p, value);
	bed_load(t, &p, BED_WHY, &v);
	if (v.accepted || v.log[0])
		return DOOR_OPEN;
	return v.error == EINVAL ? DOOR_SHUT : DOOR_UNKNOWN;
}

TEST(types_go_where_the_running_kernel_lets_them)
{
	const struct kernel_profile *k = running();
	uint32_t asked = 0;

	for (uint32_t type = 1; type < KPROG_N; type++) {
		enum door doors[KATTACH_N];
		bool any = false;

		for (uint32_t attach = 0; attach < KATTACH_N; attach++) {
			struct kernel_target t = { .prog_type = type, .attach_type = attach };

			t.sleepable = kernel_type_is(k, &t, KERNEL_TYPE_MUST_SLEEP);
			doors[attach] = door(&t, good_value(k, &t));
			any |= doors[attach] == DOOR_OPEN;
		}
		test_row = kernel_prog_type_name(type);
		for (uint32_t attach = 0; any && attach < KATTACH_N; attach++) {
			struct kernel_target t = { .prog_type = type, .attach_type = attach };

			if (doors[attach] == DOOR_UNKNOWN)
				continue;
			asked++;
			if (kernel_attach_ok(k, &t) != (doors[attach] == DOOR_OPEN))
				test_fail_str(__FILE__, __LINE__, "attach type", kernel_attach_type_name(attach),
					      doors[attach] == DOOR_OPEN ? "one that is let in" : "one that is not");
		}
		test_row = NULL;
	}
	CHECK(asked > 1000);
}

/* The first place where a load gives this; its size. 0: nowhere. */
static uint32_t find_field(const struct kernel_profile *k, const struct kernel_target *t, enum kernel_reg reg,
			   int16_t *off)
{
	int32_t end = (int32_t)kernel_ctx_size(k, t);

	for (*off = 0; *off < end && *off < 256; *off += 4)
		for (uint32_t size = 4; size <= 8; size += 4) {
			struct kernel_ctx_access a;

			if (kernel_ctx_access(k, t, *off, size, false, &a) == KERNEL_CTX_YES && a.reg == (uint32_t)reg)
				return size;
		}
	return 0;
}

TEST(packets_may_be_written_where_the_running_kernel_lets_them)
{
	const struct kernel_profile *k = running();
	struct kernel_target t = { .prog_type = 0 };
	uint32_t asked = 0;

	while (next_target(k, &t)) {
		int16_t data, end;
		uint32_t size = find_field(k, &t, KR_PACKET, &data);
		struct bed_prog p = { .n = 0 };
		struct bed_verdict v;

		if (!size || !find_field(k, &t, KR_PACKET_END, &end))
			continue;
		add_access(&p, &(struct access){ data, size, false }, BPF_REG_1);
		bed_add(&p, bed_op(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_0, 0, 0));
		add_access(&p, &(struct access){ end, size, false }, BPF_REG_1);
		bed_add(&p, bed_op(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0));
		bed_add(&p, bed_op(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_3, 0, 0, 1));
		bed_add(&p, bed_op(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_3, BPF_REG_0, 1, 0));
		bed_add(&p, bed_op(BPF_ST | BPF_MEM | BPF_B, BPF_REG_2, 0, 0, 0));
		bed_end(&p, good_value(k, &t));
		bed_load(&t, &p, BED_QUIET, &v);
		test_row = kernel_prog_type_name(t.prog_type);
		CHECK_EQ(kernel_packet_write(k, &t), v.accepted);
		test_row = NULL;
		asked++;
	}
	CHECK(asked > 10);
}

/* r1 += 8, or an unknown 0 or 8, before the context is read. */
static bool takes_offset(const struct kernel_profile *k, const struct kernel_target *t, bool variable)
{
	uint32_t size = t->prog_type == KPROG_CGROUP_DEVICE ? 4 : 8;
	struct bed_prog p = { .n = 0 };
	struct bed_verdict v;

	if (variable) {
		bed_add(&p, bed_op(BPF_LDX | BPF_MEM | size_bits(size), BPF_REG_2, BPF_REG_1, 8, 0));
		bed_add(&p, bed_op(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 8));
		bed_add(&p, bed_op(BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_1, BPF_REG_2, 0, 0));
	} else {
		bed_add(&p, bed_op(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, 8));
	}
	add_access(&p, &(struct access){ 0, size, false }, BPF_REG_1);
	bed_end(&p, good_value(k, t));
	bed_load(t, &p, BED_QUIET, &v);
	return v.accepted;
}

TEST(facts_of_types_are_those_of_the_running_kernel)
{
	const struct kernel_profile *k = running();
	struct kernel_target t = { .prog_type = 0 };

	while (next_target(k, &t)) {
		struct kernel_target asleep = t;
		struct bed_prog p = { .n = 0 };
		struct bed_verdict v;

		test_row = kernel_prog_type_name(t.prog_type);
		CHECK_EQ(kernel_type_is(k, &t, KERNEL_TYPE_CTX_FIXED_OFF), takes_offset(k, &t, false));
		CHECK_EQ(kernel_type_is(k, &t, KERNEL_TYPE_CTX_VAR_OFF), takes_offset(k, &t, true));

		asleep.sleepable = true;
		bed_end(&p, good_value(k, &t));
		bed_load(&asleep, &p, BED_QUIET, &v);
		CHECK_EQ(kernel_type_is(k, &t, KERNEL_TYPE_SLEEPABLE), v.accepted);

		p.n = 0;
		bed_add(&p, bed_op(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0));
		bed_add(&p, bed_op(BPF_LD | BPF_ABS | BPF_B, 0, 0, 0, 0));
		bed_end(&p, good_value(k, &t));
		bed_load(&t, &p, BED_QUIET, &v);
		CHECK_EQ(kernel_type_is(k, &t, KERNEL_TYPE_LD_ABS), v.accepted);
		test_row = NULL;
	}
}

/* Everything that an instruction may want: numbers in all registers but the context's copy in r6, eight bytes of stack.
 */
static void add_prologue(struct bed_prog *p)
{
	bed_add(p, bed_op(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0));
	for (uint8_t r = 0; r < 10; r++)
		if (r != BPF_REG_6)
			bed_add(p, bed_op(BPF_ALU64 | BPF_MOV | BPF_K, r, 0, 0, 1));
	bed_add(p, bed_op(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -8, 1));
}

/* The row's instruction with operands that the prologue made fit. */
static struct bed_insn of_row(const struct isa_row *r)
{
	uint8_t dst = 0, src = 0;
	int16_t off = 0;
	int32_t imm = 0;

	switch ((enum isa_form)r->form) {
	case ISA_FORM_LDX:
		dst = BPF_REG_2;
		src = BPF_REG_10;
		off = -8;
		break;
	case ISA_FORM_STX:
		src = BPF_REG_3;
		__attribute__((fallthrough));
	case ISA_FORM_ST:
		dst = BPF_REG_10;
		off = -8;
		break;
	case ISA_FORM_RI:
	case ISA_FORM_JRI:
		dst = BPF_REG_2;
		imm = 1;
		break;
	case ISA_FORM_R:
		dst = BPF_REG_2;
		break;
	case ISA_FORM_LDIND:
		src = BPF_REG_3;
		break;
	case ISA_FORM_RR:
	case ISA_FORM_JRR:
		dst = BPF_REG_2;
		src = BPF_REG_3;
		break;
	default:
		break;
	}
	return bed_op(r->byte, dst, r->sel == ISA_SEL_SRC ? (uint8_t)r->value : src,
		      r->sel == ISA_SEL_OFF ? (int16_t)r->value : off, r->sel == ISA_SEL_IMM ? r->value : imm);
}

TEST(instructions_are_known_to_the_running_kernel_that_are_older)
{
	const struct kernel_profile *k = running();
	struct kernel_target t = { .prog_type = KPROG_SOCKET_FILTER };
	uint32_t tried = 0;

	for (size_t i = 0; i < isa_n_rows; i++) {
		const struct isa_row *r = &isa_rows[i];
		struct isa_insn in = { .sem = r->sem, .width = r->width, .form = r->form, .aux = r->aux };
		struct bed_prog p = { .n = 0 };
		struct bed_verdict v;

		/* those say more than their form does */
		if (r->sem == ISA_IMM64 || r->sem == ISA_CALL || r->sem == ISA_ADDR_CAST || r->sem == ISA_EXIT)
			continue;
		add_prologue(&p);
		bed_add(&p, of_row(r));
		bed_end(&p, 0);
		bed_load(&t, &p, BED_WHY, &v);
		test_row = r->name;
		CHECK_EQ(kernel_insn_since(&in) <= k->version, v.accepted);
		tried++;
		test_row = NULL;
	}
	CHECK(tried > 100);
}
