/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args_types: which registers each kind of argument takes, release by release, and at which offset.
 *
 * A row is a kind of argument and one thing that a register may hold. The order of rows is that of the kernel's message
 * ("expected=fp, pkt, ..."). Linux: kernel/bpf/verifier.c:compatible_reg_types, check_reg_type, check_func_arg_reg_off,
 * v5.10, v6.1, v6.12, v7.2.
 */
#include "engine/kverify/call_internal.h"

struct taken {
	uint8_t arg, reg; /* enum kernel_arg, enum kernel_reg */
	uint32_t flags;
	uint16_t since, until;
};

#define ALWAYS KERNEL_ALWAYS, KERNEL_NOT_YET
#define SINCE(major, minor) KERNEL_V(major, minor), KERNEL_NOT_YET
#define UNTIL(major, minor) KERNEL_ALWAYS, KERNEL_V(major, minor)
#define OBJECT_TRUSTED KR_BTF_ID, KF_TRUSTED
#define OBJECT_OWN KR_BTF_ID, KF_ALLOC

/* Memory, and what stands for a key or value. Ringbuf memory has had three names. */
#define MEMORY(arg)                                                                                      \
	{ arg, KR_STACK, 0, ALWAYS }, { arg, KR_PACKET, 0, ALWAYS }, { arg, KR_PACKET_META, 0, ALWAYS }, \
		{ arg, KR_MAP_KEY, 0, SINCE(5, 13) },                                                    \
	{                                                                                                \
		arg, KR_MAP_VALUE, 0, ALWAYS                                                             \
	}
#define MEMORY_SINCE_62(arg)                                                                                        \
	{ arg, KR_MEM, 0, SINCE(6, 2) }, { arg, KR_MEM, KF_RINGBUF, SINCE(6, 2) }, { arg, KR_BUF, 0, SINCE(6, 2) }, \
		{ arg, OBJECT_TRUSTED, SINCE(6, 3) },                                                               \
	{                                                                                                           \
		arg, KR_CTX, 0, SINCE(7, 0)                                                                         \
	}
#define SOCKETS(arg)                                                                                        \
	{ arg, KR_SOCK_COMMON, 0, ALWAYS }, { arg, KR_SOCKET, 0, ALWAYS }, { arg, KR_TCP_SOCK, 0, ALWAYS }, \
	{                                                                                                   \
		arg, KR_XDP_SOCK, 0, ALWAYS                                                                 \
	}

static const struct taken rows[] = {
	MEMORY(KA_MAP_KEY),
	MEMORY_SINCE_62(KA_MAP_KEY),
	MEMORY(KA_MAP_VALUE),
	MEMORY_SINCE_62(KA_MAP_VALUE),
	MEMORY(KA_MEM),
	{ KA_MEM, KR_MEM, 0, ALWAYS },
	{ KA_MEM, KR_MEM, KF_RINGBUF, ALWAYS },
	{ KA_MEM, KR_MEM, KF_ALLOC, KERNEL_V(5, 17), KERNEL_V(6, 2) },
	{ KA_MEM, KR_BUF, KF_RDONLY, UNTIL(5, 17) },
	{ KA_MEM, KR_BUF, 0, ALWAYS },
	{ KA_MEM, OBJECT_TRUSTED, SINCE(6, 3) },
	{ KA_MEM, KR_CTX, 0, SINCE(7, 0) },
	MEMORY(KA_INT),
	MEMORY(KA_LONG),
	{ KA_CONST_SIZE, KR_SCALAR, 0, ALWAYS },
	{ KA_CONST_SIZE_OR_ZERO, KR_SCALAR, 0, ALWAYS },
	{ KA_CONST_ALLOC_SIZE_OR_ZERO, KR_SCALAR, 0, ALWAYS },
	{ KA_SCALAR, KR_SCALAR, 0, ALWAYS },
	{ KA_CONST_MAP_PTR, KR_MAP, 0, ALWAYS },
	{ KA_CTX, KR_CTX, 0, ALWAYS },
	SOCKETS(KA_SOCK_COMMON),
	SOCKETS(KA_BTF_ID_SOCK_COMMON),
	{ KA_BTF_ID_SOCK_COMMON, KR_BTF_ID, 0, ALWAYS },
	{ KA_BTF_ID_SOCK_COMMON, OBJECT_TRUSTED, SINCE(6, 3) },
	{ KA_SOCKET, KR_SOCKET, 0, ALWAYS },
	{ KA_BTF_ID, KR_BTF_ID, 0, ALWAYS },
	{ KA_BTF_ID, OBJECT_TRUSTED, SINCE(6, 2) },
	{ KA_BTF_ID, KR_BTF_ID, KF_RCU, SINCE(6, 2) },
	{ KA_PERCPU_BTF_ID, KR_BTF_ID, KF_PERCPU, ALWAYS },
	{ KA_PERCPU_BTF_ID, KR_BTF_ID, KF_PERCPU | KF_RCU, SINCE(6, 6) },
	{ KA_PERCPU_BTF_ID, KR_BTF_ID, KF_PERCPU | KF_TRUSTED, SINCE(6, 2) },
	{ KA_SPIN_LOCK, KR_MAP_VALUE, 0, ALWAYS },
	{ KA_SPIN_LOCK, OBJECT_OWN, SINCE(6, 2) },
	{ KA_RINGBUF_MEM, KR_MEM, 0, UNTIL(5, 17) },
	{ KA_RINGBUF_MEM, KR_MEM, KF_RINGBUF, ALWAYS },
	{ KA_RINGBUF_MEM, KR_MEM, KF_ALLOC, KERNEL_V(5, 17), KERNEL_V(6, 2) },
	{ KA_FUNC, KR_FUNC, 0, ALWAYS },
	{ KA_STACK, KR_STACK, 0, ALWAYS },
	{ KA_CONST_STR, KR_MAP_VALUE, 0, ALWAYS },
	{ KA_TIMER, KR_MAP_VALUE, 0, ALWAYS },
	{ KA_KPTR_XCHG_DEST, KR_MAP_VALUE, 0, ALWAYS },
	{ KA_KPTR_XCHG_DEST, OBJECT_OWN, SINCE(6, 12) },
	{ KA_KPTR_XCHG_DEST, KR_BTF_ID, KF_ALLOC | KF_NON_OWN_REF, SINCE(7, 1) },
	{ KA_KPTR_XCHG_DEST, KR_BTF_ID, KF_ALLOC | KF_NON_OWN_REF | KF_RCU, SINCE(7, 1) },
	{ KA_DYNPTR, KR_STACK, 0, ALWAYS },
	{ KA_DYNPTR, KR_DYNPTR, 0, ALWAYS },
	{ KA_ARENA, KR_ARENA, 0, ALWAYS },
};

static bool row_holds(const struct kverifier *v, const struct taken *row, uint32_t arg)
{
	return row->arg == arg && v->k->version >= row->since && v->k->version < row->until;
}

/* Flags of the register that this argument does not mind. */
static uint32_t overlooked(const struct kverifier *v, unsigned r, const struct kernel_typed *t, const struct kcall *c)
{
	uint32_t flags = 0;

	if (!khas(v, KERNEL_ARG_FLAGS_FOLD))
		return 0;
	flags |= t->flags & (KF_RDONLY | KF_OR_NULL);
	if (t->base == KA_MEM)
		flags |= KF_DYNPTR_ANY;
	if (c->id == HELPER_KPTR_XCHG && r == 2 && kreg_at(v, r)->flags & KF_ALLOC)
		flags |= KF_ALLOC | KF_PERCPU;
	return flags;
}

static bool is_memory(uint32_t arg)
{
	return arg == KA_MEM || arg == KA_MAP_KEY || arg == KA_MAP_VALUE || arg == KA_INT || arg == KA_LONG;
}

static FALLIBLE reject_type(struct kverifier *v, unsigned r, uint32_t arg)
{
	struct buf text;
	const char *sep = "";
	enum err err;

	buf_init(&text, 200);
	buf_printf(&text, "R%u type=", r);
	kreg_type_print(kreg_at(v, r), &text);
	buf_puts(&text, " expected=");
	for (size_t i = 0; i < countof(rows); i++) {
		struct kreg want = { .base = rows[i].reg, .flags = rows[i].flags };

		if (!row_holds(v, &rows[i], arg))
			continue;
		buf_puts(&text, sep);
		kreg_type_print(&want, &text);
		sep = ", ";
	}
	err = kv_fail(v, is_memory(arg) ? KV_ARG_MEMORY : KV_ARG_TYPE, (int)r, __FILE__, __LINE__, "%s",
		      text.p ? text.p : "");
	buf_done(&text);
	return err;
}

/* ---- objects of the kernel: of the right type ---- */

static FALLIBLE check_object(struct kverifier *v, unsigned r, const struct kernel_typed *t, struct kcall *c)
{
	const struct kreg *reg = kreg_at(v, r);
	const char *name = t->base == KA_BTF_ID_SOCK_COMMON ? "sock_common" : t->btf;
	bool strict = t->flags & KF_RELEASE && c->id != HELPER_SK_RELEASE;
	uint32_t want = c->proto ? 0 : t->size; /* a global function says the type itself */

	if (khas(v, KERNEL_DYNPTR_SLICES) && reg->flags & KF_OR_NULL &&
	    (!(t->flags & KF_OR_NULL) || t->flags & KF_RELEASE))
		KREJECT_REG(v, ARG_NULL, r, "Possibly NULL pointer passed to helper arg%u", r);
	if (c->id == HELPER_KPTR_XCHG)
		return kptr_check_type(v, r, c->kptr);
	if (!want && name) {
		if (!v->o->kernel_types)
			KUNSUPPORTED(v, "the kernel's types are not known");
		want = ktypes_struct(v, name);
	}
	if (!ktypes_match(v, reg->types, reg->type_id, (uint32_t)kreg_off(reg), KTYPES_KERNEL, want, strict))
		KREJECT_REG(v, ARG_OBJECT, r, "R%u is of type %s but %s is expected", r,
			    ktypes_name(v, reg->types, reg->type_id),
			    name ? name : ktypes_name(v, KTYPES_KERNEL, want));
	if (!khas(v, KERNEL_ARG_OFFSETS) && (!knum_is_const(&reg->n) || reg->n.t.value))
		KREJECT_REG(v, ARG_OBJECT_OFFSET, r, "R%u is a pointer to in-kernel struct with non-zero offset", r);
	return E_OK;
}

static FALLIBLE check_btf_id(struct kverifier *v, unsigned r, const struct kernel_typed *t, struct kcall *c)
{
	const struct kreg *reg = kreg_at(v, r);

	if (is_memory(t->base)) {
		if (t->flags & KF_RDONLY)
			return E_OK;
		KREJECT_REG(v, ARG_WRITES, r, "%s() may write into memory pointed by R%u type=trusted_ptr_",
			    c->proto ? c->proto->name : "", r);
	}
	if (reg->flags & KF_PERCPU && !(reg->flags & KF_ALLOC))
		return E_OK;
	if (reg->flags & KF_ALLOC)
		return c->id == HELPER_KPTR_XCHG && r == 2 ? kptr_check_type(v, r, c->kptr) : E_OK;
	return check_object(v, r, t, c);
}

FALLIBLE kcheck_reg_type(struct kverifier *v, unsigned r, const struct kernel_typed *t, struct kcall *c)
{
	const struct kreg *reg = kreg_at(v, r);
	uint32_t flags = reg->flags & ~overlooked(v, r, t, c);

	for (size_t i = 0; i < countof(rows); i++)
		if (row_holds(v, &rows[i], t->base) && rows[i].reg == reg->base && rows[i].flags == flags)
			return reg->base == KR_BTF_ID ? check_btf_id(v, r, t, c) : E_OK;
	return reject_type(v, r, t->base);
}

/* ---- offsets ---- */

static bool any_offset(const struct kreg *reg)
{
	switch ((enum kernel_reg)reg->base) {
	case KR_STACK:
	case KR_PACKET:
	case KR_PACKET_META:
	case KR_MAP_KEY:
	case KR_MAP_VALUE:
	case KR_ARENA:
	case KR_SCALAR:
		return !reg->flags;
	case KR_MEM:
		return !reg->flags || reg->flags == KF_RDONLY || reg->flags == KF_RINGBUF || reg->flags == KF_ALLOC;
	case KR_BUF:
		return !reg->flags || reg->flags == KF_RDONLY;
	case KR_NONE:
	case KR_CTX:
	case KR_MAP:
	case KR_PACKET_END:
	case KR_FLOW_KEYS:
	case KR_SOCKET:
	case KR_SOCK_COMMON:
	case KR_TCP_SOCK:
	case KR_TP_BUFFER:
	case KR_XDP_SOCK:
	case KR_BTF_ID:
	case KR_FUNC:
	case KR_DYNPTR:
	case KR_INSN:
	case KR_N:
		break;
	}
	return false;
}

static bool constant_offset(const struct kverifier *v, const struct kreg *reg)
{
	uint32_t own = reg->flags & ~(uint32_t)KF_RCU;

	if (reg->base != KR_BTF_ID)
		return false;
	if (!khas(v, KERNEL_DYNPTR_SLICES))
		return !reg->flags;
	return !reg->flags || reg->flags == KF_ALLOC || reg->flags == KF_TRUSTED || reg->flags == KF_RCU ||
	       own == (KF_ALLOC | KF_NON_OWN_REF);
}

static FALLIBLE check_release_offset(struct kverifier *v, const struct kreg *reg, unsigned r)
{
	if (!knum_is_const(&reg->n) || kreg_off(reg))
		KREJECT_REG(v, RELEASE_OFFSET, r,
			    "R%u must have zero offset when passed to release func or trusted arg to kfunc", r);
	return E_OK;
}

/* 6.1: a release wants offset 0 of objects and ringbuf memory. */
static FALLIBLE check_off_61(struct kverifier *v, const struct kreg *reg, unsigned r, const struct kernel_typed *t)
{
	if (t->base == KA_DYNPTR && reg->base == KR_STACK && kreg_off(reg) % KSLOT_BYTES)
		KREJECT_REG(v, DYNPTR_OFFSET, r, "cannot pass in dynptr at an offset=%lld", (long long)kreg_off(reg));
	if (any_offset(reg) && t->base != KA_RINGBUF_MEM)
		return E_OK;
	if (reg->base == KR_BTF_ID && !reg->flags && t->flags & KF_RELEASE && reg->off)
		return check_release_offset(v, reg, r);
	return kcheck_ptr_off(v, reg, r, reg->base == KR_BTF_ID && !reg->flags);
}

FALLIBLE kcheck_arg_off(struct kverifier *v, const struct kreg *reg, unsigned r, const struct kernel_typed *t)
{
	if (!khas(v, KERNEL_ARG_OFFSETS))
		return reg->base == KR_CTX ? kcheck_ptr_off(v, reg, r, false) : E_OK;
	if (!khas(v, KERNEL_DYNPTR_SLICES))
		return check_off_61(v, reg, r, t);
	if (t->flags & KF_RELEASE) {
		if (t->base == KA_DYNPTR && reg->base == KR_STACK)
			return E_OK;
		TRY(check_release_offset(v, reg, r));
	}
	if (any_offset(reg))
		return E_OK;
	return kcheck_ptr_off(v, reg, r, constant_offset(v, reg));
}
