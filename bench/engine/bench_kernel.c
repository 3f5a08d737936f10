/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_kernel: the programs in the running kernel. What its test run costs around a program is what `empty` takes;
 * bench_engine.c subtracts it.
 */
#include "bench.h"

#include "base/base.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

struct bench_kernel {
	struct bpf_object *obj;
	int fd, buffer; /* the program's, its map's */
};

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

const char *bench_kernel_why_not(void)
{
	/* r0 = 0; exit */
	static const struct bpf_insn two[] = { { .code = 0xb7 }, { .code = 0x95 } };
	int fd;

	(void)libbpf_set_print(silent);
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "sallyport_bench", "GPL", two, countof(two), NULL);
	if (fd < 0)
		return strerror(errno);
	(void)close(fd);
	return NULL;
}

static int buffer_of(struct bpf_object *obj)
{
	struct bpf_map *m;

	bpf_object__for_each_map(m, obj)
	{
		if (strstr(bpf_map__name(m), ".bss") && bpf_map__value_size(m) == BENCH_BUF_BYTES)
			return bpf_map__fd(m);
	}
	return -1;
}

struct bench_kernel *bench_kernel_load(const char *path)
{
	struct bench_kernel *k = calloc(1, sizeof *k);
	struct bpf_program *p;

	if (!k)
		return NULL;
	k->obj = bpf_object__open_file(path, NULL);
	if (k->obj && !bpf_object__load(k->obj)) {
		p = bpf_object__next_program(k->obj, NULL);
		k->fd = p ? bpf_program__fd(p) : -1;
		k->buffer = buffer_of(k->obj);
		if (k->fd >= 0 && k->buffer >= 0)
			return k;
	}
	fprintf(stderr, "bench-engine: the kernel does not take %s: %s\n", path, strerror(errno));
	bench_kernel_free(k);
	return NULL;
}

void bench_kernel_free(struct bench_kernel *k)
{
	if (!k)
		return;
	bpf_object__close(k->obj);
	free(k);
}

void bench_kernel_fill(const struct bench_kernel *k, const uint8_t *mem)
{
	if (bpf_map_update_elem(k->buffer, &(uint32_t){ 0 }, mem, BPF_ANY))
		exit(1);
}

double bench_kernel_run(const struct bench_kernel *k, unsigned repeat, uint32_t *ret)
{
	uint8_t packet[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, t, .data_in = packet, .data_size_in = sizeof packet, .repeat = (int)repeat);
	int r = bpf_prog_test_run_opts(k->fd, &t);

	if (r) {
		fprintf(stderr, "bench-engine: BPF_PROG_TEST_RUN: %s\n", strerror(-r));
		exit(1);
	}
	*ret = t.retval;
	return t.duration;
}
