/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: what a program can depend on, as data: so that the kernel side need not send what no program can match.
 *
 * For each program the rule compiler writes down a few clauses. An event that satisfies none of them can not satisfy
 * the program: too much may pass, never too little. A clause is a set of classes (which facts about the call, as bits)
 * and, for opened files, a set of names at each of three places of the path. The runtime adds the clauses of all
 * loaded programs up to one bounded sum per template type.
 *
 * The section `.sallyport.filter` carries them (docs/formats/content.md). Reading it is hostile input; what it says can
 * only narrow what the content itself sees.
 */
#ifndef SALLYPORT_CONTENT_FILTER_H
#define SALLYPORT_CONTENT_FILTER_H

#include "base/base.h"
#include "content/template/template.h"

#define FILTER_SECTION ".sallyport.filter"

enum {
	FILTER_VERSION = 1,
	FILTER_MAX_PROGS = 32768,
	FILTER_MAX_CLAUSES = 12,     /* of one program */
	FILTER_MAX_NAMES = 1u << 20, /* of all programs */
	FILTER_NAME_BYTES = 30,      /* longer names are cut: then more passes */
	FILTER_CLASSES = 256,
	FILTER_SUM_CLAUSES = 32, /* of all programs of a type, put together */
	FILTER_SUM_NAMES = 4096,
};

/*
 * A class is an or of these. Every type has FILTER_FAILED; opens have the others of the first group, send and receive
 * FILTER_SAME_NAME. What a bit means is what the kernel side can tell, before it resolves a path.
 */
enum filter_class {
	FILTER_READ = 1,
	FILTER_WRITE = 2,
	FILTER_CREATED = 4,
	FILTER_EXEC = 8, /* created with an execute permission */
	FILTER_TRUNC = 16,
	FILTER_DIR = 32,
	FILTER_SPECIAL = 64,  /* neither a regular file nor a directory */
	FILTER_SAME_NAME = 1, /* the remote end is that of the call before */
	FILTER_FAILED = 128,
};

enum filter_place {
	FILTER_LEAF,   /* last component of the path */
	FILTER_PARENT, /* the one before it */
	FILTER_TOP,    /* the first */
	FILTER_PLACES
};

struct filter_name {
	char text[FILTER_NAME_BYTES + 1]; /* filled up with NULs */
};

/* any: every name will do. Else one of n, ascending by memcmp, each once. */
struct filter_names {
	bool any;
	uint32_t n;
	const struct filter_name *list;
};

struct filter_clause {
	uint64_t classes[FILTER_CLASSES / 64]; /* bit c: class c */
	bool upwards; /* "../" stands in the path as the caller wrote it; a failed call's is not looked at */
	struct filter_names at[FILTER_PLACES];
};

/* A program's clauses; an event passes when one of them lets it. */
struct filter {
	struct filter_clause clauses[FILTER_MAX_CLAUSES];
	uint32_t n;
};

/* ---- making them: content/rule ---- */

/* Every event passes; no event passes. */
void filter_all(struct filter *f);
void filter_none(struct filter *f);
/* Events of classes whose bits `must` are all set and `must_not` all clear, whatever their names. */
void filter_class(struct filter *f, uint32_t must, uint32_t must_not);
/* Ask for one of these names at a place, in every clause. In the arena. E_NOMEM. */
FALLIBLE filter_ask(struct filter *f, enum filter_place place, const struct filter_name *names, uint32_t n,
		    struct arena *a);
/* Ask for "../" in the path as the caller wrote it, in every clause. */
void filter_ask_upwards(struct filter *f);
void filter_name_set(struct filter_name *n, const char *p, size_t len);
/* *f: both, either. In the arena. O(clauses^2 x names). E_NOMEM. */
FALLIBLE filter_and(struct filter *f, const struct filter *with, struct arena *a);
FALLIBLE filter_or(struct filter *f, const struct filter *with, struct arena *a);
/* Whether an open of this class with these names (NULL: not known, which passes) passes. */
bool filter_passes(const struct filter *f, uint32_t class, const struct filter_name *const names[FILTER_PLACES],
		   bool upwards);

/* ---- the section ---- */

struct filter_prog {
	const char *prog; /* symbol name */
	struct filter filter;
};

/* Deterministic. E_LIMIT with d (S06x); E_NOMEM. */
FALLIBLE filter_write(const struct filter_prog *progs, uint32_t n, struct buf *out, struct diag *d);
/* prog borrows from bytes, the rest is in the arena. E_TRUNCATED, E_FORMAT, E_LIMIT, E_UNSUPPORTED with d (S06x);
 * E_NOMEM. */
FALLIBLE filter_read(struct view bytes, struct arena *a, struct filter_prog **out, uint32_t *n, struct diag *d);

/* ---- the sum ---- */

struct filter_sum_name {
	uint8_t place; /* enum filter_place */
	struct filter_name name;
	uint32_t clauses; /* that accept this name at this place */
};

/* Of one template type. */
struct filter_sum {
	uint32_t n_clauses;
	uint32_t upwards;                       /* clauses that ask for "../" */
	uint32_t any[FILTER_PLACES];            /* clauses that ask nothing about this place */
	uint32_t class_clauses[FILTER_CLASSES]; /* clauses that such an event can satisfy; 0: it is dropped */
	struct filter_sum_name *names;          /* n_names, each (place, name) once, ascending */
	uint32_t n_names;
};

/*
 * Add up to FILTER_SUM_CLAUSES clauses and FILTER_SUM_NAMES names; what does not fit is put together, and lets more
 * pass. In the arena. E_NOMEM.
 */
FALLIBLE filter_add_up(const struct filter *const *filters, uint32_t n, struct arena *a, struct filter_sum *out);
/* As filter_passes, of the sum: what the kernel side computes. */
bool filter_sum_passes(const struct filter_sum *s, uint32_t class, const struct filter_name *const names[FILTER_PLACES],
		       bool upwards);

#endif
