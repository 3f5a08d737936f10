/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile or broken program can and cannot do: memory, handles, maps, fuel, structure. */
#include "vmtest.h"

static const char *const loads[] = { "LDXB", "LDXH", "LDXW", "LDXDW" };
static const char *const stores[] = { "STXB", "STXH", "STXW", "STXDW" };
enum { WIN = 24 };

/* base: how r4 gets the address of the window's first byte. */
enum where { IN_CTX, IN_STACK, IN_ARRAY, N_WHERE };

struct world {
	struct prog_map defs[2];
	struct map *maps[2];
	_Alignas(8) uint8_t ctx[WIN];
};

static void world_init(struct world *w)
{
	*w = (struct world){ .defs = {
				     { .name = "counts",
				       .kind = PROG_MAP_ARRAY,
				       .key_size = 4,
				       .value_size = WIN,
				       .max_entries = 1 },
				     { .name = ".rodata",
				       .kind = PROG_MAP_ARRAY,
				       .key_size = 4,
				       .value_size = WIN,
				       .max_entries = 1,
				       .flags = PROG_MAP_RDONLY },
			     } };
	for (unsigned i = 0; i < 2; i++)
		CHECK_OK(map_new(&w->defs[i], &w->maps[i], NULL));
}

static void world_done(struct world *w)
{
	for (unsigned i = 0; i < 2; i++)
		map_free(w->maps[i]);
}

static struct code code_in(struct world *w)
{
	return (struct code){ .maps = w->defs, .map_objs = w->maps, .n_maps = 2 };
}

static void put_base(struct code *c, enum where where)
{
	switch (where) {
	case IN_CTX:
		mov(c, 4, 1);
		break;
	case IN_STACK: /* one frame: 512 bytes */
		mov(c, 4, 10);
		addi(c, 4, -VM_STACK_BYTES);
		break;
	default:
		(void)emit(c, "LDDW_MAP_VALUE", 4, 0, 0, 0);
	}
}

static enum err access_at(struct world *w, enum where where, const char *op, int64_t off, bool acc, struct outcome *o)
{
	struct code c = code_in(w);
	bool store = op[0] == 'S' || op[0] == 'A';

	put_base(&c, where);
	(void)emit(&c, "LDDW", 3, 0, 0, off);
	movi(&c, 2, 0);
	(void)emit(&c, "ADD64_REG", 4, 3, 0, 0);
	if (!acc)
		movi(&c, 3, 0);
	(void)emit(&c, op, store ? 4 : 0, store ? 2 : 4, 0, 0);
	movi(&c, 0, 0);
	exit_(&c);
	*o = run_code(&c, &(struct vm_run_args){ .ctx = w->ctx, .ctx_bytes = WIN, .ctx_writable = true });
	return o->err;
}

TEST(accesses_of_every_width_stop_exactly_at_every_edge)
{
	struct world w;
	struct outcome o;

	world_init(&w);
	for (enum where where = 0; where < N_WHERE; where++)
		for (unsigned i = 0; i < 4; i++)
			for (unsigned way = 0; way < 4; way++) {
				const char *op = (way & 1 ? stores : loads)[i];
				int64_t end = where == IN_STACK ? VM_STACK_BYTES : WIN, bytes = 1 << i;

				test_row = op;
				CHECK_OK(access_at(&w, where, op, 0, way & 2, &o));
				CHECK_OK(access_at(&w, where, op, end - bytes, way & 2, &o));
				for (int64_t past = 1; past <= bytes; past++)
					CHECK_EQ(access_at(&w, where, op, end - bytes + past, way & 2, &o), E_FAULT);
				for (int64_t before = -1; before >= -9; before--)
					CHECK_EQ(access_at(&w, where, op, before, way & 2, &o), E_FAULT);
				CHECK_EQ(access_at(&w, where, op, INT64_MIN, way & 2, &o), E_FAULT);
				CHECK_EQ(o.fault.insn, o.d.insn);
			}
	world_done(&w);
}

TEST(a_refused_access_is_explained_for_people)
{
	struct world w;
	struct outcome o;

	world_init(&w);
	CHECK_EQ(access_at(&w, IN_CTX, "LDXDW", WIN, false, &o), E_FAULT);
	CHECK_STR(o.d.text, "load of 8 bytes at context+24, 8 bytes past its end (24)");
	CHECK_EQ(o.d.family, 'X');
	CHECK_EQ(o.d.id, 301);
	CHECK_EQ(o.fault.addr, WIN);
	CHECK_EQ(access_at(&w, IN_CTX, "STXW", WIN - 1, false, &o), E_FAULT);
	CHECK_STR(o.d.text, "store of 4 bytes at context+23, 3 bytes past its end (24)");
	CHECK_EQ(access_at(&w, IN_CTX, "LDXB", -8, false, &o), E_FAULT);
	CHECK_STR(o.d.text, "load of 1 bytes at context-8, before its start");
	CHECK_EQ(access_at(&w, IN_ARRAY, "STXH", WIN + 8, false, &o), E_FAULT);
	CHECK_STR(o.d.text, "store of 2 bytes at map 'counts'+32, 10 bytes past its end (24)");
	CHECK_EQ(access_at(&w, IN_STACK, "LDXW", -4, false, &o), E_FAULT);
	CHECK_STR(o.d.text, "load of 4 bytes at the stack-4, before its start");
	world_done(&w);
}

TEST(numbers_and_null_are_not_pointers)
{
	static const uint64_t addr[] = { 0, 1, 8, 4096, UINT64_MAX, UINT64_MAX - 7, INT64_MAX, VM_MAP_REF };

	for (size_t i = 0; i < countof(addr); i++)
		for (unsigned w = 0; w < 8; w++) {
			struct code c = { 0 };
			struct outcome o;

			lddw(&c, 1, addr[i]);
			(void)emit(&c, w < 4 ? loads[w] : stores[w - 4], w < 4 ? 0 : 1, w < 4 ? 1 : 0, 0, 0);
			exit_(&c);
			o = run_code(&c, NULL);
			CHECK_EQ(o.err, E_FAULT);
			CHECK_EQ(o.fault.addr, addr[i]);
			CHECK_EQ(o.fault.insn, 2);
		}
}

TEST(read_only_memory_can_be_read_and_not_written)
{
	struct world w;

	world_init(&w);
	for (unsigned way = 0; way < 4; way++) {
		struct code c = code_in(&w);
		struct outcome o;

		movi(&c, 0, 0);
		if (way & 1)
			(void)emit(&c, "LDDW_MAP_VALUE", 1, 0, 0, 1);
		(void)emit(&c, way & 2 ? "STXW" : "LDXW", way & 2 ? 1 : 0, way & 2 ? 0 : 1, 0, 0);
		exit_(&c);
		o = run_code(&c, &(struct vm_run_args){ .ctx = w.ctx, .ctx_bytes = WIN });
		CHECK_EQ(o.err, way & 2 ? E_FAULT : E_OK);
		if (way == 2)
			CHECK_STR(o.d.text, "store of 4 bytes at context+0, which is read-only");
		if (way == 3)
			CHECK_STR(o.d.text, "store of 4 bytes at map '.rodata'+0, which is read-only");
	}
	world_done(&w);
}

TEST(atomics_that_are_not_aligned_or_outside_are_refused)
{
	static const char *const ops[] = { "ATOMIC_ADD32", "ATOMIC_ADD64", "STORE_REL32", "STORE_REL64",
					   "ATOMIC_CMPXCHG64" };
	struct world w;
	struct outcome o;

	world_init(&w);
	for (size_t i = 0; i < countof(ops); i++) {
		test_row = ops[i];
		CHECK_OK(access_at(&w, IN_CTX, ops[i], 8, false, &o));
		CHECK_EQ(access_at(&w, IN_CTX, ops[i], 2, false, &o), E_FAULT);
		CHECK_EQ(o.d.id, 302);
		CHECK_HAS(o.d.text, "context+2, which is not aligned");
		CHECK_EQ(access_at(&w, IN_CTX, ops[i], WIN, false, &o), E_FAULT);
		CHECK_EQ(o.d.id, 301);
	}
	CHECK_EQ(access_at(&w, IN_CTX, "LOAD_ACQ16", 1, false, &o), E_FAULT);
	world_done(&w);
}

TEST(without_a_context_r1_is_null_and_nothing_can_be_read_there)
{
	struct code c = { 0 };
	struct outcome o;

	mov(&c, 0, 1);
	(void)emit(&c, "ADD64_REG", 0, 2, 0, 0);
	exit_(&c);
	o = run_code(&c, &(struct vm_run_args){ .ctx_bytes = 64 });
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, 0);
	c.n = 0;
	ldx(&c, "LDXB", 0, 1, 0);
	exit_(&c);
	CHECK_EQ(run_code(&c, NULL).err, E_FAULT);
	CHECK_EQ(run_code(&c, &(struct vm_run_args){ .ctx = &c }).err, E_FAULT);
}

/* r0 = address of the callee's frame; then read it. */
TEST(a_frame_that_returned_is_gone)
{
	struct code c = { 0 };

	struct isa_insn *in = emit(&c, "CALL_LOCAL", 0, 0, 0, 0);
	ldx(&c, "LDXDW", 0, 0, -8);
	exit_(&c);
	in->imm = (int64_t)c.n - 1;
	mov(&c, 0, 10);
	exit_(&c);
	CHECK_EQ(run_code(&c, NULL).err, E_FAULT);
}

/* The top of the stack is where it was: nothing past r10 became readable. */
TEST(after_a_call_the_stack_ends_where_it_did)
{
	for (int32_t off = -8; off <= 512; off += 8) {
		struct code c = { 0 };

		struct isa_insn *in = emit(&c, "CALL_LOCAL", 0, 0, 0, 0);
		mov(&c, 2, 10);
		ldx(&c, "LDXDW", 0, 2, off);
		exit_(&c);
		in->imm = (int64_t)c.n - 1;
		movi(&c, 0, 0);
		exit_(&c);
		CHECK_EQ(run_code(&c, NULL).err, off < 0 ? E_OK : E_FAULT);
	}
}

/* Offsets from r10 itself are judged when the program is prepared; the answer is the same. */
TEST(offsets_from_r10_stop_at_both_ends_of_the_frame)
{
	for (unsigned i = 0; i < 8; i++)
		for (int32_t off = -VM_STACK_BYTES - 9; off <= 9; off++) {
			int32_t bytes = 1 << i % 4;
			struct code c = { 0 };

			if (off > -VM_STACK_BYTES + 9 && off < -9)
				continue;
			movi(&c, 0, 0);
			(void)emit(&c, i < 4 ? loads[i] : stores[i - 4], i < 4 ? 1 : 10, i < 4 ? 10 : 0, off, 0);
			exit_(&c);
			CHECK_EQ(run_code(&c, NULL).err, off >= -VM_STACK_BYTES && off + bytes <= 0 ? E_OK : E_FAULT);
		}
}

/* One function fills its frame, the next reads there: through r10, or through a copy of it. */
TEST(a_callee_does_not_see_what_the_one_before_left)
{
	for (int32_t way = 0; way < 3; way++) {
		struct code c = { 0 };
		struct isa_insn *first = emit(&c, "CALL_LOCAL", 0, 0, 0, 0),
				*second = emit(&c, "CALL_LOCAL", 0, 0, 0, 0);
		struct outcome o;

		exit_(&c);
		first->imm = c.n - 1;
		for (int32_t off = -8; off >= -VM_STACK_BYTES; off -= 8)
			(void)emit(&c, "STDW", 10, 0, off, -1);
		exit_(&c);
		second->imm = c.n - 2;
		mov(&c, 2, way == 1 ? 10 : 0);
		if (way == 2) {
			stx(&c, "STXDW", 10, -8, 10);
			ldx(&c, "LDXDW", 2, 10, -8);
		}
		ldx(&c, "LDXDW", 0, way ? 2 : 10, way ? -VM_STACK_BYTES : -64);
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_OK(o.err);
		CHECK_EQ(o.r0, 0);
	}
}

TEST(a_run_does_not_see_what_another_left_on_the_stack)
{
	struct code writer = { 0 }, reader = { 0 }, far = { 0 };
	struct vm_prog *vp[3];
	struct vm *v;
	uint64_t r0 = 1;

	for (int32_t off = -8; off >= -VM_STACK_BYTES; off -= 8)
		(void)emit(&writer, "STDW", 10, 0, off, -1);
	movi(&writer, 0, 0);
	exit_(&writer);
	ldx(&reader, "LDXDW", 0, 10, -72);
	exit_(&reader);
	mov(&far, 2, 10);
	addi(&far, 2, -VM_STACK_BYTES);
	ldx(&far, "LDXDW", 0, 2, 0);
	exit_(&far);
	CHECK_OK(prepare_code(&writer, &vp[0], NULL));
	CHECK_OK(prepare_code(&reader, &vp[1], NULL));
	CHECK_OK(prepare_code(&far, &vp[2], NULL));
	CHECK_OK(vm_new(&v));
	for (unsigned i = 0; i < 3; i++) {
		CHECK_OK(vm_run(v, vp[0], &(struct vm_run_args){ 0 }, &r0, NULL, NULL));
		CHECK_OK(vm_run(v, vp[i], &(struct vm_run_args){ 0 }, &r0, NULL, NULL));
		CHECK_EQ(r0, 0);
	}
	for (unsigned i = 0; i < 3; i++)
		vm_prog_free(vp[i]);
	vm_free(v);
}

TEST(endless_loops_end_with_their_fuel)
{
	static const uint64_t fuel[] = { 1, 2, 3, 10, 1000, 99999, 0 };

	for (size_t i = 0; i < countof(fuel); i++) {
		uint64_t given = fuel[i] ? fuel[i] : VM_FUEL_DEFAULT;
		struct code c = { 0 };
		struct outcome o;

		movi(&c, 0, 0);
		addi(&c, 0, 1);
		addi(&c, 0, 1);
		(void)emit(&c, "JNE64_IMM", 0, 0, -3, -1);
		exit_(&c);
		o = run_with(vm_interp_counted, &c, &(struct vm_run_args){ .fuel = fuel[i] });
		CHECK_EQ(o.err, E_FUEL);
		CHECK_EQ(o.d.id, 309);
		CHECK_EQ(o.fault.insn, 3);
		CHECK(o.executed <= given + c.n);
		CHECK(o.executed + 4 >= given);
	}
}

/* Random control flow, local calls included: whatever happens, not more than fuel + length instructions run. */
TEST(no_program_runs_longer_than_its_fuel_and_its_length)
{
	static const char *const jumps[] = { "JA", "JEQ64_IMM", "JSET64_IMM", "JLT64_IMM", "JNE32_REG", "JSGT32_IMM" };
	uint64_t seed = 7;
	unsigned ran_out = 0;

	for (unsigned round = 0; round < 3000; round++) {
		uint64_t fuel = 1 + rnd(&seed) % 300;
		struct code c = { 0 };
		struct outcome o;

		for (uint32_t i = 0; i < 40; i++) {
			uint64_t pick = rnd(&seed) % 8;
			uint32_t half = i < 20 ? 0 : 20; /* two functions */

			if (i == 19 || i == 39)
				exit_(&c);
			else if (pick < 3)
				(void)emit(&c, jumps[rnd(&seed) % countof(jumps)], (unsigned)(rnd(&seed) % 6), 2,
					   (int32_t)(half + rnd(&seed) % 20) - (int32_t)i - 1,
					   (int32_t)(rnd(&seed) % 8));
			else if (pick == 3)
				(void)emit(&c, "CALL_LOCAL", 0, 0, 0, 20 - (int64_t)i - 1);
			else
				addi(&c, (unsigned)(rnd(&seed) % 6), (int32_t)(rnd(&seed) % 5) - 2);
		}
		o = run_with(vm_interp_counted, &c, &(struct vm_run_args){ .fuel = fuel });
		CHECK(o.err == E_OK || o.err == E_FUEL || (o.err == E_FAULT && o.d.id == 303));
		CHECK(o.executed <= fuel + c.n);
		ran_out += o.err == E_FUEL;
	}
	CHECK(ran_out > 300);
}

TEST(recursion_stops_at_the_last_frame)
{
	for (int32_t depth = VM_MAX_FRAMES - 2; depth <= VM_MAX_FRAMES; depth++) {
		struct code c = { 0 };
		struct outcome o;

		movi(&c, 1, depth);
		(void)emit(&c, "JA", 0, 0, 0, 0);
		(void)emit(&c, "CALL_LOCAL", 0, 0, 0, 1); /* to slot 4 */
		exit_(&c);
		movi(&c, 0, 0);
		addi(&c, 1, -1);
		(void)emit(&c, "JEQ64_IMM", 1, 0, 1, 0);
		(void)emit(&c, "CALL_LOCAL", 0, 0, 0, -4);
		(void)emit(&c, "STDW", 10, 0, -VM_STACK_BYTES, 1);
		addi(&c, 0, 1);
		exit_(&c);
		o = run_code(&c, NULL);
		if (depth < VM_MAX_FRAMES) {
			CHECK_OK(o.err);
			CHECK_EQ(o.r0, depth);
		} else {
			CHECK_EQ(o.err, E_FAULT);
			CHECK_STR(o.d.text, "calls nested deeper than 8 frames");
			CHECK_EQ(o.fault.insn, 7);
		}
	}
}

/* --- helpers --- */

static uint64_t seen[ABI_MAX_ARGS];

static uint64_t remember(HELPER_ARGS(a, b, c, d, e))
{
	memcpy(seen, (uint64_t[]){ a, b, c, d, e }, sizeof seen);
	return 99;
}

static helper_fn *find_remember(uint32_t id)
{
	return id < 20 ? remember : NULL;
}

static const struct abi_helper protos[] = {
	{ .id = 10, .name = "mem_or_zero", .args = { ABI_ARG_MEM, ABI_ARG_SIZE_OR_ZERO } },
	{ .id = 11, .name = "fill", .args = { ABI_ARG_MEM_WRITE, ABI_ARG_SIZE } },
	{ .id = 12, .name = "on_ctx", .args = { ABI_ARG_CTX, ABI_ARG_SCALAR } },
	{ .id = 13, .name = "no_map", .args = { ABI_ARG_MAP_KEY } },
	{ .id = 14, .name = "no_size", .args = { ABI_ARG_MEM, ABI_ARG_SCALAR } },
	{ .id = 15, .name = "no_memory", .args = { ABI_ARG_SIZE } },
	{ .id = 16,
	  .name = "all_five",
	  .args = { ABI_ARG_SCALAR, ABI_ARG_SCALAR, ABI_ARG_SCALAR, ABI_ARG_SCALAR, ABI_ARG_MEM } },
	{ .id = 20, .name = "nobody_made_it", .args = { ABI_ARG_NONE } },
};
static const struct abi_profile tiny = { .name = "tiny", .helpers = protos, .n_helpers = countof(protos) };

static struct outcome call_tiny(uint32_t id, unsigned base, int32_t base_off, uint64_t size)
{
	struct code c = { .profile = &tiny, .lookup = find_remember };
	uint8_t ctx[WIN] = { 0 };

	lddw(&c, 2, size);
	mov(&c, 1, base);
	addi(&c, 1, base_off);
	call(&c, id);
	exit_(&c);
	return run_code(&c, &(struct vm_run_args){ .ctx = ctx, .ctx_bytes = WIN });
}

TEST(helper_memory_is_checked_whole_before_the_call)
{
	static const struct {
		const char *name;
		uint32_t id;
		unsigned base;
		int32_t off;
		uint64_t size;
		uint16_t want; /* 0 or the diagnostic */
			       // clang-format off
	} rows[] = {
		{ "all of the context", 10, 1, 0, WIN, 0 },
		{ "one byte more", 10, 1, 0, WIN + 1, 304 },
		{ "one byte before", 10, 1, -1, 2, 304 },
		{ "the last byte", 10, 1, WIN - 1, 1, 0 },
		{ "a size that wraps", 10, 1, 8, (uint64_t)-8, 305 },
		{ "a huge size", 10, 1, 0, UINT32_MAX, 304 },
		{ "a size over 32 bits", 10, 1, 0, 0x100000001, 305 },
		{ "zero where zero may be, from anywhere", 10, 1, 12345678, 0, 0 },
		{ "the whole frame", 10, 10, -VM_STACK_BYTES, VM_STACK_BYTES, 0 },
		{ "more than the frame", 10, 10, -VM_STACK_BYTES, VM_STACK_BYTES + 1, 304 },
		{ "writing to the stack", 11, 10, -8, 8, 0 },
		{ "writing to a context that is read-only", 11, 1, 0, 8, 304 },
		{ "zero where a byte must be", 11, 10, -8, 0, 305 },
		{ "the context", 12, 1, 0, 0, 0 },
		{ "the context, moved", 12, 1, 1, 0, 307 },
		{ "the stack for the context", 12, 10, 0, 0, 307 },
	};
	// clang-format on

	for (size_t i = 0; i < countof(rows); i++) {
		struct outcome o = call_tiny(rows[i].id, rows[i].base, rows[i].off, rows[i].size);

		test_row = rows[i].name;
		CHECK_EQ(o.err, rows[i].want ? E_FAULT : E_OK);
		if (rows[i].want)
			CHECK_EQ(o.d.id, rows[i].want);
		else
			CHECK_EQ(o.r0, 99);
	}
}

TEST(helpers_that_cannot_be_called_are_refused_before_running)
{
	static const struct {
		uint32_t id;
		uint16_t want;
	} rows[] = { { 1, 208 }, { 0, 208 }, { 13, 211 }, { 14, 211 }, { 15, 211 }, { 16, 211 }, { 20, 209 } };

	for (size_t i = 0; i < countof(rows); i++) {
		struct outcome o = call_tiny(rows[i].id, 1, 0, 0);

		CHECK_EQ(o.err, E_UNSUPPORTED);
		CHECK_EQ(o.d.id, rows[i].want);
		CHECK_EQ(o.d.insn, 4);
	}
}

TEST(a_forged_map_is_refused_and_a_true_one_found)
{
	static const uint64_t forged[] = {
		0, 1, 2, UINT64_MAX, VM_MAP_REF + 2, VM_MAP_REF - 1, VM_MAP_REF + UINT32_MAX
	};
	struct world w;
	struct outcome o;

	world_init(&w);
	for (size_t i = 0; i < countof(forged) + 1; i++) {
		struct code c = code_in(&w);

		if (i < countof(forged))
			lddw(&c, 1, forged[i]);
		else
			(void)emit(&c, "LDDW_MAP_FD", 1, 0, 0, 0);
		(void)emit(&c, "STW", 10, 0, -4, 0);
		mov(&c, 2, 10);
		addi(&c, 2, -4);
		call(&c, ABI_HELPER_map_lookup_elem);
		(void)emit(&c, "STDW", 0, 0, 16, 5);
		ldx(&c, "LDXDW", 0, 0, 16);
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_EQ(o.err, i < countof(forged) ? E_FAULT : E_OK);
		if (i < countof(forged))
			CHECK_EQ(o.d.id, 306);
		else
			CHECK_EQ(o.r0, 5);
	}
	world_done(&w);
}

TEST(map_keys_and_values_must_be_memory_of_their_size)
{
	struct world w;

	world_init(&w);
	for (int32_t key = -6; key <= 0; key++)
		for (int32_t value = -WIN - 2; value <= -WIN + 2; value++) {
			struct code c = code_in(&w);
			struct outcome o;

			(void)emit(&c, "STDW", 10, 0, -8, 0);
			(void)emit(&c, "LDDW_MAP_FD", 1, 0, 0, 0);
			mov(&c, 2, 10);
			addi(&c, 2, key);
			mov(&c, 3, 10);
			addi(&c, 3, value);
			movi(&c, 4, 0);
			call(&c, ABI_HELPER_map_update_elem);
			exit_(&c);
			o = run_code(&c, NULL);
			CHECK_EQ(o.err, key <= -4 && value <= -WIN ? E_OK : E_FAULT);
			if (o.err == E_OK)
				CHECK_EQ(o.r0, 0);
			else
				CHECK_EQ(o.d.id, 304);
		}
	world_done(&w);
}

TEST(forged_handles_are_faults)
{
	static const struct helper_str elements[] = { { "a", 1 }, { "b", 1 } };
	static const struct helper_value values[] = {
		{ .kind = HELPER_VALUE_STR, .len = 2, .p = "hi" },
		{ .kind = HELPER_VALUE_LIST, .len = 2, .list = elements },
		{ .kind = HELPER_VALUE_IP, .len = 4, .p = "\x7f\0\0\1" },
		{ .kind = HELPER_VALUE_NONE },
	};
	static const struct {
		uint64_t handle;
		bool ok;
		// clang-format off
	} rows[] = {
		{ 1, true }, { 2 | 1ull << 32, true }, { 2 | 2ull << 32, true }, { 0, false }, { 2, false }, { 3, false },
		{ 4, false }, { 5, false }, { UINT32_MAX, false }, { UINT64_MAX, false }, { 2 | 3ull << 32, false },
		{ 1 | 1ull << 32, false }, { 2 | 0xffffffffull << 32, false }, { 1ull << 32, false },
	};
	// clang-format on

	for (size_t i = 0; i < countof(rows); i++) {
		struct helper_env env = { .values = values, .n_values = countof(values), .bad_handle = true };
		struct code c = { 0 };
		struct outcome o;

		lddw(&c, 1, rows[i].handle);
		movi(&c, 2, 0);
		movi(&c, 3, 0);
		call(&c, ABI_HELPER_str_startswith);
		exit_(&c);
		o = run_code(&c, &(struct vm_run_args){ .env = &env });
		CHECK_EQ(o.err, rows[i].ok ? E_OK : E_FAULT);
		if (rows[i].ok)
			CHECK_EQ(o.r0, 1);
		else
			CHECK_EQ(o.d.id, 308);
		CHECK_EQ(run_code(&c, NULL).err, E_FAULT); /* no env: every handle is bad */
	}
}

/* --- structure --- */

// clang-format off
static void no_insns(struct code *c) { (void)c; }
static void jump_out(struct code *c) { (void)emit(c, "JA", 0, 0, 5, 0); exit_(c); }
static void jump_before(struct code *c) { (void)emit(c, "JEQ64_IMM", 0, 0, -2, 0); exit_(c); }
static void jump_into_pair(struct code *c) { (void)emit(c, "JA", 0, 0, 1, 0); lddw(c, 0, 0); exit_(c); }
static void no_end(struct code *c) { movi(c, 0, 0); }
static void ends_in_branch(struct code *c) { (void)emit(c, "JEQ64_IMM", 0, 0, -1, 0); }
static void ends_in_call(struct code *c) { (void)emit(c, "CALL_LOCAL", 0, 0, 0, -1); }
static void bad_sem(struct code *c) { movi(c, 0, 0); c->insns[0].sem = ISA_ADD; exit_(c); }
static void bad_row(struct code *c) { movi(c, 0, 0); c->insns[0].row = 9999; exit_(c); }
static void bad_dst(struct code *c) { movi(c, 11, 0); exit_(c); }
static void bad_src(struct code *c) { mov(c, 0, 11); exit_(c); }
static void half_imm64(struct code *c) { lddw(c, 0, 0); c->n--; exit_(c); }
static void imm64_at_end(struct code *c) { exit_(c); lddw(c, 0, 0); c->n--; }
static void lone_pad(struct code *c) { c->n++; exit_(c); }
static void no_such_map(struct code *c) { (void)emit(c, "LDDW_MAP_FD", 1, 0, 0, 2); exit_(c); }
static void negative_map(struct code *c) { (void)emit(c, "LDDW_MAP_VALUE", 1, 0, 0, -1); exit_(c); }
static void past_value(struct code *c) { (void)emit(c, "LDDW_MAP_VALUE", 1, 0, WIN + 1, 0); exit_(c); }
static void before_value(struct code *c) { (void)emit(c, "LDDW_MAP_VALUE", 1, 0, -1, 0); exit_(c); }
static void write_r10(struct code *c) { addi(c, 10, 1); exit_(c); }
static void load_r10(struct code *c) { ldx(c, "LDXDW", 10, 1, 0); exit_(c); }
static void fetch_r10(struct code *c) { stx(c, "ATOMIC_XCHG64", 10, -8, 10); exit_(c); }
static void call_out(struct code *c) { (void)emit(c, "CALL_LOCAL", 0, 0, 0, INT64_MAX); exit_(c); }
static void call_into_pair(struct code *c) { (void)emit(c, "CALL_LOCAL", 0, 0, 0, 1); lddw(c, 0, 0); exit_(c); }
// clang-format on
static void jump_across(struct code *c)
{
	(void)emit(c, "CALL_LOCAL", 0, 0, 0, 2);
	(void)emit(c, "JA", 0, 0, 1, 0);
	exit_(c);
	exit_(c);
}
static void falls_into_function(struct code *c)
{
	(void)emit(c, "CALL_LOCAL", 0, 0, 0, 1);
	movi(c, 0, 0);
	exit_(c);
}

TEST(programs_with_a_broken_structure_are_refused)
{
	static const struct {
		const char *name;
		void (*make)(struct code *c);
		uint16_t id;
		// clang-format off
	} rows[] = {
#define ROW(name, id) { #name, name, id }
		ROW(no_insns, 201), ROW(jump_out, 202), ROW(jump_before, 202), ROW(jump_into_pair, 202),
		ROW(no_end, 203), ROW(ends_in_branch, 203), ROW(ends_in_call, 203), ROW(bad_sem, 204), ROW(bad_row, 204),
		ROW(bad_dst, 204), ROW(bad_src, 204), ROW(half_imm64, 204), ROW(imm64_at_end, 204), ROW(lone_pad, 204),
		ROW(no_such_map, 205), ROW(negative_map, 205), ROW(past_value, 206), ROW(before_value, 206),
		ROW(write_r10, 210), ROW(load_r10, 210), ROW(fetch_r10, 210), ROW(call_out, 202),
		ROW(call_into_pair, 202), ROW(jump_across, 212), ROW(falls_into_function, 203),
#undef ROW
	};
	// clang-format on
	struct world w;

	world_init(&w);
	for (size_t i = 0; i < countof(rows); i++) {
		struct code c = code_in(&w);
		struct outcome o;

		test_row = rows[i].name;
		rows[i].make(&c);
		o = run_code(&c, NULL);
		CHECK_EQ(o.err, E_FORMAT);
		CHECK_EQ(o.d.id, rows[i].id);
		CHECK_EQ(o.d.family, 'X');
	}
	world_done(&w);
}

TEST(an_idle_vm_is_small)
{
	struct code c = { 0 };
	struct vm_prog *vp;

	movi(&c, 0, 0);
	exit_(&c);
	CHECK_OK(prepare_code(&c, &vp, NULL));
	CHECK(sizeof(struct vm) + vm_prog_bytes(vp) < 16384);
	vm_prog_free(vp);
}
