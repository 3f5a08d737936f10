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
ABSENT(kprecise_reg, struct kverifier *v, U unsigned r)
ABSENT(khist_push, struct kverifier *v, U uint32_t flags, U uint64_t linked)
ABSENT(khist_stack, struct kverifier *v, U uint32_t frame, U uint32_t spi, U uint32_t flags)
__attribute__((weak)) FALLIBLE klive_compute(U struct kverifier *v) { return E_OK; }
__attribute__((weak)) FALLIBLE klive_slot_read(U struct kverifier *v, U uint32_t frame, U uint32_t spi) { return E_OK; }
__attribute__((weak)) void klive_slot_written(U struct kverifier *v, U uint32_t frame, U uint32_t spi) {}
__attribute__((weak)) FALLIBLE kprune_visit(U struct kverifier *v, bool *covered) { *covered = false; return E_OK; }
__attribute__((weak)) FALLIBLE kprune_path_end(U struct kverifier *v) { return E_OK; }
__attribute__((weak)) void kprune_reset(U struct kverifier *v) {}
__attribute__((weak)) FALLIBLE kscc_compute(U struct kverifier *v) { return E_OK; }
ABSENT(kprecise_slot, struct kverifier *v, U uint32_t frame, U uint32_t spi)
__attribute__((weak)) void kwiden(U struct kverifier *v, U const struct kverify_state *kept, U uint32_t insn, U struct kverify_state *s) {}
__attribute__((weak)) void klive_pass(U struct kframe *to, U unsigned r, U const struct kframe *from, U unsigned from_r) {}
ABSENT(kkfunc_callback_args, struct kverifier *v, U enum kcallback kind, U const struct kframe *caller, U struct kframe *f)
__attribute__((weak)) enum kcallback kkfunc_callback(U const struct kverifier *v, U const struct isa_insn *in) { return KCB_NONE; }
__attribute__((weak)) bool kkfunc_allowed_locked(U const struct kverifier *v, U const struct isa_insn *in) { return false; }
__attribute__((weak)) uint64_t klinked_pack(U const struct klinked *l) { return 0; }
__attribute__((weak)) void kprune_widen(U struct kverifier *v, U struct kverify_state *s) {}
ABSENT(kreg_read, struct kverifier *v, U unsigned r)
ABSENT(kreg_write, struct kverifier *v, U unsigned r, U bool mark_unknown)
