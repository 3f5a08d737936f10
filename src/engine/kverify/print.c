/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print: registers and states as the kernel's log has them.
 *
 * Linux: kernel/bpf/log.c:print_reg_state, print_verifier_state, reg_type_str, v6.12.
 */
#include "engine/kverify/internal.h"

static const char *const base_names[KR_N] = {
	[KR_NONE] = "?",
	[KR_SCALAR] = "scalar",
	[KR_CTX] = "ctx",
	[KR_MAP] = "map_ptr",
	[KR_MAP_VALUE] = "map_value",
	[KR_MAP_KEY] = "map_key",
	[KR_STACK] = "fp",
	[KR_PACKET_META] = "pkt_meta",
	[KR_PACKET] = "pkt",
	[KR_PACKET_END] = "pkt_end",
	[KR_FLOW_KEYS] = "flow_keys",
	[KR_SOCKET] = "sock",
	[KR_SOCK_COMMON] = "sock_common",
	[KR_TCP_SOCK] = "tcp_sock",
	[KR_TP_BUFFER] = "tp_buffer",
	[KR_XDP_SOCK] = "xdp_sock",
	[KR_BTF_ID] = "ptr_",
	[KR_MEM] = "mem",
	[KR_ARENA] = "arena",
	[KR_BUF] = "buf",
	[KR_FUNC] = "func",
	[KR_DYNPTR] = "dynptr_ptr",
	[KR_INSN] = "insn",
};

void kreg_type_print(const struct kreg *r, struct buf *out)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} prefixes[] = {
		{ KF_RDONLY, "rdonly_" },   { KF_RINGBUF, "ringbuf_" }, { KF_USER, "user_" },
		{ KF_PERCPU, "percpu_" },   { KF_RCU, "rcu_" },         { KF_UNTRUSTED, "untrusted_" },
		{ KF_TRUSTED, "trusted_" },
	};

	for (size_t i = 0; i < countof(prefixes); i++)
		if (r->flags & prefixes[i].flag)
			buf_puts(out, prefixes[i].name);
	buf_puts(out, r->base < KR_N ? base_names[r->base] : "?");
	if (r->flags & KF_OR_NULL)
		buf_puts(out, r->base == KR_BTF_ID ? "or_null_" : "_or_null");
}

static void attribute(struct buf *out, const char **sep, const char *name)
{
	buf_printf(out, "%s%s=", *sep, name);
	*sep = ",";
}

static void print_snum(int64_t v, struct buf *out)
{
	if (v >= INT16_MIN && v <= INT16_MAX)
		buf_printf(out, "%lld", (long long)v);
	else
		buf_printf(out, "0x%llx", (unsigned long long)v);
}

static void print_unum(uint64_t v, struct buf *out)
{
	buf_printf(out, v <= UINT16_MAX ? "%llu" : "0x%llx", (unsigned long long)v);
}

static void print_map(const struct kverifier *v, const struct kreg *r, struct buf *out, const char **sep)
{
	const struct prog_map *m = r->map < v->p->n_maps ? &v->p->maps[r->map] : NULL;

	if (m && r->map_uid && m->inner)
		m = m->inner;
	if (!m)
		return;
	if (m->name && m->name[0]) {
		attribute(out, sep, "map");
		buf_puts(out, m->name);
	}
	attribute(out, sep, "ks");
	buf_printf(out, "%u", m->key_size);
	attribute(out, sep, "vs");
	buf_printf(out, "%u", m->value_size);
}

static void print_ids(const struct kreg *r, struct buf *out, const char **sep)
{
	if (r->id) {
		attribute(out, sep, "id");
		buf_printf(out, "%u", r->id & ~KID_ADD_CONST);
	}
	if (r->base == KR_SCALAR && r->id & KID_ADD_CONST)
		buf_printf(out, "%+d", r->off);
	if (r->ref_id) {
		attribute(out, sep, "ref_obj_id");
		buf_printf(out, "%u", r->ref_id);
	}
}

static void print_pointer(const struct kverifier *v, const struct kreg *r, struct buf *out, const char **sep)
{
	if (r->base == KR_MAP || r->base == KR_MAP_VALUE || r->base == KR_MAP_KEY)
		print_map(v, r, out, sep);
	if (r->off) {
		attribute(out, sep, "off");
		print_snum(r->off, out);
	}
	if (kreg_is_pkt(r)) {
		attribute(out, sep, "r");
		print_unum((uint64_t)(int64_t)r->range, out);
	}
	if (r->base == KR_MEM) {
		attribute(out, sep, "sz");
		buf_printf(out, "%u", r->mem_size);
	}
}

void kreg_print(const struct kverifier *v, const struct kreg *r, uint32_t frameno, struct buf *out)
{
	const struct btf *types = r->base == KR_BTF_ID ? ktypes_btf(v, (enum ktypes)r->types) : NULL;
	const char *sep = "";

	if (r->base == KR_SCALAR && r->precise)
		buf_putc(out, 'P');
	if (r->base == KR_SCALAR && knum_is_const(&r->n)) {
		print_snum((int64_t)r->n.t.value, out);
		return;
	}
	kreg_type_print(r, out);
	if (r->base == KR_STACK && r->frame != frameno)
		buf_printf(out, "[%u]", r->frame);
	if (r->base == KR_STACK && knum_is_const(&r->n)) {
		print_snum((int64_t)r->n.t.value + r->off, out);
		return;
	}
	if (types && r->type_id < types->n_types)
		buf_puts(out, btf_get(types, r->type_id)->name);
	buf_putc(out, '(');
	print_ids(r, out, &sep);
	if (r->base != KR_SCALAR)
		print_pointer(v, r, out, &sep);
	if (!knum_is_const(&r->n)) {
		if (!knum_is_unknown(&r->n))
			buf_puts(out, sep);
		knum_print(&r->n, v->k->version < KERNEL_V(6, 7), out);
	} else if (r->n.t.value) {
		attribute(out, &sep, "imm");
		print_snum((int64_t)r->n.t.value, out);
	}
	buf_putc(out, ')');
}

static void print_slot(const struct kverifier *v, const struct kframe *f, uint32_t i, struct buf *out)
{
	static const char kind[] = { '?', 'r', 'm', '0', 'd', 'i', 'f', 'p' };
	const struct kslot *s = &f->slots[i];
	char bytes[KSLOT_BYTES + 1] = "";
	bool any = false;

	for (int b = 0; b < KSLOT_BYTES; b++) {
		any |= s->byte[b] != KBYTE_INVALID && s->byte[b] != KBYTE_POISON;
		bytes[b] = kind[s->byte[b]];
		if (kslot_is_spill(s) && s->byte[b] == KBYTE_SPILL) {
			bytes[b] = '\0';
			break;
		}
	}
	if (!any)
		return;
	buf_printf(out, " fp-%u=%s", (i + 1) * KSLOT_BYTES, bytes);
	if (kslot_is_spill(s))
		kreg_print(v, &s->reg, f->frameno, out);
}

void kverify_state_print(const struct kverifier *v, const struct kverify_state *s, struct buf *out)
{
	const struct kframe *f = kframe_cur(s);

	if (f->frameno)
		buf_printf(out, " frame%u:", f->frameno);
	for (int r = 0; r < ISA_N_REGS; r++) {
		if (f->r[r].base == KR_NONE)
			continue;
		buf_printf(out, " R%d=", r);
		kreg_print(v, &f->r[r], f->frameno, out);
	}
	for (uint32_t i = 0; i < f->n_slots; i++)
		print_slot(v, f, i, out);
	for (uint32_t i = 0; i < s->n_refs; i++)
		buf_printf(out, "%s%u", i ? "," : " refs=", s->refs[i].id);
	if (f->in_callback)
		buf_puts(out, " cb");
	if (f->in_async_callback)
		buf_puts(out, " async_cb");
}
