/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk: every path, depth first, instruction by instruction.
 *
 * At a branch that can go both ways one side waits. The path at work ends at exit or where a kept state covers it; then
 * the newest that waits goes on. Linux: kernel/bpf/verifier.c:do_check, push_stack, pop_stack, push_async_cb, v6.12.
 */
#include "engine/kverify/call.h"

enum { ASK_STEPS = 4096 };

static FALLIBLE new_pending(struct kverifier *v, uint32_t insn, uint32_t prev, const char *what, struct kpending **out)
{
	struct kpending *p = kpool_alloc(v, sizeof *p);

	KNEED(v, p);
	*p = (struct kpending){ .next = v->pending, .insn = insn, .prev_insn = prev, .step = v->stats.steps };
	v->pending = p;
	if (++v->n_pending > v->stats.branch_peak)
		v->stats.branch_peak = v->n_pending;
	if (v->n_pending > v->k->limits.branches)
		KREJECT(v, TOO_MANY_BRANCHES, "The sequence of %u jumps is too complex%s.", v->n_pending, what);
	*out = p;
	return E_OK;
}

FALLIBLE kwalk_push(struct kverifier *v, uint32_t insn, uint32_t prev, struct kverify_state **out)
{
	struct kpending *p = NULL;

	if (v->pending)
		kstate_share(v, &v->pending->st, v->pending->st.parent);
	TRY(new_pending(v, insn, prev, "", &p));
	KNEED(v, kstate_copy(v, &p->st, &v->cur));
	if (p->st.parent)
		p->st.parent->branches++;
	*out = &p->st;
	return E_OK;
}

/* Nothing is known but the frame's own address. */
static FALLIBLE new_frame(struct kverifier *v, uint32_t subprog, struct kframe **out)
{
	struct kframe *f = kpool_alloc(v, sizeof *f);

	KNEED(v, f);
	*f = (struct kframe){ .callsite = -1, .subprog = subprog };
	kframe_init_regs(v, f);
	*out = f;
	return E_OK;
}

void kframe_init_regs(struct kverifier *v, struct kframe *f)
{
	for (int r = 0; r < ISA_N_REGS; r++) {
		f->r[r] = (struct kreg){ 0 };
		kreg_none(&v->rules, &f->r[r]);
	}
	kreg_pointer(&v->rules, &f->r[ISA_FP], KR_STACK, 0);
	f->r[ISA_FP].frame = (uint8_t)f->frameno;
}

FALLIBLE kwalk_push_async(struct kverifier *v, uint32_t subprog, uint32_t insn, bool sleepable, struct kframe **out)
{
	struct kpending *p = NULL;

	TRY(new_pending(v, v->subprogs[subprog].start, insn, " for async cb", &p));
	p->st.branches = 1;
	p->st.in_sleepable = sleepable;
	TRY(new_frame(v, subprog, &p->st.frame[0]));
	*out = p->st.frame[0];
	return E_OK;
}

static FALLIBLE pop(struct kverifier *v, bool *popped)
{
	struct kpending *p = v->pending;

	*popped = p != NULL;
	if (!p)
		return E_OK;
	KNEED(v, kstate_own(v, &p->st));
	kstate_free(v, &v->cur);
	v->cur = p->st;
	v->insn = p->insn;
	v->prev_insn = p->prev_insn;
	v->prev_step = p->step;
	v->pending = p->next;
	v->n_pending--;
	kpool_free(v, p, sizeof *p);
	return E_OK;
}

/* Linux: check_alu_op, check_cond_jmp_op and others, each for its own instructions */
static const char *class_name(const struct isa_insn *in)
{
	switch ((enum isa_sem)in->sem) {
	case ISA_MOVSX:
	case ISA_ADDR_CAST:
		return "MOV";
	case ISA_ATOMIC:
	case ISA_LOAD_ACQ:
	case ISA_STORE_REL:
		return "STX";
	case ISA_CALL:
		return "CALL";
	default:
		return "ALU";
	}
}

/* E_OK: the next instruction is in v->insn, or the path ends. */
static FALLIBLE judge(struct kverifier *v)
{
	const struct isa_insn *in = &v->p->insns[v->insn];

	if (v->aux[v->insn].too_new)
		KREJECT(v, RESERVED_FIELDS, "BPF_%s uses reserved fields", class_name(in));
	switch ((enum isa_sem)in->sem) {
	case ISA_EXIT:
		v->jmps++;
		return kcheck_exit(v);
	case ISA_CALL:
	case ISA_CALLX:
		v->jmps++;
		return kcheck_call(v, in);
	case ISA_IMM64:
		TRY(kcheck_imm64(v, in));
		v->insn += 2;
		return E_OK;
	case ISA_LDX:
	case ISA_LDXS:
		TRY(kcheck_load(v, in));
		break;
	case ISA_ST:
	case ISA_STX:
		TRY(kcheck_store(v, in));
		break;
	case ISA_LOAD_ACQ:
	case ISA_STORE_REL:
	case ISA_ATOMIC:
		TRY(kcheck_atomic(v, in));
		break;
	case ISA_LD_ABS:
	case ISA_LD_IND:
		TRY(kcheck_ld_abs(v, in));
		break;
	default:
		if (in->sem == ISA_JA || isa_is_cond_jump(in)) {
			v->jmps++;
			if (v->aux[v->insn].one_way) {
				v->insn += 1 + (v->aux[v->insn].one_way == KONE_WAY_TAKEN ? (uint32_t)in->off : 0);
				return E_OK;
			}
			return kcheck_jump(v, in);
		}
		KENSURE(v, in->sem >= ISA_ADD && in->sem <= ISA_BSWAP);
		TRY(kcheck_alu(v, in));
	}
	v->insn++;
	return E_OK;
}

static FALLIBLE count_step(struct kverifier *v)
{
	if (++v->stats.steps > v->k->limits.steps)
		KREJECT(v, TOO_LARGE, "BPF program is too large. Processed %llu insn",
			(unsigned long long)v->stats.steps);
	if (v->o->cancelled && !(v->stats.steps % ASK_STEPS) && v->o->cancelled(v->o->cancel_user))
		KREJECT(v, CANCELLED, "stopped by the caller");
	return E_OK;
}

static FALLIBLE advance(struct kverifier *v)
{
	bool covered = false;

	if (v->insn >= v->p->n_insns)
		KREJECT(v, FALLS_OFF, "invalid insn idx %u insn_cnt %u", v->insn, v->p->n_insns);
	KENSURE(v, v->p->insns[v->insn].sem != ISA_PAD);
	TRY(count_step(v));
	v->cur.last_insn = v->prev_insn;
	v->cur.insn = v->insn;
	v->hist_open = false;
	if (v->aux[v->insn].prune_point)
		TRY(kprune_visit(v, &covered));
	if (covered) {
		v->path_ends = true;
		return E_OK;
	}
	if (khas(v, KERNEL_JUMP_POINTS) && v->aux[v->insn].jmp_point)
		TRY(khist_push(v, 0, 0));
	if (v->o->watcher)
		v->o->watcher->step(v->o->watcher->user, v, v->insn, &v->cur);
	v->aux[v->insn].seen = true;
	v->at = v->insn;
	TRY(klive_step_begin(v));
	TRY(judge(v));
	TRY(klive_step_end(v));
	v->prev_insn = v->at;
	v->prev_step = v->stats.steps;
	return E_OK;
}

static void forget(struct kverifier *v)
{
	kstate_free(v, &v->cur);
	kprune_reset(v);
}

static FALLIBLE walk(struct kverifier *v)
{
	bool more = true;

	while (more) {
		v->path_ends = false;
		while (!v->path_ends)
			TRY(advance(v));
		TRY(kprune_path_end(v));
		TRY(pop(v, &more));
	}
	return E_OK;
}

/* From the first instruction of a function that is verified for itself. Linux: do_check_common */
static FALLIBLE walk_subprog(struct kverifier *v, uint32_t s)
{
	struct kframe *f;

	v->cur = (struct kverify_state){ .branches = 1,
					 .in_sleepable = v->o->target.sleepable,
					 .last_insn = UINT32_MAX };
	v->insn = v->cur.first_insn = v->subprogs[s].start;
	v->prev_insn = UINT32_MAX;
	v->prev_step = 0;
	TRY(new_frame(v, s, &v->cur.frame[0]));
	f = v->cur.frame[0];
	if (s || v->o->target.prog_type == 28 /* BPF_PROG_TYPE_EXT */)
		TRY(kglobal_enter(v, s, f));
	else
		kreg_pointer(&v->rules, &f->r[1], KR_CTX, 0);
	v->walking = true;
	TRY(walk(v));
	v->walking = false;
	forget(v);
	return E_OK;
}

/* Global functions are verified for themselves: all that are called, or (before 6.8) all. */
static FALLIBLE walk_globals(struct kverifier *v)
{
	bool lazily = khas(v, KERNEL_GLOBALS_WHEN_CALLED);

	for (bool more = true; more;) {
		more = false;
		for (uint32_t s = 1; s < v->n_subprogs; s++) {
			struct ksubprog *sp = &v->subprogs[s];

			if (!sp->global || sp->verified || (lazily && !sp->called))
				continue;
			TRY(walk_subprog(v, s));
			sp->verified = more = true;
		}
	}
	return E_OK;
}

FALLIBLE kwalk_all(struct kverifier *v)
{
	if (!khas(v, KERNEL_GLOBALS_WHEN_CALLED))
		TRY(walk_globals(v));
	TRY(walk_subprog(v, 0));
	return khas(v, KERNEL_GLOBALS_WHEN_CALLED) ? walk_globals(v) : E_OK;
}

uint64_t kverify_step(const struct kverifier *v)
{
	return v->stats.steps;
}

uint64_t kverify_step_before(const struct kverifier *v)
{
	return v->prev_step;
}
