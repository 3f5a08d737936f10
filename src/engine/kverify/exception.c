/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exception: the function that runs when the program throws: a tag of the main function's type names it.
 *
 * It is verified for itself, as if always called, and what it gives back is what the program does. Linux:
 * kernel/bpf/verifier.c:bpf_find_exception_callback_insn_off, do_check_common, check_max_stack_depth_subprog, v6.12,
 * v7.2.
 */
#include "engine/kverify/kfunc.h"

static const char tag[] = "exception_callback:";

/* *name: what the tag says; NULL: there is none. */
static FALLIBLE find_tag(struct kverifier *v, uint32_t func, const char **name)
{
	const struct btf *b = v->o->types;

	*name = NULL;
	for (uint32_t id = 1; id < b->n_types; id++) {
		const struct btf_type *t = btf_get(b, id);

		if (t->kind != BTF_DECL_TAG || t->type != func || t->component != -1 ||
		    strncmp(t->name, tag, sizeof tag - 1) != 0)
			continue;
		if (*name)
			KREJECT(v, EXCEPTION_TAG, "multiple exception callback tags for main subprog");
		*name = t->name + sizeof tag - 1;
	}
	return E_OK;
}

FALLIBLE kexception_find(struct kverifier *v, uint32_t *start)
{
	enum { FUNC_GLOBAL = 1 };
	const struct btf *b = v->o->types;
	uint32_t main = v->p->n_funcs ? v->p->funcs[0].type : 0, id;
	const char *name;

	*start = 0;
	if (!b || !main || main >= b->n_types || !kernel_kfunc(v->k, "bpf_throw"))
		return E_OK;
	v->insn = 0;
	TRY(find_tag(v, main, &name));
	if (!name)
		return E_OK;
	id = btf_find(b, BTF_FUNC, name, 1);
	if (!id)
		KREJECT(v, EXCEPTION_TAG, "exception callback '%s' could not be found in BTF", name);
	if (btf_get(b, id)->n != FUNC_GLOBAL)
		KREJECT(v, EXCEPTION_TAG, "exception callback '%s' must have global linkage", name);
	for (uint32_t i = 0; i < v->p->n_funcs; i++)
		if (v->p->funcs[i].type == id)
			*start = v->p->funcs[i].start;
	if (!*start)
		KREJECT(v, EXCEPTION_TAG, "exception callback type id not found in func_info");
	return E_OK;
}

FALLIBLE kexception_enter(struct kverifier *v, uint32_t subprog, struct kframe *f)
{
	const struct ksubprog *s = &v->subprogs[subprog];

	if (!s->is_exception_cb)
		return E_OK;
	f->in_exception_callback = true;
	if (s->n_args != 1 || s->args[0].arg != KA_ANYTHING)
		KREJECT(v, EXCEPTION_ARG, "exception cb only supports single integer argument");
	return E_OK;
}

/* The chain of calls ends with the function that throws: none of it may be a callback. */
FALLIBLE kexception_check_chain(struct kverifier *v, uint32_t insn, const uint32_t *chain, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (v->subprogs[chain[i]].is_cb)
			KREJECT(v, EXCEPTION_IN_CALLBACK,
				"bpf_throw kfunc (insn %u) cannot be called from callback subprog %u", insn,
				chain[n - 1]);
	return E_OK;
}
