/* SPDX-License-Identifier: Apache-2.0 */
/* parts: what the files of capture share. Private to it. */
#ifndef SALLYPORT_SENSOR_CAPTURE_PARTS_H
#define SALLYPORT_SENSOR_CAPTURE_PARTS_H

#include "sensor/capture/capture.h"

enum capture_diag_id {
#define DIAG(ident, id, title) DIAG_##ident = id,
#include "sensor/capture/diags.def"
#undef DIAG
};

/* source.c: the bytes of a file one after the other, decompressed when it is gzip. */
struct source;
FALLIBLE source_new(int fd, struct view bytes, const char *name, struct source **out, struct diag *d);
void source_free(struct source *s);
bool source_compressed(const struct source *s);
uint64_t source_offset(const struct source *s);
/* The next n bytes without passing over them; fewer only at the end. Valid until the next call. */
FALLIBLE source_peek(struct source *s, size_t n, struct view *out, struct diag *d);
/* Exactly n bytes; P003 when there are fewer. */
FALLIBLE source_take(struct source *s, size_t n, struct view *out, struct diag *d);
/* Fail with the id at an offset. */
FALLIBLE source_fail(const struct source *s, struct diag *d, enum err err, enum capture_diag_id id, uint64_t offset,
		     const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* own.c */
struct own;
FALLIBLE own_open(struct source *s, struct capture_info *info, struct capture_stats *stats, struct own **out,
		  struct diag *d);
void own_free(struct own *o);
FALLIBLE own_next(struct own *o, struct view *out, struct diag *d);

/*
 * The own format's structures, docs/formats/capture.md. Little-endian.
 */
#define OWN_MAGIC "\x89SPC\r\n\x1a\n"
enum { OWN_BLOCK_MAGIC = 0x4b4c4253 /* "SBLK" */, OWN_BLOCK_FILL = 256 << 10 };
enum own_block_type { OWN_USERS = 1, OWN_RECORDS, OWN_END, OWN_GROUPS };

struct own_header {
	char magic[8];
	uint32_t version;
	uint32_t bytes;  /* of this header */
	uint32_t flags;  /* 0 */
	uint32_t layout; /* capture_layout() of the writer */
	uint64_t boot_to_wall_ns;
	char hostname[CAPTURE_HOSTNAME];
	char sensor[CAPTURE_SENSOR];
	uint8_t reserved[116]; /* 0 */
	uint32_t crc;          /* of all bytes before */
};

struct own_block {
	uint32_t magic;
	uint32_t type;  /* enum own_block_type */
	uint32_t bytes; /* of the payload that follows */
	uint32_t n_records;
	uint64_t first; /* number of the first record in the file, from 0 */
	uint32_t payload_crc;
	uint32_t crc; /* of all fields before */
};

struct own_end {
	uint64_t records, blocks; /* blocks: those before this one */
	uint64_t kinds[WIRE_MAX_KINDS];
};
static_assert(sizeof(struct own_header) == 256, "docs/formats/capture.md");
static_assert(offsetof(struct own_header, hostname) == 32, "docs/formats/capture.md");
static_assert(offsetof(struct own_header, crc) == 252, "docs/formats/capture.md");
static_assert(sizeof(struct own_block) == 32, "docs/formats/capture.md");
static_assert(offsetof(struct own_block, first) == 16, "docs/formats/capture.md");
static_assert(sizeof(struct own_end) == 16 + 8 * WIRE_MAX_KINDS, "docs/formats/capture.md");

/* scap.c */
struct scap;
FALLIBLE scap_open(struct source *s, struct capture_info *info, struct capture_stats *stats, struct scap **out,
		   struct diag *d);
void scap_free(struct scap *s);
FALLIBLE scap_next(struct scap *s, struct view *out, struct diag *d);

#endif
