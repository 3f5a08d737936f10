/* SPDX-License-Identifier: Apache-2.0 */
/*
 * btf: BPF Type Format (Documentation/bpf/btf.rst), read; and CO-RE relocations (Documentation/bpf/llvm_reloc.rst).
 *
 * Every byte is hostile. A struct btf is checked whole when it is read: every id is in range, every name ends,
 * no chain of typedefs and modifiers is endless, sizes and counts have limits; what looks at it later need not check
 * again.
 */
#ifndef SALLYPORT_ENGINE_BTF_H
#define SALLYPORT_ENGINE_BTF_H

#include "base/base.h"

enum { BTF_MAX_BYTES = 64 << 20, BTF_MAX_TYPES = 1 << 20, BTF_MAX_DEPTH = 32 };

/* As in include/uapi/linux/btf.h. */
enum btf_kind {
	BTF_VOID,
	BTF_INT,
	BTF_PTR,
	BTF_ARRAY,
	BTF_STRUCT,
	BTF_UNION,
	BTF_ENUM,
	BTF_FWD,
	BTF_TYPEDEF,
	BTF_VOLATILE,
	BTF_CONST,
	BTF_RESTRICT,
	BTF_FUNC,
	BTF_FUNC_PROTO,
	BTF_VAR,
	BTF_DATASEC,
	BTF_FLOAT,
	BTF_DECL_TAG,
	BTF_TYPE_TAG,
	BTF_ENUM64,
	BTF_N_KINDS
};

struct btf_member { /* of structs and unions */
	const char *name;
	uint32_t type, bit_off, bit_size; /* bit_size 0: no bit-field */
};
struct btf_enumerator {
	const char *name;
	uint64_t value; /* sign-extended when the enum is signed */
};
struct btf_param { /* of function prototypes; also variables of data sections */
	const char *name;
	uint32_t type;
};
struct btf_var {
	uint32_t type, off, size;
};

struct btf_type {
	const char *name;                   /* "" when it has none */
	uint8_t kind;                       /* enum btf_kind */
	bool flag;                          /* kind_flag: FWD is a union, ENUM is signed */
	uint8_t int_enc, int_off, int_bits; /* INT: BTF_INT_SIGNED 1, CHAR 2, BOOL 4 */
	uint32_t size;                      /* bytes: INT, FLOAT, ENUM*, STRUCT, UNION, DATASEC */
	uint32_t type; /* what PTR, TYPEDEF, modifiers, FUNC, VAR, DECL_TAG, FUNC_PROTO (its result), ARRAY (elements)
			  refer to */
	uint32_t n;    /* members, enumerators, params, variables; ARRAY: elements; FUNC: linkage; VAR: linkage */
	uint32_t index_type; /* ARRAY */
	int32_t component;   /* DECL_TAG: -1 the type itself */
	union {
		const struct btf_member *members;
		const struct btf_enumerator *enumerators;
		const struct btf_param *params;
		const struct btf_var *vars;
	};
};

struct btf {
	const struct btf_type *types; /* types[0] is void */
	uint32_t n_types;
	const char *strings;
	uint32_t n_strings;      /* bytes */
	const uint32_t *by_name; /* ids, sorted by kind-independent name, then id */
	uint32_t n_by_name;
};

/*
 * bytes  of a .BTF section or of /sys/kernel/btf/vmlinux; borrowed: names point into it
 * base   NULL, or what this one extends (split BTF: a module's)
 * E_FORMAT, E_TRUNCATED, E_LIMIT, E_UNSUPPORTED (big-endian) with d: B..., type and byte; E_NOMEM. O(n log n).
 */
FALLIBLE btf_read(struct view bytes, const struct btf *base, struct arena *a, struct btf *out, struct diag *d);

/* The first type of this kind with this name at or after `from`, or 0. O(log n + number of types of that name). */
uint32_t btf_find(const struct btf *b, enum btf_kind kind, const char *name, uint32_t from);
/* Without typedefs, const, volatile, restrict, type tags. */
uint32_t btf_skip(const struct btf *b, uint32_t id);
/* Bytes that a value has; false: it has none (void, function, forward). */
bool btf_size(const struct btf *b, uint32_t id, uint64_t *out);
/* Append as C says it: "struct task_struct *". */
void btf_print(const struct btf *b, uint32_t id, struct buf *out);

/* As enum bpf_core_relo_kind. */
enum core_kind {
	CORE_FIELD_BYTE_OFFSET,
	CORE_FIELD_BYTE_SIZE,
	CORE_FIELD_EXISTS,
	CORE_FIELD_SIGNED,
	CORE_FIELD_LSHIFT_U64,
	CORE_FIELD_RSHIFT_U64,
	CORE_TYPE_ID_LOCAL,
	CORE_TYPE_ID_TARGET,
	CORE_TYPE_EXISTS,
	CORE_TYPE_SIZE,
	CORE_ENUMVAL_EXISTS,
	CORE_ENUMVAL_VALUE,
	CORE_TYPE_MATCHES,
	CORE_N_KINDS
};

struct core_relo {
	uint32_t insn_off;  /* bytes, in its section */
	uint32_t type;      /* in the object's BTF */
	const char *access; /* "0:1:2" */
	uint8_t kind;       /* enum core_kind */
};
/* The relocations of .BTF.ext for one section. Errors as btf_read. */
FALLIBLE core_read(struct view btf_ext, const struct btf *local, const char *section, struct arena *a,
		   const struct core_relo **out, uint32_t *out_n, struct diag *d);

struct core_result {
	bool exists; /* false: the instruction must never run (libbpf: "poisoned"), unless the kind asks for existence
		      */
	uint64_t value;     /* what the instruction's immediate or offset becomes */
	uint32_t mem_bytes; /* FIELD_BYTE_OFFSET of a load or store: bytes that it must now have; 0: as it is */
	bool mem_signed;
	uint32_t type; /* in target */
};
/*
 * What the target says. E_OK with exists false: it has no such thing. E_REJECTED (d): it has several that disagree;
 * E_FORMAT: the access is not of this type.
 */
FALLIBLE core_resolve(const struct btf *local, const struct core_relo *r, const struct btf *target, struct arena *a,
		      struct core_result *out, struct diag *d);

#endif
