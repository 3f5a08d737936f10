/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: the kernel filter's maps, from the user side. Internal to kern.
 *
 * The programs read slot config.filter of two outer maps (sensor/bpf/filter.bpf.h). A swap fills the other slot, then
 * switches, so that no program ever sees half of it.
 */
#ifndef SALLYPORT_KERN_FILTER_H
#define SALLYPORT_KERN_FILTER_H

#include "kern/kern.h"

/* One filter in the kernel: two frozen maps. fd 0: none, everything passes. */
struct filter_pair {
	int fd[2];
	uint32_t id[2];
};

/*
 * How the inner maps' keys and values are described: before 6.2 an outer map takes only maps that were made with a
 * description like its own (kernel/bpf/map_in_map.c: bpf_map_meta_equal compares timer_off, which depends on it).
 */
struct filter_types {
	int btf_fd;
	uint32_t key[2], value[2];
};

/* Make and freeze both maps. E_LIMIT, E_INVALID, E_HOST. */
FALLIBLE filter_make(const struct filter_types *t, const struct wire_filter *f, const struct wire_filter_name *names,
		     const uint32_t *masks, uint32_t n, struct filter_pair *out, struct diag *d);
void filter_drop(struct filter_pair *p);
/* Put it under a slot of both outer maps; when it returns no program runs that began before. E_HOST. */
FALLIBLE filter_put(const int outer[2], uint32_t slot, const struct filter_pair *p, struct diag *d);
/* Is it what the outer maps have there? */
bool filter_is_there(const int outer[2], uint32_t slot, const struct filter_pair *p);

#endif
