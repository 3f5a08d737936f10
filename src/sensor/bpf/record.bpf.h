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
 * What is sent is counted before, what did not fit after: consumed = produced - lost, exactly.
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
	volatile u64 at;                  /* bytes of rec in use */
	volatile u64 dentry, mount, root; /* where path_append stands, and the root of that mount */
	volatile u64 n_names;
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

/* Written by user space at any time. */
volatile enum hook wanted_hooks SEC(".data.config");
/* Written once, before loading: what unix socket numbers are mixed with. */
const volatile u64 socket_secret[2] SEC(".rodata.config");

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

static __always_inline void stats_produced(u32 kind, u32 ring)
{
	struct wire_stats *st = stats_get();

	if (!st || kind >= WIRE_N_KINDS)
		return;
	__sync_fetch_and_add(&st->produced[ring], 1);
	__sync_fetch_and_add(&st->produced_kind[kind], 1);
}

static __always_inline void stats_lost(u32 kind, u32 ring)
{
	struct wire_stats *st = stats_get();

	if (!st || kind >= WIRE_N_KINDS)
		return;
	__sync_fetch_and_add(&st->lost[ring], 1);
	__sync_fetch_and_add(&st->lost_kind[kind], 1);
}

/* Scratch for a record that will be sent with record_send; without, it is counted as lost. */
static __always_inline struct scratch *record_begin(u32 kind, u32 ring, u32 *slot)
{
	struct scratch *s;

	stats_produced(kind, ring);
	s = scratch_take(slot);
	if (!s)
		stats_lost(kind, ring);
	return s;
}

static __always_inline u64 task_start_ns(const struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime);
}

/* The header, and the record's size so far: fixed bytes. */
static __always_inline void record_header(struct scratch *s, u32 kind, u32 fixed, const struct task_struct *task)
{
	struct wire_hdr *h = &s->rec.hdr;
	const struct cred *cred = BPF_CORE_READ(task, cred);

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
}

/* Send what was built, and give the scratch back. */
static __always_inline void record_send(struct scratch *s, u32 kind, u32 ring)
{
	u64 bytes = s->at;
	long err = -1;

	if (bytes <= WIRE_RECORD_MAX) {
		s->rec.hdr.bytes = (u32)bytes;
		err = ring == WIRE_RING_BULK ? bpf_ringbuf_output(&bulk, &s->rec, bytes, 0)
					     : bpf_ringbuf_output(&reserved, &s->rec, bytes, 0);
	}
	scratch_release(s);
	if (err)
		stats_lost(kind, ring);
}

#endif
