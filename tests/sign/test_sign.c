/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "content/sign/sign.h"

#include <fcntl.h>
#include <sys/stat.h>

TEST(what_a_key_signed_verifies_and_nothing_else_does)
{
	struct sign_secret k, other;
	struct sign_block b;
	struct view file = view_of("content", 7);
	struct buf text;
	uint32_t n;

	CHECK_OK(sign_new(&k));
	CHECK_OK(sign_new(&other));
	buf_init(&text, SIGN_BLOCK_MAX);
	CHECK_OK(sign_bytes(&k, file, "release 7", &text, NULL));
	CHECK_OK(sign_read_blocks(view_of(text.p, text.len), &b, 1, &n, NULL));
	CHECK_EQ(n, 1);
	CHECK_STR(b.comment, "release 7");
	CHECK(b.prehashed);
	CHECK(memcmp(b.id, k.pub.id, sizeof b.id) == 0);
	CHECK(sign_verify(&k.pub, &b, file));
	CHECK(!sign_verify(&other.pub, &b, file));
	CHECK(!sign_verify(&k.pub, &b, view_of("Content", 7)));
	CHECK(!sign_verify(&k.pub, &b, view_of("content", 6)));
	b.comment[0] = 'R';
	CHECK(!sign_verify(&k.pub, &b, file));
	buf_done(&text);
	sign_secret_done(&k);
	sign_secret_done(&other);
}

static struct view text_of(const struct buf *b)
{
	return view_of(b->p, b->len);
}

TEST(keys_are_read_as_they_were_written)
{
	struct sign_secret k, back;
	struct sign_public pub;
	struct buf text;
	char id[SIGN_ID_TEXT];

	CHECK_OK(sign_new(&k));
	buf_init(&text, SIGN_MAX_KEY_TEXT);
	CHECK_OK(sign_put_public(&k.pub, &text));
	CHECK_OK(sign_read_public(text_of(&text), &pub, NULL));
	CHECK(memcmp(&pub, &k.pub, sizeof pub) == 0);
	sign_id_text(pub.id, id);
	CHECK_HAS(text.p, id);
	buf_reset(&text);
	CHECK_OK(sign_put_secret(&k, NULL, &text, NULL));
	CHECK_OK(sign_read_secret(text_of(&text), NULL, &back, NULL));
	CHECK(memcmp(&back, &k, sizeof back) == 0);
	/* a password that is not needed does no harm; a public key is no secret one, and the other way round */
	CHECK_OK(sign_read_secret(text_of(&text), "x", &back, NULL));
	CHECK_EQ(sign_read_public(text_of(&text), &pub, NULL), E_FORMAT);
	buf_reset(&text);
	CHECK_OK(sign_put_public(&k.pub, &text));
	CHECK_EQ(sign_read_secret(text_of(&text), NULL, &back, NULL), E_FORMAT);
	buf_done(&text);
	sign_secret_done(&k);
	CHECK(!k.secret[0] && !k.secret[63] && !k.pub.key[5]);
	sign_secret_done(&back);
}

/* Every byte of a text changed or cut off: refused, or it says the same (comments and line ends are not of the key). */
TEST(damaged_keys_are_refused)
{
	struct sign_secret k, back;
	struct sign_public pub;
	struct buf text;
	size_t line;

	CHECK_OK(sign_new(&k));
	buf_init(&text, SIGN_MAX_KEY_TEXT);
	CHECK_OK(sign_put_secret(&k, NULL, &text, NULL));
	line = (size_t)(strchr(text.p, '\n') - text.p) + 1;
	for (size_t i = line; i + 1 < text.len; i++) {
		text.p[i] = (char)(text.p[i] ^ 1);
		CHECK(sign_read_secret(text_of(&text), NULL, &back, NULL) != E_OK);
		text.p[i] = (char)(text.p[i] ^ 1);
		CHECK(sign_read_secret(view_of(text.p, i), NULL, &back, NULL) != E_OK);
	}
	buf_puts(&text, "x");
	CHECK_EQ(sign_read_secret(text_of(&text), NULL, &back, NULL), E_FORMAT);
	buf_reset(&text);
	CHECK_OK(sign_put_public(&k.pub, &text));
	for (size_t i = 0; i + 1 < text.len; i++)
		CHECK(sign_read_public(view_of(text.p, i), &pub, NULL) != E_OK);
	buf_puts(&text, "x");
	CHECK_EQ(sign_read_public(text_of(&text), &pub, NULL), E_FORMAT);
	buf_done(&text);
	sign_secret_done(&k);
}

TEST(several_signers_in_one_file)
{
	struct sign_secret k[3];
	struct sign_block b[SIGN_MAX_BLOCKS];
	struct view file = view_of("x", 1);
	struct buf text;
	struct diag d;
	uint32_t n;

	buf_init(&text, 1 << 20);
	for (uint32_t i = 0; i < 3; i++) {
		CHECK_OK(sign_new(&k[i]));
		CHECK_OK(sign_bytes(&k[i], file, "", &text, NULL));
	}
	CHECK_OK(sign_read_blocks(text_of(&text), b, SIGN_MAX_BLOCKS, &n, NULL));
	CHECK_EQ(n, 3);
	for (uint32_t i = 0; i < 9; i++)
		CHECK_EQ(sign_verify(&k[i / 3].pub, &b[i % 3], file), i / 3 == i % 3);
	diag_init(&d);
	CHECK_EQ(sign_read_blocks(text_of(&text), b, 2, &n, &d), E_LIMIT);
	CHECK_HAS(d.text, "line 9: more than 2");
	for (uint32_t i = 0; i < 3; i++)
		sign_secret_done(&k[i]);
	buf_done(&text);
}

TEST(any_changed_bit_of_a_block_is_noticed)
{
	struct sign_secret k;
	struct sign_block b, changed;
	struct view file = view_of("bytes", 5);
	struct buf text;
	uint32_t n;

	CHECK_OK(sign_new(&k));
	buf_init(&text, SIGN_BLOCK_MAX);
	CHECK_OK(sign_bytes(&k, file, "c", &text, NULL));
	CHECK_OK(sign_read_blocks(text_of(&text), &b, 1, &n, NULL));
	for (uint32_t i = 0; i < 64 * 8; i++) {
		changed = b;
		changed.signature[i / 8] ^= (uint8_t)(1 << i % 8);
		CHECK(!sign_verify(&k.pub, &changed, file));
		changed = b;
		changed.global[i / 8] ^= (uint8_t)(1 << i % 8);
		CHECK(!sign_verify(&k.pub, &changed, file));
	}
	changed = b;
	changed.prehashed = false;
	CHECK(!sign_verify(&k.pub, &changed, file));
	buf_done(&text);
	sign_secret_done(&k);
}

static void block_refused(const char *text, enum err err, const char *why)
{
	struct sign_block b[2];
	struct diag d;
	uint32_t n;

	test_row = why;
	diag_init(&d);
	CHECK_EQ(sign_read_blocks(view_of(text, strlen(text)), b, 2, &n, &d), err);
	CHECK_EQ(d.family, 'Y');
	CHECK_HAS(d.text, why);
	test_row = NULL;
}

#define SIG "RUQ6FIOaD0lDnkvh6jMcD3IG4W4NHeW74GpPesKyzIrDqh4n8dj4Z1Jxwd/nuGTbKX3NCbl/TdIOU08fVfWPXhBCtp1RZsSxdgk="
#define GLOBAL "jKOKqFQjTQgUCOQ67Pl2KC5IJE71Ho0hM88TYVZ3CfpbCbj2aV6oFx9J9jutCgG7ZBZTbW9W8aY5FKFHkpppAg=="

TEST(malformed_blocks_are_refused_with_their_line)
{
	char long_comment[SIGN_MAX_COMMENT + 400];

	block_refused("", E_FORMAT, "no signature at all");
	block_refused("untrusted comment: x\n", E_TRUNCATED, "line 2: 74 bytes in base64 are missing");
	block_refused("untrusted comment: x\n" SIG "\n", E_TRUNCATED, "line 3: 'trusted comment: ...' is missing");
	block_refused("comment: x\n" SIG "\n", E_FORMAT, "line 1: it does not begin with");
	block_refused("untrusted comment: x\n" SIG "A\n", E_FORMAT, "line 2: it is not 74 bytes");
	block_refused("untrusted comment: x\nRUQ\n", E_FORMAT, "line 2: it is not 74 bytes");
	block_refused("untrusted comment: x\n" SIG "\nuntrusted comment: x\n" GLOBAL "\n", E_FORMAT, "line 3");
	block_refused("untrusted comment: x\n" SIG "\ntrusted comment: \033[2J\n" GLOBAL "\n", E_FORMAT, "printable");
	block_refused("untrusted comment: x\n" SIG "\ntrusted comment: x\n" SIG "\n", E_FORMAT, "line 4: it is not 64");
	block_refused("untrusted comment: x\n" SIG "\ntrusted comment: x\n" GLOBAL "\n\n", E_FORMAT, "line 5");
	memset(long_comment, 'x', sizeof long_comment);
	(void)snprintf(long_comment, sizeof long_comment, "untrusted comment: x\n" SIG "\ntrusted comment: ");
	long_comment[strlen(long_comment)] = 'x';
	long_comment[sizeof long_comment - 1] = 0;
	block_refused(long_comment, E_FORMAT, "a comment has at most 1023 bytes");
}

TEST(comments_of_signatures_are_one_printable_line)
{
	struct sign_secret k;
	struct buf text;
	char long_comment[SIGN_MAX_COMMENT + 1];

	CHECK_OK(sign_new(&k));
	buf_init(&text, 1 << 16);
	memset(long_comment, 'x', SIGN_MAX_COMMENT);
	long_comment[SIGN_MAX_COMMENT] = 0;
	CHECK_EQ(sign_bytes(&k, view_of("x", 1), "a\nb", &text, NULL), E_INVALID);
	CHECK_EQ(sign_bytes(&k, view_of("x", 1), long_comment, &text, NULL), E_INVALID);
	CHECK_EQ(text.len, 0);
	long_comment[SIGN_MAX_COMMENT - 1] = 0;
	CHECK_OK(sign_bytes(&k, view_of("x", 1), long_comment, &text, NULL));
	CHECK(text.len < SIGN_BLOCK_MAX);
	buf_done(&text);
	sign_secret_done(&k);
}

/* With the real minisign, in a directory of its own. */

struct dir {
	char path[64];
};

static void shell(int want, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void shell(int want, const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	test_row = command;
	CHECK_EQ(system(command) != 0, want);
	test_row = NULL;
}

static void dir_init(struct dir *d)
{
	if (system("command -v minisign >/dev/null 2>&1") != 0)
		SKIP("minisign is not installed");
	(void)snprintf(d->path, sizeof d->path, "/tmp/sallyport-sign-XXXXXX");
	CHECK(mkdtemp(d->path));
	shell(0, "printf 'the file' >%s/f", d->path);
}

static void dir_done(const struct dir *d)
{
	shell(0, "rm -r %s", d->path);
}

static struct view load(const struct dir *d, const char *name, char **text)
{
	char path[128];
	size_t n = 0;

	(void)snprintf(path, sizeof path, "%s/%s", d->path, name);
	CHECK_OK(io_read_file(path, 1 << 16, text, &n, NULL));
	return view_of(*text, n);
}

static void store(const struct dir *d, const char *name, struct buf *b)
{
	char path[128];
	AUTO_FD int fd = -1;

	(void)snprintf(path, sizeof path, "%s/%s", d->path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(fd > 0);
	CHECK_OK(io_write_all(fd, b->p, b->len));
	buf_reset(b);
}

static void verify_theirs(const struct dir *d, bool prehashed, const char *comment)
{
	AUTO_FREE char *key = NULL, *signature = NULL, *file = NULL;
	struct sign_public pub;
	struct sign_block b;
	struct view bytes = load(d, "f", &file);
	uint32_t n;

	CHECK_OK(sign_read_public(load(d, "p", &key), &pub, NULL));
	CHECK_OK(sign_read_blocks(load(d, "f.minisig", &signature), &b, 1, &n, NULL));
	CHECK_EQ(n, 1);
	CHECK_EQ(b.prehashed, prehashed);
	CHECK_HAS(b.comment, comment);
	CHECK(memcmp(b.id, pub.id, sizeof b.id) == 0);
	CHECK(sign_verify(&pub, &b, bytes));
	CHECK(!sign_verify(&pub, &b, view_of("another file", 8)));
}

TEST(signatures_by_minisign_verify_here)
{
	struct dir d;

	dir_init(&d);
	shell(0, "cd %s && minisign -G -W -p p -s s >out", d.path);
	shell(0, "cd %s && minisign -S -s s -m f -t theirs >out", d.path);
	verify_theirs(&d, true, "theirs");
	shell(0, "cd %s && minisign -S -l -s s -m f -t theirs >out", d.path);
	verify_theirs(&d, false, "theirs");
	shell(0, "cd %s && minisign -S -s s -m f >out", d.path);
	verify_theirs(&d, true, "\tfile:f\t");
	dir_done(&d);
}

TEST(minisign_verifies_what_is_signed_here_with_its_keys_and_ours)
{
	AUTO_FREE char *theirs = NULL, *file = NULL;
	struct sign_secret ours, k;
	struct buf text;
	struct dir d;

	dir_init(&d);
	buf_init(&text, 1 << 16);
	shell(0, "cd %s && minisign -G -W -p p -s s >out", d.path);
	CHECK_OK(sign_read_secret(load(&d, "s", &theirs), NULL, &k, NULL));
	CHECK_OK(sign_bytes(&k, load(&d, "f", &file), "ours", &text, NULL));
	store(&d, "f.minisig", &text);
	shell(0, "cd %s && test \"$(minisign -V -Q -p p -m f)\" = ours", d.path);
	CHECK_OK(sign_new(&ours));
	CHECK_OK(sign_bytes(&ours, view_of(file, strlen(file)), "ours", &text, NULL));
	store(&d, "f.minisig", &text);
	shell(1, "cd %s && minisign -V -Q -p p -m f >out 2>&1", d.path);
	CHECK_OK(sign_put_public(&ours.pub, &text));
	store(&d, "p", &text);
	shell(0, "cd %s && minisign -V -H -Q -p p -m f >out", d.path);
	shell(1, "cd %s && echo >>f && minisign -V -Q -p p -m f >out 2>&1", d.path);
	/* and signs with our secret key */
	CHECK_OK(sign_put_secret(&ours, NULL, &text, NULL));
	store(&d, "s", &text);
	shell(0, "cd %s && minisign -S -W -s s -m f -t theirs >out && minisign -V -Q -p p -m f >out", d.path);
	verify_theirs(&d, true, "theirs");
	sign_secret_done(&ours);
	sign_secret_done(&k);
	buf_done(&text);
	dir_done(&d);
}

TEST(keys_under_a_password_go_both_ways)
{
	AUTO_FREE char *theirs = NULL;
	struct sign_secret ours, k;
	struct buf text;
	struct diag d;
	struct view secret;
	struct dir dir;

	dir_init(&dir);
	buf_init(&text, 1 << 16);
	shell(0, "cd %s && printf 'pass word\\npass word\\n' | minisign -G -p p -s s >out 2>&1", dir.path);
	secret = load(&dir, "s", &theirs);
	diag_init(&d);
	CHECK_EQ(sign_read_secret(secret, NULL, &k, &d), E_PERM);
	CHECK_HAS(d.text, "protected by a password");
	CHECK_EQ(sign_read_secret(secret, "password", &k, &d), E_PERM);
	CHECK_HAS(d.text, "the password is wrong");
	CHECK_OK(sign_read_secret(secret, "pass word", &k, NULL));
	CHECK_OK(sign_new(&ours));
	CHECK_OK(sign_put_public(&ours.pub, &text));
	store(&dir, "p", &text);
	CHECK_OK(sign_put_secret(&ours, "geheim", &text, NULL));
	store(&dir, "s", &text);
	shell(0, "cd %s && echo geheim | minisign -S -s s -m f -t theirs >out 2>&1", dir.path);
	verify_theirs(&dir, true, "theirs");
	sign_secret_done(&ours);
	sign_secret_done(&k);
	buf_done(&text);
	dir_done(&dir);
}

/* A file that asks for a hash of hours or of all memory is refused before any work. */
TEST(the_cost_of_a_password_has_a_bound)
{
	static const char base64[] = "RWRTY0IyL6neLSRsVUm+e7EwqqZ0EekuUDpLs155Q4aLWVs0ZTYAAAACAAAAAAAAAEAAAAAA";
	char rest[141], text[512];
	struct sign_secret k;
	struct diag d;

	memset(rest, 'A', sizeof rest);
	rest[139] = '=';
	rest[140] = 0;
	(void)snprintf(text, sizeof text, "untrusted comment: x\n%s%s\n", base64, rest);
	text[21 + 60] = 'B'; /* the highest byte of ops */
	diag_init(&d);
	CHECK_EQ(sign_read_secret(view_of(text, strlen(text)), "x", &k, &d), E_FORMAT);
	CHECK_HAS(d.text, "more than minisign's own cost");
}
