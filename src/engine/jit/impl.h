/* SPDX-License-Identifier: Apache-2.0 */
/*
 * impl: what compilers and images share: the table through which code reaches the process that it runs in.
 *
 * A vm_prog has one, of 64-bit words: JIT_IMPORT_FIXED addresses, one for each helper that the program calls, two for
 * each map (the struct map, where its values begin). Offsets are in bytes.
 */
#ifndef SALLYPORT_ENGINE_JIT_IMPL_H
#define SALLYPORT_ENGINE_JIT_IMPL_H

#include "engine/jit/jit.h"

enum jit_import {
	JIT_IMPORT_ACCESS,      /* vm_may_access */
	JIT_IMPORT_HELPER,      /* vm_native_call */
	JIT_IMPORT_CALLX,       /* vm_native_callx */
	JIT_IMPORT_TAIL,        /* vm_native_tail */
	JIT_IMPORT_ENTRIES,     /* addresses of the functions, by number */
	JIT_IMPORT_CALLBACK,    /* how C enters one of them */
	JIT_IMPORT_BYTES,       /* of the code */
	JIT_IMPORT_FIRST,       /* the first one, if C enters it as the program itself; else 0 */
	JIT_IMPORT_RESUME,      /* jit_resume */
	JIT_IMPORT_ACCESS_SLOW, /* vm_access_slow */
	JIT_IMPORT_FIXED
};

static inline int32_t jit_import(enum jit_import i)
{
	return (int32_t)i * 8;
}

static inline int32_t jit_import_helper(uint32_t call)
{
	return (int32_t)(JIT_IMPORT_FIXED + call) * 8;
}

static inline int32_t jit_import_map(const struct vm_prog *vp, uint32_t map)
{
	return jit_import_helper(vp->n_calls) + (int32_t)map * 16;
}

static inline int32_t jit_import_values(const struct vm_prog *vp, uint32_t map)
{
	return jit_import_map(vp, map) + 8;
}

static inline uint32_t jit_n_imports(const struct vm_prog *vp)
{
	return (uint32_t)jit_import_map(vp, vp->n_maps) / 8;
}

/* A frame of native code that checks, as it lies on the native stack; the deepest first. */
struct jit_frame {
	uint64_t saved[4]; /* the caller's r6 to r9 */
	uint64_t ret;
	uint64_t insn; /* the slot of the call; JIT_FRAME_LAST: it came from C */
};
#define JIT_FRAME_LAST UINT64_MAX

/* Native code ends at slot insn, not by exit. */
enum jit_how {
	JIT_HOW_RESUME, /* go on in the interpreter: registers are in run->r, n_frames where native code keeps them */
	JIT_HOW_FUEL,   /* fuel is spent */
	JIT_HOW_DEPTH,  /* calls nest too deep */
	JIT_HOW_HANDLE, /* a helper called without vm_native_call was given a bad handle */
};
enum err jit_resume(struct vm_run_state *run, uint32_t insn, const struct jit_frame *frames, enum jit_how how);

/* What a program is, but for addresses: its operations, its helpers, the shapes of its maps. O(n). */
uint64_t jit_shape(const struct vm_prog *vp);

/* One code of an image. The code is entered at its first byte. */
struct jit_image_code {
	enum jit_target target;
	uint32_t n_insns, n_imports;
	uint64_t shape;
	bool verified, first_called;
	const uint8_t *code;
	size_t code_bytes;
	const uint32_t *entries;
	uint32_t n_entries;
};
FALLIBLE jit_image_code(const struct jit_image *im, uint32_t i, struct jit_image_code *out, struct diag *d);

/* What a debugger was told of an image: NULL, nothing. */
struct jit_gdb;
struct jit_gdb **jit_image_gdb(struct jit_image *im);
/* It is gone. NULL is fine. */
void jit_gdb_unregister(struct jit_gdb *g);

/* Compilers. */
FALLIBLE x86_compile(const struct vm_prog *vp, const struct jit_opts *o, struct arena *a, struct jit_code *out,
		     struct diag *d);
FALLIBLE a64_compile(const struct vm_prog *vp, const struct jit_opts *o, struct arena *a, struct jit_code *out,
		     struct diag *d);

#endif
