/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_decode: any bytes as a sequence of records, each with two bytes of length before it. All types and fields are
 * made, and every value of every event is read. A record's own length is set right, so that mutations get past it.
 */
#include "sensor/decode/decode.h"

static volatile uint64_t sum;

static void on_event(void *user, struct event *e)
{
	struct buf b;

	(void)user;
	buf_init(&b, 1 << 20);
	for (uint32_t i = 0; i < e->table->common.n; i++)
		(void)event_format(e, i, -1, &b);
	for (uint32_t i = 0; i < e->type->own.n; i++)
		(void)event_format(e, TEMPLATE_CAP + i, -1, &b);
	for (size_t i = 0; i < b.len; i++)
		sum += (uint8_t)b.p[i];
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char passwd[] = "root:x:0:0:\n";
	struct decode_opts o = { .table = &template_builtin,
				 .passwd = passwd,
				 .passwd_len = sizeof passwd - 1,
				 .types = (1 << TEMPLATE_N_TYPES) - 1,
				 .emit = on_event };
	struct decode *d;

	if (decode_new(&o, &d) != E_OK)
		return 0;
	while (n >= 2) {
		size_t len = (size_t)p[0] | (size_t)p[1] << 8;
		uint32_t bytes;
		uint8_t *copy;

		p += 2;
		n -= 2;
		len = len < n ? len : n;
		copy = malloc(len ? len : 1); /* of exactly its size: a read past it is seen */
		if (!copy)
			break;
		memcpy(copy, p, len);
		bytes = (uint32_t)len;
		if (len >= sizeof bytes)
			memcpy(copy, &bytes, sizeof bytes);
		if (decode_record(d, view_of(copy, len)) == E_OK)
			(void)decode_set_cmdline(d, 11, (const char *)copy, len);
		free(copy);
		p += len;
		n -= len;
	}
	decode_free(d);
	return 0;
}
