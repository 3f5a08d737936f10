/* SPDX-License-Identifier: Apache-2.0 */
#include "zone_files.h"

#include <time.h>

struct view zone_file(void *user, const char *name)
{
	static struct policy_zone_files files;

	files.dir = user;
	return policy_zone_file(&files, name);
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
