/* SPDX-License-Identifier: Apache-2.0 */
/* worker_names: the domain names that rules use go out as a question; the courier's answer is read and replaces the
 * table. */
#include "agent/worker.h"

static_assert((int)PAGE_QUESTION_BYTES == (int)CONTROL_MAX_NAMES_BYTES, "what is asked has its place");

/* Every name once, in order, a line each; what is no name is left out. */
static void put_question(const struct names *n, struct buf *out)
{
	buf_init(out, CONTROL_MAX_NAMES_BYTES);
	for (uint32_t i = 0; i < names_n_wanted(n); i++) {
		buf_puts(out, names_wanted(n, i));
		buf_putc(out, '\n');
	}
}

static FALLIBLE send_question(struct worker *w, const struct buf *text)
{
	struct control_packet p;

	if (text->full)
		return E_LIMIT;
	if (text->len)
		memcpy(w->page->question, text->p, text->len);
	control_init(&p, CONTROL_QUESTION);
	p.msg.u.question.bytes = (uint32_t)text->len;
	return control_send(w->sock, &p);
}

void worker_names_ask(struct worker *w)
{
	bool had = names_n_wanted(w->names) > 0;
	struct buf text;
	enum err err;

	err = content_set_names(w->set, w->names);
	if (worker_is(w, CONTROL_SHADOW)) /* what the other worker is told is passed on */
		return;
	if (err == E_OK && !had && !names_n_wanted(w->names))
		return;
	put_question(w->names, &text);
	if (err == E_OK)
		err = send_question(w, &text);
	buf_done(&text);
	if (err != E_OK)
		log_warning("domain names that rules use cannot be asked for: %s", err_text(err));
}

void worker_names_take(struct worker *w, int fd)
{
	AUTO_FREE char *text = NULL;
	struct names_pair *pairs = NULL;
	struct arena a;
	struct diag d;
	uint32_t n = 0, before;
	size_t len;
	enum err err;

	diag_init(&d);
	arena_init(&a, 8 << 20);
	err = lseek(fd, 0, SEEK_SET) ? E_IO : io_read_fd(fd, "names", CONTROL_MAX_NAMES_BYTES, &text, &len, &d);
	if (err == E_OK)
		err = names_read_hosts(view_of(text, len), "names", &a, &pairs, &n, &d);
	before = names_count(w->names);
	if (err == E_OK)
		err = names_set(w->names, pairs, n);
	if (err == E_OK && names_count(w->names) != before)
		log_info("domain names that rules use were looked up names=%u addresses=%u", names_n_wanted(w->names),
			 names_count(w->names));
	if (err != E_OK)
		log_warning("the courier's answer about names is no good, the old one stays: line %u: %s", d.pos.line,
			    d.text[0] ? d.text : err_text(err));
	arena_done(&a);
}
