/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A variable that nobody has.
 *
 * refuse E227 'host_unheard' is defined neither in this file nor by who loads it
 */
#include "conf.h"

extern u64 host_unheard;

SEC("conf") u64 entry(u64 *ctx)
{
	return host_unheard + ctx[0];
}
