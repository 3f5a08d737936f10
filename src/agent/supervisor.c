/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor: owns the kernel side and the files, keeps one worker alive, and says so when it did not.
 *
 * A worker may die at any instant. The programs stay attached and the rings keep what they hold, with the position
 * behind the record that killed it; the next worker goes on from there. Nothing that a worker says or leaves behind is
 * believed, only counted and printed.
 */
#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "sensor/bpf/bpf.h"

enum {
	EXIT_OK = 0,
	EXIT_REFUSED = 1,
	EXIT_HOST = 3,
	TICK_MS = 500,
	LOAD_TIMEOUT_MS = 60000, /* from start to READY, and for the scan */
	STOP_TIMEOUT_MS = 6000,
	START_ATTEMPTS = 3, /* of a worker that never came up */
	QUICK_RESTARTS = 3, /* without delay */
	BACKOFF_MS = 100,
	BACKOFF_MAX_MS = 10000,
	CALM_MS = 60000, /* without a death: the count starts again */
};

enum state { DOWN, LOADING, SCANNING, WATCHING, STOPPING };

/* From the death of a worker until its successor watches. */
struct gap {
	uint64_t since_ns; /* 0: there is none */
	uint64_t lost_before;
	uint32_t deaths;
	char what[256];
};

struct supervisor {
	const struct agent_opts *o;
	struct kern *kern;
	struct ring_stats *stats;
	struct page *page;
	int page_fd, signals;
	struct sealed_files *files, *next_files; /* in force; being judged by the worker */
	struct super_sinks sinks;
	struct worker_cgroup cgroup;
	struct child child;
	enum state state;
	uint64_t since_ms; /* in this state */
	uint64_t started_ms, restart_ms;
	uint64_t beat, beat_ns, beat_lost; /* last heartbeat, when it was seen, what was lost by then */
	struct gap gap;
	uint32_t recent_deaths, failed_starts;
	uint64_t last_death_ms;
	struct control_ready ready;
	int record_fd; /* 0: nothing is recorded */
	bool ever_watched, done;
	int exit_code, refused; /* refused: what the worker answered with FAILED, or 0 */
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_ms(void)
{
	return now_ns(CLOCK_MONOTONIC) / 1000000;
}

static void enter(struct supervisor *s, enum state state)
{
	s->state = state;
	s->since_ms = now_ms();
}

struct totals {
	uint64_t produced, lost, consumed;
};

static struct totals totals(const struct supervisor *s)
{
	struct totals t = { 0 };
	struct wire_stats st;

	ring_stats_read(s->stats, &st);
	for (uint32_t i = 0; i < WIRE_N_RINGS; i++) {
		t.produced += st.produced[i];
		t.lost += st.lost[i];
		t.consumed += page_get(&s->page->consumed[i]);
	}
	return t;
}

static void saw_beat(struct supervisor *s)
{
	s->beat = page_get(&s->page->heartbeat);
	s->beat_ns = now_ns(CLOCK_MONOTONIC);
	s->beat_lost = totals(s).lost;
}

/* worker: starting */

static FALLIBLE send_start(struct supervisor *s)
{
	struct control_packet p;
	int passwd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	enum err err;

	if (passwd < 0)
		passwd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (passwd < 0)
		return E_IO;
	control_init(&p, CONTROL_START);
	p.msg.u.start = (struct control_start){
		.flags = (s->o->config->matching == CONFIG_ALL ? CONTROL_ALL_MATCHES : 0u) |
			 (s->o->config->strict_falco ? CONTROL_STRICT_FALCO : 0u) |
			 (s->o->colour_stderr ? CONTROL_COLOUR : 0u),
		.n_cpus = kern_n_cpus(s->kern),
		.boot_to_wall_ns = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_BOOTTIME),
	};
	memcpy(p.msg.u.start.hostname, s->sinks.hostname, sizeof p.msg.u.start.hostname);
	for (uint32_t i = 0; i < WIRE_N_RINGS; i++) {
		p.msg.u.start.ring_bytes[i] = kern_ring_bytes(s->kern, i);
		p.fds[p.n_fds++] = kern_ring_fd(s->kern, i);
	}
	p.fds[p.n_fds++] = kern_stats_fd(s->kern);
	p.fds[p.n_fds++] = s->page_fd;
	p.fds[p.n_fds++] = passwd;
	err = control_send(s->child.sock, &p);
	close(passwd);
	return err;
}

static FALLIBLE send_files(struct supervisor *s, const struct sealed_files *files)
{
	struct control_packet p;

	for (uint32_t i = 0; i < files->n; i++) {
		control_init(&p, CONTROL_FILE);
		p.msg.u.file = (struct control_file){ .index = i, .bytes = files->file[i].bytes };
		memcpy(p.msg.u.file.name, files->file[i].name, sizeof p.msg.u.file.name);
		p.fds[p.n_fds++] = files->file[i].fd;
		TRY(control_send(s->child.sock, &p));
	}
	control_init(&p, CONTROL_LOAD);
	p.msg.u.load.n_files = files->n;
	return control_send(s->child.sock, &p);
}

static FALLIBLE send_output(struct supervisor *s, uint32_t index, bool with_fd)
{
	const struct super_sink *k = &s->sinks.sink[index];
	struct control_packet p;

	control_init(&p, CONTROL_OUTPUT);
	p.msg.u.output = (struct control_output){
		.index = index, .format = k->format, .max_bytes = k->max_bytes, .have_bytes = k->have_bytes
	};
	if (with_fd)
		p.fds[p.n_fds++] = k->fd;
	return control_send(s->child.sock, &p);
}

static FALLIBLE send_outputs(struct supervisor *s)
{
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++)
		if (s->sinks.sink[i].fd >= 0)
			TRY(send_output(s, i, true));
	return E_OK;
}

static FALLIBLE send_record(struct supervisor *s)
{
	struct control_packet p;

	if (s->record_fd <= 0)
		return E_OK;
	control_init(&p, CONTROL_RECORD);
	p.fds[p.n_fds++] = s->record_fd;
	return control_send(s->child.sock, &p);
}

static FALLIBLE send_simple(struct supervisor *s, enum control_type type)
{
	struct control_packet p;

	control_init(&p, type);
	return control_send(s->child.sock, &p);
}

static void kill_worker(struct supervisor *s, const char *why)
{
	if (s->child.pid <= 0 || s->child.killed)
		return;
	s->child.killed = true;
	log_error("killing the worker: %s pid=%d", why, (int)s->child.pid);
	(void)kill(s->child.pid, SIGKILL);
}

static void start_worker(struct supervisor *s)
{
	struct diag d;

	diag_init(&d);
	if (child_spawn(&s->cgroup, s->o->config->worker_memory_mib, &s->child, &d) != E_OK) {
		log_error("%s", d.text);
		s->restart_ms = now_ms() + BACKOFF_MAX_MS;
		return;
	}
	enter(s, LOADING);
	s->refused = 0;
	/* A worker that dies over this is noticed by its death. */
	if (send_start(s) != E_OK || send_outputs(s) != E_OK || send_record(s) != E_OK ||
	    send_files(s, s->files) != E_OK)
		log_warning("the worker does not take its start-up messages error=\"%s\"", strerror(errno));
}

/* worker: its messages */

static void report_gap(struct supervisor *s)
{
	static const char *const keys[] = { "blind_ns", "deaths", "lost" };
	uint64_t values[3] = { now_ns(CLOCK_MONOTONIC) - s->gap.since_ns, s->gap.deaths,
			       totals(s).lost - s->gap.lost_before };
	char text[512];
	struct output_note n = { .rule = "Sallyport internal: worker restarted",
				 .text = text,
				 .keys = keys,
				 .values = values,
				 .n = countof(keys) };

	(void)snprintf(text, sizeof text, "%s; blind for %.2f s; %llu records lost in the gap", s->gap.what,
		       (double)values[0] / 1e9, (unsigned long long)values[2]);
	log_warning("%s", text);
	super_sinks_note(&s->sinks, &n, page_get(&s->page->mid_line));
	page_set(&s->page->mid_line, 0);
	s->gap = (struct gap){ 0 };
}

static void say_watching(const struct supervisor *s, uint32_t n_procs)
{
	const uint8_t *h = s->ready.digest;

	log_info("watching rules=%u programs=%u processes=%u hooks=0x%x content=%02x%02x%02x%02x%02x%02x",
		 s->ready.n_rules, s->ready.n_programs, n_procs, s->ready.hooks, h[0], h[1], h[2], h[3], h[4], h[5]);
}

static void on_ready(struct supervisor *s, const struct control_ready *r)
{
	struct control_packet p;
	struct diag d;
	int iter = -1;

	diag_init(&d);
	s->ready = *r;
	/* A worker asks for hooks; it cannot ask for more than there are. */
	if (kern_attach(s->kern, (r->hooks & KERN_HOOK_ALL) | KERN_HOOK_PROCESS, &d) != E_OK ||
	    kern_iter_open(s->kern, &iter, &d) != E_OK) {
		log_error("the kernel refuses what the rules need: %s%s%s", d.text, d.hint[0] ? "; " : "", d.hint);
		s->refused = EXIT_HOST;
		kill_worker(s, "it cannot be given events");
		return;
	}
	control_init(&p, CONTROL_GO);
	p.fds[p.n_fds++] = iter;
	if (control_send(s->child.sock, &p) != E_OK)
		kill_worker(s, "it does not take messages");
	close(iter);
	enter(s, SCANNING);
}

static void on_scanned(struct supervisor *s, uint32_t n_procs)
{
	if (s->gap.since_ns)
		report_gap(s);
	if (send_simple(s, CONTROL_RUN) != E_OK)
		kill_worker(s, "it does not take messages");
	say_watching(s, n_procs);
	s->ever_watched = true;
	saw_beat(s);
	enter(s, WATCHING);
}

static void drop_next_files(struct supervisor *s)
{
	sealed_files_close(s->next_files);
	free(TAKE(s->next_files));
}

static void on_reloaded(struct supervisor *s, const struct control_ready *r)
{
	struct diag d;

	diag_init(&d);
	if (kern_attach(s->kern, (r->hooks & KERN_HOOK_ALL) | KERN_HOOK_PROCESS, &d) != E_OK)
		log_error("the kernel refuses what the new rules need, some will not fire: %s", d.text);
	s->ready = *r;
	sealed_files_close(s->files);
	free(s->files);
	s->files = TAKE(s->next_files);
	log_info("rules reloaded rules=%u programs=%u", r->n_rules, r->n_programs);
}

static void begin_stop(struct supervisor *s);

static void on_gone(struct supervisor *s, uint32_t index, uint32_t error)
{
	struct super_sink *k = &s->sinks.sink[index];

	if (k->fd < 0)
		return;
	log_warning("an output is gone index=%u error=\"%s\"", index, strerror((int)error));
	output_free(k->out);
	close(k->fd);
	*k = (struct super_sink){ .fd = -1 };
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++)
		if (s->sinks.sink[i].fd >= 0)
			return;
	log_warning("no output is left: stopping");
	begin_stop(s);
}

static void on_rotate(struct supervisor *s, uint32_t index)
{
	enum err err = s->sinks.sink[index].fd >= 0 ? super_sink_rotate(&s->sinks.sink[index], now_ms()) : E_LIMIT;

	/* E_LIMIT: it asked too soon, and will again. */
	if (err == E_IO)
		log_warning("the alert file cannot be rotated, it goes on growing index=%u error=\"%s\"", index,
			    strerror(errno));
	if (send_output(s, index, err == E_OK) != E_OK)
		kill_worker(s, "it does not take messages");
}

/* False: nothing that is allowed in this state. */
static bool dispatch(struct supervisor *s, const struct control_msg *m)
{
	bool reloading = s->state == WATCHING && s->next_files;

	switch ((enum control_type)m->hdr.type) {
	case CONTROL_READY:
		if (s->state == LOADING)
			on_ready(s, &m->u.ready);
		else if (reloading)
			on_reloaded(s, &m->u.ready);
		return s->state == SCANNING || s->state == LOADING || s->state == STOPPING || reloading;
	case CONTROL_FAILED:
		if (reloading) {
			log_error("the new rules are refused, the old ones stay in force");
			drop_next_files(s);
			return true;
		}
		s->refused = (int)m->u.failed.exit_code;
		return true;
	case CONTROL_SCANNED:
		if (s->state == SCANNING)
			on_scanned(s, m->u.scanned.n_procs);
		return s->state == WATCHING || s->state == STOPPING;
	case CONTROL_GONE:
		on_gone(s, m->u.which.index, m->u.which.error);
		return true;
	case CONTROL_ROTATE:
		on_rotate(s, m->u.which.index);
		return true;
	case CONTROL_FINAL:
		return s->state == STOPPING;
	default:
		return false;
	}
}

static void on_message(struct supervisor *s)
{
	struct control_packet p;
	struct diag d;
	enum err err;

	diag_init(&d);
	err = control_recv(s->child.sock, true, &p, &d);
	if (err == E_NOT_FOUND)
		return;
	if (err != E_OK) {
		/* E_TRUNCATED: it is dead or about to be; its pidfd says so. */
		if (err != E_TRUNCATED)
			kill_worker(s, d.text);
		close(s->child.sock);
		s->child.sock = -1;
		return;
	}
	if (!dispatch(s, &p.msg))
		kill_worker(s, "it sent a message that does not belong here");
	control_close_fds(&p);
}

/* worker: its death */

/* What it was doing, from the page: its bytes are the worker's, so they are cut and made safe. */
static void describe_work(const struct supervisor *s, char *out, size_t max)
{
	static const char *const doing[] = {
		[PAGE_STARTING] = "while starting",
		[PAGE_LOADING] = "while loading content",
		[PAGE_SCANNING] = "while looking at running processes",
		[PAGE_IDLE] = "between two events",
		[PAGE_DRAINING] = "while draining",
	};
	uint32_t phase = atomic_load_explicit(&s->page->phase, memory_order_relaxed);
	uint64_t rule = page_get(&s->page->rule);
	char name[PAGE_NAME_BYTES];
	struct buf safe;

	if (phase != PAGE_JUDGING) {
		(void)snprintf(out, max, "%s",
			       phase < countof(doing) && doing[phase] ? doing[phase] : "in an unknown state");
		return;
	}
	buf_init(&safe, 1024);
	memcpy(name, s->page->names[rule < PAGE_MAX_RULES ? rule : 0], sizeof name);
	buf_put_safe(&safe, name, strnlen(name, sizeof name));
	(void)snprintf(out, max, "while judging rule \"%s\" on event %llu",
		       rule < PAGE_MAX_RULES && safe.p ? safe.p : "?", (unsigned long long)page_get(&s->page->event));
	buf_done(&safe);
}

static void describe_death(const struct supervisor *s, const siginfo_t *si, char *out, size_t max)
{
	char work[200];

	describe_work(s, work, sizeof work);
	if (si->si_code == CLD_EXITED)
		(void)snprintf(out, max, "worker ended (exit %d) %s", si->si_status, work);
	else
		(void)snprintf(out, max, "worker died (signal %d) %s", si->si_status, work);
}

/* How long to wait before the next start. */
static uint64_t backoff_ms(struct supervisor *s, uint64_t now)
{
	uint32_t steps;

	if (now - s->last_death_ms > CALM_MS)
		s->recent_deaths = 0;
	s->last_death_ms = now;
	s->recent_deaths++;
	if (s->recent_deaths <= QUICK_RESTARTS)
		return 0;
	steps = s->recent_deaths - QUICK_RESTARTS - 1;
	return steps < 7 ? BACKOFF_MS << steps : BACKOFF_MAX_MS;
}

static void say_down(struct supervisor *s, uint64_t delay_ms)
{
	static const char *const keys[] = { "deaths", "next_start_ms" };
	uint64_t values[] = { s->recent_deaths, delay_ms };
	char text[400];
	struct output_note n = { .rule = "Sallyport internal: worker down",
				 .text = text,
				 .keys = keys,
				 .values = values,
				 .n = countof(keys) };

	(void)snprintf(text, sizeof text, "%s; it died %u times lately, the next start is in %.1f s", s->gap.what,
		       s->recent_deaths, (double)delay_ms / 1e3);
	log_error("%s", text);
	super_sinks_note(&s->sinks, &n, page_get(&s->page->mid_line));
	page_set(&s->page->mid_line, 0);
}

static void open_gap(struct supervisor *s, const char *what, bool hung)
{
	if (!s->gap.since_ns) {
		s->gap.since_ns = hung ? s->beat_ns : now_ns(CLOCK_MONOTONIC);
		s->gap.lost_before = hung ? s->beat_lost : totals(s).lost;
		(void)snprintf(s->gap.what, sizeof s->gap.what, "%s", what);
	}
	s->gap.deaths++;
}

static bool is_hung(const struct supervisor *s)
{
	return s->state == WATCHING &&
	       now_ns(CLOCK_MONOTONIC) - s->beat_ns > (uint64_t)s->o->config->worker_watchdog_s * 1000000000;
}

/* A worker that never came up: the rules are bad, or this host is. */
static void on_failed_start(struct supervisor *s, const char *what)
{
	if (s->refused) {
		s->exit_code = s->refused;
		s->done = true;
		return;
	}
	log_error("%s", what);
	if (++s->failed_starts < START_ATTEMPTS)
		return;
	log_error("giving up: no worker came up in %d attempts, nothing is watched", START_ATTEMPTS);
	s->exit_code = EXIT_HOST;
	s->done = true;
}

static void on_death(struct supervisor *s)
{
	uint64_t now = now_ms(), delay;
	bool stopping = s->state == STOPPING, hung = is_hung(s);
	siginfo_t si = { 0 };
	char what[256];

	if (waitid(P_PIDFD, (id_t)s->child.pidfd, &si, WEXITED | WNOHANG) || !si.si_pid)
		return;
	describe_death(s, &si, what, sizeof what);
	/* Alerts that it had not written are gone with it. */
	page_add(&s->page->dropped_alerts, page_get(&s->page->waiting_alerts));
	page_set(&s->page->waiting_alerts, 0);
	child_forget(&s->child);
	enter(s, DOWN);
	s->restart_ms = now;
	if (stopping) {
		if (si.si_code != CLD_EXITED || si.si_status)
			log_warning("%s; it did not stop in order", what);
		s->done = true;
		return;
	}
	if (!s->ever_watched) {
		on_failed_start(s, what);
		return;
	}
	if (s->record_fd > 0) {
		log_error("%s; the capture ends there, a new worker cannot go on with it", what);
		s->exit_code = EXIT_HOST;
		s->done = true;
		return;
	}
	if (s->next_files) {
		log_error("the worker died over the new rules, the old ones stay in force");
		drop_next_files(s);
	}
	open_gap(s, what, hung);
	delay = backoff_ms(s, now);
	s->restart_ms = now + delay;
	if (delay)
		say_down(s, delay);
}

/* signals and time */

static void begin_stop(struct supervisor *s)
{
	struct diag d;

	if (s->state == STOPPING)
		return;
	if (s->state == DOWN) {
		s->done = true;
		return;
	}
	diag_init(&d);
	if (kern_attach(s->kern, 0, &d) != E_OK)
		log_warning("hooks cannot be detached: %s", d.text);
	if (send_simple(s, CONTROL_STOP) != E_OK)
		kill_worker(s, "it does not take messages");
	enter(s, STOPPING);
}

/* Rules are read again; the worker judges them and goes on with the old ones if they are refused. */
static void reload(struct supervisor *s)
{
	const struct config *c = s->o->config;
	struct diag d;

	diag_init(&d);
	if (s->state != WATCHING || s->next_files) {
		log_warning("not reloading now: the worker is busy");
		return;
	}
	s->next_files = calloc(1, sizeof *s->next_files);
	if (!s->next_files)
		return;
	if (sealed_files_open(c->rules, c->n_rules, s->next_files, &d) != E_OK) {
		log_error("rules are not reloaded: %s", d.text);
		drop_next_files(s);
		return;
	}
	if (send_files(s, s->next_files) != E_OK)
		kill_worker(s, "it does not take messages");
}

static void on_signal(struct supervisor *s)
{
	struct signalfd_siginfo si;

	if (read(s->signals, &si, sizeof si) != sizeof si)
		return;
	if (si.ssi_signo == SIGHUP)
		reload(s);
	else if (s->state == STOPPING)
		kill_worker(s, "asked to stop twice");
	else
		begin_stop(s);
}

static void check_record(struct supervisor *s)
{
	if (s->state != WATCHING || s->record_fd <= 0 || page_get(&s->page->recorded) != PAGE_RECORD_FAILED)
		return;
	begin_stop(s);
}

static void on_time(struct supervisor *s)
{
	uint64_t now = now_ms(), in_state = now - s->since_ms;

	check_record(s);
	if (s->o->duration_ms && now - s->started_ms >= s->o->duration_ms && s->state == WATCHING) {
		begin_stop(s);
		return;
	}
	switch (s->state) {
	case DOWN:
		if (!s->done && now >= s->restart_ms)
			start_worker(s);
		return;
	case LOADING:
	case SCANNING:
		if (in_state > LOAD_TIMEOUT_MS)
			kill_worker(s, "it does not get ready");
		return;
	case WATCHING:
		/* While it judges new rules it does not beat for each event: that has a limit of its own. */
		if (page_get(&s->page->heartbeat) != s->beat)
			saw_beat(s);
		else if (is_hung(s) &&
			 !(s->next_files && now_ns(CLOCK_MONOTONIC) - s->beat_ns < LOAD_TIMEOUT_MS * 1000000ull))
			kill_worker(s, "it hangs");
		return;
	case STOPPING:
		if (in_state > STOP_TIMEOUT_MS)
			kill_worker(s, "it does not stop");
		return;
	}
}

static int wait_ms(const struct supervisor *s)
{
	uint64_t now = now_ms(), end = s->started_ms + s->o->duration_ms, wait = TICK_MS;

	if (s->state == DOWN)
		wait = s->restart_ms > now ? s->restart_ms - now : 0;
	if (s->o->duration_ms && s->state == WATCHING && end < now + wait)
		wait = end > now ? end - now : 0;
	return (int)(wait < TICK_MS ? wait : TICK_MS);
}

static void loop(struct supervisor *s)
{
	while (!s->done) {
		struct pollfd p[3] = { { .fd = s->signals, .events = POLLIN },
				       { .fd = s->child.sock, .events = POLLIN },
				       { .fd = s->child.pidfd, .events = POLLIN } };

		if (poll(p, countof(p), wait_ms(s)) > 0) {
			if (p[1].revents)
				on_message(s);
			/* Its last messages are read before its death counts. */
			if (p[2].revents && !(p[1].revents & POLLIN))
				on_death(s);
			if (p[0].revents)
				on_signal(s);
		}
		on_time(s);
	}
}

/* all of it */

static FALLIBLE block_signals(int *out)
{
	sigset_t set;

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return E_IO;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return E_IO;
	*out = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *out < 0 ? E_IO : E_OK;
}

static FALLIBLE open_record(struct supervisor *s, struct diag *d)
{
	const char *path = s->o->record;
	struct stat st;

	if (!path)
		return E_OK;
	s->record_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	if (s->record_fd < 0)
		FAIL(d, IO, "cannot write a capture to '%s': %s", path, strerror(errno));
	if (fstat(s->record_fd, &st) || !S_ISREG(st.st_mode))
		FAIL(d, IO, "cannot write a capture to '%s': not a regular file", path);
	if (ftruncate(s->record_fd, 0))
		FAIL(d, IO, "cannot write a capture to '%s': %s", path, strerror(errno));
	return E_OK;
}

static FALLIBLE set_up(struct supervisor *s, struct diag *d)
{
	const struct config *c = s->o->config;
	struct kern_opts ko = { .object =
					view_of(sensor_bpf_object, (size_t)(sensor_bpf_object_end - sensor_bpf_object)),
				.reserved_bytes = c->reserved_kib << 10,
				.bulk_bytes = c->bulk_kib << 10 };

	s->files = calloc(1, sizeof *s->files);
	if (!s->files)
		return E_NOMEM;
	log_clears_line(s->o->colour && c->stdout_format == CONFIG_AUTO && isatty(STDERR_FILENO));
	if (c->n_rules || !s->o->record)
		TRY(sealed_files_open(c->rules, c->n_rules, s->files, d));
	TRY(open_record(s, d));
	TRY(super_sinks_open(s->o, &s->sinks, d));
	if (page_new(&s->page_fd, &s->page) != E_OK || block_signals(&s->signals) != E_OK)
		FAIL(d, HOST, "cannot set up: %s", strerror(errno));
	TRY(kern_open(&ko, &s->kern, d));
	TRY(ring_stats_open(kern_stats_fd(s->kern), kern_n_cpus(s->kern), &s->stats, d));
	worker_cgroup_make(&s->cgroup, (uint64_t)c->worker_memory_mib << 20, c->worker_cpu_percent);
	if (!s->cgroup.memory || !s->cgroup.cpu)
		log_info("no cgroup bounds the worker's %s here, its resource limits do",
			 s->cgroup.memory ? "CPU time"
			 : s->cgroup.cpu  ? "memory"
					  : "memory and CPU time");
	return E_OK;
}

static void tear_down(struct supervisor *s)
{
	worker_cgroup_remove(&s->cgroup);
	ring_stats_close(s->stats);
	kern_close(s->kern);
	page_unmap(s->page);
	super_sinks_close(&s->sinks);
	if (s->files)
		sealed_files_close(s->files);
	free(s->files);
	if (s->next_files)
		drop_next_files(s);
	if (s->record_fd > 0)
		close(s->record_fd);
	if (s->page_fd > 0)
		close(s->page_fd);
	if (s->signals > 0)
		close(s->signals);
}

/* A contract: scripts read this line. */
static void say_stopped(const struct supervisor *s)
{
	struct totals t = totals(s);
	char line[320];
	int n = snprintf(line, sizeof line,
			 "sallyport: stopped events=%llu alerts=%llu lost=%llu produced=%llu consumed=%llu "
			 "dropped_alerts=%llu\n",
			 (unsigned long long)page_get(&s->page->events), (unsigned long long)page_get(&s->page->alerts),
			 (unsigned long long)t.lost, (unsigned long long)t.produced, (unsigned long long)t.consumed,
			 (unsigned long long)page_get(&s->page->dropped_alerts));

	if (t.produced - t.lost > t.consumed)
		log_warning("the worker did not drain the rings: records were not judged count=%llu",
			    (unsigned long long)(t.produced - t.lost - t.consumed));

	(void)!write(STDERR_FILENO, line, (size_t)n);
}

/* A contract, as the line before. */
static void say_recorded(struct supervisor *s)
{
	uint64_t n = page_get(&s->page->recorded);
	struct stat st = { 0 };

	if (n == PAGE_RECORD_FAILED) {
		s->exit_code = EXIT_HOST;
		return;
	}
	(void)fstat(s->record_fd, &st);
	(void)fprintf(stderr, "sallyport: recorded records=%llu bytes=%llu\n", (unsigned long long)n,
		      (unsigned long long)st.st_size);
}

int agent_run(const struct agent_opts *o)
{
	struct supervisor s = { .o = o,
				.child = { .pidfd = -1, .sock = -1 },
				.sinks = { .sink = { { .fd = -1 }, { .fd = -1 } } } };
	struct buf text;
	struct diag d;
	enum err err;

	diag_init(&d);
	err = set_up(&s, &d);
	if (err != E_OK) {
		buf_init(&text, 4096);
		if (!d.text[0])
			err = diag_fail(&d, err, 0, 0, __FILE__, __LINE__, "cannot start: %s", err_text(err));
		if (!d.pos.file && !d.subject)
			buf_puts(&text, "sallyport: ");
		diag_render(&text, &d, o->colour_stderr);
		(void)!write(STDERR_FILENO, text.p, text.len);
		buf_done(&text);
		s.exit_code = err == E_HOST || err == E_NOMEM || err == E_BUG ? EXIT_HOST : EXIT_REFUSED;
	} else {
		s.started_ms = now_ms();
		loop(&s);
		if (s.ever_watched)
			say_stopped(&s);
		if (o->record && s.ever_watched)
			say_recorded(&s);
	}
	tear_down(&s);
	return s.exit_code;
}
