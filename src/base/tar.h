/* SPDX-License-Identifier: Apache-2.0 */
/* tar: an archive in memory (POSIX.1-2017, ustar): plain files, nothing of who made it or when. */
#ifndef SALLYPORT_BASE_TAR_H
#define SALLYPORT_BASE_TAR_H

#include "base/buf.h"
#include "base/view.h"

enum { TAR_BLOCK = 512, TAR_NAME_BYTES = 100 };

/* Append a file of mode 0600. name: 1 to 99 bytes, relative (asserted). The same files give the same bytes. */
void tar_put(struct buf *out, const char *name, struct view bytes);
/* The archive ends here. */
void tar_end(struct buf *out);

#endif
