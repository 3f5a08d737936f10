/* SPDX-License-Identifier: Apache-2.0 */
/* fixture: the profile, context and maps that the verifier's tests use. */
#ifndef SALLYPORT_TESTS_VERIFY_FIXTURE_H
#define SALLYPORT_TESTS_VERIFY_FIXTURE_H

#include "engine/verify/verify.h"

enum {
	MAP_HASH,
	MAP_ARRAY,
	MAP_RODATA,
	MAP_ODD_KIND,
	MAP_PROGS,
	MAP_RING,
	MAP_USER_RING,
	MAP_OUTER, /* an array of maps with values of INNER_VALUE_BYTES */
	MAP_OUTER_BARE,
	MAP_QUEUE,
	MAP_BLOOM,
	MAP_TEXT, /* "one", and four letters without an end */
	N_MAPS
};
enum { ARRAY_VALUE_BYTES = 64, HASH_KEY_BYTES = 8, HASH_VALUE_BYTES = 16, INNER_VALUE_BYTES = 24 };

/* Helpers that Sallyport's runtime does not have, to reach every argument type. */
enum {
	HELPER_FILL = 2000,   /* (MEM_WRITE, SIZE) */
	HELPER_CTX = 2001,    /* (CTX) -> -4096..4095 */
	HELPER_READ = 2002,   /* (MEM, SIZE) */
	HELPER_BROKEN = 2003, /* MEM without a size */
	HELPER_LONG = 2005,   /* (LONG_WRITE) */
	HELPER_TEXT = 2006,   /* (STR) */
	HELPER_DENIED = 2004, /* exists, but the program type may not call it */
};

/* Helpers of Linux that the verifier knows, whether Sallyport's runtime has them or not. */
enum {
	LINUX_TAIL_CALL = 12,
	LINUX_RESERVE = 131,
	LINUX_SUBMIT = 132,
	LINUX_FOR_EACH = 164,
	LINUX_TIMER_INIT = 169,
	LINUX_TIMER_SET_CALLBACK = 170,
	LINUX_TIMER_START = 171,
	LINUX_LOOP = 181,
	LINUX_DRAIN = 209,
};

/* Context fields, by offset. */
enum { CTX_U64 = 0, CTX_U32 = 8, CTX_U8 = 12, CTX_HANDLE = 16, CTX_LIST = 24, CTX_BYTES = 32 };

extern const struct prog_map fixture_maps[N_MAPS];
extern const struct abi_ctx fixture_ctx;        /* fields */
extern const struct abi_ctx fixture_memory;     /* 64 bytes of plain memory, read-only */
extern const struct abi_ctx fixture_buffer;     /* the same, writable */
extern struct abi_profile fixture_profile;      /* made before main runs */
extern const struct abi_prog_type fixture_type; /* r0 in 0..1 */
extern const struct abi_prog_type fixture_any;  /* r0 is any number */

struct prog fixture_prog(const struct isa_insn *code, size_t n);

#endif
