/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a slot of the host's state. The checksum is mended first, so that what lies behind it is reached. What
 * is accepted is written as it was read, and every event leaves it readable. */
#include "release/local/local.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HASH_AT = LOCAL_SLOT_BYTES - OBJECT_DIGEST_BYTES };

static void check(const struct local_state *s)
{
	uint8_t slot[LOCAL_SLOT_BYTES];
	struct local_state back;

	local_write(s, slot);
	if (local_read(view_of(slot, sizeof slot), &back, NULL) != E_OK)
		abort();
	back.unsaved_s = s->unsaved_s;
	if (memcmp(s, &back, sizeof back))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t slot[LOCAL_SLOT_BYTES] = { 0 };
	struct local_state s, next;
	struct local_output out;

	if (local_read(view_of(data, size), &s, NULL) == E_OK)
		check(&s);
	memcpy(slot, data, size < HASH_AT ? size : HASH_AT);
	object_digest(view_of(slot, HASH_AT), slot + HASH_AT);
	if (local_read(view_of(slot, sizeof slot), &s, NULL) != E_OK)
		return 0;
	check(&s);
	for (uint32_t e = 0; e < LOCAL_N_EVENTS; e++) {
		struct local_input in = { .event = e, .elapsed_s = LOCAL_CALM_S, .cause = CAUSE_CRASH };

		memcpy(in.digest, s.lane[e % LOCAL_N_LANES].candidate, sizeof in.digest);
		next = s;
		if (local_on(&next, &plan_default, &in, &out, NULL) == E_OK)
			check(&next);
	}
	return 0;
}
