/* SPDX-License-Identifier: Apache-2.0 */
/* Records to the fields container.*, k8s.* and thread.cgroup[], before and after the runtime's files were read. */
#include "../records.h"
#include "sensor/decode/decode.h"
#include "test.h"

#define A64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD_ "1b6c9a4e_6f2d_4f4b_9c55_0d3f6a7b8c9d"
#define BOOT_TO_WALL 1700000000000000000ull

struct bed {
	struct decode *d;
	struct buf text; /* of the last event: field=value, one a line */
};

static void on_event(void *user, struct event *e)
{
	struct bed *b = user;

	buf_reset(&b->text);
	buf_putc(&b->text, '\n');
	for (uint32_t i = 0; i < e->table->common.n; i++) {
		size_t was = b->text.len;

		buf_printf(&b->text, "%s=", e->table->common.fields[i].name);
		if (event_format(e, i, -1, &b->text))
			buf_putc(&b->text, '\n');
		else
			b->text.len = was;
	}
	buf_putc(&b->text, 0);
}

static void bed_open(struct bed *b, bool (*wants)(void *, uint32_t, uint32_t))
{
	struct decode_opts o = { .table = &template_builtin,
				 .boot_to_wall_ns = BOOT_TO_WALL,
				 .types = 1ull << TEMPLATE_TYPE_process_exec,
				 .wants = wants,
				 .emit = on_event,
				 .emit_user = b };

	buf_init(&b->text, 1 << 20);
	CHECK_OK(decode_new(&o, &b->d));
}

static void bed_close(struct bed *b)
{
	decode_free(b->d);
	buf_done(&b->text);
}

/* An exec of pid in the group; its event. */
static const char *exec_in(struct bed *b, uint32_t pid, const char *cgroup, uint64_t time_ns)
{
	static struct rec r;

	rec_exec(&r, &(struct rec_exec){ .pid = pid, .ppid = 1, .comm = "sh", .args = "sh", .time_ns = time_ns });
	rec_path(&r, &r.exec.cgroup, cgroup);
	CHECK_OK(decode_record(b->d, rec_view(&r)));
	return b->text.p;
}

static void answer(struct bed *b, const char *json)
{
	struct view files[CONTAINER_FILES] = { view_of(json, strlen(json)), { 0 }, { 0 } };
	struct container_table *t = proc_containers(decode_procs(b->d));
	const struct container_ident *q = container_next_question(t, 1);
	struct container_info *info = NULL;

	CHECK(q != NULL);
	CHECK_OK(container_info_parse(CONTAINER_FILE_OCI, CONTAINER_CONTAINERD, q->id, files, &info));
	container_answer(t, q->id, info, false, 2);
}

/* value NULL: the field is missing */
static void check_field(int line, const char *event, const char *field, const char *value)
{
	char want[1024];

	(void)snprintf(want, sizeof want, value ? "\n%s=%s\n" : "\n%s=", field, value);
	if ((strstr(event, want) != NULL) != (value != NULL))
		test_fail_str(__FILE__, line, field, event, value ? value : "(missing)");
}
#define CHECK_FIELD(event, field, value) check_field(__LINE__, (event), (field), (value))

static const char *const from_files[] = {
	"container.image",        "container.image.repository", "container.image.tag",
	"container.image.digest", "container.image.id",         "container.privileged",
	"container.mounts",       "container.mount.dest[]",     "container.mount.source[]",
	"container.ip",           "container.label[]",          "k8s.ns.name",
	"k8s.pod.name",           "k8s.pod.sandbox_id",
};

TEST(on_the_host_there_is_no_container_and_it_says_so)
{
	struct bed b;
	const char *e;

	bed_open(&b, NULL);
	e = exec_in(&b, 10, "/user.slice/session-3.scope", 5);
	CHECK_FIELD(e, "container.id", "host");
	CHECK_FIELD(e, "container.name", "host");
	CHECK_FIELD(e, "container.type", "host");
	CHECK_FIELD(e, "thread.cgroup[]", "memory=/user.slice/session-3.scope,default=/user.slice/session-3.scope");
	CHECK_FIELD(e, "container.full_id", NULL);
	CHECK_FIELD(e, "container.start_ts", NULL);
	CHECK_FIELD(e, "container.duration", NULL);
	CHECK_FIELD(e, "k8s.pod.uid", NULL);
	for (size_t i = 0; i < countof(from_files); i++)
		CHECK_FIELD(e, from_files[i], NULL);
	CHECK(!container_next_question(proc_containers(decode_procs(b.d)), 1));
	bed_close(&b);
}

TEST(the_first_event_has_the_id_and_one_after_the_answer_has_the_rest)
{
	static const char group[] = "/kubepods.slice/kubepods-pod" POD_ ".slice/cri-containerd-" A64 ".scope";
	struct bed b;
	const char *e;

	bed_open(&b, NULL);
	e = exec_in(&b, 10, group, REC_START(10) + 7);
	CHECK_FIELD(e, "container.id", "0123456789ab");
	CHECK_FIELD(e, "container.full_id", A64);
	CHECK_FIELD(e, "container.type", "containerd");
	CHECK_FIELD(e, "k8s.pod.uid", "1b6c9a4e-6f2d-4f4b-9c55-0d3f6a7b8c9d");
	CHECK_FIELD(e, "container.duration", "7");
	CHECK_FIELD(e, "container.name", NULL);
	for (size_t i = 0; i < countof(from_files); i++)
		CHECK_FIELD(e, from_files[i], NULL);

	answer(&b, "{\"ociVersion\":\"1\",\"mounts\":[{\"type\":\"bind\",\"source\":\"/srv\",\"destination\":\"/data\","
		   "\"options\":[\"ro\",\"rslave\"]}],\"linux\":{\"maskedPaths\":[\"/proc/kcore\"]},\"annotations\":{"
		   "\"io.kubernetes.cri.container-name\":\"web\",\"io.kubernetes.cri.image-name\":\"r:5/nginx:1\","
		   "\"io.kubernetes.cri.sandbox-name\":\"p\",\"io.kubernetes.cri.sandbox-namespace\":\"n\","
		   "\"io.kubernetes.cri.sandbox-id\":\"" A64 "\",\"io.kubernetes.cri.sandbox-uid\":\"forged\"}}");
	e = exec_in(&b, 10, group, REC_START(10) + 9);
	CHECK_FIELD(e, "container.id", "0123456789ab");
	CHECK_FIELD(e, "container.name", "web");
	CHECK_FIELD(e, "container.image", "r:5/nginx:1");
	CHECK_FIELD(e, "container.image.repository", "r:5/nginx");
	CHECK_FIELD(e, "container.image.tag", "1");
	CHECK_FIELD(e, "container.privileged", "false");
	CHECK_FIELD(e, "container.mounts", "/srv:/data::false:rslave");
	CHECK_FIELD(e, "container.mount.dest[]", "/srv=/data");
	CHECK_FIELD(e, "container.mount.source[]", "/data=/srv");
	CHECK_FIELD(e, "k8s.ns.name", "n");
	CHECK_FIELD(e, "k8s.pod.name", "p");
	CHECK_FIELD(e, "k8s.pod.sandbox_id", "0123456789ab");
	CHECK_FIELD(e, "k8s.pod.uid", "1b6c9a4e-6f2d-4f4b-9c55-0d3f6a7b8c9d"); /* the kernel's word beats a file's */
	CHECK_FIELD(e, "container.image.digest", NULL);
	CHECK_FIELD(e, "container.ip", NULL);
	CHECK_FIELD(e, "container.duration", "9");
	bed_close(&b);
}

TEST(a_child_is_where_its_parent_is_and_a_group_below_is_the_same_container)
{
	struct bed b;
	struct rec r;
	const char *e;

	bed_open(&b, NULL);
	(void)exec_in(&b, 10, "/docker/" A64, REC_START(10));
	rec_fork(&r, 10, "sh", 11, REC_START(11));
	CHECK_OK(decode_record(b.d, rec_view(&r)));
	CHECK(proc_find_pid(decode_procs(b.d), 11)->cgroup == proc_find_pid(decode_procs(b.d), 10)->cgroup);
	e = exec_in(&b, 11, "/docker/" A64 "/init", REC_START(10) + 100);
	CHECK_FIELD(e, "container.id", "0123456789ab");
	CHECK_FIELD(e, "container.duration", "100"); /* since the first process, not since this one */
	CHECK_FIELD(e, "container.type", "docker");
	bed_close(&b);
}

TEST(names_of_containers_are_shown_whole)
{
	struct bed b;
	const char *e;

	bed_open(&b, NULL);
	e = exec_in(&b, 10, "/lxc.payload.a-very-long-name-of-a-machine/init.scope", 5);
	CHECK_FIELD(e, "container.id", "a-very-long-name-of-a-machine");
	CHECK_FIELD(e, "container.full_id", "a-very-long-name-of-a-machine");
	CHECK_FIELD(e, "container.name", "a-very-long-name-of-a-machine");
	CHECK_FIELD(e, "container.type", "lxc");
	bed_close(&b);
}

static bool wants_id(void *user, uint32_t type, uint32_t field)
{
	(void)user;
	(void)type;
	return field == FIELD_container_id || field == FIELD_thread_cgroup;
}

static bool wants_image(void *user, uint32_t type, uint32_t field)
{
	return field == FIELD_container_image || wants_id(user, type, field);
}

static bool wants_image_elsewhere(void *user, uint32_t type, uint32_t field)
{
	return type != TEMPLATE_TYPE_process_exec && wants_image(user, type, field);
}

TEST(files_are_needed_only_when_a_rule_uses_what_they_tell)
{
	struct bed b;

	bed_open(&b, wants_id);
	CHECK_EQ(decode_wants_containers(b.d), false);
	decode_set_wants(b.d, 1ull << TEMPLATE_TYPE_process_exec, wants_image, NULL);
	CHECK_EQ(decode_wants_containers(b.d), true);
	decode_set_wants(b.d, 1ull << TEMPLATE_TYPE_process_exec, wants_image_elsewhere, NULL);
	CHECK_EQ(decode_wants_containers(b.d), false); /* no event of those types is made */
	bed_close(&b);
}
