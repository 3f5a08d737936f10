/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve: this release has each instruction, and each map that one names.
 *
 * Linux: kernel/bpf/verifier.c:resolve_pseudo_ldimm64, check_map_prog_compatibility, v6.12.
 */
#include "engine/kverify/internal.h"

static FALLIBLE check_kind(struct kverifier *v, const struct prog_map *m)
{
	const char *name = kernel_map_kind_name(m->kind), *why;

	if (!kernel_map_kind(v->k, m->kind))
		KREJECT(v, MAP_KIND, "map '%s': Linux %s has no maps of kind %s (%u)", m->name, v->k->name,
			name ? name : "?", m->kind);
	why = kernel_map_prog(v->k, &v->o->target, m->kind);
	if (why)
		KREJECT(v, MAP_HERE, "%s", why);
	return E_OK;
}

/* Of each kind of storage of control groups there may be one. Linux: bpf_cgroup_storage_assign */
static FALLIBLE check_storage(struct kverifier *v, const struct prog_map *m, const struct prog_map **seen)
{
	const struct prog_map **slot = &seen[m->kind == PROG_MAP_PERCPU_CGROUP_STORAGE];

	if (m->kind != PROG_MAP_CGROUP_STORAGE && m->kind != PROG_MAP_PERCPU_CGROUP_STORAGE)
		return E_OK;
	if (*slot && *slot != m)
		KREJECT(v, MAP_HERE, "only one cgroup storage of each type is allowed");
	*slot = m;
	return E_OK;
}

static bool addressable(uint32_t kind)
{
	return kind == PROG_MAP_ARRAY || kind == 33 /* BPF_MAP_TYPE_ARENA */ ||
	       kind == 34 /* BPF_MAP_TYPE_INSN_ARRAY */;
}

static FALLIBLE check_direct(struct kverifier *v, const struct prog_map *m, const struct isa_insn *in)
{
	uint32_t off = (uint32_t)in->off;

	if (off >= KMAX_VAR_OFF_DIRECT && !khas(v, KERNEL_OFFSET_IN_NUM))
		KREJECT(v, MAP_DIRECT, "direct value offset of %u is not allowed", off);
	if (!addressable(m->kind))
		KREJECT(v, MAP_DIRECT, "no direct value access support for this map type");
	if (m->max_entries != 1 && m->kind == PROG_MAP_ARRAY)
		KREJECT(v, MAP_DIRECT, "invalid access to map value pointer, value_size=%u off=%u", m->value_size, off);
	if (off >= m->value_size && m->kind == PROG_MAP_ARRAY)
		KREJECT(v, MAP_DIRECT, "invalid access to map value pointer, value_size=%u off=%u", m->value_size, off);
	return E_OK;
}

/* The map that an instruction names, or none. */
static bool names_map(const struct isa_insn *in)
{
	return in->sem == ISA_IMM64 && (in->aux == ISA_IMM64_MAP_FD || in->aux == ISA_IMM64_MAP_VALUE ||
					in->aux == ISA_IMM64_MAP_IDX || in->aux == ISA_IMM64_MAP_IDX_VALUE);
}

struct used {
	uint8_t *maps; /* per map: it is named */
	uint32_t n;
	const struct prog_map *storage[2];
};

static FALLIBLE check_imm64(struct kverifier *v, const struct isa_insn *in, struct used *u)
{
	const struct prog_map *m;

	if (in->aux == ISA_IMM64_BTF_ID)
		return kksym_check(v, in);
	if (!names_map(in))
		return E_OK;
	if (in->imm < 0 || in->imm >= v->p->n_maps)
		KREJECT(v, MAP_REF, "fd %lld is not pointing to valid bpf_map", (long long)in->imm);
	m = &v->p->maps[in->imm];
	if (!u->maps[in->imm]) {
		u->maps[in->imm] = 1;
		if (++u->n > v->k->limits.maps)
			KREJECT(v, MAPS, "The total number of maps per program has reached the limit of %u",
				v->k->limits.maps);
		TRY(check_kind(v, m));
		TRY(check_storage(v, m, u->storage));
	}
	return in->aux == ISA_IMM64_MAP_VALUE || in->aux == ISA_IMM64_MAP_IDX_VALUE ? check_direct(v, m, in) : E_OK;
}

/* Does the release have another instruction with this opcode? Then it looks at the rest only where the instruction is
 * reached. */
static bool has_opcode(const struct kverifier *v, uint8_t byte)
{
	for (size_t i = 0; i < isa_n_rows; i++) {
		const struct isa_row *r = &isa_rows[i];
		struct isa_insn in;

		if (r->byte != byte)
			continue;
		in = isa_make((enum isa_sem)r->sem, r->width, (enum isa_form)r->form, r->aux);
		if (kernel_insn_since(&in) <= v->k->version)
			return true;
	}
	return false;
}

FALLIBLE kresolve(struct kverifier *v)
{
	struct used u = { .maps = ARENA_ARRAY(v->arena, uint8_t, v->p->n_maps + 1) };

	KNEED(v, u.maps);
	for (uint32_t i = 0; i < v->p->n_insns; i++) {
		const struct isa_insn *in = &v->p->insns[i];

		v->insn = i;
		if (in->sem == ISA_PAD)
			continue;
		v->aux[i].too_new = kernel_insn_since(in) > v->k->version;
		if (in->sem == ISA_CALL) /* its kind is looked at where a path comes to it */
			continue;
		if (v->aux[i].too_new && in->sem == ISA_IMM64)
			KREJECT(v, UNKNOWN_OPCODE, "unrecognized bpf_ld_imm64 insn");
		if (v->aux[i].too_new && !has_opcode(v, isa_rows[in->row].byte))
			KREJECT(v, UNKNOWN_OPCODE, "unknown opcode %02x", isa_rows[in->row].byte);
		if (in->sem == ISA_IMM64)
			TRY(check_imm64(v, in, &u));
	}
	return E_OK;
}
