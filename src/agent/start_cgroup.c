/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start_cgroup: bounds on the worker's memory and CPU time that hold whatever it does.
 *
 * Version 2: a sibling of our own group, for a group with processes may not have children with controllers
 * (Documentation/admin-guide/cgroup-v2.rst, "no internal process constraint"). Version 1: a child of our own group, per
 * controller. Nothing of the host's own set-up is changed: a controller that is not enabled there is done without.
 */
#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

static bool write_text(const char *dir, const char *file, const char *text)
{
	char path[PATH_MAX];
	AUTO_FD int fd = -1;

	(void)snprintf(path, sizeof path, "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && io_write_all(fd, text, strlen(text)) == E_OK;
}

/* Make the group and keep its cgroup.procs open. */
static bool add_dir(struct worker_cgroup *g, const char *base, const char *own)
{
	char path[PATH_MAX];
	char *dir = g->dir[g->n];
	int n = snprintf(dir, sizeof g->dir[0], "%s%s/sallyport-%s-%d", base, strcmp(own, "/") ? own : "", g->name,
			 (int)getpid());

	if (n < 0 || (size_t)n >= sizeof g->dir[0] || (mkdir(dir, 0755) && errno != EEXIST))
		return false;
	(void)snprintf(path, sizeof path, "%s/cgroup.procs", dir);
	g->procs[g->n] = open(path, O_WRONLY | O_CLOEXEC);
	if (g->procs[g->n] < 0) {
		(void)rmdir(dir);
		return false;
	}
	g->n++;
	return true;
}

static void drop_last(struct worker_cgroup *g)
{
	g->n--;
	close(g->procs[g->n]);
	(void)rmdir(g->dir[g->n]);
}

static void try_v2(struct worker_cgroup *g, const char *base, const char *own, uint64_t memory, uint32_t percent)
{
	char parent[256], text[64];
	char *slash;

	(void)snprintf(parent, sizeof parent, "%s", own);
	slash = strrchr(parent, '/');
	if (!slash)
		return;
	slash[slash == parent] = 0;
	if (!add_dir(g, base, parent))
		return;
	(void)snprintf(text, sizeof text, "%llu", (unsigned long long)memory);
	g->memory = write_text(g->dir[g->n - 1], "memory.max", text);
	(void)write_text(g->dir[g->n - 1], "memory.swap.max", "0");
	(void)snprintf(text, sizeof text, "%u 100000", percent * 1000);
	g->cpu = write_text(g->dir[g->n - 1], "cpu.max", text);
	if (!g->memory && !g->cpu)
		drop_last(g);
}

static void try_v1(struct worker_cgroup *g, const char *controller, const char *own, const char *file, uint64_t value)
{
	char base[64], text[32];
	bool *done = !strcmp(controller, "memory") ? &g->memory : &g->cpu;

	(void)snprintf(base, sizeof base, "/sys/fs/cgroup/%s", controller);
	if (g->n == CGROUP_MAX_DIRS || *done || !add_dir(g, base, own))
		return;
	(void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	*done = write_text(g->dir[g->n - 1], file, text);
	if (!*done)
		drop_last(g);
}

static bool has_controller(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; (p = strstr(p, name)); p += n)
		if ((p == list || p[-1] == ',') && (p[n] == 0 || p[n] == ','))
			return true;
	return false;
}

/* One line of /proc/self/cgroup: "4:memory:/path", version 2: "0::/path". */
static void try_line(struct worker_cgroup *g, char *line, uint64_t memory, uint32_t percent)
{
	char *controllers = strchr(line, ':'), *own = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!own || strlen(own + 1) > 200)
		return;
	*own++ = 0;
	controllers++;
	if (!controllers[0] && !g->n)
		try_v2(g, "/sys/fs/cgroup", own, memory, percent);
	else if (has_controller(controllers, "memory"))
		try_v1(g, "memory", own, "memory.limit_in_bytes", memory);
	else if (has_controller(controllers, "cpu"))
		try_v1(g, "cpu", own, "cpu.cfs_quota_us", (uint64_t)percent * 1000);
}

void worker_cgroup_make(struct worker_cgroup *g, const char *name, uint64_t memory_bytes, uint32_t cpu_percent)
{
	AUTO_FREE char *text = NULL;
	char *save = NULL;
	size_t len;

	*g = (struct worker_cgroup){ .name = name };
	if (io_read_file("/proc/self/cgroup", 64 << 10, &text, &len, NULL) != E_OK)
		return;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		try_line(g, l, memory_bytes, cpu_percent);
}

void worker_cgroup_remove(struct worker_cgroup *g)
{
	while (g->n)
		drop_last(g);
}
