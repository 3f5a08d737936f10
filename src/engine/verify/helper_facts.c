/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper_facts: what a prototype does not say of a helper: whether it changes its map, and what it gives its callback.
 * Which kinds of maps it works on stands in the profile (abi_map_takes). Ids are Linux's.
 *
 * Linux: kernel/bpf/verifier.c:record_func_map, check_helper_call, v6.12.
 */
#include "engine/verify/verify_internal.h"

static const struct facts {
	uint32_t id;
	bool changes;
	uint8_t callback; /* enum callback */
} facts[] = {
	{ ABI_HELPER_map_update_elem, true, CALLBACK_NONE },
	{ ABI_HELPER_map_delete_elem, true, CALLBACK_NONE },
	{ HELPER_MAP_PUSH, true, CALLBACK_NONE },
	{ HELPER_MAP_POP, true, CALLBACK_NONE },
	{ HELPER_RINGBUF_OUTPUT, true, CALLBACK_NONE },
	{ HELPER_RINGBUF_RESERVE, true, CALLBACK_NONE },
	{ HELPER_FOR_EACH, false, CALLBACK_FOR_EACH },
	{ HELPER_TIMER_SET_CALLBACK, false, CALLBACK_TIMER },
	{ HELPER_LOOP, false, CALLBACK_LOOP },
	{ HELPER_USER_RINGBUF_DRAIN, true, CALLBACK_DRAIN },
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
