/* SPDX-License-Identifier: Apache-2.0 */
/* world: gates as they are after a soak in which nothing happened, for tests to spoil. */
#ifndef SALLYPORT_TESTS_GATE_WORLD_H
#define SALLYPORT_TESTS_GATE_WORLD_H

#include "release/gate/gate.h"
#include "release/simulate/rng.h"

enum { WORLD_FLEET = 8500000, WORLD_T0 = 1700000000 };

/* Hosts of a ring and of those before. */
uint64_t world_hosts(uint32_t ring);
/* A ring that was watched to its end: everybody reports, one host in a hundred is silent, nothing differs. */
void world_clean(struct gate *g, uint32_t ring, struct rng *r);
/* The moment its soak is over. */
uint64_t world_end(const struct gate *g);
void world_judge(const struct gate *g, struct gate_result *out);
/* Hosts that say so at once. */
void world_strikes(struct gate *g, enum gate_strike kind, uint32_t hosts, uint32_t drawn, double host_hours);
/* How many of n are so, with probability p each: by the normal approximation above 1,000, one by one below. */
uint64_t world_share(struct rng *r, uint64_t n, double p);

#endif
