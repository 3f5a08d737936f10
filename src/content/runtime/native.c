/* SPDX-License-Identifier: Apache-2.0 */
/* native: the programs of loaded content to native code, and native code to them. */
#include <sodium.h>

#include "content/runtime/internal.h"
#include "engine/jit/jit.h"

FALLIBLE content_compile(const struct content *c, const struct jit_opts *o, struct arena *a, struct jit_code *codes,
			 struct diag *d)
{
	assert(!o->sandboxed && o->fuel && "the third wall stays: fuel");
	/* Code of a program that was not proven would check nothing. */
	if (!c->verified)
		FAIL_ID(d, REJECTED, 'S', 80, "content that was not verified is not compiled to native code");
	for (uint32_t i = 0; i < c->n_programs; i++)
		TRY(jit_compile(c->programs[i].vp, o, a, &codes[i], d));
	return E_OK;
}

void content_detach(struct content *c)
{
	for (uint32_t i = 0; i < c->n_attached; i++)
		jit_detach(c->programs[i].vp);
	c->n_attached = 0;
}

FALLIBLE content_attach(struct content *c, const struct jit_image *im, uint32_t first, struct diag *d)
{
	content_detach(c);
	if (!c->verified)
		FAIL_ID(d, REJECTED, 'S', 80, "content that was not verified gets no native code");
	for (uint32_t i = 0; i < c->n_programs; i++) {
		enum err err = jit_attach(c->programs[i].vp, im, first + i, d);

		if (err != E_OK) {
			content_detach(c);
			return err;
		}
		c->n_attached++;
	}
	return E_OK;
}

uint32_t content_n_attached(const struct content *c)
{
	return c->n_attached;
}

void content_native_key(const uint8_t *digests, uint32_t n, const struct jit_opts *o, uint8_t key[CONTENT_DIGEST_BYTES])
{
	/* Everything that the bytes depend on, each in its place: no padding of a struct is hashed. */
	const uint64_t what[] = { JIT_FORMAT, o->target, o->features, o->fuel, o->blind, o->retpoline, o->seed, n };
	crypto_generichash_state st;

	(void)crypto_generichash_init(&st, NULL, 0, CONTENT_DIGEST_BYTES);
	(void)crypto_generichash_update(&st, (const uint8_t *)SALLYPORT_VERSION, sizeof SALLYPORT_VERSION);
	(void)crypto_generichash_update(&st, (const uint8_t *)what, sizeof what);
	(void)crypto_generichash_update(&st, digests, (unsigned long long)n * CONTENT_DIGEST_BYTES);
	(void)crypto_generichash_final(&st, key, CONTENT_DIGEST_BYTES);
}
