/* SPDX-License-Identifier: Apache-2.0 */
/* shape: a rule file of the size and shape of a large public rule set, made from a seed, for machines that have none.
 */
#ifndef SALLYPORT_BENCH_SHAPE_H
#define SALLYPORT_BENCH_SHAPE_H

#include "base/base.h"

enum { SHAPE_RULES = 93 };
/* Append the text of SHAPE_RULES rules. */
void shape_rules(struct buf *out);

#endif
