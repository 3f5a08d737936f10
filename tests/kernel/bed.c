/* SPDX-License-Identifier: Apache-2.0 */
/* bed: programs through bpf(2). */
#include "bed.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef BPF_F_SLEEPABLE
#define BPF_F_SLEEPABLE (1U << 4)
#endif

struct bed_insn bed_op(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	return (struct bed_insn){ .code = code, .regs = (uint8_t)(dst | src << 4), .off = off, .imm = imm };
}

void bed_add(struct bed_prog *p, struct bed_insn in)
{
	assert(p->n < BED_INSNS && "programs of the bed are short");
	p->insn[p->n++] = in;
}

void bed_end(struct bed_prog *p, int32_t value)
{
	bed_add(p, bed_op(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value));
	bed_add(p, bed_op(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

void bed_load(const struct kernel_target *t, const struct bed_prog *p, uint32_t log_level, struct bed_verdict *out)
{
	union bpf_attr a;
	int fd;

	memset(&a, 0, sizeof a);
	a.prog_type = t->prog_type;
	a.expected_attach_type = t->attach_type;
	a.insns = (uint64_t)(uintptr_t)p->insn;
	a.insn_cnt = p->n;
	a.license = (uint64_t)(uintptr_t) "GPL";
	a.attach_btf_id = p->btf_id;
	a.prog_flags = t->sleepable ? BPF_F_SLEEPABLE : 0;
	out->log[0] = 0;
	if (log_level) {
		a.log_level = log_level;
		a.log_buf = (uint64_t)(uintptr_t)out->log;
		a.log_size = BED_LOG;
	}
	do
		fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof a);
	while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	out->accepted = fd >= 0;
	out->error = fd < 0 ? errno : 0;
	if (fd >= 0)
		(void)close(fd);
}

const struct kernel_profile *bed_profile(char *why, size_t n)
{
	struct kernel_target t = { .prog_type = KPROG_KPROBE };
	const struct kernel_profile *k;
	struct bed_verdict v;
	struct bed_prog p = { .n = 0 };
	struct utsname u;

	if (uname(&u) < 0)
		return NULL;
	k = kernel_profile(u.release);
	if (!k)
		(void)snprintf(why, n, "no profile is that of the running kernel, %s", u.release);
	bed_end(&p, 0);
	bed_load(&t, &p, BED_QUIET, &v);
	if (!v.accepted)
		(void)snprintf(why, n, "bpf(2): %s", strerror(v.error));
	return v.accepted ? k : NULL;
}
