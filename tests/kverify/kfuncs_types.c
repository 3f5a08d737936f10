/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kfuncs_types: functions and types of a kernel, as far as kfuncs.bpf.c needs them. Compiled for its BTF alone, which
 * test_kfuncs.c gives to kverify as the kernel's: so the tests need none.
 */
typedef unsigned int u32;
typedef unsigned long long u64;
#define KFUNC __attribute__((noinline, used))

struct bpf_iter_num {
	u64 opaque[1];
};
struct cgroup_subsys_state {
	u64 flags;
};
struct cgroup {
	struct cgroup_subsys_state self;
	u64 flags;
};
struct task_struct {
	int pid;
	struct task_struct *parent;
	struct cgroup *cgroup;
};
struct bpf_iter_task {
	u64 opaque[3];
};
struct cpumask {
	u64 bits[128];
};
struct bpf_cpumask {
	struct cpumask cpumask;
	int usage;
};
struct sk_buff {
	u32 len;
	struct task_struct *owner;
};
struct __sk_buff {
	u32 len;
};
struct xdp_md {
	u32 data;
};
struct bpf_ctx_convert {
	struct __sk_buff BPF_PROG_TYPE_SCHED_CLS_prog;
	struct sk_buff BPF_PROG_TYPE_SCHED_CLS_kern;
	u64 BPF_PROG_TYPE_TRACING_kern;
};
struct bpf_dynptr {
	u64 data[2];
};
struct bpf_list_head {
	u64 opaque[2];
};
struct bpf_list_node {
	u64 opaque[3];
};
struct bpf_rb_root {
	u64 opaque[2];
};
struct bpf_rb_node {
	u64 opaque[4];
};
struct bpf_map {
	u32 id;
};
struct bpf_wq {
	u64 opaque[2];
};
struct bpf_res_spin_lock {
	u32 val;
};

struct bpf_ctx_convert contexts;
struct bpf_map a_map;

KFUNC int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end)
{
	return it && start < end;
}
KFUNC int *bpf_iter_num_next(struct bpf_iter_num *it)
{
	return (int *)it;
}
KFUNC void bpf_iter_num_destroy(struct bpf_iter_num *it)
{
	it->opaque[0] = 0;
}
KFUNC int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task__nullable, u32 flags)
{
	return it && task__nullable && flags;
}
KFUNC struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it)
{
	return (void *)it;
}
KFUNC void bpf_iter_task_destroy(struct bpf_iter_task *it)
{
	it->opaque[0] = 0;
}
KFUNC void bpf_rcu_read_lock(void)
{
}
KFUNC void bpf_rcu_read_unlock(void)
{
}
KFUNC void bpf_preempt_disable(void)
{
}
KFUNC void bpf_preempt_enable(void)
{
}
KFUNC void bpf_local_irq_save(u64 *flags__irq_flag)
{
	*flags__irq_flag = 1;
}
KFUNC void bpf_local_irq_restore(u64 *flags__irq_flag)
{
	*flags__irq_flag = 0;
}
KFUNC struct task_struct *bpf_task_from_pid(int pid)
{
	return pid ? (void *)&a_map : 0;
}
KFUNC struct task_struct *bpf_task_acquire(struct task_struct *p)
{
	return p;
}
KFUNC void bpf_task_release(struct task_struct *p)
{
	p->pid = 0;
}
KFUNC struct cgroup *bpf_cgroup_from_id(u64 cgid)
{
	return cgid ? (void *)&a_map : 0;
}
KFUNC void bpf_cgroup_release(struct cgroup *cgrp)
{
	cgrp->flags = 0;
}
KFUNC struct bpf_cpumask *bpf_cpumask_create(void)
{
	return (void *)&a_map;
}
KFUNC void bpf_cpumask_release(struct bpf_cpumask *cpumask)
{
	cpumask->usage = 0;
}
KFUNC u32 bpf_cpumask_first(const struct cpumask *cpumask)
{
	return (u32)cpumask->bits[0];
}
KFUNC void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *cpumask)
{
	cpumask->usage = (int)cpu;
}
KFUNC void *bpf_cast_to_kern_ctx(void *obj)
{
	return obj;
}
KFUNC void *bpf_rdonly_cast(const void *obj__ign, u32 btf_id__k)
{
	return btf_id__k ? (void *)obj__ign : 0;
}
KFUNC int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr__uninit)
{
	return s && flags && ptr__uninit;
}
KFUNC void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 offset, void *buffer__opt, u32 buffer__szk)
{
	return p && offset && buffer__szk ? buffer__opt : 0;
}
KFUNC void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, u32 offset, void *buffer__opt, u32 buffer__szk)
{
	return p && offset && buffer__szk ? buffer__opt : 0;
}
KFUNC void *bpf_obj_new_impl(u64 local_type_id__k, void *meta__ign)
{
	return local_type_id__k ? meta__ign : 0;
}
KFUNC void bpf_obj_drop_impl(void *p__alloc, void *meta__ign)
{
	*(void **)p__alloc = meta__ign;
}
KFUNC void *bpf_refcount_acquire_impl(void *p__refcounted_kptr, void *meta__ign)
{
	return meta__ign ? p__refcounted_kptr : 0;
}
KFUNC int bpf_list_push_front_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta__ign, u64 off)
{
	return head && node && meta__ign && off;
}
KFUNC struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head)
{
	return (void *)head;
}
KFUNC int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node,
			      _Bool(less)(struct bpf_rb_node *a, const struct bpf_rb_node *b), void *meta__ign, u64 off)
{
	return root && node && less && meta__ign && off;
}
KFUNC struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root)
{
	return (void *)root;
}
KFUNC struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root, struct bpf_rb_node *node)
{
	return root ? node : 0;
}
KFUNC int bpf_wq_init(struct bpf_wq *wq, void *p__map, u32 flags)
{
	return wq && p__map && flags;
}
KFUNC int bpf_res_spin_lock(struct bpf_res_spin_lock *lock)
{
	return (int)lock->val;
}
KFUNC void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock)
{
	lock->val = 0;
}
KFUNC void bpf_throw(u64 cookie)
{
	contexts.BPF_PROG_TYPE_TRACING_kern = cookie;
}
KFUNC int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags)
{
	return dst && dst__sz && unsafe_ptr__ign && flags;
}
KFUNC int bpf_strcmp(const char *s1__ign, const char *s2__ign)
{
	return s1__ign < s2__ign;
}
KFUNC void synchronize_rcu(void)
{
}
/* No kfunc: a function to attach to. */
KFUNC long vfs_read(u64 count)
{
	return (long)count;
}

char LICENSE[] __attribute__((section("license"), used)) = "GPL";
__attribute__((section("tc"), used)) int nothing(struct __sk_buff *s)
{
	return (int)s->len;
}
