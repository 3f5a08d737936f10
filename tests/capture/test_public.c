/* SPDX-License-Identifier: Apache-2.0 */
/* Captures that others made and published; they are not part of this tree. */
#include <fcntl.h>
#include <limits.h>

#include "../test.h"
#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"

static void ignore(void *user, struct event *e)
{
	(void)user;
	(void)e;
}

/* Everyone but the first has a name, and nobody is older than its parent. */
static void check_processes(struct proc_table *t, uint32_t want)
{
	uint32_t n = 0, orphans = 0;

	for (uint32_t pid = 1; pid < 32768; pid++) {
		const struct proc *p = proc_find_pid(t, pid);
		struct proc_view v;

		if (!p || !p->image)
			continue;
		n++;
		v = *proc_view(p);
		CHECK(p->comm[0] && v.args_known == (v.exe.len > 0));
		CHECK(p->cwd && (p->cwd[0] == '/' || p->cwd[0] == '.'));
		orphans += !p->parent;
		if (p->parent)
			CHECK(p->parent->key.start_ns <= p->key.start_ns);
	}
	CHECK_EQ(n, want);
	CHECK(orphans <= 3);
}

TEST(public_captures_load_with_the_same_counts_as_ever)
{
	static const struct {
		const char *name;
		uint32_t minor, events, records, tasks, opens, connects, procs_left;
		const char *host;
	} rows[] = {
		{ "curl_google.scap", 0, 1536, 104, 31, 48, 4, 31, "ip-10-0-0-79" },
		{ "curl_google_comments.scap", 0, 1536, 104, 31, 48, 4, 31, "ip-10-0-0-79" },
		{ "single_ipv6_conn.scap", 2, 1728, 54, 44, 0, 3, 44, "ubuntu" },
		{ "test_ipv6_client.scap", 0, 326, 45, 34, 2, 2, 34, "ip-10-0-0-79" },
	};
	const char *root = getenv("SALLYPORT_SOURCE");
	uint32_t found = 0;

	for (size_t i = 0; i < countof(rows); i++) {
		struct decode_opts o = { .table = &template_builtin, .emit = ignore };
		char path[PATH_MAX];
		struct capture_stats st;
		struct capture *c;
		struct decode *dec;
		struct view rec;
		int fd;

		(void)snprintf(path, sizeof path, "%s/../shared/peers/captures/%s", root ? root : ".", rows[i].name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		found++;
		test_row = rows[i].name;
		CHECK_OK(capture_open(fd, path, &c, NULL));
		CHECK_EQ(capture_info(c)->kind, CAPTURE_SCAP);
		CHECK(capture_info(c)->compressed);
		CHECK_EQ(capture_info(c)->minor, rows[i].minor);
		CHECK_STR(capture_info(c)->hostname, rows[i].host);
		CHECK_HAS(capture_info(c)->users, "root:x:0:");
		CHECK_OK(decode_new(&o, &dec));
		while (capture_next(c, &rec, NULL) == E_OK)
			CHECK_OK(decode_record(dec, rec));
		CHECK_EQ(capture_next(c, &rec, NULL), E_NOT_FOUND);
		capture_stats(c, &st);
		CHECK_EQ(st.events, rows[i].events);
		CHECK_EQ(st.records, rows[i].records);
		CHECK_EQ(st.kinds[WIRE_TASK], rows[i].tasks);
		CHECK_EQ(st.kinds[WIRE_OPEN], rows[i].opens);
		CHECK_EQ(st.kinds[WIRE_CONNECT], rows[i].connects);
		/* accept and dup make a second record, of descriptors */
		CHECK(st.events <= st.merged + st.skipped + st.records - st.kinds[WIRE_TASK]);
		check_processes(decode_procs(dec), rows[i].procs_left);
		decode_free(dec);
		capture_close(c);
		close(fd);
	}
	test_row = NULL;
	if (!found)
		print_message(
			"# SKIP the public captures are not here (../shared/peers/captures beside the source tree)\n");
}
