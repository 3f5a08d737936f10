/* SPDX-License-Identifier: Apache-2.0 */
/* tar: headers of 512 bytes, numbers in octal. */
#include "base/tar.h"

#include "base/base.h"

struct tar_header {
	char name[TAR_NAME_BYTES];
	char mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
	char type, link[100], magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], zero[12];
};
static_assert(sizeof(struct tar_header) == TAR_BLOCK, "POSIX.1-2017, pax, ustar Interchange Format");

void tar_put(struct buf *out, const char *name, struct view bytes)
{
	struct tar_header h = { .mode = "0000600",
				.uid = "0000000",
				.gid = "0000000",
				.mtime = "00000000000",
				.checksum = { ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ' },
				.type = '0',
				.magic = "ustar",
				.version = { '0', '0' } };
	unsigned sum = 0;

	assert(name[0] && name[0] != '/' && strlen(name) < sizeof h.name && bytes.len <= 077777777777);
	memcpy(h.name, name, strlen(name));
	(void)snprintf(h.size, sizeof h.size, "%011llo", (unsigned long long)bytes.len);
	for (size_t i = 0; i < sizeof h; i++)
		sum += ((const unsigned char *)&h)[i];
	(void)snprintf(h.checksum, sizeof h.checksum, "%06o", sum);
	buf_put(out, &h, sizeof h);
	if (bytes.len)
		buf_put(out, bytes.p, bytes.len);
	for (size_t i = bytes.len; i % TAR_BLOCK; i++)
		buf_putc(out, 0);
}

void tar_end(struct buf *out)
{
	static const char zero[2 * TAR_BLOCK];

	buf_put(out, zero, sizeof zero);
}
