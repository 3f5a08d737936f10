/* SPDX-License-Identifier: Apache-2.0 */
/* document: a file to the nodes of its documents, for this module and, through the door, for others. */
#include "content/rule/internal.h"

FALLIBLE rule_source_load(struct rule_ctx *c, const struct rule_source *src, struct rule_node ***docs, uint32_t *n_docs)
{
	struct rule_file *f = ARENA_NEW(c->a, struct rule_file);
	bool bom = src->len >= 3 && !memcmp(src->text, "\xef\xbb\xbf", 3);

	if (!f)
		return E_NOMEM;
	*f = (struct rule_file){ .name = src->name, .text = src->text + 3 * bom, .len = src->len - 3 * bom };
	if (src->len > RULE_MAX_FILE_BYTES)
		f->len = 0;
	TRY(rule_file_init(f, c->a));
	if (src->len > RULE_MAX_FILE_BYTES) {
		rule_report_at(c, RD_FILE_SIZE, f, 0, "the file is over %d MiB", RULE_MAX_FILE_BYTES >> 20);
		return E_REJECTED;
	}
	return rule_yaml_load(c, f, docs, n_docs);
}

FALLIBLE rule_documents(const struct rule_source *src, struct arena *a, struct diags *ds,
			const struct rule_node *const **docs, uint32_t *n_docs)
{
	struct rule_ctx c = { .a = a, .ds = ds };
	struct rule_node **list = NULL;

	TRY(rule_source_load(&c, src, &list, n_docs));
	*docs = (const struct rule_node *const *)list;
	return E_OK;
}

bool rule_node_is(const struct rule_node *n, enum rule_node_kind kind)
{
	return n->kind == kind;
}

struct view rule_node_text(const struct rule_node *n)
{
	return view_of(n->text.p, n->text.len);
}

uint32_t rule_node_count(const struct rule_node *n)
{
	return n->kind == NODE_MAP ? n->n / 2 : n->n;
}

const struct rule_node *rule_node_at(const struct rule_node *n, uint32_t i)
{
	return n->kids[n->kind == NODE_MAP ? 2 * i + 1 : i];
}

const struct rule_node *rule_node_key(const struct rule_node *map, uint32_t i)
{
	return map->kids[2 * i];
}

struct diag_pos rule_node_pos(const struct rule_node *n, uint32_t off, uint32_t len, struct arena *a,
			      const char **line_text)
{
	if (off > n->text.len || len > n->text.len - off)
		off = len = 0;
	return rule_span_pos((struct rule_span){ &n->text, off, len }, a, line_text);
}
