/* SPDX-License-Identifier: Apache-2.0 */
/* internal: loaded content, as load, eval and format of this module share it. Not a door. */
#ifndef SALLYPORT_CONTENT_RUNTIME_INTERNAL_H
#define SALLYPORT_CONTENT_RUNTIME_INTERNAL_H

#include "content/filter/filter.h"
#include "content/image/image.h"
#include "content/runtime/runtime.h"

#define CONTENT_TIME_FIELD "evt.time"

enum { NO_FIELD = 0xffff, N_FIELDS = 2 * TEMPLATE_CAP };

/* A piece of an output: literal text, or a placeholder. */
struct piece {
	const char *text; /* literal; in the arena */
	uint32_t len;
	int32_t placeholder; /* -1 for literal text */
	uint32_t width;      /* of a placeholder: 0, or characters to pad or cut to */
};

struct placeholder {
	const char *text;
	int32_t index;
	const char *key; /* of a dictionary; or NULL. In text */
	uint32_t key_len;
	uint8_t transforms[IMAGE_MAX_TRANSFORMS]; /* enum image_transform, the outermost first */
	uint32_t n_transforms;
	uint16_t *field; /* id by type index of the sensor's table, NO_FIELD where the type has none */
};

/* What a rule prints. */
struct output {
	struct piece *pieces;
	struct placeholder *placeholders; /* by text, in byte order; evt.time is always among them */
	uint32_t n_pieces, n_placeholders;
};

struct program {
	struct vm_prog *vp;
	const struct filter *filter; /* events that it can depend on */
	uint32_t rule;
};

struct type_index;

struct content {
	struct arena a; /* owns what follows but maps and programs */
	const struct template_table *table;
	uint64_t fuel;
	bool all_matches;
	uint8_t digest[CONTENT_DIGEST_BYTES];
	struct content_rule *rules;
	struct output *outputs; /* by rule */
	uint32_t n_rules;
	const char *const *names; /* domain names */
	uint32_t n_names;
	struct map **maps;
	uint32_t n_maps;
	struct program *programs; /* by type, then in order of the rules */
	uint32_t n_programs;
	uint32_t n_attached;                          /* programs that have native code: none or all */
	bool verified;                                /* the second wall stood */
	uint32_t bucket[TEMPLATE_MAX_TYPES + 1];      /* type i has programs [bucket[i], bucket[i + 1]) */
	struct type_index *index[TEMPLATE_MAX_TYPES]; /* NULL: the content has none, or no program of the type */
	uint64_t types;
	uint32_t time_field; /* id of evt.time, which every alert shows; NO_FIELD when the table has none */
	uint64_t used[TEMPLATE_MAX_TYPES][N_FIELDS / 64];
};

/* Copy the rules, with their outputs taken apart, into c->a. E_NOMEM. */
FALLIBLE format_prepare(struct content *c, const struct image_rules *rules);

#endif
