/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event: one event as rules see it: the context memory that programs read, and the values that handles name.
 *
 * Whoever makes events (live decode, replay, rule tests) sets fields by id; whoever evaluates gets ctx and env;
 * whoever prints reads fields back. Strings are borrowed until the next event_begin. Fields may be made late: `lazy`.
 * One event belongs to one thread.
 */
#ifndef SALLYPORT_CONTENT_EVENT_H
#define SALLYPORT_CONTENT_EVENT_H

#include "base/base.h"
#include "content/template/template.h"
#include "engine/helpers/helpers.h"

struct event {
	const struct template_table *table;
	const struct template_type *type;
	uint32_t type_index; /* of type in table */
	_Alignas(8) uint8_t ctx[TEMPLATE_CTX_MAX];
	struct helper_value values[2 * TEMPLATE_CAP]; /* by field id */
	struct helper_env env;
	struct helper_tmp tmp; /* what comparisons compute */
	/*
	 * Fields that are made when somebody asks for them: bit id. Whoever makes the event sets the bits, and fill,
	 * which sets the field or leaves it missing. Until then the field counts as missing: call event_need before
	 * reading one.
	 */
	uint64_t lazy[2 * TEMPLATE_CAP / 64];
	/*
	 * 0, or a number that events share only when all fields of event_is_look are the same in them. Whoever makes
	 * the event sets it, after event_begin.
	 */
	uint64_t look;
	void (*fill)(void *user, uint32_t id);
	void *fill_user;
};

/* About 120 KiB: allocate once. The table must outlive it. */
void event_init(struct event *e, const struct template_table *t);
/* Start a new event of table->types[type_index]: every field is missing. */
void event_begin(struct event *e, uint32_t type_index);

/* Set a field. The id must exist in table and type and be of the right type (asserted by event_begin's table in debug).
 */
static inline void event_mark(struct event *e, uint32_t id)
{
	e->ctx[id >> 3] |= (uint8_t)(1u << (id & 7));
}

static inline void event_set_u64(struct event *e, uint32_t id, uint64_t v)
{
	memcpy(e->ctx + template_slot_off(id), &v, sizeof v);
	event_mark(e, id);
}

static inline void event_set_i64(struct event *e, uint32_t id, int64_t v)
{
	event_set_u64(e, id, (uint64_t)v);
}

static inline void event_set_str(struct event *e, uint32_t id, const char *p, size_t len)
{
	e->values[id] = (struct helper_value){ .kind = HELPER_VALUE_STR, .len = (uint32_t)len, .p = p };
	event_set_u64(e, id, helper_handle(id));
}

/* Literal or NUL-terminated string; NULL leaves the field missing. */
static inline void event_set_cstr(struct event *e, uint32_t id, const char *s)
{
	if (s)
		event_set_str(e, id, s, strlen(s));
}

/* addr_len: 4 or 16; network order. */
static inline void event_set_ip(struct event *e, uint32_t id, const void *addr, uint32_t addr_len)
{
	e->values[id] = (struct helper_value){ .kind = HELPER_VALUE_IP, .len = addr_len, .p = addr };
	event_set_u64(e, id, helper_handle(id));
}

static inline void event_set_list(struct event *e, uint32_t id, const struct helper_str *list, uint32_t n)
{
	e->values[id] = (struct helper_value){ .kind = HELPER_VALUE_LIST, .len = n, .list = list };
	event_set_u64(e, id, helper_handle(id));
}

static inline bool event_has(const struct event *e, uint32_t id)
{
	return e->ctx[id >> 3] >> (id & 7) & 1;
}

/* Make the field now if it waits to be made. */
void event_make(struct event *e, uint32_t id);
static inline void event_need(struct event *e, uint32_t id)
{
	if (e->lazy[id / 64] >> id % 64 & 1)
		event_make(e, id);
}
/* The same for all fields of a set, by id; for all there are. */
void event_need_set(struct event *e, const uint64_t ids[2 * TEMPLATE_CAP / 64]);
void event_need_all(struct event *e);

/* A field that a process has from its executable, its arguments and its name, and from nothing else. */
bool event_is_look(uint32_t id);

uint64_t event_u64(const struct event *e, uint32_t id);

/*
 * Set a field from text as rule tests write it: true/false, decimal or 0x number, string, address; list elements
 * separated by a newline. Strings are borrowed; addresses and lists go to the arena. E_TYPE with d.
 */
FALLIBLE event_set_text(struct event *e, uint32_t id, const char *text, size_t len, struct arena *a, struct diag *d);

/*
 * For events that are written down (`tests:`, vectors): event_begin_named starts one of the type with this name, which
 * has the type's first evt.type and no other field; event_set_named sets a field by its name as event_set_text does.
 * E_NOT_FOUND: no such type; a type without this field. E_TYPE, E_NOMEM.
 */
FALLIBLE event_begin_named(struct event *e, const char *type, struct diag *d);
FALLIBLE event_set_named(struct event *e, const char *field, const char *text, size_t len, struct arena *a,
			 struct diag *d);

/*
 * Append a field as output shows it; false (and nothing appended) when it is missing. Raw bytes: the caller makes them
 * safe. index: element of a list, or -1 for all, joined by a comma. Times as ISO 8601 with ns, UTC.
 */
bool event_format(const struct event *e, uint32_t id, int32_t index, struct buf *out);
/* The same as a JSON value (null when missing; numbers as numbers). */
void event_json(const struct event *e, uint32_t id, int32_t index, struct json *j);

#endif
