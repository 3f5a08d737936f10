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
ABSENT(kkfunc_callback_args, struct kverifier *v, U enum kcallback kind, U const struct kframe *caller, U struct kframe *f)
__attribute__((weak)) enum kcallback kkfunc_callback(U const struct kverifier *v, U const struct isa_insn *in) { return KCB_NONE; }
__attribute__((weak)) bool kkfunc_allowed_locked(U const struct kverifier *v, U const struct isa_insn *in) { return false; }
