/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_btf: any bytes as types. What is read keeps what btf.h promises, is found by its name, has an end when it is
 * printed, may be extended by itself as split BTF, and refines the profile of a kernel within what profiles may be.
 */
#include "engine/btf/btf.h"
#include "engine/kernel/kernel.h"

enum { PRINT_MAX = 4096, PRINT_TYPES = 256 };

static void must(bool what)
{
	if (!what)
		abort();
}

static bool is_value(const struct btf *b, uint32_t id)
{
	return id < b->n_types && btf_get(b, id)->kind < BTF_N_KINDS;
}

static void check_parts(const struct btf *b, const struct btf_type *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		if (t->kind == BTF_STRUCT || t->kind == BTF_UNION)
			must(t->members[i].name && is_value(b, t->members[i].type));
		if (t->kind == BTF_FUNC_PROTO)
			must(t->params[i].name && is_value(b, t->params[i].type));
		if (t->kind == BTF_ENUM || t->kind == BTF_ENUM64)
			must(t->enumerators[i].name != NULL);
		if (t->kind == BTF_DATASEC)
			must(is_value(b, t->vars[i].type));
		if (t->kind == BTF_ARRAY)
			break;
	}
}

static void check_type(const struct btf *b, uint32_t id, struct buf *out)
{
	const struct btf_type *t = btf_get(b, id);
	uint32_t found;
	uint64_t size;

	must(t->name && strlen(t->name) <= (t->kind == BTF_DECL_TAG ? BTF_MAX_BYTES : BTF_MAX_NAME));
	must(is_value(b, t->type) && is_value(b, btf_skip(b, id)));
	check_parts(b, t);
	(void)btf_size(b, id, &size);
	if (t->name[0] && t->kind != BTF_DECL_TAG && t->kind != BTF_TYPE_TAG && id - b->first < PRINT_TYPES) {
		found = btf_find(b, t->kind, t->name, id);
		must(found == id);
	}
	if (id - b->first < PRINT_TYPES) {
		buf_reset(out);
		btf_print(b, id, out);
	}
}

static bool try_read(struct view bytes, const struct btf *base, struct arena *a, struct btf *out)
{
	struct diag d;
	struct buf text;

	diag_init(&d);
	if (btf_read(bytes, base, a, out, &d) != E_OK) {
		must(d.err == E_NOMEM || d.err == E_OK || (d.family == 'U' && d.err != E_BUG));
		return false;
	}
	buf_init(&text, PRINT_MAX);
	for (uint32_t id = base ? base->n_types : 0; id < out->n_types; id++)
		check_type(out, id, &text);
	buf_done(&text);
	return true;
}

static void check_profile(const struct btf *b)
{
	const struct kernel_profile *newest = &kernel_profiles[kernel_n_profiles - 1];

	for (size_t i = 0; i < kernel_n_profiles; i++) {
		struct kernel_refined r;

		kernel_refine(&kernel_profiles[i], b, &r);
		must(r.profile.own == &r.own && r.profile.version >= kernel_profiles[i].version &&
		     r.profile.version <= newest->version);
		must(r.profile.limits.frames && r.profile.limits.frames <= newest->limits.frames);
		for (uint32_t id = 0; id < KERNEL_HELPER_WORDS * 64; id++)
			must(!kernel_has_helper(&r.profile, id) || kernel_helper_name(id));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct btf b, split;
	struct arena a;

	arena_init(&a, 512 << 20);
	if (try_read(view_of(p, n), NULL, &a, &b)) {
		check_profile(&b);
		if (try_read(view_of(p, n), &b, &a, &split))
			check_profile(&split);
	}
	arena_done(&a);
	return 0;
}
