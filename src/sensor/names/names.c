/* SPDX-License-Identifier: Apache-2.0 */
/* names: the table, an array sorted by address that is made new as a whole. */
#include "sensor/names/names.h"

#include <strings.h>

struct group {
	uint8_t addr_len;
	uint8_t addr[16];
	uint32_t first, n; /* in strs */
};

struct names {
	char **wanted; /* sorted without regard to case, then by bytes; each once */
	uint32_t n_wanted;
	struct group *groups; /* sorted by address */
	uint32_t n_groups, n_strs;
	struct helper_str *strs;
	char *text; /* what they point at */
};

static bool is_label(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';

		if (!word && (c != '-' || i == 0 || i == len - 1))
			return false;
	}
	return len >= 1 && len <= 63;
}

bool names_is_name(const char *s, size_t len)
{
	bool letter = false;

	if (len && s[len - 1] == '.')
		len--;
	if (!len || len > NAMES_MAX_BYTES)
		return false;
	for (size_t i = 0; i < len; i++)
		letter = letter || (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z');
	for (;;) {
		const char *dot = memchr(s, '.', len);
		size_t n = dot ? (size_t)(dot - s) : len;

		if (!is_label(s, n))
			return false;
		if (!dot)
			return letter;
		s += n + 1;
		len -= n + 1;
	}
}

FALLIBLE names_new(struct names **out)
{
	*out = calloc(1, sizeof **out);
	return *out ? E_OK : E_NOMEM;
}

static void free_wanted(char **wanted, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(wanted[i]);
	free(wanted);
}

void names_free(struct names *n)
{
	if (!n)
		return;
	free_wanted(n->wanted, n->n_wanted);
	free(n->groups);
	free(n->strs);
	free(n->text);
	free(n);
}

/* Bytes of a name that count: all but the final dot. */
static size_t bare(const char *s, size_t len)
{
	return len && s[len - 1] == '.' ? len - 1 : len;
}

/* Order of names as DNS sees them: 0 for the same name. */
static int compare_names(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t n;
	int c;

	a_len = bare(a, a_len);
	b_len = bare(b, b_len);
	n = a_len < b_len ? a_len : b_len;
	c = strncasecmp(a, b, n);
	return c ? c : (a_len > b_len) - (a_len < b_len);
}

static int by_name(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	int c = compare_names(x, strlen(x), y, strlen(y));

	return c ? c : strcmp(x, y);
}

FALLIBLE names_want(struct names *n, const char *const *wanted, uint32_t n_wanted)
{
	char **list;
	uint32_t have = 0, kept = 0;

	if (n_wanted > NAMES_MAX)
		return E_LIMIT;
	list = calloc(n_wanted + 1, sizeof *list);
	if (!list)
		return E_NOMEM;
	for (uint32_t i = 0; i < n_wanted; i++) {
		if (!names_is_name(wanted[i], strlen(wanted[i])))
			continue;
		list[have] = strdup(wanted[i]);
		if (!list[have]) {
			free_wanted(list, have);
			return E_NOMEM;
		}
		have++;
	}
	qsort(list, have, sizeof *list, by_name);
	for (uint32_t i = 0; i < have; i++) {
		if (kept && !strcmp(list[kept - 1], list[i]))
			free(list[i]);
		else
			list[kept++] = list[i];
	}
	free_wanted(n->wanted, n->n_wanted);
	n->wanted = list;
	n->n_wanted = kept;
	return E_OK;
}

uint32_t names_n_wanted(const struct names *n)
{
	return n->n_wanted;
}

const char *names_wanted(const struct names *n, uint32_t i)
{
	return n->wanted[i];
}

/* The first wanted spelling of this name, or n_wanted. */
static uint32_t first_wanted(const struct names *n, const char *name, size_t len)
{
	uint32_t lo = 0, hi = n->n_wanted;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (compare_names(n->wanted[mid], strlen(n->wanted[mid]), name, len) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool is_spelling(const struct names *n, uint32_t i, const struct names_pair *p)
{
	return i < n->n_wanted && !compare_names(n->wanted[i], strlen(n->wanted[i]), p->name, p->name_len);
}

/* One row of the table while it is made. */
struct row {
	uint8_t addr_len;
	uint8_t addr[16];
	uint32_t name; /* index in wanted */
};

static int compare_addrs(const uint8_t *a, uint8_t a_len, const uint8_t *b, uint8_t b_len)
{
	return a_len != b_len ? a_len - b_len : memcmp(a, b, a_len);
}

static int by_addr(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = compare_addrs(x->addr, x->addr_len, y->addr, y->addr_len);

	return c ? c : (x->name > y->name) - (x->name < y->name);
}

/* An IPv4 address in IPv6 (RFC 4291 section 2.5.5.2) is the IPv4 address. */
static uint8_t plain_addr(const uint8_t **addr, uint8_t len)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (len == 16 && !memcmp(*addr, mapped, sizeof mapped)) {
		*addr += sizeof mapped;
		return 4;
	}
	return len;
}

/* rows has room for every spelling of every pair, at most NAMES_MAX_PAIRS. */
static FALLIBLE collect(const struct names *n, const struct names_pair *pairs, uint32_t n_pairs, struct row *rows,
			uint32_t *out)
{
	uint32_t have = 0, kept = 0;

	for (uint32_t i = 0; i < n_pairs; i++) {
		const uint8_t *addr = pairs[i].addr;
		uint8_t len = pairs[i].addr_len;

		if (len != 4 && len != 16)
			return E_INVALID;
		len = plain_addr(&addr, len);
		for (uint32_t w = first_wanted(n, pairs[i].name, pairs[i].name_len); is_spelling(n, w, &pairs[i]);
		     w++) {
			if (have == NAMES_MAX_PAIRS)
				return E_LIMIT;
			rows[have] = (struct row){ .addr_len = len, .name = w };
			memcpy(rows[have++].addr, addr, len);
		}
	}
	qsort(rows, have, sizeof *rows, by_addr);
	for (uint32_t i = 0; i < have; i++)
		if (!kept || by_addr(&rows[kept - 1], &rows[i]))
			rows[kept++] = rows[i];
	*out = kept;
	return E_OK;
}

/* The table of these rows. The names are copied: names_want may come between two batches. */
static FALLIBLE build(const struct names *n, const struct row *rows, uint32_t n_rows, struct names *out)
{
	size_t bytes = 0, at = 0;

	for (uint32_t i = 0; i < n_rows; i++)
		bytes += strlen(n->wanted[rows[i].name]);
	out->groups = calloc(n_rows + 1, sizeof *out->groups);
	out->strs = calloc(n_rows + 1, sizeof *out->strs);
	out->text = malloc(bytes + 1);
	if (!out->groups || !out->strs || !out->text)
		return E_NOMEM;
	for (uint32_t i = 0; i < n_rows; i++) {
		const char *name = n->wanted[rows[i].name];
		size_t len = strlen(name);
		struct group *g = out->n_groups ? &out->groups[out->n_groups - 1] : NULL;

		memcpy(out->text + at, name, len);
		out->strs[i] = (struct helper_str){ .p = out->text + at, .len = (uint32_t)len };
		at += len;
		if (!g || compare_addrs(g->addr, g->addr_len, rows[i].addr, rows[i].addr_len)) {
			g = &out->groups[out->n_groups++];
			*g = (struct group){ .addr_len = rows[i].addr_len, .first = i };
			memcpy(g->addr, rows[i].addr, sizeof g->addr);
		}
		g->n++;
	}
	out->n_strs = n_rows;
	return E_OK;
}

static void swap_tables(struct names *n, struct names *fresh)
{
	struct names old = *n;

	n->groups = fresh->groups;
	n->n_groups = fresh->n_groups;
	n->strs = fresh->strs;
	n->n_strs = fresh->n_strs;
	n->text = fresh->text;
	fresh->groups = old.groups;
	fresh->strs = old.strs;
	fresh->text = old.text;
}

FALLIBLE names_set(struct names *n, const struct names_pair *pairs, uint32_t n_pairs)
{
	AUTO_FREE struct row *rows = NULL;
	struct names fresh = { 0 };
	uint32_t n_rows = 0;
	enum err err;

	if (n_pairs > NAMES_MAX_PAIRS)
		return E_LIMIT;
	rows = calloc(NAMES_MAX_PAIRS, sizeof *rows);
	if (!rows)
		return E_NOMEM;
	err = collect(n, pairs, n_pairs, rows, &n_rows);
	if (err == E_OK)
		err = build(n, rows, n_rows, &fresh);
	if (err == E_OK)
		swap_tables(n, &fresh);
	free(fresh.groups);
	free(fresh.strs);
	free(fresh.text);
	return err;
}

uint32_t names_count(const struct names *n)
{
	return n->n_strs;
}

uint32_t names_find(const struct names *n, const void *addr, uint32_t addr_len, const struct helper_str **out)
{
	const uint8_t *bytes = addr;
	uint32_t lo = 0, hi = n->n_groups;
	uint8_t len;

	if (addr_len != 4 && addr_len != 16)
		return 0;
	len = plain_addr(&bytes, (uint8_t)addr_len);
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct group *g = &n->groups[mid];
		int c = compare_addrs(g->addr, g->addr_len, bytes, len);

		if (!c) {
			*out = n->strs + g->first;
			return g->n;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}
