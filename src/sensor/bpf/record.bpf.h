/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * record: the maps, the scratch memory that a record is built in, and sending it.
 *
 * A record has variable length, so it is built in per-CPU scratch and copied into a ring. A CPU has SCRATCH_SLOTS of
 * them: the task iterator can be preempted, and so can tracepoint programs where a kernel runs them with migration off
 * but preemption on; then another task's program starts in the middle of a record. A slot is owned by whoever finds its
 * counter at one after adding one; adding needs no fetch (kernels before 5.12 have none), and two that collide both let
 * go. Without a free slot the record counts as lost.
 *
 * What is sent is counted before, what did not fit or was over its group's quota after: consumed = produced - lost,
 * exactly.
 * Both rings wake their reader with the ring buffer's own rule: only a record that the reader has caught up to wakes it
 * (kernel/bpf/ringbuf.c: bpf_ringbuf_commit). A reader that rests for some milliseconds after each wake-up is woken
 * once per rest, however many records come.
 */
#ifndef SALLYPORT_SENSOR_BPF_RECORD_H
#define SALLYPORT_SENSOR_BPF_RECORD_H

enum { SCRATCH_SLOTS = 3 };

/* As enum kern_hook; a test compares them. */
enum hook {
	HOOK_PROCESS = 1 << 0,
	HOOK_OPEN = 1 << 1,
	HOOK_MEMFD = 1 << 2,
	HOOK_CONNECT = 1 << 3,
	HOOK_IPC = 1 << 4,
	HOOK_CHDIR = 1 << 5,
	HOOK_EXEC_FAILED = 1 << 6,
	HOOK_ACCEPT = 1 << 7,
	HOOK_LISTEN = 1 << 8,
	HOOK_SOCKET = 1 << 9,
	HOOK_SEND = 1 << 10,
	HOOK_RECV = 1 << 11,
	HOOK_DUP = 1 << 12,
	HOOK_RENAME = 1 << 13,
	HOOK_UNLINK = 1 << 14,
	HOOK_LINK = 1 << 15,
	HOOK_SYMLINK = 1 << 16,
	HOOK_MKDIR = 1 << 17,
	HOOK_CHMOD = 1 << 18,
	HOOK_PTRACE = 1 << 19,
	HOOK_CREDS = 1 << 20,
	HOOK_NAMESPACE = 1 << 21,
	HOOK_MODULE = 1 << 22,
	HOOK_BPF = 1 << 23,
	HOOK_USERFAULTFD = 1 << 24,
};

union record {
	WIRE_RECORDS
	u8 bytes[WIRE_RECORD_MAX];
};

/*
 * What changes from one iteration of a loop to the next is kept in memory and bounded at each use: then the verifier
 * sees every iteration alike, and looks at a loop of n iterations n times, not at all paths through it.
 */
struct scratch {
	u64 users;
	volatile u64 at;   /* bytes of rec in use */
	volatile u64 task; /* for header_fill: a global function takes only numbers, and a task is none */
	volatile u64 dentry, mount, root; /* where path_append stands, and the root of that mount */
	volatile u64 n_names;
	volatile u64 top, below_top; /* where the last name that path_append found begins, and the one before */
	union record rec;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_SLOTS);
	__type(key, u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/* User space sets the sizes before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} reserved SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} bulk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WIRE_MAX_CPUS);
	__type(key, u32);
	__type(value, struct wire_stats);
} stats SEC(".maps");

/* Written by user space at any time, as a whole. As struct kern_config. */
struct config {
	enum hook hooks; /* wanted ones */
	u32 filter;      /* the slot of the filter in force */
};
volatile struct config config SEC(".data.config");
/* Written once, before loading: what unix socket numbers are mixed with. */
const volatile u64 socket_secret[2] SEC(".rodata.config");

/* n, but no more than max; in one 64-bit register, so that the verifier sees the bound where n is used. */
static __always_inline u64 at_most(u64 n, u64 max)
{
	barrier_var(n);
	return n > max ? max : n;
}

static __always_inline struct scratch *scratch_take(u32 *slot)
{
#pragma unroll
	for (u32 i = 0; i < SCRATCH_SLOTS; i++) {
		u32 key = i;
		struct scratch *s = bpf_map_lookup_elem(&scratch, &key);

		if (!s)
			return 0;
		__sync_fetch_and_add(&s->users, 1);
		if (*(volatile u64 *)&s->users == 1) {
			*slot = i;
			return s;
		}
		__sync_fetch_and_add(&s->users, -1);
	}
	return 0;
}

static __always_inline struct scratch *scratch_get(u32 slot)
{
	return bpf_map_lookup_elem(&scratch, &slot);
}

static __always_inline void scratch_release(struct scratch *s)
{
	__sync_fetch_and_add(&s->users, -1);
}

static __always_inline struct wire_stats *stats_get(void)
{
	u32 cpu = bpf_get_smp_processor_id() % WIRE_MAX_CPUS;

	return bpf_map_lookup_elem(&stats, &cpu);
}

__attribute__((noinline)) int stats_produced(u32 kind, u32 ring)
{
	struct wire_stats *st = stats_get();

	if (!st || kind >= WIRE_N_KINDS || ring >= WIRE_N_RINGS)
		return 0;
	__sync_fetch_and_add(&st->produced[ring], 1);
	__sync_fetch_and_add(&st->produced_kind[kind], 1);
	return 0;
}

__attribute__((noinline)) int stats_lost(u32 kind, u32 ring)
{
	struct wire_stats *st = stats_get();

	if (!st || kind >= WIRE_N_KINDS || ring >= WIRE_N_RINGS)
		return 0;
	__sync_fetch_and_add(&st->lost[ring], 1);
	__sync_fetch_and_add(&st->lost_kind[kind], 1);
	return 0;
}

/* Beside stats_lost: it was the group's quota. */
static __always_inline void stats_lost_quota(u32 ring)
{
	struct wire_stats *st = stats_get();

	if (st && ring < WIRE_N_RINGS)
		__sync_fetch_and_add(&st->lost_quota[ring], 1);
}

/* The filter dropped a call. */
static __always_inline void stats_filtered(void)
{
	struct wire_stats *st = stats_get();

	if (st)
		__sync_fetch_and_add(&st->filtered, 1);
}

/* Scratch for a record that will be sent with record_send, or dropped with scratch_release. Without, it is counted as
 * lost. */
static __always_inline struct scratch *record_begin(u32 kind, u32 ring, u32 *slot)
{
	struct scratch *s = scratch_take(slot);

	if (!s) {
		stats_produced(kind, ring);
		stats_lost(kind, ring);
	}
	return s;
}

static __always_inline u64 task_start_ns(const struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime);
}

/* The header, and the record's size so far: fixed bytes. */
__attribute__((noinline)) int header_fill(u32 slot, u32 kind, u32 fixed)
{
	struct scratch *s = scratch_get(slot);
	const struct task_struct *task;
	const struct cred *cred;
	struct wire_hdr *h;

	if (!s)
		return 0;
	task = (void *)s->task;
	cred = BPF_CORE_READ(task, cred);
	h = &s->rec.hdr;
	s->at = fixed;
	h->kind = (u16)kind;
	h->flags = 0;
	h->time_ns = bpf_ktime_get_boot_ns();
	h->pid = (u32)BPF_CORE_READ(task, tgid);
	h->tid = (u32)BPF_CORE_READ(task, pid);
	h->start_ns = task_start_ns(task);
	h->ret = 0;
	h->syscall = 0xffffffff;
	h->uid = BPF_CORE_READ(cred, euid.val);
	h->gid = BPF_CORE_READ(cred, egid.val);
	h->reserved = 0;
	bpf_core_read(&h->cap_inheritable, sizeof h->cap_inheritable, &cred->cap_inheritable);
	bpf_core_read(&h->cap_permitted, sizeof h->cap_permitted, &cred->cap_permitted);
	bpf_core_read(&h->cap_effective, sizeof h->cap_effective, &cred->cap_effective);
	bpf_core_read(h->comm, sizeof h->comm, &task->comm);
	return 0;
}

static __always_inline void record_header(struct scratch *s, u32 slot, u32 kind, u32 fixed,
					  const struct task_struct *task)
{
	s->task = (u64)task;
	header_fill(slot, kind, fixed);
}

#include "sensor/bpf/quota.bpf.h"

/* Send what was built, and give the scratch back. */
__attribute__((noinline)) int record_send(u32 slot, u32 kind, u32 ring)
{
	struct scratch *s = scratch_get(slot);
	long err = -1;
	u64 bytes;

	if (!s)
		return 0;
	stats_produced(kind, ring);
	bytes = s->at;
	if (quota_counts(ring) && quota_refuses(ring, (u32)bytes)) {
		stats_lost_quota(ring);
	} else if (bytes <= WIRE_RECORD_MAX) {
		s->rec.hdr.bytes = (u32)bytes;
		err = ring == WIRE_RING_BULK ? bpf_ringbuf_output(&bulk, &s->rec, bytes, 0)
					     : bpf_ringbuf_output(&reserved, &s->rec, bytes, 0);
	}
	scratch_release(s);
	if (err)
		stats_lost(kind, ring);
	return 0;
}

#endif
