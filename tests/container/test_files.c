/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor opens for a worker that asks about a container, and what it does not. */
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/supervisor.h"
#include "test.h"

#define A64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIR_A "containers/" A64

struct bed {
	char dir[64];
	int at;
	struct config config;
};

static void bed_file(struct bed *b, const char *path, const char *text)
{
	int fd = openat(b->at, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void bed_open(struct bed *b, enum config_root kind)
{
	(void)snprintf(b->dir, sizeof b->dir, "/tmp/sallyport-test-XXXXXX");
	CHECK(mkdtemp(b->dir) != NULL);
	b->at = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(b->at >= 0);
	config_init(&b->config);
	b->config.container_roots[0] = (struct config_container_root){ .kind = kind, .dir = strdup(b->dir) };
	b->config.n_container_roots = 1;
}

static void bed_close(struct bed *b)
{
	char command[128];

	close(b->at);
	config_done(&b->config);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", b->dir);
	CHECK_EQ(system(command), 0);
}

static struct control_packet ask(struct bed *b, uint32_t runtime, const char *id)
{
	struct control_ask_container q = { .runtime = runtime };
	struct container_files f;
	struct control_packet p;
	struct diag d;
	int sv[2];

	(void)snprintf(q.id, sizeof q.id, "%s", id);
	CHECK_OK(container_files_make(&b->config, &f));
	CHECK_OK(control_pair(sv));
	CHECK_OK(container_files_answer(&f, sv[0], &q, 5000));
	CHECK_OK(control_recv(sv[1], false, &p, &d));
	close(sv[0]);
	close(sv[1]);
	free(f.place);
	return p;
}

static void docker_bed(struct bed *b)
{
	bed_open(b, CONFIG_ROOT_DOCKER);
	CHECK_EQ(mkdirat(b->at, "containers", 0755), 0);
	CHECK_EQ(mkdirat(b->at, DIR_A, 0755), 0);
	bed_file(b, DIR_A "/config.v2.json", "{}");
}

TEST(the_files_of_a_container_come_as_descriptors_to_read)
{
	struct control_packet p;
	struct bed b;
	char text[8];

	docker_bed(&b);
	bed_file(&b, DIR_A "/hostconfig.json", "[1]");
	p = ask(&b, CONTAINER_DOCKER, A64);
	CHECK_EQ(p.n_fds, 2);
	CHECK_EQ(p.msg.u.container.have, 3);
	CHECK_EQ(p.msg.u.container.shape, CONTAINER_FILE_DOCKER);
	CHECK_EQ(p.msg.u.container.runtime, CONTAINER_DOCKER);
	CHECK_STR(p.msg.u.container.id, A64);
	CHECK_EQ(read(p.fds[1], text, sizeof text), 3);
	CHECK_EQ(write(p.fds[1], text, 1), -1);
	CHECK_EQ(fcntl(p.fds[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	control_close_fds(&p);

	/* cgroupfs names do not say whose it is: whoever has files for it */
	p = ask(&b, CONTAINER_OCI, A64);
	CHECK_EQ(p.n_fds, 2);
	control_close_fds(&p);
	/* the name says that it is another's */
	p = ask(&b, CONTAINER_PODMAN, A64);
	CHECK_EQ(p.n_fds, 0);
	CHECK_EQ(p.msg.u.container.shape, CONTAINER_NO_FILE);
	p = ask(&b, CONTAINER_DOCKER, "a");
	CHECK_EQ(p.n_fds, 0);
	bed_close(&b);
}

TEST(podmans_lists_come_with_the_bundle)
{
	struct control_packet p;
	struct bed b;

	bed_open(&b, CONFIG_ROOT_STORAGE);
	CHECK_EQ(mkdirat(b.at, "overlay-containers", 0755), 0);
	CHECK_EQ(mkdirat(b.at, "overlay-containers/" A64, 0755), 0);
	CHECK_EQ(mkdirat(b.at, "overlay-containers/" A64 "/userdata", 0755), 0);
	bed_file(&b, "overlay-containers/" A64 "/userdata/config.json", "{}");
	bed_file(&b, "overlay-containers/volatile-containers.json", "[]");
	p = ask(&b, CONTAINER_PODMAN, A64);
	CHECK_EQ(p.n_fds, 2);
	CHECK_EQ(p.msg.u.container.have, 5); /* the second of three is not there */
	CHECK_EQ(p.msg.u.container.shape, CONTAINER_FILE_OCI);
	control_close_fds(&p);
	bed_close(&b);
}

TEST(names_are_looked_up_only_where_runtimes_use_names)
{
	struct control_packet p;
	struct bed b;

	bed_open(&b, CONFIG_ROOT_CRUN);
	CHECK_EQ(mkdirat(b.at, "web", 0755), 0);
	bed_file(&b, "web/config.json", "{}");
	p = ask(&b, CONTAINER_OCI, "web");
	CHECK_EQ(p.n_fds, 1);
	control_close_fds(&p);
	b.config.container_roots[0].kind = CONFIG_ROOT_DOCKER;
	p = ask(&b, CONTAINER_OCI, "web");
	CHECK_EQ(p.n_fds, 0);
	bed_close(&b);
}

/* Each makes the config file something that must not be handed out. */
static void make_symlink(struct bed *b)
{
	bed_file(b, "elsewhere", "secret");
	(void)unlinkat(b->at, DIR_A "/config.v2.json", 0);
	CHECK_EQ(symlinkat("../../elsewhere", b->at, DIR_A "/config.v2.json"), 0);
}

static void make_dir_symlink(struct bed *b)
{
	CHECK_EQ(renameat(b->at, DIR_A, b->at, "moved"), 0);
	CHECK_EQ(symlinkat("../moved", b->at, DIR_A), 0);
}

static void make_fifo(struct bed *b)
{
	(void)unlinkat(b->at, DIR_A "/config.v2.json", 0);
	CHECK_EQ(mkfifoat(b->at, DIR_A "/config.v2.json", 0644), 0);
}

static void make_directory(struct bed *b)
{
	(void)unlinkat(b->at, DIR_A "/config.v2.json", 0);
	CHECK_EQ(mkdirat(b->at, DIR_A "/config.v2.json", 0755), 0);
}

static void make_large(struct bed *b)
{
	int fd = openat(b->at, DIR_A "/config.v2.json", O_WRONLY | O_CLOEXEC);

	CHECK_EQ(ftruncate(fd, CONTAINER_FILE_MAX + 1), 0);
	close(fd);
}

static void make_writable(struct bed *b)
{
	CHECK_EQ(fchmodat(b->at, DIR_A "/config.v2.json", 0666, 0), 0);
}

static void make_dir_writable(struct bed *b)
{
	CHECK_EQ(fchmodat(b->at, DIR_A, 0777, 0), 0);
}

static void make_root_writable(struct bed *b)
{
	CHECK_EQ(fchmod(b->at, 01777), 0);
}

static void remove_it(struct bed *b)
{
	(void)unlinkat(b->at, DIR_A "/config.v2.json", 0);
}

static void only_the_other(struct bed *b)
{
	bed_file(b, DIR_A "/hostconfig.json", "{}");
	remove_it(b);
}

TEST(what_somebody_else_could_have_put_there_is_not_handed_out)
{
	static const struct {
		const char *name;
		void (*make)(struct bed *b);
	} rows[] = {
		{ "symbolic link", make_symlink },
		{ "directory that is a link", make_dir_symlink },
		{ "FIFO", make_fifo },
		{ "directory", make_directory },
		{ "too large", make_large },
		{ "anybody may write to it", make_writable },
		{ "to its directory", make_dir_writable },
		{ "to the root", make_root_writable },
		{ "not there", remove_it },
		{ "only the second", only_the_other },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct control_packet p;
		struct bed b;

		test_row = rows[i].name;
		docker_bed(&b);
		rows[i].make(&b);
		p = ask(&b, CONTAINER_DOCKER, A64);
		CHECK_EQ(p.n_fds, 0);
		CHECK_EQ(p.msg.u.container.have, 0);
		bed_close(&b);
	}
}

TEST(a_file_of_another_owner_is_not_handed_out)
{
	struct control_packet p;
	struct bed b;

	if (geteuid() != 0)
		SKIP("only root can give a file away");
	docker_bed(&b);
	CHECK_EQ(fchownat(b.at, DIR_A "/config.v2.json", 1000, 0, 0), 0);
	p = ask(&b, CONTAINER_DOCKER, A64);
	CHECK_EQ(p.n_fds, 0);
	CHECK_EQ(fchownat(b.at, DIR_A "/config.v2.json", 0, 0, 0), 0);
	CHECK_EQ(fchownat(b.at, DIR_A, 1000, 0, 0), 0);
	p = ask(&b, CONTAINER_DOCKER, A64);
	CHECK_EQ(p.n_fds, 0);
	bed_close(&b);
}

TEST(too_many_questions_are_put_off_and_not_looked_up)
{
	struct control_ask_container q = { .runtime = CONTAINER_DOCKER, .id = A64 };
	struct container_files f;
	uint32_t looked_up = 0, later = 0;
	struct control_packet p;
	struct bed b;
	struct diag d;
	int sv[2];

	docker_bed(&b);
	CHECK_OK(container_files_make(&b.config, &f));
	CHECK_OK(control_pair(sv));
	for (uint32_t i = 0; i < 1000; i++) {
		CHECK_OK(container_files_answer(&f, sv[0], &q, 5000 + 4 * i));
		CHECK_OK(control_recv(sv[1], false, &p, &d));
		CHECK_STR(p.msg.u.container.id, A64);
		looked_up += p.n_fds == 1 && !p.msg.u.container.again;
		later += !p.n_fds && p.msg.u.container.again;
		control_close_fds(&p);
	}
	CHECK_EQ(looked_up + later, 1000);
	CHECK_EQ(looked_up, 200); /* in four seconds: 100 of each two */
	free(f.place);
	close(sv[0]);
	close(sv[1]);
	bed_close(&b);
}
