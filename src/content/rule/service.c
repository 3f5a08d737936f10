/* SPDX-License-Identifier: Apache-2.0 */
/* service: ports by the names of well-known services. */
#include "content/rule/internal.h"

static const struct {
	const char *name;
	uint16_t port;
} services[] = {
#define SERVICE(name, port) { name, port },
#include "content/rule/services.def"
#undef SERVICE
};

uint16_t rule_service_port(const char *name, size_t len)
{
	size_t lo = 0, hi = countof(services);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strncmp(name, services[mid].name, len);

		if (!order && services[mid].name[len])
			order = -1; /* the name is only the beginning of the row's */
		if (!order)
			return services[mid].port;
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return 0;
}
