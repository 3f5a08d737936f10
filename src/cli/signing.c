/* SPDX-License-Identifier: Apache-2.0 */
/* signing: files of keys and signatures, as commands read and write them. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <sys/stat.h>
#include <termios.h>

enum { MAX_SIGNATURE_FILE = SIGN_MAX_BLOCKS * SIGN_BLOCK_MAX };

/* Passwords */

/* Off while a password is typed; *was is what to go back to. */
static bool echo_off(struct termios *was)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, was))
		return false;
	t = *was;
	t.c_lflag &= ~(tcflag_t)ECHO;
	return tcsetattr(STDIN_FILENO, TCSAFLUSH, &t) == 0;
}

/* Byte by byte: what follows the line is for somebody else. */
static bool read_line(char out[CLI_PASSWORD_MAX])
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(STDIN_FILENO, out + n, 1)) == 1 && out[n] != '\n')
		if (++n == CLI_PASSWORD_MAX)
			return false;
	out[n] = 0;
	return got >= 0 && n > 0 && strlen(out) == n;
}

int cli_password(const char *prompt, char out[CLI_PASSWORD_MAX])
{
	struct termios was;
	bool hidden = isatty(STDIN_FILENO) && echo_off(&was), ok;

	if (hidden)
		(void)fputs(prompt, stderr);
	ok = read_line(out);
	if (hidden) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
		(void)fputc('\n', stderr);
	}
	if (ok)
		return 0;
	sodium_memzero(out, CLI_PASSWORD_MAX);
	return cli_fail(CLI_USAGE, "a password is a line of 1 to %d bytes, on the terminal or on standard input",
			CLI_PASSWORD_MAX - 1);
}

/* Keys */

struct secret_text {
	char *p;
	size_t len;
};

static void secret_text_done(struct secret_text *t)
{
	if (t->p)
		sodium_memzero(t->p, t->len);
	free(t->p);
}

static int read_private(const char *path, struct secret_text *out)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct diag d;
	struct stat st;
	enum err err;

	if (fd < 0)
		return cli_fail(CLI_REFUSED, "cannot open '%s': %s", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return cli_fail(CLI_REFUSED, "'%s' is no regular file", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return cli_fail(CLI_REFUSED,
				"others may read the secret key '%s': a key that somebody else has seen is none; "
				"'chmod 600' it if nobody has",
				path);
	diag_init(&d);
	err = io_read_fd(fd, path, SIGN_MAX_KEY_TEXT, &out->p, &out->len, &d);
	return err == E_OK ? 0 : cli_fail_diag(err, &d);
}

int cli_secret_load(const char *path, struct sign_secret *out)
{
	AUTO(secret_text_done) struct secret_text text = { 0 };
	char password[CLI_PASSWORD_MAX];
	struct view v;
	struct diag d;
	enum err err;
	int code = read_private(path, &text);

	if (code)
		return code;
	diag_init(&d);
	d.subject = path;
	v = view_of(text.p, text.len);
	err = sign_read_secret(v, NULL, out, &d);
	if (err == E_PERM) {
		code = cli_password("password: ", password);
		if (code)
			return code;
		err = sign_read_secret(v, password, out, &d);
		sodium_memzero(password, sizeof password);
	}
	if (err == E_PERM)
		return cli_fail(CLI_REFUSED, "'%s': %s", path, d.text);
	return err == E_OK ? 0 : cli_fail_diag(err, &d);
}

int cli_public_load(const char *path, struct sign_public *out)
{
	AUTO_FREE char *text = NULL;
	struct diag d;
	size_t len;
	enum err err;

	diag_init(&d);
	d.subject = path;
	err = io_read_file(path, SIGN_MAX_KEY_TEXT, &text, &len, &d);
	if (err == E_OK)
		err = sign_read_public(view_of(text, len), out, &d);
	return err == E_OK ? 0 : cli_fail_diag(err, &d);
}

/* Files */

static int write_to(int fd, const char *path, struct view bytes)
{
	if (io_write_all(fd, bytes.p, bytes.len) == E_OK && fsync(fd) == 0)
		return 0;
	(void)cli_fail(CLI_HOST, "cannot write '%s': %s", path, strerror(errno));
	(void)unlink(path);
	return CLI_HOST;
}

int cli_write_new(const char *path, unsigned mode, struct view bytes)
{
	AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0 && errno == EEXIST)
		return cli_fail(CLI_REFUSED, "'%s' is there already, and stays as it is", path);
	if (fd < 0)
		return cli_fail(CLI_HOST, "cannot make '%s': %s", path, strerror(errno));
	return write_to(fd, path, bytes);
}

int cli_write_over(const char *path, unsigned mode, struct view bytes)
{
	char temporary[PATH_MAX];
	AUTO_FD int fd = -1;
	int code;

	if ((size_t)snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= sizeof temporary)
		return cli_fail(CLI_USAGE, "'%s' is too long a name", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0 || fchmod(fd, mode))
		return cli_fail(CLI_HOST, "cannot make '%s': %s", temporary, strerror(errno));
	code = write_to(fd, temporary, bytes);
	if (!code && rename(temporary, path)) {
		code = cli_fail(CLI_HOST, "cannot write '%s': %s", path, strerror(errno));
		(void)unlink(temporary);
	}
	return code;
}

/* Signatures */

/* The blocks of a text that are not by this key, as they are. The text was read as blocks before. */
static void put_others(struct view text, const struct sign_block *b, uint32_t n, const uint8_t id[SIGN_ID_BYTES],
		       struct buf *out)
{
	size_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		size_t from = at;

		for (int line = 0; line < 4 && at < text.len; line++) {
			const uint8_t *end = memchr(text.p + at, '\n', text.len - at);

			at = end ? (size_t)(end - text.p) + 1 : text.len;
		}
		if (memcmp(b[i].id, id, SIGN_ID_BYTES) == 0)
			continue;
		buf_put(out, text.p + from, at - from);
		if (at && text.p[at - 1] != '\n')
			buf_putc(out, '\n');
	}
}

/* *all, with the signature of one more key. */
static int add_signature(const char *path, struct view bytes, const char *key, struct buf *all)
{
	AUTO(sign_secret_done) struct sign_secret secret = { 0 };
	struct sign_block block[SIGN_MAX_BLOCKS];
	char comment[SIGN_MAX_COMMENT];
	const char *name = strrchr(path, '/');
	struct buf next;
	struct diag d;
	uint32_t n = 0;
	enum err err = E_OK;
	int code = cli_secret_load(key, &secret);

	if (code)
		return code;
	diag_init(&d);
	if (all->len)
		err = sign_read_blocks(view_of(all->p, all->len), block, countof(block), &n, &d);
	(void)snprintf(comment, sizeof comment, "timestamp:%lld\tfile:%s\thashed", (long long)time(NULL),
		       name ? name + 1 : path);
	buf_init(&next, MAX_SIGNATURE_FILE);
	if (err == E_OK) {
		put_others(view_of(all->p, all->len), block, n, secret.pub.id, &next);
		err = sign_bytes(&secret, bytes, comment, &next, &d);
	}
	if (err == E_OK)
		err = sign_read_blocks(view_of(next.p, next.len), block, countof(block), &n, &d);
	buf_done(all);
	*all = next;
	return err == E_OK ? 0 : cli_fail_diag(err, &d);
}

/* What FILE.minisig holds, if it is there. */
static int read_signatures(const char *path, struct buf *out)
{
	AUTO_FREE char *text = NULL;
	struct diag d;
	size_t len;
	enum err err;

	if (access(path, F_OK))
		return 0;
	diag_init(&d);
	err = io_read_file(path, MAX_SIGNATURE_FILE, &text, &len, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	buf_put(out, text, len);
	return 0;
}

int cli_sign_file(const char *path, struct view bytes, char *const *keys, uint32_t n_keys, struct buf *out)
{
	char beside[PATH_MAX];
	int code;

	buf_init(out, MAX_SIGNATURE_FILE);
	if ((size_t)snprintf(beside, sizeof beside, "%s.minisig", path) >= sizeof beside)
		return cli_fail(CLI_USAGE, "'%s' is too long a name", path);
	code = read_signatures(beside, out);
	for (uint32_t i = 0; !code && i < n_keys; i++)
		code = add_signature(path, bytes, keys[i], out);
	return code ? code : cli_write_over(beside, 0644, view_of(out->p, out->len));
}
