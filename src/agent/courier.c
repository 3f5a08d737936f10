/* SPDX-License-Identifier: Apache-2.0 */
/* courier: the process: its start, its one loop, its end. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "agent/agent.h"
#include "agent/confine.h"
#include "agent/courier_parts.h"

enum { EXIT_HOST = 3, MOST_WAIT_MS = 1000, READS_AT_ONCE = 16, LINE_ROOM = 2 * OUTPUT_LINE_MAX };

enum { WAIT_SOCKET, WAIT_HOSTS, WAIT_NAMES, WAIT_PIPE, WAIT_SYSLOG, N_WAITS };

struct courier {
	struct courier_settings s;
	struct courier_page *page;
	int pipe, hosts_fd, names_fd; /* pipe -1: no output */
	struct resolver *hosts, *names;
	struct syslog *syslog; /* NULL: not configured */
	struct http *http;
	struct transport *repository;
	char lines[LINE_ROOM];
	size_t have;
	bool skipping; /* the rest of a line that is too long */
	bool pipe_empty, stopping;
	uint64_t stop_ms; /* then what is left is lost */
	char *certificates;
	size_t certificates_len;
};

/* alerts */

static void on_line(struct courier *c, struct view line)
{
	struct output_parts p;

	if (!line.len)
		return; /* the supervisor ends what a dead worker began */
	if (!output_parts_read(line, &p)) {
		page_add(&c->page->malformed, 1);
		return;
	}
	if (c->syslog)
		syslog_take(c->syslog, &p);
	if (c->http)
		http_take(c->http, &p);
}

static void take_lines(struct courier *c)
{
	size_t at = 0;

	for (;;) {
		char *nl = memchr(c->lines + at, '\n', c->have - at);

		if (!nl)
			break;
		if (!c->skipping)
			on_line(c, view_of(c->lines + at, (size_t)(nl - c->lines) - at));
		c->skipping = false;
		at = (size_t)(nl - c->lines) + 1;
	}
	memmove(c->lines, c->lines + at, c->have - at);
	c->have -= at;
	if (c->have == sizeof c->lines) {
		page_add(&c->page->malformed, !c->skipping);
		c->skipping = true;
		c->have = 0;
	}
}

static void read_pipe(struct courier *c)
{
	c->pipe_empty = false;
	for (int i = 0; i < READS_AT_ONCE && !c->pipe_empty; i++) {
		ssize_t n = read(c->pipe, c->lines + c->have, sizeof c->lines - c->have);

		if (n > 0) {
			c->have += (size_t)n;
			take_lines(c);
		} else if (n == 0 || errno != EINTR) {
			c->pipe_empty = true;
		}
	}
}

/* control */

static void take_question(struct courier *c, int fd)
{
	AUTO_FREE char *text = NULL;
	size_t len;

	if (lseek(fd, 0, SEEK_SET) || io_read_fd(fd, "names", CONTROL_MAX_NAMES_BYTES, &text, &len, NULL) != E_OK ||
	    resolver_ask_names(c->names, view_of(text, len), c->s.resolve_s) != E_OK)
		log_warning("courier: domain names that rules use cannot be read");
}

static void on_control(struct courier *c)
{
	struct control_packet p;
	struct diag d;
	enum err err;

	diag_init(&d);
	err = control_recv(AGENT_CHILD_FD, false, &p, &d);
	if (err == E_NOT_FOUND)
		return;
	if (err == E_OK && p.msg.hdr.type == CONTROL_NAMES) {
		take_question(c, p.fds[0]);
	} else if (err == E_OK && p.msg.hdr.type == CONTROL_FETCH_FILE) {
		courier_fetch(c->repository, &p);
	} else if (err == E_OK && p.msg.hdr.type == CONTROL_PUT_FILE) {
		courier_put(c->repository, &p);
	} else if (err == E_OK && p.msg.hdr.type == CONTROL_STOP) {
		c->stopping = true;
		c->pipe_empty = c->pipe < 0;
		c->stop_ms = courier_now_ms() + COURIER_FLUSH_MS;
	} else {
		log_error("courier: bad control message: %s", d.text);
		_exit(EXIT_HOST);
	}
	control_close_fds(&p);
}

static void on_host(struct courier *c)
{
	struct addrs a;
	char why[128];
	bool found = resolver_take_host(c->hosts, &a, why, sizeof why);

	if (c->syslog && syslog_wants_host(c->syslog))
		syslog_resolved(c->syslog, found ? &a : NULL, why);
	else if (c->http && http_wants_host(c->http))
		http_resolved(c->http, found ? &a : NULL, why);
}

static void on_names(struct courier *c)
{
	AUTO_FD int fd = memfd_create("sallyport-addresses", MFD_CLOEXEC);
	struct control_packet p;
	struct buf text;

	if (resolver_take_names(c->names, &text)) {
		control_init(&p, CONTROL_ASK);
		p.fds[p.n_fds++] = fd;
		if (fd < 0 || io_write_all(fd, text.p ? text.p : "", text.len) != E_OK ||
		    control_send(AGENT_CHILD_FD, &p) != E_OK)
			log_warning("courier: addresses of names cannot be passed on: %s", strerror(errno));
	}
	buf_done(&text);
}

static void drain(int fd)
{
	uint64_t n;

	(void)!read(fd, &n, sizeof n);
}

/* loop */

static bool is_done(const struct courier *c, uint64_t now)
{
	if (!c->stopping)
		return false;
	return now >= c->stop_ms ||
	       (c->pipe_empty && (!c->syslog || syslog_empty(c->syslog)) && (!c->http || http_empty(c->http)));
}

static uint64_t step(struct courier *c, uint64_t now)
{
	uint64_t wait = MOST_WAIT_MS, ms;

	if (c->syslog) {
		ms = syslog_step(c->syslog, c->hosts, now);
		wait = ms < wait ? ms : wait;
	}
	if (c->http) {
		ms = http_step(c->http, c->hosts, now);
		wait = ms < wait ? ms : wait;
	}
	if (c->stopping && c->stop_ms - now < wait)
		wait = c->stop_ms - now;
	return wait;
}

static void wait_and_serve(struct courier *c, uint64_t timeout_ms)
{
	struct pollfd p[N_WAITS] = {
		[WAIT_SOCKET] = { .fd = AGENT_CHILD_FD, .events = POLLIN },
		[WAIT_HOSTS] = { .fd = c->hosts_fd, .events = POLLIN },
		[WAIT_NAMES] = { .fd = c->names_fd, .events = POLLIN },
		[WAIT_PIPE] = { .fd = c->pipe, .events = POLLIN },
		[WAIT_SYSLOG] = { .fd = -1 },
	};
	uint32_t n = c->pipe >= 0 ? WAIT_PIPE + 1 : WAIT_PIPE;

	if (c->syslog) {
		p[n].fd = syslog_fd(c->syslog, &p[n].events);
		n += p[n].fd >= 0;
	}
	if (c->http)
		http_wait(c->http, p, n, (int)timeout_ms);
	else
		(void)poll(p, n, (int)timeout_ms);
	if (p[WAIT_SOCKET].revents)
		on_control(c);
	if (p[WAIT_HOSTS].revents) {
		drain(c->hosts_fd);
		on_host(c);
	}
	if (p[WAIT_NAMES].revents) {
		drain(c->names_fd);
		on_names(c);
	}
	if (c->pipe >= 0)
		read_pipe(c);
}

static void loop(struct courier *c)
{
	uint64_t now = courier_now_ms();

	while (!is_done(c, now)) {
		wait_and_serve(c, step(c, now));
		now = courier_now_ms();
	}
	for (uint32_t i = 0; i < COURIER_N_OUTPUTS; i++) {
		page_add(&c->page->out[i].lost, page_get(&c->page->out[i].waiting));
		page_set(&c->page->out[i].waiting, 0);
	}
}

/* start */

static FALLIBLE take_settings(struct courier *c, struct diag *d)
{
	struct control_packet p;
	void *page;

	TRY(control_recv(AGENT_CHILD_FD, false, &p, d));
	if (p.msg.hdr.type != CONTROL_COURIER || pread(p.fds[0], &c->s, sizeof c->s, 0) != (ssize_t)sizeof c->s ||
	    c->s.version != COURIER_SETTINGS_VERSION)
		FAIL(d, FORMAT, "these are no settings");
	TRY(page_map(p.fds[1], sizeof *c->page, COURIER_PAGE_MAGIC, true, &page));
	c->page = page;
	c->pipe = p.n_fds > 2 ? p.fds[2] : -1;
	if (p.n_fds > 3) {
		if (lseek(p.fds[3], 0, SEEK_SET))
			return E_IO;
		TRY(io_read_fd(p.fds[3], "certificates", COURIER_MAX_CERT_BYTES, &c->certificates, &c->certificates_len,
			       d));
		close(p.fds[3]);
	}
	close(p.fds[0]);
	close(p.fds[1]);
	return E_OK;
}

/* Libraries and what they read come before the walls, threads before the last of them. */
static FALLIBLE start(struct courier *c, struct diag *d)
{
	TRY(take_settings(c, d));
	if (c->s.transport)
		TRY(syslog_new(&c->s, &c->page->out[COURIER_SYSLOG], &c->syslog));
	if (c->s.url[0])
		TRY(http_new(&c->s, view_of(c->certificates, c->certificates_len), &c->page->out[COURIER_HTTP],
			     &c->http, d));
	if (c->s.repository[0])
		TRY(transport_open(c->s.repository, true, &c->repository, d));
	TRY(courier_confine(&c->s, d));
	TRY(resolver_new(&c->hosts, &c->hosts_fd));
	TRY(resolver_new(&c->names, &c->names_fd));
	return confine_syscalls(courier_repository_dir(&c->s) ? CONFINE_COURIER_DIR : CONFINE_COURIER, d);
}

int agent_courier(void)
{
	struct courier *c = calloc(1, sizeof *c);
	struct diag d;
	enum err err;

	diag_init(&d);
	(void)prctl(PR_SET_NAME, "sallyport-cou"); /* ps would show "exe" */
	tzset();                                   /* opens a file: gmtime_r would, the first time */
	if (!c || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		_exit(EXIT_HOST);
	err = start(c, &d);
	if (err != E_OK) {
		log_error("courier: cannot start: %s", d.text[0] ? d.text : err_text(err));
		_exit(EXIT_HOST);
	}
	loop(c);
	/* Not exit(): handlers of libraries make calls that the filter kills. */
	_exit(0);
}
