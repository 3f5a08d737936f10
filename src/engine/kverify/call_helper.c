/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_helper: a call of a helper: may this program make it here, do the arguments fit, and what does it do to what is
 * known?
 *
 * The order of the questions is the kernel's, because the first that fails is the reason. What is special to one helper
 * stands in helper_extra.c, what it gives back in helper_ret.c.
 *
 * Linux: kernel/bpf/verifier.c:check_helper_call, v5.10, v6.1, v6.12, v7.2.
 */
#include "engine/kverify/helper.h"

/* ---- may it be called? ---- */

static const struct kernel_proto *extra_helper(const struct kverifier *v, uint32_t id)
{
	const struct kverify_extra *x = v->o->extra;

	for (uint32_t i = 0; x && i < x->n_helpers; i++)
		if (x->helpers[i].id == id)
			return &x->helpers[i];
	return NULL;
}

static bool extra_allows(const struct kverify_extra *x, uint32_t id)
{
	for (uint32_t i = 0; i < x->n_allowed; i++)
		if (x->allowed[i] == id)
			return true;
	return false;
}

/* A type of the embedder's own: a helper that it allows has the prototype that the most general types of Linux see. */
static enum kernel_refusal lend(const struct kverifier *v, uint32_t id, const struct kernel_proto **out)
{
	static const uint32_t types[] = { KPROG_SOCKET_FILTER, KPROG_SCHED_CLS, KPROG_XDP, KPROG_KPROBE,
					  KPROG_TRACING };
	enum kernel_refusal why = KERNEL_NO_HELPER;

	for (size_t i = 0; i < countof(types) && why != KERNEL_ALLOWED; i++) {
		struct kernel_target t = { .prog_type = types[i] };

		why = kernel_helper(v->k, &t, id, out);
	}
	if (why != KERNEL_ALLOWED)
		return why;
	return extra_allows(v->o->extra, id) ? KERNEL_ALLOWED : KERNEL_NOT_HERE;
}

/* Linux: security_locked_down(LOCKDOWN_BPF_WRITE_USER), (LOCKDOWN_BPF_READ_KERNEL) in kernel/trace/bpf_trace.c, v6.12
 */
static bool is_locked_down(const struct kverifier *v, uint32_t id)
{
	switch (id) {
	case HELPER_PROBE_WRITE_USER:
		return v->o->lacks & KVERIFY_LACKS_WRITE_USER;
	case HELPER_PROBE_READ:
	case HELPER_PROBE_READ_STR:
	case HELPER_PROBE_READ_KERNEL:
	case HELPER_PROBE_READ_KERNEL_STR:
		return v->o->lacks & KVERIFY_LACKS_READ_KERNEL;
	default:
		return false;
	}
}

static FALLIBLE find(struct kverifier *v, uint32_t id, const struct kernel_proto **out)
{
	const struct kverify_extra *x = v->o->extra;
	const struct kernel_proto *own = extra_helper(v, id);
	const char *name = kernel_helper_name(id);
	enum kernel_refusal why;

	if (own) {
		*out = own;
		return E_OK;
	}
	if (x && x->prog_type && x->prog_type == v->o->target.prog_type)
		why = lend(v, id, out);
	else
		why = kernel_helper(v->k, &v->o->target, id, out);
	if (why == KERNEL_ALLOWED && is_locked_down(v, id))
		why = KERNEL_NOT_HERE;
	if (why == KERNEL_STRANGE)
		KUNSUPPORTED(v, "helper %u, which this kernel's types list and no release has", id);
	if (why == KERNEL_NO_HELPER)
		KREJECT(v, NO_HELPER, "invalid func %s%s#%d", name ? "bpf_" : "", name ? name : "unknown", (int)id);
	name = name ? name : "unknown";
	if (why == KERNEL_NOT_HERE && khas(v, KERNEL_SAYS_CANNOT_USE))
		KREJECT(v, HELPER_HERE, "program of this type cannot use helper bpf_%s#%u", name, id);
	if (why == KERNEL_NOT_HERE)
		KREJECT(v, HELPER_HERE_OLD, "unknown func bpf_%s#%u", name, id);
	if (why == KERNEL_NOT_IN_PROBE)
		KREJECT(v, NOT_IN_PROBE, "helper call is not allowed in probe");
	return E_OK;
}

static const char *why_not_sleep(const struct kverifier *v)
{
	const struct kverify_state *s = &v->cur;

	if (s->rcu_locks)
		return "rcu_read_lock region";
	if (s->preempt_locks)
		return "non-preemptible region";
	if (s->irq_id)
		return "IRQ-disabled region";
	if (s->active_locks)
		return "lock region";
	return kin_sleepable(v) ? NULL : "non-sleepable prog";
}

static FALLIBLE check_sleep(struct kverifier *v, const struct kernel_proto *p)
{
	const char *section = why_not_sleep(v);

	if (!(p->flags & KP_MIGHT_SLEEP) || !section)
		return E_OK;
	if (!khas(v, KERNEL_SLEEP_CONTEXT) && !kin_sleepable(v))
		KREJECT(v, SLEEPS, "helper call might sleep in a non-sleepable prog");
	KREJECT(v, SLEEPS_IN_SECTION, "sleepable helper bpf_%s#%u in %s", p->name, p->id, section);
}

static FALLIBLE check_allowed(struct kverifier *v, const struct kernel_proto *p)
{
	if (p->flags & KP_GPL && !v->o->gpl)
		KREJECT(v, GPL, "cannot call GPL-restricted function from non-GPL compatible program");
	return check_sleep(v, p);
}

/* ---- maps ---- */

static bool keeps_map(uint32_t id)
{
	switch (id) {
	case HELPER_TAIL_CALL:
	case HELPER_MAP_LOOKUP_ELEM:
	case HELPER_MAP_UPDATE_ELEM:
	case HELPER_MAP_DELETE_ELEM:
	case HELPER_MAP_PUSH_ELEM:
	case HELPER_MAP_POP_ELEM:
	case HELPER_MAP_PEEK_ELEM:
	case HELPER_FOR_EACH_MAP_ELEM:
	case HELPER_REDIRECT_MAP:
	case HELPER_MAP_LOOKUP_PERCPU_ELEM:
		return true;
	default:
		return false;
	}
}

static bool changes_map(uint32_t id)
{
	return id == HELPER_MAP_DELETE_ELEM || id == HELPER_MAP_UPDATE_ELEM || id == HELPER_MAP_PUSH_ELEM ||
	       id == HELPER_MAP_POP_ELEM;
}

/* Linux: record_func_map */
static FALLIBLE record_map(struct kverifier *v, const struct kcall *c)
{
	struct kaux *aux = &v->aux[v->at];

	if (!keeps_map(c->id))
		return E_OK;
	KENSURE(v, c->map_def);
	if (c->map_def->flags & PROG_MAP_RDONLY && changes_map(c->id))
		KREJECT(v, HELPER_MAP_READ_ONLY, "write into map forbidden");
	if (!aux->map_state)
		aux->map_state = (uint32_t)c->map + 1;
	else if (aux->map_state != (uint32_t)c->map + 1)
		aux->map_state = UINT32_MAX;
	return E_OK;
}

/* The index of a tail call, if it is always the same, is part of the program. Linux: record_func_key */
static FALLIBLE record_key(struct kverifier *v, const struct kcall *c)
{
	const struct kreg *reg = kreg_at(v, 3);

	if (c->id != HELPER_TAIL_CALL || !khas(v, KERNEL_TAIL_CALL_KEY))
		return E_OK;
	KENSURE(v, c->map_def);
	if (c->map_def->kind != PROG_MAP_PROG_ARRAY)
		KREJECT(v, TAIL_CALL_MAP, "expected prog array map for tail call");
	return kreg_is_const(reg) && reg->n.t.value < c->map_def->max_entries ? kprecise_reg(v, 3) : E_OK;
}

/* Linux: check_map_func_compatibility */
static FALLIBLE check_map_helper(struct kverifier *v, const struct kcall *c)
{
	uint32_t kind = c->map_def ? c->map_def->kind : 0;
	bool sockmap = kind == MAP_SOCKMAP || kind == MAP_SOCKHASH;

	if (!c->map_def)
		return E_OK;
	if (sockmap && (c->id == HELPER_MAP_UPDATE_ELEM || c->id == HELPER_MAP_DELETE_ELEM) &&
	    !kernel_sockmap_updates(v->k, &v->o->target, c->id))
		KREJECT(v, SOCKMAP_UPDATE, "cannot update sockmap in this context");
	if (!kernel_map_takes(v->k, kind, c->id))
		KREJECT(v, MAP_HELPER, "cannot pass map_type %u into func bpf_%s#%u", kind, c->proto->name, c->id);
	return E_OK;
}

/* ---- arguments, and what the call does to them ---- */

static FALLIBLE check_args(struct kverifier *v, struct kcall *c)
{
	for (unsigned i = 0; i < countof(c->proto->arg); i++)
		TRY(kcheck_arg(v, i, c));
	return E_OK;
}

/* Memory that the helper fills: byte by byte, once all arguments are judged. */
static FALLIBLE write_memory(struct kverifier *v, const struct kcall *c)
{
	for (int32_t i = 0; i < c->access_size; i++) {
		struct kaccess a = { .reg = c->raw_reg, .off = i, .size = 1, .write = true, .value = -1 };

		TRY(kcheck_mem(v, &a));
	}
	if (!c->new_dynptr_reg)
		return E_OK;
	return kdynptr_make_late(v, c->new_dynptr_reg, c->proto->arg[c->new_dynptr_reg - 1].flags);
}

/* A per-CPU object that goes into a map stays readable until the RCU section ends. */
static bool keep_for_rcu(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	uint32_t id = *(const uint32_t *)user;
	bool by_id = khas(v, KERNEL_REF_BY_ID);

	(void)slot;
	if ((by_id ? r->id : r->ref_id) != id)
		return true;
	if ((r->flags & (KF_ALLOC | KF_PERCPU)) == (KF_ALLOC | KF_PERCPU)) {
		r->ref_id = 0;
		if (by_id)
			r->id = 0;
		r->flags = (r->flags & ~(uint32_t)KF_ALLOC) | KF_RCU;
	} else {
		kreg_forget(v, r);
	}
	return true;
}

static FALLIBLE not_acquired(struct kverifier *v, const struct kcall *c)
{
	KREJECT(v, NOT_ACQUIRED, "func bpf_%s#%u reference has not been acquired before", c->proto->name, c->id);
}

/* Releases without KF_RELEASE in their prototypes know three helpers by name. */
static uint32_t release_reg(const struct kverifier *v, const struct kcall *c)
{
	bool by_name = c->id == HELPER_SK_RELEASE || c->id == HELPER_RINGBUF_SUBMIT || c->id == HELPER_RINGBUF_DISCARD;

	if (c->release_reg)
		return c->release_reg;
	return by_name && !khas(v, KERNEL_RELEASE_FLAG) ? 1 : 0;
}

static FALLIBLE release(struct kverifier *v, const struct kcall *c)
{
	uint32_t r = release_reg(v, c), id = c->ref_id;
	const struct kreg *reg;

	if (!r)
		return E_OK;
	reg = kreg_at(v, r);
	if (kreg_is_null(reg) && khas(v, KERNEL_REF_BY_ID))
		return E_OK; /* another argument may be one that is held */
	if (kreg_is_null(reg))
		return id || !khas(v, KERNEL_RELEASE_FLAG) ? not_acquired(v, c) : E_OK;
	if (c->proto->arg[r - 1].base == KA_DYNPTR)
		return kdynptr_release(v, r);
	if (khas(v, KERNEL_REF_BY_ID))
		id = kref_of(v, reg);
	if (!id)
		return not_acquired(v, c);
	if (c->id == HELPER_KPTR_XCHG && khas(v, KERNEL_DYNPTR_SLICES) && kin_rcu(v) &&
	    (reg->flags & (KF_ALLOC | KF_PERCPU)) == (KF_ALLOC | KF_PERCPU)) {
		if (!kref_end(v, id))
			return not_acquired(v, c);
		kstate_each_reg(v, &v->cur, keep_for_rcu, &id);
		return E_OK;
	}
	return kref_release(v, id);
}

/* ---- the call ---- */

static FALLIBLE finish(struct kverifier *v, struct kcall *c, bool changes_packet)
{
	TRY(check_map_helper(v, c));
	TRY(khelper_after(v, c, &changes_packet));
	if (changes_packet)
		kpacket_clear(v);
	return E_OK;
}

FALLIBLE kcheck_helper_call(struct kverifier *v, const struct isa_insn *in)
{
	struct kcall c = { .id = (uint32_t)in->imm, .map = -1, .const_key = -1 };
	struct kframe *frame = kframe_cur(&v->cur);
	bool changes_packet;

	TRY(find(v, c.id, &c.proto));
	TRY(check_allowed(v, c.proto));
	c.pkt_access = c.proto->flags & KP_PKT_ACCESS;
	changes_packet = c.proto->flags & KP_CHANGES_PACKET;
	TRY(check_args(v, &c));
	TRY(record_map(v, &c));
	TRY(record_key(v, &c));
	TRY(write_memory(v, &c));
	TRY(release(v, &c));
	TRY(khelper_extra(v, &c, &changes_packet));
	TRY(khelper_result(v, frame, &c));
	TRY(finish(v, &c, changes_packet));
	if (!c.moved)
		v->insn = v->at + 1;
	return E_OK;
}
