/* SPDX-License-Identifier: Apache-2.0 */
/* release promote, pause, resume, halt, revert: what a person does to a release. */
#include "cli/release.h"

enum { COMMON = RELEASE_OPT_REPO | RELEASE_OPT_LEDGER | RELEASE_OPT_JSON };

static int say(const struct release_args *a, const struct release *r, const char *done, const char *more)
{
	struct buf out;
	struct json j;

	buf_init(&out, 1 << 16);
	if (!a->json) {
		buf_printf(&out, "release %s: %s%s%s\n", r->version, done, more[0] ? "; " : "", more);
		return cli_print(&out);
	}
	json_init(&j, &out);
	json_object(&j);
	json_key(&j, "done");
	json_str(&j, done);
	json_key(&j, "more");
	json_str(&j, more);
	json_key(&j, "version");
	json_str(&j, r->version);
	json_end_object(&j);
	return cli_print(&out);
}

static int promote(const struct release_args *a, struct release_desk *k, const struct release *r)
{
	char done[64];
	uint32_t ring = 0;
	enum err err;

	k->c.keys.approve = k->n_keys ? &k->key[0] : NULL;
	err = controller_approve(&k->c, r->id, k->actor, k->now_s, &ring, &k->d);
	if (err != E_OK)
		return cli_fail_diag(err, &k->d);
	if (ring == PLAN_BLESSED)
		(void)snprintf(done, sizeof done, "blessing signed");
	else
		(void)snprintf(done, sizeof done, "ring %u signed", ring);
	return say(a, r, done, "the controller opens it");
}

/* With a person's key what was blessed before is promoted again; with keys that revoke, the revoke is signed at once.
 */
static int revert(const struct release_args *a, struct release_desk *k, const struct release *r)
{
	struct release_step s;
	struct release to;
	char more[256] = "";
	enum err err;

	k->c.keys.approve = k->n_keys ? &k->key[0] : NULL;
	for (uint32_t i = 0; i < k->n_keys; i++)
		k->c.keys.revoke[i] = &k->key[i];
	if (r->state == RELEASE_BLESSED) {
		err = controller_rollback(&k->c, r, k->actor, k->now_s, &to, &k->d);
		if (err != E_OK && err != E_NOT_FOUND)
			return cli_fail_diag(err, &k->d);
		if (err == E_OK)
			(void)snprintf(more, sizeof more, "%s is promoted again", to.version);
		else
			(void)snprintf(more, sizeof more, "%s", k->d.text);
		diag_init(&k->d);
	}
	err = controller_person(&k->c, r->id, RELEASE_EV_REVERT, k->actor, k->now_s, &s, &k->d);
	return err == E_OK ? say(a, r, release_state_name(s.to), more) : cli_fail_diag(err, &k->d);
}

static int change(const struct release_args *a, struct release_desk *k, const struct release *r, enum release_event ev)
{
	struct release_step s;
	enum err err;

	if (ev == RELEASE_EV_PROMOTE)
		return promote(a, k, r);
	if (ev == RELEASE_EV_REVERT)
		return revert(a, k, r);
	err = controller_person(&k->c, r->id, ev, k->actor, k->now_s, &s, &k->d);
	return err == E_OK ? say(a, r, release_state_name(s.to), s.why) : cli_fail_diag(err, &k->d);
}

int release_change(int argc, char **argv)
{
	static const struct {
		const char *name;
		enum release_event ev;
		uint32_t more;
	} kinds[] = { { "promote", RELEASE_EV_PROMOTE, RELEASE_OPT_KEY },
		      { "pause", RELEASE_EV_PAUSE, 0 },
		      { "resume", RELEASE_EV_RESUME, 0 },
		      { "halt", RELEASE_EV_HALT, 0 },
		      { "revert", RELEASE_EV_REVERT, RELEASE_OPT_KEY } };
	struct release_desk desk = { 0 };
	struct release_args a;
	struct release r;
	char command[32];
	size_t i = 0;
	int code;

	while (i + 1 < countof(kinds) && strcmp(kinds[i].name, argv[0]) != 0)
		i++;
	(void)snprintf(command, sizeof command, "release %s", argv[0]);
	code = release_parse(command, argc, argv, COMMON | kinds[i].more, RELEASE_OPT_REPO | RELEASE_OPT_LEDGER, true,
			     &a);
	if (code)
		return code;
	code = release_desk_open(&a, true, &desk);
	if (!code)
		code = release_find(&desk, a.operand, &r);
	if (!code)
		code = change(&a, &desk, &r, kinds[i].ev);
	release_desk_done(&desk);
	return code;
}
