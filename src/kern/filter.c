/* SPDX-License-Identifier: Apache-2.0 */
/* filter: making, freezing and placing the maps of one kernel filter. */
#include "kern/filter.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <unistd.h>

static FALLIBLE refused(struct diag *d, const char *what)
{
	FAIL_ID(d, HOST, 'K', 107, "the kernel refused the filter's %s: %s", what, strerror(errno));
}

static FALLIBLE check_names(const struct wire_filter_name *names, uint32_t n, struct diag *d)
{
	if (n > WIRE_FILTER_MAX_NAMES)
		FAIL_ID(d, LIMIT, 'K', 107, "a filter of %u names, %d is the most", n, WIRE_FILTER_MAX_NAMES);
	for (uint32_t i = 0; i < n; i++)
		if (names[i].place >= WIRE_N_PLACES)
			FAIL_ID(d, INVALID, 'K', 107, "filter name %u is about place %u, which does not exist", i,
				names[i].place);
	return E_OK;
}

/* which: 0 the filter, 1 its names. */
static int map_new(const struct filter_types *t, int which)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_RDONLY_PROG, .btf_fd = (__u32)t->btf_fd,
		    .btf_key_type_id = t->key[which], .btf_value_type_id = t->value[which]);

	if (which)
		return bpf_map_create(BPF_MAP_TYPE_HASH, "sp_names", sizeof(struct wire_filter_name), sizeof(uint32_t),
				      WIRE_FILTER_MAX_NAMES, &opts);
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "sp_filter", sizeof(uint32_t), sizeof(struct wire_filter), 1, &opts);
}

static FALLIBLE make_rules(const struct filter_types *t, const struct wire_filter *f, int *out, struct diag *d)
{
	AUTO_FD int fd = map_new(t, 0);
	const uint32_t key = 0;

	if (fd < 0 || bpf_map_update_elem(fd, &key, f, BPF_ANY) || bpf_map_freeze(fd))
		return refused(d, "rules");
	*out = TAKE(fd);
	return E_OK;
}

/* A name that comes twice satisfies the clauses of both. */
static bool put_name(int fd, const struct wire_filter_name *name, uint32_t mask)
{
	uint32_t both;

	if (!bpf_map_update_elem(fd, name, &mask, BPF_NOEXIST))
		return true;
	if (errno != EEXIST || bpf_map_lookup_elem(fd, name, &both))
		return false;
	both |= mask;
	return !bpf_map_update_elem(fd, name, &both, BPF_EXIST);
}

static FALLIBLE make_names(const struct filter_types *t, const struct wire_filter_name *names, const uint32_t *masks,
			   uint32_t n, int *out, struct diag *d)
{
	AUTO_FD int fd = map_new(t, 1);

	if (fd < 0)
		return refused(d, "names");
	for (uint32_t i = 0; i < n; i++)
		if (!put_name(fd, &names[i], masks[i]))
			return refused(d, "names");
	if (bpf_map_freeze(fd))
		return refused(d, "names");
	*out = TAKE(fd);
	return E_OK;
}

static bool map_id(int fd, uint32_t *out)
{
	struct bpf_map_info info = { 0 };
	uint32_t bytes = sizeof info;

	if (bpf_obj_get_info_by_fd(fd, &info, &bytes))
		return false;
	*out = info.id;
	return true;
}

FALLIBLE filter_make(const struct filter_types *t, const struct wire_filter *f, const struct wire_filter_name *names,
		     const uint32_t *masks, uint32_t n, struct filter_pair *out, struct diag *d)
{
	AUTO(filter_drop) struct filter_pair p = { 0 };

	TRY(check_names(names, n, d));
	TRY(make_rules(t, f, &p.fd[0], d));
	TRY(make_names(t, names, masks, n, &p.fd[1], d));
	for (int i = 0; i < 2; i++)
		if (!map_id(p.fd[i], &p.id[i]))
			return refused(d, "numbers");
	*out = p;
	p = (struct filter_pair){ 0 };
	return E_OK;
}

void filter_drop(struct filter_pair *p)
{
	for (int i = 0; i < 2; i++)
		if (p->fd[i] > 0)
			close(p->fd[i]);
	*p = (struct filter_pair){ 0 };
}

/* The kernel waits for running programs after each such update (kernel/bpf/syscall.c: maybe_wait_bpf_programs). */
FALLIBLE filter_put(const int outer[2], uint32_t slot, const struct filter_pair *p, struct diag *d)
{
	for (int i = 0; i < 2; i++) {
		if (p->fd[i] > 0 && !bpf_map_update_elem(outer[i], &slot, &p->fd[i], BPF_ANY))
			continue;
		if (p->fd[i] <= 0 && (!bpf_map_delete_elem(outer[i], &slot) || errno == ENOENT))
			continue;
		return refused(d, "place");
	}
	return E_OK;
}

bool filter_is_there(const int outer[2], uint32_t slot, const struct filter_pair *p)
{
	for (int i = 0; i < 2; i++) {
		uint32_t id = 0;

		if (bpf_map_lookup_elem(outer[i], &slot, &id) && errno != ENOENT)
			return false;
		if (id != p->id[i])
			return false;
	}
	return true;
}
