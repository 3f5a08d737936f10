/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper_facts: what a prototype does not say of a helper: the kinds of maps it works on, whether it changes the map,
 * and what it gives its callback. Ids are Linux's.
 *
 * Linux: kernel/bpf/verifier.c:check_map_func_compatibility, record_func_map, check_helper_call, v6.12; which kinds can
 * be iterated: map_for_each_callback in kernel/bpf/{arraymap,hashtab}.c.
 */
#include "engine/verify/verify_internal.h"

#define KIND(k) (UINT64_C(1) << PROG_MAP_##k)
#define HASHES (KIND(HASH) | KIND(PERCPU_HASH) | KIND(LRU_HASH) | KIND(LRU_PERCPU_HASH))
#define ARRAYS (KIND(ARRAY) | KIND(PERCPU_ARRAY))
#define KEYED (HASHES | ARRAYS | KIND(LPM_TRIE))

static const struct facts {
	uint32_t id;
	bool changes;
	uint8_t callback; /* enum callback */
	uint64_t kinds;   /* of its map argument; 0: it has none */
} facts[] = {
	{ ABI_HELPER_map_lookup_elem, false, CALLBACK_NONE, KEYED | KIND(ARRAY_OF_MAPS) | KIND(HASH_OF_MAPS) },
	{ ABI_HELPER_map_update_elem, true, CALLBACK_NONE, KEYED },
	{ ABI_HELPER_map_delete_elem, true, CALLBACK_NONE, KEYED },
	{ HELPER_TAIL_CALL, false, CALLBACK_NONE, KIND(PROG_ARRAY) },
	{ HELPER_MAP_PUSH, true, CALLBACK_NONE, KIND(QUEUE) | KIND(STACK) | KIND(BLOOM_FILTER) },
	{ HELPER_MAP_POP, true, CALLBACK_NONE, KIND(QUEUE) | KIND(STACK) },
	{ HELPER_MAP_PEEK, false, CALLBACK_NONE, KIND(QUEUE) | KIND(STACK) | KIND(BLOOM_FILTER) },
	{ HELPER_RINGBUF_OUTPUT, true, CALLBACK_NONE, KIND(RINGBUF) },
	{ HELPER_RINGBUF_RESERVE, true, CALLBACK_NONE, KIND(RINGBUF) },
	{ HELPER_RINGBUF_QUERY, false, CALLBACK_NONE, KIND(RINGBUF) },
	{ HELPER_FOR_EACH, false, CALLBACK_FOR_EACH, HASHES | ARRAYS },
	{ HELPER_TIMER_INIT, false, CALLBACK_NONE, KIND(HASH) | KIND(ARRAY) | KIND(LRU_HASH) },
	{ HELPER_TIMER_SET_CALLBACK, false, CALLBACK_TIMER, 0 },
	{ HELPER_LOOP, false, CALLBACK_LOOP, 0 },
	{ HELPER_LOOKUP_PERCPU, false, CALLBACK_NONE, KIND(PERCPU_ARRAY) | KIND(PERCPU_HASH) | KIND(LRU_PERCPU_HASH) },
	{ HELPER_USER_RINGBUF_DRAIN, true, CALLBACK_DRAIN, KIND(USER_RINGBUF) },
};

static const struct facts *facts_of(uint32_t id)
{
	for (size_t i = 0; i < countof(facts); i++)
		if (facts[i].id == id)
			return &facts[i];
	return NULL;
}

bool helper_changes_map(uint32_t id)
{
	const struct facts *f = facts_of(id);

	return f && f->changes;
}

bool helper_works_on(uint32_t id, uint32_t kind)
{
	const struct facts *f = facts_of(id);

	return f && kind < 64 && f->kinds >> kind & 1;
}

enum callback helper_callback(uint32_t id)
{
	const struct facts *f = facts_of(id);

	return f ? (enum callback)f->callback : CALLBACK_NONE;
}

/* Runs a function of the program, maybe many times, before it returns. A timer's callback runs at some other time. */
bool calls_back(const struct verifier *v, const struct isa_insn *in)
{
	enum callback c = CALLBACK_NONE;

	if (in->sem == ISA_CALL && in->aux == ISA_CALL_HELPER && in->imm > 0 && in->imm <= INT32_MAX &&
	    abi_helper(v->o->profile, (uint32_t)in->imm))
		c = helper_callback((uint32_t)in->imm);
	return c != CALLBACK_NONE && c != CALLBACK_TIMER;
}
