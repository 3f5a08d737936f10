/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made: programs for kverify out of any bytes, their mutations, and what must hold of every verdict.
 *
 * Any bytes that begin with a head are a program with maps, functions, types, a release and a place to go; most are
 * refused at once. made_mutate knows the layout and puts in what programs do, so that a search comes further.
 */
#ifndef SALLYPORT_TESTS_KVERIFY_MADE_H
#define SALLYPORT_TESTS_KVERIFY_MADE_H

#include "engine/kverify/kverify.h"

enum {
	MADE_MAPS = 8,
	MADE_FUNCS = 8,
	MADE_STEPS = 20000, /* of any release: what is longer costs time and shows nothing new */
	MADE_CPU_MS = 4000, /* one verdict, with sanitizers */
};

/* The layout: a head, maps, functions, types, code. */
struct made_head {
	uint8_t release, prog_type, attach_type;
	uint8_t how;  /* enum made_how */
	uint8_t room; /* of the arena: 4 KiB << room % 14 */
	uint8_t hook;
	uint8_t n_maps, n_funcs;
	uint8_t types, kernel_types; /* enum made_types_of */
	uint8_t cancel;              /* at which time of asking; 0: never */
	uint8_t more;                /* enum made_more */
	uint16_t btf_bytes;
	uint16_t seed; /* of nothing: room for a mutation without meaning */
};
enum made_how {
	MADE_STRICT = 1,
	MADE_ANY_ALIGN = 2,
	MADE_STATES = 4,
	MADE_INVARIANTS = 8,
	MADE_GPL = 16,
	MADE_SLEEPABLE = 32,
	MADE_DIAGNOSE = 64,
	MADE_WATCHED = 128
};
enum made_types_of { MADE_NO_TYPES, MADE_OUR_TYPES, MADE_GIVEN_TYPES, MADE_N_TYPES };
enum made_more { MADE_RAW = 1, MADE_LINES = 2 };
struct made_map {
	uint8_t kind, flags;
	uint16_t key, value, entries;
	uint16_t key_type, value_type;
	uint8_t inner; /* index + 1 of the map that stands for those in it */
	uint8_t init;
};
struct made_func {
	uint16_t start, type;
};

/* Types that are read once: made_types.bpf.c. */
struct made_kit {
	struct arena arena;
	struct btf types;
};
bool made_kit_init(struct made_kit *k);
void made_kit_done(struct made_kit *k);

struct made {
	struct prog prog;
	struct kverify_opts opts;
	struct kernel_profile kernel;
	struct btf given;
	size_t room;
	uint32_t cancel_at;
	bool diagnose, watched;
};
/* False: the bytes are none. What *out refers to lies in the arena, in bytes and in *out. */
bool made_from(struct view bytes, const struct made_kit *k, struct arena *a, struct made *out);

/* NULL: it is judged as any program must be: twice the same, in time, for a reason, never by a broken invariant. */
const char *made_judge(const struct made *m);
/* The same of any program. room: of the arena. */
const char *made_judge_prog(const struct prog *p, const struct kverify_opts *o, size_t room, bool diagnose);

/* Bytes of a new program in `bytes`; 0: there is no room. */
size_t made_fresh(uint8_t *bytes, size_t max, const struct made_kit *k, uint64_t seed);
/* A few changes. Returns bytes. */
size_t made_mutate(uint8_t *bytes, size_t n, size_t max, const struct made_kit *k, uint64_t seed);

#endif
