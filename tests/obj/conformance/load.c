/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: reads objects of the conformance set and runs their programs in the interpreter.
 *
 * Input: a line "run FILE" or "load FILE" for each object. Output for each: what was loaded ("map ...", "prog ...",
 * "license ...", "version ..."), then one line "value N N N", "refused E227 text" or "fault X301 text", then an empty
 * line. With "load" the programs are not run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "engine/obj/obj.h"
#include "engine/vm/vm.h"

/* ---- what the host has: as native.c ---- */

enum { MIX = 5001, SUM = 5002 };

static uint64_t host_mix(HELPER_ARGS(a, b))
{
	return a * 31 + b;
}

static uint64_t host_sum(HELPER_ARGS(v, w, x, y, z))
{
	return v + 2 * w + 3 * x + 4 * y + 5 * z;
}

static helper_fn *lookup(uint32_t id)
{
	return id == MIX ? host_mix : id == SUM ? host_sum : helper_lookup(id);
}

static const struct {
	const char *name;
	uint8_t kind; /* enum obj_bound_kind */
	uint64_t number;
	const char *text;
} host[] = {
	{ "host_mix", OBJ_BOUND_HELPER, MIX, NULL },
	{ "host_sum", OBJ_BOUND_HELPER, SUM, NULL },
	{ "host_symbol", OBJ_BOUND_NUMBER, 0x123456789ab, NULL },
	{ "host_other", OBJ_BOUND_NUMBER, 0x1000, NULL },
	{ "CONFIG_U8", OBJ_BOUND_NUMBER, 200, NULL },
	{ "CONFIG_U16", OBJ_BOUND_NUMBER, 60000, NULL },
	{ "CONFIG_U32", OBJ_BOUND_NUMBER, 4000000000, NULL },
	{ "CONFIG_U64", OBJ_BOUND_NUMBER, 0x123456789abcdef0, NULL },
	{ "CONFIG_S8", OBJ_BOUND_NUMBER, (uint64_t)-3, NULL },
	{ "CONFIG_S32", OBJ_BOUND_NUMBER, (uint64_t)-100000, NULL },
	{ "CONFIG_BOOL", OBJ_BOUND_NUMBER, 1, NULL },
	{ "CONFIG_TRI", OBJ_BOUND_NUMBER, 2, NULL },
	{ "CONFIG_TEXT", OBJ_BOUND_BYTES, 0, "ramparts" },
	{ "CONFIG_VOID", OBJ_BOUND_NUMBER, 0, NULL },
};

static bool resolve(void *user, const struct obj_extern *x, struct obj_bound *out)
{
	(void)user;
	for (size_t i = 0; i < countof(host); i++) {
		if (strcmp(host[i].name, x->name) != 0)
			continue;
		*out = (struct obj_bound){ .kind = host[i].kind, .number = host[i].number };
		if (host[i].text)
			out->bytes = view_of(host[i].text, strlen(host[i].text));
		return true;
	}
	return false;
}

/* The runtime's own helpers, and two more. Rows stand by id. */
static void make_profile(struct abi_profile *p, struct abi_helper *rows)
{
	*p = abi_sallyport;
	memcpy(rows, p->helpers, p->n_helpers * sizeof *rows);
	rows[p->n_helpers++] = (struct abi_helper){
		.id = MIX, .name = "host_mix", .ret = ABI_RET_SCALAR, .args = { ABI_ARG_SCALAR, ABI_ARG_SCALAR }
	};
	rows[p->n_helpers++] = (struct abi_helper){ .id = SUM,
						    .name = "host_sum",
						    .ret = ABI_RET_SCALAR,
						    .args = { ABI_ARG_SCALAR, ABI_ARG_SCALAR, ABI_ARG_SCALAR,
							      ABI_ARG_SCALAR, ABI_ARG_SCALAR } };
	p->helpers = rows;
	p->name = "conformance";
}

/* ---- what was loaded ---- */

static void print_def(const struct prog_map *m)
{
	printf("kind %u key %u value %u entries %u flags %u", m->kind, m->key_size, m->value_size, m->max_entries,
	       m->flags);
	if (m->pinning)
		printf(" pin %u", m->pinning);
	if (m->n_hashes)
		printf(" extra %u", m->n_hashes);
}

static void print_held(const struct obj *o, const struct prog_map *m)
{
	for (uint32_t i = 0; i < m->n_inner_maps; i++)
		if (m->inner_maps[i])
			printf(" %u:%s", i,
			       m->kind == PROG_MAP_PROG_ARRAY ? o->progs[m->inner_maps[i] - 1].name
							      : o->maps[m->inner_maps[i] - 1].name);
}

static void print_object(const struct obj *o)
{
	for (uint32_t i = 0; i < o->n_maps; i++) {
		const struct prog_map *m = &o->maps[i];

		printf("map %s ", m->name);
		print_def(m);
		if (m->inner) {
			printf(" inner (");
			print_def(m->inner);
			printf(")");
		}
		if (m->n_inner_maps)
			printf(" holds");
		print_held(o, m);
		printf("\n");
	}
	for (uint32_t i = 0; i < o->n_progs; i++) {
		const struct prog *p = &o->progs[i];

		printf("prog %s section %s%s funcs ", p->name, p->section, p->on_demand ? " on demand" : "");
		for (uint32_t k = 0; k < p->n_funcs; k++)
			printf("%s%s", k ? "," : "", p->funcs[k].name);
		printf("\n");
	}
	printf("license %s\nversion %u\n", o->license, o->version);
}

/* ---- running ---- */

struct session {
	const struct abi_profile *profile;
	struct obj obj;
	struct map *maps[OBJ_MAX_MAPS];
	struct vm *vm;
	struct diag d;
};

static FALLIBLE run_one(struct session *s, const struct prog *p, uint64_t *ret)
{
	uint64_t ctx[8] = { 3, 5, 7, 11, 13, 17, 19, 23 };
	struct vm_prog_opts o = { .profile = s->profile, .maps = s->maps, .lookup = lookup };
	struct vm_run_args args = { .ctx = ctx, .ctx_bytes = sizeof ctx };
	struct helper_env env = { 0 };
	struct vm_prog *vp;
	enum err e;

	args.env = &env;
	TRY(vm_prog_new(p, &o, &vp, &s->d));
	e = vm_run(s->vm, vp, &args, ret, NULL, &s->d);
	vm_prog_free(vp);
	return e;
}

static FALLIBLE run_all(struct session *s)
{
	static const char *const names[] = { "entry", "entry2", "entry3" };
	uint64_t values[3];
	unsigned n = 0;

	TRY(vm_new(&s->vm));
	for (uint32_t i = 0; i < s->obj.n_maps; i++)
		TRY(map_new(&s->obj.maps[i], &s->maps[i], &s->d));
	vm_put_addresses(s->obj.maps, s->maps, s->obj.n_maps);
	for (size_t i = 0; i < countof(names); i++)
		if (obj_prog(&s->obj, names[i]))
			TRY(run_one(s, obj_prog(&s->obj, names[i]), &values[n++]));
	printf("value");
	for (unsigned i = 0; i < n; i++)
		printf(" %llu", (unsigned long long)values[i]);
	printf("\n");
	return E_OK;
}

static void print_problem(const char *what, const struct diag *d, enum err e)
{
	printf("%s %c%03u %s (%s)\n", what, d->family ? d->family : '-', d->id, d->text, err_name(e));
}

static void process(const struct abi_profile *profile, const char *path, bool run)
{
	static const struct obj_opts opts = { .resolve = resolve };
	struct session s = { .profile = profile };
	AUTO_FREE char *bytes = NULL;
	struct arena a;
	size_t len = 0;
	enum err e;

	arena_init(&a, 256 << 20);
	diag_init(&s.d);
	e = io_read_file(path, OBJ_MAX_BYTES, &bytes, &len, &s.d);
	if (e == E_OK)
		e = obj_read(view_of(bytes, len), path, &opts, &a, &s.obj, &s.d);
	if (e != E_OK) {
		print_problem("refused", &s.d, e);
	} else {
		print_object(&s.obj);
		if (run && (e = run_all(&s)) != E_OK)
			print_problem("fault", &s.d, e);
	}
	printf("\n");
	for (uint32_t i = 0; i < s.obj.n_maps; i++)
		map_free(s.maps[i]);
	vm_free(s.vm);
	arena_done(&a);
}

int main(void)
{
	static struct abi_helper rows[256];
	struct abi_profile profile;
	char line[4096];

	assert(abi_sallyport.n_helpers + 2 <= countof(rows));
	make_profile(&profile, rows);
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "run ", 4))
			process(&profile, line + 4, true);
		else if (!strncmp(line, "load ", 5))
			process(&profile, line + 5, false);
		else
			return 2;
	}
	return 0;
}
