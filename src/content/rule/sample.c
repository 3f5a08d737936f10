/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample: values that are worth trying for a comparison's fields.
 *
 * By the operator: what it takes as it is, then texts that miss it by a byte at either end or by a letter's case,
 * numbers and addresses beside the one that is meant. Nothing here decides what satisfies the comparison: its program
 * does.
 */
#include <arpa/inet.h>
#include <inttypes.h>

#include "content/rule/sample.h"
#include "engine/helpers/helpers.h"

enum { REGEX_VARIANTS = 4 };

void sample_put(struct sampler *s, const struct rule_sample *one)
{
	struct rule_sample *list;

	if (!one->n || s->err)
		return;
	list = arena_grow(s->a, s->out, s->n, &s->cap, sizeof *list);
	if (!list) {
		s->err = E_NOMEM;
		return;
	}
	s->out = list;
	s->out[s->n++] = *one;
}

bool sample_add(struct sampler *s, struct rule_sample *one, struct rule_sample_value v)
{
	const struct template_field *row = s->rows[v.field];

	if (one->n == RULE_SAMPLE_FIELDS || v.len > RULE_SAMPLE_MAX_BYTES || !v.text)
		return false;
	if (row->type >= TEMPLATE_LIST && v.element != -2 && memchr(v.text, '\n', v.len))
		return false;
	one->v[one->n++] = v;
	return true;
}

/* A value of the comparison's only field, or of what its left side computes. */
static void put_text(struct sampler *s, const char *p, uint32_t len, enum rule_sample_place place)
{
	struct rule_sample one = { .n = 0 };
	struct rule_sample_value v = { .element = -1, .text = p, .len = len, .place = (uint8_t)place };
	bool good;

	if (s->k->left) {
		good = sample_invert(s, s->k->left, v, &one);
	} else {
		v.element = s->k->index;
		if (s->rows[0]->type == TEMPLATE_DICT)
			v.key = s->k->key ? s->k->key : "k";
		good = sample_add(s, &one, v);
	}
	if (good)
		sample_put(s, &one);
}

static void put_printed(struct sampler *s, const char *text)
{
	if (text)
		put_text(s, text, (uint32_t)strlen(text), RULE_SAMPLE_WHOLE);
	else
		s->err = E_NOMEM;
}

/* ---- text ---- */

/* before, the text, after. */
static void put_joined(struct sampler *s, const char *before, const char *p, uint32_t len, const char *after,
		       enum rule_sample_place place)
{
	size_t b = strlen(before), e = strlen(after);
	char *text = arena_alloc(s->a, b + len + e + 1);

	if (!text) {
		s->err = E_NOMEM;
		return;
	}
	memcpy(text, before, b);
	memcpy(text + b, p, len);
	memcpy(text + b + len, after, e);
	put_text(s, text, (uint32_t)(b + len + e), place);
}

/* The first letter in the other case. */
static void put_other_case(struct sampler *s, const char *p, uint32_t len, enum rule_sample_place place)
{
	char *text = arena_strndup(s->a, p, len);
	uint32_t i = 0;

	while (text && i < len && !((text[i] | 32) >= 'a' && (text[i] | 32) <= 'z'))
		i++;
	if (!text)
		s->err = E_NOMEM;
	if (!text || i == len)
		return;
	text[i] ^= 32;
	put_text(s, text, len, place);
}

void sample_text(struct sampler *s, const char *p, uint32_t len, enum rule_sample_place place, bool edges)
{
	put_text(s, p, len, place);
	if (!edges)
		return;
	put_joined(s, "", p, len, "x", place);
	put_joined(s, "x", p, len, "", place);
	put_joined(s, "x", p, len, "x", place);
	put_joined(s, "/" SAMPLE_NEUTRAL "/", p, len, "", place);
	put_joined(s, "", p, len, "/" SAMPLE_NEUTRAL, place);
	if (len) {
		put_text(s, p, len - 1, place);
		put_text(s, p + 1, len - 1, place);
	}
	put_other_case(s, p, len, place);
}

/* A byte of the set at p[*i], just behind its '[', which moves past the ']'. Negated: one that seems not to be there.
 */
static char set_member(const char *p, uint32_t len, uint32_t *i)
{
	static const char classes[][8] = { "digit", "0", "upper", "A", "space", " ", "blank", " ", "punct", "-" };
	bool negated = *i < len && (p[*i] == '!' || p[*i] == '^');
	uint32_t start = *i + negated, end = start + (start < len);
	char member;

	while (end < len && p[end] != ']')
		end++;
	*i = end < len ? end + 1 : len;
	if (negated)
		return memchr(p + start, 'q', end - start) ? '0' : 'q';
	member = start < len ? p[start] : 'x';
	if (member == '\\' && start + 1 < len)
		member = p[start + 1];
	if (member != '[' || p[start + 1] != ':')
		return member;
	*i += *i < len && p[*i] == ']'; /* [[:alpha:]] */
	for (size_t c = 0; c < countof(classes); c += 2)
		if (len - start > 7 && !strncmp(p + start + 2, classes[c], 5))
			return classes[c + 1][0];
	return 'a';
}

/* What the pattern matches: nothing, or `star`, for each '*'. */
static const char *glob_sample(struct sampler *s, const char *p, uint32_t len, const char *star, uint32_t *ret_len)
{
	struct buf b;
	char *text;

	buf_init(&b, RULE_SAMPLE_MAX_BYTES);
	for (uint32_t i = 0; i < len;) {
		char ch = p[i++];

		if (ch == '*')
			buf_puts(&b, star);
		else if (ch == '?')
			buf_putc(&b, 'x');
		else if (ch == '[' && memchr(p + i, ']', len - i))
			buf_putc(&b, set_member(p, len, &i));
		else
			buf_putc(&b, ch == '\\' && i < len ? p[i++] : ch);
	}
	text = b.full ? NULL : arena_strndup(s->a, b.p ? b.p : "", b.len);
	*ret_len = (uint32_t)b.len;
	buf_done(&b);
	return text;
}

/* Where a text stands that an open beginning or end of a pattern goes on from. */
static enum rule_sample_place open_place(bool begins, bool ends)
{
	if (begins && ends)
		return RULE_SAMPLE_INSIDE;
	return ends ? RULE_SAMPLE_BEGIN : begins ? RULE_SAMPLE_END : RULE_SAMPLE_WHOLE;
}

static void globs(struct sampler *s, const struct rule_value *v, bool edges)
{
	static const char *const stars[] = { "", "x", "/" SAMPLE_NEUTRAL "/" };
	enum rule_sample_place place = open_place(v->len && v->p[0] == '*', v->len && v->p[v->len - 1] == '*');

	for (size_t i = 0; i < countof(stars); i++) {
		uint32_t len;
		const char *text = glob_sample(s, v->p, v->len, stars[i], &len);

		if (text)
			sample_text(s, text, len, place, edges && i < 2);
	}
}

static void regexes(struct sampler *s, const struct rule_value *v, bool edges)
{
	bool begins = v->len > 1 && !memcmp(v->p, ".*", 2), ends = v->len > 1 && !memcmp(v->p + v->len - 2, ".*", 2);

	for (uint32_t i = 0; i < REGEX_VARIANTS; i++) {
		struct arena scratch;
		struct buf b;
		enum err err;
		char *text = NULL;

		arena_init(&scratch, REGEX_SCRATCH_BYTES);
		buf_init(&b, RULE_SAMPLE_MAX_BYTES);
		err = helper_regex_sample(v->p, v->len, i, &scratch, &b);
		if (err == E_OK)
			text = arena_strndup(s->a, b.p ? b.p : "", b.len);
		if (text)
			sample_text(s, text, (uint32_t)b.len, open_place(begins, ends), edges && i < 2);
		if (err == E_NOMEM)
			s->err = E_NOMEM;
		buf_done(&b);
		arena_done(&scratch);
	}
}

static void one_value(struct sampler *s, const struct rule_value *v, bool edges)
{
	switch ((enum rule_op)s->k->op) {
	case OP_STARTSWITH:
	case OP_BSTARTSWITH:
	case OP_PMATCH:
		sample_text(s, v->p, v->len, RULE_SAMPLE_BEGIN, edges);
		if (s->k->op == OP_PMATCH)
			globs(s, v, false);
		return;
	case OP_ENDSWITH:
		sample_text(s, v->p, v->len, RULE_SAMPLE_END, edges);
		return;
	case OP_CONTAINS:
	case OP_ICONTAINS:
	case OP_BCONTAINS:
		sample_text(s, v->p, v->len, RULE_SAMPLE_INSIDE, edges);
		return;
	case OP_GLOB:
	case OP_IGLOB:
		globs(s, v, edges);
		return;
	case OP_REGEX:
		regexes(s, v, edges);
		return;
	default:
		sample_text(s, v->p, v->len, RULE_SAMPLE_WHOLE, edges);
		return;
	}
}

/* Of a long list the ends. */
static bool sampled(uint32_t i, uint32_t n)
{
	return i < RULE_SAMPLE_LIST / 2 || i + RULE_SAMPLE_LIST / 2 >= n;
}

/* A text with all values in it. */
static void put_all(struct sampler *s, const char *sep)
{
	const struct rule_check *k = s->k;
	struct buf b;
	char *text;

	buf_init(&b, RULE_SAMPLE_MAX_BYTES);
	for (uint32_t i = 0; i < k->n_values; i++) {
		buf_puts(&b, i ? sep : "");
		buf_put(&b, k->values[i].p, k->values[i].len);
	}
	text = b.full ? NULL : arena_strndup(s->a, b.p ? b.p : "", b.len);
	if (text)
		sample_text(s, text, (uint32_t)b.len, RULE_SAMPLE_INSIDE, false);
	buf_done(&b);
}

void sample_values(struct sampler *s)
{
	const struct rule_check *k = s->k;

	if (k->modifier == MOD_ALLOF) {
		put_all(s, "");
		put_all(s, " ");
	}
	for (uint32_t i = 0; i < k->n_values; i++)
		if (sampled(i, k->n_values))
			one_value(s, &k->values[i], i == 0 || i + 1 == k->n_values);
}

/* ---- numbers, lengths ---- */

static void put_unsigned(struct sampler *s, uint64_t v)
{
	put_printed(s, arena_printf(s->a, "%" PRIu64, v));
}

static void put_signed(struct sampler *s, uint64_t v)
{
	put_printed(s, arena_printf(s->a, "%" PRId64, (int64_t)v));
}

static void put_port(struct sampler *s, uint64_t v)
{
	if (v <= UINT16_MAX)
		put_unsigned(s, v);
}

static void put_bool(struct sampler *s, uint64_t v)
{
	put_printed(s, v ? "true" : "false");
}

void sample_numbers(struct sampler *s, uint8_t type, void (*put)(struct sampler *s, uint64_t v))
{
	const struct rule_check *k = s->k;
	uint64_t least = type == TEMPLATE_I64 ? (uint64_t)INT64_MIN : 0;
	uint64_t most = type == TEMPLATE_I64 ? (uint64_t)INT64_MAX : UINT64_MAX, v;

	for (uint32_t i = 0; i < k->n_values; i++) {
		if (!sampled(i, k->n_values) || !rule_value_number(type, k->values[i].p, k->values[i].len, &v))
			continue;
		put(s, v);
		if (type == TEMPLATE_BOOL) {
			put(s, !v);
			continue;
		}
		if (v != most)
			put(s, v + 1);
		if (v != least)
			put(s, v - 1);
	}
}

const char *sample_fill(struct sampler *s, uint64_t n)
{
	char *text = n <= RULE_SAMPLE_MAX_BYTES ? arena_alloc(s->a, n + 1) : NULL;

	if (text)
		memset(text, 'x', n);
	return text;
}

static void put_length(struct sampler *s, uint64_t n)
{
	const char *text = sample_fill(s, n);

	if (text)
		put_text(s, text, (uint32_t)n, RULE_SAMPLE_WHOLE);
}

const char *sample_elements(struct sampler *s, uint64_t n)
{
	uint64_t len = n ? 2 * (n < RULE_SAMPLE_MAX_BYTES ? n : RULE_SAMPLE_MAX_BYTES) - 1 : 0;
	char *text = (char *)(uintptr_t)sample_fill(s, len);

	for (uint64_t i = 1; text && i < len; i += 2)
		text[i] = '\n';
	return text;
}

static void put_count(struct sampler *s, uint64_t n)
{
	struct rule_sample one = { .n = 0 };
	const char *text = sample_elements(s, n);

	if (text &&
	    sample_add(s, &one,
		       (struct rule_sample_value){ .element = -2, .text = text, .len = (uint32_t)strlen(text) }))
		sample_put(s, &one);
}

/* ---- addresses ---- */

static void put_address(struct sampler *s, const uint8_t *addr, uint32_t len)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(len == 16 ? AF_INET6 : AF_INET, addr, text, sizeof text))
		put_printed(s, arena_strndup(s->a, text, strlen(text)));
}

/* The address one further, or one before. */
static void step(uint8_t *addr, uint32_t len, bool up)
{
	for (uint32_t i = len; i--;) {
		addr[i] = (uint8_t)(addr[i] + (up ? 1 : -1));
		if (addr[i] != (up ? 0 : 0xff))
			return;
	}
}

static void addresses(struct sampler *s)
{
	const struct rule_check *k = s->k;

	for (uint32_t i = 0; i < k->n_values; i++) {
		struct helper_net net;
		uint8_t last[16];

		if (!sampled(i, k->n_values) || !rule_value_net(k->values[i].p, k->values[i].len, &net))
			continue;
		put_address(s, net.addr, net.addr_len);
		memcpy(last, net.addr, sizeof last);
		for (unsigned bit = net.prefix; bit < 8u * net.addr_len; bit++)
			last[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
		put_address(s, last, net.addr_len);
		step(last, net.addr_len, true);
		put_address(s, last, net.addr_len);
		step(net.addr, net.addr_len, false);
		put_address(s, net.addr, net.addr_len);
	}
}

/* ---- all ---- */

static void sample(struct sampler *s)
{
	const struct rule_check *k = s->k;
	uint8_t type = s->rows[0]->type;
	bool picked = k->index >= 0 || k->key;

	if (k->left)
		sample_expr(s);
	else if (k->op == OP_EXISTS)
		put_text(s, SAMPLE_NEUTRAL, strlen(SAMPLE_NEUTRAL), RULE_SAMPLE_WHOLE);
	else if (k->length)
		sample_numbers(s, TEMPLATE_U64, type >= TEMPLATE_LIST && !picked ? put_count : put_length);
	else if (type == TEMPLATE_IP)
		addresses(s);
	else if (type == TEMPLATE_BOOL)
		sample_numbers(s, type, put_bool);
	else if (type == TEMPLATE_PORT)
		sample_numbers(s, type, put_port);
	else if (!template_is_handle(type))
		sample_numbers(s, type, type == TEMPLATE_I64 ? put_signed : put_unsigned);
	else
		sample_values(s);
}

FALLIBLE rule_part_samples(const struct rule_parts *p, uint32_t part, uint32_t type_index, struct arena *a,
			   const struct rule_sample **out, uint32_t *ret_n)
{
	const struct rule_part *q = &p->parts[part];
	const struct template_table *t = p->set.table;
	struct sampler s = { .a = a, .part = q, .k = &p->set.rules[q->rule].cond->check };
	uint32_t id;

	*out = NULL;
	*ret_n = 0;
	for (uint32_t i = 0; i < q->n_fields && i < RULE_SAMPLE_FIELDS; i++) {
		const char *name = q->fields[i].name;

		s.rows[i] = template_field_find(t, &t->types[type_index], name, strlen(name), &id);
		if (!s.rows[i])
			return E_OK; /* never true of this type */
	}
	if (q->kind != RULE_PART_CHECK || !q->n_fields)
		return E_OK;
	sample(&s);
	*out = s.out;
	*ret_n = s.n;
	return s.err;
}
