/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abi: what a kernel or runtime offers a program, as data.
 *
 * Helper prototypes, program types with their contexts, map kinds and limits stand in tables;
 * verifier and VM read the same rows. A profile bundles one choice of them under a name.
 */
#ifndef SALLYPORT_ENGINE_ABI_H
#define SALLYPORT_ENGINE_ABI_H

#include "base/base.h"

/* What a helper wants in an argument register. */
enum abi_arg {
	ABI_ARG_NONE,            /* unused; arguments after it are unused too */
	ABI_ARG_SCALAR,          /* any initialised number (a pointer is refused) */
	ABI_ARG_CONST_MAP,       /* a map reference (ISA_IMM64_MAP_FD) */
	ABI_ARG_MAP_KEY,         /* readable memory of the map argument's key_size */
	ABI_ARG_MAP_VALUE,       /* readable memory of the map argument's value_size */
	ABI_ARG_MAP_VALUE_WRITE, /* memory of the map argument's value_size that the helper fills */
	ABI_ARG_MEM,             /* readable memory; its size is the next argument (ABI_ARG_SIZE*) */
	ABI_ARG_MEM_WRITE,       /* memory the helper fills; need not be initialised; size follows */
	ABI_ARG_SIZE,            /* 1..n bytes of the memory argument before it */
	ABI_ARG_SIZE_OR_ZERO,    /* 0..n bytes; with 0 the pointer may be anything initialised */
	ABI_ARG_CTX,             /* the program's context pointer, unmodified */
	ABI_ARG_HANDLE,          /* a value of register type handle, never null */
	ABI_ARG_ANY,             /* anything initialised; the helper hands it on to a callback and looks into nothing */
	ABI_ARG_FUNC,            /* a function of this program (ISA_IMM64_FUNC): the callback */
	ABI_ARG_RECORD,          /* what ABI_RET_RECORD_OR_NULL gave; gone after the call */
	ABI_ARG_TIMER,           /* the address of a struct bpf_timer (16 bytes) inside a map value */
	ABI_ARG_LONG_WRITE,      /* 8 bytes that the helper fills; need not be initialised */
	ABI_ARG_STR,             /* readable memory with a zero byte in it: text */
};

enum abi_ret {
	ABI_RET_SCALAR,            /* a number within [ret_min, ret_max] (signed 64-bit) */
	ABI_RET_MAP_VALUE_OR_NULL, /* pointer to a value of the map argument, or 0 */
	ABI_RET_HANDLE_OR_NULL,
	ABI_RET_RECORD_OR_NULL, /* memory of as many bytes as the constant second argument says, that must be given back
				 */
};

enum { ABI_MAX_ARGS = 5 };

/*
 * What content can count on, as a number: it rises when content that was made from then on may not work on engines
 * before (a helper, a kind of predicate, a section that must be understood). ABI_LEVEL_OLDEST rises, to the level of
 * that day, when older content would now mean something else. Fields of events have digests of their own.
 */
enum { ABI_LEVEL = 1, ABI_LEVEL_OLDEST = 1 };

struct abi_helper {
	uint32_t id;
	const char *name;
	uint8_t ret; /* enum abi_ret */
	uint8_t args[ABI_MAX_ARGS];
	int64_t ret_min, ret_max;
	const char *doc;
};

/* What a load from the context gives. */
enum abi_ctx_kind {
	ABI_CTX_SCALAR,
	ABI_CTX_HANDLE, /* register type handle: only helpers accept it, arithmetic does not */
};

/* Bytes [off, off + bytes) of the context, readable whole (a load of exactly this offset and size). */
struct abi_ctx_field {
	uint32_t off;
	uint8_t bytes;
	uint8_t kind; /* enum abi_ctx_kind */
	const char *name;
};

/*
 * The context that one program gets: exact, never a maximum. A load that is not exactly a field is refused,
 * inside `size` too. A program type that knows its context only per program (sallyport/rule) is
 * given one by the caller. Contexts are read-only here.
 */
struct abi_ctx {
	const char *name;                   /* e.g. the template type, for messages */
	uint32_t size;                      /* bytes the program may address */
	const struct abi_ctx_field *fields; /* sorted by off */
	uint32_t n_fields;
	bool plain_memory; /* the whole context is `size` bytes of readable numbers at any aligned offset (fields
			      unused) */
	bool writable;     /* only with plain_memory */
};

struct abi_prog_type {
	const char *section;      /* ELF section name that selects it, also its name */
	int64_t ret_min, ret_max; /* R0 at exit must be a number within */
	const uint32_t *helpers;  /* ids that may be called, */
	uint32_t n_helpers;
	uint32_t first_helper, last_helper; /* and these, from first to last; 0 and 0: no others */
};

struct abi_map_kind {
	uint32_t kind; /* enum prog_map_kind */
	const char *name;
	bool direct_value; /* ISA_IMM64_MAP_VALUE may address it */
	bool values_exist; /* every key below max_entries has a value (arrays) */
	/* Ids that take a map of this kind as their map argument; an id may be of no helper of this build. NULL: not
	 * said, any. */
	const uint32_t *helpers;
	uint32_t n_helpers;
};

struct abi_limits {
	uint32_t prog_slots;        /* most slots in one program */
	uint64_t steps;             /* most instructions that a verification may process */
	uint32_t stack_bytes;       /* per frame */
	uint32_t frames;            /* deepest nesting of calls */
	uint32_t total_stack_bytes; /* over all frames of one call chain */
	uint32_t branch_depth;      /* most branches waiting to be explored */
	uint8_t isa_version;        /* 1..4 */
};

struct abi_profile {
	const char *name; /* "sallyport" */
	struct abi_limits limits;
	const struct abi_prog_type *types;
	uint32_t n_types;
	const struct abi_helper *helpers; /* sorted by id */
	uint32_t n_helpers;
	const struct abi_map_kind *map_kinds;
	uint32_t n_map_kinds;
	bool allow_unreachable; /* else unreachable code is refused */
};

/* Sallyport's own runtime. */
extern const struct abi_profile abi_sallyport;

/* NULL when the profile has none. O(log n) for helpers. */
const struct abi_helper *abi_helper(const struct abi_profile *p, uint32_t id);
const struct abi_prog_type *abi_prog_type(const struct abi_profile *p, const char *section);
const struct abi_map_kind *abi_map_kind(const struct abi_profile *p, uint32_t kind);
/* May a map of this kind be the map argument of this helper? */
bool abi_map_takes(const struct abi_map_kind *k, uint32_t helper_id);
bool abi_may_call(const struct abi_prog_type *t, uint32_t helper_id);

/* Helper ids by name: ABI_HELPER_str_eq and so on. */
enum abi_helper_id {
#define HELPER(id, name, ret, a1, a2, a3, a4, a5, min, max, doc) ABI_HELPER_##name = (id),
#include "engine/abi/helpers.def"
#undef HELPER
};

#endif
