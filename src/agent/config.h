/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: the owner's settings, from a small YAML file with a strict schema.
 *
 * Unknown keys, wrong kinds and numbers out of range are errors with a place (C001...), never ignored: a setting that
 * does not take effect is worse than none. docs/config.md lists every key.
 */
#ifndef SALLYPORT_AGENT_CONFIG_H
#define SALLYPORT_AGENT_CONFIG_H

#include "base/base.h"

enum { CONFIG_MAX_BYTES = 64 << 10, CONFIG_MAX_RULES = 256, CONFIG_MAX_PATH = 446 };

enum config_format { CONFIG_AUTO, CONFIG_TEXT, CONFIG_JSON };
enum config_matching { CONFIG_FIRST, CONFIG_ALL };

struct config {
	char *rules[CONFIG_MAX_RULES]; /* files and directories, in order; owned */
	uint32_t n_rules;
	uint32_t matching;       /* enum config_matching */
	uint32_t strict_falco;   /* rule_opts.strict_falco */
	uint32_t stdout_enabled; /* 0 or 1 */
	uint32_t stdout_format;  /* enum config_format */
	char *file_path;         /* owned; NULL: no file output */
	uint32_t file_format;    /* never CONFIG_AUTO */
	uint32_t file_max_mib, file_keep;
	uint32_t reserved_kib, bulk_kib; /* powers of two */
	uint32_t worker_memory_mib, worker_cpu_percent, worker_watchdog_s;
};

/* The defaults. */
void config_init(struct config *c);
void config_done(struct config *c);
/* Append a path. E_LIMIT (too many, too long), E_NOMEM. */
FALLIBLE config_add_rule(struct config *c, const char *path);

/*
 * Read text over the defaults in c. name is for messages and is borrowed by ds. All errors are collected.
 * E_REJECTED: ds has errors, c may be partly filled. E_NOMEM.
 */
FALLIBLE config_read(const char *text, size_t len, const char *name, struct config *c, struct diags *ds);

/* Every diagnostic id this file can give. */
struct config_diag_row {
	uint16_t id;
	const char *title;
};
extern const struct config_diag_row config_diags[];
extern const size_t config_n_diags;

#endif
