/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include "concrete.h"

static struct machine_frame *top(struct machine *m)
{
	return &m->frame[m->n_frames - 1];
}

static struct val number(uint64_t n)
{
	return (struct val){ .kind = VAL_NUMBER, .n = n };
}

static void fault(struct machine *m, const char *what)
{
	if (!m->fault)
		m->fault = what;
}

static struct val get(struct machine *m, unsigned r)
{
	if (top(m)->r[r].kind == VAL_NONE)
		fault(m, "a register that was never written");
	return top(m)->r[r];
}

static uint64_t get_number(struct machine *m, unsigned r)
{
	struct val v = get(m, r);

	if (v.kind != VAL_NUMBER)
		fault(m, "a number was needed");
	return v.n;
}

void machine_init(struct machine *m, const struct prog *p, const struct abi_profile *profile, const struct abi_ctx *ctx,
		  uint64_t seed)
{
	*m = (struct machine){ .p = p, .profile = profile, .ctx = ctx, .rng = seed, .n_frames = 1 };
	for (size_t i = 0; i < sizeof m->memory; i += 8) {
		uint64_t n = rng_number(&m->rng);

		memcpy(m->memory + i, &n, sizeof n);
	}
	for (size_t i = 0; i < sizeof m->value; i++)
		((uint8_t *)m->value)[i] = (uint8_t)rng_number(&m->rng);
	m->frame[0].r[1] = (struct val){ .kind = VAL_CTX };
	m->frame[0].r[ISA_FP] = (struct val){ .kind = VAL_STACK };
}

/* n_bytes of plain memory at a pointer, or NULL. Not for the stack. */
static uint8_t *object_at(struct machine *m, struct val at, uint64_t n_bytes, bool write)
{
	uint64_t size = at.kind == VAL_CTX ? m->ctx->size : 0;
	uint8_t *base = m->memory;

	if (at.kind == VAL_CTX && write && !m->ctx->writable)
		fault(m, "the context was written");
	if (at.kind == VAL_VALUE) {
		size = m->p->maps[at.map].value_size;
		base = m->value[at.map][at.object];
		if (write && m->p->maps[at.map].flags & PROG_MAP_RDONLY)
			fault(m, "a read-only map was written");
	}
	if (at.kind != VAL_CTX && at.kind != VAL_VALUE)
		fault(m, "not a pointer to memory");
	if (at.n > size || n_bytes > size - at.n)
		fault(m, "outside of the object");
	return m->fault ? NULL : base + at.n;
}

/* The index of the lowest byte in the frame, or -1. */
static int64_t stack_index(struct machine *m, struct val at, uint64_t n_bytes)
{
	int64_t i = (int64_t)at.n + MACHINE_STACK;

	if (i < 0 || i > MACHINE_STACK || n_bytes > (uint64_t)(MACHINE_STACK - i) || at.frame >= m->n_frames) {
		fault(m, "outside of the stack");
		return -1;
	}
	return i;
}

static void read_bytes(struct machine *m, struct val at, uint8_t *out, uint64_t n_bytes)
{
	const struct machine_frame *f = &m->frame[at.frame];
	int64_t i;
	uint8_t *p;

	memset(out, 0, n_bytes);
	if (at.kind != VAL_STACK) {
		p = object_at(m, at, n_bytes, false);
		if (p)
			memcpy(out, p, n_bytes);
		return;
	}
	i = stack_index(m, at, n_bytes);
	for (uint64_t k = 0; i >= 0 && k < n_bytes; k++) {
		if (f->state[(uint64_t)i + k] != MEM_DATA)
			fault(m, "stack that holds no data");
		out[k] = f->byte[(uint64_t)i + k];
	}
}

/* A pointer that loses a byte is gone. */
static void break_saved(struct machine_frame *f, uint64_t i)
{
	if (f->state[i] == MEM_SAVED)
		memset(&f->state[i / 8 * 8], MEM_NONE, 8);
}

static void write_bytes(struct machine *m, struct val at, const uint8_t *in, uint64_t n_bytes)
{
	struct machine_frame *f = &m->frame[at.frame];
	int64_t i;
	uint8_t *p;

	if (at.kind != VAL_STACK) {
		p = object_at(m, at, n_bytes, true);
		if (p)
			memcpy(p, in, n_bytes);
		return;
	}
	i = stack_index(m, at, n_bytes);
	for (uint64_t k = 0; i >= 0 && k < n_bytes; k++) {
		break_saved(f, (uint64_t)i + k);
		f->state[(uint64_t)i + k] = MEM_DATA;
		f->byte[(uint64_t)i + k] = in[k];
	}
}

static uint64_t read_number(struct machine *m, struct val at, unsigned width)
{
	uint64_t n = 0;

	read_bytes(m, at, (uint8_t *)&n, width / 8);
	return n;
}

static struct val moved(struct val v, int64_t by)
{
	v.n += (uint64_t)by;
	return v;
}

/* The field of the context that a load names exactly. */
static struct val load_field(struct machine *m, uint64_t off, unsigned width)
{
	for (uint32_t i = 0; i < m->ctx->n_fields; i++) {
		const struct abi_ctx_field *f = &m->ctx->fields[i];

		if (f->off == off && f->bytes * 8u == width)
			return f->kind == ABI_CTX_HANDLE
				       ? (struct val){ .kind = VAL_HANDLE, .n = 1 + i }
				       : number(read_number(m, (struct val){ .kind = VAL_CTX, .n = off }, width));
	}
	fault(m, "not a field of the context");
	return number(0);
}

static struct val load(struct machine *m, struct val at, unsigned width)
{
	const struct machine_frame *f = &m->frame[at.frame];
	int64_t i;

	if (at.kind == VAL_CTX && !m->ctx->plain_memory)
		return load_field(m, at.n, width);
	if (at.kind == VAL_STACK) {
		i = stack_index(m, at, width / 8);
		if (i >= 0 && width == 64 && !(i % 8) && f->state[i] == MEM_SAVED)
			return f->saved[i / 8];
	}
	return number(read_number(m, at, width));
}

static void store(struct machine *m, struct val at, unsigned width, struct val v)
{
	struct machine_frame *f = &m->frame[at.frame];
	int64_t i;

	if (v.kind == VAL_NUMBER) {
		if (at.kind == VAL_CTX && !m->ctx->plain_memory)
			fault(m, "a context of fields was written");
		write_bytes(m, at, (const uint8_t *)&v.n, width / 8);
		return;
	}
	if (at.kind != VAL_STACK || width != 64) {
		fault(m, "a pointer was stored where it may not be");
		return;
	}
	i = stack_index(m, at, 8);
	if (i < 0)
		return;
	if (i % 8 || (v.kind == VAL_STACK && v.frame > at.frame)) {
		fault(m, "a pointer was stored where it may not be");
		return;
	}
	memset(&f->state[i], MEM_SAVED, 8);
	f->saved[i / 8] = v;
}

static void alu(struct machine *m, const struct isa_insn *in)
{
	struct val *dst = &top(m)->r[in->dst];
	struct val b = number((uint64_t)in->imm);

	if (in->form == ISA_FORM_RR)
		b = get(m, in->src);
	if (in->sem == ISA_MOV && in->width == 64) {
		*dst = b;
		return;
	}
	if (in->sem == ISA_MOVSX) {
		*dst = number(cut((uint64_t)as_signed(get_number(m, in->src), in->aux), in->width));
		return;
	}
	if (in->sem != ISA_MOV)
		(void)get(m, in->dst);
	if (in->width == 64 && in->sem == ISA_ADD && b.kind == VAL_NUMBER && dst->kind != VAL_NUMBER &&
	    dst->kind != VAL_HANDLE && dst->kind != VAL_MAP) {
		*dst = moved(*dst, (int64_t)b.n);
	} else if (in->width == 64 && in->sem == ISA_ADD && dst->kind == VAL_NUMBER && b.kind != VAL_NUMBER &&
		   b.kind != VAL_HANDLE && b.kind != VAL_MAP) {
		*dst = moved(b, (int64_t)dst->n);
	} else if (in->width == 64 && in->sem == ISA_SUB && dst->kind != VAL_NUMBER && b.kind == VAL_NUMBER &&
		   dst->kind != VAL_HANDLE && dst->kind != VAL_MAP) {
		*dst = moved(*dst, -(int64_t)b.n);
	} else if (in->width == 64 && in->sem == ISA_SUB && dst->kind == b.kind && dst->kind != VAL_NUMBER &&
		   dst->kind != VAL_HANDLE && dst->kind != VAL_MAP && dst->frame == b.frame && dst->map == b.map &&
		   dst->object == b.object) {
		*dst = number(dst->n - b.n);
	} else {
		if (b.kind != VAL_NUMBER || (in->sem != ISA_MOV && dst->kind != VAL_NUMBER))
			fault(m, "arithmetic on something other than a number");
		*dst = number(concrete_alu(in->sem, in->width, dst->n, b.n));
	}
}

static void byte_order(struct machine *m, const struct isa_insn *in)
{
	uint64_t n = get_number(m, in->dst);

	n = in->sem == ISA_END_LE ? cut(n, in->width) : __builtin_bswap64(n) >> (64 - in->width);
	top(m)->r[in->dst] = number(n);
}

static void jump(struct machine *m, const struct isa_insn *in)
{
	struct val a = get(m, in->dst), b = number((uint64_t)in->imm);
	enum isa_sem op = in->sem;
	bool taken;

	if (in->form == ISA_FORM_JRR)
		b = get(m, in->src);
	if (a.kind == VAL_NUMBER && b.kind == VAL_NUMBER) {
		taken = concrete_compare(op, in->width, a.n, b.n);
	} else if ((op == ISA_JEQ || op == ISA_JNE) && in->width == 64 &&
		   ((a.kind == VAL_NUMBER && !a.n) || (b.kind == VAL_NUMBER && !b.n))) {
		taken = op == ISA_JNE;
	} else {
		if (a.kind != b.kind || a.frame != b.frame || a.map != b.map || a.object != b.object ||
		    in->width != 64 || a.kind == VAL_HANDLE || a.kind == VAL_MAP || op == ISA_JSET ||
		    (op >= ISA_JSGT && op <= ISA_JSLE))
			fault(m, "a comparison of unlike things");
		taken = concrete_compare(op, 64, a.n + (UINT64_C(1) << 63), b.n + (UINT64_C(1) << 63));
	}
	if (taken)
		m->insn += (uint32_t)in->off;
}

static void atomic_op(struct machine *m, const struct isa_insn *in)
{
	struct val at = moved(get(m, in->dst), in->off);
	uint64_t operand = get_number(m, in->src), was = read_number(m, at, in->width), now;

	switch ((enum isa_atomic)in->aux) {
	case ISA_ATOMIC_ADD:
	case ISA_ATOMIC_ADD_FETCH:
		now = was + operand;
		break;
	case ISA_ATOMIC_OR:
	case ISA_ATOMIC_OR_FETCH:
		now = was | operand;
		break;
	case ISA_ATOMIC_AND:
	case ISA_ATOMIC_AND_FETCH:
		now = was & operand;
		break;
	case ISA_ATOMIC_XOR:
	case ISA_ATOMIC_XOR_FETCH:
		now = was ^ operand;
		break;
	case ISA_ATOMIC_XCHG:
		now = operand;
		break;
	default:
		now = cut(get_number(m, 0), in->width) == was ? operand : was;
		break;
	}
	write_bytes(m, at, (const uint8_t *)&now, in->width / 8);
	if (isa_atomic_fetches(in->aux))
		top(m)->r[in->aux == ISA_ATOMIC_CMPXCHG ? 0 : in->src] = number(was);
}

static void need_bytes(struct machine *m, struct val at, uint64_t n_bytes, bool fill)
{
	uint8_t bytes[1024];

	if (n_bytes > sizeof bytes) {
		fault(m, "a size without bound");
		return;
	}
	if (!fill) {
		read_bytes(m, at, bytes, n_bytes);
		return;
	}
	for (uint64_t i = 0; i < n_bytes; i++)
		bytes[i] = (uint8_t)rng_next(&m->rng);
	write_bytes(m, at, bytes, n_bytes);
}

static void need_kind(struct machine *m, struct val v, enum val_kind kind)
{
	if (v.kind != kind)
		fault(m, "an argument of another type");
}

static void check_arg(struct machine *m, const struct abi_helper *h, unsigned i, struct val *map)
{
	struct val v = get(m, i + 1);

	switch ((enum abi_arg)h->args[i]) {
	case ABI_ARG_NONE:
		return;
	case ABI_ARG_SCALAR:
	case ABI_ARG_SIZE:
	case ABI_ARG_SIZE_OR_ZERO:
		need_kind(m, v, VAL_NUMBER);
		if (h->args[i] == ABI_ARG_SIZE && !v.n)
			fault(m, "a size of zero");
		return;
	case ABI_ARG_CONST_MAP:
		need_kind(m, v, VAL_MAP);
		*map = v;
		return;
	case ABI_ARG_MAP_KEY:
		need_bytes(m, v, m->p->maps[map->map].key_size, false);
		return;
	case ABI_ARG_MAP_VALUE:
		need_bytes(m, v, m->p->maps[map->map].value_size, false);
		return;
	case ABI_ARG_MAP_VALUE_WRITE:
		need_bytes(m, v, m->p->maps[map->map].value_size, true);
		return;
	case ABI_ARG_MEM:
	case ABI_ARG_MEM_WRITE:
		if (get_number(m, i + 2))
			need_bytes(m, v, get_number(m, i + 2), h->args[i] == ABI_ARG_MEM_WRITE);
		return;
	case ABI_ARG_CTX:
		need_kind(m, v, VAL_CTX);
		if (v.n)
			fault(m, "a moved context pointer");
		return;
	case ABI_ARG_HANDLE:
		need_kind(m, v, VAL_HANDLE);
		return;
	case ABI_ARG_ANY:
	case ABI_ARG_FUNC:
	case ABI_ARG_RECORD:
	case ABI_ARG_TIMER:
		fault(m, "an argument that this machine does not know");
	}
}

static struct val lookup(struct machine *m, struct val map)
{
	const struct prog_map *def = &m->p->maps[map.map];
	uint32_t n = def->max_entries < MACHINE_OBJECTS ? def->max_entries : MACHINE_OBJECTS;
	uint64_t key = read_number(m, top(m)->r[2], def->key_size * 8);
	bool there = def->kind == PROG_MAP_ARRAY ? key < n : rng_below(&m->rng, 3) != 0;

	return there && n ? (struct val){ .kind = VAL_VALUE, .map = map.map, .object = (uint32_t)(key % n) }
			  : number(0);
}

static void call_helper(struct machine *m, uint32_t id)
{
	const struct abi_helper *h = abi_helper(m->profile, id);
	struct val map = { 0 }, r0 = number(0);

	if (!h) {
		fault(m, "no such helper");
		return;
	}
	for (unsigned i = 0; i < ABI_MAX_ARGS && h->args[i] != ABI_ARG_NONE; i++)
		check_arg(m, h, i, &map);
	if (m->fault)
		return;
	if (h->ret == ABI_RET_MAP_VALUE_OR_NULL)
		r0 = lookup(m, map);
	else if (h->ret == ABI_RET_HANDLE_OR_NULL)
		r0 = rng_below(&m->rng, 2) ? (struct val){ .kind = VAL_HANDLE, .n = 9 } : number(0);
	else
		r0 = number((uint64_t)h->ret_min +
			    rng_next(&m->rng) % ((uint64_t)h->ret_max - (uint64_t)h->ret_min + 1));
	for (unsigned r = 1; r <= 5; r++)
		top(m)->r[r] = (struct val){ 0 };
	top(m)->r[0] = r0;
}

static void call_local(struct machine *m, uint32_t to)
{
	struct machine_frame *caller = top(m), *callee = caller + 1;

	if (m->n_frames == MACHINE_FRAMES) {
		fault(m, "too many frames");
		return;
	}
	*callee = (struct machine_frame){ .call_site = m->insn };
	for (unsigned r = 1; r <= 5; r++)
		callee->r[r] = caller->r[r];
	callee->r[ISA_FP] = (struct val){ .kind = VAL_STACK, .frame = (uint8_t)m->n_frames };
	m->n_frames++;
	m->insn = to - 1;
}

static void leave(struct machine *m)
{
	struct val r0 = top(m)->r[0];

	if (m->n_frames == 1) {
		(void)get_number(m, 0);
		m->ended = true;
		return;
	}
	m->insn = top(m)->call_site;
	m->n_frames--;
	if (r0.kind == VAL_STACK && r0.frame >= m->n_frames)
		fault(m, "a pointer to a dead stack");
	for (unsigned r = 1; r <= 5; r++)
		top(m)->r[r] = (struct val){ 0 };
	top(m)->r[0] = r0;
}

static void load_imm64(struct machine *m, const struct isa_insn *in)
{
	struct val *r = &top(m)->r[in->dst];

	*r = number((uint64_t)in->imm);
	if (in->aux == ISA_IMM64_MAP_FD)
		*r = (struct val){ .kind = VAL_MAP, .map = (uint32_t)in->imm };
	if (in->aux == ISA_IMM64_MAP_VALUE)
		*r = (struct val){ .kind = VAL_VALUE, .map = (uint32_t)in->imm, .n = (uint64_t)in->off };
	m->insn++;
}

/* Leaves m->insn at the slot before the next. */
static void execute(struct machine *m, const struct isa_insn *in)
{
	struct val v;

	switch ((enum isa_sem)in->sem) {
	case ISA_LDX:
	case ISA_LOAD_ACQ:
		top(m)->r[in->dst] = load(m, moved(get(m, in->src), in->off), in->width);
		return;
	case ISA_LDXS:
		v = load(m, moved(get(m, in->src), in->off), in->width);
		if (v.kind != VAL_NUMBER)
			fault(m, "a signed load of a pointer");
		top(m)->r[in->dst] = number((uint64_t)as_signed(v.n, in->width));
		return;
	case ISA_ST:
		store(m, moved(get(m, in->dst), in->off), in->width, number((uint64_t)in->imm));
		return;
	case ISA_STX:
	case ISA_STORE_REL:
		store(m, moved(get(m, in->dst), in->off), in->width, get(m, in->src));
		return;
	case ISA_ATOMIC:
		atomic_op(m, in);
		return;
	case ISA_IMM64:
		load_imm64(m, in);
		return;
	case ISA_CALL:
		if (in->aux == ISA_CALL_LOCAL)
			call_local(m, (uint32_t)((int64_t)m->insn + 1 + in->imm));
		else
			call_helper(m, (uint32_t)in->imm);
		return;
	case ISA_EXIT:
		leave(m);
		return;
	case ISA_JA:
		m->insn += (uint32_t)in->off;
		return;
	case ISA_END_LE:
	case ISA_END_BE:
	case ISA_BSWAP:
		byte_order(m, in);
		return;
	case ISA_NEG:
		top(m)->r[in->dst] = number(concrete_alu(ISA_NEG, in->width, get_number(m, in->dst), 0));
		return;
	default:
		break;
	}
	if (isa_is_cond_jump(in))
		jump(m, in);
	else if (in->sem >= ISA_ADD && in->sem <= ISA_MOVSX)
		alu(m, in);
	else
		fault(m, "an instruction that does not exist");
}

void machine_step(struct machine *m)
{
	if (m->insn >= m->p->n_insns) {
		fault(m, "outside of the program");
		return;
	}
	execute(m, &m->p->insns[m->insn]);
	m->insn++;
}
