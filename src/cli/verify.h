/* SPDX-License-Identifier: Apache-2.0 */
/* verify: what the files of `sallyport verify` share. */
#ifndef SALLYPORT_CLI_VERIFY_H
#define SALLYPORT_CLI_VERIFY_H

#include "cli/cli.h"
#include "engine/kobj/kobj.h"

enum verify_format { VERIFY_TEXT, VERIFY_JSON, VERIFY_SARIF, VERIFY_KERNEL_LOG };

struct verify_args {
	const char *path, *prog, *schema;
	const char *kernels; /* as given: "5.10,host"; NULL: not said */
	const char *btf, *policy;
	enum verify_format format;
	bool trace, compat, source;
};

/* ---- verify_content.c: Sallyport's own runtime ---- */
int verify_content(const struct verify_args *args);

/* Is it what the rule compiler made, or a bundle? A file that cannot be read is not: what reads it says so. */
bool verify_is_content(const char *path);

/* ---- verify_kernel.c: which kernels ---- */
struct verify_kernel {
	const struct kernel_profile *profile;
	char name[16];  /* "6.1"; of a release without a profile its own number: "5.14" */
	char label[96]; /* "6.1", "5.14, as 5.10", "host (6.18.44, as 6.18)" */
	bool host;
	uint32_t version;               /* LINUX_KERNEL_VERSION */
	struct kernel_refined *refined; /* what profile points into when these are its own types; or NULL */
	struct btf *types;              /* NULL: none at hand */
	const char *types_from;         /* the file */
	bool stand_in;                  /* these are another kernel's types */
};
enum { VERIFY_KERNELS_MAX = 16 };
struct verify_kernels {
	struct arena arena;
	struct verify_kernel k[VERIFY_KERNELS_MAX];
	uint32_t n;
	char *config; /* the host's configuration, or NULL */
	char value[256];
};
/* The exit code with what is wrong said on stderr, or 0; verify_kernels_done in any case. */
int verify_kernels_open(const struct verify_args *args, struct verify_kernels *out);
void verify_kernels_done(struct verify_kernels *k);
/* A line of the host's configuration (/boot/config-RELEASE), for kobj_opts; user: struct verify_kernels. */
const char *verify_config(void *user, const char *name);

/* ---- what came of one program on one kernel; borrowed for the call ---- */
enum verify_verdict { VERIFY_ACCEPTED, VERIFY_REJECTED, VERIFY_UNSUPPORTED, VERIFY_NO_VERDICT, VERIFY_N_VERDICTS };
struct verify_outcome {
	const struct verify_kernel *kernel;
	const struct kobj *object;
	const struct prog *prog; /* NULL: the object itself cannot be read for this kernel */
	struct kverify_opts opts;
	enum verify_verdict verdict;
	struct kverify_stats stats;
	struct diag *d;       /* what is wrong, when it is not accepted */
	const uint32_t *heat; /* per slot: how often it was judged; NULL: not asked for */
	const char *policy;   /* why the house's policy refuses it; NULL: it does not */
};
extern const char *const verify_verdict_words[VERIFY_N_VERDICTS];

/* ---- what is made of outcomes ---- */
struct verify_sink {
	const struct verify_args *args;
	struct buf out;
	struct json j;
	struct verify_matrix *matrix;
	uint32_t counts[VERIFY_N_VERDICTS], n_policy;
};
int verify_sink_open(struct verify_sink *s, const struct verify_args *args, const struct verify_kernels *k);
void verify_sink_put(struct verify_sink *s, const struct verify_outcome *o);
/* Prints what is left; the exit code. */
int verify_sink_close(struct verify_sink *s, const struct verify_kernels *k);

void verify_put_text(struct verify_sink *s, const struct verify_outcome *o);
void verify_put_heat(struct buf *out, const struct verify_outcome *o);
void verify_put_json(struct verify_sink *s, const struct verify_outcome *o);
void verify_open_sarif(struct verify_sink *s);
void verify_put_sarif(struct verify_sink *s, const struct verify_outcome *o);
void verify_close_sarif(struct verify_sink *s);
/* A share of a limit, in percent, as JSON keys under "headroom". */
void verify_json_headroom(struct json *j, const struct verify_outcome *o);

/* ---- verify_log.c ---- */
struct verify_log;
struct verify_log *verify_log_new(struct buf *out, const struct prog *p); /* NULL: no memory */
void verify_log_step(struct verify_log *l, const struct kverifier *v, uint32_t insn, const struct kverify_state *s);
void verify_log_end(struct verify_log *l, const struct verify_outcome *o);
void verify_log_free(struct verify_log *l);

/* ---- verify_matrix.c: programs x kernels ---- */
struct verify_matrix *verify_matrix_new(const struct verify_kernels *k);
void verify_matrix_put(struct verify_matrix *m, const struct verify_outcome *o);
void verify_matrix_print(const struct verify_matrix *m, struct buf *out, bool colour);
void verify_matrix_json(const struct verify_matrix *m, struct json *j);
void verify_matrix_free(struct verify_matrix *m);

/* ---- verify_policy.c: the house's own checks ---- */
struct verify_policy;
int verify_policy_open(const char *path, struct verify_policy **out);
/* The same of a text; path: for messages. *out is to be freed when it fails too. */
int verify_policy_read(const char *path, const char *text, size_t len, struct verify_policy **out);
/* NULL: it agrees; else why not, borrowed until the next call. */
const char *verify_policy_check(struct verify_policy *p, const struct verify_outcome *o);
void verify_policy_free(struct verify_policy *p);

/* ---- verify_explain.c ---- */
int verify_explain(const char *id, bool json);

/* ---- verify_list.c: what releases have ---- */
/* which: "6.1,6.12", "6.1..6.12"; NULL: all. args->btf as for a verdict. */
int verify_list(const struct verify_args *args, const char *which);
/* docs/kernels.md */
int verify_list_page(void);

#endif
