/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of btf share. Not a door.
 *
 * A read: read.c makes the types, check.c judges what they refer to, find.c makes the index.
 * A relocation: access.c follows its path through types, match.c says which types fit, resolve.c computes values.
 */
#ifndef SALLYPORT_ENGINE_BTF_INTERNAL_H
#define SALLYPORT_ENGINE_BTF_INTERNAL_H

#include "engine/btf/btf.h"

enum { BTF_MAGIC = 0xeb9f, INT_SIGNED = 1 };

static inline bool is_wrapper(const struct btf_type *t)
{
	return t->kind == BTF_TYPEDEF || t->kind == BTF_VOLATILE || t->kind == BTF_CONST || t->kind == BTF_RESTRICT ||
	       t->kind == BTF_TYPE_TAG;
}

static inline bool is_composite(const struct btf_type *t)
{
	return t->kind == BTF_STRUCT || t->kind == BTF_UNION;
}

static inline bool is_enum(const struct btf_type *t)
{
	return t->kind == BTF_ENUM || t->kind == BTF_ENUM64;
}

static inline const struct btf_type *get_skipped(const struct btf *b, uint32_t id)
{
	return btf_get(b, btf_skip(b, id));
}

/* check.c. off: byte offset of the type area in the file; offs: by own type, its offset there. */
FALLIBLE btf_check(const struct btf *b, uint32_t off, const uint32_t *offs, struct diag *d);
/* find.c */
FALLIBLE btf_index(struct btf *b, struct arena *a);
/* Length of a name without its ___flavor. */
size_t essential_len(const char *name);
/* The next type after `id` (0: the first) whose name is this one but for flavours, own or the base's; 0: no more. */
struct same_name {
	const struct btf *in; /* where the walk is */
	const char *name;
	size_t len;
	uint32_t hash, id;
};
struct same_name same_name_first(const struct btf *b, const char *name);
/* Also those whose names only hash alike: compare with same_name_is. False: no more. */
bool same_name_next(struct same_name *w);
bool same_name_is(const struct same_name *w, const char *other);

/* One look-up with what it may still cost. */
struct core {
	const struct btf *local, *target;
	const struct core_relo *relo;
	uint64_t *steps;
	struct diag *d;
};

static inline bool core_step(struct core *c, uint64_t n)
{
	if (*c->steps < n) {
		*c->steps = 0;
		return false;
	}
	*c->steps -= n;
	return true;
}

FALLIBLE core_too_much(struct core *c);

/* A step of an access: a member of a type (name), or an element of an array (NULL). */
struct accessor {
	const char *name;
	uint32_t type, index;
};
/* Where a path through a type ends. */
struct access {
	struct accessor at[CORE_MAX_ACCESS];
	uint32_t n, depth; /* depth counts anonymous members too */
	uint32_t root;
	uint64_t bit_off;
};

static inline bool core_is_field(uint8_t kind)
{
	return kind <= CORE_FIELD_RSHIFT_U64;
}

static inline bool core_is_type(uint8_t kind)
{
	return (kind >= CORE_TYPE_ID_LOCAL && kind <= CORE_TYPE_SIZE) || kind == CORE_TYPE_MATCHES;
}

static inline bool core_is_enumval(uint8_t kind)
{
	return kind == CORE_ENUMVAL_EXISTS || kind == CORE_ENUMVAL_VALUE;
}

/* access.c */
FALLIBLE access_parse(struct core *c, struct access *out);
/* *fits: the target's type `id` has the same path, which is *out */
FALLIBLE access_find(struct core *c, const struct access *local, uint32_t id, bool *fits, struct access *out);

/* match.c: is the target's type what the local one asks for? */
bool names_agree(const char *local, const char *target);
bool kinds_agree(const struct btf_type *x, const struct btf_type *y);
FALLIBLE fields_compatible(struct core *c, uint32_t local, uint32_t target, bool *out);
FALLIBLE types_compatible(struct core *c, uint32_t local, uint32_t target, bool *out);
FALLIBLE types_match(struct core *c, uint32_t local, uint32_t target, bool *out);

#endif
