/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate: may the next ring open? Statistics over what hosts reported, and the evidence that a promotion cites.
 *
 * Strikes (a worker that died of the content, a host that refused it, a rule whose vectors did not alert) are a host's
 * word, and hosts can be bought. So:
 *
 * - The first strike pauses the ring: no further host gets the content. The controller runs it in a scratch worker.
 * - Reproduced: halt. That needs nobody's word.
 * - Two drawn hosts: halt. A host is drawn when chance put it into a ring of at most o->drawn_cutoff: it was enrolled
 *   before the release had its number, and its keyed hash fell there. Who bought two hosts of a fleet has both in a
 *   ring of one percent for one release in ten thousand: the second drawn host is independent.
 * - Strikes on any hosts come faster than background (CUSUM of Poisson likelihood ratios, valid under peeking; one host
 *   counts once per release): halt. Two strikes never reach the bound, however close; three soon after each other do.
 * - Otherwise, when the scratch worker did not die of it, the strikes so far are dismissed: o->hold_s (or half a soak)
 *   later the ring goes on by itself. They still count in the two rules above.
 *
 * Two bought hosts therefore cost a fleet two rests, and can never make it drop good content; a fault on two hosts that
 * could not choose to be there, or on three, stops it although nothing else reproduces it.
 *
 * Unclean boots run in a CUSUM of their own, against the control's rate. CPU, memory, loss, alerts and silence are
 * compared with hosts that do not have the content yet, once, on samples that are frozen at the end of the soak,
 * corrected (Holm) for their number. Exposure: each changed rule was evaluated often enough. Missing data pauses.
 *
 * Not applicable, and then no obstacle: comparisons when the ring, or what the plan leaves outside of it, is smaller
 * than o->min_hosts hosts (the last ring always; the outside also when the hash alone may have left so few there), and
 * exposure when no rule changed. A later ring that chance left empty has nobody to report: its soak is waited for all
 * the same. Everything else that is missing pauses.
 *
 * Pure; one thread per struct gate. The same code in the controller, the simulation, and on hosts that ask for evidence
 * (Page 1954, Wald 1945, Mann & Whitney 1947, Holm 1979). Formulas: docs/rollout.md.
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
const char *gate_verdict_name(enum gate_verdict v); /* "wait" "pass" "pause" "halt" */
const char *gate_test_name(enum gate_test t);       /* "soak", "silent rules", ... */

struct gate_opts {
	double strikes0, strikes1; /* strikes per host-hour: background, harm */
	double boots0, boots1; /* unclean boots: the least background, harm; the control's rate counts when higher */
	double bound;          /* the CUSUM of strikes halts at it: ln 1e5 */
	double boots_bound;    /* that of unclean boots, of which there are many more: ln 1e7 */
	double reporting;      /* share of the ring's hosts that must have reported */
	uint64_t exposure;     /* evaluations of each changed rule over the ring */
	double alpha;          /* of all comparisons of a gate together, to halt */
	double alpha_pause;    /* the same, to pause */
	double min_ratio;      /* smaller effects do not count: CPU, memory */
	double alert_ratio;    /* of mean alerts; only pauses */
	double min_share;      /* smaller differences in shares of hosts do not count: loss, silence */
	uint32_t halt_hosts;   /* drawn hosts with a strike of one kind that halt: 2 */
	uint32_t drawn_cutoff; /* rings up to here are drawn: one percent */
	uint32_t hold_s;       /* a ring rests so long after a strike that was not reproduced, or half its soak */
	uint32_t min_hosts;    /* of each arm of a comparison */
};
extern const struct gate_opts gate_default;

/*
 * Sums over hosts of one arm, and a bounded sample for the rank tests. The content's arm: hosts of this ring and of
 * those before; the control: hosts of the same channel outside of them.
 */
enum { GATE_SAMPLE = 512, GATE_MAX_RULES = 256 };
struct gate_arm {
	uint64_t hosts, reporting, silent; /* expected to have it; heard from since; heard before, but not lately */
	uint64_t lossy;                    /* reporting, and lost more than one event in a thousand */
	uint64_t events, lost, alerts;     /* for people */
	double host_hours;
	uint32_t n_sample; /* hosts, drawn at random when there are more: the median of each */
	float cpu_ns_per_event[GATE_SAMPLE], memory_mib[GATE_SAMPLE], alerts_per_hour[GATE_SAMPLE];
};

struct gate_rule {
	char name[HEALTH_RULE_BYTES];
	uint64_t evaluated, alerts, throttled;
	bool changed; /* by this release */
};

enum gate_strike { STRIKE_CRASH, STRIKE_REFUSED, STRIKE_SILENT_RULE, GATE_N_STRIKES };

/* Hosts with a strike of one kind, over all rings of the release so far. */
struct gate_strikes {
	uint32_t hosts, drawn; /* different hosts; of them drawn, as above */
	uint32_t dismissed;    /* of hosts: a scratch worker did not die of it */
	double cusum;
};

/* What is known of one release in one ring. */
struct gate {
	uint32_t ring, lane;
	uint64_t fleet;     /* hosts of the channel when ring 0 opened */
	uint64_t opened_s,  /* virtual or real Unix seconds: first promotion; */
		ramped_s;   /* when the last of its hosts may have it: release_ramped_s() */
	uint64_t updated_s; /* of the last observation */
	struct gate_strikes strike[GATE_N_STRIKES];
	bool reproduced;      /* a scratch worker elsewhere died of it too */
	uint64_t dismissed_s; /* when it last did not; 0: never */
	double cusum_boots;
	uint64_t unclean_boots; /* hosts */
	struct gate_arm arm, control;
	struct gate_rule rule[GATE_MAX_RULES];
	uint32_t n_rules;
};

struct gate_result {
	enum gate_verdict verdict;
	enum gate_test test; /* that decided: the first of the gravest */
	uint32_t ring;
	uint64_t judged_s;
	bool reproduce;               /* a strike waits for the scratch worker's answer */
	bool applies[GATE_N_TESTS];   /* else it passed as not applicable */
	uint8_t passed[GATE_N_TESTS]; /* enum gate_verdict of each */
	double value[GATE_N_TESTS];   /* docs/rollout.md has the unit of each; of comparisons the p-value */
	double bound[GATE_N_TESTS];   /* of a p-value: below it and large enough is harm */
	double effect[GATE_N_TESTS];  /* of comparisons: ratio, or difference of shares */
	char text[200];               /* one line for people */
};

/* before: the gate of the ring before; its strikes and CUSUMs go on. NULL for ring 0. */
void gate_init(struct gate *g, const struct gate *before, uint32_t ring, enum plan_lane lane, uint64_t fleet,
	       uint64_t opened_s, uint64_t ramped_s);

/* What came in since the last call, over all hosts that have the content, whatever their ring. */
struct gate_seen {
	double host_hours;
	uint32_t hosts[GATE_N_STRIKES]; /* with a first strike */
	uint32_t drawn[GATE_N_STRIKES]; /* of them drawn; at most hosts[] */
	uint32_t unclean_boots;         /* hosts with a first one */
	double control_boots;           /* per host-hour without the content; 0: unknown */
};
void gate_observe(struct gate *g, const struct gate_opts *o, const struct gate_seen *seen, uint64_t now_s);
/* May a host of this ring count as drawn? It must also have been enrolled before the release had its number. */
bool gate_ring_is_drawn(const struct gate_opts *o, const struct plan *plan, uint32_t ring);
/* The scratch worker's answer. */
void gate_reproduction(struct gate *g, bool died, uint64_t now_s);
/* A person who resumes a ring takes the strikes so far on themselves; harm that halts still does. */
void gate_dismiss(struct gate *g, uint64_t now_s);
/*
 * May arm and control (but hosts, reporting and rules, which always may) still be filled? Until the end of the soak,
 * and after it while they are too few to compare: so the comparisons are made once.
 */
bool gate_sampling(const struct gate *g, const struct gate_opts *o, const struct plan *plan, uint64_t now_s);
/* Cost: a microsecond before the end of the soak, some 100 after it. */
void gate_judge(const struct gate *g, const struct gate_opts *o, const struct plan *plan, uint64_t now_s,
		struct gate_result *out);

/*
 * Evidence: everything that the verdict was made from but the plan, which the root has, so that whoever has it can
 * judge again and get the same. Cited by its digest in the next promotion. Normative: docs/formats/evidence.md.
 */
struct gate_evidence {
	uint8_t digest[OBJECT_DIGEST_BYTES], release[16];
	struct gate gate;
	struct gate_opts opts;
	uint64_t judged_s;
	uint8_t log_head[OBJECT_DIGEST_BYTES]; /* of the ledger then */
};
enum { GATE_EVIDENCE_MAX_BYTES = 65536 };
/* Deterministic. E_INVALID: a field that reading would refuse (G1xx). E_LIMIT: out is full. */
FALLIBLE gate_write_evidence(const struct gate_evidence *e, struct buf *out, struct diag *d);
/* Hostile bytes. E_TRUNCATED E_FORMAT E_UNSUPPORTED E_INVALID with d (G1xx). Accepts what writing gives, no other
 * bytes. */
FALLIBLE gate_read_evidence(struct view v, struct gate_evidence *out, struct diag *d);
/*
 * Does this evidence let a promotion of this digest and release into the ring after `ring`? Judged again. floor: the
 * evidence's options may be no laxer than these. E_REJECTED with d (G12x): of something else, laxer, or no pass.
 */
FALLIBLE gate_check_evidence(const struct gate_evidence *e, const struct gate_opts *floor, const struct plan *plan,
			     const uint8_t digest[OBJECT_DIGEST_BYTES], const uint8_t release[16], uint32_t ring,
			     struct diag *d);

#endif
