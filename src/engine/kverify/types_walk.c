/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types_walk: which member of a struct do some bytes belong to, and what is it?
 *
 * Linux: kernel/bpf/btf.c:btf_struct_walk, btf_struct_access, btf_struct_ids_match, v5.10 to v7.2.
 */
#include "engine/kverify/mem.h"

/* One search. `at` counts from the struct that is looked at. */
struct walk {
	const struct kverifier *v;
	const struct btf *b;
	uint32_t id; /* of the struct */
	uint32_t at, size;
	struct kwalked *out;
};
enum step { STEP_DONE, STEP_INTO };

static bool is_struct(const struct btf_type *t)
{
	return t->kind == BTF_STRUCT || t->kind == BTF_UNION;
}

static uint32_t tag_flag(const char *tag)
{
	return !strcmp(tag, "user") ? KF_USER : !strcmp(tag, "percpu") ? KF_PERCPU : !strcmp(tag, "rcu") ? KF_RCU : 0;
}

uint32_t ktypes_pointee(const struct kverifier *v, const struct btf *b, const struct btf_type *ptr, uint32_t *flags)
{
	const struct btf_type *t = btf_get(b, ptr->type);
	uint32_t id = ptr->type;

	*flags = 0;
	for (bool first = true; t->kind == BTF_TYPEDEF || t->kind == BTF_CONST || t->kind == BTF_VOLATILE ||
				t->kind == BTF_RESTRICT || t->kind == BTF_TYPE_TAG;
	     first = false) {
		if (t->kind == BTF_TYPE_TAG && !t->flag && (first || khas(v, KERNEL_BTF_TAGS_ANYWHERE)))
			*flags |= tag_flag(t->name);
		id = t->type;
		t = btf_get(b, id);
	}
	if (!khas(v, KERNEL_BTF_TAGS))
		*flags = 0;
	if (!khas(v, KERNEL_BTF_TRUSTED))
		*flags &= ~(uint32_t)KF_RCU;
	return id;
}

static enum step bad(struct walk *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static enum step bad(struct walk *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(w->out->why, sizeof w->out->why, fmt, ap);
	va_end(ap);
	w->out->what = KWALK_BAD;
	return STEP_DONE;
}

static enum step found(struct walk *w, enum kwalk_result what)
{
	w->out->what = what;
	return STEP_DONE;
}

static enum step into(struct walk *w, uint32_t id, uint32_t at)
{
	w->id = id;
	w->at = at;
	return STEP_INTO;
}

static enum step beyond(struct walk *w, const struct btf_type *t)
{
	return bad(w, "access beyond struct %s at off %u size %u", t->name, w->at, w->size);
}

/* Past the end of the struct: in an array of unknown length there, or nowhere. */
static enum step past_end(struct walk *w, const struct btf_type *t, bool flexible)
{
	const struct btf_type *array, *elem;
	uint32_t begin, elem_id;

	if (!t->n || !flexible)
		return beyond(w, t);
	array = btf_get(w->b, btf_skip(w->b, t->members[t->n - 1].type));
	begin = t->members[t->n - 1].bit_off / 8;
	if (array->kind != BTF_ARRAY || array->n || w->at < begin)
		return beyond(w, t);
	elem_id = btf_skip(w->b, array->type);
	elem = btf_get(w->b, elem_id);
	if (elem->kind == BTF_INT && khas(w->v, KERNEL_BTF_FLEX_INTS))
		return found(w, KWALK_SCALAR);
	if (!is_struct(elem) || !elem->size)
		return beyond(w, t);
	return into(w, elem_id, (w->at - begin) % elem->size);
}

static enum step pointer_member(struct walk *w, const struct btf_type *in, const struct btf_member *m, uint32_t begin,
				uint32_t bytes, const struct btf_type *ptr)
{
	uint32_t flags, id;

	if (bytes != w->size || begin != w->at)
		return bad(w, "cannot access ptr member %s with moff %u in struct %s with off %u size %u", m->name,
			   begin, in->name, w->at, w->size);
	id = ktypes_pointee(w->v, w->b, ptr, &flags);
	if (flags & (flags - 1))
		return bad(w, "type 'PTR' has multiple type tags");
	if (is_struct(btf_get(w->b, id))) {
		w->out->type_id = id;
		w->out->flags |= flags;
		w->out->field = m->name;
		return found(w, KWALK_PTR);
	}
	return found(w, khas(w->v, KERNEL_MEM_UNTRUSTED) ? KWALK_MEM : KWALK_SCALAR);
}

/* A member that lies over the bytes: nested structs are entered, arrays at the element. */
static enum step member(struct walk *w, const struct btf_type *in, const struct btf_member *m, uint32_t begin,
			uint32_t end)
{
	uint32_t id = btf_skip(w->b, m->type);
	const struct btf_type *t = btf_get(w->b, id);
	uint64_t bytes = end - begin;

	if (t->kind == BTF_ARRAY) {
		while (t->kind == BTF_ARRAY) {
			id = btf_skip(w->b, t->type);
			t = btf_get(w->b, id);
		}
		if (!btf_size(w->b, id, &bytes) || !bytes)
			return bad(w, "field %s doesn't have size", m->name);
		begin += (w->at - begin) / (uint32_t)bytes * (uint32_t)bytes;
	}
	if (is_struct(t))
		return into(w, id, w->at - begin);
	if (t->kind == BTF_PTR)
		return pointer_member(w, in, m, begin, (uint32_t)bytes, t);
	if (w->at + w->size > end && !(w->out->flags & KF_UNTRUSTED))
		return bad(w, "access beyond the end of member %s (mend:%u) in struct %s with off %u size %u", m->name,
			   end, in->name, w->at, w->size);
	return found(w, KWALK_SCALAR);
}

static enum step step(struct walk *w, bool flexible)
{
	const struct btf_type *t;

	w->id = btf_skip(w->b, w->id);
	t = btf_get(w->b, w->id);
	if (!is_struct(t))
		return bad(w, "Type '%s' is not a struct", t->name);
	if (t->kind == BTF_UNION && t->n != 1 && khas(w->v, KERNEL_BTF_UNIONS_UNTRUSTED))
		w->out->flags |= KF_UNTRUSTED;
	if ((uint64_t)w->at + w->size > t->size)
		return past_end(w, t, flexible);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct btf_member *m = &t->members[i];
		uint32_t begin = m->bit_off / 8;
		uint64_t bytes = 0;

		if (w->at + w->size <= begin)
			break;
		if (m->bit_size) {
			if (w->at <= begin && (m->bit_off + m->bit_size + 7) / 8 <= w->at + w->size)
				return found(w, KWALK_SCALAR);
			continue;
		}
		if (w->at < begin)
			break;
		if (!btf_size(w->b, m->type, &bytes))
			return bad(w, "field %s doesn't have size", m->name);
		if (w->at < begin + bytes)
			return member(w, t, m, begin, begin + (uint32_t)bytes);
	}
	return bad(w, "struct %s doesn't have field at offset %u", t->name, w->at);
}

void ktypes_walk(struct kverifier *v, enum ktypes t, uint32_t type_id, uint32_t off, uint32_t size, struct kwalked *out)
{
	struct walk w = { .v = v, .b = ktypes_btf(v, t), .id = type_id, .at = off, .size = size, .out = out };
	bool flexible = t == KTYPES_KERNEL || !khas(v, KERNEL_OFFSET_IN_NUM);

	*out = (struct kwalked){ .what = KWALK_BAD };
	while (step(&w, flexible) == STEP_INTO)
		;
}

/* Only structs that begin where the pointer points are looked at, from the outermost inwards. */
bool ktypes_match(struct kverifier *v, enum ktypes t, uint32_t id, uint32_t off, enum ktypes need_types, uint32_t need,
		  bool strict)
{
	struct kwalked out = { .what = KWALK_BAD };
	struct walk w = { .v = v, .b = ktypes_btf(v, t), .id = id, .at = off, .size = 1, .out = &out };
	bool flexible = t == KTYPES_KERNEL || !khas(v, KERNEL_OFFSET_IN_NUM);

	if (!off && t == need_types && id == need)
		return true;
	if (strict || !w.b)
		return false;
	while (step(&w, flexible) == STEP_INTO)
		if (!w.at && t == need_types && w.id == need)
			return true;
	return false;
}
