/* SPDX-License-Identifier: Apache-2.0 */
/* profiles: the releases and their limits, and which of them a name or a version means. */
#include "engine/kernel/kernel.h"

/* For whoever has CAP_BPF. Each stands in all of v5.10, v6.1, v6.12 and v7.2 with the same value, unless profiles.def
 * has it. */
enum {
	/* include/linux/bpf.h:BPF_COMPLEXITY_LIMIT_INSNS; bpf_prog_load takes it as the limit of a program's length too
	 */
	STEPS = 1000000,
	/* kernel/bpf/verifier.c:BPF_COMPLEXITY_LIMIT_JMP_SEQ */
	BRANCHES = 8192,
	/* include/linux/filter.h:MAX_BPF_STACK */
	STACK_BYTES = 512,
	/* include/linux/bpf_verifier.h:BPF_MAX_SUBPROGS */
	SUBPROGS = 256,
	/* include/linux/bpf_verifier.h:MAX_USED_MAPS */
	MAPS = 64,
	/* kernel/bpf/verifier.c:check_max_stack_depth: what callers may have on the stack when a function makes a tail
	   call */
	TAIL_CALL_STACK = 256,
};

const struct kernel_profile kernel_profiles[] = {
#define PROFILE(major, minor, measured_, frames_) \
	{ .name = #major "." #minor,              \
	  .version = KERNEL_V(major, minor),      \
	  .measured = measured_,                  \
	  .limits = { .insns = STEPS,             \
		      .steps = STEPS,             \
		      .branches = BRANCHES,       \
		      .stack_bytes = STACK_BYTES, \
		      .frames = frames_,          \
		      .subprogs = SUBPROGS,       \
		      .maps = MAPS,               \
		      .tail_call_stack = TAIL_CALL_STACK } },
#include "engine/kernel/profiles.def"
#undef PROFILE
};
const size_t kernel_n_profiles = countof(kernel_profiles);

/* A number of at most three digits; -1: there is none. */
static int read_number(const char **p)
{
	int v = 0, digits = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++) {
		if (++digits > 3)
			return -1;
		v = v * 10 + (**p - '0');
	}
	return digits ? v : -1;
}

uint16_t kernel_version(const char *name)
{
	const char *p = name + (*name == 'v');
	int major = read_number(&p), minor;

	if (major < 0 || major > UINT8_MAX || *p++ != '.')
		return 0;
	minor = read_number(&p);
	if (minor < 0 || minor > UINT8_MAX || (*p && *p != '.' && *p != '-' && *p != '+'))
		return 0;
	return KERNEL_V(major, minor);
}

const struct kernel_profile *kernel_profile_for(uint16_t version)
{
	const struct kernel_profile *best = NULL;

	for (size_t i = 0; i < kernel_n_profiles && kernel_profiles[i].version <= version; i++)
		best = &kernel_profiles[i];
	return best;
}

const struct kernel_profile *kernel_profile(const char *name)
{
	uint16_t version = name ? kernel_version(name) : 0;
	const struct kernel_profile *p = kernel_profile_for(version);

	return p && p->version == version ? p : NULL;
}
