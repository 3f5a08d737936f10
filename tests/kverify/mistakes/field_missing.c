/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's struct has no such field. kernel: 6.12 */
#include "mistake.h"

struct task_struct {
	int pid;
	int cpu_number;
} __attribute__((preserve_access_index));

SEC("kprobe/do_nanosleep")
int peek(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	int cpu = 0;

#ifdef MENDED
	if (__builtin_preserve_field_info(task->cpu_number, 2))
#endif
		bpf_probe_read_kernel(&cpu, sizeof cpu, &task->cpu_number);
	return cpu;
}
LICENSE("GPL");
