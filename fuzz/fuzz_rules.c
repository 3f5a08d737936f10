/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_rules: any bytes as a rules file. Whatever is refused is refused with a place in the file; whatever loads
 * compiles (or says why not), reads back, and every program passes the verifier.
 */
#include "content/image/image.h"
#include "content/rule/rule.h"
#include "engine/obj/obj.h"
#include "engine/verify/verify.h"

enum { ARENA_MAX_BYTES = 256 << 20 };

static void must(bool what)
{
	if (!what)
		abort();
}

static void try_program(const struct obj *o, const struct image_prog *rec, struct arena *a)
{
	struct verify_opts v = { .profile = &abi_sallyport, .type = abi_prog_type(&abi_sallyport, IMAGE_PROG_SECTION) };
	const struct prog *p = obj_prog(o, rec->prog);
	struct abi_ctx ctx;

	must(p != NULL);
	if (p->n_insns > 4096)
		return; /* time is better spent on other inputs */
	must(template_ctx(&template_builtin, template_type_by_name(&template_builtin, rec->type), a, &ctx) == E_OK);
	v.ctx = &ctx;
	must(verify_prog(p, &v, a, NULL, NULL) == E_OK);
}

static void try_file(struct view elf, struct arena *a)
{
	struct image_schema s;
	struct image_rules r;
	struct obj o;

	must(obj_read(elf, "fuzz", NULL, a, &o, NULL) == E_OK);
	must(image_read_schema(obj_section(&o, IMAGE_SCHEMA_SECTION)->bytes, a, &s, NULL) == E_OK);
	must(image_read_rules(obj_section(&o, IMAGE_RULES_SECTION)->bytes, a, &r, NULL) == E_OK);
	for (uint32_t i = 0; i < s.n_progs; i++)
		try_program(&o, &s.progs[i], a);
}

static void look_at(const struct diags *ds)
{
	struct buf b;

	for (const struct diag_node *n = ds->head; n; n = n->next)
		if (n->d.family == 'R')
			must(n->d.pos.line && n->d.pos.col && n->d.text[0]);
	buf_init(&b, 4 << 20);
	diags_render(&b, ds, false);
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rule_source src = { "fuzz.yaml", (const char *)data, size };
	struct rule_set *rs = NULL;
	struct arena a;
	struct diags ds;
	struct buf elf;
	enum err err;

	arena_init(&a, ARENA_MAX_BYTES);
	diags_init(&ds, &a);
	buf_init(&elf, 16 << 20);
	err = rule_load(&src, 1, &template_builtin, &a, &ds, &rs);
	must((err == E_OK) == (rs != NULL));
	must(err != E_REJECTED || ds.n_errors > 0);
	if (!err && rule_compile(rs, &a, &elf, &ds) == E_OK)
		try_file(view_of(elf.p, elf.len), &a);
	look_at(&ds);
	buf_done(&elf);
	arena_done(&a);
	return 0;
}
