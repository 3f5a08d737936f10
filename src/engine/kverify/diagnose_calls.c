/* SPDX-License-Identifier: Apache-2.0 */
/* diagnose_calls: a call that the kernel refuses: the callee, or one of the arguments. */
#include "engine/kverify/diagnose.h"

#include <inttypes.h>

struct callee {
	const struct isa_insn *in;
	const struct kernel_proto *proto; /* NULL: no helper, or not for this program */
	char name[DX_NAME];
	char argument[DX_NAME + 16]; /* "argument 2, `&key`," */
	char bare[DX_NAME];          /* "&key"; "" */
	char where[DX_NAME];
};

static void look(const struct dx *x, int reg, struct callee *c)
{
	uint32_t insn = x->step[x->n - 1].insn;

	*c = (struct callee){ .in = &x->p->insns[insn] };
	if (c->in->sem == ISA_CALL && c->in->aux == ISA_CALL_HELPER &&
	    kernel_helper(x->v->k, &x->v->o->target, (uint32_t)c->in->imm, &c->proto) != KERNEL_ALLOWED)
		c->proto = NULL;
	dx_callee(x, c->in, insn, c->name);
	dx_where(x, x->n - 1, c->where);
	if (reg >= 1 && reg <= 5 && dx_argument(dx_line_text(x, insn), c->name, (unsigned)reg - 1, c->bare))
		(void)snprintf(c->argument, sizeof c->argument, "argument %d, `%s`,", reg, c->bare);
	else
		(void)snprintf(c->argument, sizeof c->argument, "argument %d", reg);
}

/* ---- who may call what, and since when ---- */

static void release_name(uint16_t v, char out[16])
{
	(void)snprintf(out, 16, "%u.%u", v >> 8, v & 255u);
}

/* What programs of this type do in place of a helper that is never theirs. */
static const char *instead(uint32_t type, uint32_t helper)
{
	static const struct {
		uint32_t type, helper;
		const char *text;
	} rows[] = {
		{ KPROG_XDP, 26, "read the packet through data and data_end, or with bpf_xdp_load_bytes (since 5.18)" },
		{ KPROG_XDP, 9,
		  "write the packet through data and data_end, or with bpf_xdp_store_bytes (since 5.18)" },
		{ KPROG_XDP, 39, "do without: in XDP the packet is there through data and data_end" },
		{ KPROG_XDP, 14, "do without: XDP programs run for packets, not for processes" },
		{ KPROG_XDP, 16, "do without: XDP programs run for packets, not for processes" },
		{ KPROG_SCHED_CLS, 189, "use bpf_skb_load_bytes" },
		{ KPROG_SCHED_CLS, 14, "do without: the program runs for packets, not for processes" },
	};

	for (size_t i = 0; i < countof(rows); i++)
		if (rows[i].type == type && rows[i].helper == helper)
			return rows[i].text;
	return "do without this helper, or choose a type of program that has it";
}

static void missing_helper(struct dx *x)
{
	const struct kernel_target *t = &x->v->o->target;
	const char *type = kernel_prog_type_name(t->prog_type);
	struct callee c;
	uint16_t since, here;
	char a[16], b[16];

	look(x, -1, &c);
	if (c.in->sem != ISA_CALL || c.in->aux != ISA_CALL_HELPER)
		return;
	since = kernel_helper_since((uint32_t)c.in->imm);
	here = kernel_helper_since_for(t, (uint32_t)c.in->imm);
	release_name(since, a);
	release_name(here, b);
	if (since == KERNEL_NOT_YET) {
		dx_note(x, x->n - 1, "no release has a helper %d", (int)c.in->imm);
	} else if (since > x->v->k->version) {
		dx_note(x, x->n - 1, "%s is there from %s on, this is %s", c.name, a, x->v->k->name);
		dx_mend(x,
			"do without %s before %s: guard %s with bpf_core_enum_value_exists(enum bpf_func_id, "
			"BPF_FUNC_%s)",
			c.name, a, c.where, kernel_helper_name((uint32_t)c.in->imm));
	} else if (here == KERNEL_NOT_YET) {
		dx_note(x, x->n - 1, "programs of type %s may call %s in no release", type ? type : "?", c.name);
		dx_mend(x, "at %s %s", c.where, instead(t->prog_type, (uint32_t)c.in->imm));
	} else {
		dx_note(x, x->n - 1, "programs of type %s may call %s from %s on, this is %s", type ? type : "?",
			c.name, b, x->v->k->name);
		dx_mend(x, "load the program on %s or later, or do without %s at %s", b, c.name, c.where);
	}
}

static void not_in_probe(struct dx *x)
{
	const char *hook = x->v->o->target.attach_name;
	struct callee c;

	look(x, -1, &c);
	dx_note(x, x->n - 1, "%s is allowed in some of the kernel's functions only%s%s", c.name,
		hook ? ", not in " : "", hook ? hook : "");
	dx_mend(x, "take %s out of %s, or attach the program to a function that it is allowed in", c.name, c.where);
}

static void callee_argument(struct dx *x)
{
	int reg = x->v->failed_reg;
	struct callee c;
	char says[DX_TEXT];

	look(x, reg, &c);
	if (reg < 1 || reg > 5)
		return;
	dx_note(x, x->n - 1, "%s of %s is %s", c.argument, c.name, dx_describe(x, &x->step[x->n - 1].r[reg], says));
	dx_mend(x,
		"at %s give %s what its prototype says as argument %d: memory at least as large as the type that the "
		"parameter points to, the context, or a number",
		c.where, c.name, reg);
}

static void sleeping_helper(struct dx *x)
{
	struct callee c;

	look(x, -1, &c);
	dx_note(x, x->n - 1, "%s may wait for memory; the program is loaded as one that may not sleep", c.name);
	if (!strcmp(c.name, "bpf_copy_from_user"))
		dx_mend(x,
			"at %s use bpf_probe_read_user, which does not sleep, or make the program sleepable "
			"(\"fentry.s/\", "
			"\"uprobe.s/\", \"lsm.s/\")",
			c.where);
	else
		dx_mend(x, "make the program sleepable (\"fentry.s/\", \"lsm.s/\"), or take %s out of %s", c.name,
			c.where);
}

static void gpl_helper(struct dx *x)
{
	struct callee c;

	look(x, -1, &c);
	dx_note(x, x->n - 1, "%s is for programs whose license section says \"GPL\", or \"Dual MIT/GPL\" and the like",
		c.name);
	dx_mend(x, "char LICENSE[] SEC(\"license\") = \"GPL\"; or take %s out of %s", c.name, c.where);
}

/* ---- arguments ---- */

static const char *wanted(uint8_t base)
{
	static const char *const words[KA_N] = {
		[KA_CONST_MAP_PTR] = "a map: the address of a variable in SEC(\".maps\")",
		[KA_MAP_KEY] = "a pointer to a key",
		[KA_MAP_VALUE] = "a pointer to a value",
		[KA_MEM] = "a pointer to memory",
		[KA_CONST_SIZE] = "a size",
		[KA_CONST_SIZE_OR_ZERO] = "a size",
		[KA_CTX] = "the context, as the program was given it",
		[KA_SPIN_LOCK] = "a struct bpf_spin_lock in a map's value",
		[KA_SOCK_COMMON] = "a socket",
		[KA_SOCKET] = "a socket",
		[KA_BTF_ID] = "an object of the kernel",
		[KA_BTF_ID_SOCK_COMMON] = "a socket",
		[KA_RINGBUF_MEM] = "a record that bpf_ringbuf_reserve gave",
		[KA_FUNC] = "a static function",
		[KA_STACK] = "a pointer to a variable on the stack",
		[KA_CONST_STR] = "a constant string",
		[KA_TIMER] = "a struct bpf_timer in a map's value",
		[KA_DYNPTR] = "a struct bpf_dynptr on the stack",
		[KA_INT] = "a pointer to an int",
		[KA_LONG] = "a pointer to a long",
	};

	return base < KA_N && words[base] ? words[base] : NULL;
}

static void argument_kind(struct dx *x)
{
	unsigned reg = (unsigned)x->v->failed_reg;
	const struct kreg *r = &x->step[x->n - 1].r[reg];
	char says[DX_TEXT];
	struct callee c;
	const char *want;

	look(x, (int)reg, &c);
	dx_note(x, x->n - 1, "%s of %s is %s", c.argument, c.name, dx_describe(x, r, says));
	want = c.proto && reg >= 1 && reg <= 5 ? wanted(c.proto->arg[reg - 1].base) : NULL;
	if (r->flags & KF_OR_NULL) {
		dx_explain_null(x, dx_pointer_parts(x, dx_in_reg(x, reg)).base, reg);
		return;
	}
	if (r->base == KR_SCALAR && dx_explain_forgotten(x, reg))
		return;
	if (r->base != KR_STACK)
		dx_note_origin(x, dx_in_reg(x, reg), reg);
	if (!want)
		return;
	dx_note_plain(x, "%s wants %s there", c.name, want);
	if (c.proto->arg[reg - 1].base == KA_CONST_MAP_PTR && reg < 5 && x->step[x->n - 1].r[reg + 1].base == KR_MAP)
		dx_mend(x, "swap arguments %u and %u of %s at %s", reg, reg + 1, c.name, c.where);
	else
		dx_mend(x, "pass %s as argument %u of %s at %s", want, reg, c.name, c.where);
}

static void moved_argument(struct dx *x)
{
	unsigned reg = (unsigned)x->v->failed_reg;
	const struct kreg *r = &x->step[x->n - 1].r[reg];
	char says[DX_TEXT];
	struct callee c;

	look(x, (int)reg, &c);
	dx_note(x, x->n - 1, "%s of %s is %s", c.argument, c.name, dx_describe(x, r, says));
	dx_mend(x, "at %s pass the pointer as it was given, with nothing added, as argument %u of %s", c.where, reg,
		c.name);
}

/* The bytes from where the pointer points to the end of its object. */
static bool room(const struct dx *x, const struct kreg *r, int64_t *bytes, char whose[DX_TEXT])
{
	int64_t end;

	if (kreg_is_pkt(r)) {
		*bytes = r->range > 0 ? r->range - r->off : 0;
		(void)snprintf(whose, DX_TEXT, "%" PRId64 " bytes of the packet are known to be there", *bytes);
		return knum_is_const(&r->n);
	}
	if (!knum_is_const(&r->n) || !dx_object(x, r, &end, whose))
		return false;
	*bytes = end - r->off - (int64_t)r->n.t.value;
	if (r->base == KR_STACK)
		(void)snprintf(whose, DX_TEXT, "at most %" PRId64 " bytes of the stack lie behind it", *bytes);
	return true;
}

static void size_argument(struct dx *x)
{
	unsigned reg = (unsigned)x->v->failed_reg;
	struct dx_need need = { .value = dx_in_reg(x, reg), .reg = x->step[x->n - 1].r[reg], .at = x->n - 1 };
	char whose[DX_TEXT], it[DX_NAME], limit[DX_NAME];
	struct callee c;

	look(x, (int)reg, &c);
	need.max = (1 << 29) - 1;
	if (reg > 1 && room(x, &x->step[x->n - 1].r[reg - 1], &need.max, whose))
		need.whose = whose;
	if (c.bare[0] && dx_is_plain(c.bare))
		need.name = c.bare;
	/* Of a variable on the stack the kernel knows no end but the stack's. */
	if (need.whose && x->step[x->n - 1].r[reg - 1].base == KR_STACK) {
		struct callee buffer;

		look(x, (int)reg - 1, &buffer);
		if (buffer.bare[0] && dx_is_plain(buffer.bare) && buffer.bare[0] != '&') {
			(void)snprintf(limit, sizeof limit, "sizeof(%.50s)", buffer.bare);
			need.limit = limit;
		}
	}
	need.min = x->d->id == KV_SIZE_ZERO || (c.proto && c.proto->arg[reg - 1].base == KA_CONST_SIZE);
	if (dx_name(x, need.value, it))
		dx_note(x, x->n - 1, "%s of %s is the size of the memory in argument %u", c.argument, c.name, reg - 1);
	dx_note_origin(x, need.value, reg);
	dx_explain_bounds(x, &need);
}

static uint32_t pointer_size(const struct dx *x, const struct callee *c, unsigned reg, const char **what)
{
	const struct dx_step *s = &x->step[x->n - 1];
	uint8_t base = c->proto->arg[reg - 1].base;

	for (unsigned r = 1; r < reg; r++) {
		if (s->r[r].base != KR_MAP || s->r[r].map >= x->p->n_maps)
			continue;
		*what = base == KA_MAP_KEY ? "keys" : "values";
		if (base == KA_MAP_KEY)
			return x->p->maps[s->r[r].map].key_size;
		if (base == KA_MAP_VALUE)
			return x->p->maps[s->r[r].map].value_size;
	}
	return 0;
}

static bool holds_dynptr(const struct dx *x, const struct kreg *r)
{
	const struct kframe *f = r->base == KR_STACK ? x->v->cur.frame[r->frame] : NULL;

	for (uint32_t i = 0; f && i < f->n_slots; i++)
		for (int b = 0; b < KSLOT_BYTES; b++)
			if (f->slots[i].byte[b] == KBYTE_DYNPTR)
				return true;
	return false;
}

/* The memory that a call is given is too small, or in part not written. */
static void memory_argument(struct dx *x)
{
	unsigned reg = (unsigned)x->v->failed_reg;
	const struct dx_step *s = &x->step[x->n - 1];
	const char *what = NULL;
	char whose[DX_TEXT];
	struct callee c;
	uint32_t size;
	int64_t bytes;
	bool known;

	look(x, (int)reg, &c);
	if (!c.proto || reg < 1 || reg > 5)
		return;
	if (x->d->id == KV_STACK_UNSET && holds_dynptr(x, &s->r[reg])) {
		dx_note(x, x->n - 1, "%s of %s is, or holds, a dynptr: it has no bytes that can be read", c.argument,
			c.name);
		dx_mend(x, "at %s pass what the dynptr is for, read with bpf_dynptr_read or bpf_dynptr_data", c.where);
		return;
	}
	known = room(x, &s->r[reg], &bytes, whose);
	size = pointer_size(x, &c, reg, &what);
	if (size) {
		dx_note(x, x->n - 1, "%s is read by %s for %u bytes: so long are the map's %s%s%s", c.argument, c.name,
			size, what, known ? "; " : "", known ? whose : "");
		if (x->d->id == KV_STACK_UNSET)
			dx_mend(x,
				"initialise all %u bytes before %s, padding too: `= {}` or __builtin_memset(%s, 0, %u)",
				size, c.where, c.bare[0] ? c.bare : "...", size);
		else
			dx_mend(x, "pass a variable of the type of the map's %s, %u bytes, at %s", what, size, c.where);
		return;
	}
	if (reg == 5 || s->r[reg + 1].base != KR_SCALAR)
		return;
	if (x->d->id == KV_STACK_UNSET) {
		dx_note(x, x->n - 1, "%s is read by %s, and not all of it was written", c.argument, c.name);
		dx_mend(x, "initialise %s before %s, padding too: `= {}`", c.bare[0] ? c.bare : "the variable",
			c.where);
		return;
	}
	dx_note(x, x->n - 1, "%s of %s is given with a size of up to %" PRIu64 " bytes%s%s", c.argument, c.name,
		s->r[reg + 1].n.umax, known ? "; " : "", known ? whose : "");
	if (!kreg_is_const(&s->r[reg + 1])) {
		struct dx_need need = { .value = dx_in_reg(x, reg + 1),
					.reg = s->r[reg + 1],
					.max = bytes,
					.at = x->n - 1,
					.whose = whose };

		if (known)
			dx_explain_bounds(x, &need);
	} else if (c.bare[0]) {
		dx_mend(x, "pass sizeof(%s) as the size at %s, or make the buffer larger", c.bare, c.where);
	}
}

static void wrong_map(struct dx *x)
{
	const struct dx_step *s = &x->step[x->n - 1];
	struct callee c;

	look(x, -1, &c);
	for (unsigned r = 1; r <= 5; r++) {
		const struct prog_map *m =
			s->r[r].base == KR_MAP && s->r[r].map < x->p->n_maps ? &x->p->maps[s->r[r].map] : NULL;
		const char *kind = m ? kernel_map_kind_name(m->kind) : NULL;
		static const struct {
			const char *helper, *kind;
		} takes[] = { { "bpf_tail_call", "BPF_MAP_TYPE_PROG_ARRAY" },
			      { "bpf_ringbuf_reserve", "BPF_MAP_TYPE_RINGBUF" },
			      { "bpf_ringbuf_output", "BPF_MAP_TYPE_RINGBUF" },
			      { "bpf_perf_event_output", "BPF_MAP_TYPE_PERF_EVENT_ARRAY" },
			      { "bpf_get_stackid", "BPF_MAP_TYPE_STACK_TRACE" },
			      { "bpf_redirect_map", "BPF_MAP_TYPE_DEVMAP, DEVMAP_HASH, CPUMAP or XSKMAP" } };

		if (!m)
			continue;
		dx_note(x, x->n - 1, "%s is a map of type %s", m->name, kind ? kind : "?");
		for (size_t i = 0; i < countof(takes); i++)
			if (!strcmp(takes[i].helper, c.name))
				dx_mend(x, "pass a map of type %s to %s at %s", takes[i].kind, c.name, c.where);
	}
}

/* ---- under a lock ---- */

static void under_lock(struct dx *x)
{
	uint32_t lock = dx_last_call(x, 93, x->n - 1);
	char a[DX_NAME];
	struct callee c;

	look(x, -1, &c);
	if (lock == UINT32_MAX)
		return;
	dx_note(x, lock, "the lock is taken here");
	dx_mend(x,
		"call %s before %s, keep the result in a variable, and use that under the lock instead of the call at "
		"%s",
		c.name, dx_where(x, lock, a), c.where);
}

/* ---- what is returned ---- */

/* The range stands in the kernel's line: what counts is where the program attaches to. */
static bool wanted_range(const struct dx *x, int64_t *min, int64_t *max)
{
	const char *in = strstr(x->d->text, "should have been in [");
	long long a, b;

	if (!in || sscanf(in, "should have been in [%lld, %lld]", &a, &b) != 2)
		return false;
	*min = a;
	*max = b;
	return true;
}

static void returned(struct dx *x)
{
	const struct kreg *r = &x->step[x->n - 1].r[0];
	uint32_t v = dx_in_reg(x, 0);
	char says[DX_TEXT], where[DX_NAME], range[DX_NAME];
	int64_t min, max;

	dx_note(x, x->n - 1, "what is returned is %s", dx_describe(x, r, says));
	dx_note_origin(x, v, 0);
	if (!wanted_range(x, &min, &max))
		return;
	if (min == max)
		(void)snprintf(range, sizeof range, "%" PRId64, min);
	else
		(void)snprintf(range, sizeof range, "a number from %" PRId64 " to %" PRId64, min, max);
	dx_note_plain(x, "what may be returned here: %s", range);
	dx_where(x, v ? dx_value(x, v)->at : x->n - 1, where);
	if (kreg_is_const(r) && dx_value(x, v)->kind == DX_CONST)
		dx_mend(x, "return %s instead of %" PRId64 " (%s)", range, dx_value(x, v)->imm, where);
	else if (min == 0 && max == 1)
		dx_mend(x, "return a truth value, 0 or 1, as with `!= 0`, not the number of %s itself", where);
	else
		dx_mend(x, "make of the number of %s %s before it is returned", where, range);
}

bool dx_calls(struct dx *x)
{
	if (!x->n)
		return false;
	if (x->d->id == KV_RETURN_RANGE || x->d->id == KV_RETURN_TYPE) {
		returned(x);
		return true;
	}
	if (dx_insn(x, x->n - 1)->sem != ISA_CALL)
		return false;
	switch (x->d->id) {
	case KV_NO_HELPER:
	case KV_HELPER_HERE:
	case KV_HELPER_HERE_OLD:
		missing_helper(x);
		return true;
	case KV_NOT_IN_PROBE:
		not_in_probe(x);
		return true;
	case KV_GLOBAL_ARGS:
		callee_argument(x);
		return true;
	case KV_GPL:
		gpl_helper(x);
		return true;
	case KV_SLEEPS:
		sleeping_helper(x);
		return true;
	case KV_MAP_HELPER:
	case KV_TAIL_CALL_MAP:
		wrong_map(x);
		return true;
	case KV_CALL_LOCKED:
		under_lock(x);
		return true;
	default:
		break;
	}
	if (x->v->failed_reg < 1 || x->v->failed_reg > 5)
		return false;
	switch (x->d->id) {
	case KV_SIZE_NEGATIVE:
	case KV_SIZE_UNBOUNDED:
	case KV_SIZE_ZERO:
		size_argument(x);
		return true;
	case KV_STACK_BOUNDS:
	case KV_STACK_UNSET:
	case KV_MIN_OUTSIDE:
	case KV_MAX_OUTSIDE:
	case KV_UNBOUNDED_INDEX:
	case KV_PACKET_RANGE:
		memory_argument(x);
		return true;
	case KV_MODIFIED_POINTER:
		moved_argument(x);
		return true;
	case KV_ARG_TYPE:
	case KV_ARG_NULL:
	case KV_HELPER_MEMORY:
	case KV_RELEASE_UNREFERENCED:
	case KV_RELEASE_NEEDS_REF:
		argument_kind(x);
		return true;
	default:
		return false;
	}
}
