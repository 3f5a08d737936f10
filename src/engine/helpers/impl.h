/* SPDX-License-Identifier: Apache-2.0 */
/*
 * impl: what the helper files share: handles, bounded readers of packed sets, and the names that table.c refers to.
 */
#ifndef SALLYPORT_ENGINE_HELPERS_IMPL_H
#define SALLYPORT_ENGINE_HELPERS_IMPL_H

#include "engine/helpers/helpers.h"
#include "engine/maps/maps.h"

#define HELPER(id, name, ...) helper_fn helper_##name;
#include "engine/abi/helpers.def"
#undef HELPER

/* What the handle names, when it is of that kind; else NULL or false, and env->bad_handle is set. */
const struct helper_value *handle_value(struct helper_env *env, uint64_t handle, enum helper_value_kind kind);
bool handle_str(struct helper_env *env, uint64_t handle, struct helper_str *out);

/*
 * A question about a string and the literal data that a helper was given; 1 or 0. What it costs is added to *work:
 * about one for each byte that a simple loop looks at (struct helper_env).
 */
typedef bool str_test(struct helper_str s, struct helper_str arg, uint64_t *work);
/* The test behind the string helper with this id, or NULL. */
str_test *str_test_find(uint64_t id);

static inline struct helper_str literal(const uint64_t mem, uint64_t size)
{
	return (struct helper_str){ (const char *)(uintptr_t)mem, (uint32_t)size };
}

static inline char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline char unfold(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

/* What follows the last slash; all of it when there is none. */
struct helper_str str_basename(struct helper_str s);

/* The stack of computed values: tmp.c. All of them do nothing but fail when something failed before. */
static inline void tmp_forget(struct helper_tmp *t)
{
	t->n = t->n_strs = t->n_bytes = 0;
	t->failed = false;
}
bool tmp_add(struct helper_tmp *t, struct helper_value v);
/* Room for bytes or elements; NULL, and failed, when there is none. */
char *tmp_bytes(struct helper_tmp *t, uint64_t n);
struct helper_str *tmp_strs(struct helper_tmp *t, uint64_t n);
/* args and options, off the stack, become what getopt makes of them; option 0: all. */
bool tmp_getopt(struct helper_tmp *t, struct helper_value args, struct helper_str options, uint8_t option);

/* -1, 0 or 1 in byte order; a prefix comes before what it begins. */
int str_order(struct helper_str a, struct helper_str b);

/* Questions about a packed set; a packed question. */
str_test set_has, set_has_prefix_of, set_pmatch;
str_test test_ask, test_regex;

/* helper_glob and helper_pmatch, with what they cost. */
bool glob_match(const char *s, size_t len, const char *pat, size_t pat_len, bool fold_case, uint64_t *work);
bool glob_pmatch(const char *path, size_t len, const char *pat, size_t pat_len, uint64_t *work);

/* The hash by which a packed set places its strings. */
uint32_t set_hash(struct helper_str s);
/* How many strings a packed set has, 0 when it is malformed; string i of it. */
uint32_t set_count(struct helper_str raw);
bool set_string(struct helper_str raw, uint32_t i, struct helper_str *out);

/* c is in the C locale's class of this name, without regard to the process's locale. False for unknown names. */
bool ascii_class(const char *name, size_t len, unsigned char c);

#endif
