/* SPDX-License-Identifier: Apache-2.0 */
/* absent: weak definitions, each replaced by its module. */
#include "engine/isa/isa.h"
#include "engine/kernel/kernel.h"
#define U __attribute__((unused))
#define W __attribute__((weak))
W enum kernel_refusal kernel_helper(U const struct kernel_profile *k, U const struct kernel_target *t, U uint32_t id, U const struct kernel_proto **out) { return KERNEL_NO_HELPER; }
W const char *kernel_helper_name(U uint32_t id) { return NULL; }
W const struct kernel_map_kind *kernel_map_kind(U const struct kernel_profile *k, U uint32_t kind) { static const struct kernel_map_kind m = { 1, "?", 0, KERNEL_NOT_YET }; return &m; }
W const char *kernel_map_kind_name(U uint32_t kind) { return NULL; }
W const char *kernel_map_prog(U const struct kernel_profile *k, U const struct kernel_target *t, U uint32_t kind) { return NULL; }
