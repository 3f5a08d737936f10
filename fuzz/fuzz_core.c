/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_core: relocations between any types. An input is
 *
 *   0  u16  bytes of the object's types
 *   2  u16  bytes of the target's types
 *   4  both, then .BTF.ext
 *
 * or an ELF file, which is fitted to nothing and to its own types. What is resolved is within what was looked through.
 */
#include "engine/obj/obj.h"

enum { STEPS = 200000, HDR_BYTES = 4 };

static void must(bool what)
{
	if (!what)
		abort();
}

static void check_one(const struct btf *local, const struct btf *target, const struct core_relo *r, uint64_t *steps)
{
	struct core_result out;
	struct diag d;
	struct buf text;

	diag_init(&d);
	buf_init(&text, 512);
	core_print(local, r, &text);
	buf_done(&text);
	if (core_resolve(local, r, target, steps, &out, &d) != E_OK) {
		must(d.family == 'U' && d.err != E_BUG && d.err != E_OK);
		return;
	}
	must(out.type < target->n_types);
	must(!out.exists || !out.poison);
	if (!out.exists)
		must(out.value == 0 || r->kind == CORE_TYPE_ID_LOCAL);
	if (out.resize)
		must(out.bytes && out.bytes_was);
}

static void resolve_all(struct view ext, const struct btf *local, const struct btf *target, struct arena *a)
{
	const struct core_relo *list;
	uint64_t steps = STEPS;
	uint32_t n;

	for (uint32_t off = 0, len; off < local->n_strings && off < 4096; off += len + 1) {
		const char *section = btf_string(local, off);

		len = (uint32_t)strlen(section);
		if (core_read(ext, local, section, a, &list, &n, NULL) != E_OK)
			return;
		for (uint32_t i = 0; i < n && i < 256; i++) {
			check_one(local, target, &list[i], &steps);
			check_one(local, local, &list[i], &steps);
		}
	}
}

static void as_types(struct view in, struct arena *a)
{
	uint16_t n[2];
	struct view local, target, ext;
	struct btf l, t;

	if (VIEW_READ(in, 0, &n) != E_OK || !view_sub(in, HDR_BYTES, n[0], &local) ||
	    !view_sub(in, HDR_BYTES + n[0], n[1], &target))
		return;
	ext = view_of(in.p + HDR_BYTES + n[0] + n[1], in.len - HDR_BYTES - n[0] - n[1]);
	if (btf_read(local, NULL, a, &l, NULL) == E_OK && btf_read(target, NULL, a, &t, NULL) == E_OK)
		resolve_all(ext, &l, &t, a);
}

static void as_object(struct view in, struct arena *a)
{
	static const struct btf_type only = { .name = "" };
	static const uint32_t zero;
	const struct btf nothing = { .types = &only,
				     .n_types = 1,
				     .strings = "",
				     .n_strings = 1,
				     .ptr_bytes = 8,
				     .bucket = &zero,
				     .next = &zero,
				     .n_buckets = 1 };
	struct obj_opts opts = { .target = &nothing };
	const struct obj_section *types;
	struct btf own;
	struct obj o;

	if (obj_read(in, "fuzz.o", &opts, a, &o, NULL) != E_OK)
		return;
	types = obj_section(&o, ".BTF");
	if (!types)
		return;
	must(btf_read(types->bytes, NULL, a, &own, NULL) == E_OK);
	opts.target = &own;
	if (obj_read(in, "fuzz.o", &opts, a, &o, NULL) != E_OK)
		return;
	for (uint32_t i = 0; i < o.n_progs; i++)
		for (uint32_t k = 0; k < o.progs[i].n_insns; k++)
			(void)prog_missing(&o.progs[i], k);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;

	arena_init(&a, 512 << 20);
	if (n > 4 && !memcmp(p, "\177ELF", 4))
		as_object(view_of(p, n), &a);
	else
		as_types(view_of(p, n), &a);
	arena_done(&a);
	return 0;
}
