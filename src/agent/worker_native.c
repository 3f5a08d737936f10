/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_native: code that a compiler made of the content in force: taken, compared with that content, attached between
 * two events. Whatever is wrong with it, the programs go on being interpreted.
 */
#include "agent/worker.h"

struct jit_opts worker_jit_opts(void)
{
	return (struct jit_opts){ .target = jit_host(), .features = jit_host_features(), .fuel = true };
}

/* It says what it is about; that it is that is for its maker to answer for, behind the same walls as this process. */
static FALLIBLE check(const struct content_set *set, const struct jit_image *im, struct diag *d)
{
	const struct jit_opts o = worker_jit_opts();
	uint8_t key[CONTENT_DIGEST_BYTES];

	content_native_key(set->digests[0], set->n_contents, &o, key);
	if (memcmp(jit_image_key(im), key, sizeof key) != 0 || jit_image_count(im) != set->n_programs)
		FAIL(d, FORMAT, "it is about other content");
	return E_OK;
}

void worker_native_take(struct worker *w, int fd)
{
	AUTO_FD int own = fd;
	struct jit_image *im = NULL;
	struct diag d;
	enum err err;

	diag_init(&d);
	if (!worker_is(w, CONTROL_NATIVE) || w->set->image || w->code)
		return;
	err = jit_map_fd(own, &im, &d);
	if (err == E_OK)
		err = check(w->set, im, &d);
	if (err == E_OK)
		w->code = TAKE(im);
	else
		log_warning("native code is not taken, rules are interpreted: %s", d.text[0] ? d.text : err_text(err));
	jit_image_free(im);
}

static FALLIBLE attach(struct content_set *set, const struct jit_image *im, struct diag *d)
{
	enum err err = E_OK;

	for (uint32_t i = 0, first = 0; i < set->n_contents && err == E_OK; i++) {
		err = content_attach(set->contents[i], im, first, d);
		first += content_n_programs(set->contents[i]);
	}
	for (uint32_t i = 0; i < set->n_contents && err != E_OK; i++)
		content_detach(set->contents[i]);
	return err;
}

void worker_native_step(struct worker *w)
{
	struct diag d;
	enum err err;

	/* Programs do not change hands while the other thread runs them. */
	if (!w->code || worker_loader_exercises(w->loader))
		return;
	diag_init(&d);
	err = attach(w->set, w->code, &d);
	if (err != E_OK) {
		log_warning("native code does not fit, rules are interpreted: %s", d.text[0] ? d.text : err_text(err));
		worker_native_forget(w);
		return;
	}
	w->set->image = TAKE(w->code);
	page_set(&w->page->native, w->set->n_programs);
	log_info("rules run as native code programs=%u", w->set->n_programs);
}

void worker_native_forget(struct worker *w)
{
	jit_image_free(TAKE(w->code));
	page_set(&w->page->native, 0);
}
