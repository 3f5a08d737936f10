/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine_sanitized: a build with run-time checks by the compiler reserves terabytes of addresses, and its reports ask
 * the system more. Never shipped: meson picks this file when b_sanitize is set.
 */
#include "agent/confine.h"

#include <sys/syscall.h>

const uint64_t confine_address_slack = UINT64_MAX;
const uint32_t confine_extra_calls[] = {
	SYS_sigaltstack,
	SYS_sched_getaffinity,
	SYS_readlinkat,
	SYS_prlimit64,
	SYS_process_vm_readv,
	SYS_pipe2,
	SYS_ioctl,
	SYS_getcwd,
	SYS_uname,
};
const size_t confine_n_extra_calls = countof(confine_extra_calls);
