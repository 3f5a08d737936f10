/* SPDX-License-Identifier: Apache-2.0 */
/* emit: instructions with forward jumps that are patched when their label is bound, and the pool of literals. */
#include "content/rule/internal.h"
#include "engine/helpers/helpers.h"

enum { N_BUCKETS = 4096, POOL_MAX_BYTES = 4 << 20 /* of one map value: engine/obj */ };

void rule_emit(struct rule_code *c, struct isa_insn in)
{
	struct isa_insn *insns;

	if (!c->err && c->n == RULE_MAX_PROG_SLOTS)
		c->err = E_LIMIT;
	if (c->err)
		return;
	insns = arena_grow(c->a, c->insns, c->n, &c->cap, sizeof in);
	if (!insns) {
		c->err = E_NOMEM;
		return;
	}
	c->insns = insns;
	c->insns[c->n++] = in;
}

void rule_emit_jump(struct rule_code *c, struct isa_insn in, struct rule_label *to)
{
	assert(to->at < 0 && "jumps go forward");
	in.off = to->chain;
	rule_emit(c, in);
	if (!c->err)
		to->chain = (int32_t)c->n - 1;
}

void rule_bind(struct rule_code *c, struct rule_label *l)
{
	for (int32_t i = l->chain, next; i >= 0 && !c->err; i = next) {
		int32_t distance = (int32_t)c->n - i - 1;

		next = c->insns[i].off;
		if (distance > INT16_MAX)
			c->err = E_LIMIT;
		c->insns[i].off = distance;
	}
	l->at = (int32_t)c->n;
}

struct literal {
	struct hnode node;
	uint32_t off, len;
};

FALLIBLE rule_pool_init(struct rule_pool *p, struct arena *a)
{
	*p = (struct rule_pool){ .a = a };
	buf_init(&p->bytes, POOL_MAX_BYTES);
	TRY(htab_init(&p->by_values, N_BUCKETS));
	return htab_init(&p->by_bytes, N_BUCKETS);
}

void rule_pool_done(struct rule_pool *p)
{
	htab_done(&p->by_bytes);
	htab_done(&p->by_values);
	buf_done(&p->bytes);
}

FALLIBLE rule_pool_add(struct rule_pool *p, const void *bytes, size_t len, uint32_t *ret_off)
{
	uint64_t hash = hash_bytes(bytes, len, 0);
	struct literal *l;

	for (struct hnode *n = htab_first(&p->by_bytes, hash); n; n = htab_next(n)) {
		l = CONTAINER_OF(n, struct literal, node);
		if (l->len == len && !memcmp(p->bytes.p + l->off, bytes, len)) {
			*ret_off = l->off;
			return E_OK;
		}
	}
	l = ARENA_NEW(p->a, struct literal);
	if (!l)
		return E_NOMEM;
	l->off = (uint32_t)p->bytes.len;
	l->len = (uint32_t)len;
	buf_put(&p->bytes, bytes, len);
	if (p->bytes.full)
		return E_LIMIT;
	htab_add(&p->by_bytes, &l->node, hash);
	*ret_off = l->off;
	return E_OK;
}

/* What values are packed as; a question also has its head in the bits above. */
enum { PACK_STRINGS, PACK_NETS, PACK_REGEX, PACK_QUESTION };

struct packed {
	struct hnode node;
	const struct rule_value *values;
	uint32_t n;
	uint64_t what; /* 0 a set of strings, 1 of networks, else the head of a question */
	uint32_t off, len;
};

static FALLIBLE pack_strings(struct rule_pool *p, const struct rule_value *values, uint32_t n, struct buf *out)
{
	struct helper_str *strs = ARENA_ARRAY(p->a, struct helper_str, n);

	if (!strs)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++)
		strs[i] = (struct helper_str){ values[i].p, values[i].len };
	return helper_pack_set(strs, n, out);
}

static FALLIBLE pack_nets(struct rule_pool *p, const struct rule_value *values, uint32_t n, struct buf *out)
{
	struct helper_net *nets = ARENA_ARRAY(p->a, struct helper_net, n);

	if (!nets)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++)
		if (!rule_value_net(values[i].p, values[i].len, &nets[i]))
			return E_BUG; /* rule_check_types judged it */
	helper_pack_nets(nets, n, out);
	return out->full ? E_LIMIT : E_OK;
}

static FALLIBLE pack_regex(const struct rule_value *v, struct buf *out)
{
	struct helper_regex_error e;
	struct arena scratch;
	enum err err;

	arena_init(&scratch, REGEX_SCRATCH_BYTES);
	err = helper_pack_regex(v->p, v->len, &scratch, out, &e);
	arena_done(&scratch);
	return err == E_REJECTED ? E_BUG : err; /* rule_check_types judged it */
}

/* All expressions one after the other, and where each is. */
static FALLIBLE pack_regexes(const struct packed *s, uint32_t n, struct helper_str *operands, struct buf *all)
{
	size_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		TRY(pack_regex(&s->values[i], all));
		operands[i].len = (uint32_t)(all->len - at);
		at = all->len;
	}
	at = 0;
	for (uint32_t i = 0; i < n; i++) { /* now that the buffer moves no more */
		operands[i].p = all->p + at;
		at += operands[i].len;
	}
	return E_OK;
}

/* A predicate that takes a set gets one operand: the set of all values. */
static FALLIBLE pack_operands(struct rule_pool *p, const struct packed *s, struct helper_question *q, struct buf *set,
			      struct buf *out)
{
	struct helper_str *operands = ARENA_ARRAY(p->a, struct helper_str, q->n);

	if (!operands)
		return E_NOMEM;
	if (q->test == ABI_HELPER_str_in || q->test == ABI_HELPER_str_pmatch) {
		TRY(pack_strings(p, s->values, q->n, set));
		operands[0] = (struct helper_str){ set->p, (uint32_t)set->len };
		q->n = 1;
	} else if (q->test == ABI_HELPER_str_regex) {
		TRY(pack_regexes(s, q->n, operands, set));
	} else {
		for (uint32_t i = 0; i < q->n; i++)
			operands[i] = (struct helper_str){ s->values[i].p, s->values[i].len };
	}
	q->operands = operands;
	helper_pack_question(q, out);
	return out->full ? E_LIMIT : E_OK;
}

static FALLIBLE pack_question(struct rule_pool *p, const struct packed *s, uint32_t n, struct buf *out)
{
	struct helper_question q = { .test = (uint32_t)(s->what >> 32),
				     .transforms = (uint8_t)(s->what >> 8),
				     .mode = (uint8_t)(s->what >> 16),
				     .negate = s->what >> 24 & 1,
				     .n = n };
	struct buf set;
	enum err err;

	buf_init(&set, POOL_MAX_BYTES);
	err = pack_operands(p, s, &q, &set, out);
	buf_done(&set);
	return err;
}

static FALLIBLE pack(struct rule_pool *p, struct packed *s, uint32_t n)
{
	struct buf set;
	enum err err;

	buf_init(&set, POOL_MAX_BYTES);
	err = s->what == PACK_STRINGS ? pack_strings(p, s->values, n, &set)
	      : s->what == PACK_NETS  ? pack_nets(p, s->values, n, &set)
	      : s->what == PACK_REGEX ? pack_regex(s->values, &set)
				      : pack_question(p, s, n, &set);
	if (err == E_LIMIT)
		p->bytes.full = true; /* it would not have fitted */
	s->len = (uint32_t)set.len;
	err = err ? err : rule_pool_add(p, set.p, set.len, &s->off);
	buf_done(&set);
	return err;
}

/* Found by where the values are: expanded lists are shared, so a list that many rules use is packed once. */
static FALLIBLE pool_packed(struct rule_pool *p, const struct rule_value *values, uint32_t n, uint64_t what,
			    uint32_t *ret_off, uint32_t *ret_len)
{
	uint64_t hash = hash_u64((uintptr_t)values + what);
	struct packed *s = NULL;

	for (struct hnode *h = htab_first(&p->by_values, hash); h && !s; h = htab_next(h)) {
		s = CONTAINER_OF(h, struct packed, node);
		s = s->values == values && s->n == n && s->what == what ? s : NULL;
	}
	if (!s) {
		s = ARENA_NEW(p->a, struct packed);
		if (!s)
			return E_NOMEM;
		*s = (struct packed){ .values = values, .n = n, .what = what };
		TRY(pack(p, s, n));
		htab_add(&p->by_values, &s->node, hash);
	}
	*ret_off = s->off;
	*ret_len = s->len;
	return E_OK;
}

FALLIBLE rule_pool_set(struct rule_pool *p, const struct rule_value *values, uint32_t n, bool nets, uint32_t *ret_off,
		       uint32_t *ret_len)
{
	return pool_packed(p, values, n, nets ? PACK_NETS : PACK_STRINGS, ret_off, ret_len);
}

FALLIBLE rule_pool_regex(struct rule_pool *p, const struct rule_value *value, uint32_t *ret_off, uint32_t *ret_len)
{
	return pool_packed(p, value, 1, PACK_REGEX, ret_off, ret_len);
}

FALLIBLE rule_pool_question(struct rule_pool *p, const struct rule_value *values, uint32_t n,
			    const struct helper_question *q, uint32_t *ret_off, uint32_t *ret_len)
{
	uint64_t what = PACK_QUESTION | (uint64_t)q->transforms << 8 | (uint64_t)q->mode << 16 |
			(uint64_t)q->negate << 24 | (uint64_t)q->test << 32;

	return pool_packed(p, values, n, what, ret_off, ret_len);
}
