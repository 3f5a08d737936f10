/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers: callbacks that programs ask for at a later time, and that the host runs.
 *
 * A timer lies in a map's value, but nothing that stands there is believed: what a timer is stands in a table of the
 * host's, under the timer's address, with a number that the value's 16 bytes must repeat. So a copy of a timer is none
 * (another address), a forged one neither (no entry), and what an element's next tenant finds in its value is none
 * either (an update overwrites the number). A program that overwrites the number has given its timer up.
 *
 * Those that wait are in a binary heap by the time they are due.
 */
#include "engine/vm/impl.h"

#include <errno.h>

enum { NOT_WAITING = UINT32_MAX, FLAG_ABSOLUTE = 1, KNOWN_FLAGS = 3 /* BPF_F_TIMER_ABS, BPF_F_TIMER_CPU_PIN */ };

struct timer {
	struct hnode node; /* by address; while it is in use */
	struct timer *next_free;
	uint64_t addr, number;
	const struct map *map;
	const struct vm_prog *vp; /* whose callback it has; before that, who made it */
	uint64_t func;            /* 0: none yet */
	uint64_t due;
	uint32_t place; /* in the heap, or NOT_WAITING */
};

struct vm_timers {
	struct timer *all, *free;
	struct timer **heap;
	uint32_t n, max; /* in the heap; of all */
	struct htab by_addr;
	uint64_t last_number;
	uint64_t now;
	const struct timer *running;
};

FALLIBLE vm_timers_new(uint32_t max, struct vm_timers **out)
{
	struct vm_timers *t = calloc(1, sizeof *t);

	if (!t)
		return E_NOMEM;
	t->max = max;
	t->all = calloc(max, sizeof *t->all);
	t->heap = calloc(max, sizeof(struct timer *));
	if (!t->all || !t->heap || htab_init(&t->by_addr, (size_t)max + 1) != E_OK) {
		free(t->all);
		free(t->heap);
		free(t);
		return E_NOMEM;
	}
	for (uint32_t i = 0; i < max; i++) {
		t->all[i].next_free = t->free;
		t->free = &t->all[i];
	}
	*out = t;
	return E_OK;
}

void vm_timers_free(struct vm_timers *t)
{
	if (!t)
		return;
	htab_done(&t->by_addr);
	free(t->all);
	free(t->heap);
	free(t);
}

/* --- the heap --- */

static void put_at(struct vm_timers *t, uint32_t i, struct timer *x)
{
	t->heap[i] = x;
	x->place = i;
}

static void sift_up(struct vm_timers *t, uint32_t i, struct timer *x)
{
	for (; i && t->heap[(i - 1) / 2]->due > x->due; i = (i - 1) / 2)
		put_at(t, i, t->heap[(i - 1) / 2]);
	put_at(t, i, x);
}

static void sift_down(struct vm_timers *t, uint32_t i, struct timer *x)
{
	for (uint32_t child; (child = 2 * i + 1) < t->n; i = child) {
		if (child + 1 < t->n && t->heap[child + 1]->due < t->heap[child]->due)
			child++;
		if (t->heap[child]->due >= x->due)
			break;
		put_at(t, i, t->heap[child]);
	}
	put_at(t, i, x);
}

static bool stop_waiting(struct vm_timers *t, struct timer *x)
{
	uint32_t i = x->place;
	struct timer *last;

	if (i == NOT_WAITING)
		return false;
	x->place = NOT_WAITING;
	last = t->heap[--t->n];
	if (last == x)
		return true;
	if (i && t->heap[(i - 1) / 2]->due > last->due)
		sift_up(t, i, last);
	else
		sift_down(t, i, last);
	return true;
}

/* --- the table --- */

static void give_up(struct vm_timers *t, struct timer *x)
{
	(void)stop_waiting(t, x);
	htab_del(&t->by_addr, &x->node);
	x->addr = 0;
	x->next_free = t->free;
	t->free = x;
}

static struct timer *at_addr(const struct vm_timers *t, uint64_t addr)
{
	struct hnode *n = htab_first(&t->by_addr, hash_u64(addr));

	while (n && ((struct timer *)(void *)n)->addr != addr)
		n = htab_next(n);
	return (struct timer *)(void *)n;
}

/* The value still says that it is this timer. Other threads may write to it. */
static bool is_whole(const struct timer *x)
{
	return __atomic_load_n((const uint64_t *)(uintptr_t)x->addr, __ATOMIC_RELAXED) == x->number;
}

/* The timer at an address; what the value has given up is not found. */
static struct timer *find(struct vm_timers *t, uint64_t addr)
{
	struct timer *x = t ? at_addr(t, addr) : NULL;

	if (!x || is_whole(x))
		return x;
	give_up(t, x);
	return NULL;
}

void vm_timers_drop(struct vm_timers *t, const struct vm_prog *vp)
{
	for (uint32_t i = 0; i < t->max; i++)
		if (t->all[i].addr && t->all[i].vp == vp)
			give_up(t, &t->all[i]);
}

/* --- what programs do --- */

static const struct map *map_around(const struct vm_prog *vp, uint64_t addr)
{
	for (uint32_t i = 0; i < vp->n_maps; i++)
		if (addr - vp->windows[i].base < vp->windows[i].bytes)
			return vp->windows[i].map;
	return NULL;
}

static int64_t timer_init(struct helper_env *env, uint64_t addr, const struct map *map, uint64_t flags)
{
	const struct vm_prog *vp = vm_run_of(env)->vp;
	struct vm_timers *t = env->timers;
	struct timer *x;

	if (map_around(vp, addr) != map || (flags != 0 && flags != 1 && flags != 7)) /* the clocks of Linux */
		return -EINVAL;
	if (!t)
		return -EPERM;
	if (find(t, addr))
		return -EBUSY;
	x = t->free;
	if (!x)
		return -ENOMEM;
	t->free = x->next_free;
	*x = (struct timer){ .addr = addr, .number = ++t->last_number, .map = map, .vp = vp, .place = NOT_WAITING };
	htab_add(&t->by_addr, &x->node, hash_u64(addr));
	memset((void *)(uintptr_t)addr, 0, HELPER_TIMER_BYTES);
	__atomic_store_n((uint64_t *)(uintptr_t)addr, x->number, __ATOMIC_RELAXED);
	return 0;
}

static int64_t timer_set_callback(struct helper_env *env, uint64_t addr, uint64_t func)
{
	struct timer *x = find(env->timers, addr);

	if (!x)
		return -EINVAL;
	x->vp = vm_run_of(env)->vp;
	x->func = func;
	return 0;
}

static int64_t timer_start(struct helper_env *env, uint64_t addr, uint64_t ns, uint64_t flags)
{
	struct vm_timers *t = env->timers;
	struct timer *x = find(t, addr);
	uint64_t now;

	if (!x || !x->func || flags & ~(uint64_t)KNOWN_FLAGS)
		return -EINVAL;
	(void)stop_waiting(t, x);
	now = env->now_ns ? env->now_ns(env) : t->now;
	x->due = flags & FLAG_ABSOLUTE ? ns : now + ns < now ? UINT64_MAX : now + ns;
	sift_up(t, t->n++, x);
	return 0;
}

static int64_t timer_cancel(struct helper_env *env, uint64_t addr)
{
	struct timer *x = find(env->timers, addr);

	if (!x)
		return -EINVAL;
	if (x == env->timers->running)
		return -EDEADLK;
	return stop_waiting(env->timers, x);
}

void vm_timers_bind(struct helper_vm *vm)
{
	vm->timer_init = timer_init;
	vm->timer_set_callback = timer_set_callback;
	vm->timer_start = timer_start;
	vm->timer_cancel = timer_cancel;
}

/* --- what the host does --- */

uint64_t vm_timers_next_ns(const struct vm_timers *t)
{
	return t->n ? t->heap[0]->due : UINT64_MAX;
}

static uint64_t ref_of(const struct vm_prog *vp, const struct map *map)
{
	uint32_t i = 0;

	while (i < vp->n_maps && vp->maps[i] != map)
		i++;
	return VM_MAP_REF + i;
}

/* The key of the element in whose value the timer lies; false: there is none any more. */
static bool key_of(const struct timer *x, void *key, uint64_t *value)
{
	struct map *m = (struct map *)(uintptr_t)x->map;
	uint64_t stride = ((uint64_t)map_def(m)->value_size + 7) & ~UINT64_C(7);
	struct map_cursor at;
	uint8_t *base;
	size_t bytes;
	bool writable;
	void *found;

	map_values(m, &base, &bytes, &writable);
	at.at = (uint32_t)((x->addr - (uint64_t)(uintptr_t)base) / stride);
	*value = (uint64_t)(uintptr_t)base + at.at * stride;
	return map_each(m, &at, 0, key, &found) && (uint64_t)(uintptr_t)found == *value;
}

FALLIBLE vm_timers_run(struct vm_timers *t, struct vm *v, uint64_t now_ns, const struct vm_run_args *args,
		       uint32_t *ret_n, struct vm_fault *fault, struct diag *d)
{
	enum err e = E_OK;

	*ret_n = 0;
	t->now = now_ns;
	/* One that starts itself again, for now or before, waits for the next call. */
	for (uint32_t most = t->n; e == E_OK && most && t->n && t->heap[0]->due <= now_ns; most--) {
		struct timer *x = t->heap[0];
		uint64_t key[HELPER_LEND_MAX / 8], a[ABI_MAX_ARGS] = { ref_of(x->vp, x->map) };

		(void)stop_waiting(t, x);
		if (!is_whole(x) || !key_of(x, key, &a[2])) {
			give_up(t, x);
			continue;
		}
		t->running = x;
		e = vm_run_callback(v, x->vp, args, x->func, (struct view){ (uint8_t *)key, map_def(x->map)->key_size },
				    a, fault, d);
		t->running = NULL;
		++*ret_n;
	}
	return e;
}
