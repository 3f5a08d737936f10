/* SPDX-License-Identifier: Apache-2.0 */
/* cli: what every command needs: saying what is wrong, printing results, finding the default rules. */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

bool cli_colour(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && !(no && no[0]) && !(term && !strcmp(term, "dumb"));
}

int cli_fail(enum cli_exit code, const char *fmt, ...)
{
	struct buf text;
	va_list ap;

	buf_init(&text, 64 << 10);
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr,
		      cli_colour(STDERR_FILENO) ? "sallyport: \033[1;31merror\033[0m: %s\n" : "sallyport: error: %s\n",
		      text.p ? text.p : "");
	buf_done(&text);
	return (int)code;
}

int cli_fail_diag(enum err err, const struct diag *d)
{
	struct buf text;

	if (!d->text[0])
		return cli_fail(err == E_NOMEM ? CLI_HOST : CLI_REFUSED, "%s", err_text(err));
	buf_init(&text, 1 << 20);
	if (!d->pos.file && !d->subject)
		buf_puts(&text, "sallyport: ");
	diag_render(&text, d, cli_colour(STDERR_FILENO));
	(void)fputs(text.p ? text.p : "", stderr);
	buf_done(&text);
	return err == E_NOMEM || err == E_HOST || err == E_PERM || err == E_BUG ? CLI_HOST : CLI_REFUSED;
}

int cli_usage(const char *command)
{
	(void)fprintf(stderr, "'sallyport %s --help' tells how it is used\n", command);
	return CLI_USAGE;
}

int cli_print(struct buf *b)
{
	bool ok = !b->full;

	if (ok && b->len && b->p[b->len - 1] != '\n')
		buf_putc(b, '\n');
	if (ok && b->len)
		ok = fwrite(b->p, 1, b->len, stdout) == b->len;
	ok = fflush(stdout) == 0 && ok;
	buf_done(b);
	return ok ? CLI_OK : cli_fail(CLI_HOST, "standard output cannot be written: %s", strerror(errno));
}

uint64_t cli_number(const char *s, uint64_t max)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(s, &end, 10);
	return errno || *end || s[0] < '0' || s[0] > '9' || v > max ? 0 : v;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Upwards from the program to a source tree: a folder with meson.build and rules/. */
static const char *built_rules(char *path, size_t max)
{
	ssize_t n = readlink("/proc/self/exe", path, max - 64);
	struct stat st;

	if (n <= 0)
		return NULL;
	path[n] = 0;
	for (int up = 0; up < 5; up++) {
		char *slash = strrchr(path, '/');

		if (!slash || slash == path)
			return NULL;
		(void)snprintf(slash, max - (size_t)(slash - path), "/meson.build");
		if (stat(path, &st) == 0) {
			(void)snprintf(slash, max - (size_t)(slash - path), "/rules");
			if (is_dir(path))
				return path;
		}
		*slash = 0;
	}
	return NULL;
}

const char *cli_default_rules(void)
{
	static char path[PATH_MAX];
	const char *built = built_rules(path, sizeof path);

	if (built)
		return built;
	return is_dir(SALLYPORT_RULES_DIR) ? SALLYPORT_RULES_DIR : NULL;
}

/* What Falco calls the same finding, or NULL. */
static const char *falco_code(const struct diag *d)
{
	for (size_t i = 0; d->family == 'R' && i < rule_n_diags; i++)
		if (rule_diags[i].id == d->id)
			return rule_diags[i].falco_code;
	return NULL;
}

void cli_json_diag(struct json *j, const struct diag *d)
{
	static const char *const severity[] = { "error", "warning", "note" };
	char id[16] = "";

	if (d->family)
		(void)snprintf(id, sizeof id, "%c%03u", d->family, d->id);
	json_object(j);
	json_key(j, "code");
	json_str(j, falco_code(d));
	json_key(j, "column");
	json_u64(j, d->pos.line ? d->pos.col : 0);
	json_key(j, "file");
	json_str(j, d->pos.file ? d->pos.file : d->subject);
	json_key(j, "hint");
	json_str(j, d->hint);
	json_key(j, "id");
	json_str(j, id);
	if (d->insn != DIAG_NONE) {
		json_key(j, "insn");
		json_u64(j, d->insn);
	}
	json_key(j, "line");
	json_u64(j, d->pos.line);
	json_key(j, "notes");
	json_array(j);
	for (const struct note *n = d->notes; n; n = n->next)
		json_str(j, n->text);
	json_end_array(j);
	if (d->family == 'L') {
		json_key(j, "rule");
		json_str(j, d->subject);
	}
	json_key(j, "severity");
	json_str(j, severity[d->severity]);
	json_key(j, "text");
	json_str(j, d->text);
	json_end_object(j);
}
