/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: records that are not what they say.
 *
 * Each record lies in memory of exactly its size, so that the sanitizers see a read past it; and every value of
 * every event is read. What is refused must have changed nothing.
 */
#include "sensor/decode/decode.h"

#include "seeds.h"
#include "test.h"

enum { ALL_TYPES = (1 << TEMPLATE_N_TYPES) - 1 };

static uint64_t sum; /* of all bytes of all values: nothing is optimised away */
static uint64_t n_events;

static void on_event(void *user, struct event *e)
{
	struct buf b;

	(void)user;
	n_events++;
	buf_init(&b, 1 << 20);
	for (uint32_t i = 0; i < e->table->common.n; i++)
		(void)event_format(e, i, -1, &b);
	for (uint32_t i = 0; i < e->type->own.n; i++)
		(void)event_format(e, TEMPLATE_CAP + i, -1, &b);
	for (size_t i = 0; i < b.len; i++)
		sum += (uint8_t)b.p[i];
	buf_done(&b);
}

static struct decode *new_decode(void)
{
	struct decode_opts o = { .table = &template_builtin, .types = ALL_TYPES, .emit = on_event };
	struct decode *d = NULL;

	CHECK_OK(decode_new(&o, &d));
	return d;
}

/* The bytes in memory of exactly their size. */
static enum err feed(struct decode *d, const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	uint64_t events = n_events;
	struct decode_stats before, after;
	enum err err;

	CHECK(copy != NULL);
	if (len)
		memcpy(copy, p, len);
	decode_stats(d, &before);
	err = decode_record(d, view_of(copy, len));
	decode_stats(d, &after);
	free(copy);
	CHECK_EQ(after.records, before.records + 1);
	CHECK_EQ(after.malformed, before.malformed + (err != E_OK));
	if (err) {
		CHECK(err == E_TRUNCATED || err == E_FORMAT);
		CHECK_EQ(after.procs, before.procs);
		CHECK_EQ(n_events, events);
	}
	return err;
}

TEST(the_seeds_are_valid_wherever_they_lie)
{
	struct decode *d = new_decode();
	static uint8_t shifted[WIRE_RECORD_MAX + 8];
	struct rec r;

	for (uint32_t i = 0; i < N_SEEDS; i++)
		for (uint32_t shift = 0; shift < 8; shift++) {
			seed_record(i, &r);
			memcpy(shifted + shift, r.bytes, r.hdr.bytes);
			CHECK_OK(decode_record(d, view_of(shifted + shift, r.hdr.bytes)));
		}
	decode_free(d);
}

TEST(a_record_that_was_cut_anywhere_is_refused)
{
	struct decode *d = new_decode();
	struct rec r;

	for (uint32_t i = 0; i < N_SEEDS; i++) {
		uint32_t whole;

		seed_record(i, &r);
		whole = r.hdr.bytes;
		for (uint32_t len = 0; len < whole; len++) {
			/* as it is, and with a header that says what is there */
			CHECK_EQ(feed(d, r.bytes, len), E_TRUNCATED);
			r.hdr.bytes = len;
			CHECK_EQ(feed(d, r.bytes, len), E_TRUNCATED);
			r.hdr.bytes = whole;
		}
		/* more bytes than it says */
		CHECK_EQ(feed(d, r.bytes, whole + 1), E_FORMAT);
	}
	decode_free(d);
}

TEST(any_byte_may_be_anything)
{
	static const uint8_t masks[] = { 1, 2, 4, 8, 16, 32, 64, 128, 255 };
	struct rec r;

	for (uint32_t i = 0; i < N_SEEDS; i++) {
		struct decode *d = new_decode();

		seed_record(i, &r);
		for (uint32_t at = 0; at < r.hdr.bytes; at++) {
			uint32_t len = r.hdr.bytes;

			for (size_t m = 0; m < countof(masks); m++) {
				r.bytes[at] ^= masks[m];
				(void)feed(d, r.bytes, len);
				r.bytes[at] ^= masks[m];
			}
		}
		decode_free(d);
	}
	CHECK(n_events > 20000);
}

TEST(what_the_format_forbids_is_refused)
{
	struct decode *d = new_decode();
	struct rec r;

#define REFUSED(seed, change)                                      \
	do {                                                       \
		seed_record(seed, &r);                             \
		change;                                            \
		test_row = #change;                                \
		CHECK_EQ(feed(d, r.bytes, r.hdr.bytes), E_FORMAT); \
	} while (0)
	REFUSED(SEED_EXEC, r.hdr.kind = 0);
	REFUSED(SEED_EXEC, r.hdr.kind = WIRE_N_KINDS);
	REFUSED(SEED_EXEC, r.exec.n_fds = WIRE_TASK_FDS + 1);
	REFUSED(SEED_EXEC, r.exec.fds[1].kind = WIRE_FD_OTHER + 1);
	REFUSED(SEED_EXEC, r.exec.fds[1].fd = 0);                              /* not ascending */
	REFUSED(SEED_EXEC, r.bytes[sizeof r.exec + r.exec.exe.len - 1] = 'x'); /* the last name has no end */
	REFUSED(SEED_OPEN, r.open.file.kind = WIRE_FD_OTHER + 1);
	REFUSED(SEED_OPEN, r.open.path.len = WIRE_PATH_BYTES + 1);
	REFUSED(SEED_CONNECT, r.connect.sock.kind = 200);
	REFUSED(SEED_CONNECT_FAILED, r.connect.sock.kind = WIRE_FD_OTHER + 1);
	REFUSED(SEED_ACCEPT, r.accept.sock.kind = WIRE_FD_OTHER + 1);
	REFUSED(SEED_LISTEN, r.listen.sock.kind = WIRE_FD_OTHER + 1);
	REFUSED(SEED_SOCKET, r.socket.sock.kind = WIRE_FD_OTHER + 1);
	REFUSED(SEED_SEND, r.send.sock.kind = WIRE_FD_OTHER + 1);
	REFUSED(SEED_SEND, r.send.data.len = WIRE_DATA_BYTES + 1);
	REFUSED(SEED_RECV, r.recv.sock.kind = WIRE_FD_OTHER + 1);
	REFUSED(SEED_DUP, r.dup.sock.kind = WIRE_FD_OTHER + 1);
	REFUSED(SEED_RENAME, r.rename.from.raw.len = WIRE_PATH_BYTES + 1);
	REFUSED(SEED_RENAME, r.bytes[r.hdr.bytes - 1] = 'x'); /* the directory's last name has no end */
	REFUSED(SEED_CHMOD, r.chmod.path.dir.len = WIRE_PATH_BYTES + 1);
	REFUSED(SEED_SETNS, r.namespace.path.len = WIRE_PATH_BYTES + 1);
	REFUSED(SEED_CONNECT, r.connect.sock.kind = WIRE_FD_FILE);
	REFUSED(SEED_FDS, r.fds.op = 0);
	REFUSED(SEED_FDS, r.fds.op = WIRE_FDS_CLOSE + 1);
	REFUSED(SEED_FDS, r.fds.n_fds = 3);
	REFUSED(SEED_FDS, r.fds.fds[1].kind = WIRE_FD_OTHER + 1);
#undef REFUSED
	seed_record(SEED_EXEC, &r);
	r.exec.args.len++;
	CHECK_EQ(feed(d, r.bytes, r.hdr.bytes), E_TRUNCATED);
	decode_free(d);
}

static uint64_t seed;
static uint32_t rnd(uint32_t n)
{
	seed = hash_u64(seed + 0x9e3779b97f4a7c15ull);
	return (uint32_t)(seed >> 33) % n;
}

/* Long lives of a few processes and files, whose records are now and then damaged: the tables stay whole. */
TEST(long_random_histories_leave_nothing_behind)
{
	for (uint64_t run = 1; run <= 4; run++) {
		struct decode *d = new_decode();
		struct decode_stats st;
		static struct rec r;

		seed = run;
		for (uint32_t i = 0; i < 30000; i++) {
			uint32_t pid = 10 + rnd(12), n;

			seed_record(rnd(N_SEEDS), &r);
			r.hdr.pid = r.hdr.tid = pid;
			r.hdr.start_ns = REC_START(pid) + (rnd(20) == 0);
			r.hdr.time_ns = i * 1000000ull;
			if (r.hdr.kind == WIRE_FORK) {
				r.fork.child_pid = 10 + rnd(12);
				r.fork.child_start_ns = REC_START(r.fork.child_pid) + rnd(3);
			} else if (r.hdr.kind == WIRE_FDS) {
				r.fds.op = 1 + rnd(3);
				for (n = 0; n < r.fds.n_fds; n++) {
					r.fds.fds[n].fd = rnd(20);
					r.fds.fds[n].ino = 1 + rnd(6);
					r.fds.fds[n].kind = (uint8_t)(WIRE_FD_PIPE + rnd(3));
					r.fds.fds[n].flags = (uint8_t)rnd(16);
				}
			} else if (r.hdr.kind == WIRE_EXEC || r.hdr.kind == WIRE_TASK) {
				for (n = 0; n < r.exec.n_fds; n++)
					r.exec.fds[n].ino = 1 + rnd(6);
			}
			if (rnd(10) == 0)
				r.bytes[rnd(r.hdr.bytes - 8) + 8] = (uint8_t)rnd(256);
			(void)feed(d, r.bytes, r.hdr.bytes);
		}
		decode_stats(d, &st);
		CHECK(st.events > 1000);
		CHECK(st.procs < 20000);
		decode_free(d);
	}
}
