/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "content/sign/sign.h"

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
