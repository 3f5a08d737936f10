/* SPDX-License-Identifier: Apache-2.0 */
/* worker_control: what a child makes sure of in the messages that the supervisor sends it; where their fields are. */
#include "agent/control.h"
#include "sensor/output/output.h"

static_assert(sizeof(struct control_msg) == CONTROL_BYTES, "docs/formats/control.md");
static_assert(sizeof(struct control_hdr) == 8, "docs/formats/control.md");
static_assert(sizeof(struct control_start) == 96, "docs/formats/control.md");
static_assert(offsetof(struct control_start, boot_to_wall_ns) == 16, "docs/formats/control.md");
static_assert(offsetof(struct control_start, hostname) == 24, "docs/formats/control.md");
static_assert(sizeof(struct control_file) == 456, "docs/formats/control.md");
static_assert(sizeof(struct control_output) == 24, "docs/formats/control.md");
static_assert(sizeof(struct control_ready) == 48, "docs/formats/control.md");
static_assert(sizeof(struct control_ask_container) == 80, "docs/formats/control.md");
static_assert(sizeof(struct control_container) == 88, "docs/formats/control.md");

static bool is_ring_size(uint32_t bytes)
{
	return bytes >= 4096 && (bytes & (bytes - 1)) == 0;
}

static FALLIBLE check_start(const struct control_start *s, struct diag *d)
{
	if (s->flags & ~(uint32_t)(CONTROL_ALL_MATCHES | CONTROL_COLOUR | CONTROL_STRICT_FALCO | CONTROL_NO_FILTER |
				   CONTROL_BUNDLES))
		FAIL(d, FORMAT, "start: unknown flags 0x%x", s->flags);
	for (uint32_t i = 0; i < WIRE_N_RINGS; i++)
		if (!is_ring_size(s->ring_bytes[i]))
			FAIL(d, FORMAT, "start: ring %u of %u bytes", i, s->ring_bytes[i]);
	if (!s->n_cpus || s->n_cpus > WIRE_MAX_CPUS)
		FAIL(d, FORMAT, "start: %u CPUs", s->n_cpus);
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

FALLIBLE worker_control_check(const struct control_packet *p, struct diag *d)
{
	const struct control_msg *m = &p->msg;

	switch (m->hdr.type) {
	case CONTROL_START:
		return check_start(&m->u.start, d);
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
	default:
		return E_OK;
	}
}
