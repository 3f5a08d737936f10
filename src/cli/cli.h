/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: one command line, one file per command.
 *
 * Results go to stdout, everything else to stderr. Exit codes are a contract: 0 yes or done, 1 the input is refused or
 * a test failed, 2 wrong use, 3 this host or the world cannot.
 */
#ifndef SALLYPORT_CLI_H
#define SALLYPORT_CLI_H

#include "base/base.h"
#include "content/bundle/bundle.h"
#include "content/event/event.h"
#include "content/explain/explain.h"
#include "content/rule/rule.h"
#include "content/runtime/runtime.h"
#include "content/sign/sign.h"
#include "content/template/template.h"
#include "release/plan/plan.h"

enum cli_exit { CLI_OK = 0, CLI_REFUSED = 1, CLI_USAGE = 2, CLI_HOST = 3 };

#define CMD(name, summary)                     \
	int cmd_##name(int argc, char **argv); \
	extern const char cmd_##name##_help[];
#include "cli/commands.def"
#undef CMD

#define CLI_CONFIG_PATH "/etc/sallyport/sallyport.yaml"

/*
 * The owner's settings from this file; NULL: the usual one, or the defaults when there is none. The exit code with what
 * is wrong said on stderr, or 0. config_done in any case.
 */
struct config;
int cli_settings(const char *path, struct config *out);

/* Colours are wanted on this descriptor: a terminal, no NO_COLOR, no TERM=dumb. */
bool cli_colour(int fd);
/* "sallyport: error: ..." on stderr; returns code. */
int cli_fail(enum cli_exit code, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The diagnostic on stderr; returns the exit code that fits its error. */
int cli_fail_diag(enum err err, const struct diag *d);
/* As getopt left it: wrong use, with a pointer to the command's help. */
int cli_usage(const char *command);
/* All of b to stdout, with a newline if none ends it; b is freed. An output that cannot be written is CLI_HOST. */
int cli_print(struct buf *b);
/* A number of at least 1 in decimal, or 0 when it is none or over max. */
uint64_t cli_number(const char *s, uint64_t max);

/* Rules, loaded in this process: the author's own machine, the author's own files. */
struct cli_rules {
	struct arena arena;
	struct diags ds;
	struct rule_source *src;
	uint32_t n_src;
	struct rule_set *set;
	const struct template_table *table;
	char **texts; /* of the files, which sources borrow from */
	uint32_t n_texts;
	struct rule_opts opts;
};

/*
 * Load the files and directories (YAML, and bundles: they are checked, proven and then stand for their sources).
 * Diagnostics of rules are in r->ds and not yet shown. The exit code, or 0.
 * r must be passed to cli_rules_done in any case.
 */
int cli_rules_load(char *const *paths, uint32_t n, const struct template_table *t, struct cli_rules *r);
/* The same with options. */
int cli_rules_load_opts(char *const *paths, uint32_t n, const struct template_table *t, const struct rule_opts *o,
			struct cli_rules *r);
void cli_rules_done(struct cli_rules *r);
/* The two halves of loading: the files into r->src, where bundles are their sources; then r->src as one set. */
int cli_rules_read(char *const *paths, uint32_t n, const struct template_table *t, const struct rule_opts *o,
		   struct cli_rules *r);
int cli_rules_parse(struct cli_rules *r);
/* Show what is in r->ds on stderr. */
void cli_rules_show(const struct cli_rules *r);
/*
 * The rules compiled and loaded as a host does, every rule that matches firing; the load is in the arena. An exit code,
 * said on stderr or in r->ds. content_free.
 */
struct content;
int cli_rules_content(struct cli_rules *r, struct arena *a, struct content **out);
/* A schema file as a table, in the arena. */
int cli_schema_load(const char *path, struct arena *a, const struct template_table **out);
/*
 * The default rules: installed, or in rules/ of the source tree that this program was built in. NULL: none. Static
 * storage.
 */
const char *cli_default_rules(void);
/* d as one JSON object; of rules with Falco's code. */
void cli_json_diag(struct json *j, const struct diag *d);

/* event_arg.c */

/* Set a test's fields in an event that was initialised; evt.type is the type's first name unless it has another.
 * E_NOT_FOUND, E_TYPE with d, E_NOMEM. */
FALLIBLE cli_event_fill(struct event *e, const struct rule_test *t, struct arena *a, struct diag *d);
typedef int cli_event_fn(void *user, struct event *e);
/*
 * Call use with the event that the argument names: FILE or - (YAML or JSON as under `tests:`), the mapping itself when
 * it begins with {, or @CAPTURE:NUM, numbered as replay with these rules numbers. Returns what use returns, or an exit
 * code when there is no such event; said on stderr.
 */
int cli_event_with(const char *arg, const struct rule_set *rs, cli_event_fn *use, void *user);

/* explain_*.c */
struct explain_args {
	const char *what; /* the rule's name; NULL when an event is explained */
	const char *event;
	bool json, colour;
	struct cli_rules rules;
};
int explain_rule(struct explain_args *a);
int explain_event(struct explain_args *a);
/* explain_bundle.c */
int explain_bundle(int argc, char **argv);

/* rules_*.c */
int rules_check(int argc, char **argv);
int rules_test(int argc, char **argv);
int rules_list(int argc, char **argv);
int rules_compile(int argc, char **argv);
int rules_diff(int argc, char **argv);
int rules_import(int argc, char **argv);
int rules_vectors(int argc, char **argv);

/* bundle_*.c */
enum { CLI_ELF_MAX = 64 << 20 };
int cmd_bundle_build(int argc, char **argv);
int cmd_bundle_inspect(int argc, char **argv);
int cmd_bundle_check(int argc, char **argv);
/* A bundle's bytes, read; the caller frees *text. The exit code with what is wrong said on stderr, or 0. */
int cli_bundle_read(const char *path, struct arena *a, char **text, size_t *len, struct bundle *out);
/*
 * Compile r's sources and write the bundle: everything of p but content, vectors and sources is given, those and *out
 * are made here. The exit code with what is wrong said on stderr, or 0.
 */
int cli_bundle_make(struct cli_rules *r, struct bundle_parts *p, struct buf *out);

/* signing.c */

/*
 * A secret key: refused when others than its owner may read it; a password is asked for, or is a line of standard
 * input. The exit code with what is wrong said on stderr, or 0; then wipe with sign_secret_done.
 */
int cli_secret_load(const char *path, struct sign_secret *out);
int cli_public_load(const char *path, struct sign_public *out);
/* A new file, on disk when this returns; one that is there already is never touched. The exit code or 0. */
int cli_write_new(const char *path, unsigned mode, struct view bytes);
/* The same, in place of what is there: whole or not at all. */
int cli_write_over(const char *path, unsigned mode, struct view bytes);
enum { CLI_PASSWORD_MAX = 1024 };
/* From the terminal without echo, or a line of standard input; the caller wipes it. The exit code or 0. */
int cli_password(const char *prompt, char out[CLI_PASSWORD_MAX]);
/*
 * Sign the bytes of FILE with each key: FILE.minisig gets a block of each, the others' blocks in it stay. *out: all of
 * it, to be freed. The exit code or 0.
 */
int cli_sign_file(const char *path, struct view bytes, char *const *keys, uint32_t n_keys, struct buf *out);

int cmd_bundle_sign(int argc, char **argv);
/* All that `bundle check` does, and that it has vectors. 0, or the exit code after saying why not. */
int cli_bundle_prove(const char *path);
int cmd_release_root(int argc, char **argv);

/* root_file.c */
/* Keys, roles, thresholds and plan of a root from a file of settings (docs/formats/release.md). The exit code or 0. */
struct object_root;
int cli_root_settings(const char *path, struct object_root *out);

/* plan_file.c */
struct yaml_document_s;
struct yaml_node_s;
/* A plan in YAML (docs/rollout.md): the file's mapping, or the one at its key 'plan'. The exit code, or 0. */
int cli_plan_load(const char *path, struct plan *out);
/* The same from a mapping of a document that is read already; *out is changed where the mapping says so, not checked.
 */
int cli_plan_read(const char *path, struct yaml_document_s *doc, const struct yaml_node_s *map, struct plan *out);

/* drill_stimuli.c */
struct drill_stimulus {
	const char *name, *what;
	/* Do it, in a child process of its own; 0, or an errno. dir: an empty directory that is removed afterwards. */
	int (*run)(const char *dir);
};
extern const struct drill_stimulus drill_stimuli[];
extern const size_t drill_n_stimuli;

#endif
