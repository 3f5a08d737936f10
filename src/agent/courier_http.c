/* SPDX-License-Identifier: Apache-2.0 */
/*
 * courier_http: alerts by HTTP POST, one JSON object per request (or an array of several, where a batch is wanted).
 *
 * libcurl is loaded at run time, and only here: the processes that hold rights or rules never have it in memory. It is
 * given the receiver's addresses, so it never resolves by itself. One request is under way at a time, over one kept
 * connection.
 *
 * 2xx is delivered. 408, 429 and 5xx are tried again, MOST_TRIES times; so is, without end, a receiver that cannot be
 * reached. Everything else is the receiver's last word: the alert is lost, and counted.
 */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <poll.h>

#include "agent/courier_parts.h"

enum { MOST_TRIES = 8, RESOLVE_AGAIN_MS = 300000, MOST_ANSWER_BYTES = 1 << 20, MAX_FDS = 8 };

struct curl_api {
#define CURL_FN(name) __typeof__(curl_##name) *name;
// clang-format off
#define CURL_FNS(F) \
	F(global_init) F(easy_init) F(easy_setopt) F(easy_getinfo) F(easy_strerror) F(slist_append) \
	F(slist_free_all) F(multi_init) F(multi_add_handle) F(multi_remove_handle) F(multi_perform) \
	F(multi_poll) F(multi_info_read) F(url) F(url_set) F(url_get) F(free)
	// clang-format on
	CURL_FNS(CURL_FN)
#undef CURL_FN
};

struct http {
	const struct courier_settings *s;
	struct outlet o;
	struct curl_api api;
	CURL *easy;
	CURLM *multi;
	struct curl_slist *headers, *addresses;
	struct buf body;
	uint32_t in_flight; /* messages in the request that is under way; 0: none is */
	size_t answer_bytes;
	char host[CONFIG_MAX_HOST + 1];
	uint16_t port;
	bool literal, asked, refused_said;
	uint64_t resolved_ms; /* 0: never */
};

static FALLIBLE load_api(struct curl_api *api, struct diag *d)
{
	void *lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

	if (!lib)
		FAIL(d, UNSUPPORTED, "outputs.http needs libcurl: %s", dlerror());
#define CURL_LOAD(name)                                                                       \
	do {                                                                                  \
		void *sym_ = dlsym(lib, "curl_" #name);                                       \
		if (!sym_)                                                                    \
			FAIL(d, UNSUPPORTED, "libcurl is too old: it has no curl_%s", #name); \
		memcpy(&api->name, &sym_, sizeof sym_);                                       \
	} while (0);
	CURL_FNS(CURL_LOAD)
#undef CURL_LOAD
	return E_OK;
}

/* Of the answer only its status counts. */
static size_t on_answer(char *p, size_t size, size_t n, void *user)
{
	struct http *h = user;

	(void)p;
	h->answer_bytes += size * n;
	return h->answer_bytes <= MOST_ANSWER_BYTES ? size * n : 0;
}

/* Host and port of the URL. The text of an address is what getaddrinfo and libcurl both take. */
static FALLIBLE take_url(struct http *h, struct diag *d)
{
	CURLU *u = h->api.url();
	char *host = NULL, *port = NULL;
	uint8_t addr[16];
	size_t n;

	if (!u || h->api.url_set(u, CURLUPART_URL, h->s->url, 0) || h->api.url_get(u, CURLUPART_HOST, &host, 0) ||
	    h->api.url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
		FAIL(d, INVALID, "outputs.http.url is no URL that libcurl takes");
	n = strlen(host);
	h->literal = host[0] == '[' || inet_pton(AF_INET, host, addr) == 1;
	h->port = (uint16_t)strtoull(port, NULL, 10);
	if (n > CONFIG_MAX_HOST)
		FAIL(d, INVALID, "outputs.http.url: the host's name is too long");
	memcpy(h->host, host, n + 1);
	h->api.free(host);
	h->api.free(port);
	return E_OK;
}

static FALLIBLE add_headers(struct http *h)
{
	static const char *const own[] = { "Content-Type: application/json", "Expect:" };

	for (uint32_t i = 0; i < countof(own) + h->s->n_headers; i++) {
		const char *text = i < countof(own) ? own[i] : h->s->headers[i - countof(own)];
		struct curl_slist *list = h->api.slist_append(h->headers, text);

		if (!list)
			return E_NOMEM;
		h->headers = list;
	}
	return E_OK;
}

static FALLIBLE set_options(struct http *h, struct view certificates, struct diag *d)
{
	struct curl_blob ca = { .data = (void *)(uintptr_t)certificates.p, .len = certificates.len };
	__typeof__(curl_easy_setopt) *set = h->api.easy_setopt;
	CURL *e = h->easy;
	bool ok = !set(e, CURLOPT_URL, h->s->url) && !set(e, CURLOPT_PROTOCOLS_STR, "http,https") &&
		  !set(e, CURLOPT_POST, 1L) && !set(e, CURLOPT_HTTPHEADER, h->headers) && !set(e, CURLOPT_PROXY, "") &&
		  !set(e, CURLOPT_NOSIGNAL, 1L) && !set(e, CURLOPT_USERAGENT, "sallyport/" SALLYPORT_VERSION) &&
		  !set(e, CURLOPT_TIMEOUT_MS, (long)h->s->timeout_ms) &&
		  !set(e, CURLOPT_CONNECTTIMEOUT_MS, (long)h->s->timeout_ms) && !set(e, CURLOPT_TCP_KEEPALIVE, 1L) &&
		  !set(e, CURLOPT_WRITEFUNCTION, on_answer) && !set(e, CURLOPT_WRITEDATA, h);

	if (ok && certificates.len)
		ok = !set(e, CURLOPT_CAINFO_BLOB, &ca) && !set(e, CURLOPT_CAPATH, NULL);
	if (!ok)
		FAIL(d, UNSUPPORTED,
		     "libcurl on this host does not do what outputs.http needs (7.85 or later, OpenSSL)");
	return E_OK;
}

FALLIBLE http_new(const struct courier_settings *s, struct view certificates, struct courier_counts *c,
		  struct http **out, struct diag *d)
{
	struct http *h = calloc(1, sizeof *h);

	if (!h)
		return E_NOMEM;
	h->s = s;
	h->o = (struct outlet){ .name = "http", .counts = c };
	buf_init(&h->body, QUEUE_BYTES + QUEUE_LINES + 2);
	TRY(queue_init(&h->o.queue));
	TRY(load_api(&h->api, d));
	if (h->api.global_init(CURL_GLOBAL_DEFAULT))
		FAIL(d, UNSUPPORTED, "libcurl does not start");
	h->easy = h->api.easy_init();
	h->multi = h->api.multi_init();
	if (!h->easy || !h->multi)
		return E_NOMEM;
	TRY(take_url(h, d));
	TRY(add_headers(h));
	TRY(set_options(h, certificates, d));
	*out = h;
	return E_OK;
}

void http_take(struct http *h, const struct output_parts *p)
{
	page_add(&h->o.counts->sent, 1);
	if (!queue_put(&h->o.queue, p->json.p, p->json.len, false))
		page_add(&h->o.counts->lost, 1);
	page_set(&h->o.counts->waiting, h->o.queue.n);
}

bool http_empty(const struct http *h)
{
	return !h->o.queue.n;
}

bool http_wants_host(const struct http *h)
{
	return h->asked;
}

/* "HOST:PORT:ADDR,ADDR" for libcurl, after one that makes it forget what it had. */
static bool put_addresses(struct http *h, const struct addrs *a)
{
	char text[RESOLVE_MAX_ADDRS * (INET6_ADDRSTRLEN + 3) + CONFIG_MAX_HOST + 16], addr[INET6_ADDRSTRLEN];
	struct curl_slist *list;
	size_t at;

	(void)snprintf(text, sizeof text, "-%s:%u", h->host, h->port);
	list = h->api.slist_append(NULL, text);
	at = (size_t)snprintf(text, sizeof text, "%s:%u:", h->host, h->port);
	for (uint32_t i = 0; i < a->n; i++) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&a->addr[i];
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&a->addr[i];
		bool is6 = a->addr[i].ss_family == AF_INET6;

		if (!inet_ntop(a->addr[i].ss_family, is6 ? (const void *)&v6->sin6_addr : &v4->sin_addr, addr,
			       sizeof addr))
			continue;
		at += (size_t)snprintf(text + at, sizeof text - at, is6 ? "%s[%s]" : "%s%s", i ? "," : "", addr);
	}
	if (!list || !h->api.slist_append(list, text) || h->api.easy_setopt(h->easy, CURLOPT_RESOLVE, list)) {
		h->api.slist_free_all(list);
		return false;
	}
	h->api.slist_free_all(h->addresses);
	h->addresses = list;
	return true;
}

void http_resolved(struct http *h, const struct addrs *a, const char *why)
{
	h->asked = false;
	if (!a)
		outlet_fail(&h->o, why);
	else if (!put_addresses(h, a))
		outlet_fail(&h->o, "out of memory");
	else
		h->resolved_ms = courier_now_ms();
}

static bool has_host(struct http *h, struct resolver *r, uint64_t now)
{
	if (h->literal)
		return true;
	if (!h->resolved_ms || now - h->resolved_ms > RESOLVE_AGAIN_MS || h->o.failures > 2)
		h->asked = h->asked || resolver_ask_host(r, h->host, h->port);
	return h->resolved_ms && !h->asked;
}

/* The next request: as many messages as a batch may have. */
static void begin(struct http *h)
{
	bool array = h->s->batch > 1;
	size_t off = 0;
	struct view m;

	buf_reset(&h->body);
	h->body.full = false;
	buf_puts(&h->body, array ? "[" : "");
	for (h->in_flight = 0; h->in_flight < h->o.queue.n && h->in_flight < h->s->batch; h->in_flight++) {
		(void)queue_at(&h->o.queue, h->in_flight, off, &m);
		buf_puts(&h->body, h->in_flight ? "," : "");
		buf_put(&h->body, m.p, m.len);
		off += m.len;
	}
	buf_puts(&h->body, array ? "]" : "");
	h->answer_bytes = 0;
	if (h->body.full || h->api.easy_setopt(h->easy, CURLOPT_POSTFIELDS, h->body.p) ||
	    h->api.easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)h->body.len) ||
	    h->api.multi_add_handle(h->multi, h->easy)) {
		h->in_flight = 0;
		outlet_fail(&h->o, "out of memory");
	}
}

static void lose(struct http *h, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		outlet_lose(&h->o);
}

static void refused(struct http *h, uint32_t n, long status)
{
	lose(h, n);
	outlet_works(&h->o);
	if (!h->refused_said)
		log_warning("http output: the receiver refuses alerts, they are lost status=%ld", status);
	h->refused_said = true;
}

/* limited: the receiver has seen it, and may never like it. */
static void again(struct http *h, uint32_t n, const char *why, bool limited)
{
	struct view m;
	struct queue_item *it = queue_at(&h->o.queue, 0, 0, &m);

	outlet_fail(&h->o, why);
	it->tries += limited;
	if (it->tries >= MOST_TRIES)
		lose(h, n);
	else
		page_add(&h->o.counts->retried, n);
}

static void finish(struct http *h, CURLcode code)
{
	uint32_t n = h->in_flight;
	curl_off_t after = 0;
	long status = 0;
	char why[64];

	h->in_flight = 0;
	(void)h->api.easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)h->api.easy_getinfo(h->easy, CURLINFO_RETRY_AFTER, &after);
	(void)h->api.multi_remove_handle(h->multi, h->easy);
	/* CURLE_WRITE_ERROR: it was us who had enough of the answer. */
	if (code && code != CURLE_WRITE_ERROR) {
		again(h, n, h->api.easy_strerror(code), false);
	} else if (status >= 200 && status < 300) {
		outlet_works(&h->o);
		h->refused_said = false;
		for (uint32_t i = 0; i < n; i++)
			outlet_deliver(&h->o);
	} else if (status == 408 || status == 429 || status >= 500) {
		(void)snprintf(why, sizeof why, "status %ld", status);
		again(h, n, why, true);
		if (after > 0 && after * 1000 <= RETRY_MOST_MS && h->o.queue.n)
			h->o.next_ms = courier_now_ms() + (uint64_t)after * 1000;
	} else {
		refused(h, n, status);
	}
}

uint64_t http_step(struct http *h, struct resolver *r, uint64_t now)
{
	int running = 0, left = 0;
	CURLMsg *m;

	(void)h->api.multi_perform(h->multi, &running);
	while ((m = h->api.multi_info_read(h->multi, &left)))
		if (m->msg == CURLMSG_DONE)
			finish(h, m->data.result);
	if (h->in_flight || !h->o.queue.n)
		return UINT64_MAX;
	if (now < h->o.next_ms)
		return h->o.next_ms - now;
	if (!has_host(h, r, now))
		return 100;
	begin(h);
	if (!h->in_flight)
		return h->o.next_ms > now ? h->o.next_ms - now : 0;
	(void)h->api.multi_perform(h->multi, &running);
	return running ? UINT64_MAX : 0;
}

void http_wait(struct http *h, struct pollfd *fds, uint32_t n, int timeout_ms)
{
	struct curl_waitfd w[MAX_FDS];

	assert(n <= MAX_FDS && "the courier has a handful of descriptors");
	for (uint32_t i = 0; i < n; i++)
		w[i] = (struct curl_waitfd){ .fd = fds[i].fd,
					     .events = (short)((fds[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
							       (fds[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0)) };
	(void)h->api.multi_poll(h->multi, w, n, timeout_ms, NULL);
	/* What libcurl tells of other people's descriptors is less than poll does: ends of pipes, errors. */
	(void)poll(fds, n, 0);
}
