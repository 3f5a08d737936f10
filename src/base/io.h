/* SPDX-License-Identifier: Apache-2.0 */
/* io: reading a whole file that may be anything, and writing all bytes to a descriptor. */
#ifndef SALLYPORT_BASE_IO_H
#define SALLYPORT_BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"

/*
 * Read a whole file into fresh memory (caller frees), NUL-terminated after len bytes.
 *
 * E_IO     it cannot be opened or read, or it is a directory
 * E_LIMIT  more than max_bytes; no more than max_bytes + 1 are ever read
 * E_NOMEM
 */
FALLIBLE io_read_file(const char *path, size_t max_bytes, char **out, size_t *out_len, struct diag *d);
/* The same from an open descriptor, from its current position; name is for messages. */
FALLIBLE io_read_fd(int fd, const char *name, size_t max_bytes, char **out, size_t *out_len, struct diag *d);
/* Write all of it, over short writes and EINTR. E_IO with errno set. */
FALLIBLE io_write_all(int fd, const void *p, size_t len);
/*
 * Put a file of these bytes and mode (less the umask) at path, in place of what is there: whole or not at all, also
 * when the power goes. The bytes reach the disk under another name in the same directory first. E_IO with d: nothing
 * changed.
 */
FALLIBLE io_replace_file(const char *path, const void *p, size_t len, mode_t mode, struct diag *d);

#endif
