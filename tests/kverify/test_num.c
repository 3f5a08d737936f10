/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers, release by release: what is known of a number holds for the number that a machine has there; what every
 * release concludes, and what only newer ones do; how the log shows it.
 */
#include "test.h"

#include "num_programs.h"

#include "engine/kverify/num_bits.h"

enum { PROGRAMS = 1500, SMALL = 1 << 4 };

/* ---- random programs, run ---- */

static bool holds(const struct knum *n, uint64_t v)
{
	return (v & ~n->t.mask) == n->t.value && v >= n->umin && v <= n->umax && (int64_t)v >= n->smin &&
	       (int64_t)v <= n->smax && (uint32_t)v >= n->umin32 && (uint32_t)v <= n->umax32 &&
	       (int32_t)v >= n->smin32 && (int32_t)v <= n->smax32;
}

static uint64_t signed_div(int64_t a, int64_t b, bool rest)
{
	if (!b)
		return rest ? (uint64_t)a : 0;
	if (b == -1)
		return rest ? 0 : 0 - (uint64_t)a;
	return (uint64_t)(rest ? a % b : a / b);
}

static uint64_t swapped(uint64_t v, unsigned bits)
{
	return __builtin_bswap64(v) >> (64 - bits);
}

static uint64_t run_alu(const struct isa_insn *in, uint64_t a, uint64_t b)
{
	bool is32 = in->width == 32;
	uint64_t top = in->width == 64 ? UINT64_MAX : (UINT64_C(1) << in->width) - 1, v;
	int64_t sa = is32 ? (int32_t)a : (int64_t)a, sb = is32 ? (int32_t)b : (int64_t)b;

	a &= top;
	b &= top;
	switch (in->sem) {
	case ISA_ADD:
		v = a + b;
		break;
	case ISA_SUB:
		v = a - b;
		break;
	case ISA_MUL:
		v = a * b;
		break;
	case ISA_DIV:
		v = b ? a / b : 0;
		break;
	case ISA_MOD:
		v = b ? a % b : a;
		break;
	case ISA_SDIV:
		v = signed_div(sa, sb, false);
		break;
	case ISA_SMOD:
		v = signed_div(sa, sb, true);
		break;
	case ISA_OR:
		v = a | b;
		break;
	case ISA_AND:
		v = a & b;
		break;
	case ISA_XOR:
		v = a ^ b;
		break;
	case ISA_LSH:
		v = a << (b & (in->width - 1u));
		break;
	case ISA_RSH:
		v = a >> (b & (in->width - 1u));
		break;
	case ISA_ARSH:
		v = (uint64_t)(sa >> (b & (in->width - 1u)));
		break;
	case ISA_NEG:
		v = 0 - a;
		break;
	case ISA_END_LE:
		v = a;
		break;
	default:
		v = swapped(a, in->width);
	}
	return v & top;
}

static bool run_jump(const struct isa_insn *in, uint64_t a, uint64_t b)
{
	bool is32 = in->width == 32;
	int64_t sa = is32 ? (int32_t)a : (int64_t)a, sb = is32 ? (int32_t)b : (int64_t)b;

	if (is32) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (in->sem) {
	case ISA_JEQ:
		return a == b;
	case ISA_JNE:
		return a != b;
	case ISA_JGT:
		return a > b;
	case ISA_JGE:
		return a >= b;
	case ISA_JLT:
		return a < b;
	case ISA_JLE:
		return a <= b;
	case ISA_JSGT:
		return sa > sb;
	case ISA_JSGE:
		return sa >= sb;
	case ISA_JSLT:
		return sa < sb;
	case ISA_JSLE:
		return sa <= sb;
	default:
		return a & b;
	}
}

struct machine {
	const struct knum_rules *r;
	struct knum n[ISA_N_REGS];
	uint64_t v[ISA_N_REGS];
};

static struct knum operand(const struct machine *m, const struct isa_insn *in, uint64_t *v)
{
	if (isa_b_is_imm(in)) {
		*v = (uint64_t)in->imm;
		return knum_const(m->r, *v);
	}
	*v = m->v[in->src];
	return m->n[in->src];
}

static void step_alu(struct machine *m, const struct isa_insn *in)
{
	struct knum *d = &m->n[in->dst], s;
	uint64_t b;

	if (in->sem == ISA_MOV) {
		m->v[in->dst] = (uint32_t)in->imm;
		*d = knum_const(m->r, (uint32_t)in->imm);
	} else if (in->sem == ISA_MOVSX) {
		unsigned rest = 64 - in->aux;

		m->v[in->dst] = (uint64_t)((int64_t)(m->v[in->src] << rest) >> rest);
		knum_sext(m->r, d, in->aux / 8, in->width == 32);
		if (in->width == 32) {
			m->v[in->dst] = (uint32_t)m->v[in->dst];
			knum_zext(m->r, d);
		}
	} else {
		s = in->form == ISA_FORM_R ? *d : operand(m, in, &b);
		if (in->form == ISA_FORM_R)
			b = 0;
		m->v[in->dst] = run_alu(in, m->v[in->dst], b);
		(void)knum_alu(m->r, in, d, s);
	}
}

/* The machine goes its way; what is known follows it. False: they disagree which way that is. */
static bool step_jump(struct machine *m, const struct isa_insn *in)
{
	bool imm = isa_b_is_imm(in), same = !imm && in->dst == in->src, taken;
	struct knum_split split;
	struct machine yes = *m;
	struct knum b, b_yes, *to = &b, *to_yes = &b_yes;
	uint64_t v;
	int way;

	b = b_yes = operand(m, in, &v);
	taken = run_jump(in, m->v[in->dst], v);
	way = knum_branch(m->r, in, &m->n[in->dst], &b, same, &split);
	if (way >= 0)
		return way == taken;
	if (!imm) {
		to = &m->n[in->src];
		to_yes = &yes.n[in->src];
	}
	if (knum_rule(m->r, KERNEL_NUM_TRY_BOTH)) {
		m->n[in->dst] = split.a_false;
		*to = split.b_false;
		yes.n[in->dst] = split.a_true;
		*to_yes = split.b_true;
	} else {
		knum_learn(m->r, in, &yes.n[in->dst], to_yes, &m->n[in->dst], to);
	}
	if (taken)
		*m = yes;
	return true;
}

static void follow(const struct kernel_profile *k, const struct knum_rules *r, uint64_t seed)
{
	struct machine m = { .r = r };
	struct num_program p;
	uint64_t rng = seed * 2 + 1;
	char row[64];

	num_program_make(&p, seed, true);
	for (unsigned i = 0; i < ISA_N_REGS; i++) {
		rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407u;
		m.v[i] = rng ^ rng >> 29;
		m.n[i] = knum_unknown(r);
	}
	for (uint32_t i = p.body - 3; i < p.body_end; i++) {
		const struct isa_insn *in = &p.insns[i];

		(void)snprintf(row, sizeof row, "%s: program %llu, instruction %u", k->name, (unsigned long long)seed,
			       i);
		test_row = row;
		if (isa_is_cond_jump(in))
			CHECK(step_jump(&m, in));
		else
			step_alu(&m, in);
		for (unsigned n = NUM_FIRST; n < NUM_FIRST + NUM_REGS; n++)
			CHECK(holds(&m.n[n], m.v[n]));
	}
	test_row = NULL;
}

TEST(what_is_known_of_a_number_holds_in_every_release)
{
	for (size_t i = 0; i < kernel_n_profiles; i++) {
		struct knum_rules r;

		knum_rules_init(&r, &kernel_profiles[i]);
		for (uint64_t seed = 0; seed < PROGRAMS; seed++)
			follow(&kernel_profiles[i], &r, seed);
	}
}

/* ---- bits and arcs, all of them at a small width ---- */

static bool has(struct kbits t, uint64_t v)
{
	return (v & ~t.mask) == t.value;
}

static void check_bits(const struct knum_rules *r, struct kbits a, struct kbits b)
{
	struct kbits sum = kbits_add(a, b), difference = kbits_sub(a, b), product = kbits_mul(r, a, b);
	struct kbits both = kbits_both(a, b), either = kbits_either(a, b);
	bool overlap = false;

	for (uint64_t x = 0; x < SMALL; x++) {
		if (!has(a, x))
			continue;
		CHECK(has(either, x));
		overlap |= has(b, x);
		CHECK(!has(b, x) || has(both, x));
		for (uint64_t y = 0; y < SMALL; y++)
			if (has(b, y))
				CHECK(has(sum, x + y) && has(difference, x - y) && has(product, x * y));
	}
	CHECK_EQ(kbits_overlap(a, b), overlap);
}

TEST(bits_of_sums_and_products_hold)
{
	for (size_t k = 0; k < kernel_n_profiles; k++) {
		struct knum_rules r;

		knum_rules_init(&r, &kernel_profiles[k]);
		for (uint64_t am = 0; am < SMALL; am++)
			for (uint64_t av = 0; av < SMALL; av++)
				for (uint64_t b = 0; b < SMALL * SMALL; b += 3)
					if (!(av & am) && !(b / SMALL & b % SMALL))
						check_bits(&r, (struct kbits){ av, am },
							   (struct kbits){ b / SMALL, b % SMALL });
	}
}

TEST(the_next_number_of_known_bits)
{
	for (uint64_t mask = 0; mask < SMALL; mask++)
		for (uint64_t value = 0; value < SMALL; value++)
			for (uint64_t z = 0; z < SMALL && !(value & mask); z++) {
				struct kbits t = { value, mask };
				uint64_t want = kbits_max(t);

				for (uint64_t v = SMALL; v-- > z + 1;)
					if (has(t, v))
						want = v;
				CHECK_EQ(kbits_next(t, z), z < value ? value : want);
			}
}

static bool on_arc(struct karc64 a, uint64_t v)
{
	return !karc64_empty(a) && v - a.base <= a.size;
}

/* Numbers round 0 and round the border of signs. */
static uint64_t near(unsigned i)
{
	return (i < 8 ? 0 : UINT64_C(1) << 63) + i % 8 - 4;
}

static void check_arcs(struct karc64 a, struct karc64 b)
{
	struct karc64 both = karc64_both(a, b), sum = karc64_add(a, b), minus = karc64_neg(a);
	struct knum n = { 0 };

	knum_put_arc64(&n, a);
	for (unsigned i = 0; i < 16; i++) {
		uint64_t x = near(i);

		if (!on_arc(a, x))
			continue;
		CHECK(x >= n.umin && x <= n.umax && (int64_t)x >= n.smin && (int64_t)x <= n.smax);
		CHECK(on_arc(minus, 0 - x));
		CHECK(!on_arc(b, x) || on_arc(both, x));
		CHECK(!karc64_within(b, a) || on_arc(b, x));
		for (unsigned k = 0; k < 16; k++)
			CHECK(!on_arc(b, near(k)) || on_arc(sum, x + near(k)));
	}
}

TEST(arcs_hold_what_is_on_both)
{
	for (unsigned i = 0; i < 16; i++)
		for (unsigned k = 0; k < 16; k++)
			for (unsigned l = 0; l < 16; l++)
				for (unsigned m = 0; m < 16; m++)
					check_arcs(karc64_unsigned(near(i), near(k)),
						   karc64_unsigned(near(l), near(m)));
}

/* ---- what releases conclude ---- */

static struct knum after(const char *release, enum isa_sem sem, unsigned width,
			 struct knum (*make)(const struct knum_rules *), int64_t imm)
{
	struct isa_insn in = isa_make(sem, width, ISA_FORM_RI, 0);
	struct knum_rules r;
	struct knum n;

	knum_rules_init(&r, kernel_profile(release));
	in.imm = imm;
	n = make(&r);
	(void)knum_alu(&r, &in, &n, knum_const(&r, (uint64_t)imm));
	return n;
}

static struct knum from_minus_5_to_5(const struct knum_rules *r)
{
	struct knum n = knum_unknown(r);

	knum_bound_s64(r, &n, -5, 5);
	return n;
}

TEST(products_of_negative_numbers_have_bounds_from_6_14_on)
{
	CHECK_EQ(after("6.12", ISA_MUL, 64, from_minus_5_to_5, 3).smax, INT64_MAX);
	CHECK_EQ(after("6.18", ISA_MUL, 64, from_minus_5_to_5, 3).smax, 15);
	CHECK_EQ(after("7.2", ISA_MUL, 64, from_minus_5_to_5, 3).smin, -15);
}

TEST(quotients_have_bounds_in_7_2)
{
	CHECK_EQ(after("6.18", ISA_SDIV, 64, from_minus_5_to_5, 2).smax, INT64_MAX);
	CHECK_EQ(after("7.2", ISA_SDIV, 64, from_minus_5_to_5, 2).smax, 2);
	CHECK_EQ(after("7.2", ISA_SDIV, 64, from_minus_5_to_5, 2).smin, -2);
}

/* Two numbers of which neither is a constant. */
static int decided(const char *release, enum isa_sem sem)
{
	struct isa_insn in = isa_make(sem, 64, ISA_FORM_JRR, 0);
	struct knum_split split;
	struct knum_rules r;
	struct knum a, b;

	knum_rules_init(&r, kernel_profile(release));
	a = knum_unknown(&r);
	b = a;
	knum_bound_u64(&r, &a, 1, 9);
	knum_bound_u64(&r, &b, 10, 20);
	return knum_branch(&r, &in, &a, &b, false, &split);
}

TEST(ranges_decide_branches_from_6_8_on)
{
	CHECK_EQ(decided("6.1", ISA_JLT), -1);
	CHECK_EQ(decided("6.12", ISA_JLT), 1);
	CHECK_EQ(decided("6.12", ISA_JEQ), 0);
	CHECK_EQ(decided("7.2", ISA_JGE), 0);
}

/* ---- the log ---- */

static const char *shown(const struct knum *n, bool old_style, char *text, size_t room)
{
	struct buf b;

	buf_init(&b, room);
	knum_print(n, old_style, &b);
	(void)snprintf(text, room, "%s", b.p);
	buf_done(&b);
	return text;
}

TEST(numbers_are_shown_as_the_log_has_them)
{
	struct knum_rules r;
	struct knum n;
	char text[256];

	knum_rules_init(&r, kernel_profile("6.12"));
	n = knum_bytes(&r, 1);
	CHECK_STR(shown(&n, false, text, sizeof text), "smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff)");
	n = knum_bytes(&r, 4);
	CHECK_STR(shown(&n, false, text, sizeof text), "smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)");
	n = from_minus_5_to_5(&r);
	CHECK_STR(shown(&n, false, text, sizeof text), "smin=smin32=-5,smax=smax32=5");
	knum_rules_init(&r, kernel_profile("6.1"));
	n = knum_bytes(&r, 1);
	CHECK_STR(shown(&n, true, text, sizeof text), "umax=255,var_off=(0x0; 0xff)");
}
