/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kverify_types: types for programs that are made up: of the values of maps, of functions, and of a kernel that has as
 * little as programs can ask for. Only the BTF of this object is used, for the one and for the other.
 */
#define TAG(x) __attribute__((btf_type_tag(x)))
#define DECL(x) __attribute__((btf_decl_tag(x)))
#define KFUNC __attribute__((noinline, used))

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

struct bpf_spin_lock {
	u32 val;
};
struct bpf_res_spin_lock {
	u32 val;
};
struct bpf_timer {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_wq {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_task_work {
	u64 opaque;
} __attribute__((aligned(8)));
struct bpf_list_head {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_list_node {
	u64 opaque[3];
} __attribute__((aligned(8)));
struct bpf_rb_root {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_rb_node {
	u64 opaque[4];
} __attribute__((aligned(8)));
struct bpf_refcount {
	u32 opaque;
} __attribute__((aligned(4)));
struct bpf_dynptr {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_iter_num {
	u64 opaque[1];
} __attribute__((aligned(8)));
struct bpf_iter_task {
	u64 opaque[3];
} __attribute__((aligned(8)));
struct bpf_dynptr_kern {
	u64 data, size;
};

/* ---- of the kernel ---- */
struct sock_common {
	u32 skc_daddr, skc_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	u32 sk_priority;
};
struct sk_buff {
	struct sk_buff *next, *prev;
	struct sock *sk;
	u32 len;
	u8 *data;
};
struct xdp_buff {
	void *data, *data_end;
};
struct cgroup {
	u64 id;
	struct cgroup *parent;
	int level;
};
struct cpumask {
	u64 bits[2];
};
struct bpf_cpumask {
	struct cpumask cpumask;
	u32 usage;
};
struct mm_struct {
	u64 start;
};
struct inode {
	u64 i_ino;
};
struct path {
	struct inode *inode;
};
struct file {
	struct inode *f_inode;
	struct path f_path;
	u32 f_flags;
};
struct linux_binprm {
	struct file *file;
};
struct task_struct {
	int pid, tgid;
	struct task_struct *real_parent, *last_wakee;
	struct mm_struct *mm;
	struct cpumask *cpus_ptr, cpus_mask;
	struct cgroup TAG("rcu") * cgroups;
	void TAG("user") * user;
	union {
		u64 a;
		u32 b[2];
	} u;
	u32 flag : 3, rest : 29;
	char comm[16];
	struct {
		int depth;
		struct {
			int x;
		} inner[4];
	} in[2];
};
struct pt_regs {
	u64 r[21];
};
struct bpf_iter_meta {
	u64 session_id, seq_num;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};
struct seq_file {
	u64 count;
};
typedef void (*btf_trace_sched_switch)(void *data, int preempt, struct task_struct *prev, struct task_struct *next);

KFUNC int bpf_lsm_file_open(struct file *file)
{
	return file->f_flags;
}
KFUNC int bpf_lsm_bprm_check_security(struct linux_binprm *bprm)
{
	return !bprm;
}
KFUNC int do_unlinkat(int dfd, struct path *name)
{
	return dfd + !name;
}
KFUNC struct task_struct *give_task(struct task_struct *t, u64 a, char *s, struct task_struct **pp)
{
	return a && s && pp ? t : 0;
}
KFUNC void nothing(void)
{
}
KFUNC int bpf_iter_task(struct bpf_iter_meta *meta, struct task_struct *task)
{
	return meta && task;
}

KFUNC struct task_struct *bpf_task_acquire(struct task_struct *p)
{
	return p;
}
KFUNC void bpf_task_release(struct task_struct *p)
{
	p->pid = 0;
}
KFUNC struct task_struct *bpf_task_from_pid(int pid)
{
	return pid ? (void *)8 : 0;
}
KFUNC struct cgroup *bpf_cgroup_acquire(struct cgroup *c)
{
	return c;
}
KFUNC void bpf_cgroup_release(struct cgroup *c)
{
	c->level = 0;
}
KFUNC struct bpf_cpumask *bpf_cpumask_create(void)
{
	return 0;
}
KFUNC void bpf_cpumask_release(struct bpf_cpumask *m)
{
	m->usage = 0;
}
KFUNC u32 bpf_cpumask_first(const struct cpumask *m)
{
	return m->bits[0];
}
KFUNC void *bpf_obj_new_impl(u64 local_type_id__k, void *meta__ign)
{
	return local_type_id__k ? meta__ign : 0;
}
KFUNC void bpf_obj_drop_impl(void *p__alloc, void *meta__ign)
{
	*(void **)p__alloc = meta__ign;
}
KFUNC void *bpf_percpu_obj_new_impl(u64 local_type_id__k, void *meta__ign)
{
	return local_type_id__k ? meta__ign : 0;
}
KFUNC void *bpf_refcount_acquire_impl(void *p__refcounted_kptr, void *meta__ign)
{
	return meta__ign ? p__refcounted_kptr : 0;
}
KFUNC int bpf_list_push_front_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta__ign, u64 off)
{
	return head && node && meta__ign && off;
}
KFUNC int bpf_list_push_back_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta__ign, u64 off)
{
	return head && node && meta__ign && off;
}
KFUNC struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head)
{
	return (void *)head;
}
KFUNC struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root)
{
	return (void *)root;
}
KFUNC struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root, struct bpf_rb_node *node)
{
	return root ? node : 0;
}
KFUNC int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node,
			      u8(less)(struct bpf_rb_node *a, const struct bpf_rb_node *b), void *meta__ign, u64 off)
{
	return root && node && less && meta__ign && off;
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
	*flags__irq_flag = 0;
}
KFUNC void bpf_local_irq_restore(u64 *flags__irq_flag)
{
	*flags__irq_flag = 0;
}
KFUNC int bpf_res_spin_lock(struct bpf_res_spin_lock *lock)
{
	return lock->val;
}
KFUNC void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock)
{
	lock->val = 0;
}
KFUNC int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end)
{
	it->opaque[0] = 0;
	return start + end;
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
	it->opaque[0] = 0;
	return task__nullable && flags;
}
KFUNC struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it)
{
	return (void *)it;
}
KFUNC void bpf_iter_task_destroy(struct bpf_iter_task *it)
{
	it->opaque[0] = 0;
}
KFUNC int bpf_dynptr_from_skb(struct sk_buff *s, u64 flags, struct bpf_dynptr *ptr__uninit)
{
	ptr__uninit->opaque[0] = flags;
	return !s;
}
KFUNC int bpf_dynptr_from_xdp(struct xdp_buff *x, u64 flags, struct bpf_dynptr *ptr__uninit)
{
	ptr__uninit->opaque[0] = flags;
	return !x;
}
KFUNC void *bpf_dynptr_slice(const struct bpf_dynptr *p, u64 offset, void *buffer__opt, u64 buffer__szk)
{
	return p && offset && buffer__szk ? buffer__opt : 0;
}
KFUNC void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, u64 offset, void *buffer__opt, u64 buffer__szk)
{
	return p && offset && buffer__szk ? buffer__opt : 0;
}
KFUNC int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *clone__uninit)
{
	clone__uninit->opaque[0] = p->opaque[0];
	return 0;
}
KFUNC int bpf_dynptr_adjust(const struct bpf_dynptr *p, u64 start, u64 end)
{
	return p && start && end;
}
KFUNC void *bpf_cast_to_kern_ctx(void *obj)
{
	return obj;
}
KFUNC void *bpf_rdonly_cast(const void *obj__ign, u32 btf_id__k)
{
	return btf_id__k ? (void *)obj__ign : 0;
}
KFUNC int bpf_wq_init(struct bpf_wq *wq, void *p__map, u32 flags)
{
	return wq && p__map && flags;
}
KFUNC int bpf_wq_start(struct bpf_wq *wq, u32 flags)
{
	return wq && flags;
}
KFUNC int bpf_wq_set_callback_impl(struct bpf_wq *wq, int(callback_fn)(void *map, int *key, void *value), u32 flags,
				   void *aux__ign)
{
	return wq && callback_fn && flags && aux__ign;
}
KFUNC void bpf_throw(u64 cookie)
{
	*(volatile u64 *)8 = cookie;
}

/* ---- of values of maps ---- */
struct node {
	u64 key;
	struct bpf_list_node list;
	struct bpf_rb_node tree;
	struct bpf_refcount refs;
	u64 data[2];
};
struct locked {
	struct bpf_spin_lock lock;
	u32 n;
	struct bpf_list_head head DECL("contains:node:list");
	struct bpf_rb_root root DECL("contains:node:tree");
} v_locked;
struct timed {
	u64 a;
	struct bpf_timer timer;
	struct bpf_spin_lock lock;
	u32 b;
} v_timed;
struct queued {
	struct bpf_wq wq;
	struct bpf_task_work work;
	struct bpf_res_spin_lock lock;
} v_queued;
struct pointers {
	struct task_struct TAG("kptr") * task;
	struct task_struct TAG("kptr_untrusted") * weak;
	struct cgroup TAG("kptr") * cgroup;
	struct node TAG("kptr") * own;
	struct node TAG("percpu_kptr") * each;
	struct node TAG("uptr") * user;
} v_pointers;
struct arrayed {
	struct pointers p[3];
	u32 x;
} v_arrayed;
struct twice {
	struct bpf_timer a, b;
} v_twice;
struct node v_node;

/* ---- functions of programs ---- */
struct xdp_md {
	u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};
struct __sk_buff {
	u32 len, pkt_type, mark;
};
struct mem {
	u64 a, b;
};
KFUNC int f_ctx(struct xdp_md *ctx)
{
	return ctx->data;
}
KFUNC int f_skb(struct __sk_buff *skb)
{
	return skb->len;
}
KFUNC int f_numbers(int a, u64 b, u8 c)
{
	return a + b + c;
}
KFUNC int f_mem(struct mem *m, struct mem *n DECL("arg:nonnull"))
{
	return m && n->a;
}
KFUNC int f_tags(struct task_struct *t DECL("arg:trusted") DECL("arg:nullable"), struct bpf_dynptr *d,
		 void *c DECL("arg:ctx"))
{
	return t && d && c;
}
KFUNC void f_void(void)
{
}
static KFUNC int f_static(u64 i, struct mem *m)
{
	return i + m->a;
}
static KFUNC int f_each(void *map, int *key, u64 *value, void *ctx)
{
	return map && key && value && ctx;
}
KFUNC int f_all(struct xdp_md *ctx)
{
	return f_static(1, (void *)ctx) + f_each(ctx, 0, 0, 0) + (int)(long)(btf_trace_sched_switch)0 +
	       !(struct bpf_iter__task *)ctx + !(struct pt_regs *)ctx + !(struct seq_file *)ctx +
	       !(struct bpf_dynptr_kern *)ctx;
}
