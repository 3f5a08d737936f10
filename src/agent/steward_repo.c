/* SPDX-License-Identifier: Apache-2.0 */
/* steward_repo: getting and putting files of the repository; the steward serves its other duties while it waits. */
#include "agent/steward_parts.h"

enum { WAIT_S = 60, STEP_MS = 200 };

/* The answer to the question that was just sent, or E_IO when none comes. */
static FALLIBLE wait_for(struct steward *s)
{
	uint64_t until = steward_boot_s() + WAIT_S;

	while (!s->answered && !s->stop && steward_boot_s() < until)
		steward_serve(s, STEP_MS);
	if (!s->answered) {
		s->answered = true; /* what comes later is not wanted */
		return E_IO;
	}
	return s->answer_error < ERR_COUNT ? (enum err)s->answer_error : E_IO;
}

static void ask(struct steward *s, struct control_packet *p, const char *name)
{
	p->msg.u.fetch.id = ++s->asked_id;
	(void)snprintf(p->msg.u.fetch.name, sizeof p->msg.u.fetch.name, "%s", name);
	s->answered = false;
	steward_send(s, p);
}

FALLIBLE steward_fetch(struct steward *s, const char *name, size_t max, char **out, size_t *out_len)
{
	struct control_packet p;
	enum err err;
	int fd;

	control_init(&p, CONTROL_FETCH);
	p.msg.u.fetch.max = (uint32_t)max;
	ask(s, &p, name);
	err = wait_for(s);
	fd = s->answer_fd;
	s->answer_fd = -1;
	if (err == E_OK && fd < 0)
		err = E_IO;
	if (err == E_OK && lseek(fd, 0, SEEK_SET) < 0)
		err = E_IO;
	if (err == E_OK)
		err = io_read_fd(fd, name, max, out, out_len, NULL);
	if (fd >= 0)
		close(fd);
	return err;
}

FALLIBLE steward_put(struct steward *s, const char *name, struct view bytes, bool once)
{
	AUTO_FD int fd = steward_memory(bytes);
	struct control_packet p;

	if (fd < 0)
		return E_IO;
	control_init(&p, CONTROL_PUT);
	p.msg.u.fetch.once = once;
	p.msg.u.fetch.max = (uint32_t)bytes.len;
	p.fds[p.n_fds++] = fd;
	ask(s, &p, name);
	return wait_for(s);
}

FALLIBLE steward_fetch_pair(struct steward *s, const char *name, size_t max, struct steward_pair *out)
{
	struct steward_pair p = { 0 };
	char signatures[OBJECT_PATH_BYTES + 16];
	enum err err;

	(void)snprintf(signatures, sizeof signatures, "%s.minisig", name);
	err = steward_fetch(s, name, max, &p.bytes, &p.len);
	if (err == E_OK)
		err = steward_fetch(s, signatures, TRUST_MAX_SIGNATURE_TEXT, &p.signatures, &p.signatures_len);
	if (err != E_OK) {
		steward_pair_done(&p);
		return err;
	}
	*out = p;
	return E_OK;
}

void steward_pair_done(struct steward_pair *p)
{
	free(p->bytes);
	free(p->signatures);
	*p = (struct steward_pair){ 0 };
}
