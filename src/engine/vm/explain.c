/* SPDX-License-Identifier: Apache-2.0 */
/* explain: a fault in words: what the instruction did, relative to the memory that it was nearest to. */
#include "engine/vm/impl.h"

enum { NEAR_BYTES = 65536, PLACE_TEXT = 160 };

struct near {
	char name[64]; /* "context", "the stack", "map 'x'" */
	uint64_t base, bytes;
	uint64_t distance;
	bool read_only;
};

static uint64_t distance(uint64_t addr, uint64_t base, uint64_t bytes)
{
	if (addr - base < bytes)
		return 0;
	return addr < base ? base - addr : addr - base - bytes + 1;
}

static void consider(struct near *best, uint64_t addr, const struct near *candidate)
{
	uint64_t far = distance(addr, candidate->base, candidate->bytes);

	if (far > NEAR_BYTES || far >= best->distance)
		return;
	*best = *candidate;
	best->distance = far;
}

static struct near nearest(const struct vm_run_state *run, uint64_t addr)
{
	struct near best = { .distance = UINT64_MAX };

	consider(&best, addr, &(struct near){ .name = "the stack", .base = run->stack_lo, .bytes = run->stack_live });
	if (run->ctx)
		consider(&best, addr,
			 &(struct near){ .name = "context",
					 .base = run->ctx,
					 .bytes = run->ctx_bytes,
					 .read_only = !run->ctx_writable });
	for (uint32_t i = 0; i < run->vp->n_maps; i++) {
		const struct vm_window *w = &run->vp->windows[i];
		struct near n = { .base = w->base, .bytes = w->bytes, .read_only = !w->writable };

		if (!w->bytes) /* a map without values to point to */
			continue;
		(void)snprintf(n.name, sizeof n.name, "map '%.40s'", map_def(w->map)->name);
		consider(&best, addr, &n);
	}
	return best;
}

/* "context+2280, 8 bytes past its end (2280)" */
static void place(const struct vm_run_state *run, char *text)
{
	struct near n = nearest(run, run->addr);
	int64_t off = (int64_t)(run->addr - n.base);
	uint64_t end = run->addr + run->bytes - n.base;

	if (n.distance == UINT64_MAX && run->addr < 4096)
		(void)snprintf(text, PLACE_TEXT, "address %llu: not a pointer", (unsigned long long)run->addr);
	else if (n.distance == UINT64_MAX)
		(void)snprintf(text, PLACE_TEXT, "0x%llx, far from all memory of the program",
			       (unsigned long long)run->addr);
	else if (off < 0)
		(void)snprintf(text, PLACE_TEXT, "%s%lld, before its start", n.name, (long long)off);
	else if (end > n.bytes)
		(void)snprintf(text, PLACE_TEXT, "%s+%lld, %llu bytes past its end (%llu)", n.name, (long long)off,
			       (unsigned long long)(end - n.bytes), (unsigned long long)n.bytes);
	else
		(void)snprintf(text, PLACE_TEXT, "%s+%lld, which is %s", n.name, (long long)off,
			       run->write && n.read_only ? "read-only" : "not aligned");
}

static const char *helper_name(const struct vm_run_state *run)
{
	return run->proto->name;
}

static FALLIBLE explain_arg(const struct vm_run_state *run, struct diag *d)
{
	unsigned long long value = run->addr;
	unsigned arg = run->arg + 1u;
	char where[PLACE_TEXT];

	switch (run->why) {
	case VM_WHY_ARG_MEMORY:
		place(run, where);
		FAIL_ID(d, FAULT, 'X', 304, "%s: argument %u: %s of %llu bytes at %s", helper_name(run), arg,
			run->write ? "a write" : "a read", (unsigned long long)run->bytes, where);
	case VM_WHY_ARG_SIZE:
		FAIL_ID(d, FAULT, 'X', 305, "%s: argument %u: a size of %llu bytes", helper_name(run), arg, value);
	case VM_WHY_ARG_MAP:
		FAIL_ID(d, FAULT, 'X', 306,
			"%s: argument %u: 0x%llx is not one of the program's maps, or not of this kind",
			helper_name(run), arg, value);
	case VM_WHY_ARG_RECORD:
		FAIL_ID(d, FAULT, 'X', 311, "%s: argument %u: 0x%llx is no record that the program has open",
			helper_name(run), arg, value);
	case VM_WHY_ARG_FUNC:
		FAIL_ID(d, FAULT, 'X', 312, "%s: argument %u: 0x%llx is not one of the program's functions",
			helper_name(run), arg, value);
	case VM_WHY_ARG_TIMER:
		FAIL_ID(d, FAULT, 'X', 313, "%s: argument %u: 0x%llx is not room for a timer inside a map's value",
			helper_name(run), arg, value);
	case VM_WHY_ARG_STR:
		FAIL_ID(d, FAULT, 'X', 314, "%s: argument %u: no text that ends in a zero byte lies at 0x%llx",
			helper_name(run), arg, value);
	default:
		FAIL_ID(d, FAULT, 'X', 307, "%s: argument %u is not the context pointer", helper_name(run), arg);
	}
}

static FALLIBLE explain(const struct vm_run_state *run, struct diag *d)
{
	char where[PLACE_TEXT];

	switch (run->why) {
	case VM_WHY_MEMORY:
		place(run, where);
		FAIL_ID(d, FAULT, 'X', 301, "%s of %llu bytes at %s", run->write ? "store" : "load",
			(unsigned long long)run->bytes, where);
	case VM_WHY_ALIGN:
		place(run, where);
		FAIL_ID(d, FAULT, 'X', 302, "atomic access of %llu bytes at %s", (unsigned long long)run->bytes, where);
	case VM_WHY_DEPTH:
		FAIL_ID(d, FAULT, 'X', 303, "calls nested deeper than %d frames", VM_MAX_FRAMES);
	case VM_WHY_HANDLE:
		FAIL_ID(d, FAULT, 'X', 308, "%s: 0x%llx is not a handle to a value of the right kind", helper_name(run),
			(unsigned long long)run->addr);
	case VM_WHY_FUEL:
		FAIL_ID(d, FUEL, 'X', 309, "the program used up its fuel");
	case VM_WHY_ARG_MEMORY:
	case VM_WHY_ARG_SIZE:
	case VM_WHY_ARG_MAP:
	case VM_WHY_ARG_CTX:
	case VM_WHY_ARG_RECORD:
	case VM_WHY_ARG_FUNC:
	case VM_WHY_ARG_TIMER:
	case VM_WHY_ARG_STR:
		return explain_arg(run, d);
	case VM_WHY_CALLX:
		FAIL_ID(d, FAULT, 'X', 315, "callx: 0x%llx is neither one of the program's functions nor a helper",
			(unsigned long long)run->addr);
	case VM_WHY_NONE:
		break;
	}
	FAIL_ID(d, BUG, 'X', 310, "the interpreter stopped for no known reason");
}

/* Function and source line, when the program was kept. */
static void tell_place(const struct vm_run_state *run, uint32_t insn, struct diag *d)
{
	const struct prog *p = &run->vp->prog;
	const struct prog_line *line = prog_line_at(p, insn);
	const struct prog_func *f = prog_func_at(p, insn);
	size_t len = strlen(d->text);

	if (p->name)
		d->subject = p->name;
	if (f)
		(void)snprintf(d->text + len, sizeof d->text - len, ", in function '%.60s'", f->name);
	len = strlen(d->text);
	if (p->insns && prog_missing(p, insn))
		(void)snprintf(d->text + len, sizeof d->text - len, ": %s", prog_missing(p, insn));
	if (!line)
		return;
	d->pos = (struct diag_pos){ .file = line->file, .line = line->line, .col = line->col };
	d->line_text = line->text;
}

FALLIBLE vm_explain(const struct vm_run_state *run, enum err e, struct vm_fault *fault, struct diag *d)
{
	uint32_t insn = (uint32_t)(run->at - run->vp->ops);

	if (fault) {
		uint64_t addr = run->why == VM_WHY_DEPTH || run->why == VM_WHY_FUEL ? 0 : run->addr;
		bool near_ctx = run->ctx && distance(addr, run->ctx, run->ctx_bytes) <= NEAR_BYTES;

		*fault = (struct vm_fault){ .insn = insn,
					    .fuel_left = (uint64_t)run->fuel,
					    .addr = near_ctx ? addr - run->ctx : addr };
	}
	if (!d)
		return e;
	e = explain(run, d);
	d->insn = insn;
	tell_place(run, insn, d);
	return e;
}
