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

enum {
	CONFIG_MAX_BYTES = 64 << 10,
	CONFIG_MAX_RULES = 256,
	CONFIG_MAX_PATH = 446,
	CONFIG_MAX_HEADERS = 16,
	CONFIG_MAX_HEADER = 1023,
	CONFIG_MAX_URL = 1023,
	CONFIG_MAX_HOST = 253,
	CONFIG_MAX_SOCKET_PATH = 107, /* sun_path without its NUL */
};

#define CONFIG_SOCKET "/run/sallyport.sock"

/* Where a runtime keeps its containers' state. */
enum config_root {
	CONFIG_ROOT_DOCKER,
	CONFIG_ROOT_STORAGE, /* containers/storage: podman, cri-o */
	CONFIG_ROOT_CONTAINERD,
	CONFIG_ROOT_CRUN,
	CONFIG_ROOT_RUNC,
	CONFIG_N_ROOTS
};
enum { CONFIG_MAX_CONTAINER_ROOTS = 16 };

struct config_container_root {
	uint32_t kind; /* enum config_root */
	char *dir;     /* owned */
};

enum config_format { CONFIG_AUTO, CONFIG_TEXT, CONFIG_JSON };
enum config_matching { CONFIG_FIRST, CONFIG_ALL };
enum config_transport { CONFIG_NO_SYSLOG, CONFIG_UNIX, CONFIG_UDP, CONFIG_TCP };

struct config {
	char *rules[CONFIG_MAX_RULES]; /* files and directories, in order; owned */
	uint32_t n_rules;
	uint32_t matching;       /* enum config_matching */
	uint32_t strict_falco;   /* rule_opts.strict_falco */
	uint32_t kernel_filters; /* leave out in the kernel what no rule can depend on */
	uint32_t native;         /* rules run as native code, once a compiler made it */
	char *source;         /* owned; NULL or "kernel": the kernel; else a capture to take instead, over and over */
	uint32_t source_rate; /* records of it a second; 0: as far apart as they were recorded */
	uint32_t throttle_per_minute; /* alerts of a rule, control group and executable; 0: no bound */
	uint32_t stdout_enabled;      /* 0 or 1 */
	uint32_t stdout_format;       /* enum config_format */
	char *file_path;              /* owned; NULL: no file output */
	uint32_t file_format;         /* never CONFIG_AUTO */
	uint32_t file_max_mib, file_keep;
	uint32_t reserved_kib, bulk_kib;                                          /* powers of two */
	struct config_container_root container_roots[CONFIG_MAX_CONTAINER_ROOTS]; /* before the usual places */
	uint32_t n_container_roots;
	uint32_t worker_memory_mib, worker_cpu_percent, worker_watchdog_s;
	uint32_t syslog_transport;                            /* enum config_transport */
	char *syslog_host, *syslog_hostname, *syslog_appname; /* owned; NULL: none, this host's, "sallyport" */
	char *syslog_path;                                    /* owned; NULL: /dev/log */
	uint32_t syslog_port, syslog_facility,
		syslog_max_bytes;               /* facility: RFC 5424 number; max_bytes 0: by transport */
	uint32_t syslog_format;                 /* CONFIG_TEXT, CONFIG_JSON */
	char *http_url;                         /* owned; NULL: no HTTP output */
	char *http_headers[CONFIG_MAX_HEADERS]; /* "Name: value", owned; values are secrets */
	uint32_t n_http_headers;
	char *http_ca_file; /* owned; NULL: what the system trusts */
	uint32_t http_timeout_ms, http_batch;
	uint32_t courier_uid;
	uint32_t resolve_enabled, resolve_interval_s; /* domain names in rules */
	char *state_dir; /* owned; NULL: nothing of releases is remembered, and none come */
	char *socket;    /* owned; NULL: CONFIG_SOCKET */
	char *release_repository, *release_root, *release_policy; /* owned; NULL: none */
	char *owner_key, *owner_content;                          /* the same: the owner's lane */
};

/* The defaults. */
void config_init(struct config *c);
void config_done(struct config *c);
/* The capture that is taken instead of the kernel, or NULL. */
const char *config_capture(const struct config *c);
/* Append a path. E_LIMIT (too many, too long), E_NOMEM. */
FALLIBLE config_add_rule(struct config *c, const char *path);

/*
 * Read text over the defaults in c. name is for messages and is borrowed by ds. All errors are collected.
 * E_REJECTED: ds has errors, c may be partly filled. E_NOMEM.
 */
FALLIBLE config_read(const char *text, size_t len, const char *name, struct config *c, struct diags *ds);

/* All settings, a line each, "key: value": without values of HTTP headers, passwords in URLs, paths of receivers. */
void config_put(const struct config *c, struct buf *out);

/* Every diagnostic id this file can give. */
struct config_diag_row {
	uint16_t id;
	const char *title;
};
extern const struct config_diag_row config_diags[];
extern const size_t config_n_diags;

#endif
