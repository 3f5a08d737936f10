/* SPDX-License-Identifier: Apache-2.0 */
/* files: zones from where the system keeps them. */
#include "release/policy/internal.h"

struct view policy_zone_file(void *user, const char *name)
{
	struct policy_zone_files *f = user;
	char path[512];
	size_t len;

	free(f->bytes);
	f->bytes = NULL;
	(void)snprintf(path, sizeof path, "%s/%s", f->dir ? f->dir : "/usr/share/zoneinfo", name);
	if (io_read_file(path, ZONE_MAX_BYTES, &f->bytes, &len, NULL) != E_OK)
		return view_of(NULL, 0);
	return view_of(f->bytes, len);
}

void policy_zone_files_done(struct policy_zone_files *f)
{
	free(f->bytes);
	f->bytes = NULL;
}
