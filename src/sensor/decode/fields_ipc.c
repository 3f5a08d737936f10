/* SPDX-License-Identifier: Apache-2.0 */
/* fields_ipc: the chain by which a process reads from one that talks to the network. */
#include "sensor/decode/parts.h"

static const char *edge_name(enum ipc_edge edge)
{
	static const char *const names[] = {
		[IPC_EDGE_EXEC] = "exec", [IPC_EDGE_OPEN] = "open",       [IPC_EDGE_DUP] = "dup",
		[IPC_EDGE_PIPE] = "pipe", [IPC_EDGE_CONNECT] = "connect", [IPC_EDGE_FORK] = "fork",
	};

	return names[edge];
}

/* "sh <- cat <- nc" */
static void set_chain(struct decode *d, uint32_t id)
{
	const struct ipc_chain *c = d->chain;
	size_t n = 0, cap = (IPC_MAX_HOPS + 1) * (WIRE_COMM + 4);
	char *text = value_room(d, cap);

	if (!text)
		return;
	for (uint32_t i = 0; i < c->n_procs; i++)
		n += (size_t)snprintf(text + n, cap - n, "%s%s", i ? " <- " : "", c->procs[i]->comm);
	event_set_str(&d->event, id, text, n);
}

// clang-format off
static void fill_peer(struct decode *d, uint32_t id)
{
	const struct ipc_chain *c = d->chain;
	struct event *e = &d->event;
	struct inet addr = inet_of(&c->sock);
	const struct user *user;

	switch (id) {
	case FIELD_ipc_pipe_peer_pid: event_set_i64(e, id, c->peer->key.pid); return;
	case FIELD_ipc_pipe_peer_name: value_name(d, id, c->peer); return;
	case FIELD_ipc_pipe_peer_exepath: value_str(d, id, proc_view(c->peer)->exepath); return;
	case FIELD_ipc_pipe_peer_cmdline: value_str(d, id, value_cmdline(d, c->peer)); return;
	case FIELD_ipc_pipe_peer_ppid: event_set_i64(e, id, c->peer->ppid); return;
	case FIELD_ipc_pipe_peer_uid: event_set_u64(e, id, c->peer->uid); return;
	case FIELD_ipc_pipe_peer_user:
		user = users_find(d->users, c->peer->uid);
		if (user)
			event_set_str(e, id, user->name.p, user->name.len);
		return;
	case FIELD_ipc_pipe_peer_fd: event_set_i64(e, id, c->sock.fd); return;
	case FIELD_ipc_pipe_peer_l4proto: event_set_cstr(e, id, name_of_l4proto(c->sock.l4proto)); return;
	case FIELD_ipc_pipe_peer_rip: event_set_ip(e, id, addr.remote, addr.addr_len); return;
	case FIELD_ipc_pipe_peer_rport: event_set_u64(e, id, c->sock.remote_port); return;
	}
}

void fields_ipc(struct decode *d, uint32_t id)
{
	const struct ipc_chain *c = d->chain;
	struct event *e = &d->event;

	switch (id) {
	case FIELD_ipc_pipe_kind: event_set_cstr(e, id, name_of_stdio(c->kind)); return;
	case FIELD_ipc_pipe_path: event_set_cstr(e, id, c->path); return;
	case FIELD_ipc_pipe_ino: event_set_u64(e, id, c->ino); return;
	case FIELD_ipc_pipe_fd: event_set_i64(e, id, c->reader_fd); return;
	case FIELD_ipc_pipe_edge: event_set_cstr(e, id, edge_name(c->edge)); return;
	case FIELD_ipc_pipe_hops: event_set_u64(e, id, c->n_procs - 1); return;
	case FIELD_ipc_pipe_via_pid: event_set_i64(e, id, c->procs[1]->key.pid); return;
	case FIELD_ipc_pipe_via_name: value_name(d, id, c->procs[1]); return;
	case FIELD_ipc_pipe_via_cmdline: value_str(d, id, value_cmdline(d, c->procs[1])); return;
	case FIELD_ipc_pipe_chain: set_chain(d, id); return;
	default:
		fill_peer(d, id);
	}
}
// clang-format on
