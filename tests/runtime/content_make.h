/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content_make: compiled content by hand, without the rule compiler: programs from the tests one reads below, so that a
 * test says exactly which instruction reads which field.
 */
#ifndef SALLYPORT_TESTS_CONTENT_MAKE_H
#define SALLYPORT_TESTS_CONTENT_MAKE_H

#include "test.h"

#include "content/image/image.h"
#include "content/runtime/runtime.h"
#include "engine/obj/obj.h"

enum { MAKE_MAX = 64 };

struct make {
	struct arena a;
	const struct template_table *table; /* what it is compiled against */
	struct image_rule rules[MAKE_MAX];
	uint32_t n_rules;
	struct prog progs[MAKE_MAX];
	struct image_prog records[MAKE_MAX];
	uint32_t n_progs;
	struct prog_map maps[4];
	uint32_t n_maps;
	struct buf literals;
	/* the program being made */
	struct isa_insn code[256];
	uint32_t n;
	bool used[2 * TEMPLATE_CAP];
};

void make_init(struct make *m, const struct template_table *t);
void make_done(struct make *m);

/* A rule with this output; placeholders are found in it. Its programs follow. */
uint32_t make_rule(struct make *m, const char *name, const char *output);
/* Begin a program of the last rule; then tests, all of which must hold; then make_end. */
void make_begin(struct make *m);
void make_if_present(struct make *m, uint32_t field);
void make_if_number(struct make *m, uint32_t field, int32_t value);
void make_if_string(struct make *m, uint32_t field, const char *text);
void make_insn(struct make *m, struct isa_insn in);
void make_end(struct make *m, uint32_t type_index);

/* The file. The caller calls buf_done. */
void make_write(struct make *m, struct buf *out);

/* make_write and content_load. On failure *c is NULL; d's strings live in `a`. */
enum err make_load(struct make *m, const struct content_opts *o, struct arena *a, struct content **c, struct diag *d);

/* template_builtin with `own` fields in ipc_pipe and `common` in the common section: cut, or grown by fields x0, x1...
 */
const struct template_table *make_table(struct arena *a, uint32_t common, uint32_t own);

#endif
