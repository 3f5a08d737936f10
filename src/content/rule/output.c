/* SPDX-License-Identifier: Apache-2.0 */
/* output: the text of an alert and its placeholders. */
#include "content/image/image.h"
#include "content/rule/internal.h"

struct output {
	struct rule_ctx *c;
	const struct rule_text *text;
	bool quiet_unknown;
	struct rule_span *unknown;
	enum rule_type_verdict verdict;
};

static void worse(struct output *o, enum rule_type_verdict v)
{
	o->verdict = v > o->verdict ? v : o->verdict;
}

static const struct template_field *field_of(const struct template_table *t, const struct image_token *tok)
{
	uint32_t id;

	for (uint32_t i = 0; i < t->n_types; i++) {
		const struct template_field *f = template_field_find(t, &t->types[i], tok->text, tok->name_len, &id);

		if (f)
			return f;
	}
	return NULL;
}

static void bad_syntax(struct output *o, uint32_t at, uint32_t len)
{
	struct diag *d = rule_report(o->c, RD_OUTPUT_SYNTAX, (struct rule_span){ o->text, at, len },
				     "'%%' must be followed by the name of a field");

	diag_hint(d, "%%proc.name, %%12proc.name or %%proc.aname[2]");
	worse(o, TYPE_BAD);
}

static void check_token(struct output *o, uint32_t at, const struct image_token *tok)
{
	const struct template_field *f = field_of(o->c->table, tok);
	struct rule_span span = { o->text, (uint32_t)(tok->text - o->text->p), tok->text_len };
	char after = tok->text[tok->text_len];

	if (!f && after == '(') {
		rule_report(o->c, RD_UNSUPPORTED, span, "transformers in outputs are not supported by this release");
		worse(o, TYPE_BAD);
	} else if (!f && !memchr(tok->text, '.', tok->name_len)) {
		bad_syntax(o, at, 1);
	} else if (!f) {
		*o->unknown = span;
		if (!o->quiet_unknown)
			rule_report_field(o->c, RD_OUTPUT_FIELD, span, tok->text, tok->name_len);
		worse(o, TYPE_UNKNOWN);
	} else if (tok->index >= 0 && f->type != TEMPLATE_LIST && f->type != TEMPLATE_ANCESTRY) {
		rule_report(o->c, RD_INDEX, span, "'%s' takes no index", f->name);
		worse(o, TYPE_BAD);
	}
}

/* Falco's %container.info prints what a container plugin suggests; it stands for nothing any more. */
static bool is_nothing(const struct image_token *tok)
{
	static const char name[] = "container.info";

	return tok->text_len == strlen(name) && !memcmp(tok->text, name, tok->text_len);
}

enum rule_type_verdict rule_check_output(struct rule_ctx *c, const struct rule_text *output, bool quiet_unknown,
					 struct rule_span *unknown, const char **out)
{
	struct output o = { .c = c, .text = output, .quiet_unknown = quiet_unknown, .unknown = unknown };
	uint32_t i = output->p[0] == '*', n = 0;
	char *kept = arena_alloc(c->a, (size_t)output->len + 1);
	struct image_token tok;

	*out = kept;
	while (kept && i < output->len) {
		size_t took = output->p[i] == '%' ? image_token(output->p + i, output->len - i, &tok) : 1;

		if (!took) {
			bad_syntax(&o, i, 1);
			took = 1;
		} else if (output->p[i] == '%' && is_nothing(&tok)) {
			i += (uint32_t)took;
			continue;
		} else if (output->p[i] == '%') {
			check_token(&o, i, &tok);
		}
		memcpy(kept + n, output->p + i, took);
		n += (uint32_t)took;
		i += (uint32_t)took;
	}
	/* a folded scalar ends in a newline that nobody means */
	while (kept && n && (kept[n - 1] == '\n' || kept[n - 1] == ' '))
		kept[--n] = 0;
	return o.verdict;
}
