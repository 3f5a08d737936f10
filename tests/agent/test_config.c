/* SPDX-License-Identifier: Apache-2.0 */
/* config: what is understood is in force, what is not is refused at its place. */
#include "test.h"

#include "agent/config.h"

struct read_result {
	struct config c;
	struct arena a;
	struct diags ds;
	enum err err;
};

static void read_text(struct read_result *r, const char *text, size_t len)
{
	arena_init(&r->a, 8 << 20);
	diags_init(&r->ds, &r->a);
	config_init(&r->c);
	r->err = config_read(text, len, "f.yaml", &r->c, &r->ds);
}

static void done(struct read_result *r)
{
	config_done(&r->c);
	arena_done(&r->a);
}

TEST(settings_are_shown_without_what_is_secret_in_them)
{
	static const char text[] = "rules: [a.yaml]\nstate: /var/lib/sallyport\n"
				   "outputs:\n"
				   "  http: {url: 'https://mia:pw1@alerts.example:8443/pw2?t=pw3', headers: "
				   "['Authorization: Bearer pw4']}\n"
				   "release: {repository: 'https://mia:pw5@repo.example/all?t=pw6', root: /etc/root}\n"
				   "containers: {roots: [docker=/data]}\n";
	struct read_result r;
	struct buf out;

	read_text(&r, text, sizeof text - 1);
	CHECK_OK(r.err);
	buf_init(&out, 1 << 16);
	config_put(&r.c, &out);
	CHECK(!strstr(out.p, "pw") && !strstr(out.p, "mia"));
	CHECK(strstr(out.p, "outputs.http.url: https://(left out)@alerts.example:8443(left out)\n"));
	CHECK(strstr(out.p, "outputs.http.headers: Authorization: (left out)\n"));
	CHECK(strstr(out.p, "release.repository: https://(left out)@repo.example/all(left out)\n"));
	CHECK(strstr(out.p, "rules: a.yaml\n") && strstr(out.p, "state: /var/lib/sallyport\n"));
	CHECK(strstr(out.p, "containers.roots: docker=/data\n") && strstr(out.p, "ring.bulk_kib: 4096\n"));
	buf_done(&out);
	done(&r);
}

TEST(a_full_file_sets_everything)
{
	static const char text[] =
		"rules: [a.yaml, /etc/sallyport/rules]\n"
		"rule_matching: all\nnative: false\nsource: /var/lib/day.cap\nsource_rate: 500\n"
		"outputs:\n"
		"  throttle_per_minute: 7\n"
		"  stdout: {enabled: false, format: json}\n"
		"  file:\n    path: /var/log/alerts.json\n    format: text\n    max_mib: 10\n    keep: 2\n"
		"  syslog: {transport: tcp, host: logs.example, port: 6514, format: text, facility: local3,\n"
		"    hostname: h.example, appname: sp, max_bytes: 4096, path: /run/log}\n"
		"  http:\n    url: https://alerts.example:8443/in\n    headers: [\"Authorization: Bearer x\", "
		"\"X-A:\"]\n"
		"    ca_file: /etc/ca.pem\n    timeout_ms: 2000\n    batch: 20\n"
		"courier: {uid: 1234, resolve: false, resolve_s: 60}\n"
		"ring: {reserved_kib: 512, bulk_kib: 4096}\n"
		"worker: {memory_mib: 128, cpu_percent: 50, watchdog_s: 3}\n";
	struct read_result r;

	read_text(&r, text, sizeof text - 1);
	CHECK_OK(r.err);
	CHECK_EQ(r.c.n_rules, 2);
	CHECK_STR(r.c.rules[0], "a.yaml");
	CHECK_STR(r.c.rules[1], "/etc/sallyport/rules");
	CHECK_EQ(r.c.matching, CONFIG_ALL);
	CHECK_STR(config_capture(&r.c), "/var/lib/day.cap");
	CHECK_EQ(r.c.source_rate, 500);
	CHECK_EQ(r.c.native, 0);
	CHECK_EQ(r.c.throttle_per_minute, 7);
	CHECK_EQ(r.c.stdout_enabled, 0);
	CHECK_EQ(r.c.stdout_format, CONFIG_JSON);
	CHECK_STR(r.c.file_path, "/var/log/alerts.json");
	CHECK_EQ(r.c.file_format, CONFIG_TEXT);
	CHECK_EQ(r.c.file_max_mib, 10);
	CHECK_EQ(r.c.file_keep, 2);
	CHECK_EQ(r.c.reserved_kib, 512);
	CHECK_EQ(r.c.bulk_kib, 4096);
	CHECK_EQ(r.c.worker_memory_mib, 128);
	CHECK_EQ(r.c.worker_cpu_percent, 50);
	CHECK_EQ(r.c.worker_watchdog_s, 3);
	CHECK_EQ(r.c.syslog_transport, CONFIG_TCP);
	CHECK_STR(r.c.syslog_host, "logs.example");
	CHECK_EQ(r.c.syslog_port, 6514);
	CHECK_EQ(r.c.syslog_format, CONFIG_TEXT);
	CHECK_EQ(r.c.syslog_facility, 19);
	CHECK_STR(r.c.syslog_hostname, "h.example");
	CHECK_STR(r.c.syslog_appname, "sp");
	CHECK_EQ(r.c.syslog_max_bytes, 4096);
	CHECK_STR(r.c.syslog_path, "/run/log");
	CHECK_STR(r.c.http_url, "https://alerts.example:8443/in");
	CHECK_EQ(r.c.n_http_headers, 2);
	CHECK_STR(r.c.http_headers[0], "Authorization: Bearer x");
	CHECK_STR(r.c.http_headers[1], "X-A:");
	CHECK_STR(r.c.http_ca_file, "/etc/ca.pem");
	CHECK_EQ(r.c.http_timeout_ms, 2000);
	CHECK_EQ(r.c.http_batch, 20);
	CHECK_EQ(r.c.courier_uid, 1234);
	CHECK_EQ(r.c.resolve_enabled, 0);
	CHECK_EQ(r.c.resolve_interval_s, 60);
	done(&r);
}

TEST(an_empty_file_is_the_defaults)
{
	static const char *const texts[] = { "", "\n", "# nothing\n", "---\n", "{}\n" };

	for (size_t i = 0; i < countof(texts); i++) {
		struct read_result r;

		test_row = texts[i];
		read_text(&r, texts[i], strlen(texts[i]));
		CHECK_OK(r.err);
		CHECK_EQ(r.c.stdout_enabled, 1);
		CHECK_EQ(r.c.native, 1);
		CHECK_EQ(r.c.throttle_per_minute, 60);
		CHECK(!config_capture(&r.c));
		CHECK_EQ(r.c.n_rules, 0);
		done(&r);
	}
}

TEST(the_kernel_is_a_source_by_name)
{
	static const char text[] = "source: kernel\n";
	struct read_result r;

	read_text(&r, text, sizeof text - 1);
	CHECK_OK(r.err);
	CHECK(!config_capture(&r.c));
	done(&r);
}

TEST(what_is_wrong_is_refused_at_its_place_with_its_id)
{
	static const struct {
		const char *text;
		uint16_t id;
		uint32_t line, col;
		const char *says, *hint;
	} rows[] = {
		{ "rules: [a\n", 1, 2, 1, "not YAML", "" },
		{ "@x: 1\n", 1, 1, 1, "not YAML", "" },
		{ "rule: [a]\n", 2, 1, 1, "'rule'", "did you mean 'rules'" },
		{ "outputs:\n  file:\n    max_mb: 4\n", 2, 3, 5, "'outputs.file.max_mb'",
		  "did you mean 'outputs.file.max_mib'" },
		{ "something_else_entirely: 1\n", 2, 1, 1, "no key", "docs/config.md" },
		{ "zebra: {a: [1, {b: 2}], c: 3}\nrule_matching: one\n", 2, 1, 1, "'zebra'", "" },
		{ "rules: a.yaml\n", 3, 1, 8, "needs a list", "" },
		{ "rules: [[a]]\n", 3, 1, 9, "list of paths", "" },
		{ "rule_matching: [all]\n", 3, 1, 16, "needs a plain value", "" },
		{ "ring: 5\n", 3, 1, 7, "mapping of more keys", "" },
		{ "- a\n", 3, 1, 1, "mapping of keys", "" },
		{ "just words\n", 3, 1, 1, "mapping of keys", "" },
		{ "[a]: b\n", 3, 1, 1, "plain word", "" },
		{ "rule_matching: some\n", 4, 1, 16, "can be: first, all", "" },
		{ "outputs: {stdout: {enabled: yes}}\n", 4, 1, 29, "can be: true, false", "" },
		{ "outputs: {file: {format: auto}}\n", 4, 1, 26, "can be: text, json", "" },
		{ "ring: {bulk_kib: 1M}\n", 4, 1, 18, "whole number", "" },
		{ "ring: {bulk_kib: -64}\n", 4, 1, 18, "whole number", "" },
		{ "ring: {bulk_kib: 99999999999999999999}\n", 4, 1, 18, "whole number", "" },
		{ "ring: {bulk_kib: 1000}\n", 5, 1, 18, "power of two", "use 64" },
		{ "ring: {bulk_kib: 32}\n", 5, 1, 18, "64 to 65536", "" },
		{ "worker: {cpu_percent: 101}\n", 5, 1, 23, "5 to 100", "" },
		{ "rule_matching: all\nrule_matching: all\n", 6, 2, 16, "twice", "" },
		{ "rule_matching: &x all\n", 7, 1, 16, "anchors", "" },
		{ "rules: [&x a, *x]\n", 7, 1, 9, "anchors", "" },
		{ "rule_matching: !!str all\n", 7, 1, 16, "anchors", "" },
		{ "{}\n---\n{}\n", 8, 2, 1, "one YAML document", "" },
		{ "rules: ['']\n", 9, 1, 9, "1 to", "" },
		{ "containers: {roots: [[a]]}\n", 3, 1, 22, "list of KIND=DIRECTORY", "" },
		{ "containers: {roots: [/data/docker]}\n", 4, 1, 22, "KIND=DIRECTORY", "docker=/data" },
		{ "containers: {roots: [dock=/data]}\n", 4, 1, 22, "KIND=DIRECTORY", "" },
		{ "containers: {roots: [docker=data]}\n", 4, 1, 22, "KIND=DIRECTORY", "" },
		{ "outputs: {syslog: {transport: tls}}\n", 4, 1, 31, "unix, udp, tcp", "" },
		{ "outputs: {syslog: {transport: udp}}\n", 11, 1, 31, "needs 'outputs.syslog.host'", "" },
		{ "outputs: {syslog: {host: h}}\n", 11, 1, 26, "needs 'outputs.syslog.transport'", "" },
		{ "outputs: {syslog: {transport: udp, host: 'a b'}}\n", 4, 1, 42, "without spaces", "" },
		{ "outputs: {syslog: {transport: udp, host: h, appname: ''}}\n", 9, 1, 54, "1 to 48", "" },
		{ "outputs: {syslog: {transport: udp, host: h, facility: local9}}\n", 4, 1, 55, "local7", "" },
		{ "outputs: {http: {url: ftp://h}}\n", 4, 1, 23, "http:// or https://", "" },
		{ "outputs: {http: {url: http://}}\n", 4, 1, 23, "and a host", "" },
		{ "outputs: {http: {headers: ['A: b']}}\n", 11, 1, 27, "needs 'outputs.http.url'", "" },
		{ "outputs: {http: {url: http://h, headers: [A b]}}\n", 10, 1, 43, "'Name: value'", "quote it" },
		{ "outputs: {http: {url: http://h, headers: [\"A: b\\r\\nC: d\"]}}\n", 10, 1, 43, "printable", "" },
		{ "outputs: {http: {url: http://h, headers: [A: b]}}\n", 3, 1, 43, "list of headers", "" },
		{ "outputs: {http: {url: http://h, headers: 'A: b'}}\n", 3, 1, 42, "needs a list", "" },
		{ "outputs: {http: {url: http://h, batch: 0}}\n", 5, 1, 40, "1 to 1000", "" },
	};
	bool provoked[32] = { false };

	for (size_t i = 0; i < countof(rows); i++) {
		struct read_result r;

		test_row = rows[i].text;
		read_text(&r, rows[i].text, strlen(rows[i].text));
		CHECK_EQ(r.err, E_REJECTED);
		CHECK(r.ds.head != NULL);
		CHECK_EQ(r.ds.head->d.family, 'C');
		CHECK_EQ(r.ds.head->d.id, rows[i].id);
		CHECK_EQ(r.ds.head->d.pos.line, rows[i].line);
		CHECK_EQ(r.ds.head->d.pos.col, rows[i].col);
		CHECK_HAS(r.ds.head->d.text, rows[i].says);
		CHECK_HAS(r.ds.head->d.hint, rows[i].hint);
		provoked[rows[i].id] = true;
		done(&r);
	}
	for (size_t i = 0; i < config_n_diags; i++) {
		test_row = config_diags[i].title;
		CHECK(provoked[config_diags[i].id]);
	}
}

TEST(roots_of_container_runtimes_are_kept_in_order)
{
	static const char text[] = "containers:\n  roots: [storage=/a, docker=/b=c]\n";
	struct read_result r;
	struct buf many;

	read_text(&r, text, sizeof text - 1);
	CHECK_OK(r.err);
	CHECK_EQ(r.c.n_container_roots, 2);
	CHECK_EQ(r.c.container_roots[0].kind, CONFIG_ROOT_STORAGE);
	CHECK_STR(r.c.container_roots[0].dir, "/a");
	CHECK_EQ(r.c.container_roots[1].kind, CONFIG_ROOT_DOCKER);
	CHECK_STR(r.c.container_roots[1].dir, "/b=c");
	done(&r);

	buf_init(&many, 4096);
	buf_puts(&many, "containers:\n  roots: [");
	for (int i = 0; i < CONFIG_MAX_CONTAINER_ROOTS + 1; i++)
		buf_puts(&many, "runc=/x, ");
	buf_puts(&many, "]\n");
	read_text(&r, many.p, many.len);
	CHECK_EQ(r.err, E_REJECTED);
	CHECK_EQ(r.ds.head->d.id, 9);
	CHECK_EQ(r.c.n_container_roots, CONFIG_MAX_CONTAINER_ROOTS);
	done(&r);
	buf_done(&many);
}

/* Whatever is wrong near it, a secret never comes out. */
TEST(no_message_shows_a_header_or_a_url)
{
	static const char *const texts[] = {
		"outputs: {http: {url: ftp://user:SECRET@h}}\n",
		"outputs: {http: {url: http://h, headers: [SECRET]}}\n",
		"outputs:\n  http:\n    url: http://h\n    headers:\n      - Authorization: SECRET\n",
		"outputs:\n  http:\n    url: http://h\n    headers:\n      - \"Authorization: SECRET\n",
		"outputs:\n  http:\n    url: http://h\n    headers: &x [\"A: SECRET\"]\n",
		"outputs:\n  http:\n    url: http://h\n    header: [\"A: SECRET\"]\n",
		"outputs:\n  htttp: {url: x, headers: [\"A: SECRET\"]}\n",
		"outputs:\n  http: {url: http://h, timeout_ms: SECRET}\n",
		"outputs:\n  http: SECRET\n",
	};

	for (size_t i = 0; i < countof(texts); i++) {
		struct read_result r;
		struct buf b;

		test_row = texts[i];
		read_text(&r, texts[i], strlen(texts[i]));
		CHECK_EQ(r.err, E_REJECTED);
		buf_init(&b, 1 << 20);
		diags_render(&b, &r.ds, false);
		CHECK_HAS(b.p, "error[C");
		CHECK(!strstr(b.p, "SECRET"));
		buf_done(&b);
		done(&r);
	}
}

TEST(all_errors_of_a_file_are_reported_at_once)
{
	static const char text[] = "rule: [x]\nring: {bulk_kib: 3, reserved_kib: no}\nworker: {memory_mib: 1}\n";
	struct read_result r;

	read_text(&r, text, sizeof text - 1);
	CHECK_EQ(r.err, E_REJECTED);
	CHECK_EQ(r.ds.n_errors, 4);
	done(&r);
}

TEST(hostile_text_is_refused_and_not_followed)
{
	static char text[CONFIG_MAX_BYTES + 1];
	struct read_result r;
	size_t n = 0;

	/* nesting as deep as the file is long */
	n = (size_t)snprintf(text, sizeof text, "rules: ");
	memset(text + n, '[', CONFIG_MAX_BYTES - n);
	read_text(&r, text, CONFIG_MAX_BYTES);
	CHECK_EQ(r.err, E_REJECTED);
	done(&r);

	memset(text, 'k', CONFIG_MAX_BYTES - 3);
	memcpy(text + CONFIG_MAX_BYTES - 3, ": 1", 3);
	read_text(&r, text, 1000 + 0);
	CHECK_EQ(r.err, E_REJECTED);
	done(&r);

	memset(text, 0xff, CONFIG_MAX_BYTES);
	read_text(&r, text, CONFIG_MAX_BYTES);
	CHECK_EQ(r.err, E_REJECTED);
	done(&r);

	/* more paths than there is room for */
	n = (size_t)snprintf(text, sizeof text, "rules: [");
	for (int i = 0; i < CONFIG_MAX_RULES + 5; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "f%d, ", i);
	n += (size_t)snprintf(text + n, sizeof text - n, "]\n");
	read_text(&r, text, n);
	CHECK_EQ(r.err, E_REJECTED);
	CHECK_EQ(r.c.n_rules, CONFIG_MAX_RULES);
	CHECK_EQ(r.ds.n_errors, 5);
	done(&r);
}
