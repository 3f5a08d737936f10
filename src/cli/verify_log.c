/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify_log: what the kernel's log would say, for tools that read it.
 *
 * The shape is that of BPF_LOG_LEVEL2 of newer releases, whatever the release that is asked: the source line, the
 * instruction as kernel/bpf/disasm.c prints it, and behind it the registers and slots that it touched; after a jump to
 * a path that waited, "from 10 to 16:" and everything that is known there. Addresses of maps are their names. What the
 * kernel prints while it marks registers precise is left out. Linux: kernel/bpf/verifier.c:do_check,
 * kernel/bpf/log.c:print_insn_state, v6.12.
 */
#include "cli/verify.h"

#include <inttypes.h>

enum { COLUMN = 40, STEP = 8 };

struct verify_log {
	struct buf *out;
	const struct prog *p;
	struct buf state, old; /* as printed, here and before the instruction at work */
	size_t line_start;     /* of the instruction printed last, in out */
	const struct prog_line *line;
	uint32_t *insn_of; /* per step */
	uint64_t room, step;
	uint32_t insn;
};

struct verify_log *verify_log_new(struct buf *out, const struct prog *p)
{
	struct verify_log *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	*l = (struct verify_log){ .out = out, .p = p };
	buf_init(&l->state, 1 << 20);
	buf_init(&l->old, 1 << 20);
	for (uint32_t i = 0; i < p->n_funcs; i++)
		buf_printf(out, "func#%u @%u\n", i, p->funcs[i].start);
	return l;
}

void verify_log_free(struct verify_log *l)
{
	if (!l)
		return;
	buf_done(&l->state);
	buf_done(&l->old);
	free(l->insn_of);
	free(l);
}

/* ---- instructions ---- */

static const char *const alu_words[] = {
	[ISA_ADD] = "+=",   [ISA_SUB] = "-=",   [ISA_MUL] = "*=",    [ISA_DIV] = "/=", [ISA_MOD] = "%=",
	[ISA_SDIV] = "s/=", [ISA_SMOD] = "s%=", [ISA_OR] = "|=",     [ISA_AND] = "&=", [ISA_XOR] = "^=",
	[ISA_LSH] = "<<=",  [ISA_RSH] = ">>=",  [ISA_ARSH] = "s>>=", [ISA_MOV] = "=",
};

static const char *size_word(unsigned width)
{
	return width == 8 ? "u8" : width == 16 ? "u16" : width == 32 ? "u32" : "u64";
}

static void put_alu(struct buf *out, const struct isa_insn *in)
{
	char r = in->width == 32 ? 'w' : 'r';

	if (in->sem == ISA_NEG)
		buf_printf(out, "%c%u = -%c%u", r, in->dst, r, in->dst);
	else if (in->sem == ISA_MOVSX)
		buf_printf(out, "%c%u = (s%u)%c%u", r, in->dst, in->aux, r, in->src);
	else if (in->sem == ISA_ADDR_CAST)
		buf_printf(out, "r%u = addr_space_cast(r%u, %u, %u)", in->dst, in->src, (uint32_t)in->imm >> 16,
			   (uint32_t)in->imm & 0xffff);
	else if (in->sem == ISA_BSWAP)
		buf_printf(out, "r%u = bswap%u r%u", in->dst, in->width, in->dst);
	else if (in->sem == ISA_END_LE || in->sem == ISA_END_BE)
		buf_printf(out, "r%u = %s%u r%u", in->dst, in->sem == ISA_END_LE ? "le" : "be", in->width, in->dst);
	else if (isa_b_is_imm(in))
		buf_printf(out, "%c%u %s %d", r, in->dst, alu_words[in->sem], (int)in->imm);
	else
		buf_printf(out, "%c%u %s %c%u", r, in->dst, alu_words[in->sem], r, in->src);
}

static void put_jump(struct buf *out, const struct isa_insn *in)
{
	static const char *const words[] = { "==", "!=", ">", ">=", "<", "<=", "s>", "s>=", "s<", "s<=", "&" };
	char r = in->width == 32 ? 'w' : 'r';

	if (in->sem == ISA_JA)
		buf_printf(out, "goto%s pc%+d", in->form == ISA_FORM_JL ? "l" : "", in->off);
	else if (in->sem == ISA_MAY_GOTO)
		buf_printf(out, "may_goto pc%+d", in->off);
	else if (isa_b_is_imm(in))
		buf_printf(out, "if %c%u %s 0x%x goto pc%+d", r, in->dst, words[in->sem - ISA_JEQ], (uint32_t)in->imm,
			   in->off);
	else
		buf_printf(out, "if %c%u %s %c%u goto pc%+d", r, in->dst, words[in->sem - ISA_JEQ], r, in->src,
			   in->off);
}

static void put_atomic(struct buf *out, const struct isa_insn *in)
{
	const char *wide = in->width == 64 ? "64" : "", *size = size_word(in->width);
	const char *name = (in->aux & 0xf0) == ISA_ATOMIC_OR    ? "or"
			   : (in->aux & 0xf0) == ISA_ATOMIC_AND ? "and"
								: "xor";
	const char *word = (in->aux & 0xf0) == ISA_ATOMIC_OR ? "|=" : (in->aux & 0xf0) == ISA_ATOMIC_AND ? "&=" : "^=";

	if ((in->aux & 0xf0) == ISA_ATOMIC_ADD) {
		name = "add";
		word = "+=";
	}
	if (in->aux == ISA_ATOMIC_CMPXCHG)
		buf_printf(out, "r0 = atomic%s_cmpxchg((%s *)(r%u %+d), r0, r%u)", wide, size, in->dst, in->off,
			   in->src);
	else if (in->aux == ISA_ATOMIC_XCHG)
		buf_printf(out, "r%u = atomic%s_xchg((%s *)(r%u %+d), r%u)", in->src, wide, size, in->dst, in->off,
			   in->src);
	else if (isa_atomic_fetches(in->aux))
		buf_printf(out, "r%u = atomic%s_fetch_%s((%s *)(r%u %+d), r%u)", in->src, wide, name, size, in->dst,
			   in->off, in->src);
	else
		buf_printf(out, "lock *(%s *)(r%u %+d) %s r%u", size, in->dst, in->off, word, in->src);
}

static void put_call(struct buf *out, const struct isa_insn *in)
{
	const char *name = in->aux == ISA_CALL_HELPER ? kernel_helper_name((uint32_t)in->imm) : NULL;

	if (in->sem == ISA_CALLX)
		buf_printf(out, "callx r%u", in->dst);
	else if (in->aux == ISA_CALL_LOCAL)
		buf_printf(out, "call pc%+d", (int)in->imm);
	else if (in->aux == ISA_CALL_KFUNC)
		buf_printf(out, "call kernel-function#%d", (int)in->imm);
	else
		buf_printf(out, "call %s%s#%d", name ? "bpf_" : "unknown", name ? name : "", (int)in->imm);
}

static void put_imm64(struct buf *out, const struct isa_insn *in, const struct prog *p)
{
	bool map = in->aux == ISA_IMM64_MAP_FD || in->aux == ISA_IMM64_MAP_VALUE;

	if (map && (uint64_t)in->imm < p->n_maps && p->maps[in->imm].name)
		buf_printf(out, "r%u = map[%s]", in->dst, p->maps[in->imm].name);
	else
		buf_printf(out, "r%u = 0x%" PRIx64, in->dst, (uint64_t)in->imm);
	if (map && in->aux == ISA_IMM64_MAP_VALUE)
		buf_printf(out, "+%d", in->off);
}

/* "(61) r6 = *(u32 *)(r1 +16)" */
static void put_insn(struct buf *out, const struct isa_insn *in, const struct prog *p)
{
	buf_printf(out, "(%02x) ", isa_rows[in->row].byte);
	switch ((enum isa_sem)in->sem) {
	case ISA_IMM64:
		put_imm64(out, in, p);
		return;
	case ISA_LDX:
	case ISA_LDXS:
		buf_printf(out, "r%u = *(%c%s *)(r%u %+d)", in->dst, in->sem == ISA_LDXS ? 's' : 'u',
			   size_word(in->width) + 1, in->src, in->off);
		return;
	case ISA_ST:
		buf_printf(out, "*(%s *)(r%u %+d) = %d", size_word(in->width), in->dst, in->off, (int)in->imm);
		return;
	case ISA_STX:
		buf_printf(out, "*(%s *)(r%u %+d) = r%u", size_word(in->width), in->dst, in->off, in->src);
		return;
	case ISA_LOAD_ACQ:
		buf_printf(out, "r%u = load_acquire((%s *)(r%u %+d))", in->dst, size_word(in->width), in->src, in->off);
		return;
	case ISA_STORE_REL:
		buf_printf(out, "store_release((%s *)(r%u %+d), r%u)", size_word(in->width), in->dst, in->off, in->src);
		return;
	case ISA_ATOMIC:
		put_atomic(out, in);
		return;
	case ISA_LD_ABS:
		buf_printf(out, "r0 = *(%s *)skb[%d]", size_word(in->width), (int)in->imm);
		return;
	case ISA_LD_IND:
		buf_printf(out, "r0 = *(%s *)skb[r%u + %d]", size_word(in->width), in->src, (int)in->imm);
		return;
	case ISA_CALL:
	case ISA_CALLX:
		put_call(out, in);
		return;
	case ISA_EXIT:
		buf_puts(out, "exit");
		return;
	default:
		if (in->sem == ISA_JA || isa_is_cond_jump(in))
			put_jump(out, in);
		else
			put_alu(out, in);
	}
}

/* ---- states ---- */

/* " R1=...", " fp-8=..." start with these; a value may have blanks in it. */
static const char *item_end(const char *item)
{
	for (const char *c = item + 1; *c; c++)
		if (*c == ' ' && ((c[1] == 'R' && c[2] >= '0' && c[2] <= '9') || !strncmp(c + 1, "fp-", 3) ||
				  !strncmp(c + 1, "refs=", 5) || !strncmp(c + 1, "cb", 2)))
			return c;
	return item + strlen(item);
}

static bool is_register(const char *item, const struct isa_insn *in)
{
	unsigned r = 0;

	if (item[1] != 'R' || sscanf(item + 2, "%u=", &r) != 1)
		return false;
	if (in->sem == ISA_CALL || in->sem == ISA_IMM64)
		return r == (in->sem == ISA_CALL ? 0u : in->dst);
	return r == in->dst ||
	       (r == in->src && in->form != ISA_FORM_RI && in->form != ISA_FORM_JRI && in->form != ISA_FORM_ST);
}

static bool has_item(const char *state, const char *item, size_t len)
{
	for (const char *c = strstr(state, " R"); c && *c; c = item_end(c))
		if ((size_t)(item_end(c) - c) == len && !memcmp(c, item, len))
			return true;
	return false;
}

/* What the instruction at work touched: the registers that it names, and whatever changed. */
static void put_touched(struct verify_log *l, const struct isa_insn *in)
{
	const char *state = l->state.p ? l->state.p : "", *old = l->old.p ? l->old.p : "";
	const char *items = strstr(state, " R");

	buf_put(l->out, state, items ? (size_t)(items - state) : strlen(state)); /* " frame1:" */
	for (const char *c = items; c && *c; c = item_end(c)) {
		size_t len = (size_t)(item_end(c) - c);

		if (!strncmp(c, " refs=", 6) || is_register(c, in) || !has_item(old, c, len))
			buf_put(l->out, c, len);
	}
}

static void put_source(struct verify_log *l, uint32_t insn)
{
	const struct prog_line *line = prog_line_at(l->p, insn);
	const char *file;
	bool same = l->line && line && l->line->line == line->line && !strcmp(l->line->file, line->file);

	l->line = line;
	if (!line || !line->text || same)
		return;
	file = strrchr(line->file, '/');
	buf_puts(l->out, "; ");
	buf_put_safe(l->out, line->text + strspn(line->text, " \t"), strlen(line->text + strspn(line->text, " \t")));
	buf_printf(l->out, " @ %s:%u\n", file ? file + 1 : line->file, line->line);
}

/* Behind the instruction printed last, whose newline is taken back. */
static void put_behind(struct verify_log *l)
{
	size_t pos = l->out->len - l->line_start; /* its newline included */
	size_t column = pos + STEP / 2 > COLUMN ? pos + STEP / 2 : COLUMN;

	column = (column + STEP - 1) / STEP * STEP;
	l->out->len--;
	buf_printf(l->out, "%*c;", (int)(column - pos - 1), ' ');
	put_touched(l, &l->p->insns[l->insn]);
	buf_putc(l->out, '\n');
}

static bool remember(struct verify_log *l, uint64_t step, uint32_t insn)
{
	uint64_t room = l->room ? l->room * 2 : 4096;
	uint32_t *grown;

	while (step >= l->room) {
		grown = realloc(l->insn_of, room * sizeof *grown);
		if (!grown)
			return false;
		memset(grown + l->room, 0, (room - l->room) * sizeof *grown);
		l->insn_of = grown;
		l->room = room;
		room *= 2;
	}
	l->insn_of[step] = insn;
	return true;
}

void verify_log_step(struct verify_log *l, const struct kverifier *v, uint32_t insn, const struct kverify_state *s)
{
	uint64_t step = kverify_step(v), before = kverify_step_before(v);

	if (!remember(l, step, insn))
		return;
	buf_reset(&l->state);
	kverify_state_print(v, s, &l->state);
	if (l->step && before == l->step)
		put_behind(l);
	else if (!before)
		buf_printf(l->out, "%u:%s\n", insn, l->state.p ? l->state.p : "");
	else
		buf_printf(l->out, "\nfrom %u to %u:%s\n", l->insn_of[before], insn, l->state.p ? l->state.p : "");
	put_source(l, insn);
	l->line_start = l->out->len;
	buf_printf(l->out, "%u: ", insn);
	put_insn(l->out, &l->p->insns[insn], l->p);
	buf_putc(l->out, '\n');
	buf_reset(&l->old);
	buf_puts(&l->old, l->state.p ? l->state.p : "");
	l->step = step;
	l->insn = insn;
}

void verify_log_end(struct verify_log *l, const struct verify_outcome *o)
{
	if (o->verdict != VERIFY_ACCEPTED)
		buf_printf(l->out, "%s\n", o->d->text);
	if (o->stats.stack_bytes)
		buf_printf(l->out, "stack depth %u\n", o->stats.stack_bytes);
	buf_printf(l->out,
		   "processed %llu insns (limit %llu) max_states_per_insn %u total_states %u "
		   "peak_states %u "
		   "mark_read %u\n",
		   (unsigned long long)o->stats.steps, (unsigned long long)o->kernel->profile->limits.steps,
		   o->stats.states_per_insn, o->stats.states_total, o->stats.states_peak, o->stats.mark_read);
}
