/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object: one table of fields per kind, read by the writer, the reader and the check. Both directions check the same,
 * so what is read can be written, to the same bytes. docs/formats/release.md has the offsets.
 */
#include "release/object/object.h"

#include <sodium.h>
#include <stdarg.h>

enum { HEADER_BYTES = 16, FORMAT_VERSION = 1 };
enum { O_HEADER = 101, O_LENGTH, O_FIELD, O_ROOT, O_PROMOTION, O_REVOKE, O_TIMESTAMP, O_HEALTH };

static const uint8_t magic[4] = { 'S', 'P', 'O', 'B' };

enum field_type {
	U32,
	U64,
	FLAG, /* as a u32: 0 or 1 */
	RAW,
	NAME,       /* [a-z0-9][a-z0-9._-]*, zeros to the end */
	NO_OR_NAME, /* or nothing */
	TEXT,       /* no control characters, zeros to the end */
};

/* Where a field is in the struct. U32 and U64 may be arrays. */
struct field {
	const char *name;
	uint16_t at, bytes;
	enum field_type type;
};

/* What follows the fields: as many elements as a u32 field says. */
struct array {
	uint16_t count_at, at, stride;
	uint32_t max;
	const struct field *field;
	uint32_t n_fields;
};

struct shape {
	const char *name;
	enum object_kind kind;
	const struct field *field;
	uint32_t n_fields;
	const struct array *array; /* or NULL */
	size_t bytes;              /* of the struct */
	/* What no field says alone; err is what to return. */
	FALLIBLE (*check)(const void *object, enum err err, struct diag *d);
};

#define FIELD(type, object, member)                                                                     \
	{                                                                                               \
#member, offsetof(struct object, member), sizeof(((struct object *)NULL)->member), type \
	}
#define BAD(err, id, ...) return diag_fail(d, (err), 'O', (id), __FILE__, __LINE__, __VA_ARGS__)

static bool is_zero(const uint8_t *p, size_t n)
{
	return sodium_is_zero(p, n);
}

/* root */

static const struct field root_fields[] = {
	FIELD(U32, object_root, version), FIELD(U32, object_root, epoch),     FIELD(U64, object_root, expires),
	FIELD(NAME, object_root, fleet),  FIELD(U32, object_root, threshold), FIELD(U32, object_root, plan),
	FIELD(U32, object_root, n_keys),
};
static const struct field key_fields[] = {
	FIELD(RAW, object_key, key),
	FIELD(RAW, object_key, id),
	FIELD(U32, object_key, roles),
};
static const struct array root_keys = {
	offsetof(struct object_root, n_keys),
	offsetof(struct object_root, key),
	sizeof(struct object_key),
	OBJECT_MAX_KEYS,
	key_fields,
	countof(key_fields),
};
static_assert(sizeof(struct plan) == (size_t)4 * (5 * PLAN_RINGS + 5), "a plan is u32 throughout, as it is written");

static FALLIBLE check_key(const struct object_root *r, uint32_t i, enum err err, struct diag *d)
{
	const struct object_key *k = &r->key[i];
	uint32_t promote = 1u << ROLE_PROMOTE;

	if (!k->roles || k->roles >> OBJECT_N_ROLES)
		BAD(err, O_ROOT, "root: key %u has the roles 0x%x", i, k->roles);
	if (!GUARD(20, !(k->roles & promote) || k->roles == promote))
		BAD(err, O_ROOT, "root: key %u promotes and has another role; who promotes does nothing else", i);
	for (uint32_t j = 0; j < i; j++)
		if (!GUARD(20, memcmp(k->key, r->key[j].key, sizeof k->key) != 0 &&
				       memcmp(k->id, r->key[j].id, sizeof k->id) != 0))
			BAD(err, O_ROOT, "root: keys %u and %u are the same, or have the same id", j, i);
	return E_OK;
}

static FALLIBLE check_root(const void *object, enum err err, struct diag *d)
{
	const struct object_root *r = object;
	uint32_t have[OBJECT_N_ROLES] = { 0 };

	if (!r->version || !r->expires)
		BAD(err, O_ROOT, "root: version %u, expires at %llu; both are more than 0", r->version,
		    (unsigned long long)r->expires);
	for (uint32_t i = 0; i < r->n_keys; i++) {
		TRY(check_key(r, i, err, d));
		for (uint32_t role = 0; role < OBJECT_N_ROLES; role++)
			have[role] += r->key[i].roles >> role & 1;
	}
	for (uint32_t role = 0; role < OBJECT_N_ROLES; role++)
		if (!r->threshold[role] || r->threshold[role] > have[role])
			BAD(err, O_ROOT, "root: the role '%s' takes %u signatures and has %u key%s",
			    object_role_name((enum object_role)role), r->threshold[role], have[role],
			    PLURAL(have[role]));
	return plan_check(&r->plan, d) == E_OK ? E_OK : err;
}

static const struct shape root_shape = {
	"root", OBJECT_ROOT, root_fields, countof(root_fields), &root_keys, sizeof(struct object_root), check_root,
};

/* promotion */

static const struct field promotion_fields[] = {
	FIELD(U32, object_promotion, epoch),      FIELD(U32, object_promotion, ring),
	FIELD(U64, object_promotion, seq),        FIELD(NAME, object_promotion, channel),
	FIELD(RAW, object_promotion, digest),     FIELD(RAW, object_promotion, release),
	FIELD(U32, object_promotion, lane),       FIELD(U32, object_promotion, cutoff),
	FIELD(U64, object_promotion, not_before), FIELD(U64, object_promotion, expires),
	FIELD(RAW, object_promotion, evidence),   FIELD(U64, object_promotion, security_floor),
	FIELD(FLAG, object_promotion, rollback),
};

static FALLIBLE check_promotion(const void *object, enum err err, struct diag *d)
{
	const struct object_promotion *p = object;
	bool cites = !is_zero(p->evidence, sizeof p->evidence);

	if (p->ring > PLAN_BLESSED || p->lane >= PLAN_N_LANES)
		BAD(err, O_PROMOTION, "promotion: to ring %u in lane %u; rings are 0 to %d, lanes 0 and 1", p->ring,
		    p->lane, PLAN_BLESSED);
	if (!p->seq || p->expires <= p->not_before)
		BAD(err, O_PROMOTION, "promotion: number %llu, holds from %llu to %llu", (unsigned long long)p->seq,
		    (unsigned long long)p->not_before, (unsigned long long)p->expires);
	if (is_zero(p->digest, sizeof p->digest) || is_zero(p->release, sizeof p->release))
		BAD(err, O_PROMOTION, "promotion: it names no bundle, or no release");
	if (p->ring == 0 ? cites : !cites && !p->rollback)
		BAD(err, O_PROMOTION, "promotion: to ring %u %s; each ring but the first cites the one before", p->ring,
		    cites ? "with evidence" : "without evidence");
	return E_OK;
}

static const struct shape promotion_shape = {
	"promotion",
	OBJECT_PROMOTION,
	promotion_fields,
	countof(promotion_fields),
	NULL,
	sizeof(struct object_promotion),
	check_promotion,
};

/* revoke */

static const struct field revoke_fields[] = {
	FIELD(U32, object_revoke, epoch),
	FIELD(FLAG, object_revoke, blessed),
	FIELD(U64, object_revoke, seq),
	FIELD(U32, object_revoke, n),
};
static const struct field digest_fields[] = { { "digest", 0, OBJECT_DIGEST_BYTES, RAW } };
static const struct array revoke_digests = {
	offsetof(struct object_revoke, n),
	offsetof(struct object_revoke, digest),
	OBJECT_DIGEST_BYTES,
	OBJECT_MAX_REVOKED,
	digest_fields,
	countof(digest_fields),
};

static FALLIBLE check_revoke(const void *object, enum err err, struct diag *d)
{
	const struct object_revoke *r = object;

	if (!r->seq || !r->n)
		BAD(err, O_REVOKE, "revoke: number %llu of %u digests; both are at least 1", (unsigned long long)r->seq,
		    r->n);
	for (uint32_t i = 0; i < r->n; i++)
		if (is_zero(r->digest[i], OBJECT_DIGEST_BYTES))
			BAD(err, O_REVOKE, "revoke: digest %u is zero, which no bundle has", i);
	return E_OK;
}

static const struct shape revoke_shape = {
	"revoke",        OBJECT_REVOKE,
	revoke_fields,   countof(revoke_fields),
	&revoke_digests, sizeof(struct object_revoke),
	check_revoke,
};

/* timestamp */

static const struct field timestamp_fields[] = {
	FIELD(U32, object_timestamp, epoch),      FIELD(U32, object_timestamp, root_version),
	FIELD(U64, object_timestamp, version),    FIELD(U64, object_timestamp, time),
	FIELD(U64, object_timestamp, expires),    FIELD(U64, object_timestamp, promotion_seq),
	FIELD(U64, object_timestamp, revoke_seq), FIELD(RAW, object_timestamp, log_head),
};

static FALLIBLE check_timestamp(const void *object, enum err err, struct diag *d)
{
	const struct object_timestamp *t = object;

	if (!t->version || !t->root_version || t->expires <= t->time)
		BAD(err, O_TIMESTAMP, "timestamp: version %llu, root %u, made at %llu, expires at %llu",
		    (unsigned long long)t->version, t->root_version, (unsigned long long)t->time,
		    (unsigned long long)t->expires);
	return E_OK;
}

static const struct shape timestamp_shape = {
	"timestamp",
	OBJECT_TIMESTAMP,
	timestamp_fields,
	countof(timestamp_fields),
	NULL,
	sizeof(struct object_timestamp),
	check_timestamp,
};

/* health */

static const struct field health_fields[] = {
	FIELD(RAW, object_health, agent),
	FIELD(RAW, object_health, key),
	FIELD(U64, object_health, seq),
	FIELD(U64, object_health, time),
	FIELD(RAW, object_health, boot),
	FIELD(U64, object_health, uptime_s),
	FIELD(TEXT, object_health, kernel),
	FIELD(NO_OR_NAME, object_health, engine),
	FIELD(NO_OR_NAME, object_health, stratum),
	FIELD(FLAG, object_health, ring0),
	FIELD(FLAG, object_health, safe),
	FIELD(FLAG, object_health, critical),
	FIELD(U32, object_health, phase),
	FIELD(RAW, object_health, lkg),
	FIELD(RAW, object_health, candidate),
	FIELD(U64, object_health, in_phase_s),
	FIELD(RAW, object_health, strike_digest),
	FIELD(U32, object_health, strike_cause),
	FIELD(U32, object_health, strike_signal),
	FIELD(TEXT, object_health, strike_rule),
	FIELD(U64, object_health, strikes),
	FIELD(U64, object_health, unclean_boots),
	FIELD(U64, object_health, worker_deaths),
	FIELD(U64, object_health, blind_ms),
	FIELD(U64, object_health, events),
	FIELD(U64, object_health, lost),
	FIELD(U64, object_health, alerts),
	FIELD(U64, object_health, cpu_ns),
	FIELD(U64, object_health, memory_bytes),
	FIELD(U64, object_health, shadow_alerts),
	FIELD(U64, object_health, live_alerts),
	FIELD(U64, object_health, promotion_seq),
	FIELD(U64, object_health, revoke_seq),
	FIELD(RAW, object_health, log_head),
	FIELD(U32, object_health, n_rules),
};
static const struct field rule_fields[] = {
	FIELD(TEXT, health_rule, name),     FIELD(U64, health_rule, evaluated),  FIELD(U64, health_rule, alerts),
	FIELD(U64, health_rule, throttled), FIELD(U64, health_rule, ns_per_run),
};
static const struct array health_rules = {
	offsetof(struct object_health, n_rules),
	offsetof(struct object_health, rule),
	sizeof(struct health_rule),
	HEALTH_MAX_RULES,
	rule_fields,
	countof(rule_fields),
};

static FALLIBLE check_health(const void *object, enum err err, struct diag *d)
{
	const struct object_health *h = object;

	if (!h->seq || h->phase > HEALTH_QUARANTINED || h->strike_cause > CAUSE_BOOT || h->strike_signal > 64)
		BAD(err, O_HEALTH, "health: number %llu, phase %u, strike by cause %u and signal %u",
		    (unsigned long long)h->seq, h->phase, h->strike_cause, h->strike_signal);
	return E_OK;
}

static const struct shape health_shape = {
	"health",     OBJECT_HEALTH, health_fields, countof(health_fields), &health_rules, sizeof(struct object_health),
	check_health,
};

/* Fields */

static bool is_name_char(uint8_t c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (!first && (c == '.' || c == '_' || c == '-'));
}

static bool is_text(enum field_type type, const uint8_t *p, size_t bytes)
{
	size_t len = strnlen((const char *)p, bytes);

	if (len == bytes || !is_zero(p + len, bytes - len) || (type == NAME && !len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (type == TEXT ? p[i] < 0x20 || p[i] == 0x7f : !is_name_char(p[i], i == 0))
			return false;
	return true;
}

static FALLIBLE check_fields(const struct shape *s, const struct field *f, uint32_t n, const uint8_t *base,
			     enum err err, struct diag *d)
{
	for (uint32_t i = 0; i < n; i++)
		if ((f[i].type == NAME || f[i].type == NO_OR_NAME || f[i].type == TEXT) &&
		    !is_text(f[i].type, base + f[i].at, f[i].bytes))
			BAD(err, O_FIELD, "%s: '%s' is no text of the kind that stands there", s->name, f[i].name);
	return E_OK;
}

static uint32_t count_of(const struct array *a, const uint8_t *object)
{
	uint32_t n;

	memcpy(&n, object + a->count_at, sizeof n);
	return n;
}

static FALLIBLE check_count(const struct shape *s, const uint8_t *object, enum err err, struct diag *d)
{
	if (s->array && count_of(s->array, object) > s->array->max)
		BAD(err, O_FIELD, "%s: a list of %u; at most %u", s->name, count_of(s->array, object), s->array->max);
	return E_OK;
}

static FALLIBLE check_object(const struct shape *s, const uint8_t *object, enum err err, struct diag *d)
{
	const struct array *a = s->array;

	TRY(check_count(s, object, err, d));
	TRY(check_fields(s, s->field, s->n_fields, object, err, d));
	for (uint32_t i = 0; a && i < count_of(a, object); i++)
		TRY(check_fields(s, a->field, a->n_fields, object + a->at + (size_t)i * a->stride, err, d));
	return s->check(object, err, d);
}

/* Writing */

static void put_le(struct buf *b, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_putc(b, (char)(v >> 8 * i));
}

static void put_numbers(struct buf *b, const struct field *f, const uint8_t *p)
{
	size_t unit = f->type == U32 ? 4 : 8;

	for (size_t i = 0; i < f->bytes; i += unit) {
		uint64_t v = 0;
		uint32_t v32;

		if (unit == 8) {
			memcpy(&v, p + i, sizeof v);
		} else {
			memcpy(&v32, p + i, sizeof v32);
			v = v32;
		}
		put_le(b, v, unit);
	}
}

static void put_fields(struct buf *b, const struct field *f, uint32_t n, const uint8_t *base)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *p = base + f[i].at;

		if (f[i].type == U32 || f[i].type == U64)
			put_numbers(b, &f[i], p);
		else if (f[i].type == FLAG)
			put_le(b, *(const bool *)p, 4);
		else
			buf_put(b, p, f[i].bytes);
	}
}

static size_t wire_bytes(const struct field *f, uint32_t n)
{
	size_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += f[i].type == FLAG ? 4 : f[i].bytes;
	return sum;
}

static size_t total_bytes(const struct shape *s, const uint8_t *object)
{
	const struct array *a = s->array;
	size_t sum = HEADER_BYTES + wire_bytes(s->field, s->n_fields);

	return a ? sum + count_of(a, object) * wire_bytes(a->field, a->n_fields) : sum;
}

static FALLIBLE write_object(const struct shape *s, const void *object, struct buf *out, struct diag *d)
{
	const struct array *a = s->array;
	const uint8_t *base = object;

	TRY(check_object(s, base, E_INVALID, d));
	buf_put(out, magic, sizeof magic);
	put_le(out, s->kind, 2);
	put_le(out, FORMAT_VERSION, 2);
	put_le(out, total_bytes(s, base), 4);
	put_le(out, 0, 4);
	put_fields(out, s->field, s->n_fields, base);
	for (uint32_t i = 0; a && i < count_of(a, base); i++)
		put_fields(out, a->field, a->n_fields, base + a->at + (size_t)i * a->stride);
	if (out->full)
		FAIL_ID(d, LIMIT, 'O', O_LENGTH, "%s: no room for its %zu bytes", s->name, total_bytes(s, base));
	return E_OK;
}

/* Reading */

static uint64_t get_le(const uint8_t *p, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

static FALLIBLE read_header(const struct shape *s, struct view v, struct diag *d)
{
	uint64_t kind, version, length;

	if (v.len < HEADER_BYTES)
		FAIL_ID(d, TRUNCATED, 'O', O_LENGTH, "%s: %zu bytes are no header", s->name, v.len);
	kind = get_le(v.p + 4, 2);
	version = get_le(v.p + 6, 2);
	length = get_le(v.p + 8, 4);
	if (!GUARD(16, !memcmp(v.p, magic, sizeof magic)))
		FAIL_ID(d, FORMAT, 'O', O_HEADER, "%s: it does not begin with SPOB", s->name);
	if (!GUARD(19, kind == s->kind))
		FAIL_ID(d, FORMAT, 'O', O_HEADER, "%s: the object is of kind %u, not %u", s->name, (unsigned)kind,
			(unsigned)s->kind);
	if (version != FORMAT_VERSION)
		FAIL_ID(d, UNSUPPORTED, 'O', O_HEADER, "%s: format version %u; this build knows %d", s->name,
			(unsigned)version, FORMAT_VERSION);
	if (length > v.len)
		FAIL_ID(d, TRUNCATED, 'O', O_LENGTH, "%s: %zu of %u bytes", s->name, v.len, (unsigned)length);
	if (length < v.len || v.len > OBJECT_MAX_BYTES || get_le(v.p + 12, 4))
		FAIL_ID(d, FORMAT, 'O', O_LENGTH, "%s: %zu bytes that say %u of themselves, or reserved ones not zero",
			s->name, v.len, (unsigned)length);
	return E_OK;
}

static void get_numbers(const struct field *f, const uint8_t *p, uint8_t *to)
{
	size_t unit = f->type == U32 ? 4 : 8;

	for (size_t i = 0; i < f->bytes; i += unit) {
		uint64_t v = get_le(p + i, unit);
		uint32_t v32 = (uint32_t)v;

		if (unit == 8)
			memcpy(to + i, &v, sizeof v);
		else
			memcpy(to + i, &v32, sizeof v32);
	}
}

static FALLIBLE get_fields(const struct shape *s, const struct field *f, uint32_t n, struct view v, size_t *off,
			   uint8_t *base, struct diag *d)
{
	for (uint32_t i = 0; i < n; i++) {
		size_t bytes = f[i].type == FLAG ? 4 : f[i].bytes;
		struct view part;

		if (!view_sub(v, *off, bytes, &part))
			FAIL_ID(d, FORMAT, 'O', O_LENGTH, "%s: it ends before '%s'", s->name, f[i].name);
		*off += bytes;
		if (f[i].type == U32 || f[i].type == U64)
			get_numbers(&f[i], part.p, base + f[i].at);
		else if (f[i].type != FLAG)
			memcpy(base + f[i].at, part.p, bytes);
		else if (get_le(part.p, 4) <= 1)
			*(bool *)(base + f[i].at) = part.p[0];
		else
			FAIL_ID(d, FORMAT, 'O', O_FIELD, "%s: '%s' is neither 0 nor 1", s->name, f[i].name);
	}
	return E_OK;
}

union any {
	struct object_root root;
	struct object_promotion promotion;
	struct object_revoke revoke;
	struct object_timestamp timestamp;
	struct object_health health;
};

static FALLIBLE read_object(const struct shape *s, struct view v, void *out, struct diag *d)
{
	const struct array *a = s->array;
	size_t off = HEADER_BYTES;
	union any any;
	uint8_t *base = (uint8_t *)&any;

	memset(&any, 0, sizeof any);
	TRY(read_header(s, v, d));
	TRY(get_fields(s, s->field, s->n_fields, v, &off, base, d));
	TRY(check_count(s, base, E_FORMAT, d));
	for (uint32_t i = 0; a && i < count_of(a, base); i++)
		TRY(get_fields(s, a->field, a->n_fields, v, &off, base + a->at + (size_t)i * a->stride, d));
	if (off != v.len)
		FAIL_ID(d, FORMAT, 'O', O_LENGTH, "%s: %zu bytes too many", s->name, v.len - off);
	TRY(check_object(s, base, E_FORMAT, d));
	memcpy(out, base, s->bytes);
	return E_OK;
}

FALLIBLE object_write_root(const struct object_root *in, struct buf *out, struct diag *d)
{
	return write_object(&root_shape, in, out, d);
}

FALLIBLE object_write_promotion(const struct object_promotion *in, struct buf *out, struct diag *d)
{
	return write_object(&promotion_shape, in, out, d);
}

FALLIBLE object_write_revoke(const struct object_revoke *in, struct buf *out, struct diag *d)
{
	return write_object(&revoke_shape, in, out, d);
}

FALLIBLE object_write_timestamp(const struct object_timestamp *in, struct buf *out, struct diag *d)
{
	return write_object(&timestamp_shape, in, out, d);
}

FALLIBLE object_write_health(const struct object_health *in, struct buf *out, struct diag *d)
{
	return write_object(&health_shape, in, out, d);
}

FALLIBLE object_read_root(struct view v, struct object_root *out, struct diag *d)
{
	return read_object(&root_shape, v, out, d);
}

FALLIBLE object_read_promotion(struct view v, struct object_promotion *out, struct diag *d)
{
	return read_object(&promotion_shape, v, out, d);
}

FALLIBLE object_read_revoke(struct view v, struct object_revoke *out, struct diag *d)
{
	return read_object(&revoke_shape, v, out, d);
}

FALLIBLE object_read_timestamp(struct view v, struct object_timestamp *out, struct diag *d)
{
	return read_object(&timestamp_shape, v, out, d);
}

FALLIBLE object_read_health(struct view v, struct object_health *out, struct diag *d)
{
	return read_object(&health_shape, v, out, d);
}

/* What is beside them */

const char *object_role_name(enum object_role role)
{
	static const char *const names[OBJECT_N_ROLES] = {
		"root", "bundle", "promote", "approve", "revoke", "timestamp"
	};

	return names[role];
}

void object_digest(struct view v, uint8_t out[OBJECT_DIGEST_BYTES])
{
	(void)crypto_generichash(out, OBJECT_DIGEST_BYTES, v.p, v.len, NULL, 0);
}

void object_path(char out[OBJECT_PATH_BYTES], const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out, OBJECT_PATH_BYTES, fmt, ap);
	va_end(ap);
	assert(n >= 0 && n < OBJECT_PATH_BYTES);
}

void object_hex(const uint8_t *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n] = 0;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool object_unhex(const char *text, uint8_t *out, size_t n)
{
	if (strnlen(text, 2 * n + 1) != 2 * n)
		return false;
	for (size_t i = 0; i < 2 * n; i++)
		if (digit(text[i]) < 0)
			return false;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
	return true;
}
