/* SPDX-License-Identifier: Apache-2.0 */
/* Variables of .ksyms: the address is a number of the host. */
#include "conf.h"

KSYM(host_symbol, 0x123456789ab);
KSYM(host_other, 0x1000);

SEC("conf") u64 entry(u64 *ctx)
{
	return KSYM_ADDRESS(host_symbol) + ctx[0] * KSYM_ADDRESS(host_other);
}
