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
	for (size_t i = 0; i < sizeof m->value; i += 8) {
		uint64_t n = rng_number(&m->rng);

		memcpy((uint8_t *)m->value + i, &n, sizeof n);
	}
	m->timers = rng_below(&m->rng, 3);
	m->missing = (uint32_t)rng_next(&m->rng);
	m->frame[0].budget = rng_below(&m->rng, 6);
	m->frame[0].r[1] = (struct val){ .kind = VAL_CTX };
	m->frame[0].r[ISA_FP] = (struct val){ .kind = VAL_STACK };
}

static const struct prog_map *map_of(const struct machine *m, struct val v)
{
	return v.inner ? m->p->maps[v.map].inner : &m->p->maps[v.map];
}

/* n_bytes of a record or key. */
static uint8_t *other_object(struct machine *m, struct val at, uint64_t *size, bool write)
{
	if (at.kind == VAL_KEY) {
		*size = map_of(m, at)->key_size;
		if (write)
			fault(m, "a key was written");
		return m->key;
	}
	*size = m->record[at.object].bytes;
	if (!*size)
		fault(m, "a record that was given back");
	return m->record[at.object].data;
}

/* n_bytes of plain memory at a pointer, or NULL. Not for the stack. */
static uint8_t *object_at(struct machine *m, struct val at, uint64_t n_bytes, bool write)
{
	uint64_t size = at.kind == VAL_CTX ? m->ctx->size : 0;
	uint8_t *base = m->memory;

	if (at.kind == VAL_CTX && write && !m->ctx->writable)
		fault(m, "the context was written");
	if (at.kind == VAL_VALUE) {
		size = map_of(m, at)->value_size;
		base = m->value[at.map][at.object];
		if (write && map_of(m, at)->flags & PROG_MAP_RDONLY)
			fault(m, "a read-only map was written");
	}
	if (at.kind == VAL_KEY || at.kind == VAL_RECORD)
		base = other_object(m, at, &size, write);
	else if (at.kind != VAL_CTX && at.kind != VAL_VALUE)
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
				       ? (struct val){ .kind = VAL_HANDLE, .n = m->missing >> i & 1 ? 0 : 1 + i }
				       : number(read_number(m, (struct val){ .kind = VAL_CTX, .n = off }, width));
	}
	fault(m, "not a field of the context");
	return number(0);
}

/* Of the stack, and of a context that is plain memory. */
static void need_aligned(struct machine *m, struct val at, unsigned width)
{
	if ((at.kind == VAL_STACK || at.kind == VAL_CTX) && at.n % (width / 8))
		fault(m, "a misaligned access");
}

static struct val load(struct machine *m, struct val at, unsigned width)
{
	const struct machine_frame *f = &m->frame[at.frame];
	int64_t i;

	need_aligned(m, at, width);
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

	need_aligned(m, at, width);
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

/* Pointers that arithmetic can move. */
static bool moves(struct val v)
{
	return v.kind != VAL_NUMBER && v.kind != VAL_HANDLE && v.kind != VAL_MAP && v.kind != VAL_FUNC;
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
	if (in->width == 64 && in->sem == ISA_ADD && b.kind == VAL_NUMBER && moves(*dst)) {
		*dst = moved(*dst, (int64_t)b.n);
	} else if (in->width == 64 && in->sem == ISA_ADD && dst->kind == VAL_NUMBER && moves(b)) {
		*dst = moved(b, (int64_t)dst->n);
	} else if (in->width == 64 && in->sem == ISA_SUB && b.kind == VAL_NUMBER && moves(*dst)) {
		*dst = moved(*dst, -(int64_t)b.n);
	} else if (in->width == 64 && in->sem == ISA_SUB && dst->kind == b.kind && moves(b) && dst->frame == b.frame &&
		   dst->map == b.map && dst->object == b.object) {
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

static bool is_zero(struct val v)
{
	return v.kind == VAL_NUMBER && !v.n;
}

/* A field that the event does not have reads as zero, and its handle is good for every helper. */
static bool is_missing(struct val v)
{
	return v.kind == VAL_HANDLE && !v.n;
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
	} else if ((op == ISA_JEQ || op == ISA_JNE) && in->width == 64 && (is_zero(a) || is_zero(b))) {
		taken = (op == ISA_JEQ) == (is_missing(a) || is_missing(b));
	} else {
		if (a.kind != b.kind || a.frame != b.frame || a.map != b.map || a.object != b.object ||
		    in->width != 64 || !moves(a) || op == ISA_JSET || (op >= ISA_JSGT && op <= ISA_JSLE))
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

	if (at.n % (in->width / 8))
		fault(m, "a misaligned access");
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

/* Frames when the innermost callback began; 0: none is at work. */
static uint32_t callback_frame(const struct machine *m)
{
	uint32_t f = m->n_frames;

	while (f && !m->frame[f - 1].callback)
		f--;
	return f;
}

static void give_back(struct machine *m, struct val v)
{
	struct machine_record *r = &m->record[v.object];

	if (m->fault)
		return;
	if (!r->bytes || v.n)
		fault(m, "not the start of a record that is held");
	if (r->frame != callback_frame(m))
		fault(m, "a callback gave back what it did not take");
	r->bytes = 0;
	m->n_held--;
}

static void check_held(struct machine *m, uint32_t frame)
{
	for (uint32_t i = 0; i < m->n_records; i++)
		if (m->record[i].bytes && m->record[i].frame >= frame)
			fault(m, "a record is still held");
}

/* What cannot change, with a zero at its end. */
static void need_text(struct machine *m, struct val v)
{
	const struct prog_map *def;

	need_kind(m, v, VAL_VALUE);
	(void)object_at(m, v, 1, false);
	if (m->fault)
		return;
	def = map_of(m, v);
	if (!(def->flags & PROG_MAP_RDONLY))
		fault(m, "text that may change");
	for (uint64_t at = v.n; at < def->value_size; at++)
		if (at >= def->init.len || !def->init.p[at])
			return;
	fault(m, "text without an end");
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
		need_bytes(m, v, map_of(m, *map)->key_size, false);
		return;
	case ABI_ARG_MAP_VALUE:
		need_bytes(m, v, map_of(m, *map)->value_size, false);
		return;
	case ABI_ARG_MAP_VALUE_WRITE:
		need_bytes(m, v, map_of(m, *map)->value_size, true);
		return;
	case ABI_ARG_LONG_WRITE:
		need_bytes(m, v, 8, true);
		return;
	case ABI_ARG_STR:
		need_text(m, v);
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
		return;
	case ABI_ARG_FUNC:
		need_kind(m, v, VAL_FUNC);
		return;
	case ABI_ARG_RECORD:
		need_kind(m, v, VAL_RECORD);
		give_back(m, v);
		return;
	case ABI_ARG_TIMER:
		need_kind(m, v, VAL_VALUE);
		if (v.n % 8)
			fault(m, "a timer at an odd place");
		(void)object_at(m, v, 16, true);
		return;
	default:
		fault(m, "an argument that this machine does not know");
		return;
	}
}

static struct val lookup(struct machine *m, struct val map)
{
	const struct prog_map *def = map_of(m, map);
	uint32_t n = def->max_entries < MACHINE_OBJECTS ? def->max_entries : MACHINE_OBJECTS;
	uint64_t key = read_number(m, top(m)->r[2], def->key_size * 8);
	bool there = def->kind == PROG_MAP_ARRAY ? key < n : rng_below(&m->rng, 3) != 0;

	if (there && def->kind == PROG_MAP_ARRAY_OF_MAPS)
		return (struct val){ .kind = VAL_MAP, .map = map.map, .inner = true };
	return there && n ? (struct val){ .kind = VAL_VALUE,
					  .inner = map.inner,
					  .map = map.map,
					  .object = (uint32_t)(key % n) }
			  : number(0);
}

static struct val reserve(struct machine *m)
{
	struct machine_record *r = &m->record[m->n_records];
	uint64_t bytes = get_number(m, 2);

	if (m->n_records == MACHINE_RECORDS || bytes > sizeof r->data || rng_below(&m->rng, 4) == 0)
		return number(0);
	r->bytes = (uint32_t)bytes;
	r->frame = callback_frame(m);
	m->n_held++;
	return (struct val){ .kind = VAL_RECORD, .object = m->n_records++ };
}

/* A frame on top, for the function at slot `to`. */
static struct machine_frame *enter(struct machine *m, uint32_t to)
{
	struct machine_frame *f = top(m) + 1;

	if (m->n_frames == MACHINE_FRAMES) {
		fault(m, "too many frames");
		return NULL;
	}
	*f = (struct machine_frame){ .call_site = m->insn, .budget = rng_below(&m->rng, 6) };
	f->r[ISA_FP] = (struct val){ .kind = VAL_STACK, .frame = (uint8_t)m->n_frames };
	m->n_frames++;
	m->insn = to - 1;
	return f;
}

static void call_local(struct machine *m, uint32_t to)
{
	struct machine_frame *caller = top(m), *callee = enter(m, to);

	for (unsigned r = 1; callee && r <= 5; r++)
		callee->r[r] = caller->r[r];
}

static void give_element(struct machine *m, struct machine_frame *f, struct val map)
{
	for (size_t i = 0; i < sizeof m->key; i++)
		m->key[i] = (uint8_t)rng_number(&m->rng);
	f->r[1] = (struct val){ .kind = VAL_MAP, .map = map.map, .inner = map.inner };
	f->r[2] = (struct val){ .kind = VAL_KEY, .map = map.map, .inner = map.inner };
	f->r[3] = (struct val){ .kind = VAL_VALUE,
				.map = map.map,
				.inner = map.inner,
				.object = rng_below(&m->rng, map_of(m, map)->max_entries) };
}

static void finish_call(struct machine *m, struct val r0)
{
	for (unsigned r = 1; r <= 5; r++)
		top(m)->r[r] = (struct val){ 0 };
	top(m)->r[0] = r0;
}

/* A helper that calls back is run once for each round, and once more to return. */
static void call_back(struct machine *m, const struct abi_helper *h, struct val r0)
{
	struct machine_frame *f = top(m), *callee;

	if (!f->in_work)
		f->rounds = rng_below(&m->rng, 6);
	f->in_work = f->rounds-- > 0;
	if (!f->in_work) {
		finish_call(m, r0);
		return;
	}
	callee = enter(m, f->r[2].map);
	if (!callee)
		return;
	callee->callback = h->id;
	if (h->id == LINUX_LOOP)
		callee->r[1] = number((uint32_t)rng_number(&m->rng));
	else if (h->id == LINUX_DRAIN)
		callee->r[1] = (struct val){ .kind = VAL_HANDLE, .n = 8 };
	else
		give_element(m, callee, f->r[1]);
	callee->r[h->id == LINUX_FOR_EACH ? 4 : 2] = f->r[3];
}

static void return_from(struct machine *m, struct val r0);

static void tail_call(struct machine *m)
{
	check_held(m, 0);
	if (callback_frame(m))
		fault(m, "a tail call in a callback");
	if (rng_below(&m->rng, 2))
		finish_call(m, number(rng_number(&m->rng)));
	else if (m->n_frames > 1)
		return_from(m, number(rng_number(&m->rng)));
	else
		m->ended = true;
}

static void set_timer(struct machine *m)
{
	m->timer_func = top(m)->r[2].map;
	m->timer_map = top(m)->r[1].map;
}

static void call_helper(struct machine *m, uint32_t id)
{
	const struct abi_helper *h = abi_helper(m->profile, id);
	struct val map = { 0 }, r0;

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
	else if (h->ret == ABI_RET_RECORD_OR_NULL)
		r0 = reserve(m);
	else
		r0 = number((uint64_t)h->ret_min +
			    rng_next(&m->rng) % ((uint64_t)h->ret_max - (uint64_t)h->ret_min + 1));
	if (id == LINUX_LOOP || id == LINUX_FOR_EACH || id == LINUX_DRAIN) {
		call_back(m, h, r0);
		return;
	}
	if (id == LINUX_TAIL_CALL) {
		tail_call(m);
		return;
	}
	if (id == LINUX_TIMER_SET_CALLBACK)
		set_timer(m);
	finish_call(m, r0);
}

static void return_from(struct machine *m, struct val r0)
{
	m->insn = top(m)->call_site;
	m->n_frames--;
	if (r0.kind == VAL_STACK && r0.frame >= m->n_frames)
		fault(m, "a pointer to a dead stack");
	finish_call(m, r0);
}

/* Back at the helper, for the next round. */
static void end_round(struct machine *m)
{
	uint64_t r0 = get_number(m, 0);

	if (r0 > 1)
		fault(m, "a callback returned something else than 0 or 1");
	check_held(m, m->n_frames);
	m->insn = top(m)->call_site - 1;
	m->n_frames--;
	if (r0)
		top(m)->rounds = 0;
}

/* The program, or a timer's callback, has ended: a timer may fire. */
static void end(struct machine *m)
{
	uint64_t r0 = get_number(m, 0);

	check_held(m, 0);
	if (m->frame[0].callback && r0)
		fault(m, "a timer's callback returned something else than 0");
	if (!m->timer_func || !m->timers--) {
		m->ended = true;
		return;
	}
	m->frame[0] = (struct machine_frame){ .callback = LINUX_TIMER_SET_CALLBACK, .budget = rng_below(&m->rng, 6) };
	m->frame[0].r[ISA_FP] = (struct val){ .kind = VAL_STACK };
	give_element(m, &m->frame[0], (struct val){ .kind = VAL_MAP, .map = m->timer_map });
	m->insn = m->timer_func - 1;
}

static void leave(struct machine *m)
{
	if (m->n_frames == 1)
		end(m);
	else if (top(m)->callback)
		end_round(m);
	else
		return_from(m, top(m)->r[0]);
}

static void may_goto(struct machine *m, const struct isa_insn *in)
{
	if (top(m)->budget)
		top(m)->budget--;
	else
		m->insn += (uint32_t)in->off;
}

static void load_imm64(struct machine *m, const struct isa_insn *in)
{
	struct val *r = &top(m)->r[in->dst];

	*r = number((uint64_t)in->imm);
	if (in->aux == ISA_IMM64_MAP_FD)
		*r = (struct val){ .kind = VAL_MAP, .map = (uint32_t)in->imm };
	if (in->aux == ISA_IMM64_FUNC)
		*r = (struct val){ .kind = VAL_FUNC, .map = (uint32_t)((int64_t)m->insn + 1 + in->imm) };
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
	case ISA_CALLX:
		need_kind(m, get(m, in->dst), VAL_FUNC);
		if (!m->fault)
			call_local(m, get(m, in->dst).map);
		return;
	case ISA_MAY_GOTO:
		may_goto(m, in);
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
