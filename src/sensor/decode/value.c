/* SPDX-License-Identifier: Apache-2.0 */
/* value: putting a value into the event, the ways that many fields share. */
#include "sensor/decode/parts.h"

char *value_room(struct decode *d, size_t len)
{
	char *p = d->text + d->text_used;

	if (len > sizeof d->text - d->text_used)
		return NULL;
	d->text_used += len;
	return p;
}

void value_str(struct decode *d, uint32_t id, struct proc_str s)
{
	if (s.len)
		event_set_str(&d->event, id, s.p, s.len);
}

void value_name(struct decode *d, uint32_t id, const struct proc *p)
{
	if (p && p->comm[0])
		event_set_str(&d->event, id, p->comm, strlen(p->comm));
}

enum { NUMBER_TEXT = 24 };

/* As printf does it, without its price. */
static size_t put_digits(char *out, uint64_t n, uint32_t base)
{
	char digits[NUMBER_TEXT];
	size_t len = 0;

	do {
		digits[len++] = (char)('0' + n % base);
		n /= base;
	} while (n);
	for (size_t i = 0; i < len; i++)
		out[i] = digits[len - 1 - i];
	return len;
}

size_t value_put_number(char *out, int64_t n)
{
	out[0] = '-';
	return n < 0 ? 1 + put_digits(out + 1, 0 - (uint64_t)n, 10) : put_digits(out, (uint64_t)n, 10);
}

void value_number(struct decode *d, uint32_t id, int64_t n)
{
	char *text = value_room(d, NUMBER_TEXT);

	if (text)
		event_set_str(&d->event, id, text, value_put_number(text, n));
}

void value_octal(struct decode *d, uint32_t id, uint64_t n)
{
	char *text = value_room(d, NUMBER_TEXT);

	if (!text)
		return;
	text[0] = '0';
	event_set_str(&d->event, id, text, n ? 1 + put_digits(text + 1, n, 8) : 1);
}

void value_flags(struct decode *d, uint32_t id, enum flag_kind kind, uint64_t flags)
{
	char *text = value_room(d, FLAGS_TEXT);

	if (text)
		value_str(d, id, flags_text(kind, flags, text));
}

void value_user(struct decode *d, uint32_t id, const struct users *u, uint32_t n)
{
	const struct user *user = users_find(u, n);

	if (user)
		event_set_str(&d->event, id, user->name.p, user->name.len);
	else
		value_number(d, id, n);
}

void value_fd(struct decode *d, uint32_t id, int64_t fd, const char *letter, struct proc_str name)
{
	enum { FD_TEXT = 64 };
	const char *error = fd < 0 ? name_of_error(fd) : NULL;
	char *text = value_room(d, FD_TEXT + name.len);
	size_t n;

	if (!text)
		return;
	n = value_put_number(text, fd);
	if (error) {
		n += (size_t)snprintf(text + n, FD_TEXT - n, "(%s)", error);
	} else if (fd >= 0) {
		text[n++] = '(';
		text[n++] = '<';
		for (const char *c = letter; *c; c++)
			text[n++] = *c;
		text[n++] = '>';
		if (name.len)
			memcpy(text + n, name.p, name.len);
		n += name.len;
		text[n++] = ')';
	}
	event_set_str(&d->event, id, text, n);
}

const char *value_fd_letter(uint8_t fd_kind, uint16_t seg_flags)
{
	if (seg_flags & WIRE_SEG_MEMFD)
		return "m";
	switch (fd_kind) {
	case WIRE_FD_DIR:
		return "d";
	case WIRE_FD_FIFO:
	case WIRE_FD_PIPE: /* opened again through /proc */
		return "p";
	case WIRE_FD_FILE:
	case WIRE_FD_CHAR: /* devices too: they have a path, and rules on files mean them */
		return "f";
	default:
		return "o";
	}
}

/* The image has it with the name that exec set; after a rename it is put together. */
struct proc_str value_cmdline(struct decode *d, const struct proc *p)
{
	const struct proc_view *v = proc_view(p);
	size_t comm_len = strlen(p->comm), was = v->cmdline.len - v->args.len - (v->args.len > 0);
	char *text;

	if (!v->cmdline.len || (was == comm_len && !memcmp(v->cmdline.p, p->comm, was)))
		return v->cmdline;
	text = value_room(d, comm_len + v->cmdline.len - was);
	if (!text)
		return v->cmdline;
	memcpy(text, p->comm, comm_len);
	memcpy(text + comm_len, v->cmdline.p + was, v->cmdline.len - was);
	return (struct proc_str){ text, (uint32_t)(comm_len + v->cmdline.len - was) };
}

void value_path(struct decode *d, uint32_t id, struct proc_str path, enum path_part part)
{
	const char *slash = path.len ? memrchr(path.p, '/', path.len) : NULL;

	switch (part) {
	case PATH_WHOLE:
		value_str(d, id, path);
		return;
	case PATH_DIRECTORY:
		if (slash)
			event_set_str(&d->event, id, path.p, slash == path.p ? 1 : (size_t)(slash - path.p));
		return;
	case PATH_FILENAME:
		if (path.len) {
			const char *p = slash ? slash + 1 : path.p;

			event_set_str(&d->event, id, p, (size_t)(path.p + path.len - p));
		}
		return;
	}
}

void value_in_container(struct decode *d, uint32_t id, struct proc_str s)
{
	struct proc_str c = container_id(d);
	char *text = s.len && c.len ? value_room(d, c.len + 1 + s.len) : NULL;

	if (!text)
		return;
	memcpy(text, c.p, c.len);
	text[c.len] = ':';
	memcpy(text + c.len + 1, s.p, s.len);
	event_set_str(&d->event, id, text, c.len + 1 + s.len);
}
