/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: a capture through the worker's own decoding, judging and output, without a supervisor, rings or a kernel.
 *
 * The tool of a rule's author, run on a file: there is no host to protect from the rules, so they are loaded in this
 * process. The capture is hostile all the same. No clock is read: times are the capture's.
 */
#include "agent/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "agent/agent.h"
#include "agent/replay.h"
#include "sensor/capture/capture.h"

enum { EXIT_OK = 0, EXIT_REFUSED = 1, EXIT_HOST = 3 };

struct replay {
	const struct agent_replay_opts *o;
	struct worker w;
	struct capture *capture;
	struct worker_file *files;
	uint32_t n_files;
	struct arena arena; /* of what is read from the file of hosts */
	char *hosts;
};

int replay_fail(enum err err, struct diag *d, const char *what, bool colour)
{
	struct buf text;

	buf_init(&text, 64 << 10);
	if (!d->text[0])
		err = diag_fail(d, err, 0, 0, __FILE__, __LINE__, "%s: %s", what, err_text(err));
	if (!d->pos.file && !d->subject)
		buf_puts(&text, "sallyport: ");
	diag_render(&text, d, colour);
	(void)!write(STDERR_FILENO, text.p, text.len);
	buf_done(&text);
	return err == E_NOMEM || err == E_HOST || err == E_BUG ? EXIT_HOST : EXIT_REFUSED;
}

static int fail(const struct replay *r, enum err err, struct diag *d)
{
	return replay_fail(err, d, "the capture cannot be replayed", r->o->colour_stderr);
}

FALLIBLE replay_read_rules(char *const *paths, uint32_t n, struct worker_file **files, uint32_t *n_files,
			   struct diag *d)
{
	struct agent_files list = { .n = 0 };
	enum err err = agent_files_list(paths, n, &list, d);

	*n_files = 0;
	*files = calloc(AGENT_MAX_FILES, sizeof **files);
	if (err == E_OK && !*files)
		err = E_NOMEM;
	for (uint32_t i = 0; err == E_OK && i < list.n; i++) {
		struct worker_file *f = &(*files)[i];

		(void)snprintf(f->name, sizeof f->name, "%s", list.path[i]);
		err = agent_file_read(list.path[i], &f->text, &f->len, d);
		*n_files += err == E_OK;
	}
	agent_files_free(&list);
	return err;
}

void replay_free_rules(struct worker_file *files, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(files[i].text);
	free(files);
}

FALLIBLE replay_open_capture(const char *path, int *fd, struct capture **out, struct diag *d)
{
	if (!strcmp(path, "-"))
		*fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*fd < 0)
		FAIL(d, IO, "cannot open '%s': %s", path, strerror(errno));
	return capture_open(*fd, path, out, d);
}

/* What names stand for is the file's word for the whole replay: nobody is asked, so the output stays the same. */
static FALLIBLE read_hosts(struct replay *r, struct diag *d)
{
	struct names_pair *pairs = NULL;
	uint32_t n = 0;
	size_t len;

	TRY(names_new(&r->w.names));
	TRY(content_set_names(r->w.set, r->w.names));
	if (!r->o->hosts)
		return E_OK;
	TRY(io_read_file(r->o->hosts, NAMES_MAX_TEXT, &r->hosts, &len, d));
	TRY(names_read_hosts(view_of(r->hosts, len), r->o->hosts, &r->arena, &pairs, &n, d));
	if (names_set(r->w.names, pairs, n) != E_OK)
		FAIL(d, LIMIT, "'%s' gives the names in the rules more than %d addresses", r->o->hosts,
		     NAMES_MAX_PAIRS);
	return E_OK;
}

static FALLIBLE make_ready(struct replay *r)
{
	const struct capture_info *info = capture_info(r->capture);
	struct worker *w = &r->w;
	struct decode_opts o = { .table = &template_builtin,
				 .passwd = info->users,
				 .passwd_len = info->users_len,
				 .names = w->names,
				 .group = info->groups,
				 .group_len = info->groups_len,
				 .hostname = info->hostname,
				 .boot_to_wall_ns = info->boot_to_wall_ns,
				 .wants = content_set_wants,
				 .wants_user = w->set,
				 .types = content_set_types(w->set),
				 .late = true,
				 .emit = worker_on_event,
				 .emit_user = w };
	enum output_format format = r->o->json ? OUTPUT_JSON : r->o->colour ? OUTPUT_COLOR : OUTPUT_TEXT;

	TRY(decode_new(&o, &w->decode));
	TRY(worker_judge_init(w));
	w->sinks[0].fd = STDOUT_FILENO;
	return output_new(STDOUT_FILENO, format, info->hostname, &w->sinks[0].out);
}

/* Nothing is dropped here: wait until stdout took everything. False: it does not. */
static bool flush(struct worker *w)
{
	while (w->sinks[0].out) {
		struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

		if (output_flush(w->sinks[0].out) != E_OK)
			return false;
		if (!output_pending(w->sinks[0].out))
			return true;
		(void)poll(&p, 1, -1);
	}
	return false;
}

static int replay_all(struct replay *r)
{
	struct worker *w = &r->w;
	uint64_t alerts = 0;
	struct view rec;
	struct diag d;
	enum err err;

	diag_init(&d);
	while ((err = capture_next(r->capture, &rec, &d)) == E_OK) {
		if (decode_record(w->decode, rec) != E_OK)
			page_add(&w->page->malformed, 1);
		if (page_get(&w->page->alerts) == alerts)
			continue;
		alerts = page_get(&w->page->alerts);
		if (!flush(w)) {
			diag_init(&d);
			(void)snprintf(d.text, sizeof d.text, "standard output cannot be written: %s", strerror(errno));
			return fail(r, E_HOST, &d);
		}
	}
	return err == E_NOT_FOUND ? EXIT_OK : fail(r, err, &d);
}

/* A contract: scripts read this line. */
static void say_replayed(const struct replay *r)
{
	static const char *const kinds[WIRE_N_KINDS] = {
		[WIRE_FORK] = "fork",
		[WIRE_EXEC] = "exec",
		[WIRE_EXIT] = "exit",
		[WIRE_TASK] = "task",
		[WIRE_MEMFD] = "memfd",
		[WIRE_OPEN] = "open",
		[WIRE_CONNECT] = "connect",
		[WIRE_FDS] = "fds",
		[WIRE_CHDIR] = "chdir",
		[WIRE_EXEC_FAILED] = "exec_failed",
		[WIRE_ACCEPT] = "accept",
		[WIRE_LISTEN] = "listen",
		[WIRE_SOCKET] = "socket",
		[WIRE_SEND] = "send",
		[WIRE_RECV] = "recv",
		[WIRE_DUP] = "dup",
		[WIRE_RENAME] = "rename",
		[WIRE_UNLINK] = "unlink",
		[WIRE_LINK] = "link",
		[WIRE_SYMLINK] = "symlink",
		[WIRE_MKDIR] = "mkdir",
		[WIRE_CHMOD] = "chmod",
		[WIRE_PTRACE] = "ptrace",
		[WIRE_CREDS] = "creds",
		[WIRE_NAMESPACE] = "namespace",
		[WIRE_MODULE] = "module",
		[WIRE_BPF] = "bpf",
		[WIRE_USERFAULTFD] = "userfaultfd",
	};
	static_assert(countof(kinds) == WIRE_N_KINDS && WIRE_USERFAULTFD + 1 == WIRE_N_KINDS, "every kind has a name");
	const struct page *page = r->w.page;
	struct capture_stats st;
	struct buf b;

	capture_stats(r->capture, &st);
	buf_init(&b, 4096);
	buf_printf(&b, "sallyport: replayed events=%llu alerts=%llu records=%llu malformed=%llu",
		   (unsigned long long)page_get(&page->events), (unsigned long long)page_get(&page->alerts),
		   (unsigned long long)st.records, (unsigned long long)page_get(&page->malformed));
	for (uint32_t i = 1; i < WIRE_N_KINDS; i++)
		if (i <= WIRE_CHDIR || st.kinds[i])
			buf_printf(&b, " %s=%llu", kinds[i], (unsigned long long)st.kinds[i]);
	if (capture_info(r->capture)->kind == CAPTURE_SCAP)
		buf_printf(&b, " scap_events=%llu scap_merged=%llu scap_skipped=%llu", (unsigned long long)st.events,
			   (unsigned long long)st.merged, (unsigned long long)st.skipped);
	buf_putc(&b, '\n');
	(void)!write(STDERR_FILENO, b.p, b.len);
	buf_done(&b);
}

static int run(struct replay *r, int *fd)
{
	struct diag d;
	enum err err;
	int code;

	diag_init(&d);
	r->w.page = calloc(1, sizeof *r->w.page);
	if (!r->w.page)
		return fail(r, E_NOMEM, &d);
	err = replay_read_rules(r->o->rules, r->o->n_rules, &r->files, &r->n_files, &d);
	if (err != E_OK)
		return fail(r, err, &d);
	code = worker_load(&r->w, r->files, r->n_files, &r->w.set);
	if (code)
		return code;
	worker_publish_names(&r->w);
	err = read_hosts(r, &d);
	if (err == E_OK)
		err = replay_open_capture(r->o->capture, fd, &r->capture, &d);
	if (err == E_OK)
		err = make_ready(r);
	if (err != E_OK)
		return fail(r, err, &d);
	code = replay_all(r);
	say_replayed(r);
	return code;
}

int agent_replay(const struct agent_replay_opts *o)
{
	struct replay *r = calloc(1, sizeof *r);
	int fd = -1, code = EXIT_HOST;

	if (!r)
		return code;
	r->o = o;
	arena_init(&r->arena, 64 << 20);
	r->w.sock = -1;
	r->w.start.flags = (o->all_matches ? CONTROL_ALL_MATCHES : 0u) | (o->strict_falco ? CONTROL_STRICT_FALCO : 0u) |
			   (o->colour_stderr ? CONTROL_COLOUR : 0u);
	code = run(r, &fd);
	output_free(r->w.sinks[0].out);
	vm_free(r->w.eval.vm);
	decode_free(r->w.decode);
	content_set_free(r->w.set);
	names_free(r->w.names);
	arena_done(&r->arena);
	free(r->hosts);
	capture_close(r->capture);
	if (fd >= 0)
		close(fd);
	replay_free_rules(r->files, r->n_files);
	free(r->w.page);
	free(r);
	return code;
}
