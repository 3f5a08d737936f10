/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the running kernel's verifier knows of numbers after each instruction of random programs, from its log, and what
 * num knows: the same, bound by bound. Only where the kernel is of a release that is modelled, and bpf(2) is granted.
 * SALLYPORT_NUM_PROGRAMS: how many programs.
 */
#include "test.h"

#include "num_programs.h"

#include "engine/kverify/num.h"

#include <bpf/bpf.h>
#include <ctype.h>
#include <stdlib.h>
#include <sys/utsname.h>

enum { LOG_BYTES = 1 << 20, PROGRAMS = 400 };

static const struct kernel_profile *running_kernel(void)
{
	struct utsname u;
	const struct kernel_profile *k;
	unsigned major, minor;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return NULL;
	k = kernel_profile(u.release);
	return k && k->measured ? k : NULL;
}

/* ---- the kernel's side ---- */

static bool load(const struct num_program *p, char *log)
{
	static _Alignas(8) uint8_t code[NUM_MAX_INSNS * ISA_SLOT_BYTES];
	LIBBPF_OPTS(bpf_prog_load_opts, o, .log_buf = log, .log_size = LOG_BYTES, .log_level = 2);
	uint32_t n = num_program_encode(p, code);
	int fd;

	log[0] = '\0';
	fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "num", "GPL", (const void *)code, n, &o);
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

/*
 * "R6_w=scalar(id=3,smin=..." after `at`, without id and precision, in out. False: this text says nothing of the
 * register.
 */
static bool find_reg(const char *line, size_t len, unsigned reg, char *out, size_t room)
{
	char name[8];
	const char *at = line, *end = line + len;
	size_t n = 0;

	(void)snprintf(name, sizeof name, "R%u", reg);
	for (;; at++) {
		at = memmem(at, (size_t)(end - at), name, strlen(name));
		if (!at)
			return false;
		if ((at == line || at[-1] == ' ') && (at[2] == '=' || at[2] == '_'))
			break;
	}
	at = (const char *)memchr(at, '=', (size_t)(end - at)) + 1;
	if (*at == 'P')
		at++;
	for (int depth = 0; at < end && (depth || !isspace((unsigned char)*at)); at++) {
		depth += (*at == '(') - (*at == ')');
		if (!strncmp(at, "id=", 3) && n && out[n - 1] == '(') {
			at += strcspn(at, ",)");
			if (*at == ',')
				continue;
			depth -= *at == ')';
		}
		if (n + 1 < room)
			out[n++] = *at;
	}
	out[n] = '\0';
	return true;
}

/* ---- ours ---- */

static void show(const struct knum *n, char *out, size_t room)
{
	int64_t v = (int64_t)n->t.value;
	struct buf b;

	buf_init(&b, room);
	if (knum_is_const(n) && v >= INT16_MIN && v <= INT16_MAX) {
		buf_printf(&b, "%lld", (long long)v);
	} else if (knum_is_const(n)) {
		buf_printf(&b, "0x%llx", (unsigned long long)v);
	} else {
		buf_puts(&b, "scalar(");
		knum_print(n, false, &b);
		buf_putc(&b, ')');
	}
	(void)snprintf(out, room, "%s", b.p);
	buf_done(&b);
}

struct walk {
	const struct num_program *p;
	const struct knum_rules *r;
	const char *log, *main_end;
	struct knum n[ISA_N_REGS];
	uint64_t seed;
	uint32_t compared, wrong;
};

static void complain(struct walk *w, uint32_t insn, unsigned reg, const char *where, const char *got, const char *want)
{
	const struct isa_insn *in = &w->p->insns[insn];

	if (w->wrong++ < 6)
		print_message("# program %llu, instruction %u (%s dst r%u src r%u imm %lld), %s: r%u\n#   ours   %s\n# "
			      "  kernel %s\n",
			      (unsigned long long)w->seed, insn, isa_rows[in->row].name, in->dst, in->src,
			      (long long)in->imm, where, reg, got, want);
}

static void compare(struct walk *w, uint32_t insn, const char *line, size_t len, const struct knum *n,
		    const char *where)
{
	char got[512], want[512];

	for (unsigned r = NUM_FIRST; r < NUM_FIRST + NUM_REGS; r++) {
		if (!find_reg(line, len, r, want, sizeof want))
			continue;
		show(&n[r], got, sizeof got);
		w->compared++;
		if (strcmp(got, want))
			complain(w, insn, r, where, got, want);
	}
}

/* The line "12: (57) ..." of the first path. */
static const char *line_of(const struct walk *w, uint32_t insn, size_t *len)
{
	char head[16];
	const char *at = w->log;

	(void)snprintf(head, sizeof head, "\n%u: (", insn);
	at = memmem(at, (size_t)(w->main_end - at), head, strlen(head));
	if (!at)
		return NULL;
	*len = strcspn(at + 1, "\n");
	return at + 1;
}

static const char *landing_of(const struct walk *w, uint32_t insn, uint32_t to, size_t *len)
{
	char head[40];
	const char *at;

	(void)snprintf(head, sizeof head, "\nfrom %u to %u: R", insn, to);
	at = strstr(w->log, head);
	if (!at)
		return NULL;
	*len = strcspn(at + 1, "\n");
	return at + 1;
}

static void operand(const struct walk *w, const struct isa_insn *in, struct knum *out)
{
	*out = isa_b_is_imm(in) ? knum_const(w->r, (uint64_t)in->imm) : w->n[in->src];
}

/* 0 or -1: the first path goes on with -1. */
static void forked(struct walk *w, const struct isa_insn *in, struct knum *d, const struct knum *s)
{
	if (!kernel_has(w->r->kernel, KERNEL_FORK_BITWISE) || (in->sem != ISA_AND && in->sem != ISA_OR) ||
	    !knum_is_const(s))
		return;
	if (d->smin == -1 && d->smax == 0)
		*d = knum_const(w->r, UINT64_MAX);
	else if (d->smin32 == -1 && d->smax32 == 0)
		knum_put_const32(w->r, d, UINT32_MAX);
}

static void step_alu(struct walk *w, const struct isa_insn *in)
{
	struct knum *d = &w->n[in->dst], s;
	bool swap = in->sem == ISA_END_LE || in->sem == ISA_END_BE || in->sem == ISA_BSWAP;

	if (in->sem == ISA_MOV) {
		*d = knum_const(w->r, (uint32_t)in->imm);
	} else if (in->sem == ISA_MOVSX) {
		*d = w->n[in->src];
		knum_sext(w->r, d, in->aux / 8, in->width == 32);
		if (in->width == 32)
			knum_zext(w->r, d);
	} else if ((swap && !kernel_has(w->r->kernel, KERNEL_NUM_SWAP)) ||
		   (in->sem == ISA_NEG && !kernel_has(w->r->kernel, KERNEL_NUM_NEG))) {
		*d = knum_unknown(w->r);
	} else {
		operand(w, in, &s);
		forked(w, in, d, &s);
		(void)knum_alu(w->r, in, d, s);
	}
	if (knum_is_broken(w->r, d))
		knum_unbound(w->r, d);
}

static void unbreak(struct walk *w, struct knum *n)
{
	if (knum_is_broken(w->r, n))
		knum_unbound(w->r, n);
}

/* False: it is taken, and the first path ends. */
static bool step_jump(struct walk *w, uint32_t insn, const struct isa_insn *in)
{
	bool same = !isa_b_is_imm(in) && in->dst == in->src;
	struct knum constant, taken[ISA_N_REGS], *b = &constant, *b_taken;
	struct knum_split split;
	const char *line;
	size_t len = 0;
	int way;

	operand(w, in, &constant);
	way = knum_branch(w->r, in, &w->n[in->dst], &constant, same, &split);
	line = landing_of(w, insn, insn + 1 + in->off, &len);
	if (way >= 0) {
		if (line && w->wrong++ < 6)
			print_message("# program %llu, instruction %u (%s): decided (%d), not by the kernel\n",
				      (unsigned long long)w->seed, insn, isa_rows[in->row].name, way);
		return !way;
	}
	if (!isa_b_is_imm(in))
		b = &w->n[in->src];
	memcpy(taken, w->n, sizeof taken);
	b_taken = isa_b_is_imm(in) ? &split.b_true : &taken[in->src];
	if (isa_b_is_imm(in))
		*b_taken = constant;
	if (kernel_has(w->r->kernel, KERNEL_NUM_TRY_BOTH)) {
		w->n[in->dst] = split.a_false;
		*b = split.b_false;
		taken[in->dst] = split.a_true;
	} else {
		knum_learn(w->r, in, &taken[in->dst], b_taken, &w->n[in->dst], b);
	}
	unbreak(w, &taken[in->dst]);
	unbreak(w, b_taken);
	unbreak(w, &w->n[in->dst]);
	unbreak(w, b);
	if (!line) {
		if (w->wrong++ < 6)
			print_message("# program %llu, instruction %u (%s): not decided, but by the kernel\n",
				      (unsigned long long)w->seed, insn, isa_rows[in->row].name);
		return false;
	}
	compare(w, insn, line, len, taken, "taken");
	return true;
}

static void follow(struct walk *w)
{
	for (uint32_t i = w->p->body - 3; i < w->p->body_end && !w->wrong; i++) {
		const struct isa_insn *in = &w->p->insns[i];
		size_t len = 0;
		const char *line = line_of(w, i, &len);

		if (!line) {
			if (w->wrong++ < 6)
				print_message("# program %llu: the kernel does not come to instruction %u\n",
					      (unsigned long long)w->seed, i);
			return;
		}
		if (isa_is_cond_jump(in)) {
			if (!step_jump(w, i, in))
				return;
		} else {
			step_alu(w, in);
		}
		compare(w, i, line, len, w->n, "after it");
	}
}

TEST(the_running_kernel_knows_the_same_of_numbers)
{
	const struct kernel_profile *k = running_kernel();
	const char *how_many = getenv("SALLYPORT_NUM_PROGRAMS");
	uint64_t n = how_many ? (uint64_t)strtoull(how_many, NULL, 10) : PROGRAMS, compared = 0, wrong = 0;
	struct knum_rules rules;
	char *log = test_malloc(LOG_BYTES);

	if (!k)
		SKIP("the running kernel is of no release that is modelled");
	knum_rules_init(&rules, k);
	for (uint64_t seed = 0; seed < n; seed++) {
		struct num_program p;
		struct walk w = { .p = &p, .r = &rules, .log = log, .seed = seed };

		num_program_make(&p, seed, true);
		if (!load(&p, log)) {
			if (!seed && !log[0])
				SKIP("bpf(2) is not granted");
			print_message("# program %llu is refused: %s\n", (unsigned long long)seed, log);
			wrong++;
			continue;
		}
		w.main_end = strstr(log, "\nfrom ");
		if (!w.main_end)
			w.main_end = log + strlen(log);
		for (unsigned r = 0; r < ISA_N_REGS; r++)
			w.n[r] = knum_unknown(&rules);
		follow(&w);
		compared += w.compared;
		wrong += w.wrong;
	}
	print_message("# %llu registers of %llu programs compared, %llu differences\n", (unsigned long long)compared,
		      (unsigned long long)n, (unsigned long long)wrong);
	test_free(log);
	CHECK_EQ(wrong, 0);
	CHECK(compared > n);
}
