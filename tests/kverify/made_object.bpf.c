/* SPDX-License-Identifier: Apache-2.0 */
/* made_object: a small object with what the loader for a release of Linux looks at: a seed of fuzz-kobj. */
#define SEC(name) __attribute__((section(name)))
#define DECL(x) __attribute__((btf_decl_tag(x)))

typedef unsigned int u32;
typedef unsigned long long u64;

struct xdp_md {
	u32 data, data_end, data_meta;
};
struct bpf_spin_lock {
	u32 val;
};
struct value {
	struct bpf_spin_lock lock;
	u32 n;
};
struct task_struct {
	int pid;
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));
struct tcp_congestion_ops {
	u32 (*ssthresh)(void *sk);
	char name[16];
};

static void *(*const lookup)(void *map, const void *key) = (void *)1;
static long (*const loop)(u32 n, void *fn, void *ctx, u64 flags) = (void *)181;
static u64 (*const now)(void) = (void *)5;

struct {
	int (*type)[2];
	int (*max_entries)[4];
	u32 *key;
	struct value *value;
} counts SEC(".maps");

extern int CONFIG_HZ SEC(".kconfig") __attribute__((weak));
extern u32 LINUX_KERNEL_VERSION SEC(".kconfig");
extern void bpf_rcu_read_lock(void) SEC(".ksyms") __attribute__((weak));
extern void bpf_rcu_read_unlock(void) SEC(".ksyms") __attribute__((weak));

char _license[] SEC("license") = "GPL";
const volatile u32 limit = 8;
u64 seen;

__attribute__((noinline)) int global(struct xdp_md *ctx, u32 n)
{
	return ctx->data_end - ctx->data > n;
}

static int each(u32 i, u64 *sum)
{
	*sum += i;
	return 0;
}

SEC("xdp") __attribute__((used)) int on_packet(struct xdp_md *ctx)
{
	unsigned char *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	u64 sum = CONFIG_HZ + LINUX_KERNEL_VERSION;
	u32 key = 0;
	struct value *v = lookup(&counts, &key);

	if (v && p + 14 <= end)
		v->n += p[13];
	loop(4, each, &sum, 0);
	seen += sum;
	return global(ctx, limit) ? 2 : 1;
}

SEC("?kprobe/do_unlinkat") __attribute__((used)) int on_unlink(void *ctx)
{
	return now() > seen && ctx;
}

SEC("lsm/file_open") __attribute__((used)) int on_open(u64 *ctx)
{
	struct task_struct *t = (void *)ctx[0];

	if (bpf_rcu_read_lock && bpf_rcu_read_unlock) {
		bpf_rcu_read_lock();
		bpf_rcu_read_unlock();
	}
	return t ? -t->pid & 1 : 0;
}

SEC("tp_btf/sched_switch") __attribute__((used)) int on_switch(u64 *ctx)
{
	struct task_struct *t = (void *)ctx[1];

	return t->real_parent->pid;
}

SEC("struct_ops/ssthresh") __attribute__((used)) u32 ssthresh(u64 *ctx)
{
	return ctx[0] != 0;
}

SEC(".struct_ops") struct tcp_congestion_ops ops = { .ssthresh = (void *)ssthresh, .name = "made" };
