/* SPDX-License-Identifier: Apache-2.0 */
/* helper: the parts of a helper's call. Linux: kernel/bpf/verifier.c:check_helper_call */
#ifndef SALLYPORT_ENGINE_KVERIFY_HELPER_H
#define SALLYPORT_ENGINE_KVERIFY_HELPER_H

#include "engine/kverify/call_internal.h"

/* helper_extra.c: what is special to one helper, once the arguments are judged; callbacks begin here. */
FALLIBLE khelper_extra(struct kverifier *v, struct kcall *c, bool *changes_packet);
/* And what is, once the result is known. */
FALLIBLE khelper_after(struct kverifier *v, struct kcall *c, bool *changes_packet);
/* helper_ret.c: R0 to R5 of the caller's frame after the call. */
FALLIBLE khelper_result(struct kverifier *v, struct kframe *f, struct kcall *c);
/* helper_format.c: may this format stand for n values? Linux: bpf_bprintf_prepare */
bool kformat_ok(const struct kverifier *v, const char *fmt, size_t len, uint32_t n);

#endif
