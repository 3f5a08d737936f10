/* SPDX-License-Identifier: Apache-2.0 */
/* An enumeration out of .kconfig. */
#include "conf.h"

enum tristate { TRI_NO, TRI_YES, TRI_MODULE };
CONFIG(enum tristate, CONFIG_TRI, TRI_MODULE);

SEC("conf") u64 entry(u64 *ctx)
{
	return CONFIG_TRI == TRI_MODULE ? ctx[3] : CONFIG_TRI;
}
