/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atomic: operations that read and write memory at once, load-acquire and store-release.
 *
 * Linux: kernel/bpf/verifier.c:check_atomic, check_atomic_load, check_atomic_store, v6.12 and v7.2;
 * arch/x86/net/bpf_jit_comp.c:bpf_jit_supports_insn.
 */
#include "engine/kverify/mem.h"

/* What the machine has no one instruction for: the old value of AND, OR, XOR. As on x86-64. */
static bool arena_has(const struct kverifier *v, const struct isa_insn *in)
{
	if (!khas(v, KERNEL_ARENA_ATOMICS))
		return false;
	return in->sem != ISA_ATOMIC || !isa_atomic_fetches(in->aux) || in->aux == ISA_ATOMIC_ADD_FETCH ||
	       in->aux == ISA_ATOMIC_XCHG || in->aux == ISA_ATOMIC_CMPXCHG;
}

static bool pointer_ok(const struct kverifier *v, unsigned r, const struct isa_insn *in)
{
	const struct kreg *reg = kreg_at(v, r);

	if (kreg_is_plain(reg, KR_CTX) || kreg_is_plain(reg, KR_FLOW_KEYS) || kreg_is_sock(reg))
		return false;
	if (!reg->flags && kreg_is_pkt(reg))
		return false;
	if (kreg_is_plain(reg, KR_ARENA))
		return arena_has(v, in);
	/* A load-acquire is made without the net that catches faults. */
	if (in->sem == ISA_LOAD_ACQ && khas(v, KERNEL_LOAD_ACQ_NO_PROBE))
		return !kreg_is_plain(reg, KR_BTF_ID) && !(reg->flags & KF_UNTRUSTED);
	return true;
}

static FALLIBLE check_pointer(struct kverifier *v, unsigned r, const struct isa_insn *in)
{
	if (pointer_ok(v, r, in))
		return E_OK;
	KREJECT_REG(v, ATOMIC_TARGET, r, "BPF_ATOMIC %s R%u %s is not allowed",
		    in->sem == ISA_LOAD_ACQ ? "loads from" : "stores into", r, kreg_type_text(v, kreg_at(v, r)));
}

/* The register that gets the old value; -1: none does. */
static int loads_into(const struct isa_insn *in)
{
	if (!isa_atomic_fetches(in->aux))
		return -1;
	return in->aux == ISA_ATOMIC_CMPXCHG ? 0 : in->src;
}

static FALLIBLE read_modify_write(struct kverifier *v, const struct isa_insn *in)
{
	struct kaccess a = { .reg = in->dst, .off = in->off, .size = in->width / 8u, .value = -1, .strict = true };
	int to = loads_into(in);

	TRY(kreg_read(v, in->src));
	TRY(kreg_read(v, in->dst));
	if (in->aux == ISA_ATOMIC_CMPXCHG)
		TRY(kreg_read(v, 0));
	TRY(check_pointer(v, in->dst, in));
	if (to >= 0)
		TRY(kreg_write(v, (unsigned)to, true));
	TRY(kcheck_mem(v, &a));
	if (to >= 0) {
		a.value = to;
		TRY(kcheck_mem(v, &a));
		a.value = -1;
	}
	if (khas(v, KERNEL_ATOMIC_POINTER_KIND) || kreg_is_plain(kreg_at(v, in->dst), KR_ARENA))
		TRY(kmem_same_pointer(v, in->dst));
	a.write = true;
	return kcheck_mem(v, &a);
}

FALLIBLE kcheck_atomic(struct kverifier *v, const struct isa_insn *in)
{
	if (in->sem == ISA_LOAD_ACQ) {
		TRY(kreg_read(v, in->src));
		TRY(check_pointer(v, in->src, in));
		return kcheck_load(v, in);
	}
	if (in->sem == ISA_STORE_REL) {
		TRY(kcheck_store(v, in));
		return check_pointer(v, in->dst, in);
	}
	return read_modify_write(v, in);
}
