/* SPDX-License-Identifier: Apache-2.0 */
/* Archives: whatever is read is inside of the archive, has a good name, and gives the same when written and read again.
 */
#include "release/archive/archive.h"
#include "transport/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_of(data, size);
	struct archive_file f, again;
	size_t at = 0;
	struct diag d;

	diag_init(&d);
	while (archive_next(v, &at, &f, &d) == E_OK) {
		struct buf b;
		size_t to = 0;

		if (at > size || !transport_name_ok(f.name) || f.bytes.p < data ||
		    f.bytes.p + f.bytes.len > data + size)
			abort();
		buf_init(&b, ARCHIVE_MAX_BYTES);
		if (archive_add(&b, f.name, f.bytes, &d) != E_OK ||
		    archive_next(view_of(b.p, b.len), &to, &again, &d) != E_OK || to != b.len ||
		    strcmp(again.name, f.name) != 0 || again.bytes.len != f.bytes.len ||
		    memcmp(again.bytes.p, f.bytes.p, f.bytes.len) != 0)
			abort();
		buf_done(&b);
	}
	return 0;
}
