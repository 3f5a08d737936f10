/* SPDX-License-Identifier: Apache-2.0 */
/* bundle sign: the signatures of authors, beside the bundle. */
#include "cli/cli.h"

#include <getopt.h>

enum { MAX_BUNDLE_BYTES = 64 << 20 };

struct bundle_sign_args {
	char *keys[SIGN_MAX_BLOCKS];
	uint32_t n_keys;
	bool json;
};

static int take_option(int c, struct bundle_sign_args *a)
{
	if (c == 'j') {
		a->json = true;
		return 0;
	}
	if (c != 'k')
		return cli_usage("bundle");
	if (a->n_keys == countof(a->keys))
		return cli_fail(CLI_USAGE, "a file has at most %zu signatures", countof(a->keys));
	a->keys[a->n_keys++] = optarg;
	return 0;
}

static int report(const struct buf *signatures, bool as_json)
{
	struct sign_block block[SIGN_MAX_BLOCKS];
	struct buf out;
	struct json j;
	char id[SIGN_ID_TEXT];
	uint32_t n;

	if (sign_read_blocks(view_of(signatures->p, signatures->len), block, countof(block), &n, NULL) != E_OK)
		return cli_fail(CLI_HOST, "the signatures cannot be read back");
	buf_init(&out, 1 << 16);
	json_init(&j, &out);
	if (as_json) {
		json_object(&j);
		json_key(&j, "signatures");
		json_array(&j);
	}
	for (uint32_t i = 0; i < n; i++) {
		sign_id_text(block[i].id, id);
		if (as_json)
			json_str(&j, id);
		else
			buf_printf(&out, "signed by %s\n", id);
	}
	if (as_json) {
		json_end_array(&j);
		json_end_object(&j);
	}
	return cli_print(&out);
}

int cmd_bundle_sign(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	struct bundle_sign_args a = { 0 };
	struct buf AUTO(buf_done) signatures;
	AUTO_FREE char *bytes = NULL;
	struct diag d;
	size_t len;
	enum err err;
	int c, code;

	buf_init(&signatures, 0);
	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		code = take_option(c, &a);
		if (code)
			return code;
	}
	if (optind + 1 != argc || !a.n_keys)
		return cli_fail(CLI_USAGE, "which bundle, with which keys? FILE --key K");
	diag_init(&d);
	err = io_read_file(argv[optind], MAX_BUNDLE_BYTES, &bytes, &len, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	/* What a host would refuse, or what nobody has shown to work, is not signed. */
	code = cli_bundle_prove(argv[optind]);
	if (code)
		return code;
	code = cli_sign_file(argv[optind], view_of(bytes, len), a.keys, a.n_keys, &signatures);
	return code ? code : report(&signatures, a.json);
}
