/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture: records in a file. Reading yields what the kernel side sent, or would have sent, one wire record after the
 * other.
 *
 * Two formats are read, each plain or gzip: Sallyport's own (docs/formats/capture.md), which holds wire records as they
 * were, and
 * `.scap`, whose process, descriptor and event blocks are translated. A file is read front to back in bounded memory
 * and is hostile: each thing that is wrong with it is a diagnostic P... with its offset (after decompression), never a
 * crash. What stands before the fault has been delivered by then.
 *
 * A .scap file says less than the kernel does. What cannot be known is left out or is as follows:
 * docs/formats/capture.md has the list. Not thread-safe.
 */
#ifndef SALLYPORT_SENSOR_CAPTURE_H
#define SALLYPORT_SENSOR_CAPTURE_H

#include "base/base.h"
#include "sensor/wire/wire.h"

enum {
	CAPTURE_VERSION = 1,
	CAPTURE_HOSTNAME = 72,
	CAPTURE_SENSOR = 32,
	CAPTURE_BLOCK_MAX = 1 << 20, /* own format: payload of a block */
	CAPTURE_USERS_MAX = 4 << 20, /* bytes of the user or group database */
	CAPTURE_SCAP_BLOCK_MAX = 64 << 20,
	CAPTURE_RATIO_MAX = 256, /* gzip: bytes out per byte in, past the first CAPTURE_RATIO_FREE */
	CAPTURE_RATIO_FREE = 16 << 20,
	CAPTURE_SCAP_MEMORY = 512 << 20, /* for the tables that translating a .scap needs */
};

enum capture_kind { CAPTURE_OWN, CAPTURE_SCAP };

/* Everything that is the same for the whole capture. */
struct capture_info {
	enum capture_kind kind;
	bool compressed;
	uint32_t major, minor;           /* of the format */
	uint64_t boot_to_wall_ns;        /* wall clock minus the records' clock; .scap: 0, records are in wall time */
	char hostname[CAPTURE_HOSTNAME]; /* NUL-terminated */
	char sensor[CAPTURE_SENSOR];     /* version of the sensor that wrote it; NUL-terminated; .scap: "" */
	const char *users;               /* text as in passwd(5); never NULL; owned by the capture */
	size_t users_len;
	const char *groups; /* the same as in group(5) */
	size_t groups_len;
};

struct capture_stats {
	uint64_t blocks;
	uint64_t records;               /* yielded */
	uint64_t kinds[WIRE_MAX_KINDS]; /* of them, by kind */
	uint64_t events;                /* .scap: event blocks */
	uint64_t merged;  /* .scap: events that only add to others or to the tables: the entry of a call... */
	uint64_t skipped; /* .scap: events that no record is made for */
};

struct capture;

/*
 * Open what fd yields from its position on (a pipe is fine); fd is borrowed until capture_close. name: for messages,
 * borrowed. capture_open_bytes: the same from memory, borrowed. All that comes before the first event is read.
 *
 * E_FORMAT, E_TRUNCATED, E_LIMIT, E_SCHEMA (records of another layout), E_UNSUPPORTED (version, byte order), E_IO,
 * E_NOMEM; d says where.
 */
FALLIBLE capture_open(int fd, const char *name, struct capture **out, struct diag *d);
FALLIBLE capture_open_bytes(struct view bytes, const char *name, struct capture **out, struct diag *d);
void capture_close(struct capture *c);

const struct capture_info *capture_info(const struct capture *c);
void capture_stats(const struct capture *c, struct capture_stats *out);
/*
 * The next record, valid until the next call. E_NOT_FOUND: that was all, and the capture is whole. Errors as
 * capture_open; after one, every call gives it again.
 *
 * Own records are as the file has them: their checksums agree and they fit into their block, but decode judges them.
 * Cost O(bytes).
 */
FALLIBLE capture_next(struct capture *c, struct view *out, struct diag *d);

/* Writing the own format: records collect in a block of fixed memory; no allocation after capture_write_open. */
struct capture_writer;

/* fd is borrowed. Writes the header and, when there are any, the users and groups. E_IO with errno, E_NOMEM. */
FALLIBLE capture_write_open(int fd, const struct capture_info *info, struct capture_writer **out);
/*
 * Add a record; a full block is written. E_IO with errno: the file is cut in the middle of a block, and nothing can be
 * added any more. E_FORMAT: rec is no record (its header's length is not its length); it is not added.
 */
FALLIBLE capture_write(struct capture_writer *w, struct view rec);
/* Write what waits as a block, so that a reader has everything up to here. E_IO. */
FALLIBLE capture_write_flush(struct capture_writer *w);
/* Flush and write the end. E_IO. */
FALLIBLE capture_write_end(struct capture_writer *w);
void capture_write_free(struct capture_writer *w);

struct capture_written {
	uint64_t records, bytes, blocks;
};
void capture_written(const struct capture_writer *w, struct capture_written *out);

/* CRC-32C (Castagnoli, RFC 3720 appendix B.4) of the bytes, continuing from crc (0 at first). */
uint32_t capture_crc32c(uint32_t crc, const void *p, size_t len);
/* What the layout of this build's records boils down to: two builds that agree in it read each other's records. */
uint32_t capture_layout(void);

/* Every diagnostic that reading can give. */
struct capture_diag_row {
	uint16_t id;
	const char *title;
};
extern const struct capture_diag_row capture_diags[];
extern const size_t capture_n_diags;

#endif
