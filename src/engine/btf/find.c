/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find: types by name, past what only qualifies them, and their sizes.
 *
 * The index is a hash table over names without their ___flavor, since CO-RE looks for these. Sorting names would cost
 * a multiple of reading a kernel's types.
 */
#include "engine/btf/internal.h"

enum { FLAVOR_SEPARATOR = 3 };

/* The last place where a name other than an underscore, three underscores and another name meet (libbpf's rule). */
size_t essential_len(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = n; i-- > FLAVOR_SEPARATOR + 1;)
		if (name[i] != '_' && name[i - 1] == '_' && name[i - 2] == '_' && name[i - 3] == '_' &&
		    name[i - 4] != '_')
			return i - FLAVOR_SEPARATOR;
	return n;
}

static uint32_t name_hash(const char *name, size_t len)
{
	return (uint32_t)hash_bytes(name, len, 0);
}

static bool is_indexed(const struct btf_type *t)
{
	return t->name[0] && t->kind != BTF_DECL_TAG && t->kind != BTF_TYPE_TAG;
}

FALLIBLE btf_index(struct btf *b, struct arena *a)
{
	uint32_t n = b->n_types - b->first, *bucket, *next;

	for (b->n_buckets = 1; b->n_buckets < n; b->n_buckets *= 2)
		;
	bucket = ARENA_ARRAY(a, uint32_t, b->n_buckets);
	next = ARENA_ARRAY(a, uint32_t, n);
	if (!bucket || !next)
		return E_NOMEM;
	for (uint32_t i = n; i-- > 0;) { /* from the end: each list then ascends */
		const char *name = b->types[i].name;
		uint32_t *head;

		if (!is_indexed(&b->types[i]))
			continue;
		head = &bucket[name_hash(name, essential_len(name)) & (b->n_buckets - 1)];
		next[i] = *head;
		*head = b->first + i;
	}
	b->bucket = bucket;
	b->next = next;
	return E_OK;
}

struct same_name same_name_first(const struct btf *b, const char *name)
{
	size_t len = essential_len(name);

	return (struct same_name){ .in = b, .name = name, .len = len, .hash = name_hash(name, len) };
}

bool same_name_next(struct same_name *w)
{
	while (w->in) {
		const struct btf *b = w->in;

		w->id = w->id ? b->next[w->id - b->first] : b->bucket[w->hash & (b->n_buckets - 1)];
		if (w->id)
			return true;
		w->in = b->base;
	}
	return false;
}

bool same_name_is(const struct same_name *w, const char *other)
{
	return !strncmp(w->name, other, w->len) && essential_len(other) == w->len;
}

uint32_t btf_find(const struct btf *b, enum btf_kind kind, const char *name, uint32_t from)
{
	struct same_name w = same_name_first(b, name);
	uint32_t found = 0;

	while (same_name_next(&w)) {
		const struct btf_type *t = btf_get(b, w.id);

		if (t->kind == kind && w.id >= from && (!found || w.id < found) && !strcmp(t->name, name))
			found = w.id;
	}
	return found;
}

const char *btf_string(const struct btf *b, uint32_t off)
{
	if (off >= b->n_strings)
		return NULL;
	while (off < b->strings_first)
		b = b->base;
	return b->strings + (off - b->strings_first);
}

uint32_t btf_skip(const struct btf *b, uint32_t id)
{
	const struct btf_type *t;

	for (t = btf_get(b, id); is_wrapper(t); t = btf_get(b, id))
		id = t->type;
	return id;
}

static bool has_size(const struct btf_type *t)
{
	return t->kind == BTF_PTR || t->kind == BTF_INT || t->kind == BTF_FLOAT || t->kind == BTF_DATASEC ||
	       is_enum(t) || is_composite(t);
}

bool btf_size(const struct btf *b, uint32_t id, uint64_t *out)
{
	const struct btf_type *t = get_skipped(b, id);
	uint64_t n = 1;

	if (t->kind == BTF_VAR)
		t = get_skipped(b, t->type);
	for (; t->kind == BTF_ARRAY; t = get_skipped(b, t->type))
		if (__builtin_mul_overflow(n, t->n, &n))
			return false;
	return has_size(t) && !__builtin_mul_overflow(n, t->kind == BTF_PTR ? b->ptr_bytes : t->size, out);
}
