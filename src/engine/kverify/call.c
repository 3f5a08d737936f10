/* SPDX-License-Identifier: Apache-2.0 */
/* call: a call is of a helper, of a function of the program, or of a kfunc; and some may not be made while a lock is
 * held. */
#include "engine/kverify/call_internal.h"

/* Linux: kernel/bpf/verifier.c:do_check, BPF_CALL, v6.1, v6.12; do_check_insn, v7.2 */
static FALLIBLE check_locked(struct kverifier *v, const struct isa_insn *in)
{
	bool allowed = false;

	if (!v->cur.active_locks)
		return E_OK;
	if (in->aux == ISA_CALL_LOCAL)
		allowed = khas(v, KERNEL_LOCK_CALLS_STATIC);
	else if (in->aux == ISA_CALL_HELPER)
		allowed = in->imm == HELPER_SPIN_UNLOCK ||
			  (in->imm == HELPER_KPTR_XCHG && khas(v, KERNEL_LOCK_KPTR_XCHG));
	else
		allowed = kkfunc_allowed_locked(v, in);
	if (!allowed)
		KREJECT(v, CALL_LOCKED, "function calls are not allowed while holding a lock");
	return E_OK;
}

FALLIBLE kcheck_call(struct kverifier *v, const struct isa_insn *in)
{
	if (in->sem == ISA_CALLX)
		KUNSUPPORTED(v, "a call through a register");
	TRY(check_locked(v, in));
	switch ((enum isa_call)in->aux) {
	case ISA_CALL_HELPER:
		return kcheck_helper_call(v, in);
	case ISA_CALL_LOCAL:
		return kcheck_func_call(v, in);
	case ISA_CALL_KFUNC:
		break;
	}
	return kcheck_kfunc_call(v, in);
}
