/* SPDX-License-Identifier: Apache-2.0 */
/* env: helpers by number, and the profile that verifier and VM read them from. */
#include "lib/lib.h"

enum { FIRST_OWN = 1000 }; /* abi/helpers.def: from here on they are the sensor's, and ask for its events */

static const uint8_t args[] = {
	[SP_ARG_NONE] = ABI_ARG_NONE,
	[SP_ARG_NUMBER] = ABI_ARG_SCALAR,
	[SP_ARG_MAP] = ABI_ARG_CONST_MAP,
	[SP_ARG_MAP_KEY] = ABI_ARG_MAP_KEY,
	[SP_ARG_MAP_VALUE] = ABI_ARG_MAP_VALUE,
	[SP_ARG_MEM] = ABI_ARG_MEM,
	[SP_ARG_MEM_WRITE] = ABI_ARG_MEM_WRITE,
	[SP_ARG_SIZE] = ABI_ARG_SIZE,
	[SP_ARG_SIZE_OR_ZERO] = ABI_ARG_SIZE_OR_ZERO,
	[SP_ARG_CTX] = ABI_ARG_CTX,
};

static bool room(struct sp_env *e)
{
	uint32_t cap = e->cap ? 2 * e->cap : 64;
	struct abi_helper *helpers;
	helper_fn **fns;

	if (e->n < e->cap)
		return true;
	helpers = realloc(e->helpers, sizeof *helpers * cap);
	if (!helpers)
		return false;
	e->helpers = helpers;
	fns = realloc(e->fns, sizeof *fns * cap);
	if (!fns)
		return false;
	e->fns = fns;
	e->cap = cap;
	return true;
}

/* The first whose id is not below this one. */
static uint32_t place(const struct sp_env *e, uint32_t id)
{
	uint32_t lo = 0, hi = e->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (e->helpers[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static FALLIBLE insert(struct sp_env *e, const struct abi_helper *h, helper_fn *fn)
{
	uint32_t at = place(e, h->id);

	if (!room(e))
		return E_NOMEM;
	memmove(&e->helpers[at + 1], &e->helpers[at], (e->n - at) * sizeof *e->helpers);
	memmove(&e->fns[at + 1], &e->fns[at], (e->n - at) * sizeof *e->fns);
	e->helpers[at] = *h;
	e->fns[at] = fn;
	e->n++;
	e->profile.helpers = e->helpers;
	e->profile.n_helpers = e->n;
	return E_OK;
}

/* Names of the built-in ones are constants, others are copies. */
static bool is_built_in(const struct abi_helper *h)
{
	const struct abi_helper *mine = abi_helper(&abi_sallyport, h->id);

	return mine && mine->name == h->name;
}

SP_API struct sp_env *sp_env_new(void)
{
	struct sp_env *e = calloc(1, sizeof *e);

	if (!e)
		return NULL;
	e->profile = abi_sallyport;
	e->profile.name = "this environment";
	e->profile.types = &e->type;
	e->profile.n_types = 1;
	e->profile.helpers = NULL;
	e->profile.n_helpers = 0;
	e->type = (struct abi_prog_type){ .section = "program",
					  .ret_min = INT64_MIN,
					  .ret_max = INT64_MAX,
					  .first_helper = 1,
					  .last_helper = UINT32_MAX };
	for (uint32_t i = 0; i < abi_sallyport.n_helpers; i++) {
		const struct abi_helper *h = &abi_sallyport.helpers[i];

		if (h->id < FIRST_OWN && insert(e, h, helper_lookup(h->id)) != E_OK) {
			sp_env_free(e);
			return NULL;
		}
	}
	return e;
}

SP_API void sp_env_free(struct sp_env *e)
{
	if (!e)
		return;
	for (uint32_t i = 0; i < e->n; i++)
		if (!is_built_in(&e->helpers[i]))
			free((void *)(uintptr_t)e->helpers[i].name);
	free(e->helpers);
	free(e->fns);
	free(e);
}

static bool is_size(enum sp_arg a)
{
	return a == SP_ARG_SIZE || a == SP_ARG_SIZE_OR_ZERO;
}

static bool is_memory(enum sp_arg a)
{
	return a == SP_ARG_MEM || a == SP_ARG_MEM_WRITE;
}

/* A size belongs to the memory before it, a key or value to a map before it, and nothing follows the last argument. */
static FALLIBLE check_proto(const struct sp_helper *h, struct diag *d)
{
	bool map = false, ended = false;

	for (unsigned i = 0; i < SP_HELPER_MAX_ARGS; i++) {
		enum sp_arg a = h->args[i], before = i ? h->args[i - 1] : SP_ARG_NONE;

		if ((unsigned)a >= countof(args))
			FAIL(d, INVALID, "argument %u of %s is of no kind that there is", i + 1, h->name);
		if (ended && a != SP_ARG_NONE)
			FAIL(d, INVALID, "%s has argument %u without the one before it", h->name, i + 1);
		if (is_size(a) != is_memory(before))
			FAIL(d, INVALID, "%s: memory in an argument needs its size in the next (argument %u)", h->name,
			     i + 1);
		if ((a == SP_ARG_MAP_KEY || a == SP_ARG_MAP_VALUE) && !map)
			FAIL(d, INVALID, "argument %u of %s: a key or value needs a map argument before it", i + 1,
			     h->name);
		if (a == SP_ARG_MAP && map)
			FAIL(d, INVALID, "%s has two map arguments", h->name);
		map |= a == SP_ARG_MAP;
		ended |= a == SP_ARG_NONE;
	}
	if (is_memory(h->args[SP_HELPER_MAX_ARGS - 1]))
		FAIL(d, INVALID, "%s: there is no argument left for the size of the last", h->name);
	if (h->ret == SP_RET_MAP_VALUE_OR_NULL ? !map : h->ret != SP_RET_NUMBER || h->ret_min > h->ret_max)
		FAIL(d, INVALID, "%s: what it returns is not possible", h->name);
	return E_OK;
}

static FALLIBLE check_new(const struct sp_env *e, const struct sp_helper *h, struct diag *d)
{
	uint32_t at;

	if (!h->fn || !h->name || !h->name[0] || !h->id || h->id > INT32_MAX)
		FAIL(d, INVALID, "a helper needs a function, a name, and a number from 1 to 2147483647");
	at = place(e, h->id);
	if (at < e->n && e->helpers[at].id == h->id)
		FAIL(d, EXISTS, "helper %u is %s already", h->id, e->helpers[at].name);
	for (uint32_t i = 0; i < e->n; i++)
		if (!strcmp(e->helpers[i].name, h->name))
			FAIL(d, EXISTS, "there is a helper %s already, number %u", h->name, e->helpers[i].id);
	return check_proto(h, d);
}

static FALLIBLE add(struct sp_env *e, const struct sp_helper *h, struct diag *d)
{
	bool any = h->ret == SP_RET_NUMBER && !h->ret_min && !h->ret_max;
	AUTO_FREE char *name = NULL;
	struct abi_helper row = { .id = h->id,
				  .ret = h->ret == SP_RET_NUMBER ? ABI_RET_SCALAR : ABI_RET_MAP_VALUE_OR_NULL,
				  .ret_min = any ? INT64_MIN : h->ret_min,
				  .ret_max = any ? INT64_MAX : h->ret_max,
				  .doc = "" };

	TRY(check_new(e, h, d));
	for (unsigned i = 0; i < SP_HELPER_MAX_ARGS; i++)
		row.args[i] = args[h->args[i]];
	name = strdup(h->name);
	if (!name)
		return E_NOMEM;
	row.name = name;
	/* Its last argument is the same pointer under another name. */
	TRY(insert(e, &row, (helper_fn *)(void (*)(void))h->fn));
	(void)TAKE(name);
	return E_OK;
}

SP_API enum sp_status sp_env_add_helper(struct sp_env *e, const struct sp_helper *h, struct sp_report *r)
{
	struct diag d;

	diag_init(&d);
	lib_report_clear(r);
	return lib_report(r, add(e, h, &d), &d);
}

SP_API enum sp_status sp_env_remove_helper(struct sp_env *e, uint32_t id)
{
	uint32_t at = place(e, id);

	if (at == e->n || e->helpers[at].id != id)
		return SP_NOT_FOUND;
	if (!is_built_in(&e->helpers[at]))
		free((void *)(uintptr_t)e->helpers[at].name);
	e->n--;
	memmove(&e->helpers[at], &e->helpers[at + 1], (e->n - at) * sizeof *e->helpers);
	memmove(&e->fns[at], &e->fns[at + 1], (e->n - at) * sizeof *e->fns);
	e->profile.n_helpers = e->n;
	return SP_OK;
}
