/* SPDX-License-Identifier: Apache-2.0 */
/* A list that is linked before the program begins, over read-only and writable data. */
#include "conf.h"

struct node {
	const struct node *next;
	u64 value;
};
static const struct node third = { 0, 300 };
static struct node second = { &third, 20 };
struct node head = { &second, 1 };

SEC("conf") u64 entry(u64 *ctx)
{
	u64 r = 0;

	second.value += ctx[0];
	for (const struct node *n = &head; n; n = n->next)
		r = r * 3 + n->value;
	return r;
}
