/* SPDX-License-Identifier: Apache-2.0 */
/*
 * btf: the type section, walked once to find where each type begins; everything else is looked up on demand.
 * Layout: kernel Documentation/bpf/btf.rst, v6.12, sections 2 and 3.
 */
#include "engine/obj/internal.h"

enum { BTF_MAGIC = 0xeb9f, BTF_HDR_BYTES = 24, TYPE_BYTES = 12, MAX_CHAIN = 32 };

struct btf_hdr {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, type_off, type_len, str_off, str_len;
};
static_assert(sizeof(struct btf_hdr) == BTF_HDR_BYTES, "btf.rst section 3.1");

/* Bytes that follow the common 12, and how many of them there are for each of vlen elements. */
static const struct {
	uint8_t fixed, each;
} extra[BTF_N_KINDS] = {
	[BTF_INT] = { 4, 0 },      [BTF_ARRAY] = { 12, 0 },     [BTF_STRUCT] = { 0, 12 }, [BTF_UNION] = { 0, 12 },
	[BTF_ENUM] = { 0, 8 },     [BTF_FUNC_PROTO] = { 0, 8 }, [BTF_VAR] = { 4, 0 },     [BTF_DATASEC] = { 0, 12 },
	[BTF_DECL_TAG] = { 4, 0 }, [BTF_ENUM64] = { 0, 12 },
};

/* The type at byte off of the type area; false when it is not all there or of an unknown kind. */
static bool type_at(const struct btf *b, uint64_t off, struct btf_type *out)
{
	uint32_t raw[3], kind, vlen;

	if (VIEW_READ(b->types, off, &raw) != E_OK)
		return false;
	kind = raw[1] >> 24 & 0x1f;
	vlen = raw[1] & 0xffff;
	if (kind == BTF_VOID || kind >= BTF_N_KINDS)
		return false;
	*out = (struct btf_type){ .name = raw[0], .kind = kind, .vlen = vlen, .size = raw[2] };
	return view_sub(b->types, off + TYPE_BYTES, extra[kind].fixed + (uint64_t)extra[kind].each * vlen, &out->rest);
}

static FALLIBLE walk_types(struct btf *b)
{
	struct btf_type t;
	uint64_t off = 0;

	b->type_off = ARENA_ARRAY(b->e->a, uint32_t, b->types.len / TYPE_BYTES);
	if (!b->type_off)
		return E_NOMEM;
	while (off < b->types.len) {
		elf_at(b->e, (uint64_t)(b->types.p - b->e->file.p) + off);
		if (!type_at(b, off, &t))
			FAIL_ID(b->e->d, FORMAT, 'E', 242, ".BTF type %u is cut off or of an unknown kind",
				b->n_types + 1);
		b->type_off[b->n_types++] = (uint32_t)off;
		off += TYPE_BYTES + t.rest.len;
	}
	return E_OK;
}

FALLIBLE btf_read(struct elf *e, const struct elf_section *s, struct btf *out)
{
	struct btf b = { .e = e, .off = s->off };
	struct btf_hdr h;

	elf_at(e, s->off);
	if (VIEW_READ(s->data, 0, &h) != E_OK)
		FAIL_ID(e->d, TRUNCATED, 'E', 240, ".BTF is shorter than its header");
	if (h.magic != BTF_MAGIC || h.version != 1 || h.hdr_len < BTF_HDR_BYTES ||
	    !view_sub(s->data, (uint64_t)h.hdr_len + h.type_off, h.type_len, &b.types) ||
	    !view_sub(s->data, (uint64_t)h.hdr_len + h.str_off, h.str_len, &b.strings))
		FAIL_ID(e->d, FORMAT, 'E', 241, ".BTF has a header that makes no sense");
	if (!b.strings.len || b.strings.p[0] || b.strings.p[b.strings.len - 1])
		FAIL_ID(e->d, FORMAT, 'E', 241, "the strings of .BTF do not begin and end with a NUL");
	TRY(walk_types(&b));
	elf_at(e, DIAG_NONE);
	*out = b;
	return E_OK;
}

const char *btf_str(const struct btf *b, uint32_t off)
{
	return off < b->strings.len ? (const char *)b->strings.p + off : NULL;
}

bool btf_type(const struct btf *b, uint32_t id, struct btf_type *out)
{
	return id && id <= b->n_types && type_at(b, b->type_off[id - 1], out);
}

static bool is_wrapper(uint32_t kind)
{
	return kind == BTF_TYPEDEF || kind == BTF_VOLATILE || kind == BTF_CONST || kind == BTF_RESTRICT ||
	       kind == BTF_TYPE_TAG;
}

bool btf_strip(const struct btf *b, uint32_t id, struct btf_type *out)
{
	for (int depth = 0; depth < MAX_CHAIN; depth++) {
		if (!btf_type(b, id, out))
			return false;
		if (!is_wrapper(out->kind))
			return true;
		id = out->size;
	}
	return false;
}

FALLIBLE btf_size(const struct btf *b, uint32_t id, uint32_t *out)
{
	uint32_t dims[3];
	struct btf_type t;
	uint64_t n = 1;

	for (int depth = 0; depth < MAX_CHAIN && btf_strip(b, id, &t); depth++) {
		switch (t.kind) {
		case BTF_INT:
		case BTF_STRUCT:
		case BTF_UNION:
		case BTF_ENUM:
		case BTF_ENUM64:
		case BTF_FLOAT:
		case BTF_PTR:
			n *= t.kind == BTF_PTR ? 8 : t.size;
			if (n > UINT32_MAX)
				return E_FORMAT;
			*out = (uint32_t)n;
			return E_OK;
		case BTF_ARRAY: /* element type, index type, number of elements */
			TRY(VIEW_READ(t.rest, 0, &dims));
			n *= dims[2];
			if (n > UINT32_MAX)
				return E_FORMAT;
			id = dims[0];
			break;
		default:
			return E_FORMAT;
		}
	}
	return E_FORMAT;
}
