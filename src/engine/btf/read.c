/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read: the bytes of a type section to an array of types.
 *
 * Two walks: the first counts what each kind brings, so that the second fills five arrays of the right size; a kernel
 * has a hundred thousand types. Layout: kernel Documentation/bpf/btf.rst, v6.12, sections 2 and 3.
 */
#include "engine/btf/internal.h"

enum { HDR_BYTES = 24, TYPE_BYTES = 12, BTF_MAGIC_SWAPPED = 0x9feb, KIND_FLAG = 1u << 31, TYPE_ALIGN = 4 };

struct btf_hdr {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, type_off, type_len, str_off, str_len;
};
static_assert(sizeof(struct btf_hdr) == HDR_BYTES, "btf.rst section 3.1");

/* What all types have; size is the id of another type for some kinds. */
struct raw_type {
	uint32_t name, info, size;
};

enum pool { NONE, MEMBERS, ENUMERATORS, PARAMS, VARS, N_POOLS };

/* Bytes that follow a type: so many, and so many for each of its elements, which go to a pool. */
static const struct {
	uint8_t fixed, each, pool;
} layout[BTF_N_KINDS] = {
	[BTF_INT] = { 4, 0, NONE },          [BTF_ARRAY] = { 12, 0, NONE },      [BTF_STRUCT] = { 0, 12, MEMBERS },
	[BTF_UNION] = { 0, 12, MEMBERS },    [BTF_ENUM] = { 0, 8, ENUMERATORS }, [BTF_ENUM64] = { 0, 12, ENUMERATORS },
	[BTF_FUNC_PROTO] = { 0, 8, PARAMS }, [BTF_DATASEC] = { 0, 12, VARS },    [BTF_VAR] = { 4, 0, NONE },
	[BTF_DECL_TAG] = { 4, 0, NONE },
};

struct reader {
	struct btf b;
	struct view types, strings; /* the two areas */
	uint32_t off;               /* where it begins in the bytes */
	uint32_t id;                /* of the first type in it: 1 without a base, void has no bytes */
	struct arena *a;
	struct diag *d;
	struct btf_type *out;
	uint32_t *offs; /* by own type, its place in the type area */
	size_t n[N_POOLS];
	uint64_t name_bytes;
	struct btf_member *members;
	struct btf_enumerator *enumerators;
	struct btf_param *params;
	struct btf_var *vars;
};

static void at(const struct reader *r, uint64_t off)
{
	if (r->d)
		r->d->offset = off;
}

static uint32_t raw_kind(const struct raw_type *t)
{
	return t->info >> 24 & 0x1f;
}

static uint32_t raw_vlen(const struct raw_type *t)
{
	return t->info & 0xffff;
}

static FALLIBLE read_header(struct reader *r, struct view bytes, struct btf_hdr *h)
{
	at(r, 0);
	if (bytes.len > BTF_MAX_BYTES)
		FAIL_ID(r->d, LIMIT, 'U', 106, "%zu bytes of BTF, at most %d are read", bytes.len, BTF_MAX_BYTES);
	if (VIEW_READ(bytes, 0, h) != E_OK)
		FAIL_ID(r->d, TRUNCATED, 'U', 101, "BTF is shorter than its header");
	if (h->magic == BTF_MAGIC_SWAPPED)
		FAIL_ID(r->d, UNSUPPORTED, 'U', 103, "this BTF is of a big-endian machine");
	if (h->magic != BTF_MAGIC)
		FAIL_ID(r->d, FORMAT, 'U', 102, "this is no BTF: it begins with 0x%04x", h->magic);
	if (h->version != 1 || h->flags)
		FAIL_ID(r->d, UNSUPPORTED, 'U', 103, "BTF of version %u with flags 0x%x, known is version 1",
			h->version, h->flags);
	if (h->hdr_len < HDR_BYTES || (h->hdr_len + (uint64_t)h->type_off) % TYPE_ALIGN ||
	    !view_sub(bytes, (uint64_t)h->hdr_len + h->type_off, h->type_len, &r->types) ||
	    !view_sub(bytes, (uint64_t)h->hdr_len + h->str_off, h->str_len, &r->strings))
		FAIL_ID(r->d, FORMAT, 'U', 104, "the header of BTF names parts that are not there");
	r->off = h->hdr_len + h->type_off;
	return E_OK;
}

/* Only split BTF may have no strings of its own, and begin them without the empty one. */
static FALLIBLE take_strings(struct reader *r, const struct btf_hdr *h)
{
	struct view s = r->strings;

	at(r, (uint64_t)h->hdr_len + h->str_off);
	if ((!s.len && !r->b.base) || (s.len && s.p[s.len - 1]) || (s.len && !r->b.base && s.p[0]))
		FAIL_ID(r->d, FORMAT, 'U', 105, "the strings of BTF do not begin and end with a NUL");
	r->b.strings = (const char *)s.p;
	r->b.n_strings = r->b.strings_first + (uint32_t)s.len;
	return E_OK;
}

/* Count types and what belongs to them. */
static FALLIBLE count(struct reader *r, uint32_t *n)
{
	uint64_t size, off = 0;
	struct raw_type t;

	for (*n = 0; off < r->types.len; off += size, ++*n) {
		uint32_t kind;

		at(r, r->off + off);
		if (VIEW_READ(r->types, off, &t) != E_OK)
			FAIL_ID(r->d, TRUNCATED, 'U', 101, "type %u is cut off", r->id + *n);
		kind = raw_kind(&t);
		if (kind == BTF_VOID || kind >= BTF_N_KINDS)
			FAIL_ID(r->d, FORMAT, 'U', 107, "type %u is of unknown kind %u", r->id + *n, kind);
		size = TYPE_BYTES + layout[kind].fixed + (uint64_t)layout[kind].each * raw_vlen(&t);
		if (!view_has(r->types, off, size))
			FAIL_ID(r->d, TRUNCATED, 'U', 101, "type %u is cut off", r->id + *n);
		if (r->id + *n == BTF_MAX_TYPES)
			FAIL_ID(r->d, LIMIT, 'U', 106, "more than %d types", BTF_MAX_TYPES);
		r->n[layout[kind].pool] += raw_vlen(&t);
	}
	return E_OK;
}

static FALLIBLE make_room(struct reader *r, uint32_t n)
{
	r->out = ARENA_ARRAY(r->a, struct btf_type, n);
	r->offs = ARENA_ARRAY(r->a, uint32_t, n);
	r->members = ARENA_ARRAY(r->a, struct btf_member, r->n[MEMBERS]);
	r->enumerators = ARENA_ARRAY(r->a, struct btf_enumerator, r->n[ENUMERATORS]);
	r->params = ARENA_ARRAY(r->a, struct btf_param, r->n[PARAMS]);
	r->vars = ARENA_ARRAY(r->a, struct btf_var, r->n[VARS]);
	r->b.types = r->out;
	return r->out && r->offs && r->members && r->enumerators && r->params && r->vars ? E_OK : E_NOMEM;
}

/* A name that is short enough to be hashed, compared and printed. */
static FALLIBLE name_at(const struct reader *r, uint32_t off, size_t max, const char **out)
{
	*out = btf_string(&r->b, off);
	if (!*out)
		FAIL_ID(r->d, FORMAT, 'U', 108, "a name at byte %u of the strings, which has %u", off, r->b.n_strings);
	if (strnlen(*out, max + 1) > max)
		FAIL_ID(r->d, LIMIT, 'U', 106, "a name of more than %d bytes", BTF_MAX_NAME);
	return E_OK;
}

static uint32_t word(const uint8_t *p, size_t i)
{
	uint32_t w;

	memcpy(&w, p + i * sizeof w, sizeof w);
	return w;
}

static FALLIBLE take_members(struct reader *r, const uint8_t *p, struct btf_type *t)
{
	t->members = r->members;
	for (uint32_t i = 0; i < t->n; i++, p += 12) {
		struct btf_member *m = r->members++;
		uint32_t off = word(p, 2);

		TRY(name_at(r, word(p, 0), BTF_MAX_NAME, &m->name));
		m->type = word(p, 1);
		m->bit_off = t->flag ? off & 0xffffff : off;
		m->bit_size = t->flag ? off >> 24 : 0;
	}
	return E_OK;
}

static FALLIBLE take_enumerators(struct reader *r, const uint8_t *p, struct btf_type *t)
{
	t->enumerators = r->enumerators;
	for (uint32_t i = 0; i < t->n; i++, p += layout[t->kind].each) {
		struct btf_enumerator *e = r->enumerators++;
		uint32_t low = word(p, 1);

		TRY(name_at(r, word(p, 0), BTF_MAX_NAME, &e->name));
		if (t->kind == BTF_ENUM64)
			e->value = low | (uint64_t)word(p, 2) << 32;
		else
			e->value = t->flag ? (uint64_t)(int32_t)low : low;
	}
	return E_OK;
}

static FALLIBLE take_params(struct reader *r, const uint8_t *p, struct btf_type *t)
{
	t->params = r->params;
	for (uint32_t i = 0; i < t->n; i++, p += 8) {
		struct btf_param *m = r->params++;

		TRY(name_at(r, word(p, 0), BTF_MAX_NAME, &m->name));
		m->type = word(p, 1);
	}
	return E_OK;
}

static void take_vars(struct reader *r, const uint8_t *p, struct btf_type *t)
{
	t->vars = r->vars;
	for (uint32_t i = 0; i < t->n; i++, p += 12)
		*r->vars++ = (struct btf_var){ word(p, 0), word(p, 1), word(p, 2) };
}

static void take_int(const uint8_t *p, struct btf_type *t)
{
	uint32_t w = word(p, 0);

	t->int_enc = w >> 24 & 0xf;
	t->int_off = w >> 16 & 0xff;
	t->int_bits = w & 0xff;
}

/* What follows the 12 bytes of a type. */
static FALLIBLE take_rest(struct reader *r, const uint8_t *p, struct btf_type *t)
{
	if (layout[t->kind].pool == MEMBERS)
		return take_members(r, p, t);
	if (layout[t->kind].pool == ENUMERATORS)
		return take_enumerators(r, p, t);
	if (layout[t->kind].pool == PARAMS)
		return take_params(r, p, t);
	if (layout[t->kind].pool == VARS)
		take_vars(r, p, t);
	else if (t->kind == BTF_INT)
		take_int(p, t);
	else if (t->kind == BTF_VAR)
		t->n = word(p, 0);
	else if (t->kind == BTF_DECL_TAG)
		t->component = (int32_t)word(p, 0);
	else if (t->kind == BTF_ARRAY)
		t->type = word(p, 0), t->index_type = word(p, 1), t->n = word(p, 2);
	return E_OK;
}

static bool has_size(uint32_t kind)
{
	return kind == BTF_INT || kind == BTF_FLOAT || kind == BTF_STRUCT || kind == BTF_UNION || kind == BTF_ENUM ||
	       kind == BTF_ENUM64 || kind == BTF_DATASEC;
}

/* Many types may share the bytes of a long name: what the index will read is counted. */
static FALLIBLE count_name(struct reader *r, const struct btf_type *t)
{
	if (t->kind == BTF_DECL_TAG)
		return E_OK;
	r->name_bytes += strlen(t->name);
	if (r->name_bytes > BTF_MAX_NAMES)
		FAIL_ID(r->d, LIMIT, 'U', 106, "the names of types have more than %d bytes together", BTF_MAX_NAMES);
	return E_OK;
}

static FALLIBLE take_type(struct reader *r, const uint8_t *p, struct btf_type *t)
{
	struct raw_type raw;

	memcpy(&raw, p, sizeof raw);
	t->kind = (uint8_t)raw_kind(&raw);
	t->flag = raw.info & KIND_FLAG;
	t->n = raw_vlen(&raw);
	if (has_size(t->kind))
		t->size = raw.size;
	else if (t->kind != BTF_FWD && t->kind != BTF_ARRAY)
		t->type = raw.size;
	TRY(name_at(r, raw.name, t->kind == BTF_DECL_TAG ? BTF_MAX_BYTES : BTF_MAX_NAME, &t->name));
	TRY(count_name(r, t));
	return take_rest(r, p + TYPE_BYTES, t);
}

static FALLIBLE take_types(struct reader *r)
{
	uint32_t off = 0, i = r->id - r->b.first;

	r->out[0].name = ""; /* void's, without a base */
	for (; off < r->types.len; i++) {
		struct btf_type *t = &r->out[i];
		uint32_t kind;

		at(r, r->off + (uint64_t)off);
		r->offs[i] = off;
		TRY(take_type(r, r->types.p + off, t));
		kind = t->kind;
		off += TYPE_BYTES + layout[kind].fixed + layout[kind].each * (layout[kind].pool ? t->n : 0);
	}
	return E_OK;
}

/* As libbpf finds it: how long "long" is. An object of another language has none, and is of 64 bits. */
static uint32_t pointer_bytes(const struct btf *b)
{
	static const char *const names[] = { "long int",         "long unsigned int", "long",
					     "unsigned long",    "long signed int",   "signed long",
					     "unsigned long int" };

	if (b->base)
		return b->base->ptr_bytes;
	for (size_t i = 0; i < countof(names); i++) {
		uint32_t id = btf_find(b, BTF_INT, names[i], 0);

		if (id && (btf_get(b, id)->size == 4 || btf_get(b, id)->size == 8))
			return btf_get(b, id)->size;
	}
	return 8;
}

FALLIBLE btf_read(struct view bytes, const struct btf *base, struct arena *a, struct btf *out, struct diag *d)
{
	struct reader r = { .a = a, .d = d };
	struct btf_hdr h;
	uint32_t n;

	r.b.base = base;
	r.b.first = base ? base->n_types : 0;
	r.b.strings_first = base ? base->n_strings : 0;
	TRY(read_header(&r, bytes, &h));
	TRY(take_strings(&r, &h));
	r.id = base ? base->n_types : 1;
	TRY(count(&r, &n));
	r.b.n_types = r.id + n;
	TRY(make_room(&r, r.b.n_types - r.b.first + 1));
	TRY(take_types(&r));
	TRY(btf_check(&r.b, r.off, r.offs, d));
	TRY(btf_index(&r.b, a));
	r.b.ptr_bytes = pointer_bytes(&r.b);
	at(&r, DIAG_NONE);
	*out = r.b;
	return E_OK;
}
