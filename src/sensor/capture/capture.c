/* SPDX-License-Identifier: Apache-2.0 */
/* capture: which format a file is in, and the same face for both. */
#include "sensor/capture/parts.h"

enum { SCAP_SECTION = 0x0a0d0d0a };

struct capture {
	struct source *src;
	struct own *own; /* one of both */
	struct scap *scap;
	struct capture_info info;
	struct capture_stats stats;
	enum err err; /* what capture_next ended with */
	struct diag d;
};

const struct capture_diag_row capture_diags[] = {
#define DIAG(ident, id, title) { id, title },
#include "sensor/capture/diags.def"
#undef DIAG
};
const size_t capture_n_diags = countof(capture_diags);

static FALLIBLE open_format(struct capture *c, struct diag *d)
{
	uint32_t first = 0;
	struct view v;

	TRY(source_peek(c->src, sizeof OWN_MAGIC - 1, &v, d));
	(void)VIEW_READ(v, 0, &first);
	c->info.compressed = source_compressed(c->src);
	if (v.len == sizeof OWN_MAGIC - 1 && !memcmp(v.p, OWN_MAGIC, v.len))
		return own_open(c->src, &c->info, &c->stats, &c->own, d);
	if (first == SCAP_SECTION)
		return scap_open(c->src, &c->info, &c->stats, &c->scap, d);
	return source_fail(c->src, d, E_FORMAT, DIAG_KIND, 0, "neither a Sallyport capture nor a .scap file%s",
			   v.len ? "" : ": it is empty");
}

static FALLIBLE open_any(int fd, struct view bytes, const char *name, struct capture **out, struct diag *d)
{
	struct capture *c = calloc(1, sizeof *c);
	enum err err;

	if (!c)
		return E_NOMEM;
	c->info.users = c->info.groups = "";
	err = source_new(fd, bytes, name, &c->src, d);
	if (err == E_OK)
		err = open_format(c, d);
	if (err != E_OK) {
		capture_close(c);
		return err;
	}
	*out = c;
	return E_OK;
}

FALLIBLE capture_open(int fd, const char *name, struct capture **out, struct diag *d)
{
	return open_any(fd, view_of(NULL, 0), name, out, d);
}

FALLIBLE capture_open_bytes(struct view bytes, const char *name, struct capture **out, struct diag *d)
{
	return open_any(-1, bytes, name, out, d);
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	own_free(c->own);
	scap_free(c->scap);
	source_free(c->src);
	free(c);
}

const struct capture_info *capture_info(const struct capture *c)
{
	return &c->info;
}

void capture_stats(const struct capture *c, struct capture_stats *out)
{
	*out = c->stats;
}

FALLIBLE capture_next(struct capture *c, struct view *out, struct diag *d)
{
	struct wire_hdr h;

	if (c->err == E_OK) {
		diag_init(&c->d);
		c->err = c->own ? own_next(c->own, out, &c->d) : scap_next(c->scap, out, &c->d);
	}
	if (c->err != E_OK) {
		if (d)
			*d = c->d;
		return c->err;
	}
	c->stats.records++;
	memcpy(&h, out->p, sizeof h); /* both give whole headers */
	if (h.kind < WIRE_N_KINDS)
		c->stats.kinds[h.kind]++;
	return E_OK;
}

#define PUT(type) buf_printf(&b, #type " %zu\n", sizeof(struct type))

uint32_t capture_layout(void)
{
	struct buf b;
	uint32_t crc;

	buf_init(&b, 8 << 10);
	PUT(wire_hdr);
	PUT(wire_fd);
	PUT(wire_fork);
	PUT(wire_exec);
	PUT(wire_exit);
	PUT(wire_open);
	PUT(wire_memfd);
	PUT(wire_connect);
	PUT(wire_fds);
	PUT(wire_chdir);
#define FIELD(ident, name, type, source, presence, doc) LAYOUT_##source(name)
#define LAYOUT_WIRE(name) buf_puts(&b, name "\n");
#define LAYOUT_PROC(name)
#define LAYOUT_DERIVED(name)
#include "content/template/process_exec.def"
#include "content/template/process_exit.def"
#include "content/template/file_open.def"
#include "content/template/memfd_create.def"
#include "content/template/net_connect.def"
#undef FIELD
	crc = capture_crc32c(0, b.p, b.len);
	buf_done(&b);
	return crc;
}
