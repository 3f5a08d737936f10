/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jit: programs to native code.
 *
 * jit_compile makes position-independent bytes that name no address: what they need of the process (helpers, values of
 * maps) they read through a table that jit_attach fills. So code can be compiled in one process, sealed, and mapped
 * in another, and the same program gives the same bytes.
 *
 * Two of the three settings of safety are here. VERIFIED drops checks that verify_prog proved unnecessary: only for
 * a program that it accepted under the same profile, context and maps. SANDBOXED checks what the interpreter checks, in
 * the code: memory, helper arguments, depth, fuel; a fault is an error from vm_run, with instruction and address, and
 * no signal. Results of programs that do not fault are the interpreter's, to the bit.
 *
 * Threads: compiling is pure. A jit_image is immutable.
 */
#ifndef SALLYPORT_ENGINE_JIT_H
#define SALLYPORT_ENGINE_JIT_H

#include "base/base.h"
#include "engine/vm/vm.h"

enum jit_target { JIT_X86_64, JIT_AARCH64, JIT_N_TARGETS };
/* The one that this process runs on; JIT_N_TARGETS: none. */
enum jit_target jit_host(void);
const char *jit_target_name(enum jit_target t); /* "x86-64", "aarch64" */

/* What the processor that will run the code has beyond the base of its target. */
enum jit_feature {
	JIT_BMI2 = 1 << 0, /* x86-64: shifts by any register, rotation into another one */
	JIT_LSE =
		1 << 1, /* aarch64: atomic operations in one instruction (FEAT_LSE), else loops of exclusive accesses */
};
/* Of this machine: reads the processor, so that compiling need not. */
uint32_t jit_host_features(void);

struct jit_opts {
	enum jit_target target;
	uint32_t features; /* enum jit_feature, or'ed: code depends on what stands here and on nothing else */
	bool sandboxed;    /* else VERIFIED */
	bool fuel;         /* count fuel in VERIFIED code too; SANDBOXED always does */
	bool blind;        /* no constant of the program stands in the code: each is xor-ed with a key from `seed` */
	/* No indirect call or jump but by retpoline (x86-64; aarch64: refused with E_UNSUPPORTED). Not for a process
	 * with a shadow stack, where a retpoline's return is a fault. */
	bool retpoline;
	uint64_t seed;
};

/* Which native bytes an instruction became. Sorted by `native`; for listings and profilers. */
struct jit_line {
	uint32_t native; /* offset in code */
	uint32_t insn;   /* slot; JIT_NO_INSN: entry, exits, what stands out of line for no instruction */
};
enum { JIT_NO_INSN = UINT32_MAX, JIT_MAX_BYTES = 64 << 20, JIT_FORMAT = 1 };

/* What unwinding starts from. */
enum jit_unwind_base {
	JIT_UNWIND_SP,    /* the stack pointer */
	JIT_UNWIND_RUN,   /* x86-64: run->native_sp, run being in r12: for what is entered at any depth of calls */
	JIT_UNWIND_ENTRY, /* aarch64: x28, for the same */
};
enum { JIT_UNWIND_REGS = 12 };

/*
 * How the caller is found from where code stands, up to the next row's: at base + cfa bytes its frame ends. x86-64: the
 * return address is in the word below that. saved[i]: how many words below it the caller's register i is, 0: it is
 * still in the register. Registers: rbx, rbp, r12 to r15; x19 to x30. Sorted by `native`, the first at 0.
 */
struct jit_unwind {
	uint32_t native; /* offset in code */
	uint32_t insn;   /* a slot of the function that it belongs to; JIT_NO_INSN: to none, to ways in and out */
	uint16_t cfa;
	uint8_t base; /* enum jit_unwind_base */
	uint8_t saved[JIT_UNWIND_REGS];
};

struct jit_code {
	struct view code; /* in the arena */
	const struct jit_line *lines;
	uint32_t n_lines;
	const struct jit_unwind *unwind;
	uint32_t n_unwind;
	const uint32_t
		*entries; /* per function of vm_prog_funcs(): offset of its native code; then that of callbacks */
	uint32_t n_entries;
	uint64_t shape; /* of the program: jit_attach compares it */
	uint32_t n_insns, n_imports;
	bool verified, first_called; /* first_called: entries[0] is entered as the others are */
};

/*
 * Compile a prepared program. E_UNSUPPORTED: no compiler for the target; E_LIMIT: over JIT_MAX_BYTES; E_NOMEM. O(n),
 * about 25 ns an instruction, sandboxed 45. out is good as long as the arena.
 */
FALLIBLE jit_compile(const struct vm_prog *vp, const struct jit_opts *o, struct arena *a, struct jit_code *out,
		     struct diag *d);

/*
 * Executable memory. jit_map copies the code of n programs into fresh pages, makes them executable and never
 * writable again (W^X: never both). jit_map_fd maps what another process wrote and sealed, shared, read and execute:
 * its layout is jit_write's. E_UNSUPPORTED: the host refuses executable memory; E_FORMAT, E_LIMIT, E_NOMEM.
 */
struct jit_image;
FALLIBLE jit_map(const struct jit_code *codes, uint32_t n, struct jit_image **out, struct diag *d);
FALLIBLE jit_map_fd(int fd, struct jit_image **out, struct diag *d);
/* For jit_map_fd: header, codes, their entries. `key` (32 bytes) says what was compiled; jit_image_key gives it back.
 */
FALLIBLE jit_write(const struct jit_code *codes, uint32_t n, const struct jit_opts *o, const uint8_t key[32],
		   struct buf *out, struct diag *d);
const uint8_t *jit_image_key(const struct jit_image *im);
uint32_t jit_image_count(const struct jit_image *im);
/* No vm_prog that uses it may run, or be run, afterwards. What jit_gdb_register told is taken back. */
void jit_image_free(struct jit_image *im);

/*
 * From now on vm_run runs code i of the image for vp: the program that it was compiled from, with the same maps'
 * shapes, under the same features of the processor. Not while another thread runs vp, nor twice without jit_detach.
 * E_FORMAT: it was not compiled for a program of this shape.
 */
FALLIBLE jit_attach(struct vm_prog *vp, const struct jit_image *im, uint32_t i, struct diag *d);
/* It is interpreted again. Before vp is freed, or attached anew. */
void jit_detach(struct vm_prog *vp);

/*
 * Append a line for the native code of vp to fd, which is /tmp/perf-PID.map: perf names samples by it. E_NOT_FOUND: vp
 * is interpreted; E_INVALID: a control character in the name; E_IO.
 */
FALLIBLE jit_perf_map(const struct vm_prog *vp, const char *name, int fd);

/*
 * An ELF64 object file, in the arena, that describes n codes where im has them: symbols and functions (.symtab,
 * .debug_info), source lines (.debug_line) and how to unwind at every instruction (.debug_frame). codes[i] was mapped
 * as number i of im and compiled from vps[i], which keeps its prog; what a prog lacks (functions, lines) is left out.
 * Where code stands that all functions share and that may be entered at any depth (a fault, the end of fuel), unwinding
 * goes on at the C function that started the run: functions of the program in between are not shown. Of frames
 * further out only what C callers want preserved is right: r10 of a caller, and what it kept in scratch registers, is
 * not told. E_INVALID: other codes than the image's, or a prog that was not kept; E_LIMIT; E_NOMEM.
 * O(code log code).
 */
FALLIBLE jit_gdb_object(const struct jit_image *im, const struct jit_code *codes, const struct vm_prog *const *vps,
			uint32_t n, struct arena *a, struct view *out, struct diag *d);
/*
 * Tell a debugger that is attached, or will be, of these codes: the JIT compilation interface of GDB. It
 * finds them through two symbols of the library, __jit_debug_descriptor and __jit_debug_register_code
 * (source: GDB manual, JIT Interface): this is process-wide state, so only for who asks. Any thread: a spin lock is
 * held for a few instructions, while a debugger is stopped there too; not from a signal handler. Once per image;
 * E_INVALID the second time. Errors and the rest as jit_gdb_object, whose bytes stay until jit_image_free.
 */
FALLIBLE jit_gdb_register(struct jit_image *im, const struct jit_code *codes, const struct vm_prog *const *vps,
			  uint32_t n, struct diag *d);

#endif
