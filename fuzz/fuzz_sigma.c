/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sigma: any bytes as a file of Sigma rules. Whatever is refused has a reason; what is imported loads as one
 * rules file, with as many rules as were counted.
 */
#include "content/sigma/sigma.h"

static void must(bool what)
{
	if (!what)
		abort();
}

static void load_back(const struct sigma_import *s)
{
	struct rule_source src = { .name = "imported" };
	struct rule_set *set = NULL;
	struct arena a;
	struct diags ds;
	struct buf out;

	buf_init(&out, SIGMA_MAX_OUT_BYTES + (64 << 10));
	arena_init(&a, SIGMA_FILE_ARENA_BYTES);
	diags_init(&ds, &a);
	must(sigma_write(s, &out) == E_OK);
	src.text = out.p;
	src.len = out.len;
	must(rule_load(&src, 1, &template_builtin, &a, &ds, &set) == E_OK);
	must(set->n_rules == sigma_counts(s).imported);
	arena_done(&a);
	buf_done(&out);
}

static void look_at(const struct sigma_outcome *o, const struct diags *ds)
{
	struct buf b;

	for (; o; o = o->next)
		must((o->fate == SIGMA_IMPORTED) == (o->reason == NULL) && o->pos.line);
	for (const struct diag_node *n = ds->head; n; n = n->next)
		must(n->d.text[0] && n->d.pos.line && n->d.pos.col);
	buf_init(&b, 4 << 20);
	diags_render(&b, ds, false);
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rule_source src = { "fuzz.yml", (const char *)data, size };
	const struct sigma_outcome *first = NULL;
	struct sigma_import *s;
	struct arena a;
	struct diags ds;
	enum err err;

	arena_init(&a, SIGMA_FILE_ARENA_BYTES);
	diags_init(&ds, &a);
	must(sigma_new(&template_builtin, &s) == E_OK);
	err = sigma_add(s, &src, &a, &ds, &first);
	must(err != E_REJECTED || ds.n_errors);
	if (err == E_OK) {
		look_at(first, &ds);
		load_back(s);
	}
	sigma_free(s);
	arena_done(&a);
	return 0;
}
