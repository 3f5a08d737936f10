/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_names: any bytes as a file of addresses and names; what is read can be looked up. */
#include "sensor/names/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const wanted[] = { "a", "host.example", "x-1" };
	const struct helper_str *found;
	struct names_pair *pairs = NULL;
	struct names *names;
	uint32_t n_pairs = 0;
	struct arena a;
	struct diag d;

	arena_init(&a, 64 << 20);
	diag_init(&d);
	if (names_new(&names) != E_OK)
		abort();
	if (names_want(names, wanted, countof(wanted)) != E_OK)
		abort();
	if (names_read_hosts(view_of(p, n), "fuzz", &a, &pairs, &n_pairs, &d) == E_OK) {
		if (names_set(names, pairs, n_pairs) == E_OK)
			for (uint32_t i = 0; i < n_pairs; i++)
				(void)names_find(names, pairs[i].addr, pairs[i].addr_len, &found);
	} else if (!d.text[0]) {
		abort();
	}
	names_free(names);
	arena_done(&a);
	return 0;
}
