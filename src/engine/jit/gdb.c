/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gdb: the list through which debuggers learn of native code.
 *
 * Layout and names are GDB's (source: GDB manual, JIT Interface). A debugger stops at __jit_debug_register_code and
 * reads the list; one that attaches later reads all of it. The symbols are the whole library's: visible in its dynamic
 * symbol table, so that stripping leaves them, and protected, so that a second JIT in the process keeps its own list.
 */
#include "engine/jit/impl.h"

#include <stdatomic.h>

enum jit_action { ACTION_NONE, ACTION_REGISTER, ACTION_UNREGISTER };

struct jit_gdb {
	struct jit_gdb *next, *prev;
	const uint8_t *object;
	uint64_t object_bytes;
	/* Ours, behind what the debugger reads. */
	struct arena arena;
};

struct descriptor {
	uint32_t version;
	uint32_t action; /* enum jit_action */
	struct jit_gdb *relevant, *first;
};

#define SEEN __attribute__((used, visibility("protected")))

SEEN struct descriptor __jit_debug_descriptor = { .version = 1 };
SEEN void __jit_debug_register_code(void);

/* The debugger has a breakpoint here. */
__attribute__((noinline)) void __jit_debug_register_code(void)
{
	__asm__ volatile("" ::: "memory");
}

static atomic_flag busy = ATOMIC_FLAG_INIT;

static void lock(void)
{
	while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
		;
}

static void tell(struct jit_gdb *g, enum jit_action action)
{
	__jit_debug_descriptor.relevant = g;
	__jit_debug_descriptor.action = action;
	__jit_debug_register_code();
	__jit_debug_descriptor.action = ACTION_NONE;
	__jit_debug_descriptor.relevant = NULL;
	atomic_flag_clear_explicit(&busy, memory_order_release);
}

FALLIBLE jit_gdb_register(struct jit_image *im, const struct jit_code *codes, const struct vm_prog *const *vps,
			  uint32_t n, struct diag *d)
{
	enum { MAX_BYTES = 512 << 20 };
	struct jit_gdb **slot = jit_image_gdb(im), *g;
	struct view object;
	enum err e;

	if (*slot)
		FAIL_ID(d, INVALID, 'J', 109, "the image is registered already");
	g = calloc(1, sizeof *g);
	if (!g)
		return E_NOMEM;
	arena_init(&g->arena, MAX_BYTES);
	e = jit_gdb_object(im, codes, vps, n, &g->arena, &object, d);
	if (e != E_OK) {
		arena_done(&g->arena);
		free(g);
		return e;
	}
	g->object = object.p;
	g->object_bytes = object.len;
	*slot = g;
	lock();
	g->next = __jit_debug_descriptor.first;
	if (g->next)
		g->next->prev = g;
	__jit_debug_descriptor.first = g;
	tell(g, ACTION_REGISTER);
	return E_OK;
}

void jit_gdb_unregister(struct jit_gdb *g)
{
	if (!g)
		return;
	lock();
	if (g->prev)
		g->prev->next = g->next;
	else
		__jit_debug_descriptor.first = g->next;
	if (g->next)
		g->next->prev = g->prev;
	tell(g, ACTION_UNREGISTER);
	arena_done(&g->arena);
	free(g);
}
