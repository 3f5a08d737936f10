/* SPDX-License-Identifier: Apache-2.0 */
/* rule_test: loading rules in a test, what was said about them, and running what they become. */
#ifndef SALLYPORT_TESTS_RULE_TEST_H
#define SALLYPORT_TESTS_RULE_TEST_H

#include "test.h"

#include "content/event/event.h"
#include "content/image/image.h"
#include "content/rule/rule.h"
#include "content/runtime/runtime.h"
#include "engine/obj/obj.h"
#include "engine/verify/verify.h"
#include "engine/vm/vm.h"

#define RULE_TAIL "  desc: d\n  output: o\n  priority: info\n"

struct loaded {
	struct arena a;
	struct diags ds;
	struct rule_set *rs;
	struct buf said; /* diags_render */
	enum err err;
};

void load_bytes(struct loaded *l, const char *name, const char *text, size_t len);
void load_text(struct loaded *l, const char *text);
void unload(struct loaded *l);
bool said_id(const struct loaded *l, unsigned id);
/* A file below the source tree, into the arena. */
struct rule_source source_file(struct arena *a, const char *path);

/*
 * Programs of a set, ready to run in two ways: compiled simply, where each asks everything itself, and as a sensor
 * loads them, with shared predicates, guards, and fields that are made late.
 */
struct ready {
	struct buf elf;
	struct obj obj;
	struct image_schema schema;
	struct image_rules rules;
	struct map *map;
	struct vm_prog **progs;
	struct vm *vm;
	struct event *event;
	struct content *content;
	struct content_eval eval;
	struct event *late;
	uint64_t verify_steps;
};

/* Compile, read the file back, verify every program, make it ready; a failure fails the test. */
void ready_make(struct ready *r, struct loaded *l);
void ready_done(struct ready *r);
/* The rule (index in image) fires on r->event: 1 or 0, and both ways say so. No program for the event's type is 0. */
int ready_fires(struct ready *r, uint32_t rule);
/* Start an event of the type: with evt.type its first name, and evt.num 1. */
void ready_event(struct ready *r, uint32_t type);
/* Set fields as `tests:` writes them. */
void ready_fields(struct ready *r, struct arena *a, const struct rule_test *t);

#endif
