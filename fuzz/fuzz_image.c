/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_image: any bytes as each of the two sections of compiled content. What is read can be written, and reads back.
 */
#include "content/image/image.h"

static void must(bool what)
{
	if (!what)
		abort();
}

static void try_schema(struct view v, struct arena *a)
{
	struct image_schema s, again;
	struct buf b;

	if (image_read_schema(v, a, &s, NULL) != E_OK)
		return;
	buf_init(&b, 64 << 20);
	if (image_write_schema(&s, &b, NULL) == E_OK)
		must(image_read_schema(view_of(b.p, b.len), a, &again, NULL) == E_OK && again.n_progs == s.n_progs);
	buf_done(&b);
}

static void try_rules(struct view v, struct arena *a)
{
	struct image_rules r, again;
	struct image_token t;
	struct buf b;

	if (image_read_rules(v, a, &r, NULL) != E_OK)
		return;
	for (uint32_t i = 0; i < r.n_rules; i++)
		for (const char *s = r.rules[i].output; *s; s++)
			must(image_token(s, strlen(s), &t) <= strlen(s));
	buf_init(&b, 64 << 20);
	if (image_write_rules(&r, &b, NULL) == E_OK)
		must(image_read_rules(view_of(b.p, b.len), a, &again, NULL) == E_OK && again.n_rules == r.n_rules);
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;

	arena_init(&a, 256 << 20);
	try_schema(view_of(p, n), &a);
	try_rules(view_of(p, n), &a);
	arena_done(&a);
	return 0;
}
