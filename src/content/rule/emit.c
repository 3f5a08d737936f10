/* SPDX-License-Identifier: Apache-2.0 */
/* emit: instructions with forward jumps that are patched when their label is bound, and the pool of literals. */
#include "content/rule/internal.h"

enum { N_BUCKETS = 4096, POOL_MAX_BYTES = 4 << 20 /* of one map value: engine/obj */ };

void rule_emit(struct rule_code *c, struct isa_insn in)
{
	struct isa_insn *insns;

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
	return htab_init(&p->by_bytes, N_BUCKETS);
}

void rule_pool_done(struct rule_pool *p)
{
	htab_done(&p->by_bytes);
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
