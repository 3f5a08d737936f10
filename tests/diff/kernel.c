/* SPDX-License-Identifier: Apache-2.0 */
/* kernel: a program through the running kernel's verifier and JIT, with BPF_PROG_TEST_RUN. */
#include "engines.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>

enum { PAGE = 4096, LOG_BYTES = 65536 };

static bool make_map(struct diff_bed *b, uint32_t i, uint32_t value, uint32_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = BPF_F_MMAPABLE);
	void *p;

	b->map_fd[i] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sallyport_diff", 4, value, entries, &o);
	if (b->map_fd[i] < 0)
		return false;
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, b->map_fd[i], 0);
	b->kernel_map[i] = p == MAP_FAILED ? NULL : p;
	return b->kernel_map[i];
}

bool diff_kernel_init(struct diff_bed *b, char *why_not, size_t n)
{
	_Static_assert(DIFF_CELLS * (int)DIFF_CELL <= (int)PAGE && (int)DIFF_OUT <= (int)PAGE, "each map is one page");
	if (make_map(b, 0, DIFF_OUT, 1) && make_map(b, 1, DIFF_CELL, DIFF_CELLS))
		return true;
	(void)snprintf(why_not, n, "bpf(2): %s", strerror(errno));
	diff_kernel_done(b);
	return false;
}

void diff_kernel_done(struct diff_bed *b)
{
	for (uint32_t i = 0; i < 2; i++) {
		if (b->kernel_map[i])
			(void)munmap(b->kernel_map[i], PAGE);
		if (b->map_fd[i] > 0)
			(void)close(b->map_fd[i]);
		b->kernel_map[i] = NULL;
		b->map_fd[i] = -1;
	}
}

static uint32_t encode(const struct diff_bed *b, const struct diff_code *c, uint8_t *out)
{
	size_t at = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		struct isa_insn in = c->insns[i];

		if (in.sem == ISA_PAD)
			continue;
		if (in.sem == ISA_IMM64 && in.aux)
			in.imm = b->map_fd[in.imm];
		at += isa_encode(&in, out + at);
	}
	return (uint32_t)(at / ISA_SLOT_BYTES);
}

/*
 * Linux 6.18 follows what a number depends on through a fetching atomic operation on the stack as if the operation had
 * only stored (kernel/bpf/verifier.c:backtrack_insn), compares states too loosely, and removes branches that are taken.
 * And r0 may keep its upper half over a 32-bit compare-and-exchange that succeeds, when a path on which that half
 * matters was not walked because a state like it had been (opt_subreg_zext_lo32_rnd_hi32 is then not asked to clear
 * it). What such programs leave there is no measure.
 */
static bool is_misjudged(const struct diff_code *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->insns[i].sem == ISA_ATOMIC &&
		    ((isa_atomic_fetches(c->insns[i].aux) && c->insns[i].dst == ISA_FP) ||
		     (c->insns[i].aux == ISA_ATOMIC_CMPXCHG && c->insns[i].width == 32)))
			return true;
	return false;
}

enum diff_result diff_kernel_run(struct diff_bed *b, const struct diff_code *c, struct diff_memory *m)
{
	static _Alignas(8) uint8_t bytes[DIFF_MAX_INSNS * ISA_SLOT_BYTES + 16];
	static char log[LOG_BYTES];
	LIBBPF_OPTS(bpf_prog_load_opts, o);
	LIBBPF_OPTS(bpf_test_run_opts, t);
	uint8_t packet[64] = { 0 };
	uint32_t n = encode(b, c, bytes);
	int fd, r;

	if (is_misjudged(c)) {
		(void)snprintf(b->why, sizeof b->why, "not asked");
		return DIFF_REFUSED;
	}
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "sallyport_diff", "GPL", (const void *)bytes, n, &o);
	if (fd < 0) {
		o.log_buf = log;
		o.log_size = sizeof log;
		o.log_level = 1;
		fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "sallyport_diff", "GPL", (const void *)bytes, n, &o);
	}
	if (fd < 0) {
		size_t len = strlen(log);

		(void)snprintf(b->why, sizeof b->why, "%.600s", log + (len > 600 ? len - 600 : 0));
		return DIFF_REFUSED;
	}
	memcpy(b->kernel_map[0], m->mem, sizeof m->mem);
	memcpy(b->kernel_map[1], m->cells, sizeof m->cells);
	t.data_in = packet;
	t.data_size_in = sizeof packet;
	r = bpf_prog_test_run_opts(fd, &t);
	(void)close(fd);
	if (r) {
		(void)snprintf(b->why, sizeof b->why, "BPF_PROG_TEST_RUN: %s", strerror(-r));
		return DIFF_FAULT;
	}
	memcpy(m->mem, b->kernel_map[0], sizeof m->mem);
	memcpy(m->cells, b->kernel_map[1], sizeof m->cells);
	return DIFF_RAN;
}
