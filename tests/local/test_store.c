/* SPDX-License-Identifier: Apache-2.0 */
/* The disk: cut off at every step, full, failing, and what a start finds then. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

struct host {
	struct memfs *m;
	struct local_store *store;
	struct local_state state, written, tried; /* in memory; surely on the disk; on its way there */
	bool lost, failed;
};

static bool same_state(const struct local_state *a, const struct local_state *b)
{
	struct local_state x = *a, y = *b;

	x.generation = y.generation = 0;
	x.unsaved_s = y.unsaved_s = 0;
	return !memcmp(&x, &y, sizeof x);
}

/* One event; false: it was not taken, or not written. */
static bool step(struct host *h, struct local_input in)
{
	struct local_state before = h->state;
	struct local_output out = { 0 };
	enum err e;

	h->tried = h->state;
	CHECK_OK(local_on(&h->tried, &plan_default, &in, &out, NULL));
	if (!(out.todo & LOCAL_DO_WRITE))
		h->tried = h->written;
	e = local_step(h->store, &h->state, &plan_default, &in, &out, NULL);
	if (e != E_OK) {
		CHECK_EQ(e, E_IO);
		CHECK(!memcmp(&before, &h->state, sizeof before));
	} else if (out.todo & LOCAL_DO_WRITE && !out.unwritten) {
		h->written = h->state;
	}
	if (e == E_OK && out.unwritten)
		CHECK_EQ(h->state.lane[LOCAL_RELEASE].phase, LOCAL_NONE);
	if (e == E_OK && out.todo & LOCAL_DO_KEEP)
		local_store_clean(h->store, &h->state);
	return e == E_OK && !out.unwritten;
}

static bool boot(struct host *h, unsigned id)
{
	if (local_store_open("state", memfs_ops(h->m), &h->store, &h->state, &h->lost, NULL) != E_OK)
		return false;
	h->written = h->tried = h->state;
	return step(h, start(id));
}

static bool put(struct host *h, unsigned n)
{
	return local_store_put(h->store, dig(n), content_bytes(n), NULL) == E_OK;
}

static bool armed_is_there(struct host *h)
{
	uint8_t digest[OBJECT_DIGEST_BYTES];
	uint32_t bytes;
	int fd;

	if (!local_armed(&h->state, LOCAL_RELEASE, digest))
		return true;
	if (local_store_get(h->store, digest, &fd, &bytes, NULL) != E_OK)
		return false;
	memfs_ops(h->m)->close(h->m, fd);
	return true;
}

static void go(struct host *h, bool ok, bool stop)
{
	h->failed |= !ok && stop;
}

/*
 * A host's life: content 1 becomes good, 2 kills a worker, 3 becomes good after a boot, 4 is on probation. stop: end at
 * the first step that fails, as when the power is gone; else go on, as with a disk that refuses.
 */
static void live(struct host *h, bool stop)
{
	enum { STEPS = 30 };
	static const unsigned trial[] = { 1, 2, 3, 4 };

	go(h, boot(h, 1), stop);
	if (!h->store)
		return;
	for (size_t i = 0; i < countof(trial) && !h->failed; i++) {
		unsigned n = trial[i];
		const struct local_input steps[] = {
			attach(ESSENTIAL),
			offer(LOCAL_RELEASE, n, n),
			event_of(LOCAL_EV_TESTED, LOCAL_RELEASE, n),
			event_of(LOCAL_EV_SHADOWED, LOCAL_RELEASE, n),
			n == 2 ? death(LOCAL_LIVE, LOCAL_RELEASE, n) : event(LOCAL_EV_RESTARTED),
			elapsed(LOCAL_SAVE_S),
		};

		if (!put(h, n)) {
			h->failed |= stop;
			continue;
		}
		for (size_t k = 0; k < countof(steps) && !h->failed; k++)
			go(h, step(h, steps[k]), stop);
		for (unsigned k = 0; k < STEPS && !h->failed && n != 4; k++)
			go(h, step(h, elapsed(LOCAL_TIME_MAX_S)), stop);
	}
}

static void close_host(struct host *h)
{
	local_store_close(h->store);
	memfs_free(h->m);
}

TEST(a_life_on_a_sound_disk_goes_as_it_should)
{
	struct host h = { .m = memfs_new() };

	live(&h, true);
	CHECK(!h.failed && !h.lost);
	CHECK_EQ(number_of(h.state.lane[LOCAL_RELEASE].lkg), 3);
	CHECK_EQ(number_of(h.state.lane[LOCAL_RELEASE].lkg1), 1);
	CHECK_EQ(armed(&h.state, LOCAL_RELEASE), 4);
	CHECK(armed_is_there(&h));
	CHECK(local_is_quarantined(&h.state, dig(2)));
	close_host(&h);
}

/* Which of the pending reach the disk: all choices when they are few, else none, all, each alone, all but one. */
static uint64_t choice_of(unsigned i, unsigned pending)
{
	if (pending <= 7)
		return i;
	if (i < 2)
		return i ? UINT64_MAX : 0;
	return i - 2 < pending ? UINT64_C(1) << (i - 2) : ~(UINT64_C(1) << (i - 2 - pending));
}

static unsigned n_choices(unsigned pending)
{
	return pending <= 7 ? 1u << pending : 2 + 2 * pending;
}

static void check_after_cut(const struct host *h, uint64_t choice)
{
	struct host r = { .m = memfs_copy(h->m) };
	uint64_t unclean;

	memfs_power(r.m, choice);
	CHECK_OK(local_store_open("state", memfs_ops(r.m), &r.store, &r.state, &r.lost, NULL));
	if (!same_state(&r.state, &h->written))
		CHECK(same_state(&r.state, &h->tried));
	if (h->written.generation)
		CHECK(!r.lost);
	CHECK(armed_is_there(&r));
	local_store_close(r.store);
	r.store = NULL;
	unclean = r.state.unclean_boots + r.state.dirty;
	CHECK(boot(&r, 200));
	CHECK_EQ(r.state.unclean_boots, unclean);
	close_host(&r);
}

TEST(f09_a_power_cut_at_any_write_and_sync_leaves_the_state_before_or_after)
{
	unsigned cuts = 0, starts = 0;

	for (unsigned nth = 1;; nth++) {
		struct host h = { .m = memfs_new() };
		unsigned pending;

		memfs_cut(h.m, nth);
		live(&h, true);
		if (memfs_changes(h.m) < nth) {
			close_host(&h);
			break;
		}
		pending = memfs_pending(h.m);
		for (unsigned i = 0; i < n_choices(pending); i++, starts++)
			check_after_cut(&h, choice_of(i, pending));
		cuts++;
		close_host(&h);
	}
	print_message("# %u cuts, %u starts\n", cuts, starts);
	CHECK(cuts > 100);
}

static void panic(struct host *h)
{
	local_store_close(h->store);
	h->store = NULL;
	memfs_power(h->m, 0);
}

TEST(f09_boot_loop)
{
	struct host h = { .m = memfs_new() };

	live(&h, true);
	for (unsigned boots = 1; boots <= LOCAL_MAX_STRIKES; boots++) {
		uint32_t hooks = local_hooks(&h.state, ALL_HOOKS);

		CHECK(step(&h, attach(hooks)));
		panic(&h);
		CHECK(boot(&h, boots + 1));
		CHECK_EQ(h.state.unclean_boots, boots);
		CHECK_EQ(armed(&h.state, LOCAL_RELEASE), boots < 2 ? 4 : boots < 4 ? 3 : 0);
		CHECK_EQ(local_is_quarantined(&h.state, dig(4)), boots >= 2);
		CHECK_EQ(local_level(&h.state), boots < 4 ? LOCAL_NORMAL : boots < 6 ? LOCAL_FACTORY : LOCAL_SAFE);
		CHECK(!(local_hooks(&h.state, ALL_HOOKS) & BULK));
		CHECK(armed_is_there(&h));
	}
	close_host(&h);
}

TEST(f10_quarantine_is_there_after_a_restart_and_nobody_can_offer_it_again)
{
	struct host h = { .m = memfs_new() };
	struct local_output out;
	struct local_input in = offer(LOCAL_RELEASE, 2, 99);

	live(&h, true);
	panic(&h);
	CHECK(boot(&h, 2));
	CHECK(put(&h, 2));
	CHECK_EQ(local_step(h.store, &h.state, &plan_default, &in, &out, NULL), E_REJECTED);
	in.lane = LOCAL_OWNER;
	CHECK_EQ(local_step(h.store, &h.state, &plan_default, &in, &out, NULL), E_REJECTED);
	close_host(&h);
}

TEST(f11_recovery_needs_no_network)
{
	struct host h = { .m = memfs_new() };

	live(&h, true);
	CHECK(step(&h, death(LOCAL_LIVE, LOCAL_RELEASE, 4)));
	CHECK_EQ(armed(&h.state, LOCAL_RELEASE), 3);
	CHECK(armed_is_there(&h));
	local_store_clean(h.store, &h.state);
	CHECK(armed_is_there(&h));
	for (unsigned i = 0; i < LOCAL_DEATHS; i++)
		CHECK(step(&h, death(LOCAL_LIVE, LOCAL_RELEASE, 3)));
	CHECK_EQ(armed(&h.state, LOCAL_RELEASE), 1);
	CHECK(armed_is_there(&h));
	for (unsigned i = 0; i < LOCAL_DEATHS; i++)
		CHECK(step(&h, death(LOCAL_LIVE, LOCAL_RELEASE, 1)));
	CHECK_EQ(local_level(&h.state), LOCAL_FACTORY);
	for (unsigned s = 0; s < LOCAL_RETRY_S; s += LOCAL_SAVE_S)
		CHECK(step(&h, elapsed(LOCAL_SAVE_S)));
	CHECK_EQ(armed(&h.state, LOCAL_RELEASE), 1);
	CHECK(armed_is_there(&h));
	close_host(&h);
}

TEST(f23_rollback_rehearsed)
{
	struct host h = { .m = memfs_new() };
	uint64_t seq = 10;

	live(&h, true);
	CHECK(step(&h, event(LOCAL_EV_RESTARTED)));
	for (unsigned i = 0; i < 24; i++)
		CHECK(step(&h, elapsed(LOCAL_TIME_MAX_S)));
	for (unsigned i = 0; i < 100; i++) {
		unsigned to = i % 2 ? 4 : 3;

		local_store_clean(h.store, &h.state);
		CHECK_EQ(armed(&h.state, LOCAL_RELEASE), 7 - to);
		CHECK(step(&h, offer(LOCAL_RELEASE, to, seq++)));
		CHECK(step(&h, event_of(LOCAL_EV_TESTED, LOCAL_RELEASE, to)));
		CHECK(step(&h, event_of(LOCAL_EV_SHADOWED, LOCAL_RELEASE, to)));
		CHECK(armed_is_there(&h));
		CHECK(step(&h, event(LOCAL_EV_RESTARTED)));
		for (unsigned k = 0; k < 24; k++)
			CHECK(step(&h, elapsed(LOCAL_TIME_MAX_S)));
		CHECK_EQ(number_of(h.state.lane[LOCAL_RELEASE].lkg), to);
		CHECK_EQ(number_of(h.state.lane[LOCAL_RELEASE].lkg1), 7 - to);
		if (i % 10 == 0) {
			panic(&h);
			CHECK(boot(&h, 3 + i));
			CHECK(step(&h, event(LOCAL_EV_SAFE_OFF)));
		}
	}
	close_host(&h);
}

/* Every call fails once, or from then on; the agent goes on living. */
TEST(a_disk_that_refuses_any_call_loses_no_state_and_leaves_good_content_armed)
{
	static const int errors[] = { ENOSPC, EROFS, EIO };
	unsigned n = 0;

	for (size_t e = 0; e < countof(errors); e++)
		for (int stays = 0; stays < 2; stays++)
			for (unsigned nth = 1, done = 0; !done; nth++, n++) {
				struct host h = { .m = memfs_new() }, r = { 0 };

				memfs_fail(h.m, nth, errors[e], stays);
				live(&h, false);
				done = memfs_calls(h.m) < nth;
				memfs_fail(h.m, 0, 0, false);
				memfs_kill(h.m);
				r.m = h.m;
				CHECK_OK(local_store_open("state", memfs_ops(r.m), &r.store, &r.state, &r.lost, NULL));
				if (!same_state(&r.state, &h.written) && !same_state(&r.state, &h.tried))
					CHECK(r.state.generation > h.written.generation);
				CHECK(!r.lost || !h.written.generation);
				CHECK(armed_is_there(&r));
				local_store_close(r.store);
				free(h.store);
				memfs_free(h.m);
			}
	print_message("# %u lives\n", n);
}

TEST(without_a_disk_nothing_is_on_trial_and_only_essential_hooks_are_attached)
{
	struct host h = { .m = memfs_new() };
	struct local_input in = attach(ALL_HOOKS);
	struct local_output out;

	live(&h, true);
	CHECK(step(&h, event(LOCAL_EV_STOP)));
	local_store_close(h.store);
	memfs_fail(h.m, 0, 0, false);
	CHECK_OK(local_store_open("state", memfs_ops(h.m), &h.store, &h.state, &h.lost, NULL));
	memfs_cut(h.m, 1); /* reads go on */
	CHECK_EQ(armed(&h.state, LOCAL_RELEASE), 4);
	CHECK(!step(&h, start(2)));
	CHECK_EQ(armed(&h.state, LOCAL_RELEASE), 3);
	CHECK(armed_is_there(&h));
	CHECK_EQ(local_step(h.store, &h.state, &plan_default, &in, &out, NULL), E_IO);
	in = attach(ESSENTIAL);
	CHECK_OK(local_step(h.store, &h.state, &plan_default, &in, &out, NULL));
	CHECK(out.unwritten);
	close_host(&h);
}

TEST(every_flipped_byte_and_every_length_of_the_newest_slot_is_noticed_and_the_other_counts)
{
	struct host h = { .m = memfs_new() };
	struct local_state s;
	uint8_t *p;
	size_t len;
	bool lost;

	live(&h, true);
	local_store_close(h.store);
	for (unsigned slot = 0; slot < 2; slot++) {
		p = memfs_file(h.m, slot ? "state.1" : "state.0", &len);
		CHECK_EQ(len, LOCAL_SLOT_BYTES);
		for (size_t at = 0; at < len; at++) {
			p[at] ^= (uint8_t)(1u << at % 8);
			CHECK(local_read(view_of(p, len), &s, NULL) != E_OK);
			if (at % 512 == 0) {
				CHECK_OK(local_store_open("state", memfs_ops(h.m), &h.store, &s, &lost, NULL));
				CHECK(!lost);
				CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg), 3);
				local_store_close(h.store);
			}
			p[at] ^= (uint8_t)(1u << at % 8);
		}
		for (size_t n = 0; n < len; n += 97)
			CHECK_EQ(local_read(view_of(p, n), &s, NULL), E_TRUNCATED);
		CHECK_OK(local_read(view_of(p, len), &s, NULL));
	}
	memfs_file(h.m, "state.0", &len)[0] ^= 1;
	memfs_file(h.m, "state.1", &len)[0] ^= 1;
	CHECK_OK(local_store_open("state", memfs_ops(h.m), &h.store, &s, &lost, NULL));
	CHECK(lost);
	CHECK(!s.generation);
	close_host(&h);
}

/* ---- a real file system ---- */

static char dir[] = "/tmp/sallyport-local-XXXXXX";

static char *fresh_name(void)
{
	(void)snprintf(dir, sizeof dir, "/tmp/sallyport-local-XXXXXX");
	return dir;
}

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *fmt, ...)
{
	char cmd[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(cmd, sizeof cmd, fmt, ap);
	va_end(ap);
	CHECK_EQ(system(cmd), 0);
}

static struct local_store *open_real(const char *at, struct local_state *s, enum err want)
{
	struct local_store *store = NULL;
	struct diag d;
	bool lost;

	diag_init(&d);
	CHECK_EQ(local_store_open(at, NULL, &store, s, &lost, &d), want);
	CHECK(want == E_OK || d.text[0]);
	return store;
}

static void write_all_of(struct local_store *store, struct local_state *s)
{
	struct local_input in = start(1);
	struct local_output out;

	CHECK_OK(local_step(store, s, &plan_default, &in, &out, NULL));
	CHECK(!out.unwritten);
	CHECK_OK(local_store_put(store, dig(1), content_bytes(1), NULL));
	in = offer(LOCAL_RELEASE, 1, s->lane[LOCAL_RELEASE].release_seq + 1);
	CHECK_OK(local_step(store, s, &plan_default, &in, &out, NULL));
}

TEST(the_real_disk_keeps_state_content_and_small_files)
{
	char at[64], *text = NULL;
	struct local_store *store;
	struct local_state s, t;
	uint32_t bytes;
	size_t len;
	int fd;

	CHECK(mkdtemp(fresh_name()) != NULL);
	(void)snprintf(at, sizeof at, "%s/state", dir);
	store = open_real(at, &s, E_OK);
	CHECK_EQ(local_store_get(store, dig(1), &fd, &bytes, NULL), E_NOT_FOUND);
	write_all_of(store, &s);
	(void)open_real(at, &t, E_EXISTS);
	CHECK_EQ(local_store_put(store, dig(2), content_bytes(1), NULL), E_FORMAT);
	CHECK_OK(local_store_put(store, dig(2), content_bytes(2), NULL));
	CHECK_OK(local_store_get(store, dig(1), &fd, &bytes, NULL));
	CHECK_EQ(bytes, content_bytes(1).len);
	close(fd);
	run("touch %s/content/new %s/content/something", at, at);
	local_store_clean(store, &s);
	run("test ! -e %s/content/new && test -e %s/content/something", at, at);
	CHECK_EQ(local_store_get(store, dig(2), &fd, &bytes, NULL), E_NOT_FOUND);
	run("for f in %s/content/????????*[0-9a-f]; do test ${f##*/} = something || printf x >> $f; done", at);
	CHECK_EQ(local_store_get(store, dig(1), &fd, &bytes, NULL), E_FORMAT);
	CHECK_EQ(local_store_get(store, dig(1), &fd, &bytes, NULL), E_NOT_FOUND);
	CHECK_OK(local_store_put(store, dig(1), content_bytes(1), NULL));
	CHECK_EQ(local_store_load(store, "steward", &text, &len, NULL), E_NOT_FOUND);
	CHECK_OK(local_store_save(store, "steward", view_of("abc", 3), NULL));
	CHECK_OK(local_store_save(store, "steward", view_of("abcd", 4), NULL));
	CHECK_OK(local_store_load(store, "steward", &text, &len, NULL));
	CHECK_STR(text, "abcd");
	free(text);
	for (size_t i = 0; i < 4; i++)
		CHECK_EQ(local_store_save(store, (const char *[]){ "", "../x", "a/b", "A" }[i], view_of("x", 1), NULL),
			 E_INVALID);
	local_store_close(store);
	store = open_real(at, &t, E_OK);
	CHECK(same_state(&s, &t));
	local_store_close(store);
	run("rm -rf %s", dir);
}

TEST(a_directory_that_is_not_ours_alone_and_links_are_refused)
{
	char at[64], other[64];
	struct local_store *store;
	struct local_state s;
	uint32_t bytes;
	int fd;

	CHECK(mkdtemp(fresh_name()) != NULL);
	(void)snprintf(at, sizeof at, "%s/state", dir);
	(void)snprintf(other, sizeof other, "%s/link", dir);
	run("mkdir -m 0777 %s", at);
	run("chmod 0777 %s", at);
	(void)open_real(at, &s, E_PERM);
	run("chmod 0700 %s; ln -s state %s", at, other);
	(void)open_real(other, &s, E_PERM);
	run("touch %s/file", dir);
	(void)snprintf(other, sizeof other, "%s/file", dir);
	(void)open_real(other, &s, E_PERM);
	(void)snprintf(other, sizeof other, "%s/no/state", dir);
	(void)open_real(other, &s, E_IO);
	store = open_real(at, &s, E_OK);
	write_all_of(store, &s);
	/* links and fifos in the place of files are nothing that we made */
	run("cd %s && mkfifo x && for f in content/*; do mv $f keep; ln -s ../keep $f; done", at);
	CHECK_EQ(local_store_get(store, dig(1), &fd, &bytes, NULL), E_NOT_FOUND);
	run("cd %s && rm state.0 state.1 && ln -s keep state.0 && mkfifo state.1", at);
	local_store_close(store);
	store = open_real(at, &s, E_OK);
	CHECK(!s.generation);
	CHECK_EQ(local_store_write(store, &s, NULL), E_IO);
	local_store_close(store);
	if (geteuid() == 0) {
		run("chown 65534 %s", at);
		(void)open_real(at, &s, E_PERM);
	}
	run("rm -rf %s", dir);
}

TEST(a_full_file_system_still_takes_marks_and_a_read_only_one_still_gives_content)
{
	struct local_input in = start(9);
	char at[64], mounted[64];
	struct local_store *store;
	struct local_state s, t;
	struct local_output out;
	uint32_t bytes;
	int fd;

	CHECK(mkdtemp(fresh_name()) != NULL);
	(void)snprintf(mounted, sizeof mounted, "%s", dir);
	(void)snprintf(at, sizeof at, "%s/state", dir);
	if (geteuid() != 0 || mount("none", mounted, "tmpfs", 0, "size=128k")) {
		run("rm -rf %s", dir);
		SKIP("needs the right to mount");
	}
	store = open_real(at, &s, E_OK);
	write_all_of(store, &s);
	run("dd if=/dev/zero of=%s/full bs=1k 2>/dev/null; test $? -ne 0", dir);
	CHECK_EQ(local_store_put(store, dig(2), content_bytes(2), NULL), E_IO);
	CHECK_OK(local_step(store, &s, &plan_default, &in, &out, NULL));
	CHECK(!out.unwritten); /* slots are overwritten in place */
	CHECK_EQ(local_store_save(store, "x", view_of(dir, sizeof dir), NULL), E_IO);
	local_store_close(store);
	CHECK_EQ(mount("none", mounted, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
	store = open_real(at, &t, E_OK);
	CHECK(same_state(&s, &t));
	CHECK_OK(local_store_get(store, dig(1), &fd, &bytes, NULL));
	close(fd);
	CHECK_EQ(local_store_put(store, dig(2), content_bytes(2), NULL), E_IO);
	in = offer(LOCAL_RELEASE, 2, 99);
	CHECK_EQ(local_step(store, &t, &plan_default, &in, &out, NULL), E_IO);
	in = start(10);
	CHECK_OK(local_step(store, &t, &plan_default, &in, &out, NULL));
	CHECK(out.unwritten);
	local_store_close(store);
	CHECK_EQ(umount2(mounted, MNT_DETACH), 0);
	run("rm -rf %s", dir);
}
