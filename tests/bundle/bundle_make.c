/* SPDX-License-Identifier: Apache-2.0 */
#include "bundle_make.h"

static const char first_text[] = "- rule: one\n", second_text[] = "- rule: two\n";

void bundle_make_init(struct bundle_make *b)
{
	*b = (struct bundle_make){ 0 };
	make_init(&b->m, &template_builtin);
	make_rule(&b->m, "shadow", "read by %proc.name");
	make_begin(&b->m);
	make_if_string(&b->m, FIELD_proc_name, "cat");
	make_end(&b->m, TEMPLATE_TYPE_file_open);
	make_rule(&b->m, "pipe", "hops=%ipc.hops");
	make_begin(&b->m);
	make_if_number(&b->m, FIELD_ipc_pipe_hops, 2);
	make_end(&b->m, TEMPLATE_TYPE_ipc_pipe);
	make_write(&b->m, &b->elf);
	b->sources[1] = (struct bundle_source){ "b.yaml", view_of(second_text, sizeof second_text - 1) };
	b->sources[0] = (struct bundle_source){ "a.yaml", view_of(first_text, sizeof first_text - 1) };
	b->parts = (struct bundle_parts){ .name = "tests",
					  .version = "1.0",
					  .security_floor = 7,
					  .engine_min = ABI_LEVEL,
					  .engine_max = BUNDLE_ANY_ENGINE,
					  .limits = bundle_usual_limits,
					  .content = view_of(b->elf.p, b->elf.len),
					  .vectors = view_of("vectors", 7),
					  .n_vectors = 1,
					  .sources = b->sources,
					  .n_sources = 2 };
}

void bundle_make_done(struct bundle_make *b)
{
	buf_done(&b->elf);
	make_done(&b->m);
}

void bundle_split_init(struct bundle_split *s, const struct buf *file)
{
	for (uint32_t i = 0; i < BUNDLE_N_SECTIONS; i++) {
		struct bundle_hdr_section h;

		memcpy(&h, file->p + sizeof(struct bundle_hdr) + i * sizeof h, sizeof h);
		buf_init(&s->part[i], BUNDLE_MAX_BYTES);
		buf_put(&s->part[i], file->p + h.offset, h.bytes);
	}
}

void bundle_split_done(struct bundle_split *s)
{
	for (uint32_t i = 0; i < BUNDLE_N_SECTIONS; i++)
		buf_done(&s->part[i]);
}

void bundle_split_join(struct bundle_split *s, struct buf *out)
{
	struct bundle_hdr h = { .magic = { 'S', 'P', 'B', 'U', 'N', 'D', 'L', 'E' },
				.version = BUNDLE_VERSION,
				.n_sections = BUNDLE_N_SECTIONS,
				.bytes = sizeof h + BUNDLE_N_SECTIONS * sizeof(struct bundle_hdr_section) };
	struct bundle_hdr_section sec[BUNDLE_N_SECTIONS] = { 0 };

	for (uint32_t i = 1; i < BUNDLE_N_SECTIONS && s->part[0].len >= sizeof(struct bundle_manifest_hdr); i++)
		bundle_digest(view_of(s->part[i].p, s->part[i].len),
			      (uint8_t *)s->part[0].p + offsetof(struct bundle_manifest_hdr, content) +
				      (size_t)(i - 1) * BUNDLE_DIGEST_BYTES);
	for (uint32_t i = 0; i < BUNDLE_N_SECTIONS; i++) {
		sec[i] = (struct bundle_hdr_section){ .kind = i + 1, .offset = h.bytes, .bytes = s->part[i].len };
		bundle_digest(view_of(s->part[i].p, s->part[i].len), sec[i].digest);
		h.bytes += s->part[i].len;
	}
	buf_init(out, 2 * BUNDLE_MAX_BYTES);
	buf_put(out, &h, sizeof h);
	buf_put(out, sec, sizeof sec);
	for (uint32_t i = 0; i < BUNDLE_N_SECTIONS; i++)
		buf_put(out, s->part[i].p, s->part[i].len);
}

enum err bundle_try(const struct buf *file, const struct bundle_host *h, struct diag *d)
{
	AUTO_FREE uint8_t *copy = malloc(file->len ? file->len : 1);
	struct bundle b;
	struct arena a;
	enum err err;

	memcpy(copy, file->p ? file->p : "", file->len);
	diag_init(d);
	arena_init(&a, BUNDLE_ARENA_MAX);
	err = bundle_read(view_of(copy, file->len), &a, &b, d);
	if (err == E_OK)
		err = bundle_check(&b, h, d);
	arena_done(&a);
	return err;
}
