/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prog: the program object that loader, verifier, VM and compilers share.
 *
 * A program is decoded instructions plus what they refer to: maps by index, functions by slot,
 * source lines. It is data: immutable once built, owned by the arena it was built in, free to
 * share between threads.
 *
 * Invariants after obj_read(): every ISA_IMM64_MAP_FD has imm = map index < n_maps; every
 * ISA_IMM64_MAP_VALUE has imm = map index and off = byte offset into the first value or its end; every
 * ISA_CALL_LOCAL has imm = slot offset relative to the next slot, as in RFC 9669 section 5.5 (so
 * the target is slot + 1 + imm); every ISA_IMM64_FUNC (the address of a function) has the same, from the
 * first of its two slots on, as libbpf gives it to Linux. None of them is trusted: verifier and VM check again.
 */
#ifndef SALLYPORT_ENGINE_PROG_H
#define SALLYPORT_ENGINE_PROG_H

#include "base/base.h"
#include "engine/isa/isa.h"

enum prog_map_kind {
	PROG_MAP_NONE = 0,
	PROG_MAP_HASH = 1, /* numbers as in enum bpf_map_type */
	PROG_MAP_ARRAY = 2,
	PROG_MAP_PROG_ARRAY = 3,
	PROG_MAP_PERCPU_HASH = 5,
	PROG_MAP_PERCPU_ARRAY = 6,
	PROG_MAP_LRU_HASH = 9,
	PROG_MAP_LRU_PERCPU_HASH = 10,
	PROG_MAP_LPM_TRIE = 11,
	PROG_MAP_ARRAY_OF_MAPS = 12,
	PROG_MAP_HASH_OF_MAPS = 13,
	PROG_MAP_CGROUP_STORAGE = 19,
	PROG_MAP_PERCPU_CGROUP_STORAGE = 21,
	PROG_MAP_QUEUE = 22,
	PROG_MAP_STACK = 23,
	PROG_MAP_RINGBUF = 27,
	PROG_MAP_BLOOM_FILTER = 30,
	PROG_MAP_USER_RINGBUF = 31,
};

enum {
	PROG_MAP_NO_PREALLOC = 1 << 0, /* BPF_F_NO_PREALLOC: memory as it is needed */
	PROG_MAP_ZERO_SEED = 1 << 6,   /* BPF_F_ZERO_SEED */
	PROG_MAP_RDONLY = 1 << 7,      /* programs may not write (BPF_F_RDONLY_PROG) */
	PROG_MAP_WRONLY = 1 << 8,      /* programs may not read (BPF_F_WRONLY_PROG) */
	PROG_MAP_MMAPABLE = 1 << 10,   /* BPF_F_MMAPABLE */
	PROG_MAP_INNER = 1 << 12,      /* BPF_F_INNER_MAP: an inner array may have any number of entries */
};

/* 8 bytes of a map's first value that are to hold an address, which is not known before the maps are made. */
struct prog_ptr {
	uint32_t at;   /* byte of the value, aligned to 8 */
	uint32_t map;  /* whose first value is meant, or PROG_PTR_FUNC */
	uint32_t off;  /* byte in that value, at most its size */
	uint32_t func; /* PROG_PTR_FUNC: its first slot ... */
	uint32_t prog; /* ... in the program of the object that this is the index of */
};
enum { PROG_PTR_FUNC = 0xffffffff };

/* What a map is to be. `init` fills the first value of an array (.rodata, .data); empty means zeroes. */
struct prog_map {
	const char *name;
	uint32_t kind; /* enum prog_map_kind, or a number this build does not know */
	uint32_t key_size, value_size, max_entries;
	uint32_t key_type,
		value_type; /* in the types of the object (struct obj); a data section's DATASEC. 0: not said */
	uint32_t flags;
	struct view init;
	uint32_t n_hashes;            /* map_extra. BLOOM_FILTER: hash functions, 0: 5 */
	uint32_t pinning;             /* LIBBPF_PIN_*: data for the caller, nothing is pinned here */
	const struct prog_map *inner; /* *_OF_MAPS: what the inner maps look like; NULL: not said */
	const uint32_t
		*inner_maps; /* *_OF_MAPS, PROG_ARRAY: what the object puts in at each index: the index of a map, or */
	uint32_t n_inner_maps;       /* of a program of the object, + 1; 0 for none. n_inner_maps entries */
	const struct prog_ptr *ptrs; /* n_ptrs, by at: init has zeroes there */
	uint32_t n_ptrs;
};

/* From slot `insn` on (up to the next row) the source is this line. Sorted by insn. */
struct prog_line {
	uint32_t insn;
	const char *file;
	const char *text; /* the source line, or "" */
	uint32_t line, col;
};

/* A function: slots [start, next func's start). funcs[0] starts at 0 and is the entry. Sorted by start. */
struct prog_func {
	const char *name;
	uint32_t start;
	uint32_t type; /* of BTF_FUNC in the types of the object that it came from; 0: not said */
	bool hidden;   /* __hidden: libbpf gives it to Linux as a static function, whatever its type says */
};

struct prog {
	const char *name;
	const char *section;    /* "sallyport/rule", "xdp", ... */
	struct isa_insn *insns; /* n_insns slots; a 64-bit immediate takes two, the second is ISA_PAD */
	uint32_t n_insns;
	const struct prog_map *maps; /* shared by all programs of one object */
	uint32_t n_maps;
	const struct prog_func *funcs;
	uint32_t n_funcs;
	const struct prog_line *lines;
	uint32_t n_lines;
	const char *const *missing; /* shared by all programs of one object: see prog_missing */
	uint32_t n_missing;
	bool on_demand; /* SEC("?xdp"): to be loaded only when it is asked for by name */
};

/* The row that covers slot insn, or NULL. O(log n). */
const struct prog_line *prog_line_at(const struct prog *p, uint32_t insn);
/* The function that holds slot insn, or NULL when the program has none. O(log n). */
const struct prog_func *prog_func_at(const struct prog *p, uint32_t insn);

/*
 * An instruction that needs what the machine it was loaded for does not have (CO-RE) is replaced by
 * *(u64 *)(r10 + PROG_MISSING_OFF) = PROG_MISSING + i: no verifier accepts it where it can be reached, every runtime
 * faults there, and it may stand in code that is never reached, as after a question whether a field exists.
 */
enum { PROG_MISSING = 0x0bad0000, PROG_MISSING_OFF = 0x7ff0 };
/* What slot insn lacks: p->missing[i], as "the target has no byte offset of struct s.a"; NULL: it lacks nothing. */
const char *prog_missing(const struct prog *p, uint32_t insn);

/*
 * A program of bare instructions: no maps, functions or lines. For tools and tests.
 * Errors as isa_decode.
 */
FALLIBLE prog_from_code(struct view code, const char *name, struct arena *a, struct prog *out, struct diag *d);

#endif
