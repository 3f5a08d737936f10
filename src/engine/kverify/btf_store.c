/* SPDX-License-Identifier: Apache-2.0 */
/*
 * btf_store: the few fields of the kernel's own objects that some programs may write.
 *
 * Linux: net/ipv4/bpf_tcp_ca.c:bpf_tcp_ca_btf_struct_access, net/netfilter/nf_conntrack_bpf.c:
 * _nf_conntrack_btf_struct_access, kernel/sched/ext.c:bpf_scx_btf_struct_access, net/bpf/bpf_dummy_struct_ops.c, v5.10
 * to v7.2.
 */
#include "engine/kverify/mem.h"

enum { PROG_SCHED_CLS = 3, PROG_SCHED_ACT = 4, PROG_XDP = 6, PROG_STRUCT_OPS = 27 };

/* The object is of type `object`; the field is looked up in `of`, which lies at its beginning. */
static const struct writable {
	uint32_t prog_type;
	uint16_t since;
	bool anywhere; /* a store may begin inside of the field */
	const char *object, *of, *field, *inner;
} writables[] = {
	{ PROG_STRUCT_OPS, KERNEL_V(6, 0), false, "tcp_sock", "sock", "sk_pacing_rate", NULL },
	{ PROG_STRUCT_OPS, KERNEL_V(6, 0), false, "tcp_sock", "sock", "sk_pacing_status", NULL },
	{ PROG_STRUCT_OPS, KERNEL_ALWAYS, true, "tcp_sock", "inet_connection_sock", "icsk_ca_priv", NULL },
	{ PROG_STRUCT_OPS, KERNEL_ALWAYS, false, "tcp_sock", "inet_connection_sock", "icsk_ack", "pending" },
	{ PROG_STRUCT_OPS, KERNEL_ALWAYS, false, "tcp_sock", "tcp_sock", "snd_cwnd", NULL },
	{ PROG_STRUCT_OPS, KERNEL_ALWAYS, false, "tcp_sock", "tcp_sock", "snd_cwnd_cnt", NULL },
	{ PROG_STRUCT_OPS, KERNEL_V(6, 10), false, "tcp_sock", "tcp_sock", "snd_cwnd_stamp", NULL },
	{ PROG_STRUCT_OPS, KERNEL_ALWAYS, false, "tcp_sock", "tcp_sock", "snd_ssthresh", NULL },
	{ PROG_STRUCT_OPS, KERNEL_ALWAYS, false, "tcp_sock", "tcp_sock", "ecn_flags", NULL },
	{ PROG_STRUCT_OPS, KERNEL_V(6, 0), false, "tcp_sock", "tcp_sock", "app_limited", NULL },
	{ PROG_STRUCT_OPS, KERNEL_V(6, 12), true, "task_struct", "task_struct", "scx", "slice" },
	{ PROG_STRUCT_OPS, KERNEL_V(6, 12), true, "task_struct", "task_struct", "scx", "dsq_vtime" },
	{ PROG_STRUCT_OPS, KERNEL_V(6, 12), true, "task_struct", "task_struct", "scx", "disallow" },
	{ PROG_STRUCT_OPS, KERNEL_V(5, 16), true, "bpf_dummy_ops_state", "bpf_dummy_ops_state", "val", NULL },
	{ PROG_SCHED_CLS, KERNEL_V(6, 0), false, "nf_conn", "nf_conn", "mark", NULL },
	{ PROG_XDP, KERNEL_V(6, 0), false, "nf_conn", "nf_conn", "mark", NULL },
	{ PROG_SCHED_CLS, KERNEL_V(6, 0), false, "nf_conn___init", "nf_conn", "mark", NULL },
	{ PROG_XDP, KERNEL_V(6, 0), false, "nf_conn___init", "nf_conn", "mark", NULL },
};

/* Byte range of the member of this name, in structs and unions without name too. */
static bool find_member(const struct btf *b, uint32_t id, const char *name, uint64_t *off, uint64_t *bytes,
			uint32_t *type, int depth)
{
	const struct btf_type *t = btf_get(b, btf_skip(b, id));

	if ((t->kind != BTF_STRUCT && t->kind != BTF_UNION) || depth > BTF_MAX_DEPTH)
		return false;
	for (uint32_t i = 0; i < t->n; i++) {
		const struct btf_member *m = &t->members[i];
		uint64_t base = *off;

		*off = base + m->bit_off / 8;
		if (!strcmp(m->name, name)) {
			*type = m->type;
			return btf_size(b, m->type, bytes);
		}
		if (!m->name[0] && find_member(b, m->type, name, off, bytes, type, depth + 1))
			return true;
		*off = base;
	}
	return false;
}

static bool allows(struct kverifier *v, const struct btf *b, const struct writable *w, int64_t at, uint32_t size)
{
	uint64_t off = 0, bytes = 0;
	uint32_t type = ktypes_struct(v, w->of);

	if (!type || !find_member(b, type, w->field, &off, &bytes, &type, 0))
		return false;
	if (w->inner && !find_member(b, type, w->inner, &off, &bytes, &type, 0))
		return false;
	if ((uint64_t)at < off || (!w->anywhere && (uint64_t)at != off))
		return false;
	return (uint64_t)at + size <= off + bytes;
}

/* Objects for which other kinds of struct_ops have rules that stand in no table here. */
static bool has_other_rules(const char *name)
{
	return !strncmp(name, "hid_", 4) || !strcmp(name, "Qdisc") || !strcmp(name, "st_ops_args") ||
	       !strncmp(name, "bpf_testmod", 11);
}

FALLIBLE kaccess_btf_store(struct kverifier *v, const struct kaccess *a, int64_t off)
{
	const struct kreg *r = kreg_at(v, a->reg);
	const struct btf *b = ktypes_btf(v, (enum ktypes)r->types);
	const char *name = ktypes_name(v, (enum ktypes)r->types, r->type_id);
	bool some = false;
	uint32_t type = v->o->target.prog_type == PROG_SCHED_ACT ? PROG_SCHED_CLS : v->o->target.prog_type;

	if (r->flags & KF_ALLOC || (khas(v, KERNEL_OFFSET_IN_NUM) && r->flags & KF_UNTRUSTED))
		KREJECT_REG(v, BTF_WRITE, a->reg, "only read is supported");
	for (size_t i = 0; i < countof(writables); i++) {
		const struct writable *w = &writables[i];

		if (w->prog_type != type || v->k->version < w->since || strcmp(w->object, name) != 0)
			continue;
		if (allows(v, b, w, off, a->size))
			return E_OK;
		some = true;
	}
	if (type == PROG_STRUCT_OPS && has_other_rules(name))
		KUNSUPPORTED(v, "a store into ptr_%s at off=%lld", name, (long long)off);
	if (some)
		KREJECT_REG(v, BTF_WRITE, a->reg, "no write support to %s at off %lld", name, (long long)off);
	KREJECT_REG(v, BTF_WRITE, a->reg, "only read is supported");
}
