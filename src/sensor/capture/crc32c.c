/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c: a table for each of four bytes at a time, made when it is first needed. */
#include "sensor/capture/parts.h"

#include <pthread.h>

#define POLYNOMIAL 0x82f63b78u /* 0x1edc6f41, reflected */

static uint32_t table[4][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ POLYNOMIAL : c >> 1;
		table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int t = 1; t < 4; t++)
			table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 0xff];
}

uint32_t capture_crc32c(uint32_t crc, const void *p, size_t len)
{
	const uint8_t *s = p;

	(void)pthread_once(&once, make);
	crc = ~crc;
	for (; len >= 4; len -= 4, s += 4) {
		crc ^= (uint32_t)s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 | (uint32_t)s[3] << 24;
		crc = table[3][crc & 0xff] ^ table[2][crc >> 8 & 0xff] ^ table[1][crc >> 16 & 0xff] ^
		      table[0][crc >> 24];
	}
	for (; len; len--, s++)
		crc = crc >> 8 ^ table[0][(crc ^ *s) & 0xff];
	return ~crc;
}
