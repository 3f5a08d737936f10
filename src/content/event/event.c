/* SPDX-License-Identifier: Apache-2.0 */
/* event: filling from text, and showing. */
#include "content/event/event.h"

#include <arpa/inet.h>
#include <errno.h>
#include <time.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "presence bits are bytes of little-endian words");

static void need_value(struct helper_env *env, uint32_t value_index)
{
	event_make(CONTAINER_OF(env, struct event, env), value_index);
}

void event_init(struct event *e, const struct template_table *t)
{
	memset(e, 0, sizeof *e);
	e->table = t;
	e->env = (struct helper_env){ .values = e->values,
				      .n_values = countof(e->values),
				      .tmp = &e->tmp,
				      .present = e->ctx,
				      .numbers = e->ctx + TEMPLATE_PRESENCE_BYTES,
				      .lazy = e->lazy,
				      .need = need_value };
}

void event_begin(struct event *e, uint32_t type_index)
{
	assert(type_index < e->table->n_types && "a type of this table");
	/* kinds of values whose slot was set are stale now: a forged handle to them must not read freed memory */
	for (uint32_t w = 0; w < TEMPLATE_PRESENCE_BYTES / 8; w++) {
		uint64_t bits;

		memcpy(&bits, e->ctx + 8 * w, 8);
		for (; bits; bits &= bits - 1)
			e->values[64 * w + (uint32_t)__builtin_ctzll(bits)].kind = HELPER_VALUE_NONE;
	}
	memset(e->ctx, 0, TEMPLATE_PRESENCE_BYTES);
	memset(e->lazy, 0, sizeof e->lazy);
	e->env.bad_handle = false;
	e->tmp.n = 0;
	e->look = 0;
	e->type = &e->table->types[type_index];
	e->type_index = type_index;
}

void event_make(struct event *e, uint32_t id)
{
	uint64_t bit = 1ull << id % 64;

	if (!(e->lazy[id / 64] & bit))
		return;
	e->lazy[id / 64] &= ~bit;
	if (!event_has(e, id))
		e->fill(e->fill_user, id);
}

void event_need_set(struct event *e, const uint64_t ids[2 * TEMPLATE_CAP / 64])
{
	for (uint32_t w = 0; w < countof(e->lazy); w++)
		for (uint64_t bits = ids[w] & e->lazy[w]; bits; bits &= bits - 1)
			event_make(e, 64 * w + (uint32_t)__builtin_ctzll(bits));
}

void event_need_all(struct event *e)
{
	event_need_set(e, e->lazy);
}

bool event_is_look(uint32_t id)
{
	switch (id) {
	case FIELD_proc_name:
	case FIELD_proc_exe:
	case FIELD_proc_exepath:
	case FIELD_proc_args:
	case FIELD_proc_argv:
	case FIELD_proc_cmdline:
	case FIELD_proc_exeline:
	case FIELD_proc_is_exe_from_memfd:
	case FIELD_proc_is_exe_upper_layer:
		return true;
	default:
		return false;
	}
}

uint64_t event_u64(const struct event *e, uint32_t id)
{
	uint64_t v = 0;

	if (event_has(e, id))
		memcpy(&v, e->ctx + template_slot_off(id), sizeof v);
	return v;
}

static FALLIBLE set_number(struct event *e, uint32_t id, bool is_signed, const char *text, size_t len, struct diag *d)
{
	char copy[32], *end = NULL;
	uint64_t v;

	if (!len || len >= sizeof copy || (!is_signed && text[0] == '-'))
		FAIL(d, TYPE, "'%.*s' is not a %snumber", (int)(len < 40 ? len : 40), text,
		     is_signed ? "" : "non-negative ");
	memcpy(copy, text, len);
	copy[len] = 0;
	errno = 0;
	v = is_signed ? (uint64_t)strtoll(copy, &end, 0) : strtoull(copy, &end, 0);
	if (errno || *end || end == copy)
		FAIL(d, TYPE, "'%s' is not a number that fits 64 bits", copy);
	event_set_u64(e, id, v);
	return E_OK;
}

static FALLIBLE set_ip(struct event *e, uint32_t id, const char *text, size_t len, struct arena *a, struct diag *d)
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t *addr = arena_alloc(a, 16);
	bool v6;

	if (!addr)
		return E_NOMEM;
	if (len >= sizeof copy)
		FAIL(d, TYPE, "'%.40s' is not an address", text);
	memcpy(copy, text, len);
	copy[len] = 0;
	v6 = strchr(copy, ':') != NULL;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, copy, addr) != 1)
		FAIL(d, TYPE, "'%s' is not an address", copy);
	event_set_ip(e, id, addr, v6 ? 16 : 4);
	return E_OK;
}

static FALLIBLE set_list(struct event *e, uint32_t id, const char *text, size_t len, struct arena *a)
{
	struct helper_str *list = NULL;
	size_t n = 0, cap = 0;

	while (len) {
		const char *nl = memchr(text, '\n', len);
		size_t k = nl ? (size_t)(nl - text) : len;

		list = arena_grow(a, list, n, &cap, sizeof *list);
		if (!list)
			return E_NOMEM;
		list[n++] = (struct helper_str){ text, (uint32_t)k };
		text += k + (nl != NULL);
		len -= k + (nl != NULL);
	}
	event_set_list(e, id, list, (uint32_t)n);
	return E_OK;
}

FALLIBLE event_set_text(struct event *e, uint32_t id, const char *text, size_t len, struct arena *a, struct diag *d)
{
	const struct template_field *f = template_field_at(e->table, e->type, id);

	assert(f && "a field of this type");
	switch ((enum template_field_type)f->type) {
	case TEMPLATE_BOOL:
		if (!(len == 4 && !memcmp(text, "true", 4)) && !(len == 5 && !memcmp(text, "false", 5)))
			FAIL(d, TYPE, "'%.*s' is neither true nor false", (int)(len < 40 ? len : 40), text);
		event_set_u64(e, id, len == 4);
		return E_OK;
	case TEMPLATE_U64:
	case TEMPLATE_TIME:
	case TEMPLATE_PORT:
		return set_number(e, id, false, text, len, d);
	case TEMPLATE_I64:
		return set_number(e, id, true, text, len, d);
	case TEMPLATE_STR:
	case TEMPLATE_BYTES:
		event_set_str(e, id, text, len);
		return E_OK;
	case TEMPLATE_IP:
		return set_ip(e, id, text, len, a, d);
	case TEMPLATE_LIST:
	case TEMPLATE_ANCESTRY:
	case TEMPLATE_NAMES:
	case TEMPLATE_DICT:
		return set_list(e, id, text, len, a);
	}
	return E_BUG;
}

/* Every event has a name: the type's first, until the field is set. */
FALLIBLE event_begin_named(struct event *e, const char *type, struct diag *d)
{
	const struct template_type *t = template_type_by_name(e->table, type);
	uint32_t id;

	if (!t)
		FAIL(d, NOT_FOUND, "there is no event type '%.60s'", type);
	event_begin(e, (uint32_t)(t - e->table->types));
	if (template_field_find(e->table, t, "evt.type", strlen("evt.type"), &id))
		event_set_str(e, id, t->events, strcspn(t->events, " "));
	return E_OK;
}

FALLIBLE event_set_named(struct event *e, const char *field, const char *text, size_t len, struct arena *a,
			 struct diag *d)
{
	uint32_t id;

	if (!template_field_find(e->table, e->type, field, strlen(field), &id))
		FAIL(d, NOT_FOUND, "'%s' has no field '%.60s'", e->type->name, field);
	return event_set_text(e, id, text, len, a, d);
}

static void format_ip(const struct helper_value *v, struct buf *out)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (inet_ntop(v->len == 4 ? AF_INET : AF_INET6, v->p, text, sizeof text))
		buf_puts(out, text);
}

static void format_time(uint64_t ns, struct buf *out)
{
	time_t s = (time_t)(ns / 1000000000);
	struct tm tm;
	char text[40];

	if (gmtime_r(&s, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm))
		buf_printf(out, "%s.%09lluZ", text, (unsigned long long)(ns % 1000000000));
}

static void format_list(const struct helper_value *v, struct buf *out)
{
	for (uint32_t i = 0; i < v->len; i++) {
		if (i)
			buf_putc(out, ',');
		buf_put(out, v->list[i].p, v->list[i].len);
	}
}

bool event_format(const struct event *e, uint32_t id, int32_t index, struct buf *out)
{
	const struct template_field *f = template_field_at(e->table, e->type, id);
	const struct helper_value *v = &e->values[id];

	if (!f || !event_has(e, id))
		return false;
	switch ((enum template_field_type)f->type) {
	case TEMPLATE_BOOL:
		buf_puts(out, event_u64(e, id) ? "true" : "false");
		return true;
	case TEMPLATE_U64:
	case TEMPLATE_PORT:
		buf_printf(out, "%llu", (unsigned long long)event_u64(e, id));
		return true;
	case TEMPLATE_I64:
		buf_printf(out, "%lld", (long long)event_u64(e, id));
		return true;
	case TEMPLATE_TIME:
		format_time(event_u64(e, id), out);
		return true;
	case TEMPLATE_STR:
	case TEMPLATE_BYTES:
		buf_put(out, v->p, v->len);
		return true;
	case TEMPLATE_IP:
		format_ip(v, out);
		return true;
	case TEMPLATE_LIST:
	case TEMPLATE_ANCESTRY:
	case TEMPLATE_NAMES:
	case TEMPLATE_DICT:
		if (index < 0) {
			format_list(v, out);
			return true;
		}
		if ((uint32_t)index >= v->len)
			return false;
		buf_put(out, v->list[index].p, v->list[index].len);
		return true;
	}
	return false;
}

void event_json(const struct event *e, uint32_t id, int32_t index, struct json *j)
{
	const struct template_field *f = template_field_at(e->table, e->type, id);
	struct buf text;

	if (!f || !event_has(e, id)) {
		json_null(j);
	} else if (f->type == TEMPLATE_BOOL) {
		json_bool(j, event_u64(e, id) != 0);
	} else if (f->type == TEMPLATE_U64 || f->type == TEMPLATE_TIME || f->type == TEMPLATE_PORT) {
		json_u64(j, event_u64(e, id));
	} else if (f->type == TEMPLATE_I64) {
		json_i64(j, (int64_t)event_u64(e, id));
	} else {
		buf_init(&text, 1 << 16);
		if (event_format(e, id, index, &text))
			json_strn(j, text.p ? text.p : "", text.len);
		else
			json_null(j);
		buf_done(&text);
	}
}
