/* SPDX-License-Identifier: Apache-2.0 */
/* hosts: lines of an address and names, as in hosts(5), from anybody. */
#include "sensor/names/names.h"

#include <arpa/inet.h>

enum id { ID_ADDRESS = 1, ID_NO_NAME, ID_NAME, ID_MANY, ID_BYTES };

const struct names_diag_row names_diags[] = {
	{ ID_ADDRESS, "a line begins with something that is no IPv4 or IPv6 address" },
	{ ID_NO_NAME, "an address without a name" },
	{ ID_NAME, "not a domain name" },
	{ ID_MANY, "too many pairs of a name and an address" },
	{ ID_BYTES, "the text is too long, or holds a NUL byte" },
};
const size_t names_n_diags = countof(names_diags);

struct reader {
	const char *at, *end, *line; /* line: where the current one began */
	const char *file;
	uint32_t number;
	struct arena *a;
	struct names_pair *pairs;
	uint32_t n;
	size_t cap;
	struct diag *d;
};

/* The word that was read last stands at s. */
static void place(const struct reader *r, const char *s, size_t len)
{
	const char *nl = memchr(r->line, '\n', (size_t)(r->end - r->line));

	if (!r->d)
		return;
	r->d->pos = (struct diag_pos){ r->file, r->number, (uint32_t)(s - r->line) + 1, (uint32_t)len };
	r->d->line_text = arena_strndup(r->a, r->line, (size_t)((nl ? nl : r->end) - r->line));
}

#define REFUSE(r, s, len, id, ...)                                                                            \
	do {                                                                                                  \
		enum err refuse_ = diag_fail((r)->d, E_REJECTED, 'N', (id), __FILE__, __LINE__, __VA_ARGS__); \
		place((r), (s), (len));                                                                       \
		return refuse_;                                                                               \
	} while (0)

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of the line; len 0 at its end or at a comment. */
static const char *next_word(struct reader *r, size_t *len)
{
	const char *s;

	while (r->at < r->end && is_space(*r->at))
		r->at++;
	s = r->at;
	while (r->at < r->end && !is_space(*r->at) && *r->at != '\n' && *r->at != '#')
		r->at++;
	*len = (size_t)(r->at - s);
	return s;
}

static FALLIBLE read_address(const struct reader *r, const char *s, size_t len, struct names_pair *out)
{
	char text[INET6_ADDRSTRLEN];

	if (len < sizeof text) {
		memcpy(text, s, len);
		text[len] = 0;
		out->addr_len = inet_pton(AF_INET, text, out->addr) == 1    ? 4
				: inet_pton(AF_INET6, text, out->addr) == 1 ? 16
									    : 0;
	}
	if (!out->addr_len)
		REFUSE(r, s, len, ID_ADDRESS, "'%.*s' is no IPv4 or IPv6 address", (int)(len < 60 ? len : 60), s);
	return E_OK;
}

static FALLIBLE add(struct reader *r, const char *s, size_t len, struct names_pair pair)
{
	if (!names_is_name(s, len))
		REFUSE(r, s, len, ID_NAME, "'%.*s' is no domain name", (int)(len < 60 ? len : 60), s);
	if (r->n == NAMES_MAX_PAIRS)
		REFUSE(r, s, len, ID_MANY, "more than %d pairs of a name and an address", NAMES_MAX_PAIRS);
	r->pairs = arena_grow(r->a, r->pairs, r->n, &r->cap, sizeof *r->pairs);
	if (!r->pairs)
		return E_NOMEM;
	pair.name = s;
	pair.name_len = (uint16_t)len;
	r->pairs[r->n++] = pair;
	return E_OK;
}

static FALLIBLE read_line(struct reader *r)
{
	struct names_pair pair = { 0 };
	size_t len;
	const char *s = next_word(r, &len), *addr = s;
	uint32_t n = 0;

	if (!len)
		return E_OK;
	TRY(read_address(r, s, len, &pair));
	for (; (s = next_word(r, &len), len); n++)
		TRY(add(r, s, len, pair));
	if (!n)
		REFUSE(r, addr, 1, ID_NO_NAME, "an address without a name");
	return E_OK;
}

FALLIBLE names_read_hosts(struct view text, const char *file, struct arena *a, struct names_pair **out, uint32_t *out_n,
			  struct diag *d)
{
	const char *p = (const char *)text.p;
	struct reader r = { .at = p, .end = p + text.len, .line = p, .file = file, .number = 1, .a = a, .d = d };

	if (text.len > NAMES_MAX_TEXT || (text.len && memchr(p, 0, text.len)))
		REFUSE(&r, p, 1, ID_BYTES, "it has more than %d MiB, or holds a NUL byte", NAMES_MAX_TEXT >> 20);
	while (r.at < r.end) {
		const char *nl;

		r.line = r.at;
		TRY(read_line(&r));
		nl = memchr(r.at, '\n', (size_t)(r.end - r.at));
		r.at = nl ? nl + 1 : r.end;
		r.number++;
	}
	*out = r.pairs;
	*out_n = r.n;
	return E_OK;
}
