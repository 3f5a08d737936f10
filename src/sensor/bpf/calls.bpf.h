/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* calls: those that are told by their numbers: ptrace, credentials, namespaces, modules, bpf, userfaultfd. */
#ifndef SALLYPORT_SENSOR_BPF_CALLS_H
#define SALLYPORT_SENSOR_BPF_CALLS_H

enum { ID_UNCHANGED = 0xffffffff, ID16_LAST_NR = 199 };

/* Header, up to three numbers, a text and a descriptor's path. */
struct numbers {
	u32 kind, n_fields;
	u64 field[3];
	u64 text; /* in the caller's memory, or 0 */
	s64 fd;   /* whose path is told; negative: none */
};

static __always_inline int numbers_send(const struct call *c, const struct numbers *n)
{
	struct wire_seg *segs;
	struct fd_table table;
	struct scratch *s;
	struct file *f = 0;
	u32 slot, at = (u32)sizeof(struct wire_hdr) + (n->n_fields & 3) * (u32)sizeof(u64);
	u64 *field;

	if (!filter_wants(n->kind, c->ret))
		return 0;
	s = record_begin(n->kind, WIRE_RING_RESERVED, &slot);
	if (!s)
		return 0;
	call_header(s, slot, n->kind, n->kind == WIRE_CREDS ? at : at + 2 * (u32)sizeof *segs, c);
	field = (void *)(&s->rec.hdr + 1);
	segs = (void *)(s->rec.bytes + at);
	field[0] = n->field[0];
	field[1] = n->field[1];
	field[2] = n->field[2];
	if (n->kind == WIRE_CREDS)
		return record_send(slot, n->kind, WIRE_RING_RESERVED);
	seg_set(&segs[0], n->text ? user_string_append(n->text, slot) : 0);
	if (n->fd >= 0) {
		fd_table_of(c->task, &table);
		f = fd_file(&table, (u32)n->fd);
	}
	seg_set(&segs[1], f ? path_append_file(f, slot) : seg_pack(0, WIRE_SEG_CUT));
	return record_send(slot, n->kind, WIRE_RING_RESERVED);
}

static __attribute__((noinline)) int on_ptrace(const struct call *c)
{
	struct numbers n = { .kind = WIRE_PTRACE,
			     .n_fields = FIELDS_OF(process_ptrace),
			     .field = { c->arg[0], (u64)(int)c->arg[1] },
			     .fd = -1 };

	return numbers_send(c, &n);
}

static __attribute__((noinline)) int on_namespace(const struct call *c)
{
	struct numbers n = { .kind = WIRE_NAMESPACE,
			     .n_fields = FIELDS_OF(process_namespace),
			     .field = { (u32)c->arg[0], (u64)-1 },
			     .fd = -1 };

	if (c->id == CALL_SETNS) {
		n.field[0] = (u32)c->arg[1];
		n.field[1] = (u64)(int)c->arg[0];
		n.fd = (int)c->arg[0];
	}
	return numbers_send(c, &n);
}

static __attribute__((noinline)) int on_module(const struct call *c)
{
	struct numbers n = { .kind = WIRE_MODULE, .n_fields = FIELDS_OF(kernel_module), .fd = -1 };

	if (c->id == CALL_FINIT_MODULE) {
		n.field[0] = (u64)(int)c->arg[0];
		n.field[2] = (u32)c->arg[2];
		n.text = c->arg[1];
		n.fd = (int)c->arg[0];
	} else {
		n.field[0] = (u64)-1;
		n.field[1] = c->arg[1];
		n.text = c->arg[2];
	}
	return numbers_send(c, &n);
}

static __attribute__((noinline)) int on_bpf(const struct call *c)
{
	struct numbers n = {
		.kind = WIRE_BPF, .n_fields = FIELDS_OF(kernel_bpf), .field = { (u32)c->arg[0] }, .fd = -1
	};

	return numbers_send(c, &n);
}

static __attribute__((noinline)) int on_userfaultfd(const struct call *c)
{
	struct numbers n = { .kind = WIRE_USERFAULTFD,
			     .n_fields = FIELDS_OF(kernel_userfaultfd),
			     .field = { (u64)c->ret, (u32)c->arg[0] },
			     .fd = -1 };

	return numbers_send(c, &n);
}

/* An id as the caller gave it: the first 32-bit calls have 16 bits. */
static __always_inline u64 id_asked(const struct call *c, u64 id)
{
	if (c->compat && c->used_nr <= ID16_LAST_NR && c->id != CALL_CAPSET)
		return (u16)id == 0xffff ? ID_UNCHANGED : (u16)id;
	return (u32)id;
}

static __attribute__((noinline)) int on_creds(const struct call *c)
{
	struct numbers n = { .kind = WIRE_CREDS,
			     .n_fields = FIELDS_OF(process_creds),
			     .field = { ID_UNCHANGED, ID_UNCHANGED } };

	switch (c->id) {
	case CALL_SETUID:
		n.field[0] = id_asked(c, c->arg[0]);
		break;
	case CALL_SETREUID:
	case CALL_SETRESUID:
		n.field[0] = id_asked(c, c->arg[1]);
		break;
	case CALL_SETGID:
		n.field[1] = id_asked(c, c->arg[0]);
		break;
	case CALL_SETREGID:
	case CALL_SETRESGID:
		n.field[1] = id_asked(c, c->arg[1]);
		break;
	}
	return numbers_send(c, &n);
}

#endif
