/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_vector: any bytes as a set of vectors. What is read can be written, reads back, and can be run. */
#include "content/vector/vector.h"

static const char rules[] = "- rule: A\n"
			    "  desc: d\n"
			    "  output: o\n"
			    "  priority: INFO\n"
			    "  condition: evt.type = open and fd.name startswith /etc and not proc.aname in (a, b)\n";
static struct arena forever;
static struct content *content;

static void must(bool what)
{
	if (!what)
		abort();
}

static void make_content(void)
{
	struct content_opts o = { .table = &template_builtin };
	struct rule_source src = { "r.yaml", rules, strlen(rules) };
	struct rule_set *rs;
	struct diags ds;
	struct buf elf;

	arena_init(&forever, 256 << 20);
	diags_init(&ds, &forever);
	buf_init(&elf, 1 << 20);
	must(rule_load(&src, 1, &template_builtin, &forever, &ds, &rs) == E_OK);
	must(rule_compile(rs, &forever, &elf, &ds) == E_OK);
	must(content_load(view_of(elf.p, elf.len), "rules", &o, &forever, &content, NULL) == E_OK);
	buf_done(&elf);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct vector_set set, again;
	struct vector_result r;
	struct arena a;
	struct buf b;

	if (!content)
		make_content();
	arena_init(&a, 256 << 20);
	if (vector_read(view_of(p, n), &a, &set, NULL) == E_OK) {
		buf_init(&b, VECTOR_MAX_FILE_BYTES);
		if (vector_write(&set, &b, NULL) == E_OK)
			must(vector_read(view_of(b.p, b.len), &a, &again, NULL) == E_OK && again.n == set.n &&
			     again.n_claims == set.n_claims);
		buf_done(&b);
		(void)vector_complete(&set, content_n_rules(content), NULL, &a, NULL);
		if (vector_run(content, &template_builtin, &set, NULL, &r, NULL) != E_NOMEM)
			must(r.n == set.n && r.failed <= r.n);
	}
	arena_done(&a);
	return 0;
}
