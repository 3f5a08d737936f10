/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_mute: alerts that the owner does not want to see for a while, of one rule, perhaps only where a field has a
 * value. They are judged and counted. Looked at when a rule has fired, never before.
 */
#include "agent/worker.h"

#include <time.h>

/* What a mute may call the control group and the executable, beside the catalogue's names. */
static const struct {
	const char *name, *field;
} aliases[] = { { "cgroup", "thread.cgroup[]" } };

uint64_t worker_boot_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static const char *field_of(const struct control_mute *m)
{
	for (size_t i = 0; i < countof(aliases); i++)
		if (!strcmp(m->key, aliases[i].name))
			return aliases[i].field;
	return m->key;
}

static bool same(const struct control_mute *a, const struct control_mute *b)
{
	return !strcmp(a->rule, b->rule) && !strcmp(a->key, b->key) && !strcmp(a->value, b->value);
}

static void drop(struct worker *w, uint32_t i)
{
	w->mutes[i] = w->mutes[--w->n_mutes];
}

static void drop_expired(struct worker *w, uint64_t now_s)
{
	for (uint32_t i = w->n_mutes; i-- > 0;)
		if (now_s >= w->mutes[i].until_s)
			drop(w, i);
}

/* Fields that mutes look at are made, too. */
static void want_fields(struct worker *w)
{
	if (!w->decode)
		return;
	decode_set_wants(w->decode, content_set_types(w->set), worker_wants, w);
	worker_want_containers(w);
}

void worker_mute(struct worker *w, const struct control_mute *m, uint64_t now_s)
{
	drop_expired(w, now_s);
	for (uint32_t i = w->n_mutes; i-- > 0;)
		if (same(&w->mutes[i], m))
			drop(w, i);
	if (!m->remove && now_s < m->until_s) {
		if (w->n_mutes == WORKER_MAX_MUTES) {
			log_warning("more than %d mutes, this one has no effect rule=\"%s\"", WORKER_MAX_MUTES,
				    m->rule);
			return;
		}
		w->mutes[w->n_mutes++] = *m;
	}
	want_fields(w);
}

void worker_put_cgroup(struct event *e, struct buf *out)
{
	const struct helper_value *v = &e->values[FIELD_thread_cgroup];
	const char *path;

	event_need(e, FIELD_thread_cgroup);
	if (!event_has(e, FIELD_thread_cgroup) || !v->len)
		return;
	/* "HIERARCHY=path"; both entries are the same path */
	path = memchr(v->list[0].p, '=', v->list[0].len);
	path = path ? path + 1 : v->list[0].p;
	buf_put(out, path, v->list[0].len - (size_t)(path - v->list[0].p));
}

static bool has_value(const struct control_mute *m, struct event *e)
{
	const char *name = field_of(m);
	struct buf text;
	uint32_t id;
	bool is;

	if (!m->key[0])
		return true;
	if (!template_field_find(e->table, e->type, name, strlen(name), &id))
		return false;
	buf_init(&text, 64 << 10);
	event_need(e, id);
	if (id == FIELD_thread_cgroup)
		worker_put_cgroup(e, &text);
	else
		(void)event_format(e, id, -1, &text);
	is = text.len == strlen(m->value) && (!text.len || !memcmp(text.p, m->value, text.len));
	buf_done(&text);
	return is;
}

bool worker_muted(struct worker *w, const char *rule, struct event *e)
{
	uint64_t now_s;

	if (!w->n_mutes)
		return false;
	now_s = worker_boot_ns() / 1000000000;
	for (uint32_t i = 0; i < w->n_mutes; i++)
		if (now_s < w->mutes[i].until_s && !strcmp(w->mutes[i].rule, rule) && has_value(&w->mutes[i], e))
			return true;
	return false;
}

bool worker_wants(void *user, uint32_t type_index, uint32_t field_id)
{
	const struct worker *w = user;
	const struct template_field *f;

	if (content_set_wants(w->set, type_index, field_id))
		return true;
	if (w->throttle && (field_id == FIELD_thread_cgroup || field_id == FIELD_proc_exepath))
		return true;
	f = template_field_at(&template_builtin, &template_builtin.types[type_index], field_id);
	for (uint32_t i = 0; f && i < w->n_mutes; i++)
		if (!strcmp(f->name, field_of(&w->mutes[i])))
			return true;
	return false;
}
