/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_asm: any text. What is read as a program lists as a text that reads back as the same program, and lists the
 * same again. The bytes as bare instructions, where they decode, do too.
 */
#include <stdlib.h>

#include "engine/asm/asm.h"

enum { LIST_MAX = 64 << 20 };

static void must(bool what)
{
	if (!what)
		abort();
}

static void same_code(const struct prog *p, const struct prog *q)
{
	struct buf a, b;

	buf_init(&a, LIST_MAX);
	buf_init(&b, LIST_MAX);
	asm_encode(p->insns, p->n_insns, &a);
	asm_encode(q->insns, q->n_insns, &b);
	must(p->n_insns == q->n_insns && a.len == b.len && (!a.len || !memcmp(a.p, b.p, a.len)));
	buf_done(&a);
	buf_done(&b);
}

static void same_maps(const struct prog *p, const struct prog *q)
{
	must(p->n_maps == q->n_maps);
	for (uint32_t i = 0; i < p->n_maps; i++) {
		const struct prog_map *m = &p->maps[i], *n = &q->maps[i];

		must(!strcmp(m->name, n->name) && m->kind == n->kind && m->key_size == n->key_size &&
		     m->value_size == n->value_size && m->max_entries == n->max_entries && m->flags == n->flags &&
		     m->n_hashes == n->n_hashes && m->init.len == n->init.len);
		must(!m->init.len || !memcmp(m->init.p, n->init.p, m->init.len));
	}
}

/* p was read: its list reads back as it. */
static void list_and_read(const struct prog *p)
{
	struct buf list, again;
	struct arena a;
	struct prog q;

	arena_init(&a, 256 << 20);
	buf_init(&list, LIST_MAX);
	buf_init(&again, LIST_MAX);
	asm_list(p, ASM_LINES | ASM_SLOTS | ASM_BYTES, &list);
	must(!list.full);
	if (list.len <= ASM_MAX_BYTES) {
		must(asm_text(view_of(list.p, list.len), "list", &a, &q, NULL) == E_OK);
		same_code(p, &q);
		same_maps(p, &q);
		must(p->n_funcs == q.n_funcs || !p->n_funcs);
		buf_reset(&list);
		asm_list(p, 0, &list);
		asm_list(&q, 0, &again);
		must(!p->n_funcs || (list.len == again.len && (!list.len || !memcmp(list.p, again.p, list.len))));
	}
	buf_done(&list);
	buf_done(&again);
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct prog prog;
	struct diag d;

	arena_init(&a, 256 << 20);
	diag_init(&d);
	if (asm_text(view_of(p, n), "fuzz.s", &a, &prog, &d) == E_OK)
		list_and_read(&prog);
	else
		must(d.err == E_NOMEM || (d.err != E_BUG && d.text[0]));
	if (prog_from_code(view_of(p, n / 8 * 8), "fuzz", &a, &prog, NULL) == E_OK)
		list_and_read(&prog);
	arena_done(&a);
	return 0;
}
