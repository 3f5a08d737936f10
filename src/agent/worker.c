/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker: the process that holds content and judges events.
 *
 * It puts up its own walls first, then takes what it needs from the supervisor, loads content, and goes round one loop:
 * rings, sinks, control socket. Before each program it writes which rule and event it is at into the page, so that
 * whoever survives it can say what killed it.
 */
#include "agent/worker.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>

#include "agent/agent.h"
#include "agent/confine.h"
#include "kern/kern.h"

enum {
	EXIT_HOST = 3,
	BATCH_RECORDS = 1024,
	IDLE_MS = 100,    /* most time between two looks at everything */
	REST_MS = 1,      /* from a wake-up to the look at what woke it */
	DRAIN_MS = 1000,  /* most time to wait for records that are still being written */
	FINISH_MS = 2000, /* most time to wait for slow sinks at the end */
	ALL_HOOKS = KERN_HOOK_ALL,
	EPOLL_RING = 1,
	EPOLL_SOCKET = 8,
	EPOLL_LOADER = 9,
	EPOLL_SINK = 16,
};

/* Descriptors of START. */
enum {
	START_PAGE,
	START_FLIGHT,
	START_PASSWD,
	START_GROUP,
	START_RINGS, /* and what follows them: by its flags */
};

uint64_t worker_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t worker_now_ms(void)
{
	return worker_now_ns() / 1000000;
}

void worker_beat(struct worker *w)
{
	page_add(&w->page->heartbeat, 1);
}

static FALLIBLE watch(struct worker *w, int fd, uint64_t tag)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = tag };

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) ? E_IO : E_OK;
}

/* records */

static void feed(struct worker *w, struct view rec)
{
	struct wire_hdr h;

	if (VIEW_READ(rec, 0, &h) == E_OK) {
		w->record_time_ns = h.time_ns;
		w->record_pid = h.pid;
	}
	if (decode_record(w->decode, rec) != E_OK)
		page_add(&w->page->malformed, 1);
}

/* At most max records. True: there may be more. */
static bool consume(struct worker *w, uint32_t max)
{
	struct view rec;

	for (uint32_t i = 0; i < max; i++) {
		if (!worker_source_next(w, &rec))
			return false;
		worker_record(w, rec);
		feed(w, rec);
	}
	return true;
}

/* control */

static void send_simple(struct worker *w, enum control_type type, uint32_t number)
{
	struct control_packet p;

	control_init(&p, type);
	memcpy(p.msg.u.bytes, &number, sizeof number);
	if (control_send(w->sock, &p) != E_OK)
		w->stop = true;
}

FALLIBLE worker_expect(struct worker *w, struct control_packet *p)
{
	struct diag d;
	enum err err;

	diag_init(&d);
	err = control_recv(w->sock, false, p, &d);
	if (err == E_FORMAT)
		log_error("worker: bad control message: %s", d.text);
	return err;
}

FALLIBLE worker_take_file(struct worker *w, struct control_packet *p)
{
	const struct control_file *f = &p->msg.u.file;
	struct worker_file *to = &w->files[w->n_files];

	if (f->index != w->n_files || w->n_files == CONTROL_MAX_FILES)
		return E_FORMAT;
	memcpy(to->name, f->name, sizeof f->name);
	/* An earlier worker read the same open file. */
	if (lseek(p->fds[0], 0, SEEK_SET) < 0)
		return E_IO;
	TRY(io_read_fd(p->fds[0], f->name, f->bytes, &to->text, &to->len, NULL));
	w->n_files++;
	return E_OK;
}

static void forget_files(struct worker *w)
{
	for (uint32_t i = 0; i < w->n_files; i++)
		free(w->files[i].text);
	w->n_files = 0;
}

/* What the kernel side may leave out. Who records wants everything; who runs out of memory here leaves nothing out. */
static void send_filter(struct worker *w)
{
	struct page_filter *page = &w->page->filter;
	struct control_packet p;
	struct worker_filter f;
	struct arena a;

	arena_init(&a, 64 << 20);
	if (!w->recording && !(w->start.flags & CONTROL_NO_FILTER) && worker_filter(w->set, &a, &f) == E_OK) {
		page->filter = f.filter;
		if (f.n_names) {
			memcpy(page->names, f.names, f.n_names * sizeof *f.names);
			memcpy(page->masks, f.masks, f.n_names * sizeof *f.masks);
		}
		control_init(&p, CONTROL_FILTER);
		p.msg.u.filter.n_names = f.n_names;
		if (control_send(w->sock, &p) != E_OK)
			w->stop = true;
	}
	arena_done(&a);
}

static void send_ready(struct worker *w)
{
	const struct content_set *set = w->set;
	struct control_packet p;

	send_filter(w);
	control_init(&p, CONTROL_READY);
	p.msg.u.ready = (struct control_ready){ .hooks = w->recording ? ALL_HOOKS : content_set_hooks(set),
						.n_rules = set->n_rules,
						.n_programs = set->n_programs,
						.n_warnings = set->n_warnings };
	memcpy(p.msg.u.ready.digest, set->digest, sizeof set->digest);
	if (control_send(w->sock, &p) != E_OK)
		w->stop = true;
}

/* From now on events are judged by this. Returns what was in force before. */
static struct content_set *put_in_force(struct worker *w, struct content_set *set)
{
	struct content_set *old = w->set;

	worker_native_forget(w);
	if (w->decode) {
		w->set = set;
		decode_set_wants(w->decode, content_set_types(set), worker_wants, w);
		worker_want_containers(w);
	}
	w->set = set;
	worker_publish_names(w);
	return old;
}

/* The first rules: nothing is judged before them. */
static int load(struct worker *w, uint32_t n_files)
{
	struct content_set *set = NULL;
	int code;

	worker_set_phase(w, FLIGHT_LOADING);
	code = n_files == w->n_files ? worker_load(w, w->files, w->n_files, &set) : EXIT_HOST;
	forget_files(w);
	worker_set_phase(w, FLIGHT_STARTING);
	if (code)
		send_simple(w, CONTROL_FAILED, (uint32_t)code);
	else
		(void)put_in_force(w, set);
	return code;
}

/* New rules have been judged. What was loaded before stays in force unless all of them are good. */
static void on_loaded(struct worker *w)
{
	struct content_set *set = NULL;
	uint64_t since;
	int code;

	if (!worker_loader_done(w))
		return;
	code = worker_loader_end(w->loader, &set);
	if (code) {
		send_simple(w, CONTROL_FAILED, (uint32_t)code);
		return;
	}
	since = worker_now_ns();
	worker_loader_drop(w->loader, put_in_force(w, set));
	page_set(&w->page->swap_ns, worker_now_ns() - since);
	send_ready(w);
	worker_names_ask(w);
}

/* Outside of the start-up sequence: rotation, new content, stop. */
static void on_control(struct worker *w)
{
	struct control_packet p;
	enum err err = worker_expect(w, &p);

	if (err != E_OK)
		_exit(EXIT_HOST);
	switch ((enum control_type)p.msg.hdr.type) {
	case CONTROL_OUTPUT:
		worker_sink_replace(w, &p.msg.u.output, p.n_fds ? p.fds[0] : -1);
		p.n_fds = 0;
		break;
	case CONTROL_FILE:
		err = worker_take_file(w, &p);
		break;
	case CONTROL_LOAD:
		err = p.msg.u.load.n_files == w->n_files ? worker_loader_begin(w) : E_FORMAT;
		break;
	case CONTROL_NAMES:
		worker_names_take(w, p.fds[0]);
		break;
	case CONTROL_RESCAN:
		worker_rescan_begin(w, p.fds[0]);
		p.n_fds = 0;
		break;
	case CONTROL_CONTAINER:
		worker_container_answer(w, &p);
		break;
	case CONTROL_MUTE:
		worker_mute(w, &p.msg.u.mute, worker_boot_ns() / 1000000000);
		break;
	case CONTROL_CODE:
		worker_native_take(w, p.fds[0]);
		p.n_fds = 0;
		break;
	case CONTROL_EXERCISE:
		worker_loader_exercise(w);
		break;
	case CONTROL_NOTE:
		worker_note(w, &(struct output_note){ .rule = p.msg.u.note.rule, .text = p.msg.u.note.text });
		break;
	case CONTROL_STOP:
		w->stop = true;
		break;
	default:
		err = E_FORMAT;
	}
	control_close_fds(&p);
	if (err != E_OK) {
		log_error("worker: message %u out of order: %s", p.msg.hdr.type, err_text(err));
		_exit(EXIT_HOST);
	}
}

/* start */

static FALLIBLE take_start(struct worker *w)
{
	struct control_packet p;
	uint32_t n = START_RINGS;
	void *page;

	TRY(worker_expect(w, &p));
	if (p.msg.hdr.type != CONTROL_START)
		return E_FORMAT;
	w->start = p.msg.u.start;
	TRY(page_map(p.fds[START_PAGE], sizeof *w->page, PAGE_MAGIC, true, &page));
	w->page = page;
	TRY(worker_flight_map(w, p.fds[START_FLIGHT]));
	TRY(io_read_fd(p.fds[START_PASSWD], "/etc/passwd", 4 << 20, &w->passwd, &w->passwd_len, NULL));
	TRY(io_read_fd(p.fds[START_GROUP], "/etc/group", 4 << 20, &w->group, &w->group_len, NULL));
	if (!worker_is(w, CONTROL_SCRATCH) && !worker_is(w, CONTROL_CAPTURED)) {
		for (uint32_t i = 0; i < WIRE_N_RINGS; i++)
			w->ring_fds[i] = p.fds[START_RINGS + i];
		n += WIRE_N_RINGS;
		TRY(ring_stats_open(p.fds[n], w->start.n_cpus, &w->stats, NULL));
		close(p.fds[n++]);
	}
	if (p.n_fds > n) {
		TRY(page_map(p.fds[n], sizeof *w->courier, COURIER_PAGE_MAGIC, false, &page));
		w->courier = page;
		close(p.fds[n]);
	}
	for (uint32_t i = 0; i < START_RINGS; i++)
		close(p.fds[i]);
	if (!worker_is(w, CONTROL_NATIVE))
		TRY(confine_no_code());
	if (worker_is(w, CONTROL_SHADOW))
		TRY(confine_no_shared_writes());
	for (uint32_t i = 0; i < WIRE_N_RINGS; i++)
		w->consumed_before[i] = page_get(&w->page->consumed[i]);
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++) {
		w->dropped_before[i] = page_get(&w->page->dropped[i]);
		w->sent_before[i] = page_get(&w->page->sent[i]);
	}
	return E_OK;
}

static FALLIBLE take_capture(struct worker *w, const struct control_packet *p)
{
	struct diag d;
	enum err err;

	diag_init(&d);
	err = worker_capture_open(w, p->fds[0], p->msg.u.capture.records_per_s, &d);
	if (err != E_OK)
		log_error("the capture cannot be replayed: %s", d.text[0] ? d.text : err_text(err));
	return err;
}

/* Files and outputs until LOAD, then the verdict: 0 or an exit code. */
static int take_content(struct worker *w)
{
	struct control_packet p;

	for (;;) {
		enum err err = worker_expect(w, &p);

		if (err == E_OK && p.msg.hdr.type == CONTROL_LOAD)
			return load(w, p.msg.u.load.n_files);
		if (err == E_OK && p.msg.hdr.type == CONTROL_FILE) {
			err = worker_take_file(w, &p);
			control_close_fds(&p);
		} else if (err == E_OK && p.msg.hdr.type == CONTROL_CAPTURE && worker_is(w, CONTROL_CAPTURED) &&
			   !w->capture) {
			err = take_capture(w, &p);
		} else if (err == E_OK && p.msg.hdr.type == CONTROL_RECORD && !w->recording) {
			w->recording = true;
			w->record_fd = p.fds[0];
		} else if (err == E_OK && p.msg.hdr.type == CONTROL_MUTE) {
			worker_mute(w, &p.msg.u.mute, worker_boot_ns() / 1000000000);
		} else if (err == E_OK && p.msg.hdr.type == CONTROL_OUTPUT && p.n_fds) {
			err = worker_sink_open(w, &p.msg.u.output, p.fds[0]);
		} else if (err == E_OK) {
			err = E_FORMAT;
		}
		if (err != E_OK) {
			log_error("worker: start-up failed: %s", err_text(err));
			return EXIT_HOST;
		}
	}
}

FALLIBLE worker_decode_new(struct worker *w)
{
	struct decode_opts o = { .table = &template_builtin,
				 .passwd = w->passwd,
				 .passwd_len = w->passwd_len,
				 .group = w->group,
				 .group_len = w->group_len,
				 .names = w->names,
				 .hostname = w->start.hostname,
				 .boot_to_wall_ns = w->start.boot_to_wall_ns,
				 .wants = worker_wants,
				 .wants_user = w,
				 .types = content_set_types(w->set),
				 .late = true,
				 .emit = worker_on_event,
				 .emit_user = w };

	decode_free(TAKE(w->decode));
	if (w->capture)
		worker_capture_decode(w, &o);
	TRY(decode_new(&o, &w->decode));
	worker_want_containers(w);
	return E_OK;
}

/* A shadow's alerts are counted, and that is all. */
static void ignore_alert(void *user, const struct content *c, uint32_t rule, uint32_t set_rule)
{
	(void)user, (void)c, (void)rule, (void)set_rule;
}

static FALLIBLE make_ready(struct worker *w, struct diag *d)
{
	if (worker_is(w, CONTROL_SHADOW))
		w->on_alert = ignore_alert;
	TRY(worker_throttle_new(w, w->start.throttle_per_minute));
	TRY(names_new(&w->names));
	TRY(worker_decode_new(w));
	TRY(worker_record_open(w));
	free(TAKE(w->passwd));
	free(TAKE(w->group));
	TRY(worker_judge_init(w));
	TRY(worker_source_open(w, EPOLL_RING, d));
	TRY(watch(w, worker_loader_fd(w->loader), EPOLL_LOADER));
	return watch(w, w->sock, EPOLL_SOCKET);
}

/* The message that must come now, or STOP, which may always come. */
static FALLIBLE expect_step(struct worker *w, enum control_type type, struct control_packet *p)
{
	TRY(worker_expect(w, p));
	if (p->msg.hdr.type == CONTROL_STOP)
		w->stop = true;
	return w->stop || p->msg.hdr.type == type ? E_OK : E_FORMAT;
}

/* GO: the hooks are attached, so whatever happens from now on is in the rings; then look at what was there before. */
static FALLIBLE scan(struct worker *w)
{
	struct control_packet p;
	uint32_t n;

	TRY(expect_step(w, CONTROL_GO, &p));
	if (w->stop)
		return E_OK;
	worker_set_phase(w, FLIGHT_SCANNING);
	if (!p.n_fds != (w->capture != NULL))
		return E_FORMAT;
	worker_usage_open(w);
	n = w->capture ? 0 : worker_scan(w, p.fds[0]);
	control_close_fds(&p);
	TRY(confine_no_open());
	worker_set_phase(w, FLIGHT_IDLE);
	send_simple(w, CONTROL_SCANNED, n);
	TRY(expect_step(w, CONTROL_RUN, &p));
	return E_OK;
}

/* loop */

struct pulse {
	uint64_t at_ms, events;
};

/* "  syslog 12 sent 1 lost" for each output of the courier that has something to show. */
static void put_courier(const struct worker *w, char *out, size_t max)
{
	static const char *const names[COURIER_N_OUTPUTS] = { [COURIER_SYSLOG] = "syslog", [COURIER_HTTP] = "http" };
	size_t at = 0;

	out[0] = 0;
	for (uint32_t i = 0; w->courier && i < COURIER_N_OUTPUTS && at < max; i++) {
		const struct courier_counts *c = &w->courier->out[i];

		if (page_get(&c->sent))
			at += (size_t)snprintf(out + at, max - at, "  %s %llu sent %llu lost %llu retried", names[i],
					       (unsigned long long)page_get(&c->delivered),
					       (unsigned long long)page_get(&c->lost),
					       (unsigned long long)page_get(&c->retried));
	}
}

static void show_status(struct worker *w, struct pulse *last)
{
	uint64_t now = worker_now_ms(), events = page_get(&w->page->events), lost = 0, ms = now - last->at_ms;
	const uint8_t *dg = w->set->digest;
	struct wire_stats st;
	char text[OUTPUT_STATUS_MAX + 1], courier[160];

	if (ms < 1000)
		return;
	worker_usage(w);
	if (w->stats)
		ring_stats_read(w->stats, &st);
	for (uint32_t i = 0; w->stats && i < WIRE_N_RINGS; i++)
		lost += st.lost[i];
	put_courier(w, courier, sizeof courier);
	(void)snprintf(text, sizeof text,
		       "%llu events/s  %llu alerts  %llu lost%s  %u rules  content %02x%02x%02x%02x%02x%02x",
		       (unsigned long long)((events - last->events) * 1000 / ms),
		       (unsigned long long)page_get(&w->page->alerts), (unsigned long long)lost, courier,
		       w->set->n_rules, dg[0], dg[1], dg[2], dg[3], dg[4], dg[5]);
	worker_sinks_status(w, text);
	*last = (struct pulse){ now, events };
}

/*
 * Let records gather before they are read. A ring wakes its reader for a record that it has caught up to, so without
 * this nearly every record of an exec is a wake-up, which costs whoever made the record more than the record does.
 */
static void rest(const struct worker *w)
{
	struct epoll_event none;

	(void)epoll_wait(w->nothing, &none, 1, REST_MS);
}

static int wait_ms(const struct worker *w)
{
	return worker_source_wait_ms(w, worker_containers_wait_ms(w, IDLE_MS));
}

static void loop(struct worker *w)
{
	struct epoll_event ev[8];
	struct pulse pulse = { 0 };
	bool more = true;

	while (!w->stop) {
		int n = epoll_wait(w->epoll, ev, countof(ev), more ? 0 : wait_ms(w));

		if (n > 0 && !more)
			rest(w);
		worker_beat(w);
		for (int i = 0; i < n; i++) {
			if (ev[i].data.u64 == EPOLL_SOCKET)
				on_control(w);
			else if (ev[i].data.u64 == EPOLL_LOADER)
				on_loaded(w);
			else if (ev[i].data.u64 >= EPOLL_SINK)
				worker_sink_event(w, (uint32_t)ev[i].data.u64 - EPOLL_SINK, ev[i].events);
		}
		worker_native_step(w);
		more = consume(w, BATCH_RECORDS);
		worker_containers_ask(w);
		if (w->rescan) {
			worker_rescan_step(w);
			more = true;
		}
		worker_record_flush(w);
		worker_throttle_tick(w, worker_boot_ns());
		show_status(w, &pulse);
		worker_sinks_flush(w);
	}
}

static void finish(struct worker *w)
{
	uint64_t until = worker_now_ms() + DRAIN_MS;
	struct epoll_event ev;

	worker_set_phase(w, FLIGHT_DRAINING);
	do {
		while (w->ring && consume(w, BATCH_RECORDS))
			worker_beat(w);
		worker_sinks_flush(w);
		if (worker_source_drained(w))
			break;
		(void)epoll_wait(w->epoll, &ev, 1, 5);
	} while (worker_now_ms() < until);
	worker_record_end(w);
	worker_sinks_finish(w, FINISH_MS);
	send_simple(w, CONTROL_FINAL, 0);
}

static int run(struct worker *w)
{
	struct diag d;
	enum err err;
	int code;

	diag_init(&d);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->nothing = epoll_create1(EPOLL_CLOEXEC);
	w->statm = -1;
	w->files = calloc(CONTROL_MAX_FILES, sizeof *w->files);
	if (w->epoll < 0 || w->nothing < 0 || !w->files || take_start(w) != E_OK)
		return EXIT_HOST;
	code = take_content(w);
	if (code)
		return code;
	if (worker_is(w, CONTROL_SCRATCH))
		return worker_scratch(w) == E_OK ? 0 : EXIT_HOST;
	err = worker_is(w, CONTROL_CAPTURED) && !w->capture ? E_FORMAT : make_ready(w, &d);
	if (err == E_OK) {
		send_ready(w);
		worker_names_ask(w);
		err = scan(w);
	}
	if (err != E_OK) {
		log_error("worker: cannot start: %s", d.text[0] ? d.text : err_text(err));
		send_simple(w, CONTROL_FAILED, EXIT_HOST);
		return EXIT_HOST;
	}
	loop(w);
	worker_rescan_end(w);
	finish(w);
	return 0;
}

/* The walls, and before the last of them the second thread. */
static FALLIBLE confine(struct worker *w, uint64_t memory_bytes, struct diag *d)
{
	TRY(confine_memory(memory_bytes));
	TRY(confine_privileges("/proc", CONFINE_ID, d));
	TRY(worker_loader_new(w));
	TRY(confine_no_threads());
	return confine_syscalls(CONFINE_WORKER, d);
}

int agent_worker(int argc, char **argv)
{
	uint64_t mib = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	struct worker *w = calloc(1, sizeof *w);
	struct diag d;

	diag_init(&d);
	if (mib < 16 || mib > 1 << 20) {
		log_error("worker: started without its arguments; this is not a command for people");
		return 2;
	}
	(void)prctl(PR_SET_NAME, "sallyport-wrk"); /* ps would show "exe" */
	tzset();                                   /* opens a file: gmtime_r would, the first time */
	if (!w || signal(SIGPIPE, SIG_IGN) == SIG_ERR || confine(w, mib << 20, &d) != E_OK) {
		log_error("worker: cannot be confined, so it does not start: %s", d.text);
		_exit(EXIT_HOST);
	}
	w->sock = AGENT_CHILD_FD;
	/* Not exit(): handlers of the C library and of run-time checks make calls that the filter kills. */
	_exit(run(w));
}
