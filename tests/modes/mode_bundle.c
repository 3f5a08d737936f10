/* SPDX-License-Identifier: Apache-2.0 */
#include "mode_bundle.h"

const char mode_rules[] = "- rule: First\n  condition: evt.type = open and fd.name startswith /etc\n" RULE_TAIL
			  "- rule: Second\n  condition: spawned_process and proc.name in (nc, ncat)\n" RULE_TAIL
			  "- macro: spawned_process\n  condition: evt.type = execve\n";
const char mode_other[] = "- rule: First\n  condition: evt.type = open and fd.name startswith /usr\n" RULE_TAIL
			  "- rule: Second\n  condition: spawned_process and proc.name in (sh, bash)\n" RULE_TAIL
			  "- macro: spawned_process\n  condition: evt.type = execve\n";

void mode_bundle(const char *rules, uint32_t engine_min, uint32_t engine_max, struct buf *out)
{
	const struct bundle_source src = { "r.yaml", view_of(rules, strlen(rules)) };
	struct bundle_parts p = { .name = "modes",
				  .version = "1",
				  .engine_min = engine_min ? engine_min : ABI_LEVEL,
				  .engine_max = engine_max,
				  .limits = bundle_usual_limits,
				  .sources = &src,
				  .n_sources = 1 };
	struct buf elf, vectors;
	struct diags ds;
	struct made m;

	make_text(&m, rules);
	CHECK_OK(m.err);
	diags_init(&ds, &m.l.a);
	buf_init(&elf, BUNDLE_MAX_BYTES);
	buf_init(&vectors, BUNDLE_MAX_BYTES);
	CHECK_OK(rule_compile(m.l.rs, &m.l.a, &elf, &ds));
	CHECK_OK(vector_write(&m.set, &vectors, NULL));
	p.content = view_of(elf.p, elf.len);
	p.vectors = view_of(vectors.p, vectors.len);
	p.n_vectors = m.set.n;
	buf_init(out, BUNDLE_MAX_BYTES);
	CHECK_OK(bundle_write(&p, out, NULL));
	buf_done(&elf);
	buf_done(&vectors);
	made_done(&m);
}

enum err mode_check(struct view bytes, const struct bundle_host *h, struct diag *d)
{
	struct vector_result r;
	struct content *c = NULL;
	struct bundle b;
	struct arena a;
	enum err err;

	diag_init(d);
	arena_init(&a, BUNDLE_ARENA_MAX);
	err = bundle_read(bytes, &a, &b, d);
	if (err == E_OK)
		err = bundle_load(&b, "b", h, true, &a, &c, d);
	if (err == E_OK)
		err = vector_prove(b.vectors, b.manifest.n_vectors, c, h->table, NULL, &r, d);
	content_free(c);
	d->subject = NULL;
	d->notes = NULL; /* they were in the arena */
	arena_done(&a);
	return err;
}
