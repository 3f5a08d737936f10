/* SPDX-License-Identifier: Apache-2.0 */
/* span: a length of time, for people. */
#include "release/policy/internal.h"

void policy_put_span(struct buf *out, uint64_t s)
{
	static const struct {
		uint64_t s;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	size_t i = 0;

	while (i + 1 < countof(units) && s < units[i].s)
		i++;
	buf_printf(out, "%llu %s", (unsigned long long)(s / units[i].s), units[i].name);
	if (i + 1 < countof(units) && s % units[i].s / units[i + 1].s)
		buf_printf(out, " %llu %s", (unsigned long long)(s % units[i].s / units[i + 1].s), units[i + 1].name);
}
