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

/* What the running program's helpers see. One per thread. */
struct helper_env {
	const struct helper_value *values;
	uint32_t n_values;
	bool bad_handle;        /* set by a helper that was given a handle that names nothing of the right kind */
	struct helper_tmp *tmp; /* or NULL: then nothing can be computed */
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
 * args: the five argument registers, already checked: a map argument is a struct map *, memory is a host
 * pointer to at least its size, everything else is the register's value.
 */
typedef uint64_t helper_fn(struct helper_env *env, const uint64_t args[ABI_MAX_ARGS]);

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

/* Plain functions behind the helpers, for tests and for the host side. */
bool helper_glob(const char *s, size_t len, const char *pat, size_t pat_len, bool fold_case);
/* Path-component prefix match of one pattern: "/opt/dir" covers itself and all below. */
bool helper_pmatch(const char *path, size_t len, const char *pat, size_t pat_len);

#endif
