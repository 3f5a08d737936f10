/* SPDX-License-Identifier: Apache-2.0 */
/* shipped: the rules that come with Sallyport. */
#include "rule_test.h"

static const char *const files[] = { "rules/file.yaml", "rules/ipc.yaml", "rules/network.yaml", "rules/process.yaml" };

static void load_shipped(struct loaded *l)
{
	struct rule_source src[countof(files)];

	*l = (struct loaded){ 0 };
	arena_init(&l->a, 256 << 20);
	diags_init(&l->ds, &l->a);
	buf_init(&l->said, 1 << 20);
	for (size_t i = 0; i < countof(files); i++)
		src[i] = source_file(&l->a, files[i]);
	l->err = rule_load(src, countof(files), &template_builtin, &l->a, &l->ds, &l->rs);
	buf_puts(&l->said, "");
	diags_render(&l->said, &l->ds, false);
}

TEST(the_shipped_rules_load_without_a_word)
{
	struct loaded l;

	load_shipped(&l);
	CHECK_STR(l.said.p, "");
	CHECK_OK(l.err);
	CHECK(l.rs->n_rules >= 12);
	unload(&l);
}

TEST(each_shipped_file_loads_alone)
{
	for (size_t i = 0; i < countof(files); i++) {
		struct loaded l;
		struct arena a;
		struct rule_source src;

		test_row = files[i];
		arena_init(&a, 4 << 20);
		src = source_file(&a, files[i]);
		load_bytes(&l, src.name, src.text, src.len);
		CHECK_STR(l.said.p, "");
		CHECK_OK(l.err);
		unload(&l);
		arena_done(&a);
	}
}

TEST(each_shipped_rule_says_what_it_is_and_proves_when_it_fires)
{
	struct loaded l;

	load_shipped(&l);
	for (uint32_t i = 0; l.rs && i < l.rs->n_rules; i++) {
		const struct rule *r = &l.rs->rules[i];
		unsigned fires = 0, quiet = 0, mitre = 0;

		test_row = r->name;
		for (uint32_t k = 0; k < r->n_tests; k++)
			*(r->tests[k].fires ? &fires : &quiet) += 1;
		for (uint32_t k = 0; k < r->n_tags; k++)
			mitre += r->tags[k][0] == 'T' && r->tags[k][1] == '1';
		CHECK(fires > 0 && quiet > 0 && mitre > 0);
		CHECK(strlen(r->desc) > 40);
		CHECK_HAS(r->output, "%proc.pid");
		CHECK_HAS(r->output, "%proc.pname");
		CHECK_EQ(__builtin_popcountll(r->types), 1);
	}
	unload(&l);
}

TEST(the_tests_beside_the_shipped_rules_hold)
{
	struct loaded l;
	struct ready r;

	load_shipped(&l);
	ready_make(&r, &l);
	for (uint32_t i = 0; i < l.rs->n_rules; i++) {
		for (uint32_t k = 0; k < l.rs->rules[i].n_tests; k++) {
			const struct rule_test *t = &l.rs->rules[i].tests[k];
			const struct template_type *type = template_type_by_name(&template_builtin, t->type);

			test_row = t->name;
			ready_event(&r, (uint32_t)(type - template_builtin.types));
			ready_fields(&r, &l.a, t);
			CHECK_EQ(ready_fires(&r, i), t->fires);
		}
	}
	ready_done(&r);
	unload(&l);
}

/* What a machine does all day, as name, executable and file. */
static const struct {
	const char *name, *exe, *parent, *args, *file;
	bool write;
} day[] = {
	{ "true", "/usr/bin/true", "/usr/bin/bash", "", "/etc/ld.so.cache", false },
	{ "sh", "/usr/bin/dash", "/usr/bin/make", "-c gcc -O2 -c x.c", "/usr/lib/x86_64-linux-gnu/libc.so.6", false },
	{ "cc1", "/usr/lib/gcc/x86_64-linux-gnu/12/cc1", "/usr/bin/x86_64-linux-gnu-gcc-12", "-quiet x.c",
	  "/tmp/ccXY.s", true },
	{ "apt-get", "/usr/bin/apt-get", "/usr/bin/sudo", "install -y vim", "/var/lib/dpkg/lock-frontend", true },
	{ "http", "/usr/lib/apt/methods/http", "/usr/bin/apt-get", "", "/var/cache/apt/archives/partial/vim.deb",
	  true },
	{ "dpkg", "/usr/bin/dpkg", "/usr/bin/apt-get", "--unpack vim.deb", "/etc/cron.d/x.dpkg-new", true },
	{ "python3", "/usr/bin/python3.11", "/usr/bin/bash", "-m http.server", "/usr/lib/python3.11/http/server.py",
	  false },
	{ "sshd", "/usr/sbin/sshd", "/usr/lib/systemd/systemd", "-D", "/etc/shadow", false },
	{ "sudo", "/usr/bin/sudo", "/usr/bin/bash", "ls", "/etc/sudoers", false },
	{ "ls", "/usr/bin/ls", "/usr/bin/bash", "-l /etc", "/etc/passwd", false },
	{ "git", "/usr/bin/git", "/usr/bin/bash", "fetch", "/home/ada/src/.git/FETCH_HEAD", true },
	{ "bash", "/usr/bin/bash", "/usr/sbin/sshd", "", "/home/ada/.bash_history", true },
};

TEST(an_ordinary_day_alerts_nothing)
{
	struct loaded l;
	struct ready r;

	load_shipped(&l);
	ready_make(&r, &l);
	for (size_t i = 0; i < countof(day); i++) {
		test_row = day[i].name;
		for (uint32_t type = 0; type < template_builtin.n_types; type++) {
			if (type == TEMPLATE_TYPE_ipc_pipe)
				continue;
			ready_event(&r, type);
			event_set_cstr(r.event, FIELD_proc_name, day[i].name);
			event_set_cstr(r.event, FIELD_proc_exepath, day[i].exe);
			event_set_cstr(r.event, FIELD_proc_pexepath, day[i].parent);
			event_set_cstr(r.event, FIELD_proc_args, day[i].args);
			event_set_cstr(r.event, FIELD_proc_stdin_type, "pipe");
			event_set_u64(r.event, FIELD_proc_is_exe_from_memfd, 0);
			event_set_u64(r.event, FIELD_proc_is_exe_deleted, 0);
			event_set_u64(r.event, FIELD_proc_is_script_from_memfd, 0);
			if (type == TEMPLATE_TYPE_file_open) {
				event_set_cstr(r.event, FIELD_file_open_name, day[i].file);
				event_set_u64(r.event, FIELD_file_open_is_read, !day[i].write);
				event_set_u64(r.event, FIELD_file_open_is_write, day[i].write);
			} else if (type == TEMPLATE_TYPE_net_connect) {
				event_set_cstr(r.event, FIELD_net_connect_typechar, "4");
				event_set_cstr(r.event, FIELD_net_connect_l4proto, "tcp");
				event_set_ip(r.event, FIELD_net_connect_sip, "\x7f\0\0\1", 4);
			}
			for (uint32_t k = 0; k < l.rs->n_rules; k++)
				if (ready_fires(&r, k))
					fail_msg("%s fires on %s %s", l.rs->rules[k].name, day[i].name,
						 template_builtin.types[type].name);
		}
	}
	ready_done(&r);
	unload(&l);
}
