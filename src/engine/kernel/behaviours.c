/* SPDX-License-Identifier: Apache-2.0 */
/* behaviours: the table of behaviours.def. */
#include "engine/kernel/kernel.h"

const struct kernel_behaviour_row kernel_behaviours[KERNEL_N_BEHAVIOURS] = {
#define BEHAVIOUR(name, since, until, source, text) { #name, since, until, source, text },
#include "engine/kernel/behaviours.def"
#undef BEHAVIOUR
};
