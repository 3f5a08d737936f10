/* SPDX-License-Identifier: Apache-2.0 */
/* files and sinks: which files a path stands for, bytes that cannot change any more, rotation. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "agent/supervisor.h"

static char dir[64];

static const char *in_dir(const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned next;
	char *p = path[next++ % 4];

	(void)snprintf(p, PATH_MAX, "%s/%s", dir, name);
	return p;
}

static void make_dir(void)
{
	(void)snprintf(dir, sizeof dir, "/tmp/sallyport-test-XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
}

static void put(const char *name, const char *text)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK_OK(io_write_all(fd, text, strlen(text)));
	close(fd);
}

static void remove_all(const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)unlink(in_dir(names[i]));
	CHECK_EQ(rmdir(dir), 0);
}

TEST(a_directory_is_its_rule_files_by_name)
{
	static const char *const all[] = { "20-b.yaml", "10-a.yml", "30.o", ".hidden.yaml", "notes.txt", "yaml" };
	struct agent_files f;
	struct diag d;
	char *paths[1];

	make_dir();
	for (size_t i = 0; i < countof(all); i++)
		put(all[i], "x");
	paths[0] = dir;
	CHECK_OK(agent_files_list(paths, 1, &f, &d));
	CHECK_EQ(f.n, 3);
	CHECK_STR(f.path[0], in_dir("10-a.yml"));
	CHECK_STR(f.path[1], in_dir("20-b.yaml"));
	CHECK_STR(f.path[2], in_dir("30.o"));
	agent_files_free(&f);
	remove_all(all, countof(all));
}

TEST(what_is_no_rule_file_is_refused_by_name)
{
	static const char *const all[] = { "fifo", "big.yaml" };
	static const struct {
		const char *name;
		enum err err;
		const char *says;
	} rows[] = {
		{ "missing.yaml", E_IO, "cannot open" },
		{ "fifo", E_IO, "neither a file nor a directory" },
		{ "", E_NOT_FOUND, "holds no .yaml" },
		{ "big.yaml", E_LIMIT, "at most 16" },
	};
	int fd;

	make_dir();
	CHECK_EQ(mkfifo(in_dir("fifo"), 0600), 0);
	for (size_t i = 0; i < countof(rows); i++) {
		struct sealed_files out = { .n = 0 };
		char *path = strdup(in_dir(rows[i].name));
		struct diag d;

		test_row = rows[i].name;
		diag_init(&d);
		if (!strcmp(rows[i].name, "big.yaml")) {
			fd = open(path, O_WRONLY | O_CREAT, 0600);
			CHECK_EQ(ftruncate(fd, 100 << 20), 0);
			close(fd);
		}
		CHECK_EQ(sealed_files_open(&path, 1, &out, &d), rows[i].err);
		CHECK_HAS(d.text, rows[i].says);
		sealed_files_close(&out);
		free(path);
	}
	remove_all(all, countof(all));
}

TEST(a_file_that_changes_later_does_not_change_what_workers_get)
{
	static const char *const all[] = { "r.yaml" };
	struct sealed_files out = { .n = 0 };
	char *path, got[16] = "";
	struct diag d;

	make_dir();
	put("r.yaml", "first");
	path = strdup(in_dir("r.yaml"));
	CHECK_OK(sealed_files_open(&path, 1, &out, &d));
	put("r.yaml", "other");
	CHECK_EQ(pread(out.file[0].fd, got, sizeof got - 1, 0), 5);
	CHECK_STR(got, "first");
	CHECK_EQ(out.file[0].bytes, 5);
	CHECK_EQ(pwrite(out.file[0].fd, "x", 1, 0), -1);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(ftruncate(out.file[0].fd, 0), -1);
	sealed_files_close(&out);
	free(path);
	remove_all(all, countof(all));
}

static void check_file(const char *name, const char *want)
{
	char *text = NULL;
	size_t len;

	CHECK_OK(io_read_file(in_dir(name), 4096, &text, &len, NULL));
	CHECK_STR(text, want);
	free(text);
}

TEST(rotation_keeps_the_newest_files_and_the_asker_cannot_hurry_it)
{
	static const char *const all[] = { "a.json", "a.json.1", "a.json.2", "a.json.3" };
	struct super_sinks s;
	struct config c;
	struct agent_opts o = { .config = &c };
	struct diag d;
	struct super_sink *k;
	struct stat st;

	make_dir();
	config_init(&c);
	c.stdout_enabled = 0;
	c.file_path = strdup(in_dir("a.json"));
	c.file_keep = 2;
	diag_init(&d);
	CHECK_OK(super_sinks_open(&o, -1, &s, &d));
	k = &s.sink[1];
	for (int i = 0; i < 4; i++) {
		char text[8];

		(void)snprintf(text, sizeof text, "%d\n", i);
		CHECK_OK(io_write_all(k->fd, text, 2));
		CHECK_OK(super_sink_rotate(k, 10000 + 2000 * (uint64_t)i));
		CHECK_EQ(super_sink_rotate(k, 10001 + 2000 * (uint64_t)i), E_LIMIT);
	}
	check_file("a.json", "");
	check_file("a.json.1", "3\n");
	check_file("a.json.2", "2\n");
	CHECK_EQ(stat(in_dir("a.json.3"), &st), -1);
	CHECK_EQ(stat(in_dir("a.json"), &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0640);
	super_sinks_close(&s);
	config_done(&c);
	remove_all(all, countof(all));
}

TEST(an_alert_file_that_is_a_link_or_no_file_is_refused)
{
	static const char *const all[] = { "link", "target", "fifo" };
	static const char *const bad[] = { "link", "fifo", "no/such/dir" };
	struct super_sinks s;
	struct config c;
	struct agent_opts o = { .config = &c };
	struct diag d;

	make_dir();
	put("target", "precious");
	CHECK_EQ(symlink(in_dir("target"), in_dir("link")), 0);
	CHECK_EQ(mkfifo(in_dir("fifo"), 0600), 0);
	for (size_t i = 0; i < countof(bad); i++) {
		test_row = bad[i];
		config_init(&c);
		c.stdout_enabled = 0;
		c.file_path = strdup(in_dir(bad[i]));
		diag_init(&d);
		CHECK_EQ(super_sinks_open(&o, -1, &s, &d), E_IO);
		CHECK_HAS(d.text, "cannot write alerts to");
		super_sinks_close(&s);
		config_done(&c);
	}
	check_file("target", "precious");
	remove_all(all, countof(all));
}
