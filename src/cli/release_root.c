/* SPDX-License-Identifier: Apache-2.0 */
/* release root: the file that says who may sign what in a fleet: made, signed by several, shown. */
#include "cli/cli.h"

#include "release/object/object.h"
#include "release/trust/trust.h"

#include <getopt.h>
#include <limits.h>
#include <time.h>

enum { DAY_S = 86400, DEFAULT_DAYS = 365, MAX_DAYS = 3650 };

struct root_args {
	const char *fleet, *settings, *output, *after;
	char *keys[SIGN_MAX_BLOCKS];
	uint32_t n_keys, days;
	bool new_epoch, json;
};

static const struct option options[] = {
	{ "fleet", required_argument, NULL, 'f' },
	{ "keys", required_argument, NULL, 's' },
	{ "output", required_argument, NULL, 'o' },
	{ "after", required_argument, NULL, 'a' },
	{ "days", required_argument, NULL, 'd' },
	{ "new-epoch", no_argument, NULL, 'e' },
	{ "key", required_argument, NULL, 'k' },
	{ "json", no_argument, NULL, 'j' },
	{ 0 },
};

static int take_key(struct root_args *a)
{
	if (a->n_keys == countof(a->keys))
		return cli_fail(CLI_USAGE, "a file has at most %zu signatures", countof(a->keys));
	a->keys[a->n_keys++] = optarg;
	return 0;
}

static int take_option(int c, struct root_args *a)
{
	switch (c) {
	case 'f':
		a->fleet = optarg;
		return 0;
	case 's':
		a->settings = optarg;
		return 0;
	case 'o':
		a->output = optarg;
		return 0;
	case 'a':
		a->after = optarg;
		return 0;
	case 'd':
		a->days = (uint32_t)cli_number(optarg, MAX_DAYS);
		return a->days ? 0 : cli_fail(CLI_USAGE, "--days takes 1 to %d", MAX_DAYS);
	case 'e':
		a->new_epoch = true;
		return 0;
	case 'k':
		return take_key(a);
	case 'j':
		a->json = true;
		return 0;
	default:
		return cli_usage("release");
	}
}

static int parse(int argc, char **argv, struct root_args *a)
{
	int c, code = 0;

	a->days = DEFAULT_DAYS;
	while (!code && (c = getopt_long(argc, argv, "o:", options, NULL)) != -1)
		code = take_option(c, a);
	return code;
}

/* Showing */

struct root_file {
	char *text, *signatures; /* to be freed; NULL: none */
	size_t len, signatures_len;
	struct object_root root;
	struct sign_block block[SIGN_MAX_BLOCKS];
	uint32_t n_blocks;
};

static void root_file_done(struct root_file *f)
{
	free(f->text);
	free(f->signatures);
}

/* The file and its signatures. It is the owner's own file, so it is read whoever signed it; *f is done by the caller.
 */
static int load(const char *path, struct root_file *f)
{
	char beside[PATH_MAX];
	struct diag d;
	enum err err;

	diag_init(&d);
	d.subject = path;
	if ((size_t)snprintf(beside, sizeof beside, "%s.minisig", path) >= sizeof beside)
		return cli_fail(CLI_USAGE, "'%s' is too long a name", path);
	err = io_read_file(path, OBJECT_MAX_BYTES, &f->text, &f->len, &d);
	if (err == E_OK)
		err = object_read_root(view_of(f->text, f->len), &f->root, &d);
	if (err == E_OK && access(beside, F_OK) == 0) {
		d.subject = beside;
		err = io_read_file(beside, TRUST_MAX_SIGNATURE_TEXT, &f->signatures, &f->signatures_len, &d);
		if (err == E_OK)
			err = sign_read_blocks(view_of(f->signatures, f->signatures_len), f->block, countof(f->block),
					       &f->n_blocks, &d);
	}
	return err == E_OK ? 0 : cli_fail_diag(err, &d);
}

/* What one signature is worth. */
static const char *judge(const struct root_file *f, const struct sign_block *b)
{
	for (uint32_t i = 0; i < f->root.n_keys; i++) {
		const struct object_key *k = &f->root.key[i];
		struct sign_public p;

		if (memcmp(k->id, b->id, sizeof k->id) != 0)
			continue;
		memcpy(p.id, k->id, sizeof p.id);
		memcpy(p.key, k->key, sizeof p.key);
		if (!sign_verify(&p, b, view_of(f->text, f->len)))
			return "invalid";
		return k->roles >> ROLE_ROOT & 1 ? "valid" : "other-role";
	}
	return "unknown"; /* the root before may have it */
}

static bool is_signed(const struct root_file *f)
{
	return trust_verify(&f->root, ROLE_ROOT, 0, view_of(f->text, f->len), view_of(f->signatures, f->signatures_len),
			    NULL) == E_OK;
}

static void put_time(char out[32], uint64_t s)
{
	time_t t = (time_t)s;
	struct tm tm;

	if (s > INT32_MAX * 64ull || !gmtime_r(&t, &tm) || !strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		(void)snprintf(out, 32, "%llu", (unsigned long long)s);
}

static void put_text(const struct root_file *f, struct buf *out)
{
	const struct object_root *r = &f->root;
	bool same = memcmp(&r->plan, &plan_default, sizeof r->plan) == 0;
	char when[32], id[SIGN_ID_TEXT];

	put_time(when, r->expires);
	buf_printf(out, "fleet      %s\nversion    %u, epoch %u\nexpires    %s\nplan       %s\n", r->fleet, r->version,
		   r->epoch, when, same ? "the default one" : "of its own (--json shows it)");
	for (uint32_t role = 0; role < OBJECT_N_ROLES; role++) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < r->n_keys; i++)
			n += r->key[i].roles >> role & 1;
		buf_printf(out, "%-10s %u of %u:", object_role_name((enum object_role)role), r->threshold[role], n);
		for (uint32_t i = 0; i < r->n_keys; i++) {
			sign_id_text(r->key[i].id, id);
			if (r->key[i].roles >> role & 1)
				buf_printf(out, " %s", id);
		}
		buf_putc(out, '\n');
	}
	for (uint32_t i = 0; i < f->n_blocks; i++) {
		sign_id_text(f->block[i].id, id);
		buf_printf(out, "signature  %s %s\n", id, judge(f, &f->block[i]));
	}
	buf_printf(out, "signed     %s\n",
		   is_signed(f) ? "yes: by as many of its root keys as it asks for" : "not yet");
}

static void put_u64(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

static void put_key(struct json *j, const struct object_key *k)
{
	char id[SIGN_ID_TEXT], hex[2 * OBJECT_KEY_BYTES + 1];

	sign_id_text(k->id, id);
	object_hex(k->key, sizeof k->key, hex);
	json_object(j);
	json_key(j, "id");
	json_str(j, id);
	json_key(j, "key");
	json_str(j, hex);
	json_key(j, "roles");
	json_array(j);
	for (uint32_t role = 0; role < OBJECT_N_ROLES; role++)
		if (k->roles >> role & 1)
			json_str(j, object_role_name((enum object_role)role));
	json_end_array(j);
	json_end_object(j);
}

static void put_plan(struct json *j, const struct plan *p)
{
	json_object(j);
	put_u64(j, "probation_s", p->probation_s);
	put_u64(j, "report_s", p->report_s);
	put_u64(j, "ring0_hosts", p->ring0_hosts);
	json_key(j, "rings");
	json_array(j);
	for (uint32_t i = 0; i < PLAN_RINGS; i++) {
		json_object(j);
		put_u64(j, "cutoff", p->ring[i].cutoff);
		put_u64(j, "ramp_s", p->ring[i].ramp_s[PLAN_NORMAL]);
		put_u64(j, "soak_s", p->ring[i].soak_s[PLAN_NORMAL]);
		put_u64(j, "urgent_ramp_s", p->ring[i].ramp_s[PLAN_URGENT]);
		put_u64(j, "urgent_soak_s", p->ring[i].soak_s[PLAN_URGENT]);
		json_end_object(j);
	}
	json_end_array(j);
	put_u64(j, "shadow_events", p->shadow_events);
	put_u64(j, "shadow_s", p->shadow_s);
	json_end_object(j);
}

static void put_signatures(struct json *j, const struct root_file *f)
{
	char id[SIGN_ID_TEXT];

	json_key(j, "signatures");
	json_array(j);
	for (uint32_t i = 0; i < f->n_blocks; i++) {
		sign_id_text(f->block[i].id, id);
		json_object(j);
		json_key(j, "id");
		json_str(j, id);
		json_key(j, "state");
		json_str(j, judge(f, &f->block[i]));
		json_end_object(j);
	}
	json_end_array(j);
}

static void put_json(const struct root_file *f, struct buf *out)
{
	const struct object_root *r = &f->root;
	struct json j;

	json_init(&j, out);
	json_object(&j);
	put_u64(&j, "epoch", r->epoch);
	put_u64(&j, "expires", r->expires);
	json_key(&j, "fleet");
	json_str(&j, r->fleet);
	json_key(&j, "keys");
	json_array(&j);
	for (uint32_t i = 0; i < r->n_keys; i++)
		put_key(&j, &r->key[i]);
	json_end_array(&j);
	json_key(&j, "plan");
	put_plan(&j, &r->plan);
	put_signatures(&j, f);
	json_key(&j, "signed");
	json_bool(&j, is_signed(f));
	json_key(&j, "thresholds");
	json_object(&j);
	for (uint32_t role = 0; role < OBJECT_N_ROLES; role++)
		put_u64(&j, object_role_name((enum object_role)role), r->threshold[role]);
	json_end_object(&j);
	put_u64(&j, "version", r->version);
	json_end_object(&j);
}

static int show(const char *path, bool as_json)
{
	AUTO(root_file_done) struct root_file f = { 0 };
	struct buf out;
	int code = load(path, &f);

	if (code)
		return code;
	buf_init(&out, 1 << 20);
	(as_json ? put_json : put_text)(&f, &out);
	return cli_print(&out);
}

/* Making */

static void warn(const struct object_root *r)
{
	uint32_t revokers = 0;

	for (uint32_t i = 0; i < r->n_keys; i++)
		revokers += r->key[i].roles >> ROLE_REVOKE & 1;
	for (uint32_t role = ROLE_ROOT; role <= ROLE_BUNDLE; role++)
		if (r->threshold[role] == 1)
			(void)fprintf(stderr,
				      "sallyport: warning: one key alone signs for the role '%s': whoever steals it "
				      "does, too\n",
				      object_role_name((enum object_role)role));
	if (revokers < TRUST_BLESSED_REVOKERS)
		(void)fprintf(stderr, "sallyport: warning: there is one key to revoke with: what is blessed takes %d\n",
			      TRUST_BLESSED_REVOKERS);
}

/* What the root before says of the next one. */
static int follow(const struct root_args *a, struct object_root *r)
{
	AUTO(root_file_done) struct root_file old = { 0 };
	int code = load(a->after, &old);

	if (code)
		return code;
	if (a->fleet && strcmp(a->fleet, old.root.fleet) != 0)
		return cli_fail(CLI_REFUSED, "'%s' is the root of fleet '%s': no root of another follows it", a->after,
				old.root.fleet);
	r->version = old.root.version + 1;
	r->epoch = old.root.epoch + a->new_epoch;
	memcpy(r->fleet, old.root.fleet, sizeof r->fleet);
	return 0;
}

static int root_new(struct root_args *a, int argc)
{
	struct object_root r = { .version = 1, .epoch = 1 };
	struct buf AUTO(buf_done) bytes;
	struct diag d;
	enum err err;
	int code = 0;

	buf_init(&bytes, OBJECT_MAX_BYTES);
	if (optind != argc || !a->settings || !a->output || (!a->fleet && !a->after) || a->n_keys)
		return cli_fail(CLI_USAGE, "root new takes --fleet NAME or --after FILE, --keys FILE and -o FILE");
	if (a->new_epoch && !a->after)
		return cli_fail(CLI_USAGE, "--new-epoch goes with --after: a first root begins the first epoch");
	if (a->after)
		code = follow(a, &r);
	else if (strlen(a->fleet) < sizeof r.fleet)
		memcpy(r.fleet, a->fleet, strlen(a->fleet));
	if (!code)
		code = cli_root_settings(a->settings, &r);
	if (code)
		return code;
	r.expires = (uint64_t)time(NULL) + (uint64_t)a->days * DAY_S;
	diag_init(&d);
	d.subject = a->settings;
	err = object_write_root(&r, &bytes, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	warn(&r);
	code = cli_write_new(a->output, 0644, view_of(bytes.p, bytes.len));
	return code ? code : show(a->output, a->json);
}

static int root_sign(struct root_args *a, int argc, char **argv)
{
	AUTO(root_file_done) struct root_file f = { 0 };
	struct buf AUTO(buf_done) signatures;
	int code;

	buf_init(&signatures, 0);
	if (optind + 1 != argc || !a->n_keys)
		return cli_fail(CLI_USAGE, "which root, with which keys? FILE --key K");
	code = load(argv[optind], &f);
	if (!code)
		code = cli_sign_file(argv[optind], view_of(f.text, f.len), a->keys, a->n_keys, &signatures);
	return code ? code : show(argv[optind], a->json);
}

int cmd_release_root(int argc, char **argv)
{
	struct root_args a = { 0 };
	const char *what = argc >= 2 ? argv[1] : "";
	int code = parse(argc - (argc >= 2), argv + (argc >= 2), &a);

	if (code)
		return code;
	argc -= argc >= 2;
	if (!strcmp(what, "new"))
		return root_new(&a, argc);
	if (!strcmp(what, "sign"))
		return root_sign(&a, argc, argv + 1);
	if (!strcmp(what, "show"))
		return optind + 1 == argc ? show(argv[1 + optind], a.json)
					  : cli_fail(CLI_USAGE, "which root? one FILE");
	(void)cli_fail(CLI_USAGE, "new, sign or show?");
	return cli_usage("release");
}
