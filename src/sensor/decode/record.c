/* SPDX-License-Identifier: Apache-2.0 */
/* record: is it a record, and where are its parts? Nothing else in decode touches the bytes. */
#include "sensor/decode/parts.h"

#include <stddef.h>

struct seg_at {
	uint16_t offset;
	uint16_t max;
	bool path;
};

struct layout {
	uint16_t fixed;
	uint16_t n_segs;
	struct seg_at segs[RECORD_MAX_SEGS];
};

// clang-format off
#define PATH(type, member) { offsetof(struct type, member), WIRE_PATH_BYTES, true }
#define TEXT(type, member) { offsetof(struct type, member), WIRE_PATH_BYTES, false }
#define ASKED(type, member) TEXT(type, member.raw), PATH(type, member.dir)
#define EXEC_LAYOUT                                                                                     \
	{ sizeof(struct wire_exec), 7, { PATH(wire_exec, exe), PATH(wire_exec, cwd), TEXT(wire_exec, filename), \
	  TEXT(wire_exec, interp), { offsetof(struct wire_exec, args), WIRE_ARGS_BYTES, false },                \
	  { offsetof(struct wire_exec, env), WIRE_ENV_BYTES, false }, PATH(wire_exec, cgroup) } }
#define SOCK_LAYOUT(type) \
	{ sizeof(struct type), 2, { TEXT(type, path), { offsetof(struct type, data), WIRE_DATA_BYTES, false } } }
#define PATH_LAYOUT(type) { sizeof(struct type), 2, { ASKED(type, path) } }
#define PATHS_LAYOUT(type) { sizeof(struct type), 4, { ASKED(type, from), ASKED(type, to) } }
#define CALL_LAYOUT(type) { sizeof(struct type), 2, { TEXT(type, text), PATH(type, path) } }
static const struct layout layouts[WIRE_N_KINDS] = {
	[WIRE_FORK]    = { sizeof(struct wire_fork), 0, { { 0 } } },
	[WIRE_EXEC]    = EXEC_LAYOUT,
	[WIRE_EXIT]    = { sizeof(struct wire_exit), 0, { { 0 } } },
	[WIRE_TASK]    = EXEC_LAYOUT,
	[WIRE_MEMFD]   = { sizeof(struct wire_memfd), 1, { TEXT(wire_memfd, name) } },
	[WIRE_OPEN]    = { sizeof(struct wire_open), 3, { PATH(wire_open, path), ASKED(wire_open, asked) } },
	[WIRE_CONNECT] = SOCK_LAYOUT(wire_connect),
	[WIRE_FDS]     = { sizeof(struct wire_fds), 0, { { 0 } } },
	[WIRE_CHDIR]   = { sizeof(struct wire_chdir), 1, { PATH(wire_chdir, path) } },
	[WIRE_EXEC_FAILED] = PATH_LAYOUT(wire_exec_failed),
	[WIRE_ACCEPT]  = SOCK_LAYOUT(wire_accept),
	[WIRE_LISTEN]  = SOCK_LAYOUT(wire_listen),
	[WIRE_SOCKET]  = SOCK_LAYOUT(wire_socket),
	[WIRE_SEND]    = SOCK_LAYOUT(wire_send),
	[WIRE_RECV]    = SOCK_LAYOUT(wire_recv),
	[WIRE_DUP]     = { sizeof(struct wire_dup), 1, { TEXT(wire_dup, path) } },
	[WIRE_RENAME]  = PATHS_LAYOUT(wire_rename),
	[WIRE_UNLINK]  = PATH_LAYOUT(wire_unlink),
	[WIRE_LINK]    = PATHS_LAYOUT(wire_link),
	[WIRE_SYMLINK] = PATHS_LAYOUT(wire_symlink),
	[WIRE_MKDIR]   = PATH_LAYOUT(wire_mkdir),
	[WIRE_CHMOD]   = PATH_LAYOUT(wire_chmod),
	[WIRE_PTRACE]  = CALL_LAYOUT(wire_ptrace),
	[WIRE_CREDS]   = { sizeof(struct wire_creds), 0, { { 0 } } },
	[WIRE_NAMESPACE] = CALL_LAYOUT(wire_namespace),
	[WIRE_MODULE]  = CALL_LAYOUT(wire_module),
	[WIRE_BPF]     = CALL_LAYOUT(wire_bpf),
	[WIRE_USERFAULTFD] = CALL_LAYOUT(wire_userfaultfd),
};
// clang-format on

static FALLIBLE read_segs(struct view in, const struct layout *l, struct record *out)
{
	uint64_t at = l->fixed;

	for (uint32_t i = 0; i < l->n_segs; i++) {
		struct wire_seg seg;
		struct view v;

		memcpy(&seg, (const char *)&out->hdr + l->segs[i].offset, sizeof seg);
		if (seg.len > l->segs[i].max)
			return E_FORMAT;
		if (!view_sub(in, at, seg.len, &v))
			return E_TRUNCATED;
		if (l->segs[i].path && v.len && v.p[v.len - 1])
			return E_FORMAT;
		out->seg[i] = (struct proc_str){ (const char *)v.p, (uint32_t)v.len };
		out->seg_flags[i] = seg.flags;
		at += seg.len;
	}
	return E_OK;
}

static bool fds_ok(const struct wire_fd *fds, uint32_t n, uint32_t max, bool ascending)
{
	if (n > max)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (fds[i].kind > WIRE_FD_OTHER || (ascending && i && fds[i].fd <= fds[i - 1].fd))
			return false;
	return true;
}

static bool content_ok(const struct record *r)
{
	switch ((enum wire_kind)r->hdr.kind) {
	case WIRE_EXEC:
	case WIRE_TASK:
		return fds_ok(r->exec.fds, r->exec.n_fds, WIRE_TASK_FDS, true);
	case WIRE_OPEN:
		return fds_ok(&r->open.file, 1, 1, false);
	case WIRE_CONNECT: /* one that failed may have been of anything */
		return (r->hdr.ret < 0 ||
			(r->connect.sock.kind >= WIRE_FD_UNIX && r->connect.sock.kind <= WIRE_FD_IPV6)) &&
		       fds_ok(&r->connect.sock, 1, 1, false);
	case WIRE_ACCEPT:
		return fds_ok(&r->accept.sock, 1, 1, false);
	case WIRE_LISTEN:
		return fds_ok(&r->listen.sock, 1, 1, false);
	case WIRE_SOCKET:
		return fds_ok(&r->socket.sock, 1, 1, false);
	case WIRE_SEND:
		return fds_ok(&r->send.sock, 1, 1, false);
	case WIRE_RECV:
		return fds_ok(&r->recv.sock, 1, 1, false);
	case WIRE_DUP:
		return fds_ok(&r->dup.sock, 1, 1, false);
	case WIRE_FDS:
		return r->fds.op >= WIRE_FDS_OPEN && r->fds.op <= WIRE_FDS_CLOSE &&
		       fds_ok(r->fds.fds, r->fds.n_fds, countof(r->fds.fds), false);
	default:
		return true;
	}
}

FALLIBLE record_read(struct view in, struct record *out)
{
	const struct layout *l;
	struct wire_hdr h;

	TRY(VIEW_READ(in, 0, &h));
	if (h.bytes != in.len)
		return h.bytes > in.len ? E_TRUNCATED : E_FORMAT;
	if (h.kind == 0 || h.kind >= WIRE_N_KINDS || in.len > WIRE_RECORD_MAX)
		return E_FORMAT;
	l = &layouts[h.kind];
	if (in.len < l->fixed)
		return E_TRUNCATED;
	memcpy(&out->hdr, in.p, l->fixed);
	out->hdr.comm[WIRE_COMM - 1] = 0;
	TRY(read_segs(in, l, out));
	return content_ok(out) ? E_OK : E_FORMAT;
}
