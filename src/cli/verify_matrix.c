/* SPDX-License-Identifier: Apache-2.0 */
/* verify_matrix: programs by kernels, each with its verdict, and for each program the first kernel's reason. */
#include "cli/verify.h"

#include <stdlib.h>

struct cell {
	uint8_t verdict; /* enum verify_verdict + 1; 0: not judged */
	uint16_t id;
	char family;
	bool policy; /* accepted, and against the house's policy */
};

struct row {
	char *name;
	char *reason; /* of the first kernel that does not accept it */
	struct cell cells[VERIFY_KERNELS_MAX];
};

struct verify_matrix {
	const struct verify_kernels *k;
	struct row *rows;
	uint32_t n, room;
};

struct verify_matrix *verify_matrix_new(const struct verify_kernels *k)
{
	struct verify_matrix *m = calloc(1, sizeof *m);

	if (m)
		m->k = k;
	return m;
}

static struct row *row_of(struct verify_matrix *m, const char *name)
{
	struct row *r;

	for (uint32_t i = 0; i < m->n; i++)
		if (!strcmp(m->rows[i].name, name))
			return &m->rows[i];
	if (m->n == m->room) {
		uint32_t room = m->room ? m->room * 2 : 32;

		r = realloc(m->rows, room * sizeof *r);
		if (!r)
			return NULL;
		m->rows = r;
		m->room = room;
	}
	r = &m->rows[m->n];
	*r = (struct row){ .name = strdup(name) };
	if (!r->name)
		return NULL;
	m->n++;
	return r;
}

void verify_matrix_put(struct verify_matrix *m, const struct verify_outcome *o)
{
	struct row *r = row_of(m, o->prog ? o->prog->name : "(the object)");
	uint32_t k = (uint32_t)(o->kernel - m->k->k);
	char text[1024];

	if (!r)
		return;
	r->cells[k] = (struct cell){ .verdict = (uint8_t)(o->verdict + 1),
				     .id = o->d->id,
				     .family = o->d->family,
				     .policy = o->policy != NULL };
	if ((o->verdict == VERIFY_ACCEPTED && !o->policy) || r->reason)
		return;
	if (o->verdict == VERIFY_ACCEPTED)
		(void)snprintf(text, sizeof text, "%s: against the policy: %s", o->kernel->name, o->policy);
	else if (o->d->pos.line)
		(void)snprintf(text, sizeof text, "%s: %s:%u: %s", o->kernel->name, o->d->pos.file, o->d->pos.line,
			       o->d->text);
	else
		(void)snprintf(text, sizeof text, "%s: %s", o->kernel->name, o->d->text);
	r->reason = strdup(text);
}

static void put_cell(struct buf *out, const struct cell *c, bool colour)
{
	char id[16] = "";

	if (!c->verdict) {
		buf_printf(out, "  %-8s", "-");
		return;
	}
	if (c->verdict - 1 == VERIFY_ACCEPTED) {
		buf_printf(out, "  %s%-8s%s", colour ? (c->policy ? "\033[31m" : "\033[32m") : "",
			   c->policy ? "policy" : "yes", colour ? "\033[0m" : "");
		return;
	}
	(void)snprintf(id, sizeof id, "%s%c%03u", c->verdict - 1 == VERIFY_REJECTED ? "no " : "? ",
		       c->family ? c->family : 'Q', c->id);
	buf_printf(out, "  %s%-8s%s", colour ? (c->verdict - 1 == VERIFY_REJECTED ? "\033[31m" : "\033[33m") : "", id,
		   colour ? "\033[0m" : "");
}

void verify_matrix_print(const struct verify_matrix *m, struct buf *out, bool colour)
{
	int width = 8;

	for (uint32_t i = 0; i < m->n; i++)
		if ((int)strlen(m->rows[i].name) > width)
			width = (int)strlen(m->rows[i].name);
	width = width > 48 ? 48 : width;
	buf_printf(out, "%-*s", width, "program");
	for (uint32_t k = 0; k < m->k->n; k++)
		buf_printf(out, "  %-8s", m->k->k[k].host ? "host" : m->k->k[k].name);
	buf_puts(out, "\n");
	for (uint32_t i = 0; i < m->n; i++) {
		const struct row *r = &m->rows[i];

		buf_printf(out, "%-*.*s", width, width, r->name);
		for (uint32_t k = 0; k < m->k->n; k++)
			put_cell(out, &r->cells[k], colour);
		buf_puts(out, "\n");
		if (r->reason)
			buf_printf(out, "    %s\n", r->reason);
	}
}

void verify_matrix_json(const struct verify_matrix *m, struct json *j)
{
	json_key(j, "compat");
	json_array(j);
	for (uint32_t i = 0; i < m->n; i++) {
		const struct row *r = &m->rows[i];

		json_object(j);
		json_key(j, "first_reason");
		json_str(j, r->reason);
		json_key(j, "name");
		json_str(j, r->name);
		json_key(j, "verdicts");
		json_object(j);
		for (uint32_t k = 0; k < m->k->n; k++) {
			json_key(j, m->k->k[k].host ? "host" : m->k->k[k].name);
			json_str(j, r->cells[k].verdict ? verify_verdict_words[r->cells[k].verdict - 1] : NULL);
		}
		json_end_object(j);
		json_end_object(j);
	}
	json_end_array(j);
}

void verify_matrix_free(struct verify_matrix *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; i < m->n; i++) {
		free(m->rows[i].name);
		free(m->rows[i].reason);
	}
	free(m->rows);
	free(m);
}
