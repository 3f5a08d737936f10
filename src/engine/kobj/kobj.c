/* SPDX-License-Identifier: Apache-2.0 */
/* kobj: reading an object for one kernel, and what its programs are there. */
#include "engine/kobj/internal.h"

#include <stdlib.h>

enum { PROG_STRUCT_OPS = 27 }; /* BPF_PROG_TYPE_STRUCT_OPS */

struct asking {
	const struct kobj_opts *o;
	struct kobj *out;
};

bool kobj_license_is_gpl(const char *license)
{
	static const char *const compatible[] = { "GPL",          "GPL v2",       "GPL and additional rights",
						  "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL" };

	for (size_t i = 0; i < countof(compatible); i++)
		if (!strcmp(license, compatible[i]))
			return true;
	return false;
}

/* A function of the kernel. One that may be missing is function 0 then, as libbpf makes it: refused where a path comes
 * to it. */
static bool bind_kfunc(const struct kobj_opts *o, const struct obj_extern *x, struct obj_bound *out)
{
	uint32_t id = o->kernel_types ? btf_find(o->kernel_types, BTF_FUNC, x->name, 1) : 0;

	*out = (struct obj_bound){ .kind = OBJ_BOUND_KFUNC, .number = id };
	return id || x->weak;
}

/*
 * A variable of the kernel: by its type where the object knows one; without, an address is all that it gets, and any
 * will do. Linux: tools/lib/bpf/libbpf.c:bpf_object__resolve_ksym_var_btf_id, v6.12
 */
static bool bind_variable(const struct kobj_opts *o, const struct obj_extern *x, struct obj_bound *out)
{
	if (!x->typed) {
		*out = (struct obj_bound){ .kind = OBJ_BOUND_NUMBER, .number = UINT64_C(0xffffffff81000000) };
		return true;
	}
	*out = (struct obj_bound){ .kind = OBJ_BOUND_BTF_ID,
				   .number = o->kernel_types ? btf_find(o->kernel_types, BTF_VAR, x->name, 1) : 0 };
	return out->number;
}

static bool config_value(const char *text, struct obj_bound *out)
{
	char *end;
	long long n;

	*out = (struct obj_bound){ .kind = OBJ_BOUND_NUMBER };
	if (!strcmp(text, "y") || !strcmp(text, "m") || !strcmp(text, "n")) {
		out->number = text[0] == 'y' ? 1 : text[0] == 'm' ? 2 : 0; /* enum libbpf_tristate */
		return true;
	}
	if (text[0] == '"') {
		size_t len = strlen(text);

		*out = (struct obj_bound){ .kind = OBJ_BOUND_BYTES,
					   .bytes = view_of(text + 1,
							    len >= 2 && text[len - 1] == '"' ? len - 2 : len - 1) };
		return true;
	}
	n = strtoll(text, &end, 0);
	out->number = (uint64_t)n;
	return end != text && !*end;
}

/* Linux: tools/lib/bpf/libbpf.c:bpf_object__resolve_externs, v6.12. */
static bool bind_config(const struct kobj_opts *o, const char *name, struct obj_bound *out)
{
	uint16_t v = o->kernel->version;
	const char *text;

	*out = (struct obj_bound){ .kind = OBJ_BOUND_NUMBER };
	if (!strcmp(name, "LINUX_KERNEL_VERSION")) {
		out->number = o->version ? o->version : (uint64_t)(v >> 8) << 16 | (uint64_t)(v & 0xff) << 8;
		return true;
	}
	if (!strcmp(name, "LINUX_HAS_SYSCALL_WRAPPER")) {
		out->number = v >= KERNEL_V(4, 17);
		return true;
	}
	if (!strcmp(name, "LINUX_HAS_BPF_COOKIE")) {
		out->number = v >= KERNEL_V(5, 15);
		return true;
	}
	text = o->config ? o->config(o->user, name) : NULL;
	return text && config_value(text, out);
}

static bool resolve(void *user, const struct obj_extern *x, struct obj_bound *out)
{
	struct asking *k = user;
	bool there = false;

	if (x->kind == OBJ_EXTERN_FUNC)
		there = bind_kfunc(k->o, x, out);
	else if (x->kind == OBJ_EXTERN_VAR)
		there = bind_variable(k->o, x, out);
	else
		there = bind_config(k->o, x->name, out);
	if (!there)
		k->out->missing = x->name;
	return there;
}

/*
 * What the configuration leaves out. A configuration that does not even have programs is that of something else, or
 * none. Lockdown may also be set when the kernel is started: that is not seen here.
 */
static uint32_t lacks(const struct kobj_opts *o)
{
	static const struct {
		const char *name;
		bool without; /* lacking where the line is not there; else where it is */
		uint32_t lacks;
	} rows[] = {
		{ "CONFIG_FUNCTION_ERROR_INJECTION", true, KVERIFY_LACKS_ERROR_INJECTION },
		{ "CONFIG_KALLSYMS_ALL", true, KVERIFY_LACKS_DATA_SYMBOLS },
		{ "CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY", false, KVERIFY_LACKS_WRITE_USER },
		{ "CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY", false,
		  KVERIFY_LACKS_WRITE_USER | KVERIFY_LACKS_READ_KERNEL },
	};
	uint32_t all = 0;

	if (!o->config || !o->config(o->user, "CONFIG_BPF_SYSCALL"))
		return 0;
	for (size_t i = 0; i < countof(rows); i++)
		if (!o->config(o->user, rows[i].name) == rows[i].without)
			all |= rows[i].lacks;
	return all;
}

FALLIBLE kobj_read(struct view bytes, const char *name, const struct kobj_opts *o, struct arena *a, struct kobj *out,
		   struct diag *d)
{
	struct kobj k = { .kernel = o->kernel, .kernel_types = o->kernel_types };
	struct asking asking = { .o = o, .out = &k };
	struct obj_opts opts = { .resolve = resolve, .user = &asking, .target = o->kernel_types, .kernel_sizes = true };

	TRY(obj_read(bytes, name, &opts, a, &k.obj, d));
	k.lacks = lacks(o);
	k.gpl = kobj_license_is_gpl(k.obj.license);
	TRY(kobj_read_struct_ops(&k, a));
	*out = k;
	return E_OK;
}

FALLIBLE kobj_target(const struct kobj *o, const struct prog *p, struct kverify_opts *out, struct diag *d)
{
	struct kverify_opts v = { .kernel = o->kernel,
				  .lacks = o->lacks,
				  .gpl = o->gpl,
				  .types = o->obj.types,
				  .kernel_types = o->kernel_types };
	const char *attach = "";

	if (!kernel_section(p->section, &v.target, &attach))
		FAIL_ID(d, UNSUPPORTED, 'Q', 980, "section '%s' does not say what type of program '%s' is", p->section,
			p->name);
	if (attach[0] && !v.target.attach_name)
		v.target.attach_name = attach;
	for (size_t i = 0; v.target.prog_type == PROG_STRUCT_OPS && i < o->n_ops; i++)
		if (!strcmp(o->ops[i].prog, p->name))
			v.target.attach_name = o->ops[i].target;
	*out = v;
	return E_OK;
}
