/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arch_x86_64: where x86-64 keeps a system call's number, entry and arguments.
 *
 * The arguments are still in pt_regs when the call exits; only rax was overwritten (arch/x86/entry/common.c).
 */
#ifndef SALLYPORT_SENSOR_BPF_ARCH_H
#define SALLYPORT_SENSOR_BPF_ARCH_H

enum {
	ARCH_X32_BIT = 0x40000000, /* arch/x86/include/uapi/asm/unistd.h: the x32 entry, with our numbers unchanged */
	ARCH_X32_FIRST = 512,      /* from here on numbers are x32's own: calls whose structures have 32-bit pointers */
	ARCH_TS_COMPAT = 2,        /* arch/x86/include/asm/thread_info.h: the 32-bit entry is in use */
};

static __always_inline u32 arch_syscall_nr(const struct pt_regs *regs)
{
	return (u32)regs->orig_ax & ~ARCH_X32_BIT;
}

/* Costs a helper call: ask only for numbers that matter. */
static __always_inline bool arch_is_compat(const struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_info.status) & ARCH_TS_COMPAT;
}

static __always_inline void arch_syscall_args(const struct pt_regs *regs, bool compat, u64 *arg)
{
	if (compat) {
		arg[0] = (u32)regs->bx;
		arg[1] = (u32)regs->cx;
		arg[2] = (u32)regs->dx;
		arg[3] = (u32)regs->si;
		arg[4] = (u32)regs->di;
		arg[5] = (u32)regs->bp;
	} else {
		arg[0] = regs->di;
		arg[1] = regs->si;
		arg[2] = regs->dx;
		arg[3] = regs->r10;
		arg[4] = regs->r8;
		arg[5] = regs->r9;
	}
}

#endif
