/* SPDX-License-Identifier: Apache-2.0 */
/* absent: weak definitions, each replaced by its module. */
#include "engine/kverify/call_internal.h"

#define ABSENT(name, ...)                                       \
	__attribute__((weak)) FALLIBLE name(__VA_ARGS__)        \
	{                                                       \
		KUNSUPPORTED(v, "%s is not there", #name);      \
	}
#define U __attribute__((unused))
ABSENT(kcheck_kfunc_call, struct kverifier *v, U const struct isa_insn *in)
