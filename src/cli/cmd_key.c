/* SPDX-License-Identifier: Apache-2.0 */
/* key: making and showing keys; their files are minisign's. */
#include "cli/cli.h"

#include <getopt.h>
#include <limits.h>
#include <sodium.h>

const char cmd_key_help[] = "usage: sallyport key new -o PREFIX [--comment C] [--password] [--json]\n"
			    "       sallyport key show FILE [--json]\n"
			    "\n"
			    "Keys and signatures are minisign's: each program reads what the other writes.\n"
			    "\n"
			    "new   a fresh pair: PREFIX.key, the secret key, which only its owner may read, and\n"
			    "      PREFIX.pub. A file that is there already is never touched\n"
			    "show  a key's id and its public half, of a secret key as of a public one\n"
			    "\n"
			    "-o PREFIX    where the files go\n"
			    "--comment C  a line in both files for people; it is not protected\n"
			    "--password   protect the secret key by a password, which is asked for (twice) on the\n"
			    "             terminal, or is a line of standard input\n"
			    "--json       one JSON object\n";

struct key_args {
	const char *prefix, *comment;
	bool password, json;
};

/* The first line, for people, is the owner's comment if there is one. */
static struct buf with_comment(const struct buf *text, const char *comment)
{
	const char *rest = strchr(text->p, '\n');
	struct buf b;

	buf_init(&b, SIGN_MAX_KEY_TEXT);
	if (comment)
		buf_printf(&b, "untrusted comment: %s%s", comment, rest);
	else
		buf_put(&b, text->p, text->len);
	return b;
}

static void wipe(struct buf *b)
{
	if (b->p)
		sodium_memzero(b->p, b->len);
	buf_done(b);
}

static int ask_new_password(char out[CLI_PASSWORD_MAX])
{
	char again[CLI_PASSWORD_MAX];
	int code = cli_password("password for the new key: ", out);

	if (code || !isatty(STDIN_FILENO))
		return code;
	code = cli_password("once more: ", again);
	if (!code && strcmp(out, again) != 0)
		code = cli_fail(CLI_USAGE, "these are two different passwords");
	sodium_memzero(again, sizeof again);
	return code;
}

static int secret_text(const struct key_args *a, const struct sign_secret *s, struct buf *out)
{
	char password[CLI_PASSWORD_MAX] = "";
	struct buf AUTO(wipe) text;
	struct diag d;
	enum err err;
	int code = a->password ? ask_new_password(password) : 0;

	buf_init(&text, SIGN_MAX_KEY_TEXT);
	diag_init(&d);
	err = code ? E_OK : sign_put_secret(s, a->password ? password : NULL, &text, &d);
	sodium_memzero(password, sizeof password);
	if (code || err != E_OK)
		return code ? code : cli_fail_diag(err, &d);
	*out = with_comment(&text, a->comment);
	return 0;
}

static int show(const struct sign_public *p, const char *kind, bool as_json)
{
	struct buf text, out;
	struct json j;
	char id[SIGN_ID_TEXT];
	char *line;

	buf_init(&text, SIGN_MAX_KEY_TEXT);
	buf_init(&out, 1 << 16);
	if (sign_put_public(p, &text) != E_OK) {
		buf_done(&text);
		return cli_fail(CLI_HOST, "out of memory");
	}
	line = strchr(text.p, '\n') + 1;
	sign_id_text(p->id, id);
	json_init(&j, &out);
	if (as_json) {
		json_object(&j);
		json_key(&j, "id");
		json_str(&j, id);
		json_key(&j, "key");
		json_strn(&j, line, strlen(line) - 1);
		json_key(&j, "kind");
		json_str(&j, kind);
		json_end_object(&j);
	} else {
		buf_printf(&out, "id   %s\nkey  %s", id, line);
	}
	buf_done(&text);
	return cli_print(&out);
}

static int write_pair(const struct key_args *a, const struct buf *secret, const struct buf *public)
{
	char path[PATH_MAX], pub_path[PATH_MAX];
	int code;

	if ((size_t)snprintf(path, sizeof path, "%s.key", a->prefix) >= sizeof path ||
	    (size_t)snprintf(pub_path, sizeof pub_path, "%s.pub", a->prefix) >= sizeof pub_path)
		return cli_fail(CLI_USAGE, "'%s' is too long a name", a->prefix);
	code = cli_write_new(path, 0600, view_of(secret->p, secret->len));
	if (code)
		return code;
	code = cli_write_new(pub_path, 0644, view_of(public->p, public->len));
	if (code)
		(void)unlink(path); /* made just now */
	return code;
}

static int make_pair(const struct key_args *a, const struct sign_secret *s)
{
	struct buf AUTO(buf_done) text;
	struct buf AUTO(buf_done) public;
	struct buf AUTO(wipe) secret;
	int code;

	buf_init(&text, SIGN_MAX_KEY_TEXT);
	buf_init(&public, 0);
	buf_init(&secret, 0);
	code = secret_text(a, s, &secret);
	if (code)
		return code;
	if (sign_put_public(&s->pub, &text) != E_OK)
		return cli_fail(CLI_HOST, "out of memory");
	public = with_comment(&text, a->comment);
	if (public.full || secret.full)
		return cli_fail(CLI_HOST, "out of memory");
	code = write_pair(a, &secret, &public);
	return code ? code : show(&s->pub, "public", a->json);
}

static bool is_comment(const char *s)
{
	for (const char *c = s; *c; c++)
		if ((uint8_t)*c < 0x20 || *c == 0x7f)
			return false;
	return strlen(s) < SIGN_MAX_COMMENT;
}

static int take_option(int c, struct key_args *a)
{
	switch (c) {
	case 'o':
		a->prefix = optarg;
		return 0;
	case 'c':
		a->comment = optarg;
		return is_comment(optarg) ? 0
					  : cli_fail(CLI_USAGE, "--comment takes a printable line of at most %d bytes",
						     SIGN_MAX_COMMENT - 1);
	case 'p':
		a->password = true;
		return 0;
	case 'j':
		a->json = true;
		return 0;
	default:
		return cli_usage("key");
	}
}

static int key_new(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "comment", required_argument, NULL, 'c' },
		{ "password", no_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	AUTO(sign_secret_done) struct sign_secret secret = { 0 };
	struct key_args a = { 0 };
	int c, code;

	while ((c = getopt_long(argc, argv, "o:", opts, NULL)) != -1) {
		code = take_option(c, &a);
		if (code)
			return code;
	}
	if (!a.prefix || optind != argc)
		return cli_fail(CLI_USAGE, "where do the keys go? -o PREFIX, and nothing else");
	if (sign_new(&secret) != E_OK)
		return cli_fail(CLI_HOST, "this host has no source of randomness");
	return make_pair(&a, &secret);
}

/* Public or secret, whichever the file is. */
static int key_show(int argc, char **argv)
{
	static const struct option opts[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	AUTO(sign_secret_done) struct sign_secret secret = { 0 };
	AUTO_FREE char *text = NULL;
	struct key_args a = { 0 };
	struct sign_public pub;
	struct diag d;
	size_t len;
	enum err err;
	int c, code;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		code = take_option(c, &a);
		if (code)
			return code;
	}
	if (optind + 1 != argc)
		return cli_fail(CLI_USAGE, "which key? one FILE");
	diag_init(&d);
	d.subject = argv[optind];
	err = io_read_file(argv[optind], SIGN_MAX_KEY_TEXT, &text, &len, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	err = sign_read_public(view_of(text, len), &pub, &d);
	sodium_memzero(text, len);
	if (err == E_OK)
		return show(&pub, "public", a.json);
	code = cli_secret_load(argv[optind], &secret);
	return code ? code : show(&secret.pub, "secret", a.json);
}

int cmd_key(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "new"))
		return key_new(argc - 1, argv + 1);
	if (argc >= 2 && !strcmp(argv[1], "show"))
		return key_show(argc - 1, argv + 1);
	(void)cli_fail(CLI_USAGE, argc < 2 ? "new or show?" : "there is no 'key %s'", argc < 2 ? "" : argv[1]);
	return cli_usage("key");
}
