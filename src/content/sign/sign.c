/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign: minisign's files. Each is a line of comment and a line of base64 of a fixed struct, little-endian:
 *
 *   public    "Ed" id[8] key[32]
 *   secret    "Ed" kdf[2] "B2" salt[32] ops[8] mem[8] and, under the password's stream, id[8] secret[64] check[32]
 *   block     "ED" or "Ed" id[8] signature[64]; a second pair of lines: the trusted comment and a signature of the
 *             signature and that comment
 */
#include "content/sign/sign.h"

#include <sodium.h>

enum { Y_TEXT = 101, Y_KEY, Y_PASSWORD, Y_BLOCK, Y_COMMENT };
enum { CHECK_BYTES = 32, SALT_BYTES = 32, HASH_BYTES = 64, SIGNATURE_BYTES = 64 };

struct public_file {
	uint8_t algorithm[2], id[SIGN_ID_BYTES], key[SIGN_KEY_BYTES];
};
/* What the password protects. */
struct secret_part {
	uint8_t id[SIGN_ID_BYTES], secret[SIGN_SECRET_BYTES], check[CHECK_BYTES];
};
struct secret_file {
	uint8_t algorithm[2], kdf[2], check_algorithm[2], salt[SALT_BYTES], ops[8], mem[8];
	struct secret_part part;
};
struct block_file {
	uint8_t algorithm[2], id[SIGN_ID_BYTES], signature[SIGNATURE_BYTES];
};
static_assert(sizeof(struct public_file) == 42 && sizeof(struct secret_file) == 158 && sizeof(struct block_file) == 74,
	      "files are these structs, without padding");
static_assert(SIGN_SECRET_BYTES == crypto_sign_SECRETKEYBYTES && SIGN_KEY_BYTES == crypto_sign_PUBLICKEYBYTES &&
		      SALT_BYTES == crypto_pwhash_scryptsalsa208sha256_SALTBYTES,
	      "as libsodium has them");

static const char untrusted[] = "untrusted comment: ", trusted[] = "trusted comment: ";
static const uint8_t plain[2] = { 'E', 'd' }, prehashed[2] = { 'E', 'D' }, scrypt[2] = { 'S', 'c' },
		     blake2b[2] = { 'B', '2' }, no_kdf[2];

/* Lines */

struct lines {
	struct view rest;
	uint32_t number; /* of the line taken last, from 1 */
};

/* The next line without its end; false: there is none. */
static bool next_line(struct lines *l, struct view *out)
{
	const uint8_t *end;
	size_t len;

	if (!l->rest.len)
		return false;
	end = memchr(l->rest.p, '\n', l->rest.len);
	len = end ? (size_t)(end - l->rest.p) : l->rest.len;
	*out = view_of(l->rest.p, len && l->rest.p[len - 1] == '\r' ? len - 1 : len);
	len += end ? 1 : 0;
	l->rest = view_of(l->rest.p + len, l->rest.len - len);
	l->number++;
	return true;
}

/* minisign's own comments have tabs. */
static bool is_printable(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if ((v.p[i] < 0x20 && v.p[i] != '\t') || v.p[i] == 0x7f)
			return false;
	return true;
}

/* The next line is prefix and a printable comment, which is *out. */
static FALLIBLE read_comment(struct lines *l, const char *prefix, struct view *out, struct diag *d)
{
	size_t n = strlen(prefix);
	struct view line;

	if (!next_line(l, &line))
		FAIL_ID(d, TRUNCATED, 'Y', Y_TEXT, "line %u: '%s...' is missing", l->number + 1, prefix);
	if (line.len < n || memcmp(line.p, prefix, n) != 0)
		FAIL_ID(d, FORMAT, 'Y', Y_TEXT, "line %u: it does not begin with '%s'", l->number, prefix);
	*out = view_of(line.p + n, line.len - n);
	if (out->len >= SIGN_MAX_COMMENT || !is_printable(*out))
		FAIL_ID(d, FORMAT, 'Y', Y_COMMENT, "line %u: a comment has at most %d bytes, all printable", l->number,
			SIGN_MAX_COMMENT - 1);
	return E_OK;
}

/* The next line is base64 of exactly these bytes. */
static FALLIBLE read_base64(struct lines *l, void *out, size_t bytes, struct diag *d)
{
	struct view line;
	size_t got;

	if (!next_line(l, &line))
		FAIL_ID(d, TRUNCATED, 'Y', Y_TEXT, "line %u: %zu bytes in base64 are missing", l->number + 1, bytes);
	if (line.len != sodium_base64_ENCODED_LEN(bytes, sodium_base64_VARIANT_ORIGINAL) - 1 ||
	    sodium_base642bin(out, bytes, (const char *)line.p, line.len, NULL, &got, NULL,
			      sodium_base64_VARIANT_ORIGINAL) ||
	    got != bytes)
		FAIL_ID(d, FORMAT, 'Y', Y_TEXT, "line %u: it is not %zu bytes in base64", l->number, bytes);
	return E_OK;
}

static FALLIBLE read_end(struct lines *l, struct diag *d)
{
	if (l->rest.len)
		FAIL_ID(d, FORMAT, 'Y', Y_TEXT, "line %u: a key is two lines, and here is a third", l->number + 1);
	return E_OK;
}

static void put_base64(struct buf *out, const void *p, size_t bytes)
{
	char text[sodium_base64_ENCODED_LEN(sizeof(struct secret_file), sodium_base64_VARIANT_ORIGINAL)];

	assert(bytes <= sizeof(struct secret_file));
	(void)sodium_bin2base64(text, sizeof text, p, bytes, sodium_base64_VARIANT_ORIGINAL);
	buf_puts(out, text);
	buf_putc(out, '\n');
	sodium_memzero(text, sizeof text);
}

static uint64_t get_le64(const uint8_t p[8])
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

static void put_le64(uint8_t p[8], uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* Keys */

FALLIBLE sign_new(struct sign_secret *out)
{
	if (sodium_init() < 0)
		return E_HOST;
	if (crypto_sign_keypair(out->pub.key, out->secret))
		return E_HOST;
	randombytes_buf(out->pub.id, sizeof out->pub.id);
	return E_OK;
}

void sign_secret_done(struct sign_secret *s)
{
	sodium_memzero(s, sizeof *s);
}

void sign_id_text(const uint8_t id[SIGN_ID_BYTES], char out[SIGN_ID_TEXT])
{
	(void)snprintf(out, SIGN_ID_TEXT, "%016llX", (unsigned long long)get_le64(id));
}

FALLIBLE sign_put_public(const struct sign_public *p, struct buf *out)
{
	struct public_file f = { .algorithm = { plain[0], plain[1] } };
	char id[SIGN_ID_TEXT];

	memcpy(f.id, p->id, sizeof f.id);
	memcpy(f.key, p->key, sizeof f.key);
	sign_id_text(p->id, id);
	buf_printf(out, "%sminisign public key %s\n", untrusted, id);
	put_base64(out, &f, sizeof f);
	return out->full ? E_NOMEM : E_OK;
}

FALLIBLE sign_read_public(struct view text, struct sign_public *out, struct diag *d)
{
	struct lines l = { .rest = text };
	struct public_file f;
	struct view comment;

	if (text.len > SIGN_MAX_KEY_TEXT)
		FAIL_ID(d, FORMAT, 'Y', Y_KEY, "a public key has at most %d bytes", SIGN_MAX_KEY_TEXT);
	TRY(read_comment(&l, untrusted, &comment, d));
	TRY(read_base64(&l, &f, sizeof f, d));
	TRY(read_end(&l, d));
	if (memcmp(f.algorithm, plain, sizeof plain) != 0)
		FAIL_ID(d, FORMAT, 'Y', Y_KEY, "line 2: it is no public key for Ed25519");
	memcpy(out->id, f.id, sizeof f.id);
	memcpy(out->key, f.key, sizeof f.key);
	return E_OK;
}

static void checksum(const struct secret_file *f, uint8_t out[CHECK_BYTES])
{
	crypto_generichash_state st;

	(void)crypto_generichash_init(&st, NULL, 0, CHECK_BYTES);
	(void)crypto_generichash_update(&st, f->algorithm, sizeof f->algorithm);
	(void)crypto_generichash_update(&st, f->part.id, sizeof f->part.id);
	(void)crypto_generichash_update(&st, f->part.secret, sizeof f->part.secret);
	(void)crypto_generichash_final(&st, out, CHECK_BYTES);
	sodium_memzero(&st, sizeof st);
}

/* Xor the password's stream over what it protects: both ways. False: no memory for it. */
static bool cross(struct secret_file *f, const char *password)
{
	uint8_t stream[sizeof f->part], *p = (uint8_t *)&f->part;
	int failed = crypto_pwhash_scryptsalsa208sha256(stream, sizeof stream, password, strlen(password), f->salt,
							get_le64(f->ops), (size_t)get_le64(f->mem));

	for (size_t i = 0; !failed && i < sizeof stream; i++)
		p[i] ^= stream[i];
	sodium_memzero(stream, sizeof stream);
	return !failed;
}

/* As costly as this host's memory allows, as minisign does it. */
static FALLIBLE protect(struct secret_file *f, const char *password, struct diag *d)
{
	uint64_t ops = crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE,
		 mem = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE;

	if (sodium_init() < 0)
		FAIL_ID(d, HOST, 'Y', Y_PASSWORD, "this host has no source of randomness");
	memcpy(f->kdf, scrypt, sizeof f->kdf);
	randombytes_buf(f->salt, sizeof f->salt);
	for (; mem >= crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_INTERACTIVE; mem /= 2, ops /= 2) {
		put_le64(f->ops, ops);
		put_le64(f->mem, mem);
		if (cross(f, password))
			return E_OK;
	}
	FAIL_ID(d, NOMEM, 'Y', Y_PASSWORD, "no memory to protect a key with a password");
}

static void secret_file_done(struct secret_file *f)
{
	sodium_memzero(f, sizeof *f);
}

FALLIBLE sign_put_secret(const struct sign_secret *s, const char *password, struct buf *out, struct diag *d)
{
	AUTO(secret_file_done) struct secret_file f = { .algorithm = { plain[0], plain[1] } };

	memcpy(f.check_algorithm, blake2b, sizeof blake2b);
	memcpy(f.part.id, s->pub.id, sizeof f.part.id);
	memcpy(f.part.secret, s->secret, sizeof f.part.secret);
	checksum(&f, f.part.check);
	if (password)
		TRY(protect(&f, password, d));
	buf_printf(out, "%sminisign encrypted secret key\n", untrusted);
	put_base64(out, &f, sizeof f);
	return out->full ? E_NOMEM : E_OK;
}

static FALLIBLE open_secret(struct secret_file *f, const char *password, struct diag *d)
{
	if (memcmp(f->kdf, no_kdf, sizeof no_kdf) == 0)
		return E_OK;
	if (memcmp(f->kdf, scrypt, sizeof scrypt) != 0)
		FAIL_ID(d, FORMAT, 'Y', Y_KEY, "line 2: the secret key is protected in a way that is not known here");
	if (!password)
		FAIL_ID(d, PERM, 'Y', Y_PASSWORD, "the secret key is protected by a password");
	if (get_le64(f->ops) > crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE ||
	    get_le64(f->mem) > crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE)
		FAIL_ID(d, FORMAT, 'Y', Y_KEY, "line 2: the password's hash asks for more than minisign's own cost");
	if (!cross(f, password))
		FAIL_ID(d, NOMEM, 'Y', Y_PASSWORD, "no memory (%llu MiB) for the password's hash",
			(unsigned long long)get_le64(f->mem) >> 20);
	return E_OK;
}

/*
 * Does the key hold together? minisign leaves the checksum zero in keys without a password; the public half tells.
 */
static FALLIBLE check_secret(const struct secret_file *f, struct diag *d)
{
	uint8_t check[CHECK_BYTES], pub[SIGN_KEY_BYTES], secret[SIGN_SECRET_BYTES];
	bool is_open = memcmp(f->kdf, no_kdf, sizeof no_kdf) == 0, good;

	checksum(f, check);
	good = sodium_memcmp(check, f->part.check, sizeof check) == 0 ||
	       (is_open && sodium_is_zero(f->part.check, sizeof f->part.check));
	if (!good && !is_open)
		FAIL_ID(d, PERM, 'Y', Y_PASSWORD, "the password is wrong, or the file of the secret key is damaged");
	(void)crypto_sign_seed_keypair(pub, secret, f->part.secret);
	good = good && sodium_memcmp(secret, f->part.secret, sizeof secret) == 0;
	sodium_memzero(secret, sizeof secret);
	if (!good)
		FAIL_ID(d, FORMAT, 'Y', Y_KEY, "line 2: the secret key is damaged: its parts do not fit together");
	return E_OK;
}

FALLIBLE sign_read_secret(struct view text, const char *password, struct sign_secret *out, struct diag *d)
{
	AUTO(secret_file_done) struct secret_file f;
	struct lines l = { .rest = text };
	struct view comment;

	memset(&f, 0, sizeof f);
	if (text.len > SIGN_MAX_KEY_TEXT)
		FAIL_ID(d, FORMAT, 'Y', Y_KEY, "a secret key has at most %d bytes", SIGN_MAX_KEY_TEXT);
	TRY(read_comment(&l, untrusted, &comment, d));
	TRY(read_base64(&l, &f, sizeof f, d));
	TRY(read_end(&l, d));
	if (memcmp(f.algorithm, plain, sizeof plain) != 0 || memcmp(f.check_algorithm, blake2b, sizeof blake2b) != 0)
		FAIL_ID(d, FORMAT, 'Y', Y_KEY, "line 2: it is no secret key for Ed25519");
	TRY(open_secret(&f, password, d));
	TRY(check_secret(&f, d));
	memcpy(out->pub.id, f.part.id, sizeof f.part.id);
	memcpy(out->pub.key, f.part.secret + crypto_sign_SEEDBYTES, sizeof out->pub.key);
	memcpy(out->secret, f.part.secret, sizeof f.part.secret);
	return E_OK;
}

/* Signatures */

/* What the global signature covers: a signature and the comment's bytes. */
static size_t cover(uint8_t out[SIGNATURE_BYTES + SIGN_MAX_COMMENT], const uint8_t signature[SIGNATURE_BYTES],
		    const char *comment)
{
	size_t n = strnlen(comment, SIGN_MAX_COMMENT);

	memcpy(out, signature, SIGNATURE_BYTES);
	memcpy(out + SIGNATURE_BYTES, comment, n);
	return SIGNATURE_BYTES + n;
}

FALLIBLE sign_bytes(const struct sign_secret *s, struct view bytes, const char *comment, struct buf *out,
		    struct diag *d)
{
	struct block_file f = { .algorithm = { prehashed[0], prehashed[1] } };
	uint8_t hash[HASH_BYTES], global[SIGNATURE_BYTES], covered[SIGNATURE_BYTES + SIGN_MAX_COMMENT];
	char id[SIGN_ID_TEXT];
	size_t n_covered;

	if (strlen(comment) >= SIGN_MAX_COMMENT || !is_printable(view_of(comment, strlen(comment))))
		FAIL_ID(d, INVALID, 'Y', Y_COMMENT, "a comment has at most %d bytes, all printable",
			SIGN_MAX_COMMENT - 1);
	memcpy(f.id, s->pub.id, sizeof f.id);
	(void)crypto_generichash(hash, sizeof hash, bytes.p, bytes.len, NULL, 0);
	(void)crypto_sign_detached(f.signature, NULL, hash, sizeof hash, s->secret);
	n_covered = cover(covered, f.signature, comment);
	(void)crypto_sign_detached(global, NULL, covered, n_covered, s->secret);
	sign_id_text(f.id, id);
	buf_printf(out, "%ssignature by key %s\n", untrusted, id);
	put_base64(out, &f, sizeof f);
	buf_printf(out, "%s%s\n", trusted, comment);
	put_base64(out, global, sizeof global);
	if (out->full)
		FAIL_ID(d, LIMIT, 'Y', Y_BLOCK, "no room for another signature");
	return E_OK;
}

static FALLIBLE read_block(struct lines *l, struct sign_block *out, struct diag *d)
{
	struct block_file f;
	struct view comment;

	TRY(read_comment(l, untrusted, &comment, d));
	TRY(read_base64(l, &f, sizeof f, d));
	if (memcmp(f.algorithm, plain, sizeof plain) != 0 && memcmp(f.algorithm, prehashed, sizeof prehashed) != 0)
		FAIL_ID(d, FORMAT, 'Y', Y_BLOCK, "line %u: a signature of a kind that is not known here", l->number);
	TRY(read_comment(l, trusted, &comment, d));
	memset(out, 0, sizeof *out);
	TRY(read_base64(l, out->global, sizeof out->global, d));
	out->prehashed = f.algorithm[1] == prehashed[1];
	memcpy(out->id, f.id, sizeof f.id);
	memcpy(out->signature, f.signature, sizeof f.signature);
	memcpy(out->comment, comment.p, comment.len);
	return E_OK;
}

FALLIBLE sign_read_blocks(struct view text, struct sign_block *out, uint32_t max, uint32_t *n, struct diag *d)
{
	struct lines l = { .rest = text };
	uint32_t i = 0;

	if (!text.len)
		FAIL_ID(d, FORMAT, 'Y', Y_BLOCK, "no signature at all");
	for (; l.rest.len; i++) {
		if (i == max)
			FAIL_ID(d, LIMIT, 'Y', Y_BLOCK, "line %u: more than %u signatures", l.number + 1, max);
		TRY(read_block(&l, &out[i], d));
	}
	*n = i;
	return E_OK;
}

bool sign_verify(const struct sign_public *p, const struct sign_block *b, struct view bytes)
{
	uint8_t hash[HASH_BYTES], covered[SIGNATURE_BYTES + SIGN_MAX_COMMENT];
	size_t n_covered = cover(covered, b->signature, b->comment);
	bool over_bytes, over_comment;

	(void)crypto_generichash(hash, sizeof hash, bytes.p, bytes.len, NULL, 0);
	if (b->prehashed)
		bytes = view_of(hash, sizeof hash);
	over_bytes = crypto_sign_verify_detached(b->signature, bytes.p, bytes.len, p->key) == 0;
	over_comment = crypto_sign_verify_detached(b->global, covered, n_covered, p->key) == 0;
	return over_bytes & over_comment;
}
