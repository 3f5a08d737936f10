/* SPDX-License-Identifier: Apache-2.0 */
/* names: the domain names that a condition compares with. Somebody must resolve them before it can be true. */
#include "content/rule/internal.h"

static FALLIBLE add(struct rule_names *n, const struct rule_value *v, struct arena *a)
{
	for (uint32_t i = 0; i < n->n; i++)
		if (strlen(n->names[i]) == v->len && !memcmp(n->names[i], v->p, v->len))
			return E_OK;
	if (!v->len || memchr(v->p, 0, v->len))
		return E_OK; /* can be no name */
	n->names = arena_grow(a, n->names, n->n, &n->cap, sizeof *n->names);
	if (!n->names)
		return E_NOMEM;
	n->names[n->n] = arena_strndup(a, v->p, v->len);
	return n->names[n->n++] ? E_OK : E_NOMEM;
}

FALLIBLE rule_names_collect(const struct rule_fold *f, struct rule_names *n, struct arena *a)
{
	for (uint32_t i = 0; i < f->n; i++)
		TRY(rule_names_collect(f->kids[i], n, a));
	if (f->kind != FOLD_CHECK || f->field->type != TEMPLATE_NAMES)
		return E_OK;
	for (uint32_t i = 0; i < f->check->n_values; i++)
		TRY(add(n, &f->check->values[i], a));
	return E_OK;
}
