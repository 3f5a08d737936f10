/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#include "engine/jit/impl.h"

const char *const bed_names[BED_N] = { "interpreter", "verified",           "verified, counting fuel",
				       "sandboxed",   "sandboxed, blinded", "verified, other atomics" };

static struct jit_opts opts_of(enum bed_engine e)
{
	return (struct jit_opts){ .target = jit_host(),
				  .sandboxed = e == BED_SANDBOXED || e == BED_BLIND,
				  .fuel = e == BED_VERIFIED_FUEL,
				  .blind = e == BED_BLIND,
				  .features = e == BED_OTHER_ATOMICS ? JIT_LSE : 0,
				  .seed = 0x5eed };
}

size_t bed_code_bytes(enum bed_engine e, const struct code *c)
{
	struct jit_opts o = opts_of(e);
	struct vm_prog *vp = NULL;
	struct jit_code code;
	struct arena a;
	size_t bytes;

	arena_init(&a, 64 << 20);
	CHECK_OK(prepare_code(c, &vp, NULL));
	CHECK_OK(jit_compile(vp, &o, &a, &code, NULL));
	bytes = code.code.len;
	vm_prog_free(vp);
	arena_done(&a);
	return bytes;
}

void bed_attach(enum bed_engine e, struct vm_prog *vp, struct bed_native *out)
{
	struct jit_opts o = opts_of(e);
	struct jit_code code;

	*out = (struct bed_native){ .vp = vp };
	arena_init(&out->a, 64 << 20);
	if (e == BED_INTERP)
		return;
	CHECK_OK(jit_compile(vp, &o, &out->a, &code, NULL));
	CHECK_OK(jit_map(&code, 1, &out->im, NULL));
	CHECK_OK(jit_attach(vp, out->im, 0, NULL));
}

void bed_detach(struct bed_native *n)
{
	if (n->im)
		jit_detach(n->vp);
	jit_image_free(n->im);
	arena_done(&n->a);
}

void bed_run(enum bed_engine e, const struct code *c, const struct bed_input *in, struct bed_result *out)
{
	struct vm_run_args args = { .ctx = in->ctx_bytes ? out->ctx : NULL,
				    .ctx_bytes = in->ctx_bytes,
				    .ctx_writable = !in->read_only,
				    .env = in->env,
				    .fuel = in->fuel };
	struct bed_native native;
	struct vm_prog *vp = NULL;
	struct vm *v = NULL;
	uint8_t *values = NULL;
	bool writable;
	size_t bytes;

	CHECK(in->ctx_bytes <= BED_CTX_MAX && in->map_bytes <= BED_MAP_MAX);
	memset(out, 0, sizeof *out);
	diag_init(&out->o.d);
	if (in->ctx_bytes)
		memcpy(out->ctx, in->ctx, in->ctx_bytes);
	if (c->n_maps) {
		map_values(c->map_objs[0], &values, &bytes, &writable);
		if (in->map_bytes)
			memcpy(values, in->map, in->map_bytes);
	}
	CHECK_OK(prepare_code(c, &vp, &out->o.d));
	CHECK_OK(vm_new(&v));
	bed_attach(e, vp, &native);
	out->o.err = vm_run(v, vp, &args, &out->o.r0, &out->o.fault, &out->o.d);
	vm_free(v);
	bed_detach(&native);
	vm_prog_free(vp);
	if (in->map_bytes)
		memcpy(out->map, values, in->map_bytes);
}

/* --- comparing --- */

static void list(const struct code *c)
{
	for (uint32_t i = 0; i < c->n; i++) {
		const struct isa_insn *in = &c->insns[i];

		if (in->sem != ISA_PAD)
			print_message("# %3u: %-18s dst r%u src r%u off %d imm %lld\n", i, isa_rows[in->row].name,
				      in->dst, in->src, in->off, (long long)in->imm);
	}
}

/* The first field that differs, or NULL. The text of a fault tells where it was, unless it strays: then what
 * it comes near to depends on where the heap put things. */
static const char *difference(const struct bed_result *a, const struct bed_result *b, bool counted, bool strays)
{
	if (a->o.err != b->o.err)
		return "error";
	if (a->o.err == E_OK && a->o.r0 != b->o.r0)
		return "r0";
	if (a->o.err != E_OK && a->o.fault.insn != b->o.fault.insn)
		return "instruction of the fault";
	if (a->o.err != E_OK && (a->o.d.id != b->o.d.id || a->o.d.family != b->o.d.family))
		return "kind of the fault";
	if (a->o.err != E_OK && !strays && !strstr(a->o.d.text, "far from") && strcmp(a->o.d.text, b->o.d.text) != 0)
		return "text of the fault";
	if (counted && a->o.err != E_OK && a->o.fault.fuel_left != b->o.fault.fuel_left)
		return "fuel";
	if (memcmp(a->ctx, b->ctx, sizeof a->ctx))
		return "context";
	return memcmp(a->map, b->map, sizeof a->map) ? "map" : NULL;
}

static bool counts_fuel(enum bed_engine e)
{
	return e == BED_VERIFIED_FUEL || e == BED_SANDBOXED || e == BED_BLIND;
}

struct bed_result bed_compare(unsigned engines, const struct code *c, const struct bed_input *in)
{
	static struct bed_result want, got;

	bed_run(BED_INTERP, c, in, &want);
	for (enum bed_engine e = BED_VERIFIED; e < BED_N; e++) {
		const char *what;

		if (!(engines >> e & 1))
			continue;
		bed_run(e, c, in, &got);
		what = difference(&want, &got, counts_fuel(e), in->strays);
		if (!what)
			continue;
		list(c);
		print_message("# %s: %s differs: %s r0 %llx slot %u fuel %llu '%s'; interpreter: %s r0 %llx slot %u "
			      "fuel %llu '%s'\n",
			      bed_names[e], what, err_name(got.o.err), (unsigned long long)got.o.r0, got.o.fault.insn,
			      (unsigned long long)got.o.fault.fuel_left, got.o.d.text, err_name(want.o.err),
			      (unsigned long long)want.o.r0, want.o.fault.insn,
			      (unsigned long long)want.o.fault.fuel_left, want.o.d.text);
		CHECK_STR(what, "nothing");
	}
	return want;
}
