/* SPDX-License-Identifier: Apache-2.0 */
/* control: whatever comes over the socket is either a message that is allowed there, or refused without a trace. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "agent/control.h"
#include "agent/courier.h"

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* The kinds above 63 are about release: their two halves begin at 64 and 80. */
static bool is_from_child(enum control_type type)
{
	return type < 64 ? type >= CONTROL_READY : type >= CONTROL_FETCH;
}

static void good(struct control_packet *p, enum control_type type)
{
	control_init(p, type);
	if (type == CONTROL_START) {
		p->msg.u.start = (struct control_start){ .ring_bytes = { 4096, 8192 }, .n_cpus = 2, .hostname = "h" };
		p->n_fds = 7;
	}
	if (type == CONTROL_COURIER)
		p->n_fds = 3;
	if (type == CONTROL_CAPTURE || type == CONTROL_FILE || type == CONTROL_GO || type == CONTROL_RECORD ||
	    type == CONTROL_NAMES || type == CONTROL_RESCAN || type == CONTROL_ASK || type == CONTROL_CODE ||
	    type == CONTROL_COMPILED)
		p->n_fds = 1;
	if (type == CONTROL_LOAD)
		p->msg.u.load.n_files = 1;
	if (type == CONTROL_FAILED)
		p->msg.u.failed.exit_code = 1;
	if (type == CONTROL_CONTAINER) {
		p->msg.u.container = (struct control_container){ .shape = 1, .have = 5, .id = "web" };
		p->n_fds = 2;
	}
	if (type == CONTROL_MUTE)
		p->msg.u.mute = (struct control_mute){ .until_s = 9, .rule = "r", .key = "proc.name", .value = "x" };
	if (type == CONTROL_ASK_CONTAINER)
		p->msg.u.ask_container = (struct control_ask_container){ .runtime = 1, .id = "web" };
	for (uint32_t i = 0; i < p->n_fds; i++)
		p->fds[i] = STDERR_FILENO;
}

/* Send p, receive it as from_worker says. */
static enum err pass(const struct control_packet *p, bool from_worker, struct control_packet *out, struct diag *d)
{
	enum err err;
	int sv[2];

	CHECK_OK(control_pair(sv));
	CHECK_OK(control_send(sv[0], p));
	diag_init(d);
	err = control_recv(sv[1], from_worker, out, d);
	close(sv[0]);
	close(sv[1]);
	return err;
}

TEST(every_message_passes_in_its_own_direction_and_in_no_other)
{
	static const enum control_type types[] = {
		CONTROL_START,         CONTROL_FILE,     CONTROL_OUTPUT,   CONTROL_LOAD,     CONTROL_GO,
		CONTROL_RUN,           CONTROL_STOP,     CONTROL_READY,    CONTROL_FAILED,   CONTROL_SCANNED,
		CONTROL_ROTATE,        CONTROL_GONE,     CONTROL_FINAL,    CONTROL_RECORD,   CONTROL_NAMES,
		CONTROL_COURIER,       CONTROL_RESCAN,   CONTROL_ASK,      CONTROL_FILTER,   CONTROL_CONTAINER,
		CONTROL_ASK_CONTAINER, CONTROL_MUTE,     CONTROL_CAPTURE,  CONTROL_EXERCISE, CONTROL_TESTED,
		CONTROL_CODE,          CONTROL_COMPILED, CONTROL_QUESTION,
	};
	int before = count_fds();

	for (size_t i = 0; i < countof(types); i++) {
		bool from_worker = is_from_child(types[i]);
		struct control_packet p, got;
		char row[32];
		struct diag d;

		(void)snprintf(row, sizeof row, "type %d", (int)types[i]);
		test_row = row;
		good(&p, types[i]);
		CHECK_OK(pass(&p, from_worker, &got, &d));
		CHECK_EQ(got.n_fds, p.n_fds);
		CHECK_EQ(memcmp(&got.msg, &p.msg, sizeof p.msg), 0);
		control_close_fds(&got);
		CHECK_EQ(pass(&p, !from_worker, &got, &d), E_FORMAT);
	}
	test_row = NULL;
	CHECK_EQ(count_fds(), before);
}

TEST(a_bad_field_is_refused_and_its_descriptors_are_closed)
{
	static const struct {
		const char *name;
		enum control_type type;
		size_t off;
		uint32_t value;
		const char *says;
	} rows[] = {
		{ "version", CONTROL_STOP, 4, 2, "version" },
		{ "type 0", CONTROL_STOP, 0, 0, "type 0" },
		{ "type 14", CONTROL_STOP, 0, 14, "type 14" },
		{ "flags", CONTROL_START, 8, 1024, "flags" },
		{ "two kinds of worker", CONTROL_START, 8, 48, "two kinds" },
		{ "scratch with rings", CONTROL_START, 8, 16, "descriptors" },
		{ "a compiler with descriptors", CONTROL_START, 8, 512, "descriptors" },
		{ "a compiler that is a shadow", CONTROL_START, 8, 544, "two kinds" },
		{ "a long question", CONTROL_QUESTION, 8, PAGE_QUESTION_BYTES + 1, "question" },
		{ "captured with rings", CONTROL_START, 8, 64, "descriptors" },
		{ "rate", CONTROL_CAPTURE, 8, CONTROL_MAX_RATE + 1, "records a second" },
		{ "more failed than there are", CONTROL_TESTED, 12, 1, "of 0 vectors" },
		{ "ring of no power of two", CONTROL_START, 12, 5000, "ring 0" },
		{ "ring below a page", CONTROL_START, 16, 2048, "ring 1" },
		{ "no CPU", CONTROL_START, 20, 0, "CPUs" },
		{ "too many CPUs", CONTROL_START, 20, WIRE_MAX_CPUS + 1, "CPUs" },
		{ "file index", CONTROL_FILE, 8, CONTROL_MAX_FILES, "index" },
		{ "output index", CONTROL_OUTPUT, 8, CONTROL_MAX_OUTPUTS, "index" },
		{ "output format", CONTROL_OUTPUT, 12, 4, "format" },
		{ "too many files", CONTROL_LOAD, 8, CONTROL_MAX_FILES + 1, "files" },
		{ "exit code", CONTROL_FAILED, 8, 0, "exit code" },
		{ "rotate index", CONTROL_ROTATE, 8, 7, "output 7" },
		{ "too many names", CONTROL_FILTER, 8, WIRE_FILTER_MAX_NAMES + 1, "names" },
		{ "gone index", CONTROL_GONE, 8, UINT32_MAX, "does not exist" },
		{ "runtime", CONTROL_ASK_CONTAINER, 8, CONTAINER_N_RUNTIMES, "runtime" },
		{ "an id that leaves its directory", CONTROL_ASK_CONTAINER, 16, 0x2f2e2e /* ../ */, "bad id" },
		{ "runtime of an answer", CONTROL_CONTAINER, 8, CONTAINER_N_RUNTIMES, "runtime" },
		{ "shape", CONTROL_CONTAINER, 12, CONTAINER_N_SHAPES, "shape" },
		{ "files without descriptors", CONTROL_CONTAINER, 16, 7, "files" },
		{ "more files than there are", CONTROL_CONTAINER, 16, 0x90, "files" },
		{ "later", CONTROL_CONTAINER, 20, 2, "shape" },
		{ "no id", CONTROL_CONTAINER, 24, 0, "bad id" },
		{ "mute of no rule", CONTROL_MUTE, 24, 0, "no rule" },
		{ "neither mute nor unmute", CONTROL_MUTE, 8, 2, "remove 2" },
	};
	int before = count_fds();

	for (size_t i = 0; i < countof(rows); i++) {
		struct control_packet p, got;
		struct diag d;

		test_row = rows[i].name;
		good(&p, rows[i].type);
		memcpy((char *)&p.msg + rows[i].off, &rows[i].value, 4);
		CHECK_EQ(pass(&p, is_from_child(rows[i].type), &got, &d), E_FORMAT);
		CHECK_HAS(d.text, rows[i].says);
		CHECK_EQ(count_fds(), before);
	}
}

TEST(names_without_an_end_are_refused)
{
	struct control_packet p, got;
	struct diag d;

	good(&p, CONTROL_FILE);
	memset(p.msg.u.file.name, 'x', sizeof p.msg.u.file.name);
	CHECK_EQ(pass(&p, false, &got, &d), E_FORMAT);
	good(&p, CONTROL_MUTE);
	memset(p.msg.u.mute.value, 'x', sizeof p.msg.u.mute.value);
	CHECK_EQ(pass(&p, false, &got, &d), E_FORMAT);
	good(&p, CONTROL_START);
	memset(p.msg.u.start.hostname, 'x', sizeof p.msg.u.start.hostname);
	CHECK_EQ(pass(&p, false, &got, &d), E_FORMAT);
}

TEST(a_wrong_number_of_descriptors_is_refused)
{
	static const struct {
		enum control_type type;
		uint32_t n;
	} rows[] = { { CONTROL_START, 6 },   { CONTROL_FINAL, 1 }, { CONTROL_COURIER, 1 },  { CONTROL_COURIER, 5 },
		     { CONTROL_NAMES, 0 },   { CONTROL_ASK, 0 },   { CONTROL_ASK, 2 },      { CONTROL_RESCAN, 0 },
		     { CONTROL_FILE, 0 },    { CONTROL_FILE, 2 },  { CONTROL_GO, 2 },       { CONTROL_STOP, 1 },
		     { CONTROL_READY, 1 },   { CONTROL_CODE, 0 },  { CONTROL_COMPILED, 0 }, { CONTROL_COMPILED, 2 },
		     { CONTROL_QUESTION, 1 } };
	int before = count_fds();

	for (size_t i = 0; i < countof(rows); i++) {
		struct control_packet p, got;
		struct diag d;

		good(&p, rows[i].type);
		p.n_fds = rows[i].n;
		for (uint32_t k = 0; k < p.n_fds; k++)
			p.fds[k] = STDERR_FILENO;
		CHECK_EQ(pass(&p, is_from_child(rows[i].type), &got, &d), E_FORMAT);
		CHECK_EQ(count_fds(), before);
	}
}

TEST(a_message_of_any_other_size_is_refused)
{
	static const size_t sizes[] = { 1, 8, CONTROL_BYTES - 1, CONTROL_BYTES + 1, 4 * CONTROL_BYTES };
	char bytes[4 * CONTROL_BYTES] = { CONTROL_STOP, 0, 0, 0, CONTROL_VERSION };

	for (size_t i = 0; i < countof(sizes); i++) {
		struct control_packet got;
		struct diag d;
		int sv[2];

		diag_init(&d);
		CHECK_OK(control_pair(sv));
		CHECK_EQ((size_t)send(sv[0], bytes, sizes[i], 0), sizes[i]);
		CHECK_EQ(control_recv(sv[1], false, &got, &d), E_FORMAT);
		close(sv[0]);
		close(sv[1]);
	}
}

/* More descriptors than any message has: all are closed, none leaks. */
TEST(a_flood_of_descriptors_leaks_none)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(32 * sizeof(int))];
	} control = { 0 };
	struct control_packet p, got;
	struct iovec iov = { &p.msg, sizeof p.msg };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	int before = count_fds(), sv[2], fds[32];
	struct diag d;

	for (size_t i = 0; i < countof(fds); i++)
		fds[i] = STDERR_FILENO;
	good(&p, CONTROL_FILE);
	control.align =
		(struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fds) };
	memcpy(CMSG_DATA(&control.align), fds, sizeof fds);
	diag_init(&d);
	CHECK_OK(control_pair(sv));
	CHECK_EQ(sendmsg(sv[0], &mh, 0), (ssize_t)sizeof p.msg);
	CHECK_EQ(control_recv(sv[1], false, &got, &d), E_FORMAT);
	close(sv[0]);
	close(sv[1]);
	CHECK_EQ(count_fds(), before);
}

TEST(a_closed_peer_is_told_apart_from_silence)
{
	struct control_packet p, got;
	struct diag d;
	int sv[2];

	diag_init(&d);
	CHECK_OK(control_pair(sv));
	CHECK_EQ(fcntl(sv[1], F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(control_recv(sv[1], false, &got, &d), E_NOT_FOUND);
	close(sv[0]);
	CHECK_EQ(control_recv(sv[1], false, &got, &d), E_TRUNCATED);
	control_init(&p, CONTROL_READY);
	CHECK_EQ(control_send(sv[1], &p), E_IO);
	CHECK_EQ(errno, EPIPE);
	close(sv[1]);
}

TEST(the_worker_cannot_shrink_the_page_under_the_supervisor)
{
	void *first, *second, *strange;
	struct page *page;
	int fd, other;

	CHECK_OK(page_new(sizeof *page, PAGE_MAGIC, &fd, &first));
	page = first;
	CHECK_EQ(ftruncate(fd, 4096), -1);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(ftruncate(fd, sizeof *page + 4096), -1);
	CHECK_OK(page_map(fd, sizeof *page, PAGE_MAGIC, true, &second));
	page_add(&((struct page *)second)->alerts, 3);
	CHECK_EQ(page_get(&page->alerts), 3);
	/* the other child's page is none of this one's business */
	CHECK_EQ(page_map(fd, sizeof(struct courier_page), COURIER_PAGE_MAGIC, true, &strange), E_FORMAT);
	CHECK_EQ(page_map(fd, sizeof *page, COURIER_PAGE_MAGIC, true, &strange), E_FORMAT);
	page_unmap(second, sizeof *page);
	page_unmap(first, sizeof *page);
	close(fd);

	other = memfd_create("other", MFD_CLOEXEC);
	CHECK_EQ(page_map(other, sizeof *page, PAGE_MAGIC, true, &strange), E_FORMAT); /* empty */
	CHECK_EQ(ftruncate(other, sizeof *page), 0);
	CHECK_EQ(page_map(other, sizeof *page, PAGE_MAGIC, true, &strange), E_FORMAT); /* no magic */
	close(other);
}
