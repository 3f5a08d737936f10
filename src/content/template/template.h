/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template: the kinds of event and their ordered, typed fields; one table with many readers.
 *
 * The .def files are the table. From it come the context layout that rule programs read, the digests that tie
 * content to a schema, the field catalogue, the rule type checker, and the numbers on the wire. A sensor release is
 * a table; tests make tables with fewer or more fields to play another release.
 *
 * Context layout (docs/formats/content.md): the address of a field never depends on how many others there are.
 *
 *   offset  bytes  what
 *        0     32  presence bits of the common section, field i at bit i
 *       32     32  presence bits of the type's own section
 *       64   2048  common section, one 8-byte slot per field, TEMPLATE_CAP slots reserved
 *     2112    8*n  the type's own n fields, one 8-byte slot each; the context ends here
 *
 * A field's id is its index in the common section, or TEMPLATE_CAP + its index in the own section, so
 * slot offset = 64 + 8 * id and presence bit = id. A slot holds a number, or a handle (helpers.h) to a value.
 */
#ifndef SALLYPORT_CONTENT_TEMPLATE_H
#define SALLYPORT_CONTENT_TEMPLATE_H

#include "base/base.h"
#include "engine/abi/abi.h"

enum {
	TEMPLATE_CAP = 256, /* fields that a section can ever have */
	TEMPLATE_PRESENCE_BYTES = 2 * TEMPLATE_CAP / 8,
	TEMPLATE_OWN_OFF = TEMPLATE_PRESENCE_BYTES + 8 * TEMPLATE_CAP,
	TEMPLATE_CTX_MAX = TEMPLATE_OWN_OFF + 8 * TEMPLATE_CAP,
	TEMPLATE_MAX_TYPES = 64,
	TEMPLATE_DIGEST_BYTES = 32,
};

enum template_field_type {
	TEMPLATE_BOOL, /* 0 or 1 */
	TEMPLATE_U64,
	TEMPLATE_I64,
	TEMPLATE_TIME, /* u64: ns since 1970 */
	TEMPLATE_PORT, /* u64; rules may write a service's name */
	/* handles */
	TEMPLATE_STR,
	TEMPLATE_IP,       /* 4 or 16 bytes, network order */
	TEMPLATE_BYTES,    /* any bytes: data, not text */
	TEMPLATE_LIST,     /* strings */
	TEMPLATE_ANCESTRY, /* strings; 0 is the process itself, 1 its parent...; unindexed tests look at 1 and up */
	TEMPLATE_NAMES,    /* strings of which any may match, also for = */
	TEMPLATE_DICT,     /* strings "key=value"; read with an index only: a number, or a glob that the key matches */
};

enum template_source { TEMPLATE_WIRE, TEMPLATE_PROC, TEMPLATE_DERIVED };
enum template_presence { TEMPLATE_ALWAYS, TEMPLATE_MAYBE };

struct template_field {
	const char *name; /* as rules write it: "fd.name" */
	uint8_t type, source, presence;
	const char *doc;
};

struct template_section {
	const struct template_field *fields;
	uint32_t n;
};

struct template_type {
	const char *name;   /* "file_open" */
	const char *events; /* names of evt.type, separated by a space */
	const char *doc;
	struct template_section own;
};

struct template_table {
	struct template_section common;
	const struct template_type *types;
	uint32_t n_types;
};

/* Type numbers of this build: TEMPLATE_TYPE_file_open... */
enum template_type_id {
#define TYPE(name, events, doc) TEMPLATE_TYPE_##name,
#include "content/template/types.def"
#undef TYPE
	TEMPLATE_N_TYPES
};

/* Field ids of this build: FIELD_proc_name; FIELD_file_open_flags... */
// clang-format off
#define FIELD(ident, name, type, source, presence, doc) FIELD_##ident,
enum template_common_id {
#include "content/template/common.def"
	TEMPLATE_N_COMMON
};
#undef FIELD
#define TEMPLATE_ID_(section, ident) FIELD_##section##_##ident
#define TEMPLATE_ID(section, ident) TEMPLATE_ID_(section, ident)
#define SECTION_BEGIN(section) enum { FIELD_##section##_first_ = TEMPLATE_CAP - 1,
#define FIELD(ident, name, type, source, presence, doc) TEMPLATE_ID(SECTION, ident),
#define SECTION_END(section) FIELD_##section##_end_ };
#include "content/template/sections.def"
#undef SECTION_BEGIN
#undef FIELD
#undef SECTION_END

/* Types about a file, or about a socket, begin with the same rows: TEMPLATE_FILE_nameraw + TEMPLATE_CAP is its id in each. */
#define FIELD(ident, name, type, source, presence, doc) TEMPLATE_FILE_##ident,
enum template_file_row {
#include "content/template/fd_file.def"
	TEMPLATE_N_FILE_ROWS
};
#undef FIELD
#define FIELD(ident, name, type, source, presence, doc) TEMPLATE_SOCKET_##ident,
enum template_socket_row {
#include "content/template/fd_socket.def"
	TEMPLATE_N_SOCKET_ROWS
};
#undef FIELD
// clang-format on

/* The table of this build. */
extern const struct template_table template_builtin;

static inline uint32_t template_slot_off(uint32_t id)
{
	return TEMPLATE_PRESENCE_BYTES + 8 * id;
}

static inline bool template_is_handle(uint8_t type)
{
	return type >= TEMPLATE_STR;
}

static inline uint32_t template_ctx_bytes(const struct template_type *t)
{
	return TEMPLATE_OWN_OFF + 8 * t->own.n;
}

/* The type with this name, or NULL. */
const struct template_type *template_type_by_name(const struct template_table *t, const char *name);
/* evt.type `event` is one of the type's events. */
bool template_has_event(const struct template_type *t, const char *event, size_t len);
/* Field by its name in the common section, then in the type's own (type may be NULL). *id is set when found. */
const struct template_field *template_field_find(const struct template_table *t, const struct template_type *type,
						 const char *name, size_t len, uint32_t *id);
/* Field by id, or NULL when this table does not have it. */
const struct template_field *template_field_at(const struct template_table *t, const struct template_type *type,
					       uint32_t id);
/* Short name of a field type: "string", "number"... */
const char *template_type_word(uint8_t field_type);

/*
 * Digest of the first n fields of a section (n <= s->n): BLAKE2b-256 over their names and types, in order. Two sensors
 * whose digests of a prefix agree give programs the same values at the same slots. section_name: "common" or the
 * type's name. Normative: docs/formats/content.md.
 */
void template_digest(const char *section_name, const struct template_section *s, uint32_t n,
		     uint8_t out[TEMPLATE_DIGEST_BYTES]);

/*
 * The exact context of a type, for verifier and VM: presence words as numbers, each existing field as what it
 * is; reserved slots are not readable. In the arena. E_NOMEM.
 */
FALLIBLE template_ctx(const struct template_table *t, const struct template_type *type, struct arena *a,
		      struct abi_ctx *out);

/*
 * A schema as text, one "common|type NAME EVENTS..." line per section and one "field NAME TYPE PRESENCE" line per
 * field: what `rules list schema` prints, and how content is compiled for another sensor release.
 * Reading is hostile input: E_FORMAT, E_LIMIT with line numbers in d. The result lives in the arena.
 */
void template_write_schema(const struct template_table *t, struct buf *out);
FALLIBLE template_read_schema(const char *text, size_t len, const char *name, struct arena *a,
			      const struct template_table **out, struct diag *d);

#endif
