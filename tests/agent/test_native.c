/* SPDX-License-Identifier: Apache-2.0 */
/* Native code from a compiler to a worker, both as processes; this one is the supervisor. */
#include "worker_bed.h"

#include "engine/jit/jit.h"

enum {
	SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
	N_OPENS = 30,
	PER_S = 2000,
	HEADER = 64,
	ROW = 48
};

static const char rules[] = BED_RULE("A", "/a", "WARNING") BED_RULE("B", "/b", "NOTICE");
static const char other_rules[] = BED_RULE("A", "/a", "WARNING") BED_RULE("B", "/c", "NOTICE");

/* What a compiler makes of these rules: a descriptor; -1: nothing. */
static int compile(const char *text)
{
	struct control_packet p;
	struct bed b;
	struct diag d;
	enum err err;
	int fd = -1, code;

	bed_spawn_as(&b, "compiler");
	control_init(&p, CONTROL_START);
	p.msg.u.start = (struct control_start){ .flags = CONTROL_COMPILER };
	bed_send(&b, &p);
	bed_load(&b, text, strlen(text));
	err = control_recv(b.sock, true, &p, &d);
	if (err == E_OK) {
		CHECK_EQ(p.msg.hdr.type, CONTROL_COMPILED);
		fd = p.fds[0];
	}
	code = bed_end(&b);
	CHECK_EQ(code, err == E_OK ? 0 : 1);
	return fd;
}

static bool no_compiler(void)
{
	return jit_host() == JIT_N_TARGETS;
}

/* A task, then opens of /a, /b and /c in turn. */
static int capture(void)
{
	static const char *const paths[] = { "/a", "/b", "/c" };
	struct capture_info info = { .hostname = "elsewhere", .sensor = "test", .users = "", .groups = "" };
	struct capture_writer *cw = NULL;
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct rec *r = calloc(1, sizeof *r);

	CHECK(fd >= 0 && r);
	CHECK_OK(capture_write_open(fd, &info, &cw));
	rec_exec(r, &(struct rec_exec){ .pid = 7, .time_ns = 1000, .comm = "cat", .kind = WIRE_TASK });
	CHECK_OK(capture_write(cw, rec_view(r)));
	for (uint32_t i = 0; i < N_OPENS; i++) {
		rec_open(r, 7, "cat", paths[i % 3], 0, 3, 1000 + i * 1000);
		CHECK_OK(capture_write(cw, rec_view(r)));
	}
	CHECK_OK(capture_write_end(cw));
	capture_write_free(cw);
	free(r);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void start(struct bed *b, uint32_t flags)
{
	struct control_packet p;

	bed_spawn(b);
	bed_start(b, CONTROL_CAPTURED | flags, 0, NULL, 0);
	bed_output(b);
	control_init(&p, CONTROL_CAPTURE);
	p.msg.u.capture.records_per_s = PER_S;
	p.fds[p.n_fds++] = capture();
	bed_send(b, &p);
	control_close_fds(&p);
	bed_load(b, rules, sizeof rules - 1);
	bed_run(b, false);
}

/* It goes on judging. */
static void check_alive(struct bed *b)
{
	CHECK(bed_until(&b->page->alerts, page_get(&b->page->alerts) + 100));
}

/* Bytes with these seals. */
static int sealed(const void *p, size_t len, int seals)
{
	int fd = memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(fd >= 0);
	CHECK_OK(io_write_all(fd, p, len));
	if (seals)
		CHECK_EQ(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static char *bytes_of(int fd, size_t *len)
{
	char *p;

	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_OK(io_read_fd(fd, "code", JIT_MAX_BYTES, &p, len, NULL));
	return p;
}

/* Mappings that can be executed and hold this name; and any that can be written and executed. */
static void count_mappings(pid_t pid, uint32_t *code, uint32_t *both)
{
	char path[64], *text, *line, *rest;
	size_t len;

	(void)snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	CHECK_OK(io_read_file(path, 4 << 20, &text, &len, NULL));
	*code = *both = 0;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *prot = strchr(line, ' ');

		CHECK(prot);
		*code += !strncmp(prot, " r-xs", 5) && strstr(line, "sallyport-code");
		*both += prot[2] == 'w' && prot[3] == 'x';
	}
	free(text);
}

TEST(a_worker_runs_what_a_compiler_made_and_nothing_changes_but_how)
{
	uint32_t code, both;
	struct bed b;
	int fd;

	if (no_compiler())
		SKIP("no compiler for this machine");
	fd = compile(rules);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), SEALS);
	start(&b, CONTROL_NATIVE);
	check_alive(&b);
	CHECK_EQ(page_get(&b.page->native), 0);
	bed_simple(&b, CONTROL_CODE, fd);
	CHECK(bed_until(&b.page->native, 2));
	CHECK_EQ(page_get(&b.page->native), 2);
	count_mappings(b.pid, &code, &both);
	CHECK_EQ(code, 1);
	CHECK_EQ(both, 0);
	check_alive(&b);
	bed_simple(&b, CONTROL_CODE, fd); /* once more is no harm */
	bed_simple(&b, CONTROL_EXERCISE, -1);
	CHECK(bed_until(&b.page->exercises, 1));
	check_alive(&b);
	CHECK_EQ(page_get(&b.page->faults), 0);
	bed_simple(&b, CONTROL_STOP, -1);
	CHECK(bed_wait(&b, CONTROL_FINAL));
	CHECK_EQ(bed_count(&b, "\"rule\":\"A\""), page_get(&b.page->rules[0].alerts));
	CHECK_EQ(bed_count(&b, "\"rule\":\"B\""), page_get(&b.page->rules[1].alerts));
	CHECK_EQ(bed_end(&b), 0);
	close(fd);
}

TEST(new_rules_are_interpreted_until_their_own_code_comes)
{
	int fd, fd2;
	struct bed b;

	if (no_compiler())
		SKIP("no compiler for this machine");
	fd = compile(rules);
	fd2 = compile(other_rules);
	start(&b, CONTROL_NATIVE);
	bed_simple(&b, CONTROL_CODE, fd);
	CHECK(bed_until(&b.page->native, 2));
	bed_load(&b, other_rules, sizeof other_rules - 1);
	CHECK(bed_wait(&b, CONTROL_READY));
	CHECK_EQ(page_get(&b.page->native), 0);
	check_alive(&b);
	bed_simple(&b, CONTROL_CODE, fd); /* the old one: too late */
	check_alive(&b);
	CHECK_EQ(page_get(&b.page->native), 0);
	bed_simple(&b, CONTROL_CODE, fd2);
	CHECK(bed_until(&b.page->native, 2));
	check_alive(&b);
	CHECK_EQ(bed_stop(&b), 0);
	close(fd);
	close(fd2);
}

TEST(code_that_is_not_the_contents_leaves_it_interpreted)
{
	static const char *const cases[] = { "of other content", "not sealed", "cut",
					     "of another key",   "no image",   "of two programs less" };
	size_t len, i;
	char *bytes;
	struct bed b;
	int fd;

	if (no_compiler())
		SKIP("no compiler for this machine");
	fd = compile(rules);
	bytes = bytes_of(fd, &len);
	start(&b, CONTROL_NATIVE);
	for (i = 0; i < countof(cases); i++) {
		uint32_t none = 0;
		int sent;

		test_row = cases[i];
		if (i == 0) {
			sent = compile(other_rules);
		} else {
			if (i == 3)
				bytes[HEADER - 1] ^= 1;
			if (i == 4)
				bytes[0] ^= 1;
			if (i == 5)
				memcpy(bytes + 16, &none, sizeof none);
			sent = sealed(bytes, i == 2 ? len - 1 : len, i == 1 ? 0 : SEALS);
			if (i == 3)
				bytes[HEADER - 1] ^= 1;
			if (i == 4)
				bytes[0] ^= 1;
		}
		bed_simple(&b, CONTROL_CODE, sent);
		check_alive(&b);
		CHECK_EQ(page_get(&b.page->native), 0);
		close(sent);
	}
	bed_simple(&b, CONTROL_CODE, fd); /* after all that the right one is taken */
	CHECK(bed_until(&b.page->native, 2));
	check_alive(&b);
	CHECK_EQ(bed_stop(&b), 0);
	free(bytes);
	close(fd);
}

/* What it is handed is what it runs: an image of the right key whose code is "ud2", or "udf". */
TEST(a_worker_that_is_handed_bad_code_dies_and_takes_nothing_with_it)
{
	uint64_t at;
	size_t len;
	char *bytes;
	struct bed b;
	int fd, bad;

	if (no_compiler())
		SKIP("no compiler for this machine");
	fd = compile(rules);
	bytes = bytes_of(fd, &len);
	for (size_t i = 0; i < 2; i++) {
		memcpy(&at, bytes + HEADER + i * ROW, sizeof at);
		CHECK(at + 4 <= len);
		memcpy(bytes + at, jit_host() == JIT_X86_64 ? "\x0f\x0b\x90" : "\0\0\0", 4);
	}
	bad = sealed(bytes, len, SEALS);
	start(&b, CONTROL_NATIVE);
	bed_simple(&b, CONTROL_CODE, bad);
	CHECK_EQ(bed_end(&b), 1000 + SIGILL);
	free(bytes);
	close(fd);
	close(bad);
}

TEST(a_worker_that_gets_no_code_takes_none)
{
	struct bed b;
	int fd;

	if (no_compiler())
		SKIP("no compiler for this machine");
	fd = compile(rules);
	start(&b, 0);
	bed_simple(&b, CONTROL_CODE, fd);
	check_alive(&b);
	CHECK_EQ(page_get(&b.page->native), 0);
	CHECK_EQ(bed_stop(&b), 0);
	close(fd);
}

TEST(a_compiler_makes_nothing_of_rules_that_are_refused)
{
	if (geteuid())
		SKIP("not root");
	CHECK_EQ(compile("- rule: x\n  desc: d\n  condition: no.such.field = 1\n  output: o\n  priority: ERROR\n"), -1);
}
