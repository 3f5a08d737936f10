/* SPDX-License-Identifier: Apache-2.0 */
/* types.c: what stands for the kernel's types, so that the diagnostics do not depend on the machine. */
struct list_head {
	struct list_head *next, *prev;
};
struct task_struct {
	int pid, tgid;
	char comm[16];
	struct task_struct *parent;
	struct list_head tasks;
};
struct file {
	unsigned flags;
};
struct bpf_iter_num {
	unsigned long long opaque[1];
};
struct task_struct task;
struct file file;
struct bpf_iter_num iter;
