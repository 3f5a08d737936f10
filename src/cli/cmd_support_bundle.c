/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support-bundle: one file for who helps, with what they ask for first. What may be secret or is about people is left
 * out, and the file and the command both say what is in it and what is not.
 */
#include "cli/support.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

const char cmd_support_bundle_help[] =
	"usage: sallyport support-bundle -o FILE.tar [--alerts] [--socket PATH] [--config F]\n"
	"\n"
	"Write one tar file for who helps: version, doctor, status, settings in force, the\n"
	"agent's state, kernel and control groups. Prints what is in it and what was left\n"
	"out. Keys, HTTP headers, passwords in URLs and the content itself are never in it.\n"
	"\n"
	"  -o FILE.tar     the file, mode 0600; what it held before is gone\n"
	"  --alerts        also the end of the file of alerts (256 KiB): names of programs,\n"
	"                  files, people and addresses of this host\n"
	"  --socket PATH   where the agent answers, instead of what the settings say\n"
	"  --config F      settings, instead of " CLI_CONFIG_PATH "\n"
	"\n"
	"Root finds more; what somebody else may not read is left out. Exit codes: 0 written,\n"
	"3 it cannot be.\n";

enum { CHILD_MS = 60000 };

void support_left_out(struct support *s, const char *name, const char *why)
{
	buf_printf(&s->notes, "left out  %-24s ", name);
	buf_put_safe(&s->notes, why, strlen(why));
	buf_putc(&s->notes, '\n');
}

void support_put(struct support *s, const char *name, struct buf *bytes)
{
	if (bytes->full) {
		support_left_out(s, name, "it is too long");
	} else {
		buf_printf(&s->notes, "in it     %-24s %zu bytes\n", name, bytes->len);
		tar_put(&s->tar, name, view_of(bytes->p, bytes->len));
	}
	buf_done(bytes);
}

static FALLIBLE read_end(const char *path, size_t max, char **out, size_t *len, struct diag *d)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		FAIL(d, IO, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		FAIL(d, IO, "it is no regular file");
	if ((uint64_t)st.st_size > max && lseek(fd, st.st_size - (off_t)max, SEEK_SET) < 0)
		FAIL(d, IO, "%s", strerror(errno));
	/* It may grow meanwhile. */
	return io_read_fd(fd, path, max + SUPPORT_MAX_PART, out, len, d);
}

void support_put_file(struct support *s, const char *name, const char *path, size_t max)
{
	AUTO_FREE char *bytes = NULL;
	struct buf part;
	struct diag d;
	size_t len;

	diag_init(&d);
	if (read_end(path, max, &bytes, &len, &d) != E_OK) {
		support_left_out(s, name, d.text[0] ? d.text : "out of memory");
		return;
	}
	buf_init(&part, SUPPORT_MAX_PART);
	buf_put(&part, bytes, len < max ? len : max);
	support_put(s, name, &part);
}

/* This program again, in a process of its own: a probe that hangs or dies costs its own part. */
static pid_t spawn(char *const *argv, int out)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(127);
	(void)execv("/proc/self/exe", argv);
	_exit(127);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* False: it took too long. */
static bool read_until_end(int fd, struct buf *out)
{
	uint64_t end = now_ms() + CHILD_MS;
	char chunk[16384];
	ssize_t n = 1;

	while (n > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = now_ms();

		if (now >= end || poll(&p, 1, (int)(end - now)) <= 0)
			return false;
		n = read(fd, chunk, sizeof chunk);
		if (n > 0)
			buf_put(out, chunk, (size_t)n);
	}
	return true;
}

static void put_command(struct support *s, const char *name, char *command)
{
	char *argv[] = { (char[]){ "sallyport" }, command, (char[]){ "--json" }, NULL };
	bool in_time;
	struct buf out;
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC)) {
		support_left_out(s, name, strerror(errno));
		return;
	}
	pid = spawn(argv, p[1]);
	close(p[1]);
	buf_init(&out, SUPPORT_MAX_PART);
	in_time = pid > 0 && read_until_end(p[0], &out);
	close(p[0]);
	if (pid > 0) {
		if (!in_time)
			(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	if (in_time && out.len)
		support_put(s, name, &out);
	else
		support_left_out(s, name, in_time ? "it said nothing" : "it could not be run to its end");
	buf_done(&out);
}

static void put_status(struct support *s, const struct owner_args *a)
{
	struct steward_request q = { .question = STEWARD_STATUS };
	struct owner_args json = *a;
	struct buf out;
	int answered;

	json.json = true;
	buf_init(&out, SUPPORT_MAX_PART);
	if (owner_fetch(&json, &q, &out, &answered))
		support_left_out(s, "status.json", "no agent answers");
	else
		support_put(s, "status.json", &out);
	buf_done(&out);
}

static void put_host(struct support *s)
{
	struct utsname u;
	struct buf out;

	buf_init(&out, SUPPORT_MAX_PART);
	if (!uname(&u))
		buf_printf(&out, "%s %s %s\n", u.release, u.version, u.machine);
	support_put(s, "kernel.txt", &out);
}

/* Of what the kernel makes when it is read: its size says nothing. */
static void put_proc(struct support *s, const char *name, const char *path)
{
	AUTO_FREE char *text = NULL;
	struct buf out;
	struct diag d;
	size_t len;

	diag_init(&d);
	if (io_read_file(path, SUPPORT_ALERT_BYTES, &text, &len, &d) != E_OK) {
		support_left_out(s, name, d.text);
		return;
	}
	buf_init(&out, SUPPORT_MAX_PART);
	buf_put(&out, text, len);
	support_put(s, name, &out);
}

static void put_settings(struct support *s, const struct config *c, bool understood)
{
	struct buf out;

	if (!understood) {
		support_left_out(s, "settings.txt", "they cannot be read, or not be understood");
		return;
	}
	buf_init(&out, SUPPORT_MAX_PART);
	config_put(c, &out);
	support_put(s, "settings.txt", &out);
}

static void put_alerts(struct support *s, const struct config *c, bool wanted)
{
	if (!wanted)
		support_left_out(s, "alerts", "they tell about people: --alerts takes the last of them");
	else if (!c->file_path)
		support_left_out(s, "alerts", "no file of alerts is configured");
	else
		support_put_file(s, "alerts.txt", c->file_path, SUPPORT_ALERT_BYTES);
}

static void collect(struct support *s, const struct owner_args *a, bool alerts)
{
	struct config c;
	bool understood = !cli_settings(a->config, &c);

	put_command(s, "version.json", (char[]){ "version" });
	put_command(s, "doctor.json", (char[]){ "doctor" });
	put_status(s, a);
	put_settings(s, &c, understood);
	if (c.state_dir)
		support_put_state(s, c.state_dir);
	else
		support_left_out(s, "state", "the settings name no state directory");
	put_host(s);
	put_proc(s, "cgroup/self.txt", "/proc/self/cgroup");
	put_proc(s, "cgroup/controllers.txt", "/sys/fs/cgroup/cgroup.controllers");
	put_alerts(s, &c, alerts);
	config_done(&c);
}

static int write_out(struct support *s, const char *path)
{
	struct diag d;

	tar_put(&s->tar, "CONTENTS.txt", view_of(s->notes.p, s->notes.len));
	tar_end(&s->tar);
	if (s->tar.full || s->notes.full)
		return cli_fail(CLI_HOST, "what was found is too long for one file, or there is too little memory");
	diag_init(&d);
	if (io_replace_file(path, s->tar.p, s->tar.len, 0600, &d) != E_OK)
		return cli_fail(CLI_HOST, "%s", d.text);
	return cli_print(&s->notes);
}

int cmd_support_bundle(int argc, char **argv)
{
	static const struct option opts[] = { OWNER_OPTIONS, { "alerts", no_argument, NULL, 'a' }, { 0 } };
	const char *path = NULL;
	struct owner_args a = { 0 };
	struct support s;
	bool alerts = false;
	int c, code;

	while ((c = getopt_long(argc, argv, "o:", opts, NULL)) != -1) {
		if (c == 'o')
			path = optarg;
		else if (c == 'a')
			alerts = true;
		else if (!owner_option(c, optarg, &a))
			return cli_usage("support-bundle");
	}
	if (!path || optind != argc)
		return cli_fail(CLI_USAGE, "where to? 'sallyport support-bundle -o FILE.tar'");
	if (geteuid())
		(void)fprintf(stderr, "sallyport: without root much is left out: try sudo\n");
	buf_init(&s.tar, SUPPORT_MAX_BYTES);
	buf_init(&s.notes, SUPPORT_MAX_PART);
	collect(&s, &a, alerts);
	code = write_out(&s, path);
	buf_done(&s.tar);
	buf_done(&s.notes);
	return code;
}
