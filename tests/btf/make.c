/* SPDX-License-Identifier: Apache-2.0 */
#include "make.h"

void make_init(struct make *m, const struct btf *base)
{
	*m = (struct make){ .next_id = base ? base->n_types : 1, .strings_first = base ? base->n_strings : 0 };
	buf_init(&m->types, MAKE_MAX_BYTES);
	buf_init(&m->strings, MAKE_MAX_BYTES);
	if (!base)
		buf_putc(&m->strings, 0);
}

void make_done(struct make *m)
{
	buf_done(&m->types);
	buf_done(&m->strings);
}

static void put_word(struct buf *b, uint32_t w)
{
	buf_put(b, &w, sizeof w);
}

uint32_t make_string(struct make *m, const char *s)
{
	uint32_t off = m->strings_first + (uint32_t)m->strings.len;

	if (!s[0])
		return 0;
	buf_put(&m->strings, s, strlen(s) + 1);
	return off;
}

uint32_t make_type(struct make *m, const char *name, enum btf_kind kind, uint32_t n, uint32_t size_or_type,
		   const uint32_t *words, size_t n_words)
{
	put_word(&m->types, make_string(m, name));
	put_word(&m->types, (uint32_t)kind << 24 | (n & 0xffff) | (n & MAKE_FLAG ? 1u << 31 : 0));
	put_word(&m->types, size_or_type);
	for (size_t i = 0; i < n_words; i++)
		put_word(&m->types, words[i]);
	return m->next_id++;
}

uint32_t make_int(struct make *m, const char *name, uint32_t bytes, uint32_t encoding)
{
	return make_type(m, name, BTF_INT, 0, bytes, (uint32_t[]){ encoding << 24 | bytes * 8 }, 1);
}

uint32_t make_ref(struct make *m, enum btf_kind kind, const char *name, uint32_t type)
{
	return make_type(m, name, kind, 0, type, NULL, 0);
}

uint32_t make_array(struct make *m, uint32_t type, uint32_t n)
{
	return make_type(m, "", BTF_ARRAY, 0, 0, (uint32_t[]){ type, type, n }, 3);
}

uint32_t make_struct(struct make *m, enum btf_kind kind, const char *name, uint32_t bytes,
		     const struct make_member *members, uint32_t n)
{
	uint32_t id, flag = 0;

	for (uint32_t i = 0; i < n; i++)
		flag |= members[i].bits ? MAKE_FLAG : 0;
	id = make_type(m, name, kind, n | flag, bytes, NULL, 0);
	for (uint32_t i = 0; i < n; i++) {
		put_word(&m->types, make_string(m, members[i].name));
		put_word(&m->types, members[i].type);
		put_word(&m->types, members[i].bit_off | members[i].bits << 24);
	}
	return id;
}

uint32_t make_enum(struct make *m, enum btf_kind kind, const char *name, bool is_signed,
		   const struct make_value *values, uint32_t n)
{
	uint32_t id = make_type(m, name, kind, n | (is_signed ? MAKE_FLAG : 0), kind == BTF_ENUM64 ? 8 : 4, NULL, 0);

	for (uint32_t i = 0; i < n; i++) {
		put_word(&m->types, make_string(m, values[i].name));
		put_word(&m->types, (uint32_t)values[i].value);
		if (kind == BTF_ENUM64)
			put_word(&m->types, (uint32_t)(values[i].value >> 32));
	}
	return id;
}

void make_write(const struct make *m, struct buf *out)
{
	const uint32_t hdr[] = {
		0x01eb9f, MAKE_HDR_BYTES, 0, (uint32_t)m->types.len, (uint32_t)m->types.len, (uint32_t)m->strings.len
	};

	buf_init(out, 2 * MAKE_MAX_BYTES);
	buf_put(out, hdr, sizeof hdr);
	buf_put(out, m->types.p, m->types.len);
	buf_put(out, m->strings.p, m->strings.len);
}

enum err make_read(const struct make *m, const struct btf *base, struct arena *a, struct btf *out, struct diag *d)
{
	struct buf b;
	uint8_t *copy;
	enum err err;

	make_write(m, &b);
	copy = arena_alloc(a, b.len);
	assert(copy);
	memcpy(copy, b.p, b.len);
	diag_init(d);
	err = btf_read(view_of(copy, b.len), base, a, out, d);
	buf_done(&b);
	return err;
}
