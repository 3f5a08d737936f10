/* SPDX-License-Identifier: Apache-2.0 */
/* verify_explain: what a reason to reject means, by its id. */
#include "cli/verify.h"

#include "engine/verify/verify.h"

static void put_kernel(struct buf *out, const struct kverify_diag_row *r)
{
	buf_printf(out, "K%03u  %s\n\n%s.\n", r->id, r->name, r->title);
	if (r->log[0])
		buf_printf(out, "\nThe kernel's log has a line such as:\n    %s\n", r->log);
	if (r->need[0])
		buf_printf(out, "\nNeeded: %s.\n", r->need);
	if (r->mend[0])
		buf_printf(out, "\nWhat to do: %s.\n", r->mend);
}

static int found(struct buf *out, bool json, const char *id, const char *title, const char *mend)
{
	struct json j;

	if (!json)
		return cli_print(out);
	buf_done(out);
	buf_init(out, 1 << 20);
	json_init(&j, out);
	json_object(&j);
	json_key(&j, "id");
	json_str(&j, id);
	json_key(&j, "mend");
	json_str(&j, mend);
	json_key(&j, "title");
	json_str(&j, title);
	json_end_object(&j);
	return cli_print(out);
}

int verify_explain(const char *id, bool json)
{
	uint64_t n = id[0] ? cli_number(id + 1, 999) : 0;
	struct buf out;

	buf_init(&out, 1 << 20);
	for (size_t i = 0; (id[0] == 'K' || id[0] == 'k') && i < kverify_n_diags; i++) {
		if (kverify_diags[i].id != n)
			continue;
		put_kernel(&out, &kverify_diags[i]);
		return found(&out, json, id, kverify_diags[i].title, kverify_diags[i].mend);
	}
	for (size_t i = 0; (id[0] == 'V' || id[0] == 'v') && i < verify_n_diags; i++) {
		if (verify_diags[i].id != n)
			continue;
		buf_printf(&out, "V%03u\n\n%s.\n\nWhat to do: %s.\n", verify_diags[i].id, verify_diags[i].title,
			   verify_diags[i].help);
		return found(&out, json, id, verify_diags[i].title, verify_diags[i].help);
	}
	buf_done(&out);
	return cli_fail(CLI_USAGE,
			"no reason has the id '%s': those of kernels are K101 and on, those of Sallyport's own "
			"verifier V101 and on",
			id);
}
