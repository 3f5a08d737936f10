/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reports: what hosts left in the repository. Whatever is wrong with a file there is its host's loss alone: it is
 * counted, and not looked at further.
 */
#include "release/controller/internal.h"

enum { LIST_ARENA = 16 << 20 };

/* A signed report: with this key, of this agent. */
static FALLIBLE verify_report(const struct sign_public *key, struct view bytes, struct view signatures,
			      const uint8_t agent[OBJECT_AGENT_ID_BYTES], struct object_health *out, struct diag *d)
{
	struct sign_block block;
	uint32_t n = 0;

	TRY(sign_read_blocks(signatures, &block, 1, &n, d));
	if (n != 1 || !sign_verify(key, &block, bytes))
		FAIL_ID(d, REJECTED, 'D', 310, "a report is not signed by its host's key");
	TRY(object_read_health(bytes, out, d));
	if (memcmp(out->agent, agent, OBJECT_AGENT_ID_BYTES) != 0 || memcmp(out->key, key->key, sizeof out->key) != 0)
		FAIL_ID(d, REJECTED, 'D', 310, "a report is of another host than its name says");
	return E_OK;
}

struct files {
	char *bytes, *signatures;
	size_t bytes_len, signatures_len;
};

static void files_done(struct files *f)
{
	free(f->bytes);
	free(f->signatures);
}

static FALLIBLE get_report(struct tick *t, const char *id, struct files *f)
{
	char name[OBJECT_PATH_BYTES];

	object_path(name, "health/%s", id);
	TRY(transport_get(t->c->repo, name, OBJECT_MAX_BYTES, &f->bytes, &f->bytes_len, t->d));
	object_path(name, "health/%s.minisig", id);
	return transport_get(t->c->repo, name, SIGN_BLOCK_MAX, &f->signatures, &f->signatures_len, t->d);
}

static FALLIBLE get_key(struct tick *t, const char *id, struct sign_public *out)
{
	AUTO_FREE char *text = NULL;
	char name[OBJECT_PATH_BYTES];
	size_t len = 0;

	object_path(name, "agent/%s.pub", id);
	TRY(transport_get(t->c->repo, name, SIGN_MAX_KEY_TEXT, &text, &len, t->d));
	return sign_read_public(view_of(text, len), out, t->d);
}

/* E_OK: the report was taken. What the ledger itself cannot do is in *fatal. */
static FALLIBLE take_one(struct tick *t, const char *id, enum err *fatal)
{
	uint8_t agent[OBJECT_AGENT_ID_BYTES];
	AUTO(files_done) struct files f = { 0 };
	struct sign_public key = { 0 };
	struct object_health h;
	bool fresh;
	enum err err;

	if (!object_unhex(id, agent, sizeof agent))
		return E_FORMAT;
	err = ledger_host_key(t->c->ledger, agent, key.key, t->d);
	fresh = err == E_NOT_FOUND;
	if (err != E_OK && !fresh)
		return *fatal = err;
	if (fresh && t->report.enrolled >= CONTROLLER_MAX_ENROLS)
		return E_LIMIT;
	TRY(get_report(t, id, &f));
	if (fresh)
		TRY(get_key(t, id, &key));
	TRY(verify_report(&key, view_of(f.bytes, f.bytes_len), view_of(f.signatures, f.signatures_len), agent, &h,
			  t->d));
	if (fresh) {
		err = ledger_enrol(t->c->ledger, agent, key.key, t->now_s, t->d);
		if (err == E_LIMIT)
			return err;
		if (err != E_OK)
			return *fatal = err;
		t->report.enrolled++;
	}
	err = ledger_put_health(t->c->ledger, &h, t->now_s, t->d);
	if (err != E_OK && err != E_EXISTS && err != E_REJECTED)
		return *fatal = err;
	return err;
}

FALLIBLE reports_take(struct tick *t)
{
	AUTO(arena_done) struct arena a;
	const char *const *names = NULL;
	enum err fatal = E_OK;
	uint32_t n = 0;

	arena_init(&a, LIST_ARENA);
	TRY(transport_list(t->c->repo, "health", &a, TRANSPORT_MAX_LIST, &names, &n, t->d));
	for (uint32_t i = 0; i < n; i++) {
		enum err err;

		if (strlen(names[i]) != 2 * OBJECT_AGENT_ID_BYTES)
			continue; /* its signature, or nothing of ours */
		err = take_one(t, names[i], &fatal);
		if (fatal != E_OK)
			return fatal;
		t->report.news += err == E_OK;
		t->report.refused += err != E_OK && err != E_EXISTS && err != E_NOT_FOUND;
	}
	diag_init(t->d);
	return E_OK;
}
