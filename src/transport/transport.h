/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport: getting and putting files of a release repository. Nothing that comes from it is believed: callers verify.
 *
 *   dir:///srv/sallyport    a directory; files appear whole (temporary name, sync, rename)
 */
#ifndef SALLYPORT_TRANSPORT_H
#define SALLYPORT_TRANSPORT_H

#include "base/base.h"

struct transport;

enum { TRANSPORT_MAX_NAME = 160, TRANSPORT_MAX_URL = 1024, TRANSPORT_MAX_FILE = 64 << 20 };

/* E_UNSUPPORTED: no such scheme; E_IO with d. writable: put may be called. */
FALLIBLE transport_open(const char *url, bool writable, struct transport **out, struct diag *d);
void transport_close(struct transport *t);
/*
 * A whole file of at most max bytes; caller frees. Names: [A-Za-z0-9._-]+ with single slashes between; no link is
 * followed, nothing outside of the directory is reached. E_NOT_FOUND, E_LIMIT, E_IO, E_INVALID (name) with d.
 */
FALLIBLE transport_get(struct transport *t, const char *name, size_t max, char **out, size_t *out_len, struct diag *d);
/* Replace or make it. E_EXISTS: once was asked for and it is there. E_IO. */
FALLIBLE transport_put(struct transport *t, const char *name, struct view bytes, bool once, struct diag *d);
/* Names directly below a prefix ("health"), sorted; at most max are told. E_IO, E_NOMEM. */
FALLIBLE transport_list(struct transport *t, const char *prefix, struct arena *a, uint32_t max, const char *const **out,
			uint32_t *n, struct diag *d);

#endif
