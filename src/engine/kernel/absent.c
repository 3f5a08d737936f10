/* SPDX-License-Identifier: Apache-2.0 */
/* absent: weak definitions, each replaced by its module. */
#include "engine/isa/isa.h"
#include "engine/kernel/kernel.h"
#define U __attribute__((unused))
#define W __attribute__((weak))
