/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_alerts: any bytes as a line of a file of alerts; what is read lies within it, and says only valid UTF-8. */
#include "sensor/output/output.h"

static void check(struct view line, struct view text)
{
	struct buf out;
	uint32_t code;
	size_t n;

	if (text.len && (text.p < line.p || text.p + text.len > line.p + line.len))
		abort();
	buf_init(&out, OUTPUT_LINE_MAX);
	output_unescape(text, &out);
	if (out.full || out.len > text.len)
		abort();
	for (size_t i = 0; i < out.len; i += n) {
		n = utf8_decode(out.p + i, out.len - i, &code);
		if (!n)
			abort();
	}
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view line = view_of(p, n);
	struct output_read r;
	uint64_t ns;

	(void)output_time_read(line, &ns);
	if (!output_json_read(line, &r))
		return 0;
	check(line, r.rule);
	check(line, r.output);
	return 0;
}
