/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign: keys and signatures in minisign's forms: what `minisign` makes is verified here, and the other way round.
 *
 * Ed25519 over BLAKE2b-512 of the file ("ED"); signatures over the file itself ("Ed") are verified too. Files of keys
 * may be protected by a password (scrypt). A .minisig file may hold several blocks of four lines, one for each signer.
 * libsodium.
 */
#ifndef SALLYPORT_CONTENT_SIGN_H
#define SALLYPORT_CONTENT_SIGN_H

#include "base/base.h"

enum {
	SIGN_KEY_BYTES = 32,
	SIGN_SECRET_BYTES = 64,
	SIGN_ID_BYTES = 8,
	SIGN_MAX_COMMENT = 1024,
	SIGN_MAX_BLOCKS = 16,
	SIGN_MAX_KEY_TEXT = 4096,
	SIGN_BLOCK_MAX = 4096, /* text of one block */
	SIGN_ID_TEXT = 17,
};

struct sign_public {
	uint8_t id[SIGN_ID_BYTES], key[SIGN_KEY_BYTES];
};
struct sign_secret {
	struct sign_public pub;
	uint8_t secret[SIGN_SECRET_BYTES]; /* wipe: sign_secret_done */
};

/* One block of a .minisig. */
struct sign_block {
	uint8_t id[SIGN_ID_BYTES];
	uint8_t signature[64], global[64];
	bool prehashed;
	char comment[SIGN_MAX_COMMENT]; /* trusted: covered by the global signature */
};

/* As minisign shows it: 16 digits. */
void sign_id_text(const uint8_t id[SIGN_ID_BYTES], char out[SIGN_ID_TEXT]);

/* Fresh random keys. E_HOST: no randomness. */
FALLIBLE sign_new(struct sign_secret *out);
void sign_secret_done(struct sign_secret *s);

/* Texts of files, appended. password NULL: unprotected. E_NOMEM. */
FALLIBLE sign_put_public(const struct sign_public *p, struct buf *out);
FALLIBLE sign_put_secret(const struct sign_secret *s, const char *password, struct buf *out, struct diag *d);
/* E_FORMAT E_TRUNCATED with d; E_PERM: a password is needed, or it is wrong. */
FALLIBLE sign_read_public(struct view text, struct sign_public *out, struct diag *d);
FALLIBLE sign_read_secret(struct view text, const char *password, struct sign_secret *out, struct diag *d);

/* One block, appended: comment is one line, printable but for tabs. E_INVALID, E_LIMIT: out is full. */
FALLIBLE sign_bytes(const struct sign_secret *s, struct view bytes, const char *comment, struct buf *out,
		    struct diag *d);
/* All blocks of a text. E_FORMAT E_LIMIT with d (its line). */
FALLIBLE sign_read_blocks(struct view text, struct sign_block *out, uint32_t max, uint32_t *n, struct diag *d);
/* Does this key's signature stand, the comment's too? Ids are not compared. Constant work for its size. */
bool sign_verify(const struct sign_public *p, const struct sign_block *b, struct view bytes);

#endif
