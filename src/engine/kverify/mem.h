/* SPDX-License-Identifier: Apache-2.0 */
/* mem: memory and types, as far as the checks of calls need them too. The rest of it is in internal.h. */
#ifndef SALLYPORT_ENGINE_KVERIFY_MEM_H
#define SALLYPORT_ENGINE_KVERIFY_MEM_H

#include "engine/kverify/internal.h"

/* ---- mem.c, mem_args.c ---- */
/* map_uid of a map found in a map of maps, where lookups need not be told apart. */
#define KMAP_ANY_INNER UINT32_MAX

/* Loads, stores and atomic operations at one instruction must use pointers of one kind. Linux: save_aux_ptr_type */
FALLIBLE kmem_same_pointer(struct kverifier *v, unsigned r);
/* Exactly this: no flag besides. */
static inline bool kreg_is_plain(const struct kreg *r, enum kernel_reg base)
{
	return r->base == base && !r->flags;
}
static inline bool kreg_is_null(const struct kreg *r)
{
	return kreg_is_const(r) && !r->n.t.value;
}
/* SOCKET, SOCK_COMMON, TCP_SOCK, XDP_SOCK and no flag. Linux: type_is_sk_pointer */
bool kreg_is_sock(const struct kreg *r);
/* For messages: "map_value_or_null", "(0x0; 0xff)". */
const char *kreg_type_text(struct kverifier *v, const struct kreg *r);
const char *kreg_offset_text(struct kverifier *v, const struct kreg *r);

/* What else is to be said of a reject. */
void kmem_note(struct kverifier *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Accesses by kind of pointer; off counts from the object, the register's constant part included. */
FALLIBLE kaccess_stack(struct kverifier *v, const struct kaccess *a, int32_t off);
FALLIBLE kaccess_ctx(struct kverifier *v, const struct kaccess *a, int32_t off);
FALLIBLE kaccess_map_value(struct kverifier *v, const struct kaccess *a, int32_t off);
FALLIBLE kaccess_packet(struct kverifier *v, const struct kaccess *a, int32_t off);
FALLIBLE kaccess_sock(struct kverifier *v, const struct kaccess *a, int32_t off);
FALLIBLE kaccess_flow_keys(struct kverifier *v, const struct kaccess *a, int32_t off);
FALLIBLE kaccess_btf(struct kverifier *v, const struct kaccess *a, int32_t off);
/* A store into an object that is not the program's own. Linux: bpf_verifier_ops.btf_struct_access */
FALLIBLE kaccess_btf_store(struct kverifier *v, const struct kaccess *a, int64_t off);
FALLIBLE kaccess_map_ptr(struct kverifier *v, const struct kaccess *a, int32_t off);
/* A buffer whose size counts at run time: tracepoint buffer, iterator's buffer. Linux: __check_buffer_access */
FALLIBLE kaccess_buffer(struct kverifier *v, unsigned r, int32_t off, const char *name);
/* The register that a load goes to is any number. */
void kaccess_loaded(struct kverifier *v, const struct kaccess *a);
/* A store into, or a load from, the field that a map's value has there. Linux: check_map_kptr_access */
FALLIBLE kaccess_kptr(struct kverifier *v, const struct kaccess *a, const struct kfield *f);
/* An argument of the function that the program is attached to. Linux: btf_ctx_access */
FALLIBLE kaccess_argument(struct kverifier *v, const struct kaccess *a, int32_t off);
/* Linux: map_kptr_match_type */
FALLIBLE kptr_check_type(struct kverifier *v, unsigned r, const struct kfield *f);
bool kctx_is_rewritten(const struct kverifier *v); /* env->ops->convert_ctx_access */

/* ---- types.c, types_walk.c, types_fields.c, attach.c ---- */
/* The fields of a type as this release finds them; *out: NULL when it has none. Linux: btf_parse_fields */
FALLIBLE kfields_read(struct kverifier *v, uint32_t type_id, uint32_t size, struct kmap *out);
/* Without names and modifiers; flags: what type tags on the way say (KF_USER, KF_PERCPU, KF_RCU). */
uint32_t ktypes_pointee(const struct kverifier *v, const struct btf *b, const struct btf_type *ptr, uint32_t *flags);

FALLIBLE kattach_find(struct kverifier *v, struct kattach *out);

struct ktypes_data {
	const struct btf *kernel, *object;
	const struct kmap **records; /* of the object's types, by id: made on first use */
	uint8_t *records_known;
	uint32_t members; /* of types that were searched for special fields */
};

#endif
