/* SPDX-License-Identifier: Apache-2.0 */
/* model: the host. See model.h. */
#include "model.h"

#include "../../tests/records.h"

#include <stdlib.h>

enum {
	N_PATHS = 4000,
	MAX_PROCS = 2048,
	MAX_ALIVE = 700,
	N_PROGRAMS = 240,
	N_CONTAINERS = 6,
	N_PEERS = 300,
	NAME = 128,
	STEP_NS = 8000, /* from one record to the next: 125,000 a second */
};

struct program {
	char comm[WIRE_COMM], exe[NAME];
};

struct host_proc {
	uint32_t pid, parent; /* index */
	uint16_t program;
	uint8_t container; /* 0: none */
	bool alive, busy;
	uint32_t uid, sid;
};

struct model {
	uint64_t seed, time_ns;
	struct program programs[N_PROGRAMS];
	char paths[N_PATHS][NAME];
	char cgroups[N_CONTAINERS + 1][NAME];
	struct wire_fd peers[N_PEERS];
	struct host_proc procs[MAX_PROCS];
	uint32_t n_procs, n_alive, next_pid;
	uint64_t next_socket;
	struct rec rec;
};

static uint64_t draw(struct model *m)
{
	m->seed += 0x9e3779b97f4a7c15ull;
	return hash_u64(m->seed);
}

uint32_t model_random(struct model *m, uint32_t n)
{
	return (uint32_t)((draw(m) >> 32) * n >> 32);
}

/* Few of n come often, most seldom. */
static uint32_t skewed(struct model *m, uint32_t n)
{
	uint64_t a = model_random(m, 1000), b = model_random(m, 1000), c = model_random(m, 1000);

	return (uint32_t)(a * b * c * n / 1000000000ull);
}

static const char *word(struct model *m, char out[16])
{
	static const char *const parts[] = { "ka", "lo",  "mi",  "ra",  "ser", "tun", "po",  "de",
					     "vi", "nex", "cor", "log", "net", "sys", "dat", "bin" };
	uint32_t n = 2 + model_random(m, 3);

	out[0] = 0;
	for (uint32_t i = 0; i < n; i++)
		(void)snprintf(out + strlen(out), 16 - strlen(out), "%s", parts[model_random(m, countof(parts))]);
	return out;
}

/* ---- names ---- */

static void make_programs(struct model *m)
{
	static const char *const known[] = { "systemd",
					     "sshd",
					     "bash",
					     "sh",
					     "cron",
					     "nginx",
					     "postgres",
					     "python3",
					     "node",
					     "java",
					     "dockerd",
					     "containerd",
					     "runc",
					     "make",
					     "cc1",
					     "as",
					     "ld",
					     "ls",
					     "cat",
					     "grep",
					     "sed",
					     "awk",
					     "git",
					     "curl",
					     "ps",
					     "find",
					     "rsyslogd",
					     "dbus-daemon",
					     "systemd-journald",
					     "chronyd",
					     "dpkg",
					     "apt-get",
					     "sudo",
					     "su",
					     "date",
					     "sleep",
					     "tar" };
	static const char *const dirs[] = { "/usr/bin", "/usr/sbin", "/usr/lib/systemd", "/usr/local/bin",
					    "/opt/vendor/agent" };
	char w[16];

	for (uint32_t i = 0; i < N_PROGRAMS; i++) {
		struct program *p = &m->programs[i];
		const char *name = i < countof(known) ? known[i] : word(m, w);
		const char *dir = i < countof(known) ? dirs[model_random(m, 2)] : dirs[model_random(m, countof(dirs))];

		(void)snprintf(p->comm, sizeof p->comm, "%s", name);
		(void)snprintf(p->exe, sizeof p->exe, "%s/%s", dir, name);
	}
}

/* Of a hundred paths, how many are of each kind. The word goes in for the first %s, a number for %u. */
static const struct {
	uint32_t share;
	const char *format;
} kinds[] = {
	{ 24, "/usr/lib/x86_64-linux-gnu/lib%s.so.%u" },
	{ 4, "/lib/x86_64-linux-gnu/lib%s.so.%u" },
	{ 4, "/usr/lib/python3.11/%s/__pycache__/m%u.cpython-311.pyc" },
	{ 8, "/etc/%s/%u.conf" },
	{ 2, "/etc/%s.conf" },
	{ 9, "/proc/%2$u/%1$s" },
	{ 6, "/proc/self/%s" },
	{ 6, "/sys/fs/cgroup/system.slice/%s.service/memory.stat%u" },
	{ 8, "/usr/share/%s/locale/%u/LC_MESSAGES/x.mo" },
	{ 6, "/home/someone/src/%s/include/part%u.h" },
	{ 5, "/tmp/%s-%u.o" },
	{ 4, "/var/log/%s/%u.log" },
	{ 4, "/var/lib/%s/base/%u" },
	{ 3, "/srv/app/%s/static/%u.css" },
	{ 3, "/run/%s/%u" },
	{ 2, "/dev/%s" },
	{ 2, "/opt/vendor/agent/%s/%u.dat" },
};

static void make_path(struct model *m, char out[NAME])
{
	uint32_t at = model_random(m, 100);
	const char *format = kinds[0].format;
	char w[16];

	for (uint32_t i = 0, sum = 0; i < countof(kinds); i++) {
		sum += kinds[i].share;
		if (at < sum) {
			format = kinds[i].format;
			break;
		}
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(out, NAME, format, word(m, w), model_random(m, 900));
#pragma GCC diagnostic pop
}

/* The files that every program reads come first, which is where skewed() looks most. */
static void make_paths(struct model *m)
{
	static const char *const often[] = {
		"/etc/ld.so.cache",
		"/usr/lib/x86_64-linux-gnu/libc.so.6",
		"/dev/null",
		"/proc/self/status",
		"/usr/lib/locale/locale-archive",
		"/etc/passwd",
		"/etc/nsswitch.conf",
		"/proc/stat",
		"/proc/meminfo",
		"/etc/group",
		"/usr/lib/x86_64-linux-gnu/libselinux.so.1",
		"/usr/lib/x86_64-linux-gnu/libpthread.so.0",
		"/etc/localtime",
		"/etc/resolv.conf",
		"/etc/hosts",
		"/proc/filesystems",
	};

	for (uint32_t i = 0; i < N_PATHS; i++)
		if (i < 4 * countof(often) && !(i % 4))
			(void)snprintf(m->paths[i], NAME, "%s", often[i / 4]);
		else
			make_path(m, m->paths[i]);
}

static void make_peers(struct model *m)
{
	static const uint16_t ports[] = { 443, 443, 443, 80, 53, 53, 5432, 6379, 9090, 8080, 22, 3306, 25 };

	for (uint32_t i = 0; i < N_PEERS; i++) {
		uint16_t port = ports[model_random(m, countof(ports))];
		struct wire_fd fd =
			rec_tcp4(3, 0, (uint8_t)model_random(m, 250), (uint16_t)(32768 + model_random(m, 20000)), port);

		if (model_random(m, 100) < 40) /* a private one */
			fd.remote_addr[0] = 10, fd.remote_addr[1] = (uint8_t)model_random(m, 4);
		if (model_random(m, 100) < 15) {
			fd.kind = WIRE_FD_IPV6;
			memcpy(fd.remote_addr, "\x20\x01\x0d\xb8", 4);
			memcpy(fd.local_addr, "\x20\x01\x0d\xb8\x00\x07", 6);
		}
		if (port == 53)
			fd.l4proto = 17;
		m->peers[i] = fd;
	}
}

/* ---- processes ---- */

static struct host_proc *add_proc(struct model *m, uint32_t parent, uint16_t program)
{
	uint32_t i = m->n_procs < MAX_PROCS ? m->n_procs++ : 0;

	while (!i || m->procs[i].alive) /* full: the place of a dead one. 0 is init */
		i = m->n_procs < MAX_PROCS && !m->procs[m->n_procs - 1].alive ? m->n_procs - 1
									      : 1 + model_random(m, MAX_PROCS - 1);
	m->procs[i] = (struct host_proc){ .pid = ++m->next_pid,
					  .parent = parent,
					  .program = program,
					  .container = m->procs[parent].container,
					  .alive = true,
					  .uid = m->procs[parent].uid,
					  .sid = m->procs[parent].sid };
	m->n_alive++;
	return &m->procs[i];
}

static void make_tree(struct model *m)
{
	m->procs[0] = (struct host_proc){ .pid = 1, .alive = true, .sid = 1 };
	m->next_pid = 1;
	m->next_socket = 100000;
	m->n_procs = m->n_alive = 1;
	for (uint32_t i = 1; i < 420; i++) {
		/* mostly below a recent one, so that trees get deep; some are services of their own */
		uint32_t back = 1 + skewed(m, i);
		uint32_t parent = model_random(m, 100) < 18 ? 0 : i - back;
		struct host_proc *p = add_proc(m, parent, (uint16_t)model_random(m, N_PROGRAMS));

		if (!parent) {
			p->sid = p->pid;
			p->uid = model_random(m, 3) ? model_random(m, 200) : 0;
			p->container = model_random(m, 3) ? 0 : (uint8_t)(1 + model_random(m, N_CONTAINERS));
		}
	}
}

static struct host_proc *any_proc(struct model *m)
{
	struct host_proc *p;

	do
		p = &m->procs[skewed(m, m->n_procs)];
	while (!p->alive);
	return p;
}

static void put(struct model *m, struct model_stream *s)
{
	const struct rec *r = &m->rec;

	if (s->used + r->hdr.bytes > s->cap) {
		s->cap = s->cap ? 2 * s->cap : 1 << 20;
		s->bytes = realloc(s->bytes, s->cap);
	}
	if (s->n == s->n_cap) {
		s->n_cap = s->n_cap ? 2 * s->n_cap : 4096;
		s->len = realloc(s->len, s->n_cap * sizeof *s->len);
	}
	if (!s->bytes || !s->len)
		abort();
	memcpy(s->bytes + s->used, r->bytes, r->hdr.bytes);
	s->used += r->hdr.bytes;
	s->len[s->n++] = r->hdr.bytes;
}

/* What stands in every header. */
static void sign(struct model *m, const struct host_proc *p)
{
	m->rec.hdr.uid = m->rec.hdr.gid = p->uid;
}

static void put_image(struct model *m, struct host_proc *p, uint16_t kind, struct model_stream *s)
{
	static const char *const cwds[] = { "/", "/srv/app", "/home/someone/src/project", "/var/lib/postgresql" };
	const struct program *g = &m->programs[p->program];
	char args[512];
	uint32_t n = model_random(m, 6);
	struct wire_fd fds[3] = { { .fd = 0, .kind = WIRE_FD_CHAR },
				  { .fd = 1, .kind = WIRE_FD_CHAR },
				  { .fd = 2, .kind = WIRE_FD_CHAR } };

	(void)snprintf(args, sizeof args, "%s", g->comm);
	for (uint32_t i = 0; i < n; i++) {
		char w[16];
		uint32_t what = model_random(m, 3);

		if (what == 0)
			(void)snprintf(args + strlen(args), sizeof args - strlen(args), " --%s", word(m, w));
		else
			(void)snprintf(args + strlen(args), sizeof args - strlen(args), " %s",
				       what == 1 ? m->paths[skewed(m, N_PATHS)] : word(m, w));
	}
	rec_exec(&m->rec, &(struct rec_exec){ .pid = p->pid,
					      .ppid = m->procs[p->parent].pid,
					      .sid = p->sid,
					      .time_ns = m->time_ns,
					      .comm = g->comm,
					      .exe = g->exe,
					      .cwd = cwds[skewed(m, countof(cwds))],
					      .filename = kind == WIRE_TASK ? NULL : g->exe,
					      .args = args,
					      .cgroup = m->cgroups[p->container],
					      .kind = kind,
					      .fds = fds,
					      .n_fds = countof(fds) });
	sign(m, p);
	m->rec.exec.fields.exe_nlink = 1;
	m->rec.exec.fields.exe_mode = 0100755;
	put(m, s);
}

static void put_fork(struct model *m, struct model_stream *s)
{
	struct host_proc *parent = any_proc(m), *child;
	uint32_t index = (uint32_t)(parent - m->procs);

	child = add_proc(m, index, parent->program);
	child->busy = true;
	rec_fork(&m->rec, parent->pid, m->programs[parent->program].comm, child->pid, m->time_ns);
	sign(m, parent);
	m->rec.fork.sid = parent->sid;
	put(m, s);
}

/* One that was forked and has not yet started its program, else any. */
static void put_exec(struct model *m, struct model_stream *s)
{
	struct host_proc *p = NULL;

	for (uint32_t i = m->n_procs; i-- > 1 && !p;)
		p = m->procs[i].alive && m->procs[i].busy ? &m->procs[i] : NULL;
	p = p ? p : any_proc(m);
	p->busy = false;
	p->program = (uint16_t)skewed(m, N_PROGRAMS);
	put_image(m, p, WIRE_EXEC, s);
}

static void put_exit(struct model *m, struct model_stream *s)
{
	struct host_proc *p;

	do
		p = any_proc(m);
	while (p == m->procs);
	p->alive = false;
	m->n_alive--;
	rec_exit(&m->rec, p->pid, m->programs[p->program].comm, model_random(m, 10) ? 0 : 256, m->time_ns);
	sign(m, p);
	put(m, s);
}

static void put_process(struct model *m, struct model_stream *s)
{
	uint32_t what = model_random(m, 3);

	if (m->n_alive > MAX_ALIVE || (what == 2 && m->n_alive > 300))
		put_exit(m, s);
	else if (what)
		put_exec(m, s);
	else
		put_fork(m, s);
}

static void put_open(struct model *m, struct model_stream *s)
{
	enum { RDONLY_CLOEXEC = 02000000, CREATE_WRITE = 01101, APPEND = 02001, DIRECTORY = 02200000 };
	struct host_proc *p = any_proc(m);
	const char *path = m->paths[skewed(m, N_PATHS)];
	bool written = !strncmp(path, "/tmp/", 5) || !strncmp(path, "/var/l", 6) || !strncmp(path, "/run/", 5) ||
		       !strncmp(path, "/dev/null", 9);
	uint32_t what = model_random(m, 100);
	bool dir = what < 4;
	uint64_t flags = dir ? DIRECTORY : written && what < 60 ? (what < 30 ? CREATE_WRITE : APPEND) : RDONLY_CLOEXEC;

	rec_open(&m->rec, p->pid, m->programs[p->program].comm, path, flags, 3 + model_random(m, 30), m->time_ns);
	sign(m, p);
	if (dir)
		m->rec.open.file.kind = WIRE_FD_DIR;
	m->rec.open.created = flags == CREATE_WRITE && what < 15;
	m->rec.open.fields.ino = m->rec.open.file.ino = 1000 + hash_bytes(path, strlen(path), 0) % 1000000;
	put(m, s);
}

static void put_network(struct model *m, struct model_stream *s)
{
	static const char *const sockets[] = { "/run/systemd/journal/socket", "/run/dbus/system_bus_socket",
					       "/run/nscd/socket", "/run/postgresql/.s.PGSQL.5432" };
	struct host_proc *p = any_proc(m);
	struct wire_fd fd = m->peers[skewed(m, N_PEERS)];

	fd.ino = ++m->next_socket;
	fd.fd = 3 + skewed(m, 12);

	if (model_random(m, 100) < 35) {
		const char *path = sockets[model_random(m, countof(sockets))];
		struct wire_fd un = { .fd = fd.fd, .kind = WIRE_FD_UNIX, .flags = 3, .ino = fd.ino, .dev = 8 };

		rec_connect(&m->rec, p->pid, m->programs[p->program].comm, &un, m->time_ns);
		rec_seg(&m->rec, &m->rec.connect.path, path, strlen(path), 0);
	} else {
		rec_connect(&m->rec, p->pid, m->programs[p->program].comm, &fd, m->time_ns);
	}
	sign(m, p);
	put(m, s);
}

/* ---- the door ---- */

struct model *model_new(uint64_t seed)
{
	struct model *m = calloc(1, sizeof *m);

	if (!m)
		abort();
	m->seed = seed;
	m->time_ns = 1000000000000000ull;
	make_programs(m);
	make_paths(m);
	make_peers(m);
	for (uint32_t i = 1; i <= N_CONTAINERS; i++)
		(void)snprintf(m->cgroups[i], NAME, "docker-%016llx%016llx%016llx%016llx.scope",
			       (unsigned long long)draw(m), (unsigned long long)draw(m), (unsigned long long)draw(m),
			       (unsigned long long)draw(m));
	make_tree(m);
	return m;
}

void model_free(struct model *m)
{
	free(m);
}

void model_scan(struct model *m, struct model_stream *out)
{
	for (uint32_t i = 0; i < m->n_procs; i++)
		if (m->procs[i].alive)
			put_image(m, &m->procs[i], WIRE_TASK, out);
}

void model_run(struct model *m, const struct model_mix *mix, size_t n, struct model_stream *out)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t what = model_random(m, 100);

		m->time_ns += STEP_NS;
		if (what < mix->opens)
			put_open(m, out);
		else if (what < mix->opens + mix->network)
			put_network(m, out);
		else
			put_process(m, out);
	}
}

void model_stream_done(struct model_stream *s)
{
	free(s->bytes);
	free(s->len);
	*s = (struct model_stream){ 0 };
}
