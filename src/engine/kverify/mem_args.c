/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem_args: memory that a helper, a kfunc or a global function is given: is all of it there?
 *
 * Linux: kernel/bpf/verifier.c:check_helper_mem_access, check_mem_size_reg, check_mem_reg, v6.12 and v7.2.
 */
#include "engine/kverify/call.h"
#include "engine/kverify/mem.h"

enum { PROG_SYSCALL = 31, CTX_MAX = 0xffff };

FALLIBLE kaccess_buffer(struct kverifier *v, unsigned r, int32_t off, const char *name)
{
	const struct kreg *reg = kreg_at(v, r);
	bool is_const = knum_is_const(&reg->n);

	if (khas(v, KERNEL_OFFSET_IN_NUM)) {
		if (is_const && (int64_t)reg->n.t.value + off < 0)
			KREJECT_REG(v, BUFFER_OFFSET, r, "R%u invalid negative %s buffer offset: off=%d, var_off=%lld",
				    r, name, off, (long long)reg->n.t.value);
	} else {
		is_const = is_const && !reg->n.t.value;
		if (off < 0)
			KREJECT_REG(v, BUFFER_OFFSET, r, "R%u invalid %s buffer access: off=%d", r, name, off);
	}
	if (!is_const)
		KREJECT_REG(v, BUFFER_OFFSET, r, "R%u invalid variable buffer offset: off=%d, var_off=%s", r, off,
			    kreg_offset_text(v, reg));
	return E_OK;
}

static FALLIBLE check_writable(struct kverifier *v, unsigned r, bool read_only)
{
	if (read_only)
		KREJECT_REG(v, READ_ONLY, r, "R%u cannot write into %s", r, kreg_type_text(v, kreg_at(v, r)));
	return E_OK;
}

static FALLIBLE not_memory(struct kverifier *v, unsigned r, uint32_t size, bool zero_ok)
{
	if (zero_ok && !size && kreg_is_null(kreg_at(v, r)))
		return E_OK;
	KREJECT_REG(v, HELPER_MEMORY, r, "R%u type=%s expected=fp", r, kreg_type_text(v, kreg_at(v, r)));
}

/* Plain memory, of a size that nobody has said: it is checked as far as the last byte. */
static FALLIBLE ctx_as_memory(struct kverifier *v, unsigned r, uint32_t size, bool write, bool zero_ok)
{
	struct kaccess last = { .reg = r, .off = (int32_t)size - 1, .size = 1, .write = write, .value = -1 };

	if (khas(v, KERNEL_CTX_HELPER_SYSCALL_ONLY)) {
		if (v->o->target.prog_type != PROG_SYSCALL)
			return not_memory(v, r, size, zero_ok);
		return kcheck_mem_region(v, r, kreg_at(v, r)->off, size, CTX_MAX, zero_ok);
	}
	if (!khas(v, KERNEL_CTX_AS_MEMORY) || kctx_is_rewritten(v))
		return not_memory(v, r, size, zero_ok);
	if (size)
		return kcheck_mem(v, &last);
	if (!zero_ok)
		KREJECT_REG(v, SIZE_ZERO, r, "invalid zero-sized read");
	return E_OK;
}

static FALLIBLE mem_argument(struct kverifier *v, unsigned r, uint32_t size, bool write, bool zero_ok)
{
	const struct kreg *reg = kreg_at(v, r);

	if (write)
		TRY(check_writable(v, r, reg->flags & KF_RDONLY));
	return kcheck_mem_region(v, r, reg->off, size, reg->mem_size, zero_ok);
}

static FALLIBLE buf_argument(struct kverifier *v, unsigned r, bool write)
{
	const struct kreg *reg = kreg_at(v, r);

	if (write)
		TRY(check_writable(v, r, reg->flags & KF_RDONLY));
	return kaccess_buffer(v, r, reg->off, reg->flags & KF_RDONLY ? "rdonly" : "rdwr");
}

static FALLIBLE key_argument(struct kverifier *v, unsigned r, uint32_t size, bool write)
{
	const struct kmap *m = kreg_map(v, kreg_at(v, r));

	KENSURE(v, m);
	TRY(check_writable(v, r, write));
	return kcheck_mem_region(v, r, kreg_at(v, r)->off, size, m->m->key_size, false);
}

static FALLIBLE object_argument(struct kverifier *v, unsigned r, uint32_t size, bool write, bool zero_ok)
{
	struct kaccess a = { .reg = r, .size = size, .value = -1 };

	if (!khas(v, KERNEL_BTF_TRUSTED))
		return not_memory(v, r, size, zero_ok);
	a.write = write && khas(v, KERNEL_STACK_HELPER_READS);
	return kaccess_btf(v, &a, kreg_at(v, r)->off);
}

FALLIBLE kcheck_helper_mem(struct kverifier *v, unsigned r, uint32_t size, bool write, bool zero_ok, struct kcall *call)
{
	const struct kreg *reg = kreg_at(v, r);

	switch ((enum kernel_reg)reg->base) {
	case KR_PACKET:
	case KR_PACKET_META:
		return kcheck_packet_access(v, r, reg->off, size, zero_ok);
	case KR_MAP_KEY:
		return key_argument(v, r, size, write);
	case KR_MAP_VALUE:
		if (khas(v, KERNEL_MAP_WRITE_BY_RAW))
			write = call && call->raw;
		return kcheck_map_access(v, r, reg->off, size, zero_ok, true, write);
	case KR_MEM:
		return mem_argument(v, r, size, write, zero_ok);
	case KR_BUF:
		return buf_argument(v, r, write);
	case KR_STACK:
		return kstack_initialised(v, r, reg->off, size, zero_ok, true, write, call);
	case KR_BTF_ID:
		return object_argument(v, r, size, write, zero_ok);
	case KR_CTX:
		return ctx_as_memory(v, r, size, write, zero_ok);
	default:
		return not_memory(v, r, size, zero_ok);
	}
}

FALLIBLE kcheck_mem_size(struct kverifier *v, unsigned r, bool write, bool zero_ok, struct kcall *call)
{
	const struct kreg *reg = kreg_at(v, r);

	if (call)
		call->size_max = reg->n.umax;
	/* Of a size that varies, not all that is given need be written: it must be there before. */
	if (!knum_is_const(&reg->n))
		call = NULL;
	if (reg->n.smin < 0)
		KREJECT_REG(v, SIZE_NEGATIVE, r, "R%u min value is negative, either use unsigned or 'var &= const'", r);
	if (!reg->n.umin && khas(v, KERNEL_SIZE_ZERO_BY_POINTER))
		TRY(kcheck_helper_mem(v, r - 1, 0, write, zero_ok, call));
	else if (!reg->n.umin && !zero_ok)
		KREJECT_REG(v, SIZE_ZERO, r, "R%u invalid zero-sized read: u64=[%lld,%lld]", r, (long long)reg->n.umin,
			    (long long)reg->n.umax);
	if (reg->n.umax >= KMAX_VAR_SIZE)
		KREJECT_REG(v, SIZE_UNBOUNDED, r,
			    "R%u unbounded memory access, use 'var &= const' or 'if (var < const)'", r);
	TRY(kcheck_helper_mem(v, r - 1, (uint32_t)reg->n.umax, write, zero_ok, call));
	return kprecise_reg(v, r);
}

/* Read and written, as if it were not NULL. */
static FALLIBLE check_both(struct kverifier *v, unsigned r, uint32_t size)
{
	TRY(kcheck_helper_mem(v, r, size, false, true, NULL));
	return kcheck_helper_mem(v, r, size, true, true, NULL);
}

FALLIBLE kcheck_mem_reg(struct kverifier *v, unsigned r, uint32_t size)
{
	struct kreg *reg = kreg_at(v, r), saved = *reg;
	enum err err;

	if (kreg_is_null(reg))
		return E_OK;
	if (size > INT32_MAX)
		KREJECT_REG(v, MAX_OUTSIDE, r, "R%u memory size %u is too large", r, size);
	if (kreg_may_be_null(reg))
		kreg_not_null(v, reg);
	v->poison_ok = true;
	err = check_both(v, r, size);
	v->poison_ok = false;
	if (kreg_may_be_null(&saved))
		*reg = saved;
	return err;
}

FALLIBLE kcheck_kfunc_mem_size(struct kverifier *v, unsigned r)
{
	struct kreg *reg = kreg_at(v, r - 1), saved = *reg;
	enum err err;

	if (kreg_may_be_null(reg))
		kreg_not_null(v, reg);
	err = kcheck_mem_size(v, r, false, true, NULL);
	if (err == E_OK)
		err = kcheck_mem_size(v, r, true, true, NULL);
	if (kreg_may_be_null(&saved))
		*reg = saved;
	return err;
}
