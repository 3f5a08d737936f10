/* SPDX-License-Identifier: Apache-2.0 */
/* start: everything that a run needs, made before there is a child to be wary of; and taken down after the last one. */
#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "sensor/bpf/bpf.h"

enum { FLIGHT_PATH = CONFIG_MAX_PATH + 16 };

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

/* A bundle that cannot be read any more is no reason not to watch: what comes after it is armed. */
static FALLIBLE first_files(struct supervisor *s, struct diag *d)
{
	enum err err = super_arm_files(s, s->files, d);

	if (err == E_OK || !s->arm.store)
		return err;
	log_error("what was armed cannot be read: %s", d->text);
	sealed_files_close(s->files);
	diag_init(d);
	return sealed_files_open(s->o->config->rules, s->o->config->n_rules, s->files, d);
}

/* On the disk where there is a place: a worker's last words outlive the host, too. */
static const char *flight_path(const struct supervisor *s, char out[FLIGHT_PATH])
{
	(void)snprintf(out, FLIGHT_PATH, "%s/flight", s->arm.store ? s->o->config->state_dir : "");
	return s->arm.store ? out : NULL;
}

static FALLIBLE set_up(struct supervisor *s, struct diag *d)
{
	char path[FLIGHT_PATH];
	const struct config *c = s->o->config;
	int courier_pipe = -1;
	void *page;
	struct kern_opts ko = { .object =
					view_of(sensor_bpf_object, (size_t)(sensor_bpf_object_end - sensor_bpf_object)),
				.reserved_bytes = c->reserved_kib << 10,
				.bulk_bytes = c->bulk_kib << 10 };

	s->files = calloc(1, sizeof *s->files);
	s->filter = calloc(1, sizeof *s->filter);
	if (!s->files || !s->filter)
		return E_NOMEM;
	log_clears_line(s->o->colour && c->stdout_format == CONFIG_AUTO && isatty(STDERR_FILENO));
	(void)snprintf(s->memory, sizeof s->memory, "%u", c->worker_memory_mib);
	TRY(super_steward_open(s, d));
	TRY(container_files_make(c, &s->containers));
	TRY(super_courier_open(s->o, &s->courier, &courier_pipe, d));
	TRY(super_sinks_open(s->o, courier_pipe, &s->sinks, d));
	if (page_new(sizeof *s->page, PAGE_MAGIC, &s->page_fd, &page) != E_OK ||
	    flight_open(flight_path(s, path), &s->flight_fd) != E_OK || block_signals(&s->signals) != E_OK)
		FAIL(d, HOST, "cannot set up: %s", strerror(errno));
	s->page = page;
	TRY(super_arm_open(s, d));
	TRY(first_files(s, d));
	TRY(open_record(s, d));
	if (!config_capture(c)) {
		TRY(kern_open(&ko, &s->kern, d));
		TRY(ring_stats_open(kern_stats_fd(s->kern), kern_n_cpus(s->kern), &s->stats, d));
	}
	worker_cgroup_make(&s->cgroup, "worker", (uint64_t)c->worker_memory_mib << 20, c->worker_cpu_percent);
	worker_cgroup_make(&s->trial_cgroup, "trial", (uint64_t)c->worker_memory_mib << 20, c->worker_cpu_percent);
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
	worker_cgroup_remove(&s->trial_cgroup);
	ring_stats_close(s->stats);
	kern_close(s->kern);
	page_unmap(s->page, sizeof *s->page);
	super_sinks_close(&s->sinks);
	super_courier_close(&s->courier);
	super_steward_close(s);
	super_arm_close(s);
	if (s->files)
		sealed_files_close(s->files);
	free(s->files);
	free(s->filter);
	free(s->containers.place);
	if (s->next_files)
		super_worker_drop_next_files(s);
	child_end(&s->native.child);
	if (s->native.code >= 0)
		close(s->native.code);
	if (s->record_fd > 0)
		close(s->record_fd);
	if (s->page_fd > 0)
		close(s->page_fd);
	if (s->flight_fd > 0)
		close(s->flight_fd);
	if (s->signals > 0)
		close(s->signals);
}

int agent_run(const struct agent_opts *o)
{
	struct supervisor s = { .o = o,
				.child = { .pidfd = -1, .sock = -1 },
				.courier = { .child = { .pidfd = -1, .sock = -1 },
					     .settings = -1,
					     .certificates = -1,
					     .page_fd = -1,
					     .pipe_read = -1,
					     .question = -1,
					     .answer = -1 },
				.steward = { .child = { .pidfd = -1, .sock = -1 },
					     .file = { -1, -1, -1, -1 },
					     .local = { -1, -1 },
					     .listen = -1 },
				.native = { .child = { .pidfd = -1, .sock = -1 }, .code = -1 },
				.arm.trial = { .child = { .pidfd = -1, .sock = -1 }, .page_fd = -1, .flight_fd = -1 },
				.sinks = { .sink = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 } } } };
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
		super_native_begin(&s);
		s.started_ms = super_now_ms();
		super_loop(&s);
		super_steward_stop(&s);
		super_courier_finish(&s.courier, s.signals);
		super_arm_stop(&s);
		super_report(&s);
	}
	tear_down(&s);
	return s.exit_code;
}
