/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_image: any bytes as each of the sections that compiled content has. What is read can be written, and reads back.
 */
#include "content/filter/filter.h"
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

static void try_index(struct view v, struct arena *a)
{
	struct image_index x, again;
	struct buf b;

	if (image_read_index(v, a, &x, NULL) != E_OK)
		return;
	buf_init(&b, 64 << 20);
	if (image_write_index(&x, &b, NULL) == E_OK)
		must(image_read_index(view_of(b.p, b.len), a, &again, NULL) == E_OK && again.n_preds == x.n_preds);
	buf_done(&b);
}

static void try_filter(struct view v, struct arena *a)
{
	static const struct filter_name *const nothing[FILTER_PLACES];
	struct filter_prog *progs, *again;
	const struct filter **list;
	struct filter_sum sum;
	uint32_t n, n_again;
	struct buf b;

	if (filter_read(v, a, &progs, &n, NULL) != E_OK)
		return;
	list = ARENA_ARRAY(a, const struct filter *, n);
	for (uint32_t i = 0; list && i < n; i++)
		list[i] = &progs[i].filter;
	if (list && filter_add_up(list, n, a, &sum) == E_OK)
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t c = 0; c < FILTER_CLASSES; c++)
				must(!filter_passes(list[i], c, nothing, true) ||
				     filter_sum_passes(&sum, c, nothing, true));
	buf_init(&b, 64 << 20);
	if (filter_write(progs, n, &b, NULL) == E_OK)
		must(filter_read(view_of(b.p, b.len), a, &again, &n_again, NULL) == E_OK && n_again == n);
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;

	arena_init(&a, 256 << 20);
	try_schema(view_of(p, n), &a);
	try_rules(view_of(p, n), &a);
	try_index(view_of(p, n), &a);
	try_filter(view_of(p, n), &a);
	arena_done(&a);
	return 0;
}
