/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach: the function of the kernel that a program is attached to, and its arguments as the program's context.
 *
 * Each argument is 8 bytes; what it is stands in the kernel's BTF. Linux: kernel/bpf/btf.c:btf_ctx_access,
 * prog_args_trusted; kernel/bpf/verifier.c:bpf_check_attach_target, v5.10 to v7.2.
 */
#include "engine/kverify/mem.h"

/* enum bpf_prog_type, enum bpf_attach_type. Linux: include/uapi/linux/bpf.h, v7.2 */
enum { PROG_TRACING = 26, PROG_STRUCT_OPS = 27, PROG_LSM = 29 };
enum {
	AT_RAW_TP = 23,
	AT_FEXIT = 25,
	AT_MODIFY_RETURN = 26,
	AT_LSM_MAC = 27,
	AT_ITER = 28,
	AT_LSM_CGROUP = 43,
	AT_FSESSION = 58,
	ARG_BYTES = 8,
};

/* ---- the target ---- */

/* A raw tracepoint's typedef is a pointer to the prototype. */
static const struct btf_type *proto_of(const struct btf *b, uint32_t id)
{
	const struct btf_type *t = btf_get(b, btf_skip(b, id));

	if (t->kind == BTF_PTR)
		t = btf_get(b, btf_skip(b, t->type));
	if (t->kind == BTF_FUNC)
		t = btf_get(b, t->type);
	return t->kind == BTF_FUNC_PROTO ? t : NULL;
}

/* "tcp_congestion_ops/init": a member of a struct of operations. */
static const struct btf_type *ops_member(const struct btf *b, const char *name)
{
	const char *dash = strpbrk(name, "/.");
	const struct btf_type *t;
	char ops[64];
	uint32_t id;

	if (!dash || (size_t)(dash - name) >= sizeof ops)
		return NULL;
	memcpy(ops, name, (size_t)(dash - name));
	ops[dash - name] = '\0';
	id = btf_find(b, BTF_STRUCT, ops, 0);
	t = btf_get(b, id);
	for (uint32_t i = 0; id && i < t->n; i++)
		if (!strcmp(t->members[i].name, dash + 1))
			return proto_of(b, t->members[i].type);
	return NULL;
}

static uint32_t find_target(struct kverifier *v, const char *prefix, enum btf_kind kind)
{
	const struct btf *b = v->o->kernel_types;
	const char *name = v->o->target.attach_name, *whole;

	if (prefix[0] && strncmp(name, prefix, strlen(prefix)) != 0) {
		whole = arena_printf(v->arena, "%s%s", prefix, name);
		return whole ? btf_find(b, kind, whole, 0) : 0;
	}
	return btf_find(b, kind, name, 0);
}

/* What the kernel has in the place of a member that is not set: the names of its parameters say what may be NULL.
 * Linux: kernel/bpf/bpf_struct_ops.c:prepare_arg_info, v6.12 */
static const struct btf_type *stub_of(struct kverifier *v, const char *name)
{
	const char *dash = strpbrk(name, "/.");
	const char *stub;
	uint32_t id;

	if (!dash || !khas(v, KERNEL_BTF_OPS_NULLABLE))
		return NULL;
	stub = arena_printf(v->arena, "%.*s__%s", (int)(dash - name), name, dash + 1);
	id = stub ? btf_find(v->o->kernel_types, BTF_FUNC, stub, 0) : 0;
	return id ? proto_of(v->o->kernel_types, id) : NULL;
}

FALLIBLE kattach_find(struct kverifier *v, struct kattach *out)
{
	const struct kernel_target *t = &v->o->target;
	bool raw_tp = t->prog_type == PROG_TRACING && t->attach_type == AT_RAW_TP;
	const struct btf *b = v->o->kernel_types;
	uint32_t id;

	*out = (struct kattach){ .name = t->attach_name };
	if (!b || !t->attach_name)
		return E_OK;
	if (t->prog_type == PROG_STRUCT_OPS) {
		out->proto = ops_member(b, t->attach_name);
		out->stub = out->proto ? stub_of(v, t->attach_name) : NULL;
		if (out->stub && out->stub->n != out->proto->n)
			out->stub = NULL;
		return E_OK;
	}
	if (t->prog_type != PROG_TRACING && t->prog_type != PROG_LSM)
		return E_OK;
	id = find_target(v, kernel_attach_prefix(t), raw_tp ? BTF_TYPEDEF : BTF_FUNC);
	out->id = id;
	out->proto = id ? proto_of(b, id) : NULL;
	out->first = raw_tp ? 1 : 0;
	return E_OK;
}

/* ---- an argument ---- */

/* Hooks that are called when the object is half made or half gone. Linux: kernel/bpf/bpf_lsm.c:untrusted_lsm_hooks,
 * v7.2 */
static bool is_trusted_hook(const struct kverifier *v)
{
	static const char *const untrusted[] = { "bpf_map_free",       "bpf_prog_free",       "file_alloc_security",
						 "file_free_security", "sk_alloc_security",   "sk_free_security",
						 "task_free",          "bdev_alloc_security", "bdev_free_security" };
	const char *name = kernel_attach_bare(&v->o->target);

	for (size_t i = 0; i < countof(untrusted); i++)
		if (!strcmp(name, untrusted[i]))
			return false;
	return true;
}

static bool are_trusted(const struct kverifier *v)
{
	const struct kernel_target *t = &v->o->target;

	if (!khas(v, KERNEL_BTF_TRUSTED))
		return false;
	if (t->prog_type == PROG_TRACING)
		return t->attach_type == AT_RAW_TP || t->attach_type == AT_ITER;
	return t->prog_type == PROG_STRUCT_OPS || (t->prog_type == PROG_LSM && is_trusted_hook(v));
}

static bool is_struct(const struct btf_type *t)
{
	return t->kind == BTF_STRUCT || t->kind == BTF_UNION;
}

static bool is_number(const struct kverifier *v, const struct btf_type *t)
{
	return (t->kind == BTF_INT && t->size <= ARG_BYTES) || t->kind == BTF_ENUM || t->kind == BTF_ENUM64 ||
	       (is_struct(t) && khas(v, KERNEL_BTF_ARG_STRUCT));
}

/* Bytes that a value of this type takes of the context. */
static uint32_t arg_bytes(const struct kverifier *v, const struct btf *b, uint32_t type)
{
	const struct btf_type *t = btf_get(b, btf_skip(b, type));

	if (t->kind == BTF_PTR || !khas(v, KERNEL_BTF_ARG_STRUCT))
		return ARG_BYTES;
	return (t->size + ARG_BYTES - 1) / ARG_BYTES * ARG_BYTES;
}

/* Which parameter of the prototype lies at off; n: the result; n + 1: none. */
static uint32_t arg_at(const struct kverifier *v, const struct btf *b, const struct btf_type *proto, uint32_t off)
{
	uint32_t end = 0;

	if (!khas(v, KERNEL_BTF_ARG_STRUCT))
		return off / ARG_BYTES;
	for (uint32_t i = 0; i < proto->n; i++) {
		end += arg_bytes(v, b, proto->params[i].type);
		if (off < end)
			return i;
	}
	return off < end + arg_bytes(v, b, proto->type) ? proto->n : proto->n + 1;
}

/* One access to an argument on its way to a register. */
struct argument {
	struct kverifier *v;
	const struct kaccess *a;
	const struct btf *b;
	const struct kattach *at;
	int32_t off;
	uint32_t arg;                  /* as the program counts */
	const struct btf_param *param; /* NULL: the result */
};

static FALLIBLE no_field(const struct argument *g)
{
	KREJECT_REG(g->v, CTX_FIELD, g->a->reg, "invalid bpf_context access off=%d size=%u", g->off, g->a->size);
}

static FALLIBLE refuse(const struct argument *g, const char *why)
{
	enum err err = no_field(g);

	kmem_note(g->v, "func '%s' arg%u %s", g->at->name, g->arg, why);
	return err;
}

static FALLIBLE give_number(const struct argument *g)
{
	kaccess_loaded(g->v, g->a);
	return E_OK;
}

static FALLIBLE give_pointer(const struct argument *g, uint32_t type, uint32_t flags)
{
	struct kreg *to;

	if (g->a->write || g->a->value < 0)
		return E_OK;
	to = kreg_at(g->v, (unsigned)g->a->value);
	kreg_btf(g->v, to, KTYPES_KERNEL, type, flags);
	return E_OK;
}

static FALLIBLE give_buffer(const struct argument *g, uint32_t flags)
{
	struct kreg *to;

	if (g->a->write || g->a->value < 0)
		return E_OK;
	to = kreg_at(g->v, (unsigned)g->a->value);
	kreg_pointer(&g->v->rules, to, KR_BUF, flags | KF_OR_NULL);
	to->id = kid_fresh(g->v);
	return E_OK;
}

/* Iterators: the object is NULL once, at the end; some are held while the program runs. Linux: each
 * struct bpf_iter_reg, v6.12 */
static uint32_t iter_flags(const struct kverifier *v)
{
	static const char *const trusted[] = { "task", "cgroup", "bpf_map", "tcp", "udp", "kmem_cache" };
	const char *name = kernel_attach_bare(&v->o->target);

	for (size_t i = 0; khas(v, KERNEL_BTF_TRUSTED) && i < countof(trusted); i++)
		if (!strcmp(name, trusted[i]))
			return KF_OR_NULL | KF_TRUSTED;
	return KF_OR_NULL;
}

static bool is_iter(const struct argument *g)
{
	const struct kernel_target *t = &g->v->o->target;

	if (t->prog_type != PROG_TRACING || t->attach_type != AT_ITER || !g->param || !strcmp(g->param->name, "meta"))
		return false;
	/* The map whose elements are walked is there at the end too. */
	return strcmp(g->param->name, "map") != 0 || !strcmp(kernel_attach_bare(&g->v->o->target), "bpf_map");
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* Arguments of raw tracepoints that are not what their type says. *error: they may be ERR_PTR */
static uint32_t raw_tp_flags(const struct argument *g, bool *error)
{
	static const struct {
		const char *name;
		uint16_t since;
		uint32_t null, error;
	} rows[] = {
#define RAW_TP(name, since, null, error) { #name, since, null, error },
#include "engine/kverify/raw_tp.def"
#undef RAW_TP
	};
	const char *name = kernel_attach_bare(&g->v->o->target);

	for (size_t i = 0; i < countof(rows); i++) {
		if (rows[i].since > g->v->k->version || strcmp(rows[i].name, name) != 0)
			continue;
		*error = rows[i].error >> g->arg & 1;
		return rows[i].null >> g->arg & 1 ? KF_OR_NULL : 0;
	}
	return 0;
}

/* tcp_congestion_ops are told of every socket that it is a struct sock. Linux: bpf_tcp_ca_is_valid_access, v6.12 */
static uint32_t promote(const struct argument *g, uint32_t type)
{
	uint32_t tcp;

	if (g->v->o->target.prog_type != PROG_STRUCT_OPS || strncmp(g->at->name, "tcp_congestion_ops", 18) != 0 ||
	    strcmp(btf_get(g->b, type)->name, "sock") != 0)
		return type;
	tcp = ktypes_struct(g->v, "tcp_sock");
	return tcp ? tcp : type;
}

/* What the kernel's stub of an operation calls this argument: STRUCT__MEMBER. Linux: prepare_arg_info, v6.12 */
static const char *stub_name(const struct argument *g)
{
	const char *slash = strchr(g->at->name, '/');
	const struct btf_type *proto;
	char name[128];
	uint32_t id;

	if (g->v->o->target.prog_type != PROG_STRUCT_OPS || !slash)
		return "";
	(void)snprintf(name, sizeof name, "%.*s__%s", (int)(slash - g->at->name), g->at->name, slash + 1);
	id = btf_find(g->b, BTF_FUNC, name, 1);
	proto = id ? btf_get(g->b, btf_get(g->b, id)->type) : NULL;
	return proto && g->arg < proto->n ? proto->params[g->arg].name : "";
}

static FALLIBLE pointer_argument(const struct argument *g, const struct btf_type *ptr)
{
	const struct kverifier *v = g->v;
	uint32_t flags, type = ktypes_pointee(v, g->b, ptr, &flags);
	bool error = false;

	flags &= ~(uint32_t)KF_RCU;
	if (ends_with(stub_name(g), "__ref"))
		KUNSUPPORTED(g->v, "an operation that must give back what it is given: argument %s", stub_name(g));
	if (flags & (flags - 1))
		return refuse(g, "has multiple type tags");
	if (!is_struct(btf_get(g->b, type)))
		return refuse(g, "is not a pointer to a struct");
	if (is_iter(g))
		return give_pointer(g, type, iter_flags(v));
	if (are_trusted(v))
		flags |= KF_TRUSTED;
	if (g->param && g->at->stub && ends_with(g->at->stub->params[g->arg].name, "__nullable"))
		flags |= KF_OR_NULL;
	if (khas(v, KERNEL_BTF_TRUSTED) && g->param && ends_with(g->param->name, "__nullable"))
		flags |= KF_OR_NULL;
	if (g->at->first && khas(v, KERNEL_BTF_ARG_NULLABLE))
		flags |= raw_tp_flags(g, &error);
	return error ? give_number(g) : give_pointer(g, promote(g, type), flags);
}

/* Pointers that are numbers to the verifier: nothing is known of what they point to. */
static bool is_opaque(const struct argument *g, const struct btf_type *ptr)
{
	const struct btf_type *to = btf_get(g->b, btf_skip(g->b, ptr->type));

	if (khas(g->v, KERNEL_BTF_ARG_ANY_POINTER))
		return !is_struct(to);
	if (!ptr->type)
		return true;
	return to->kind == BTF_INT && (to->size == 1 || khas(g->v, KERNEL_BTF_ARG_INT_POINTER));
}

static FALLIBLE typed_argument(const struct argument *g, uint32_t type)
{
	const struct btf_type *t = btf_get(g->b, btf_skip(g->b, type));

	if (is_number(g->v, t))
		return give_number(g);
	if (t->kind != BTF_PTR)
		return refuse(g, "has a type that is no pointer. Only pointer access is allowed");
	if (g->a->size != ARG_BYTES && khas(g->v, KERNEL_BTF_ARG_SIZE))
		return refuse(g, "must be loaded with size 8");
	if (is_iter(g) && !t->type && (!strcmp(g->param->name, "key") || !strcmp(g->param->name, "value")))
		return give_buffer(g, !strcmp(g->param->name, "key") ? KF_RDONLY : 0);
	return is_opaque(g, t) ? give_number(g) : pointer_argument(g, t);
}

/* What the function returns, for programs that run after it. */
static FALLIBLE result_argument(const struct argument *g)
{
	const struct btf_type *t = btf_get(g->b, btf_skip(g->b, g->at->proto->type));
	struct kernel_ret_range range = kernel_ret_range(g->v->k, &g->v->o->target);

	switch (g->v->o->target.attach_type) {
	case AT_LSM_MAC:
		TRY(typed_argument(g, g->at->proto->type));
		if (khas(g->v, KERNEL_LSM_RETVAL_RANGE) && range.have && !g->a->write && g->a->value >= 0) {
			struct knum *n = &kreg_at(g->v, (unsigned)g->a->value)->n;

			knum_bound_s32(&g->v->rules, n, (int32_t)range.min, (int32_t)range.max);
			knum_bound_s64(&g->v->rules, n, range.min, range.max);
		}
		return E_OK;
	case AT_LSM_CGROUP:
	case AT_FEXIT:
	case AT_FSESSION:
		return typed_argument(g, g->at->proto->type);
	case AT_MODIFY_RETURN:
		return t->kind == BTF_INT && t->size <= ARG_BYTES ? give_number(g) : refuse(g, "is not an integer");
	default:
		return refuse(g, "is not there");
	}
}

FALLIBLE kaccess_argument(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	struct argument g = { .v = v, .a = a, .b = v->o->kernel_types, .at = ktypes_attach(v), .off = off };
	uint32_t n, index;

	if (!g.at)
		KUNSUPPORTED(v, "an argument of '%s': it was not found in the kernel's types",
			     v->o->target.attach_name ? v->o->target.attach_name : "?");
	if (off < 0 || off % ARG_BYTES)
		return refuse(&g, "does not begin there");
	g.arg = index = arg_at(v, g.b, g.at->proto, (uint32_t)off);
	/* Raw tracepoints: the prototype has one parameter more than the context. */
	n = g.at->proto->n - g.at->first;
	if (index > n)
		return refuse(&g, "is not there");
	if (index == n)
		return result_argument(&g);
	g.param = &g.at->proto->params[index + g.at->first];
	return typed_argument(&g, g.param->type);
}
