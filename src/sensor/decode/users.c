/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users: ids to names, from the text of a passwd file (passwd(5): name:password:uid:gid:comment:home:shell) or a group
 * file (group(5): name:password:gid:members).
 *
 * The text is not trusted to be well formed: a line that is not a user is skipped, what is past USERS_MAX lines or
 * USERS_BYTES is not read. Of several names for one id the first counts, as for getpwuid(3).
 */
#include "sensor/decode/parts.h"

enum { USERS_MAX = 65536, USERS_BYTES = 8 << 20, USERS_NAME = 256 };

struct users {
	struct user *list;
	size_t n;
	char *text;
};

static bool parse_uid(const char *s, size_t len, uint32_t *out)
{
	uint64_t v = 0;

	if (!len || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	*out = (uint32_t)v;
	return v <= UINT32_MAX;
}

/* The text up to the next colon, or the end; *line moves past it. */
static struct helper_str next_part(struct helper_str *line)
{
	const char *colon = line->len ? memchr(line->p, ':', line->len) : NULL;
	struct helper_str part = { line->p, colon ? (uint32_t)(colon - line->p) : line->len };
	uint32_t used = part.len + (colon != NULL);

	*line = (struct helper_str){ line->p + used, line->len - used };
	return part;
}

static bool plain(struct helper_str s)
{
	return s.len <= USERS_NAME && !(s.len && memchr(s.p, 0, s.len));
}

static bool parse_line(const char *text, size_t len, struct user *out)
{
	struct helper_str line = { text, (uint32_t)len }, name = next_part(&line), id;

	(void)next_part(&line); /* password */
	id = next_part(&line);
	if (id.p + id.len == text + len) /* no colon after it: not whole */
		return false;
	if (!name.len || !plain(name) || !parse_uid(id.p, id.len, &out->id))
		return false;
	out->name = name;
	(void)next_part(&line); /* gid, or members */
	(void)next_part(&line); /* comment */
	out->home = next_part(&line);
	out->shell = next_part(&line);
	if (!plain(out->home) || !plain(out->shell))
		out->home = out->shell = (struct helper_str){ "", 0 };
	return true;
}

static int by_uid(const void *pa, const void *pb)
{
	const struct user *a = pa, *b = pb;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static FALLIBLE parse(struct users *u, size_t len)
{
	size_t lines = 1;

	for (size_t i = 0; i < len && lines < USERS_MAX; i++)
		lines += u->text[i] == '\n';
	u->list = calloc(lines, sizeof *u->list);
	if (!u->list)
		return E_NOMEM;
	for (size_t at = 0, n; at < len && u->n < lines; at += n + 1) {
		const char *nl = memchr(u->text + at, '\n', len - at);

		n = nl ? (size_t)(nl - u->text) - at : len - at;
		u->list[u->n].order = (uint32_t)u->n;
		u->n += parse_line(u->text + at, n, &u->list[u->n]);
	}
	if (u->n)
		qsort(u->list, u->n, sizeof *u->list, by_uid);
	return E_OK;
}

FALLIBLE users_new(const char *text, size_t len, struct users **out)
{
	struct users *u = calloc(1, sizeof *u);

	if (len > USERS_BYTES)
		len = USERS_BYTES;
	if (u)
		u->text = malloc(len + 1);
	if (!u || !u->text) {
		users_free(u);
		return E_NOMEM;
	}
	if (len)
		memcpy(u->text, text, len);
	if (parse(u, len)) {
		users_free(u);
		return E_NOMEM;
	}
	*out = u;
	return E_OK;
}

void users_free(struct users *u)
{
	if (!u)
		return;
	free(u->list);
	free(u->text);
	free(u);
}

const struct user *users_find(const struct users *u, uint32_t id)
{
	size_t lo = 0, hi = u ? u->n : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (u->list[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return u && lo < u->n && u->list[lo].id == id ? &u->list[lo] : NULL;
}
