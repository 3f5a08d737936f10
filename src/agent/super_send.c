/* SPDX-License-Identifier: Apache-2.0 */
/* super_send: what a worker is given to start with. */
#include "agent/supervisor.h"

#include <fcntl.h>

/* A host may do without the file. */
static int open_or_null(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

FALLIBLE super_worker_send_start(struct supervisor *s, const struct child *to, int page_fd, int flight_fd,
				 uint32_t mode)
{
	bool rings = mode == 0 || mode == CONTROL_SHADOW;
	struct control_packet p;
	AUTO_FD int passwd = open_or_null("/etc/passwd"), group = open_or_null("/etc/group");

	control_init(&p, CONTROL_START);
	p.msg.u.start = (struct control_start){
		.flags = mode | (s->o->config->matching == CONFIG_ALL ? CONTROL_ALL_MATCHES : 0u) |
			 (s->o->config->strict_falco ? CONTROL_STRICT_FALCO : 0u) |
			 (s->o->config->kernel_filters ? 0u : CONTROL_NO_FILTER) |
			 (s->o->bundles ? CONTROL_BUNDLES : 0u) |
			 (to == &s->child && s->o->config->native ? CONTROL_NATIVE : 0u) |
			 (s->o->colour_stderr ? CONTROL_COLOUR : 0u),
		.n_cpus = kern_n_cpus(s->kern),
		.boot_to_wall_ns = super_now_ns(CLOCK_REALTIME) - super_now_ns(CLOCK_BOOTTIME),
		.throttle_per_minute = s->o->config->throttle_per_minute,
	};
	memcpy(p.msg.u.start.hostname, s->sinks.hostname, sizeof p.msg.u.start.hostname);
	if (mode == CONTROL_COMPILER)
		return control_send(to->sock, &p);
	p.fds[p.n_fds++] = page_fd;
	p.fds[p.n_fds++] = flight_fd;
	p.fds[p.n_fds++] = passwd;
	p.fds[p.n_fds++] = group;
	for (uint32_t i = 0; rings && i < WIRE_N_RINGS; i++) {
		p.msg.u.start.ring_bytes[i] = kern_ring_bytes(s->kern, i);
		p.fds[p.n_fds++] = kern_ring_fd(s->kern, i);
	}
	if (rings)
		p.fds[p.n_fds++] = kern_stats_fd(s->kern);
	if (mode != CONTROL_SCRATCH && s->courier.page_fd >= 0)
		p.fds[p.n_fds++] = s->courier.page_fd;
	return passwd >= 0 && group >= 0 ? control_send(to->sock, &p) : E_IO;
}

FALLIBLE super_worker_send_files(const struct child *to, const struct sealed_files *files)
{
	struct control_packet p;

	for (uint32_t i = 0; i < files->n; i++) {
		control_init(&p, CONTROL_FILE);
		p.msg.u.file = (struct control_file){ .index = i, .bytes = files->file[i].bytes };
		memcpy(p.msg.u.file.name, files->file[i].name, sizeof p.msg.u.file.name);
		p.fds[p.n_fds++] = files->file[i].fd;
		TRY(control_send(to->sock, &p));
	}
	control_init(&p, CONTROL_LOAD);
	p.msg.u.load.n_files = files->n;
	return control_send(to->sock, &p);
}

FALLIBLE super_worker_send_output(struct supervisor *s, uint32_t index, bool with_fd)
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

FALLIBLE super_worker_send_outputs(struct supervisor *s)
{
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++)
		if (s->sinks.sink[i].fd >= 0)
			TRY(super_worker_send_output(s, i, true));
	return E_OK;
}

FALLIBLE super_worker_send_record(struct supervisor *s)
{
	struct control_packet p;

	if (s->record_fd <= 0)
		return E_OK;
	control_init(&p, CONTROL_RECORD);
	p.fds[p.n_fds++] = s->record_fd;
	return control_send(s->child.sock, &p);
}

/* Each worker reads it from the beginning, at its own pace. */
FALLIBLE super_worker_send_capture(struct supervisor *s, const struct child *to)
{
	struct control_packet p;
	AUTO_FD int fd = 0;

	if (s->kern)
		return E_OK;
	control_init(&p, CONTROL_CAPTURE);
	p.msg.u.capture.records_per_s = s->o->config->source_rate;
	fd = open(config_capture(s->o->config), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	p.fds[p.n_fds++] = fd;
	return fd < 0 ? E_IO : control_send(to->sock, &p);
}
