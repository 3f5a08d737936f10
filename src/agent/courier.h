/* SPDX-License-Identifier: Apache-2.0 */
/*
 * courier: the process that talks to networks, and nothing else.
 *
 * It is nobody, without capabilities, under its own list of system calls and, where the kernel has Landlock, without
 * files but those that resolving names needs. It takes alert lines from a pipe, keeps a bounded queue per output, and
 * delivers them by syslog (RFC 5424) and HTTP; it resolves the domain names that rules use. Whatever a receiver does
 * costs alerts of that output, which are counted, and never holds up anybody else.
 *
 * One thread does all of it but resolving names: that blocks, so two others do it (courier_resolve.c). All of them are
 * there before the walls go up, so that no thread is ever made behind them.
 */
#ifndef SALLYPORT_AGENT_COURIER_H
#define SALLYPORT_AGENT_COURIER_H

#include "agent/config.h"
#include "agent/control.h"
#include "base/base.h"

enum {
	COURIER_MAX_CERT_BYTES = 8 << 20,
	COURIER_FLUSH_MS = 4000, /* most time to deliver what is left, when it is told to stop */
};

/* What the supervisor hands over, in sealed memory: settings as fixed-size, NUL-terminated text. */
struct courier_settings {
	uint32_t version;                         /* COURIER_SETTINGS_VERSION */
	uint32_t uid;                             /* and gid */
	uint32_t sensor_pid;                      /* PROCID of syslog messages */
	uint32_t resolve_s;                       /* seconds between two rounds */
	uint32_t transport;                       /* enum config_transport; CONFIG_NO_SYSLOG: no syslog output */
	uint32_t port, facility, max_bytes, text; /* text: MSG is the text form, not JSON */
	uint32_t timeout_ms, batch;
	char host[CONFIG_MAX_HOST + 1], hostname[256], appname[49], path[CONFIG_MAX_SOCKET_PATH + 1];
	char url[CONFIG_MAX_URL + 1]; /* "": no HTTP output */
	char headers[CONFIG_MAX_HEADERS][CONFIG_MAX_HEADER + 1];
	uint32_t n_headers;
	char repository[CONFIG_MAX_URL + 1]; /* of releases; "": none */
};
enum { COURIER_SETTINGS_VERSION = 2 };

/*
 * The courier's page: what became of each alert that came to it. Written by the courier, read by supervisor and worker.
 * sent = delivered + lost + waiting, but for what a courier held when it died.
 */
enum courier_output { COURIER_SYSLOG, COURIER_HTTP, COURIER_N_OUTPUTS };
enum { COURIER_PAGE_MAGIC = 0x43505053 /* "SPPC" */ };

struct courier_counts {
	_Atomic uint64_t sent;      /* came in */
	_Atomic uint64_t delivered; /* the receiver has it, as far as its protocol tells */
	_Atomic uint64_t lost;      /* no room, refused, or tried too often */
	_Atomic uint64_t retried;   /* attempts that were not the first */
	_Atomic uint64_t cut;       /* delivered, but shorter than they were */
	_Atomic uint64_t waiting;
};

struct courier_page {
	_Atomic uint32_t magic;
	_Atomic uint32_t zero;
	_Atomic uint64_t malformed; /* lines that were no alerts */
	struct courier_counts out[COURIER_N_OUTPUTS];
};

#endif
