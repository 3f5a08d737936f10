/* SPDX-License-Identifier: Apache-2.0 */
/* Loading, attaching, refusing; and what kern_probe says with and without privilege. */
#include "bed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static struct kern_opts opts_of(struct view object)
{
	return (struct kern_opts){ .object = object, .reserved_bytes = 64 << 10, .bulk_bytes = 64 << 10 };
}

/* A copy of the object with every occurrence of a text replaced by one of the same length. */
static struct view patched(const char *from, const char *to)
{
	struct view o = bed_object();
	size_t len = strlen(from);
	char *copy = malloc(o.len);
	uint32_t n = 0;

	CHECK(copy);
	CHECK_EQ(len, strlen(to));
	memcpy(copy, o.p, o.len);
	for (char *p = copy; (p = memmem(p, o.len - (size_t)(p - copy), from, len)); n++)
		memcpy(p, to, len);
	CHECK(n > 0);
	return view_of(copy, o.len);
}

TEST(objects_that_are_broken_or_not_ours_are_refused_with_a_reason)
{
	static const struct {
		const char *name, *from, *to;
		enum err err;
		uint16_t id;
		const char *text;
	} rows[] = {
		{ "no ELF", "\177ELF", "\177ELG", E_FORMAT, 101, "not a BPF object" },
		{ "a program is missing", "process_exit", "process_exiz", E_FORMAT, 102, "no program 'process_exit'" },
		{ "a map is missing", "stats", "stars", E_FORMAT, 102, "no map 'stats'" },
		{ "not allowed to call", "Dual BSD/GPL", "Proprietary!", E_HOST, 103, "GPL" },
	};

	bed_require();
	for (size_t i = 0; i < countof(rows); i++) {
		struct view v = patched(rows[i].from, rows[i].to);
		struct kern_opts o = opts_of(v);
		struct kern *k = NULL;
		struct diag d;

		test_row = rows[i].name;
		diag_init(&d);
		CHECK_EQ(kern_open(&o, &k, &d), rows[i].err);
		CHECK(!k);
		CHECK_EQ(d.family, 'K');
		CHECK_EQ(d.id, rows[i].id);
		CHECK_HAS(d.text, rows[i].text);
		free((void *)(uintptr_t)v.p);
	}
}

TEST(ring_sizes_that_the_kernel_would_refuse_are_refused_by_name)
{
	static const uint32_t sizes[] = { 0, 1, 4095, 2048, 12288, 0x80000000u };

	bed_require();
	for (size_t i = 0; i < countof(sizes); i++) {
		struct kern_opts o = opts_of(bed_object());
		struct kern *k = NULL;
		struct diag d;

		diag_init(&d);
		o.bulk_bytes = sizes[i];
		CHECK_EQ(kern_open(&o, &k, &d), E_INVALID);
		CHECK_EQ(d.id, 106);
		CHECK_HAS(d.text, "bulk");
	}
}

/* No new descriptor can be had until the limit is given back. */
static struct rlimit descriptors_forbid(void)
{
	struct rlimit old, none;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max };
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	return old;
}

TEST(when_attaching_fails_nothing_stays_attached)
{
	struct kern_opts o = opts_of(bed_object());
	struct rlimit old;
	struct kern *k;
	struct diag d;
	int fd;

	bed_require();
	diag_init(&d);
	CHECK_OK(kern_open(&o, &k, &d));
	CHECK_EQ(kern_attached(k), 0);
	old = descriptors_forbid();
	CHECK_EQ(kern_attach(k, KERN_HOOK_OPEN, &d), E_HOST);
	CHECK_EQ(d.id, 104);
	CHECK_EQ(kern_attached(k), 0);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	CHECK_OK(kern_attach(k, KERN_HOOK_PROCESS, &d));
	descriptors_forbid();
	CHECK_EQ(kern_attach(k, KERN_HOOK_OPEN, &d), E_HOST);
	CHECK_EQ(kern_attached(k), KERN_HOOK_PROCESS);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	CHECK_OK(kern_iter_open(k, &fd, &d));
	close(fd);
	descriptors_forbid();
	CHECK_EQ(kern_iter_open(k, &fd, &d), E_HOST);
	CHECK_EQ(d.id, 105);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	kern_close(k);
}

TEST(closing_leaves_nothing_behind)
{
	struct kern_opts o = opts_of(bed_object());
	int before, after;
	struct diag d;

	bed_require();
	kern_close(NULL);
	before = dup(0);
	close(before);
	for (int i = 0; i < 3; i++) {
		struct kern *k;

		CHECK_OK(kern_open(&o, &k, &d));
		CHECK_OK(kern_attach(k, BED_ALL, &d));
		kern_close(k);
	}
	after = dup(0);
	close(after);
	CHECK_EQ(after, before);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static const struct kern_probe *probe_of(const struct kern_report *r, const char *id)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (!strcmp(r->probes[i].id, id))
			return &r->probes[i];
	return NULL;
}

TEST(probes_say_what_is_granted_and_how_to_mend_the_rest)
{
	struct kern_report r;
	uint64_t start = now_ms();

	kern_probe(&r);
	CHECK(now_ms() - start < 2000);
	CHECK(r.n >= 12);
	CHECK(r.release[0]);
	for (uint32_t i = 0; i < r.n; i++) {
		const struct kern_probe *p = &r.probes[i];

		test_row = p->id;
		CHECK(p->what[0] && p->detail[0]);
		CHECK_EQ(p->grade == KERN_NO && !p->mend[0], 0);
		CHECK_EQ(p->grade == KERN_YES && p->mend[0], 0);
		for (uint32_t j = 0; j < i; j++)
			CHECK(strcmp(r.probes[j].id, p->id));
	}
	CHECK(probe_of(&r, "native") && !probe_of(&r, "native")->required);
	if (!r.can_run)
		SKIP("this host cannot run the sensor");
	CHECK_EQ(probe_of(&r, "tp_btf")->grade, KERN_YES);
	CHECK_EQ(probe_of(&r, "ringbuf")->grade, KERN_YES);
}

TEST(programs_that_the_kernel_refuses_are_a_reason_not_to_run)
{
	struct view refused = patched("Dual BSD/GPL", "Proprietary!");
	struct kern_opts good = opts_of(bed_object()), bad = opts_of(refused);
	const struct kern_probe *p;
	struct kern_report r;

	bed_require();
	kern_probe(&r);
	kern_probe_object(&good, &r);
	CHECK(r.can_run);
	CHECK_EQ(probe_of(&r, "programs")->grade, KERN_YES);
	kern_probe(&r);
	kern_probe_object(&bad, &r);
	CHECK(!r.can_run);
	p = &r.probes[r.n - 1];
	CHECK_STR(p->id, "programs");
	CHECK_EQ(p->grade, KERN_NO);
	CHECK_HAS(p->detail, "GPL");
	CHECK(p->mend[0]);
	free((void *)(uintptr_t)refused.p);
}

TEST(without_privilege_probes_say_no_and_do_not_crash)
{
	struct kern_report r;
	int status;
	pid_t pid;

	if (geteuid())
		SKIP("needs root to drop it");
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		MUST(!setresgid(65534, 65534, 65534) && !setresuid(65534, 65534, 65534));
		kern_probe(&r);
		MUST(!r.can_run);
		MUST(probe_of(&r, "tp_btf")->grade == KERN_NO);
		MUST(strstr(probe_of(&r, "tp_btf")->mend, "root"));
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}
