/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refine: what does this very kernel have, by its own types?
 *
 * One walk over the types notes which enumerators, members and functions there are; the rest is bits. Nothing is
 * followed from type to type but once, so that hostile types cost what their bytes do.
 */
#include <string.h>

#include "engine/btf/btf.h"
#include "engine/kernel/own.h"

/* ---- signs ---- */

enum weight { ALONE, AGE };
enum sign { LACKS, HAS };

static const struct tell {
	const char *container, *member;
	uint16_t behaviour; /* KERNEL_N_BEHAVIOURS: a STEP */
	uint16_t step;
	uint8_t weight, sign;
} tells[] = {
#define TELL(behaviour_, weight_, sign_, container_, member_) \
	{ .container = container_,                            \
	  .member = member_,                                  \
	  .behaviour = KERNEL_##behaviour_,                   \
	  .weight = weight_,                                  \
	  .sign = sign_ },
#define STEP(since_, container_, member_)   \
	{ .container = container_,          \
	  .member = member_,                \
	  .behaviour = KERNEL_N_BEHAVIOURS, \
	  .step = since_,                   \
	  .weight = AGE,                    \
	  .sign = HAS },
#include "engine/kernel/tells.def"
#undef STEP
#undef TELL
};

/* The enums of include/uapi/linux/bpf.h. */
enum { HELPERS, MAPS, PROGS, ATTACHES, N_LISTS };

struct notes {
	bool there[countof(tells)];
	bool verifier, listed[N_LISTS], tagged;
	uint32_t frames;
	uint64_t helpers[KERNEL_HELPER_WORDS], strange[KERNEL_HELPER_WORDS], maps, progs, attaches;
	uint64_t funcs[KERNEL_KFUNC_WORDS], tags[KERNEL_KFUNC_WORDS];
};

static uint16_t tell_since(const struct tell *t)
{
	return t->behaviour == KERNEL_N_BEHAVIOURS ? t->step : kernel_behaviours[t->behaviour].since;
}

/* ---- the walk ---- */

static const char *member_name(const struct btf_type *t, uint32_t i)
{
	return t->kind == BTF_STRUCT ? t->members[i].name : t->enumerators[i].name;
}

static bool has_member(const struct btf_type *t, const char *name)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (!strcmp(member_name(t, i), name))
			return true;
	return false;
}

static void note_tells(struct notes *n, const struct btf_type *t)
{
	for (size_t i = 0; i < countof(tells); i++)
		if (!strcmp(tells[i].container, t->name) && has_member(t, tells[i].member))
			n->there[i] = true;
}

/* Linux: include/linux/bpf_verifier.h:struct bpf_verifier_state, frame[MAX_CALL_FRAMES] */
static void note_frames(struct notes *n, const struct btf *b, const struct btf_type *t)
{
	if (strcmp(t->name, "bpf_verifier_state") != 0)
		return;
	for (uint32_t i = 0; i < t->n; i++) {
		const struct btf_type *m = btf_get(b, btf_skip(b, t->members[i].type));

		if (m->kind == BTF_ARRAY && !strcmp(t->members[i].name, "frame"))
			n->frames = m->n;
	}
}

static void note_helper(struct notes *n, const struct btf_enumerator *e)
{
	static const char prefix[] = "BPF_FUNC_";
	const char *known;

	if (!e->value || e->value >= KERNEL_HELPER_WORDS * 64 || strncmp(e->name, prefix, sizeof(prefix) - 1) != 0)
		return;
	known = kernel_helper_name((uint32_t)e->value);
	own_set(known && !strcmp(known, e->name + sizeof(prefix) - 1) ? n->helpers : n->strange, (size_t)e->value,
		true);
}

static uint64_t number_bit(const struct btf_enumerator *e)
{
	return e->value < 64 && strncmp(e->name, "__", 2) != 0 ? UINT64_C(1) << e->value : 0;
}

static void note_enum(struct notes *n, const struct btf_type *t)
{
	static const char *const lists[N_LISTS] = { "bpf_func_id", "bpf_map_type", "bpf_prog_type", "bpf_attach_type" };

	for (uint32_t list = 0; list < N_LISTS; list++) {
		if (strcmp(t->name, lists[list]) != 0)
			continue;
		n->listed[list] = n->listed[list] || t->n;
		for (uint32_t i = 0; i < t->n; i++) {
			const struct btf_enumerator *e = &t->enumerators[i];

			if (list == HELPERS)
				note_helper(n, e);
			else
				*(list == MAPS ? &n->maps : list == PROGS ? &n->progs : &n->attaches) |= number_bit(e);
		}
	}
}

static void note_function(uint64_t *set, const char *name)
{
	const struct kernel_kfunc *f;

	for (size_t i = kernel_kfunc_first(name); (f = kernel_kfunc_at(i)) && !strcmp(f->name, name); i++)
		own_set(set, i, true);
}

static void note_tag(struct notes *n, const struct btf *b, const struct btf_type *t)
{
	const struct btf_type *f = btf_get(b, t->type);

	if (f->kind != BTF_FUNC || strcmp(t->name, "bpf_kfunc") != 0)
		return;
	n->tagged = true;
	note_function(n->tags, f->name);
}

static void note(struct notes *n, const struct btf *b, const struct btf_type *t)
{
	bool mine = !strncmp(t->name, "bpf_", 4) || !strncmp(t->name, "btf_", 4);

	if (t->kind == BTF_FUNC)
		note_function(n->funcs, t->name);
	else if (t->kind == BTF_DECL_TAG)
		note_tag(n, b, t);
	else if (mine && (t->kind == BTF_ENUM || t->kind == BTF_ENUM64))
		note_tells(n, t), note_enum(n, t);
	else if (mine && t->kind == BTF_STRUCT) {
		note_tells(n, t);
		note_frames(n, b, t);
		n->verifier = n->verifier || (t->n && !strcmp(t->name, "bpf_verifier_env"));
	}
}

/* ---- conclusions ---- */

static bool shows(const struct notes *n, size_t i)
{
	return n->there[i] == (tells[i].sign == HAS);
}

/* Tell-tales are in the verifier's structs and among the helpers: without both, what is missing says nothing. */
static bool tells_behaviours(const struct notes *n)
{
	return n->verifier && n->listed[HELPERS];
}

/* The newest release up to which all signs of age are there. */
static uint16_t age(const struct notes *n, uint16_t version)
{
	uint16_t newest = version, missing = KERNEL_NOT_YET;

	for (size_t i = 0; i < countof(tells); i++)
		if (tells[i].weight == AGE && tell_since(&tells[i]) > version && !shows(n, i) &&
		    tell_since(&tells[i]) < missing)
			missing = tell_since(&tells[i]);
	for (size_t i = 0; i < countof(tells); i++)
		if (tells[i].weight == AGE && tell_since(&tells[i]) < missing && tell_since(&tells[i]) > newest)
			newest = tell_since(&tells[i]);
	return newest;
}

static void set_behaviours(const struct notes *n, const struct kernel_profile *as, struct kernel_own *own)
{
	for (uint32_t b = 0; b < KERNEL_N_BEHAVIOURS; b++)
		own_set(own->behaviours, b, kernel_has(as, (enum kernel_behaviour)b));
	for (size_t i = 0; i < countof(tells) && tells_behaviours(n); i++)
		if (tells[i].behaviour != KERNEL_N_BEHAVIOURS)
			own_set(own->behaviours, tells[i].behaviour, shows(n, i));
}

static void set_helpers(const struct notes *n, const struct kernel_profile *as, struct kernel_own *own)
{
	for (uint32_t id = 0; id < KERNEL_HELPER_WORDS * 64; id++)
		own_set(own->helpers, id, n->listed[HELPERS] ? own_has(n->helpers, id) : kernel_has_helper(as, id));
	memcpy(own->strange, n->strange, sizeof own->strange);
}

static void set_numbers(const struct notes *n, const struct kernel_profile *as, struct kernel_own *own)
{
	for (uint32_t i = 0; i < 64; i++) {
		own->maps |= (uint64_t)(kernel_map_kind(as, i) != NULL) << i;
		own->progs |= (uint64_t)(kernel_prog_type(as, i) != NULL) << i;
		own->attaches |= (uint64_t)kernel_has_attach(as, i) << i;
	}
	own->maps = n->listed[MAPS] ? n->maps : own->maps;
	own->progs = n->listed[PROGS] ? n->progs : own->progs;
	own->attaches = n->listed[ATTACHES] ? n->attaches : own->attaches;
}

/*
 * A later row counts when the types show the function, as one for programs. Types that tag none are older than that:
 * there a name with the prefix bpf_ is one (others were functions of the kernel before they were for programs).
 */
static bool shows_kfunc(const struct notes *n, size_t i, const struct kernel_kfunc *f)
{
	return own_has(n->funcs, i) && !strncmp(f->name, "bpf_", 4) && (!n->tagged || own_has(n->tags, i));
}

static void set_kfuncs(const struct notes *n, const struct kernel_profile *as, struct kernel_own *own)
{
	const struct kernel_kfunc *f;
	const char *had = "";

	for (size_t i = 0; (f = kernel_kfunc_at(i)); i++) {
		bool now = as->version >= f->since && as->version < f->until;

		if (strcmp(had, f->name) != 0 && (now || (f->since > as->version && shows_kfunc(n, i, f)))) {
			own_set(own->kfuncs, i, true);
			had = f->name;
		}
	}
}

/* ---- what is different ---- */

static void count_one(bool was, bool is, uint16_t *more, uint16_t *less)
{
	*more = (uint16_t)(*more + (is && !was));
	*less = (uint16_t)(*less + (was && !is));
}

static void count(const struct kernel_profile *k, struct kernel_refined *r)
{
	const struct kernel_profile *p = &r->profile;
	struct kernel_difference *m = &r->more, *l = &r->less;
	const struct kernel_kfunc *f;

	for (uint32_t b = 0; b < KERNEL_N_BEHAVIOURS; b++)
		count_one(kernel_has(k, (enum kernel_behaviour)b), kernel_has(p, (enum kernel_behaviour)b),
			  &m->behaviours, &l->behaviours);
	for (uint32_t id = 0; id < KERNEL_HELPER_WORDS * 64; id++)
		count_one(kernel_has_helper(k, id), kernel_has_helper(p, id), &m->helpers, &l->helpers);
	for (uint32_t i = 0; i < 64; i++) {
		count_one(kernel_map_kind(k, i), kernel_map_kind(p, i), &m->maps, &l->maps);
		count_one(kernel_prog_type(k, i), kernel_prog_type(p, i), &m->progs, &l->progs);
		count_one(kernel_has_attach(k, i), kernel_has_attach(p, i), &m->attaches, &l->attaches);
	}
	for (size_t i = 0; (f = kernel_kfunc_at(i)); i++)
		count_one(k->version >= f->since && k->version < f->until, own_has(r->own.kfuncs, i), &m->kfuncs,
			  &l->kfuncs);
	r->changed = memcmp(m, &(struct kernel_difference){ 0 }, sizeof *m) != 0 ||
		     memcmp(l, &(struct kernel_difference){ 0 }, sizeof *l) != 0 ||
		     memcmp(&k->limits, &p->limits, sizeof k->limits) != 0;
}

void kernel_refine(const struct kernel_profile *k, const struct btf *types, struct kernel_refined *out)
{
	const uint32_t frames_max = kernel_profiles[kernel_n_profiles - 1].limits.frames;
	struct notes n = { 0 };
	const struct kernel_profile *as;

	*out = (struct kernel_refined){ .profile = *k };
	for (uint32_t id = 1; id < types->n_types; id++)
		note(&n, types, btf_get(types, id));
	out->profile.version = tells_behaviours(&n) ? age(&n, k->version) : k->version;
	as = kernel_profile_for(out->profile.version);
	out->profile.limits = as ? as->limits : k->limits;
	if (n.frames && n.frames <= frames_max)
		out->profile.limits.frames = n.frames;
	set_behaviours(&n, &out->profile, &out->own);
	set_helpers(&n, &out->profile, &out->own);
	set_numbers(&n, &out->profile, &out->own);
	set_kfuncs(&n, &out->profile, &out->own);
	out->profile.own = &out->own;
	count(k, out);
	out->profile.measured = k->measured && !out->changed;
}
