/* SPDX-License-Identifier: Apache-2.0 */
/* courier_repo: files of the release repository, as the steward asks for them: fetched and put, and nothing more. */
#include <errno.h>
#include <sys/mman.h>

#include "agent/agent.h"
#include "agent/courier_parts.h"

static const char scheme[] = "dir://";

const char *courier_repository_dir(const struct courier_settings *s)
{
	return strncmp(s->repository, scheme, sizeof scheme - 1) ? NULL : s->repository + sizeof scheme - 1;
}

static void reply(const struct control_packet *question, enum err err, const char *bytes, size_t len)
{
	AUTO_FD int fd = err == E_OK && bytes ? memfd_create("sallyport-fetched", MFD_CLOEXEC) : 0;
	struct control_packet p;

	if (fd < 0 || (fd && io_write_all(fd, bytes, len) != E_OK))
		err = E_IO;
	control_init(&p, CONTROL_FETCHED);
	p.msg.u.fetch = question->msg.u.fetch;
	p.msg.u.fetch.error = (uint32_t)err;
	if (fd > 0 && err == E_OK)
		p.fds[p.n_fds++] = fd;
	if (control_send(AGENT_CHILD_FD, &p) != E_OK)
		log_warning("courier: a file of the repository cannot be passed on: %s", strerror(errno));
}

void courier_fetch(struct transport *t, const struct control_packet *p)
{
	const struct control_fetch *f = &p->msg.u.fetch;
	AUTO_FREE char *bytes = NULL;
	size_t len = 0;
	struct diag d;
	enum err err;

	diag_init(&d);
	err = t ? transport_get(t, f->name, f->max, &bytes, &len, &d) : E_UNSUPPORTED;
	if (err != E_OK && err != E_NOT_FOUND)
		log_warning("courier: %s: %s", f->name, d.text[0] ? d.text : err_text(err));
	reply(p, err, bytes, len);
}

void courier_put(struct transport *t, const struct control_packet *p)
{
	const struct control_fetch *f = &p->msg.u.fetch;
	AUTO_FREE char *bytes = NULL;
	size_t len = 0;
	struct diag d;
	enum err err = t ? E_OK : E_UNSUPPORTED;

	diag_init(&d);
	if (err == E_OK && lseek(p->fds[0], 0, SEEK_SET) < 0)
		err = E_IO;
	if (err == E_OK)
		err = io_read_fd(p->fds[0], f->name, f->max, &bytes, &len, &d);
	if (err == E_OK)
		err = transport_put(t, f->name, view_of(bytes, len), f->once != 0, &d);
	if (err != E_OK && err != E_EXISTS)
		log_warning("courier: %s: %s", f->name, d.text[0] ? d.text : err_text(err));
	reply(p, err, NULL, 0);
}
