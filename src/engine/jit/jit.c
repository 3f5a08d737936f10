/* SPDX-License-Identifier: Apache-2.0 */
/* jit: which compiler, and how native code and a prepared program come together. */
#include "engine/jit/impl.h"

#include <unistd.h>

static const struct {
	const char *name;
	enum err (*compile)(const struct vm_prog *vp, const struct jit_opts *o, struct arena *a, struct jit_code *out,
			    struct diag *d);
} targets[JIT_N_TARGETS] = {
	[JIT_X86_64] = { "x86-64", x86_compile },
	[JIT_AARCH64] = { "aarch64", a64_compile },
};

const char *jit_target_name(enum jit_target t)
{
	return t < JIT_N_TARGETS ? targets[t].name : "none";
}

FALLIBLE jit_compile(const struct vm_prog *vp, const struct jit_opts *o, struct arena *a, struct jit_code *out,
		     struct diag *d)
{
	if (o->target >= JIT_N_TARGETS || !targets[o->target].compile)
		FAIL_ID(d, UNSUPPORTED, 'J', 103, "no compiler for target '%s'", jit_target_name(o->target));
	TRY(targets[o->target].compile(vp, o, a, out, d));
	out->shape = jit_shape(vp);
	return E_OK;
}

/* What calls of the interpreter would have noted; returns how many. */
static uint32_t resume_frames(struct vm_run_state *run, const struct jit_frame *frames)
{
	const struct jit_frame *end = (const struct jit_frame *)(uintptr_t)run->native_sp;
	uint32_t n = 0;

	for (; frames < end && frames->insn != JIT_FRAME_LAST; frames++) {
		struct vm_frame *f = &run->vm->frames[run->depth - ++n];

		f->ret = &run->vp->ops[frames->insn + 1];
		memcpy(f->saved, frames->saved, sizeof f->saved);
	}
	return n;
}

enum err jit_resume(struct vm_run_state *run, uint32_t insn, const struct jit_frame *frames, enum jit_how how)
{
	run->at = &run->vp->ops[insn];
	switch (how) {
	case JIT_HOW_RESUME:
		return vm_resume(run, insn, resume_frames(run, frames));
	case JIT_HOW_FUEL:
		run->fuel = 0;
		run->why = VM_WHY_FUEL;
		return E_FUEL;
	case JIT_HOW_DEPTH:
		run->why = VM_WHY_DEPTH;
		return E_FAULT;
	case JIT_HOW_HANDLE:
		break;
	}
	run->why = VM_WHY_HANDLE;
	run->proto = run->at->call->proto;
	run->addr = run->r[1];
	return E_FAULT;
}

/* x86-64: the first function has a way in from C of its own, the others share one. */
static enum err callback(struct vm_run_state *run)
{
	const struct vm_native *n = &run->vp->native;

	if ((uintptr_t)run->entry == run->imports[JIT_IMPORT_FIRST])
		return n->run(run);
	return ((vm_native_fn *)(uintptr_t)run->imports[JIT_IMPORT_CALLBACK])(run);
}

/* Each step is a bijection: what differs in one place only is always seen. For mistakes, not for adversaries. */
static uint64_t mix(uint64_t h, uint64_t v)
{
	return ((h ^ v) + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t values_at(const struct vm_prog *vp, int32_t map)
{
	uint8_t *base;
	size_t bytes;
	bool writable;

	map_values(vp->maps[map], &base, &bytes, &writable);
	return (uint64_t)(uintptr_t)base;
}

/* The number of an operation: its immediate, or what stands for an address in it. */
static uint64_t op_number(const struct vm_prog *vp, const struct vm_op *op)
{
	if (op->code == VM_OP_CALL || op->code == VM_OP_TAIL_CALL)
		return op->call->proto->id;
	if (op->code == VM_OP_LDI2 && op->src == ISA_IMM64_MAP_VALUE)
		return (uint64_t)op->imm - values_at(vp, op->off);
	return (uint64_t)op->imm;
}

uint64_t jit_shape(const struct vm_prog *vp)
{
	uint64_t h = vp->n_ops, numbers = 0;

	for (uint32_t i = 0; i < vp->n_ops; i++) {
		const struct vm_op *op = &vp->ops[i];

		h = mix(h, op->code | (uint64_t)op->dst << 16 | (uint64_t)op->src << 24 |
				   (uint64_t)(uint32_t)op->off << 32);
		numbers = mix(numbers, op_number(vp, op));
	}
	for (uint32_t i = 0; i < vp->n_maps; i++) {
		const struct prog_map *d = map_def(vp->maps[i]);

		h = mix(h, d->kind | (uint64_t)d->key_size << 32);
		h = mix(h, d->value_size | (uint64_t)d->max_entries << 32);
	}
	return mix(h, numbers);
}

static void fill_imports(const struct vm_prog *vp, uint64_t *t)
{
	t[JIT_IMPORT_ACCESS] = (uint64_t)(uintptr_t)vm_may_access;
	t[JIT_IMPORT_HELPER] = (uint64_t)(uintptr_t)vm_native_call;
	t[JIT_IMPORT_CALLX] = (uint64_t)(uintptr_t)vm_native_callx;
	t[JIT_IMPORT_TAIL] = (uint64_t)(uintptr_t)vm_native_tail;
	t[JIT_IMPORT_ACCESS_SLOW] = (uint64_t)(uintptr_t)vm_access_slow;
	t[JIT_IMPORT_RESUME] = (uint64_t)(uintptr_t)jit_resume;
	for (uint32_t i = 0; i < vp->n_calls; i++)
		t[jit_import_helper(i) / 8] = (uint64_t)(uintptr_t)vp->calls[i].fn;
	for (uint32_t i = 0; i < vp->n_maps; i++) {
		t[jit_import_map(vp, i) / 8] = (uint64_t)(uintptr_t)vp->maps[i];
		t[jit_import_values(vp, i) / 8] = values_at(vp, (int32_t)i);
	}
}

/* The words of the table, then the addresses of the functions. */
FALLIBLE jit_attach(struct vm_prog *vp, const struct jit_image *im, uint32_t i, struct diag *d)
{
	struct jit_image_code c;
	vm_native_fn *in;
	uint64_t *t;

	TRY(jit_image_code(im, i, &c, d));
	if (c.target != jit_host() || c.shape != jit_shape(vp) || c.n_imports != jit_n_imports(vp) ||
	    c.n_entries != vp->n_funcs + 1)
		FAIL_ID(d, FORMAT, 'J', 104, "code %u was compiled for another target or program", i);
	t = calloc((size_t)c.n_imports + c.n_entries, sizeof *t);
	if (!t)
		return E_NOMEM;
	fill_imports(vp, t);
	for (uint32_t k = 0; k < c.n_entries; k++)
		t[c.n_imports + k] = (uint64_t)(uintptr_t)(c.code + c.entries[k]);
	t[JIT_IMPORT_ENTRIES] = (uint64_t)(uintptr_t)(t + c.n_imports);
	t[JIT_IMPORT_BYTES] = c.code_bytes;
	t[JIT_IMPORT_CALLBACK] = t[c.n_imports + vp->n_funcs];
	in = (vm_native_fn *)(uintptr_t)t[JIT_IMPORT_CALLBACK];
	t[JIT_IMPORT_FIRST] = c.first_called ? 0 : t[c.n_imports];
	vm_prog_set_native(vp, &(struct vm_native){ .run = (vm_native_fn *)(uintptr_t)c.code,
						    .callback = c.target == JIT_X86_64 ? callback : in,
						    .entries = (const void *const *)(const void *)(t + c.n_imports),
						    .imports = t,
						    .verified = c.verified });
	return E_OK;
}

void jit_detach(struct vm_prog *vp)
{
	uint64_t *t = (uint64_t *)(uintptr_t)vp->native.imports;

	vm_prog_set_native(vp, NULL);
	free(t);
}

FALLIBLE jit_perf_map(const struct vm_prog *vp, const char *name, int fd)
{
	const struct vm_native *n = &vp->native;
	char line[256];
	int len;

	if (!n->run)
		return E_NOT_FOUND;
	len = snprintf(line, sizeof line, "%llx %llx bpf:%.200s\n", (unsigned long long)(uintptr_t)n->run,
		       (unsigned long long)n->imports[JIT_IMPORT_BYTES], name);
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ')
			return E_INVALID;
	return write(fd, line, (size_t)len) == len ? E_OK : E_IO;
}
