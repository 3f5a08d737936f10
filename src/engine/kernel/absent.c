/* SPDX-License-Identifier: Apache-2.0 */
/* absent: weak definitions, each replaced by its module. */
#include "engine/isa/isa.h"
#include "engine/kernel/kernel.h"
#define U __attribute__((unused))
#define W __attribute__((weak))
W const struct kernel_profile kernel_profiles[] = { { "6.18", KERNEL_V(6, 18), true, { 1000000, 1000000, 8192, 512, 8, 256, 64, 256 } } };
W const size_t kernel_n_profiles = 1;
W const struct kernel_profile *kernel_profile(U const char *name) { return &kernel_profiles[0]; }
W const struct kernel_prog_type *kernel_prog_type(U const struct kernel_profile *k, U uint32_t type) { static const struct kernel_prog_type t = { 1, "?", 0, KERNEL_NOT_YET, NULL }; return &t; }
W const char *kernel_prog_type_name(U uint32_t type) { return NULL; }
W enum kernel_refusal kernel_helper(U const struct kernel_profile *k, U const struct kernel_target *t, U uint32_t id, U const struct kernel_proto **out) { return KERNEL_NO_HELPER; }
W const struct kernel_map_kind *kernel_map_kind(U const struct kernel_profile *k, U uint32_t kind) { static const struct kernel_map_kind m = { 1, "?", 0, KERNEL_NOT_YET }; return &m; }
W const char *kernel_map_kind_name(U uint32_t kind) { return NULL; }
W const char *kernel_map_prog(U const struct kernel_profile *k, U const struct kernel_target *t, U uint32_t kind) { return NULL; }
W uint16_t kernel_insn_since(U const struct isa_insn *in) { return 0; }
W bool kernel_type_is(U const struct kernel_profile *k, U const struct kernel_target *t, U enum kernel_type_fact f) { return true; }
W const char *kernel_helper_name(U uint32_t id) { return NULL; }
W const struct kernel_profile *kernel_profile_for(U uint16_t version) { return &kernel_profiles[0]; }
W bool kernel_section(U const char *section, U struct kernel_target *out, U const char **attach) { return false; }
