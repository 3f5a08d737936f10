/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_sign: any bytes as a public key, a secret one (without a password), and blocks of signatures. Keys that are read
 * are written so that they are read as the same; no block that was not made with a key verifies under it. */
#include "content/sign/sign.h"

static void must(bool what)
{
	if (!what)
		abort();
}

static void try_keys(struct view v)
{
	struct sign_public pub, pub_again;
	struct sign_secret secret, secret_again;
	struct buf b;

	buf_init(&b, SIGN_MAX_KEY_TEXT);
	if (sign_read_public(v, &pub, NULL) == E_OK) {
		must(sign_put_public(&pub, &b) == E_OK);
		must(sign_read_public(view_of(b.p, b.len), &pub_again, NULL) == E_OK);
		must(memcmp(&pub, &pub_again, sizeof pub) == 0);
	}
	buf_reset(&b);
	if (sign_read_secret(v, NULL, &secret, NULL) == E_OK) {
		must(sign_put_secret(&secret, NULL, &b, NULL) == E_OK);
		must(sign_read_secret(view_of(b.p, b.len), NULL, &secret_again, NULL) == E_OK);
		must(memcmp(&secret, &secret_again, sizeof secret) == 0);
	}
	buf_done(&b);
}

static void try_blocks(struct view v)
{
	static struct sign_secret key;
	struct sign_block block[SIGN_MAX_BLOCKS];
	uint32_t n = 0;

	if (!key.secret[0] && sign_new(&key) != E_OK)
		return;
	if (sign_read_blocks(v, block, SIGN_MAX_BLOCKS, &n, NULL) != E_OK)
		return;
	must(n >= 1 && n <= SIGN_MAX_BLOCKS);
	for (uint32_t i = 0; i < n; i++) {
		must(strnlen(block[i].comment, SIGN_MAX_COMMENT) < SIGN_MAX_COMMENT);
		must(!sign_verify(&key.pub, &block[i], v));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	try_keys(view_of(p, n));
	try_blocks(view_of(p, n));
	return 0;
}
