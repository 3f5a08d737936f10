/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync: a word that is both spinlock and version, and copies that may race.
 *
 * The word is odd while a writer is at work and rises by two with each. Writers hold it for a few stores. Readers take
 * nothing: they read, and look whether the word changed meanwhile (a sequence lock: H.-J. Boehm, "Can seqlocks get
 * along with programming language memory models?", MSPC 2012). What they read meanwhile may be torn or stale, so all
 * that both sides touch is atomic words, and whoever follows links bounds his steps.
 */
#ifndef SALLYPORT_ENGINE_MAPS_SYNC_H
#define SALLYPORT_ENGINE_MAPS_SYNC_H

#include "base/base.h"

#include <sched.h>
#include <stdatomic.h>

typedef _Atomic uint32_t seq_word;

#if defined(__x86_64__)
#define CPU_RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define CPU_RELAX() __asm__ volatile("yield")
#else
#define CPU_RELAX() ((void)0)
#endif

enum { SPINS_BEFORE_YIELD = 64, SEQ_TRIES = 64 };

/* Wait a moment, the longer the more often; the thread that holds the lock may have lost its CPU. */
static inline void seq_pause(unsigned tries)
{
	if (tries < SPINS_BEFORE_YIELD)
		CPU_RELAX();
	else
		sched_yield();
}

static inline void seq_lock(seq_word *s)
{
	for (unsigned tries = 0;; tries++) {
		uint32_t v = atomic_load_explicit(s, memory_order_relaxed);

		if (!(v & 1) &&
		    atomic_compare_exchange_weak_explicit(s, &v, v + 1, memory_order_acquire, memory_order_relaxed))
			break;
		seq_pause(tries);
	}
	atomic_thread_fence(memory_order_release); /* the odd word is seen before what is written under it */
}

static inline void seq_unlock(seq_word *s)
{
	atomic_store_explicit(s, atomic_load_explicit(s, memory_order_relaxed) + 1, memory_order_release);
}

/* False: a writer is at work. */
static inline bool seq_begin(seq_word *s, uint32_t *ret_version)
{
	*ret_version = atomic_load_explicit(s, memory_order_acquire);
	return !(*ret_version & 1);
}

/* Nobody wrote since seq_begin: what was read in between is of one moment. */
static inline bool seq_same(seq_word *s, uint32_t version)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(s, memory_order_relaxed) == version;
}

/* ---- words ---- */

static inline uint32_t get32(const _Atomic uint32_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

static inline void put32(_Atomic uint32_t *p, uint32_t v)
{
	atomic_store_explicit(p, v, memory_order_relaxed);
}

static inline uint64_t get64(const _Atomic uint64_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

static inline void put64(_Atomic uint64_t *p, uint64_t v)
{
	atomic_store_explicit(p, v, memory_order_relaxed);
}

/* The last n < 8 bytes of something, as a word; or n == 8. */
static inline uint64_t word_of(const uint8_t *p, size_t n)
{
	uint64_t w = 0;
	uint32_t half;

	if (n == 8) {
		memcpy(&w, p, 8);
		return w;
	}
	if (n == 4) {
		memcpy(&half, p, 4);
		return half;
	}
	memcpy(&w, p, n);
	return w;
}

/* to: aligned to 8, with room for whole words. from: any address. */
static inline void words_store(void *to, const void *from, size_t bytes)
{
	_Atomic uint64_t *w = to;
	const uint8_t *p = from;

	for (; bytes >= 8; bytes -= 8, p += 8)
		put64(w++, word_of(p, 8));
	if (bytes)
		put64(w, word_of(p, bytes));
}

static inline void words_load(void *to, const void *from, size_t bytes)
{
	const _Atomic uint64_t *w = from;
	uint8_t *p = to;
	uint64_t v;

	for (; bytes >= 8; bytes -= 8, p += 8) {
		v = get64(w++);
		memcpy(p, &v, 8);
	}
	if (bytes) {
		v = get64(w);
		memcpy(p, &v, bytes);
	}
}

static inline void words_zero(void *to, size_t bytes)
{
	_Atomic uint64_t *w = to;

	for (; bytes; bytes -= bytes < 8 ? bytes : 8)
		put64(w++, 0);
}

#endif
