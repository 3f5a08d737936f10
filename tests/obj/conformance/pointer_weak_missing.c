/* SPDX-License-Identifier: Apache-2.0 */
/* Pointers in data to a weak variable that nobody has are 0. */
#include "conf.h"

extern const int host_nowhere EXTERN_SEC(".ksyms") WEAK;
const int *where[2] = { 0, &host_nowhere };

SEC("conf") u64 entry(u64 *ctx)
{
	return where[ctx[0] & 1] ? 1 : 2;
}
