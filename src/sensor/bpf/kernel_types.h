/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * kernel_types: the members of kernel structures that the programs read, and nothing else.
 *
 * Stands in for a dumped vmlinux.h. Offsets here mean nothing: every access is relocated against the running
 * kernel's BTF (preserve_access_index), so only names and types of members matter. What some kernels lack (loginuid,
 * the memory controller) is asked for before it is read.
 */
#ifndef SALLYPORT_SENSOR_BPF_KERNEL_TYPES_H
#define SALLYPORT_SENSOR_BPF_KERNEL_TYPES_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;
typedef _Bool bool;

enum { false, true };

/* include/uapi/linux/bpf.h */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_F_RDONLY_PROG = 1 << 7, BPF_F_MMAPABLE = 1 << 10 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long bx, cx, dx, si, di, bp, r8, r9, r10, orig_ax;
};
struct thread_info {
	u32 status;
};

struct qstr {
	u32 len;
	const unsigned char *name;
};
struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};
struct super_block {
	u32 s_dev;
	unsigned long s_magic;
};
struct kuid {
	u32 val;
};
typedef struct kuid kuid_t;
typedef struct kuid kgid_t;
struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
};
/* From 6.11 on; the times' members before: inode___6_7 (6.7), inode___6_6 (6.6), inode___old. */
struct inode {
	u16 i_mode;
	kuid_t i_uid;
	s64 i_mtime_sec, i_ctime_sec;
	u32 i_mtime_nsec, i_ctime_nsec;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
};
struct inode___6_7 {
	struct timespec64 __i_mtime;
};
struct inode___6_6 {
	struct timespec64 __i_ctime;
};
struct inode___old {
	struct timespec64 i_mtime, i_ctime;
};
struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};
struct vfsmount {
	struct dentry *mnt_root;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_mode;
	unsigned int f_flags;
	void *private_data;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
	unsigned long *close_on_exec;
	unsigned long *open_fds;
};
struct files_struct {
	struct fdtable *fdt;
};
struct fs_struct {
	struct path pwd, root;
};

struct in6_addr {
	u8 bytes[16];
};
struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol;
};
struct socket {
	struct sock *sk;
};
struct sockaddr_un {
	char sun_path[108];
};
struct unix_address {
	int len;
	struct sockaddr_un name[];
};
struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct hlist_node {
	struct hlist_node *next;
};
struct hlist_head {
	struct hlist_node *first;
};
struct upid {
	int nr;
};
struct pid {
	unsigned int level;
	struct hlist_head tasks[4];
	struct upid numbers[1];
};
struct tty_driver {
	int major, minor_start;
};
struct tty_struct {
	int index;
	struct tty_driver *driver;
};
/* two u32 before 6.3 */
struct kernel_cap_struct {
	u64 val;
};
struct cred {
	kuid_t euid;
	kgid_t egid;
	struct kernel_cap_struct cap_inheritable, cap_permitted, cap_effective;
};
struct atomic {
	int counter;
};
typedef struct atomic atomic_t;
struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
	struct pid *pids[4];
	struct tty_struct *tty;
};
struct kernfs_node {
	struct kernfs_node *__parent;
	const char *name;
	u64 id;
};
/* before 6.15 */
struct kernfs_node___old {
	struct kernfs_node *parent;
};
struct cgroup {
	int level;
	struct kernfs_node *kn;
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
};
struct css_set {
	struct cgroup_subsys_state *subsys[4];
	struct cgroup *dfl_cgrp;
};
struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start, arg_end, env_start, env_end;
};
struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int pid, tgid;
	int exit_code;
	u64 start_boottime;
	struct task_struct *real_parent, *group_leader;
	struct hlist_node pid_links[4];
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct signal_struct *signal;
	const struct cred *cred;
	struct css_set *cgroups;
	kuid_t loginuid;
	char comm[16];
};
struct linux_binprm {
	const char *filename, *interp;
};

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

/* Values differ between kernels and are relocated. */
enum cgroup_subsys_id { memory_cgrp_id = 4 };

#endif
