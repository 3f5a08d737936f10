/* SPDX-License-Identifier: Apache-2.0 */
/* index: the section of what programs share, written and read. Everything in it has a fixed size but the operands. */
#include "content/image/image.h"

/* ---- writing ---- */

struct parts {
	struct buf preds, progs, guards, ids, data;
};

static void put_preds(const struct image_index *in, struct parts *p)
{
	for (uint32_t i = 0; i < in->n_preds; i++) {
		const struct image_pred *q = &in->preds[i];
		struct image_index_pred rec = { .record = q->record,
						.field = q->field,
						.subject = q->subject,
						.negated = q->negated,
						.test = q->test,
						.index = q->index,
						.number = q->number,
						.operand = (uint32_t)p->data.len,
						.operand_bytes = (uint32_t)q->operand.len };

		buf_put(&p->data, q->operand.p, q->operand.len);
		buf_put(&p->preds, &rec, sizeof rec);
	}
}

static void put_plan(const struct image_plan *plan, struct parts *p)
{
	struct image_index_prog rec = { .first_guard = (uint32_t)(p->guards.len / sizeof(struct image_index_guard)),
					.n_guards = plan->n_guards,
					.first_read = (uint32_t)(p->ids.len / 2),
					.n_reads = plan->n_reads };

	buf_put(&p->ids, plan->reads, plan->n_reads * sizeof *plan->reads);
	for (uint32_t i = 0; i < plan->n_guards; i++) {
		const struct image_guard *g = &plan->guards[i];
		struct image_index_guard guard = { (uint32_t)(p->ids.len / 2), g->n };

		buf_put(&p->ids, g->preds, g->n * sizeof *g->preds);
		buf_put(&p->guards, &guard, sizeof guard);
	}
	buf_put(&p->progs, &rec, sizeof rec);
}

static void parts_init(struct parts *p)
{
	struct buf *all[] = { &p->preds, &p->progs, &p->guards, &p->ids, &p->data };

	for (size_t i = 0; i < countof(all); i++)
		buf_init(all[i], IMAGE_MAX_DATA);
}

static void parts_done(struct parts *p)
{
	buf_done(&p->preds);
	buf_done(&p->progs);
	buf_done(&p->guards);
	buf_done(&p->ids);
	buf_done(&p->data);
}

FALLIBLE image_write_index(const struct image_index *in, struct buf *out, struct diag *d)
{
	struct image_index_hdr h = {
		.magic = "SPIX", .version = IMAGE_VERSION, .n_preds = in->n_preds, .n_progs = in->n_plans
	};
	AUTO(parts_done) struct parts p;

	parts_init(&p);
	put_preds(in, &p);
	for (uint32_t i = 0; i < in->n_plans; i++)
		put_plan(&in->plans[i], &p);
	h.n_guards = (uint32_t)(p.guards.len / sizeof(struct image_index_guard));
	h.n_ids = (uint32_t)(p.ids.len / 2);
	h.data_bytes = (uint32_t)p.data.len;
	buf_put(out, &h, sizeof h);
	buf_put(out, p.preds.p, p.preds.len);
	buf_put(out, p.progs.p, p.progs.len);
	buf_put(out, p.guards.p, p.guards.len);
	buf_put(out, p.ids.p, p.ids.len);
	buf_put(out, p.data.p, p.data.len);
	if (out->full || p.preds.full || p.progs.full || p.guards.full || p.ids.full || p.data.full ||
	    h.n_ids > IMAGE_MAX_IDS)
		FAIL_ID(d, LIMIT, 'S', 49, "%s does not fit into %zu bytes", IMAGE_INDEX_SECTION, out->max);
	return E_OK;
}

/* ---- reading ---- */

struct reader {
	struct view bytes;
	struct diag *d;
	struct image_index_hdr h;
	uint64_t preds_at, progs_at, guards_at, ids_at, data_at;
	struct image_pred *preds;
	struct image_plan *plans;
	struct image_guard *guards;
	uint16_t *ids;
};

static void at(struct reader *r, uint64_t off)
{
	if (r->d)
		r->d->offset = off;
}

static FALLIBLE read_hdr(struct reader *r)
{
	struct image_index_hdr *h = &r->h;
	uint64_t end;

	at(r, 0);
	if (VIEW_READ(r->bytes, 0, h) != E_OK)
		FAIL_ID(r->d, TRUNCATED, 'S', 30, "%s is shorter than its header", IMAGE_INDEX_SECTION);
	if (memcmp(h->magic, "SPIX", 4))
		FAIL_ID(r->d, FORMAT, 'S', 31, "%s does not begin with SPIX", IMAGE_INDEX_SECTION);
	at(r, 4);
	if (h->version != IMAGE_VERSION)
		FAIL_ID(r->d, UNSUPPORTED, 'S', 32, "%s has version %u, this build reads version %d",
			IMAGE_INDEX_SECTION, h->version, IMAGE_VERSION);
	at(r, 8);
	if (h->n_preds > IMAGE_MAX_PREDS * TEMPLATE_MAX_TYPES || h->n_progs > IMAGE_MAX_PROGS ||
	    h->n_guards > IMAGE_MAX_PROGS * IMAGE_MAX_GUARDS || h->n_ids > IMAGE_MAX_IDS ||
	    h->data_bytes > IMAGE_MAX_DATA)
		FAIL_ID(r->d, LIMIT, 'S', 33, "%u predicates, %u programs, %u guards, %u numbers, %u bytes: too many",
			h->n_preds, h->n_progs, h->n_guards, h->n_ids, h->data_bytes);
	r->preds_at = sizeof *h;
	r->progs_at = r->preds_at + (uint64_t)h->n_preds * sizeof(struct image_index_pred);
	r->guards_at = r->progs_at + (uint64_t)h->n_progs * sizeof(struct image_index_prog);
	r->ids_at = r->guards_at + (uint64_t)h->n_guards * sizeof(struct image_index_guard);
	r->data_at = r->ids_at + 2ull * h->n_ids;
	end = r->data_at + h->data_bytes;
	if (end > r->bytes.len)
		FAIL_ID(r->d, TRUNCATED, 'S', 34, "%s has %zu bytes, its header counts %llu", IMAGE_INDEX_SECTION,
			r->bytes.len, (unsigned long long)end);
	if (end < r->bytes.len)
		FAIL_ID(r->d, FORMAT, 'S', 35, "%s goes on after its operands", IMAGE_INDEX_SECTION);
	return E_OK;
}

static FALLIBLE read_preds(struct reader *r)
{
	for (uint32_t i = 0; i < r->h.n_preds; i++) {
		uint64_t off = r->preds_at + (uint64_t)i * sizeof(struct image_index_pred);
		struct image_index_pred rec;
		struct image_pred *q = &r->preds[i];

		at(r, off);
		TRY(VIEW_READ(r->bytes, off, &rec));
		*q = (struct image_pred){ .record = rec.record,
					  .field = rec.field,
					  .subject = rec.subject,
					  .negated = rec.negated,
					  .test = rec.test,
					  .index = rec.index,
					  .number = rec.number };
		if (rec.record >= r->h.n_progs || rec.field >= 2 * TEMPLATE_CAP || rec.subject >= IMAGE_N_SUBJECTS ||
		    rec.negated > 1)
			FAIL_ID(r->d, FORMAT, 'S', 70,
				"predicate %u: program %u of %u, field %u, subject %u, negated %u", i, rec.record,
				r->h.n_progs, rec.field, rec.subject, rec.negated);
		if (rec.operand > r->h.data_bytes ||
		    !view_sub(r->bytes, r->data_at + rec.operand, rec.operand_bytes, &q->operand))
			FAIL_ID(r->d, FORMAT, 'S', 38, "the operand of predicate %u lies outside the data", i);
	}
	return E_OK;
}

static FALLIBLE read_ids(struct reader *r, uint32_t first, uint32_t n, const uint16_t **out)
{
	if (first > r->h.n_ids || n > r->h.n_ids - first)
		FAIL_ID(r->d, FORMAT, 'S', 38, "a record refers to numbers %u..%llu of %u", first,
			(unsigned long long)first + n, r->h.n_ids);
	*out = r->ids + first;
	return E_OK;
}

static FALLIBLE read_guards(struct reader *r)
{
	for (uint32_t i = 0; i < r->h.n_guards; i++) {
		uint64_t off = r->guards_at + (uint64_t)i * sizeof(struct image_index_guard);
		struct image_index_guard rec;

		at(r, off);
		TRY(VIEW_READ(r->bytes, off, &rec));
		TRY(read_ids(r, rec.first_id, rec.n_ids, &r->guards[i].preds));
		r->guards[i].n = rec.n_ids;
	}
	return E_OK;
}

static FALLIBLE read_plans(struct reader *r)
{
	for (uint32_t i = 0; i < r->h.n_progs; i++) {
		uint64_t off = r->progs_at + (uint64_t)i * sizeof(struct image_index_prog);
		struct image_index_prog rec;
		struct image_plan *p = &r->plans[i];

		at(r, off);
		TRY(VIEW_READ(r->bytes, off, &rec));
		if (rec.first_guard > r->h.n_guards || rec.n_guards > r->h.n_guards - rec.first_guard ||
		    rec.n_guards > IMAGE_MAX_GUARDS)
			FAIL_ID(r->d, FORMAT, 'S', 38, "a record refers to guards %u..%llu of %u", rec.first_guard,
				(unsigned long long)rec.first_guard + rec.n_guards, r->h.n_guards);
		*p = (struct image_plan){ .guards = r->guards + rec.first_guard,
					  .n_guards = rec.n_guards,
					  .n_reads = rec.n_reads };
		TRY(read_ids(r, rec.first_read, rec.n_reads, &p->reads));
		for (uint32_t k = 0; k < p->n_reads; k++)
			if (p->reads[k] >= 2 * TEMPLATE_CAP || (k && p->reads[k - 1] >= p->reads[k]))
				FAIL_ID(r->d, FORMAT, 'S', 39, "the field ids of program %u are not ascending", i);
	}
	return E_OK;
}

FALLIBLE image_read_index(struct view bytes, struct arena *a, struct image_index *out, struct diag *d)
{
	struct reader r = { .bytes = bytes, .d = d };

	TRY(read_hdr(&r));
	r.preds = ARENA_ARRAY(a, struct image_pred, r.h.n_preds);
	r.plans = ARENA_ARRAY(a, struct image_plan, r.h.n_progs);
	r.guards = ARENA_ARRAY(a, struct image_guard, r.h.n_guards);
	r.ids = ARENA_ARRAY(a, uint16_t, r.h.n_ids);
	if (!r.preds || !r.plans || !r.guards || !r.ids)
		return E_NOMEM;
	if (r.h.n_ids)
		memcpy(r.ids, bytes.p + r.ids_at, 2ull * r.h.n_ids);
	TRY(read_preds(&r));
	TRY(read_guards(&r));
	TRY(read_plans(&r));
	at(&r, DIAG_NONE);
	*out = (struct image_index){ r.preds, r.h.n_preds, r.plans, r.h.n_progs };
	return E_OK;
}
