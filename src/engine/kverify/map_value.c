/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_value: loads and stores in values of maps, and which map a register is about.
 *
 * What the kernel itself keeps in a value (locks, timers, lists) is not touched; what can never change is known.
 * Linux: kernel/bpf/verifier.c:check_map_access, bpf_map_direct_read, mark_ptr_not_null_reg, v6.12 and v7.2.
 */
#include "engine/kverify/mem.h"

enum { MAP_SOCKMAP = 15, MAP_XSKMAP = 17, MAP_SOCKHASH = 18, MAP_INSN_ARRAY = 34, ENTRY_BYTES = 8 };

const struct kmap *kreg_map(const struct kverifier *v, const struct kreg *r)
{
	const struct kmap *m = v->maps && r->map < v->p->n_maps ? &v->maps[r->map] : NULL;

	return m && r->map_uid ? m->inner : m;
}

static bool has_async_field(const struct kverifier *v, const struct kmap *m)
{
	return m->timer_off >= 0 || (khas(v, KERNEL_FIELDS_WQ) && m->wq_off >= 0) ||
	       (khas(v, KERNEL_FIELDS_TASK_WORK) && m->task_work_off >= 0);
}

/* A value looked up in a map of maps or sockets is what lies in it. */
static void value_not_null(struct kverifier *v, struct kreg *r)
{
	const struct kmap *m = kreg_map(v, r);

	r->flags &= ~(uint32_t)KF_OR_NULL;
	if (!m)
		return;
	if (m->inner) {
		r->base = KR_MAP;
		r->map_uid = has_async_field(v, m->inner) && r->id ? r->id : KMAP_ANY_INNER;
	} else if (m->m->kind == MAP_XSKMAP) {
		r->base = KR_XDP_SOCK;
	} else if (m->m->kind == MAP_SOCKMAP || m->m->kind == MAP_SOCKHASH) {
		r->base = KR_SOCKET;
	}
}

void kreg_not_null(struct kverifier *v, struct kreg *r)
{
	if (r->base == KR_MAP_VALUE)
		value_not_null(v, r);
	else
		r->flags &= ~(uint32_t)KF_OR_NULL;
}

/* ---- may it be touched? ---- */

static FALLIBLE check_flags(struct kverifier *v, unsigned r, const struct prog_map *m, int64_t off, uint32_t size,
			    bool write)
{
	if (write && m->flags & PROG_MAP_RDONLY)
		KREJECT_REG(v, MAP_READ_ONLY, r, "write into map forbidden, value_size=%u off=%lld size=%u",
			    m->value_size, (long long)off, size);
	if (!write && m->flags & PROG_MAP_WRONLY && !(m->flags & PROG_MAP_RDONLY))
		KREJECT_REG(v, MAP_WRITE_ONLY, r, "read from map forbidden, value_size=%u off=%lld size=%u",
			    m->value_size, (long long)off, size);
	return E_OK;
}

static bool is_kptr(uint32_t kind)
{
	return kind == KFIELD_KPTR_UNREF || kind == KFIELD_KPTR_REF || kind == KFIELD_KPTR_PERCPU ||
	       kind == KFIELD_UPTR;
}

static FALLIBLE check_kptr(struct kverifier *v, unsigned r, const struct kfield *f, int32_t off, uint32_t size,
			   bool helper)
{
	const struct kreg *reg = kreg_at(v, r);
	const char *name = f->kind == KFIELD_UPTR ? "uptr" : "kptr";

	if (helper)
		KREJECT_REG(v, KPTR_ACCESS, r, "%s cannot be accessed indirectly by helper", name);
	if (!knum_is_const(&reg->n))
		KREJECT_REG(v, KPTR_ACCESS, r, "%s access cannot have variable offset", name);
	if (f->off != (uint64_t)off + reg->n.t.value)
		KREJECT_REG(v, KPTR_ACCESS, r, "%s access misaligned expected=%u off=%llu", name, f->off,
			    (unsigned long long)((uint64_t)off + reg->n.t.value));
	if (size != ENTRY_BYTES)
		KREJECT_REG(v, KPTR_ACCESS, r, "%s access size must be BPF_DW", name);
	return E_OK;
}

static FALLIBLE check_fields(struct kverifier *v, unsigned r, const struct kmap *m, int32_t off, uint32_t size,
			     bool helper)
{
	const struct kreg *reg = kreg_at(v, r);

	for (uint32_t i = 0; i < m->n_kptrs; i++) {
		const struct kfield *f = &m->kptrs[i];

		if (reg->n.smin + off >= (int64_t)f->off + f->size ||
		    (int64_t)f->off >= (int64_t)reg->n.umax + off + size)
			continue;
		if (!is_kptr(f->kind))
			KREJECT_REG(v, FIELD_TOUCHED, r, "%s cannot be accessed directly by load/store",
				    kfield_name(f->kind));
		TRY(check_kptr(v, r, f, off, size, helper));
	}
	return E_OK;
}

/* An array of instructions is one value with all its entries. */
static uint32_t value_bytes(const struct prog_map *m)
{
	return m->kind == MAP_INSN_ARRAY ? m->max_entries * ENTRY_BYTES : m->value_size;
}

FALLIBLE kcheck_map_access(struct kverifier *v, unsigned r, int32_t off, uint32_t size, bool zero_ok, bool helper,
			   bool write)
{
	const struct kreg *reg = kreg_at(v, r);
	const struct kmap *m = kreg_map(v, reg);

	KENSURE(v, m);
	TRY(check_flags(v, r, m->m, reg->n.smin + off, size, write));
	TRY(kcheck_mem_region(v, r, off, size, value_bytes(m->m), zero_ok));
	return check_fields(v, r, m, off, size, helper);
}

/* ---- what a load gives ---- */

/* The bytes of a value that never changes; false: they are not known before the program is loaded. */
static bool known_bytes(const struct prog_map *m, uint32_t off, uint32_t size, uint64_t *out)
{
	uint8_t bytes[8] = { 0 };

	for (uint32_t i = 0; i < m->n_ptrs; i++)
		if (m->ptrs[i].at < off + size && off < m->ptrs[i].at + ENTRY_BYTES)
			return false;
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (size_t)off + i < m->init.len ? m->init.p[off + i] : 0;
	*out = 0;
	for (uint32_t i = size; i--;)
		*out = *out << 8 | bytes[i];
	return true;
}

static uint64_t sign_extended(uint64_t n, uint32_t size)
{
	unsigned shift = 64 - size * 8;

	return (uint64_t)((int64_t)(n << shift) >> shift);
}

static void load_constant(struct kverifier *v, const struct kaccess *a, uint64_t n)
{
	struct kreg *to = kreg_at(v, (unsigned)a->value);
	bool precise = to->precise; /* the kernel leaves it as it was */

	kreg_scalar_const(&v->rules, to, a->sext ? sign_extended(n, a->size) : n);
	to->precise = precise;
}

static FALLIBLE load_entry(struct kverifier *v, const struct kaccess *a)
{
	const struct kreg *from = kreg_at(v, a->reg);
	struct kreg *to = kreg_at(v, (unsigned)a->value);
	struct isa_insn add = isa_make(ISA_ADD, 64, ISA_FORM_RI, 0);

	if (a->size != ENTRY_BYTES)
		KREJECT_REG(v, INSN_ARRAY_READ, a->reg, "Invalid read of %u bytes from insn_array", a->size);
	if (to != from)
		*to = *from;
	if (a->off)
		knum_alu(&v->rules, &add, &to->n, knum_const(&v->rules, (uint64_t)(int64_t)a->off));
	to->base = KR_INSN;
	return E_OK;
}

static FALLIBLE load(struct kverifier *v, const struct kaccess *a, const struct kmap *m, int32_t off)
{
	const struct kreg *r = kreg_at(v, a->reg);
	uint64_t n;

	if (m->m->kind == MAP_INSN_ARRAY)
		return load_entry(v, a);
	if (m->frozen && knum_is_const(&r->n) &&
	    known_bytes(m->m, (uint32_t)(off + (int64_t)r->n.t.value), a->size, &n))
		load_constant(v, a, n);
	else
		kaccess_loaded(v, a);
	return E_OK;
}

FALLIBLE kaccess_map_value(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	const struct kreg *r = kreg_at(v, a->reg);
	const struct kmap *m = kreg_map(v, r);
	const struct kfield *f = NULL;

	TRY(kcheck_map_access(v, a->reg, off, a->size, false, false, a->write));
	if (knum_is_const(&r->n))
		f = kmap_field(m, (uint32_t)(off + (int64_t)r->n.t.value));
	if (f && is_kptr(f->kind))
		return kaccess_kptr(v, a, f);
	return a->write || a->value < 0 ? E_OK : load(v, a, m, off);
}
