/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that want out, or never to end; and code that is long, blinded or refused. */
#include "bed.h"

#include "engine/jit/impl.h"

static struct jit_opts host(bool sandboxed)
{
	return (struct jit_opts){ .target = jit_host(), .sandboxed = sandboxed };
}

TEST(an_endless_loop_ends_where_the_interpreter_ends_it)
{
	static const char *const jumps[] = { "JA", "JA32", "JEQ64_IMM", "JSET32_IMM", "JGE64_REG" };

	for (size_t i = 0; i < countof(jumps); i++)
		for (uint64_t fuel = 1; fuel < 400; fuel = fuel * 3 + 1)
			for (int32_t body = 0; body < 3; body++) {
				struct code c = { 0 };

				test_row = jumps[i];
				movi(&c, 1, -1);
				movi(&c, 2, -1);
				for (int32_t k = 0; k < body; k++)
					addi(&c, 0, 1);
				(void)emit(&c, jumps[i], i < 2 ? 0 : 1, i == 4 ? 2 : 0, -1 - body, -1);
				exit_(&c);
				CHECK_EQ(bed_compare(BED_CHECKED | 1 << BED_VERIFIED_FUEL | 1 << BED_BLIND, &c,
						     &(struct bed_input){ .fuel = fuel })
						 .o.err,
					 E_FUEL);
			}
}

TEST(recursion_without_end_ends)
{
	struct code c = { 0 };

	movi(&c, 6, 1);
	(void)emit(&c, "CALL_LOCAL", 0, 0, 0, -2);
	exit_(&c);
	CHECK_EQ(bed_compare(BED_CHECKED, &c, &(struct bed_input){ 0 }).o.d.id, 303);
	for (uint64_t fuel = 1; fuel < 30; fuel++)
		(void)bed_compare(BED_CHECKED, &c, &(struct bed_input){ .fuel = fuel });
}

/* Far more code between a jump and its target than a conditional branch of aarch64 reaches (1 MiB), or a short one of
 * x86-64. */
TEST(jumps_reach_over_any_amount_of_code)
{
	enum { N = 300000 };
	struct prog p = { .name = "far", .section = "" };
	struct isa_insn *in = calloc(N + 8, sizeof *in);
	struct vm_prog_opts o = { .profile = &abi_sallyport };
	struct code c = { 0 };

	(void)emit(&c, "MOV64_IMM", 0, 0, 0, 1);
	(void)emit(&c, "JEQ64_IMM", 1, 0, N + 1, 0);
	(void)emit(&c, "JSET64_IMM", 1, 0, N, 1);
	(void)emit(&c, "XOR64_IMM", 0, 0, 0, 0x12345);
	memcpy(in, c.insns, 3 * sizeof *in);
	for (uint32_t i = 3; i < N + 3; i++)
		in[i] = c.insns[3];
	c.n = 0;
	(void)emit(&c, "ADD64_IMM", 0, 0, 0, 7);
	(void)emit(&c, "JSGT64_IMM", 0, 0, -N - 5, 1 << 30);
	(void)emit(&c, "EXIT", 0, 0, 0, 0);
	memcpy(in + N + 3, c.insns, 3 * sizeof *in);
	p.insns = in;
	p.n_insns = N + 6;
	for (unsigned sandboxed = 0; sandboxed < 2; sandboxed++)
		for (uint64_t arg = 0; arg < 3; arg++) {
			struct vm_run_args args = { .ctx = &args, .ctx_bytes = arg };
			struct jit_opts how = host(sandboxed);
			struct vm_prog *vp;
			struct jit_code code;
			struct jit_image *im;
			struct arena a;
			struct vm *v;
			uint64_t want, got;

			/* r1 is odd, even or null. */
			args.ctx = arg ? (void *)((uintptr_t)&args + (arg & 1)) : NULL;
			arena_init(&a, 256 << 20);
			CHECK_OK(vm_prog_new(&p, &o, &vp, NULL));
			CHECK_OK(vm_new(&v));
			CHECK_OK(vm_run(v, vp, &args, &want, NULL, NULL));
			CHECK_OK(jit_compile(vp, &how, &a, &code, NULL));
			CHECK_OK(jit_map(&code, 1, &im, NULL));
			CHECK_OK(jit_attach(vp, im, 0, NULL));
			CHECK_OK(vm_run(v, vp, &args, &got, NULL, NULL));
			CHECK_EQ(got, want);
			jit_detach(vp);
			vm_prog_free(vp);
			vm_free(v);
			jit_image_free(im);
			arena_done(&a);
		}
	free(in);
}

static bool contains(struct view code, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i + bytes <= code.len; i++)
		if (!memcmp(code.p + i, &v, bytes))
			return true;
	return false;
}

static struct jit_code compile(const struct code *c, const struct jit_opts *o, struct arena *a)
{
	struct vm_prog *vp;
	struct jit_code code;

	CHECK_OK(prepare_code(c, &vp, NULL));
	CHECK_OK(jit_compile(vp, o, a, &code, NULL));
	vm_prog_free(vp);
	return code;
}

/* What 16 bits of a constant look like in code: as bytes (x86-64), or in the field of a move (aarch64, bits 5 to 20).
 */
static bool shows(struct view code, uint16_t half)
{
	uint32_t word;

	if (jit_host() == JIT_X86_64)
		return contains(code, half, 2);
	for (size_t i = 0; i + 4 <= code.len; i += 4) {
		memcpy(&word, code.p + i, 4);
		if ((word >> 5 & 0xffff) == half && (word & 0x1f800000) == 0x12800000)
			return true;
	}
	return false;
}

TEST(blinded_code_shows_no_constant_and_differs_by_its_seed)
{
	struct jit_opts plain = host(true), blind = plain, other;
	struct jit_code p, b, o;
	struct code c = { 0 };
	struct arena a;

	lddw(&c, 0, UINT64_C(0x5bad5bad5bad5bad));
	(void)emit(&c, "MOV64_IMM", 2, 0, 0, 0x5bad5bad);
	(void)emit(&c, "ADD64_IMM", 0, 0, 0, 0x5bad5bad);
	(void)emit(&c, "XOR32_IMM", 2, 0, 0, 0x5bad5bad);
	(void)emit(&c, "STDW", 10, 0, -8, 0x5bad5bad);
	(void)emit(&c, "JEQ64_IMM", 0, 0, 0, 0x5bad5bad);
	(void)emit(&c, "ADD64_REG", 0, 2, 0, 0);
	exit_(&c);
	blind.blind = true;
	blind.seed = 3;
	other = blind;
	other.seed = 4;
	arena_init(&a, 1 << 20);
	p = compile(&c, &plain, &a);
	b = compile(&c, &blind, &a);
	o = compile(&c, &other, &a);
	CHECK(shows(p.code, 0x5bad));
	CHECK(!shows(b.code, 0x5bad));
	CHECK(!shows(o.code, 0x5bad));
	CHECK(b.code.len != o.code.len || memcmp(b.code.p, o.code.p, b.code.len) != 0);
	/* The same again is the same. */
	o = compile(&c, &blind, &a);
	CHECK_EQ(o.code.len, b.code.len);
	CHECK(!memcmp(o.code.p, b.code.p, b.code.len));
	arena_done(&a);
}

TEST(lines_cover_the_code_in_order)
{
	struct jit_opts o = host(true);
	struct code c = { 0 };
	struct jit_code code;
	struct arena a;
	bool seen[8] = { false };

	ldx(&c, "LDXW", 0, 1, 0);
	(void)emit(&c, "JEQ64_IMM", 0, 0, 1, 5);
	stx(&c, "STXW", 1, 4, 0);
	addi(&c, 0, 3);
	exit_(&c);
	arena_init(&a, 1 << 20);
	code = compile(&c, &o, &a);
	CHECK(code.n_lines > 0);
	CHECK_EQ(code.lines[0].native, 0);
	for (uint32_t i = 0; i < code.n_lines; i++) {
		CHECK(code.lines[i].native < code.code.len);
		CHECK(!i || code.lines[i].native > code.lines[i - 1].native);
		if (code.lines[i].insn != JIT_NO_INSN) {
			CHECK(code.lines[i].insn < c.n);
			seen[code.lines[i].insn] = true;
		}
	}
	for (uint32_t i = 0; i < 4; i++)
		CHECK(seen[i]);
	arena_done(&a);
}

TEST(aarch64_has_no_retpolines)
{
	struct jit_opts o = { .target = JIT_AARCH64, .retpoline = true };
	struct vm_prog *vp;
	struct jit_code code;
	struct code c = { 0 };
	struct arena a;
	struct diag d;

	diag_init(&d);
	arena_init(&a, 1 << 20);
	exit_(&c);
	CHECK_OK(prepare_code(&c, &vp, NULL));
	CHECK_EQ(jit_compile(vp, &o, &a, &code, &d), E_UNSUPPORTED);
	CHECK_EQ(d.family, 'J');
	CHECK_EQ(d.id, 101);
	vm_prog_free(vp);
	arena_done(&a);
}
