/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

uint64_t world_hosts(uint32_t ring)
{
	return PLAN_RING0_HOSTS + (uint64_t)WORLD_FLEET * plan_default.ring[ring].cutoff / UINT32_MAX;
}

uint64_t world_share(struct rng *r, uint64_t n, double p)
{
	double mean = (double)n * p, v;
	uint64_t k = 0;

	if (n <= 1000) {
		for (uint64_t i = 0; i < n; i++)
			k += rng_unit(r) < p;
		return k;
	}
	v = mean + sqrt(mean * (1 - p)) * rng_normal(r) + 0.5;
	return v < 0 ? 0 : v > (double)n ? n : (uint64_t)v;
}

static void fill(struct gate_arm *a, uint64_t hosts, struct rng *r)
{
	a->hosts = hosts;
	a->reporting = hosts - hosts / 100;
	a->silent = world_share(r, hosts, 0.01);
	a->lossy = world_share(r, a->reporting, 0.005);
	a->events = hosts * 100000;
	a->host_hours = (double)hosts;
	a->n_sample = (uint32_t)(a->reporting < GATE_SAMPLE ? a->reporting : GATE_SAMPLE);
	for (uint32_t i = 0; i < a->n_sample; i++) {
		a->cpu_ns_per_event[i] = (float)(300 * exp(0.5 * rng_normal(r)));
		a->memory_mib[i] = (float)(20 + 2 * fabs(rng_normal(r)));
		a->alerts_per_hour[i] = rng_unit(r) < 0.1 ? (float)rng_exponential(r, 2) : 0;
	}
}

void world_clean(struct gate *g, uint32_t ring, struct rng *r)
{
	const struct plan_ring *p = &plan_default.ring[ring];
	uint64_t hosts = world_hosts(ring);

	if (hosts > WORLD_FLEET)
		hosts = WORLD_FLEET;
	gate_init(g, NULL, ring, PLAN_NORMAL, WORLD_FLEET, WORLD_T0, WORLD_T0 + p->ramp_s[PLAN_NORMAL]);
	fill(&g->arm, hosts, r);
	fill(&g->control, WORLD_FLEET - hosts < 100000 ? WORLD_FLEET - hosts : 100000, r);
	(void)snprintf(g->rule[0].name, sizeof g->rule[0].name, "Shell in a container");
	g->rule[0].evaluated = 100000;
	g->rule[0].changed = true;
	g->n_rules = 1;
	g->updated_s = world_end(g);
}

uint64_t world_end(const struct gate *g)
{
	return g->ramped_s + plan_default.ring[g->ring].soak_s[g->lane];
}

void world_judge(const struct gate *g, struct gate_result *out)
{
	gate_judge(g, &gate_default, &plan_default, world_end(g), out);
}

void world_strikes(struct gate *g, enum gate_strike kind, uint32_t hosts, uint32_t drawn, double host_hours)
{
	struct gate_seen seen = { .host_hours = host_hours };

	seen.hosts[kind] = hosts;
	seen.drawn[kind] = drawn;
	gate_observe(g, &gate_default, &seen, g->updated_s);
}
