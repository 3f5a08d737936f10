/* SPDX-License-Identifier: Apache-2.0 */
/* scap_param: reading the parameters of an event. A parameter that is not there is 0, or empty. */
#ifndef SALLYPORT_SENSOR_CAPTURE_SCAP_PARAM_H
#define SALLYPORT_SENSOR_CAPTURE_SCAP_PARAM_H

#include "sensor/capture/scap.h"

/* The number in parameter i, whatever its size; 0 when it is not there. */
static inline int64_t num(const struct sevent *e, uint32_t i)
{
	struct view v = i < e->n ? e->param[i] : view_of(NULL, 0);
	uint16_t u16;
	int32_t i32;
	int64_t i64 = 0;

	switch (v.len) {
	case 1:
		return v.p[0];
	case 2:
		memcpy(&u16, v.p, 2);
		return u16;
	case 4:
		memcpy(&i32, v.p, 4);
		return i32;
	case 8:
		memcpy(&i64, v.p, 8);
		return i64;
	default:
		return 0;
	}
}

static inline uint64_t unum32(const struct sevent *e, uint32_t i)
{
	return (uint32_t)num(e, i);
}

static inline struct view bytes(const struct sevent *e, uint32_t i)
{
	return i < e->n ? e->param[i] : view_of(NULL, 0);
}

/* A string without its NUL. */
static inline struct view str(const struct sevent *e, uint32_t i)
{
	struct view v = bytes(e, i);

	v.len = v.len ? strnlen((const char *)v.p, v.len) : 0;
	return v;
}

/* A string that an entry had, without its NUL. */
static inline struct view enter_str(const struct text *t)
{
	return t ? view_of(t->s, strnlen(t->s, t->len)) : view_of(NULL, 0);
}

/* The number in the exit's parameter or, in older captures, in the entry's. -1: in neither. */
static inline int64_t num_of_call(const struct sevent *e, uint32_t at_exit, const struct task *t, uint32_t at_enter)
{
	if (at_exit < e->n)
		return num(e, at_exit);
	return t->enter.type ? t->enter.num[at_enter] : -1;
}

enum { PPM_AT_FDCWD = -100 };

/* Where a path that begins at dirfd starts from; NULL: not known. */
static inline const struct text *base_of(const struct task *main, int64_t dirfd)
{
	const struct sfd *f;

	if (dirfd == PPM_AT_FDCWD)
		return main->cwd;
	f = dirfd < 0 ? NULL : fd_find(main, (uint64_t)dirfd);
	return f ? f->path : NULL;
}

#endif
