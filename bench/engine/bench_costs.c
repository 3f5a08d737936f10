/* SPDX-License-Identifier: Apache-2.0 */
/* bench_costs: what one lookup, one call and one helper call cost inside of a program, and what an idle VM holds. */
#include "bench.h"
#include "engine/jit/jit.h"

#include <malloc.h>

enum { ROUNDS_OF = 1024, RUNS = 20, MAX_INSNS = 32, ARENA = 1 << 20, HELPER = 42 };
#define BAR_ARRAY_NS 1.6
#define BAR_HASH_NS 25.0
#define BAR_CALL_NS 1.5
#define BAR_IDLE 16384.0

enum setting { INTERP, NATIVE, CHECKED, N_SETTINGS };
static const char *const settings[N_SETTINGS] = { "interpreted", "verified", "sandboxed" };

static struct isa_insn *add(struct prog *p, struct isa_insn in, unsigned dst, unsigned src, int32_t off, int64_t imm)
{
	struct isa_insn *to = &p->insns[p->n_insns++];

	*to = in;
	to->dst = (uint8_t)dst;
	to->src = (uint8_t)src;
	to->off = off;
	to->imm = imm;
	return to;
}

static uint64_t least(HELPER_ARGS(none))
{
	return 7;
}

static helper_fn *find_helper(uint32_t id)
{
	return id == HELPER ? least : helper_lookup(id);
}

/* r7 = sum of *map_lookup_elem(m, &r6), one round of the loop */
static void lookup(struct prog *p)
{
	(void)add(p, isa_make(ISA_STX, 32, ISA_FORM_STX, 0), 10, 6, -4, 0);
	(void)add(p, isa_make(ISA_MOV, 64, ISA_FORM_RR, 0), 2, 10, 0, 0);
	(void)add(p, isa_make(ISA_ADD, 64, ISA_FORM_RI, 0), 2, 0, 0, -4);
	(void)add(p, isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, ISA_IMM64_MAP_FD), 1, 0, 0, 0);
	(void)add(p, (struct isa_insn){ 0 }, 0, 0, 0, 0);
	(void)add(p, isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_HELPER), 0, 0, 0, ABI_HELPER_map_lookup_elem);
	(void)add(p, isa_make(ISA_JEQ, 64, ISA_FORM_JRI, 0), 0, 0, 2, 0);
	(void)add(p, isa_make(ISA_LDX, 64, ISA_FORM_LDX, 0), 1, 0, 0, 0);
	(void)add(p, isa_make(ISA_ADD, 64, ISA_FORM_RR, 0), 7, 1, 0, 0);
}

static void nothing(struct prog *p)
{
	(void)p;
}

static void call_helper(struct prog *p)
{
	(void)add(p, isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_HELPER), 0, 0, 0, HELPER);
}

/* Of what follows the loop: add, jne, mov, exit. */
static void call_local(struct prog *p)
{
	(void)add(p, isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_LOCAL), 0, 0, 0, 4);
}

/* ROUNDS_OF times what body adds; r0 = r7. Behind it the function { return 7; }, when it is called. */
static void make_loop(struct prog *p, void (*body)(struct prog *))
{
	uint32_t start;

	p->n_insns = 0;
	(void)add(p, isa_make(ISA_MOV, 64, ISA_FORM_RI, 0), 6, 0, 0, 0);
	(void)add(p, isa_make(ISA_MOV, 64, ISA_FORM_RI, 0), 7, 0, 0, 0);
	start = p->n_insns;
	body(p);
	(void)add(p, isa_make(ISA_ADD, 64, ISA_FORM_RI, 0), 6, 0, 0, 1);
	(void)add(p, isa_make(ISA_JNE, 64, ISA_FORM_JRI, 0), 6, 0, (int32_t)start - (int32_t)p->n_insns - 1, ROUNDS_OF);
	(void)add(p, isa_make(ISA_MOV, 64, ISA_FORM_RR, 0), 0, 7, 0, 0);
	(void)add(p, isa_make(ISA_EXIT, 64, ISA_FORM_N, 0), 0, 0, 0, 0);
	if (body != call_local)
		return;
	(void)add(p, isa_make(ISA_MOV, 64, ISA_FORM_RI, 0), 0, 0, 0, 7);
	(void)add(p, isa_make(ISA_EXIT, 64, ISA_FORM_N, 0), 0, 0, 0, 0);
}

/* ns for one round of the loop */
static double time_loop(const struct vm_prog *vp, uint64_t want)
{
	static double ns[BENCH_ROUNDS];
	uint64_t sum = 0;
	struct vm *v;

	if (vm_new(&v) != E_OK)
		exit(1);
	for (unsigned r = 0; r < BENCH_ROUNDS; r++) {
		double start = bench_now_ns();

		for (unsigned i = 0; i < RUNS; i++)
			if (vm_run(v, vp, &(struct vm_run_args){ 0 }, &sum, NULL, NULL) != E_OK)
				exit(1);
		ns[r] = (bench_now_ns() - start) / RUNS / ROUNDS_OF;
	}
	vm_free(v);
	if (sum != want)
		exit(1);
	return bench_median(ns);
}

static void time_settings(void (*body)(struct prog *), struct map *m, uint64_t want, double ns[N_SETTINGS])
{
	static const struct abi_helper helper = {
		.id = HELPER, .name = "least", .ret = ABI_RET_SCALAR, .ret_max = UINT32_MAX
	};
	static const struct abi_profile own = { .name = "costs", .helpers = &helper, .n_helpers = 1 };
	static struct isa_insn insns[MAX_INSNS];
	struct prog_map def = { .name = "m" };
	struct prog p = { .name = "loop", .section = "", .insns = insns, .maps = &def, .n_maps = m ? 1 : 0 };
	struct vm_prog_opts o = { .profile = m ? &abi_sallyport : &own, .maps = &m, .lookup = find_helper };
	struct vm_prog *vp;
	struct arena a;

	if (m)
		def = *map_def(m);
	make_loop(&p, body);
	arena_init(&a, ARENA);
	if (vm_prog_new(&p, &o, &vp, NULL) != E_OK)
		exit(1);
	ns[INTERP] = time_loop(vp, want);
	for (unsigned s = NATIVE; s < N_SETTINGS; s++) {
		struct jit_opts jo = { .target = jit_host(),
				       .features = jit_host_features(),
				       .sandboxed = s == CHECKED };
		struct jit_image *im;
		struct jit_code code;

		if (jit_compile(vp, &jo, &a, &code, NULL) != E_OK || jit_map(&code, 1, &im, NULL) != E_OK ||
		    jit_attach(vp, im, 0, NULL) != E_OK)
			exit(1);
		ns[s] = time_loop(vp, want);
		jit_detach(vp);
		jit_image_free(im);
	}
	arena_done(&a);
	vm_prog_free(vp);
}

static void lookups(const char *what, enum prog_map_kind kind, double bar)
{
	struct prog_map def = { .name = "m", .kind = kind, .key_size = 4, .value_size = 8, .max_entries = ROUNDS_OF };
	double ns[N_SETTINGS];
	char name[64];
	struct map *m;

	if (map_new(&def, &m, NULL) != E_OK)
		exit(1);
	for (uint32_t i = 0; i < ROUNDS_OF; i++)
		if (map_update(m, &i, &(uint64_t){ i }, MAP_ANY) != E_OK)
			exit(1);
	time_settings(lookup, m, (uint64_t)ROUNDS_OF * (ROUNDS_OF - 1) / 2, ns);
	for (unsigned s = 0; s < N_SETTINGS; s++) {
		(void)snprintf(name, sizeof name, "%s, loop included, %s", what, settings[s]);
		bench_line(name, ns[s], "ns", s == NATIVE ? bar : 0);
	}
	map_free(m);
}

static void calls(const char *what, void (*body)(struct prog *), const double *loop)
{
	double ns[N_SETTINGS];
	char name[64];

	time_settings(body, NULL, 0, ns);
	for (unsigned s = 0; s < N_SETTINGS; s++) {
		(void)snprintf(name, sizeof name, "%s, %s", what, settings[s]);
		bench_line(name, ns[s] - loop[s], "ns", s == NATIVE ? BAR_CALL_NS : 0);
	}
}

void bench_costs(void)
{
	double loop[N_SETTINGS];

	printf("\ninside of a program:\n");
	lookups("array lookup", PROG_MAP_ARRAY, BAR_ARRAY_NS);
	lookups("hash lookup, 4-byte key", PROG_MAP_HASH, BAR_HASH_NS);
	time_settings(nothing, NULL, 0, loop);
	calls("call of a local function", call_local, loop);
	calls("call of a helper", call_helper, loop);
}

static size_t held(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

void bench_idle(const struct bench_subject *empty)
{
	size_t before = held();
	struct vm *v;

	if (vm_new(&v) != E_OK)
		exit(1);
	bench_line("idle VM, without code", (double)(held() - before), "bytes", BAR_IDLE);
	bench_line("prepared program `empty`", (double)vm_prog_bytes(empty->vp[INTERPRETED]), "bytes", 0);
	vm_free(v);
}
