/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a schema text: refused with a place, or a table that writes and reads back the same. */
#include "content/template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct template_table *t, *again;
	struct arena a;
	struct buf x, y;
	struct diag d;

	arena_init(&a, 16 << 20);
	buf_init(&x, 1 << 20);
	buf_init(&y, 1 << 20);
	diag_init(&d);
	if (template_read_schema((const char *)data, size, "fuzz", &a, &t, &d) == E_OK) {
		template_write_schema(t, &x);
		if (template_read_schema(x.p, x.len, "again", &a, &again, &d) != E_OK)
			abort();
		template_write_schema(again, &y);
		if (x.len != y.len || memcmp(x.p, y.p, x.len) != 0)
			abort();
	} else if (!d.text[0]) {
		abort();
	}
	buf_done(&x);
	buf_done(&y);
	arena_done(&a);
	return 0;
}
