/* SPDX-License-Identifier: Apache-2.0 */
/* release publish: a signed bundle becomes a release. */
#include "cli/release.h"

#include <limits.h>

#include "content/vector/vector.h"

enum { MAX_CHANGED = GATE_MAX_RULES };

/* A rule as it stands in a source: the lines from its "- rule:" to the next item. */
struct block {
	struct view name, text;
};

static struct view trimmed(const char *p, size_t n)
{
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\r' || p[n - 1] == '\t'))
		n--;
	while (n && (*p == ' ' || *p == '\t'))
		p++, n--;
	if (n >= 2 && (*p == '"' || *p == '\'') && p[n - 1] == *p)
		p++, n -= 2;
	return view_of(p, n);
}

static const char *line_end(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl ? nl + 1 : end;
}

/* The next rule at or after *at. */
static bool next_block(struct view source, size_t *at, struct block *out)
{
	static const char mark[] = "- rule:";
	const char *p = (const char *)source.p + *at, *end = (const char *)source.p + source.len, *first;
	size_t m = sizeof mark - 1;

	while (p < end && ((size_t)(end - p) < m || memcmp(p, mark, m) != 0))
		p = line_end(p, end);
	if (p >= end)
		return false;
	first = p;
	p = line_end(p, end);
	out->name = trimmed(first + m, (size_t)(p - first) - m - (p[-1] == '\n'));
	while (p < end && !((size_t)(end - p) >= 2 && p[0] == '-' && p[1] == ' '))
		p = line_end(p, end);
	out->text = view_of(first, (size_t)(p - first));
	*at = (size_t)(p - (const char *)source.p);
	return true;
}

static bool same_view(struct view a, struct view b)
{
	return a.len == b.len && !memcmp(a.p, b.p, a.len);
}

static bool has_block(const struct bundle *b, const struct block *want)
{
	for (uint32_t i = 0; i < b->manifest.n_sources; i++) {
		struct block have;
		size_t at = 0;

		while (next_block(b->sources[i].text, &at, &have))
			if (same_view(have.name, want->name) && same_view(have.text, want->text))
				return true;
	}
	return false;
}

FALLIBLE release_changed_rules(const struct bundle *old, const struct bundle *new, struct arena *a,
			       const char *const **out, uint32_t *n)
{
	const char **names = ARENA_ARRAY(a, const char *, MAX_CHANGED);
	uint32_t found = 0;

	if (!names)
		return E_NOMEM;
	for (uint32_t i = 0; old && i < new->manifest.n_sources; i++) {
		struct block b;
		size_t at = 0;

		while (found < MAX_CHANGED && next_block(new->sources[i].text, &at, &b)) {
			if (has_block(old, &b))
				continue;
			names[found] = arena_strndup(a, (const char *)b.name.p, b.name.len);
			if (!names[found++])
				return E_NOMEM;
		}
	}
	*out = names;
	*n = found;
	return E_OK;
}

struct publishing {
	struct release_args args;
	struct release_desk desk;
	struct arena arena, old_arena;
	struct bundle bundle, old;
	bool has_old;
	char *text, *signatures, *old_text;
	size_t len, signatures_len, old_len;
	char hex[BUNDLE_HEX_BYTES];
	struct release release;
	uint32_t n_changed;
};

/* Everything that a host checks of it: the proof of each program, its vectors. */
static int check_bundle(struct publishing *p)
{
	const struct bundle_host host = bundle_this_host();
	struct vector_result vectors = { 0 };
	struct content *content = NULL;
	char name[PATH_MAX];
	enum err err;
	int code = cli_bundle_read(p->args.operand, &p->arena, &p->text, &p->len, &p->bundle);

	if (code)
		return code;
	(void)bundle_hex(p->bundle.digest, p->hex);
	p->desk.d.subject = p->args.operand;
	err = bundle_load(&p->bundle, p->args.operand, &host, false, &p->arena, &content, &p->desk.d);
	if (err == E_OK)
		err = vector_prove(p->bundle.vectors, p->bundle.manifest.n_vectors, content, host.table, NULL, &vectors,
				   &p->desk.d);
	content_free(content);
	if (err == E_OK && !vectors.n)
		return cli_fail(CLI_REFUSED, "'%s' has no vectors: nobody has shown that its rules fire",
				p->args.operand);
	if (err != E_OK)
		return cli_fail_diag(err, &p->desk.d);
	(void)snprintf(name, sizeof name, "%s.minisig", p->args.operand);
	err = io_read_file(name, TRUST_MAX_SIGNATURE_TEXT, &p->signatures, &p->signatures_len, &p->desk.d);
	if (err == E_OK)
		err = trust_bundle(p->desk.trust, view_of(p->text, p->len), view_of(p->signatures, p->signatures_len),
				   p->bundle.digest, &p->desk.d);
	return err == E_OK ? 0 : cli_fail_diag(err, &p->desk.d);
}

/* The channel's last blessed bundle, as far as the repository has it. */
static void find_old(struct publishing *p)
{
	AUTO_FREE struct release *all = calloc(LEDGER_MAX_RELEASES, sizeof *all);
	char name[OBJECT_PATH_BYTES], hex[BUNDLE_HEX_BYTES];
	uint32_t n = 0;
	struct diag d;

	diag_init(&d);
	if (!all || ledger_releases(p->desk.ledger, all, LEDGER_MAX_RELEASES, &n, &d) != E_OK)
		return;
	for (uint32_t i = 0; i < n && !p->has_old; i++) {
		if (all[i].state != RELEASE_BLESSED || strcmp(all[i].channel, p->args.channel) != 0)
			continue;
		object_path(name, "bundle/%s", bundle_hex(all[i].digest, hex));
		if (transport_get(p->desk.repo, name, BUNDLE_MAX_BYTES, &p->old_text, &p->old_len, &d) != E_OK)
			return;
		p->has_old = bundle_read(view_of(p->old_text, p->old_len), &p->old_arena, &p->old, &d) == E_OK;
	}
}

/* Into the repository: nobody looks at it before a promotion names it. */
static enum err put_bundle(struct publishing *p)
{
	struct release_desk *k = &p->desk;
	char name[OBJECT_PATH_BYTES];
	enum err err;

	object_path(name, "bundle/%s.minisig", p->hex);
	TRY(transport_put(k->repo, name, view_of(p->signatures, p->signatures_len), false, &k->d));
	object_path(name, "bundle/%s", p->hex);
	err = transport_put(k->repo, name, view_of(p->text, p->len), true, &k->d);
	return err == E_EXISTS ? E_OK : err;
}

static int register_release(struct publishing *p)
{
	struct controller_bundle b = { .lane = p->args.lane, .security_floor = p->bundle.manifest.security_floor };
	struct release_desk *k = &p->desk;
	enum err err;

	if (strlen(p->args.channel) >= sizeof b.channel || strlen(p->bundle.manifest.version) >= sizeof b.version)
		return cli_fail(CLI_REFUSED, "names of channels and versions have at most %d bytes",
				OBJECT_NAME_BYTES - 1);
	(void)snprintf(b.channel, sizeof b.channel, "%s", p->args.channel);
	(void)snprintf(b.version, sizeof b.version, "%s", p->bundle.manifest.version);
	memcpy(b.digest, p->bundle.digest, sizeof b.digest);
	find_old(p);
	err = release_changed_rules(p->has_old ? &p->old : NULL, &p->bundle, &p->arena, &b.changed, &b.n_changed);
	p->n_changed = b.n_changed;
	if (err == E_OK)
		err = put_bundle(p);
	if (err == E_OK)
		err = controller_publish(&k->c, &b, k->actor, k->now_s, &p->release, &k->d);
	return err == E_OK ? 0 : cli_fail_diag(err, &k->d);
}

static int print(const struct publishing *p)
{
	char id[33];
	struct buf out;
	struct json j;

	object_hex(p->release.id, 16, id);
	buf_init(&out, 1 << 16);
	if (!p->args.json) {
		buf_printf(&out, "%s\nrelease %s of channel %s: %s, %u changed rule%s; the controller opens ring 0%s\n",
			   p->hex, p->release.version, p->release.channel, release_state_name(p->release.state),
			   p->n_changed, PLURAL(p->n_changed),
			   p->args.lane == PLAN_URGENT ? " when a person has signed (release promote)" : "");
		return cli_print(&out);
	}
	json_init(&j, &out);
	json_object(&j);
	json_key(&j, "changed_rules");
	json_u64(&j, p->n_changed);
	json_key(&j, "channel");
	json_str(&j, p->release.channel);
	json_key(&j, "digest");
	json_str(&j, p->hex);
	json_key(&j, "id");
	json_str(&j, id);
	json_key(&j, "state");
	json_str(&j, release_state_name(p->release.state));
	json_key(&j, "version");
	json_str(&j, p->release.version);
	json_end_object(&j);
	return cli_print(&out);
}

int release_publish(int argc, char **argv)
{
	struct publishing p = { 0 };
	int code = release_parse("release publish", argc, argv,
				 RELEASE_OPT_REPO | RELEASE_OPT_LEDGER | RELEASE_OPT_ROOT | RELEASE_OPT_CHANNEL |
					 RELEASE_OPT_LANE | RELEASE_OPT_JSON,
				 RELEASE_OPT_REPO | RELEASE_OPT_LEDGER | RELEASE_OPT_CHANNEL, true, &p.args);

	if (code)
		return code;
	if (!p.args.operand)
		return cli_fail(CLI_USAGE, "which bundle?");
	arena_init(&p.arena, BUNDLE_ARENA_MAX + CONTENT_ARENA_MAX);
	arena_init(&p.old_arena, BUNDLE_ARENA_MAX);
	code = release_desk_open(&p.args, true, &p.desk);
	if (!code)
		code = check_bundle(&p);
	if (!code)
		code = register_release(&p);
	if (!code)
		code = print(&p);
	release_desk_done(&p.desk);
	free(p.text);
	free(p.signatures);
	free(p.old_text);
	arena_done(&p.arena);
	arena_done(&p.old_arena);
	return code;
}
