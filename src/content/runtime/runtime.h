/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime: compiled content (one ELF file) made ready, and events judged by it.
 *
 * Loading puts up three walls, each enough alone: the schema prefix that the content was compiled against must be this
 * sensor's; every program is verified against the exact context of its type; the VM checks every access at
 * run time. Nothing runs before all programs passed.
 */
#ifndef SALLYPORT_CONTENT_RUNTIME_H
#define SALLYPORT_CONTENT_RUNTIME_H

#include "base/base.h"
#include "content/event/event.h"
#include "content/filter/filter.h"
#include "content/template/template.h"
#include "engine/jit/jit.h"
#include "engine/vm/vm.h"

struct content;

struct content_opts {
	const struct template_table *table;
	bool skip_schema; /* tests only: force past the first wall */
	bool skip_verify; /* tests only: force past the second */
	size_t arena_max; /* memory cap of the load; 0: CONTENT_ARENA_MAX */
	uint64_t fuel;    /* per program and event; 0: VM_FUEL_DEFAULT */
	bool all_matches; /* every rule that matches fires; else only the first in order of definition */
};
enum { CONTENT_ARENA_MAX = 256 << 20, CONTENT_DIGEST_BYTES = 32 };

struct content_rule {
	const char *name, *desc, *output, *source;
	uint32_t priority; /* enum rule_priority */
	const char *const *tags;
	uint32_t n_tags;
	const char *drill; /* or NULL */
	uint64_t types;    /* template types it has a program for */
};

/*
 * elf   borrowed during the call only
 * E_SCHEMA    d (S...) names the rule, the field, both counts and both digests
 * E_REJECTED  the verifier's diagnostic (V...)
 * E_FORMAT, E_TRUNCATED, E_UNSUPPORTED, E_LIMIT, E_NOMEM
 * d's notes and strings live in `a`.
 */
FALLIBLE content_load(struct view elf, const char *name, const struct content_opts *o, struct arena *a,
		      struct content **out, struct diag *d);
void content_free(struct content *c);

uint32_t content_n_rules(const struct content *c);
const struct content_rule *content_rule(const struct content *c, uint32_t i);
/* BLAKE2b-256 of the ELF bytes. */
const uint8_t *content_digest(const struct content *c);
/* Types that at least one program judges: bit i is table->types[i]. */
uint64_t content_types(const struct content *c);
/* A loaded program or output of this type uses the field: decoders need not fill others. */
bool content_uses(const struct content *c, uint32_t type_index, uint32_t field_id);
uint32_t content_n_programs(const struct content *c);
/*
 * What a type's programs can depend on: at most max filters to out; returns how many programs the type has. They live
 * as long as c. Content without filter data has filters that let everything pass.
 */
uint32_t content_filters(const struct content *c, uint32_t type_index, const struct filter **out, uint32_t max);

/* The domain names that conditions compare the names of addresses with; *out_n of them, borrowed. */
const char *const *content_names(const struct content *c, uint32_t *out_n);

/*
 * Native code (engine/jit), VERIFIED and with fuel: rules, faults and results are the interpreter's.
 *
 * content_compile: every program, in order, to codes[content_n_programs(c)], for jit_write. The same content and
 * options give the same bytes in every process. o: fuel set, sandboxed not.
 * E_REJECTED (S080): the content was loaded with skip_verify. Errors of jit_compile.
 */
FALLIBLE content_compile(const struct content *c, const struct jit_opts *o, struct arena *a, struct jit_code *codes,
			 struct diag *d);
/*
 * From now on program i runs as code first + i of the image, which must outlive this or content_detach: all programs
 * or, on error, none. Not while another thread judges with c. That the image is about this content is the caller's to
 * know (content_native_key): code is believed. E_REJECTED as above, E_FORMAT (J104), E_NOMEM.
 */
FALLIBLE content_attach(struct content *c, const struct jit_image *im, uint32_t first, struct diag *d);
/* All programs are interpreted again. The same about threads. content_free does it, too. */
void content_detach(struct content *c);
uint32_t content_n_attached(const struct content *c); /* programs */
/*
 * What native code of several contents belongs to: BLAKE2b-256 over this program's version, the format of images, what
 * code depends on in o, and the digests of the contents in order (n times CONTENT_DIGEST_BYTES).
 */
void content_native_key(const uint8_t *digests, uint32_t n, const struct jit_opts *o,
			uint8_t key[CONTENT_DIGEST_BYTES]);

struct content_fault {
	uint32_t rule;
	struct diag d;
};

/*
 * Judge one event. fired[0..return) are rule indexes, in order of definition (at most max).
 * faults counts programs that ended in an error (the event is then not matched by that rule); the last is in *fault.
 * before, when set, is called before each program with its rule: the flight recorder; and with CONTENT_NO_RULE while it
 * is found out which programs can match.
 * Fields of e that wait to be made (event.h) are made when they are needed; of a rule that fires all that its content
 * uses.
 */
enum { CONTENT_NO_RULE = 0xffff, RUNTIME_MAX_WORDS = 4096 / 64 };
/* Programs that stages about a process's looks let through. */
struct content_look {
	uint64_t look, serial; /* event.h; of the index */
	uint64_t done, alive;  /* stages that were asked; programs that all of them let through */
};
enum { CONTENT_LOOKS = 512 };
struct content_eval {
	struct vm *vm;
	void (*before)(void *user, uint32_t rule);
	void *before_user;
	bool simple;      /* start every program of the type */
	bool all_matches; /* as in struct content_opts, for this evaluator alone */
	uint64_t programs_run, faults;
	struct content_fault fault;
	/* private */
	struct helper_memo memo;
	uint64_t alive[RUNTIME_MAX_WORDS], through[RUNTIME_MAX_WORDS]; /* sets of programs */
	struct content_look looks[CONTENT_LOOKS];
};
uint32_t content_eval(const struct content *c, struct content_eval *ce, struct event *e, uint32_t *fired, uint32_t max);

/* Append the rule's output with placeholders filled from the event; missing fields print <NA>. Safe for terminals and
 * JSON. */
void content_format(const struct content *c, uint32_t rule, const struct event *e, struct buf *out);
/* Write the object output_fields: every placeholder by its text. */
void content_json_fields(const struct content *c, uint32_t rule, const struct event *e, struct json *j);

#endif
