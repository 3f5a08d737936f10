/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate: may the next ring open? Statistics over what hosts reported, and the evidence that a promotion cites.
 *
 * Crashes that are attributed to the content count in a CUSUM of Poisson likelihood ratios, valid under peeking: one
 * pauses, a second host or a reproduction halts. Unattributed harm (silence, unclean boots) runs in its own CUSUM. CPU,
 * loss, alerts and silence are compared once, at the end of the soak, with hosts that do not have the content yet,
 * corrected for the number of tests. Exposure: each changed rule was evaluated often enough. Missing data pauses.
 * Pure; the same code in the controller, the simulation, and on hosts that ask for evidence (reference: Page 1954, Wald
 * 1945).
 */
#ifndef SALLYPORT_RELEASE_GATE_H
#define SALLYPORT_RELEASE_GATE_H

#include "release/object/object.h"

enum gate_verdict {
	GATE_WAIT, /* not yet: soak, exposure, reports */
	GATE_PASS,
	GATE_PAUSE, /* data are missing or tell nothing clear */
	GATE_HALT,  /* harm */
};

enum gate_test {
	GATE_SOAK,
	GATE_REPORTING,
	GATE_CRASHES,
	GATE_SILENCE,
	GATE_BOOTS,
	GATE_REFUSED,
	GATE_CPU,
	GATE_MEMORY,
	GATE_LOSS,
	GATE_ALERTS,
	GATE_SILENT_RULES,
	GATE_EXPOSURE,
	GATE_N_TESTS
};

struct gate_opts {
	double lambda0, lambda1; /* crashes per host-hour: background, harm */
	double bound;            /* CUSUM halts at it: ln 1e5 */
	double reporting;        /* share of the ring's hosts that must have reported */
	uint64_t exposure;       /* evaluations of each changed rule over the ring */
	double alpha;            /* of all comparisons of a gate together */
	double min_ratio;        /* smaller effects do not count */
	uint32_t halt_hosts;     /* different hosts with an attributed crash that halt: 2 */
};
extern const struct gate_opts gate_default;

/* Sums over hosts of one arm, and a bounded sample for the rank tests. */
enum { GATE_SAMPLE = 512, GATE_MAX_RULES = 256 };
struct gate_arm {
	uint64_t hosts, reporting, silent; /* expected to have it; heard from lately; not */
	uint64_t events, lost, alerts;
	double host_hours;
	uint32_t n_sample;
	float cpu_ns_per_event[GATE_SAMPLE], memory_mib[GATE_SAMPLE], alerts_per_hour[GATE_SAMPLE];
};

struct gate_rule {
	char name[HEALTH_RULE_BYTES];
	uint64_t evaluated, alerts, throttled;
	bool changed; /* by this release */
};

/* What is known of one release in one ring. */
struct gate {
	uint32_t ring, lane;
	uint64_t opened_s,
		ramped_s; /* virtual or real Unix seconds: first promotion; when the last of its hosts may have it */
	double cusum, cusum_boots; /* attributed crashes; unclean boots and silence beyond the control's */
	uint64_t crashed_hosts, refused_hosts, unclean_boots;
	bool reproduced; /* a scratch worker elsewhere died of it too */
	struct gate_arm arm, control;
	struct gate_rule rule[GATE_MAX_RULES];
	uint32_t n_rules;
	uint64_t updated_s;
};

struct gate_result {
	enum gate_verdict verdict;
	enum gate_test test;          /* that decided */
	uint8_t passed[GATE_N_TESTS]; /* enum gate_verdict of each */
	double value[GATE_N_TESTS], bound[GATE_N_TESTS];
	char text[200];
};

void gate_init(struct gate *g, uint32_t ring, enum plan_lane lane, uint64_t opened_s, uint64_t ramped_s);
/* host_hours of exposure went by with this many attributed crashes on hosts that had none before, and unclean boots. */
void gate_observe(struct gate *g, const struct gate_opts *o, double host_hours, uint32_t crashed_hosts,
		  uint32_t unclean_boots);
void gate_judge(const struct gate *g, const struct gate_opts *o, const struct plan *plan, uint64_t now_s,
		struct gate_result *out);

/*
 * Evidence: everything that the verdict was made from, so that whoever has it can judge again and get the same. Cited
 * by its digest in the next promotion. Normative: docs/formats/release.md.
 */
struct gate_evidence {
	uint8_t digest[OBJECT_DIGEST_BYTES], release[16];
	struct gate gate;
	struct gate_opts opts;
	uint64_t judged_s;
	uint8_t log_head[OBJECT_DIGEST_BYTES]; /* of the ledger then */
};
FALLIBLE gate_write_evidence(const struct gate_evidence *e, struct buf *out, struct diag *d);
FALLIBLE gate_read_evidence(struct view v, struct gate_evidence *out, struct diag *d);

#endif
