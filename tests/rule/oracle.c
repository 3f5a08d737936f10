/* SPDX-License-Identifier: Apache-2.0 */
/* oracle: the meaning of conditions by libc. */
#include <arpa/inet.h>
#include <ctype.h>
#include <fnmatch.h>
#include <regex.h>

#include "oracle.h"

#include "content/rule/internal.h"

static int order(const char *a, size_t n, const char *b, size_t m)
{
	int c = memcmp(a, b, n < m ? n : m);

	return c ? c : n < m ? -1 : n > m;
}

static bool fold_contains(const char *s, const char *part)
{
	return strcasestr(s, part) != NULL;
}

/* Every component of the pattern matches the path's component at the same place. */
static bool path_covers(const char *path, const char *pat)
{
	for (;;) {
		char a[256], b[256];
		size_t n = strcspn(path, "/"), m = strcspn(pat, "/");

		(void)snprintf(a, sizeof a, "%.*s", (int)n, path);
		(void)snprintf(b, sizeof b, "%.*s", (int)m, pat);
		if (fnmatch(b, a, FNM_NOESCAPE))
			return false;
		if (!pat[m])
			return true;
		if (!path[n])
			return false;
		path += n + 1;
		pat += m + 1;
	}
}

static bool regex_matches(const char *s, const char *pat)
{
	char whole[512];
	regex_t r;
	bool yes;

	(void)snprintf(whole, sizeof whole, "^(%s)$", pat);
	if (regcomp(&r, whole, REG_EXTENDED | REG_NOSUB))
		abort();
	yes = !regexec(&r, s, 0, NULL, 0);
	regfree(&r);
	return yes;
}

static bool one_string(enum rule_op op, const char *s, size_t n, const struct rule_value *v)
{
	switch (op) {
	case OP_EQ:
	case OP_IN:
	case OP_INTERSECTS:
		return n == v->len && !memcmp(s, v->p, n);
	case OP_LT:
		return order(s, n, v->p, v->len) < 0;
	case OP_LE:
		return order(s, n, v->p, v->len) <= 0;
	case OP_GT:
		return order(s, n, v->p, v->len) > 0;
	case OP_GE:
		return order(s, n, v->p, v->len) >= 0;
	case OP_CONTAINS:
		return strstr(s, v->p) != NULL;
	case OP_ICONTAINS:
		return fold_contains(s, v->p);
	case OP_STARTSWITH:
		return n >= v->len && !memcmp(s, v->p, v->len);
	case OP_ENDSWITH:
		return n >= v->len && !memcmp(s + n - v->len, v->p, v->len);
	case OP_GLOB:
		return !fnmatch(v->p, s, 0);
	case OP_IGLOB:
		return !fnmatch(v->p, s, FNM_CASEFOLD);
	case OP_REGEX:
		return regex_matches(s, v->p);
	case OP_PMATCH:
		return path_covers(s, v->p);
	default:
		return false;
	}
}

static bool many_hold(const struct rule_check *k, const char *s, size_t n)
{
	uint32_t hits = 0;

	for (uint32_t i = 0; i < k->n_values; i++)
		hits += k->op == OP_NE ? !one_string(OP_EQ, s, n, &k->values[i])
				       : one_string(k->op, s, n, &k->values[i]);
	return k->n_values && (k->modifier == MOD_ANYOF   ? hits > 0
			       : k->modifier == MOD_ALLOF ? hits == k->n_values
							  : hits == 1);
}

static bool ordered(enum rule_op op, int c)
{
	switch (op) {
	case OP_NE:
		return c != 0;
	case OP_LT:
		return c < 0;
	case OP_LE:
		return c <= 0;
	case OP_GT:
		return c > 0;
	case OP_GE:
		return c >= 0;
	case OP_EXISTS:
		return true;
	default:
		return c == 0;
	}
}

static bool number_holds(const struct rule_check *k, uint8_t type, uint64_t have)
{
	bool any = k->op == OP_EXISTS;

	for (uint32_t i = 0; i < k->n_values; i++) {
		const char *s = k->values[i].p;
		uint64_t want = !strcmp(s, "true")     ? 1
				: !strcmp(s, "false")  ? 0
				: type == TEMPLATE_I64 ? (uint64_t)strtoll(s, NULL, 0)
						       : strtoull(s, NULL, 0);
		int c = type == TEMPLATE_I64 ? ((int64_t)have > (int64_t)want) - ((int64_t)have < (int64_t)want)
					     : (have > want) - (have < want);

		any |= ordered(k->op, c);
	}
	return any;
}

static void transform(const struct rule_check *k, char *s)
{
	if (k->transforms & HELPER_BASENAME && strrchr(s, '/'))
		memmove(s, strrchr(s, '/') + 1, strlen(strrchr(s, '/')));
	for (; *s; s++)
		*s = (char)(k->transforms & HELPER_LOWER   ? tolower((unsigned char)*s)
			    : k->transforms & HELPER_UPPER ? toupper((unsigned char)*s)
							   : *s);
}

/* s is there. */
static bool string_holds(const struct rule_check *k, const char *s, size_t n)
{
	char text[512];

	(void)snprintf(text, sizeof text, "%.*s", (int)n, s);
	transform(k, text);
	n = strlen(text);
	if (k->length)
		return number_holds(k, TEMPLATE_U64, n);
	if (k->op == OP_EXISTS)
		return true;
	if (k->modifier)
		return many_hold(k, text, n);
	if (k->op == OP_NE)
		return !one_string(OP_EQ, text, n, k->values);
	for (uint32_t i = 0; i < k->n_values; i++)
		if (one_string(k->op, text, n, &k->values[i]))
			return true;
	return false;
}

static bool list_holds(const struct rule_check *k, const struct template_field *f, const struct helper_value *v)
{
	if (k->length && k->index < 0)
		return number_holds(k, TEMPLATE_U64, v->len);
	if (k->index >= 0)
		return (uint32_t)k->index < v->len && string_holds(k, v->list[k->index].p, v->list[k->index].len);
	for (uint32_t i = f->type == TEMPLATE_ANCESTRY; i < v->len; i++)
		if (string_holds(k, v->list[i].p, v->list[i].len))
			return true;
	return false;
}

static bool in_net(const struct helper_value *v, const char *text)
{
	char addr[64];
	uint8_t net[16];
	const char *slash = strchr(text, '/');
	bool v6 = strchr(text, ':') != NULL;
	int bits = slash ? (int)strtoul(slash + 1, NULL, 10) : v6 ? 128 : 32;

	(void)snprintf(addr, sizeof addr, "%.*s", (int)strcspn(text, "/"), text);
	if (v->len != (v6 ? 16u : 4u) || inet_pton(v6 ? AF_INET6 : AF_INET, addr, net) != 1)
		return false;
	for (int i = 0; i < bits; i++)
		if (((uint8_t)v->p[i / 8] ^ net[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static bool address_holds(const struct rule_check *k, const struct helper_value *v)
{
	bool any = k->op == OP_EXISTS;

	for (uint32_t i = 0; i < k->n_values; i++)
		any |= in_net(v, k->values[i].p);
	return k->op == OP_NE ? !any : any;
}

static bool check_holds(const struct rule_check *k, const struct event *e)
{
	uint32_t id;
	const struct template_field *f;

	if (!strcmp(k->field, "evt.dir"))
		return string_holds(k, "<", 1);
	f = template_field_find(e->table, e->type, k->field, strlen(k->field), &id);
	if (!f || !event_has(e, id))
		return false;
	switch ((enum template_field_type)f->type) {
	case TEMPLATE_STR:
	case TEMPLATE_BYTES:
		return string_holds(k, e->values[id].p, e->values[id].len);
	case TEMPLATE_LIST:
	case TEMPLATE_ANCESTRY:
	case TEMPLATE_NAMES:
	case TEMPLATE_DICT:
		return list_holds(k, f, &e->values[id]);
	case TEMPLATE_IP:
		return address_holds(k, &e->values[id]);
	case TEMPLATE_BOOL:
	case TEMPLATE_U64:
	case TEMPLATE_I64:
	case TEMPLATE_TIME:
	case TEMPLATE_PORT:
		return number_holds(k, f->type, event_u64(e, id));
	}
	return false;
}

bool oracle_holds(const struct rule_cond *c, const struct event *e)
{
	bool and = true, or = false;

	if (c->kind == COND_CHECK)
		return check_holds(&c->check, e);
	for (uint32_t i = 0; i < c->n; i++) {
		bool kid = oracle_holds(c->kids[i], e);

		and &= kid;
		or |= kid;
	}
	return c->kind == COND_NOT ? !and : c->kind == COND_OR ? or : and;
}
