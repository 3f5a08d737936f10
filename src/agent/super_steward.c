/* SPDX-License-Identifier: Apache-2.0 */
/*
 * super_steward: one steward, always; and what goes through here between it, the courier, the worker and the disk.
 * Nothing of it is looked at: bytes are kept under names of ours, passed on, or handed to super_arm.
 */
#include "agent/supervisor.h"

#include <fcntl.h>
#include <sys/utsname.h>

enum { RETRY_MS = 10000, STOP_MS = 2000 };

static const char *const saved_names[] = { [CONTROL_SAVED_STATE] = "steward", [CONTROL_SAVED_KEY] = "agent-key" };

/* Sealed memory with a kept file, or nothing. */
static int kept(struct supervisor *s, uint32_t what)
{
	AUTO_FREE char *bytes = NULL;
	size_t len = 0;
	int fd = -1;

	if (s->arm.store && local_store_load(s->arm.store, saved_names[what], &bytes, &len, NULL) == E_OK &&
	    sealed_bytes(bytes, len, &fd) == E_OK)
		return fd;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static FALLIBLE send_start(struct supervisor *s)
{
	struct super_steward *w = &s->steward;
	int state = kept(s, CONTROL_SAVED_STATE), key = kept(s, CONTROL_SAVED_KEY);
	struct control_packet p;
	struct utsname u;
	enum err err;

	control_init(&p, CONTROL_STEWARD);
	p.msg.u.steward.boottime_s = super_now_ns(CLOCK_BOOTTIME) / 1000000000;
	p.msg.u.steward.realtime_s = super_now_ns(CLOCK_REALTIME) / 1000000000;
	p.msg.u.steward.flags = s->arm.store ? CONTROL_STEWARD_KEEPS : 0;
	memcpy(p.msg.u.steward.boot, s->arm.boot, sizeof s->arm.boot);
	if (!uname(&u))
		(void)snprintf(p.msg.u.steward.kernel, sizeof p.msg.u.steward.kernel, "%.63s", u.release);
	(void)snprintf(p.msg.u.steward.repository, sizeof p.msg.u.steward.repository, "%.255s",
		       s->o->config->release_repository ? s->o->config->release_repository : "");
	p.fds[p.n_fds++] = state;
	for (uint32_t i = 0; i < STEWARD_N_FILES; i++)
		p.fds[p.n_fds++] = w->file[i];
	p.fds[p.n_fds++] = key;
	p.fds[p.n_fds++] = s->page_fd;
	err = state >= 0 && key >= 0 ? control_send(w->child.sock, &p) : E_IO;
	close(state);
	close(key);
	TRY(err);
	control_init(&p, CONTROL_CLIENTS);
	if (w->listen >= 0)
		p.fds[p.n_fds++] = w->listen;
	return control_send(w->child.sock, &p);
}

static void start(struct supervisor *s, uint64_t now_ms)
{
	struct child_opts o = { .name = "steward", .arg = AGENT_STEWARD_ARG, .arg2 = "", .nice = STEWARD_NICE };
	struct super_steward *w = &s->steward;
	struct diag d;

	diag_init(&d);
	if (child_spawn(&o, &w->child, &d) != E_OK) {
		log_error("%s", d.text);
		w->backoff.restart_ms = now_ms + RETRY_MS;
		return;
	}
	if (send_start(s) != E_OK) {
		child_kill(&w->child, "it does not take messages");
		return;
	}
	super_arm_tell(s);
	super_steward_watching(s);
	if (w->local[0] >= 0 && w->local[1] >= 0)
		child_send2(&w->child, CONTROL_LOCAL, w->local[0], w->local[1]);
}

void super_steward_on_time(struct supervisor *s, uint64_t now_ms)
{
	if (!s->steward.child.pid && now_ms >= s->steward.backoff.restart_ms)
		start(s, now_ms);
}

void super_steward_watching(struct supervisor *s)
{
	if (s->steward.child.pid && s->state == WATCHING)
		child_send(&s->steward.child, CONTROL_WATCHING, -1);
}

void super_steward_got(struct supervisor *s, struct control_packet *p)
{
	if (s->steward.child.pid)
		child_pass(&s->steward.child, CONTROL_GOT, p);
}

/* To the courier; without one, that is the answer. */
static void fetch(struct supervisor *s, struct control_packet *p)
{
	uint32_t to = p->msg.hdr.type == CONTROL_PUT ? CONTROL_PUT_FILE : CONTROL_FETCH_FILE;

	if (s->courier.child.pid) {
		child_pass(&s->courier.child, to, p);
		return;
	}
	control_close_fds(p);
	p->msg.u.fetch.error = E_IO;
	super_steward_got(s, p);
}

static void save(struct supervisor *s, struct control_packet *p)
{
	AUTO_FREE char *bytes = NULL;
	struct diag d;
	size_t len;

	diag_init(&d);
	if (!s->arm.store)
		return;
	if (lseek(p->fds[0], 0, SEEK_SET) || io_read_fd(p->fds[0], "state", p->msg.u.save.bytes, &bytes, &len, &d) ||
	    local_store_save(s->arm.store, saved_names[p->msg.u.save.what], view_of(bytes, len), &d))
		log_error("what the steward knows is not kept: %s", d.text);
}

static void on_revoked(struct supervisor *s, struct control_packet *p)
{
	super_arm_digest(s, LOCAL_EV_REVOKED, p->msg.u.offer.digest);
}

static void on_mute(struct supervisor *s, struct control_packet *p)
{
	if (s->state == WATCHING)
		child_pass(&s->child, CONTROL_MUTE, p);
}

static const struct {
	enum control_type type;
	void (*on)(struct supervisor *s, struct control_packet *p);
} handlers[] = { { CONTROL_FETCH, fetch },
		 { CONTROL_PUT, fetch },
		 { CONTROL_SAVE, save },
		 { CONTROL_PLAN, super_arm_plan },
		 { CONTROL_OFFER, super_arm_offer },
		 { CONTROL_REVOKED, on_revoked },
		 { CONTROL_ORDER, super_arm_order },
		 { CONTROL_ASK_MUTE, on_mute } };

static bool dispatch(struct supervisor *s, struct control_packet *p)
{
	for (size_t i = 0; i < countof(handlers); i++)
		if (handlers[i].type == p->msg.hdr.type) {
			handlers[i].on(s, p);
			return true;
		}
	return false;
}

void super_steward_on_message(struct supervisor *s)
{
	struct child *c = &s->steward.child;
	struct control_packet p;

	if (!child_receive(c, &p))
		return;
	if (!dispatch(s, &p))
		child_kill(c, "it sent a message that does not belong here");
	control_close_fds(&p);
}

void super_steward_on_death(struct supervisor *s, uint64_t now_ms)
{
	siginfo_t si;

	if (!child_reap(&s->steward.child, &si))
		return;
	child_died("steward", &si, "nothing new is activated until it is back", &s->steward.backoff, now_ms);
}

void super_steward_stop(struct supervisor *s)
{
	child_stop(&s->steward.child, STOP_MS);
}
