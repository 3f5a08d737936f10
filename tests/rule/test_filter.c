/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: what the kernel side may drop. Sound: an event that a rule fires on passes the rule's filter and the sum of
 * all filters, however the rule is written. Useful: what rules obviously do not ask for is dropped.
 */
#include "rule_test.h"

#include "content/filter/filter.h"

/* A path in parts, and the class: what the kernel side sees of an open. */
struct open {
	uint32_t class;
	uint32_t n;   /* components; 0: the path is not known */
	bool upwards; /* written with "../" */
	const char *part[4];
	struct filter_name name[FILTER_PLACES];
	const struct filter_name *names[FILTER_PLACES];
};

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

static void see_names(struct open *o)
{
	const char *text[FILTER_PLACES] = { NULL };

	if (o->n && !(o->class & FILTER_FAILED)) {
		text[FILTER_LEAF] = o->part[o->n - 1];
		text[FILTER_PARENT] = o->n > 1 ? o->part[o->n - 2] : NULL; /* / has no name */
		text[FILTER_TOP] = o->part[0];
	}
	for (uint32_t p = 0; p < FILTER_PLACES; p++) {
		o->names[p] = text[p] ? &o->name[p] : NULL;
		if (text[p])
			filter_name_set(&o->name[p], text[p], strlen(text[p]));
	}
}

static void set_event(struct ready *r, const struct open *o)
{
	static char path[256], directory[256];
	struct event *e = r->event;
	bool failed = o->class & FILTER_FAILED;

	ready_event(r, TEMPLATE_TYPE_file_open);
	event_set_i64(e, FIELD_file_open_num, failed ? -1 : 3);
	event_set_i64(e, FIELD_evt_rawres, failed ? -2 : 3);
	event_set_cstr(e, FIELD_evt_res, failed ? "ENOENT" : "SUCCESS");
	event_set_u64(e, FIELD_evt_failed, failed);
	event_set_u64(e, FIELD_file_open_is_read, !!(o->class & FILTER_READ));
	event_set_u64(e, FIELD_file_open_is_write, !!(o->class & FILTER_WRITE));
	event_set_u64(e, FIELD_file_open_is_create, !!(o->class & FILTER_CREATED));
	event_set_u64(e, FIELD_file_open_is_exec, !!(o->class & FILTER_EXEC));
	event_set_cstr(e, FIELD_file_open_flags_str, o->class & FILTER_TRUNC ? "O_RDWR|O_TRUNC" : "O_RDWR");
	event_set_cstr(e, FIELD_file_open_typechar, o->class & FILTER_DIR ? "d" : below(2) ? "f" : "p");
	event_set_cstr(e, FIELD_file_open_type, o->class & FILTER_DIR ? "directory" : "file");
	if (below(2))
		event_set_cstr(e, FIELD_proc_name, below(2) ? "cat" : "ab");
	event_set_cstr(e, FIELD_file_open_nameraw, o->upwards ? "../../a/b" : below(2) ? "..b" : "/a/b");
	if (!o->n)
		return;
	path[0] = 0;
	for (uint32_t i = 0; i < o->n; i++) {
		size_t at = strlen(path);

		(void)snprintf(directory, sizeof directory, "%s", at ? path : "/");
		(void)snprintf(path + at, sizeof path - at, "/%s", o->part[i]);
	}
	event_set_cstr(e, FIELD_file_open_name, path);
	event_set_cstr(e, FIELD_file_open_directory, directory);
	event_set_cstr(e, FIELD_file_open_filename, o->part[o->n - 1]);
}

static void random_open(struct open *o)
{
	static const char *const parts[] = {
		"a", "b", "etc", "abb", "shadow", ".x", "a name of thirty-four bytes, no less"
	};

	*o = (struct open){ .class = below(FILTER_CLASSES), .n = below(5), .upwards = below(2) };
	for (uint32_t i = 0; i < o->n; i++)
		o->part[i] = parts[below(countof(parts))];
	see_names(o);
}

static void random_check(struct buf *b)
{
	static const struct {
		const char *before, *after;
	} path_checks[] = { { "fd.name = ", "" },          { "fd.name in (", ", /b/etc)" },
			    { "fd.name startswith ", "" }, { "fd.name endswith ", "" },
			    { "fd.name contains ", "" },   { "fd.name glob ", "*" },
			    { "fd.name glob *", "" },      { "fd.name pmatch (", ", /b)" },
			    { "fd.directory = ", "" },     { "fd.directory in (", ", /a)" },
			    { "fd.name != ", "" },         { "fd.directory startswith ", "" },
			    { "tolower(fd.name) = ", "" }, { "fs.path.name = ", "" },
			    { "fd.filename != ", "" } };
	static const char *const paths[] = { "/etc/shadow", "/etc", "/etc/", "/a/b",   "/",       "etc",
					     "/a/b/etc",    "/et",  "w",     "shadow", "/shadow", "/a/abb/.x" };
	static const char *const checks[] = {
		"evt.is_open_read = true",
		"evt.is_open_write = true",
		"evt.is_open_read = false",
		"evt.is_open_create != true",
		"evt.is_open_exec = true",
		"evt.arg.flags contains O_TRUNC",
		"evt.arg.flags contains TR",
		"fd.num >= 0",
		"fd.num = -1",
		"fd.num < 0",
		"fd.num > -1",
		"fd.num <= 2",
		"evt.rawres >= 0",
		"evt.rawres != 3",
		"evt.rawres in (0, 3)",
		"evt.res = SUCCESS",
		"evt.res != SUCCESS",
		"evt.res in (SUCCESS, ENOENT)",
		"evt.res = ENOENT",
		"evt.failed = true",
		"fd.nameraw contains ../",
		"fd.nameraw glob *../*../*",
		"fd.nameraw = ../../a/b",
		"not fd.nameraw contains ../",
		"fd.nameraw contains ..",
		"fd.nameraw glob \"[../]*\"",
		"fd.typechar = 'f'",
		"fd.typechar in (d, f)",
		"fd.type = directory",
		"fd.type in (file)",
		"proc.name = cat",
		"proc.name exists",
		"fd.filename = shadow",
		"fd.filename in (b, .x, \"a name of thirty-four bytes, no less\")",
		"fd.filename startswith a",
		"evt.type = openat",
		"fd.name = \"/a/a name of thirty-four bytes, no less\"",
	};

	if (below(2)) {
		size_t i = below(countof(path_checks));

		buf_printf(b, "%s%s%s", path_checks[i].before, paths[below(countof(paths))], path_checks[i].after);
	} else {
		buf_puts(b, checks[below(countof(checks))]);
	}
}

static void random_condition(struct buf *b, unsigned depth)
{
	bool and = below(2);

	if (below(4) == 0)
		buf_puts(b, "not ");
	if (!depth) {
		random_check(b);
		return;
	}
	buf_putc(b, '(');
	for (uint32_t i = 0, n = 2 + below(3); i < n; i++) {
		buf_puts(b, !i ? "" : and? " and " : " or ");
		random_condition(b, depth - 1 - below(depth));
	}
	buf_putc(b, ')');
}

/* The filters of the programs for opens, by rule; NULL: there is no such program. */
static void filters_of(struct ready *r, struct arena *a, const struct filter **out, uint32_t n_rules)
{
	const struct obj_section *s = obj_section(&r->obj, FILTER_SECTION);
	struct filter_prog *progs;
	uint32_t n;
	struct diag d;

	CHECK(s != NULL);
	diag_init(&d);
	CHECK_OK(filter_read(s->bytes, a, &progs, &n, &d));
	memset(out, 0, n_rules * sizeof(struct filter *));
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < r->schema.n_progs; k++)
			if (!strcmp(r->schema.progs[k].prog, progs[i].prog) &&
			    !strcmp(r->schema.progs[k].type, "file_open"))
				out[r->schema.progs[k].rule] = &progs[i].filter;
}

TEST(an_event_that_a_rule_fires_on_passes_its_filter_and_the_sum)
{
	enum { ROUNDS = 120, RULES = 12, EVENTS = 150 };
	uint64_t fired = 0, dropped = 0;

	seed = 7;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const struct filter *filters[RULES], *list[RULES];
		struct filter_sum sum;
		struct loaded l;
		struct ready r;
		struct buf text;
		uint32_t n = 0;

		buf_init(&text, 1 << 20);
		for (uint32_t i = 0; i < RULES; i++) {
			buf_printf(&text, "- rule: r%u\n  condition: >\n    evt.type in (open, openat) and ", i);
			random_condition(&text, below(3));
			buf_puts(&text, "\n" RULE_TAIL);
		}
		load_bytes(&l, "r.yaml", text.p, text.len);
		ready_make(&r, &l);
		filters_of(&r, &l.a, filters, RULES);
		for (uint32_t i = 0; i < RULES; i++)
			if (filters[i])
				list[n++] = filters[i];
		CHECK_OK(filter_add_up(list, n, &l.a, &sum));
		for (uint32_t i = 0; i < EVENTS; i++) {
			struct open o;

			random_open(&o);
			set_event(&r, &o);
			for (uint32_t k = 0; k < RULES; k++) {
				bool fires = filters[k] && ready_fires(&r, k);

				fired += fires;
				dropped += filters[k] && !filter_passes(filters[k], o.class, o.names, o.upwards);
				if (fires && !filter_passes(filters[k], o.class, o.names, o.upwards))
					fail_msg("rule r%u fires on what its filter drops:\n%s", k, text.p);
				if (fires && !filter_sum_passes(&sum, o.class, o.names, o.upwards))
					fail_msg("rule r%u fires on what the sum drops:\n%s", k, text.p);
			}
		}
		buf_done(&text);
		ready_done(&r);
		unload(&l);
	}
	CHECK(fired > 1000);
	CHECK(dropped > 1000);
}

#define OPENS "evt.type in (open, openat, openat2) and "

TEST(what_a_rule_does_not_ask_for_is_dropped)
{
	static const struct {
		const char *condition;
		uint32_t class;
		const char *part[4]; /* of the path */
		bool passes;
	} rows[] = {
		{ OPENS "evt.is_open_read = true and fd.num >= 0", FILTER_READ, { "a" }, true },
		{ OPENS "evt.is_open_read = true and fd.num >= 0", FILTER_WRITE, { "a" }, false },
		{ OPENS "evt.is_open_read = true and fd.num >= 0", FILTER_READ | FILTER_FAILED, { "a" }, false },
		{ OPENS "fd.name = /etc/shadow", FILTER_READ, { "etc", "shadow" }, true },
		{ OPENS "fd.name = /etc/shadow", FILTER_READ, { "etc", "passwd" }, false },
		{ OPENS "fd.name = /etc/shadow", FILTER_READ, { "lib", "shadow" }, false },
		{ OPENS "fd.name in (/etc/shadow, /a/b)", FILTER_READ, { "usr", "lib", "b" }, false },
		{ OPENS "fd.directory = /etc/pam.d", FILTER_READ, { "etc", "pam.d", "x" }, true },
		{ OPENS "fd.directory = /etc/pam.d", FILTER_READ, { "etc", "pam", "x" }, false },
		{ OPENS "fd.name startswith /etc/", FILTER_READ, { "usr", "x" }, false },
		{ OPENS "fd.name startswith /etc", FILTER_READ, { "etcetera", "x" }, true },
		{ OPENS "fd.name endswith /id_rsa", FILTER_READ, { "a", "id_rsa" }, true },
		{ OPENS "fd.name endswith /id_rsa", FILTER_READ, { "a", "known_hosts" }, false },
		{ OPENS "fd.name endswith id_rsa", FILTER_READ, { "a", "my_id_rsa" }, true },
		{ OPENS "not fd.name = /etc/shadow", FILTER_READ, { "etc", "shadow" }, true },
		{ OPENS "not (fd.num < 0 or evt.is_open_write = false)", FILTER_READ, { "a" }, false },
		{ OPENS "evt.failed = true", FILTER_READ, { "a" }, false },
		{ OPENS "evt.failed = true", FILTER_READ | FILTER_FAILED, { "a" }, true },
		{ OPENS "fd.nameraw contains ../", FILTER_READ, { "a" }, false },
		{ OPENS "fd.nameraw contains ../", FILTER_READ | FILTER_FAILED, { "a" }, true },
		{ OPENS "proc.name = x", FILTER_DIR, { "a" }, true },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct open o = { .class = rows[i].class };
		char text[512];
		const struct filter *f;
		struct loaded l;
		struct ready r;

		test_row = rows[i].condition;
		(void)snprintf(text, sizeof text, "- rule: r\n  condition: %s\n%s", rows[i].condition, RULE_TAIL);
		load_text(&l, text);
		ready_make(&r, &l);
		filters_of(&r, &l.a, &f, 1);
		CHECK(f != NULL);
		for (; o.n < 4 && rows[i].part[o.n]; o.n++)
			o.part[o.n] = rows[i].part[o.n];
		see_names(&o);
		CHECK_EQ(filter_passes(f, o.class, o.names, o.upwards), rows[i].passes);
		ready_done(&r);
		unload(&l);
	}
}

TEST(a_section_that_lies_is_refused)
{
	struct filter_prog in[2] = { { .prog = "one" }, { .prog = "two" } }, *out;
	struct filter_name names[3];
	struct buf bytes, changed;
	struct arena a;
	struct diag d;
	uint32_t n;

	arena_init(&a, 64 << 20);
	buf_init(&bytes, 1 << 20);
	for (uint32_t i = 0; i < countof(names); i++)
		filter_name_set(&names[i], &"cab"[i], 1);
	filter_class(&in[0].filter, FILTER_READ, 0);
	CHECK_OK(filter_ask(&in[0].filter, FILTER_LEAF, names, countof(names), &a));
	filter_all(&in[1].filter);
	diag_init(&d);
	CHECK_OK(filter_write(in, 2, &bytes, &d));
	CHECK_OK(filter_read(view_of(bytes.p, bytes.len), &a, &out, &n, &d));
	CHECK_EQ(n, 2);
	CHECK_EQ(out[0].filter.clauses[0].at[FILTER_LEAF].n, 3);
	for (size_t len = 0; len < bytes.len; len++)
		CHECK(filter_read(view_of(bytes.p, len), &a, &out, &n, &d) != E_OK);
	buf_init(&changed, 1 << 20);
	for (size_t i = 0; i < bytes.len; i++)
		for (uint32_t bit = 0; bit < 8; bit++) {
			changed.len = 0;
			buf_put(&changed, bytes.p, bytes.len);
			changed.p[i] = (char)(changed.p[i] ^ 1 << bit);
			diag_init(&d);
			/* whatever it says now: no crash, and what is refused is refused in words */
			if (filter_read(view_of(changed.p, changed.len), &a, &out, &n, &d))
				CHECK(d.text[0] != 0);
			else
				CHECK(n <= 2 && out[0].filter.n <= FILTER_MAX_CLAUSES);
			arena_done(&a);
			arena_init(&a, 64 << 20);
		}
	buf_done(&bytes);
	buf_done(&changed);
	arena_done(&a);
}

TEST(each_finding_about_a_section_has_its_id)
{
	struct filter_prog one = { .prog = "p" };
	struct {
		uint32_t id;
		size_t at;
		uint32_t value;
	} rows[] = {
		{ 61, 0, 0x11111111 }, { 61, 4, 2 },   { 66, 8, 0xffffff }, { 62, 8, 3 },
		{ 65, 24, 0xffff },    { 66, 28, 99 }, { 63, 28, 2 },       { 63, 32 + 32, 5 },
	};
	struct filter_prog *out;
	struct buf bytes, changed;
	struct arena a;
	struct diag d;
	uint32_t n;

	arena_init(&a, 64 << 20);
	buf_init(&bytes, 1 << 20);
	buf_init(&changed, 1 << 20);
	filter_all(&one.filter);
	diag_init(&d);
	CHECK_OK(filter_write(&one, 1, &bytes, &d));
	for (size_t i = 0; i < countof(rows); i++) {
		changed.len = 0;
		buf_put(&changed, bytes.p, bytes.len);
		memcpy(changed.p + rows[i].at, &rows[i].value, 4);
		diag_init(&d);
		CHECK(filter_read(view_of(changed.p, changed.len), &a, &out, &n, &d) != E_OK);
		CHECK_EQ(d.id, rows[i].id);
	}
	buf_done(&bytes);
	buf_done(&changed);
	arena_done(&a);
}
