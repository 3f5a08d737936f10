/* SPDX-License-Identifier: Apache-2.0 */
/* call_types: BTF of functions, made from a word for each. Layout: Documentation/bpf/btf.rst */
#include "calls.h"

#include "engine/btf/btf.h"

enum {
	HEADER_BYTES = 24,
	T_INT = 1,
	T_CTX = 2,
	T_STRUCT = 4,
	T_CTX_PTR = 3,
	T_STRUCT_PTR = 5,
	T_VOID_PTR = 6,
	N_FIXED = 7
};

struct types {
	uint8_t t[2048], s[1024];
	size_t t_len, s_len;
	uint32_t n; /* ids, void included */
};

static void put32(struct types *b, uint32_t v)
{
	assert(b->t_len + 4 <= sizeof b->t && "few functions");
	memcpy(b->t + b->t_len, &v, 4);
	b->t_len += 4;
}

static uint32_t name(struct types *b, const char *s)
{
	uint32_t at = (uint32_t)b->s_len;
	size_t n = strlen(s) + 1;

	assert(b->s_len + n <= sizeof b->s && "few names");
	memcpy(b->s + b->s_len, s, n);
	b->s_len += n;
	return at;
}

/* size: bytes, or the type that it refers to */
static uint32_t type(struct types *b, const char *called, enum btf_kind kind, uint32_t vlen, uint32_t size)
{
	put32(b, *called ? name(b, called) : 0);
	put32(b, (uint32_t)kind << 24 | vlen);
	put32(b, size);
	return b->n++;
}

static uint32_t type_of(char c)
{
	switch (c) {
	case 'i':
		return T_INT;
	case 'c':
		return T_CTX_PTR;
	case 'm':
	case 'n':
		return T_STRUCT_PTR;
	case 'p':
		return T_VOID_PTR;
	case 's':
		return T_STRUCT;
	default:
		return 0;
	}
}

static uint32_t function(struct types *b, const char *word, size_t len, uint32_t i)
{
	char called[16], arg[16];
	uint32_t proto, id, n = (uint32_t)len - 3;

	(void)snprintf(called, sizeof called, "f%u", i);
	proto = type(b, "", BTF_FUNC_PROTO, n, type_of(word[1]));
	for (uint32_t a = 0; a < n; a++) {
		(void)snprintf(arg, sizeof arg, "a%u", a);
		put32(b, name(b, arg));
		put32(b, type_of(word[3 + a]));
	}
	id = type(b, called, BTF_FUNC, word[0] == 'g', proto);
	for (uint32_t a = 0; a < n; a++)
		if (word[3 + a] == 'n') {
			(void)type(b, "arg:nonnull", BTF_DECL_TAG, 0, id);
			put32(b, a);
		}
	return id;
}

static void fixed(struct types *b)
{
	(void)name(b, "");
	(void)type(b, "int", BTF_INT, 0, 4);
	put32(b, 1 << 24 | 32);
	(void)type(b, "xdp_md", BTF_STRUCT, 0, 4);
	(void)type(b, "", BTF_PTR, 0, T_CTX);
	(void)type(b, "eight", BTF_STRUCT, 0, 8);
	(void)type(b, "", BTF_PTR, 0, T_STRUCT);
	(void)type(b, "", BTF_PTR, 0, 0);
	assert(b->n == N_FIXED && "the numbers above");
}

size_t call_types(const char *words, uint8_t out[CALL_TYPES_MAX], uint32_t ids[CALL_MAX_FUNCS], uint32_t *n)
{
	struct types b = { .n = 1 };
	uint32_t head[6] = { 0x0001eb9f, HEADER_BYTES };

	fixed(&b);
	*n = 0;
	for (size_t len; *words; words += len + (words[len] == ' ')) {
		len = strcspn(words, " ");
		ids[*n] = function(&b, words, len, *n);
		(*n)++;
	}
	head[3] = (uint32_t)b.t_len;
	head[4] = head[3];
	head[5] = (uint32_t)b.s_len;
	memcpy(out, head, sizeof head);
	memcpy(out + sizeof head, b.t, b.t_len);
	memcpy(out + sizeof head + b.t_len, b.s, b.s_len);
	return sizeof head + b.t_len + b.s_len;
}
