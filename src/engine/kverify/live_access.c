/* SPDX-License-Identifier: Apache-2.0 */
/* live_access: how much of the memory that it is given a call reads or fills, as far as that is known before any path
 * is followed (Linux 7.2). Linux: kernel/bpf/verifier.c:bpf_helper_stack_access_bytes, bpf_kfunc_stack_access_bytes,
 * v7.2. */
#include "engine/kverify/kfunc.h"
#include "engine/kverify/static.h"

enum { DYNPTR_BYTES = 16, STACK_BYTES = KSLOTS_MAX * KSLOT_BYTES };

bool kcall_proto(const struct kverifier *v, uint32_t id, const struct kernel_proto **out)
{
	const struct kverify_extra *x = v->o->extra;

	for (uint32_t i = 0; x && i < x->n_helpers; i++)
		if (x->helpers[i].id == id) {
			*out = &x->helpers[i];
			return true;
		}
	return kernel_helper(v->k, &v->o->target, id, out) == KERNEL_ALLOWED;
}

/* The prototype of a kernel function, with what the verifier fills in; NULL: not known, or not for this program. */
static const struct btf_type *kfunc_proto(const struct kverifier *v, const struct isa_insn *in)
{
	const struct kkfunc *f = kkfunc_at(v, (uint32_t)(in - v->p->insns));

	return f && f->allowed ? f->proto : NULL;
}

bool kcall_n_params(const struct kverifier *v, const struct isa_insn *in, unsigned *n)
{
	const struct btf_type *t = kfunc_proto(v, in);

	if (t)
		*n = t->n;
	return t != NULL;
}

unsigned kaccess_n_args(const struct kverifier *v, uint32_t insn)
{
	const struct isa_insn *in = &v->p->insns[insn];
	const struct kernel_proto *proto = NULL;
	unsigned n = 0;

	if (in->aux == ISA_CALL_KFUNC)
		return kcall_n_params(v, in, &n) && n < 5 ? n : 5;
	if (!kcall_proto(v, (uint32_t)in->imm, &proto))
		return 5;
	while (n < 5 && proto->arg[n].base != KA_DONTCARE)
		n++;
	return n;
}

/* ---- helpers ---- */

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t entry_bytes(const struct prog_map *m, bool key)
{
	return key ? m->key_size : m->value_size;
}

/* A key or value of the map in the argument before, or of any map of the program. 0: no map. */
static uint32_t map_bytes(const struct kverifier *v, uint32_t insn, const struct kernel_proto *proto, unsigned arg)
{
	const struct kconst *c = kconst_at(v, insn);
	bool key = proto->arg[arg].base == KA_MAP_KEY;
	uint32_t most = 0;
	unsigned m = 0;

	while (m < arg && proto->arg[m].base != KA_CONST_MAP_PTR)
		m++;
	if (m < arg && c->map >> (m + 1) & 1 && c->value[m + 1] < v->p->n_maps)
		return entry_bytes(&v->p->maps[c->value[m + 1]], key);
	for (uint32_t i = 0; i < v->p->n_maps; i++) {
		most = larger(most, entry_bytes(&v->p->maps[i], key));
		if (v->p->maps[i].inner)
			most = larger(most, entry_bytes(v->p->maps[i].inner, key));
	}
	return most;
}

static bool is_size(const struct kernel_typed *t)
{
	return t->base == KA_CONST_SIZE || t->base == KA_CONST_SIZE_OR_ZERO;
}

/* The size that stands in the next argument; less is known: the whole stack. */
static int64_t size_in_next(const struct kverifier *v, uint32_t insn, unsigned arg, int64_t otherwise)
{
	const struct kconst *c = kconst_at(v, insn);

	return c->number >> (arg + 2) & 1 ? c->value[arg + 2] : otherwise;
}

static int64_t mem_bytes(const struct kverifier *v, uint32_t insn, const struct kernel_proto *proto, unsigned arg)
{
	const struct kernel_typed *t = &proto->arg[arg];

	if (t->flags & KF_FIXED_SIZE)
		return t->size;
	if (arg + 1 < 5 && is_size(&proto->arg[arg + 1]))
		return size_in_next(v, insn, arg, t->flags & KF_UNINIT ? 0 : STACK_BYTES);
	return KACCESS_UNKNOWN;
}

static int64_t helper_bytes(const struct kverifier *v, uint32_t insn, unsigned arg)
{
	const struct kernel_proto *proto = NULL;
	int64_t n;

	if (!kcall_proto(v, (uint32_t)v->p->insns[insn].imm, &proto))
		return KACCESS_UNKNOWN;
	switch ((enum kernel_arg)proto->arg[arg].base) {
	case KA_MAP_KEY:
	case KA_MAP_VALUE:
		n = map_bytes(v, insn, proto, arg);
		n = n ? n : KACCESS_UNKNOWN;
		break;
	case KA_MEM:
		n = mem_bytes(v, insn, proto, arg);
		break;
	case KA_INT:
	case KA_LONG:
		return proto->arg[arg].base == KA_INT ? -4 : -8;
	case KA_DYNPTR:
		n = DYNPTR_BYTES;
		break;
	case KA_STACK:
		return 0;
	default:
		return KACCESS_UNKNOWN;
	}
	return proto->arg[arg].flags & KF_UNINIT && n != KACCESS_UNKNOWN ? -n : n;
}

/* ---- kfuncs ---- */

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

static bool is_dynptr(const struct btf *b, uint32_t pointee)
{
	const struct btf_type *t = btf_get(b, btf_skip(b, pointee));

	return t->kind == BTF_STRUCT && (!strcmp(t->name, "bpf_dynptr") || !strcmp(t->name, "bpf_dynptr_kern"));
}

static int64_t kfunc_size(const struct kverifier *v, uint32_t insn, const struct btf_type *proto, unsigned arg,
			  uint32_t pointee)
{
	const struct btf *b = v->o->kernel_types;
	uint64_t size;

	if (is_dynptr(b, pointee))
		return DYNPTR_BYTES;
	if (arg + 1 < proto->n &&
	    (ends_with(proto->params[arg + 1].name, "__sz") || ends_with(proto->params[arg + 1].name, "__szk")))
		return size_in_next(v, insn, arg, STACK_BYTES);
	return btf_size(b, pointee, &size) ? (int64_t)size : KACCESS_UNKNOWN;
}

static int64_t kfunc_bytes(const struct kverifier *v, uint32_t insn, unsigned arg)
{
	const struct isa_insn *in = &v->p->insns[insn];
	const struct btf *b = v->o->kernel_types;
	const struct btf_type *proto = kfunc_proto(v, in), *t;
	const struct kernel_kfunc *k;
	int64_t n;

	if (!proto)
		return KACCESS_UNKNOWN;
	if (arg >= proto->n)
		return 0;
	t = btf_get(b, btf_skip(b, proto->params[arg].type));
	if (t->kind != BTF_PTR)
		return 0;
	n = kfunc_size(v, insn, proto, arg, t->type);
	k = kernel_kfunc(v->k, btf_get(b, (uint32_t)in->imm)->name);
	if (n != KACCESS_UNKNOWN &&
	    ((!arg && k && k->flags & KK_ITER_NEW) || ends_with(proto->params[arg].name, "__uninit")))
		return -n;
	return n;
}

int64_t kaccess_of_arg(const struct kverifier *v, uint32_t insn, unsigned arg)
{
	return v->p->insns[insn].aux == ISA_CALL_KFUNC ? kfunc_bytes(v, insn, arg) : helper_bytes(v, insn, arg);
}

/* ---- callbacks ---- */

int kaccess_callback(const struct kverifier *v, uint32_t insn, unsigned *from, unsigned *to)
{
	enum { FOR_EACH_MAP_ELEM = 164, FIND_VMA = 180, LOOP = 181, USER_RINGBUF_DRAIN = 209 };
	const struct kconst *c = kconst_at(v, insn);
	const struct isa_insn *in = &v->p->insns[insn];
	unsigned func = 2;

	if (in->aux != ISA_CALL_HELPER)
		return -1;
	*from = 3;
	*to = 2;
	switch (in->imm) {
	case LOOP:
	case USER_RINGBUF_DRAIN:
		break;
	case FOR_EACH_MAP_ELEM:
		*to = 4;
		break;
	case FIND_VMA:
		func = 3;
		*from = 4;
		*to = 3;
		break;
	default:
		return -1;
	}
	return c->subprog >> func & 1 ? (int)c->value[func] : -2;
}
