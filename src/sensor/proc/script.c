/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script: is the script that an interpreter was started for in an anonymous memory file?
 *
 * The kernel shows the interpreter as the executable; only the path of the script tells, and it names a descriptor:
 * /proc/self/fd/3, or /dev/fd/3, which is also what execveat(3, "", AT_EMPTY_PATH) gives (fs/exec.c:alloc_bprm).
 *
 * Two ways in. exec of the script itself: every descriptor path counts, unless the descriptor is known to be something
 * else; almost nobody starts scripts so. An interpreter given the path as its first plain argument (sh
 * /proc/self/fd/3): only a known memory file counts, since shells pass pipes that way.
 */
#include "sensor/proc/table.h"

/* A path of a descriptor: whose (0: its own), and which. */
struct fd_path {
	uint32_t pid;
	uint64_t fd;
};

static bool skip(struct proc_str *s, const char *prefix)
{
	uint32_t n = (uint32_t)strlen(prefix);

	if (s->len < n || memcmp(s->p, prefix, n))
		return false;
	*s = (struct proc_str){ s->p + n, s->len - n };
	return true;
}

static bool number(struct proc_str *s, uint64_t *out)
{
	uint32_t i = 0;

	*out = 0;
	for (; i < s->len && i < 10 && s->p[i] >= '0' && s->p[i] <= '9'; i++)
		*out = *out * 10 + (uint64_t)(s->p[i] - '0');
	*s = (struct proc_str){ s->p + i, s->len - i };
	return i > 0;
}

static bool parse(struct proc_str s, struct fd_path *out)
{
	uint64_t pid = 0;

	if (!skip(&s, "/dev/fd/")) {
		if (!skip(&s, "/proc/"))
			return false;
		if (!skip(&s, "self/fd/") && !skip(&s, "thread-self/fd/") && !(number(&s, &pid) && skip(&s, "/fd/")))
			return false;
	}
	out->pid = (uint32_t)pid;
	return number(&s, &out->fd) && !s.len;
}

static bool known_memfd(struct proc_table *t, const struct entry *e, struct fd_path f)
{
	const struct proc *other = f.pid && f.pid != e->p.key.pid ? proc_find_pid(t, f.pid) : &e->p;

	return other && f.fd < MEMFD_MAX_FD && entry_of(other)->memfds >> f.fd & 1;
}

/*
 * The record says what the descriptor is, and it is no memory file: not a regular file at all, or one of another file
 * system while this line of processes never made a memory file (those of huge pages have devices of their own).
 */
static bool known_other(struct proc_table *t, const struct entry *e, const struct wire_exec *r, struct fd_path f)
{
	if (f.pid && f.pid != e->p.key.pid)
		return false;
	for (uint32_t i = 0; i < r->n_fds; i++)
		if (r->fds[i].fd == f.fd)
			return r->fds[i].kind != WIRE_FD_FILE ||
			       (t->memfd_dev && r->fds[i].dev != t->memfd_dev && !e->made_memfd);
	return false;
}

/* The first argument after argument 0 that does not begin with a dash. */
static bool first_plain_arg(const struct proc_exec_strs *s, struct proc_str *out)
{
	const char *end = s->args + s->args_len, *nul;
	bool first = true;

	for (const char *p = s->args; s->args_len && p < end; p = nul + 1, first = false) {
		nul = memchr(p, 0, (size_t)(end - p));
		if (!nul)
			return false; /* cut */
		if (first || *p == '-')
			continue;
		*out = (struct proc_str){ p, (uint32_t)(nul - p) };
		return true;
	}
	return false;
}

bool script_from_memfd(struct proc_table *t, const struct entry *e, const struct wire_exec *r,
		       const struct proc_exec_strs *s)
{
	bool script = s->interp.len &&
		      (s->interp.len != s->filename.len || memcmp(s->interp.p, s->filename.p, s->interp.len));
	struct proc_str arg;
	struct fd_path f;

	if (script && parse(s->filename, &f))
		return known_memfd(t, e, f) || !known_other(t, e, r, f);
	return !script && first_plain_arg(s, &arg) && parse(arg, &f) && known_memfd(t, e, f);
}
