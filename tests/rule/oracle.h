/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle: what a condition means, said a second time and as simply as possible: it walks the tree, looks fields up by
 * name, and compares with libc's own functions. Slow and obviously right; compiled programs are held against it.
 */
#ifndef SALLYPORT_TESTS_ORACLE_H
#define SALLYPORT_TESTS_ORACLE_H

#include "content/event/event.h"

struct rule_cond;
bool oracle_holds(const struct rule_cond *c, const struct event *e);

#endif
