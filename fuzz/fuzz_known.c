/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_known: any bytes as a table of known releases, its checksum made right. What is read is written back to the same
 * bytes. */
#include "release/endpoint/endpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct endpoint_table t;
	struct buf in, out;
	struct diag d;

	buf_init(&in, 1 << 20);
	buf_init(&out, 1 << 20);
	diag_init(&d);
	buf_put(&in, p, n);
	if (n >= OBJECT_DIGEST_BYTES) {
		size_t body = n - OBJECT_DIGEST_BYTES;

		object_digest(view_of(in.p, body), (uint8_t *)in.p + body);
	}
	if (endpoint_restore(view_of(in.p, in.len), &t, &d) == E_OK) {
		if (endpoint_save(&t, &out) != E_OK || out.len != in.len || memcmp(out.p, in.p, in.len) != 0)
			abort();
	} else if (!d.text[0]) {
		abort();
	}
	buf_done(&in);
	buf_done(&out);
	return 0;
}
