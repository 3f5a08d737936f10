/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnose: why a kernel rejects a program, so that its author can mend it.
 *
 * The verdict comes from one run without any record. Only a rejected program is verified again: once to find the path
 * that fails (each step knows the one before it), once to keep the registers along that path. Runs are deterministic;
 * if one differs nonetheless, there are no notes, and the verdict stands.
 */
#include "engine/kverify/diagnose.h"

/* ---- the second run: which step comes from which ---- */

struct tree {
	uint32_t *before, *insn; /* per step, from 1 */
	uint64_t room, last;
	uint32_t *heat;
};

static void note_step(void *user, const struct kverifier *v, uint32_t insn, const struct kverify_state *s)
{
	struct tree *t = user;
	uint64_t step = kverify_step(v);

	(void)s;
	if (step > t->room)
		return;
	t->before[step] = (uint32_t)kverify_step_before(v);
	t->insn[step] = insn;
	t->last = step;
	t->heat[insn]++;
}

/* ---- the third: what was known on the path ---- */

struct capture {
	struct dx *x;
	const uint32_t *steps; /* x->n of them */
	uint32_t n;
};

static void keep_step(void *user, const struct kverifier *v, uint32_t insn, const struct kverify_state *s)
{
	struct capture *c = user;
	struct dx_step *to = &c->x->step[c->n];

	if (c->n == c->x->n || kverify_step(v) != c->steps[c->n])
		return;
	to->insn = insn;
	to->frame = s->cur;
	memcpy(to->r, kframe_cur(s)->r, sizeof to->r);
	c->n++;
}

static struct kverify_opts watched(const struct kverify_opts *o, const struct kverify_watcher *w)
{
	struct kverify_opts out = *o;

	out.watcher = w;
	return out;
}

static bool again(struct dx *x, const struct kverify_opts *o, struct arena *walk, struct kverify_stats *stats,
		  struct kverifier **v)
{
	struct diag d;

	arena_done(walk);
	diag_init(&d);
	return kverify_run(x->p, o, walk, stats, &d, v) == E_REJECTED && d.id == x->d->id && d.insn == x->d->insn;
}

/* The numbers of the path's last steps, oldest first, in the notes' arena. NULL: no memory. */
static uint32_t *path_of(struct dx *x, const struct tree *t, uint64_t leaf)
{
	uint32_t *steps;
	uint64_t total = 0;

	for (uint64_t s = leaf; s; s = t->before[s])
		total++;
	x->n = total > DX_STEPS ? DX_STEPS : (uint32_t)total;
	x->n_before = total - x->n;
	steps = ARENA_ARRAY(x->arena, uint32_t, x->n + 1);
	for (uint32_t i = x->n; steps && i--; leaf = t->before[leaf])
		steps[i] = (uint32_t)leaf;
	return steps;
}

static bool find_path(struct dx *x, const struct kverify_opts *o, struct arena *walk, uint64_t n_steps,
		      uint32_t **steps)
{
	struct tree t = { .room = n_steps };
	const struct kverify_watcher w = { .step = note_step, .user = &t };
	const struct kverify_opts opts = watched(o, &w);
	struct kverify_stats stats;
	struct kverifier *v = NULL;
	struct arena record;
	uint64_t leaf;
	bool good;

	arena_init(&record, (size_t)(n_steps + 1) * 8 + (1 << 16));
	t.before = ARENA_ARRAY(&record, uint32_t, n_steps + 1);
	t.insn = ARENA_ARRAY(&record, uint32_t, n_steps + 1);
	t.heat = ARENA_ARRAY(x->arena, uint32_t, x->p->n_insns + 1);
	good = t.before && t.insn && t.heat && again(x, &opts, walk, &stats, &v);
	if (good) {
		/* A step that is refused before it is judged (a loop that comes round) ends its path at the one before.
		 */
		leaf = !v->walking ? 0 : t.last == kverify_step(v) ? t.last : kverify_step_before(v);
		x->heat = t.heat;
		*steps = path_of(x, &t, leaf);
		good = *steps != NULL;
	}
	arena_done(&record);
	return good;
}

static bool keep_path(struct dx *x, const struct kverify_opts *o, struct arena *walk, const uint32_t *steps)
{
	struct capture c = { .x = x, .steps = steps };
	const struct kverify_watcher w = { .step = keep_step, .user = &c };
	struct kverify_stats stats;
	struct kverifier *v = NULL;

	x->step = ARENA_ARRAY(x->arena, struct dx_step, x->n + 1);
	x->opts = watched(o, &w);
	if (!x->step || !again(x, &x->opts, walk, &stats, &v) || c.n != x->n)
		return false;
	v->o = o; /* what it was watched with ends here */
	x->v = v;
	return true;
}

/* ---- what is said ---- */

/* The title first. What the first run noted lies in its arena. */
static void title(struct dx *x)
{
	const struct note *old = x->d->notes;

	x->d->notes = NULL;
	if (x->row)
		dx_note_plain(x, "%s", x->row->title);
	for (; old && x->d->id != KV_REF_LEAK; old = old->next)
		dx_note_plain(x, "the kernel's log says first: %s", old->text);
}

static void explain(struct dx *x)
{
	bool said = dx_structure(x) || dx_memory(x) || dx_calls(x) || dx_resources(x);

	if (!said && x->n && x->v->failed_reg >= 0 && x->v->failed_reg < ISA_N_REGS) {
		char says[DX_TEXT], it[DX_NAME + 8];
		unsigned r = (unsigned)x->v->failed_reg;

		dx_note(x, x->n - 1, "%s is %s", dx_call_it(x, r, it), dx_describe(x, &x->step[x->n - 1].r[r], says));
		dx_note_origin(x, dx_in_reg(x, r), r);
	}
	if (!said && x->row && x->row->need[0])
		dx_note_plain(x, "needed: %s", x->row->need);
	if (x->n && x->d->id != KV_TOO_LARGE && x->d->id != KV_TOO_MANY_BRANCHES)
		dx_note_path(x);
}

static const struct kverify_diag_row *row_of(const struct diag *d)
{
	for (size_t i = 0; i < kverify_n_diags; i++)
		if (kverify_diags[i].id == d->id)
			return &kverify_diags[i];
	return NULL;
}

FALLIBLE kverify_diagnose(const struct prog *p, const struct kverify_opts *o, struct arena *walk, struct arena *notes,
			  struct kverify_stats *stats, struct diag *d)
{
	struct dx x = { .p = p, .arena = notes, .d = d };
	struct kverify_stats own;
	enum err err = kverify_prog(p, o, walk, stats ? stats : &own, d);
	uint32_t *steps = NULL;

	if (err != E_REJECTED || !d)
		return err;
	x.row = row_of(d);
	title(&x);
	if (!x.row || !find_path(&x, o, walk, (stats ? stats : &own)->steps, &steps) || !keep_path(&x, o, walk, steps))
		return err;
	if (!x.n || dx_values(&x))
		explain(&x);
	return err;
}
