/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_capture: any bytes as a capture. What comes of a .scap must be records that decode takes; own records are the
 * file's and may be anything. Checksums of the own format are set right first, so that mutations get past them.
 */
#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"

enum { HEADER = 256, HEADER_CRC = 252, LAYOUT_AT = 20, BLOCK = 32, BYTES_AT = 8, PAYLOAD_CRC_AT = 24, CRC_AT = 28 };

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof v);
}

static void mend(uint8_t *p, size_t n)
{
	if (n < HEADER || p[0] != 0x89)
		return;
	put32(p + LAYOUT_AT, capture_layout());
	put32(p + HEADER_CRC, capture_crc32c(0, p, HEADER_CRC));
	for (size_t at = HEADER; n - at >= BLOCK;) {
		uint32_t len;

		memcpy(&len, p + at + BYTES_AT, sizeof len);
		if (len > n - at - BLOCK)
			return;
		put32(p + at + PAYLOAD_CRC_AT, capture_crc32c(0, p + at + BLOCK, len));
		put32(p + at + CRC_AT, capture_crc32c(0, p + at, CRC_AT));
		at += BLOCK + len;
	}
}

static void ignore(void *user, struct event *e)
{
	(void)user;
	(void)e;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct decode_opts o = { .table = &template_builtin, .types = (1 << TEMPLATE_N_TYPES) - 1, .emit = ignore };
	uint8_t *copy = malloc(n ? n : 1); /* of exactly its size: a read past it is seen */
	struct capture *c = NULL;
	struct decode *d = NULL;
	struct view rec;
	struct diag diag;

	if (!copy || decode_new(&o, &d) != E_OK)
		abort();
	memcpy(copy, p, n);
	mend(copy, n);
	diag_init(&diag);
	if (capture_open_bytes(view_of(copy, n), "fuzz", &c, &diag) == E_OK)
		while (capture_next(c, &rec, &diag) == E_OK)
			if (decode_record(d, rec) != E_OK && capture_info(c)->kind == CAPTURE_SCAP)
				abort();
	capture_close(c);
	decode_free(d);
	free(copy);
	return 0;
}
