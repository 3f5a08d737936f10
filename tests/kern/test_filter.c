/* SPDX-License-Identifier: Apache-2.0 */
/* A filter made by hand: what it lets pass, what it drops and counts, and what no filter may drop. */
#include "bed.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { CLAUSE_A = 1, CLAUSE_B = 2 };

/* Nothing passes; a test adds what may. */
static struct wire_filter nothing(void)
{
	return (struct wire_filter){ 0 };
}

static struct wire_filter everything(void)
{
	struct wire_filter f;

	memset(&f, 0xff, sizeof f);
	f.upwards = 0;
	return f;
}

static struct wire_filter_name name_at(uint8_t place, const char *text)
{
	struct wire_filter_name n = { .place = place };

	CHECK(strlen(text) < sizeof n.name);
	memcpy(n.name, text, strlen(text));
	return n;
}

static void swap(struct bed *b, const struct wire_filter *f, const struct wire_filter_name *names,
		 const uint32_t *masks, uint32_t n)
{
	struct diag d;
	enum err e;

	diag_init(&d);
	e = kern_filter_swap(b->k, f, names, masks, n, &d);
	if (e != E_OK)
		print_error("%s\n", d.text);
	CHECK_OK(e);
	CHECK_OK(kern_check(b->k, &d));
}

static uint64_t n_filtered(const struct bed *b)
{
	struct wire_stats st;

	ring_stats_read(b->s, &st);
	return st.filtered;
}

static const char *const open_path[] = { "/etc/hostname", "/etc/passwd", "/dev/null", "/usr/bin/true",
					 "/proc/version" };

static void open_some(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < countof(open_path); i++)
		MUST(open(open_path[i], O_RDONLY) >= 0);
	MUST(open("/", O_RDONLY | O_DIRECTORY) >= 0);
	MUST(open("/etc/missing", O_RDONLY) < 0);
}

/* The places that the one clause asks about, and the paths that are told. */
TEST(an_open_passes_when_a_clause_has_all_its_names)
{
	static const struct {
		const char *name;
		uint32_t asks; /* bit: enum wire_filter_place */
		const char *leaf, *parent, *top;
		const char *want; /* a letter for each of open_some's paths, '/' and '!' for the last two */
	} rows[] = {
		{ "leaf", 1, "hostname", "", "", "a" },
		{ "parent", 2, "", "etc", "", "ab" },
		{ "parent bin", 2, "", "bin", "", "d" },
		{ "top", 4, "", "", "usr", "d" },
		{ "top of a mount", 4, "", "", "proc", "e" },
		{ "parent is a mount", 2, "", "proc", "", "e" },
		{ "leaf and parent", 3, "passwd", "etc", "", "b" },
		{ "leaf, other parent", 3, "passwd", "bin", "", "" },
		{ "leaf and top", 5, "null", "", "dev", "c" },
		{ "leaf, other top", 5, "null", "", "etc", "" },
		{ "all three", 7, "true", "bin", "usr", "d" },
		{ "nothing is asked", 0, "", "", "", "abcde/" },
		{ "the root has no name", 1, "", "", "", "/" },
	};
	struct bed b;

	bed_open(&b, KERN_HOOK_OPEN);
	for (size_t i = 0; i < countof(rows); i++) {
		const struct wire_filter_name names[] = { name_at(WIRE_PLACE_LEAF, rows[i].leaf),
							  name_at(WIRE_PLACE_PARENT, rows[i].parent),
							  name_at(WIRE_PLACE_TOP, rows[i].top) };
		const uint32_t masks[] = { CLAUSE_A, CLAUSE_A, CLAUSE_A };
		struct wire_filter f = nothing();
		char got[16] = "";
		uint64_t before;

		test_row = rows[i].name;
		f.kinds = 1ull << WIRE_OPEN;
		for (uint32_t c = 0; c < WIRE_OPEN_CLASSES; c++)
			f.open_class[c] = CLAUSE_A;
		for (uint32_t p = 0; p < WIRE_N_PLACES; p++)
			f.any[p] = rows[i].asks >> p & 1 ? 0 : CLAUSE_A;
		swap(&b, &f, names, masks, countof(names));
		before = n_filtered(&b);
		bed_run(&b, open_some, NULL);
		CHECK_EQ(b.status, 0);
		for (uint32_t r = 0; r < bed_count(&b, WIRE_OPEN); r++) {
			const struct wire_open *o = bed_find(&b, WIRE_OPEN, r, sizeof *o);
			const char *path = bed_path(o, sizeof *o, o->path);

			CHECK(o->hdr.ret >= 0);
			for (size_t p = 0; p < countof(open_path); p++)
				if (!strcmp(path, open_path[p]))
					got[strlen(got)] = (char)('a' + p);
			if (!strcmp(path, "/"))
				got[strlen(got)] = '/';
		}
		CHECK_STR(got, rows[i].want);
		CHECK(n_filtered(&b) - before >= 7 - strlen(rows[i].want));
	}
	bed_close(&b);
}

struct opens {
	const char *path;
	int flags;
	mode_t mode;
};

static void open_one(void *arg)
{
	const struct opens *o = arg;

	(void)open(o->path, o->flags, o->mode);
}

TEST(an_open_that_must_be_written_with_dots_passes_only_then)
{
	static const struct {
		struct opens open;
		uint32_t upwards; /* clauses that ask for it, of both */
		uint32_t sent;
	} rows[] = {
		{ { "/usr/../etc/hostname", O_RDONLY, 0 }, 3, 1 },
		{ { "/etc/hostname", O_RDONLY, 0 }, 3, 0 },
		{ { "/etc/hostname", O_RDONLY, 0 }, 1, 1 },
		{ { "/etc/missing", O_RDONLY, 0 }, 3, 1 },
		{ { "/etc/..", O_RDONLY, 0 }, 3, 0 },
		{ { "//////////////////////////////////////////////////////////////////////////////////////////////////"
		    "////////"
		    "/////////////////////////////////etc/hostname",
		    O_RDONLY, 0 },
		  3,
		  1 }, /* too long to be told */
	};
	struct bed b;

	bed_open(&b, KERN_HOOK_OPEN);
	for (size_t i = 0; i < countof(rows); i++) {
		struct wire_filter f = everything();
		struct opens o = rows[i].open;

		test_row = rows[i].open.path;
		f.upwards = rows[i].upwards;
		for (uint32_t c = 0; c < WIRE_OPEN_CLASSES; c++)
			f.open_class[c] = 3;
		swap(&b, &f, NULL, NULL, 0);
		bed_run(&b, open_one, &o);
		CHECK_EQ(bed_count(&b, WIRE_OPEN), rows[i].sent);
	}
	bed_close(&b);
}

TEST(the_class_of_an_open_says_what_it_was_for)
{
	static const struct {
		const char *name;
		struct opens open;
		uint32_t class;
	} rows[] = {
		{ "read", { "/etc/hostname", O_RDONLY, 0 }, WIRE_OPEN_READ },
		{ "write", { "/tmp/sp-class", O_WRONLY, 0 }, WIRE_OPEN_WRITE },
		{ "both", { "/tmp/sp-class", O_RDWR, 0 }, WIRE_OPEN_READ | WIRE_OPEN_WRITE },
		{ "truncated", { "/tmp/sp-class", O_WRONLY | O_TRUNC, 0 }, WIRE_OPEN_WRITE | WIRE_OPEN_TRUNC },
		{ "created", { "/tmp/sp-class2", O_WRONLY | O_CREAT, 0600 }, WIRE_OPEN_WRITE | WIRE_OPEN_CREATED },
		{ "created before", { "/tmp/sp-class", O_WRONLY | O_CREAT, 0700 }, WIRE_OPEN_WRITE },
		{ "executable",
		  { "/tmp/sp-class3", O_WRONLY | O_CREAT, 0700 },
		  WIRE_OPEN_WRITE | WIRE_OPEN_CREATED | WIRE_OPEN_EXEC },
		{ "directory", { "/etc", O_RDONLY | O_DIRECTORY, 0 }, WIRE_OPEN_READ | WIRE_OPEN_DIR },
		{ "device", { "/dev/null", O_RDWR, 0 }, WIRE_OPEN_READ | WIRE_OPEN_WRITE | WIRE_OPEN_SPECIAL },
		{ "O_PATH, as decode has it", { "/etc/hostname", O_PATH, 0 }, WIRE_OPEN_READ },
		{ "failed", { "/etc/missing", O_RDONLY, 0 }, WIRE_OPEN_READ | WIRE_OPEN_FAILED },
		{ "failed to write",
		  { "/etc", O_WRONLY | O_TRUNC, 0 },
		  WIRE_OPEN_WRITE | WIRE_OPEN_TRUNC | WIRE_OPEN_FAILED },
	};
	struct bed b;

	bed_open(&b, KERN_HOOK_OPEN);
	close(open("/tmp/sp-class", O_CREAT | O_RDWR, 0600));
	for (size_t i = 0; i < countof(rows); i++) {
		for (uint32_t pass = 0; pass < 2; pass++) {
			struct wire_filter f = everything();
			struct opens o = rows[i].open;

			test_row = rows[i].name;
			(void)unlink("/tmp/sp-class2");
			(void)unlink("/tmp/sp-class3");
			/* Exactly this class; then every class but this. */
			for (uint32_t c = 0; c < WIRE_OPEN_CLASSES; c++)
				f.open_class[c] = (c == rows[i].class) == !pass;
			swap(&b, &f, NULL, NULL, 0);
			bed_run(&b, open_one, &o);
			CHECK_EQ(bed_count(&b, WIRE_OPEN), !pass);
		}
	}
	(void)unlink("/tmp/sp-class");
	(void)unlink("/tmp/sp-class2");
	(void)unlink("/tmp/sp-class3");
	bed_close(&b);
}

static void open_long(void *arg)
{
	MUST(open(arg, O_RDONLY) >= 0);
}

TEST(names_longer_than_the_keys_pass)
{
	static char path30[] = "/tmp/a23456789012345678901234567890", path31[] = "/tmp/a234567890123456789012345678901";
	struct wire_filter f = nothing();
	struct bed b;

	f.kinds = 1ull << WIRE_OPEN;
	for (uint32_t c = 0; c < WIRE_OPEN_CLASSES; c++)
		f.open_class[c] = CLAUSE_A;
	f.any[WIRE_PLACE_PARENT] = f.any[WIRE_PLACE_TOP] = CLAUSE_A;
	CHECK_EQ(strlen(path30), 5 + 30);
	close(open(path30, O_CREAT | O_WRONLY, 0600));
	close(open(path31, O_CREAT | O_WRONLY, 0600));
	bed_open(&b, KERN_HOOK_OPEN);
	swap(&b, &f, NULL, NULL, 0);
	bed_run(&b, open_long, path30);
	CHECK_EQ(bed_count(&b, WIRE_OPEN), 0);
	bed_run(&b, open_long, path31);
	CHECK_EQ(bed_count(&b, WIRE_OPEN), 1);
	swap(&b, &f, &(struct wire_filter_name[]){ name_at(WIRE_PLACE_LEAF, path30 + 5) }[0], &(uint32_t){ CLAUSE_A },
	     1);
	bed_run(&b, open_long, path30);
	CHECK_EQ(bed_count(&b, WIRE_OPEN), 1);
	(void)unlink(path30);
	(void)unlink(path31);
	bed_close(&b);
}

/* A file that is mounted over another, as containers have /etc/resolv.conf: its own entry has another name. */
static void open_bound(void *arg)
{
	(void)arg;
	MUST(!unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(!mount("/etc/passwd", "/etc/hostname", NULL, MS_BIND, NULL));
	MUST(open("/etc/hostname", O_RDONLY) >= 0);
}

TEST(a_mounted_file_is_known_by_the_name_that_it_is_mounted_on)
{
	const struct wire_filter_name names[] = { name_at(WIRE_PLACE_LEAF, "hostname"),
						  name_at(WIRE_PLACE_PARENT, "etc") };
	struct wire_filter f = nothing();
	const struct wire_open *o;
	struct bed b;

	f.kinds = 1ull << WIRE_OPEN;
	for (uint32_t c = 0; c < WIRE_OPEN_CLASSES; c++)
		f.open_class[c] = CLAUSE_A;
	f.any[WIRE_PLACE_TOP] = CLAUSE_A;
	bed_open(&b, KERN_HOOK_OPEN);
	swap(&b, &f, names, (uint32_t[]){ CLAUSE_A, CLAUSE_A }, 2);
	bed_run(&b, open_bound, NULL);
	CHECK_EQ(b.status, 0);
	o = bed_find(&b, WIRE_OPEN, 0, sizeof *o);
	CHECK_STR(bed_path(o, sizeof *o, o->path), "/etc/hostname");
	bed_close(&b);
}

/* What the reader's tables depend on. */
static void do_state(void *arg)
{
	char path[64];
	int p[2], m;

	(void)arg;
	MUST(!pipe(p) && dup2(p[0], 50) == 50);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
	MUST(open(path, O_RDONLY) >= 0); /* a pipe, opened again: told */
	MUST((m = memfd_create("m", 0)) >= 0);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", m);
	MUST(open(path, O_RDONLY) >= 0);            /* a memory file, opened again: told */
	MUST(!close(m));                            /* no rule asks for it: not told */
	MUST(open("/etc/hostname", O_RDONLY) == m); /* takes its number: told as what replaced it */
	MUST(open("/etc/hostname", O_RDONLY) >= 0); /* nothing */
}

TEST(what_state_depends_on_is_told_in_spite_of_the_filter)
{
	struct wire_filter f = nothing();
	const struct wire_open *o;
	const struct wire_fds *r;
	const struct wire_memfd *m;
	struct bed b;

	bed_open(&b, KERN_HOOK_OPEN | KERN_HOOK_IPC | KERN_HOOK_MEMFD);
	swap(&b, &f, NULL, NULL, 0);
	bed_run(&b, do_state, NULL);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_OPEN), 2);
	o = bed_find(&b, WIRE_OPEN, 0, sizeof *o);
	CHECK_EQ(o->file.kind, WIRE_FD_PIPE);
	o = bed_find(&b, WIRE_OPEN, 1, sizeof *o);
	CHECK(o->path.flags & WIRE_SEG_MEMFD);
	m = bed_find(&b, WIRE_MEMFD, 0, sizeof *m);
	CHECK_EQ(bed_count(&b, WIRE_FDS), 3); /* pipe, dup2, the number of the memory file */
	r = bed_find(&b, WIRE_FDS, 2, sizeof *r);
	CHECK_EQ(r->op, WIRE_FDS_DUP);
	CHECK_EQ(r->fds[0].fd, m->fields.num);
	CHECK_EQ(r->fds[0].kind, WIRE_FD_FILE);
	bed_close(&b);
}

static void do_kinds(void *arg)
{
	(void)arg;
	(void)mkdir("/tmp/sp-kinds", 0700);
	(void)rmdir("/tmp/sp-kinds");
	(void)rmdir("/tmp/sp-kinds");
	(void)chmod("/tmp/sp-kinds", 0700);
}

TEST(kinds_and_failed_calls_pass_by_their_bits)
{
	static const struct {
		const char *name;
		uint64_t kinds, failed;
		uint32_t mkdir, unlink, chmod;
	} rows[] = {
		{ "none", 0, 0, 0, 0, 0 },
		{ "failed without the kind", 0, ~0ull, 0, 0, 0 },
		{ "mkdir", 1ull << WIRE_MKDIR, 0, 1, 0, 0 },
		{ "unlink", 1ull << WIRE_UNLINK, 0, 0, 1, 0 },
		{ "all that succeed", ~0ull, 0, 1, 1, 0 },
		{ "all, failed chmod", ~0ull, 1ull << WIRE_CHMOD, 1, 1, 1 },
		{ "all", ~0ull, ~0ull, 1, 2, 1 },
	};
	struct bed b;

	bed_open(&b, KERN_HOOK_ALL);
	for (size_t i = 0; i < countof(rows); i++) {
		struct wire_filter f = nothing();

		test_row = rows[i].name;
		f.kinds = rows[i].kinds;
		f.failed = rows[i].failed;
		swap(&b, &f, NULL, NULL, 0);
		bed_run(&b, do_kinds, NULL);
		CHECK_EQ(bed_count(&b, WIRE_MKDIR), rows[i].mkdir);
		CHECK_EQ(bed_count(&b, WIRE_UNLINK), rows[i].unlink);
		CHECK_EQ(bed_count(&b, WIRE_CHMOD), rows[i].chmod);
	}
	bed_close(&b);
}

TEST(without_a_filter_everything_passes_again)
{
	struct wire_filter f = nothing();
	struct bed b;

	bed_open(&b, KERN_HOOK_ALL);
	for (int i = 0; i < 5; i++) {
		swap(&b, &f, NULL, NULL, 0);
		bed_run(&b, do_kinds, NULL);
		CHECK_EQ(bed_count(&b, WIRE_MKDIR), 0);
		swap(&b, NULL, NULL, NULL, 0);
		bed_run(&b, do_kinds, NULL);
		CHECK_EQ(bed_count(&b, WIRE_MKDIR), 1);
	}
	bed_close(&b);
}

TEST(filters_out_of_bounds_are_refused_and_the_old_one_stays)
{
	static struct wire_filter_name names[WIRE_FILTER_MAX_NAMES + 1];
	static uint32_t masks[WIRE_FILTER_MAX_NAMES + 1];
	struct wire_filter f = nothing();
	struct diag d;
	struct bed b;

	for (uint32_t i = 0; i < countof(names); i++) {
		names[i].place = (uint8_t)(i % WIRE_N_PLACES);
		(void)snprintf(names[i].name, sizeof names[i].name, "n%u", i);
	}
	bed_open(&b, KERN_HOOK_ALL);
	diag_init(&d);
	swap(&b, &f, names, masks, WIRE_FILTER_MAX_NAMES);
	CHECK_EQ(kern_filter_swap(b.k, NULL, NULL, NULL, 0, &d), E_OK);
	swap(&b, &f, names, masks, 2);
	CHECK_EQ(kern_filter_swap(b.k, &f, names, masks, countof(names), &d), E_LIMIT);
	CHECK_EQ(d.id, 107);
	names[1].place = WIRE_N_PLACES;
	CHECK_EQ(kern_filter_swap(b.k, &f, names, masks, 2, &d), E_INVALID);
	CHECK_EQ(d.id, 107);
	CHECK_HAS(d.text, "place");
	CHECK_OK(kern_check(b.k, &d));
	bed_run(&b, do_kinds, NULL);
	CHECK_EQ(bed_count(&b, WIRE_MKDIR), 0);
	bed_close(&b);
}

/* A map of this process by its name: what somebody else with the privilege can get at by its id. */
static int find_map(const char *name)
{
	for (int fd = 3; fd < 1024; fd++) {
		struct bpf_map_info info = { 0 };
		uint32_t bytes = sizeof info;

		if (!bpf_obj_get_info_by_fd(fd, &info, &bytes) && !strcmp(info.name, name))
			return bpf_map_get_fd_by_id(info.id);
	}
	return -1;
}

TEST(somebody_elses_write_to_the_maps_is_noticed_and_undone)
{
	struct wire_filter f = everything(), evil = nothing();
	const uint32_t zero = 0, one = 1, no_hooks[2] = { 0, 0 };
	int outer, inner, config;
	struct diag d;
	struct bed b;

	bed_open(&b, KERN_HOOK_ALL);
	diag_init(&d);
	swap(&b, &f, NULL, NULL, 0);
	outer = find_map("filters");
	config = find_map(".data.config");
	CHECK(outer >= 0);
	CHECK(config >= 0);
	/* Nothing can be written to the filter itself. */
	{
		LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = BPF_F_RDONLY_PROG);
		struct bpf_map_info info = { 0 };
		uint32_t id, bytes = sizeof info;
		int ours;

		CHECK(!bpf_map_lookup_elem(outer, &one, &id));
		ours = bpf_map_get_fd_by_id(id);
		CHECK(ours >= 0);
		/* described alike: some kernels take no other */
		CHECK(!bpf_obj_get_info_by_fd(ours, &info, &bytes));
		o.btf_fd = (__u32)bpf_btf_get_fd_by_id(info.btf_id);
		o.btf_key_type_id = info.btf_key_type_id;
		o.btf_value_type_id = info.btf_value_type_id;
		CHECK(bpf_map_update_elem(ours, &zero, &evil, BPF_ANY));
		CHECK_EQ(errno, EPERM);
		close(ours);
		inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "evil", 4, sizeof evil, 1, &o);
		close((int)o.btf_fd);
	}
	CHECK(inner >= 0);
	CHECK(!bpf_map_update_elem(inner, &zero, &evil, BPF_ANY));
	CHECK(!bpf_map_update_elem(outer, &one, &inner, BPF_ANY));
	bed_run(&b, do_kinds, NULL);
	CHECK_EQ(bed_count(&b, WIRE_MKDIR), 0);
	CHECK_EQ(kern_check(b.k, &d), E_REJECTED);
	CHECK_EQ(d.id, 108);
	CHECK_HAS(d.text, "filter");
	CHECK_OK(kern_check(b.k, &d));
	bed_run(&b, do_kinds, NULL);
	CHECK_EQ(bed_count(&b, WIRE_MKDIR), 1);
	CHECK(!bpf_map_update_elem(config, &zero, no_hooks, BPF_ANY));
	bed_run(&b, do_kinds, NULL);
	CHECK_EQ(bed_count(&b, WIRE_MKDIR), 0);
	CHECK_EQ(kern_check(b.k, &d), E_REJECTED);
	CHECK_HAS(d.text, "look at");
	CHECK_OK(kern_check(b.k, &d));
	bed_run(&b, do_kinds, NULL);
	CHECK_EQ(bed_count(&b, WIRE_MKDIR), 1);
	close(inner);
	close(outer);
	close(config);
	bed_close(&b);
}
