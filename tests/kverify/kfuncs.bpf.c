/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kfuncs.bpf: calls of the kernel's functions, right and wrong; programs. Compiled by the build for test_kfuncs.c,
 * whose table has a row for each.
 */
typedef int s32;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define KSYM __attribute__((section(".ksyms"), weak)) extern
#define NUMBER(name, value) int(*name)[value]
#define TYPE(name, type) type *name
#define TAG(text) __attribute__((btf_decl_tag(text)))
#define type_id(type) __builtin_btf_type_id(*(type *)0, 0)
#define container(p, type, member) ((type *)((char *)(p) - __builtin_offsetof(type, member)))

struct __sk_buff {
	u32 len;
};
struct task_struct {
	s32 pid;
	struct task_struct *parent;
} __attribute__((preserve_access_index));
struct cgroup {
	u64 flags;
} __attribute__((preserve_access_index));
struct cpumask {
	u64 bits[1];
} __attribute__((preserve_access_index));
struct bpf_cpumask {
	struct cpumask cpumask;
} __attribute__((preserve_access_index));
struct bpf_iter_num {
	u64 opaque[1];
} __attribute__((aligned(8)));
struct bpf_iter_task {
	u64 opaque[3];
} __attribute__((aligned(8)));
struct bpf_dynptr {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_spin_lock {
	u32 val;
};
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

KSYM int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end);
KSYM int *bpf_iter_num_next(struct bpf_iter_num *it);
KSYM void bpf_iter_num_destroy(struct bpf_iter_num *it);
KSYM int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task, u32 flags);
KSYM struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it);
KSYM void bpf_iter_task_destroy(struct bpf_iter_task *it);
KSYM void bpf_rcu_read_lock(void);
KSYM void bpf_rcu_read_unlock(void);
KSYM void bpf_preempt_disable(void);
KSYM void bpf_preempt_enable(void);
KSYM void bpf_local_irq_save(u64 *flags);
KSYM void bpf_local_irq_restore(u64 *flags);
KSYM struct task_struct *bpf_task_from_pid(s32 pid);
KSYM struct task_struct *bpf_task_acquire(struct task_struct *p);
KSYM void bpf_task_release(struct task_struct *p);
KSYM struct cgroup *bpf_cgroup_from_id(u64 id);
KSYM void bpf_cgroup_release(struct cgroup *c);
KSYM struct bpf_cpumask *bpf_cpumask_create(void);
KSYM void bpf_cpumask_release(struct bpf_cpumask *m);
KSYM u32 bpf_cpumask_first(const struct cpumask *m);
KSYM void *bpf_cast_to_kern_ctx(void *ctx);
KSYM void *bpf_rdonly_cast(const void *p, u32 id);
KSYM int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *p);
KSYM void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 off, void *buffer, u32 size);
KSYM void *bpf_obj_new_impl(u64 id, void *meta);
KSYM void bpf_obj_drop_impl(void *p, void *meta);
KSYM int bpf_list_push_front_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta, u64 off);
KSYM struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head);
KSYM int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node,
			     _Bool(less)(struct bpf_rb_node *a, const struct bpf_rb_node *b), void *meta, u64 off);
KSYM struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root);
KSYM struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root, struct bpf_rb_node *node);
KSYM void bpf_throw(u64 cookie);
KSYM int bpf_copy_from_user_str(void *dst, u32 size, const void *from, u64 flags);
KSYM void synchronize_rcu(void);

static void *(*lookup)(void *map, const void *key) = (void *)1;
static long (*loop)(u32 n, void *fn, void *ctx, u64 flags) = (void *)181;
static u32 (*random)(void) = (void *)7;
static u64 (*current)(void) = (void *)158; /* bpf_get_current_task_btf */
static long (*spin_lock)(struct bpf_spin_lock *l) = (void *)93;
static long (*spin_unlock)(struct bpf_spin_lock *l) = (void *)94;
static long (*copy_from_user)(void *dst, u32 size, const void *from) = (void *)148;

char LICENSE[] SEC("license") = "GPL";

/* ---- iterators ---- */

SEC("tc") int num_loop(struct __sk_buff *s)
{
	struct bpf_iter_num it;
	int sum = 0, *p;

	bpf_iter_num_new(&it, 0, 10);
	while ((p = bpf_iter_num_next(&it)))
		sum += *p;
	bpf_iter_num_destroy(&it);
	return sum ? 0 : -1;
}

SEC("tc") int num_in_num(struct __sk_buff *s)
{
	struct bpf_iter_num a, b;
	int *p, *q, n = 0;

	bpf_iter_num_new(&a, 0, 10);
	while ((p = bpf_iter_num_next(&a))) {
		bpf_iter_num_new(&b, *p, 20);
		while ((q = bpf_iter_num_next(&b)))
			n += *q > *p;
		bpf_iter_num_destroy(&b);
	}
	bpf_iter_num_destroy(&a);
	return n & 1;
}

SEC("tc") int num_kept(struct __sk_buff *s)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	return bpf_iter_num_next(&it) != 0;
}

SEC("tc") int num_next_of_none(struct __sk_buff *s)
{
	struct bpf_iter_num it;

	__asm__ volatile("" : "=m"(it));
	return bpf_iter_num_next(&it) != 0;
}

SEC("tc") int num_new_twice(struct __sk_buff *s)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	bpf_iter_num_new(&it, 0, 10);
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("tc") int num_destroyed_twice(struct __sk_buff *s)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	bpf_iter_num_destroy(&it);
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("tc") int num_written_to(struct __sk_buff *s)
{
	struct bpf_iter_num it;
	int *p;

	bpf_iter_num_new(&it, 0, 10);
	p = bpf_iter_num_next(&it);
	if (p)
		*p = 1;
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("tc") int num_not_tested(struct __sk_buff *s)
{
	struct bpf_iter_num it;
	int n;

	bpf_iter_num_new(&it, 0, 10);
	n = *bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return n & 1;
}

u64 not_on_the_stack;
SEC("tc") int num_in_data(struct __sk_buff *s)
{
	bpf_iter_num_new((void *)&not_on_the_stack, 0, 10);
	return 0;
}

SEC("tc") int num_limit(struct __sk_buff *s)
{
	struct bpf_iter_num it;
	char room[8] = { 0 };
	int *p;

	bpf_iter_num_new(&it, 0, 8);
	while ((p = bpf_iter_num_next(&it))) {
		u64 i = (u32)*p;

		__asm__ volatile("" : "+r"(i));
		if (i < sizeof room)
			room[i] = 1;
	}
	bpf_iter_num_destroy(&it);
	return room[3];
}

SEC("syscall") int tasks_in_rcu(void *ctx)
{
	struct bpf_iter_task it;
	struct task_struct *t;
	int n = 0;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, 0, 0);
	while ((t = bpf_iter_task_next(&it)))
		n += t->pid;
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	return n & 1;
}

SEC("syscall") int tasks_without_rcu(void *ctx)
{
	struct bpf_iter_task it;

	bpf_iter_task_new(&it, 0, 0);
	bpf_iter_task_next(&it);
	bpf_iter_task_destroy(&it);
	return 0;
}

SEC("syscall") int tasks_after_rcu(void *ctx)
{
	struct bpf_iter_task it;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, 0, 0);
	bpf_rcu_read_unlock();
	bpf_iter_task_next(&it);
	bpf_iter_task_destroy(&it);
	return 0;
}

/* ---- sections ---- */

SEC("tc") int rcu_kept(struct __sk_buff *s)
{
	bpf_rcu_read_lock();
	return 0;
}

SEC("tc") int rcu_unlock_alone(struct __sk_buff *s)
{
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tc") int rcu_in_rcu(struct __sk_buff *s)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall") int sleeps_in_rcu(void *ctx)
{
	char b[8];

	bpf_rcu_read_lock();
	bpf_copy_from_user_str(b, sizeof b, 0, 0);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall") int sleeps(void *ctx)
{
	char b[8] = { 0 };

	return bpf_copy_from_user_str(b, sizeof b, 0, 0) > 0;
}

SEC("tc") int sleeps_in_tc(struct __sk_buff *s)
{
	char b[8] = { 0 };

	return bpf_copy_from_user_str(b, sizeof b, 0, 0) > 0;
}

SEC("tc") int no_preemption(struct __sk_buff *s)
{
	bpf_preempt_disable();
	bpf_preempt_disable();
	bpf_preempt_enable();
	bpf_preempt_enable();
	return 0;
}

SEC("tc") int preemption_kept_off(struct __sk_buff *s)
{
	bpf_preempt_disable();
	return 0;
}

SEC("tc") int preemption_on_alone(struct __sk_buff *s)
{
	bpf_preempt_enable();
	return 0;
}

SEC("syscall") int sleeps_without_preemption(void *ctx)
{
	char b[8];

	bpf_preempt_disable();
	copy_from_user(b, sizeof b, 0);
	bpf_preempt_enable();
	return 0;
}

SEC("tc") int interrupts(struct __sk_buff *s)
{
	u64 a, b;

	bpf_local_irq_save(&a);
	bpf_local_irq_save(&b);
	bpf_local_irq_restore(&b);
	bpf_local_irq_restore(&a);
	return 0;
}

SEC("tc") int interrupts_out_of_order(struct __sk_buff *s)
{
	u64 a, b;

	bpf_local_irq_save(&a);
	bpf_local_irq_save(&b);
	bpf_local_irq_restore(&a);
	bpf_local_irq_restore(&b);
	return 0;
}

SEC("tc") int interrupts_kept_off(struct __sk_buff *s)
{
	u64 a;

	bpf_local_irq_save(&a);
	return 0;
}

SEC("tc") int interrupts_saved_twice(struct __sk_buff *s)
{
	u64 a;

	bpf_local_irq_save(&a);
	bpf_local_irq_save(&a);
	bpf_local_irq_restore(&a);
	return 0;
}

SEC("tc") int interrupts_restored_alone(struct __sk_buff *s)
{
	u64 a = 0;

	__asm__ volatile("" : "+m"(a));
	bpf_local_irq_restore(&a);
	return 0;
}

SEC("tc") int interrupts_in_data(struct __sk_buff *s)
{
	bpf_local_irq_save(&not_on_the_stack);
	return 0;
}

/* ---- objects of the kernel ---- */

SEC("syscall") int task_taken(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);
	int pid = 0;

	if (!t)
		return 0;
	pid = t->pid;
	bpf_task_release(t);
	return pid & 1;
}

SEC("syscall") int task_kept(void *ctx)
{
	return bpf_task_from_pid(1) != 0;
}

SEC("syscall") int task_not_tested(void *ctx)
{
	bpf_task_release(bpf_task_from_pid(1));
	return 0;
}

SEC("syscall") int task_released_twice(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (!t)
		return 0;
	bpf_task_release(t);
	bpf_task_release(t);
	return 0;
}

SEC("syscall") int task_for_cgroup(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (t)
		bpf_cgroup_release((void *)t);
	return 0;
}

SEC("syscall") int current_acquired(void *ctx)
{
	struct task_struct *t = bpf_task_acquire((void *)current());

	if (t)
		bpf_task_release(t);
	return 0;
}

SEC("syscall") int current_released(void *ctx)
{
	bpf_task_release((void *)current());
	return 0;
}

SEC("syscall") int number_for_task(void *ctx)
{
	bpf_task_release((void *)(u64)random());
	return 0;
}

SEC("syscall") int pointer_for_number(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid((s32)(u64)ctx);

	__asm__ volatile("r1 = %0; call %1" : : "r"(ctx), "i"(bpf_task_from_pid) : "r0", "r1", "r2", "r3", "r4", "r5");
	if (t)
		bpf_task_release(t);
	return 0;
}

SEC("syscall") int memory_for_task(void *ctx)
{
	u64 a[4] = { 0 };

	__asm__ volatile("" : "+m"(a));
	return bpf_task_acquire((void *)a) != 0;
}

SEC("syscall") int mask_of_mask(void *ctx)
{
	struct bpf_cpumask *m = bpf_cpumask_create();
	u32 n;

	if (!m)
		return 0;
	n = bpf_cpumask_first((void *)m);
	bpf_cpumask_release(m);
	return n & 1;
}

SEC("tc") int not_for_programs(struct __sk_buff *s)
{
	synchronize_rcu();
	return 0;
}

SEC("xdp") int mask_in_xdp(void *ctx)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (m)
		bpf_cpumask_release(m);
	return 2;
}

/* ---- casts, packets ---- */

struct sk_buff {
	u32 len;
} __attribute__((preserve_access_index));

SEC("tc") int kernel_context(struct __sk_buff *s)
{
	struct sk_buff *k = bpf_cast_to_kern_ctx(s);

	return k->len & 1;
}

SEC("tc") int kernel_context_of_none(struct __sk_buff *s)
{
	u64 a = 0;
	struct sk_buff *k = bpf_cast_to_kern_ctx(&a);

	return k->len & 1;
}

SEC("tc") int cast_to_task(struct __sk_buff *s)
{
	struct task_struct *t =
		bpf_rdonly_cast((void *)(u64)s->len, __builtin_btf_type_id(*(struct task_struct *)0, 1));

	return t->pid & 1;
}

SEC("tc") int cast_to_some(struct __sk_buff *s)
{
	return bpf_rdonly_cast(s, s->len) != 0;
}

SEC("tc") int packet_slice(struct __sk_buff *s)
{
	struct bpf_dynptr p;
	char room[16];
	char *b;

	bpf_dynptr_from_skb(s, 0, &p);
	b = bpf_dynptr_slice(&p, 0, room, sizeof room);
	return b ? b[15] & 1 : 0;
}

SEC("tc") int packet_slice_beyond(struct __sk_buff *s)
{
	struct bpf_dynptr p;
	char room[16];
	char *b;

	bpf_dynptr_from_skb(s, 0, &p);
	b = bpf_dynptr_slice(&p, 0, room, sizeof room);
	return b ? b[16] & 1 : 0;
}

SEC("tc") int packet_slice_written(struct __sk_buff *s)
{
	struct bpf_dynptr p;
	char room[16];
	char *b;

	bpf_dynptr_from_skb(s, 0, &p);
	b = bpf_dynptr_slice(&p, 0, room, sizeof room);
	if (b)
		b[0] = 1;
	return 0;
}

SEC("tc") int packet_slice_of_some_size(struct __sk_buff *s)
{
	struct bpf_dynptr p;
	u32 n = s->len & 7;
	char room[16];

	bpf_dynptr_from_skb(s, 0, &p);
	return bpf_dynptr_slice(&p, 0, room, n) != 0;
}

SEC("tc") int packet_slice_of_none(struct __sk_buff *s)
{
	struct bpf_dynptr p;
	char room[16];

	__asm__ volatile("" : "=m"(p));
	return bpf_dynptr_slice(&p, 0, room, sizeof room) != 0;
}

/* ---- objects of the program's own, lists and trees ---- */

struct item {
	u64 key;
	struct bpf_list_node in_list, other;
};
struct leaf {
	u64 key;
	struct bpf_rb_node in_tree;
};
struct shelf {
	struct bpf_spin_lock lock;
	struct bpf_list_head list TAG("contains:item:in_list");
};
struct wood {
	struct bpf_spin_lock lock;
	struct bpf_rb_root tree TAG("contains:leaf:in_tree");
};
struct {
	NUMBER(type, 2);
	NUMBER(max_entries, 1);
	TYPE(key, u32);
	TYPE(value, struct shelf);
} shelves SEC(".maps"), others SEC(".maps");
struct {
	NUMBER(type, 2);
	NUMBER(max_entries, 1);
	TYPE(key, u32);
	TYPE(value, struct wood);
} woods SEC(".maps");

static inline struct item *item_new(void)
{
	return bpf_obj_new_impl(type_id(struct item), 0);
}

SEC("tc") int object_dropped(struct __sk_buff *s)
{
	struct item *i = item_new();

	if (!i)
		return 0;
	i->key = 7;
	bpf_obj_drop_impl(i, 0);
	return 0;
}

SEC("tc") int object_kept(struct __sk_buff *s)
{
	return item_new() != 0;
}

SEC("tc") int object_of_the_stack_dropped(struct __sk_buff *s)
{
	u64 a = 0;

	bpf_obj_drop_impl(&a, 0);
	return 0;
}

SEC("tc") int node_written(struct __sk_buff *s)
{
	struct item *i = item_new();

	if (!i)
		return 0;
	i->in_list.opaque[0] = 1;
	bpf_obj_drop_impl(i, 0);
	return 0;
}

SEC("tc") int number_for_type(struct __sk_buff *s)
{
	void *p = bpf_obj_new_impl(s->len, 0);

	if (p)
		bpf_obj_drop_impl(p, 0);
	return 0;
}

SEC("tc") int list_in_and_out(struct __sk_buff *s)
{
	struct bpf_list_node *n;
	u32 zero = 0;
	struct shelf *v = lookup(&shelves, &zero);
	struct item *i;

	if (!v)
		return 0;
	i = item_new();
	if (!i)
		return 0;
	spin_lock(&v->lock);
	bpf_list_push_front_impl(&v->list, &i->in_list, 0, 0);
	i->key = 5; /* still there: the lock is held */
	n = bpf_list_pop_front(&v->list);
	spin_unlock(&v->lock);
	if (n)
		bpf_obj_drop_impl(container(n, struct item, in_list), 0);
	return 0;
}

SEC("tc") int list_without_lock(struct __sk_buff *s)
{
	u32 zero = 0;
	struct shelf *v = lookup(&shelves, &zero);
	struct bpf_list_node *n;

	if (!v)
		return 0;
	n = bpf_list_pop_front(&v->list);
	if (n)
		bpf_obj_drop_impl(container(n, struct item, in_list), 0);
	return 0;
}

SEC("tc") int list_with_other_lock(struct __sk_buff *s)
{
	u32 zero = 0;
	struct shelf *v = lookup(&shelves, &zero), *w = lookup(&others, &zero);

	if (!v || !w)
		return 0;
	spin_lock(&w->lock);
	bpf_list_pop_front(&v->list);
	spin_unlock(&w->lock);
	return 0;
}

SEC("tc") int list_of_nothing(struct __sk_buff *s)
{
	u32 zero = 0;
	struct shelf *v = lookup(&shelves, &zero);

	if (!v)
		return 0;
	spin_lock(&v->lock);
	bpf_list_pop_front((void *)v);
	spin_unlock(&v->lock);
	return 0;
}

SEC("tc") int list_on_stack(struct __sk_buff *s)
{
	struct bpf_list_head h = { 0 };

	return bpf_list_pop_front(&h) != 0;
}

SEC("tc") int list_of_other_node(struct __sk_buff *s)
{
	u32 zero = 0;
	struct shelf *v = lookup(&shelves, &zero);
	struct item *i;

	if (!v)
		return 0;
	i = item_new();
	if (!i)
		return 0;
	spin_lock(&v->lock);
	bpf_list_push_front_impl(&v->list, &i->other, 0, 0);
	spin_unlock(&v->lock);
	return 0;
}

SEC("tc") int list_pushed_twice(struct __sk_buff *s)
{
	u32 zero = 0;
	struct shelf *v = lookup(&shelves, &zero);
	struct item *i;

	if (!v)
		return 0;
	i = item_new();
	if (!i)
		return 0;
	spin_lock(&v->lock);
	bpf_list_push_front_impl(&v->list, &i->in_list, 0, 0);
	bpf_list_push_front_impl(&v->list, &i->in_list, 0, 0);
	spin_unlock(&v->lock);
	return 0;
}

SEC("tc") int list_read_after_unlock(struct __sk_buff *s)
{
	u32 zero = 0;
	struct shelf *v = lookup(&shelves, &zero);
	struct item *i;

	if (!v)
		return 0;
	i = item_new();
	if (!i)
		return 0;
	spin_lock(&v->lock);
	bpf_list_push_front_impl(&v->list, &i->in_list, 0, 0);
	spin_unlock(&v->lock);
	return i->key & 1;
}

static _Bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container(a, struct leaf, in_tree)->key < container(b, struct leaf, in_tree)->key;
}

SEC("tc") int tree_in_and_out(struct __sk_buff *s)
{
	struct bpf_rb_node *n;
	u32 zero = 0;
	struct wood *v = lookup(&woods, &zero);
	struct leaf *i;

	if (!v)
		return 0;
	i = bpf_obj_new_impl(type_id(struct leaf), 0);
	if (!i)
		return 0;
	spin_lock(&v->lock);
	bpf_rbtree_add_impl(&v->tree, &i->in_tree, less, 0, 0);
	n = bpf_rbtree_first(&v->tree);
	if (n)
		n = bpf_rbtree_remove(&v->tree, n);
	spin_unlock(&v->lock);
	if (n)
		bpf_obj_drop_impl(container(n, struct leaf, in_tree), 0);
	return 0;
}

SEC("tc") int tree_first_dropped(struct __sk_buff *s)
{
	struct bpf_rb_node *n;
	u32 zero = 0;
	struct wood *v = lookup(&woods, &zero);

	if (!v)
		return 0;
	spin_lock(&v->lock);
	n = bpf_rbtree_first(&v->tree);
	spin_unlock(&v->lock);
	if (n)
		bpf_obj_drop_impl(container(n, struct leaf, in_tree), 0);
	return 0;
}

SEC("tc") int locked_number(struct __sk_buff *s)
{
	u32 zero = 0;
	struct shelf *v = lookup(&shelves, &zero);
	struct bpf_iter_num it;

	if (!v)
		return 0;
	spin_lock(&v->lock);
	bpf_iter_num_new(&it, 0, 3);
	bpf_iter_num_destroy(&it);
	spin_unlock(&v->lock);
	return 0;
}

/* ---- exceptions ---- */

SEC("tc") int throws(struct __sk_buff *s)
{
	if (s->len > 100)
		bpf_throw(0);
	return 1;
}

SEC("fentry/vfs_read") int throws_out_of_range(u64 *ctx)
{
	bpf_throw(64);
	return 0;
}

SEC("syscall") int throws_with_reference(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (t)
		bpf_throw(0);
	return 0;
}

SEC("tc") int throws_in_rcu(struct __sk_buff *s)
{
	bpf_rcu_read_lock();
	bpf_throw(0);
	bpf_rcu_read_unlock();
	return 0;
}

static __attribute__((noinline)) int thrower(u32 i, void *ctx)
{
	bpf_throw(0);
	return 0;
}

SEC("tc") int throws_in_callback(struct __sk_buff *s)
{
	loop(3, thrower, 0, 0);
	return 0;
}
