/* SPDX-License-Identifier: Apache-2.0 */
/* names: an address has exactly the names that rules ask for and resolvers gave it; hostile answers change nothing. */
#include "test.h"

#include <arpa/inet.h>

#include "sensor/names/names.h"

static struct names *table(const char *const *wanted, uint32_t n)
{
	struct names *t;

	CHECK_OK(names_new(&t));
	CHECK_OK(names_want(t, wanted, n));
	return t;
}

static enum err read_text(const char *text, size_t len, struct arena *a, struct names_pair **p, uint32_t *n,
			  struct diag *d)
{
	diag_init(d);
	arena_init(a, 8 << 20);
	return names_read_hosts(view_of(text, len), "hosts", a, p, n, d);
}

static enum err feed(struct names *t, const char *text)
{
	struct names_pair *p = NULL;
	struct arena a;
	struct diag d;
	uint32_t n = 0;
	enum err err = read_text(text, strlen(text), &a, &p, &n, &d);

	if (err == E_OK)
		err = names_set(t, p, n);
	arena_done(&a);
	return err;
}

/* The names of an address, joined by commas. */
static const char *names_of(const struct names *t, const char *addr)
{
	static char out[1024];
	const struct helper_str *list = NULL;
	uint8_t bytes[16];
	bool v4 = inet_pton(AF_INET, addr, bytes) == 1;
	uint32_t n;
	size_t at = 0;

	CHECK(v4 || inet_pton(AF_INET6, addr, bytes) == 1);
	n = names_find(t, bytes, v4 ? 4 : 16, &list);
	out[0] = 0;
	for (uint32_t i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, sizeof out - at, "%s%.*s", i ? "," : "", (int)list[i].len, list[i].p);
	return out;
}

TEST(an_address_has_the_wanted_names_that_stand_for_it_and_no_other)
{
	static const char *const wanted[] = { "b.example", "a.example", "a.example", "six.example", "none.example" };
	static const struct {
		const char *addr, *want;
	} rows[] = {
		{ "192.0.2.1", "a.example,b.example" },
		{ "192.0.2.2", "a.example" },
		{ "192.0.2.3", "" },
		{ "2001:db8::1", "six.example" },
		{ "2001:db8::2", "" },
		{ "::ffff:192.0.2.2", "a.example" }, /* IPv4 in IPv6 */
		{ "192.0.2.4", "a.example" },        /* which was given in IPv6 */
	};
	struct names *t = table(wanted, countof(wanted));

	CHECK_EQ(names_n_wanted(t), 4);
	CHECK_STR(names_wanted(t, 0), "a.example");
	CHECK_OK(feed(t, "192.0.2.1 b.example a.example other.example\n192.0.2.1 a.example # again\n"
			 "192.0.2.2\ta.example\r\n192.0.2.3 other.example\n2001:db8::1 six.example\n"
			 "::ffff:192.0.2.4 a.example"));
	CHECK_EQ(names_count(t), 5);
	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].addr;
		CHECK_STR(names_of(t, rows[i].addr), rows[i].want);
	}
	names_free(t);
}

TEST(names_are_found_as_rules_spell_them_whatever_the_resolver_writes)
{
	static const char *const wanted[] = { "Update.Example.COM", "update.example.com", "dot.example." };
	struct names *t = table(wanted, countof(wanted));

	CHECK_OK(feed(t, "192.0.2.1 UPDATE.example.com.\n192.0.2.2 dot.EXAMPLE\n"));
	CHECK_STR(names_of(t, "192.0.2.1"), "Update.Example.COM,update.example.com");
	CHECK_STR(names_of(t, "192.0.2.2"), "dot.example.");
	names_free(t);
}

TEST(a_batch_replaces_all_and_new_wishes_count_from_the_next_batch_on)
{
	static const char *const first[] = { "a.example" }, *const second[] = { "b.example" };
	struct names *t = table(first, 1);

	CHECK_STR(names_of(t, "192.0.2.1"), "");
	CHECK_OK(feed(t, "192.0.2.1 a.example b.example\n"));
	CHECK_OK(names_want(t, second, 1));
	CHECK_STR(names_of(t, "192.0.2.1"), "a.example");
	CHECK_OK(feed(t, "192.0.2.2 a.example b.example\n"));
	CHECK_STR(names_of(t, "192.0.2.1"), "");
	CHECK_STR(names_of(t, "192.0.2.2"), "b.example");
	CHECK_OK(feed(t, ""));
	CHECK_STR(names_of(t, "192.0.2.2"), "");
	names_free(t);
}

TEST(too_much_or_a_strange_address_leaves_the_old_table)
{
	static const char *const wanted[] = { "a.example", "A.example" };
	struct names_pair *p = calloc(NAMES_MAX_PAIRS + 1, sizeof *p);
	struct names *t = table(wanted, 2);
	const char *many[NAMES_MAX + 1];
	const struct helper_str *list;

	CHECK_OK(feed(t, "192.0.2.1 a.example\n"));
	for (uint32_t i = 0; i <= NAMES_MAX_PAIRS; i++) {
		p[i] = (struct names_pair){ .name = "a.example", .name_len = 9, .addr_len = 4 };
		memcpy(p[i].addr, &i, sizeof i);
	}
	CHECK_EQ(names_set(t, p, NAMES_MAX_PAIRS + 1), E_LIMIT);
	CHECK_EQ(names_set(t, p, NAMES_MAX_PAIRS), E_LIMIT); /* two spellings each */
	p[0].addr_len = 5;
	CHECK_EQ(names_set(t, p, 1), E_INVALID);
	for (uint32_t i = 0; i <= NAMES_MAX; i++)
		many[i] = "x.example";
	CHECK_EQ(names_want(t, many, NAMES_MAX + 1), E_LIMIT);
	CHECK_STR(names_of(t, "192.0.2.1"), "A.example,a.example");
	CHECK_EQ(names_find(t, "abcde", 5, &list), 0);
	names_free(t);
	free(p);
}

TEST(what_is_no_domain_name_is_never_asked_for)
{
	static const struct {
		const char *name;
		bool is;
	} rows[] = {
		{ "a", true },     { "a.b", true },       { "a.b.", true },       { "_srv._tcp.x", true },
		{ "x-1.y", true }, { "1.a", true },       { "", false },          { ".", false },
		{ ".a", false },   { "a..b", false },     { "-a.b", false },      { "a-.b", false },
		{ "*.b", false },  { "a b", false },      { "192.0.2.1", false }, { "a/b", false },
		{ "a:80", false }, { "\xc3\xa4", false }, { "a.b..", false },     { "a\nb", false },
	};
	char longest[NAMES_MAX_BYTES + 2];

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].name;
		CHECK_EQ(names_is_name(rows[i].name, strlen(rows[i].name)), rows[i].is);
	}
	for (size_t i = 0; i < sizeof longest; i++)
		longest[i] = i % 2 ? '.' : 'x';
	CHECK(names_is_name(longest, NAMES_MAX_BYTES));
	CHECK(!names_is_name(longest, NAMES_MAX_BYTES + 2));
	memset(longest, 'x', sizeof longest);
	CHECK(names_is_name(longest, 63));
	CHECK(!names_is_name(longest, 64));
}

TEST(a_hosts_file_that_is_wrong_is_refused_at_its_place)
{
	static const struct {
		const char *text;
		size_t len; /* 0: to its NUL */
		uint16_t id;
		uint32_t line, col;
		const char *says;
	} rows[] = {
		{ "192.0.2.1 a.example\nexample 192.0.2.1\n", 0, 1, 2, 1, "'example'" },
		{ "192.0.2.256 a\n", 0, 1, 1, 1, "192.0.2.256" },
		{ "fe80::1%lo a\n", 0, 1, 1, 1, "fe80::1%lo" },
		{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000 a\n", 0, 1, 1, 1, "no IPv4" },
		{ "# fine\n\n  ::1 # nothing\n", 0, 2, 3, 3, "without a name" },
		{ "::1 good.example b*d\n", 0, 3, 1, 18, "'b*d'" },
		{ "::1 \x1b[31m\n", 0, 3, 1, 5, "no domain name" },
		{ "::1 a\0b\n", 8, 5, 1, 1, "NUL" },
	};
	bool provoked[8] = { false };
	struct names_pair *p;
	struct arena a;
	struct diag d;
	struct buf b;
	uint32_t n;

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].text;
		CHECK_EQ(read_text(rows[i].text, rows[i].len ? rows[i].len : strlen(rows[i].text), &a, &p, &n, &d),
			 E_REJECTED);
		CHECK_EQ(d.family, 'N');
		CHECK_EQ(d.id, rows[i].id);
		CHECK_EQ(d.pos.line, rows[i].line);
		CHECK_EQ(d.pos.col, rows[i].col);
		CHECK_HAS(d.text, rows[i].says);
		provoked[d.id] = true;
		arena_done(&a);
	}
	test_row = "too many pairs";
	buf_init(&b, 1 << 20);
	buf_puts(&b, "::1");
	for (int i = 0; i <= NAMES_MAX_PAIRS; i++)
		buf_puts(&b, " a.b");
	CHECK_EQ(read_text(b.p, b.len, &a, &p, &n, &d), E_REJECTED);
	provoked[d.id] = true;
	arena_done(&a);
	buf_done(&b);
	for (size_t i = 0; i < names_n_diags; i++) {
		test_row = names_diags[i].title;
		CHECK(provoked[names_diags[i].id]);
	}
}

/* Each prefix of a text, and each with one byte changed, is read to the end or refused. */
TEST(no_bytes_make_the_reader_leave_its_text)
{
	static const char text[] = "192.0.2.1 a.example b\n::1\tc.example # x\n\n10.0.0.1 d";
	struct names_pair *p;
	struct arena a;
	struct diag d;
	uint32_t n;

	for (size_t len = 0; len < sizeof text; len++) {
		for (size_t i = 0; i <= len; i++) {
			char *copy = malloc(len ? len : 1); /* of exactly this size: a read past it is caught */

			memcpy(copy, text, len);
			if (i < len)
				copy[i] = (char)(copy[i] + 1 + (char)(i * 37));
			(void)read_text(copy, len, &a, &p, &n, &d);
			arena_done(&a);
			free(copy);
		}
	}
}
