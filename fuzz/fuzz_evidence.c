/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_evidence: any bytes as evidence; what is read is judged, and written again to the same bytes. */
#include <stdlib.h>

#include "release/gate/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct gate_evidence e;
	struct gate_result r;
	struct buf again;
	struct diag d;

	diag_init(&d);
	if (gate_read_evidence(view_of(p, n), &e, &d) != E_OK) {
		if (!d.text[0])
			abort();
		return 0;
	}
	gate_judge(&e.gate, &e.opts, &plan_default, e.judged_s, &r);
	buf_init(&again, GATE_EVIDENCE_MAX_BYTES);
	if (gate_write_evidence(&e, &again, &d) != E_OK || again.len != n || memcmp(again.p, p, n) != 0)
		abort();
	buf_done(&again);
	return 0;
}
