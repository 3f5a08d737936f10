/* SPDX-License-Identifier: Apache-2.0 */
/* quota: inside kern only. */
#ifndef SALLYPORT_KERN_QUOTA_H
#define SALLYPORT_KERN_QUOTA_H

#include "kern/kern.h"

/* kern_lost_groups, of the map fd. */
uint32_t quota_lost(int fd, struct kern_group *out, uint32_t max);

#endif
