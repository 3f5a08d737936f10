/* SPDX-License-Identifier: Apache-2.0 */
#include "zone_files.h"

#include <time.h>

struct view zone_file(void *user, const char *name)
{
	static char *bytes;
	char path[512];
	struct diag d;
	size_t len;

	free(bytes);
	bytes = NULL;
	(void)snprintf(path, sizeof path, "%s/%s", user ? (const char *)user : "/usr/share/zoneinfo", name);
	if (io_read_file(path, 65536, &bytes, &len, &d) != E_OK)
		return view_of(NULL, 0);
	return view_of(bytes, len);
}

void zone_libc_set(const char *name)
{
	char tz[128];

	(void)snprintf(tz, sizeof tz, ":%s", name);
	(void)setenv("TZ", tz, 1);
	tzset();
}

long zone_libc_east(int64_t t)
{
	time_t when = (time_t)t;
	struct tm tm;

	return localtime_r(&when, &tm) ? tm.tm_gmtoff : -1;
}
