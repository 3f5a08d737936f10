/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml: every byte of a value is traced to its place in the file.
 *
 * Random text is written in each style of scalar; then each byte of what was read must stand in the file where the map
 * says: as itself, as the line break that was folded, or as the escape that it was written with.
 */
#include "rule_test.h"

#include "content/rule/internal.h"

static uint64_t seed = 7;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

static void words(struct buf *b, const char *const *parts, uint32_t n_parts, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		buf_puts(b, parts[below(n_parts)]);
}

static void indent(struct buf *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		buf_putc(b, ' ');
}

static void write_plain(struct buf *b)
{
	static const char *const parts[] = { "a",         "bc", "\xc3\xa4", " ",    "  ",  "\n    ",
					     "\n\n     ", "\t", "d'e",      "f\"g", "\\n", "\r\n    " };

	buf_puts(b, "x");
	words(b, parts, countof(parts), below(12));
	buf_puts(b, "y\n");
}

static void write_single(struct buf *b)
{
	static const char *const parts[] = { "a",         "''", "\xc3\xa4", " ",  "  ",       "\n    ",
					     "\n\n     ", "\"", "\\",       "# ", "\r\n    ", ": " };

	buf_puts(b, "'x");
	words(b, parts, countof(parts), below(12));
	buf_puts(b, "y'\n");
}

static void write_double(struct buf *b)
{
	static const char *const parts[] = { "a",      "\\\"",      "\\x41",    "\\u00e4", "\\U0001F600", " ",
					     "\n    ", "\n\n     ", "\\\n    ", "'",       "\\\\",        "\\t",
					     "\\n",    "\\ ",       "\\/",      "\\_",     "\\L",         "\r\n    " };

	buf_puts(b, "\"x");
	words(b, parts, countof(parts), below(12));
	buf_puts(b, "y\"\n");
}

static void write_block(struct buf *b)
{
	static const char *const chomps[] = { "", "-", "+" };
	static const char *const lines[] = { "a b", "c", "\xc3\xa4 d", " more", "\te", "f  ", "- g", "# h" };
	uint32_t by = 1 + below(4), n = 1 + below(6);
	bool explicit_indent = below(3) == 0;
	const char *chomp = chomps[below(3)], *eol = below(4) ? "\n" : "\r\n";

	buf_putc(b, below(2) ? '|' : '>');
	if (explicit_indent && below(2))
		buf_printf(b, "%u%s", by, chomp);
	else if (explicit_indent)
		buf_printf(b, "%s%u", chomp, by);
	else
		buf_puts(b, chomp);
	buf_puts(b, below(4) ? "" : " # comment");
	buf_puts(b, eol);
	for (uint32_t i = 0; i < n; i++) {
		const char *line = i || explicit_indent ? lines[below(countof(lines))] : "first";

		if (below(4) == 0) {
			indent(b, below(2 + by + 1));
			buf_puts(b, eol);
		}
		indent(b, 2 + by); /* the mapping's is 2 */
		buf_puts(b, line);
		buf_puts(b, eol);
	}
	for (uint32_t i = below(3); i; i--)
		buf_puts(b, eol);
}

/* The byte at `at` of the file is the origin of value byte v. */
static bool is_origin(const struct rule_file *f, uint32_t at, const char *value, uint32_t off)
{
	const char *src = f->text + at;

	if (at >= f->len)
		return false;
	if (*src == value[off])
		return true;
	if (value[off] == ' ' || value[off] == '\n')
		return *src == '\n' || *src == '\r' || *src == '\\';
	return *src == '\\' || (uint8_t)value[off] >= 0x80; /* an escape, or a later byte of its code point */
}

static void check_map(struct rule_ctx *c, const struct rule_file *f, const struct rule_text *t)
{
	CHECK_EQ(t->segs[0].off, 0);
	for (uint32_t i = 0; i < t->n_segs; i++) {
		const struct rule_seg *s = &t->segs[i];
		uint32_t end = i + 1 < t->n_segs ? s[1].off : t->len;

		CHECK(!s->fixed || !t->len);
		CHECK(i == 0 || (s->at >= s[-1].at && s->off > s[-1].off));
		for (uint32_t k = s->off; k < end; k++) {
			const char *line;
			struct rule_span span = { t, k, 1 };
			struct diag_pos pos = rule_span_pos(span, c->a, &line);

			if (!is_origin(f, s->at + (k - s->off), t->p, k))
				fail_msg("byte %u of '%s' is not what stands at %u in:\n%s", k, t->p,
					 s->at + (k - s->off), f->text);
			CHECK(pos.line > 0 && pos.line <= f->n_lines && pos.col > 0);
		}
	}
}

TEST(each_byte_of_a_value_is_traced_to_its_place)
{
	static void (*const writers[])(struct buf *) = { write_plain, write_single, write_double, write_block };

	for (unsigned round = 0; round < 8000; round++) {
		struct rule_file f = { .name = "r.yaml" };
		struct rule_ctx c = { .table = &template_builtin };
		struct rule_node **docs = NULL;
		struct arena a;
		struct diags ds;
		struct buf b;
		uint32_t n = 0;

		arena_init(&a, 1 << 20);
		diags_init(&ds, &a);
		c.a = &a;
		c.ds = &ds;
		buf_init(&b, 1 << 16);
		buf_puts(&b, "- \xc3\xb6: ");
		writers[round % countof(writers)](&b);
		test_row = b.p;
		f.text = b.p;
		f.len = b.len;
		CHECK_OK(rule_file_init(&f, &a));
		if (rule_yaml_load(&c, &f, &docs, &n))
			fail_msg("refused: %s\n%s", ds.head ? ds.head->d.text : "", b.p);
		CHECK_EQ(n, 1);
		check_map(&c, &f, &docs[0]->kids[0]->kids[1]->text);
		buf_done(&b);
		arena_done(&a);
	}
}
