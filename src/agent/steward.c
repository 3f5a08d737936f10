/* SPDX-License-Identifier: Apache-2.0 */
/* steward: the process: its start, its one loop, its end. */
#include "agent/steward.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include <sodium.h>

#include "agent/agent.h"
#include "agent/confine.h"
#include "agent/steward_parts.h"

enum {
	EXIT_HOST = 3,
	MEMORY_BYTES = 384 << 20,
	TICK_MS = 500,
	MAX_TICK_S = 5,    /* dwell for one round at most: a process that was stopped did not watch */
	SAVE_EVERY_S = 60, /* dwell */
	MAX_STATE = 1 << 20,
	MAX_ZONE = 64 << 10,
};

static uint64_t now_s(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec;
}

uint64_t steward_boot_s(void)
{
	return now_s(CLOCK_BOOTTIME);
}

uint64_t steward_unix_s(void)
{
	return now_s(CLOCK_REALTIME);
}

int steward_memory(struct view bytes)
{
	AUTO_FD int fd = memfd_create("sallyport-steward", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || io_write_all(fd, bytes.p, bytes.len) != E_OK ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -1;
	return TAKE(fd);
}

void steward_send(struct steward *s, struct control_packet *p)
{
	if (control_send(AGENT_CHILD_FD, p) != E_OK)
		s->stop = true;
}

void steward_send_plan(struct steward *s)
{
	const struct plan *plan = &s->trust.root.plan;
	struct control_packet p;

	control_init(&p, CONTROL_PLAN);
	p.msg.u.plan = (struct control_plan){ .shadow_s = plan->shadow_s,
					      .shadow_events = plan->shadow_events,
					      .probation_s = plan->probation_s };
	steward_send(s, &p);
}

/* messages */

static void on_got(struct steward *s, struct control_packet *p)
{
	if (p->msg.u.fetch.id != s->asked_id || s->answered)
		return; /* it was waited for too long */
	s->answered = true;
	s->answer_error = p->msg.u.fetch.error;
	s->answer_fd = p->n_fds ? p->fds[0] : -1;
	p->n_fds = 0;
}

static void on_fact(struct steward *s, const struct control_fact *f)
{
	struct control_fact *mine = &s->fact[f->lane];

	if (f->strikes != mine->strikes || memcmp(f->strike, mine->strike, sizeof f->strike))
		s->strike_unsent = true;
	if (f->phase != mine->phase || memcmp(f->lkg, mine->lkg, sizeof f->lkg))
		s->strike_unsent = true;
	*mine = *f;
	if (f->lane == LOCAL_RELEASE)
		s->host.fresh = sodium_is_zero(f->lkg, sizeof f->lkg);
}

/* A worker that has just begun to watch knows of none. */
static void send_mutes(struct steward *s)
{
	for (uint32_t i = 0; i < s->n_mutes && !s->stop; i++) {
		struct control_packet p;

		control_init(&p, CONTROL_ASK_MUTE);
		p.msg.u.mute = s->mute[i].m;
		steward_send(s, &p);
	}
}

static void on_control(struct steward *s)
{
	struct control_packet p;
	struct diag d;
	enum err err;

	diag_init(&d);
	err = control_recv(AGENT_CHILD_FD, false, &p, &d);
	if (err == E_NOT_FOUND)
		return;
	if (err != E_OK) {
		if (err != E_TRUNCATED)
			log_error("steward: bad control message: %s", d.text);
		_exit(EXIT_HOST);
	}
	switch ((enum control_type)p.msg.hdr.type) {
	case CONTROL_GOT:
		on_got(s, &p);
		break;
	case CONTROL_FACT:
		on_fact(s, &p.msg.u.fact);
		break;
	case CONTROL_LOCAL:
		steward_local(s, p.fds[0], p.fds[1]);
		break;
	case CONTROL_WATCHING:
		send_mutes(s);
		break;
	case CONTROL_STOP:
		s->stop = true;
		break;
	default:
		log_error("steward: message %u does not belong here", p.msg.hdr.type);
		_exit(EXIT_HOST);
	}
	control_close_fds(&p);
}

void steward_serve(struct steward *s, int wait_ms)
{
	struct pollfd p[2 + STEWARD_MAX_CLIENTS] = { { .fd = AGENT_CHILD_FD, .events = POLLIN },
						     { .fd = s->listen, .events = POLLIN } };

	for (uint32_t i = 0; i < STEWARD_MAX_CLIENTS; i++)
		p[2 + i] = (struct pollfd){ .fd = s->client[i].fd, .events = POLLIN };
	if (poll(p, countof(p), wait_ms) <= 0)
		return;
	if (p[0].revents)
		on_control(s);
	for (uint32_t i = 0; i < STEWARD_MAX_CLIENTS; i++)
		if (p[2 + i].revents && s->client[i].fd == p[2 + i].fd)
			steward_client_read(s, &s->client[i]);
	if (p[1].revents)
		steward_accept(s);
}

/* time */

static void forget_old_mutes(struct steward *s, uint64_t now)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_mutes; i++)
		if (s->mute[i].until_s > now)
			s->mute[n++] = s->mute[i];
	s->dirty |= n != s->n_mutes;
	s->n_mutes = n;
}

/* The repository. */
static void follow(struct steward *s, uint64_t now, uint64_t elapsed)
{
	endpoint_tick(&s->table, elapsed);
	if (now >= s->sync_at_s || s->sync_asked)
		steward_sync(s);
	steward_decide(s);
	if (now >= s->report_at_s || s->strike_unsent)
		steward_report(s);
}

uint64_t steward_quiet_s(struct steward *s)
{
	uint64_t beat = page_get(&s->page->heartbeat), now = steward_boot_s();

	if (beat != s->beat) {
		s->beat = beat;
		s->beat_s = now;
	}
	return now - s->beat_s;
}

static void on_time(struct steward *s)
{
	uint64_t now = steward_boot_s(), elapsed = now - s->ticked_s;

	s->ticked_s = now;
	(void)steward_quiet_s(s);
	steward_client_expire(s);
	forget_old_mutes(s, now);
	if (s->has_root)
		follow(s, now, elapsed < MAX_TICK_S ? elapsed : MAX_TICK_S);
	if (s->dirty || (s->has_root && now - s->saved_s >= SAVE_EVERY_S))
		steward_save(s);
}

/* start */

static FALLIBLE read_fd(int fd, const char *name, size_t max, char **out, size_t *len, struct diag *d)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		FAIL(d, IO, "%s cannot be read", name);
	return io_read_fd(fd, name, max, out, len, d);
}

/* Files of zones, while files can still be opened. The name was checked by whoever asks: letters, no way up. */
static struct view zone_bytes(void *user, const char *name)
{
	struct arena *a = user;
	AUTO_FREE char *text = NULL;
	char path[320];
	size_t len;
	void *copy;

	if (strstr(name, "..") || name[0] == '/')
		return (struct view){ 0 };
	(void)snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
	if (io_read_file(path, MAX_ZONE, &text, &len, NULL) != E_OK)
		return (struct view){ 0 };
	copy = arena_alloc(a, len);
	if (!copy)
		return (struct view){ 0 };
	memcpy(copy, text, len);
	return view_of(copy, len);
}

static void take_policy(struct steward *s, struct view text)
{
	struct diags ds;
	struct buf said;

	arena_init(&s->policy_arena, 16 << 20);
	policy_init(&s->policy);
	if (!text.len)
		return;
	diags_init(&ds, &s->policy_arena);
	s->policy_broken =
		policy_read("policy", text, zone_bytes, &s->policy_arena, &s->policy_arena, &ds, &s->policy) != E_OK;
	if (!s->policy_broken)
		return;
	buf_init(&said, 64 << 10);
	diags_render(&said, &ds, false);
	log_error("the owner's policy cannot be understood, nothing new is activated until it is mended:\n%s",
		  said.p ? said.p : "");
	buf_done(&said);
}

static FALLIBLE take_root(struct steward *s, struct view root, struct view signatures, struct diag *d)
{
	if (!root.len)
		return E_OK;
	s->has_root = true;
	return trust_init(&s->trust, root, signatures, d);
}

struct files { /* of the first message, in order */
	char *bytes[6];
	size_t len[6];
};
enum { FILE_STATE, FILE_ROOT, FILE_SIGNATURES, FILE_POLICY, FILE_OWNER, FILE_KEY, FILE_PAGE };

static struct view file(const struct files *f, uint32_t i)
{
	return view_of(f->bytes[i], f->len[i]);
}

static void files_done(struct files *f)
{
	if (f->bytes[FILE_KEY])
		sodium_memzero(f->bytes[FILE_KEY], f->len[FILE_KEY]);
	for (uint32_t i = 0; i < countof(f->bytes); i++)
		free(f->bytes[i]);
}

static FALLIBLE take_start(struct steward *s, struct files *f, struct diag *d)
{
	static const char *const names[] = { "state", "root", "root.minisig", "policy", "owner's key", "agent's key" };
	struct control_packet p;
	void *page;

	TRY(control_recv(AGENT_CHILD_FD, false, &p, d));
	if (p.msg.hdr.type != CONTROL_STEWARD)
		FAIL(d, FORMAT, "the first message is of type %u", p.msg.hdr.type);
	s->start = p.msg.u.steward;
	for (uint32_t i = 0; i < countof(f->bytes); i++) {
		TRY(read_fd(p.fds[i], names[i], MAX_STATE, &f->bytes[i], &f->len[i], d));
		close(p.fds[i]);
	}
	TRY(page_map(p.fds[FILE_PAGE], sizeof *s->page, PAGE_MAGIC, false, &page));
	close(p.fds[FILE_PAGE]);
	s->page = page;
	TRY(control_recv(AGENT_CHILD_FD, false, &p, d));
	if (p.msg.hdr.type != CONTROL_CLIENTS)
		FAIL(d, FORMAT, "the second message is of type %u", p.msg.hdr.type);
	s->listen = p.n_fds ? p.fds[0] : -1;
	return E_OK;
}

/* What was remembered is believed only when it is whole: without it the host starts from its root again, and says so.
 */
static void take_state(struct steward *s, struct view bytes)
{
	struct diag d;

	diag_init(&d);
	if (bytes.len && steward_restore(s, bytes, &d) != E_OK)
		log_error("what was known of releases is lost, the host starts from its root again: %s", d.text);
}

static FALLIBLE start(struct steward *s, struct diag *d)
{
	struct files f = { 0 };
	enum err err;

	err = take_start(s, &f, d);
	if (err == E_OK)
		err = confine_memory(MEMORY_BYTES);
	if (err == E_OK)
		err = confine_privileges(NULL, CONFINE_ID, d);
	if (err == E_OK) {
		take_policy(s, file(&f, FILE_POLICY));
		err = confine_no_threads();
	}
	if (err == E_OK)
		err = confine_syscalls(CONFINE_STEWARD, d);
	if (err == E_OK)
		err = steward_identity(s, file(&f, FILE_KEY), d);
	if (err == E_OK && f.len[FILE_OWNER]) {
		err = sign_read_public(file(&f, FILE_OWNER), &s->owner, d);
		s->has_owner = err == E_OK;
	}
	if (err == E_OK)
		err = take_root(s, file(&f, FILE_ROOT), file(&f, FILE_SIGNATURES), d);
	if (err == E_OK)
		take_state(s, file(&f, FILE_STATE));
	files_done(&f);
	return err;
}

int agent_steward(void)
{
	struct steward *s = calloc(1, sizeof *s);
	struct diag d;
	enum err err;

	diag_init(&d);
	(void)prctl(PR_SET_NAME, "sallyport-stew");
	tzset();
	if (!s || sodium_init() < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		_exit(EXIT_HOST);
	s->answer_fd = s->listen = -1;
	endpoint_table_init(&s->table);
	for (uint32_t i = 0; i < STEWARD_MAX_CLIENTS; i++)
		s->client[i].fd = -1;
	err = start(s, &d);
	if (err != E_OK) {
		log_error("steward: cannot start: %s", d.text[0] ? d.text : err_text(err));
		_exit(EXIT_HOST);
	}
	s->started_s = s->ticked_s = s->saved_s = s->beat_s = steward_boot_s();
	if (s->has_root) {
		/* Hosts that start at once do not come at once. */
		s->sync_at_s = s->report_at_s =
			s->started_s + plan_jitter_s(s->host.agent_id, s->trust.root.plan.report_s, 0);
		steward_send_plan(s);
	}
	while (!s->stop) {
		steward_serve(s, TICK_MS);
		on_time(s);
	}
	if (s->has_root || s->dirty)
		steward_save(s);
	sign_secret_done(&s->key);
	_exit(0);
}
