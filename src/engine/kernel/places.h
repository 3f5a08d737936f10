/* SPDX-License-Identifier: Apache-2.0 */
/* places: where programs stand when they ask for a helper, as bits. */
#ifndef SALLYPORT_ENGINE_KERNEL_PLACES_H
#define SALLYPORT_ENGINE_KERNEL_PLACES_H

#include "engine/kernel/kernel.h"

enum {
#define PLACE(name) PLACE_NUMBER_##name,
#define GROUP(name, places)
#include "engine/kernel/places.def"
#undef GROUP
#undef PLACE
	N_PLACES
};
_Static_assert(N_PLACES <= 64, "a set of places is a word");

/* The place of a target, as a set of one; 0: no place of any program that may call helpers. */
uint64_t kernel_place(const struct kernel_target *t);

#endif
