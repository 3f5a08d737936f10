/* SPDX-License-Identifier: Apache-2.0 */
/* config: libyaml events against one table of keys. */
#include "agent/config_keys.h"

#include <errno.h>
#include <yaml.h>

enum id {
	ID_SYNTAX = 1,
	ID_UNKNOWN,
	ID_KIND,
	ID_VALUE,
	ID_RANGE,
	ID_TWICE,
	ID_ALIAS,
	ID_DOCUMENTS,
	ID_TOO_MANY,
	ID_HEADER,
	ID_MISSING,
};

const struct config_diag_row config_diags[] = {
	{ ID_SYNTAX, "the file is not YAML" },
	{ ID_UNKNOWN, "there is no such key" },
	{ ID_KIND, "a mapping, a list or a plain value is needed here" },
	{ ID_VALUE, "the value is not one of those that the key takes" },
	{ ID_RANGE, "the number is out of range" },
	{ ID_TWICE, "the key stands twice" },
	{ ID_ALIAS, "anchors, aliases and tags are not allowed" },
	{ ID_DOCUMENTS, "one YAML document is allowed" },
	{ ID_TOO_MANY, "the list or a path is too long" },
	{ ID_HEADER, "a header is not of the form 'Name: value'" },
	{ ID_MISSING, "a key that this one needs is missing" },
};
const size_t config_n_diags = countof(config_diags);

static const char *const matchings[] = { "first", "all", NULL };
static const char *const stdout_formats[] = { "auto", "text", "json", NULL };
static const char *const formats[] = { "", "text", "json", NULL };
static const char *const transports[] = { "", "unix", "udp", "tcp", NULL };
/* RFC 5424 section 6.2.1; the names are those of syslog(3), 12 to 15 have none there. */
static const char *const facilities[] = { "kern",   "user",   "mail",   "daemon",   "auth",   "syslog", "lpr",
					  "news",   "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",
					  "alert",  "clock",  "local0", "local1",   "local2", "local3", "local4",
					  "local5", "local6", "local7", NULL };

// clang-format off
#define AT(member) offsetof(struct config, member)
const struct config_key config_keys[] = {
	{ "rules",                    KIND_PATHS,   0, 0, 0, NULL },
	{ "rule_matching",            KIND_WORD,    AT(matching), 0, 0, matchings },
	{ "strict_falco",             KIND_BOOL,    AT(strict_falco), 0, 0, NULL },
	{ "kernel_filters",           KIND_BOOL,    AT(kernel_filters), 0, 0, NULL },
	{ "native",                   KIND_BOOL,    AT(native), 0, 0, NULL },
	{ "source",                   KIND_PATH,    AT(source), 1, CONFIG_MAX_PATH, NULL },
	{ "source_rate",              KIND_NUMBER,  AT(source_rate), 0, 1000000, NULL },
	{ "outputs.throttle_per_minute", KIND_NUMBER, AT(throttle_per_minute), 0, 1000000, NULL },
	{ "outputs.stdout.enabled",   KIND_BOOL,    AT(stdout_enabled), 0, 0, NULL },
	{ "outputs.stdout.format",    KIND_WORD,    AT(stdout_format), 0, 0, stdout_formats },
	{ "outputs.file.path",        KIND_PATH,    AT(file_path), 1, CONFIG_MAX_PATH, NULL },
	{ "outputs.file.format",      KIND_WORD,    AT(file_format), 0, 0, formats },
	{ "outputs.file.max_mib",     KIND_NUMBER,  AT(file_max_mib), 1, 65536, NULL },
	{ "outputs.file.keep",        KIND_NUMBER,  AT(file_keep), 1, 100, NULL },
	{ "outputs.syslog.transport", KIND_WORD,    AT(syslog_transport), 0, 0, transports },
	{ "outputs.syslog.host",      KIND_TEXT,    AT(syslog_host), 1, CONFIG_MAX_HOST, NULL },
	{ "outputs.syslog.port",      KIND_NUMBER,  AT(syslog_port), 1, 65535, NULL },
	{ "outputs.syslog.path",      KIND_PATH,    AT(syslog_path), 1, CONFIG_MAX_SOCKET_PATH, NULL },
	{ "outputs.syslog.format",    KIND_WORD,    AT(syslog_format), 0, 0, formats },
	{ "outputs.syslog.facility",  KIND_WORD,    AT(syslog_facility), 0, 0, facilities },
	{ "outputs.syslog.hostname",  KIND_TEXT,    AT(syslog_hostname), 1, 255, NULL },
	{ "outputs.syslog.appname",   KIND_TEXT,    AT(syslog_appname), 1, 48, NULL },
	{ "outputs.syslog.max_bytes", KIND_NUMBER,  AT(syslog_max_bytes), 480, 65000, NULL },
	{ "outputs.http.url",         KIND_URL,     AT(http_url), 1, CONFIG_MAX_URL, NULL },
	{ "outputs.http.headers",     KIND_HEADERS, 0, 0, 0, NULL },
	{ "outputs.http.ca_file",     KIND_PATH,    AT(http_ca_file), 1, CONFIG_MAX_PATH, NULL },
	{ "outputs.http.timeout_ms",  KIND_NUMBER,  AT(http_timeout_ms), 100, 60000, NULL },
	{ "outputs.http.batch",       KIND_NUMBER,  AT(http_batch), 1, 1000, NULL },
	{ "containers.roots",         KIND_ROOTS,   0, 0, 0, NULL },
	{ "courier.uid",              KIND_NUMBER,  AT(courier_uid), 1, 4294967294u, NULL },
	{ "courier.resolve",          KIND_BOOL,    AT(resolve_enabled), 0, 0, NULL },
	{ "courier.resolve_s",        KIND_NUMBER,  AT(resolve_interval_s), 1, 86400, NULL },
	{ "state",                    KIND_PATH,    AT(state_dir), 1, CONFIG_MAX_PATH, NULL },
	{ "socket",                   KIND_PATH,    AT(socket), 1, CONFIG_MAX_SOCKET_PATH, NULL },
	{ "release.repository",       KIND_TEXT,    AT(release_repository), 1, 255, NULL },
	{ "release.root",             KIND_PATH,    AT(release_root), 1, CONFIG_MAX_PATH, NULL },
	{ "release.policy",           KIND_PATH,    AT(release_policy), 1, CONFIG_MAX_PATH, NULL },
	{ "owner.key",                KIND_PATH,    AT(owner_key), 1, CONFIG_MAX_PATH, NULL },
	{ "owner.content",            KIND_PATH,    AT(owner_content), 1, CONFIG_MAX_PATH, NULL },
	{ "ring.reserved_kib",        KIND_POWER,   AT(reserved_kib), 64, 65536, NULL },
	{ "ring.bulk_kib",            KIND_POWER,   AT(bulk_kib), 64, 65536, NULL },
	{ "worker.memory_mib",        KIND_NUMBER,  AT(worker_memory_mib), 64, 65536, NULL },
	{ "worker.cpu_percent",       KIND_NUMBER,  AT(worker_cpu_percent), 5, 100, NULL },
	{ "worker.watchdog_s",        KIND_NUMBER,  AT(worker_watchdog_s), 1, 600, NULL },
};
// clang-format on
const size_t config_n_keys = countof(config_keys);

enum { MAX_KEY = DISTANCE_MAX, MAX_DEPTH = 32 };

struct reader {
	yaml_parser_t parser;
	const char *text, *name;
	size_t len;
	struct config *c;
	struct diags *ds;
	uint64_t seen;         /* bit i: config_keys[i] was given */
	yaml_mark_t marks[64]; /* of its value */
	char path[MAX_KEY];    /* dotted path of the mapping that is being read */
	enum err err;          /* E_OK while reading can go on */
};

void config_init(struct config *c)
{
	*c = (struct config){ .stdout_enabled = 1,
			      .kernel_filters = 1,
			      .native = 1,
			      .throttle_per_minute = 60,
			      .file_format = CONFIG_JSON,
			      .file_max_mib = 64,
			      .file_keep = 4,
			      .reserved_kib = 1024,
			      .bulk_kib = 4096,
			      .worker_memory_mib = 512,
			      .worker_cpu_percent = 100,
			      .worker_watchdog_s = 5,
			      .syslog_port = 514,
			      .syslog_facility = 1, /* user */
			      .syslog_format = CONFIG_JSON,
			      .http_timeout_ms = 10000,
			      .http_batch = 1,
			      .courier_uid = 65534,
			      .resolve_enabled = 1,
			      .resolve_interval_s = 300 };
}

void config_done(struct config *c)
{
	for (uint32_t i = 0; i < c->n_rules; i++)
		free(c->rules[i]);
	for (uint32_t i = 0; i < c->n_container_roots; i++)
		free(c->container_roots[i].dir);
	for (uint32_t i = 0; i < c->n_http_headers; i++)
		free(c->http_headers[i]);
	free(c->source);
	free(c->file_path);
	free(c->syslog_host);
	free(c->syslog_hostname);
	free(c->syslog_appname);
	free(c->syslog_path);
	free(c->http_url);
	free(c->http_ca_file);
	free(c->state_dir);
	free(c->socket);
	free(c->release_repository);
	free(c->release_root);
	free(c->release_policy);
	free(c->owner_key);
	free(c->owner_content);
	config_init(c);
}

const char *config_capture(const struct config *c)
{
	return c->source && strcmp(c->source, "kernel") != 0 ? c->source : NULL;
}

FALLIBLE config_add_rule(struct config *c, const char *path)
{
	if (c->n_rules == CONFIG_MAX_RULES || strlen(path) > CONFIG_MAX_PATH)
		return E_LIMIT;
	c->rules[c->n_rules] = strdup(path);
	if (!c->rules[c->n_rules])
		return E_NOMEM;
	c->n_rules++;
	return E_OK;
}

/* The source line at this mark, in the arena of the diagnostics. */
static const char *line_at(const struct reader *r, const yaml_mark_t *m)
{
	const char *s = r->text, *end = r->text + r->len, *nl;

	for (size_t i = 0; i < m->line && s < end; i++) {
		nl = memchr(s, '\n', (size_t)(end - s));
		s = nl ? nl + 1 : end;
	}
	nl = memchr(s, '\n', (size_t)(end - s));
	return arena_strndup(r->ds->arena, s, (size_t)((nl ? nl : end) - s));
}

/* A line with a secret is never shown; where YAML is broken nobody knows which lines those are. */
static bool may_show(const struct reader *r, enum id id)
{
	static const char secrets[] = "outputs.http";

	return strncmp(r->path, secrets, sizeof secrets - 1) != 0 &&
	       !((id == ID_SYNTAX || id == ID_UNKNOWN) &&
		 (memmem(r->text, r->len, "http", 4) || memmem(r->text, r->len, "eader", 5)));
}

static void complain(struct reader *r, const yaml_mark_t *m, enum id id, const char *hint, const char *fmt, ...)
	PRINTF_LIKE(5, 6);
static void complain(struct reader *r, const yaml_mark_t *m, enum id id, const char *hint, const char *fmt, ...)
{
	struct diag d;
	va_list ap;

	diag_init(&d);
	d.err = E_REJECTED;
	d.family = 'C';
	d.id = (uint16_t)id;
	d.pos = (struct diag_pos){ r->name, (uint32_t)m->line + 1, (uint32_t)m->column + 1, 1 };
	d.line_text = may_show(r, id) ? line_at(r, m) : NULL;
	va_start(ap, fmt);
	(void)vsnprintf(d.text, sizeof d.text, fmt, ap);
	va_end(ap);
	if (hint)
		diag_hint(&d, "%s", hint);
	diags_add(r->ds, &d);
}

/* The next event; on YAML that cannot be parsed it complains, and the reader stops. */
static bool next(struct reader *r, yaml_event_t *e)
{
	if (r->err != E_OK)
		return false;
	if (!yaml_parser_parse(&r->parser, e)) {
		complain(r, &r->parser.problem_mark, ID_SYNTAX, NULL, "not YAML: %s",
			 r->parser.problem ? r->parser.problem : "cannot be read");
		r->err = E_REJECTED;
		return false;
	}
	return true;
}

/* Skip what is left of a value whose first event was e. */
static void skip(struct reader *r, const yaml_event_t *e)
{
	int depth = e->type == YAML_MAPPING_START_EVENT || e->type == YAML_SEQUENCE_START_EVENT;
	yaml_event_t n;

	while (depth && next(r, &n)) {
		if (n.type == YAML_MAPPING_START_EVENT || n.type == YAML_SEQUENCE_START_EVENT)
			depth++;
		else if (n.type == YAML_MAPPING_END_EVENT || n.type == YAML_SEQUENCE_END_EVENT)
			depth--;
		/* libyaml's work for a token grows with the depth that it is at. */
		if (depth > MAX_DEPTH)
			r->err = E_REJECTED;
		yaml_event_delete(&n);
	}
}

/* key's path cut to as many parts as the path has: what could have been meant at that depth. */
static void at_depth(const char *key, const char *path, char out[MAX_KEY])
{
	unsigned parts = 1;
	size_t n = 0;

	for (; *path; path++)
		parts += *path == '.';
	for (; key[n]; n++)
		if (key[n] == '.' && --parts == 0)
			break;
	(void)snprintf(out, MAX_KEY, "%.*s", (int)n, key);
}

static void unknown_key(struct reader *r, const yaml_mark_t *m, const char *path)
{
	char hint[128] = "docs/config.md lists all keys", name[MAX_KEY];
	unsigned best = 4; /* more edits than this are another word */

	for (size_t i = 0; i < countof(config_keys); i++) {
		unsigned d;

		at_depth(config_keys[i].path, path, name);
		d = text_distance(path, strlen(path), name, strlen(name));
		if (d < best) {
			best = d;
			(void)snprintf(hint, sizeof hint, "did you mean '%s'?", name);
		}
	}
	complain(r, m, ID_UNKNOWN, hint, "there is no key '%s'", path);
}

static void *member(const struct reader *r, const struct config_key *k)
{
	return (char *)r->c + k->off;
}

static void set_number(struct reader *r, const struct config_key *k, const yaml_event_t *e, const char *text)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end || end == text || text[0] == '-' || text[0] == '+' || text[0] == ' ')
		complain(r, &e->start_mark, ID_VALUE, NULL, "'%s' needs a whole number", k->path);
	else if (v < k->min || v > k->max)
		complain(r, &e->start_mark, ID_RANGE, NULL, "'%s' is %llu, it can be %u to %u", k->path, v, k->min,
			 k->max);
	else if (k->kind == KIND_POWER && (v & (v - 1)))
		complain(r, &e->start_mark, ID_RANGE, "use 64, 128, 256, 512, 1024, 2048, 4096 ...",
			 "'%s' is %llu, it must be a power of two", k->path, v);
	else
		*(uint32_t *)member(r, k) = (uint32_t)v;
}

static void set_word(struct reader *r, const struct config_key *k, const yaml_event_t *e, const char *text)
{
	char all[200] = "";
	size_t at = 0;

	for (uint32_t i = 0; k->words[i]; i++) {
		if (!k->words[i][0])
			continue;
		if (!strcmp(k->words[i], text)) {
			*(uint32_t *)member(r, k) = i;
			return;
		}
		at += (size_t)snprintf(all + at, sizeof all - at, "%s%s", at ? ", " : "", k->words[i]);
	}
	complain(r, &e->start_mark, ID_VALUE, NULL, "'%s' can be: %s", k->path, all);
}

static bool is_graphic(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

/* Not shown: a URL may hold a password. */
static bool is_url(const char *s)
{
	size_t n = !strncmp(s, "http://", 7) ? 7 : !strncmp(s, "https://", 8) ? 8 : 0;

	return n && s[n] && s[n] != '/' && is_graphic(s);
}

static void set_text(struct reader *r, const struct config_key *k, const yaml_event_t *e, const char *text)
{
	char **p = member(r, k);

	if (strlen(text) < k->min || strlen(text) > k->max) {
		complain(r, &e->start_mark, ID_TOO_MANY, NULL, "'%s' has %u to %u bytes", k->path, k->min, k->max);
		return;
	}
	if (k->kind == KIND_TEXT && !is_graphic(text)) {
		complain(r, &e->start_mark, ID_VALUE, NULL, "'%s' takes printable ASCII without spaces", k->path);
		return;
	}
	if (k->kind == KIND_URL && !is_url(text)) {
		complain(r, &e->start_mark, ID_VALUE, NULL, "'%s' begins with http:// or https:// and a host", k->path);
		return;
	}
	free(*p);
	*p = strdup(text);
	if (!*p)
		r->err = E_NOMEM;
}

static void add_path(struct reader *r, const yaml_event_t *e, const char *text)
{
	enum err err = text[0] ? config_add_rule(r->c, text) : E_LIMIT;

	if (err == E_LIMIT)
		complain(r, &e->start_mark, ID_TOO_MANY, NULL, "at most %d paths, each of 1 to %d bytes",
			 CONFIG_MAX_RULES, CONFIG_MAX_PATH);
	else if (err != E_OK)
		r->err = err;
}

/* KIND=DIRECTORY */
static void add_root(struct reader *r, const yaml_event_t *e, const char *text)
{
	static const char *const kinds[CONFIG_N_ROOTS] = { "docker", "storage", "containerd", "crun", "runc" };
	const char *dir = strchr(text, '=');
	struct config *c = r->c;
	uint32_t kind = 0;

	while (dir && kind < CONFIG_N_ROOTS &&
	       (strlen(kinds[kind]) != (size_t)(dir - text) || memcmp(kinds[kind], text, (size_t)(dir - text))))
		kind++;
	if (!dir || kind == CONFIG_N_ROOTS || dir[1] != '/') {
		complain(r, &e->start_mark, ID_VALUE, "docker=/data/docker",
			 "a container root is KIND=DIRECTORY; kinds: docker, storage, containerd, crun, runc");
	} else if (c->n_container_roots == CONFIG_MAX_CONTAINER_ROOTS || strlen(dir + 1) > CONFIG_MAX_PATH) {
		complain(r, &e->start_mark, ID_TOO_MANY, NULL, "at most %d container roots, each of at most %d bytes",
			 CONFIG_MAX_CONTAINER_ROOTS, CONFIG_MAX_PATH);
	} else {
		c->container_roots[c->n_container_roots].kind = kind;
		c->container_roots[c->n_container_roots].dir = strdup(dir + 1);
		if (c->container_roots[c->n_container_roots].dir)
			c->n_container_roots++;
		else
			r->err = E_NOMEM;
	}
}

/* RFC 9110 section 5.1: a token, a colon, and a value of which only the printable part of ASCII is taken. */
static bool is_header(const char *s)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t n = strspn(s, token);

	if (!n || s[n] != ':')
		return false;
	for (s += n + 1; *s; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

static void add_header(struct reader *r, const yaml_event_t *e, const char *text)
{
	struct config *c = r->c;

	if (c->n_http_headers == CONFIG_MAX_HEADERS || strlen(text) > CONFIG_MAX_HEADER) {
		complain(r, &e->start_mark, ID_TOO_MANY, NULL, "at most %d headers, each of at most %d bytes",
			 CONFIG_MAX_HEADERS, CONFIG_MAX_HEADER);
	} else if (!is_header(text)) {
		complain(r, &e->start_mark, ID_HEADER, "quote it: \"Name: value\"",
			 "a header is 'Name: value' in printable ASCII");
	} else {
		c->http_headers[c->n_http_headers] = strdup(text);
		if (c->http_headers[c->n_http_headers])
			c->n_http_headers++;
		else
			r->err = E_NOMEM;
	}
}

/* The text of a scalar, checked to be plain: no NUL inside, no tag, no anchor. NULL after complaining. */
static const char *plain(struct reader *r, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;

	if (e->data.scalar.anchor || e->data.scalar.tag) {
		complain(r, &e->start_mark, ID_ALIAS, NULL, "anchors, aliases and tags are not allowed here");
		return NULL;
	}
	if (strlen(text) != e->data.scalar.length) {
		complain(r, &e->start_mark, ID_VALUE, NULL, "a value holds a NUL byte");
		return NULL;
	}
	return text;
}

static void set_scalar(struct reader *r, const struct config_key *k, const yaml_event_t *e)
{
	const char *text = plain(r, e);
	bool yes;

	if (!text)
		return;
	switch (k->kind) {
	case KIND_NUMBER:
	case KIND_POWER:
		set_number(r, k, e, text);
		return;
	case KIND_WORD:
		set_word(r, k, e, text);
		return;
	case KIND_BOOL:
		yes = !strcmp(text, "true");
		if (yes || !strcmp(text, "false"))
			*(uint32_t *)member(r, k) = yes;
		else
			complain(r, &e->start_mark, ID_VALUE, NULL, "'%s' can be: true, false", k->path);
		return;
	case KIND_TEXT:
	case KIND_PATH:
	case KIND_URL:
		set_text(r, k, e, text);
		return;
	case KIND_PATHS:
	case KIND_ROOTS:
	case KIND_HEADERS:
		return;
	}
}

static void read_list(struct reader *r, const struct config_key *k)
{
	yaml_event_t e;
	bool end = false;

	while (!end && next(r, &e)) {
		const char *text;

		if (e.type == YAML_SEQUENCE_END_EVENT) {
			end = true;
		} else if (e.type == YAML_SCALAR_EVENT) {
			text = plain(r, &e);
			if (text && k->kind == KIND_PATHS)
				add_path(r, &e, text);
			else if (text)
				(k->kind == KIND_ROOTS ? add_root : add_header)(r, &e, text);
		} else {
			complain(r, &e.start_mark, e.type == YAML_ALIAS_EVENT ? ID_ALIAS : ID_KIND, NULL,
				 "'%s' is a list of %s", k->path,
				 k->kind == KIND_PATHS   ? "paths"
				 : k->kind == KIND_ROOTS ? "KIND=DIRECTORY"
							 : "headers, in quotes");
			skip(r, &e);
		}
		yaml_event_delete(&e);
	}
}

static void read_leaf(struct reader *r, const struct config_key *k, const yaml_event_t *e)
{
	uint64_t bit = 1ull << (k - config_keys);
	bool list = k->kind == KIND_PATHS || k->kind == KIND_HEADERS || k->kind == KIND_ROOTS;

	static_assert(countof(config_keys) <= 64, "a bit and a mark for each key");
	if (r->seen & bit)
		complain(r, &e->start_mark, ID_TWICE, NULL, "'%s' stands twice", k->path);
	r->seen |= bit;
	r->marks[k - config_keys] = e->start_mark;
	if (e->type == YAML_ALIAS_EVENT)
		complain(r, &e->start_mark, ID_ALIAS, NULL, "anchors, aliases and tags are not allowed here");
	else if (list && e->type == YAML_SEQUENCE_START_EVENT) {
		if (e->data.sequence_start.anchor || e->data.sequence_start.tag)
			complain(r, &e->start_mark, ID_ALIAS, NULL, "anchors, aliases and tags are not allowed here");
		read_list(r, k);
	} else if (!list && e->type == YAML_SCALAR_EVENT) {
		set_scalar(r, k, e);
	} else {
		complain(r, &e->start_mark, ID_KIND, NULL, "'%s' needs a %s", k->path, list ? "list" : "plain value");
		skip(r, e);
	}
}

static bool is_prefix(const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < countof(config_keys); i++)
		if (!strncmp(config_keys[i].path, path, n) && config_keys[i].path[n] == '.')
			return true;
	return false;
}

static void read_mapping(struct reader *r);

/* The value of the key whose dotted path is r->path, placed at key. */
static void read_value(struct reader *r, const yaml_mark_t *key)
{
	const struct config_key *k = NULL;
	yaml_event_t e;

	if (!next(r, &e))
		return;
	for (size_t i = 0; i < countof(config_keys); i++)
		if (!strcmp(config_keys[i].path, r->path))
			k = &config_keys[i];
	if (k) {
		read_leaf(r, k, &e);
	} else if (!is_prefix(r->path)) {
		unknown_key(r, key, r->path);
		skip(r, &e);
	} else if (e.type == YAML_MAPPING_START_EVENT) {
		read_mapping(r);
	} else {
		complain(r, &e.start_mark, ID_KIND, NULL, "'%s' is a mapping of more keys", r->path);
		skip(r, &e);
	}
	yaml_event_delete(&e);
}

/* From after its start event to its end event. Depth is bounded by the table: only prefixes of known keys are entered.
 */
static void read_mapping(struct reader *r)
{
	size_t at = strlen(r->path);
	yaml_event_t e;

	while (next(r, &e)) {
		const char *text = e.type == YAML_SCALAR_EVENT ? (const char *)e.data.scalar.value : NULL;
		bool end = e.type == YAML_MAPPING_END_EVENT;

		if (!end && !text) {
			complain(r, &e.start_mark, ID_KIND, NULL, "a key is a plain word");
			skip(r, &e);
			r->err = E_REJECTED; /* keys and values would be mixed up from here on */
		} else if (!end) {
			(void)snprintf(r->path + at, sizeof r->path - at, "%s%s", at ? "." : "", text);
			read_value(r, &e.start_mark);
			r->path[at] = 0;
		}
		yaml_event_delete(&e);
		if (end)
			return;
	}
}

static void read_document(struct reader *r)
{
	bool had_document = false, done = false;
	yaml_event_t e;

	while (!done && next(r, &e)) {
		if (e.type == YAML_DOCUMENT_START_EVENT) {
			if (had_document) {
				complain(r, &e.start_mark, ID_DOCUMENTS, NULL, "one YAML document is allowed");
				done = true;
			}
			had_document = true;
		} else if (e.type == YAML_MAPPING_START_EVENT) {
			read_mapping(r);
		} else if (e.type == YAML_STREAM_END_EVENT) {
			done = true;
		} else if (e.type != YAML_STREAM_START_EVENT && e.type != YAML_DOCUMENT_END_EVENT &&
			   !(e.type == YAML_SCALAR_EVENT && !e.data.scalar.length)) {
			complain(r, &e.start_mark, ID_KIND, NULL, "the file is a mapping of keys to values");
			skip(r, &e);
		}
		yaml_event_delete(&e);
	}
}

/* Keys that are of no use, or of no effect, without another. */
static void check_needs(struct reader *r)
{
	static const struct {
		const char *key, *needs;
	} rows[] = {
		{ "source_rate", "source" },
		{ "outputs.syslog.host", "outputs.syslog.transport" },
		{ "outputs.syslog.port", "outputs.syslog.host" },
		{ "outputs.syslog.path", "outputs.syslog.transport" },
		{ "outputs.http.headers", "outputs.http.url" },
		{ "outputs.http.ca_file", "outputs.http.url" },
		{ "release.repository", "release.root" },
		{ "release.repository", "state" },
		{ "release.root", "release.repository" },
		{ "release.policy", "release.root" },
		{ "owner.content", "owner.key" },
		{ "owner.content", "state" },
	};
	const struct config *c = r->c;

	for (size_t i = 0; i < countof(rows); i++) {
		size_t key = 0, needs = 0;

		while (strcmp(config_keys[key].path, rows[i].key))
			key++;
		while (strcmp(config_keys[needs].path, rows[i].needs))
			needs++;
		if (r->seen >> key & 1 && !(r->seen >> needs & 1))
			complain(r, &r->marks[key], ID_MISSING, NULL, "'%s' needs '%s'", rows[i].key, rows[i].needs);
	}
	for (size_t i = 0; i < countof(config_keys); i++)
		if (!strcmp(config_keys[i].path, "outputs.syslog.transport") && c->syslog_transport > CONFIG_UNIX &&
		    !c->syslog_host)
			complain(r, &r->marks[i], ID_MISSING, NULL, "a transport over the network needs '%s'",
				 "outputs.syslog.host");
}

FALLIBLE config_read(const char *text, size_t len, const char *name, struct config *c, struct diags *ds)
{
	struct reader r = { .text = text, .len = len, .name = name, .c = c, .ds = ds };

	if (!yaml_parser_initialize(&r.parser))
		return E_NOMEM;
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	read_document(&r);
	if (!ds->n_errors)
		check_needs(&r);
	yaml_parser_delete(&r.parser);
	if (r.err == E_NOMEM)
		return E_NOMEM;
	return ds->n_errors ? E_REJECTED : E_OK;
}
