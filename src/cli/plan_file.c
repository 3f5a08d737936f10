/* SPDX-License-Identifier: Apache-2.0 */
/* plan_file: rings and their times as a fleet's owner writes them down, in YAML; docs/rollout.md has the keys. */
#include "cli/cli.h"

#include <yaml.h>

enum { MAX_PLAN_BYTES = 64 << 10, G_PLAN = 301 };

struct plan_key {
	const char *name;
	size_t at; /* of a u32 in struct plan, or in a ring */
	bool each_ring;
};

static const struct plan_key plan_keys[] = {
	{ "ring0_hosts", offsetof(struct plan, ring0_hosts), false },
	{ "shadow_s", offsetof(struct plan, shadow_s), false },
	{ "shadow_events", offsetof(struct plan, shadow_events), false },
	{ "probation_s", offsetof(struct plan, probation_s), false },
	{ "report_s", offsetof(struct plan, report_s), false },
	{ "share_ppm", offsetof(struct plan_ring, cutoff), true },
	{ "soak_s", offsetof(struct plan_ring, soak_s[PLAN_NORMAL]), true },
	{ "urgent_soak_s", offsetof(struct plan_ring, soak_s[PLAN_URGENT]), true },
	{ "ramp_s", offsetof(struct plan_ring, ramp_s[PLAN_NORMAL]), true },
	{ "urgent_ramp_s", offsetof(struct plan_ring, ramp_s[PLAN_URGENT]), true },
};

struct reader {
	const char *path;
	yaml_document_t *doc;
	struct plan *plan;
};

static int complain(const struct reader *r, const yaml_node_t *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int complain(const struct reader *r, const yaml_node_t *at, const char *fmt, ...)
{
	struct diag d;
	va_list ap;

	diag_init(&d);
	d.err = E_FORMAT;
	d.family = 'G';
	d.id = G_PLAN;
	d.pos = (struct diag_pos){ .file = r->path,
				   .line = (uint32_t)at->start_mark.line + 1,
				   .col = (uint32_t)at->start_mark.column + 1 };
	va_start(ap, fmt);
	(void)vsnprintf(d.text, sizeof d.text, fmt, ap);
	va_end(ap);
	return cli_fail_diag(E_FORMAT, &d);
}

static const char *text_of(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";
}

static int read_value(const struct reader *r, const struct plan_key *k, const yaml_node_t *n, void *to)
{
	bool share = k->each_ring && k->at == offsetof(struct plan_ring, cutoff);
	uint64_t v = cli_number(text_of(n), share ? 1000000 : UINT32_MAX);
	uint32_t out;

	if (!v && strcmp(text_of(n), "0") != 0)
		return complain(r, n,
				share ? "a share is 0 to 1000000 parts of a million" : "a whole number is needed here");
	out = (uint32_t)(share ? v * UINT32_MAX / 1000000 : v);
	memcpy((uint8_t *)to + k->at, &out, sizeof out);
	return 0;
}

static int read_key(const struct reader *r, const struct plan_key *k, const yaml_node_t *n)
{
	const yaml_node_item_t *item;
	int code = 0;

	if (!k->each_ring)
		return read_value(r, k, n, r->plan);
	if (n->type != YAML_SEQUENCE_NODE ||
	    n->data.sequence.items.top - n->data.sequence.items.start != (ptrdiff_t)PLAN_RINGS)
		return complain(r, n, "'%s' is a list of %d numbers, one for each ring", k->name, PLAN_RINGS);
	item = n->data.sequence.items.start;
	for (uint32_t i = 0; !code && i < PLAN_RINGS; i++)
		code = read_value(r, k, yaml_document_get_node(r->doc, item[i]), &r->plan->ring[i]);
	return code;
}

int cli_plan_read(const char *path, struct yaml_document_s *doc, const struct yaml_node_s *map, struct plan *out)
{
	struct reader r = { path, doc, out };
	uint32_t seen = 0;

	if (map->type != YAML_MAPPING_NODE)
		return complain(&r, map, "a plan is a mapping");
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(doc, p->key);
		uint32_t i = 0;
		int code;

		while (i < countof(plan_keys) && strcmp(text_of(key), plan_keys[i].name) != 0)
			i++;
		if (i == countof(plan_keys))
			return complain(&r, key, "a plan has no '%s'", text_of(key));
		if (seen >> i & 1)
			return complain(&r, key, "'%s' stands twice", text_of(key));
		seen |= 1u << i;
		code = read_key(&r, &plan_keys[i], yaml_document_get_node(doc, p->value));
		if (code)
			return code;
	}
	return 0;
}

/* The value of 'plan:' in the settings of a root, else the document itself. */
static const yaml_node_t *plan_node(yaml_document_t *doc)
{
	yaml_node_t *top = yaml_document_get_root_node(doc);

	if (!top || top->type != YAML_MAPPING_NODE)
		return top;
	for (yaml_node_pair_t *p = top->data.mapping.pairs.start; p < top->data.mapping.pairs.top; p++)
		if (!strcmp(text_of(yaml_document_get_node(doc, p->key)), "plan"))
			return yaml_document_get_node(doc, p->value);
	return top;
}

static int read_document(const char *path, yaml_document_t *doc, struct plan *out)
{
	const yaml_node_t *map = plan_node(doc);
	struct plan p = plan_default;
	struct diag d;
	int code;

	if (!map)
		return cli_fail(CLI_REFUSED, "'%s' is empty", path);
	code = cli_plan_read(path, doc, map, &p);
	if (code)
		return code;
	diag_init(&d);
	if (plan_check(&p, &d) != E_OK) {
		d.subject = path;
		return cli_fail_diag(E_FORMAT, &d);
	}
	*out = p;
	return 0;
}

int cli_plan_load(const char *path, struct plan *out)
{
	AUTO_FREE char *text = NULL;
	yaml_document_t doc;
	yaml_parser_t y;
	struct diag d;
	size_t len;
	enum err err;
	int code;

	diag_init(&d);
	err = io_read_file(path, MAX_PLAN_BYTES, &text, &len, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	if (!yaml_parser_initialize(&y))
		return cli_fail(CLI_HOST, "out of memory");
	yaml_parser_set_input_string(&y, (const unsigned char *)text, len);
	if (yaml_parser_load(&y, &doc)) {
		code = read_document(path, &doc, out);
		yaml_document_delete(&doc);
	} else {
		code = cli_fail(CLI_REFUSED, "%s:%zu:%zu: this is no YAML: %s", path, y.problem_mark.line + 1,
				y.problem_mark.column + 1, y.problem ? y.problem : "");
	}
	yaml_parser_delete(&y);
	return code;
}
