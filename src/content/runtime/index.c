/* SPDX-License-Identifier: Apache-2.0 */
/* index: guards to bitmaps, and an event through them. See index.h. */
#include "content/runtime/index.h"

enum { SCRATCH_MAX_BYTES = 64 << 20, MIN_USES = 3 /* of a fact, to be worth asking always */ };
enum { SELECT_MAX_WORK = 1 << 20 /* steps of helpers for one event; about a millisecond */ };

struct build {
	const struct image_plan *const *plans;
	uint32_t n;
	const struct helper_preds *preds;
	const struct helper_pred *asked;
	uint32_t n_preds, n_places;
	struct arena *a, *scratch;
	struct type_index *x;
	uint32_t *stage_of;   /* by predicate: place of its stage, or NO_STAGE */
	uint64_t *fact_of;    /* by predicate: its bit among the facts, or 0 */
	uint32_t *stage_pred; /* by stage: the predicate that stands for it */
	uint32_t n_stages;
};
enum { NO_STAGE = UINT32_MAX };

static bool is_number(const struct build *b, uint32_t pred)
{
	return b->asked[pred].subject == HELPER_NUMBER;
}

/* ---- facts ---- */

static bool all_numbers(const struct build *b, const struct image_guard *g)
{
	for (uint32_t i = 0; i < g->n; i++)
		if (!is_number(b, g->preds[i]))
			return false;
	return true;
}

/* How many guards of numbers alone name each predicate; a program's first guard is the one that it needs most. */
static void count_uses(const struct build *b, uint32_t *uses)
{
	for (uint32_t i = 0; i < b->n; i++)
		for (uint32_t k = 0; k < b->plans[i]->n_guards; k++) {
			const struct image_guard *g = &b->plans[i]->guards[k];

			for (uint32_t j = 0; j < g->n && all_numbers(b, g); j++)
				uses[g->preds[j]] += k ? 1 : MIN_USES;
		}
}

static FALLIBLE choose_facts(struct build *b)
{
	uint32_t *uses = ARENA_ARRAY(b->scratch, uint32_t, b->n_preds), most = INDEX_MAX_FACTS;
	struct type_index *x = b->x;

	if (!uses)
		return E_NOMEM;
	count_uses(b, uses);
	while (most && x->n_words << most > INDEX_TABLE_WORDS)
		most--;
	while (x->n_facts < most) {
		uint32_t best = 0;

		for (uint32_t i = 1; i < b->n_preds; i++)
			best = uses[i] > uses[best] ? i : best;
		if (!b->n_preds || uses[best] < MIN_USES)
			break;
		uses[best] = 0;
		b->fact_of[best] = 1ull << x->n_facts;
		x->facts[x->n_facts++] = (struct index_fact){ .field = b->asked[best].value,
							      .order = (uint8_t)b->asked[best].test,
							      .negate = b->asked[best].negate,
							      .number = b->asked[best].number };
	}
	return E_OK;
}

/* A guard of numbers that are no facts is not worth a stage, unless the program has nothing better. */
static bool is_dropped(const struct build *b, const struct image_plan *p, uint32_t guard)
{
	return guard && all_numbers(b, &p->guards[guard]);
}

/* The guard is about facts and nothing else. */
static bool all_facts(const struct build *b, const struct image_guard *g)
{
	for (uint32_t i = 0; i < g->n; i++)
		if (!b->fact_of[g->preds[i]])
			return false;
	return true;
}

static bool can_match(const struct build *b, const struct image_plan *p, uint64_t truth)
{
	for (uint32_t k = 0; k < p->n_guards; k++) {
		const struct image_guard *g = &p->guards[k];
		uint64_t any = 0;

		for (uint32_t i = 0; i < g->n; i++)
			any |= b->fact_of[g->preds[i]];
		if (all_facts(b, g) && !(any & truth))
			return false;
	}
	return true;
}

static FALLIBLE fill_table(struct build *b)
{
	struct type_index *x = b->x;

	x->table = ARENA_ARRAY(b->a, uint64_t, (size_t)x->n_words << x->n_facts);
	if (!x->table)
		return E_NOMEM;
	for (uint64_t truth = 0; truth < 1ull << x->n_facts; truth++)
		for (uint32_t i = 0; i < b->n; i++)
			if (can_match(b, b->plans[i], truth))
				x->table[truth * x->n_words + i / 64] |= 1ull << i % 64;
	return E_OK;
}

/* ---- stages ---- */

/* What asking costs, roughly: stages are in this order, then as the predicates are numbered. */
static uint32_t cost_of(const struct build *b, uint32_t pred)
{
	const struct helper_pred *p = &b->asked[pred];

	if (p->subject == HELPER_NUMBER || p->subject == HELPER_PRESENT)
		return 0;
	if (p->subject != HELPER_TEXT)
		return 4;
	if (helper_preds_group(b->preds, pred) == HELPER_NO_GROUP)
		return 3;
	return p->test == ABI_HELPER_str_contains ? 2 : 1;
}

static uint64_t stage_key(const struct build *b, uint32_t pred)
{
	uint32_t group = helper_preds_group(b->preds, pred);

	return (uint64_t)cost_of(b, pred) << 48 | (uint64_t)(group == HELPER_NO_GROUP) << 32 |
	       (group == HELPER_NO_GROUP ? pred : group);
}

struct keyed {
	uint64_t key;
	uint32_t pred;
};

static int by_key(const void *pa, const void *pb)
{
	const struct keyed *a = pa, *b = pb;

	return a->key != b->key ? (a->key < b->key ? -1 : 1) : a->pred < b->pred ? -1 : a->pred > b->pred;
}

/* Every predicate of a guard that facts do not decide gets a stage; a group has one together. */
static FALLIBLE order_stages(struct build *b)
{
	struct keyed *list = ARENA_ARRAY(b->scratch, struct keyed, b->n_preds);
	bool *guards = ARENA_ARRAY(b->scratch, bool, b->n_preds);
	uint32_t n = 0;

	b->stage_pred = ARENA_ARRAY(b->scratch, uint32_t, b->n_preds);
	if (!list || !guards || !b->stage_pred)
		return E_NOMEM;
	for (uint32_t i = 0; i < b->n; i++)
		for (uint32_t k = 0; k < b->plans[i]->n_guards; k++)
			for (uint32_t j = 0; j < b->plans[i]->guards[k].n && !all_facts(b, &b->plans[i]->guards[k]);
			     j++)
				guards[b->plans[i]->guards[k].preds[j]] = true;
	for (uint32_t i = 0; i < b->n_preds; i++)
		if (guards[i])
			list[n++] = (struct keyed){ stage_key(b, i), i };
	if (n)
		qsort(list, n, sizeof *list, by_key);
	for (uint32_t i = 0; i < n; i++) {
		if (!i || list[i].key != list[i - 1].key) {
			if (b->n_stages == INDEX_MAX_STAGES)
				break;
			b->stage_pred[b->n_stages++] = list[i].pred;
		}
		b->stage_of[list[i].pred] = b->n_stages - 1;
	}
	return E_OK;
}

/* The last of its predicates' stages; NO_STAGE when one has none. */
static uint32_t stage_of_guard(const struct build *b, const struct image_guard *g)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < g->n; i++)
		last = b->stage_of[g->preds[i]] > last ? b->stage_of[g->preds[i]] : last;
	return last;
}

/* The guard of program i that this stage decides: the one with the fewest predicates. */
static const struct image_guard *guard_at(const struct build *b, uint32_t i, uint32_t stage)
{
	const struct image_guard *best = NULL;

	for (uint32_t k = 0; k < b->plans[i]->n_guards; k++) {
		const struct image_guard *g = &b->plans[i]->guards[k];

		if (!all_facts(b, g) && !is_dropped(b, b->plans[i], k) && stage_of_guard(b, g) == stage &&
		    (!best || g->n < best->n))
			best = g;
	}
	return best;
}

/* Words with at least one predicate. */
static FALLIBLE pack_preds(struct build *b, const uint64_t *set, struct index_stage *s)
{
	uint32_t n_words = (b->n_places + 63) / 64;

	s->preds = ARENA_ARRAY(b->a, struct index_preds, n_words);
	if (!s->preds)
		return E_NOMEM;
	for (uint32_t w = 0; w < n_words; w++)
		if (set[w])
			s->preds[s->n_preds++] = (struct index_preds){ w, set[w] };
	return E_OK;
}

static FALLIBLE stage_sets(struct build *b, uint32_t stage, struct index_stage *s)
{
	uint64_t *set = ARENA_ARRAY(b->scratch, uint64_t, (b->n_places + 63) / 64);

	s->needs = ARENA_ARRAY(b->a, uint64_t, b->x->n_words);
	s->first = ARENA_ARRAY(b->a, uint32_t, b->n_places + 1);
	if (!s->needs || !s->first || !set)
		return E_NOMEM;
	for (uint32_t i = 0; i < b->n; i++) {
		const struct image_guard *g = guard_at(b, i, stage);

		for (uint32_t k = 0; g && k < g->n; k++) {
			uint32_t place = helper_preds_place(b->preds, g->preds[k]);

			set[place / 64] |= 1ull << place % 64;
			s->elements |= 1ull << b->stage_of[g->preds[k]];
			s->first[place + 1]++;
		}
		if (g)
			s->needs[i / 64] |= 1ull << i % 64;
	}
	for (uint32_t i = 0; i < b->n_places; i++)
		s->first[i + 1] += s->first[i];
	return pack_preds(b, set, s);
}

static FALLIBLE stage_lets(struct build *b, uint32_t stage, struct index_stage *s)
{
	uint32_t *next = ARENA_ARRAY(b->scratch, uint32_t, b->n_places);

	s->lets = ARENA_ARRAY(b->a, uint16_t, s->first[b->n_places]);
	if (!s->lets || !next)
		return E_NOMEM;
	for (uint32_t i = 0; i < b->n; i++) {
		const struct image_guard *g = guard_at(b, i, stage);

		for (uint32_t k = 0; g && k < g->n; k++) {
			uint32_t place = helper_preds_place(b->preds, g->preds[k]);

			s->lets[s->first[place] + next[place]++] = (uint16_t)i;
		}
	}
	return E_OK;
}

static bool is_empty(const uint64_t *set, uint32_t n_words)
{
	uint64_t any = 0;

	for (uint32_t w = 0; w < n_words; w++)
		any |= set[w];
	return !any;
}

/* A group asks one field. */
static bool is_about_looks(const struct build *b, uint64_t elements)
{
	for (uint64_t bits = elements; bits; bits &= bits - 1)
		if (!event_is_look(b->asked[b->x->elements[__builtin_ctzll(bits)].pred].value))
			return false;
	return true;
}

static FALLIBLE make_stages(struct build *b)
{
	struct type_index *x = b->x;

	TRY(order_stages(b));
	for (uint32_t i = 0; i < b->n_stages; i++)
		x->elements[i] =
			(struct index_element){ .group = (uint16_t)helper_preds_group(b->preds, b->stage_pred[i]),
						.pred = (uint16_t)b->stage_pred[i] };
	x->stages = ARENA_ARRAY(b->a, struct index_stage, b->n_stages);
	if (!x->stages)
		return E_NOMEM;
	for (uint32_t i = 0; i < b->n_stages; i++) {
		struct index_stage *s = &x->stages[x->n_stages];

		TRY(stage_sets(b, i, s));
		if (is_empty(s->needs, x->n_words))
			continue; /* its predicates are asked by a later one */
		TRY(stage_lets(b, i, s));
		x->first_needs[x->n_stages] = s->needs[0];
		if (is_about_looks(b, s->elements))
			x->look_stages |= 1ull << x->n_stages;
		x->n_stages++;
	}
	return E_OK;
}

/* ---- reads ---- */

static FALLIBLE copy_reads(struct build *b)
{
	struct type_index *x = b->x;
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++)
		n += b->plans[i]->n_reads;
	x->first_read = ARENA_ARRAY(b->a, uint32_t, b->n + 1);
	x->reads = ARENA_ARRAY(b->a, uint16_t, n);
	if (!x->first_read || !x->reads)
		return E_NOMEM;
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t at = x->first_read[i];

		if (b->plans[i]->n_reads)
			memcpy(x->reads + at, b->plans[i]->reads, b->plans[i]->n_reads * sizeof *x->reads);
		x->first_read[i + 1] = at + b->plans[i]->n_reads;
	}
	return E_OK;
}

static FALLIBLE check_numbers(const struct build *b, struct diag *d)
{
	for (uint32_t i = 0; i < b->n; i++)
		for (uint32_t k = 0; k < b->plans[i]->n_guards; k++)
			for (uint32_t j = 0; j < b->plans[i]->guards[k].n; j++)
				if (b->plans[i]->guards[k].preds[j] >= b->n_preds)
					FAIL_ID(d, FORMAT, 'S', 71, "%s: a guard names predicate %u, its type has %u",
						IMAGE_INDEX_SECTION, b->plans[i]->guards[k].preds[j], b->n_preds);
	return E_OK;
}

static FALLIBLE make(struct build *b, struct diag *d)
{
	TRY(check_numbers(b, d));
	b->stage_of = ARENA_ARRAY(b->scratch, uint32_t, b->n_preds);
	b->fact_of = ARENA_ARRAY(b->scratch, uint64_t, b->n_preds);
	if (!b->stage_of || !b->fact_of)
		return E_NOMEM;
	memset(b->stage_of, 0xff, b->n_preds * sizeof *b->stage_of);
	TRY(choose_facts(b));
	TRY(fill_table(b));
	TRY(make_stages(b));
	return copy_reads(b);
}

FALLIBLE index_new(const struct image_plan *const *plans, uint32_t n, const struct helper_preds *preds,
		   const struct helper_pred *asked, struct arena *a, struct type_index *out, struct diag *d)
{
	struct arena scratch;
	struct build b = { .plans = plans,
			   .n = n,
			   .preds = preds,
			   .asked = asked,
			   .n_preds = helper_preds_count(preds),
			   .n_places = helper_preds_places(preds),
			   .a = a,
			   .scratch = &scratch,
			   .x = out };
	static _Atomic uint64_t last;
	enum err err;

	*out = (struct type_index){ .preds = preds, .n_words = (n + 63) / 64, .serial = ++last };
	arena_init(&scratch, SCRATCH_MAX_BYTES);
	err = make(&b, d);
	arena_done(&scratch);
	return err;
}

/* ---- selecting ---- */

static bool fact_holds(const struct index_fact *f, struct event *e)
{
	uint64_t v;

	event_need(e, f->field);
	if (!event_has(e, f->field))
		return false;
	memcpy(&v, e->ctx + template_slot_off(f->field), sizeof v);
	return helper_ordered(f->order, v, f->number) != f->negate;
}

static uint64_t truth_of_facts(const struct type_index *x, struct event *e)
{
	uint64_t truth = 0;

	for (uint32_t i = 0; i < x->n_facts; i++)
		truth |= (uint64_t)fact_holds(&x->facts[i], e) << i;
	return truth;
}

/* Elements that were asked, and those of them of which some predicate holds. */
struct asked {
	uint64_t all, hold;
};

static void ask(const struct type_index *x, uint64_t elements, struct event *e, struct asked *asked)
{
	for (uint64_t bits = elements & ~asked->all; bits; bits &= bits - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(bits);
		const struct index_element *el = &x->elements[i];
		bool holds = el->group != HELPER_NO_GROUP ? helper_group_holds(&e->env, el->group)
							  : helper_pred_holds(&e->env, el->pred);

		asked->hold |= (uint64_t)holds << i;
	}
	asked->all |= elements;
}

/* ce->through: programs that a predicate which holds lets through. */
static void let_through(const struct type_index *x, const struct index_stage *s, struct content_eval *ce)
{
	for (uint32_t w = 0; w < x->n_words; w++)
		ce->through[w] = 0;
	for (uint32_t k = 0; k < s->n_preds; k++)
		for (uint64_t bits = s->preds[k].set & ce->memo.holds[s->preds[k].word]; bits; bits &= bits - 1) {
			uint32_t place = 64 * s->preds[k].word + (uint32_t)__builtin_ctzll(bits);

			for (uint32_t i = s->first[place]; i < s->first[place + 1]; i++)
				ce->through[s->lets[i] / 64] |= 1ull << s->lets[i] % 64;
		}
}

static void select_many(const struct type_index *x, struct content_eval *ce, struct event *e)
{
	const uint64_t *start = x->table + truth_of_facts(x, e) * x->n_words;
	struct asked asked = { 0, 0 };

	for (uint32_t w = 0; w < x->n_words; w++)
		ce->alive[w] = start[w];
	for (const struct index_stage *s = x->stages; s < x->stages + x->n_stages; s++) {
		uint64_t waiting = 0;

		for (uint32_t w = 0; w < x->n_words; w++)
			waiting |= ce->alive[w] & s->needs[w];
		if (!waiting)
			continue;
		if (e->env.work > SELECT_MAX_WORK)
			break; /* what is left starts, and pays with its fuel */
		ask(x, s->elements, e, &asked);
		if (asked.hold & s->elements)
			let_through(x, s, ce);
		else
			memset(ce->through, 0, x->n_words * sizeof ce->through[0]);
		for (uint32_t w = 0; w < x->n_words; w++)
			ce->alive[w] &= ~s->needs[w] | ce->through[w];
	}
}

/* What is remembered of the event's looks; or nothing yet, or room that nobody reads. */
static struct content_look *recall(const struct type_index *x, struct content_eval *ce, const struct event *e,
				   struct content_look *unknown)
{
	struct content_look *l = &ce->looks[(e->look + x->serial * (CONTENT_LOOKS / 8 + 1)) % CONTENT_LOOKS];

	if (!e->look || !x->look_stages)
		l = unknown;
	else if (l->look == e->look && l->serial == x->serial)
		return l;
	*l = (struct content_look){ e->look, x->serial, 0, UINT64_MAX };
	return l;
}

/* As let_through, of at most 64 programs. */
static uint64_t let_few_through(const struct index_stage *s, const struct helper_memo *memo)
{
	uint64_t through = 0;

	for (uint32_t k = 0; k < s->n_preds; k++)
		for (uint64_t bits = s->preds[k].set & memo->holds[s->preds[k].word]; bits; bits &= bits - 1) {
			uint32_t place = 64 * s->preds[k].word + (uint32_t)__builtin_ctzll(bits);

			for (uint32_t i = s->first[place]; i < s->first[place + 1]; i++)
				through |= 1ull << s->lets[i];
		}
	return through;
}

/* A type of at most 64 programs. */
static void select_few(const struct type_index *x, struct content_eval *ce, struct event *e)
{
	struct content_look unknown, *look = recall(x, ce, e, &unknown);
	uint64_t alive = x->table[truth_of_facts(x, e)] & look->alive;
	uint64_t leaves, left = (x->n_stages == INDEX_MAX_STAGES ? 0 : 1ull << x->n_stages) - 1;
	struct asked asked = { 0, 0 };

	for (left &= ~look->done; left && alive; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		uint64_t needs = x->first_needs[i];

		if (!(alive & needs))
			continue;
		if (e->env.work > SELECT_MAX_WORK)
			break; /* what is left starts, and pays with its fuel */
		ask(x, x->stages[i].elements, e, &asked);
		leaves = ~needs;
		if (asked.hold & x->stages[i].elements)
			leaves |= let_few_through(&x->stages[i], &ce->memo);
		alive &= leaves;
		if (x->look_stages >> i & 1) {
			look->done |= 1ull << i;
			look->alive &= leaves;
		}
	}
	ce->alive[0] = alive;
}

void index_select(const struct type_index *x, struct content_eval *ce, struct event *e)
{
	e->env.work = 0;
	if (x->n_words == 1)
		select_few(x, ce, e);
	else
		select_many(x, ce, e);
}
