/* SPDX-License-Identifier: Apache-2.0 */
/* diagnose_memory: accesses that may lie outside of their object, and pointers that are none any more. */
#include "engine/kverify/diagnose.h"

#include <inttypes.h>

struct access {
	unsigned reg;
	int64_t off;
	uint32_t size;
};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* The load or store that the path fails at or, after arithmetic on a pointer, comes to next. */
static bool access_of(const struct dx *x, uint32_t insn, unsigned reg, struct access *out)
{
	for (uint32_t i = insn; i < x->p->n_insns && i < insn + 4; i++) {
		const struct isa_insn *in = &x->p->insns[i];
		bool load = in->sem == ISA_LDX || in->sem == ISA_LDXS;

		if ((load && in->src == reg) ||
		    ((in->sem == ISA_ST || in->sem == ISA_STX || in->sem == ISA_ATOMIC) && in->dst == reg)) {
			*out = (struct access){ reg, in->off, in->width / 8u };
			return true;
		}
		if (isa_is_cond_jump(in) || in->sem == ISA_CALL || in->sem == ISA_EXIT)
			return false;
	}
	return false;
}

/* A map's value that is a section has variables in it: the one at this offset. */
static const struct btf_var *variable_at(const struct dx *x, const struct prog_map *m, int64_t off)
{
	const struct btf *types = x->v->o->types;
	const struct btf_type *t;

	if (!types || !m->value_type || m->value_type >= types->n_types)
		return NULL;
	t = btf_get(types, m->value_type);
	for (uint32_t i = 0; t->kind == BTF_DATASEC && i < t->n; i++)
		if (off >= t->vars[i].off && off < (int64_t)t->vars[i].off + t->vars[i].size)
			return &t->vars[i];
	return NULL;
}

bool dx_object(const struct dx *x, const struct kreg *r, int64_t *end, char whose[DX_TEXT])
{
	const struct btf_var *var;
	const struct prog_map *m = r->map < x->p->n_maps ? &x->p->maps[r->map] : NULL;

	if (r->base == KR_MAP_VALUE && m) {
		m = r->map_uid && m->inner ? m->inner : m;
		var = variable_at(x, m, r->off + (int64_t)r->n.t.value);
		if (var) {
			*end = (int64_t)var->off + var->size;
			(void)snprintf(whose, DX_TEXT, "`%s` is %u bytes long",
				       btf_get(x->v->o->types, var->type)->name, var->size);
			return true;
		}
		*end = m->value_size;
		(void)snprintf(whose, DX_TEXT, "%s %s is %u bytes long", m->name[0] == '.' ? "section" : "a value of",
			       m->name, m->value_size);
	} else if (r->base == KR_MEM) {
		*end = r->mem_size;
		(void)snprintf(whose, DX_TEXT, "the memory is %u bytes long", r->mem_size);
	} else if (r->base == KR_STACK) {
		*end = 0;
		(void)snprintf(whose, DX_TEXT, "the stack ends at offset 0 of r10");
	} else {
		return false;
	}
	return true;
}

static void put_access(char *whose, const struct access *a, int64_t off, uint64_t scale, const char *name)
{
	size_t n = strlen(whose);

	if (scale == 1)
		(void)snprintf(whose + n, DX_TEXT - n, ", and %u byte%s at offset %" PRId64 " + `%s` %s accessed",
			       a->size, PLURAL(a->size), off, name, a->size == 1 ? "is" : "are");
	else
		(void)snprintf(whose + n, DX_TEXT - n,
			       ", and %u byte%s at offset %" PRId64 " + %" PRIu64 " * `%s` %s accessed", a->size,
			       PLURAL(a->size), off, scale, name, a->size == 1 ? "is" : "are");
}

/* The object, the access and the index together say which indexes fit. */
static bool explain_index(struct dx *x, const struct dx_index *parts, const struct access *a, uint32_t at)
{
	char whose[DX_TEXT], name[DX_NAME];
	int64_t end, off, scale = (int64_t)parts->scale;
	struct dx_need need = { .value = parts->index, .reg = parts->index_reg, .at = at, .whose = whose };

	if (!dx_object(x, &parts->base_reg, &end, whose) || !knum_is_const(&parts->base_reg.n))
		return false;
	off = parts->base_reg.off + (int64_t)parts->base_reg.n.t.value + parts->off + a->off;
	need.max = floor_div(end - off - a->size, scale);
	need.min = parts->base_reg.base != KR_STACK && off < 0 ? -floor_div(off, scale) : 0;
	if (!dx_name(x, parts->index, name))
		(void)snprintf(name, sizeof name, "%s", "the index");
	put_access(whose, a, off, parts->scale, name);
	dx_note_origin(x, parts->index, dx_insn(x, parts->at)->src);
	dx_explain_bounds(x, &need);
	return true;
}

/* No index: the access itself is too far out. */
static void explain_constant(struct dx *x, const struct access *a)
{
	const struct kreg *r = &x->step[x->n - 1].r[a->reg];
	char whose[DX_TEXT];
	int64_t end, off;

	if (!dx_object(x, r, &end, whose) || !knum_is_const(&r->n))
		return;
	off = (int64_t)r->n.t.value + r->off + a->off;
	dx_note(x, x->n - 1, "%u byte%s at offset %" PRId64 " %s accessed, and %s", a->size, PLURAL(a->size), off,
		a->size == 1 ? "is" : "are", whose);
	dx_mend(x,
		"access only what is there, up to byte %" PRId64
		": check the size of the type that the pointer is taken for",
		end);
}

static void outside(struct dx *x)
{
	unsigned reg = (unsigned)x->v->failed_reg;
	struct access a;
	struct dx_index parts;

	if (!access_of(x, x->step[x->n - 1].insn, reg, &a))
		return;
	parts = dx_pointer_parts(x, dx_in_reg(x, reg));
	if (!parts.index || !explain_index(x, &parts, &a, x->n - 1))
		explain_constant(x, &a);
}

/* The pointer arithmetic itself is refused: which number is too wild. */
static void arithmetic(struct dx *x)
{
	const struct dx_step *s = &x->step[x->n - 1];
	const struct isa_insn *in = dx_insn(x, x->n - 1);
	bool dst = s->r[in->dst].base != KR_SCALAR;
	unsigned number = dst ? in->src : in->dst;
	struct access a = { .size = 1 };
	struct dx_index parts = { .scale = 1, .at = x->n - 1 };

	if (isa_b_is_imm(in) || (in->sem != ISA_ADD && in->sem != ISA_SUB))
		return;
	parts.index = dx_in_reg(x, number);
	parts.index_reg = s->r[number];
	parts.base_reg = s->r[dst ? in->dst : in->src];
	(void)access_of(x, s->insn + 1, in->dst, &a);
	for (const struct dx_value *v = dx_value(x, parts.index);
	     v->kind == DX_ALU && !v->b && v->in->sem == ISA_LSH && v->imm < 16; v = dx_value(x, parts.index)) {
		parts.scale <<= v->imm;
		parts.index_reg = x->step[v->at].r[v->in->dst];
		parts.index = v->a;
	}
	(void)explain_index(x, &parts, &a, x->n - 1);
}

/* ---- packets ---- */

static void name_of_end(const struct dx *x, const struct dx_fact *f, char name[DX_NAME])
{
	const struct dx_step *s = &x->step[x->n - 1];

	if (f && dx_name(x, x->step[f->at].r[f->in->dst].base == KR_PACKET_END ? f->a : f->b, name))
		return;
	for (unsigned r = 0; r < ISA_N_REGS; r++)
		if (s->r[r].base == KR_PACKET_END && dx_name(x, dx_in_reg(x, r), name))
			return;
	(void)snprintf(name, DX_NAME, "%s", "data_end");
}

/* The last comparison with the end of the packet, whatever pointer it was of. */
static const struct dx_fact *end_check(const struct dx *x)
{
	for (uint32_t i = x->n_facts; i--;) {
		const struct dx_fact *f = &x->fact[i];
		const struct dx_step *s = &x->step[f->at];

		if (!isa_b_is_imm(f->in) &&
		    (s->r[f->in->dst].base == KR_PACKET_END || s->r[f->in->src].base == KR_PACKET_END))
			return f;
	}
	return NULL;
}

static void packet(struct dx *x)
{
	unsigned reg = (unsigned)x->v->failed_reg;
	const struct kreg *r = &x->step[x->n - 1].r[reg];
	struct dx_index parts = dx_pointer_parts(x, dx_in_reg(x, reg));
	const struct dx_fact *f = end_check(x);
	char name[DX_NAME], end[DX_NAME], where[DX_NAME], cond[DX_TEXT], added[DX_NAME];
	struct access a;
	int64_t need;

	if (!access_of(x, x->step[x->n - 1].insn, reg, &a))
		return;
	/* What is compared is the pointer that the last index made, or the first one without any. */
	if (!dx_name(x, parts.index ? dx_in_reg(x, reg) : parts.base, name))
		(void)snprintf(name, sizeof name, "%s", parts.index ? "the pointer" : "data");
	name_of_end(x, f, end);
	dx_where(x, x->n - 1, where);
	need = parts.index ? parts.off + a.off + a.size : r->off + a.off + a.size;
	dx_note(x, x->n - 1,
		"%u byte%s %s accessed, up to byte %" PRId64 " behind `%s`, of which %d are known to be there", a.size,
		PLURAL(a.size), a.size == 1 ? "is" : "are", need, name, r->range > 0 ? r->range : 0);
	if (parts.index && f && f->at < parts.at) {
		dx_note(x, f->at,
			"what is compared with the end of the packet here (%s) is the pointer as it was before",
			dx_condition(x, f, cond));
		dx_note(x, parts.at,
			"a number that varies is added here: what is known of the pointer before does not hold for the "
			"result");
	} else if (f && r->range > 0) {
		dx_note(x, f->at, "this comparison (%s) makes %d bytes sure, %" PRId64 " are needed",
			dx_condition(x, f, cond), r->range, need);
	} else if (!f) {
		dx_note_plain(x, "nothing on this path is compared with the end of the packet");
	}
	if (parts.index)
		dx_mend(x, "compare the result, between %s and %s: `if (%s + %" PRId64 " > %s) return ...;`",
			dx_where(x, parts.at, added), where, name, need, end);
	else
		dx_mend(x, "before %s: `if (%s + %" PRId64 " > %s) return ...;` (pointers to bytes)", where, name, need,
			end);
}

/* ---- what is no pointer to memory ---- */

static const struct kernel_proto *proto_of(const struct dx *x, const struct isa_insn *in)
{
	const struct kernel_proto *p = NULL;

	if (in->sem != ISA_CALL || in->aux != ISA_CALL_HELPER ||
	    kernel_helper(x->v->k, &x->v->o->target, (uint32_t)in->imm, &p) != KERNEL_ALLOWED)
		return NULL;
	return p;
}

static bool releases(const struct kernel_proto *p)
{
	for (int i = 0; i < 5; i++)
		if (p->arg[i].flags & KF_RELEASE)
			return true;
	return false;
}

bool dx_explain_forgotten(struct dx *x, unsigned reg)
{
	uint32_t f = x->step[x->n - 1].frame;
	char callee[DX_NAME], where[DX_NAME], made[DX_NAME], it[DX_NAME + 8];
	const struct kernel_proto *p;
	const struct isa_insn *in;

	for (uint32_t at = x->n - 1; at--;) {
		const struct kreg *before = &x->step[at].r[reg];

		in = dx_insn(x, at);
		if (x->step[at].frame != f || dx_value(x, dx_in_reg(x, reg))->at > at)
			continue;
		if (before->base == KR_SCALAR || before->base == KR_NONE || in->sem != ISA_CALL)
			continue;
		dx_callee(x, in, x->step[at].insn, callee);
		dx_call_it(x, reg, it);
		dx_where(x, x->n - 1, where);
		p = proto_of(x, in);
		if (p && releases(p)) {
			dx_note(x, at, "%s is given back here by %s: it must not be used any more", it, callee);
			if (dx_insn(x, x->n - 1)->sem == ISA_CALL && proto_of(x, dx_insn(x, x->n - 1)) &&
			    releases(proto_of(x, dx_insn(x, x->n - 1))))
				dx_mend(x, "give it back once: take out the call at %s, or that at %s", where,
					dx_where(x, at, made));
			dx_mend(x, "do what %s does before %s, or do not use the pointer after it", where,
				dx_where(x, at, made));
		} else if (kreg_is_pkt(before)) {
			dx_note(x, at, "%s may move the packet: pointers into it, such as %s, end here", callee, it);
			dx_mend(x, "after %s load data and data_end from the context again, and compare them again",
				dx_where(x, at, made));
		} else {
			dx_note(x, at, "after the call of %s here, %s is no pointer any more", callee, it);
		}
		return true;
	}
	return false;
}

static void followed_number(struct dx *x, unsigned reg)
{
	uint32_t v = dx_in_reg(x, reg);
	const struct dx_value *val = dx_value(x, v);
	char it[DX_NAME + 8], says[DX_TEXT], where[DX_NAME], name[DX_NAME], base[DX_NAME];
	const struct prog_line *l = prog_line_at(x->p, x->step[x->n - 1].insn);

	dx_note(x, x->n - 1, "%s is %s: for the kernel it is no address", dx_call_it(x, reg, it),
		dx_describe(x, &x->step[x->n - 1].r[reg], says));
	dx_note_origin(x, v, reg);
	if (!l || !l->text || !dx_name(x, v, base) || !dx_member_of(l->text, base, name))
		if (!l || !l->text || !dx_expression_at(l->text, l->col, name))
			(void)snprintf(name, sizeof name, "%s", "the memory");
	dx_where(x, x->n - 1, where);
	if (val->kind == DX_CALL && val->in->aux == ISA_CALL_HELPER && val->in->imm == 35)
		dx_mend(x,
			"at %s read `%s` with bpf_probe_read_kernel (BPF_CORE_READ), or take the task from "
			"bpf_get_current_task_btf",
			where, name);
	else
		dx_mend(x,
			"at %s read `%s` with bpf_probe_read_kernel (or _user), unless a helper gives a pointer of a "
			"type that the "
			"kernel knows",
			where, name);
}

static void no_memory(struct dx *x)
{
	unsigned reg = (unsigned)x->v->failed_reg;
	const struct kreg *r = &x->step[x->n - 1].r[reg];
	char says[DX_TEXT], it[DX_NAME + 8];

	if (r->flags & KF_OR_NULL) {
		dx_note(x, x->n - 1, "%s is %s", dx_call_it(x, reg, it), dx_describe(x, r, says));
		dx_explain_null(x, dx_pointer_parts(x, dx_in_reg(x, reg)).base, reg);
	} else if (r->base != KR_SCALAR) {
		dx_note(x, x->n - 1, "%s is %s", dx_call_it(x, reg, it), dx_describe(x, r, says));
		dx_note_origin(x, dx_in_reg(x, reg), reg);
	} else if (!dx_explain_forgotten(x, reg)) {
		followed_number(x, reg);
	}
}

/* ---- the context and read-only memory ---- */

static void context(struct dx *x)
{
	const struct isa_insn *in = dx_insn(x, x->n - 1);
	const struct kernel_target *t = &x->v->o->target;
	const struct kernel_prog_type *type = kernel_prog_type(x->v->k, t->prog_type);
	const char *ctx = type && type->ctx_struct ? type->ctx_struct : "the context";
	bool write = in->sem == ISA_ST || in->sem == ISA_STX;
	struct kernel_ctx_access a;
	char where[DX_NAME];

	dx_where(x, x->n - 1, where);
	for (uint32_t size = 8; size; size /= 2) {
		if (kernel_ctx_access(x->v->k, t, in->off, size, false, &a) != KERNEL_CTX_YES)
			continue;
		if (write && size == in->width / 8u) {
			dx_note(x, x->n - 1, "`%s` of %s is for reading only in programs of type %s", a.name, ctx,
				type ? type->name : "?");
			dx_mend(x, "do not write `%s` at %s; a helper may change it for this type of program", a.name,
				where);
		} else if (size != in->width / 8u) {
			dx_note(x, x->n - 1, "the field at offset %d of %s, `%s`, is %u bytes long; %u are accessed",
				in->off, ctx, a.name, a.field_size, in->width / 8u);
			dx_mend(x, "access `%s` at %s as what it is, %u bytes (u%u)", a.name, where, a.field_size,
				a.field_size * 8);
		}
		return;
	}
	dx_note(x, x->n - 1, "offset %d of %s is no field that programs of type %s may %s", in->off, ctx,
		type ? type->name : "?", write ? "write" : "read");
}

static void moved_context(struct dx *x)
{
	struct dx_index parts = dx_pointer_parts(x, dx_in_reg(x, (unsigned)x->v->failed_reg));
	char name[DX_NAME], where[DX_NAME];

	if (!parts.index)
		return;
	if (dx_name(x, parts.index, name))
		dx_note(x, parts.at, "`%s` is added to the pointer here", name);
	else
		dx_note(x, parts.at, "a number that varies is added to the pointer here");
	dx_mend(x, "at %s choose the field with a switch over the index, whose cases use constant offsets",
		dx_where(x, x->n - 1, where));
}

static void read_only(struct dx *x)
{
	const struct kreg *r = &x->step[x->n - 1].r[x->v->failed_reg];
	const struct prog_map *m = r->map < x->p->n_maps ? &x->p->maps[r->map] : NULL;
	char where[DX_NAME];

	if (r->base != KR_MAP_VALUE || !m)
		return;
	dx_where(x, x->n - 1, where);
	if (strstr(m->name, ".rodata")) {
		dx_note(x, x->n - 1, "the variable is in %s: it is const, and fixed when the program is loaded",
			m->name);
		dx_mend(x, "take const from the declaration of the variable that %s writes, or write to another one",
			where);
	} else {
		dx_note(x, x->n - 1, "map %s was made with BPF_F_RDONLY_PROG", m->name);
	}
}

static void read_only_packet(struct dx *x)
{
	const char *type = kernel_prog_type_name(x->v->o->target.prog_type);
	char where[DX_NAME];

	dx_note(x, x->n - 1, "programs of type %s may read packets, not write them", type ? type : "?");
	dx_mend(x,
		"take the write at %s out, or do it in a program of another type: tc (sched_cls) and xdp write packets",
		dx_where(x, x->n - 1, where));
}

bool dx_memory(struct dx *x)
{
	if (!x->n || x->v->failed_reg < 0 || dx_insn(x, x->n - 1)->sem == ISA_CALL)
		return false;
	switch (x->d->id) {
	case KV_MEM_ACCESS:
		no_memory(x);
		return true;
	case KV_NEGATIVE_INDEX:
	case KV_MIN_OUTSIDE:
	case KV_UNBOUNDED_INDEX:
	case KV_MAX_OUTSIDE:
	case KV_STACK_UNBOUNDED:
	case KV_STACK_BOUNDS:
		outside(x);
		return true;
	case KV_POINTER_UNBOUNDED:
	case KV_POINTER_MIN_FAR:
	case KV_POINTER_FAR:
		arithmetic(x);
		return true;
	case KV_PACKET_RANGE:
		packet(x);
		return true;
	case KV_CTX_FIELD:
		context(x);
		return true;
	case KV_VARIABLE_OFFSET:
		moved_context(x);
		return true;
	case KV_MAP_READ_ONLY:
		read_only(x);
		return true;
	case KV_PACKET_READ_ONLY:
		read_only_packet(x);
		return true;
	default:
		return false;
	}
}
