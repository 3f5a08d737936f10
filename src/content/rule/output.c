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

static const struct template_field *find_row(const struct template_table *t, const char *name)
{
	const struct template_field *f = NULL;
	uint32_t id;

	for (uint32_t i = 0; i < t->n_types && !f; i++)
		f = template_field_find(t, &t->types[i], name, strlen(name), &id);
	return f;
}

/* evt.arg[flags] is evt.arg.flags */
static bool is_argument(const struct image_token *tok)
{
	return (tok->name_len == 7 && !memcmp(tok->name, "evt.arg", 7)) ||
	       (tok->name_len == 10 && !memcmp(tok->name, "evt.rawarg", 10));
}

const char *rule_output_field(const struct template_table *t, struct arena *a, const struct image_token *tok)
{
	const char *row;

	if (tok->key && is_argument(tok))
		return arena_printf(a, "%.*s.%.*s", (int)tok->name_len, tok->name, (int)tok->key_len, tok->key);
	row = arena_printf(a, "%.*s[]", (int)tok->name_len, tok->name);
	if (!row || ((tok->key || tok->index >= 0) && find_row(t, row)))
		return row;
	return arena_strndup(a, tok->name, tok->name_len);
}

static void bad_syntax(struct output *o, uint32_t at, uint32_t len)
{
	struct diag *d = rule_report(o->c, RD_OUTPUT_SYNTAX, (struct rule_span){ o->text, at, len },
				     "'%%' must be followed by the name of a field");

	diag_hint(d, "%%proc.name, %%12proc.name or %%proc.aname[2]");
	worse(o, TYPE_BAD);
}

static void bad_token(struct output *o, enum rule_diag id, struct rule_span at, const char *what, const char *field)
{
	rule_report(o->c, id, at, "'%.60s' %s", field, what);
	worse(o, TYPE_BAD);
}

/* The innermost transformer works on the field, each other on what the one in it gives. */
static void check_transforms(struct output *o, const struct image_token *tok, struct rule_span at, const char *field,
			     uint8_t type)
{
	for (uint32_t i = tok->n_transforms; i-- > 0;) {
		bool bytes = tok->transforms[i] == IMAGE_LEN || tok->transforms[i] == IMAGE_B64;
		bool list = type >= TEMPLATE_LIST && type <= TEMPLATE_NAMES;

		if (type != TEMPLATE_STR && !list && !(bytes && type == TEMPLATE_BYTES)) {
			bad_token(o, RD_TRANSFORMER, at, "is not what the transformer takes: text or a list", field);
			return;
		}
		if (tok->transforms[i] == IMAGE_LEN)
			type = TEMPLATE_U64;
	}
}

static void check_row(struct output *o, const struct image_token *tok, struct rule_span at,
		      const struct template_field *f)
{
	bool list = f->type == TEMPLATE_LIST || f->type == TEMPLATE_ANCESTRY, picked = tok->index >= 0 || tok->key;
	bool key = tok->key && !is_argument(tok);

	if (key && f->type != TEMPLATE_DICT)
		bad_token(o, RD_INDEX, at, "takes no key", f->name);
	else if (tok->index >= 0 && !list && f->type != TEMPLATE_DICT)
		bad_token(o, RD_INDEX, at, "takes no index", f->name);
	else
		check_transforms(o, tok, at, f->name,
				 picked && (list || f->type == TEMPLATE_DICT) ? TEMPLATE_STR : f->type);
}

static bool is_call(const struct image_token *tok)
{
	return tok->text[tok->text_len] == '(' && !memchr(tok->name, '.', tok->name_len);
}

/* Of the language, and no row: what it stands for is not one value. */
static bool is_comparison_only(const char *field)
{
	for (const struct rule_extra_field *f = rule_extra_fields; f->name; f++)
		if (!strcmp(f->name, field))
			return true;
	return false;
}

static FALLIBLE check_token(struct output *o, uint32_t at, const struct image_token *tok)
{
	const char *field = rule_output_field(o->c->table, o->c->a, tok);
	struct rule_span span = { o->text, (uint32_t)(tok->text - o->text->p), tok->text_len };
	const struct template_field *f;

	if (!field)
		return E_NOMEM;
	f = find_row(o->c->table, field);
	if (f) {
		check_row(o, tok, span, f);
	} else if (is_call(tok)) {
		bad_token(o, RD_UNSUPPORTED, span,
			  "is no transformer for outputs: toupper tolower basename b64 len are", field);
	} else if (tok->index >= 0 && is_argument(tok)) {
		bad_token(o, RD_UNSUPPORTED, span, "in an output takes a name, not a number", field);
	} else if (!memchr(tok->name, '.', tok->name_len)) {
		bad_syntax(o, at, 1);
	} else if (is_comparison_only(field)) {
		bad_token(o, RD_OUTPUT_FIELD, span, "can be compared, and not shown", field);
	} else if (rule_known_argument(field, strlen(field))) {
		rule_report(o->c, RD_ARGUMENT, span, "this release does not supply '%.60s': it shows as <NA>", field);
	} else {
		*o->unknown = span;
		if (!o->quiet_unknown)
			rule_report_field(o->c, RD_OUTPUT_FIELD, span, field, strlen(field));
		worse(o, TYPE_UNKNOWN);
	}
	return E_OK;
}

/*
 * What a placeholder that is not a field's stands for, or NULL. Falco's %container.info is what a plugin suggests, and
 * nothing any more; %evt.dir is < in every event.
 */
static const char *stands_for(const struct image_token *tok)
{
	static const struct {
		const char *text, *is;
	} rows[] = { { "container.info", "" }, { "evt.dir", "<" } };

	for (size_t i = 0; i < countof(rows); i++)
		if (tok->text_len == strlen(rows[i].text) && !memcmp(tok->text, rows[i].text, tok->text_len))
			return rows[i].is;
	return NULL;
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
		} else if (output->p[i] == '%' && stands_for(&tok)) {
			n += (uint32_t)snprintf(kept + n, 2, "%s", stands_for(&tok));
			i += (uint32_t)took;
			continue;
		} else if (output->p[i] == '%') {
			if (check_token(&o, i, &tok) != E_OK) {
				*out = NULL;
				return TYPE_BAD;
			}
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
