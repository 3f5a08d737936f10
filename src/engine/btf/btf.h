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

enum {
	BTF_MAX_BYTES = 64 << 20,
	BTF_MAX_TYPES = 1 << 20,  /* ids, those of the base included */
	BTF_MAX_DEPTH = 32,       /* typedefs, modifiers and arrays in a row */
	BTF_MAX_NAMES = 64 << 20, /* bytes of the names of all types */
	BTF_MAX_NAME = 1024,      /* bytes of a name; the text of a DECL_TAG may be longer */
};

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

/* Types by id. Ids below `first` are the base's. Look with btf_get. */
struct btf {
	const struct btf *base;
	const struct btf_type *types;  /* own ones: id `first` on; without a base types[0] is void */
	uint32_t first, n_types;       /* n_types: one past the last id, the base's included */
	const char *strings;           /* own ones */
	uint32_t strings_first;        /* string offsets below are the base's */
	uint32_t n_strings;            /* one past the last offset, the base's included */
	uint32_t ptr_bytes;            /* of the machine that it describes: 4 or 8 */
	const uint32_t *bucket, *next; /* own types by essential name: heads (n_buckets), then by id - first; 0 ends */
	uint32_t n_buckets;            /* a power of two, or 0 */
};

/*
 * bytes  of a .BTF section or of /sys/kernel/btf/vmlinux; borrowed: names point into it
 * base   NULL, or what this one extends (split BTF: a module's); must outlive *out
 * a      owns what *out points to: at most 5 times the bytes
 * out    set on success only
 *
 * E_TRUNCATED    U101
 * E_UNSUPPORTED  U103 big-endian, another version
 * E_FORMAT       U102 U104 U105 U107 to U117: d has the byte offset of what is wrong
 * E_LIMIT        U106 BTF_MAX_*
 * E_NOMEM
 *
 * O(bytes) for what a compiler makes. Safe from any thread. Layout: kernel Documentation/bpf/btf.rst, v6.12; lengths of
 * header and names are judged as libbpf does, not as the kernel does.
 */
FALLIBLE btf_read(struct view bytes, const struct btf *base, struct arena *a, struct btf *out, struct diag *d);

/* The type with this id; asserts id < n_types. */
static inline const struct btf_type *btf_get(const struct btf *b, uint32_t id)
{
	assert(id < b->n_types && "ids inside a struct btf were checked when it was read");
	while (id < b->first)
		b = b->base;
	return &b->types[id - b->first];
}

/* The string at this offset, "" at 0; NULL: there is none. For what refers to BTF from outside, as .BTF.ext. */
const char *btf_string(const struct btf *b, uint32_t off);
/*
 * The first type of this kind with this name at or after `from`, or 0. Anonymous types are not found. O(number of
 * types of that name), where names that differ in a ___flavor count as the same.
 */
uint32_t btf_find(const struct btf *b, enum btf_kind kind, const char *name, uint32_t from);
/* Without typedefs, const, volatile, restrict, type tags. */
uint32_t btf_skip(const struct btf *b, uint32_t id);
/* Bytes that a value has; false: it has none (void, function, forward), or more than 64 bits say. */
bool btf_size(const struct btf *b, uint32_t id, uint64_t *out);
/*
 * Append as C says it: "struct task_struct *", "int (*)(void *, int)". Type tags are left out; what is anonymous is
 * spelled whole, down to BTF_MAX_DEPTH, then "...". Names are made safe for a terminal. Stops when out is full.
 */
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
enum { CORE_MAX_PARTS = 1 << 16 };
/*
 * The relocations that a .BTF.ext section has for one section of its object, in file order.
 *
 * btf_ext  the whole section; borrowed
 * local    the object's .BTF; accesses point into its strings
 * out      set on success only; *out_n may be 0
 *
 * E_TRUNCATED    U201
 * E_FORMAT       U202 to U204
 * E_UNSUPPORTED  U205: a kind that this build does not know
 * E_LIMIT        U206: CORE_MAX_PARTS sections
 * E_NOMEM
 *
 * Headers and records may be longer than known. O(btf_ext).
 */
FALLIBLE core_read(struct view btf_ext, const struct btf *local, const char *section, struct arena *a,
		   const struct core_relo **out, uint32_t *out_n, struct diag *d);

/* What one object may cost: types, members and names looked at by all its core_resolve together. */
enum { CORE_MAX_STEPS = 1 << 26 };

struct core_result {
	bool exists;    /* the target has it */
	bool poison;    /* the instruction must never run: it needs what the target does not have */
	bool was_known; /* false: where a bit-field lies is the compiler's choice, so `was` proves nothing */
	uint64_t was;   /* the instruction's immediate or offset, by the object's own types */
	uint64_t value; /* what it becomes; an enumerator's as C sees it in 64 bits */
	/*
	 * FIELD_BYTE_OFFSET: bytes of the field in object and target, for loads and stores; 0: a bit-field, or types of
	 * the target that differ in it. Where they differ, an access may get the other width if `resize` (pointers, and
	 * integers without sign), else it must never run.
	 */
	uint32_t bytes_was, bytes;
	bool resize;
	uint32_t type; /* in target: the type that was taken; 0: none */
};
/*
 * What a relocation comes to.
 *
 * local   what r was read with
 * target  what the program will meet
 * steps   how much may still be looked at; counted down. Begin with CORE_MAX_STEPS for an object
 * out     set on success only
 *
 * E_FORMAT       U210: the access is not one of this type; U211: no such type, or one without name
 * E_REJECTED     U212: several types of the target fit and disagree
 * E_UNSUPPORTED  U213: a bit-field that no load of 8 bytes holds; U214: the field has no such property
 * E_LIMIT        U215: steps, or an access deeper than CORE_MAX_ACCESS
 *
 * No allocation. Names match without their ___flavor; which types are compatible is what libbpf says
 * (tools/lib/bpf/relo_core.c, Linux v6.12), with two differences: an unsigned 32-bit enumerator is not
 * sign-extended, and an array's element decides how wide a load from it is.
 */
enum { CORE_MAX_ACCESS = 64 };
FALLIBLE core_resolve(const struct btf *local, const struct core_relo *r, const struct btf *target, uint64_t *steps,
		      struct core_result *out, struct diag *d);
/* Append what a relocation is about: "field byte offset of struct task_struct.mm.pgd (0:3:1)". */
void core_print(const struct btf *local, const struct core_relo *r, struct buf *out);

#endif
