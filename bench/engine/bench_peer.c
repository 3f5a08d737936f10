/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_peer: the programs in another runtime, as processes.
 *
 * Protocol: the memory is the first argument and the program is standard input, both in hex with two spaces after each
 * byte, R0 comes back in hex. Source: bpf_conformance, lib/src/bpf_conformance.cc, f558566 (March 2026). Its only
 * helper is number 5, which may end the program: a program with helper calls is not run.
 */
#include "bench.h"
#include "engine/prog/prog.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MAX_ARGS = 16,
	WRAPPER_SLOTS = 9,
	FIRST_CALLS = 16,
	MAX_CALLS = 1 << 28,
	MAX_SECONDS = 20, /* of CPU, of a process */
};
#define ENOUGH_NS 20e6

struct bench_peer {
	const char *cmd;
	char *words;          /* cmd, cut */
	char *argv[MAX_ARGS]; /* NULL last */
	char *memory;         /* hex */
	char *once, *many;    /* programs, hex */
	uint32_t calls;       /* in many; 0: it has run none yet, and what it says is of interest */
};

static char *to_hex(const uint8_t *p, size_t n)
{
	char *text = malloc(4 * n + 1), *at = text;

	if (!text)
		exit(1);
	for (size_t i = 0; i < n; i++, at += 4)
		(void)snprintf(at, 5, "%02x  ", p[i]);
	return text;
}

static struct isa_insn insn(struct isa_insn in, unsigned dst, unsigned src, int32_t off, int64_t imm)
{
	in.dst = (uint8_t)dst;
	in.src = (uint8_t)src;
	in.off = off;
	in.imm = imm;
	return in;
}

/* r0 = what the last of `calls` calls of p(memory, bytes) gives */
static char *wrap(const struct prog *p, uint32_t calls)
{
	struct isa_insn mov = isa_make(ISA_MOV, 64, ISA_FORM_RR, 0);
	const struct isa_insn head[WRAPPER_SLOTS] = {
		insn(mov, 6, 1, 0, 0),
		insn(mov, 7, 2, 0, 0),
		insn(isa_make(ISA_MOV, 64, ISA_FORM_RI, 0), 8, 0, 0, calls),
		insn(mov, 1, 6, 0, 0),
		insn(mov, 2, 7, 0, 0),
		insn(isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_LOCAL), 0, 0, 0, 3),
		insn(isa_make(ISA_ADD, 64, ISA_FORM_RI, 0), 8, 0, 0, -1),
		insn(isa_make(ISA_JNE, 64, ISA_FORM_JRI, 0), 8, 0, -5, 0),
		insn(isa_make(ISA_EXIT, 64, ISA_FORM_N, 0), 0, 0, 0, 0),
	};
	uint8_t *code = malloc((size_t)(WRAPPER_SLOTS + p->n_insns) * ISA_SLOT_BYTES + ISA_SLOT_BYTES);
	size_t at = 0;
	char *text;

	if (!code)
		exit(1);
	for (uint32_t i = 0; i < WRAPPER_SLOTS; i++)
		at += isa_encode(&head[i], code + at);
	for (uint32_t i = 0; i < p->n_insns; i++)
		if (p->insns[i].sem != ISA_PAD)
			at += isa_encode(&p->insns[i], code + at);
	text = to_hex(code, at);
	free(code);
	return text;
}

/* In the child. */
static void become(const struct bench_peer *peer, int in, int out)
{
	struct rlimit cpu = { MAX_SECONDS, MAX_SECONDS };

	(void)setrlimit(RLIMIT_CPU, &cpu);
	if (peer->calls && !freopen("/dev/null", "w", stderr))
		_exit(127);
	if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
		(void)execvp(peer->argv[0], peer->argv);
	_exit(127);
}

static int file_with(const char *text)
{
	int fd = memfd_create("bench-peer", MFD_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)
		exit(1);
	return fd;
}

/* CPU time of a process that ran it, or -1: it failed. */
static double run(const struct bench_peer *peer, const char *program, uint64_t *ret)
{
	char text[64] = "", *end;
	int in = file_with(program), out = file_with("");
	struct rusage u;
	int status = 0;
	ssize_t n;
	pid_t pid = fork();

	if (!pid)
		become(peer, in, out);
	if (pid < 0 || wait4(pid, &status, 0, &u) != pid)
		exit(1);
	n = pread(out, text, sizeof text - 1, 0);
	(void)close(in);
	(void)close(out);
	if (status || n <= 0)
		return -1;
	*ret = strtoull(text, &end, 16);
	if (end == text)
		return -1;
	return 1e9 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       1e3 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static uint64_t native_result(const struct bench_subject *s, uint32_t calls)
{
	static _Alignas(64) uint8_t mem[BENCH_BUF_BYTES];
	uint64_t r = 0;

	bench_fill(mem);
	for (uint32_t i = 0; i < calls; i++)
		r = s->native[GCC](mem, sizeof mem);
	return r;
}

/* Whether it runs so many calls to the right result; *ns: what more than one call takes. */
static bool try_calls(struct bench_peer *peer, const struct bench_subject *s, uint32_t calls, double *ns)
{
	uint64_t got = 0, one = 0, want = native_result(s, calls);
	double once = run(peer, peer->once, &one), many = run(peer, peer->many, &got);

	if (once < 0 || many < 0) {
		if (!peer->calls)
			fprintf(stderr, "bench-engine: '%s' does not run %s %u times\n", peer->cmd, s->name, calls);
		return false;
	}
	*ns = many - once;
	if (got == want && one == native_result(s, 1))
		return true;
	fprintf(stderr, "bench-engine: '%s', %s, %u calls: got %#llx, gcc's code %#llx\n", peer->cmd, s->name, calls,
		(unsigned long long)got, (unsigned long long)want);
	return false;
}

/* More calls until they take long enough beside what starting a process does, or the peer takes no more of them. */
static bool find_calls(struct bench_peer *peer, const struct bench_subject *s, const struct prog *p)
{
	uint32_t calls = FIRST_CALLS;
	double ns = 0;

	for (;;) {
		char *before = peer->many;

		peer->many = wrap(p, calls);
		if (!try_calls(peer, s, calls, &ns)) {
			free(peer->many);
			peer->many = before;
			return before;
		}
		free(before);
		peer->calls = calls;
		if (ns >= ENOUGH_NS || calls >= MAX_CALLS)
			return true;
		calls *= ns > ENOUGH_NS / 4 ? 4 : 8;
	}
}

/* The protocol's order: memory, then options. */
static void cut(struct bench_peer *peer)
{
	size_t n = 0;
	char *rest = NULL;

	peer->words = strdup(peer->cmd);
	if (!peer->words)
		exit(1);
	for (char *w = strtok_r(peer->words, " ", &rest); w && n < MAX_ARGS - 2; w = strtok_r(NULL, " ", &rest)) {
		peer->argv[n++] = w;
		if (n == 1)
			peer->argv[n++] = peer->memory;
	}
	if (!n)
		exit(2);
}

static bool calls_helpers(const struct prog *p)
{
	for (uint32_t i = 0; i < p->n_insns; i++)
		if (p->insns[i].sem == ISA_CALL && p->insns[i].aux == ISA_CALL_HELPER)
			return true;
	return false;
}

struct bench_peer *bench_peer_new(const char *cmd, const struct prog *p, const struct bench_subject *s)
{
	static _Alignas(64) uint8_t mem[BENCH_BUF_BYTES];
	struct bench_peer *peer;

	if (calls_helpers(p))
		return NULL;
	peer = calloc(1, sizeof *peer);
	if (!peer)
		exit(1);
	bench_fill(mem);
	peer->cmd = cmd;
	peer->memory = to_hex(mem, sizeof mem);
	peer->once = wrap(p, 1);
	cut(peer);
	if (find_calls(peer, s, p))
		return peer;
	bench_peer_free(peer);
	return NULL;
}

void bench_peer_free(struct bench_peer *peer)
{
	if (!peer)
		return;
	free(peer->words);
	free(peer->memory);
	free(peer->once);
	free(peer->many);
	free(peer);
}

double bench_peer_sample(const struct bench_peer *peer)
{
	uint64_t ret;
	double many = run(peer, peer->many, &ret), once = run(peer, peer->once, &ret);

	if (many < 0 || once < 0) {
		fprintf(stderr, "bench-engine: '%s' failed\n", peer->cmd);
		exit(1);
	}
	return (many - once) / (peer->calls - 1);
}
