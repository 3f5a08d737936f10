/* SPDX-License-Identifier: Apache-2.0 */
/* access: the windows out of line, and helper calls checked against their prototypes. */
#include "engine/vm/impl.h"

static bool within(uint64_t addr, uint64_t bytes, uint64_t base, uint64_t window_bytes)
{
	return addr - base <= window_bytes && bytes <= window_bytes - (addr - base);
}

/* The window with the highest base not above addr; only it can hold addr. */
static bool in_map(struct vm_run_state *run, uint64_t addr, uint64_t bytes, bool write)
{
	const struct vm_window *w = run->vp->windows;
	uint32_t lo = 0, hi = run->vp->n_maps;

	if (!hi)
		return false;
	if (!within(addr, bytes, w[run->last_window].base, w[run->last_window].bytes)) {
		while (hi - lo > 1) {
			uint32_t mid = lo + (hi - lo) / 2;

			if (w[mid].base <= addr)
				lo = mid;
			else
				hi = mid;
		}
		if (!within(addr, bytes, w[lo].base, w[lo].bytes))
			return false;
		run->last_window = lo;
	}
	return !write || w[run->last_window].writable;
}

/* Values of an inner map. Inner maps live as long as the run (maps.h), so the last one need not be looked for again. */
static bool in_inner_map(struct vm_run_state *run, uint64_t addr, uint64_t bytes, bool write)
{
	struct vm_window *last = &run->inner;
	struct map *m = NULL;
	uint8_t *base;
	size_t all;

	if (last->map && within(addr, bytes, last->base, last->bytes))
		return !write || last->writable;
	for (uint32_t i = 0; i < run->vp->n_maps && !m; i++)
		if (vm_is_outer(run->vp->maps[i]))
			m = map_inner_holding(run->vp->maps[i], addr, bytes);
	if (!m)
		return false;
	map_values(m, &base, &all, &last->writable);
	last->base = (uint64_t)(uintptr_t)base;
	last->bytes = all;
	last->map = m;
	return !write || last->writable;
}

/* Beside what every program has: bytes of open records, values of inner maps. */
static bool in_others(struct vm_run_state *run, uint64_t addr, uint64_t bytes, bool write)
{
	return helper_record_holds(run->env, addr, bytes) || in_inner_map(run, addr, bytes, write);
}

static uint64_t bytes_left(uint64_t addr, uint64_t base, uint64_t bytes)
{
	return addr - base < bytes ? bytes - (addr - base) : 0;
}

uint64_t vm_readable(struct vm_run_state *run, uint64_t addr)
{
	const struct helper_records *rs = run->env->records;
	const struct vm_window *w = NULL;
	uint64_t n = bytes_left(addr, run->ctx, run->ctx_bytes);

	if (!n)
		n = bytes_left(addr, run->stack_lo, run->stack_live);
	if (!n && in_map(run, addr, 1, false))
		w = &run->vp->windows[run->last_window];
	else if (!n && in_inner_map(run, addr, 1, false))
		w = &run->inner;
	for (uint32_t i = 0; !n && !w && rs && i < rs->n; i++)
		n = bytes_left(addr, (uint64_t)(uintptr_t)rs->at[i].p, rs->at[i].bytes);
	return w ? bytes_left(addr, w->base, w->bytes) : n;
}

bool vm_may_access(struct vm_run_state *run, uint64_t addr, uint64_t bytes, bool write)
{
	if (within(addr, bytes, run->ctx, run->ctx_bytes))
		return !write || run->ctx_writable;
	return within(addr, bytes, run->stack_lo, run->stack_live) || in_map(run, addr, bytes, write) ||
	       in_others(run, addr, bytes, write);
}

bool vm_access_slow(struct vm_run_state *run, uint64_t addr, uint64_t bytes, bool write)
{
	if (GUARD(2, in_map(run, addr, bytes, write) || in_others(run, addr, bytes, write)))
		return true;
	run->why = VM_WHY_MEMORY;
	run->addr = addr;
	run->bytes = bytes;
	run->write = write;
	return false;
}

struct map *vm_map_of(const struct vm_run_state *run, uint64_t ref)
{
	uint64_t i = (ref - VM_MAP_REF) & VM_MAP_REF_INDEX, inner = (ref - VM_MAP_REF) >> VM_MAP_REF_INNER;

	if (i >= run->vp->n_maps || inner > UINT32_MAX)
		return NULL;
	return inner ? map_inner_at(run->vp->maps[i], (uint32_t)inner) : run->vp->maps[i];
}

/* --- helper calls --- */

static FALLIBLE refuse(struct vm_run_state *run, const struct vm_call *c, enum vm_why why, unsigned arg, uint64_t value)
{
	run->why = why;
	run->proto = c->proto;
	run->arg = (uint8_t)arg;
	run->addr = value;
	return E_FAULT;
}

static FALLIBLE arg_memory(struct vm_run_state *run, const struct vm_call *c, unsigned arg, uint64_t bytes, bool write)
{
	uint64_t addr = run->r[1 + arg];

	if (vm_may_access(run, addr, bytes, write))
		return E_OK;
	run->bytes = bytes;
	run->write = write;
	return refuse(run, c, VM_WHY_ARG_MEMORY, arg, addr);
}

/* A memory argument and the size after it. With size 0, where that is allowed, the address may be anything. */
static FALLIBLE arg_sized(struct vm_run_state *run, const struct vm_call *c, unsigned arg, uint64_t *args)
{
	uint64_t bytes = args[arg + 1];
	bool write = c->proto->args[arg] == ABI_ARG_MEM_WRITE;

	if (!bytes && c->proto->args[arg + 1] == ABI_ARG_SIZE_OR_ZERO) {
		args[arg] = (uint64_t)(uintptr_t) "";
		return E_OK;
	}
	if (!bytes || bytes > UINT32_MAX)
		return refuse(run, c, VM_WHY_ARG_SIZE, arg + 1, bytes);
	run->fuel -= (int64_t)(bytes >> VM_BYTES_PER_FUEL_LOG2);
	return arg_memory(run, c, arg, bytes, write);
}

static FALLIBLE arg_map(struct vm_run_state *run, const struct vm_call *c, unsigned arg, uint64_t *args)
{
	struct map *m = vm_map_of(run, args[arg]);

	if (!m || !(c->map_kinds >> map_def(m)->kind & 1))
		return refuse(run, c, VM_WHY_ARG_MAP, arg, args[arg]);
	args[arg] = (uint64_t)(uintptr_t)m;
	return E_OK;
}

/* Memory up to a zero byte. */
static FALLIBLE arg_str(struct vm_run_state *run, const struct vm_call *c, unsigned arg, const uint64_t *args)
{
	uint64_t most = vm_readable(run, args[arg]);
	size_t len = most ? strnlen((const char *)(uintptr_t)args[arg], most) : 0;

	run->fuel -= (int64_t)(len >> VM_BYTES_PER_FUEL_LOG2);
	return len < most ? E_OK : refuse(run, c, VM_WHY_ARG_STR, arg, args[arg]);
}

/* 16 bytes, aligned, inside one value of a map that programs may write. */
static FALLIBLE arg_timer(struct vm_run_state *run, const struct vm_call *c, unsigned arg, uint64_t addr)
{
	const struct vm_window *w;
	uint64_t stride;

	if (addr % 8 || !in_map(run, addr, HELPER_TIMER_BYTES, true))
		return refuse(run, c, VM_WHY_ARG_TIMER, arg, addr);
	w = &run->vp->windows[run->last_window];
	stride = ((uint64_t)map_def(w->map)->value_size + 7) & ~UINT64_C(7);
	if ((addr - w->base) % stride + HELPER_TIMER_BYTES > map_def(w->map)->value_size)
		return refuse(run, c, VM_WHY_ARG_TIMER, arg, addr);
	return E_OK;
}

static FALLIBLE arg_check(struct vm_run_state *run, const struct vm_call *c, unsigned arg, uint64_t *args)
{
	/* With a MAP_KEY or MAP_VALUE there is a map argument before it: vm_prog_new saw to that. */
	const struct map *m = c->map_arg < arg ? (const struct map *)(uintptr_t)args[c->map_arg] : NULL;

	switch ((enum abi_arg)c->proto->args[arg]) {
	case ABI_ARG_CONST_MAP:
		return arg_map(run, c, arg, args);
	case ABI_ARG_MAP_KEY:
		return arg_memory(run, c, arg, map_def(m)->key_size, false);
	case ABI_ARG_MAP_VALUE:
		return arg_memory(run, c, arg, map_def(m)->value_size, false);
	case ABI_ARG_MAP_VALUE_WRITE:
		return arg_memory(run, c, arg, map_def(m)->value_size, true);
	case ABI_ARG_MEM:
	case ABI_ARG_MEM_WRITE:
		return arg_sized(run, c, arg, args);
	case ABI_ARG_LONG_WRITE:
		return arg_memory(run, c, arg, sizeof(uint64_t), true);
	case ABI_ARG_STR:
		return arg_str(run, c, arg, args);
	case ABI_ARG_CTX:
		return args[arg] == run->ctx ? E_OK : refuse(run, c, VM_WHY_ARG_CTX, arg, args[arg]);
	case ABI_ARG_FUNC:
		return vm_func_of(run->vp, args[arg]) != VM_NO_FUNC ? E_OK
								    : refuse(run, c, VM_WHY_ARG_FUNC, arg, args[arg]);
	case ABI_ARG_RECORD:
		return helper_record_at(run->env, args[arg]) ? E_OK : refuse(run, c, VM_WHY_ARG_RECORD, arg, args[arg]);
	case ABI_ARG_TIMER:
		return arg_timer(run, c, arg, args[arg]);
	case ABI_ARG_NONE:
	case ABI_ARG_SCALAR:
	case ABI_ARG_SIZE:
	case ABI_ARG_SIZE_OR_ZERO:
	case ABI_ARG_HANDLE:
	case ABI_ARG_ANY:
		return E_OK;
	}
	return refuse(run, c, VM_WHY_ARG_CTX, arg, args[arg]);
}

/* What was lent to callbacks goes back, and the program's registers are its own again. */
static FALLIBLE call_checked(struct vm_run_state *run, const struct vm_call *c, const uint64_t *args)
{
	uint64_t lo = run->stack_lo, live = run->stack_live;
	uint32_t depth = run->depth;

	run->env->work = 0;
	run->r[0] = helper_call(c->fn, run->env, args);
	if (run->why != VM_WHY_NONE) /* of a callback: at is set */
		return run->why == VM_WHY_FUEL ? E_FUEL : E_FAULT;
	if (c->proto->ret == ABI_RET_MAP_VALUE_OR_NULL && run->r[0] &&
	    vm_is_outer((const struct map *)(uintptr_t)args[c->map_arg]))
		run->r[0] = run->r[1 + c->map_arg] + (run->r[0] << VM_MAP_REF_INNER);
	run->stack_lo = lo;
	run->stack_live = live;
	run->depth = depth;
	run->fuel -= 1 + (int64_t)(run->env->work >> VM_WORK_PER_FUEL_LOG2);
	return run->env->bad_handle ? refuse(run, c, VM_WHY_HANDLE, 0, run->r[1]) : E_OK;
}

FALLIBLE vm_call_helper(struct vm_run_state *run, const struct vm_op *op, const struct vm_call *c)
{
	uint64_t args[ABI_MAX_ARGS];

	run->at = op;
	memcpy(args, run->r + 1, sizeof args);
	for (unsigned i = 0; i < c->n_args; i++)
		TRY(arg_check(run, c, i, args));
	TRY(call_checked(run, c, args));
	if (run->fuel >= 0)
		return E_OK;
	run->fuel = 0;
	run->why = VM_WHY_FUEL;
	return E_FUEL;
}
