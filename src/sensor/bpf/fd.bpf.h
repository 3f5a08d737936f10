/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fd: from a descriptor to what it is.
 *
 * Read from the descriptor table when the system call returns, never from the caller's memory. Another thread may have
 * put another file there in between; then the record tells of that one.
 */
#ifndef SALLYPORT_SENSOR_BPF_FD_H
#define SALLYPORT_SENSOR_BPF_FD_H

enum {
	S_IFMT = 0170000,
	S_IFSOCK = 0140000,
	S_IFREG = 0100000,
	S_IFDIR = 0040000,
	S_IFCHR = 0020000,
	S_IFIFO = 0010000,
	/* include/linux/fs.h */
	FMODE_READ = 1,
	FMODE_WRITE = 2,
	FMODE_PATH = 1 << 14,
	FMODE_CREATED = 1 << 20,
	PIPEFS_MAGIC = 0x50495045, /* include/uapi/linux/magic.h */
	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	FD_WORD_BITS = 64,
};

/* enum wire_exe_flags of a file as enum wire_fd_flags. */
static __always_inline u8 layer_flags(u32 layer)
{
	return (layer & WIRE_EXE_UPPER ? WIRE_FD_UPPER : 0) | (layer & WIRE_EXE_LOWER ? WIRE_FD_LOWER : 0);
}

/* A process's descriptor table, as far as it is read often. */
struct fd_table {
	u64 files;               /* struct file ** */
	u64 close_on_exec, open; /* unsigned long * */
	u32 n;
};

static __always_inline void fd_table_of(const struct task_struct *task, struct fd_table *out)
{
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);

	out->n = BPF_CORE_READ(fdt, max_fds);
	out->files = (u64)BPF_CORE_READ(fdt, fd);
	out->close_on_exec = (u64)BPF_CORE_READ(fdt, close_on_exec);
	out->open = (u64)BPF_CORE_READ(fdt, open_fds);
}

/* For a descriptor below FD_WORD_BITS, which every table has room for (NR_OPEN_DEFAULT). NULL when it is not open. */
static __always_inline struct file *fd_file_low(u64 files, u32 fd)
{
	struct file *f = 0;

	bpf_probe_read_kernel(&f, sizeof f, (void *)(files + (u64)fd * sizeof f));
	return f;
}

/* NULL when fd is not open. */
static __always_inline struct file *fd_file(const struct fd_table *t, u32 fd)
{
	return fd < t->n ? fd_file_low(t->files, fd) : 0;
}

static __always_inline u64 fd_bits(u64 bitmap, u32 word)
{
	u64 bits = 0;

	bpf_probe_read_kernel(&bits, sizeof bits, (void *)(bitmap + word * sizeof bits));
	return bits;
}

static __always_inline u32 fd_flags(const struct fd_table *t, u32 fd)
{
	return fd < t->n && fd_bits(t->close_on_exec, fd / FD_WORD_BITS) >> (fd % FD_WORD_BITS) & 1 ? WIRE_FD_CLOEXEC
												    : 0;
}

/* stat(2)'s form of a kernel device number (include/linux/kdev_t.h: new_encode_dev). */
static __always_inline u32 dev_encode(u32 dev)
{
	u32 major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

static __always_inline struct sock *file_sock(const struct file *f)
{
	struct socket *sock = BPF_CORE_READ(f, private_data);

	return BPF_CORE_READ(sock, sk);
}

static __always_inline u32 file_kind(const struct file *f)
{
	struct inode *inode = BPF_CORE_READ(f, f_inode);

	switch (BPF_CORE_READ(inode, i_mode) & S_IFMT) {
	case S_IFREG:
		return WIRE_FD_FILE;
	case S_IFDIR:
		return WIRE_FD_DIR;
	case S_IFCHR:
		return WIRE_FD_CHAR;
	case S_IFIFO:
		return BPF_CORE_READ(inode, i_sb, s_magic) == PIPEFS_MAGIC ? WIRE_FD_PIPE : WIRE_FD_FIFO;
	case S_IFSOCK:
		if (BPF_CORE_READ(f, f_mode) & FMODE_PATH) /* a name in a directory, no socket */
			return WIRE_FD_OTHER;
		switch (BPF_CORE_READ(file_sock(f), __sk_common.skc_family)) {
		case AF_UNIX:
			return WIRE_FD_UNIX;
		case AF_INET:
			return WIRE_FD_IPV4;
		case AF_INET6:
			return WIRE_FD_IPV6;
		}
	}
	return WIRE_FD_OTHER;
}

/* Can it be part of a chain: a pipe, a FIFO or a socket? Global, so that loops stay small for the verifier. */
__attribute__((noinline)) int file_is_channel(u64 file_addr)
{
	u32 kind = file_addr ? file_kind((void *)file_addr) : WIRE_FD_NONE;

	return kind >= WIRE_FD_PIPE && kind <= WIRE_FD_IPV6;
}

enum {
	OVERLAYFS_SUPER_MAGIC = 0x794c7630,
	NSEC_BITS = 0x3fffffff, /* include/linux/fs.h: what is above in i_ctime_nsec is a flag */
	NSEC_PER_SEC = 1000000000,
};

/*
 * enum wire_exe_flags. An inode of overlayfs is followed by the directory entry of its copy in the upper layer (struct
 * ovl_inode, fs/overlayfs/ovl_entry.h); it is not described by the kernel's BTF where overlayfs is a module.
 */
static __always_inline u32 file_layer(const struct inode *inode)
{
	u64 upper = 0;

	if (!inode || BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return 0;
	bpf_probe_read_kernel(&upper, sizeof upper, (void *)((u64)inode + bpf_core_type_size(struct inode)));
	return upper ? WIRE_EXE_UPPER : WIRE_EXE_LOWER;
}

static __always_inline u64 time_ns(const struct timespec64 *t)
{
	return (u64)t->tv_sec * NSEC_PER_SEC + (u64)t->tv_nsec;
}

static __always_inline u64 inode_ctime_ns(const struct inode *inode)
{
	struct timespec64 t = {};

	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		t.tv_sec = BPF_CORE_READ(inode, i_ctime_sec);
		t.tv_nsec = BPF_CORE_READ(inode, i_ctime_nsec) & NSEC_BITS;
	} else if (bpf_core_field_exists(((struct inode___6_6 *)0)->__i_ctime)) {
		bpf_core_read(&t, sizeof t, &((const struct inode___6_6 *)inode)->__i_ctime);
	} else {
		bpf_core_read(&t, sizeof t, &((const struct inode___old *)inode)->i_ctime);
	}
	return time_ns(&t);
}

static __always_inline u64 inode_mtime_ns(const struct inode *inode)
{
	struct timespec64 t = {};

	if (bpf_core_field_exists(inode->i_mtime_sec)) {
		t.tv_sec = BPF_CORE_READ(inode, i_mtime_sec);
		t.tv_nsec = BPF_CORE_READ(inode, i_mtime_nsec) & NSEC_BITS;
	} else if (bpf_core_field_exists(((struct inode___6_7 *)0)->__i_mtime)) {
		bpf_core_read(&t, sizeof t, &((const struct inode___6_7 *)inode)->__i_mtime);
	} else {
		bpf_core_read(&t, sizeof t, &((const struct inode___old *)inode)->i_mtime);
	}
	return time_ns(&t);
}

static __always_inline u64 mix(u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* The same number for both ends, and no way back to the addresses without the secret. Never 0. */
static __always_inline u64 unix_pair(const struct sock *sk)
{
	u64 a = (u64)sk, b = (u64)BPF_CORE_READ((const struct unix_sock *)sk, peer);

	if (!b)
		return 0;
	return mix(mix((a < b ? a : b) ^ socket_secret[0]) + ((a < b ? b : a) ^ socket_secret[1])) | 1;
}

static __always_inline void inet_describe(struct wire_fd *w, const struct sock *sk)
{
	const struct sock_common *c = &sk->__sk_common;

	w->l4proto = (u8)BPF_CORE_READ(sk, sk_protocol);
	w->remote_port = __builtin_bswap16(BPF_CORE_READ(c, skc_dport));
	w->local_port = BPF_CORE_READ(c, skc_num);
	if (w->kind == WIRE_FD_IPV4) {
		bpf_core_read(w->remote_addr, 4, &c->skc_daddr);
		bpf_core_read(w->local_addr, 4, &c->skc_rcv_saddr);
	} else {
		bpf_core_read(w->remote_addr, 16, &c->skc_v6_daddr);
		bpf_core_read(w->local_addr, 16, &c->skc_v6_rcv_saddr);
	}
	if (w->remote_port)
		w->flags |= WIRE_FD_CONNECTED;
}

/* Fill the struct wire_fd at offset in the record; flags: WIRE_FD_CLOEXEC or 0. Returns its kind. */
__attribute__((noinline)) int fd_describe(u64 file_addr, u32 fd, u32 flags, u32 slot, u32 offset)
{
	struct file *f = (void *)file_addr;
	struct scratch *s = scratch_get(slot);
	struct inode *inode;
	struct wire_fd *w;
	u32 mode;

	if (!s || offset > WIRE_RECORD_MAX - sizeof *w)
		return WIRE_FD_NONE;
	w = (void *)(s->rec.bytes + offset);
	__builtin_memset(w, 0, sizeof *w);
	w->fd = fd;
	if (!f)
		return WIRE_FD_NONE;
	w->kind = (u8)file_kind(f);
	mode = BPF_CORE_READ(f, f_mode);
	w->flags = (u8)((mode & FMODE_READ ? WIRE_FD_READ : 0) | (mode & FMODE_WRITE ? WIRE_FD_WRITE : 0) | flags);
	inode = BPF_CORE_READ(f, f_inode);
	w->ino = BPF_CORE_READ(inode, i_ino);
	w->dev = dev_encode(BPF_CORE_READ(inode, i_sb, s_dev));
	if (w->kind == WIRE_FD_UNIX)
		w->ino = unix_pair(file_sock(f));
	else if (w->kind == WIRE_FD_IPV4 || w->kind == WIRE_FD_IPV6)
		inet_describe(w, file_sock(f));
	return w->kind;
}

#endif
