/* SPDX-License-Identifier: Apache-2.0 */
/* super_worker: talking to the worker: what it needs to start, what it says, new rules for it. */
#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>

enum { RETRY_MS = 10000, RESCAN_MS = 10000, WORKER_NICE = -10, ALL_HOOKS = KERN_HOOK_ALL };

/* A host may do without the file. */
static int open_or_null(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static FALLIBLE send_start(struct supervisor *s)
{
	struct control_packet p;
	int passwd = open_or_null("/etc/passwd"), group = open_or_null("/etc/group");
	enum err err = E_IO;

	control_init(&p, CONTROL_START);
	p.msg.u.start = (struct control_start){
		.flags = (s->o->config->matching == CONFIG_ALL ? CONTROL_ALL_MATCHES : 0u) |
			 (s->o->config->strict_falco ? CONTROL_STRICT_FALCO : 0u) |
			 (s->o->config->kernel_filters ? 0u : CONTROL_NO_FILTER) |
			 (s->o->bundles ? CONTROL_BUNDLES : 0u) | (s->o->colour_stderr ? CONTROL_COLOUR : 0u),
		.n_cpus = kern_n_cpus(s->kern),
		.boot_to_wall_ns = super_now_ns(CLOCK_REALTIME) - super_now_ns(CLOCK_BOOTTIME),
	};
	memcpy(p.msg.u.start.hostname, s->sinks.hostname, sizeof p.msg.u.start.hostname);
	for (uint32_t i = 0; i < WIRE_N_RINGS; i++) {
		p.msg.u.start.ring_bytes[i] = kern_ring_bytes(s->kern, i);
		p.fds[p.n_fds++] = kern_ring_fd(s->kern, i);
	}
	p.fds[p.n_fds++] = kern_stats_fd(s->kern);
	p.fds[p.n_fds++] = s->page_fd;
	p.fds[p.n_fds++] = passwd;
	p.fds[p.n_fds++] = group;
	if (s->courier.page_fd >= 0)
		p.fds[p.n_fds++] = s->courier.page_fd;
	if (passwd >= 0 && group >= 0)
		err = control_send(s->child.sock, &p);
	close(passwd);
	close(group);
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

void super_worker_start(struct supervisor *s)
{
	/* It empties a bounded buffer: late is lost. Its CPU time is bounded by the cgroup. */
	struct child_opts o = { .name = "worker", .arg = AGENT_WORKER_ARG, .cgroup = &s->cgroup, .nice = WORKER_NICE };
	char memory[16];
	struct diag d;

	diag_init(&d);
	(void)snprintf(memory, sizeof memory, "%u", s->o->config->worker_memory_mib);
	o.arg2 = memory;
	if (child_spawn(&o, &s->child, &d) != E_OK) {
		log_error("%s", d.text);
		s->restart_ms = super_now_ms() + RETRY_MS;
		return;
	}
	super_enter(s, LOADING);
	s->refused = 0;
	s->has_filter = false;
	/* A worker that dies over this is noticed by its death. */
	if (send_start(s) != E_OK || send_outputs(s) != E_OK || send_record(s) != E_OK ||
	    send_files(s, s->files) != E_OK)
		log_warning("the worker does not take its start-up messages error=\"%s\"", strerror(errno));
}

/* worker: its messages */

static void say_watching(const struct supervisor *s, uint32_t n_procs)
{
	const uint8_t *h = s->ready.digest;

	log_info("watching rules=%u programs=%u processes=%u hooks=0x%x content=%02x%02x%02x%02x%02x%02x",
		 s->ready.n_rules, s->ready.n_programs, n_procs, s->ready.hooks, h[0], h[1], h[2], h[3], h[4], h[5]);
}

/* The worker can change the page at any time: what is judged and used is a copy. */
static void on_filter(struct supervisor *s, uint32_t n_names)
{
	memcpy(s->filter, &s->page->filter, sizeof *s->filter);
	s->n_filter_names = n_names;
	s->has_filter = true;
}

/* Hooks and filter of the content that READY is about. A worker cannot ask for more hooks than there are. */
static FALLIBLE attach_content(struct supervisor *s, const struct control_ready *r, struct diag *d)
{
	const struct page_filter *f = s->filter;
	bool has = s->has_filter;

	s->has_filter = false;
	TRY(kern_attach(s->kern, (r->hooks & ALL_HOOKS) | KERN_HOOK_PROCESS, d));
	return kern_filter_swap(s->kern, has ? &f->filter : NULL, f->names, f->masks, has ? s->n_filter_names : 0, d);
}

static void on_ready(struct supervisor *s, const struct control_ready *r)
{
	struct diag d;
	int iter = -1;

	diag_init(&d);
	s->ready = *r;
	if (attach_content(s, r, &d) != E_OK || kern_iter_open(s->kern, &iter, &d) != E_OK) {
		log_error("the kernel refuses what the rules need: %s%s%s", d.text, d.hint[0] ? "; " : "", d.hint);
		s->refused = EXIT_HOST;
		child_kill(&s->child, "it cannot be given events");
		return;
	}
	s->lost_scanned = super_totals(s).lost;
	child_send(&s->child, CONTROL_GO, iter);
	close(iter);
	super_enter(s, SCANNING);
}

static void on_scanned(struct supervisor *s, uint32_t n_procs)
{
	if (s->gap.since_ns)
		super_report_gap(s);
	child_send(&s->child, CONTROL_RUN, -1);
	say_watching(s, n_procs);
	s->courier.answer_due = s->courier.answer >= 0;
	s->ever_watched = true;
	super_saw_beat(s);
	super_enter(s, WATCHING);
}

void super_worker_drop_next_files(struct supervisor *s)
{
	sealed_files_close(s->next_files);
	free(TAKE(s->next_files));
}

static void on_reloaded(struct supervisor *s, const struct control_ready *r)
{
	struct diag d;

	diag_init(&d);
	if (attach_content(s, r, &d) != E_OK)
		log_error("the kernel refuses what the new rules need, some will not fire: %s", d.text);
	s->ready = *r;
	sealed_files_close(s->files);
	free(s->files);
	s->files = TAKE(s->next_files);
	log_info("rules reloaded rules=%u programs=%u judged_ms=%.1f stood_still_ms=%.3f", r->n_rules, r->n_programs,
		 (double)(super_now_ns(CLOCK_MONOTONIC) - s->reload_ns) / 1e6,
		 (double)page_get(&s->page->swap_ns) / 1e6);
}

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
	super_begin_stop(s);
}

static void on_rotate(struct supervisor *s, uint32_t index)
{
	enum err err =
		s->sinks.sink[index].fd >= 0 ? super_sink_rotate(&s->sinks.sink[index], super_now_ms()) : E_LIMIT;

	/* E_LIMIT: it asked too soon, and will again. */
	if (err == E_IO)
		log_warning("the alert file cannot be rotated, it goes on growing index=%u error=\"%s\"", index,
			    strerror(errno));
	if (send_output(s, index, err == E_OK) != E_OK)
		child_kill(&s->child, "it does not take messages");
}

/* False: nothing that is allowed in this state. */
static bool dispatch(struct supervisor *s, struct control_packet *p)
{
	const struct control_msg *m = &p->msg;
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
			super_worker_drop_next_files(s);
			return true;
		}
		s->refused = (int)m->u.failed.exit_code;
		return true;
	case CONTROL_FILTER:
		if (s->state == LOADING || reloading)
			on_filter(s, m->u.filter.n_names);
		return s->state == LOADING || s->state == STOPPING || reloading;
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
	case CONTROL_ASK:
		super_courier_ask(&s->courier, p->fds[0]);
		p->n_fds = 0;
		return true;
	case CONTROL_ASK_CONTAINER:
		if (container_files_answer(&s->containers, s->child.sock, &m->u.ask_container, super_now_ms()) != E_OK)
			child_kill(&s->child, "it does not take messages");
		return s->state == WATCHING || s->state == STOPPING;
	case CONTROL_FINAL:
		return s->state == STOPPING;
	default:
		return false;
	}
}

void super_worker_on_message(struct supervisor *s)
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
			child_kill(&s->child, d.text);
		close(s->child.sock);
		s->child.sock = -1;
		return;
	}
	if (!dispatch(s, &p))
		child_kill(&s->child, "it sent a message that does not belong here");
	control_close_fds(&p);
}

void super_worker_reload(struct supervisor *s)
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
		super_worker_drop_next_files(s);
		return;
	}
	s->reload_ns = super_now_ns(CLOCK_MONOTONIC);
	if (send_files(s, s->next_files) != E_OK)
		child_kill(&s->child, "it does not take messages");
}

void super_worker_rescan(struct supervisor *s)
{
	uint64_t now = super_now_ms(), lost = super_totals(s).lost;
	struct diag d;
	int iter;

	if (s->state != WATCHING || lost == s->lost_scanned || now - s->rescan_ms < RESCAN_MS)
		return;
	s->rescan_ms = now;
	s->lost_scanned = lost;
	super_report_groups(s);
	diag_init(&d);
	if (kern_iter_open(s->kern, &iter, &d) != E_OK) {
		log_warning("processes that were missed cannot be looked for: %s", d.text);
		return;
	}
	child_send(&s->child, CONTROL_RESCAN, iter);
	close(iter);
}
