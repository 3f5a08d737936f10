/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile: no text of a rule gets out of the place that it belongs to, and no file costs more than it may.
 */
#include "sigma_test.h"

static uint64_t seed = 1;

static uint32_t draw(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

/* Bytes that mean something somewhere on the way: YAML, Sigma's escapes, conditions, outputs, globs, terminals. */
static size_t draw_text(char *out, size_t max)
{
	static const char *const bits[] = {
		"\"",
		"'",
		"\\",
		"*",
		"?",
		"[",
		"]",
		"%",
		"%proc.name",
		"\n",
		"\r",
		"\t",
		": ",
		"#",
		"- rule: x\n",
		"|",
		">",
		"(",
		")",
		",",
		" or evt.type exists or ",
		"a",
		"B",
		"/",
		"\x01",
		"\x1b[31m",
		"\x7f",
		"\xc2\x85",
		"\xe2\x80\xa8",
		"\xe2\x80\xae",
		"\xef\xbb\xbf",
		"\xc3\xa4",
		"\xf0\x9f\x92\xa9",
		"{",
		"}",
		"&",
		"!",
		"`",
		" ",
		"  output: x\n",
		"<NA>",
		"~",
		"null",
		"\\x41",
		"$",
		"^",
	};
	size_t n = 0;

	for (uint32_t k = 1 + draw(8); k; k--) {
		const char *s = bits[draw(countof(bits))];

		if (n + strlen(s) < max) {
			memcpy(out + n, s, strlen(s));
			n += strlen(s);
		}
	}
	out[n] = 0;
	return n;
}

/* A double-quoted YAML scalar, every character escaped. */
static void put_yaml(struct buf *b, const char *s, bool sigma)
{
	uint32_t cp;

	buf_putc(b, '"');
	for (; *s; s += utf8_decode(s, strlen(s), &cp)) {
		if (sigma && strchr("*?\\", *s))
			buf_puts(b, "\\\\");
		(void)utf8_decode(s, strlen(s), &cp);
		buf_printf(b, "\\U%08x", cp);
	}
	buf_putc(b, '"');
}

static bool fires_on(struct ready *r, const char *text, size_t len)
{
	ready_event(r, TEMPLATE_TYPE_process_exec);
	event_set_i64(r->event, FIELD_evt_rawres, 0);
	event_set_str(r->event, FIELD_proc_exepath, text, len);
	return ready_fires(r, 0) == 1;
}

TEST(any_value_matches_itself_and_nothing_around_it)
{
	for (unsigned round = 0; round < 1500; round++) {
		char value[128], other[160];
		size_t n = draw_text(value, sizeof value);
		struct imported m;
		struct loaded l;
		struct ready r;
		struct buf b;

		buf_init(&b, 1 << 16);
		buf_puts(&b, PROCESS "  s:\n    Image|cased: ");
		put_yaml(&b, value, true);
		buf_puts(&b, "\n  condition: s\n");
		import_text(&m, b.p);
		test_row = b.p;
		CHECK_STR(m.said.p ? m.said.p : "", "");
		CHECK_EQ(m.n.imported, 1);
		load_text(&l, m.out.p);
		CHECK_OK(l.err);
		CHECK_EQ(l.rs->n_rules, 1);
		ready_make(&r, &l);
		CHECK(fires_on(&r, value, n));
		memcpy(other, value, n);
		other[n] = 'x';
		CHECK(!fires_on(&r, other, n + 1));
		CHECK(!fires_on(&r, value, n - 1));
		other[n / 2] ^= 1;
		CHECK(!fires_on(&r, other, n));
		ready_done(&r);
		unload(&l);
		import_done(&m);
		buf_done(&b);
	}
}

/* What people read: title, description, author, tags... must not become keys, rules or placeholders. */
TEST(texts_stay_texts)
{
	static const char *const keys[] = { "title", "id", "author", "description", "date", "license", "level" };

	for (unsigned round = 0; round < 1000; round++) {
		struct imported m;
		struct loaded l;
		struct buf b;

		buf_init(&b, 1 << 16);
		for (size_t i = 0; i < countof(keys) + 3; i++) {
			char value[128] = "x";

			(void)draw_text(value + 1, sizeof value - 1);
			if (i < countof(keys))
				buf_printf(&b, "%s: ", keys[i]);
			else
				buf_printf(&b, "%s:\n  - ",
					   i == countof(keys)       ? "tags"
					   : i == countof(keys) + 1 ? "references"
								    : "falsepositives");
			put_yaml(&b, value + draw(2), false);
			buf_putc(&b, '\n');
		}
		buf_puts(&b, "logsource: {product: linux, category: process_creation}\ndetection:\n" SEL("Image: '1'"));
		import_text(&m, b.p);
		test_row = b.p;
		CHECK_EQ(m.n.imported, 1);
		load_text(&l, m.out.p);
		CHECK_STR(l.said.p ? l.said.p : "", "");
		CHECK_OK(l.err);
		CHECK_EQ(l.rs->n_rules, 1);
		CHECK(strpbrk(l.rs->rules[0].name, "\n\x1b\x7f") == NULL);
		CHECK_HAS(l.rs->rules[0].output, "| user=%user.name exe=");
		CHECK_STR(import_condition(&m), "sigma_process_creation and proc.exepath = \"1\"");
		unload(&l);
		import_done(&m);
		buf_done(&b);
	}
}

static void refused_or_malformed(const char *text)
{
	struct imported m;

	import_text(&m, text);
	CHECK_EQ(m.n.imported, 0);
	CHECK(m.said.len);
	import_done(&m);
}

TEST(depth_and_number_are_bounded)
{
	struct buf b;

	buf_init(&b, 8 << 20);
	buf_puts(&b, PROCESS "  s: {User: x}\n  condition: ");
	for (unsigned i = 0; i < 100000; i++)
		buf_putc(&b, '(');
	refused_or_malformed(b.p);

	buf_reset(&b);
	buf_puts(&b, PROCESS "  s: {User: x}\n  condition: ");
	for (unsigned i = 0; i < 40000; i++)
		buf_puts(&b, "not ");
	buf_puts(&b, "s\n");
	refused_or_malformed(b.p);

	/* many names for a search that is large itself */
	buf_reset(&b);
	buf_puts(&b, PROCESS "  s:\n    CommandLine:\n");
	for (unsigned i = 0; i < 8000; i++)
		buf_printf(&b, "    - value%u\n", i);
	buf_puts(&b, "  condition: s");
	for (unsigned i = 0; i < 4000; i++)
		buf_puts(&b, " or s");
	buf_putc(&b, '\n');
	refused_or_malformed(b.p);

	/* windash and base64offset, one after the other */
	buf_reset(&b);
	buf_puts(&b, PROCESS
		 "  s:\n    CommandLine|windash|base64offset|base64offset|base64offset|base64offset: ' -a -b -c -d'\n"
		 "  condition: s\n");
	refused_or_malformed(b.p);

	/* a name that many patterns fit */
	buf_reset(&b);
	buf_puts(&b,
		 PROCESS "  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: "
			 "{User: x}\n"
			 "  condition: 1 of ");
	for (unsigned i = 0; i < 100000; i++)
		buf_puts(&b, i % 2 ? "a" : "*");
	buf_puts(&b, "b\n");
	refused_or_malformed(b.p);
	buf_done(&b);
}
