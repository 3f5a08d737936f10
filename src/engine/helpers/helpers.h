/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helpers: what programs can call, implemented.
 *
 * The prototypes stand in abi/helpers.def; the VM checks arguments against them before it calls, so a helper gets
 * memory that is there. Handles are indexes into the value table of the event at hand; a forged index is an error
 * (HELPERS_BAD_HANDLE), never a read.
 *
 * Every helper is pure but for map contents, bounded by the sizes it is given, and allocates nothing.
 */
#ifndef SALLYPORT_ENGINE_HELPERS_H
#define SALLYPORT_ENGINE_HELPERS_H

#include "base/base.h"
#include "engine/abi/abi.h"

struct map;
struct helper_vm;
struct vm_timers;

/* A value that a handle names. Bytes are borrowed and need no NUL. */
struct helper_str {
	const char *p;
	uint32_t len;
};

enum helper_value_kind { HELPER_VALUE_NONE, HELPER_VALUE_STR, HELPER_VALUE_IP, HELPER_VALUE_LIST };

struct helper_value {
	uint8_t kind; /* enum helper_value_kind */
	uint32_t len; /* STR: bytes. IP: 4 or 16. LIST: elements */
	union {
		const char *p;                 /* STR, IP (network byte order) */
		const struct helper_str *list; /* LIST of strings */
	};
};

/*
 * A handle: value index + 1 in bits 0..31; for an element of a list, element index + 1 in bits 32..63. 0 is null.
 */
static inline uint64_t helper_handle(uint32_t value_index)
{
	return (uint64_t)value_index + 1;
}

/*
 * What a comparison computes on its way: values that stand in no field. A stack, which the first push of the next
 * comparison empties; a value's handle is its place above the event's own values. What does not fit, or has no value,
 * makes the whole comparison one without a value (failed), until then.
 */
enum { HELPER_TMP_VALUES = 64, HELPER_TMP_STRS = 2048, HELPER_TMP_BYTES = 64 << 10 };
struct helper_tmp {
	uint32_t n, n_strs, n_bytes;
	bool failed;
	struct helper_value values[HELPER_TMP_VALUES];
	struct helper_str strs[HELPER_TMP_STRS]; /* elements of lists */
	char bytes[HELPER_TMP_BYTES];
};
struct helper_memo;

/* A record of a ring buffer that a program has reserved and not given back. */
struct helper_record {
	struct map *ring;
	uint8_t *p;
	uint64_t bytes;
};
enum { HELPER_RECORDS = 8 }; /* at a time, of one run */
struct helper_records {
	uint32_t n;
	struct helper_record at[HELPER_RECORDS];
};

/* What the running program's helpers see. One per thread. */
struct helper_env {
	const struct helper_value *values;
	uint32_t n_values;
	bool bad_handle;        /* set by a helper that was given a handle that names nothing of the right kind */
	struct helper_tmp *tmp; /* or NULL: then nothing can be computed */

	/*
	 * What helpers did, in steps of about a byte in a simple loop (a nanosecond or less): they add, the VM charges
	 * it to the program's fuel. One call does at most what docs/formats/content.md section 7 says.
	 */
	uint64_t work;

	/* For predicates, and only for them: which of the values are there, and those that are numbers. */
	const uint8_t *present; /* bit i modulo 8 of byte i / 8 */
	const uint8_t *numbers; /* 8 bytes each, in the order of this host */
	/* Values that nobody asked for yet: when bit i is set, need() makes value i (or leaves it missing) and clears
	 * it. */
	uint64_t *lazy;
	void (*need)(struct helper_env *env, uint32_t value_index);
	struct helper_memo *memo; /* of the event at hand; NULL: the content has no predicates */

	/* For maps. */
	uint32_t cpu; /* whose values of per-CPU maps this thread's programs see; below map_cpus of each */
	struct helper_records *records; /* the VM's, while a program runs; NULL: no record can be reserved */

	/* What the host gives to programs; each may be NULL. */
	void *host;                                 /* the host's own */
	uint64_t (*now_ns)(struct helper_env *env); /* monotonic; NULL: always 0 */
	uint32_t (*random)(struct helper_env *env); /* NULL: always 0 */
	/* A line of trace_printk, without a newline of its own. NULL: it is made and dropped. */
	void (*print)(struct helper_env *env, const char *text, size_t len);

	struct vm_timers *timers; /* for programs' timers (vm.h); NULL: they cannot make any */

	/* Set by the VM at the start of each run: how helpers reach the program that calls them. */
	const struct helper_vm *vm;
};

/*
 * What a helper can do with the program that called it, until it returns. Programs may do anything meanwhile, but their
 * registers and frames are as they were afterwards.
 */
enum { HELPER_LEND_MAX = 512 };
struct helper_vm {
	/*
	 * Call a function of the program: func is what an ABI_ARG_FUNC argument held, *ret its R0. False: the program
	 * failed (no function, too deep, no fuel left, a fault inside); the helper returns at once, anything.
	 */
	bool (*call)(struct helper_env *env, uint64_t func, const uint64_t args[ABI_MAX_ARGS], uint64_t *ret);
	/*
	 * bytes <= HELPER_LEND_MAX that callbacks can read and write until the helper returns: takes a frame of the
	 * stack. NULL: none is left, as when call gives false.
	 */
	void *(*lend)(struct helper_env *env, uint32_t bytes);
	/* The argument register as the program had it: arguments 0 to 4. */
	uint64_t (*arg)(struct helper_env *env, unsigned arg);
	/* How many bytes from addr on the program may read, 0 for none. */
	uint64_t (*readable)(struct helper_env *env, uint64_t addr);
	/* The helpers timer_*: 0 or a negative errno, timer_cancel also 1. `timer` was checked as ABI_ARG_TIMER. */
	int64_t (*timer_init)(struct helper_env *env, uint64_t timer, const struct map *map, uint64_t flags);
	int64_t (*timer_set_callback)(struct helper_env *env, uint64_t timer, uint64_t func);
	int64_t (*timer_start)(struct helper_env *env, uint64_t timer, uint64_t ns, uint64_t flags);
	int64_t (*timer_cancel)(struct helper_env *env, uint64_t timer);
};

/* What tmp_apply does to the values on top of the stack; `arg` is its second argument. */
enum helper_tmp_op {
	HELPER_TMP_LOWER,    /* text, or each text of a list: ASCII letters */
	HELPER_TMP_UPPER,    /* the same */
	HELPER_TMP_BASENAME, /* the same: what follows the last slash */
	HELPER_TMP_B64,      /* the same: decoded (RFC 4648 section 4), with or without padding */
	HELPER_TMP_LIST,     /* arg texts make a list */
	HELPER_TMP_CONCAT,   /* arg texts make one */
	HELPER_TMP_JOIN,     /* separator, list: its texts with the separator between them */
	HELPER_TMP_GETOPT, /* list of arguments, option string as getopt(3) has it: a list of options and their values;
			      with an option as arg, its last value (text) */
	HELPER_TMP_OPS
};

/*
 * The five argument registers, already checked: a map argument is a struct map *, memory is a host pointer to at least
 * its size, everything else is the register's value. Returns R0. Arguments come in registers because native code calls
 * helpers directly.
 */
typedef uint64_t helper_fn(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, struct helper_env *env);

/*
 * The parameters of a helper_fn, for definitions: HELPER_ARGS(map, key) names the first two, and env; the others have
 * names that nobody uses. One name at least.
 */
#define HELPER_ARGS(...) HELPER_ARGS_(__VA_ARGS__, u1_, u2_, u3_, u4_, u5_)
#define HELPER_ARGS_(a, b, c, d, e, ...)                                                                    \
	uint64_t a HELPER_MAYBE, uint64_t b HELPER_MAYBE, uint64_t c HELPER_MAYBE, uint64_t d HELPER_MAYBE, \
		uint64_t e HELPER_MAYBE, struct helper_env *env HELPER_MAYBE
#define HELPER_MAYBE __attribute__((unused))
/* The definition of the helper with this name in abi/helpers.def. */
#define HELPER_FN(name, ...) uint64_t helper_##name(HELPER_ARGS(__VA_ARGS__))

/* With the arguments in an array. */
static inline uint64_t helper_call(helper_fn *fn, struct helper_env *env, const uint64_t args[ABI_MAX_ARGS])
{
	return fn(args[0], args[1], args[2], args[3], args[4], env);
}

/* [addr, addr + bytes) is inside of one open record: the program may read and write it. */
bool helper_record_holds(const struct helper_env *env, uint64_t addr, uint64_t bytes);
/* An open record begins at addr. */
bool helper_record_at(const struct helper_env *env, uint64_t addr);
/* Discard what the program left open: at the end of each run, or its ring would stand still. */
void helper_records_discard(struct helper_records *rs);

/* It asks helper_env.vm something although it has no function and no timer among its arguments. */
bool helper_asks_vm(helper_fn *fn);
/* The VM does tail calls itself, and knows them by this implementation. */
helper_fn helper_tail_call;
enum { HELPER_TIMER_BYTES = 16 }; /* struct bpf_timer */

/* The implementation of a helper id, or NULL. */
helper_fn *helper_lookup(uint32_t id);

/*
 * Packed sets, as str_in, str_startswith_in and str_pmatch read them, and networks for ip_in_net. The compiler makes
 * them with these; a helper that finds one malformed answers 0. Layout: docs/formats/packed-sets.md.
 * Strings are sorted and unique. E_LIMIT: over 65,535 strings, one over 65,535 bytes, more
 * than out takes, or many strings made to collide. E_NOMEM.
 */
FALLIBLE helper_pack_set(struct helper_str *strs, size_t n, struct buf *out);
struct helper_net {
	uint8_t addr[16];
	uint8_t addr_len; /* 4 or 16 */
	uint8_t prefix;   /* 0..32 or 0..128 */
};
void helper_pack_nets(const struct helper_net *nets, size_t n, struct buf *out);

/*
 * A packed question for str_ask: the string, transformed, satisfies the predicate `test` with any, all or exactly one
 * of the operands (with `negate`: does not satisfy). No operands: never. The operands are what the predicate takes:
 * bytes, or a packed set. LOWER and UPPER (ASCII) do not go together. out->full when it takes no more.
 */
enum helper_transform { HELPER_LOWER = 1, HELPER_UPPER = 2, HELPER_BASENAME = 4 };
enum { HELPER_SLOW_OPERAND_BYTES = 1024 }; /* of another field as a pattern, or searched for in either case */
enum helper_mode { HELPER_ANY, HELPER_ALL, HELPER_ONE };
struct helper_question {
	uint32_t test;            /* a string predicate's id, not str_ask's */
	uint8_t transforms, mode; /* enum helper_transform, or'ed; enum helper_mode */
	bool negate;
	const struct helper_str *operands;
	uint32_t n;
};
void helper_pack_question(const struct helper_question *q, struct buf *out);

/*
 * A packed regular expression for str_regex, which matches the whole string: RE2's POSIX syntax over bytes
 * (regex_parse.c). At most 256 positions. E_REJECTED: *e says what is wrong with it, and at which byte. E_NOMEM,
 * E_LIMIT.
 */
struct helper_regex_error {
	const char *text;
	uint32_t at;
};
FALLIBLE helper_pack_regex(const char *text, size_t len, struct arena *a, struct buf *out,
			   struct helper_regex_error *e);
/*
 * Append a text that the expression most likely matches; other variants take other alternatives, one more repetition,
 * other bytes. ^ and $ inside are taken to hold, so ask before relying on it. At most what out takes. E_REJECTED: no
 * expression; E_NOMEM; E_LIMIT: longer than out takes, or too many steps.
 */
FALLIBLE helper_regex_sample(const char *text, size_t len, uint32_t variant, struct arena *a, struct buf *out);

/*
 * Predicates: questions about one value of the event, numbered by the content and asked by several programs (helper
 * `holds`) and by whoever decides which programs to start. Each is answered once per event. A missing value satisfies
 * none, a negated one neither.
 */
enum helper_subject {
	HELPER_TEXT,        /* a string: `test` is a string helper's id, operand what that takes */
	HELPER_ELEMENT,     /* element `index` of a list, as HELPER_TEXT */
	HELPER_ANY_ELEMENT, /* any element of a list, from `index` on, as HELPER_TEXT */
	HELPER_ADDRESS,     /* an address: `test` is ip_eq's or ip_in_net's id */
	HELPER_NUMBER,      /* a number beside `number`: `test` is an enum helper_order */
	HELPER_PRESENT,
	HELPER_N_SUBJECTS
};
enum helper_order {
	HELPER_EQ,
	HELPER_LT,
	HELPER_LE,
	HELPER_GT,
	HELPER_GE,
	HELPER_SLT,
	HELPER_SLE,
	HELPER_SGT,
	HELPER_SGE
};

static inline bool helper_ordered(enum helper_order order, uint64_t a, uint64_t b)
{
	switch (order) {
	case HELPER_EQ:
		return a == b;
	case HELPER_LT:
		return a < b;
	case HELPER_LE:
		return a <= b;
	case HELPER_GT:
		return a > b;
	case HELPER_GE:
		return a >= b;
	case HELPER_SLT:
		return (int64_t)a < (int64_t)b;
	case HELPER_SLE:
		return (int64_t)a <= (int64_t)b;
	case HELPER_SGT:
		return (int64_t)a > (int64_t)b;
	case HELPER_SGE:
		return (int64_t)a >= (int64_t)b;
	}
	return false;
}

struct helper_pred {
	uint16_t value;  /* index */
	uint8_t subject; /* enum helper_subject */
	bool negate;
	uint32_t test, index;
	uint64_t number;
	struct helper_str operand; /* borrowed by what helper_preds_new makes */
};

enum { HELPER_MAX_PREDS = 4096, HELPER_PRED_WORDS = 2 * HELPER_MAX_PREDS / 64 + 2, HELPER_NO_GROUP = 0xffff };

/*
 * Predicates made ready. Those that ask the same string for literals (equal, at the beginning, at the end, inside)
 * become a group, which one pass over the string answers. Immutable; any number of threads. E_INVALID: a subject or
 * test that is none; E_LIMIT: over HELPER_MAX_PREDS; E_NOMEM.
 */
struct helper_preds;
FALLIBLE helper_preds_new(const struct helper_pred *preds, uint32_t n, struct arena *a, struct helper_preds **out);
uint32_t helper_preds_count(const struct helper_preds *p);
uint32_t helper_preds_groups(const struct helper_preds *p);
/* The group of predicate i, or HELPER_NO_GROUP; and its place: bit of the sets in struct helper_memo. */
uint32_t helper_preds_group(const struct helper_preds *p, uint32_t i);
uint32_t helper_preds_place(const struct helper_preds *p, uint32_t i);
uint32_t helper_preds_places(const struct helper_preds *p);

/* The answers for one event. One per thread. */
struct helper_memo {
	const struct helper_preds *preds;
	uint64_t known[HELPER_PRED_WORDS]; /* by place: of those without a group */
	uint64_t holds[HELPER_PRED_WORDS]; /* by place */
	uint64_t ran[HELPER_PRED_WORDS];   /* by group: all of its predicates are known */
};
/* Another event, or other predicates: nothing is known. */
void helper_memo_begin(struct helper_memo *m, const struct helper_preds *p);
/* Predicate i < count of env->memo's; answers its whole group. Cost: of the helper with that id, or O(length). */
bool helper_pred_holds(struct helper_env *env, uint32_t i);
/* Answer group i < groups of env->memo's, which was not answered yet: whether one of its predicates holds. */
bool helper_group_holds(struct helper_env *env, uint32_t i);
/* It was answered already. */
static inline bool helper_group_ran(const struct helper_memo *m, uint32_t i)
{
	return m->ran[i / 64] >> i % 64 & 1;
}

/* Plain functions behind the helpers, for tests and for the host side. */
bool helper_glob(const char *s, size_t len, const char *pat, size_t pat_len, bool fold_case);
/* Path-component prefix match of one pattern: "/opt/dir" covers itself and all below. */
bool helper_pmatch(const char *path, size_t len, const char *pat, size_t pat_len);

#endif
