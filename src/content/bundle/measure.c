/* SPDX-License-Identifier: Apache-2.0 */
/* measure: what content really has, read out of its own sections, whatever a manifest says of it. */
#include "content/bundle/internal.h"

#include "content/filter/filter.h"
#include "engine/obj/obj.h"

struct parts {
	struct arena *a;
	struct diag *d;
	struct obj obj;
	struct image_schema schema;
	struct image_rules rules;
};

static FALLIBLE section_of(const struct parts *p, const char *name, struct view *out)
{
	const struct obj_section *s = obj_section(&p->obj, name);

	if (!s)
		FAIL_ID(p->d, FORMAT, 'B', 54, "section content has no %s: it is not compiled content", name);
	*out = s->bytes;
	return E_OK;
}

/* The longer of two prefixes; of two that are equally long, digests must agree. */
static FALLIBLE add_prefix(const struct parts *p, const struct image_prog *rec, const struct image_prefix *from,
			   uint32_t *n, uint8_t digest[TEMPLATE_DIGEST_BYTES])
{
	if (from->n < *n)
		return E_OK;
	if (from->n == *n && memcmp(from->digest, digest, TEMPLATE_DIGEST_BYTES))
		FAIL_ID(p->d, FORMAT, 'B', 55, "programs for %.64s count %u fields of a section with different digests",
			rec->type, from->n);
	*n = from->n;
	memcpy(digest, from->digest, TEMPLATE_DIGEST_BYTES);
	return E_OK;
}

static FALLIBLE add_type(const struct parts *p, const struct image_prog *rec, struct bundle_measure *m)
{
	uint32_t i = 0;

	while (i < m->n_types && strcmp(m->types[i].name, rec->type) < 0)
		i++;
	if (i == m->n_types || strcmp(m->types[i].name, rec->type)) {
		if (m->n_types == TEMPLATE_MAX_TYPES)
			FAIL_ID(p->d, LIMIT, 'B', 25, "the content is about more than %d event types",
				TEMPLATE_MAX_TYPES);
		memmove(&m->types[i + 1], &m->types[i], (m->n_types - i) * sizeof *m->types);
		m->types[i] = (struct bundle_type){ .name = rec->type, .n_common = rec->common.n, .n_own = rec->own.n };
		memcpy(m->types[i].digest_common, rec->common.digest, TEMPLATE_DIGEST_BYTES);
		memcpy(m->types[i].digest_own, rec->own.digest, TEMPLATE_DIGEST_BYTES);
		m->n_types++;
	}
	TRY(add_prefix(p, rec, &rec->common, &m->types[i].n_common, m->types[i].digest_common));
	return add_prefix(p, rec, &rec->own, &m->types[i].n_own, m->types[i].digest_own);
}

/* The most predicates that one type has. A record that is none is for content_load to refuse. */
static FALLIBLE count_predicates(const struct parts *p, const struct bundle_measure *m, uint64_t *out)
{
	const struct obj_section *s = obj_section(&p->obj, IMAGE_INDEX_SECTION);
	uint64_t n[TEMPLATE_MAX_TYPES] = { 0 }, most = 0;
	struct image_index index;

	if (!s)
		return E_OK;
	TRY(image_read_index(s->bytes, p->a, &index, p->d));
	for (uint32_t i = 0; i < index.n_preds; i++)
		for (uint32_t t = 0; t < m->n_types && index.preds[i].record < p->schema.n_progs; t++)
			if (!strcmp(m->types[t].name, p->schema.progs[index.preds[i].record].type) && ++n[t] > most)
				most = n[t];
	*out = most;
	return E_OK;
}

static FALLIBLE count_filter_names(const struct parts *p, uint64_t *out)
{
	const struct obj_section *s = obj_section(&p->obj, FILTER_SECTION);
	struct filter_prog *progs;
	uint64_t names = 0;
	uint32_t n;

	if (!s)
		return E_OK;
	TRY(filter_read(s->bytes, p->a, &progs, &n, p->d));
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t c = 0; c < progs[i].filter.n; c++)
			for (uint32_t at = 0; at < FILTER_PLACES; at++)
				names += progs[i].filter.clauses[c].at[at].n;
	*out = names;
	return E_OK;
}

FALLIBLE bundle_measure(struct view content, struct arena *a, struct bundle_measure *out, struct diag *d)
{
	struct bundle_measure m = { 0 };
	struct parts p = { .a = a, .d = d };
	struct view bytes;

	TRY(obj_read(content, "content", NULL, a, &p.obj, d));
	TRY(section_of(&p, IMAGE_SCHEMA_SECTION, &bytes));
	TRY(image_read_schema(bytes, a, &p.schema, d));
	TRY(section_of(&p, IMAGE_RULES_SECTION, &bytes));
	TRY(image_read_rules(bytes, a, &p.rules, d));
	m.n_rules = p.rules.n_rules;
	m.n_programs = p.obj.n_progs;
	for (uint32_t i = 0; i < p.obj.n_progs; i++)
		if (p.obj.progs[i].n_insns > m.instructions)
			m.instructions = p.obj.progs[i].n_insns;
	for (uint32_t i = 0; i < p.schema.n_progs; i++)
		TRY(add_type(&p, &p.schema.progs[i], &m));
	TRY(count_predicates(&p, &m, &m.predicates));
	TRY(count_filter_names(&p, &m.filter_names));
	*out = m;
	return E_OK;
}
