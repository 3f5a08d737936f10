/* SPDX-License-Identifier: Apache-2.0 */
/*
 * courier_resolve: getaddrinfo in a thread of its own, for it may wait as long as it likes.
 *
 * A thread answers one question at a time: the address of a receiver, or the addresses of all names that rules use,
 * once per interval. A name that cannot be looked up just now keeps the addresses it had; one that does not exist loses
 * them.
 */
#include "agent/confine.h"
#include "agent/courier_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <time.h>

enum { STACK_BYTES = 1 << 20, ADDR_TEXT = 48 };

/* A name and what it stood for when it was last found. */
struct entry {
	char name[NAMES_MAX_BYTES + 2];
	char addrs[NAMES_MAX_PER_NAME][ADDR_TEXT];
	uint32_t n;
};

struct resolver {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int fd;
	bool ready;
	/* the question */
	char host[CONFIG_MAX_HOST + 1]; /* "": none */
	uint16_t port;
	struct entry *names, *next_names; /* in use by the thread; to be used */
	uint32_t n_names, n_next;
	bool names_changed;
	uint32_t interval_s;
	/* answers */
	struct addrs found;
	char why[128]; /* "": it was found */
	bool host_done;
	struct buf lines;
	bool lines_done;
};

static void tell(struct resolver *r)
{
	uint64_t one = 1;

	(void)!write(r->fd, &one, sizeof one);
}

/* Without the lock. */
static int look_up(const char *host, const char *port, struct addrinfo **out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = port ? AI_NUMERICSERV : 0 };

	return getaddrinfo(host, port, &hints, out);
}

static void find_host(struct resolver *r)
{
	char host[sizeof r->host], port[8];
	struct addrinfo *list = NULL;
	struct addrs found = { .n = 0 };
	int error;

	memcpy(host, r->host, sizeof host);
	(void)snprintf(port, sizeof port, "%u", r->port);
	(void)pthread_mutex_unlock(&r->lock);
	error = look_up(host, port, &list);
	for (struct addrinfo *a = list; !error && a && found.n < RESOLVE_MAX_ADDRS; a = a->ai_next) {
		if (a->ai_addrlen > sizeof found.addr[0])
			continue;
		memcpy(&found.addr[found.n], a->ai_addr, a->ai_addrlen);
		found.len[found.n++] = a->ai_addrlen;
	}
	if (list)
		freeaddrinfo(list);
	(void)pthread_mutex_lock(&r->lock);
	r->found = found;
	(void)snprintf(r->why, sizeof r->why, "%s", error ? gai_strerror(error) : found.n ? "" : "no address");
	r->host[0] = 0;
	r->host_done = true;
	tell(r);
}

static void keep_addrs(struct entry *e, const struct addrinfo *list)
{
	e->n = 0;
	for (const struct addrinfo *a = list; a && e->n < NAMES_MAX_PER_NAME; a = a->ai_next)
		if (!getnameinfo(a->ai_addr, a->ai_addrlen, e->addrs[e->n], ADDR_TEXT, NULL, 0, NI_NUMERICHOST)) {
			char *zone = strchr(e->addrs[e->n], '%');

			if (zone)
				*zone = 0;
			e->n++;
		}
}

/* Without the lock: the thread alone has these entries. */
static void find_name(struct entry *e)
{
	struct addrinfo *list = NULL;
	int error = look_up(e->name, NULL, &list);

	if (!error)
		keep_addrs(e, list);
	else if (error == EAI_NONAME
#ifdef EAI_NODATA
		 || error == EAI_NODATA
#endif
	)
		e->n = 0;
	if (list)
		freeaddrinfo(list);
}

static void find_names(struct resolver *r)
{
	(void)pthread_mutex_unlock(&r->lock);
	for (uint32_t i = 0; i < r->n_names; i++)
		find_name(&r->names[i]);
	(void)pthread_mutex_lock(&r->lock);
	buf_reset(&r->lines);
	r->lines.full = false;
	for (uint32_t i = 0; i < r->n_names; i++)
		for (uint32_t k = 0; k < r->names[i].n; k++)
			buf_printf(&r->lines, "%s %s\n", r->names[i].addrs[k], r->names[i].name);
	r->lines_done = true;
	tell(r);
}

static void take_next_names(struct resolver *r)
{
	free(r->names);
	r->names = r->next_names;
	r->n_names = r->n_next;
	r->next_names = NULL;
	r->names_changed = false;
}

static struct timespec in_seconds(uint32_t s)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += s;
	return t;
}

static void *loop(void *user)
{
	struct resolver *r = user;
	void *volatile first = malloc(64); /* its heap is set up before the list of system calls is */
	struct addrinfo *list = NULL;
	struct timespec next;

	free(first);
	if (!look_up("localhost", NULL, &list)) /* and so are the name services that are libraries */
		freeaddrinfo(list);
	(void)pthread_mutex_lock(&r->lock);
	r->ready = true;
	(void)pthread_cond_broadcast(&r->wake);
	next = in_seconds(0);
	for (;;) {
		int waited = 0;

		while (!r->host[0] && !r->names_changed && waited != ETIMEDOUT)
			waited = r->n_names ? pthread_cond_timedwait(&r->wake, &r->lock, &next)
					    : pthread_cond_wait(&r->wake, &r->lock);
		if (r->host[0])
			find_host(r);
		if (r->names_changed)
			take_next_names(r);
		else if (waited != ETIMEDOUT)
			continue;
		find_names(r);
		next = in_seconds(r->interval_s);
	}
	return NULL;
}

static FALLIBLE start(struct resolver *r)
{
	TRY(confine_thread(loop, r, STACK_BYTES));
	(void)pthread_mutex_lock(&r->lock);
	while (!r->ready)
		(void)pthread_cond_wait(&r->wake, &r->lock);
	(void)pthread_mutex_unlock(&r->lock);
	return E_OK;
}

FALLIBLE resolver_new(struct resolver **out, int *fd)
{
	struct resolver *r = calloc(1, sizeof *r);

	if (!r)
		return E_NOMEM;
	r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	buf_init(&r->lines, CONTROL_MAX_NAMES_BYTES);
	if (r->fd < 0 || pthread_mutex_init(&r->lock, NULL) || pthread_cond_init(&r->wake, NULL))
		return E_IO;
	*out = r;
	*fd = r->fd;
	return start(r);
}

bool resolver_ask_host(struct resolver *r, const char *host, uint16_t port)
{
	bool idle;

	(void)pthread_mutex_lock(&r->lock);
	idle = !r->host[0] && !r->host_done;
	if (idle) {
		(void)snprintf(r->host, sizeof r->host, "%s", host);
		r->port = port;
		(void)pthread_cond_broadcast(&r->wake);
	}
	(void)pthread_mutex_unlock(&r->lock);
	return idle;
}

bool resolver_take_host(struct resolver *r, struct addrs *out, char *why, size_t max)
{
	bool found;

	(void)pthread_mutex_lock(&r->lock);
	*out = r->found;
	(void)snprintf(why, max, "%s", r->why);
	found = r->host_done && !r->why[0];
	r->host_done = false;
	(void)pthread_mutex_unlock(&r->lock);
	return found;
}

/* The lines that are names, at most NAMES_MAX. */
static uint32_t read_names(struct view text, struct entry *out)
{
	const char *p = (const char *)text.p, *end = p + text.len;
	uint32_t n = 0;

	while (p < end && n < NAMES_MAX) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);

		if (names_is_name(p, len))
			(void)snprintf(out[n++].name, sizeof out->name, "%.*s", (int)len, p);
		p = nl ? nl + 1 : end;
	}
	return n;
}

FALLIBLE resolver_ask_names(struct resolver *r, struct view text, uint32_t interval_s)
{
	struct entry *names = calloc(NAMES_MAX, sizeof *names);
	uint32_t n;

	if (!names)
		return E_NOMEM;
	n = read_names(text, names);
	(void)pthread_mutex_lock(&r->lock);
	free(r->next_names);
	r->next_names = names;
	r->n_next = n;
	r->names_changed = true;
	r->interval_s = interval_s;
	(void)pthread_cond_broadcast(&r->wake);
	(void)pthread_mutex_unlock(&r->lock);
	return E_OK;
}

bool resolver_take_names(struct resolver *r, struct buf *out)
{
	bool done;

	buf_init(out, CONTROL_MAX_NAMES_BYTES);
	(void)pthread_mutex_lock(&r->lock);
	done = r->lines_done;
	if (done)
		buf_put(out, r->lines.p, r->lines.len);
	r->lines_done = false;
	(void)pthread_mutex_unlock(&r->lock);
	return done;
}
