/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel: what each release of Linux offers an eBPF program, as data.
 *
 * Program types with their contexts, helpers with prototypes and who may call them, kfuncs, kinds of maps,
 * instructions, limits, and the ways in which releases judge otherwise (behaviours). Each row says since which release
 * it holds, until which, and from where in the kernel's source the fact comes. A profile is a release: every question
 * takes one.
 *
 * Numbers of program types, attach types, map kinds and helpers are those of include/uapi/linux/bpf.h. All of it is
 * constant: any thread, no allocation. Lookups are O(log n) or O(1) unless said.
 */
#ifndef SALLYPORT_ENGINE_KERNEL_H
#define SALLYPORT_ENGINE_KERNEL_H

#include "base/base.h"

/* Releases compare as numbers: KERNEL_V(5, 10) < KERNEL_V(6, 1). */
#define KERNEL_V(major, minor) ((uint16_t)((major) << 8 | (minor)))
enum { KERNEL_ALWAYS = 0, KERNEL_NOT_YET = 0xffff };

/* How a release judges differently from others: behaviours.def, one row each. */
enum kernel_behaviour {
#define BEHAVIOUR(name, since, until, source, text) KERNEL_##name,
#include "engine/kernel/behaviours.def"
#undef BEHAVIOUR
	KERNEL_N_BEHAVIOURS
};

struct kernel_behaviour_row {
	const char *name;
	uint16_t since, until; /* holds in releases [since, until) */
	const char *source;    /* "kernel/bpf/verifier.c:do_check, v6.12" */
	const char *text;      /* one sentence for people */
};
extern const struct kernel_behaviour_row kernel_behaviours[KERNEL_N_BEHAVIOURS];

struct kernel_limits {
	uint32_t insns;           /* slots of a program (privileged) */
	uint64_t steps;           /* instructions processed: BPF_COMPLEXITY_LIMIT_INSNS */
	uint32_t branches;        /* waiting at once: BPF_COMPLEXITY_LIMIT_JMP_SEQ */
	uint32_t stack_bytes;     /* of one chain of calls: MAX_BPF_STACK */
	uint32_t frames;          /* MAX_CALL_FRAMES */
	uint32_t subprogs;        /* BPF_MAX_SUBPROGS */
	uint32_t maps;            /* MAX_USED_MAPS */
	uint32_t tail_call_stack; /* bytes below a tail call in a subprogram */
};

struct kernel_profile {
	const char *name; /* "6.1" */
	uint16_t version;
	bool measured; /* compared with that kernel, program by program */
	struct kernel_limits limits;
	const struct kernel_own *own; /* what this very kernel has; NULL: what its release has */
};

/*
 * What a kernel has by its own types, whatever its release: kernel_refine. Sets of numbers, a bit each.
 */
enum { KERNEL_HELPER_WORDS = 4, KERNEL_KFUNC_WORDS = 16 };
struct kernel_own {
	uint64_t behaviours[(KERNEL_N_BEHAVIOURS + 63) / 64];
	uint64_t helpers[KERNEL_HELPER_WORDS]; /* by id */
	uint64_t strange[KERNEL_HELPER_WORDS]; /* ids of helpers that the tables here do not know */
	uint64_t maps, progs, attaches;
	uint64_t kfuncs[KERNEL_KFUNC_WORDS]; /* by row: kernel_kfunc_at */
};

extern const struct kernel_profile kernel_profiles[];
extern const size_t kernel_n_profiles; /* oldest first */

/* "6.1", "v6.1", "6.1.192-cloud": the release of that number; NULL: there is none. */
const struct kernel_profile *kernel_profile(const char *name);
/* "6.1", "v6.2", "5.14.0-503.el9": its first two numbers; 0: it does not begin with two. */
uint16_t kernel_version(const char *name);
/* The newest profile that is not newer than this release: what stands for a release without one of its own. */
const struct kernel_profile *kernel_profile_for(uint16_t version);

static inline bool kernel_has(const struct kernel_profile *k, enum kernel_behaviour b)
{
	if (k->own)
		return k->own->behaviours[b / 64] >> (b % 64) & 1;
	return k->version >= kernel_behaviours[b].since && k->version < kernel_behaviours[b].until;
}

/* ---- types of registers and arguments, with what is added to them ---- */

/* What a pointer may be beside its base type; the same names as the kernel's type flags (enum bpf_type_flag, v6.12). */
enum kernel_flag {
	KF_OR_NULL = 1 << 0,
	KF_RDONLY = 1 << 1,
	KF_RINGBUF = 1 << 2, /* memory that bpf_ringbuf_reserve gave */
	KF_USER = 1 << 3,    /* address of user space */
	KF_PERCPU = 1 << 4,
	KF_RELEASE = 1 << 5, /* argument: the reference ends here */
	KF_UNTRUSTED = 1 << 6,
	KF_UNINIT = 1 << 7, /* argument: memory that need not be initialised */
	KF_DYNPTR_LOCAL = 1 << 8,
	KF_DYNPTR_RINGBUF = 1 << 9,
	KF_FIXED_SIZE = 1 << 10, /* argument: its size stands in the prototype */
	KF_ALLOC = 1 << 11,      /* an object that the program allocated */
	KF_TRUSTED = 1 << 12,
	KF_RCU = 1 << 13,
	KF_NON_OWN_REF = 1 << 14,
	KF_DYNPTR_SKB = 1 << 15,
	KF_DYNPTR_XDP = 1 << 16,
	KF_ALIGNED = 1 << 17,
	KF_WRITE = 1 << 18, /* argument: memory that is written */
	KF_DYNPTR_SKB_META = 1 << 19,
	KF_DYNPTR_FILE = 1 << 20,
	KF_DYNPTR_ANY = KF_DYNPTR_LOCAL | KF_DYNPTR_RINGBUF | KF_DYNPTR_SKB | KF_DYNPTR_XDP | KF_DYNPTR_SKB_META |
			KF_DYNPTR_FILE,
};

/* What a register holds. */
enum kernel_reg {
	KR_NONE, /* not initialised */
	KR_SCALAR,
	KR_CTX,
	KR_MAP, /* the map itself: CONST_PTR_TO_MAP */
	KR_MAP_VALUE,
	KR_MAP_KEY,
	KR_STACK,
	KR_PACKET_META,
	KR_PACKET,
	KR_PACKET_END,
	KR_FLOW_KEYS,
	KR_SOCKET,
	KR_SOCK_COMMON,
	KR_TCP_SOCK,
	KR_TP_BUFFER,
	KR_XDP_SOCK,
	KR_BTF_ID, /* an object of the kernel, by its BTF type */
	KR_MEM,    /* memory of known size */
	KR_ARENA,
	KR_BUF, /* of an iterator: a size that is found out at run time */
	KR_FUNC,
	KR_DYNPTR, /* CONST_PTR_TO_DYNPTR */
	KR_INSN,   /* an entry of an instruction array (gotox) */
	KR_N
};

/* What a helper wants in an argument: enum bpf_arg_type. */
enum kernel_arg {
	KA_DONTCARE,
	KA_CONST_MAP_PTR,
	KA_MAP_KEY,
	KA_MAP_VALUE,
	KA_MEM,
	KA_ARENA,
	KA_CONST_SIZE,
	KA_CONST_SIZE_OR_ZERO,
	KA_CTX,
	KA_ANYTHING,
	KA_SPIN_LOCK,
	KA_SOCK_COMMON,
	KA_SOCKET,
	KA_BTF_ID,
	KA_BTF_ID_SOCK_COMMON,
	KA_RINGBUF_MEM,
	KA_CONST_ALLOC_SIZE_OR_ZERO,
	KA_PERCPU_BTF_ID,
	KA_FUNC,
	KA_STACK,
	KA_CONST_STR,
	KA_TIMER,
	KA_KPTR_XCHG_DEST,
	KA_DYNPTR,
	KA_INT,  /* ARG_PTR_TO_INT: 4 bytes that the helper fills */
	KA_LONG, /* ARG_PTR_TO_LONG */
	KA_SCALAR,
	KA_N
};

/* What a helper gives back: enum bpf_return_type. */
enum kernel_ret {
	KRET_INTEGER,
	KRET_VOID,
	KRET_MAP_VALUE,
	KRET_SOCKET,
	KRET_TCP_SOCK,
	KRET_SOCK_COMMON,
	KRET_MEM,
	KRET_MEM_OR_BTF_ID,
	KRET_BTF_ID,
	KRET_N
};

/* ---- program types ---- */

/* enum bpf_prog_type: KPROG_XDP and so on. */
enum kernel_prog_number {
#define PROG_TYPE(name, number, text, since, attach, ctx) KPROG_##name = (number),
#include "engine/kernel/prog_types.def"
#undef PROG_TYPE
	KPROG_N
};

/* enum bpf_attach_type: KATTACH_XDP_DEVMAP and so on. */
enum kernel_attach_number {
#define ATTACH_TYPE(name, number, text, since, prog) KATTACH_##name = (number),
#include "engine/kernel/attach_types.def"
#undef ATTACH_TYPE
	KATTACH_N
};

/*
 * A program type and attach type, as bpf(2) takes them, and what the kernel knows of the place where it goes.
 * attach_type: 0 where none is asked for.
 *
 * A program of type EXT is judged as what it replaces: ask with the type and attach type of that.
 */
struct kernel_target {
	uint32_t prog_type;   /* KPROG_* */
	uint32_t attach_type; /* KATTACH_*, the expected one */
	bool sleepable;
	/* Of tracing, LSM, struct_ops, iterators: "bpf_lsm_file_open" or "file_open", "tcp_congestion_ops/init"; NULL:
	 * not said */
	const char *attach_name;
	bool attach_void;    /* what attach_name names returns nothing (its BTF tells) */
	bool attach_pointer; /* it returns a pointer */
};

struct kernel_prog_type {
	uint32_t type;
	const char *name; /* "xdp", as bpftool says it */
	uint16_t since, until;
	const char *ctx_struct; /* BTF name of the context as programs see it: "__sk_buff"; NULL: by attach target */
};
/* NULL: this release does not have it. */
const struct kernel_prog_type *kernel_prog_type(const struct kernel_profile *k, uint32_t type);
const char *kernel_prog_type_name(uint32_t type);     /* "xdp"; "type 99" is NULL */
const char *kernel_attach_type_name(uint32_t attach); /* "cgroup_inet4_bind"; NULL: none has that number */
/* Is it in this release's enum bpf_attach_type? */
bool kernel_has_attach(const struct kernel_profile *k, uint32_t attach);
/* Does this release load programs of this type for this expected attach type (else EINVAL before any instruction is
 * looked at)? */
bool kernel_attach_ok(const struct kernel_profile *k, const struct kernel_target *t);

/*
 * The program and attach type that libbpf makes of an ELF section's name ("xdp", "cgroup/connect4", "fentry/do_exit"),
 * the names of releases before 1.0 too. False: it knows none. *attach: what comes after the type in the name, "" when
 * nothing does; borrowed from section. out->attach_name stays NULL: in BTF the name may have a prefix,
 * kernel_attach_prefix.
 */
bool kernel_section(const char *section, struct kernel_target *out, const char **attach);
/* What libbpf puts before the name of a hook to find it in BTF: "bpf_lsm_", "btf_trace_", "bpf_iter_" or "". */
const char *kernel_attach_prefix(const struct kernel_target *t);
/* attach_name without that prefix, if it has it: "file_open"; NULL: none is said. */
const char *kernel_attach_bare(const struct kernel_target *t);

/* ---- contexts ---- */

struct kernel_ctx_access {
	uint32_t reg;        /* enum kernel_reg that a load gives */
	uint32_t flags;      /* enum kernel_flag of it */
	const char *btf;     /* KR_BTF_ID: name of the struct in the kernel's BTF */
	uint32_t field_size; /* bytes of the whole field that a narrower access lies in */
	const char *name;    /* the field, for messages; "" when not known */
	bool is_retval;      /* LSM and the like: the value that the hook is going to return */
	bool sign_extends;   /* may not be loaded with sign extension (a pointer) */
};
/*
 * May a program read or write `size` bytes at `off` of its context, and what comes of it? For types whose context is
 * one struct or plain memory. Types whose context is a list of BTF arguments (tracing, LSM, struct_ops) answer
 * KERNEL_CTX_BTF where nothing but those arguments' types is left to ask. As on x86-64. out: set when the answer is
 * KERNEL_CTX_YES.
 *
 * KERNEL_CTX_NO also where the kernel lets the access pass at first and finds no field there when it rewrites it ("bpf
 * verifier is misconfigured"): no such program loads. Cost: a scan of the fields of one struct.
 */
enum kernel_ctx_answer { KERNEL_CTX_NO, KERNEL_CTX_YES, KERNEL_CTX_BTF };
enum kernel_ctx_answer kernel_ctx_access(const struct kernel_profile *k, const struct kernel_target *t, int32_t off,
					 uint32_t size, bool write, struct kernel_ctx_access *out);
/* Bytes of the context, for messages and generators; 0: not known. */
uint32_t kernel_ctx_size(const struct kernel_profile *k, const struct kernel_target *t);
/* The same question for a read through a pointer to a socket: reg is SOCKET, SOCK_COMMON, TCP_SOCK or XDP_SOCK. */
bool kernel_sock_access(const struct kernel_profile *k, enum kernel_reg reg, int32_t off, uint32_t size,
			struct kernel_ctx_access *out);

/*
 * May programs of this type write to packets directly; may they give packet memory to helpers (which must take it:
 * KP_PKT_ACCESS; not asked of CGROUP_SOCKOPT)? Loads through a packet pointer are not asked: who has one may read.
 */
bool kernel_packet_read(const struct kernel_profile *k, const struct kernel_target *t);
bool kernel_packet_write(const struct kernel_profile *k, const struct kernel_target *t);

/* The values that R0 may have at exit of the main program. have: false: any scalar. */
struct kernel_ret_range {
	bool have;
	int64_t min, max;
	bool ret32;           /* only the lower 32 bits are looked at */
	bool may_be_anything; /* R0 is not looked at, it need not even be set: hooks that return nothing */
	bool enforces_attach; /* a value of 2 or 3 binds the program to its attach type; no part of the verdict */
};
struct kernel_ret_range kernel_ret_range(const struct kernel_profile *k, const struct kernel_target *t);

/* Facts of a type. */
enum kernel_type_fact {
	KERNEL_TYPE_SLEEPABLE,     /* may be loaded as sleepable */
	KERNEL_TYPE_MUST_SLEEP,    /* may be loaded as nothing else */
	KERNEL_TYPE_LD_ABS,        /* has the packet loads of classic BPF */
	KERNEL_TYPE_TRACING,       /* is_tracing_prog_type: no locks, no timers */
	KERNEL_TYPE_PRIVATE_STACK, /* functions may have a stack of their own: bpf_enable_priv_stack, v6.12, x86-64 */
	KERNEL_TYPE_CTX_PLAIN,     /* the context is memory as it is: accesses are not rewritten */
	KERNEL_TYPE_CTX_FIXED_OFF, /* a constant may be added to the context pointer before it is used */
	KERNEL_TYPE_CTX_VAR_OFF,   /* so may a number with bounds */
};
bool kernel_type_is(const struct kernel_profile *k, const struct kernel_target *t, enum kernel_type_fact f);
/* Does this hook, "bpf_lsm_file_open", run where a program may sleep? Linux: bpf_lsm_is_sleepable_hook */
bool kernel_lsm_hook_sleeps(const struct kernel_profile *k, const char *hook);

/* ---- helpers ---- */

enum kernel_proto_flag {
	KP_GPL = 1 << 0,
	KP_PKT_ACCESS = 1 << 1, /* takes packet memory as KA_MEM */
	KP_MIGHT_SLEEP = 1 << 2,
	KP_CHANGES_PACKET = 1 << 3, /* bpf_helper_changes_pkt_data */
	KP_FASTCALL = 1 << 4,       /* allow_fastcall */
	KP_RET_NULL_ID = 1 << 5,
};

struct kernel_typed {
	uint8_t base;    /* enum kernel_arg or kernel_ret */
	uint32_t flags;  /* enum kernel_flag */
	const char *btf; /* BTF_ID: name of the struct; else NULL */
	uint32_t size;   /* KF_FIXED_SIZE: bytes */
};
struct kernel_proto {
	uint32_t id;
	const char *name; /* "map_lookup_elem" */
	uint32_t flags;   /* enum kernel_proto_flag */
	struct kernel_typed ret, arg[5];
};

enum kernel_refusal {
	KERNEL_ALLOWED,
	KERNEL_NO_HELPER,    /* this release has no such helper ("invalid func") */
	KERNEL_NOT_HERE,     /* not for this program type ("program of this type cannot use helper") */
	KERNEL_NOT_IN_PROBE, /* not for what it attaches to ("helper call is not allowed in probe") */
	KERNEL_STRANGE,      /* this kernel has it by its own types, and nothing else is known of it */
};
/* The prototype as this program sees it, in *out. */
enum kernel_refusal kernel_helper(const struct kernel_profile *k, const struct kernel_target *t, uint32_t id,
				  const struct kernel_proto **out);
bool kernel_has_helper(const struct kernel_profile *k, uint32_t id);
const char *kernel_helper_name(uint32_t id); /* "map_lookup_elem", NULL: none has it */
/* The release that first had it, or KERNEL_NOT_YET. */
uint16_t kernel_helper_since(uint32_t id);
/* The first release in which programs of this target may call it; KERNEL_NOT_YET: none known. */
uint16_t kernel_helper_since_for(const struct kernel_target *t, uint32_t id);

/* ---- maps ---- */

struct kernel_map_kind {
	uint32_t kind;
	const char *name; /* "hash" */
	uint16_t since, until;
};
const struct kernel_map_kind *kernel_map_kind(const struct kernel_profile *k, uint32_t kind);
const char *kernel_map_kind_name(uint32_t kind);
/* check_map_func_compatibility: may a map of this kind be the map argument of this helper? */
bool kernel_map_takes(const struct kernel_profile *k, uint32_t kind, uint32_t helper);
/* check_map_prog_compatibility by type: may programs of this target use maps of this kind? NULL: yes; else why not, as
 * the kernel says it. */
const char *kernel_map_prog(const struct kernel_profile *k, const struct kernel_target *t, uint32_t kind);
/* May a program of this target change sockmaps and sockhashes by map_update_elem (map_delete_elem)? may_update_sockmap
 */
bool kernel_sockmap_updates(const struct kernel_profile *k, const struct kernel_target *t, uint32_t helper);
/* As kernel_map_prog, for a map that is made with BPF_F_NO_PREALLOC, or whose inner map is. */
const char *kernel_map_no_prealloc(const struct kernel_profile *k, const struct kernel_target *t, uint32_t kind);

/* ---- kfuncs ---- */

enum kernel_kfunc_flag {
	KK_ACQUIRE = 1 << 0,
	KK_RELEASE = 1 << 1,
	KK_RET_NULL = 1 << 2,
	KK_KPTR_GET = 1 << 3, /* up to 6.3 */
	KK_TRUSTED_ARGS = 1 << 4,
	KK_SLEEPABLE = 1 << 5,
	KK_DESTRUCTIVE = 1 << 6,
	KK_RCU = 1 << 7,
	KK_ITER_NEW = 1 << 8,
	KK_ITER_NEXT = 1 << 9,
	KK_ITER_DESTROY = 1 << 10,
	KK_RCU_PROTECTED = 1 << 11,
	KK_FASTCALL = 1 << 12,
	KK_ARENA_RET = 1 << 13,
	KK_ARENA_ARG1 = 1 << 14,
	KK_ARENA_ARG2 = 1 << 15,
	KK_IMPLICIT_ARGS = 1 << 16,
};
struct kernel_kfunc {
	const char *name;
	uint16_t since, until;
	uint32_t flags; /* enum kernel_kfunc_flag */
	uint64_t hooks; /* bit per enum kernel_hook */
	uint8_t who;    /* which programs of those hooks: enum who in kfuncs.c */
	const char *source;
};
/* Sets of kfuncs are registered for hooks: enum btf_kfunc_hook. */
enum kernel_hook {
	KH_COMMON,
	KH_XDP,
	KH_TC,
	KH_STRUCT_OPS,
	KH_TRACING,
	KH_SYSCALL,
	KH_FMODRET,
	KH_CGROUP,
	KH_SCHED_ACT,
	KH_SK_SKB,
	KH_SOCKET_FILTER,
	KH_LWT,
	KH_NETFILTER,
	KH_KPROBE,
	KH_N
};
/* The row for a kfunc by its name, whether or not this program may call it; NULL: not known in this release. */
const struct kernel_kfunc *kernel_kfunc(const struct kernel_profile *k, const char *name);
bool kernel_kfunc_allowed(const struct kernel_profile *k, const struct kernel_target *t, const struct kernel_kfunc *f);
/* All rows, by name; those of one name by release. NULL: there are no more. */
const struct kernel_kfunc *kernel_kfunc_at(size_t i);

/* ---- instructions ---- */

struct isa_insn;
/* The first release whose verifier knows this instruction (semantic, width, form); KERNEL_NOT_YET: none does. */
uint16_t kernel_insn_since(const struct isa_insn *in);

/* ---- a kernel that is not quite its release ---- */

/* What kernel_refine took from the types, beyond (more) and short of (less) the release. */
struct kernel_difference {
	uint16_t behaviours, helpers, maps, progs, attaches, kfuncs;
};
struct kernel_refined {
	struct kernel_profile profile; /* refers to .own: the whole stays where it is */
	struct kernel_own own;
	struct kernel_difference more, less;
	bool changed;
};
struct btf;
/*
 * A profile for one kernel, from that of its release (or of an older one) and that kernel's own types: a
 * distribution's, with what it took over from later releases; or one between two profiles.
 *
 * Helpers, kinds of maps, program and attach types are what its enums list. Behaviours with a tell-tale in tells.def
 * are there as it says; others are those of the newest release up to which all signs of age are there, which becomes
 * profile.version. A kfunc of a later release is there when the types have a function bpf_ of its name, tagged as a
 * kfunc where any is. What comes from later releases is as in the first that has it. Types that lack the verifier's
 * structs say nothing of behaviours, those without an enum nothing of what it lists.
 *
 * Types may be hostile; then the profile is wrong, within the engine's limits. O(types). What the configuration left
 * out of a kernel (networking, LSM) its enums list all the same.
 */
void kernel_refine(const struct kernel_profile *k, const struct btf *types, struct kernel_refined *out);

#endif
