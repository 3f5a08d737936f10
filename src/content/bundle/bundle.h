/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle: one content-addressed file with everything that a host needs to run content and to say what it is.
 *
 * Compiled content (the ELF file, unchanged), the vectors that show that it works, the rules that it was made from, and
 * a manifest: name, floor, engine range, budgets, the fields that it counts on, digests of all of it. Who may have made
 * it is not said here: signatures stand beside the file, over its bytes. Reading is hostile input. Pure: no files, no
 * clock, no global state; any number of threads, each with its own arena. Normative text: docs/formats/bundle.md. All
 * integers are little-endian, nothing is padded.
 */
#ifndef SALLYPORT_CONTENT_BUNDLE_H
#define SALLYPORT_CONTENT_BUNDLE_H

#include "base/base.h"
#include "content/filter/filter.h"
#include "content/image/image.h"
#include "content/runtime/runtime.h"
#include "engine/vm/vm.h"

#define BUNDLE_MAGIC "SPBUNDLE"

enum {
	BUNDLE_VERSION = 1,
	BUNDLE_DIGEST_BYTES = 32,
	BUNDLE_HEX_BYTES = 2 * BUNDLE_DIGEST_BYTES + 1, /* with the NUL */
	BUNDLE_MAX_BYTES = 16 << 20,                    /* of the file */
	BUNDLE_MAX_NAME = 63,                           /* of name and version */
	BUNDLE_MAX_SOURCES = 256,
	BUNDLE_MAX_SOURCE_NAME = 255,
	BUNDLE_MAX_SOURCE_BYTES = 8 << 20,
	BUNDLE_ARENA_MAX = 64 << 20, /* enough for reading any bundle and for bundle_check */
};
#define BUNDLE_ANY_ENGINE UINT32_MAX /* engine_max: no newer engine is known to be unfit */

/* The sections, in their order; all are there, and may be empty where it says so. */
enum bundle_section {
	BUNDLE_MANIFEST = 1,
	BUNDLE_CONTENT,
	BUNDLE_VECTORS, /* may be empty */
	BUNDLE_SOURCES,
	BUNDLE_N_SECTIONS = 4
};

/*
 *   offset  bytes  file                        offset  bytes  section, n_sections times
 *        0      8  magic "SPBUNDLE"                 0      4  kind: enum bundle_section
 *        8      4  version, 1                       4      4  0
 *       12      4  n_sections, 4                    8      8  offset: where the one before ends
 *       16      8  bytes of the file               16      8  bytes
 *       24     56  sections                        24     32  BLAKE2b-256 of its bytes
 */
struct bundle_hdr {
	char magic[8];
	uint32_t version, n_sections;
	uint64_t bytes;
};
struct bundle_hdr_section {
	uint32_t kind, zero;
	uint64_t offset, bytes;
	uint8_t digest[BUNDLE_DIGEST_BYTES];
};
static_assert(sizeof(struct bundle_hdr) == 24, "docs/formats/bundle.md");
static_assert(sizeof(struct bundle_hdr_section) == 56, "docs/formats/bundle.md");

/*
 * What content may take, at most. The manifest has one, and a host has one: a bundle whose limits are above the host's
 * is refused, and so is one whose content is above its own limits. X(member, word, default, most that a host takes,
 * what)
 */
// clang-format off
#define BUNDLE_LIMITS(X) \
	X(programs, "programs", 4096, IMAGE_MAX_PROGS, "programs") \
	X(instructions, "instructions", 65536, 65536, "instructions of one program") \
	X(rules, "rules", 1024, IMAGE_MAX_RULES, "rules") \
	X(predicates, "predicates", IMAGE_MAX_PREDS, IMAGE_MAX_PREDS, "predicates of one event type") \
	X(filter_names, "filter-names", 262144, FILTER_MAX_NAMES, "names of files in kernel filters") \
	X(arena_bytes, "arena-bytes", CONTENT_ARENA_MAX, CONTENT_ARENA_MAX, "bytes of memory for a load") \
	X(fuel, "fuel", VM_FUEL_DEFAULT, VM_FUEL_DEFAULT, "units of fuel of one program for an event") \
	X(alerts_per_minute, "alerts-per-minute", 60, 6000, "alerts of one rule in a minute") \
	X(cpu_ns, "cpu-ns", 10000, 1000000, "nanoseconds for an event, on average over all rules")
// clang-format on

struct bundle_limits {
#define X(member, word, usual, most, what) uint64_t member;
	BUNDLE_LIMITS(X)
#undef X
};
/* What `bundle build` writes unless it is told otherwise; what this build of the sensor takes. */
extern const struct bundle_limits bundle_usual_limits, bundle_host_limits;

struct bundle_limit_row {
	const char *word, *what;
	uint32_t offset; /* of the member */
};
extern const struct bundle_limit_row bundle_limit_rows[];
extern const size_t bundle_n_limits;
/* The limit with this word, or NULL. */
uint64_t *bundle_limit_by_word(struct bundle_limits *l, const char *word, size_t len);
uint64_t bundle_limit_at(const struct bundle_limits *l, size_t row);

/* A template type that the content judges: the longest prefixes that its programs count on. */
struct bundle_type {
	const char *name;
	uint32_t n_common, n_own;
	uint8_t digest_common[TEMPLATE_DIGEST_BYTES], digest_own[TEMPLATE_DIGEST_BYTES];
};

/*
 *   offset  bytes  manifest                    offset  bytes  limits, from 48 on
 *        0      4  magic "SPMF"                    48      8  programs
 *        4      4  version, 1                      56      8  instructions
 *        8      8  security_floor                  64      8  rules
 *       16      4  engine_min, at least 1          72      8  predicates
 *       20      4  engine_max                      80      8  filter_names
 *       24      4  n_types, at most 64             88      8  arena_bytes
 *       28      4  n_rules                         96      8  fuel
 *       32      4  n_programs                     104      8  alerts_per_minute
 *       36      4  n_vectors                      112      8  cpu_ns
 *       40      4  n_sources
 *       44      4  str_bytes                   offset  bytes  digests
 *                                                 120     32  of section content
 *   offset  bytes  type, n_types times            152     32  of section vectors
 *        0      4  n_common                       184     32  of section sources
 *        4      4  n_own                          216         types, then the strings
 *        8     32  digest of the n_common fields
 *       40     32  digest of the n_own fields
 *
 * The strings are name, version, and the types' names in their order, each with its NUL, nothing else.
 */
struct bundle_manifest_hdr {
	char magic[4];
	uint32_t version;
	uint64_t security_floor;
	uint32_t engine_min, engine_max, n_types, n_rules, n_programs, n_vectors, n_sources, str_bytes;
	struct bundle_limits limits;
	uint8_t content[BUNDLE_DIGEST_BYTES], vectors[BUNDLE_DIGEST_BYTES], sources[BUNDLE_DIGEST_BYTES];
};
struct bundle_manifest_type {
	uint32_t n_common, n_own;
	uint8_t digest_common[TEMPLATE_DIGEST_BYTES], digest_own[TEMPLATE_DIGEST_BYTES];
};
static_assert(sizeof(struct bundle_manifest_hdr) == 216, "docs/formats/bundle.md");
static_assert(offsetof(struct bundle_manifest_hdr, limits) == 48, "docs/formats/bundle.md");
static_assert(offsetof(struct bundle_manifest_hdr, content) == 120, "docs/formats/bundle.md");
static_assert(sizeof(struct bundle_manifest_type) == 72, "docs/formats/bundle.md");

struct bundle_manifest {
	const char *name, *version;
	uint64_t security_floor;         /* a host that saw this floor takes nothing below it any more */
	uint32_t engine_min, engine_max; /* levels (ABI_LEVEL) that it is for, both included */
	struct bundle_limits limits;
	const struct bundle_type *types; /* ascending by name */
	uint32_t n_types, n_rules, n_programs, n_vectors, n_sources;
	uint8_t content[BUNDLE_DIGEST_BYTES], vectors[BUNDLE_DIGEST_BYTES], sources[BUNDLE_DIGEST_BYTES];
};

/*
 *   offset  bytes  sources                     offset  bytes  source, n_sources times
 *        0      4  magic "SPSO"                     0      4  bytes of its name
 *        4      4  version, 1                       4      4  bytes of its text
 *        8      4  n_sources, 1..256
 *       12      4  flags: 1 strict_falco        then name and text of each, in order
 */
struct bundle_sources_hdr {
	char magic[4];
	uint32_t version, n_sources, flags;
};
struct bundle_sources_rec {
	uint32_t name_bytes, text_bytes;
};
static_assert(sizeof(struct bundle_sources_hdr) == 16, "docs/formats/bundle.md");
static_assert(sizeof(struct bundle_sources_rec) == 8, "docs/formats/bundle.md");

enum { BUNDLE_STRICT_FALCO = 1 };

/* A file of rules: the last part of its path as name, each name once; in the order in which they are compiled. */
struct bundle_source {
	const char *name;
	struct view text;
};

struct bundle {
	struct bundle_manifest manifest;
	struct view content, vectors;
	const struct bundle_source *sources; /* manifest.n_sources */
	uint32_t flags;                      /* BUNDLE_STRICT_FALCO */
	uint8_t digest[BUNDLE_DIGEST_BYTES]; /* BLAKE2b-256 of the whole file: the bundle's name for everybody */
};

/* The bytes begin like a bundle. */
bool bundle_is(struct view bytes);
/* A digest as hexadecimal digits; returns out. */
const char *bundle_hex(const uint8_t digest[BUNDLE_DIGEST_BYTES], char out[BUNDLE_HEX_BYTES]);
/* BLAKE2b-256. */
void bundle_digest(struct view bytes, uint8_t out[BUNDLE_DIGEST_BYTES]);

/*
 * Read and check the file itself: header, table, digests, manifest, sources. That the manifest tells the truth about
 * the content is for bundle_check.
 *
 * bytes  the whole file, exactly; views in *out borrow from it. Names are copied to the arena.
 * out    set on success only
 *
 * E_TRUNCATED E_FORMAT E_LIMIT E_UNSUPPORTED with d (B001...B036) and its offset; E_NOMEM. O(bytes).
 */
FALLIBLE bundle_read(struct view bytes, struct arena *a, struct bundle *out, struct diag *d);

struct bundle_parts {
	const char *name, *version; /* [A-Za-z0-9._+-]{1,63}, the first a letter or digit */
	uint64_t security_floor;
	uint32_t engine_min, engine_max;
	struct bundle_limits limits;
	struct view content; /* as rule_compile writes it */
	struct view vectors; /* may be empty */
	uint32_t n_vectors;
	const struct bundle_source *sources; /* in the order in which they were compiled */
	uint32_t n_sources, flags;
};

/*
 * Append the file to out. Deterministic. What the manifest says of the content is read out of it.
 * E_FORMAT, E_LIMIT, E_INVALID, E_EXISTS (two sources with one name) with d; E_NOMEM. out may hold a part of it then.
 */
FALLIBLE bundle_write(const struct bundle_parts *in, struct buf *out, struct diag *d);

/* What judges a bundle. */
struct bundle_host {
	const struct template_table *table;
	uint32_t level, level_oldest; /* ABI_LEVEL, ABI_LEVEL_OLDEST */
	uint64_t security_floor;      /* the highest that this host has seen; 0 at first */
	struct bundle_limits limits;
};
/* This build, with no floor. */
struct bundle_host bundle_this_host(void);

/*
 * What a host checks beyond reading, before it loads: floor and engine range, limits against the host's and content
 * against the limits, that the manifest says what the content has, and that its fields are this sensor's.
 * E_LIMIT E_SCHEMA E_UNSUPPORTED E_INVALID E_FORMAT with d (B040...B055, or those of the content's own sections);
 * E_NOMEM.
 */
FALLIBLE bundle_check(const struct bundle *b, const struct bundle_host *h, struct diag *d);

/*
 * bundle_check, then content_load with the manifest's fuel and memory: schema and proof of each program.
 * all_matches as in content_opts. d's strings live in `a`. Errors of both.
 */
FALLIBLE bundle_load(const struct bundle *b, const char *name, const struct bundle_host *h, bool all_matches,
		     struct arena *a, struct content **out, struct diag *d);

/*
 * Is a bundle what was made again from its own sources, byte for byte? Both have been read.
 * E_INVALID with d (B056): which section differs first, how long it is in either, and its first byte that is another.
 */
FALLIBLE bundle_same(struct view bytes, struct view again, struct diag *d);

/* Is there something that shows that its rules fire? What has no vectors is not signed. E_REJECTED (B057). */
FALLIBLE bundle_signable(const struct bundle *b, struct diag *d);

/* Every diagnostic id that this module can give. */
struct bundle_diag_row {
	uint16_t id;
	const char *title;
};
extern const struct bundle_diag_row bundle_diags[];
extern const size_t bundle_n_diags;

#endif
