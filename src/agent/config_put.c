/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_put: the settings in force as text for somebody else's eyes. From what was understood and not from the file,
 * whose comments and spellings may hold what nobody would look for there.
 */
#include "agent/config_keys.h"

static const char left_out[] = "(left out)";

static void put_value(struct buf *out, const char *s)
{
	buf_put_safe(out, s, strlen(s));
}

/* The path of a receiver of alerts is often the secret itself: only its host is shown. */
static void put_url(struct buf *out, const char *url, bool host_only)
{
	const char *host = strstr(url, "://"), *at = strrchr(url, '@'), *end;

	if (!host) {
		put_value(out, url);
		return;
	}
	host += 3;
	buf_put_safe(out, url, (size_t)(host - url));
	/* Before an @, wherever it is, stands a name and a password. */
	if (at && at >= host) {
		buf_printf(out, "%s@", left_out);
		host = at + 1;
	}
	end = host + strcspn(host, host_only ? "/?#" : "?#");
	buf_put_safe(out, host, (size_t)(end - host));
	if (*end)
		buf_puts(out, left_out);
}

static void put_scalar(const struct config *c, const struct config_key *k, struct buf *out)
{
	const void *member = (const char *)c + k->off;
	const char *text = k->kind == KIND_TEXT || k->kind == KIND_PATH || k->kind == KIND_URL
				   ? *(const char *const *)member
				   : NULL;

	if (k->kind == KIND_NUMBER || k->kind == KIND_POWER)
		buf_printf(out, "%s: %u\n", k->path, *(const uint32_t *)member);
	else if (k->kind == KIND_BOOL)
		buf_printf(out, "%s: %s\n", k->path, *(const uint32_t *)member ? "true" : "false");
	else if (k->kind == KIND_WORD)
		buf_printf(out, "%s: %s\n", k->path, k->words[*(const uint32_t *)member]);
	if (!text)
		return;
	buf_printf(out, "%s: ", k->path);
	put_url(out, text, k->kind == KIND_URL);
	buf_putc(out, '\n');
}

static void put_list(const struct config *c, const struct config_key *k, struct buf *out)
{
	static const char *const roots[CONFIG_N_ROOTS] = { "docker", "storage", "containerd", "crun", "runc" };

	for (uint32_t i = 0; k->kind == KIND_PATHS && i < c->n_rules; i++) {
		buf_printf(out, "%s: ", k->path);
		put_value(out, c->rules[i]);
		buf_putc(out, '\n');
	}
	for (uint32_t i = 0; k->kind == KIND_HEADERS && i < c->n_http_headers; i++) {
		buf_printf(out, "%s: ", k->path);
		buf_put_safe(out, c->http_headers[i], strcspn(c->http_headers[i], ":"));
		buf_printf(out, ": %s\n", left_out);
	}
	for (uint32_t i = 0; k->kind == KIND_ROOTS && i < c->n_container_roots; i++) {
		buf_printf(out, "%s: %s=", k->path, roots[c->container_roots[i].kind]);
		put_value(out, c->container_roots[i].dir);
		buf_putc(out, '\n');
	}
}

void config_put(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < config_n_keys; i++) {
		put_scalar(c, &config_keys[i], out);
		put_list(c, &config_keys[i], out);
	}
}
