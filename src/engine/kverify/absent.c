/* SPDX-License-Identifier: Apache-2.0 */
/* absent: weak definitions, each replaced by its module. */
#include "engine/kverify/call.h"

#define ABSENT(name, ...)                                       \
	__attribute__((weak)) FALLIBLE name(__VA_ARGS__)        \
	{                                                       \
		KUNSUPPORTED(v, "%s is not there", #name);      \
	}
#define U __attribute__((unused))
ABSENT(kcheck_load, struct kverifier *v, U const struct isa_insn *in)
ABSENT(kcheck_store, struct kverifier *v, U const struct isa_insn *in)
ABSENT(kcheck_atomic, struct kverifier *v, U const struct isa_insn *in)
ABSENT(kcheck_ld_abs, struct kverifier *v, U const struct isa_insn *in)
ABSENT(kcheck_mem, struct kverifier *v, U const struct kaccess *a)
ABSENT(kcheck_helper_mem, struct kverifier *v, U unsigned r, U uint32_t size, U bool write, U bool zero_ok, U struct kcall *call)
ABSENT(kcheck_mem_size, struct kverifier *v, U unsigned r, U bool write, U bool zero_ok, U struct kcall *call)
ABSENT(kcheck_map_access, struct kverifier *v, U unsigned r, U int32_t off, U uint32_t size, U bool zero_ok, U bool helper, U bool write)
ABSENT(kcheck_packet_access, struct kverifier *v, U unsigned r, U int32_t off, U uint32_t size, U bool zero_ok)
ABSENT(kcheck_mem_region, struct kverifier *v, U unsigned r, U int32_t off, U uint32_t size, U uint32_t mem_size, U bool zero_ok)
ABSENT(kcheck_ptr_off, struct kverifier *v, U const struct kreg *reg, U unsigned r, U bool fixed_ok)
ABSENT(kstack_initialised, struct kverifier *v, U unsigned r, U int32_t off, U uint32_t size, U bool zero_ok, U bool helper, U bool write, U struct kcall *call)
ABSENT(kcheck_call, struct kverifier *v, U const struct isa_insn *in)
ABSENT(kcheck_exit, struct kverifier *v)
ABSENT(kcheck_helper_call, struct kverifier *v, U const struct isa_insn *in)
ABSENT(kcheck_func_call, struct kverifier *v, U const struct isa_insn *in)
ABSENT(kcheck_kfunc_call, struct kverifier *v, U const struct isa_insn *in)
ABSENT(kref_take, struct kverifier *v, U enum kref_type t, U uint32_t *id)
ABSENT(kref_release, struct kverifier *v, U uint32_t id)
ABSENT(kref_none_held, struct kverifier *v, U bool exception_exit, U bool check_lock, U const char *prefix)
ABSENT(kdynptr_arg, struct kverifier *v, U unsigned r, U uint32_t insn, U uint32_t arg_flags, U uint32_t clone_ref_id)
ABSENT(klock_arg, struct kverifier *v, U unsigned r, U bool lock, U bool irq, U bool res)
ABSENT(kglobal_prepare, struct kverifier *v, U uint32_t subprog)
__attribute__((weak)) FALLIBLE kdynptr_destroy(U struct kverifier *v, U struct kframe *f, U uint32_t spi) { return E_OK; }
ABSENT(kglobal_enter, struct kverifier *v, U uint32_t subprog, U struct kframe *f)
__attribute__((weak)) void kpacket_clear(U struct kverifier *v) {}
__attribute__((weak)) bool kcalls_callback(U const struct kverifier *v, U uint32_t insn) { return false; }
__attribute__((weak)) bool kcalls_async(U const struct kverifier *v, U uint32_t insn) { return false; }
__attribute__((weak)) FALLIBLE ktypes_init(U struct kverifier *v) { return E_OK; }
__attribute__((weak)) const struct btf *ktypes_btf(U const struct kverifier *v, U enum ktypes t) { return NULL; }
