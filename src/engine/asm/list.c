/* SPDX-License-Identifier: Apache-2.0 */
/* list: a whole program as a text that asm_text reads back; and its bytes. */
#include "engine/asm/internal.h"

#include <stdlib.h>

enum { COMMENT_COLUMN = 40, INIT_BYTES_A_LINE = 32, MAX_LABEL = 280 };

void asm_encode(const struct isa_insn *insns, uint32_t n, struct buf *out)
{
	for (uint32_t i = 0; i < n; i++) {
		struct isa_insn in = insns[i];
		uint8_t bytes[16];

		if (in.sem == ISA_PAD)
			continue; /* the second half of what stands before it */
		if (in.sem == ISA_IMM64 && in.aux == ISA_IMM64_MAP_VALUE) {
			in.imm = (int64_t)((uint64_t)in.imm | (uint64_t)(uint32_t)in.off << 32);
			in.off = 0;
		}
		buf_put(out, bytes, isa_encode(&in, bytes));
	}
}

static bool is_plain(const char *name)
{
	if (!((name[0] | 32) >= 'a' && (name[0] | 32) <= 'z') && name[0] != '_' && name[0] != '.' && name[0] != '$')
		return false;
	for (; *name; name++)
		if (!((*name | 32) >= 'a' && (*name | 32) <= 'z') && !(*name >= '0' && *name <= '9') && *name != '_' &&
		    *name != '.' && *name != '$')
			return false;
	return true;
}

bool asm_plain_name(const char *name)
{
	static const char *const words[] = { "local", "helper", "kfunc", "runtime", "exit", "ll",  "lock",    "if",
					     "goto",  "gotol",  "call",  "callx",   "lddw", "skb", "may_goto" };

	if (!is_plain(name) || ((name[0] == 'r' || name[0] == 'w') && name[1] >= '0' && name[1] <= '9'))
		return false;
	for (size_t i = 0; i < countof(words); i++)
		if (!strcmp(name, words[i]))
			return false;
	/* Functions of LLVM's syntax: r1 = le16 r1. */
	return strncmp(name, "le", 2) != 0 && strncmp(name, "be", 2) != 0 && strncmp(name, "bswap", 5) != 0 &&
	       !strstr(name, "xchg") && strncmp(name, "atomic_", 7) != 0 && strcmp(name, "load_acquire") != 0 &&
	       strcmp(name, "addr_space_cast") != 0;
}

static void put_quoted(const char *name, struct buf *out)
{
	buf_putc(out, '"');
	for (; *name; name++) {
		uint8_t c = (uint8_t)*name;

		if (c < 32 || c >= 127 || c == '"' || c == '\\')
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, (char)c);
	}
	buf_putc(out, '"');
}

void asm_put_name(const char *name, struct buf *out)
{
	if (asm_plain_name(name))
		buf_puts(out, name);
	else
		put_quoted(name, out);
}

/* What a listing needs to know of the program. */
struct listing {
	const struct prog *p;
	unsigned flags;
	struct buf *out;
	uint8_t *leads; /* per slot: a jump, call or reference leads here */
	uint8_t *named; /* per function: its name is its own */
	char prefix[20];
};

static bool begins_with_number(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);

	return !strncmp(name, prefix, n) && name[n] >= '0' && name[n] <= '9';
}

/* A prefix for labels that no name of a function or map begins with. False: all of them are taken. */
static bool choose_prefix(struct listing *l)
{
	for (size_t n = 1; n < sizeof l->prefix; n++) {
		bool taken = false;

		memset(l->prefix, 'L', n);
		l->prefix[n] = 0;
		for (uint32_t i = 0; i < l->p->n_funcs && !taken; i++)
			taken = begins_with_number(l->p->funcs[i].name, l->prefix);
		for (uint32_t i = 0; i < l->p->n_maps && !taken; i++)
			taken = begins_with_number(l->p->maps[i].name, l->prefix);
		if (!taken)
			return true;
	}
	return false;
}

static int compare_funcs(const void *a, const void *b)
{
	const struct prog_func *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static bool is_map(const struct prog *p, const char *name)
{
	for (uint32_t i = 0; i < p->n_maps; i++)
		if (!strcmp(p->maps[i].name, name))
			return true;
	return false;
}

/* Names that two functions, or a map and a function, share would read back as something else. */
static bool find_own_names(struct listing *l)
{
	uint32_t n = l->p->n_funcs;
	const struct prog_func **by_name = calloc(n ? n : 1, sizeof *by_name);

	if (!by_name)
		return false;
	for (uint32_t i = 0; i < n; i++)
		by_name[i] = &l->p->funcs[i];
	if (n)
		qsort(by_name, n, sizeof *by_name, compare_funcs);
	for (uint32_t i = 0; i < n; i++) {
		const char *name = by_name[i]->name;
		bool twice = (i && !strcmp(by_name[i - 1]->name, name)) ||
			     (i + 1 < n && !strcmp(by_name[i + 1]->name, name));

		l->named[by_name[i] - l->p->funcs] = name[0] && !twice && !is_map(l->p, name);
	}
	free(by_name);
	return true;
}

static bool jump_target(const struct listing *l, uint32_t slot, uint32_t *out)
{
	const struct isa_insn *in = &l->p->insns[slot];
	int64_t to = (int64_t)slot + 1 + in->off;

	if (asm_target(in, slot, l->p->n_insns, out))
		return l->p->insns[*out].sem != ISA_PAD;
	if (in->sem < ISA_JA || in->sem > ISA_MAY_GOTO || to < 0 || to >= l->p->n_insns)
		return false;
	*out = (uint32_t)to;
	return l->p->insns[to].sem != ISA_PAD;
}

/* Function i when it begins at this slot, under its own name; else NULL. */
static const struct prog_func *own_func(const struct listing *l, uint32_t slot)
{
	const struct prog_func *f = prog_func_at(l->p, slot);

	return f && f->start == slot && l->named[f - l->p->funcs] ? f : NULL;
}

static void put_label(const struct listing *l, uint32_t slot, struct buf *out)
{
	const struct prog_func *f = own_func(l, slot);

	if (f)
		asm_put_name(f->name, out);
	else
		buf_printf(out, "%s%u", l->prefix, slot);
}

static void put_section(const struct listing *l)
{
	const char *name = l->p->section;

	if (!name[0] || !strcmp(name, ".text"))
		return;
	buf_puts(l->out, "\t.section\t");
	if (strpbrk(name, "\", \t\r\n;#\\") || name[0] == '.')
		put_quoted(name, l->out);
	else
		buf_puts(l->out, name);
	/* Without flags, what begins with a dot is taken for data. */
	buf_puts(l->out, name[0] == '.' ? ",\"ax\"\n" : "\n");
}

static void put_map_def(const struct listing *l, const struct prog_map *m)
{
	const char *kind = asm_map_kind(m->kind);

	buf_puts(l->out, "\t.map\t");
	asm_put_name(m->name, l->out);
	if (kind)
		buf_printf(l->out, ", %s", kind);
	else
		buf_printf(l->out, ", %u", m->kind);
	buf_printf(l->out, ", %u, %u, %u", m->key_size, m->value_size, m->max_entries);
	if (m->flags || m->n_hashes)
		buf_printf(l->out, ", %u", m->flags);
	if (m->n_hashes)
		buf_printf(l->out, ", %u", m->n_hashes);
	buf_putc(l->out, '\n');
	for (size_t i = 0; i < m->init.len; i++) {
		if (i % INIT_BYTES_A_LINE == 0) {
			buf_puts(l->out, "\t.bytes\t");
			asm_put_name(m->name, l->out);
			buf_putc(l->out, ',');
		}
		buf_printf(l->out, " %02x", m->init.p[i]);
		if (i % INIT_BYTES_A_LINE == INIT_BYTES_A_LINE - 1 || i + 1 == m->init.len)
			buf_putc(l->out, '\n');
	}
}

static bool same_line(const struct prog_line *a, const struct prog_line *b)
{
	return a->line == b->line && !strcmp(a->file ? a->file : "", b->file ? b->file : "");
}

/* Once for all that follows of the same line. Source text is somebody else's: nothing in it may end the comment. */
static void put_line(const struct listing *l, const struct prog_line *row)
{
	const char *text = row->text + strspn(row->text, " \t");

	if (row > l->p->lines && same_line(row - 1, row) && row->line)
		return;
	buf_puts(l->out, "; ");
	if (row->file && row->line) {
		buf_put_safe(l->out, row->file, strlen(row->file));
		buf_printf(l->out, ":%u: ", row->line);
	}
	buf_put_safe(l->out, text, strlen(text));
	buf_putc(l->out, '\n');
}

static void put_comment(const struct listing *l, uint32_t slot, size_t line_start)
{
	const struct isa_insn *in = &l->p->insns[slot];
	struct buf bytes;

	if (!(l->flags & (ASM_SLOTS | ASM_BYTES)))
		return;
	for (size_t col = l->out->len - line_start + 7; col < COMMENT_COLUMN; col++)
		buf_putc(l->out, ' ');
	buf_printf(l->out, " # %u", slot);
	if (!(l->flags & ASM_BYTES))
		return;
	buf_init(&bytes, 64);
	asm_encode(in, 1, &bytes);
	buf_putc(l->out, ':');
	for (size_t i = 0; i < bytes.len; i++)
		buf_printf(l->out, " %02x", (uint8_t)bytes.p[i]);
	buf_done(&bytes);
}

static void put_slot(const struct listing *l, uint32_t slot)
{
	const struct prog_line *row = l->flags & ASM_LINES ? prog_line_at(l->p, slot) : NULL;
	const struct prog_func *f = prog_func_at(l->p, slot);
	struct buf label;
	size_t start;
	uint32_t to;

	if (f && f->start == slot) {
		buf_puts(l->out, "\t.type\t");
		put_label(l, slot, l->out);
		buf_puts(l->out, ",@function\n");
	}
	if ((f && f->start == slot) || l->leads[slot]) {
		put_label(l, slot, l->out);
		buf_puts(l->out, ":\n");
	}
	if (row && row->insn == slot)
		put_line(l, row);
	start = l->out->len;
	buf_putc(l->out, '\t');
	buf_init(&label, MAX_LABEL * 4);
	if (jump_target(l, slot, &to))
		put_label(l, to, &label);
	asm_print_to(&l->p->insns[slot], slot, l->p, label.len ? label.p : NULL, l->out);
	buf_done(&label);
	put_comment(l, slot, start);
	buf_putc(l->out, '\n');
}

static bool prepare(struct listing *l)
{
	uint32_t to;

	l->leads = calloc((size_t)l->p->n_insns + 1, 1);
	l->named = calloc((size_t)l->p->n_funcs + 1, 1);
	if (!l->leads || !l->named || !find_own_names(l))
		return false;
	for (uint32_t i = 0; i < l->p->n_insns; i++)
		if (jump_target(l, i, &to))
			l->leads[to] = 1;
	return choose_prefix(l);
}

void asm_list(const struct prog *p, unsigned flags, struct buf *out)
{
	struct listing l = { .p = p, .flags = flags, .out = out };

	if (!prepare(&l)) {
		out->full = true;
	} else {
		for (uint32_t i = 0; i < p->n_maps; i++)
			put_map_def(&l, &p->maps[i]);
		put_section(&l);
		for (uint32_t i = 0; i < p->n_insns; i++)
			if (p->insns[i].sem != ISA_PAD)
				put_slot(&l, i);
	}
	free(l.leads);
	free(l.named);
}
