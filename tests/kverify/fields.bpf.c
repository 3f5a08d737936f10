/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.bpf: values of maps in which the kernel keeps something, and operations that are programs. Compiled by the
 * build for test_fields.c, which counts on the names here.
 */
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define NUMBER(name, value) int(*name)[value]
#define TYPE(name, type) type *name
#define TAG(name) __attribute__((btf_type_tag(name)))

struct bpf_spin_lock {
	u32 val;
};
struct bpf_timer {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct task_struct {
	int unknown;
};
struct task_struct whole; /* so that its type is written down */

struct locked {
	struct bpf_spin_lock lock;
	u32 count;
};
struct timed {
	struct bpf_timer timer;
	u64 count;
};
struct pointing {
	struct task_struct TAG("kptr_untrusted") * task;
	u64 count;
};

struct {
	NUMBER(type, 1);
	NUMBER(max_entries, 4);
	TYPE(key, u32);
	TYPE(value, struct locked);
} locks SEC(".maps");
struct {
	NUMBER(type, 1);
	NUMBER(max_entries, 4);
	TYPE(key, u32);
	TYPE(value, struct timed);
} timers SEC(".maps");
struct {
	NUMBER(type, 2);
	NUMBER(max_entries, 1);
	TYPE(key, u32);
	TYPE(value, struct pointing);
} pointers SEC(".maps");

static void *(*const lookup)(void *map, const void *key) = (void *)1;

#define LOOKUP(map, type)        \
	u32 key = 0;             \
	volatile struct type *v; \
                                 \
	v = lookup(&map, &key);  \
	if (!v)                  \
	return 0

SEC("xdp") int beside_lock(void *ctx)
{
	LOOKUP(locks, locked);
	v->count++;
	return 1;
}

SEC("xdp") int inside_lock(void *ctx)
{
	LOOKUP(locks, locked);
	return v->lock.val & 1;
}

SEC("tracepoint/sched/sched_switch") int lock_of_tracing(void *ctx)
{
	LOOKUP(locks, locked);
	v->count++;
	return 1;
}

SEC("xdp") int beside_timer(void *ctx)
{
	LOOKUP(timers, timed);
	v->count++;
	return 1;
}

SEC("xdp") int inside_timer(void *ctx)
{
	LOOKUP(timers, timed);
	v->timer.opaque[1] = 1;
	return 1;
}

SEC("xdp") int pointer_null(void *ctx)
{
	LOOKUP(pointers, pointing);
	v->task = 0;
	return 1;
}

SEC("xdp") int pointer_number(void *ctx)
{
	LOOKUP(pointers, pointing);
	*(volatile u64 *)&v->task = v->count;
	return 1;
}

SEC("xdp") int pointer_half(void *ctx)
{
	LOOKUP(pointers, pointing);
	return *(volatile u32 *)&v->task & 1;
}

SEC("xdp") int pointer_loaded(void *ctx)
{
	LOOKUP(pointers, pointing);
	return v->task ? 1 : 2;
}

SEC("xdp") int pointer_followed(void *ctx)
{
	struct task_struct *t;
	LOOKUP(pointers, pointing);
	t = v->task;
	return t ? *(volatile u32 *)t & 1 : 2;
}

SEC("xdp") int pointer_may_be_null(void *ctx)
{
	LOOKUP(pointers, pointing);
	return *(volatile u32 *)v->task & 1;
}

SEC("struct_ops/name_of_the_program") void begin(u64 *ctx)
{
	*(volatile u64 *)ctx[0];
}

struct tcp_congestion_ops {
	u32 (*ssthresh)(void *sk);
	void (*init)(void *sk);
	u32 flags;
};
SEC(".struct_ops") struct tcp_congestion_ops own = { .init = (void *)begin };

char fields_license[] SEC("license") = "GPL";
