/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile programs in native code: each ends with an error that names its instruction, none with a signal; and what the
 * options promise of the bytes.
 */
#include "jittest.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static struct jt_end check_ends(const struct code *c, enum err want, uint64_t fuel)
{
	struct jt_end e = jt_compare(c, &(struct jt_input){ .fuel = fuel }, JT_CHECKING);

	CHECK_EQ(e.err, want);
	return e;
}

static const struct {
	const char *load, *store;
	int32_t bytes;
} sizes[] = { { "LDXB", "STXB", 1 }, { "LDXH", "STXH", 2 }, { "LDXW", "STXW", 4 }, { "LDXDW", "STXDW", 8 } };

/* The address in r3 is base + off; the frame's r10 is copied, so that nothing is known of it. */
static void access_once(struct code *c, unsigned base, int32_t off, const char *row, bool store)
{
	*c = (struct code){ 0 };
	movi(c, 0, 0);
	mov(c, 3, base);
	(void)emit(c, "MUL64_IMM", 0, 0, 0, 3);
	(void)emit(c, "ADD64_REG", 3, 0, 0, 0);
	if (store)
		stx(c, row, 3, off, 0);
	else
		ldx(c, row, 0, 3, off);
	movi(c, 0, 5);
	exit_(c);
}

static void check_edge(unsigned base, int32_t inside, int32_t outside, unsigned i)
{
	static struct code c;

	for (unsigned store = 0; store < 2; store++) {
		const char *row = store ? sizes[i].store : sizes[i].load;

		access_once(&c, base, inside, row, store);
		(void)check_ends(&c, E_OK, 0);
		access_once(&c, base, outside, row, store);
		CHECK_EQ(check_ends(&c, E_FAULT, 0).fault.insn, 4);
	}
}

TEST(an_access_one_byte_past_either_end_of_a_window_faults_there_and_the_last_one_inside_does_not)
{
	for (unsigned i = 0; i < countof(sizes); i++) {
		int32_t n = sizes[i].bytes;

		test_row = sizes[i].load;
		check_edge(1, 0, -1, i);
		check_edge(1, JT_CTX - n, JT_CTX - n + 1, i);
		check_edge(10, -n, -n + 1, i);
		check_edge(10, -VM_STACK_BYTES, -VM_STACK_BYTES - 1, i);
	}
}

TEST(rows_of_accesses_checked_at_once_still_fault_at_the_right_one)
{
	static struct code c;

	for (int32_t last = JT_CTX - 8; last <= JT_CTX; last += 4) {
		c = (struct code){ 0 };
		movi(&c, 0, 0);
		for (int32_t off = 0; off < 40; off += 8) {
			ldx(&c, "LDXDW", 2, 1, off);
			(void)emit(&c, "ADD64_REG", 0, 2, 0, 0);
		}
		ldx(&c, "LDXDW", 2, 1, last);
		stx(&c, "STXDW", 1, 8, 2);
		exit_(&c);
		(void)check_ends(&c, last == JT_CTX - 8 ? E_OK : E_FAULT, 0);
	}
}

TEST(a_store_to_a_context_that_may_not_be_written_faults)
{
	static struct code c;
	struct jt_end e;

	ldx(&c, "LDXDW", 2, 1, 0);
	stx(&c, "STXDW", 1, 8, 2);
	movi(&c, 0, 0);
	exit_(&c);
	e = jt_compare(&c, &(struct jt_input){ .read_only = true }, JT_CHECKING);
	CHECK_EQ(e.err, E_FAULT);
	CHECK_EQ(e.fault.insn, 1);
}

TEST(an_endless_loop_and_endless_recursion_end)
{
	static struct code loop, deep, self;

	movi(&loop, 0, 0);
	addi(&loop, 0, 1);
	(void)emit(&loop, "JA", 0, 0, -2, 0);
	(void)check_ends(&loop, E_FUEL, 12345);

	movi(&deep, 0, 0);
	(void)emit(&deep, "CALL_LOCAL", 0, 0, 0, 1);
	exit_(&deep);
	movi(&deep, 6, 1);
	stx(&deep, "STXDW", 10, -8, 6);
	(void)emit(&deep, "CALL_LOCAL", 0, 0, 0, -3);
	exit_(&deep);
	CHECK_EQ(check_ends(&deep, E_FAULT, 0).fault.insn, 5);
	(void)check_ends(&deep, E_FUEL, 10);

	(void)emit(&self, "CALL_LOCAL", 0, 0, 0, -1);
	exit_(&self);
	(void)check_ends(&self, E_FAULT, 0);
}

/* The first function calls itself until r1 is 0. */
TEST(the_first_function_can_be_called_too)
{
	static struct code c;
	struct jt_end e;

	(void)emit(&c, "JGT64_IMM", 1, 0, 4, 100);
	(void)emit(&c, "JEQ64_IMM", 1, 0, 4, 0);
	addi(&c, 1, -1);
	(void)emit(&c, "CALL_LOCAL", 0, 0, 0, -4);
	addi(&c, 0, 3);
	(void)emit(&c, "JA", 0, 0, 2, 0);
	movi(&c, 0, 1);
	exit_(&c);
	c.insns[0].off = 0;
	(void)emit(&c, "JA", 0, 0, -2, 0);
	c.insns[0] = isa_make(ISA_AND, 64, ISA_FORM_RI, 0);
	c.insns[0].dst = 1;
	c.insns[0].imm = 3;
	e = jt_compare(&c, &(struct jt_input){ 0 }, JT_ALL);
	CHECK_EQ(e.err, E_OK);
}

TEST(a_forged_map_reference_is_refused_where_it_is_used)
{
	static struct code c;

	lddw(&c, 1, VM_MAP_REF + 5);
	mov(&c, 2, 10);
	addi(&c, 2, -8);
	(void)emit(&c, "STDW", 10, 0, -8, 0);
	call(&c, 1);
	movi(&c, 0, 0);
	exit_(&c);
	CHECK_EQ(check_ends(&c, E_FAULT, 0).fault.insn, 5);
}

TEST(callx_calls_functions_and_faults_on_anything_else)
{
	static struct code c, bad;

	for (unsigned i = 0; i < 2; i++) {
		struct code *k = i ? &bad : &c;

		movi(k, 6, 1000);
		(void)emit(k, "LDDW_FUNC", 2, 0, 0, 7);
		movi(k, 1, 5);
		if (i)
			addi(k, 2, 1);
		else
			addi(k, 2, 0);
		(void)emit(k, "CALLX", 2, 0, 0, 0);
		(void)emit(k, "ADD64_REG", 0, 6, 0, 0);
		exit_(k);
		exit_(k);
		movi(k, 0, 7);
		exit_(k);
		movi(k, 6, 1);
		mov(k, 0, 1);
		addi(k, 0, 30);
		exit_(k);
		k->insns[1].imm = 11 - 2;
	}
	CHECK_EQ(jt_compare(&c, &(struct jt_input){ 0 }, JT_ALL).r0, 1035);
	CHECK_EQ(check_ends(&bad, E_FAULT, 0).fault.insn, 5);
}

TEST(may_goto_ends_a_loop_after_as_many_rounds_as_in_the_interpreter)
{
	static struct code c;
	struct jt_end e;

	movi(&c, 0, 0);
	(void)emit(&c, "MAY_GOTO", 0, 0, 2, 0);
	addi(&c, 0, 1);
	(void)emit(&c, "JA", 0, 0, -3, 0);
	exit_(&c);
	e = jt_compare(&c, &(struct jt_input){ .fuel = UINT64_C(1) << 40 }, 1 << 0 | 1 << 1 | 1 << 8);
	CHECK_EQ(e.r0, VM_MAY_GOTO_MAX);
	(void)check_ends(&c, E_FUEL, 1000);
}

/* --- options --- */

static struct jit_code compile_way(const struct code *c, unsigned way, struct arena *a, struct vm_prog **vp)
{
	struct jit_opts o = jt_opts(way);
	struct jit_code code = { 0 };
	struct diag d;

	diag_init(&d);
	CHECK_OK(prepare_code(c, vp, &d));
	CHECK_OK(jit_compile(*vp, &o, a, &code, &d));
	return code;
}

static bool has_bytes(struct view v, const void *p, size_t n)
{
	return memmem(v.p, v.len, p, n) != NULL;
}

static void uses_constants(struct code *c)
{
	lddw(c, 0, UINT64_C(0x1122334455667788));
	addi(c, 0, 0x13572468);
	(void)emit(c, "XOR64_IMM", 0, 0, 0, 0x24681357);
	(void)emit(c, "JEQ64_IMM", 0, 0, 1, 0x0badcafe);
	(void)emit(c, "STW", 10, 0, -4, 0x5ca1ab1e);
	movi(c, 1, 0x6f6f6f6f);
	(void)emit(c, "MUL64_REG", 0, 1, 0, 0);
	(void)emit(c, "DIV64_IMM", 0, 0, 0, 0x7a7b7c7d);
	exit_(c);
}

TEST(blinded_code_holds_no_constant_of_the_program_and_the_seed_changes_it)
{
	static const uint32_t constants[] = { 0x55667788, 0x13572468, 0x24681357, 0x0badcafe,
					      0x5ca1ab1e, 0x6f6f6f6f, 0x7a7b7c7d };
	static struct code c;
	struct vm_prog *vp[3];
	struct arena a;
	struct jit_code plain, blind;

	uses_constants(&c);
	arena_init(&a, JT_ARENA);
	plain = compile_way(&c, 0, &a, &vp[0]);
	for (unsigned sandboxed = 0; sandboxed < 2; sandboxed++) {
		blind = compile_way(&c, JT_BLIND | sandboxed, &a, &vp[1 + sandboxed]);
		for (size_t i = 0; i < countof(constants); i++) {
			CHECK(has_bytes(plain.code, &constants[i], 4));
			CHECK(!has_bytes(blind.code, &constants[i], 4));
		}
	}
	for (unsigned i = 0; i < 3; i++)
		vm_prog_free(vp[i]);
	arena_done(&a);
	(void)jt_compare(&c, &(struct jt_input){ 0 }, JT_ALL);
}

static uint64_t helper_seven(HELPER_ARGS(a))
{
	return 7;
}

static helper_fn *find_seven(uint32_t id)
{
	return id == 1 ? helper_seven : NULL;
}

static const struct abi_helper seven[] = { { .id = 1, .name = "seven", .ret = ABI_RET_SCALAR } };
static const struct abi_profile seven_profile = { .name = "seven", .helpers = seven, .n_helpers = 1 };

/* ff /2 and ff /4: call and jmp through memory or a register. A byte pair by chance would fail this too. */
static unsigned indirect_transfers(struct view v)
{
	unsigned n = 0;

	for (size_t i = 0; i + 1 < v.len; i++)
		n += v.p[i] == 0xff && ((v.p[i + 1] & 0x38) == 0x10 || (v.p[i + 1] & 0x38) == 0x20);
	return n;
}

TEST(guarded_code_has_no_indirect_call_or_jump)
{
	static struct code c;
	struct vm_prog *vp[2];
	struct jit_code plain, guarded;
	struct arena a;

	c.profile = &seven_profile;
	c.lookup = find_seven;
	call(&c, 1);
	addi(&c, 0, 1);
	exit_(&c);
	arena_init(&a, JT_ARENA);
	plain = compile_way(&c, 0, &a, &vp[0]);
	guarded = compile_way(&c, JT_GUARDED, &a, &vp[1]);
	CHECK(indirect_transfers(plain.code) > 0);
	CHECK_EQ(indirect_transfers(guarded.code), 0);
	vm_prog_free(vp[0]);
	vm_prog_free(vp[1]);
	arena_done(&a);
	CHECK_EQ(jt_compare(&c, &(struct jt_input){ 0 }, JT_ALL).r0, 8);
}

TEST(compiling_twice_gives_the_same_bytes)
{
	static struct code c;
	struct vm_prog *vp[2];
	struct jit_code one, two;
	struct arena a;

	uses_constants(&c);
	arena_init(&a, JT_ARENA);
	one = compile_way(&c, JT_SANDBOXED | JT_BLIND, &a, &vp[0]);
	two = compile_way(&c, JT_SANDBOXED | JT_BLIND, &a, &vp[1]);
	CHECK_EQ(one.code.len, two.code.len);
	CHECK_EQ(memcmp(one.code.p, two.code.p, one.code.len), 0);
	vm_prog_free(vp[0]);
	vm_prog_free(vp[1]);
	arena_done(&a);
}

/* --- images --- */

static int sealed(const struct buf *b, int seals)
{
	int fd = memfd_create("test-jit", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, b->p, b->len), (long long)b->len);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

enum { SEALED = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW };

static enum err try_map(const struct buf *b, int seals, struct diag *d)
{
	struct jit_image *im = NULL;
	int fd = sealed(b, seals);
	enum err e = jit_map_fd(fd, &im, d);

	jit_image_free(im);
	(void)close(fd);
	return e;
}

TEST(an_image_goes_through_a_sealed_file_and_a_damaged_or_open_one_is_refused)
{
	static struct code c;
	static const uint8_t key[32] = { 1, 2, 3 };
	struct jit_opts o = jt_opts(0);
	struct vm_prog *vp;
	struct jit_image *im = NULL;
	struct jit_code code;
	struct arena a;
	struct vm *v;
	struct buf b;
	struct diag d;
	uint64_t r0;
	int fd;

	movi(&c, 0, 42);
	exit_(&c);
	arena_init(&a, JT_ARENA);
	buf_init(&b, 1 << 20);
	diag_init(&d);
	code = compile_way(&c, 0, &a, &vp);
	CHECK_OK(jit_write(&code, 1, &o, key, &b, &d));
	fd = sealed(&b, SEALED);
	CHECK_OK(jit_map_fd(fd, &im, &d));
	(void)close(fd);
	CHECK_EQ(jit_image_count(im), 1);
	CHECK_EQ(memcmp(jit_image_key(im), key, 32), 0);
	CHECK_OK(jit_attach(vp, im, 0, &d));
	CHECK_OK(vm_new(&v));
	CHECK_OK(vm_run(v, vp, &(struct vm_run_args){ 0 }, &r0, NULL, &d));
	CHECK_EQ(r0, 42);
	CHECK_EQ(jit_attach(vp, im, 1, &d), E_FORMAT);
	CHECK_EQ(d.id, 104);
	jit_detach(vp);
	jit_image_free(im);

	CHECK_EQ(try_map(&b, F_SEAL_SHRINK | F_SEAL_GROW, &d), E_FORMAT);
	CHECK_EQ(d.id, 108);
	/* Any byte of header and row: what is read of it is refused or harmless. */
	for (size_t i = 0; i < 64 + 48 + 8; i++) {
		b.p[i] = (char)~b.p[i];
		(void)try_map(&b, SEALED, &d);
		b.p[i] = (char)~b.p[i];
	}
	b.p[0] = 'X';
	CHECK_EQ(try_map(&b, SEALED, &d), E_FORMAT);
	CHECK_EQ(d.id, 106);
	b.p[0] = 'S';
	b.len = 100;
	CHECK_EQ(try_map(&b, SEALED, &d), E_FORMAT);
	b.len = 0;
	CHECK_EQ(try_map(&b, SEALED, &d), E_LIMIT);
	vm_free(v);
	vm_prog_free(vp);
	buf_done(&b);
	arena_done(&a);
}

TEST(an_image_of_another_program_is_not_attached_and_an_unknown_target_not_compiled)
{
	static struct code c, longer;
	struct jit_opts o = jt_opts(0);
	struct vm_prog *vp, *other;
	struct jit_image *im = NULL;
	struct jit_code code;
	struct arena a;
	struct diag d;

	movi(&c, 0, 42);
	exit_(&c);
	movi(&longer, 0, 42);
	movi(&longer, 0, 43);
	exit_(&longer);
	arena_init(&a, JT_ARENA);
	diag_init(&d);
	code = compile_way(&c, 0, &a, &vp);
	CHECK_OK(jit_map(&code, 1, &im, &d));
	CHECK_OK(prepare_code(&longer, &other, &d));
	CHECK_EQ(jit_attach(other, im, 0, &d), E_FORMAT);
	o.target = JIT_N_TARGETS;
	CHECK_EQ(jit_compile(vp, &o, &a, &code, &d), E_UNSUPPORTED);
	CHECK_EQ(d.id, 103);
	vm_prog_free(vp);
	vm_prog_free(other);
	jit_image_free(im);
	arena_done(&a);
}

/* --- maps --- */

static struct map *array_of(uint32_t n, uint32_t value_size, struct prog_map *def)
{
	struct map *m = NULL;

	*def = (struct prog_map){
		.name = "a", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = value_size, .max_entries = n
	};
	CHECK_OK(map_new(def, &m, NULL));
	return m;
}

/* The key comes from the context; the value is read, changed and read again; what is not there gives 99. */
static void looks_up(struct code *c, const struct prog_map *def, struct map *const *m)
{
	*c = (struct code){ .maps = def, .map_objs = m, .n_maps = 1 };
	ldx(c, "LDXW", 6, 1, 0);
	stx(c, "STXW", 10, -4, 6);
	mov(c, 2, 10);
	addi(c, 2, -4);
	(void)emit(c, "LDDW_MAP_FD", 1, 0, 0, 0);
	call(c, 1);
	(void)emit(c, "JNE64_IMM", 0, 0, 2, 0);
	movi(c, 0, 99);
	exit_(c);
	ldx(c, "LDXDW", 7, 0, 0);
	(void)emit(c, "STDW", 0, 0, 0, 1000);
	ldx(c, "LDXDW", 8, 0, 0);
	stx(c, "STXDW", 0, 0, 7);
	mov(c, 0, 7);
	(void)emit(c, "ADD64_REG", 0, 8, 0, 0);
	exit_(c);
}

TEST(looking_up_in_an_array_gives_the_value_or_nothing)
{
	static const uint32_t value_sizes[] = { 8, 12, 16, 24, 40, 64 };
	static struct code c;

	for (size_t i = 0; i < countof(value_sizes); i++) {
		struct prog_map def;
		struct map *m = array_of(5, value_sizes[i], &def);
		struct jt_prog p;

		for (uint32_t k = 0; k < 5; k++) {
			uint64_t v[8] = { 100 + k };

			CHECK_OK(map_update(m, &k, v, MAP_ANY));
		}
		looks_up(&c, &def, &m);
		p = jt_prog(&c, JT_ALL);
		for (uint32_t k = 0; k < 7; k++) {
			uint32_t key = k == 6 ? UINT32_MAX : k;

			CHECK_EQ(jt_check(&p, &(struct jt_input){ .ctx = &key, .ctx_bytes = 4 }).r0,
				 k < 5 ? 1100 + k : 99);
		}
		jt_done(&p);
		map_free(m);
	}
}

TEST(an_image_is_not_attached_to_the_same_program_with_a_smaller_map)
{
	static struct code c, smaller;
	struct prog_map def, def2;
	struct map *m = array_of(5, 8, &def), *m2 = array_of(4, 8, &def2);
	struct vm_prog *vp, *other;
	struct jit_image *im = NULL;
	struct jit_code code;
	struct arena a;
	struct diag d;

	diag_init(&d);
	arena_init(&a, JT_ARENA);
	looks_up(&c, &def, &m);
	looks_up(&smaller, &def2, &m2);
	code = compile_way(&c, 0, &a, &vp);
	CHECK_OK(jit_map(&code, 1, &im, &d));
	CHECK_OK(prepare_code(&smaller, &other, &d));
	CHECK_EQ(jit_attach(other, im, 0, &d), E_FORMAT);
	CHECK_OK(jit_attach(vp, im, 0, &d));
	jit_detach(vp);
	vm_prog_free(vp);
	vm_prog_free(other);
	jit_image_free(im);
	arena_done(&a);
	map_free(m);
	map_free(m2);
}

static struct jt_end loop_to(uint32_t n, unsigned ways)
{
	static struct code c;

	c = (struct code){ 0 };
	mov(&c, 6, 1);
	movi(&c, 7, 5);
	(void)emit(&c, "MOV64_IMM", 1, 0, 0, (int32_t)n);
	(void)emit(&c, "LDDW_FUNC", 2, 0, 0, 0);
	mov(&c, 3, 10);
	addi(&c, 3, -16);
	(void)emit(&c, "STDW", 10, 0, -16, 0);
	movi(&c, 4, 0);
	call(&c, 181);
	ldx(&c, "LDXDW", 8, 10, -16);
	(void)emit(&c, "ADD64_REG", 0, 8, 0, 0);
	(void)emit(&c, "ADD64_REG", 0, 7, 0, 0);
	exit_(&c);
	c.insns[3].imm = (int64_t)c.n - 4;
	/* r1 the round, r2 the address of the sum */
	ldx(&c, "LDXDW", 3, 2, 0);
	(void)emit(&c, "ADD64_REG", 3, 1, 0, 0);
	stx(&c, "STXDW", 2, 0, 3);
	movi(&c, 7, 77);
	stx(&c, "STXDW", 10, -8, 3);
	movi(&c, 0, 0);
	exit_(&c);
	return jt_compare(&c, &(struct jt_input){ .fuel = 5000 }, ways);
}

TEST(a_callback_runs_natively_and_its_faults_and_fuel_are_the_interpreters)
{
	struct jt_end e = loop_to(10, JT_ALL);

	CHECK_EQ(e.err, E_OK);
	CHECK_EQ(e.r0, 10 + 45 + 5);
	CHECK_EQ(loop_to(100000, JT_CHECKING).err, E_FUEL);
}

TEST(perf_is_told_where_the_code_is)
{
	static struct code c;
	struct vm_prog *vp;
	struct jit_image *im = NULL;
	struct jit_opts o = jt_opts(0);
	struct diag d;
	char text[300] = { 0 }, want[300];
	int fds[2];

	movi(&c, 0, 1);
	exit_(&c);
	diag_init(&d);
	CHECK_OK(prepare_code(&c, &vp, &d));
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(jit_perf_map(vp, "x", fds[1]), E_NOT_FOUND);
	jt_attach(vp, &o, &im);
	CHECK_OK(jit_perf_map(vp, "x", fds[1]));
	CHECK_EQ(jit_perf_map(vp, "a\nb", fds[1]), E_INVALID);
	CHECK(read(fds[0], text, sizeof text - 1) > 0);
	(void)snprintf(want, sizeof want, "%llx ", (unsigned long long)(uintptr_t)vp->native.run);
	CHECK_HAS(text, want);
	CHECK_HAS(text, " bpf:x\n");
	(void)close(fds[0]);
	(void)close(fds[1]);
	jit_detach(vp);
	vm_prog_free(vp);
	jit_image_free(im);
}

/* --- tail calls --- */

static void calls_tail(struct code *c, const struct prog_map *def, struct map *const *m)
{
	*c = (struct code){ .maps = def, .map_objs = m, .n_maps = 1 };
	ldx(c, "LDXW", 3, 1, 0);
	movi(c, 7, 500);
	(void)emit(c, "LDDW_MAP_FD", 2, 0, 0, 0);
	call(c, 12);
	(void)emit(c, "ADD64_REG", 0, 7, 0, 0);
	exit_(c);
}

/* Reads its context and its stack. */
static void is_target(struct code *c)
{
	*c = (struct code){ 0 };
	ldx(c, "LDXW", 0, 1, 4);
	stx(c, "STXDW", 10, -8, 0);
	ldx(c, "LDXDW", 0, 10, -8);
	addi(c, 0, 7);
	exit_(c);
}

TEST(a_tail_call_ends_in_its_target_interpreted_or_native_and_goes_on_where_there_is_none)
{
	static struct code c, t;
	struct prog_map def = {
		.name = "p", .kind = PROG_MAP_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 3
	};
	struct map *m = NULL;
	struct vm_prog *interpreted, *native;
	struct jit_image *im = NULL;
	struct jit_opts o = jt_opts(JT_SANDBOXED);
	struct jt_prog p;
	struct diag d;

	diag_init(&d);
	CHECK_OK(map_new(&def, &m, NULL));
	is_target(&t);
	CHECK_OK(prepare_code(&t, &interpreted, &d));
	CHECK_OK(prepare_code(&t, &native, &d));
	jt_attach(native, &o, &im);
	CHECK_OK(vm_prog_array_set(m, 0, interpreted));
	CHECK_OK(vm_prog_array_set(m, 1, native));
	calls_tail(&c, &def, &m);
	p = jt_prog(&c, JT_ALL);
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t ctx[2] = { i, 30 };
		struct jt_end e = jt_check(&p, &(struct jt_input){ .ctx = ctx, .ctx_bytes = sizeof ctx });

		CHECK_EQ(e.err, E_OK);
		CHECK_EQ(e.r0, i < 2 ? 37 : 498);
	}
	jt_done(&p);
	map_free(m);
	jit_detach(native);
	vm_prog_free(native);
	vm_prog_free(interpreted);
	jit_image_free(im);
}

/* Each block leads to the one before it, so that liveness goes one block further in each pass. */
TEST(a_program_whose_liveness_needs_many_passes_is_compiled_rightly)
{
	static struct code c;
	struct jt_end e;
	uint32_t first;

	c = (struct code){ 0 };
	movi(&c, 5, 7);
	movi(&c, 8, 70);
	(void)emit(&c, "JA", 0, 0, 0, 0);
	first = c.n;
	mov(&c, 0, 5);
	(void)emit(&c, "ADD64_REG", 0, 8, 0, 0);
	exit_(&c);
	(void)emit(&c, "JA", 0, 0, (int32_t)first - (int32_t)c.n - 1, 0);
	for (unsigned i = 0; i < 40; i++) {
		mov(&c, 3, 5);
		addi(&c, 3, 1);
		(void)emit(&c, "JA", 0, 0, -4, 0);
	}
	c.insns[2].off = (int32_t)c.n - 3 - 3;
	e = jt_compare(&c, &(struct jt_input){ 0 }, JT_ALL);
	CHECK_EQ(e.err, E_OK);
	CHECK_EQ(e.r0, 77);
}
