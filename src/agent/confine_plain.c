/* SPDX-License-Identifier: Apache-2.0 */
/* confine_plain: what an ordinary build needs beyond the worker's own list: nothing. */
#include "agent/confine.h"

/* The program and its libraries, stacks, rings mapped twice over, the page. */
const uint64_t confine_address_slack = 256ull << 20;
const uint32_t confine_extra_calls[] = { UINT32_MAX }; /* no such call: C has no empty arrays */
const size_t confine_n_extra_calls = 0;
