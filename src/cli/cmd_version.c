/* SPDX-License-Identifier: Apache-2.0 */
/* version: what this program is, and the digests of the schema and of the programs that it loads into the kernel. */
#include "cli/cli.h"

#include <getopt.h>
#include <sodium.h>

#include "sensor/bpf/bpf.h"

const char cmd_version_help[] = "usage: sallyport version [--json]\n"
				"\n"
				"The version; the digest of the event schema: content that was compiled for a\n"
				"schema with the same fields fits; and the digest of the BPF object that this\n"
				"program loads into the kernel.\n";

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

static void object_digest(char out[BUNDLE_HEX_BYTES])
{
	uint8_t digest[BUNDLE_DIGEST_BYTES];

	(void)crypto_generichash(digest, sizeof digest, sensor_bpf_object,
				 (size_t)(sensor_bpf_object_end - sensor_bpf_object), NULL, 0);
	(void)bundle_hex(digest, out);
}

int cmd_version(int argc, char **argv)
{
	static const struct option opts[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	bool as_json = false;
	struct json j;
	struct buf out;
	char schema[13], object[BUNDLE_HEX_BYTES];
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c != 'j')
			return cli_usage("version");
		as_json = true;
	}
	if (optind != argc)
		return cli_usage("version");
	schema_digest(schema);
	object_digest(object);
	buf_init(&out, 4096);
	if (!as_json) {
		buf_printf(&out, "sallyport %s%s, schema %s, BPF object %.12s\n", SALLYPORT_VERSION,
			   test_faults ? " with faults for tests" : "", schema, object);
		return cli_print(&out);
	}
	json_init(&j, &out);
	json_object(&j);
	json_key(&j, "bpf_object");
	json_str(&j, object);
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
