/* SPDX-License-Identifier: Apache-2.0 */
#include <sallyport/bpf.h>

/* Found by name when the object is loaded. */
extern u64 stock(const char *article, u32 len);
extern u64 note(const char *text, u32 len);

SEC("program") int reorder(void *ctx)
{
	char article[] = "tea";

	if (stock(article, 3) >= 10)
		return 0;
	note(article, 3);
	return 1;
}
