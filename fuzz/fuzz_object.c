/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_object: any bytes as each kind of signed object. What is read is written to the same bytes. */
#include "release/object/object.h"

static void must(bool what)
{
	if (!what)
		abort();
}

#define TRY_KIND(kind, v)                                                         \
	do {                                                                      \
		struct object_##kind o;                                           \
		struct buf b;                                                     \
		buf_init(&b, OBJECT_MAX_BYTES);                                   \
		if (object_read_##kind((v), &o, NULL) == E_OK) {                  \
			must(object_write_##kind(&o, &b, NULL) == E_OK);          \
			must(b.len == (v).len && memcmp(b.p, (v).p, b.len) == 0); \
		}                                                                 \
		buf_done(&b);                                                     \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view v = view_of(p, n);

	TRY_KIND(root, v);
	TRY_KIND(promotion, v);
	TRY_KIND(revoke, v);
	TRY_KIND(timestamp, v);
	TRY_KIND(health, v);
	return 0;
}
