/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made_rows: programs about kernel functions and what values of maps hold, to begin mutations with.
 *
 * `call 9000 + i` is a call of the kernel function made_kfuncs[i]; `= 9900` the id of struct node. The first map's
 * values are of the struct that stands beside the text.
 */
#include "made_rows.h"

// clang-format off
const char *const made_kfuncs[] = {
	/*  0 */ "bpf_iter_num_new", "bpf_iter_num_next", "bpf_iter_num_destroy", "bpf_obj_new_impl", "bpf_obj_drop_impl",
	/*  5 */ "bpf_rcu_read_lock", "bpf_rcu_read_unlock", "bpf_preempt_disable", "bpf_preempt_enable", "bpf_task_from_pid",
	/* 10 */ "bpf_task_release", "bpf_local_irq_save", "bpf_local_irq_restore", "bpf_list_push_front_impl", "bpf_list_pop_front",
	/* 15 */ "bpf_rbtree_add_impl", "bpf_rbtree_first", "bpf_rbtree_remove", "bpf_res_spin_lock", "bpf_res_spin_unlock",
	/* 20 */ "bpf_dynptr_from_xdp", "bpf_dynptr_slice", "bpf_throw", "bpf_refcount_acquire_impl", "bpf_wq_init",
	/* 25 */ "bpf_wq_set_callback_impl", "bpf_wq_start", "bpf_task_acquire", "bpf_cpumask_create", "bpf_cpumask_release",
	/* 30 */ "bpf_iter_task_new", "bpf_iter_task_next", "bpf_iter_task_destroy", "bpf_rdonly_cast", "bpf_percpu_obj_new_impl",
	/* 35 */ "bpf_dynptr_clone", "bpf_dynptr_adjust", "bpf_cast_to_kern_ctx",
};
const size_t n_made_kfuncs = countof(made_kfuncs);

#define MAP ".map m, array, 4, 64, 1\n"
#define VALUE MAP "*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = m ll\ncall 1\nif r0 == 0 goto out\nr6 = r0\n"
#define NEW_NODE "r1 = 9900\nr2 = 0\ncall 9003\nif r0 == 0 goto out\nr7 = r0\n"
#define LOCK "r1 = r6\ncall 93\n"
#define UNLOCK "r1 = r6\ncall 94\n"
#define OUT "out:\nr0 = 0\nexit\n"

const struct made_row made_rows[] = {
	{ KPROG_XDP, NULL, "r1 = r10\nr1 += -8\nr2 = 0\nr3 = 10\ncall 9000\nr8 = 0\nagain:\nr1 = r10\nr1 += -8\ncall 9001\nif r0 == 0 goto done\n"
	  "r1 = *(u32 *)(r0 + 0)\nr8 += r1\ngoto again\ndone:\nr1 = r10\nr1 += -8\ncall 9002\n" OUT },
	{ KPROG_XDP, NULL, NEW_NODE "*(u64 *)(r7 + 0) = 1\nr1 = r7\nr2 = 0\ncall 9004\n" OUT },
	{ KPROG_XDP, NULL, NEW_NODE "r1 = r7\nr2 = 0\ncall 9023\nr1 = r7\nr2 = 0\nr7 = r0\ncall 9004\nr1 = r7\nr2 = 0\ncall 9004\n" OUT },
	{ KPROG_SCHED_CLS, NULL, "call 9005\ncall 9006\ncall 9007\ncall 7\ncall 9008\n" OUT },
	{ KPROG_TRACING, NULL, "r1 = 1\ncall 9009\nif r0 == 0 goto out\nr1 = *(u32 *)(r0 + 0)\nr1 = r0\ncall 9010\n" OUT },
	{ KPROG_TRACING, NULL, "r6 = *(u64 *)(r1 + 8)\ncall 9005\nr7 = *(u64 *)(r6 + 8)\nr8 = *(u32 *)(r7 + 4)\nr1 = r6\ncall 9027\nif r0 == 0 goto un\nr1 = r0\ncall 9010\n"
	  "un:\ncall 9006\n" OUT },
	{ KPROG_XDP, NULL, "r1 = r10\nr1 += -8\ncall 9011\ncall 7\nr1 = r10\nr1 += -8\ncall 9012\n" OUT },
	{ KPROG_SCHED_CLS, "locked", VALUE NEW_NODE LOCK "r1 = r6\nr1 += 8\nr2 = r7\nr2 += 8\nr3 = 0\nr4 = 0\ncall 9013\nr1 = r6\nr1 += 8\ncall 9014\nr7 = r0\n"
	  UNLOCK "if r7 == 0 goto out\nr1 = r7\nr1 += -8\nr2 = 0\ncall 9004\n" OUT },
	{ KPROG_SCHED_CLS, "locked", VALUE NEW_NODE LOCK "r1 = r6\nr1 += 24\nr2 = r7\nr2 += 32\nr3 = less ll\nr4 = 0\nr5 = 0\ncall 9015\nr1 = r6\nr1 += 24\ncall 9016\n"
	  "r7 = 0\nif r0 == 0 goto un\nr1 = r6\nr1 += 24\nr2 = r0\ncall 9017\nr7 = r0\nun:\n" UNLOCK "if r7 == 0 goto out\nr1 = r7\nr1 += -32\nr2 = 0\ncall 9004\n" OUT
	  "less:\nr0 = *(u64 *)(r1 - 32)\nexit\n" },
	{ KPROG_SCHED_CLS, "timed", VALUE "r1 = r6\nr1 += 8\nr2 = m ll\nr3 = 1\ncall 169\nr1 = r6\nr1 += 8\nr2 = cb ll\ncall 170\nr1 = r6\nr1 += 8\nr2 = 1000\nr3 = 0\ncall 171\n" OUT
	  "cb:\nr1 = *(u64 *)(r3 + 0)\nr0 = 0\nexit\n" },
	{ KPROG_SCHED_CLS, "timed", VALUE "r1 = r6\nr1 += 24\ncall 93\n*(u32 *)(r6 + 28) = 1\nr1 = r6\nr1 += 24\ncall 94\n" OUT },
	{ KPROG_SCHED_CLS, "queued", VALUE "r1 = r6\nr2 = m ll\nr3 = 0\ncall 9024\nr1 = r6\nr2 = cb ll\nr3 = 0\nr4 = 0\ncall 9025\nr1 = r6\nr2 = 0\ncall 9026\n" OUT "cb:\nr0 = 0\nexit\n" },
	{ KPROG_SCHED_CLS, "queued", VALUE "r1 = r6\nr1 += 24\ncall 9018\nif r0 != 0 goto out\nr1 = r6\nr1 += 24\ncall 9019\n" OUT },
	{ KPROG_TRACING, "pointers", VALUE "r1 = 1\ncall 9009\nif r0 == 0 goto out\nr2 = r0\nr1 = r6\ncall 194\nif r0 == 0 goto out\nr1 = r0\ncall 9010\n" OUT },
	{ KPROG_TRACING, "pointers", VALUE "call 9005\nr7 = *(u64 *)(r6 + 0)\nif r7 == 0 goto un\nr8 = *(u32 *)(r7 + 0)\nun:\ncall 9006\nr7 = *(u64 *)(r6 + 8)\n" OUT },
	{ KPROG_TRACING, "arrayed", VALUE NEW_NODE "r2 = r7\nr1 = r6\nr1 += 72\ncall 194\nif r0 == 0 goto out\nr1 = r0\nr2 = 0\ncall 9004\n" OUT },
	{ KPROG_XDP, NULL, "r2 = 0\nr3 = r10\nr3 += -16\ncall 9020\nr1 = r10\nr1 += -16\nr2 = 4\nr3 = r10\nr3 += -32\nr4 = 8\n*(u64 *)(r10 - 32) = 0\ncall 9021\nif r0 == 0 goto out\n"
	  "r7 = *(u64 *)(r0 + 0)\nr1 = r10\nr1 += -16\nr2 = r10\nr2 += -48\ncall 9035\n" OUT },
	{ KPROG_XDP, NULL, "call 7\nif r0 == 0 goto out\ncall f\nout:\nr0 = 0\nexit\nf:\nr1 = 0\ncall 9022\nexit\n" },
	{ KPROG_TRACING, NULL, "r6 = r1\ncall 9005\nr1 = r10\nr1 += -24\nr2 = 0\nr3 = 0\ncall 9030\nagain:\nr1 = r10\nr1 += -24\ncall 9031\nif r0 == 0 goto done\nr7 = *(u32 *)(r0 + 4)\n"
	  "goto again\ndone:\nr1 = r10\nr1 += -24\ncall 9032\ncall 9006\n" OUT },
	{ KPROG_TRACING, NULL, "call 9028\nif r0 == 0 goto out\nr1 = r0\ncall 9029\nr1 = 8\nr2 = 9900\ncall 9033\nr7 = *(u64 *)(r0 + 0)\n" OUT },
};
const size_t n_made_rows = countof(made_rows);
