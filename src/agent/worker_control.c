/* SPDX-License-Identifier: Apache-2.0 */
/* worker_control: what a child makes sure of in the messages that the supervisor sends it; where their fields are. */
#include "agent/control.h"
#include "sensor/output/output.h"

static_assert(sizeof(struct control_msg) == CONTROL_BYTES, "docs/formats/control.md");
static_assert(sizeof(struct control_hdr) == 8, "docs/formats/control.md");
static_assert(sizeof(struct control_start) == 104, "docs/formats/control.md");
static_assert(offsetof(struct control_start, boot_to_wall_ns) == 16, "docs/formats/control.md");
static_assert(offsetof(struct control_start, hostname) == 24, "docs/formats/control.md");
static_assert(offsetof(struct control_start, throttle_per_minute) == 96, "docs/formats/control.md");
static_assert(sizeof(struct control_mute) == 496, "docs/formats/control.md");
static_assert(sizeof(struct control_file) == 456, "docs/formats/control.md");
static_assert(sizeof(struct control_output) == 24, "docs/formats/control.md");
static_assert(sizeof(struct control_ready) == 48, "docs/formats/control.md");
static_assert(sizeof(struct control_ask_container) == 80, "docs/formats/control.md");
static_assert(sizeof(struct control_container) == 88, "docs/formats/control.md");

static bool is_ring_size(uint32_t bytes)
{
	return bytes >= 4096 && (bytes & (bytes - 1)) == 0;
}

static FALLIBLE check_rings(const struct control_start *s, struct diag *d)
{
	for (uint32_t i = 0; i < WIRE_N_RINGS; i++)
		if (!is_ring_size(s->ring_bytes[i]))
			FAIL(d, FORMAT, "start: ring %u of %u bytes", i, s->ring_bytes[i]);
	if (!s->n_cpus || s->n_cpus > WIRE_MAX_CPUS)
		FAIL(d, FORMAT, "start: %u CPUs", s->n_cpus);
	return E_OK;
}

static FALLIBLE check_start(const struct control_packet *p, struct diag *d)
{
	const uint32_t kinds = CONTROL_SCRATCH | CONTROL_SHADOW | CONTROL_CAPTURED | CONTROL_COMPILER;
	const uint32_t all = CONTROL_ALL_MATCHES | CONTROL_COLOUR | CONTROL_STRICT_FALCO | CONTROL_NO_FILTER |
			     CONTROL_BUNDLES | CONTROL_NATIVE | kinds;
	const struct control_start *s = &p->msg.u.start;
	uint32_t kind = s->flags & kinds, needs = kind == CONTROL_COMPILER ? 0 : 4;

	if (s->flags & ~all || (kind & (kind - 1)))
		FAIL(d, FORMAT, "start: unknown flags 0x%x, or two kinds of worker", s->flags);
	if (kind == 0 || kind == CONTROL_SHADOW) {
		needs += WIRE_N_RINGS + 1;
		TRY(check_rings(s, d));
	}
	if (p->n_fds != needs && (p->n_fds != needs + 1 || kind == CONTROL_SCRATCH || kind == CONTROL_COMPILER))
		FAIL(d, FORMAT, "start: %u descriptors, %u are right", p->n_fds, needs);
	if (!memchr(s->hostname, 0, sizeof s->hostname))
		FAIL(d, FORMAT, "start: the host's name has no end");
	return E_OK;
}

static FALLIBLE check_container(const struct control_packet *p, struct diag *d)
{
	const struct control_container *c = &p->msg.u.container;

	if (!container_id_ok(c->id) || c->runtime >= CONTAINER_N_RUNTIMES || c->shape >= CONTAINER_N_SHAPES ||
	    c->have >> CONTAINER_FILES || (uint32_t)__builtin_popcount(c->have) != p->n_fds || c->again > 1)
		FAIL(d, FORMAT, "container: runtime %u, shape %u, files 0x%x, or a bad id", c->runtime, c->shape,
		     c->have);
	return E_OK;
}

static FALLIBLE check_mute(const struct control_mute *m, struct diag *d)
{
	if (m->remove > 1 || !m->rule[0] || !memchr(m->rule, 0, sizeof m->rule) || !memchr(m->key, 0, sizeof m->key) ||
	    !memchr(m->value, 0, sizeof m->value) || !memchr(m->reason, 0, sizeof m->reason))
		FAIL(d, FORMAT, "mute: no rule, a text without end, or remove %u", m->remove);
	return E_OK;
}

FALLIBLE worker_control_check(const struct control_packet *p, struct diag *d)
{
	const struct control_msg *m = &p->msg;

	switch (m->hdr.type) {
	case CONTROL_START:
		return check_start(p, d);
	case CONTROL_FILE:
		if (m->u.file.index >= CONTROL_MAX_FILES || !memchr(m->u.file.name, 0, sizeof m->u.file.name))
			FAIL(d, FORMAT, "file: index %u, or a name without end", m->u.file.index);
		return E_OK;
	case CONTROL_OUTPUT:
		if (m->u.output.index >= CONTROL_MAX_OUTPUTS || m->u.output.format > OUTPUT_BOTH)
			FAIL(d, FORMAT, "output: index %u, format %u", m->u.output.index, m->u.output.format);
		return E_OK;
	case CONTROL_LOAD:
		if (m->u.load.n_files > CONTROL_MAX_FILES)
			FAIL(d, FORMAT, "load: %u files", m->u.load.n_files);
		return E_OK;
	case CONTROL_CONTAINER:
		return check_container(p, d);
	case CONTROL_CAPTURE:
		if (m->u.capture.records_per_s > CONTROL_MAX_RATE)
			FAIL(d, FORMAT, "capture: %u records a second", m->u.capture.records_per_s);
		return E_OK;
	case CONTROL_NOTE:
		if (!memchr(m->u.note.rule, 0, sizeof m->u.note.rule) ||
		    !memchr(m->u.note.text, 0, sizeof m->u.note.text))
			FAIL(d, FORMAT, "note: a text without end");
		return E_OK;
	case CONTROL_MUTE:
		return check_mute(&m->u.mute, d);
	default:
		return E_OK;
	}
}
