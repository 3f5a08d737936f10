/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user_ringbuf: samples that the host sends to programs.
 *
 * Where Linux gives the callback a struct bpf_dynptr, it gets a number here, which dynptr_read knows the sample by
 * while the callback runs: nothing in the program's reach holds an address of the ring, and a number that was made up,
 * or kept from a drain before, names nothing.
 */
#include "engine/helpers/impl.h"

#include <errno.h>

static const uint64_t first_handle = UINT64_C(0x5a19000000000000);
static const uint64_t wakeup_flags = MAP_RING_NO_WAKEUP | MAP_RING_FORCE_WAKEUP;

struct drain {
	struct helper_env *env;
	uint64_t func, arg;
};

/* One sample; false: enough, or the program failed. */
static bool give(void *arg, const uint8_t *p, uint32_t bytes)
{
	const struct drain *d = arg;
	struct helper_env *env = d->env;
	const struct helper_sample *outer = env->sample;
	struct helper_sample s = { p, bytes, outer ? outer->handle + 1 : first_handle, outer };
	uint64_t ret = 1;
	bool went;

	env->sample = &s;
	went = env->vm->call(env, d->func, (uint64_t[ABI_MAX_ARGS]){ s.handle, d->arg }, &ret);
	env->sample = outer;
	return went && !ret;
}

/* kernel/bpf/ringbuf.c:bpf_user_ringbuf_drain, v6.12 */
HELPER_FN(user_ringbuf_drain, map, func, arg, flags)
{
	struct drain d = { env, func, arg };
	uint32_t n;

	if (flags & ~wakeup_flags || !env->vm)
		return (uint64_t)-EINVAL;
	switch ((int)map_drain((struct map *)(uintptr_t)map, give, &d, flags, &n)) {
	case E_OK:
		return n;
	case E_EXISTS:
		return (uint64_t)-EBUSY;
	}
	return (uint64_t)-EINVAL;
}

/* kernel/bpf/helpers.c:bpf_dynptr_read, v6.12: offset and size are 32 bits wide. */
HELPER_FN(dynptr_read, mem, bytes, sample, offset, flags)
{
	const struct helper_sample *s = env->sample;

	while (s && s->handle != sample)
		s = s->outer;
	if (!s || flags)
		return (uint64_t)-EINVAL;
	if (bytes > s->bytes || (uint32_t)offset > s->bytes - bytes)
		return (uint64_t)-E2BIG;
	memcpy((void *)(uintptr_t)mem, s->p + (uint32_t)offset, bytes);
	return 0;
}
