/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: an ELF file through the first two walls, then to prepared programs in buckets by type.
 *
 * Everything that only the load needs (decoded programs, types, lines, states of the verifier) is in arenas that end
 * with it; what stays is rules, outputs, maps and prepared programs. Nothing of the file is kept.
 */
#include <sodium.h>

#include "content/runtime/index.h"
#include "content/runtime/schema.h"
#include "engine/obj/obj.h"
#include "engine/verify/verify.h"

struct loader {
	const struct content_opts *o;
	const char *name; /* of the file, for messages */
	struct arena a;
	struct arena *notes; /* the caller's */
	struct diag *d;
	size_t arena_max;
	struct obj obj;
	struct image_schema schema;
	struct image_rules rules;
	struct filter_prog *filters; /* by program name; none when the content says nothing */
	uint32_t n_filters;
	struct image_index index;
	bool has_index;
	struct schema prefixes;
	struct abi_ctx *ctx[TEMPLATE_MAX_TYPES]; /* by type, made when first needed */
	struct ready *ready;                     /* one per record */
	struct content *c;
};

/* A record that has found its program and type. */
struct ready {
	const struct image_prog *rec;
	const struct prog *prog;
	uint32_t type;
};

/* ---- the file's parts ---- */

static FALLIBLE find_section(struct loader *l, const char *name, struct view *out)
{
	const struct obj_section *s = obj_section(&l->obj, name);

	if (!s)
		FAIL_ID(l->d, FORMAT, 'S', 20, "there is no section %s: this is not compiled content", name);
	*out = s->bytes;
	return E_OK;
}

static int by_filter_name(const void *pa, const void *pb)
{
	return strcmp(((const struct filter_prog *)pa)->prog, ((const struct filter_prog *)pb)->prog);
}

static int name_of_filter(const void *key, const void *elem)
{
	return strcmp(key, ((const struct filter_prog *)elem)->prog);
}

/* Content may come without: then the kernel side leaves nothing out for it. What filters say is kept with the content.
 */
static FALLIBLE read_filters(struct loader *l)
{
	const struct obj_section *s = obj_section(&l->obj, FILTER_SECTION);

	if (!s)
		return E_OK;
	TRY(filter_read(s->bytes, &l->c->a, &l->filters, &l->n_filters, l->d));
	if (l->n_filters)
		qsort(l->filters, l->n_filters, sizeof *l->filters, by_filter_name);
	return E_OK;
}

static const struct filter *filter_of(const struct loader *l, const char *prog)
{
	static const struct filter all = {
		.clauses = { { .classes = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX },
			       .at = { { .any = true }, { .any = true }, { .any = true } } } },
		.n = 1,
	};
	const struct filter_prog *f =
		l->n_filters ? bsearch(prog, l->filters, l->n_filters, sizeof *f, name_of_filter) : NULL;

	return f ? &f->filter : &all;
}

static FALLIBLE read_file(struct loader *l, struct view elf)
{
	struct view bytes;

	TRY(obj_read(elf, l->name, NULL, &l->a, &l->obj, l->d));
	TRY(find_section(l, IMAGE_SCHEMA_SECTION, &bytes));
	TRY(image_read_schema(bytes, &l->a, &l->schema, l->d));
	TRY(find_section(l, IMAGE_RULES_SECTION, &bytes));
	TRY(image_read_rules(bytes, &l->a, &l->rules, l->d));
	TRY(read_filters(l));
	l->has_index = obj_section(&l->obj, IMAGE_INDEX_SECTION);
	if (!l->has_index)
		return E_OK;
	TRY(find_section(l, IMAGE_INDEX_SECTION, &bytes));
	TRY(image_read_index(bytes, &l->a, &l->index, l->d));
	if (l->index.n_plans != l->schema.n_progs)
		FAIL_ID(l->d, FORMAT, 'S', 72, "%s is about %u programs, %s about %u", IMAGE_INDEX_SECTION,
			l->index.n_plans, IMAGE_SCHEMA_SECTION, l->schema.n_progs);
	return E_OK;
}

/* Kept as they are: whether a text can be a domain name is for those to say who resolve them. */
static FALLIBLE read_names(struct loader *l)
{
	const struct obj_section *s = obj_section(&l->obj, IMAGE_NAMES_SECTION);

	return s ? image_read_names(s->bytes, &l->c->a, &l->c->names, &l->c->n_names, l->d) : E_OK;
}

/* ---- records and programs find each other ---- */

static int by_prog_name(const void *pa, const void *pb)
{
	const struct ready *a = pa, *b = pb;

	return strcmp(a->rec->prog, b->rec->prog);
}

static int name_of_record(const void *key, const void *elem)
{
	return strcmp(key, ((const struct ready *)elem)->rec->prog);
}

static FALLIBLE match_one(struct loader *l, const struct prog *p)
{
	struct ready *r;

	if (!GUARD(26, !strcmp(p->section, IMAGE_PROG_SECTION)))
		FAIL_ID(l->d, UNSUPPORTED, 'S', 25, "program '%.80s' is in section '%.80s', content is in %s", p->name,
			p->section, IMAGE_PROG_SECTION);
	r = bsearch(p->name, l->ready, l->schema.n_progs, sizeof *r, name_of_record);
	if (!r)
		FAIL_ID(l->d, FORMAT, 'S', 21, "%s does not know program '%.80s'", IMAGE_SCHEMA_SECTION, p->name);
	r->prog = p;
	return E_OK;
}

static FALLIBLE find_type(struct loader *l, struct ready *r)
{
	const struct template_type *t = template_type_by_name(l->o->table, r->rec->type);

	if (!t)
		FAIL_ID(l->d, SCHEMA, 'S', 3,
			"rule '%.80s' is about events of type '%.64s', which this sensor does not have",
			l->rules.rules[r->rec->rule].name, r->rec->type);
	r->type = (uint32_t)(t - l->o->table->types);
	return E_OK;
}

static int by_type_and_rule(const void *pa, const void *pb)
{
	const struct ready *a = pa, *b = pb;

	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	return a->rec->rule < b->rec->rule ? -1 : a->rec->rule > b->rec->rule;
}

/* l->ready by type, then in order of the rules; every record has a program, every program a record. */
static FALLIBLE match(struct loader *l)
{
	uint32_t n = l->schema.n_progs;

	l->ready = ARENA_ARRAY(&l->a, struct ready, n);
	if (!l->ready)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++)
		l->ready[i].rec = &l->schema.progs[i];
	qsort(l->ready, n, sizeof *l->ready, by_prog_name);
	for (uint32_t i = 0; i < l->obj.n_progs; i++)
		TRY(match_one(l, &l->obj.progs[i]));
	for (uint32_t i = 0; i < n; i++) {
		const struct image_prog *rec = l->ready[i].rec;

		if (!l->ready[i].prog)
			FAIL_ID(l->d, FORMAT, 'S', 22, "%s describes '%.80s', which is no program, or twice",
				IMAGE_SCHEMA_SECTION, rec->prog);
		if (rec->rule >= l->rules.n_rules)
			FAIL_ID(l->d, FORMAT, 'S', 23, "program '%.80s' belongs to rule %u of %u", rec->prog, rec->rule,
				l->rules.n_rules);
		TRY(find_type(l, &l->ready[i]));
	}
	qsort(l->ready, n, sizeof *l->ready, by_type_and_rule);
	for (uint32_t i = 1; i < n; i++)
		if (!by_type_and_rule(&l->ready[i - 1], &l->ready[i]))
			FAIL_ID(l->d, FORMAT, 'S', 24, "rule '%.80s' has two programs for %s",
				l->rules.rules[l->ready[i].rec->rule].name, l->ready[i].rec->type);
	return E_OK;
}

/* ---- two walls ---- */

static FALLIBLE check_schema(struct loader *l)
{
	l->prefixes = (struct schema){ .table = l->o->table, .a = &l->a };
	for (uint32_t i = 0; i < l->schema.n_progs && !l->o->skip_schema; i++) {
		const struct ready *r = &l->ready[i];

		TRY(schema_check(&l->prefixes, r->rec, l->rules.rules[r->rec->rule].name, r->type, l->notes, l->d));
	}
	return E_OK;
}

/* Strings and notes of *d into the caller's arena: where they are now ends with the load. */
static void keep_diag(struct diag *d, struct arena *a)
{
	struct note **link;

	if (!d)
		return;
	d->subject = d->subject ? arena_strndup(a, d->subject, strlen(d->subject)) : NULL;
	d->line_text = d->line_text ? arena_strndup(a, d->line_text, strlen(d->line_text)) : NULL;
	d->pos.file = d->pos.file ? arena_strndup(a, d->pos.file, strlen(d->pos.file)) : NULL;
	for (link = &d->notes; *link; link = &(*link)->next) {
		struct note *n = ARENA_NEW(a, struct note);

		if (n) {
			*n = **link;
			n->text = arena_strndup(a, n->text, strlen(n->text));
			n->pos.file = n->pos.file ? arena_strndup(a, n->pos.file, strlen(n->pos.file)) : NULL;
		}
		if (!n || !n->text) {
			*link = NULL; /* the caller's arena is full: the rest of the notes is lost, the verdict is not
				       */
			return;
		}
		*link = n;
	}
}

static FALLIBLE context_of(struct loader *l, uint32_t type, const struct abi_ctx **out)
{
	if (!l->ctx[type]) {
		struct abi_ctx *ctx = ARENA_NEW(&l->a, struct abi_ctx);

		if (!ctx)
			return E_NOMEM;
		TRY(template_ctx(l->o->table, &l->o->table->types[type], &l->a, ctx));
		l->ctx[type] = ctx;
	}
	*out = l->ctx[type];
	return E_OK;
}

static FALLIBLE verify_one(struct loader *l, const struct ready *r)
{
	struct verify_opts o = { .profile = &abi_sallyport, .type = abi_prog_type(&abi_sallyport, r->prog->section) };
	struct arena scratch;
	enum err e;

	if (!o.type)
		return E_BUG; /* match_one saw to it */
	TRY(context_of(l, r->type, &o.ctx));
	arena_init(&scratch, l->arena_max);
	e = verify_prog(r->prog, &o, &scratch, NULL, l->d);
	if (e != E_OK && l->d) {
		keep_diag(l->d, l->notes);
		diag_note(l->d, l->notes, "this is rule '%.80s' for events of type %s",
			  l->rules.rules[r->rec->rule].name, r->rec->type);
	}
	arena_done(&scratch);
	return GUARD(2, e == E_OK) ? E_OK : e;
}

static FALLIBLE verify_all(struct loader *l)
{
	for (uint32_t i = 0; i < l->schema.n_progs && !l->o->skip_verify; i++)
		TRY(verify_one(l, &l->ready[i]));
	return E_OK;
}

/* ---- what stays ---- */

static FALLIBLE make_maps(struct loader *l)
{
	uint64_t bytes = 0;

	l->c->maps = ARENA_ARRAY(&l->c->a, struct map *, l->obj.n_maps);
	if (!l->c->maps)
		return E_NOMEM;
	for (uint32_t i = 0; i < l->obj.n_maps; i++) {
		const struct prog_map *m = &l->obj.maps[i];

		if (((uint64_t)m->value_size + m->key_size) * m->max_entries > l->arena_max)
			FAIL_ID(l->d, LIMIT, 'S', 50, "a map needs more than %zu MiB", l->arena_max >> 20);
		TRY(map_new(m, &l->c->maps[i], l->d));
		l->c->n_maps++;
		bytes += map_bytes(l->c->maps[i]);
		if (bytes > l->arena_max)
			FAIL_ID(l->d, LIMIT, 'S', 50, "the maps need more than %zu MiB", l->arena_max >> 20);
	}
	return E_OK;
}

static void note_use(struct content *c, const struct ready *r)
{
	for (uint32_t i = 0; i < r->rec->n_used; i++)
		c->used[r->type][r->rec->used[i] / 64] |= 1ull << r->rec->used[i] % 64;
	if (c->time_field != NO_FIELD)
		c->used[r->type][c->time_field / 64] |= 1ull << c->time_field % 64;
	c->types |= 1ull << r->type;
	c->rules[r->rec->rule].types |= 1ull << r->type;
}

/* l->ready is sorted as the buckets are. */
static FALLIBLE make_programs(struct loader *l)
{
	struct content *c = l->c;
	struct vm_prog_opts o = { .profile = &abi_sallyport, .maps = c->maps };

	c->programs = ARENA_ARRAY(&c->a, struct program, l->schema.n_progs);
	if (!c->programs)
		return E_NOMEM;
	for (uint32_t i = 0; i < l->schema.n_progs; i++) {
		const struct ready *r = &l->ready[i];

		TRY(vm_prog_new(r->prog, &o, &c->programs[i].vp, l->d));
		c->programs[i].rule = r->rec->rule;
		c->programs[i].filter = filter_of(l, r->rec->prog);
		c->n_programs++;
		note_use(c, r);
		for (uint32_t t = r->type + 1; t <= TEMPLATE_MAX_TYPES; t++)
			c->bucket[t] = i + 1;
	}
	return E_OK;
}

/* ---- what programs share ---- */

/* The predicate's subject is the field's type, and the field is one that a checked program of the type uses. */
static bool fits_field(const struct loader *l, uint32_t type, const struct image_pred *q)
{
	const struct template_field *f = template_field_at(l->o->table, &l->o->table->types[type], q->field);

	if (!f || !(l->c->used[type][q->field / 64] >> q->field % 64 & 1))
		return false;
	switch ((enum image_subject)q->subject) {
	case IMAGE_TEXT:
		return f->type == TEMPLATE_STR || f->type == TEMPLATE_BYTES;
	case IMAGE_ELEMENT:
	case IMAGE_ANY_ELEMENT:
		return f->type == TEMPLATE_LIST || f->type == TEMPLATE_ANCESTRY || f->type == TEMPLATE_NAMES;
	case IMAGE_ADDRESS:
		return f->type == TEMPLATE_IP;
	case IMAGE_NUMBER:
		return !template_is_handle(f->type);
	case IMAGE_PRESENT:
		return true;
	case IMAGE_N_SUBJECTS:
		break;
	}
	return false;
}

static_assert(IMAGE_N_SUBJECTS == (enum image_subject)HELPER_N_SUBJECTS &&
		      IMAGE_PRESENT == (enum image_subject)HELPER_PRESENT,
	      "the format's numbers are the helpers'");

/* Type of each record of the schema. l->ready is in another order. */
static FALLIBLE types_of_records(struct loader *l, uint32_t **out)
{
	uint32_t *types = ARENA_ARRAY(&l->a, uint32_t, l->schema.n_progs);

	if (!types)
		return E_NOMEM;
	for (uint32_t i = 0; i < l->schema.n_progs; i++)
		types[l->ready[i].rec - l->schema.progs] = l->ready[i].type;
	*out = types;
	return E_OK;
}

/* The predicates of a type, with operands that live as long as the content. */
static FALLIBLE preds_of_type(struct loader *l, const uint32_t *types, uint32_t type, struct helper_pred **out,
			      uint32_t *ret_n)
{
	struct helper_pred *list = ARENA_ARRAY(&l->a, struct helper_pred, l->index.n_preds);
	uint32_t n = 0;

	if (!list)
		return E_NOMEM;
	for (uint32_t i = 0; i < l->index.n_preds; i++) {
		const struct image_pred *q = &l->index.preds[i];
		char *operand;

		if (types[q->record] != type)
			continue;
		if (!fits_field(l, type, q))
			FAIL_ID(l->d, FORMAT, 'S', 73,
				"predicate %u of %s does not fit field %u of its type, or no program uses that", i,
				IMAGE_INDEX_SECTION, q->field);
		operand = arena_strndup(&l->c->a, (const char *)q->operand.p, q->operand.len);
		if (!operand)
			return E_NOMEM;
		list[n++] = (struct helper_pred){ .value = q->field,
						  .subject = q->subject,
						  .negate = q->negated,
						  .test = q->test,
						  .index = q->index,
						  .number = q->number,
						  .operand = { operand, (uint32_t)q->operand.len } };
	}
	*out = list;
	*ret_n = n;
	return E_OK;
}

static FALLIBLE index_type(struct loader *l, const uint32_t *types, uint32_t type)
{
	struct content *c = l->c;
	uint32_t from = c->bucket[type], n = c->bucket[type + 1] - from, n_preds;
	const struct image_plan **plans = ARENA_ARRAY(&l->a, const struct image_plan *, n);
	struct type_index *x = ARENA_NEW(&c->a, struct type_index);
	struct helper_preds *preds;
	struct helper_pred *asked;
	enum err err;

	if (!plans || !x)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++)
		plans[i] = &l->index.plans[l->ready[from + i].rec - l->schema.progs];
	TRY(preds_of_type(l, types, type, &asked, &n_preds));
	err = helper_preds_new(asked, n_preds, &c->a, &preds);
	if (err == E_INVALID || err == E_LIMIT)
		FAIL_ID(l->d, FORMAT, 'S', 74,
			"%s: the predicates of type '%.64s' are too many, or one asks what nobody can answer",
			IMAGE_INDEX_SECTION, l->o->table->types[type].name);
	TRY(err);
	TRY(index_new(plans, n, preds, asked, &c->a, x, l->d));
	c->index[type] = x;
	return E_OK;
}

/* Reads of fields that the program's record does not have would be of fields whose digest nobody compared. */
static FALLIBLE check_reads(struct loader *l)
{
	for (uint32_t i = 0; i < l->schema.n_progs; i++) {
		const struct image_plan *p = &l->index.plans[i];
		const struct image_prog *rec = &l->schema.progs[i];
		uint32_t k = 0;

		for (uint32_t r = 0; r < p->n_reads; r++) {
			while (k < rec->n_used && rec->used[k] < p->reads[r])
				k++;
			if (k == rec->n_used || rec->used[k] != p->reads[r])
				FAIL_ID(l->d, FORMAT, 'S', 75,
					"program '%.80s' reads field %u, which its record does not have", rec->prog,
					p->reads[r]);
		}
	}
	return E_OK;
}

static FALLIBLE make_index(struct loader *l)
{
	uint32_t *types;

	if (!l->has_index)
		return E_OK;
	TRY(check_reads(l));
	TRY(types_of_records(l, &types));
	for (uint32_t i = 0; i < l->o->table->n_types; i++)
		if (l->c->bucket[i] < l->c->bucket[i + 1])
			TRY(index_type(l, types, i));
	return E_OK;
}

static FALLIBLE load(struct loader *l, struct view elf)
{
	struct content *c = l->c;

	TRY(read_file(l, elf));
	TRY(read_names(l));
	TRY(match(l));
	TRY(check_schema(l));
	TRY(verify_all(l));
	TRY(format_prepare(c, &l->rules));
	TRY(make_maps(l));
	TRY(make_programs(l));
	TRY(make_index(l));
	(void)crypto_generichash(c->digest, sizeof c->digest, elf.p, elf.len, NULL, 0);
	return E_OK;
}

static struct content *content_new(const struct content_opts *o, size_t arena_max)
{
	struct content *c = calloc(1, sizeof *c);
	uint32_t id;

	if (!c)
		return NULL;
	arena_init(&c->a, arena_max);
	c->table = o->table;
	c->fuel = o->fuel;
	c->all_matches = o->all_matches;
	c->verified = !o->skip_verify;
	c->time_field = template_field_find(o->table, NULL, CONTENT_TIME_FIELD, strlen(CONTENT_TIME_FIELD), &id)
				? id
				: NO_FIELD;
	return c;
}

FALLIBLE content_load(struct view elf, const char *name, const struct content_opts *o, struct arena *a,
		      struct content **out, struct diag *d)
{
	struct loader l = {
		.o = o, .name = name, .notes = a, .d = d, .arena_max = o->arena_max ? o->arena_max : CONTENT_ARENA_MAX
	};
	enum err e;

	l.c = content_new(o, l.arena_max);
	if (!l.c)
		return E_NOMEM;
	if (d)
		d->subject = name;
	arena_init(&l.a, l.arena_max);
	e = load(&l, elf);
	if (e == E_OK)
		*out = l.c;
	else
		content_free(l.c);
	if (e != E_OK)
		keep_diag(d, a);
	arena_done(&l.a);
	return e;
}

uint32_t content_filters(const struct content *c, uint32_t type_index, const struct filter **out, uint32_t max)
{
	uint32_t first = c->bucket[type_index], n = c->bucket[type_index + 1] - first;

	for (uint32_t i = 0; i < n && i < max; i++)
		out[i] = c->programs[first + i].filter;
	return n;
}

void content_free(struct content *c)
{
	if (!c)
		return;
	content_detach(c);
	for (uint32_t i = 0; i < c->n_programs; i++)
		vm_prog_free(c->programs[i].vp);
	for (uint32_t i = 0; i < c->n_maps; i++)
		map_free(c->maps[i]);
	arena_done(&c->a);
	free(c);
}
