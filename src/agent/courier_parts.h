/* SPDX-License-Identifier: Apache-2.0 */
/* courier_parts: what the files of the courier share. */
#ifndef SALLYPORT_AGENT_COURIER_PARTS_H
#define SALLYPORT_AGENT_COURIER_PARTS_H

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "agent/courier.h"
#include "transport/transport.h"
#include "sensor/names/names.h"
#include "sensor/output/output.h"

enum {
	QUEUE_BYTES = 4 << 20,
	QUEUE_LINES = 16384,
	RESOLVE_MAX_ADDRS = 16, /* of a receiver */
	RETRY_FIRST_MS = 200,
	RETRY_MOST_MS = 30000,
};

uint64_t courier_now_ms(void);
/*
 * How long to wait after the n-th failure in a row, n from 1 on: doubles from RETRY_FIRST_MS to RETRY_MOST_MS, plus or
 * minus a quarter by chance, so that hosts that lost a receiver together do not come back together.
 */
uint64_t courier_delay_ms(uint32_t n);

/* courier_queue.c: messages in order, bounded in number and bytes. */
struct queue {
	char *bytes; /* QUEUE_BYTES; [head, head + len) is in use */
	size_t head, len;
	struct queue_item {
		uint32_t bytes;
		uint32_t tries;
		bool cut;
	} * items; /* QUEUE_LINES, a ring */
	uint32_t first, n;
};

FALLIBLE queue_init(struct queue *q);
void queue_done(struct queue *q);
/* False: no room, nothing changed. */
bool queue_put(struct queue *q, const void *p, size_t len, bool cut);
/*
 * Message i from the front, which begins off bytes behind the first one's beginning. Bytes are valid until the next
 * queue_put. i < q->n.
 */
struct queue_item *queue_at(struct queue *q, uint32_t i, size_t off, struct view *out);
void queue_drop(struct queue *q);

/* courier_resolve.c: a thread that resolves, and what it found. */
struct addrs {
	struct sockaddr_storage addr[RESOLVE_MAX_ADDRS];
	socklen_t len[RESOLVE_MAX_ADDRS];
	uint32_t n;
};

struct resolver;
/* Makes the thread. fd becomes readable when an answer is there. E_NOMEM, E_IO. */
FALLIBLE resolver_new(struct resolver **out, int *fd);
/* One host for a receiver. False: it is at work on another question. */
bool resolver_ask_host(struct resolver *r, const char *host, uint16_t port);
/* Names of rules, to be asked for every interval from now on; replaces those before. text: one a line; copied. */
FALLIBLE resolver_ask_names(struct resolver *r, struct view text, uint32_t interval_s);
/* After fd was readable. False: it found nothing; why as text. */
bool resolver_take_host(struct resolver *r, struct addrs *out, char *why, size_t max);
/* Lines "ADDRESS NAME", at most CONTROL_MAX_NAMES_BYTES; false: there is no new answer. out is initialised here. */
bool resolver_take_names(struct resolver *r, struct buf *out);

/* One way out. */
struct outlet {
	const char *name;
	struct courier_counts *counts;
	struct queue queue;
	uint64_t next_ms;  /* not before: after a failure */
	uint32_t failures; /* in a row */
};

void outlet_lose(struct outlet *o);
/* The first message is delivered. */
void outlet_deliver(struct outlet *o);
/* A try failed; the first of a row is logged. */
void outlet_fail(struct outlet *o, const char *why);
void outlet_works(struct outlet *o);

/* courier_syslog.c */
struct syslog;
/* s must outlive it. */
FALLIBLE syslog_new(const struct courier_settings *s, struct courier_counts *c, struct syslog **out);
void syslog_free(struct syslog *s);
void syslog_take(struct syslog *s, const struct output_parts *p);
/* Do what can be done now. Returns ms until it wants to be called again at the latest. */
uint64_t syslog_step(struct syslog *s, struct resolver *r, uint64_t now_ms);
/* What to wait for, -1: nothing. */
int syslog_fd(const struct syslog *s, short *events);
void syslog_resolved(struct syslog *s, const struct addrs *a, const char *why);
bool syslog_wants_host(const struct syslog *s);
bool syslog_empty(const struct syslog *s);
/* The header and MSG of one alert (RFC 5424 section 6), at most s->max_bytes; true: it was cut. For its test. */
bool syslog_format(const struct courier_settings *s, const struct output_parts *p, struct buf *out);

/* courier_http.c */
struct http;
/* Loads libcurl. certificates: PEM text for https, or empty; borrowed. E_UNSUPPORTED with d. */
FALLIBLE http_new(const struct courier_settings *s, struct view certificates, struct courier_counts *c,
		  struct http **out, struct diag *d);
void http_take(struct http *h, const struct output_parts *p);
uint64_t http_step(struct http *h, struct resolver *r, uint64_t now_ms);
/* Wait for its sockets and these. */
void http_wait(struct http *h, struct pollfd *fds, uint32_t n, int timeout_ms);
void http_resolved(struct http *h, const struct addrs *a, const char *why);
bool http_wants_host(const struct http *h);
bool http_empty(const struct http *h);

/* courier_repo.c. t NULL: there is no repository, which is the answer. */
void courier_fetch(struct transport *t, const struct control_packet *p);
void courier_put(struct transport *t, const struct control_packet *p);
/* Its directory, or NULL: it is none, or there is none. */
const char *courier_repository_dir(const struct courier_settings *s);

/*
 * courier_wall.c: the walls, for good, but for the last (confine_syscalls): threads come before it. E_PERM, E_IO with
 * d.
 */
FALLIBLE courier_confine(const struct courier_settings *s, struct diag *d);

#endif
