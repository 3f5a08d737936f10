/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kverify: what would this release of Linux say to this program?
 *
 * The abstract interpretation of Linux's verifier, per release: the same verdict, for the same reason, after the same
 * number of instructions as far as it is known. It is not a proof of anything but that verdict: where a kernel is too
 * lenient, so is this. What Sallyport itself runs is proven by engine/verify, which knows no release.
 *
 * What it does not model is `unsupported`, never accepted. Pure: no I/O, no clock, no global state; memory from the
 * caller's arena, whose cap is the limit. Threads: any number at once, each with its own arena.
 */
#ifndef SALLYPORT_ENGINE_KVERIFY_H
#define SALLYPORT_ENGINE_KVERIFY_H

#include "base/base.h"
#include "engine/btf/btf.h"
#include "engine/kernel/kernel.h"
#include "engine/prog/prog.h"

enum kverify_flag {
	KVERIFY_STRICT_ALIGN = 1 << 0,   /* BPF_F_STRICT_ALIGNMENT */
	KVERIFY_ANY_ALIGN = 1 << 1,      /* BPF_F_ANY_ALIGNMENT */
	KVERIFY_STATE_FREQ = 1 << 3,     /* BPF_F_TEST_STATE_FREQ */
	KVERIFY_REG_INVARIANTS = 1 << 7, /* BPF_F_TEST_REG_INVARIANTS */
};

/* What a kernel that may have it was built or started without. */
enum kverify_lack {
	KVERIFY_LACKS_ERROR_INJECTION = 1 << 0, /* CONFIG_FUNCTION_ERROR_INJECTION */
	KVERIFY_LACKS_DATA_SYMBOLS = 1 << 1,    /* CONFIG_KALLSYMS_ALL: addresses of variables */
	KVERIFY_LACKS_WRITE_USER = 1 << 2,      /* lockdown: bpf_probe_write_user */
	KVERIFY_LACKS_READ_KERNEL = 1 << 3,     /* lockdown, confidentiality: bpf_probe_read_kernel and the like */
};

/* A helper or a program type that an embedder adds; ids and numbers that Linux does not use. */
struct kverify_extra {
	const struct kernel_proto *helpers; /* sorted by id */
	uint32_t n_helpers;
	uint32_t prog_type; /* 0: none is added */
	uint32_t ctx_size;  /* plain memory of so many bytes, */
	bool ctx_writable;
	int64_t ret_min, ret_max;
	const uint32_t *allowed; /* Linux's helpers that its programs may call, sorted */
	uint32_t n_allowed;
};

/* One instruction is about to be judged: for logs, heat maps and diagnostics. Borrowed for the call. */
struct kverifier;
struct kverify_state;
struct kverify_watcher {
	void (*step)(void *user, const struct kverifier *v, uint32_t insn, const struct kverify_state *s);
	void *user;
};

struct kverify_opts {
	const struct kernel_profile *kernel;
	struct kernel_target target;
	uint32_t flags;                 /* enum kverify_flag */
	uint32_t lacks;                 /* enum kverify_lack; 0: the kernel has it all */
	bool gpl;                       /* the license is compatible with the GPL */
	const struct btf *types;        /* the object's own BTF; NULL: none */
	const struct btf *kernel_types; /* the kernel's BTF; NULL: programs that need it are unsupported */
	uint32_t cpus; /* how many CPUs the machine can have, as its kernel counts (nr_cpu_ids); 0: not known */
	const struct kverify_extra *extra;
	const struct kverify_watcher *watcher;
	bool (*cancelled)(void *user); /* asked every some thousand instructions; true: E_CANCELLED */
	void *cancel_user;
};

struct kverify_stats {
	uint64_t steps;           /* instructions processed: "processed N insns" */
	uint32_t states_total;    /* kept */
	uint32_t states_peak;     /* at most at one time */
	uint32_t states_per_insn; /* at most at one instruction */
	uint32_t stack_bytes;     /* deepest chain of calls */
	uint32_t mark_read;       /* longest walk to mark a read */
	uint32_t branch_peak;     /* most branches waiting */
};

/*
 * E_OK           this kernel accepts it
 * E_REJECTED     it does not; d: id K..., instruction, source line, text as the kernel's log says it, notes
 * E_UNSUPPORTED  it uses something that is not modelled: neither accepted nor rejected; d says what
 * E_LIMIT        the arena's cap: no verdict (a program that is too large for the kernel is E_REJECTED)
 * E_CANCELLED    the caller said so
 * E_BUG          a broken invariant of this verifier: treat as no verdict
 *
 * stats may be NULL; filled whatever the verdict. Cost: linear in stats->steps.
 */
FALLIBLE kverify_prog(const struct prog *p, const struct kverify_opts *o, struct arena *a, struct kverify_stats *stats,
		      struct diag *d);

/*
 * As kverify_prog, and a program that is rejected is verified twice more, to say in d->notes what it would take: the
 * reason in plain words, what was known and from where, what was compared in vain, the path; and in d->hint a mend with
 * the program's own names and lines where there is one. d->text stays the kernel's line. walk is emptied before each
 * run, and left as the last one used it; notes keeps what d refers to. The verdict is that of the first run.
 */
FALLIBLE kverify_diagnose(const struct prog *p, const struct kverify_opts *o, struct arena *walk, struct arena *notes,
			  struct kverify_stats *stats, struct diag *d);

/* Every reason to reject, for docs, --explain and the test that each is provoked. */
enum kverify_class {
	KCLASS_STRUCTURE,
	KCLASS_NUMBERS,
	KCLASS_MEMORY,
	KCLASS_CALL,
	KCLASS_RESOURCE,
	KCLASS_TYPE,
	KCLASS_LOAD,
	KCLASS_SIZE,
	KCLASS_UNSUPPORTED,
	KCLASS_BUG
};
struct kverify_diag_row {
	uint16_t id;
	const char *name; /* "PACKET_RANGE" */
	enum kverify_class cls;
	const char *title; /* what is wrong, in one line */
	const char *need;  /* what would have been needed */
	const char *mend;  /* what to do about it */
	const char *log; /* a part of the line in the kernel's log by which the class is known; "" when there is none */
};
extern const struct kverify_diag_row kverify_diags[];
extern const size_t kverify_n_diags;

/* The number of the step that is about to be judged, from 1, and of the one before it on its path (0: none). For `step`
 * above. */
uint64_t kverify_step(const struct kverifier *v);
uint64_t kverify_step_before(const struct kverifier *v);
/* The innermost frame as the kernel's log prints it at level 2: " R0=scalar(umax=255) R1=ctx() R10=fp0". For `step`
 * above. */
void kverify_state_print(const struct kverifier *v, const struct kverify_state *s, struct buf *out);

#endif
