/* SPDX-License-Identifier: Apache-2.0 */
/* What the host gives to programs and does with them: tail calls, native code, timers, general helpers, diagnostics. */
#include "vmtest.h"

#include <errno.h>

/* --- tail calls --- */

enum { PROGRAMS = 4 };

struct chain {
	struct prog_map def;
	struct map *m;
	struct code code[PROGRAMS];
	struct vm_prog *vp[PROGRAMS];
	struct vm *v;
};

static void chain_init(struct chain *ch)
{
	*ch = (struct chain){ .def = { .name = "next",
				       .kind = PROG_MAP_PROG_ARRAY,
				       .key_size = 4,
				       .value_size = 4,
				       .max_entries = PROGRAMS } };
	CHECK_OK(map_new(&ch->def, &ch->m, NULL));
	for (unsigned i = 0; i < PROGRAMS; i++)
		ch->code[i] = (struct code){ .maps = &ch->def, .map_objs = &ch->m, .n_maps = 1 };
	CHECK_OK(vm_new(&ch->v));
}

static void chain_link(struct chain *ch)
{
	for (uint32_t i = 0; i < PROGRAMS; i++)
		if (ch->code[i].n) {
			CHECK_OK(prepare_code(&ch->code[i], &ch->vp[i], NULL));
			CHECK_OK(vm_prog_array_set(ch->m, i, ch->vp[i]));
		}
}

static void chain_done(struct chain *ch)
{
	for (unsigned i = 0; i < PROGRAMS; i++)
		vm_prog_free(ch->vp[i]);
	map_free(ch->m);
	vm_free(ch->v);
}

static struct outcome chain_run(struct chain *ch, uint64_t fuel)
{
	static uint8_t ctx[16] = { 40 };
	struct outcome o = { 0 };

	diag_init(&o.d);
	o.err = vm_run(ch->v, ch->vp[0], &(struct vm_run_args){ .ctx = ctx, .ctx_bytes = 16, .fuel = fuel }, &o.r0,
		       &o.fault, &o.d);
	return o;
}

/* r1 must be the context. */
static void tail_call(struct code *c, uint64_t index)
{
	(void)emit(c, "LDDW_MAP_FD", 2, 0, 0, 0);
	lddw(c, 3, index);
	call(c, ABI_HELPER_tail_call);
}

TEST(a_tail_call_ends_its_program_with_the_result_of_the_other)
{
	struct chain ch;

	chain_init(&ch);
	(void)emit(&ch.code[0], "STDW", 10, 0, -8, 99);
	movi(&ch.code[0], 6, 99);
	tail_call(&ch.code[0], 1 | 1ull << 32); /* the index has 32 bits */
	movi(&ch.code[0], 0, 1);
	exit_(&ch.code[0]);
	ldx(&ch.code[1], "LDXB", 0, 1, 0); /* the same context; its own clear frame and registers */
	ldx(&ch.code[1], "LDXDW", 3, 10, -8);
	(void)emit(&ch.code[1], "ADD64_REG", 0, 3, 0, 0);
	(void)emit(&ch.code[1], "ADD64_REG", 0, 6, 0, 0);
	(void)emit(&ch.code[1], "ADD64_REG", 0, 2, 0, 0);
	exit_(&ch.code[1]);
	chain_link(&ch);
	for (unsigned i = 0; i < 2; i++) {
		struct outcome o = chain_run(&ch, 0);

		CHECK_OK(o.err);
		CHECK_EQ(o.r0, 40 + 16);
	}
	chain_done(&ch);
}

TEST(a_tail_call_to_nothing_goes_on_behind_it)
{
	static const uint64_t index[] = { 2, PROGRAMS, UINT32_MAX, UINT64_MAX };
	static const struct abi_profile other = { .name = "other" };

	for (size_t i = 0; i < countof(index); i++) {
		struct chain ch;
		struct outcome o;

		chain_init(&ch);
		tail_call(&ch.code[0], index[i]);
		exit_(&ch.code[0]);
		movi(&ch.code[1], 0, 7);
		exit_(&ch.code[1]);
		chain_link(&ch);
		o = chain_run(&ch, 0);
		CHECK_OK(o.err);
		CHECK_EQ((int64_t)o.r0, -ENOENT);
		CHECK_EQ(vm_prog_array_set(ch.m, PROGRAMS, ch.vp[1]), E_INVALID);
		vm_prog_free(ch.vp[1]);
		ch.code[1].profile = &other; /* for another host: none here */
		ch.code[1].n_maps = 0;
		CHECK_OK(prepare_code(&ch.code[1], &ch.vp[1], NULL));
		CHECK_OK(vm_prog_array_set(ch.m, 2, ch.vp[1]));
		CHECK_EQ((int64_t)chain_run(&ch, 0).r0, -ENOENT);
		chain_done(&ch);
	}
}

/* Out of a function: the other program's result is what its caller gets, and the caller's registers are its own. */
TEST(a_tail_call_in_a_function_returns_to_its_caller)
{
	struct chain ch;
	struct outcome o;

	chain_init(&ch);
	movi(&ch.code[0], 7, 2);
	(void)emit(&ch.code[0], "CALL_LOCAL", 0, 0, 0, 2);
	(void)emit(&ch.code[0], "ADD64_REG", 0, 7, 0, 0);
	exit_(&ch.code[0]);
	tail_call(&ch.code[0], 1);
	exit_(&ch.code[0]);
	movi(&ch.code[1], 7, 500);
	movi(&ch.code[1], 0, 40);
	exit_(&ch.code[1]);
	chain_link(&ch);
	o = chain_run(&ch, 0);
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, 42);
	chain_done(&ch);
}

TEST(tail_calls_end_after_as_many_as_the_kernel_allows)
{
	struct chain ch;
	struct outcome o;

	chain_init(&ch);
	tail_call(&ch.code[0], 0);
	exit_(&ch.code[0]);
	chain_link(&ch);
	o = chain_run(&ch, 0);
	CHECK_OK(o.err);
	CHECK_EQ((int64_t)o.r0, -ELOOP);
	CHECK_EQ(ch.v->run.tail_calls, VM_MAX_TAIL_CALLS);
	CHECK_EQ(chain_run(&ch, 20).err, E_FUEL);
	o = chain_run(&ch, 0); /* a run begins anew */
	CHECK_EQ((int64_t)o.r0, -ELOOP);
	chain_done(&ch);
}

TEST(a_fault_after_a_tail_call_is_told_of_the_program_that_had_it)
{
	struct chain ch;
	struct outcome o;

	chain_init(&ch);
	tail_call(&ch.code[0], 1);
	exit_(&ch.code[0]);
	movi(&ch.code[1], 0, 0);
	ldx(&ch.code[1], "LDXB", 0, 1, 16);
	exit_(&ch.code[1]);
	chain_link(&ch);
	o = chain_run(&ch, 0);
	CHECK_EQ(o.err, E_FAULT);
	CHECK_EQ(o.fault.insn, 1);
	CHECK_STR(o.d.text, "load of 1 bytes at context+16, 1 bytes past its end (16)");
	chain_done(&ch);
}

TEST(tail_calls_check_what_they_are_given)
{
	static const struct {
		unsigned ctx;
		uint64_t map;
		uint16_t want;
	} rows[] = { { 10, VM_MAP_REF, 307 }, { 1, VM_MAP_REF + 1, 306 }, { 1, 0, 306 }, { 1, VM_FUNC_REF, 306 } };

	for (size_t i = 0; i < countof(rows); i++) {
		struct chain ch;
		struct outcome o;

		chain_init(&ch);
		mov(&ch.code[0], 1, rows[i].ctx);
		lddw(&ch.code[0], 2, rows[i].map);
		movi(&ch.code[0], 3, 0);
		call(&ch.code[0], ABI_HELPER_tail_call);
		exit_(&ch.code[0]);
		chain_link(&ch);
		o = chain_run(&ch, 0);
		CHECK_EQ(o.err, E_FAULT);
		CHECK_EQ(o.d.id, rows[i].want);
		chain_done(&ch);
	}
}

/* --- native code --- */

/* What a compiler would make of: r0 = tail_call(...); r0 += 1; exit, for the program of the test below. */
static enum err native_tail(struct vm_run_state *run)
{
	bool left = false;

	run->r[2] = VM_MAP_REF;
	run->r[3] = 1;
	TRY(vm_native_tail(run, 4, &left));
	run->r[0] += !left;
	return E_OK;
}

static enum err native_callback(struct vm_run_state *run)
{
	assert(run->entry == (const void *)native_callback);
	run->r[0] = run->r[1] == 5;
	return E_OK;
}

static enum err native_fault(struct vm_run_state *run)
{
	run->at = &run->vp->ops[1];
	return vm_access_slow(run, run->ctx + 16, 4, true) ? E_OK : E_FAULT;
}

TEST(native_and_interpreted_programs_follow_each_other)
{
	const void *entries[] = { (const void *)native_callback };
	struct chain ch;
	struct outcome o;

	chain_init(&ch);
	tail_call(&ch.code[0], 1);
	addi(&ch.code[0], 0, 1);
	exit_(&ch.code[0]);
	mov(&ch.code[1], 0, 2);
	exit_(&ch.code[1]);
	chain_link(&ch);
	vm_prog_set_native(ch.vp[0], &(struct vm_native){ .run = native_tail });
	o = chain_run(&ch, 0);
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, 16);
	CHECK_OK(vm_prog_array_set(ch.m, 1, NULL));
	CHECK_EQ((int64_t)chain_run(&ch, 0).r0, 1 - ENOENT);
	CHECK_OK(vm_prog_array_set(ch.m, 1, ch.vp[1]));
	vm_prog_set_native(ch.vp[1], &(struct vm_native){
					     .callback = native_callback, .run = native_callback, .entries = entries });
	CHECK_EQ(chain_run(&ch, 0).r0, 0); /* r1 is the context, not 5 */
	vm_prog_set_native(ch.vp[0], &(struct vm_native){ .run = native_fault });
	o = chain_run(&ch, 0);
	CHECK_EQ(o.err, E_FAULT);
	CHECK_EQ(o.fault.insn, 1);
	CHECK_STR(o.d.text, "store of 4 bytes at context+16, 4 bytes past its end (16)");
	vm_prog_set_native(ch.vp[0], NULL);
	vm_prog_set_native(ch.vp[1], NULL);
	CHECK_EQ(chain_run(&ch, 0).r0, 16);
	chain_done(&ch);
}

/* --- timers --- */

enum { VALUE = 32, AT = 8 }; /* the timer's offset */

struct clock {
	struct prog_map def;
	struct map *m;
	struct code code;
	struct vm_prog *vp;
	struct vm *v;
	struct vm_timers *t;
	struct helper_env env;
	uint64_t now;
	struct outcome o;
};

static uint64_t read_clock(struct helper_env *env)
{
	return *(uint64_t *)env->host;
}

/*
 * A program that does with the timer of element *(u32 *)ctx what *(u64 *)(ctx + 8) says: 1 init, set_callback and
 * start in 100; 2 cancel; else write the number over the timer and cancel.
 * The callback adds its key + 1 to the first 8 bytes of its value.
 */
static void clock_code(struct code *c)
{
	uint32_t at;

	mov(c, 6, 1);
	mov(c, 2, 1);
	(void)emit(c, "LDDW_MAP_FD", 1, 0, 0, 0);
	call(c, ABI_HELPER_map_lookup_elem);
	(void)emit(c, "JNE64_IMM", 0, 0, 2, 0);
	movi(c, 0, 1000);
	exit_(c);
	mov(c, 7, 0);
	addi(c, 7, AT);
	mov(c, 1, 7);
	ldx(c, "LDXDW", 3, 6, 8);
	(void)emit(c, "JEQ64_IMM", 3, 0, 5, 1);
	(void)emit(c, "JEQ64_IMM", 3, 0, 2, 2);
	stx(c, "STXDW", 7, 0, 3);
	mov(c, 0, 3);
	call(c, ABI_HELPER_timer_cancel);
	exit_(c);
	(void)emit(c, "LDDW_MAP_FD", 2, 0, 0, 0);
	movi(c, 3, 1);
	call(c, ABI_HELPER_timer_init);
	(void)emit(c, "JNE64_IMM", 0, 0, 8, 0);
	mov(c, 1, 7);
	at = c->n;
	(void)emit(c, "LDDW_FUNC", 2, 0, 0, 0);
	call(c, ABI_HELPER_timer_set_callback);
	mov(c, 1, 7);
	movi(c, 2, 100);
	movi(c, 3, 0);
	call(c, ABI_HELPER_timer_start);
	exit_(c);
	c->insns[at].imm = c->n - at - 1;
	ldx(c, "LDXW", 4, 2, 0);
	addi(c, 4, 1);
	ldx(c, "LDXDW", 5, 3, 0);
	(void)emit(c, "ADD64_REG", 5, 4, 0, 0);
	stx(c, "STXDW", 3, 0, 5);
	movi(c, 0, 0);
	exit_(c);
}

static void clock_init(struct clock *k, uint32_t kind, uint32_t max)
{
	*k = (struct clock){ .def = { .name = "m", .kind = kind, .key_size = 4, .value_size = VALUE, .max_entries = 8 },
			     .now = 1000 };
	CHECK_OK(map_new(&k->def, &k->m, NULL));
	for (uint32_t i = 0; i < 8; i++)
		CHECK_OK(map_update(k->m, &i, (uint8_t[VALUE]){ 0 }, MAP_ANY));
	k->code = (struct code){ .maps = &k->def, .map_objs = &k->m, .n_maps = 1 };
	clock_code(&k->code);
	CHECK_OK(prepare_code(&k->code, &k->vp, NULL));
	CHECK_OK(vm_new(&k->v));
	CHECK_OK(vm_timers_new(max, &k->t));
	k->env = (struct helper_env){ .host = &k->now, .now_ns = read_clock, .timers = k->t };
}

static void clock_done(struct clock *k)
{
	vm_timers_free(k->t);
	vm_free(k->v);
	vm_prog_free(k->vp);
	map_free(k->m);
}

static int64_t clock_do(struct clock *k, uint32_t element, uint64_t what)
{
	uint64_t ctx[2] = { element, what };

	diag_init(&k->o.d);
	k->o.err = vm_run(k->v, k->vp, &(struct vm_run_args){ .ctx = ctx, .ctx_bytes = 16, .env = &k->env }, &k->o.r0,
			  &k->o.fault, &k->o.d);
	CHECK_OK(k->o.err);
	return (int64_t)k->o.r0;
}

static uint32_t clock_run(struct clock *k, uint64_t now)
{
	uint32_t n;

	CHECK_OK(vm_timers_run(k->t, k->v, now, &(struct vm_run_args){ .env = &k->env }, &n, NULL, NULL));
	return n;
}

static uint64_t *element(struct clock *k, uint32_t i)
{
	return map_lookup(k->m, &i);
}

static const uint32_t timer_kinds[] = { PROG_MAP_ARRAY, PROG_MAP_HASH, PROG_MAP_LRU_HASH };

TEST(timers_run_when_they_are_due_and_once)
{
	for (size_t i = 0; i < countof(timer_kinds); i++) {
		struct clock k;

		clock_init(&k, timer_kinds[i], 8);
		CHECK_EQ(vm_timers_next_ns(k.t), UINT64_MAX);
		CHECK_EQ(clock_do(&k, 2, 1), 0);
		k.now = 1050;
		CHECK_EQ(clock_do(&k, 4, 1), 0);
		k.now = 900;
		CHECK_EQ(clock_do(&k, 5, 1), 0);
		CHECK_EQ(clock_do(&k, 5, 1), -EBUSY);
		CHECK_EQ(vm_timers_next_ns(k.t), 1000);
		CHECK_EQ(clock_run(&k, 999), 0);
		CHECK_EQ(clock_run(&k, 1100), 2);
		CHECK_EQ(*element(&k, 2), 3);
		CHECK_EQ(*element(&k, 5), 6);
		CHECK_EQ(*element(&k, 4), 0);
		CHECK_EQ(clock_run(&k, 1149), 0);
		CHECK_EQ(clock_do(&k, 4, 2), 1); /* cancelled */
		CHECK_EQ(clock_do(&k, 4, 2), 0);
		CHECK_EQ(clock_run(&k, 5000), 0);
		CHECK_EQ(vm_timers_next_ns(k.t), UINT64_MAX);
		clock_done(&k);
	}
}

TEST(copied_and_forged_timers_are_none)
{
	for (size_t i = 0; i < countof(timer_kinds); i++) {
		struct clock k;

		clock_init(&k, timer_kinds[i], 8);
		CHECK_EQ(clock_do(&k, 0, 1), 0);
		memcpy(element(&k, 1), element(&k, 0), VALUE); /* the whole value, timer and all */
		CHECK_EQ(clock_do(&k, 1, 2), -EINVAL);
		CHECK_EQ(clock_do(&k, 2, 1 | 1ull << 40), -EINVAL); /* bytes of its own making */
		CHECK_EQ(clock_do(&k, 0, 7), -EINVAL);              /* its own timer overwritten: given up */
		CHECK_EQ(clock_run(&k, 5000), 0);
		CHECK_EQ(clock_do(&k, 0, 1), 0); /* and may be made again */
		CHECK_EQ(clock_run(&k, 5000), 1);
		clock_done(&k);
	}
}

TEST(the_timer_of_an_element_that_is_gone_does_not_run)
{
	for (size_t i = 1; i < countof(timer_kinds); i++) {
		uint32_t key = 3, other = 99;
		struct clock k;

		clock_init(&k, timer_kinds[i], 8);
		CHECK_EQ(clock_do(&k, key, 1), 0);
		CHECK_EQ(clock_do(&k, 4, 1), 0);
		CHECK_OK(map_delete(k.m, &key));
		CHECK_EQ(clock_do(&k, key, 1), 1000);                              /* not there */
		CHECK_OK(map_update(k.m, &other, (uint8_t[VALUE]){ 0 }, MAP_ANY)); /* its memory again */
		CHECK_EQ(clock_do(&k, other, 2), -EINVAL);
		CHECK_EQ(clock_run(&k, 5000), 1);
		CHECK_EQ(*element(&k, 4), 5);
		CHECK_EQ(*element(&k, other), 0);
		clock_done(&k);
	}
}

TEST(timers_end_with_their_program_and_their_number)
{
	struct clock k;

	clock_init(&k, PROG_MAP_ARRAY, 2);
	CHECK_EQ(clock_do(&k, 0, 1), 0);
	CHECK_EQ(clock_do(&k, 1, 1), 0);
	CHECK_EQ(clock_do(&k, 2, 1), -ENOMEM);
	vm_timers_drop(k.t, k.vp);
	CHECK_EQ(clock_run(&k, 5000), 0);
	CHECK_EQ(clock_do(&k, 2, 1), 0);
	k.env.timers = NULL;
	CHECK_EQ(clock_do(&k, 3, 1), -EPERM);
	CHECK_EQ(clock_do(&k, 2, 2), -EINVAL);
	clock_done(&k);
}

TEST(a_timer_must_lie_whole_in_one_value)
{
	static const struct {
		int32_t off;
		uint16_t want;
	} rows[] = { { 0, 0 },    { 16, 0 },   { 17, 313 },  { 4, 313 },
		     { 24, 313 }, { -8, 313 }, { VALUE, 0 }, { 8 * VALUE, 313 } };

	for (size_t i = 0; i < countof(rows); i++) {
		struct clock k;
		struct outcome o;
		struct code c;

		clock_init(&k, PROG_MAP_ARRAY, 2);
		c = (struct code){ .maps = &k.def, .map_objs = &k.m, .n_maps = 1 };
		(void)emit(&c, "LDDW_MAP_VALUE", 1, 0, 0, 0);
		addi(&c, 1, rows[i].off);
		call(&c, ABI_HELPER_timer_cancel);
		exit_(&c);
		o = run_code(&c, &(struct vm_run_args){ .env = &k.env });
		CHECK_EQ(o.err, rows[i].want ? E_FAULT : E_OK);
		if (rows[i].want)
			CHECK_EQ(o.d.id, rows[i].want);
		clock_done(&k);
	}
}

/* --- general helpers --- */

static char printed[2048];

static void print(struct helper_env *env, const char *text, size_t len)
{
	(void)env;
	(void)snprintf(printed, sizeof printed, "%.*s", (int)len, text);
}

static uint32_t seven(struct helper_env *env)
{
	(void)env;
	return 7;
}

TEST(the_host_gives_time_cpu_and_random_numbers)
{
	static const struct {
		uint32_t id;
		uint64_t want;
	} rows[] = { { ABI_HELPER_ktime_get_ns, 123 },
		     { ABI_HELPER_get_prandom_u32, 7 },
		     { ABI_HELPER_get_smp_processor_id, 3 } };
	uint64_t now = 123;

	for (size_t i = 0; i < countof(rows); i++) {
		struct helper_env env = { .host = &now, .now_ns = read_clock, .random = seven, .cpu = 3 };
		struct code c = { 0 };

		call(&c, rows[i].id);
		exit_(&c);
		CHECK_EQ(run_code(&c, &(struct vm_run_args){ .env = &env }).r0, rows[i].want);
		CHECK_EQ(run_code(&c, NULL).r0, 0);
	}
}

TEST(numbers_are_read_from_text_as_the_kernel_does)
{
	static const struct {
		const char *text;
		uint64_t flags;
		int64_t ret_l, ret_ul;
		int64_t value;
	} rows[] = {
		{ "42 rest", 0, 2, 2, 42 },
		{ " \t-17x", 10, 5, -EINVAL, -17 },
		{ "0x1fG", 0, 4, 4, 31 },
		{ "0x1f", 16, 4, 4, 31 },
		{ "1F", 16, 2, 2, 31 },
		{ "017", 0, 3, 3, 15 },
		{ "08", 0, 1, 1, 0 },
		{ "0x", 0, 1, 1, 0 },
		{ "19", 8, 1, 1, 1 },
		{ "-9223372036854775808", 0, 20, -EINVAL, INT64_MIN },
		{ "-9223372036854775809", 0, -ERANGE, -EINVAL, 0 },
		{ "9223372036854775808", 0, -ERANGE, 19, INT64_MIN },
		{ "18446744073709551616", 0, -ERANGE, -ERANGE, 0 },
		{ "x", 0, -EINVAL, -EINVAL, 0 },
		{ "-", 0, -EINVAL, -EINVAL, 0 },
		{ "   ", 0, -EINVAL, -EINVAL, 0 },
		{ "5", 2, -EINVAL, -EINVAL, 0 },
		{ "5", 32, -EINVAL, -EINVAL, 0 },
	};
	struct helper_env env = { 0 };

	for (size_t i = 0; i < countof(rows); i++)
		for (unsigned is_long = 0; is_long < 2; is_long++) {
			uint64_t out = 99, mem = (uint64_t)(uintptr_t)rows[i].text;
			helper_fn *fn = helper_lookup(is_long ? ABI_HELPER_strtol : ABI_HELPER_strtoul);
			int64_t want = is_long ? rows[i].ret_l : rows[i].ret_ul;

			test_row = rows[i].text;
			CHECK_EQ((int64_t)fn(mem, strlen(rows[i].text), rows[i].flags, (uint64_t)(uintptr_t)&out, 0,
					     &env),
				 want);
			CHECK_EQ((int64_t)out, want < 0 ? 0 : rows[i].value);
		}
}

/* r0 = snprintf(ctx, n, ctx + 64, ctx + 192, values) */
static struct outcome format(uint8_t *ctx, struct helper_env *env, const char *f, const uint64_t *values, uint32_t n,
			     int32_t room)
{
	struct code c = { 0 };

	(void)snprintf((char *)ctx + 64, 128, "%s", f);
	memcpy(ctx + 192, values, 8ull * n);
	mov(&c, 3, 1);
	addi(&c, 3, 64);
	mov(&c, 4, 1);
	addi(&c, 4, 192);
	movi(&c, 2, room);
	movi(&c, 5, (int32_t)(8 * n));
	call(&c, ABI_HELPER_snprintf);
	exit_(&c);
	return run_code(&c, &(struct vm_run_args){ .ctx = ctx, .ctx_bytes = 256, .ctx_writable = true, .env = env });
}

TEST(snprintf_formats_as_the_kernel_does)
{
	uint8_t ctx[256];
	uint64_t text = (uint64_t)(uintptr_t)ctx + 240, ip = text;
	const struct {
		const char *f;
		uint64_t value;
		const char *want; /* NULL: -EINVAL */
	} rows[] = {
		{ "a%%b", 0, "a%b" },
		{ "%d|", (uint64_t)-5, "-5|" },
		{ "%d", UINT32_MAX, "-1" },
		{ "%u", UINT64_MAX, "4294967295" },
		{ "%lld", (uint64_t)INT64_MIN, "-9223372036854775808" },
		{ "%lu", UINT64_MAX, "18446744073709551615" },
		{ "%lx", 0xabc, "abc" },
		{ "%X", 0xabc, "ABC" },
		{ "[%5i]", 42, "[   42]" },
		{ "[%-5i]", 42, "[42   ]" },
		{ "[%05d]", (uint64_t)-42, "[-0042]" },
		{ "[%+d]", 42, "[+42]" },
		{ "[% d]", 42, "[ 42]" },
		{ "[%c]", 'x', "[x]" },
		{ "[%4s]", text, "[  hi]" },
		{ "[%s]", 12345, "[]" }, /* not the program's memory */
		{ "%px", 0xab, "00000000000000ab" },
		{ "%p.", 0xab, "00000000000000ab." },
		{ "%pI4", ip, "104.105.0.0" },
		{ "%pi4", ip, "104.105.000.000" },
		{ "%pI6", ip, "6869:0000:0000:0000:0000:0000:0000:0000" },
		{ "%pi6", ip, "68690000000000000000000000000000" },
		{ "%d%d", 1, NULL },
		{ "%n", 1, NULL },
		{ "%", 1, NULL },
		{ "%l", 1, NULL },
		{ "%lls", 1, NULL },
		{ "%pI5", 1, NULL },
		{ "%999999d", 1, NULL },
		{ "\x01", 1, NULL },
		{ "\xc3\xa4", 1, NULL },
	};
	struct helper_env env = { 0 };

	for (size_t i = 0; i < countof(rows); i++)
		for (int32_t room = 64; room >= 0; room -= 61) { /* enough, three, none */
			struct outcome o;

			test_row = rows[i].f;
			memset(ctx, 0, sizeof ctx);
			memset(ctx, '~', 64);
			memcpy(ctx + 240, "hi", 3);
			o = format(ctx, &env, rows[i].f, &rows[i].value, 1, room == 3 ? 3 : room);
			CHECK_OK(o.err);
			if (!rows[i].want) {
				CHECK_EQ((int64_t)o.r0, -EINVAL);
				continue;
			}
			CHECK_EQ(o.r0, strlen(rows[i].want) + 1);
			if (room == 64)
				CHECK_STR((char *)ctx, rows[i].want);
			else
				CHECK(!memcmp(ctx, rows[i].want, o.r0 > 2 ? 2 : o.r0 - 1) && ctx[3] == '~');
		}
}

TEST(trace_printk_gives_the_host_a_line)
{
	struct helper_env env = { .print = print };

	for (uint32_t i = 0; i < 2; i++) {
		static const char f[] = "%d and %lx";
		uint8_t ctx[16];
		struct outcome o;
		struct code c = { 0 };

		memcpy(ctx, f, sizeof f);
		printed[0] = 0;
		movi(&c, 2, (int32_t)(sizeof f - i)); /* the second has no zero at its end */
		movi(&c, 3, 3);
		movi(&c, 4, 255);
		call(&c, ABI_HELPER_trace_printk);
		exit_(&c);
		o = run_code(&c, &(struct vm_run_args){ .ctx = ctx, .ctx_bytes = sizeof f, .env = &env });
		CHECK_OK(o.err);
		CHECK_EQ((int64_t)o.r0, i ? -EINVAL : 8);
		CHECK_STR(printed, i ? "" : "3 and ff");
	}
}

TEST(text_arguments_must_end_inside_the_programs_memory)
{
	static const struct {
		const char *a, *b;
		int32_t n;
		int64_t want;
	} rows[] = { { "abc", "abc", 3, 0 }, { "abd", "abc", 3, 1 },  { "ab", "abc", 3, -1 },
		     { "abx", "aby", 2, 0 }, { "ab\0x", "ab", 4, 0 }, { "ab", "12345678", 2, -2 } };

	for (size_t i = 0; i < countof(rows); i++) {
		char ctx[16] = { 0 };
		struct outcome o;
		struct code c = { 0 };

		memcpy(ctx, rows[i].a, (size_t)rows[i].n);
		memcpy(ctx + 8, rows[i].b, strlen(rows[i].b)); /* eight bytes: no room for the zero */
		movi(&c, 2, rows[i].n);
		mov(&c, 3, 1);
		addi(&c, 3, 8);
		call(&c, ABI_HELPER_strncmp);
		exit_(&c);
		o = run_code(&c, &(struct vm_run_args){ .ctx = ctx, .ctx_bytes = 16 });
		CHECK_EQ(o.err, rows[i].want == -2 ? E_FAULT : E_OK);
		if (rows[i].want == -2)
			CHECK_EQ(o.d.id, 314);
		else
			CHECK_EQ((int64_t)o.r0, rows[i].want);
	}
}

/* --- profiles --- */

TEST(rules_have_the_helpers_that_they_had_and_programs_those_of_linux)
{
	const struct abi_prog_type *rule = abi_prog_type(&abi_sallyport, "sallyport/rule"),
				   *program = abi_prog_type(&abi_sallyport, "sallyport/program");

	for (uint32_t i = 0; i < abi_sallyport.n_helpers; i++) {
		uint32_t id = abi_sallyport.helpers[i].id;

		CHECK_EQ(abi_may_call(rule, id), id <= 3 || id >= 1000);
		CHECK_EQ(abi_may_call(program, id), id < 1000);
	}
	CHECK(!abi_may_call(rule, 0) && !abi_may_call(program, 0) && !abi_may_call(program, 1000));
	CHECK(program->ret_min == INT64_MIN && program->ret_max == INT64_MAX);
}

enum { MANY = 5000 };

static uint64_t add_three(HELPER_ARGS(a, b, c))
{
	return a + b + c;
}

static helper_fn *find_any(uint32_t id)
{
	return id <= MANY ? add_three : NULL;
}

TEST(an_embedder_registers_as_many_helpers_as_it_has)
{
	static struct abi_helper protos[MANY];
	struct abi_profile p = { .name = "many", .helpers = protos, .n_helpers = MANY };
	struct outcome o;

	for (uint32_t i = 0; i < MANY; i++)
		protos[i] =
			(struct abi_helper){ .id = i + 1, .name = "add", .args = { ABI_ARG_SCALAR, ABI_ARG_SCALAR } };
	protos[MANY - 1].args[1] = ABI_ARG_SIZE; /* of no memory */
	for (uint32_t id = MANY - 2; id <= MANY + 1; id++) {
		struct code c = { .profile = &p, .lookup = find_any };

		for (uint32_t i = 1; i <= 300; i++) {
			movi(&c, 1, (int32_t)i);
			movi(&c, 2, 1);
			movi(&c, 3, 2);
			call(&c, id <= MANY - 1 ? i * 16 : id);
		}
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_EQ(o.err, id < MANY ? E_OK : E_UNSUPPORTED);
		if (id < MANY)
			CHECK_EQ(o.r0, 303);
		else
			CHECK_EQ(o.d.id, id == MANY ? 211 : 208);
	}
}

/* --- where it happened --- */

TEST(a_fault_names_function_and_source_line)
{
	static const struct prog_func funcs[] = { { "main", 0 }, { "helper_of_main", 2 } };
	static const struct prog_line lines[] = { { 0, "a.c", "return f();", 3, 9 }, { 2, "a.c", "return *p;", 7, 5 } };
	struct code c = { 0 };
	struct outcome o = { 0 };
	struct vm_prog *vp;
	struct prog p;
	struct vm *v;

	(void)emit(&c, "CALL_LOCAL", 0, 0, 0, 1);
	exit_(&c);
	movi(&c, 1, 0);
	ldx(&c, "LDXW", 0, 1, 0);
	exit_(&c);
	p = (struct prog){ .name = "t",
			   .section = "",
			   .insns = c.insns,
			   .n_insns = c.n,
			   .funcs = funcs,
			   .n_funcs = 2,
			   .lines = lines,
			   .n_lines = 2 };
	CHECK_OK(vm_new(&v));
	for (unsigned keep = 0; keep < 2; keep++) {
		CHECK_OK(vm_prog_new(&p, &(struct vm_prog_opts){ .profile = &abi_sallyport, .keep = keep }, &vp, NULL));
		diag_init(&o.d);
		CHECK_EQ(vm_run(v, vp, &(struct vm_run_args){ 0 }, &o.r0, &o.fault, &o.d), E_FAULT);
		CHECK_EQ(o.fault.insn, 3);
		CHECK_STR(o.d.text, keep ? "load of 4 bytes at address 0: not a pointer, in function 'helper_of_main'"
					 : "load of 4 bytes at address 0: not a pointer");
		CHECK_EQ(o.d.pos.line, keep ? 7 : 0);
		if (keep)
			CHECK_STR(o.d.line_text, "return *p;");
		vm_prog_free(vp);
	}
	vm_free(v);
}
