/* SPDX-License-Identifier: Apache-2.0 */
/* match: building and walking. See match.h. */
#include "engine/helpers/match.h"

enum { DEAD, ROOT, FIRST_FREE };
enum { MAX_PROBES = 64 };
/*
 * A cell is the place of the row of the state that it leads to: state times n_classes, so that a step is one addition
 * and one load. The top bit: that state gives something out. While an automaton is built, cells are states.
 */
#define GIVES (UINT32_C(1) << 31)
enum { PAIR_BITS = 4096 };

/* Of the table for equality; id lists are as an automaton's. */
struct entry {
	uint32_t hash, off, len, state;
};

struct match {
	enum match_kind kind;
	/* automata: cells[state * n_classes + class of byte] */
	uint8_t class[256];
	uint32_t n_classes, n_states;
	uint32_t *cells;
	/*
	 * occurrences: at least one of any pair_step neighbouring pairs of bytes of each literal is here, so a string
	 * with none at every pair_step-th place holds no literal; 0: not so. Equality: the ends of the literals
	 * (ends_at).
	 */
	uint32_t pair_step;
	uint32_t pair_reach; /* no literal begins further before such a place */
	uint64_t pairs[PAIR_BITS / 64];
	/* equality */
	struct entry *entries; /* n_entries, a power of two; state 0: free */
	uint32_t n_entries;
	char *text;
	/* what state s gives out: ids[first[s]] up to ids[first[s + 1]] */
	uint32_t *first;
	uint16_t *ids;
};

/* While it is built: what a state itself ends, as lists. */
struct link {
	uint32_t id;
	int32_t next;
};

struct build {
	struct match *m;
	struct arena *a, *scratch;
	const struct match_literal *literals;
	uint32_t n;
	int32_t *head;      /* by state */
	struct link *links; /* one per literal */
	uint32_t n_links;
	uint16_t *fail;
};

static bool has_link(const struct build *b, uint32_t state, uint32_t id)
{
	for (int32_t l = b->head[state]; l >= 0; l = b->links[l].next)
		if (b->links[l].id == id)
			return true;
	return false;
}

static void add_link(struct build *b, uint32_t state, uint32_t id)
{
	if (has_link(b, state, id))
		return;
	b->links[b->n_links] = (struct link){ id, b->head[state] };
	b->head[state] = (int32_t)b->n_links++;
}

static FALLIBLE build_links(struct build *b, uint32_t n_states)
{
	b->links = ARENA_ARRAY(b->scratch, struct link, b->n);
	b->head = ARENA_ARRAY(b->scratch, int32_t, n_states);
	if (!b->links || !b->head)
		return E_NOMEM;
	memset(b->head, 0xff, n_states * sizeof *b->head);
	return E_OK;
}

/* ---- what states give out ---- */

/* A state's own ids and those of all states that its text ends with: along fail. */
static uint32_t each_id(const struct build *b, uint32_t state, uint16_t *out)
{
	uint32_t n = 0;

	for (uint32_t s = state; s > ROOT; s = b->fail ? b->fail[s] : DEAD)
		for (int32_t l = b->head[s]; l >= 0; l = b->links[l].next, n++)
			if (out)
				out[n] = (uint16_t)b->links[l].id;
	return n;
}

/* An empty literal ends at the root: it fits everywhere. */
static uint32_t root_ids(const struct build *b, uint16_t *out)
{
	uint32_t n = 0;

	for (int32_t l = b->head[ROOT]; l >= 0; l = b->links[l].next, n++)
		if (out)
			out[n] = (uint16_t)b->links[l].id;
	return n;
}

static FALLIBLE give_out(struct build *b, uint32_t n_states)
{
	struct match *m = b->m;
	uint32_t total = root_ids(b, NULL);

	for (uint32_t s = FIRST_FREE; s < n_states; s++) {
		total += each_id(b, s, NULL);
		if (total > MATCH_MAX_OUTPUTS)
			return E_LIMIT;
	}
	m->first = ARENA_ARRAY(b->a, uint32_t, n_states + 1);
	m->ids = ARENA_ARRAY(b->a, uint16_t, total);
	if (!m->first || !m->ids)
		return E_NOMEM;
	m->first[ROOT + 1] = root_ids(b, m->ids);
	for (uint32_t s = FIRST_FREE; s < n_states; s++)
		m->first[s + 1] = m->first[s] + each_id(b, s, m->ids + m->first[s]);
	return E_OK;
}

/* ---- automata ---- */

static uint8_t byte_at(const struct match *m, struct helper_str s, uint32_t i)
{
	return (uint8_t)s.p[m->kind == MATCH_SUFFIX ? s.len - 1 - i : i];
}

/* Class 0 is every byte that no literal has: with 256 different ones there is none left for it. */
static void find_classes(struct build *b, uint32_t *ret_bytes)
{
	struct match *m = b->m;
	uint32_t bytes = 0;

	m->n_classes = 1;
	for (uint32_t i = 0; i < b->n; i++) {
		struct helper_str s = b->literals[i].s;

		bytes += s.len < MATCH_MAX_STATES ? s.len : MATCH_MAX_STATES;
		if (bytes > MATCH_MAX_STATES)
			break;
		for (uint32_t k = 0; k < s.len && m->n_classes < 256; k++)
			if (!m->class[(uint8_t)s.p[k]])
				m->class[(uint8_t)s.p[k]] = (uint8_t)m->n_classes++;
	}
	*ret_bytes = bytes;
}

static uint32_t *cell(struct match *m, uint32_t state, uint8_t byte)
{
	return &m->cells[state * m->n_classes + m->class[byte]];
}

static void insert(struct build *b, const struct match_literal *l)
{
	struct match *m = b->m;
	uint32_t state = ROOT;

	for (uint32_t i = 0; i < l->s.len; i++) {
		uint32_t *c = cell(m, state, byte_at(m, l->s, i));

		if (*c == DEAD)
			*c = m->n_states++;
		state = *c;
	}
	add_link(b, state, l->id);
}

/*
 * Breadth first: a state's fail is the longest other prefix of a literal that its text ends with. What a state has no
 * way for goes where its fail goes, so that walking never goes back.
 */
static FALLIBLE find_fails(struct build *b)
{
	struct match *m = b->m;
	uint16_t *queue = ARENA_ARRAY(b->scratch, uint16_t, m->n_states);
	uint32_t head = 0, tail = 0;

	b->fail = ARENA_ARRAY(b->scratch, uint16_t, m->n_states);
	if (!queue || !b->fail)
		return E_NOMEM;
	queue[tail++] = ROOT;
	while (head < tail) {
		uint32_t s = queue[head++];

		for (uint32_t k = 0; k < m->n_classes; k++) {
			uint32_t *to = &m->cells[s * m->n_classes + k];
			uint32_t otherwise = s == ROOT ? ROOT : m->cells[b->fail[s] * m->n_classes + k];

			if (*to != DEAD) {
				b->fail[*to] = (uint16_t)otherwise;
				queue[tail++] = (uint16_t)*to;
			} else {
				*to = otherwise;
			}
		}
	}
	return E_OK;
}

static void finish_cells(struct match *m)
{
	for (uint32_t i = 0; i < m->n_states * m->n_classes; i++) {
		uint32_t to = m->cells[i];

		m->cells[i] = to * m->n_classes;
		if (to > ROOT && m->first[to + 1] > m->first[to])
			m->cells[i] |= GIVES;
	}
}

static uint32_t pair_at(const char *p)
{
	return ((uint32_t)(uint8_t)p[0] ^ (uint32_t)(uint8_t)p[1] << 4) % PAIR_BITS;
}

/* How often a byte is in names, paths and command lines, roughly. */
static uint32_t commonness(char c)
{
	return strchr("/aeionrst", c) ? 9 : c >= 'a' && c <= 'z' ? 5 : strchr(" .-_0123456789", c) ? 4 : 1;
}

static uint32_t pair_commonness(const char *p)
{
	return commonness(p[0]) * commonness(p[1]);
}

static bool test_bit(const uint64_t *bits, uint32_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

static void set_bit(uint64_t *bits, uint32_t i)
{
	bits[i / 64] |= 1ull << i % 64;
}

/* As many pairs of each literal as there are places in a step, one after the other: those that strings have least
 * often. */
static void choose_pairs(struct build *b)
{
	struct match *m = b->m;

	m->pair_step = 2;
	for (uint32_t i = 0; i < b->n && m->pair_step; i++)
		if (b->literals[i].s.len < m->pair_step + 1)
			m->pair_step = b->literals[i].s.len < 2 ? 0 : 1;
	for (uint32_t i = 0; i < b->n && m->pair_step; i++) {
		struct helper_str s = b->literals[i].s;
		uint32_t best = 0, least = UINT32_MAX;

		for (uint32_t k = 0; k + m->pair_step < s.len; k++) {
			uint32_t sum = pair_commonness(s.p + k) + (m->pair_step > 1 ? pair_commonness(s.p + k + 1) : 0);

			best = sum < least ? k : best;
			least = sum < least ? sum : least;
		}
		for (uint32_t k = 0; k < m->pair_step; k++)
			set_bit(m->pairs, pair_at(s.p + best + k));
		if (best + m->pair_step - 1 > m->pair_reach)
			m->pair_reach = best + m->pair_step - 1;
	}
}

static FALLIBLE build_automaton(struct build *b)
{
	struct match *m = b->m;
	uint32_t bytes;

	find_classes(b, &bytes);
	if (bytes > MATCH_MAX_STATES || (bytes + FIRST_FREE) * m->n_classes > MATCH_MAX_CELLS || m->n_classes == 256)
		return E_LIMIT;
	m->cells = ARENA_ARRAY(b->a, uint32_t, (bytes + FIRST_FREE) * m->n_classes);
	if (!m->cells)
		return E_NOMEM;
	TRY(build_links(b, bytes + FIRST_FREE));
	m->n_states = FIRST_FREE;
	for (uint32_t i = 0; i < b->n; i++)
		insert(b, &b->literals[i]);
	if (m->kind == MATCH_INSIDE)
		TRY(find_fails(b));
	TRY(give_out(b, m->n_states));
	finish_cells(m);
	if (m->kind == MATCH_INSIDE)
		choose_pairs(b);
	return E_OK;
}

/* ---- equality ---- */

/* Of its length, its first and its last byte. */
static uint32_t ends_at(struct helper_str s)
{
	return s.len ? (s.len ^ (uint32_t)(uint8_t)s.p[0] << 2 ^ (uint32_t)(uint8_t)s.p[s.len - 1] << 5) % PAIR_BITS
		     : 0;
}

/* The string's entry, or a free one for it. NULL: strings made to collide. */
static struct entry *place_of(const struct match *m, struct helper_str s)
{
	uint32_t hash = set_hash(s);

	for (uint32_t probe = 0; probe < MAX_PROBES; probe++) {
		struct entry *e = &m->entries[(hash + probe) & (m->n_entries - 1)];

		if (!e->state ||
		    (e->hash == hash && e->len == s.len && (!s.len || !memcmp(m->text + e->off, s.p, s.len))))
			return e;
	}
	return NULL;
}

static FALLIBLE build_table(struct build *b)
{
	struct match *m = b->m;
	uint64_t bytes = 0;
	uint32_t n_states = FIRST_FREE, used = 0;

	for (uint32_t i = 0; i < b->n; i++)
		bytes += b->literals[i].s.len;
	if (bytes > INT32_MAX)
		return E_LIMIT;
	m->n_entries = 4;
	while (m->n_entries < 2 * b->n)
		m->n_entries *= 2;
	m->entries = ARENA_ARRAY(b->a, struct entry, m->n_entries);
	m->text = arena_alloc(b->a, bytes + 1);
	if (!m->entries || !m->text)
		return E_NOMEM;
	TRY(build_links(b, b->n + FIRST_FREE));
	for (uint32_t i = 0; i < b->n; i++) {
		struct helper_str s = b->literals[i].s;
		struct entry *e = place_of(m, s);

		if (!e)
			return E_LIMIT;
		if (!e->state) {
			*e = (struct entry){ set_hash(s), used, s.len, n_states++ };
			if (s.len)
				memcpy(m->text + used, s.p, s.len);
			used += s.len;
			set_bit(m->pairs, ends_at(s));
		}
		add_link(b, e->state, b->literals[i].id);
	}
	return give_out(b, n_states);
}

FALLIBLE match_new(enum match_kind kind, const struct match_literal *literals, uint32_t n, struct arena *a,
		   struct arena *scratch, struct match **out)
{
	struct build b = { .a = a, .scratch = scratch, .literals = literals, .n = n };

	if (n > MATCH_MAX_LITERALS)
		return E_LIMIT;
	b.m = ARENA_NEW(a, struct match);
	if (!b.m)
		return E_NOMEM;
	b.m->kind = kind;
	TRY(kind == MATCH_EQUAL ? build_table(&b) : build_automaton(&b));
	*out = b.m;
	return E_OK;
}

/* ---- walking ---- */

static inline void give(const struct match *m, uint32_t state, uint64_t *bits)
{
	for (uint32_t i = m->first[state]; i < m->first[state + 1]; i++)
		bits[m->ids[i] / 64] |= 1ull << m->ids[i] % 64;
}

static void run_equal(const struct match *m, struct helper_str s, uint64_t *bits)
{
	const struct entry *e = test_bit(m->pairs, ends_at(s)) ? place_of(m, s) : NULL;

	if (e && e->state)
		give(m, e->state, bits);
}

/* A step from the row at `row`; false: no literal goes on like this. */
static inline bool step(const struct match *m, uint32_t *row, char byte, uint64_t *bits)
{
	uint32_t cell = m->cells[*row + m->class[(uint8_t)byte]];

	*row = cell & ~GIVES;
	if (cell & GIVES)
		give(m, *row / m->n_classes, bits);
	return cell;
}

static void run_prefix(const struct match *m, struct helper_str s, uint64_t *bits)
{
	uint32_t row = ROOT * m->n_classes;

	for (uint32_t i = 0; i < s.len && step(m, &row, s.p[i], bits); i++)
		;
}

static void run_suffix(const struct match *m, struct helper_str s, uint64_t *bits)
{
	uint32_t row = ROOT * m->n_classes;

	for (uint32_t i = s.len; i-- > 0 && step(m, &row, s.p[i], bits);)
		;
}

/* The first of the places with such a pair; s.len: there is none. */
static uint32_t first_pair(const struct match *m, struct helper_str s, uint32_t step)
{
	for (uint32_t i = 0; i + 1 < s.len; i += step)
		if (test_bit(m->pairs, pair_at(s.p + i)))
			return i;
	return s.len;
}

static void run_inside(const struct match *m, struct helper_str s, uint64_t *bits)
{
	uint32_t row = ROOT * m->n_classes, at = 0;

	if (m->pair_step) {
		at = m->pair_step == 2 ? first_pair(m, s, 2) : first_pair(m, s, 1);
		if (at == s.len)
			return;
		at -= at < m->pair_reach ? at : m->pair_reach;
	}
	for (uint32_t i = at; i < s.len; i++)
		(void)step(m, &row, s.p[i], bits);
}

void match_run(const struct match *m, struct helper_str s, uint64_t *bits)
{
	if (m->kind == MATCH_EQUAL) {
		run_equal(m, s, bits);
		return;
	}
	give(m, ROOT, bits);
	if (m->kind == MATCH_PREFIX)
		run_prefix(m, s, bits);
	else if (m->kind == MATCH_SUFFIX)
		run_suffix(m, s, bits);
	else
		run_inside(m, s, bits);
}
