/* SPDX-License-Identifier: Apache-2.0 */
/* internal: what the files of kobj share. */
#ifndef SALLYPORT_ENGINE_KOBJ_INTERNAL_H
#define SALLYPORT_ENGINE_KOBJ_INTERNAL_H

#include "engine/kobj/kobj.h"

/* Sets o->ops; o->obj was read. */
FALLIBLE kobj_read_struct_ops(struct kobj *o, struct arena *a);

#endif
