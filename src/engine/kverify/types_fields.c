/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types_fields: what the kernel keeps in values of maps and in objects: locks, timers, pointers, lists, trees.
 *
 * A release finds only fields that it knows, and older ones only those that lie directly in the struct.
 * Linux: kernel/bpf/btf.c:btf_parse_fields, btf_find_field_one, btf_find_kptr, v6.1, v6.12 and v7.2.
 */
#include "engine/kverify/mem.h"

/* Structs in structs, twice at every level, take as long as hostile types like: members are counted. */
enum { FIELDS_MAX = 11, NESTED_MAX = 32, MEMBERS_MAX = 1 << 20 };

static const struct special {
	uint32_t kind, bytes, align;
	int behaviour; /* the release must have it; -1: all have */
	bool unique;
	const char *name;
} specials[] = {
	{ KFIELD_SPIN_LOCK, 4, 4, -1, true, "bpf_spin_lock" },
	{ KFIELD_RES_SPIN_LOCK, 4, 4, KERNEL_FIELDS_RES_SPIN_LOCK, true, "bpf_res_spin_lock" },
	{ KFIELD_TIMER, 16, 8, KERNEL_FIELDS_TIMER, true, "bpf_timer" },
	{ KFIELD_WQ, 16, 8, KERNEL_FIELDS_WQ, true, "bpf_wq" },
	{ KFIELD_TASK_WORK, 8, 8, KERNEL_FIELDS_TASK_WORK, true, "bpf_task_work" },
	{ KFIELD_LIST_HEAD, 16, 8, KERNEL_FIELDS_GRAPH, false, "bpf_list_head" },
	{ KFIELD_LIST_NODE, 24, 8, KERNEL_FIELDS_GRAPH, false, "bpf_list_node" },
	{ KFIELD_RB_ROOT, 16, 8, KERNEL_FIELDS_GRAPH, false, "bpf_rb_root" },
	{ KFIELD_RB_NODE, 32, 8, KERNEL_FIELDS_GRAPH, false, "bpf_rb_node" },
	{ KFIELD_REFCOUNT, 4, 4, KERNEL_FIELDS_GRAPH, true, "bpf_refcount" },
};

static const struct kptr_tag {
	const char *name;
	uint32_t kind;
	enum kernel_behaviour behaviour;
	bool old; /* the names of FIELDS_KPTR_OLD_TAGS */
} kptr_tags[] = {
	{ "kptr", KFIELD_KPTR_UNREF, KERNEL_FIELDS_KPTR, true },
	{ "kptr_ref", KFIELD_KPTR_REF, KERNEL_FIELDS_KPTR, true },
	{ "kptr_untrusted", KFIELD_KPTR_UNREF, KERNEL_FIELDS_KPTR, false },
	{ "kptr", KFIELD_KPTR_REF, KERNEL_FIELDS_KPTR, false },
	{ "percpu_kptr", KFIELD_KPTR_PERCPU, KERNEL_FIELDS_KPTR_PERCPU, false },
	{ "uptr", KFIELD_UPTR, KERNEL_FIELDS_UPTR, false },
};

const char *kfield_name(uint32_t kind)
{
	for (size_t i = 0; i < countof(specials); i++)
		if (specials[i].kind == kind)
			return specials[i].name;
	return kind == KFIELD_UPTR ? "uptr" : "kptr";
}

struct search {
	struct kverifier *v;
	const struct btf *b;
	struct kfield found[FIELDS_MAX];
	uint32_t n;
	uint32_t level;
	bool refused;
};

static bool is_struct(const struct btf_type *t)
{
	return t->kind == BTF_STRUCT || t->kind == BTF_UNION;
}

/*
 * The kernel makes no map with such a value; the loader then makes it without types, and no field is special.
 * Linux: tools/lib/bpf/libbpf.c:bpf_object__create_map, v6.12
 */
static FALLIBLE refuse(struct search *s)
{
	s->refused = true;
	return E_REJECTED;
}

static FALLIBLE add(struct search *s, struct kfield f)
{
	if (s->n == FIELDS_MAX)
		return refuse(s);
	s->found[s->n++] = f;
	return E_OK;
}

static const struct special *special_of(const struct search *s, const struct btf_type *t)
{
	if (!is_struct(t))
		return NULL;
	for (size_t i = 0; i < countof(specials); i++)
		if (!strcmp(specials[i].name, t->name) &&
		    (specials[i].behaviour < 0 || khas(s->v, (enum kernel_behaviour)specials[i].behaviour)))
			return &specials[i];
	return NULL;
}

/* ---- pointers ---- */

static const struct kptr_tag *kptr_tag_of(const struct search *s, const char *name)
{
	bool old = khas(s->v, KERNEL_FIELDS_KPTR_OLD_TAGS);

	for (size_t i = 0; i < countof(kptr_tags); i++)
		if (kptr_tags[i].old == old && khas(s->v, kptr_tags[i].behaviour) && !strcmp(name, kptr_tags[i].name))
			return &kptr_tags[i];
	return NULL;
}

/* The tag may stand behind the pointer only; *out: the struct without it. */
static const struct kptr_tag *tag_behind(const struct search *s, const struct btf_type *ptr, uint32_t *out)
{
	const struct kptr_tag *tag = NULL, *one;
	uint32_t id = ptr->type;
	const struct btf_type *t = btf_get(s->b, id);

	while (t->kind == BTF_TYPEDEF || t->kind == BTF_CONST || t->kind == BTF_VOLATILE || t->kind == BTF_RESTRICT ||
	       t->kind == BTF_TYPE_TAG) {
		one = t->kind == BTF_TYPE_TAG && !t->flag ? kptr_tag_of(s, t->name) : NULL;
		if (one && !tag)
			tag = one;
		id = t->type;
		t = btf_get(s->b, id);
	}
	*out = id;
	return tag;
}

/* The kernel's type of that name; failing it, and where programs have objects of their own, the program's. */
static FALLIBLE find_pointee(struct search *s, uint32_t id, struct kfield *f)
{
	const struct btf_type *t = btf_get(s->b, id);
	const struct btf *kernel = s->v->o->kernel_types;

	if (!kernel)
		KUNSUPPORTED(s->v, "a map with a pointer to struct %s: the kernel's types were not given", t->name);
	f->types = KTYPES_KERNEL;
	f->type_id = btf_find(kernel, (enum btf_kind)t->kind, t->name, 0);
	if (f->type_id && f->kind != KFIELD_UPTR)
		return E_OK;
	if (!f->type_id && !khas(s->v, KERNEL_FIELDS_GRAPH))
		return refuse(s);
	f->types = KTYPES_OBJECT;
	f->type_id = id;
	return E_OK;
}

static FALLIBLE kptr_field(struct search *s, const struct btf_type *t, uint32_t off)
{
	struct kfield f = { .off = off, .size = 8 };
	const struct kptr_tag *tag;
	uint32_t id;

	if (t->kind == BTF_VOLATILE)
		t = btf_get(s->b, t->type);
	if (t->kind != BTF_PTR)
		return E_OK;
	tag = tag_behind(s, t, &id);
	if (!tag)
		return E_OK;
	if (!is_struct(btf_get(s->b, id)))
		return refuse(s);
	f.kind = tag->kind;
	TRY(find_pointee(s, id, &f));
	return add(s, f);
}

/* ---- lists and trees ---- */

/* The declaration tag "contains:struct:member" of this member. */
static const char *contents_of(const struct search *s, uint32_t owner, int32_t component)
{
	for (uint32_t id = 1; id < s->b->n_types; id++) {
		const struct btf_type *t = btf_get(s->b, id);

		if (t->kind == BTF_DECL_TAG && t->type == owner && t->component == component &&
		    !strncmp(t->name, "contains:", 9))
			return t->name + 9;
	}
	return NULL;
}

static FALLIBLE graph_root(struct search *s, uint32_t owner, int32_t component, struct kfield f)
{
	const char *of = contents_of(s, owner, component), *colon = of ? strchr(of, ':') : NULL;
	const struct btf_type *t;
	char name[64];

	if (!colon || (size_t)(colon - of) >= sizeof name || !colon[1])
		return refuse(s);
	memcpy(name, of, (size_t)(colon - of));
	name[colon - of] = '\0';
	f.types = KTYPES_OBJECT;
	f.type_id = btf_find(s->b, BTF_STRUCT, name, 0);
	if (!f.type_id)
		return refuse(s);
	t = btf_get(s->b, f.type_id);
	for (uint32_t i = 0; i < t->n; i++) {
		const char *node = btf_get(s->b, t->members[i].type)->name;

		if (strcmp(t->members[i].name, colon + 1) != 0)
			continue;
		if (strcmp(node, f.kind == KFIELD_LIST_HEAD ? "bpf_list_node" : "bpf_rb_node") != 0)
			return refuse(s);
		f.node_off = t->members[i].bit_off / 8;
		return add(s, f);
	}
	return refuse(s);
}

/* ---- the search ---- */

static FALLIBLE search_struct(struct search *s, uint32_t id);

static FALLIBLE repeat(struct search *s, uint32_t from, uint32_t times, uint32_t step)
{
	uint32_t n = s->n - from;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t kind = s->found[from + i].kind;

		if (kind > KFIELD_KPTR_PERCPU && kind != KFIELD_UPTR && kind != KFIELD_LIST_HEAD &&
		    kind != KFIELD_RB_ROOT)
			return refuse(s);
	}
	for (uint32_t k = 1; k < times; k++)
		for (uint32_t i = 0; i < n; i++) {
			struct kfield f = s->found[from + i];

			f.off += k * step;
			TRY(add(s, f));
		}
	return E_OK;
}

static FALLIBLE nested(struct search *s, uint32_t id, uint32_t off, uint32_t times)
{
	uint32_t from = s->n;

	if (!khas(s->v, KERNEL_FIELDS_NESTED))
		return E_OK;
	if (++s->level >= NESTED_MAX)
		return refuse(s);
	TRY(search_struct(s, id));
	s->level--;
	for (uint32_t i = from; i < s->n; i++)
		s->found[i].off += off;
	return s->n > from && times > 1 ? repeat(s, from, times, btf_get(s->b, id)->size) : E_OK;
}

static FALLIBLE special_field(struct search *s, const struct special *sp, uint32_t owner, int32_t component,
			      uint32_t off, uint32_t bytes)
{
	struct kfield f = { .kind = sp->kind, .off = off, .size = sp->bytes };

	if (off % sp->align)
		return khas(s->v, KERNEL_FIELDS_GRAPH) ? E_OK : refuse(s);
	if (bytes != sp->bytes)
		return E_OK;
	for (uint32_t i = 0; sp->unique && i < s->n; i++)
		if (s->found[i].kind == sp->kind)
			return refuse(s);
	if (sp->kind == KFIELD_LIST_HEAD || sp->kind == KFIELD_RB_ROOT)
		return graph_root(s, owner, component, f);
	return add(s, f);
}

/* A member of struct owner, or (component -1) a variable. expected: the bytes that a variable has; 0: any. */
static FALLIBLE one(struct search *s, uint32_t owner, int32_t component, uint32_t type, uint32_t off, uint32_t expected)
{
	const struct btf_type *t = btf_get(s->b, type);
	const struct special *sp;
	uint32_t times = 1, from = s->n, bytes;

	if (s->v->types->members++ > MEMBERS_MAX)
		KUNSUPPORTED(s->v, "types with more than %d members to look through", MEMBERS_MAX);
	for (int depth = 0; t->kind == BTF_ARRAY && khas(s->v, KERNEL_FIELDS_NESTED) && depth < NESTED_MAX; depth++) {
		times *= t->n;
		type = t->type;
		t = btf_get(s->b, type);
	}
	if (!times)
		return E_OK;
	sp = special_of(s, t);
	bytes = sp ? sp->bytes : is_struct(t) ? t->size : 8;
	if (expected && expected != bytes * times)
		return E_OK;
	if (sp)
		TRY(special_field(s, sp, owner, component, off, t->size));
	else if (is_struct(t))
		return nested(s, type, off, times);
	else if (khas(s->v, KERNEL_FIELDS_KPTR) && off % 8 == 0)
		TRY(kptr_field(s, t, off));
	return s->n > from && times > 1 ? repeat(s, from, times, bytes) : E_OK;
}

static FALLIBLE search_struct(struct search *s, uint32_t id)
{
	const struct btf_type *t = btf_get(s->b, id);

	for (uint32_t i = 0; i < t->n; i++)
		if (!t->members[i].bit_size && t->members[i].bit_off % 8 == 0)
			TRY(one(s, id, (int32_t)i, t->members[i].type, t->members[i].bit_off / 8, 0));
	return E_OK;
}

static FALLIBLE search_section(struct search *s, uint32_t id)
{
	const struct btf_type *t = btf_get(s->b, id);

	for (uint32_t i = 0; i < t->n; i++) {
		const struct btf_type *var = btf_get(s->b, t->vars[i].type);

		if (var->kind == BTF_VAR)
			TRY(one(s, t->vars[i].type, -1, var->type, t->vars[i].off, t->vars[i].size));
	}
	return E_OK;
}

static void sort(struct kfield *f, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		for (uint32_t k = i; k && f[k - 1].off > f[k].off; k--) {
			struct kfield swap = f[k];

			f[k] = f[k - 1];
			f[k - 1] = swap;
		}
}

static void note_offsets(struct kmap *m)
{
	for (uint32_t i = 0; i < m->n_kptrs; i++) {
		int32_t off = (int32_t)m->kptrs[i].off;

		switch (m->kptrs[i].kind) {
		case KFIELD_SPIN_LOCK:
			m->spin_lock_off = off;
			break;
		case KFIELD_RES_SPIN_LOCK:
			m->res_spin_lock_off = off;
			break;
		case KFIELD_TIMER:
			m->timer_off = off;
			break;
		case KFIELD_WQ:
			m->wq_off = off;
			break;
		case KFIELD_TASK_WORK:
			m->task_work_off = off;
			break;
		default:
			break;
		}
	}
}

/* Lists and trees need a lock; an object that may be in both needs a count. Linux: btf_parse_fields, v6.12 */
static bool fields_agree(const struct search *s)
{
	uint32_t has = 0, graph = 1u << KFIELD_LIST_HEAD | 1u << KFIELD_RB_ROOT,
		 node = 1u << KFIELD_LIST_NODE | 1u << KFIELD_RB_NODE;

	for (uint32_t i = 0; i < s->n; i++)
		has |= 1u << s->found[i].kind;
	if (has & graph && !(has & (1u << KFIELD_SPIN_LOCK | 1u << KFIELD_RES_SPIN_LOCK)))
		return false;
	return (has & node) != node || has & 1u << KFIELD_REFCOUNT;
}

FALLIBLE kfields_read(struct kverifier *v, uint32_t type_id, uint32_t size, struct kmap *out)
{
	struct search s = { .v = v, .b = v->o->types };
	const struct btf_type *t = btf_get(s.b, type_id);
	struct kfield *list;
	enum err err = E_OK;

	*out = (struct kmap){
		.spin_lock_off = -1, .res_spin_lock_off = -1, .timer_off = -1, .wq_off = -1, .task_work_off = -1
	};
	if (is_struct(t))
		err = search_struct(&s, type_id);
	else if (t->kind == BTF_DATASEC)
		err = search_section(&s, type_id);
	if (err != E_OK && !s.refused)
		return err;
	if (!fields_agree(&s))
		return refuse(&s);
	sort(s.found, s.n);
	if (!s.n || s.refused || s.found[s.n - 1].off + s.found[s.n - 1].size > size)
		return E_OK;
	list = ARENA_ARRAY(v->arena, struct kfield, s.n);
	KNEED(v, list);
	memcpy(list, s.found, s.n * sizeof *list);
	out->kptrs = list;
	out->n_kptrs = s.n;
	note_offsets(out);
	return E_OK;
}
