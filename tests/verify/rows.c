/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

bool provoked[1000];

enum err verify_with(const struct row *r, const struct abi_profile *profile, const struct abi_prog_type *type,
		     size_t cap, struct diag *d)
{
	struct prog p = fixture_prog(r->code, r->n);
	struct verify_opts o = { .profile = profile, .type = type, .ctx = r->ctx ? r->ctx : &fixture_ctx };
	struct arena a;
	enum err err;

	arena_init(&a, cap);
	diag_init(d);
	err = verify_prog(&p, &o, &a, NULL, d);
	d->notes = NULL;
	arena_done(&a);
	if (err)
		provoked[d->id] = true;
	return err;
}

void check_rows(const struct row *rows, size_t n, const struct abi_prog_type *type)
{
	for (size_t i = 0; i < n; i++) {
		struct diag d;
		enum err err = verify_with(&rows[i], &fixture_profile, type, 64 << 20, &d);

		test_row = rows[i].name;
		if (err && !rows[i].id)
			print_error("%s: V%u: %s\n", rows[i].name, d.id, d.text);
		CHECK_EQ(err ? d.id : 0, rows[i].id);
	}
	test_row = NULL;
}
