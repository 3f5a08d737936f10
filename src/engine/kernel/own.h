/* SPDX-License-Identifier: Apache-2.0 */
/* own: what the files of kernel share about profiles that were refined by a kernel's own types. */
#ifndef SALLYPORT_ENGINE_KERNEL_OWN_H
#define SALLYPORT_ENGINE_KERNEL_OWN_H

#include "engine/kernel/kernel.h"

static inline bool own_has(const uint64_t *set, size_t i)
{
	return set[i / 64] >> (i % 64) & 1;
}

static inline void own_set(uint64_t *set, size_t i, bool yes)
{
	uint64_t bit = UINT64_C(1) << (i % 64);

	set[i / 64] = yes ? set[i / 64] | bit : set[i / 64] & ~bit;
}

/* What came with a later release than the profile's is as in that release. */
static inline uint16_t kernel_as_of(const struct kernel_profile *k, uint16_t since)
{
	return k->own && since != KERNEL_NOT_YET && since > k->version ? since : k->version;
}

/* The first row of this name, or where it would stand. */
size_t kernel_kfunc_first(const char *name);

#endif
