/* SPDX-License-Identifier: Apache-2.0 */
/* behaviours: the ways in which releases judge otherwise, as a table. */
#include "engine/kernel/kernel.h"

const struct kernel_behaviour_row kernel_behaviours[KERNEL_N_BEHAVIOURS] = {
#define BEHAVIOUR(name_, since_, until_, source_, text_) \
	[KERNEL_##name_] = { .name = #name_, .since = since_, .until = until_, .source = source_, .text = text_ },
#include "engine/kernel/behaviours.def"
#undef BEHAVIOUR
};
