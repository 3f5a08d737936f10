/* SPDX-License-Identifier: Apache-2.0 */
/* steward_evidence: what a promotion cites, fetched and judged again on this host with the same code. */
#include "agent/steward_parts.h"
#include "release/gate/gate.h"

enum { MAX_EVIDENCE = 1 << 20 };

static const char *const tests[GATE_N_TESTS] = {
	[GATE_SOAK] = "soak",
	[GATE_REPORTING] = "hosts reporting",
	[GATE_CRASHES] = "crashes",
	[GATE_SILENCE] = "silence",
	[GATE_BOOTS] = "unclean boots",
	[GATE_REFUSED] = "refused",
	[GATE_CPU] = "CPU",
	[GATE_MEMORY] = "memory",
	[GATE_LOSS] = "loss",
	[GATE_ALERTS] = "alerts",
	[GATE_SILENT_RULES] = "silent rules",
	[GATE_EXPOSURE] = "exposure",
};

static void put_result(const struct gate_evidence *e, const struct gate_result *r, struct buf *out)
{
	static const char *const words[] = {
		[GATE_WAIT] = "waits", [GATE_PASS] = "passed", [GATE_PAUSE] = "pauses", [GATE_HALT] = "HALTS"
	};

	buf_printf(out, "  ring %u: %s\n", e->gate.ring, r->text);
	for (uint32_t i = 0; i < GATE_N_TESTS; i++)
		buf_printf(out, "    %-16s %-7s %12.4g  bound %.4g\n", tests[i], words[r->passed[i] & 3], r->value[i],
			   r->bound[i]);
}

bool steward_evidence(struct steward *s, const struct endpoint_known *k, struct buf *out)
{
	char name[OBJECT_PATH_BYTES], hex[2 * OBJECT_DIGEST_BYTES + 1];
	AUTO_FREE char *bytes = NULL;
	AUTO_FREE struct gate_evidence *e = calloc(1, sizeof *e);
	uint8_t digest[OBJECT_DIGEST_BYTES];
	struct gate_result r;
	struct diag d;
	size_t len;
	enum err err;

	if (!e)
		return false;
	object_hex(k->evidence, OBJECT_DIGEST_BYTES, hex);
	object_path(name, "evidence/%s", hex);
	diag_init(&d);
	err = steward_fetch(s, name, MAX_EVIDENCE, &bytes, &len);
	if (err != E_OK) {
		if (out)
			buf_printf(out, "  evidence %s: %s\n", hex, err_text(err));
		return false;
	}
	object_digest(view_of(bytes, len), digest);
	if (memcmp(digest, k->evidence, sizeof digest) || gate_read_evidence(view_of(bytes, len), e, &d) != E_OK ||
	    memcmp(e->digest, k->digest, sizeof e->digest) || e->gate.ring + 1 < k->ring) {
		if (out)
			buf_printf(out, "  evidence %s is not what the promotion cites: %s\n", hex, d.text);
		return false;
	}
	gate_judge(&e->gate, &e->opts, &s->trust.root.plan, e->judged_s, &r);
	if (out)
		put_result(e, &r, out);
	return r.verdict == GATE_PASS;
}
