/* SPDX-License-Identifier: Apache-2.0 */
/* The address of a task is followed as if it were the program's own memory. kernel: 6.12 */
#include "mistake.h"

struct task_struct {
	int pid, tgid;
};

SEC("kprobe/do_nanosleep")
int peek(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

#ifdef MENDED
	int tgid = 0;

	bpf_probe_read_kernel(&tgid, sizeof tgid, &task->tgid);
	return tgid;
#else
	return task->tgid;
#endif
}
LICENSE("GPL");
