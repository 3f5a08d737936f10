/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet: packet data and metadata, sockets and flow keys: what networking programs point to beside their context.
 *
 * Linux: kernel/bpf/verifier.c:check_packet_access, check_sock_access, check_flow_keys_access, clear_all_pkt_pointers,
 * v6.12 and v7.2.
 */
#include "engine/kverify/mem.h"

static FALLIBLE out_of_packet(struct kverifier *v, unsigned r)
{
	KREJECT_REG(v, PACKET_RANGE, r, "R%u offset is outside of the packet", r);
}

FALLIBLE kcheck_packet_access(struct kverifier *v, unsigned r, int32_t off, uint32_t size, bool zero_ok)
{
	const struct kreg *reg = kreg_at(v, r);
	enum err err;
	bool inside;

	if (khas(v, KERNEL_PACKET_BY_RANGE)) {
		if (reg->range < 0)
			return out_of_packet(v, r);
		return kcheck_mem_region(v, r, off, size, (uint32_t)reg->range, zero_ok);
	}
	/* What is known of the packet's length was learned with the variable part in it. */
	if (reg->n.smin < 0)
		KREJECT_REG(v, NEGATIVE_INDEX, r,
			    "R%u min value is negative, either use unsigned index or do a if (index >=0) check.", r);
	inside = reg->range >= 0 && off >= 0 && (size || zero_ok) && (uint64_t)off + size <= (uint32_t)reg->range;
	if (inside)
		return E_OK;
	err = out_of_packet(v, r);
	kmem_note(v, "invalid access to packet, off=%d size=%u, R%u(id=%u,off=%d,r=%d)", off, size, r, reg->id, off,
		  reg->range);
	return err;
}

FALLIBLE kaccess_packet(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	if (a->write) {
		if (!kernel_packet_write(v->k, &v->o->target))
			KREJECT_REG(v, PACKET_READ_ONLY, a->reg, "cannot write into packet");
		v->seen_direct_write = true;
	}
	TRY(kcheck_packet_access(v, a->reg, off, a->size, false));
	if (!a->write)
		kaccess_loaded(v, a);
	return E_OK;
}

static bool forget_packet(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	(void)slot, (void)user;
	if (kreg_is_pkt(r) || r->base == KR_PACKET_END ||
	    (r->base == KR_MEM && r->flags & (KF_DYNPTR_SKB | KF_DYNPTR_XDP | KF_DYNPTR_SKB_META)))
		kreg_scalar_unknown(&v->rules, r);
	return true;
}

void kpacket_clear(struct kverifier *v)
{
	kstate_each_reg(v, &v->cur, forget_packet, NULL);
}

/* ---- flow keys ---- */

FALLIBLE kaccess_flow_keys(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	enum { FLOW_KEYS_BYTES = 56 }; /* sizeof(struct bpf_flow_keys) */
	const struct kreg *r = kreg_at(v, a->reg);
	int64_t at = off;

	if (khas(v, KERNEL_OFFSET_IN_NUM)) {
		if (!knum_is_const(&r->n))
			KREJECT_REG(v, FLOW_KEYS, a->reg,
				    "R%u invalid variable offset to flow keys: off=%d, var_off=%s", a->reg, off,
				    kreg_offset_text(v, r));
		at += (int64_t)r->n.t.value;
	}
	if (at < 0 || at + a->size > FLOW_KEYS_BYTES)
		KREJECT_REG(v, FLOW_KEYS, a->reg, "invalid access to flow keys off=%lld size=%u", (long long)at,
			    a->size);
	if (!a->write)
		kaccess_loaded(v, a);
	return E_OK;
}

/* ---- sockets ---- */

FALLIBLE kaccess_sock(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	const struct kreg *r = kreg_at(v, a->reg);
	struct kernel_ctx_access got;

	if (a->write)
		KREJECT_REG(v, READ_ONLY, a->reg, "R%u cannot write into %s", a->reg, kreg_type_text(v, r));
	if (r->n.smin < 0)
		KREJECT_REG(v, NEGATIVE_INDEX, a->reg,
			    "R%u min value is negative, either use unsigned index or do a if (index >=0) check.",
			    a->reg);
	if (!kernel_sock_access(v->k, (enum kernel_reg)r->base, off, a->size, &got))
		KREJECT_REG(v, SOCKET_FIELD, a->reg, "R%u invalid %s access off=%d size=%u", a->reg,
			    kreg_type_text(v, r), off, a->size);
	kaccess_loaded(v, a);
	return E_OK;
}
