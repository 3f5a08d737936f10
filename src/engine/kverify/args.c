/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args: one argument of a helper: is it what the prototype asks for, and what does the call learn from it?
 *
 * First the register's kind and offset (args_types.c), then what belongs to the kind of argument. What is learned
 * stands in struct kcall. Linux: kernel/bpf/verifier.c:check_func_arg, v5.10, v6.1, v6.12, v7.2.
 */
#include "engine/kverify/call_internal.h"

/* What a value argument means depends on the map. Linux: resolve_map_arg_type */
static FALLIBLE resolve_value(struct kverifier *v, const struct kcall *c, struct kernel_typed *t)
{
	KENSURE(v, c->map_def);
	if (c->map_def->kind == MAP_SOCKMAP || c->map_def->kind == MAP_SOCKHASH) {
		if (t->flags)
			KREJECT(v, SOCKMAP_VALUE, "invalid arg_type for sockmap/sockhash");
		t->base = KA_BTF_ID_SOCK_COMMON;
	} else if (c->map_def->kind == PROG_MAP_BLOOM_FILTER && c->id == HELPER_MAP_PEEK_ELEM) {
		t->flags = 0;
	}
	return E_OK;
}

/* ---- references ---- */

static FALLIBLE check_dynptr_release(struct kverifier *v, unsigned r)
{
	const struct kreg *reg = kreg_at(v, r), *d = kdynptr_of(v, r);

	if (reg->base == KR_DYNPTR)
		KREJECT_REG(v, DYNPTR_CONST, r, "cannot release unowned const bpf_dynptr");
	if (!d || !(khas(v, KERNEL_DYNPTR_SLICES) ? d->ref_id : d->id))
		KREJECT_REG(v, DYNPTR_NOT_OWNED, r, "arg %u is an unacquired reference", r);
	return E_OK;
}

static FALLIBLE check_release(struct kverifier *v, unsigned r, const struct kernel_typed *t, struct kcall *c)
{
	const struct kreg *reg = kreg_at(v, r);

	c->release_reg = r;
	if (t->base == KA_DYNPTR)
		return khas(v, KERNEL_REF_BY_ID) ? E_OK : check_dynptr_release(v, r);
	if (kref_of(v, reg) || kreg_is_null(reg))
		return E_OK;
	if (khas(v, KERNEL_REF_BY_ID))
		KREJECT_REG(v, RELEASE_NEEDS_REF, r,
			    "release helper bpf_%s expects referenced PTR_TO_BTF_ID passed to R%u", c->proto->name, r);
	KREJECT_REG(v, RELEASE_UNREFERENCED, r, "R%u must be referenced when passed to release function", r);
}

static FALLIBLE note_reference(struct kverifier *v, unsigned r, const struct kernel_typed *t, struct kcall *c)
{
	const struct kreg *reg = kreg_at(v, r);
	uint32_t id = kref_of(v, reg);

	if (!id)
		return E_OK;
	if (khas(v, KERNEL_REF_BY_ID)) {
		c->ref_id = id;
		c->ref_parent_id = reg->parent_id;
		c->n_refs++;
		return E_OK;
	}
	if (t->base == KA_KPTR_XCHG_DEST && khas(v, KERNEL_ARG_FLAGS_FOLD))
		return E_OK;
	if (c->ref_id)
		KREJECT_REG(v, TWO_REFS, r, "more than one arg with ref_obj_id R%u %u %u", r, id, c->ref_id);
	c->ref_id = id;
	return E_OK;
}

/* ---- maps ---- */

static FALLIBLE arg_map(struct kverifier *v, unsigned r, struct kcall *c)
{
	const struct kreg *reg = kreg_at(v, r);

	if (c->map >= 0 && ((uint32_t)c->map != reg->map || c->map_uid != reg->map_uid))
		KREJECT_REG(v, TIMER_MAP, r,
			    "timer pointer in R1 map_uid=%u doesn't match map pointer in R2 map_uid=%u", c->map_uid,
			    reg->map_uid);
	c->map = (int32_t)reg->map;
	c->map_uid = reg->map_uid;
	KENSURE(v, kreg_map(v, reg));
	c->map_def = kreg_map(v, reg)->m;
	return E_OK;
}

static bool never_null(const struct prog_map *m)
{
	return !(m->flags & PROG_MAP_INNER) && (m->kind == PROG_MAP_ARRAY || m->kind == PROG_MAP_PERCPU_ARRAY);
}

/* The key is a constant on the stack: a look-up in an array can be known to succeed. Linux: get_constant_map_key */
static FALLIBLE constant_key(struct kverifier *v, unsigned r, uint32_t key_size, int64_t *key)
{
	const struct kreg *reg = kreg_at(v, r);
	const struct kslot *s;
	int64_t at;
	uint32_t zero = 0, spill = 0;
	int first;

	if (reg->base != KR_STACK || !knum_is_const(&reg->n))
		return E_OK;
	at = -kreg_off(reg) - 1;
	KENSURE(v, at >= 0 && at / KSLOT_BYTES < v->cur.frame[reg->frame]->n_slots);
	s = &v->cur.frame[reg->frame]->slots[at / KSLOT_BYTES];
	first = (int)(at % KSLOT_BYTES);
	for (int i = first; i >= 0 && s->byte[i] == KBYTE_ZERO; i--)
		zero++;
	if (zero >= key_size) {
		*key = 0;
		return E_OK;
	}
	if (!kslot_is_scalar_spill(s))
		return E_OK;
	for (int i = first; i >= 0 && s->byte[i] == KBYTE_SPILL; i--)
		spill++;
	if (spill != key_size || !knum_is_const(&s->reg.n))
		return E_OK;
	TRY(kprecise_slot(v, reg->frame, (uint32_t)(at / KSLOT_BYTES)));
	*key = (int64_t)s->reg.n.t.value;
	return E_OK;
}

static FALLIBLE arg_key(struct kverifier *v, unsigned r, struct kcall *c)
{
	KENSURE(v, c->map_def);
	TRY(kcheck_helper_mem(v, r, c->map_def->key_size, false, false, NULL));
	if (!khas(v, KERNEL_CONST_KEY) || !never_null(c->map_def))
		return E_OK;
	return constant_key(v, r, c->map_def->key_size, &c->const_key);
}

static bool is_written(const struct kernel_typed *t)
{
	return t->flags & (KF_WRITE | KF_UNINIT);
}

static FALLIBLE arg_value(struct kverifier *v, unsigned r, const struct kernel_typed *t, struct kcall *c)
{
	if (t->flags & KF_OR_NULL && kreg_is_null(kreg_at(v, r)))
		return E_OK;
	KENSURE(v, c->map_def);
	c->raw = t->flags & KF_UNINIT;
	return kcheck_helper_mem(v, r, c->map_def->value_size, is_written(t), false, c);
}

/* ---- memory ---- */

/* Whatever the machine. */
static FALLIBLE check_aligned(struct kverifier *v, unsigned r, uint32_t size)
{
	struct kaccess a = { .reg = r, .size = size, .strict = true };

	return kcheck_alignment(v, &a);
}

static FALLIBLE arg_mem(struct kverifier *v, unsigned r, const struct kernel_typed *t, struct kcall *c)
{
	c->raw = t->flags & KF_UNINIT;
	if (!(t->flags & KF_FIXED_SIZE))
		return E_OK; /* judged with the size, which is the next argument */
	TRY(kcheck_helper_mem(v, r, t->size, is_written(t), false, c));
	return t->flags & KF_ALIGNED ? check_aligned(v, r, t->size) : E_OK;
}

static FALLIBLE arg_int(struct kverifier *v, unsigned r, uint32_t size, const struct kernel_typed *t, struct kcall *c)
{
	TRY(kcheck_helper_mem(v, r, size, is_written(t), false, c));
	return check_aligned(v, r, size);
}

static FALLIBLE arg_size(struct kverifier *v, unsigned r, bool zero_ok, struct kcall *c)
{
	const struct kernel_typed *memory = r >= 2 ? &c->proto->arg[r - 2] : NULL;

	KENSURE(v, memory);
	c->size_max = kreg_at(v, r)->n.umax;
	return kcheck_mem_size(v, r, is_written(memory), zero_ok, c);
}

static FALLIBLE arg_alloc_size(struct kverifier *v, unsigned r, struct kcall *c)
{
	const struct kreg *reg = kreg_at(v, r);

	if (!knum_is_const(&reg->n))
		KREJECT_REG(v, SIZE_NOT_CONST, r, "R%u is not a known constant'", r);
	c->mem_size = (uint32_t)reg->n.t.value;
	return khas(v, KERNEL_ARG_FLAGS_FOLD) ? kprecise_reg(v, r) : E_OK;
}

/* ---- strings ---- */

FALLIBLE kcheck_const_str(struct kverifier *v, unsigned r)
{
	const struct kreg *reg = kreg_at(v, r);
	const struct kmap *fields = kreg_map(v, reg);
	const struct prog_map *m = fields ? fields->m : NULL;
	int64_t at = kreg_off(reg);

	if (reg->base != KR_MAP_VALUE || !m)
		KREJECT_REG(v, STR_POINTER, r, "R%u is not a pointer to a string in a map", r);
	if (m->kind == MAP_INSN_ARRAY)
		KREJECT_REG(v, STR_POINTER, r, "R%u points to insn_array map which cannot be used as const string", r);
	if (!fields->frozen)
		KREJECT_REG(v, STR_WRITABLE, r, "R%u does not point to a readonly map'", r);
	if (!knum_is_const(&reg->n))
		KREJECT_REG(v, STR_NOT_CONST, r, "R%u is not a constant address'", r);
	TRY(kcheck_map_access(v, r, reg->off, m->value_size - (uint32_t)(khas(v, KERNEL_OFFSET_IN_NUM) ? at : reg->off),
			      false, true, false));
	if (m->init.len < m->value_size && (size_t)at < m->value_size)
		return E_OK; /* what the object leaves out is zero */
	if ((size_t)at >= m->init.len || !memchr(m->init.p + at, 0, m->init.len - (size_t)at))
		KREJECT_REG(v, STR_ENDLESS, r, "string is not zero-terminated");
	return E_OK;
}

/* ---- fields of map values ---- */

FALLIBLE kmap_typed(struct kverifier *v, unsigned r, const struct prog_map *m, const char *what)
{
	if (!m->value_type)
		KREJECT_REG(v, MAP_UNTYPED, r, "map '%s' has to have BTF in order to use %s", kmap_name(m), what);
	return E_OK;
}

static FALLIBLE arg_timer(struct kverifier *v, unsigned r, struct kcall *c)
{
	const struct kreg *reg = kreg_at(v, r);
	const struct kmap *fields = kreg_map(v, reg);

	if (!knum_is_const(&reg->n))
		KREJECT_REG(v, FIELD_NOT_CONST, r,
			    "R%u doesn't have constant offset. bpf_timer has to be at the constant offset", r);
	KENSURE(v, fields);
	TRY(kmap_typed(v, r, fields->m, "bpf_timer"));
	if (fields->timer_off < 0)
		KREJECT_REG(v, NO_FIELD, r, "map '%s' has no valid bpf_timer", kmap_name(fields->m));
	if (fields->timer_off != kreg_off(reg))
		KREJECT_REG(v, FIELD_OFFSET, r, "off %lld doesn't point to 'struct bpf_timer' that is at %d",
			    (long long)kreg_off(reg), fields->timer_off);
	KENSURE(v, c->map < 0);
	c->map = (int32_t)reg->map;
	c->map_uid = reg->map_uid;
	c->map_def = fields->m;
	return E_OK;
}

static const struct kfield *kptr_at(const struct kmap *fields, int64_t off)
{
	for (uint32_t i = 0; i < fields->n_kptrs; i++)
		if (fields->kptrs[i].off == (uint64_t)off && fields->kptrs[i].kind <= KFIELD_KPTR_PERCPU)
			return &fields->kptrs[i];
	return NULL;
}

static bool has_kptr(const struct kmap *fields)
{
	for (uint32_t i = 0; i < fields->n_kptrs; i++)
		if (fields->kptrs[i].kind <= KFIELD_KPTR_PERCPU)
			return true;
	return false;
}

static FALLIBLE arg_kptr(struct kverifier *v, unsigned r, struct kcall *c)
{
	const struct kreg *reg = kreg_at(v, r);
	const struct kmap *fields = reg->base == KR_MAP_VALUE ? kreg_map(v, reg) : ktypes_record(v, reg->type_id);

	if (reg->base == KR_MAP_VALUE) {
		KENSURE(v, fields);
		TRY(kmap_typed(v, r, fields->m, "bpf_kptr_xchg"));
		c->map = (int32_t)reg->map;
		c->map_def = fields->m;
	}
	if (!knum_is_const(&reg->n))
		KREJECT_REG(v, FIELD_NOT_CONST, r,
			    "R%u doesn't have constant offset. kptr has to be at the constant offset", r);
	if (!fields || !has_kptr(fields))
		KREJECT_REG(v, NO_FIELD, r, "R%u has no valid kptr", r);
	c->kptr = kptr_at(fields, kreg_off(reg));
	if (!c->kptr)
		KREJECT_REG(v, KPTR_OFFSET, r, "off=%lld doesn't point to kptr", (long long)kreg_off(reg));
	if (c->kptr->kind == KFIELD_KPTR_UNREF)
		KREJECT_REG(v, KPTR_UNREF, r, "off=%lld kptr isn't referenced kptr", (long long)kreg_off(reg));
	return E_OK;
}

/* ---- others ---- */

static FALLIBLE arg_percpu(struct kverifier *v, unsigned r, struct kcall *c)
{
	const struct kreg *reg = kreg_at(v, r);

	if (!reg->type_id)
		KREJECT_REG(v, NO_TYPE, r, "Helper has invalid btf_id in R%u", r);
	c->ret_types = reg->types;
	c->ret_type_id = reg->type_id;
	c->percpu_object = reg->flags & KF_RCU;
	return E_OK;
}

static FALLIBLE arg_dynptr(struct kverifier *v, unsigned r, const struct kernel_typed *t, struct kcall *c)
{
	const struct kreg *reg = kreg_at(v, r), *d;

	if (!khas(v, KERNEL_DYNPTR_SLICES) && reg->base == KR_DYNPTR)
		return E_OK;
	TRY(kdynptr_arg(v, r, v->at, t->flags, 0));
	if (t->flags & KF_UNINIT) {
		if (!khas(v, KERNEL_DYNPTR_SLICES))
			c->new_dynptr_reg = r;
		return E_OK;
	}
	d = kdynptr_of(v, r);
	KENSURE(v, d);
	c->dynptr_id = d->id;
	c->dynptr_ref_id = khas(v, KERNEL_DYNPTR_SLICES) ? d->ref_id : d->id;
	c->dynptr_flags = d->dynptr;
	return E_OK;
}

static FALLIBLE arg_lock(struct kverifier *v, unsigned r, const struct kcall *c)
{
	KENSURE(v, c->id == HELPER_SPIN_LOCK || c->id == HELPER_SPIN_UNLOCK);
	if (kin_rbtree_callback(v))
		KREJECT(v, LOCK_IN_RBTREE, "can't spin_{lock,unlock} in rbtree cb");
	return klock_arg(v, r, c->id == HELPER_SPIN_LOCK, false, false);
}

static FALLIBLE arg_of_kind(struct kverifier *v, unsigned r, const struct kernel_typed *t, struct kcall *c)
{
	switch ((enum kernel_arg)t->base) {
	case KA_CONST_MAP_PTR:
		return arg_map(v, r, c);
	case KA_MAP_KEY:
		return arg_key(v, r, c);
	case KA_MAP_VALUE:
		return arg_value(v, r, t, c);
	case KA_MEM:
		return arg_mem(v, r, t, c);
	case KA_INT:
		return arg_int(v, r, 4, t, c);
	case KA_LONG:
		return arg_int(v, r, 8, t, c);
	case KA_CONST_SIZE:
		return arg_size(v, r, false, c);
	case KA_CONST_SIZE_OR_ZERO:
		return arg_size(v, r, true, c);
	case KA_CONST_ALLOC_SIZE_OR_ZERO:
		return arg_alloc_size(v, r, c);
	case KA_SPIN_LOCK:
		return arg_lock(v, r, c);
	case KA_PERCPU_BTF_ID:
		return arg_percpu(v, r, c);
	case KA_FUNC:
		c->func = kreg_at(v, r)->func;
		return E_OK;
	case KA_CONST_STR:
		return kcheck_const_str(v, r);
	case KA_TIMER:
		return arg_timer(v, r, c);
	case KA_KPTR_XCHG_DEST:
		return arg_kptr(v, r, c);
	case KA_DYNPTR:
		return arg_dynptr(v, r, t, c);
	case KA_DONTCARE:
	case KA_ARENA:
	case KA_CTX:
	case KA_ANYTHING:
	case KA_SOCK_COMMON:
	case KA_SOCKET:
	case KA_BTF_ID:
	case KA_BTF_ID_SOCK_COMMON:
	case KA_RINGBUF_MEM:
	case KA_STACK:
	case KA_SCALAR:
	case KA_N:
		break;
	}
	return E_OK;
}

static FALLIBLE check_packet_pointer(struct kverifier *v, const struct kreg *reg, const struct kcall *c)
{
	bool ok = kernel_packet_read(v->k, &v->o->target);

	if (!kreg_is_pkt(reg))
		return E_OK;
	/* Linux: may_access_direct_pkt_data: what the prototype says counts, but not for socket options */
	if (ok && v->o->target.prog_type != KPROG_CGROUP_SOCKOPT)
		ok = c->pkt_access;
	if (!ok)
		KREJECT(v, PACKET_TO_HELPER, "helper access to the packet is not allowed");
	return E_OK;
}

FALLIBLE kcheck_arg(struct kverifier *v, unsigned arg, struct kcall *c)
{
	struct kernel_typed t = c->proto->arg[arg];
	unsigned r = arg + 1;
	const struct kreg *reg = kreg_at(v, r);

	if (t.base == KA_DONTCARE)
		return E_OK;
	TRY(kreg_read(v, r));
	if (t.base == KA_ANYTHING && !t.flags)
		return E_OK;
	TRY(check_packet_pointer(v, reg, c));
	if (t.base == KA_MAP_VALUE)
		TRY(resolve_value(v, c, &t));
	if (!(kreg_is_null(reg) && t.flags & KF_OR_NULL)) {
		TRY(kcheck_reg_type(v, r, &t, c));
		TRY(kcheck_arg_off(v, reg, r, &t));
	} else if (khas(v, KERNEL_NULL_PRECISE)) {
		TRY(kprecise_reg(v, r));
	}
	if (t.flags & KF_RELEASE)
		TRY(check_release(v, r, &t, c));
	TRY(note_reference(v, r, &t, c));
	return arg_of_kind(v, r, &t, c);
}
