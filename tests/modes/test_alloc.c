/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F13: the n-th allocation, read, write or sync fails, for every n until none is left to fail: what comes of it is a
 * value; nothing dies, and nothing is kept. Linked with --wrap for the functions below.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../gate/world.h"
#include "../local/fixture.h"
#include "../trust/fleet.h"
#include "agent/agent.h"
#include "agent/steward_parts.h"
#include "mode_bundle.h"
#include "release/endpoint/endpoint.h"
#include "release/policy/policy.h"

static struct {
	bool on;
	uint32_t calls, fail_at; /* 0: none */
	int64_t live;            /* allocations */
} faults;

static bool refused(int error)
{
	if (!faults.on || ++faults.calls != faults.fail_at)
		return false;
	errno = error;
	return true;
}

static void *counted(void *p)
{
	faults.live += p && faults.on;
	return p;
}

#define WRAP(ret, name, error, failed, params, args) \
	ret __real_##name params;                    \
	ret __wrap_##name params;                    \
	ret __wrap_##name params                     \
	{                                            \
		if (refused(error))                  \
			return failed;               \
		return __real_##name args;           \
	}
#define WRAP_ALLOC(type, name, params, args)        \
	type *__real_##name params;                 \
	type *__wrap_##name params;                 \
	type *__wrap_##name params                  \
	{                                           \
		if (refused(ENOMEM))                \
			return NULL;                \
		return counted(__real_##name args); \
	}
WRAP_ALLOC(void, malloc, (size_t n), (n))
WRAP_ALLOC(void, aligned_alloc, (size_t align, size_t n), (align, n))
WRAP_ALLOC(char, strdup, (const char *s), (s))
WRAP_ALLOC(void, calloc, (size_t n, size_t size), (n, size))
WRAP(ssize_t, read, EIO, -1, (int fd, void *p, size_t n), (fd, p, n))
WRAP(ssize_t, write, ENOSPC, -1, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(ssize_t, pread64, EIO, -1, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
WRAP(ssize_t, pwrite64, ENOSPC, -1, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
WRAP(int, fsync, EIO, -1, (int fd), (fd))
WRAP(void *, mmap64, ENOMEM, MAP_FAILED, (void *at, size_t n, int prot, int flags, int fd, off_t off),
     (at, n, prot, flags, fd, off))

void *__real_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n)
{
	if (refused(ENOMEM))
		return NULL;
	return old ? __real_realloc(old, n) : counted(__real_realloc(NULL, n));
}

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
	faults.live -= p && faults.on;
	__real_free(p);
}

/* ---- what is tried; all that it takes was made before, without faults ---- */

static struct {
	struct fleet fleet;
	struct signed_object root;
	struct buf bundle, trust, known, steward, evidence;
	struct local_state good;
	char dir[64], file[96];
} given;

static enum err load_a_bundle(void)
{
	const struct bundle_host h = bundle_this_host();
	struct diag d;

	return mode_check(view_of(given.bundle.p, given.bundle.len), &h, &d);
}

static enum err read_a_file(void)
{
	struct diag d;
	char *p = NULL;
	size_t len;
	enum err err;

	diag_init(&d);
	err = agent_file_read(given.file, &p, &len, &d);
	if (err == E_OK)
		err = len == given.bundle.len ? E_OK : E_TRUNCATED;
	free(p);
	return err;
}

static enum err compile_rules(void)
{
	struct rule_source src = { "r.yaml", mode_rules, strlen(mode_rules) };
	struct rule_set *rs;
	struct arena a;
	struct diags ds;
	struct buf elf;
	enum err err;

	arena_init(&a, CONTENT_ARENA_MAX);
	diags_init(&ds, &a);
	buf_init(&elf, 64 << 20);
	err = rule_load(&src, 1, &template_builtin, &a, &ds, &rs);
	if (err == E_OK)
		err = rule_compile(rs, &a, &elf, &ds);
	buf_done(&elf);
	arena_done(&a);
	return err;
}

static enum err begin_trust(void)
{
	static struct trust t;
	struct diag d;

	diag_init(&d);
	TRY(trust_init(&t, given.root.payload, given.root.signatures, &d));
	return trust_restore(view_of(given.trust.p, given.trust.len), &t, &d);
}

static enum err write_again(void)
{
	static struct gate_evidence e;
	struct endpoint_table t;
	struct buf out;
	struct diag d;
	enum err err;

	diag_init(&d);
	buf_init(&out, 1 << 20);
	err = endpoint_restore(view_of(given.known.p, given.known.len), &t, &d);
	if (err == E_OK)
		err = endpoint_save(&t, &out);
	if (err == E_OK)
		err = gate_read_evidence(view_of(given.evidence.p, given.evidence.len), &e, &d);
	if (err == E_OK)
		err = gate_write_evidence(&e, &out, &d);
	buf_done(&out);
	return err;
}

static enum err read_a_policy(void)
{
	static const char text[] = "channel: stable\nhold: 3h\nwindows: [Mon-Thu 09:00-16:00 UTC]\n";
	struct policy p;
	struct arena a;
	struct diags ds;
	enum err err;

	arena_init(&a, 1 << 20);
	diags_init(&ds, &a);
	err = policy_read("p", view_of(text, sizeof text - 1), NULL, NULL, &a, &ds, &p);
	CHECK(err == E_OK || p.paused); /* what cannot be read allows nothing */
	arena_done(&a);
	return err;
}

static enum err restore_a_steward(void)
{
	static struct steward s;
	struct diag d;

	diag_init(&d);
	memset(&s, 0, sizeof s);
	s.has_root = true;
	s.trust = given.fleet.t;
	return steward_restore(&s, view_of(given.steward.p, given.steward.len), &d);
}

static enum err keep_in(struct local_store *store, struct local_state *state)
{
	struct view bytes = content_bytes(1);
	char *text = NULL;
	size_t len;
	uint32_t n;
	int fd = -1;
	enum err err;

	TRY(local_store_put(store, dig(1), bytes, NULL));
	*state = given.good;
	TRY(local_store_write(store, state, NULL));
	TRY(local_store_save(store, "modes", bytes, NULL));
	err = local_store_load(store, "modes", &text, &len, NULL);
	free(text);
	TRY(err);
	TRY(local_store_get(store, dig(1), &fd, &n, NULL));
	close(fd);
	return E_OK;
}

static enum err keep_on_disk(void)
{
	struct local_store *store = NULL;
	struct local_state state;
	struct diag d;
	enum err err;
	bool lost;

	diag_init(&d);
	TRY(local_store_open(given.dir, NULL, &store, &state, &lost, &d));
	err = keep_in(store, &state);
	local_store_close(store);
	return err;
}

static const struct {
	const char *name;
	enum err (*run)(void);
	uint32_t least; /* calls that can fail */
} tries[] = {
	{ "load a bundle", load_a_bundle, 20 },
	{ "read a file", read_a_file, 2 },
	{ "compile rules", compile_rules, 5 },
	{ "begin to trust", begin_trust, 1 },
	{ "write again", write_again, 2 },
	{ "read a policy", read_a_policy, 1 },
	{ "restore a steward", restore_a_steward, 1 },
	{ "keep on disk", keep_on_disk, 10 },
};

static void make_steward_state(void)
{
	uint64_t header[5] = { 0, 9, given.trust.len, given.known.len, 0 };

	memcpy(header, "SPST\1\0\0", 8);
	buf_init(&given.steward, 1 << 20);
	buf_put(&given.steward, header, sizeof header);
	buf_put(&given.steward, given.trust.p, given.trust.len);
	buf_put(&given.steward, given.known.p, given.known.len);
}

static void make_given(void)
{
	static struct gate_evidence e;
	struct endpoint_table t;
	struct rng r = { 13 };
	FILE *f;

	fleet_init(&given.fleet);
	given.root = make_root(&given.fleet, &given.fleet.root, ROOTS);
	mode_bundle(mode_rules, 0, BUNDLE_ANY_ENGINE, &given.bundle);
	buf_init(&given.trust, TRUST_MAX_SAVED);
	CHECK_OK(trust_save(&given.fleet.t, &given.trust));
	endpoint_table_init(&t);
	buf_init(&given.known, 1 << 20);
	CHECK_OK(endpoint_save(&t, &given.known));
	make_steward_state();
	world_clean(&e.gate, 1, &r);
	e.opts = gate_default;
	e.judged_s = world_end(&e.gate);
	buf_init(&given.evidence, GATE_EVIDENCE_MAX_BYTES);
	CHECK_OK(gate_write_evidence(&e, &given.evidence, NULL));
	local_init(&given.good);
	to_good(&given.good, LOCAL_RELEASE, 1, 1);
	(void)snprintf(given.dir, sizeof given.dir, "/tmp/sallyport-modes-XXXXXX");
	CHECK(mkdtemp(given.dir));
	(void)snprintf(given.file, sizeof given.file, "%s/bundle", given.dir);
	f = fopen(given.file, "we");
	CHECK(f && fwrite(given.bundle.p, 1, given.bundle.len, f) == given.bundle.len);
	CHECK_EQ(fclose(f), 0);
	(void)snprintf(given.dir + strlen(given.dir), 8, "/state");
}

static void done_given(void)
{
	char command[128];

	given.dir[strlen(given.dir) - strlen("/state")] = 0;
	(void)snprintf(command, sizeof command, "rm -rf %s", given.dir);
	CHECK_EQ(system(command), 0);
	buf_done(&given.bundle);
	buf_done(&given.trust);
	buf_done(&given.known);
	buf_done(&given.steward);
	buf_done(&given.evidence);
	fleet_done(&given.fleet);
}

static enum err with_fault(enum err (*run)(void), uint32_t fail_at)
{
	enum err err;

	faults.calls = 0;
	faults.live = 0;
	faults.fail_at = fail_at;
	faults.on = true;
	err = run();
	faults.on = false;
	return err;
}

TEST(f13_every_allocation_read_and_write_that_fails_is_a_value)
{
	make_given();
	for (size_t i = 0; i < countof(tries); i++) {
		uint32_t calls, told = 0;

		test_row = tries[i].name;
		CHECK_OK(with_fault(tries[i].run, 0));
		CHECK_EQ(faults.live, 0);
		calls = faults.calls;
		CHECK(calls >= tries[i].least);
		for (uint32_t n = 1; n <= calls; n++) {
			told += with_fault(tries[i].run, n) != E_OK;
			CHECK_EQ(faults.live, 0);
		}
		CHECK(told > 0);
		print_message("# %s: %u calls, %u told when they failed\n", tries[i].name, calls, told);
		CHECK_OK(with_fault(tries[i].run, 0)); /* nothing of it stays */
	}
	test_row = NULL;
	done_given();
}
