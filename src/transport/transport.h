/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport: getting and putting files of a release repository. Nothing that comes from it is believed: callers verify.
 *
 *   dir:///srv/sallyport    a directory; files appear whole (temporary name, sync, rename)
 *
 * What a program that was killed while it wrote leaves behind begins with a dot (".put-..."): such names can neither be
 * asked for nor are they told, and anybody may delete them. One thread for each struct transport. Diagnostics: D1xx.
 */
#ifndef SALLYPORT_TRANSPORT_H
#define SALLYPORT_TRANSPORT_H

#include "base/base.h"

struct transport;

enum {
	TRANSPORT_MAX_NAME = 160,
	TRANSPORT_MAX_URL = 1024,
	TRANSPORT_MAX_FILE = 64 << 20,
	TRANSPORT_MAX_LIST = 65536,  /* names told at most */
	TRANSPORT_MAX_SCAN = 1 << 20 /* names of a directory that are looked at */
};

/* [A-Za-z0-9._-]+ with single slashes between, no part begins with a dot, at most TRANSPORT_MAX_NAME - 1 bytes. */
bool transport_name_ok(const char *name);

/* E_UNSUPPORTED: no such scheme; E_IO with d. writable: put may be called. */
FALLIBLE transport_open(const char *url, bool writable, struct transport **out, struct diag *d);
void transport_close(struct transport *t);
/*
 * A whole file of at most max bytes, NUL-terminated after them; caller frees. No link is followed, nothing outside of
 * the directory is reached, nothing but a regular file is read, and nothing that changed meanwhile is given.
 * E_NOT_FOUND, E_LIMIT, E_IO, E_INVALID (name) with d, E_NOMEM.
 */
FALLIBLE transport_get(struct transport *t, const char *name, size_t max, char **out, size_t *out_len, struct diag *d);
/* Replace or make it, directories too; on disk when it returns. E_EXISTS: once was asked for and it is there. E_IO,
 * E_INVALID, E_LIMIT, E_PERM (not opened to be written). */
FALLIBLE transport_put(struct transport *t, const char *name, struct view bytes, bool once, struct diag *d);
/*
 * Names directly below a prefix ("health"), sorted; the max (at most TRANSPORT_MAX_LIST) that sort first are told, of
 * the first TRANSPORT_MAX_SCAN that the directory gives. No directory: none. What a name stands for is not looked at.
 * E_IO, E_INVALID, E_NOMEM.
 */
FALLIBLE transport_list(struct transport *t, const char *prefix, struct arena *a, uint32_t max, const char *const **out,
			uint32_t *n, struct diag *d);

#endif
