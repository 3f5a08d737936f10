/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_zone: any bytes as the file of a time zone. What is read has offsets that change where it says they do. */
#include "release/policy/policy.h"

static struct view whole(void *user, const char *name)
{
	(void)name;
	return *(const struct view *)user;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char text[] =
		"windows: [Mon-Thu 09:00-16:00 Fuzz, Sun 23:30-00:30 Fuzz]\nfreezes: [2026-10-25 Fuzz]\n";
	struct view v = view_of(p, n);
	struct policy policy;
	struct arena a;
	struct diags ds;

	arena_init(&a, 1 << 20);
	diags_init(&ds, &a);
	if (policy_read("fuzz", view_of(text, sizeof text - 1), whole, &v, &a, &ds, &policy) == E_OK) {
		int64_t t = 1792800000, next = policy_next_open(&policy, t);

		for (int64_t s = t; s < t + 3 * 86400 && s < next; s += 600)
			if (policy_open_at(&policy, s))
				abort();
		if (next != INT64_MAX && (next < t || !policy_open_at(&policy, next)))
			abort();
		(void)policy_open_at(&policy, INT64_MIN);
		(void)policy_next_open(&policy, INT64_MAX);
	} else if (!ds.head || !ds.head->d.text[0]) {
		abort();
	}
	arena_done(&a);
	return 0;
}
