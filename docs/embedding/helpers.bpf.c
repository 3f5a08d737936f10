/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#define SEC(name) __attribute__((section(name), used))

/* Found by name when the object is loaded. */
extern uint64_t stock(const char *article, uint32_t len);
extern uint64_t note(const char *text, uint32_t len);

SEC("program") int reorder(void *ctx)
{
	char article[] = "tea";

	if (stock(article, 3) >= 10)
		return 0;
	note(article, 3);
	return 1;
}
