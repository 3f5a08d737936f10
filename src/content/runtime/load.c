/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: from the bytes of one ELF file to programs that may judge events.
 *
 * In order: the object is read, its two sections are read, every record's schema prefix is compared with this sensor's
 * (wall 1), every program is verified against the exact context of its type (wall 2), and only then are maps made and programs
 * prepared for the checked VM (wall 3).
 */
#include "content/runtime/internal.h"

#include <sodium.h>

#include "engine/maps/maps.h"
#include "engine/obj/obj.h"
#include "engine/verify/verify.h"

static_assert((int)CONTENT_DIGEST_BYTES == (int)TEMPLATE_DIGEST_BYTES, "both are BLAKE2b-256");

struct loader {
	const struct content_opts *o;
	const char *name;
	struct arena *notes; /* the caller's: outlives a failed load */
	struct diag *d;
	struct content *c;
	struct obj obj;
	struct image_schema schema;
	struct abi_ctx *ctx; /* one per type, made on demand: size 0 until then */
};

static void hex(const uint8_t *digest, char out[2 * TEMPLATE_DIGEST_BYTES + 1])
{
	for (size_t i = 0; i < TEMPLATE_DIGEST_BYTES; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static const char *rule_name(const struct loader *l, const struct image_prog *p)
{
	return l->c->rules.rules[p->rule].name;
}

/* Both digests as notes, so that two releases can be compared by eye. */
static void note_digests(struct loader *l, const struct image_prefix *want, const char *section,
                         const struct template_section *s)
{
	uint32_t n = want->n < s->n ? want->n : s->n;
	uint8_t ours[TEMPLATE_DIGEST_BYTES];
	char text[2 * TEMPLATE_DIGEST_BYTES + 1];

	hex(want->digest, text);
	diag_note(l->d, l->notes, "content: digest of its %u fields of %s: %s", want->n, section, text);
	template_digest(section, s, n, ours);
	hex(ours, text);
	diag_note(l->d, l->notes, "sensor:  digest of its first %u fields of %s: %s", n, section, text);
}

static FALLIBLE check_prefix(struct loader *l, const struct image_prog *p, const struct image_prefix *want,
                             const char *section, const struct template_section *s)
{
	uint8_t ours[TEMPLATE_DIGEST_BYTES];

	if (want->n > s->n) {
		note_digests(l, want, section, s);
		diag_hint(l->d, "update the sensor, or compile the rule for this release: rules compile --schema");
		FAIL_ID(l->d, SCHEMA, 'S', 1,
		        "rule '%.60s' needs field '%.48s', number %u of %s; this sensor supplies %u", rule_name(l, p),
		        want->last, want->n, section, s->n);
	}
	template_digest(section, s, want->n, ours);
	if (memcmp(ours, want->digest, sizeof ours) != 0) {
		note_digests(l, want, section, s);
		diag_hint(l->d, "the content is for a sensor that is not a release of this one, or it was damaged");
		FAIL_ID(l->d, SCHEMA, 'S', 2,
		        "rule '%.60s' was compiled against other fields of %s: the first %u, up to '%.48s', differ",
		        rule_name(l, p), section, want->n, want->last);
	}
	return E_OK;
}

/* Wall 1, for one program. */
static FALLIBLE check_schema(struct loader *l, const struct image_prog *p)
{
	const struct template_table *t = l->c->table;
	const struct template_type *type = template_type_by_name(t, p->type);

	if (!type)
		FAIL_ID(l->d, SCHEMA, 'S', 3, "rule '%.60s' is for events of type '%.48s', which this sensor does not make",
		        rule_name(l, p), p->type);
	TRY(check_prefix(l, p, &p->common, "common", &t->common));
	TRY(check_prefix(l, p, &p->own, type->name, &type->own));
	for (uint32_t i = 0; i < p->n_used; i++)
		if (!template_field_at(t, type, p->used[i]))
			FAIL_ID(l->d, SCHEMA, 'S', 4, "rule '%.60s' uses field %u of %s, beyond the ones it declares",
			        rule_name(l, p), p->used[i], type->name);
	return E_OK;
}

static const struct prog *program_of(const struct loader *l, const struct image_prog *p)
{
	const struct prog *prog = obj_prog(&l->obj, p->prog);

	return prog && !strcmp(prog->section, IMAGE_PROG_SECTION) ? prog : NULL;
}

/* Every record has its program, every program one record, and each (rule, type) at most one program. */
static FALLIBLE check_records(struct loader *l)
{
	uint32_t n_programs = 0;
	uint64_t *seen = ARENA_ARRAY(&l->c->arena, uint64_t, l->c->rules.n_rules ? l->c->rules.n_rules : 1);

	if (!seen)
		return E_NOMEM;
	for (uint32_t i = 0; i < l->obj.n_progs; i++)
		n_programs += !strcmp(l->obj.progs[i].section, IMAGE_PROG_SECTION);
	if (n_programs != l->schema.n_progs)
		FAIL_ID(l->d, FORMAT, 'S', 21, "%u programs, but %u schema records", n_programs, l->schema.n_progs);
	for (uint32_t i = 0; i < l->schema.n_progs; i++) {
		const struct image_prog *p = &l->schema.progs[i];
		const struct template_type *type = template_type_by_name(l->c->table, p->type);
		uint64_t bit = type ? 1ull << (type - l->c->table->types) : 0;

		if (!program_of(l, p))
			FAIL_ID(l->d, FORMAT, 'S', 22, "a schema record names the program '%.60s', which is not there", p->prog);
		if (p->rule >= l->c->rules.n_rules)
			FAIL_ID(l->d, FORMAT, 'S', 23, "program '%.60s' belongs to rule %u of %u", p->prog, p->rule,
			        l->c->rules.n_rules);
		if (seen[p->rule] & bit)
			FAIL_ID(l->d, FORMAT, 'S', 24, "rule '%.60s' has two programs for %s", rule_name(l, p), p->type);
		seen[p->rule] |= bit;
	}
	return E_OK;
}

static FALLIBLE ctx_of(struct loader *l, uint32_t type, const struct abi_ctx **out)
{
	if (!l->ctx[type].size)
		TRY(template_ctx(l->c->table, &l->c->table->types[type], &l->c->arena, &l->ctx[type]));
	*out = &l->ctx[type];
	return E_OK;
}

/* Wall 2, for one program. Each gets its own memory; a refusal is repeated into the caller's arena for its notes. */
static FALLIBLE verify_one(struct loader *l, const struct image_prog *p, uint32_t type)
{
	struct verify_opts o = { .profile = &abi_sallyport };
	size_t cap = l->o->arena_max ? l->o->arena_max : CONTENT_ARENA_MAX;
	struct arena scratch;
	enum err err;

	o.type = abi_prog_type(&abi_sallyport, IMAGE_PROG_SECTION);
	TRY(ctx_of(l, type, &o.ctx));
	arena_init(&scratch, cap);
	err = verify_prog(program_of(l, p), &o, &scratch, NULL, NULL);
	arena_done(&scratch);
	if (err == E_OK)
		return E_OK;
	if (l->d) {
		err = verify_prog(program_of(l, p), &o, l->notes, NULL, l->d);
		diag_note(l->d, l->notes, "in the program of rule '%s' for %s", rule_name(l, p), o.ctx->name);
	}
	return err == E_OK ? E_BUG : err;
}

static FALLIBLE make_maps(struct loader *l)
{
	struct content *c = l->c;

	c->maps = ARENA_ARRAY(&c->arena, struct map *, l->obj.n_maps ? l->obj.n_maps : 1);
	if (!c->maps)
		return E_NOMEM;
	for (uint32_t i = 0; i < l->obj.n_maps; i++) {
		TRY(map_new(&l->obj.maps[i], &c->maps[i], l->d));
		c->n_maps = i + 1;
		c->has_dynamic_maps |= l->obj.maps[i].kind != PROG_MAP_ARRAY;
	}
	return E_OK;
}

static uint32_t type_index(const struct loader *l, const struct image_prog *p)
{
	return (uint32_t)(template_type_by_name(l->c->table, p->type) - l->c->table->types);
}

/* Insert so that the bucket stays in order of rule definition. */
static void bucket_add(struct runtime_bucket *b, struct runtime_prog p)
{
	uint32_t i = b->n++;

	for (; i && b->progs[i - 1].rule > p.rule; i--)
		b->progs[i] = b->progs[i - 1];
	b->progs[i] = p;
}

static FALLIBLE prepare_one(struct loader *l, const struct image_prog *p)
{
	struct vm_prog_opts o = { .profile = &abi_sallyport, .maps = l->c->maps };
	struct runtime_bucket *b = &l->c->buckets[type_index(l, p)];
	struct runtime_prog rp = { .rule = p->rule };
	uint32_t time_id;

	TRY(vm_prog_new(program_of(l, p), &o, &rp.vp, l->d));
	bucket_add(b, rp);
	l->c->n_progs++;
	l->c->types |= 1ull << type_index(l, p);
	l->c->public_rules[p->rule].types |= 1ull << type_index(l, p);
	for (uint32_t i = 0; i < p->n_used; i++)
		b->used[p->used[i] / 64] |= 1ull << (p->used[i] % 64);
	/* every alert says when, whatever its output names */
	if (template_field_find(l->c->table, NULL, CONTENT_TIME_FIELD, strlen(CONTENT_TIME_FIELD), &time_id))
		b->used[time_id / 64] |= 1ull << (time_id % 64);
	return E_OK;
}

static FALLIBLE make_buckets(struct loader *l)
{
	struct content *c = l->c;
	uint32_t *n = ARENA_ARRAY(&c->arena, uint32_t, c->table->n_types);

	c->buckets = ARENA_ARRAY(&c->arena, struct runtime_bucket, c->table->n_types);
	c->public_rules = ARENA_ARRAY(&c->arena, struct content_rule, c->rules.n_rules ? c->rules.n_rules : 1);
	if (!n || !c->buckets || !c->public_rules)
		return E_NOMEM;
	for (uint32_t i = 0; i < l->schema.n_progs; i++)
		n[type_index(l, &l->schema.progs[i])]++;
	for (uint32_t i = 0; i < c->table->n_types; i++) {
		c->buckets[i].progs = ARENA_ARRAY(&c->arena, struct runtime_prog, n[i] ? n[i] : 1);
		if (!c->buckets[i].progs)
			return E_NOMEM;
	}
	for (uint32_t i = 0; i < c->rules.n_rules; i++) {
		const struct image_rule *r = &c->rules.rules[i];

		c->public_rules[i] = (struct content_rule){ .name = r->name,
			                                    .desc = r->desc,
			                                    .output = r->output,
			                                    .source = r->source,
			                                    .priority = r->priority,
			                                    .tags = r->tags,
			                                    .n_tags = r->n_tags,
			                                    .drill = r->drill };
	}
	return E_OK;
}

static FALLIBLE read_sections(struct loader *l)
{
	const struct obj_section *schema = obj_section(&l->obj, IMAGE_SCHEMA_SECTION);
	const struct obj_section *rules = obj_section(&l->obj, IMAGE_RULES_SECTION);

	if (!schema || !rules)
		FAIL_ID(l->d, FORMAT, 'S', 20, "this object is not compiled rules: it has no section %s",
		        schema ? IMAGE_RULES_SECTION : IMAGE_SCHEMA_SECTION);
	TRY(image_read_rules(rules->bytes, &l->c->arena, &l->c->rules, l->d));
	return image_read_schema(schema->bytes, &l->c->arena, &l->schema, l->d);
}

static FALLIBLE load(struct loader *l, struct view elf)
{
	struct content *c = l->c;
	uint8_t *copy = arena_alloc(&c->arena, elf.len ? elf.len : 1);

	l->ctx = ARENA_ARRAY(&c->arena, struct abi_ctx, c->table->n_types);
	if (!copy || !l->ctx)
		return E_NOMEM;
	memcpy(copy, elf.p, elf.len);
	crypto_generichash(c->digest, sizeof c->digest, copy, elf.len, NULL, 0);
	TRY(obj_read(view_of(copy, elf.len), l->name, &c->arena, &l->obj, l->d));
	TRY(read_sections(l));
	TRY(check_records(l));
	for (uint32_t i = 0; i < l->schema.n_progs; i++)
		if (!l->o->skip_schema || !template_type_by_name(c->table, l->schema.progs[i].type))
			TRY(check_schema(l, &l->schema.progs[i]));
	for (uint32_t i = 0; i < l->schema.n_progs && !l->o->skip_verify; i++)
		TRY(verify_one(l, &l->schema.progs[i], type_index(l, &l->schema.progs[i])));
	TRY(make_maps(l));
	TRY(make_buckets(l));
	for (uint32_t i = 0; i < l->schema.n_progs; i++)
		TRY(prepare_one(l, &l->schema.progs[i]));
	return E_OK;
}

/* Strings that a diagnostic borrows must outlive the content that failed to load. */
static void keep_strings(struct diag *d, struct arena *a)
{
	const char **strings[] = { &d->subject, &d->pos.file, &d->line_text };

	for (size_t i = 0; i < countof(strings); i++)
		if (*strings[i])
			*strings[i] = arena_strndup(a, *strings[i], strlen(*strings[i]));
	for (struct note *n = d->notes; n; n = n->next)
		if (n->pos.file)
			n->pos.file = arena_strndup(a, n->pos.file, strlen(n->pos.file));
}

FALLIBLE content_load(struct view elf, const char *name, const struct content_opts *o, struct arena *a,
                      struct content **out, struct diag *d)
{
	struct content *c = calloc(1, sizeof *c);
	struct loader l = { .o = o, .name = name, .notes = a, .d = d, .c = c };
	enum err err;

	if (!c)
		return E_NOMEM;
	arena_init(&c->arena, o->arena_max ? o->arena_max : CONTENT_ARENA_MAX);
	c->table = o->table;
	c->fuel = o->fuel;
	c->all_matches = o->all_matches;
	if (d && !d->subject)
		d->subject = name;
	err = load(&l, elf);
	if (err != E_OK) {
		if (d)
			keep_strings(d, a);
		content_free(c);
		return err;
	}
	*out = c;
	return E_OK;
}

void content_free(struct content *c)
{
	if (!c)
		return;
	for (uint32_t t = 0; c->buckets && t < c->table->n_types; t++)
		for (uint32_t i = 0; i < c->buckets[t].n; i++)
			vm_prog_free(c->buckets[t].progs[i].vp);
	for (uint32_t i = 0; i < c->n_maps; i++)
		map_free(c->maps[i]);
	arena_done(&c->arena);
	free(c);
}
