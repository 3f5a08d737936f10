/* SPDX-License-Identifier: Apache-2.0 */
/* lsm: in which security hooks a program may sleep. */
#include <string.h>

#include "engine/kernel/kernel.h"

static const struct {
	const char *name;
	uint16_t since, until;
} hooks[] = {
#define V(major, minor) KERNEL_V(major, minor)
#define ALWAYS KERNEL_ALWAYS
#define NOW KERNEL_NOT_YET
#define LSM_HOOK(name, since, until) { #name, since, until },
#include "engine/kernel/lsm_hooks.def"
#undef LSM_HOOK
};

bool kernel_lsm_hook_sleeps(const struct kernel_profile *k, const char *hook)
{
	if (!strncmp(hook, "bpf_lsm_", 8))
		hook += 8;
	for (size_t i = 0; i < countof(hooks); i++)
		if (!strcmp(hooks[i].name, hook))
			return k->version >= hooks[i].since && k->version < hooks[i].until;
	return false;
}
