/* SPDX-License-Identifier: Apache-2.0 */
/* version: what this program is, and the digest of the schema that content is tied to. */
#include "cli/cli.h"

#include <getopt.h>
#include <sodium.h>

const char cmd_version_help[] = "usage: sallyport version [--json]\n"
				"\n"
				"The version, and the digest of the event schema: content that was compiled for a\n"
				"schema with the same fields fits.\n";

#ifdef SALLYPORT_TEST_FAULTS
static const bool test_faults = true;
#else
static const bool test_faults = false;
#endif

static void schema_digest(char out[13])
{
	uint8_t digest[TEMPLATE_DIGEST_BYTES];
	struct buf text;

	buf_init(&text, 1 << 20);
	template_write_schema(&template_builtin, &text);
	(void)crypto_generichash(digest, sizeof digest, (const unsigned char *)text.p, text.len, NULL, 0);
	buf_done(&text);
	(void)snprintf(out, 13, "%02x%02x%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3], digest[4],
		       digest[5]);
}

int cmd_version(int argc, char **argv)
{
	static const struct option opts[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	bool as_json = false;
	struct json j;
	struct buf out;
	char schema[13];
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c != 'j')
			return cli_usage("version");
		as_json = true;
	}
	if (optind != argc)
		return cli_usage("version");
	schema_digest(schema);
	buf_init(&out, 4096);
	if (!as_json) {
		buf_printf(&out, "sallyport %s%s, schema %s\n", SALLYPORT_VERSION,
			   test_faults ? " with faults for tests" : "", schema);
		return cli_print(&out);
	}
	json_init(&j, &out);
	json_object(&j);
	json_key(&j, "schema");
	json_str(&j, schema);
	if (test_faults) {
		json_key(&j, "test_faults");
		json_bool(&j, true);
	}
	json_key(&j, "version");
	json_str(&j, SALLYPORT_VERSION);
	json_end_object(&j);
	return cli_print(&out);
}
