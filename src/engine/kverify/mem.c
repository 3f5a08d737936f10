/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem: may this load or store be made, and what does it leave behind?
 *
 * Every access comes through kcheck_mem: alignment first, then by the kind of pointer, then the width of what was
 * loaded. Programs are judged as root loads them, so that none leaks a pointer. Linux:
 * kernel/bpf/verifier.c:check_mem_access, check_ptr_alignment, save_aux_ptr_type, v6.12 and v7.2.
 */
#include "engine/kverify/mem.h"

enum { IP_ALIGN = 2, MAP_INSN_ARRAY = 34 };

bool kreg_is_sock(const struct kreg *r)
{
	return !r->flags &&
	       (r->base == KR_SOCKET || r->base == KR_SOCK_COMMON || r->base == KR_TCP_SOCK || r->base == KR_XDP_SOCK);
}

void kaccess_loaded(struct kverifier *v, const struct kaccess *a)
{
	if (a->value >= 0)
		kreg_scalar_unknown(&v->rules, kreg_at(v, (unsigned)a->value));
}

/* Text for a message that is the last one: it may stay in the arena. */
static const char *keep(struct kverifier *v, struct buf *b)
{
	const char *s = b->p ? arena_strndup(v->arena, b->p, b->len) : NULL;

	buf_done(b);
	return s ? s : "?";
}

const char *kreg_type_text(struct kverifier *v, const struct kreg *r)
{
	struct buf b;

	buf_init(&b, 128);
	kreg_type_print(r, &b);
	return keep(v, &b);
}

const char *kreg_offset_text(struct kverifier *v, const struct kreg *r)
{
	unsigned long long value = r->n.t.value, mask = r->n.t.mask;
	const char *s;

	if (!mask && khas(v, KERNEL_PRINT_CONST_OFFSET))
		s = arena_printf(v->arena, value <= UINT16_MAX ? "%llu" : "0x%llx", value);
	else
		s = arena_printf(v->arena, "(0x%llx; 0x%llx)", value, mask);
	return s ? s : "?";
}

/* ---- alignment ---- */

static const char *alignment_name(const struct kreg *r)
{
	static const char *const names[KR_N] = {
		[KR_FLOW_KEYS] = "flow keys ",
		[KR_MAP_KEY] = "key ",
		[KR_MAP_VALUE] = "value ",
		[KR_CTX] = "context ",
		[KR_STACK] = "stack ",
		[KR_SOCKET] = "sock ",
		[KR_SOCK_COMMON] = "sock_common ",
		[KR_TCP_SOCK] = "tcp_sock ",
		[KR_XDP_SOCK] = "xdp_sock ",
	};

	return !r->flags && names[r->base] ? names[r->base] : "";
}

/* The stack is always kept in aligned slots; an array of instructions is read entry by entry. */
static bool always_aligned(const struct kverifier *v, const struct kreg *r)
{
	const struct kmap *m;

	if (kreg_is_plain(r, KR_STACK))
		return true;
	m = kreg_is_plain(r, KR_MAP_VALUE) ? kreg_map(v, r) : NULL;
	return m && m->m->kind == MAP_INSN_ARRAY;
}

static FALLIBLE misaligned(struct kverifier *v, const struct kaccess *a, bool packet)
{
	const struct kreg *r = kreg_at(v, a->reg);
	const char *var = kreg_offset_text(v, r);

	if (packet && khas(v, KERNEL_OFFSET_IN_NUM))
		KREJECT_REG(v, MISALIGNED, a->reg, "misaligned packet access off %d+%s+%d size %u", IP_ALIGN, var,
			    a->off, a->size);
	if (packet)
		KREJECT_REG(v, MISALIGNED, a->reg, "misaligned packet access off %d+%s+%d+%d size %u", IP_ALIGN, var,
			    r->off, a->off, a->size);
	if (khas(v, KERNEL_OFFSET_IN_NUM))
		KREJECT_REG(v, MISALIGNED, a->reg, "misaligned %saccess off %s+%d size %u", alignment_name(r), var,
			    a->off, a->size);
	KREJECT_REG(v, MISALIGNED, a->reg, "misaligned %saccess off %s+%d+%d size %u", alignment_name(r), var, r->off,
		    a->off, a->size);
}

FALLIBLE kcheck_alignment(struct kverifier *v, const struct kaccess *a)
{
	const struct kreg *r = kreg_at(v, a->reg);
	bool packet = !r->flags && kreg_is_pkt(r);
	struct kbits at;

	if (a->size == 1 || kreg_is_plain(r, KR_ARENA))
		return E_OK;
	if (!v->strict_align && !a->strict && !always_aligned(v, r))
		return E_OK;
	at = kbits_add(r->n.t, kbits_const((uint64_t)((int64_t)r->off + a->off + (packet ? IP_ALIGN : 0))));
	if (kbits_aligned(at, a->size))
		return E_OK;
	return misaligned(v, a, packet);
}

/* ---- offsets and ranges ---- */

/* The pointer as it was given, or at most with a constant added. */
FALLIBLE kcheck_ptr_off(struct kverifier *v, const struct kreg *reg, unsigned r, bool fixed_ok)
{
	bool is_const = knum_is_const(&reg->n);
	int64_t off = reg->off;

	if (khas(v, KERNEL_OFFSET_IN_NUM) && is_const)
		off = (int64_t)reg->n.t.value;
	else if (!khas(v, KERNEL_OFFSET_IN_NUM))
		is_const = is_const && !reg->n.t.value;
	if (khas(v, KERNEL_OFFSET_IN_NUM) && !is_const)
		KREJECT_REG(v, VARIABLE_OFFSET, r, "variable %s access var_off=%s disallowed", kreg_type_text(v, reg),
			    kreg_offset_text(v, reg));
	if (off < 0)
		KREJECT_REG(v, NEGATIVE_OFFSET, r, "negative offset %s ptr R%u off=%lld disallowed",
			    kreg_type_text(v, reg), r, (long long)off);
	if (!fixed_ok && off)
		KREJECT_REG(v, MODIFIED_POINTER, r, "dereference of modified %s ptr R%u off=%lld disallowed",
			    kreg_type_text(v, reg), r, (long long)off);
	if (!is_const)
		KREJECT_REG(v, VARIABLE_OFFSET, r, "variable %s access var_off=%s disallowed", kreg_type_text(v, reg),
			    kreg_offset_text(v, reg));
	return E_OK;
}

void kmem_note(struct kverifier *v, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	if (!v->d)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	(void)diag_note(v->d, v->arena, "%s", text);
}

static FALLIBLE reject_min(struct kverifier *v, unsigned r)
{
	KREJECT_REG(v, MIN_OUTSIDE, r, "R%u min value is outside of the allowed memory range", r);
}

static FALLIBLE reject_max(struct kverifier *v, unsigned r)
{
	KREJECT_REG(v, MAX_OUTSIDE, r, "R%u max value is outside of the allowed memory range", r);
}

static bool inside(int64_t off, uint32_t size, uint32_t mem_size, bool zero_ok)
{
	return off >= 0 && (size || zero_ok) && (uint64_t)off + size <= mem_size;
}

/* The kernel says two lines of it; the first becomes a note of the second. */
static FALLIBLE outside(struct kverifier *v, enum err err, const struct kreg *r, int64_t off, uint32_t size,
			uint32_t mem_size)
{
	const char *what = "memory", *name = "mem_size";

	if (kreg_is_plain(r, KR_MAP_KEY))
		what = "map key", name = "key_size";
	else if (kreg_is_plain(r, KR_MAP_VALUE))
		what = "map value", name = "value_size";
	else if (kreg_is_plain(r, KR_CTX))
		what = "context", name = "ctx_size";
	else if (!r->flags && kreg_is_pkt(r))
		what = "packet", name = "r";
	kmem_note(v, "invalid access to %s, %s=%u off=%lld size=%u", what, name, mem_size, (long long)off, size);
	return err;
}

FALLIBLE kcheck_mem_region(struct kverifier *v, unsigned r, int32_t off, uint32_t size, uint32_t mem_size, bool zero_ok)
{
	const struct kreg *reg = kreg_at(v, r);
	int64_t low = reg->n.smin, high = (int64_t)reg->n.umax;

	if (low < 0 && (low < INT32_MIN || low + off < 0))
		KREJECT_REG(v, NEGATIVE_INDEX, r,
			    "R%u min value is negative, either use unsigned index or do a if (index >=0) check.", r);
	/* The kernel counts in 32 bits here; what that hides has no upper bound below 2^29 either. */
	low = (int32_t)(uint32_t)((uint64_t)low + (uint64_t)(int64_t)off);
	if (!inside(low, size, mem_size, zero_ok))
		return outside(v, reject_min(v, r), reg, low, size, mem_size);
	if (reg->n.umax >= KMAX_VAR_OFF)
		KREJECT_REG(v, UNBOUNDED_INDEX, r,
			    "R%u unbounded memory access, make sure to bounds check any such access", r);
	high += off;
	if (!inside(high, size, mem_size, zero_ok))
		return outside(v, reject_max(v, r), reg, high, size, mem_size);
	return E_OK;
}

/* ---- kinds of memory that are plain ---- */

static FALLIBLE access_map_key(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	const struct kmap *m = kreg_map(v, kreg_at(v, a->reg));

	KENSURE(v, m);
	if (a->write)
		KREJECT_REG(v, MAP_KEY_WRITE, a->reg, "write to change key R%u not allowed", a->reg);
	TRY(kcheck_mem_region(v, a->reg, off, a->size, m->m->key_size, false));
	kaccess_loaded(v, a);
	return E_OK;
}

static FALLIBLE refuse(struct kverifier *v, unsigned r)
{
	KREJECT_REG(v, MEM_ACCESS, r, "R%u invalid mem access '%s'", r, kreg_type_text(v, kreg_at(v, r)));
}

static FALLIBLE refuse_write(struct kverifier *v, unsigned r)
{
	KREJECT_REG(v, READ_ONLY, r, "R%u cannot write into %s", r, kreg_type_text(v, kreg_at(v, r)));
}

static FALLIBLE access_mem(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	const struct kreg *r = kreg_at(v, a->reg);

	if (r->flags & KF_OR_NULL)
		return refuse(v, a->reg);
	if (a->write && r->flags & KF_RDONLY)
		return refuse_write(v, a->reg);
	/* Loads that may fault are made so that they give 0. */
	if (!(khas(v, KERNEL_MEM_UNTRUSTED) && r->flags & KF_RDONLY && r->flags & KF_UNTRUSTED))
		TRY(kcheck_mem_region(v, a->reg, off, a->size, r->mem_size, false));
	if (!a->write)
		kaccess_loaded(v, a);
	return E_OK;
}

static FALLIBLE access_buf(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	const struct kreg *r = kreg_at(v, a->reg);

	if (a->write && r->flags & KF_RDONLY)
		return refuse_write(v, a->reg);
	TRY(kaccess_buffer(v, a->reg, off, r->flags & KF_RDONLY ? "rdonly" : "rdwr"));
	if (!a->write)
		kaccess_loaded(v, a);
	return E_OK;
}

static FALLIBLE access_tp_buffer(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	TRY(kaccess_buffer(v, a->reg, off, "tracepoint"));
	if (!a->write)
		kaccess_loaded(v, a);
	return E_OK;
}

static FALLIBLE access_arena(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	(void)off;
	if (!a->write)
		kaccess_loaded(v, a);
	return E_OK;
}

static FALLIBLE access_refused(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	(void)off;
	return refuse(v, a->reg);
}

/* What may carry flags is judged by its kind; of all others only the bare pointer is memory. */
typedef FALLIBLE access_fn(struct kverifier *v, const struct kaccess *a, int32_t off);
static access_fn *access_of(const struct kreg *r)
{
	static access_fn *const plain[KR_N] = {
		[KR_MAP_KEY] = access_map_key,
		[KR_MAP_VALUE] = kaccess_map_value,
		[KR_CTX] = kaccess_ctx,
		[KR_STACK] = kaccess_stack,
		[KR_PACKET] = kaccess_packet,
		[KR_PACKET_META] = kaccess_packet,
		[KR_FLOW_KEYS] = kaccess_flow_keys,
		[KR_SOCKET] = kaccess_sock,
		[KR_SOCK_COMMON] = kaccess_sock,
		[KR_TCP_SOCK] = kaccess_sock,
		[KR_XDP_SOCK] = kaccess_sock,
		[KR_TP_BUFFER] = access_tp_buffer,
		[KR_MAP] = kaccess_map_ptr,
		[KR_ARENA] = access_arena,
	};

	if (r->base == KR_MEM)
		return access_mem;
	if (r->base == KR_BTF_ID && !(r->flags & KF_OR_NULL))
		return kaccess_btf;
	if (r->base == KR_BUF && !(r->flags & KF_OR_NULL))
		return access_buf;
	return r->base < KR_N && !r->flags && plain[r->base] ? plain[r->base] : access_refused;
}

/* A load of less than a register fills the rest with zeroes, or with the sign. */
static void widen(struct kverifier *v, const struct kaccess *a)
{
	struct kreg *r = kreg_at(v, (unsigned)a->value);
	bool keeps;

	if (r->base != KR_SCALAR || a->size >= KSLOT_BYTES)
		return;
	if (!a->sext) {
		knum_truncate(&v->rules, &r->n, a->size);
		return;
	}
	keeps = r->n.umax < UINT64_C(1) << (a->size * 8 - 1);
	knum_sext(&v->rules, &r->n, a->size, false);
	if (khas(v, KERNEL_LDXS_UNLINKS) && !keeps)
		r->id = 0, r->off = 0;
}

FALLIBLE kcheck_mem(struct kverifier *v, const struct kaccess *a)
{
	const struct kreg *r = kreg_at(v, a->reg);

	TRY(kcheck_alignment(v, a));
	TRY(access_of(r)(v, a, a->off + r->off));
	if (!a->write && a->value >= 0)
		widen(v, a);
	return E_OK;
}

/* ---- loads and stores ---- */

static bool mismatch_matters(uint32_t type)
{
	switch ((enum kernel_reg)(type & 0xff)) {
	case KR_CTX:
	case KR_SOCKET:
	case KR_SOCK_COMMON:
	case KR_TCP_SOCK:
	case KR_XDP_SOCK:
	case KR_BTF_ID:
	case KR_ARENA:
		return true;
	default:
		return false;
	}
}

static bool mem_or_btf(const struct kverifier *v, uint32_t type)
{
	enum kernel_reg base = (enum kernel_reg)(type & 0xff);

	return base == KR_BTF_ID || (khas(v, KERNEL_MEM_UNTRUSTED) && base == KR_MEM);
}

/* What the load becomes when it must do for both. */
static uint32_t merged(const struct kverifier *v, uint32_t one, uint32_t other)
{
	uint32_t flags = (one | other) >> 8;

	if (!khas(v, KERNEL_MEM_UNTRUSTED))
		return KR_BTF_ID | (uint32_t)KF_UNTRUSTED << 8;
	flags &= KF_UNTRUSTED | KF_RDONLY;
	return ((one & 0xff) == KR_MEM || (other & 0xff) == KR_MEM ? KR_MEM : KR_BTF_ID) | flags << 8;
}

/* One instruction is rewritten for one kind of pointer. */
static FALLIBLE same_pointer(struct kverifier *v, uint32_t type, bool trust_may_differ)
{
	uint32_t *first = &v->aux[v->at].ptr_type;

	if (!*first) {
		*first = type;
		return E_OK;
	}
	if (type == *first || (!mismatch_matters(type) && !mismatch_matters(*first)))
		return E_OK;
	if (!trust_may_differ || !khas(v, KERNEL_LOAD_TRUST_MISMATCH) || !mem_or_btf(v, type) || !mem_or_btf(v, *first))
		KREJECT(v, DIFFERENT_POINTERS, "same insn cannot be used with different pointers");
	*first = merged(v, type, *first);
	return E_OK;
}

static uint32_t type_of(const struct kreg *r)
{
	return r->base | r->flags << 8;
}

FALLIBLE kmem_same_pointer(struct kverifier *v, unsigned r)
{
	return same_pointer(v, type_of(kreg_at(v, r)), false);
}

FALLIBLE kcheck_load(struct kverifier *v, const struct isa_insn *in)
{
	struct kaccess a = { .reg = in->src, .off = in->off, .size = in->width / 8u, .value = in->dst };
	uint32_t type;

	a.sext = in->sem == ISA_LDXS;
	a.strict = in->sem == ISA_LOAD_ACQ;
	TRY(kreg_read(v, in->src));
	TRY(kreg_write(v, in->dst, false));
	type = type_of(kreg_at(v, in->src));
	TRY(kcheck_mem(v, &a));
	return same_pointer(v, type, in->sem != ISA_LOAD_ACQ);
}

FALLIBLE kcheck_store(struct kverifier *v, const struct isa_insn *in)
{
	struct kaccess a = { .reg = in->dst, .off = in->off, .size = in->width / 8u, .write = true, .value = -1 };
	uint32_t type;

	if (in->sem != ISA_ST) {
		TRY(kreg_read(v, in->src));
		a.value = in->src;
		a.strict = in->sem == ISA_STORE_REL;
	}
	TRY(kreg_read(v, in->dst));
	if (in->sem == ISA_ST && !khas(v, KERNEL_ST_INTO_CTX) && kreg_is_plain(kreg_at(v, in->dst), KR_CTX))
		KREJECT_REG(v, CTX_STORE, in->dst, "BPF_ST stores into R%u ctx is not allowed", in->dst);
	type = type_of(kreg_at(v, in->dst));
	TRY(kcheck_mem(v, &a));
	if (in->sem == ISA_ST && !khas(v, KERNEL_ST_INTO_CTX))
		return E_OK;
	return same_pointer(v, type, false);
}
