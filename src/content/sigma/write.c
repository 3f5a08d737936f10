/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write: an imported rule as YAML.
 *
 * Whatever the Sigma rule holds, it stays inside its value: names and outputs are quoted, with nothing but printable
 * characters in them; descriptions are literal blocks of a given indentation; conditions hold no byte of the rule but
 * between quotes and escaped.
 */
#include "content/sigma/internal.h"

/* What can stand anywhere: no control character, none that is invisible or turns text around, no line break. */
static bool is_printable(uint32_t cp)
{
	if (cp < 0xa1)
		return cp >= ' ' && cp < 0x7f;
	if (cp >= 0x2000 && cp < 0x2070)
		return cp >= 0x2010 && cp < 0x2028;
	return cp != 0xad && cp != 0x61c && cp != 0x180e && cp != 0xfeff && !(cp >= 0xd800 && cp < 0xf900) &&
	       !(cp >= 0xfff0 && cp < 0x10000) && cp < 0xe0000;
}

/* The text on one line: what is not printable becomes a blank, blanks in a row one. At most max bytes. */
static void put_line(struct buf *out, const char *p, size_t len, size_t max)
{
	size_t start = out->len;
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_decode(p + i, len - i, &cp);
		if (n && out->len - start + n > max)
			break;
		if (n && is_printable(cp) && cp != ' ')
			buf_put(out, p + i, n);
		else if (out->len > start && out->p[out->len - 1] != ' ')
			buf_putc(out, ' ');
		n = n ? n : 1;
	}
	while (out->len > start && out->p[out->len - 1] == ' ')
		out->p[--out->len] = 0;
}

const char *sigma_name(struct arena *a, struct view title)
{
	struct buf b;
	char *name;

	buf_init(&b, 2 * SIGMA_MAX_NAME_BYTES);
	put_line(&b, (const char *)title.p, title.len, SIGMA_MAX_NAME_BYTES);
	if (!b.len)
		buf_puts(&b, "Sigma rule");
	name = b.p ? arena_strndup(a, b.p, b.len) : NULL;
	buf_done(&b);
	return name;
}

/* A double-quoted YAML scalar of printable text. */
static void put_yaml(struct buf *out, const char *s)
{
	buf_putc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *s);
	}
	buf_putc(out, '"');
}

/* ---- description ---- */

/* A line of the literal block: indented, so that it ends nothing. */
static void put_desc(struct buf *out, const char *label, const char *p, size_t len)
{
	struct buf line;

	buf_init(&line, SIGMA_MAX_DESC_BYTES + 8);
	put_line(&line, p, len, SIGMA_MAX_DESC_BYTES);
	if (line.len)
		buf_printf(out, "    %s%s\n", label, line.p);
	buf_done(&line);
}

/* Each line of a text for itself. */
static void put_paragraphs(struct buf *out, struct view v)
{
	const char *p = (const char *)v.p, *end = p + v.len;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);

		put_desc(out, "", p, n);
		p += n + (nl != NULL);
	}
}

static void put_key(struct buf *out, const struct rule_node *doc, const char *key, const char *label)
{
	const struct rule_node *n = sigma_get(doc, key);

	if (n && rule_node_is(n, NODE_SCALAR)) {
		struct view v = rule_node_text(n);

		put_desc(out, label, (const char *)v.p, v.len);
	}
	for (uint32_t i = 0; n && rule_node_is(n, NODE_SEQ) && i < rule_node_count(n); i++) {
		struct view v = rule_node_text(rule_node_at(n, i));

		put_desc(out, label, (const char *)v.p, v.len);
	}
}

static void write_desc(const struct sigma_rule *r, const struct sigma_built *b, struct buf *out)
{
	const struct rule_node *desc = sigma_get(r->doc, "description");

	buf_puts(out, "  desc: |2-\n");
	if (desc && rule_node_is(desc, NODE_SCALAR))
		put_paragraphs(out, rule_node_text(desc));
	put_key(out, r->doc, "id", "Sigma rule ");
	put_key(out, r->doc, "author", "Author: ");
	put_key(out, r->doc, "date", "Date: ");
	put_key(out, r->doc, "modified", "Modified: ");
	put_key(out, r->doc, "status", "Status: ");
	put_key(out, r->doc, "references", "Reference: ");
	put_key(out, r->doc, "falsepositives", "False positives: ");
	put_key(out, r->doc, "license", "License: ");
	if (!sigma_get(r->doc, "license"))
		buf_puts(out, "    License: as its source says; for SigmaHQ's rules the Detection Rule License 1.1, "
			      "which asks to keep the author's name.\n");
	if (b->lost)
		put_desc(out, "Imported in part: ", b->lost->text, strlen(b->lost->text));
}

/* ---- the other keys ---- */

static void write_condition(const struct sigma_built *b, struct buf *out)
{
	const char *p = b->condition;

	buf_puts(out, "  condition: |2-\n");
	while (*p) {
		size_t n = strcspn(p, "\n");

		buf_puts(out, "    ");
		buf_put(out, p, n);
		buf_putc(out, '\n');
		p += n + (p[n] == '\n');
	}
}

/* In an output, a percent sign would begin a placeholder. */
static void write_output(struct sigma_ctx *c, const struct sigma_rule *r, const char *name, struct buf *out)
{
	static const char *const details[] = {
		[SOURCE_PROCESS] = "",
		[SOURCE_FILE] = " file=%fd.name",
		[SOURCE_NETWORK] = " connection=%fd.name",
		[SOURCE_AUDITD] = " event=%evt.type file=%fs.path.name target=%fs.path.target",
	};
	struct sigma_field f;
	struct buf text;

	buf_init(&text, 4096);
	for (const char *s = name; *s; s++)
		buf_printf(&text, *s == '%' ? "\xef\xbc\x85" : "%c", *s);
	buf_printf(&text,
		   " |%s user=%%user.name exe=%%proc.exepath command=%%%s parent=%%proc.pexepath "
		   "parent_command=%%proc.pcmdline cwd=%%proc.cwd pid=%%proc.pid container=%%container.id",
		   details[r->source],
		   sigma_field_type(c, VIEW_PROCESS, "proc.exeline", &f) ? "proc.exeline" : "proc.cmdline");
	buf_puts(out, "  output: ");
	put_yaml(out, text.p ? text.p : "");
	buf_putc(out, '\n');
	buf_done(&text);
}

static void write_priority(const struct sigma_rule *r, struct buf *out)
{
	static const struct {
		const char *level;
		enum rule_priority priority;
	} rows[] = {
		{ "critical", RULE_CRITICAL },
		{ "high", RULE_ERROR },
		{ "medium", RULE_WARNING },
		{ "low", RULE_NOTICE },
		{ "informational", RULE_INFORMATIONAL },
	};
	const struct rule_node *n = sigma_get(r->doc, "level");
	enum rule_priority priority = RULE_NOTICE;

	for (size_t i = 0; n && i < countof(rows); i++)
		if (!strcasecmp((const char *)rule_node_text(n).p, rows[i].level))
			priority = rows[i].priority;
	buf_printf(out, "  priority: %s\n", rule_priority_name(priority));
}

/* attack.t1059.004 -> T1059.004; attack.credential-access -> mitre_credential_access; cve.2021-1 -> CVE-2021-1. */
static void put_tag(struct buf *out, const char *tag)
{
	bool attack = !strncasecmp(tag, "attack.", 7), cve = !strncasecmp(tag, "cve.", 4);
	const char *rest = attack ? tag + 7 : cve ? tag + 4 : tag;
	bool number = attack && strchr("tgsdmaTGSDMA", rest[0]) && strcspn(rest, "0123456789") <= 2;
	char text[SIGMA_MAX_NAME_BYTES + 16];
	size_t n = (size_t)snprintf(text, sizeof text, "%s%s", attack && !number ? "mitre_" : cve ? "CVE-" : "", rest);

	for (size_t i = 0; i < n && i < sizeof text; i++) {
		if (number && text[i] >= 'a' && text[i] <= 'z')
			text[i] = (char)(text[i] - ('a' - 'A'));
		if (attack && text[i] == '-')
			text[i] = '_';
	}
	put_yaml(out, text);
}

static void write_tags(struct sigma_ctx *c, const struct sigma_rule *r, struct buf *out)
{
	const struct rule_node *tags = sigma_get(r->doc, "tags"), *id = sigma_get(r->doc, "id");

	buf_puts(out, "  tags: [\"sigma\"");
	for (uint32_t i = 0; tags && rule_node_is(tags, NODE_SEQ) && i < rule_node_count(tags) && i < SIGMA_MAX_TAGS;
	     i++) {
		struct view v = rule_node_text(rule_node_at(tags, i));
		const char *tag = v.len ? sigma_name(c->a, v) : NULL;

		if (!tag)
			continue;
		buf_puts(out, ", ");
		put_tag(out, tag);
	}
	if (id && rule_node_text(id).len) {
		const char *text = sigma_name(c->a, rule_node_text(id));
		const char *tag = text ? arena_printf(c->a, "sigma_%s", text) : NULL;

		buf_puts(out, ", ");
		put_yaml(out, tag ? tag : "");
	}
	buf_puts(out, "]\n");
}

void sigma_write_rule(struct sigma_ctx *c, const struct sigma_rule *r, const char *name, const struct sigma_built *b,
		      struct buf *out)
{
	buf_puts(out, "\n- rule: ");
	put_yaml(out, name);
	buf_putc(out, '\n');
	write_desc(r, b, out);
	write_condition(b, out);
	write_output(c, r, name, out);
	write_priority(r, out);
	write_tags(c, r, out);
}

void sigma_write_head(uint32_t views, struct buf *out)
{
	buf_puts(out, "# Made by 'sallyport rules import sigma' of rules in Sigma's format. Each rule is under the\n"
		      "# license of the one that it was made of; its description names the author and the source.\n");
	for (unsigned v = 0; v < SIGMA_N_VIEWS; v++)
		if ((views >> v & 1) && sigma_views[v].macro)
			buf_printf(out, "\n- macro: %s\n  condition: %s\n", sigma_views[v].macro,
				   sigma_views[v].condition);
}
