/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify_content: is this object safe under Sallyport's own runtime, program by program, and why not.
 *
 * Content that the rule compiler made says for which event type each program is; each is verified against the exact
 * context of that type in this release's schema, or in the one that --schema gives.
 */
#include "cli/verify.h"

#include "agent/agent.h"
#include "content/image/image.h"
#include "engine/abi/abi.h"
#include "engine/obj/obj.h"
#include "engine/verify/verify.h"

enum { OBJ_ARENA_MAX = 256 << 20, PROG_ARENA_MAX = 512 << 20 };

struct job {
	const struct verify_args *args;
	const struct template_table *table;
	struct arena arena; /* object and schema */
	struct obj obj;
	struct image_schema image;
	bool has_image;
	struct buf out;
	struct json j;
	uint32_t n_ok, n_refused;
};

static void trace(void *user, uint32_t insn, const char *state)
{
	(void)user;
	(void)fprintf(stderr, "%6u: %s\n", insn, state);
}

/* The exact context: of the event type for content; programs of other types have none of their own here. */
static FALLIBLE context_of(const struct job *k, const struct prog *p, struct arena *a, struct abi_ctx *out,
			   struct diag *d)
{
	if (!k->has_image)
		FAIL(d, UNSUPPORTED,
		     "the object has no " IMAGE_SCHEMA_SECTION " section, so no program has a known context");
	for (uint32_t i = 0; i < k->image.n_progs; i++) {
		const struct image_prog *ip = &k->image.progs[i];
		const struct template_type *type;

		if (strcmp(ip->prog, p->name))
			continue;
		type = template_type_by_name(k->table, ip->type);
		if (!type)
			FAIL(d, SCHEMA, "it judges events of type '%s', which this sensor does not have", ip->type);
		return template_ctx(k->table, type, a, out);
	}
	FAIL(d, FORMAT, "the " IMAGE_SCHEMA_SECTION " section does not name it");
}

static FALLIBLE verify_one(const struct job *k, const struct prog *p, struct arena *a, struct verify_stats *st,
			   struct diag *d)
{
	struct verify_opts o = { .profile = &abi_sallyport, .type = abi_prog_type(&abi_sallyport, p->section) };
	struct abi_ctx ctx;

	if (!o.type)
		FAIL(d, UNSUPPORTED, "program type '%s' is not one of Sallyport's runtime", p->section);
	TRY(context_of(k, p, a, &ctx, d));
	o.ctx = &ctx;
	if (k->args->trace)
		o.trace = trace;
	return verify_prog(p, &o, a, st, d);
}

static void put_text(struct job *k, const struct prog *p, enum err err, const struct verify_stats *st,
		     const struct diag *d)
{
	bool colour = cli_colour(STDOUT_FILENO);

	if (err == E_OK) {
		buf_printf(&k->out, "%sproven%s  %s: %u instructions, %llu steps, %u states, stack %u bytes\n",
			   colour ? "\033[32m" : "", colour ? "\033[0m" : "", p->name, p->n_insns,
			   (unsigned long long)st->steps, st->states_peak, st->stack_bytes);
		return;
	}
	buf_printf(&k->out, "%sREFUSED%s %s\n", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "", p->name);
	diag_render(&k->out, d, colour);
}

static void put_json(struct job *k, const struct prog *p, enum err err, const struct verify_stats *st,
		     const struct diag *d)
{
	struct json *j = &k->j;

	json_object(j);
	if (err != E_OK) {
		json_key(j, "diagnostic");
		cli_json_diag(j, d);
	}
	json_key(j, "instructions");
	json_u64(j, p->n_insns);
	json_key(j, "name");
	json_str(j, p->name);
	json_key(j, "ok");
	json_bool(j, err == E_OK);
	json_key(j, "stack_bytes");
	json_u64(j, st->stack_bytes);
	json_key(j, "states");
	json_u64(j, st->states_peak);
	json_key(j, "steps");
	json_u64(j, st->steps);
	json_end_object(j);
}

static void judge(struct job *k, const struct prog *p)
{
	struct verify_stats st = { 0 };
	struct arena a;
	struct diag d;
	enum err err;

	arena_init(&a, PROG_ARENA_MAX);
	diag_init(&d);
	err = verify_one(k, p, &a, &st, &d);
	if (err != E_OK && !d.text[0])
		(void)snprintf(d.text, sizeof d.text, "%s", err_text(err));
	if (!d.subject)
		d.subject = p->name;
	k->n_ok += err == E_OK;
	k->n_refused += err != E_OK;
	if (k->args->format == VERIFY_JSON)
		put_json(k, p, err, &st, &d);
	else
		put_text(k, p, err, &st, &d);
	arena_done(&a);
}

static int judge_all(struct job *k)
{
	const struct prog *one = k->args->prog ? obj_prog(&k->obj, k->args->prog) : NULL;

	if (k->args->prog && !one)
		return cli_fail(CLI_REFUSED, "'%s' has no program '%s'", k->args->path, k->args->prog);
	if (!k->obj.n_progs)
		return cli_fail(CLI_REFUSED, "'%s' holds no program", k->args->path);
	buf_init(&k->out, 64 << 20);
	json_init(&k->j, &k->out);
	if (k->args->format == VERIFY_JSON) {
		json_object(&k->j);
		json_key(&k->j, "kernel");
		json_str(&k->j, abi_sallyport.name);
		json_key(&k->j, "programs");
		json_array(&k->j);
	}
	for (uint32_t i = 0; i < k->obj.n_progs; i++)
		if (!one || one == &k->obj.progs[i])
			judge(k, &k->obj.progs[i]);
	if (k->args->format == VERIFY_JSON) {
		json_end_array(&k->j);
		json_end_object(&k->j);
	} else {
		buf_printf(&k->out, "%u program%s proven, %u refused\n", k->n_ok, PLURAL(k->n_ok), k->n_refused);
	}
	return cli_print(&k->out);
}

/* The wall before the verifier: content must have been compiled against fields that the schema has, in the same places.
 */
static int check_schema(const struct job *k, struct view bytes)
{
	struct content_opts o = { .table = k->table, .skip_verify = true };
	struct content *c = NULL;
	struct arena a;
	struct diag d;
	enum err err;
	int code = 0;

	arena_init(&a, CONTENT_ARENA_MAX);
	diag_init(&d);
	err = content_load(bytes, k->args->path, &o, &a, &c, &d);
	if (err != E_OK)
		code = cli_fail_diag(err, &d);
	content_free(c);
	arena_done(&a);
	return code;
}

static int load(struct job *k, struct view bytes)
{
	const struct obj_section *s;
	struct bundle b;
	struct diag d;
	enum err err = E_OK;

	diag_init(&d);
	d.subject = k->args->path;
	if (bundle_is(bytes)) {
		err = bundle_read(bytes, &k->arena, &b, &d);
		bytes = b.content;
	}
	if (err == E_OK)
		err = obj_read(bytes, k->args->path, NULL, &k->arena, &k->obj, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	s = obj_section(&k->obj, IMAGE_SCHEMA_SECTION);
	if (!s)
		return 0;
	err = image_read_schema(s->bytes, &k->arena, &k->image, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	k->has_image = true;
	return check_schema(k, bytes);
}

int verify_content(const struct verify_args *args)
{
	struct job k = { .args = args, .table = &template_builtin };
	AUTO_FREE char *text = NULL;
	struct diag d;
	size_t len;
	enum err err;
	int code = 0;

	arena_init(&k.arena, OBJ_ARENA_MAX);
	diag_init(&d);
	err = agent_file_read(args->path, &text, &len, &d);
	if (err != E_OK)
		code = cli_fail_diag(err, &d);
	if (!code && args->schema)
		code = cli_schema_load(args->schema, &k.arena, &k.table);
	if (!code)
		code = load(&k, view_of(text, len));
	if (!code)
		code = judge_all(&k);
	arena_done(&k.arena);
	return code ? code : k.n_refused ? CLI_REFUSED : CLI_OK;
}

bool verify_is_content(const char *path)
{
	AUTO_FREE char *text = NULL;
	struct obj_section const *s = NULL;
	struct arena a;
	struct obj o;
	struct diag d;
	size_t len;
	bool yes = false;

	diag_init(&d);
	if (agent_file_read(path, &text, &len, &d) != E_OK)
		return false;
	if (bundle_is(view_of(text, len)))
		return true;
	arena_init(&a, OBJ_ARENA_MAX);
	if (obj_read(view_of(text, len), path, NULL, &a, &o, &d) == E_OK)
		s = obj_section(&o, IMAGE_SCHEMA_SECTION);
	yes = s != NULL;
	arena_done(&a);
	return yes;
}
