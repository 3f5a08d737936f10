/* SPDX-License-Identifier: Apache-2.0 */
/* map: which events a log source stands for, and what its fields are read from there. */
#include "content/sigma/internal.h"

const struct sigma_view sigma_views[SIGMA_N_VIEWS] = {
#define VIEW(ident, source_, record_, macro_, event_, keywords_, condition_) \
	[VIEW_##ident] = { .source = source_,                                \
			   .record = record_,                                \
			   .macro = macro_,                                  \
			   .event = event_,                                  \
			   .keywords = keywords_,                            \
			   .condition = condition_ },
#include "content/sigma/views.def"
#undef VIEW
};

#define AT(view) (1u << VIEW_##view)
#define NETWORK (AT(OUTGOING) | AT(INCOMING))
#define EVERY (AT(PROCESS) | AT(FILE) | NETWORK)
#define RESOLVED FIELD_RESOLVED

static const struct {
	uint32_t views;
	const char *sigma, *name;
	uint8_t flags;
} fields[] = {
#define FIELD(views, sigma, name, flags) { views, sigma, name, flags },
#define WORD(views, field, value, condition)
#include "content/sigma/fields.def"
#undef FIELD
#undef WORD
};

const struct sigma_word sigma_words[] = {
#define FIELD(views, sigma, name, flags)
#define WORD(views, field, value, condition) { views, field, value, condition },
#include "content/sigma/fields.def"
#undef FIELD
#undef WORD
};
const size_t sigma_n_words = countof(sigma_words);

static const struct template_type *type_of(const struct template_table *t, const char *event)
{
	for (uint32_t i = 0; i < t->n_types; i++)
		if (template_has_event(&t->types[i], event, strlen(event)))
			return &t->types[i];
	return NULL;
}

bool sigma_view_there(const struct template_table *t, enum sigma_view_id view)
{
	return type_of(t, sigma_views[view].event) != NULL;
}

bool sigma_field_type(struct sigma_ctx *c, enum sigma_view_id view, const char *name, struct sigma_field *out)
{
	const struct template_type *type = type_of(c->table, sigma_views[view].event);
	const struct template_field *f;
	uint32_t id;

	f = template_field_find(c->table, type, name, strlen(name), &id);
	*out = (struct sigma_field){ .name = name };
	if (f)
		out->type = (enum template_field_type)f->type;
	return f != NULL;
}

/* aN: the number, or -1. auditd writes at most a few hundred; the rules language can ask for the first 1,023. */
static int argument_number(const char *field)
{
	int n = 0;

	if (field[0] != 'a' || !field[1] || strlen(field) > 4)
		return -1;
	for (const char *s = field + 1; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		n = n * 10 + (*s - '0');
	}
	return n;
}

/* proc.args[] is the list that proc.args[N] reads; its elements are text. */
static enum sigma_found find_argument(struct sigma_ctx *c, enum sigma_view_id view, int n, struct sigma_field *out)
{
	if (sigma_views[view].source != SOURCE_AUDITD)
		return FOUND_NOTHING;
	if (view == VIEW_SYSCALL && n < 4)
		return FOUND_NOTHING;
	if (view != VIEW_EXECVE)
		return FOUND_MISSING;
	if (!sigma_field_type(c, view, n ? "proc.args[]" : "proc.exe", out)) {
		out->name = n ? "proc.args[N]" : "proc.exe";
		return FOUND_NOT_SUPPLIED;
	}
	out->type = TEMPLATE_STR;
	if (n)
		out->name = arena_printf(c->a, "proc.args[%d]", n - 1);
	return FOUND_FIELD;
}

/* The audit field exists, in other records. */
static bool audit_has(const char *field)
{
	uint32_t audit = AT(EXECVE) | AT(SYSCALL) | AT(PATH_FILE) | AT(PATH_NEW) | AT(PATH_OLD) | AT(PATH_EXEC);

	for (size_t i = 0; i < countof(fields); i++)
		if ((fields[i].views & audit) && !strcmp(fields[i].sigma, field))
			return true;
	for (size_t i = 0; i < sigma_n_words; i++)
		if ((sigma_words[i].views & audit) && !strcmp(sigma_words[i].field, field))
			return true;
	return !strcmp(field, "SYSCALL");
}

enum sigma_found sigma_field_find(struct sigma_ctx *c, enum sigma_view_id view, const char *field,
				  struct sigma_field *out)
{
	int argument = argument_number(field);

	if (argument >= 0)
		return find_argument(c, view, argument, out);
	for (size_t i = 0; i < sigma_n_words; i++)
		if ((sigma_words[i].views >> view & 1) && !strcmp(sigma_words[i].field, field))
			return FOUND_WORDS;
	for (size_t i = 0; i < countof(fields); i++) {
		if (!(fields[i].views >> view & 1) || strcmp(fields[i].sigma, field))
			continue;
		if (!sigma_field_type(c, view, fields[i].name, out))
			return FOUND_NOT_SUPPLIED;
		out->flags = fields[i].flags;
		return FOUND_FIELD;
	}
	return sigma_views[view].source == SOURCE_AUDITD && audit_has(field) ? FOUND_MISSING : FOUND_NOTHING;
}
