/* SPDX-License-Identifier: Apache-2.0 */
/* owner: what the commands that ask a running agent share: the settings, the question, the answer. */
#include "cli/owner.h"

#include "agent/agent.h"

int cli_settings(const char *path, struct config *out)
{
	const char *from = path ? path : CLI_CONFIG_PATH;
	struct config c;
	struct arena arena;
	struct diags ds;
	struct diag d;
	struct buf text;
	AUTO_FREE char *yaml = NULL;
	size_t len;
	enum err err;

	config_init(out);
	if (!path && access(from, F_OK))
		return 0;
	diag_init(&d);
	err = io_read_file(from, CONFIG_MAX_BYTES, &yaml, &len, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	arena_init(&arena, 16 << 20);
	diags_init(&ds, &arena);
	config_init(&c);
	err = config_read(yaml, len, from, &c, &ds);
	buf_init(&text, 1 << 20);
	diags_render(&text, &ds, cli_colour(STDERR_FILENO));
	(void)fputs(text.p ? text.p : "", stderr);
	buf_done(&text);
	arena_done(&arena);
	if (err != E_OK) {
		config_done(&c);
		return err == E_NOMEM ? CLI_HOST : CLI_REFUSED;
	}
	*out = c;
	return 0;
}

bool owner_option(int c, const char *arg, struct owner_args *a)
{
	if (c == OWNER_SOCKET)
		a->socket = arg;
	else if (c == OWNER_CONFIG)
		a->config = arg;
	else if (c == OWNER_JSON)
		a->json = true;
	else
		return false;
	return true;
}

/* Settings hold secrets: who may not read them may not ask either. */
static int find_socket(const struct owner_args *a, char out[CONFIG_MAX_SOCKET_PATH + 1])
{
	const char *path = a->config ? a->config : CLI_CONFIG_PATH;
	struct config c;
	int code;

	if (!a->socket && geteuid() && !access(path, F_OK) && access(path, R_OK))
		return cli_fail(CLI_HOST, "'%s' may be read, and the agent asked, by root only: try sudo", path);
	if (a->socket) {
		if (!a->socket[0] || strlen(a->socket) > CONFIG_MAX_SOCKET_PATH)
			return cli_fail(CLI_USAGE, "--socket takes a path of 1 to %d bytes", CONFIG_MAX_SOCKET_PATH);
		(void)snprintf(out, CONFIG_MAX_SOCKET_PATH + 1, "%s", a->socket);
		return 0;
	}
	code = cli_settings(a->config, &c);
	if (code)
		return code;
	(void)snprintf(out, CONFIG_MAX_SOCKET_PATH + 1, "%s", c.socket ? c.socket : CONFIG_SOCKET);
	config_done(&c);
	return 0;
}

int owner_fetch(const struct owner_args *a, const struct steward_request *q, struct buf *out, int *answered)
{
	char socket[CONFIG_MAX_SOCKET_PATH + 1];
	struct steward_request copy = *q;
	AUTO_FREE char *text = NULL;
	struct diag d;
	size_t len, line;
	int code = find_socket(a, socket);

	if (code)
		return code;
	copy.json = a->json;
	diag_init(&d);
	if (steward_ask(socket, &copy, &text, &len, answered, &d) != E_OK)
		return cli_fail(CLI_HOST, "%s", d.text[0] ? d.text : "out of memory");
	/* Line by line: whatever answers, no byte of it drives a terminal. */
	for (size_t at = 0; at < len; at += line + 1) {
		const char *nl = memchr(text + at, '\n', len - at);

		line = (size_t)(nl ? nl - (text + at) : (ptrdiff_t)(len - at));
		buf_put_safe(out, text + at, line);
		if (nl)
			buf_putc(out, '\n');
	}
	return out->full ? cli_fail(CLI_HOST, "out of memory") : 0;
}

int owner_ask(const struct owner_args *a, const struct steward_request *q)
{
	struct buf out;
	int answered, code;

	buf_init(&out, OWNER_ANSWER_MAX);
	code = owner_fetch(a, q, &out, &answered);
	if (!code && (!answered || q->question == STEWARD_STATUS)) {
		code = cli_print(&out);
		return code ? code : answered;
	}
	if (!code) {
		while (out.len && out.p[out.len - 1] == '\n')
			out.p[--out.len] = 0;
		code = cli_fail((enum cli_exit)answered, "%s", out.len ? out.p : "the agent refuses without a reason");
	}
	buf_done(&out);
	return code;
}

bool owner_text(char *out, size_t max, const char *text)
{
	size_t len = strlen(text);

	if (!len || len >= max)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

uint64_t owner_span_s(const char *text)
{
	static const struct {
		char unit;
		uint64_t s;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	size_t len = strlen(text);
	char digits[16];
	uint64_t n;

	if (len < 2 || len > sizeof digits)
		return 0;
	memcpy(digits, text, len - 1);
	digits[len - 1] = 0;
	n = cli_number(digits, OWNER_SPAN_MAX_S);
	for (size_t i = 0; i < countof(units); i++)
		if (text[len - 1] == units[i].unit && n <= OWNER_SPAN_MAX_S / units[i].s)
			return n * units[i].s;
	return 0;
}
