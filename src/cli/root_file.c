/* SPDX-License-Identifier: Apache-2.0 */
/* root_file: who signs what in a fleet, as its owner writes it down; docs/formats/release.md has the keys. */
#include "cli/cli.h"

#include "release/object/object.h"

#include <limits.h>
#include <yaml.h>

enum { MAX_SETTINGS = 64 << 10 };

struct reader {
	const char *path;
	yaml_document_t doc;
	struct object_root *root;
};

static int fail(const struct reader *r, const yaml_node_t *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int fail(const struct reader *r, const yaml_node_t *at, const char *fmt, ...)
{
	struct diag d;
	va_list ap;

	diag_init(&d);
	d.err = E_FORMAT;
	d.family = 'O';
	d.id = 201;
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

static int read_number(const struct reader *r, const yaml_node_t *n, uint32_t *out)
{
	const char *s = text_of(n);
	uint64_t v = cli_number(s, UINT32_MAX);

	if (!v && strcmp(s, "0") != 0)
		return fail(r, n, "a whole number is needed here");
	*out = (uint32_t)v;
	return 0;
}

/* use() gets each value of a mapping whose keys are all different. */
typedef int use_fn(struct reader *r, const char *key, yaml_node_t *key_node, yaml_node_t *value, void *user);

static int each_pair(struct reader *r, yaml_node_t *map, use_fn *use, void *user)
{
	if (map->type != YAML_MAPPING_NODE)
		return fail(r, map, "a mapping is needed here");
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
		yaml_node_t *key = yaml_document_get_node(&r->doc, p->key);
		int code;

		for (yaml_node_pair_t *q = map->data.mapping.pairs.start; q < p; q++)
			if (!strcmp(text_of(yaml_document_get_node(&r->doc, q->key)), text_of(key)))
				return fail(r, key, "'%s' stands twice", text_of(key));
		code = use(r, text_of(key), key, yaml_document_get_node(&r->doc, p->value), user);
		if (code)
			return code;
	}
	return 0;
}

/* Roles */

/* A key of a role: one that is in the root already gets the role, too. */
static int add_key(struct reader *r, yaml_node_t *n, uint32_t role)
{
	const char *slash = strrchr(r->path, '/'), *file = text_of(n);
	struct sign_public pub;
	char path[PATH_MAX];
	uint32_t i = 0;
	int len = file[0] == '/' || !slash ? 0 : (int)(slash + 1 - r->path), code;

	if (!file[0] || (size_t)snprintf(path, sizeof path, "%.*s%s", len, r->path, file) >= sizeof path)
		return fail(r, n, "the name of a public key's file is needed here");
	code = cli_public_load(path, &pub);
	if (code)
		return code;
	while (i < r->root->n_keys && memcmp(r->root->key[i].key, pub.key, sizeof pub.key) != 0)
		i++;
	if (i == OBJECT_MAX_KEYS)
		return fail(r, n, "a root has at most %d keys", OBJECT_MAX_KEYS);
	if (r->root->key[i].roles >> role & 1)
		return fail(r, n, "this key stands twice in its role");
	memcpy(r->root->key[i].key, pub.key, sizeof pub.key);
	memcpy(r->root->key[i].id, pub.id, sizeof pub.id);
	r->root->key[i].roles |= 1u << role;
	r->root->n_keys += i == r->root->n_keys;
	return 0;
}

static int read_role(struct reader *r, const char *key, yaml_node_t *key_node, yaml_node_t *value, void *user)
{
	uint32_t role = *(const uint32_t *)user;
	int code = 0;

	if (!strcmp(key, "threshold"))
		return read_number(r, value, &r->root->threshold[role]);
	if (strcmp(key, "keys") != 0 || value->type != YAML_SEQUENCE_NODE)
		return fail(r, key_node, "a role has 'threshold', a number, and 'keys', a list of files");
	for (yaml_node_item_t *i = value->data.sequence.items.start; !code && i < value->data.sequence.items.top; i++)
		code = add_key(r, yaml_document_get_node(&r->doc, *i), role);
	return code;
}

static int read_roles(struct reader *r, const char *key, yaml_node_t *key_node, yaml_node_t *value, void *user)
{
	(void)user;
	for (uint32_t role = 0; role < OBJECT_N_ROLES; role++)
		if (!strcmp(key, object_role_name((enum object_role)role)))
			return each_pair(r, value, read_role, &role);
	return fail(r, key_node, "there is no role '%s': root, bundle, promote, approve, revoke, timestamp", key);
}

static int read_top(struct reader *r, const char *key, yaml_node_t *key_node, yaml_node_t *value, void *user)
{
	(void)user;
	if (!strcmp(key, "roles"))
		return each_pair(r, value, read_roles, NULL);
	if (!strcmp(key, "plan"))
		return cli_plan_read(r->path, &r->doc, value, &r->root->plan);
	return fail(r, key_node, "there are 'roles' and 'plan', and no '%s'", key);
}

static int read_document(struct reader *r)
{
	yaml_node_t *top = yaml_document_get_root_node(&r->doc);

	return top ? each_pair(r, top, read_top, NULL) : cli_fail(CLI_REFUSED, "'%s' is empty", r->path);
}

/* Three of the root's keys and two authors unless less is asked for in so many words. */
static const uint32_t default_threshold[OBJECT_N_ROLES] = {
	[ROLE_ROOT] = 3,    [ROLE_BUNDLE] = 2, [ROLE_PROMOTE] = 1,
	[ROLE_APPROVE] = 1, [ROLE_REVOKE] = 1, [ROLE_TIMESTAMP] = 1
};

int cli_root_settings(const char *path, struct object_root *out)
{
	struct reader r = { .path = path, .root = out };
	AUTO_FREE char *text = NULL;
	yaml_parser_t parser;
	struct diag d;
	size_t len;
	enum err err;
	int code;

	diag_init(&d);
	err = io_read_file(path, MAX_SETTINGS, &text, &len, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	memset(out->key, 0, sizeof out->key);
	memcpy(out->threshold, default_threshold, sizeof out->threshold);
	out->n_keys = 0;
	out->plan = plan_default;
	if (!yaml_parser_initialize(&parser))
		return cli_fail(CLI_HOST, "out of memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (yaml_parser_load(&parser, &r.doc)) {
		code = read_document(&r);
		yaml_document_delete(&r.doc);
	} else {
		code = cli_fail(CLI_REFUSED, "%s:%zu:%zu: this is no YAML: %s", path, parser.problem_mark.line + 1,
				parser.problem_mark.column + 1, parser.problem ? parser.problem : "");
	}
	yaml_parser_delete(&parser);
	return code;
}
