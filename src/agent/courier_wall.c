/* SPDX-License-Identifier: Apache-2.0 */
/* courier_wall: the walls around the courier. */
#include "agent/confine.h"
#include "agent/courier_parts.h"

enum { MEMORY_BYTES = 192 << 20 };

FALLIBLE courier_confine(const struct courier_settings *s, struct diag *d)
{
	/* Where resolvers look: resolv.conf, hosts, nsswitch.conf, gai.conf, and who keeps the first of them current.
	 */
	static const char *const dirs[] = { "/etc", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager" };
	bool files;

	TRY(confine_memory(MEMORY_BYTES));
	TRY(confine_privileges(NULL, s->uid, d));
	TRY(confine_files(dirs, countof(dirs), courier_repository_dir(s), &files, d));
	if (!files)
		log_info("courier: this kernel has no Landlock, files that everybody may read can be read");
	return E_OK;
}
