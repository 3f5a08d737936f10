/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mistake.h: the little of <linux/bpf.h> and <bpf/bpf_helpers.h> that the programs of this folder need, so that they
 * compile the same on every machine. Numbers and layouts are the kernel's.
 */
#ifndef MISTAKE_H
#define MISTAKE_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value) *name
#define __noinline __attribute__((noinline))
#define __always_inline inline __attribute__((always_inline))
#define NULL ((void *)0)
#define barrier() __asm__ volatile("" ::: "memory")
/* The compiler forgets what it knows of a variable. */
#define barrier_var(v) __asm__ volatile("" : "+r"(v))

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { XDP_DROP = 1, XDP_PASS = 2 };

struct xdp_md {
	u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};
struct __sk_buff {
	u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto, priority, ingress_ifindex;
	u32 ifindex, tc_index, cb[5], hash, tc_classid, data, data_end;
};
struct bpf_sock_addr {
	u32 user_family, user_ip4, user_ip6[4], user_port, family, type, protocol;
};
struct bpf_sock;
struct bpf_sock_tuple {
	u32 saddr, daddr;
	u16 sport, dport;
};
struct bpf_spin_lock {
	u32 val;
};
struct ethhdr {
	u8 dest[6], source[6];
	u16 proto;
};
struct iphdr {
	u8 ihl_version, tos;
	u16 tot_len, id, frag_off;
	u8 ttl, protocol;
	u16 check;
	u32 saddr, daddr;
};

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*const bpf_probe_read)(void *dst, u32 size, const void *from) = (void *)4;
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static u32 (*const bpf_get_prandom_u32)(void) = (void *)7;
static long (*const bpf_tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static long (*const bpf_get_current_comm)(void *buf, u32 size) = (void *)16;
static long (*const bpf_skb_load_bytes)(const void *skb, u32 offset, void *to, u32 size) = (void *)26;
static u64 (*const bpf_get_current_task)(void) = (void *)35;
static long (*const bpf_skb_pull_data)(struct __sk_buff *skb, u32 len) = (void *)39;
static struct bpf_sock *(*const bpf_sk_lookup_tcp)(void *ctx, struct bpf_sock_tuple *tuple, u32 size, u64 netns,
						   u64 flags) = (void *)84;
static long (*const bpf_sk_release)(void *sock) = (void *)86;
static long (*const bpf_spin_lock)(struct bpf_spin_lock *lock) = (void *)93;
static long (*const bpf_spin_unlock)(struct bpf_spin_lock *lock) = (void *)94;
static long (*const bpf_probe_read_user)(void *dst, u32 size, const void *from) = (void *)112;
static long (*const bpf_probe_read_kernel)(void *dst, u32 size, const void *from) = (void *)113;
static void *(*const bpf_ringbuf_reserve)(void *ringbuf, u64 size, u64 flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *data, u64 flags) = (void *)132;
static void (*const bpf_ringbuf_discard)(void *data, u64 flags) = (void *)133;
static long (*const bpf_copy_from_user)(void *dst, u32 size, const void *user_ptr) = (void *)148;
static long (*const bpf_loop)(u32 n, void *callback, void *ctx, u64 flags) = (void *)181;

#define LICENSE(text) char LICENSE_[] SEC("license") = text

#endif
