/* SPDX-License-Identifier: Apache-2.0 */
/* kept: small things under names in the ledger. */
#include "release/controller/internal.h"

enum { KEPT_MAX = 16 + GATE_MAX_RULES * HEALTH_RULE_BYTES };

static void put_u64(struct buf *b, uint64_t v)
{
	for (uint32_t i = 0; i < 8; i++)
		buf_putc(b, (char)(v >> (8 * i)));
}

static FALLIBLE get_u64(struct view v, size_t at, uint64_t *out)
{
	uint8_t b[8];

	TRY(VIEW_READ(v, at, &b));
	*out = 0;
	for (uint32_t i = 0; i < 8; i++)
		*out |= (uint64_t)b[i] << (8 * i);
	return E_OK;
}

static void kept_name(const uint8_t release[16], char out[LEDGER_NAME_BYTES])
{
	char hex[HEX16];

	object_hex(release, 16, hex);
	(void)snprintf(out, LEDGER_NAME_BYTES, "release/%s", hex);
}

FALLIBLE kept_put(struct ledger *l, const uint8_t release[16], const struct kept *k, struct diag *d)
{
	char name[LEDGER_NAME_BYTES];
	struct buf b;
	enum err err;

	kept_name(release, name);
	buf_init(&b, KEPT_MAX);
	put_u64(&b, k->created_s);
	put_u64(&b, k->floor);
	buf_put(&b, k->changed, k->n_changed * sizeof k->changed[0]);
	err = b.full ? E_NOMEM : ledger_put_value(l, name, view_of(b.p, b.len), d);
	buf_done(&b);
	return err;
}

FALLIBLE kept_get(struct ledger *l, const uint8_t release[16], struct kept *out, struct diag *d)
{
	AUTO(arena_done) struct arena a;
	char name[LEDGER_NAME_BYTES];
	struct view v, names;

	arena_init(&a, 1 << 20);
	kept_name(release, name);
	TRY(ledger_get_value(l, name, &a, &v, d));
	memset(out, 0, sizeof *out);
	TRY(get_u64(v, 0, &out->created_s));
	TRY(get_u64(v, 8, &out->floor));
	if (!view_sub(v, 16, v.len - 16, &names) || names.len > sizeof out->changed ||
	    names.len % HEALTH_RULE_BYTES != 0)
		FAIL_ID(d, FORMAT, 'D', 301, "the ledger is damaged: '%s'", name);
	out->n_changed = (uint32_t)(names.len / HEALTH_RULE_BYTES);
	if (names.len)
		memcpy(out->changed, names.p, names.len);
	for (uint32_t i = 0; i < out->n_changed; i++)
		out->changed[i][HEALTH_RULE_BYTES - 1] = 0;
	return E_OK;
}

FALLIBLE number_put(struct ledger *l, const char *name, uint64_t v, struct diag *d)
{
	struct buf b;
	enum err err;

	buf_init(&b, 8);
	put_u64(&b, v);
	err = b.full ? E_NOMEM : ledger_put_value(l, name, view_of(b.p, b.len), d);
	buf_done(&b);
	return err;
}

FALLIBLE number_get(struct ledger *l, const char *name, uint64_t *out, struct diag *d)
{
	AUTO(arena_done) struct arena a;
	struct view v;
	enum err err;

	arena_init(&a, 4096);
	*out = 0;
	err = ledger_get_value(l, name, &a, &v, d);
	if (err == E_NOT_FOUND)
		return E_OK;
	TRY(err);
	return get_u64(v, 0, out);
}
