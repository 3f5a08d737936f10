/* SPDX-License-Identifier: Apache-2.0 */
/* err: the kinds of failure, the macros that pass them on, and scope-bound cleanup. */
#ifndef SALLYPORT_BASE_ERR_H
#define SALLYPORT_BASE_ERR_H

#include <stdlib.h>
#include <unistd.h>

enum err {
	E_OK = 0,
#define ERR(name, text) E_##name,
#include "base/errors.def"
#undef ERR
	ERR_COUNT
};

/* The row's text, e.g. "input ends too early"; never NULL. */
const char *err_text(enum err e);
/* The row's name, e.g. "TRUNCATED"; never NULL. */
const char *err_name(enum err e);

#define FALLIBLE __attribute__((warn_unused_result)) enum err

/* The only macro in the tree that hides a return of somebody else's error. */
#define TRY(expr)                           \
	do {                                \
		enum err try_err_ = (expr); \
		if (try_err_ != E_OK)       \
			return try_err_;    \
	} while (0)

#define countof(a) (sizeof(a) / sizeof((a)[0]))
/* The ending of a noun after a number. */
#define PLURAL(n) ((n) == 1 ? "" : "s")
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* Hand a scope-bound object to the caller: the scope forgets it. */
#define TAKE(x)                         \
	__extension__({                 \
		__typeof__(x) t_ = (x); \
		(x) = 0;                \
		t_;                     \
	})

static inline void base_free_ptr(void *p)
{
	free(*(void **)p);
}

/* A descriptor of 0 counts as "none", so that TAKE works: no module keeps stdin this way. */
static inline void base_close_fd(int *fd)
{
	if (*fd > 0)
		close(*fd);
}

#define AUTO_FREE __attribute__((cleanup(base_free_ptr)))
#define AUTO_FD __attribute__((cleanup(base_close_fd)))
#define AUTO(fn) __attribute__((cleanup(fn)))

#endif
