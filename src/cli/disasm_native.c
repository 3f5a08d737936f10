/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disasm_native: the listing of native code.
 *
 * Bytes come from the compiler, as does which instruction they were made of. Mnemonics are binutils': objdump is asked
 * when it is there and knows the target; else the bytes stand alone, and the listing says so.
 */
#include "cli/disasm_native.h"

#include <stdlib.h>
#include <unistd.h>

#include "cli/exec.h"
#include "engine/asm/asm.h"

enum { BYTES_A_LINE = 16, MNEMONIC_COLUMN = 60, COMMAND_MAX = 200, BIG_ARENA = 1 << 30 };

/* One machine instruction as objdump tells it. */
struct word {
	uint32_t at;
	const char *text;
};

struct native {
	const struct prog *p;
	const struct native_opts *o;
	struct jit_code code;
	struct arena arena;
	const struct word *words;
	size_t n_words;
	struct buf *out;
};

bool native_target(const char *name, enum jit_target *out)
{
	if (!name) {
		*out = jit_host();
		return *out != JIT_N_TARGETS;
	}
	for (unsigned t = 0; t < JIT_N_TARGETS; t++) {
		if (strcmp(name, jit_target_name((enum jit_target)t)) != 0)
			continue;
		*out = (enum jit_target)t;
		return true;
	}
	return false;
}

/* "   1f:\tmov    %rsp,%rbp": its offset and its text. */
static bool parse_word(struct native *n, char *line, struct word *out)
{
	char *end, *text;

	out->at = (uint32_t)strtoul(line, &end, 16);
	if (end == line || *end != ':')
		return false;
	text = end + 1 + strspn(end + 1, " \t");
	for (size_t len = strlen(text); len && strchr(" \t\n", text[len - 1]);)
		text[--len] = 0;
	for (char *tab = text; (tab = strchr(tab, '\t')) != NULL;)
		*tab = ' '; /* binutils put one behind each mnemonic of aarch64 */
	out->text = arena_strndup(&n->arena, text, strlen(text));
	return out->text && out->at < n->code.code.len;
}

static void read_words(struct native *n, FILE *from)
{
	struct word *words = NULL, *to;
	size_t n_words = 0, cap = 0, size = 0;
	char *line = NULL;
	struct word w;

	while (getline(&line, &size, from) > 0) {
		if (!parse_word(n, line, &w) || (n_words && words[n_words - 1].at >= w.at))
			continue;
		to = arena_grow(&n->arena, words, n_words, &cap, sizeof *to);
		if (!to)
			break;
		words = to;
		words[n_words++] = w;
	}
	free(line);
	n->words = words;
	n->n_words = n_words;
}

/* Whatever goes wrong here leaves the listing without mnemonics. */
static void ask_objdump(struct native *n)
{
	static const char *const tools[] = {
		[JIT_X86_64] = "objdump -D -b binary -m i386:x86-64",
		[JIT_AARCH64] = "$(command -v aarch64-linux-gnu-objdump || echo objdump) -D -b binary -m aarch64",
	};
	char path[] = "/tmp/sallyport-native-XXXXXX", command[COMMAND_MAX];
	int fd = mkstemp(path);
	FILE *from;

	if (fd < 0)
		return;
	if (io_write_all(fd, n->code.code.p, n->code.code.len) == E_OK) {
		(void)snprintf(command, sizeof command, "%s --no-show-raw-insn %s 2>/dev/null", tools[n->o->target],
			       path);
		from = popen(command, "r");
		if (from) {
			read_words(n, from);
			(void)pclose(from);
		}
	}
	(void)close(fd);
	(void)unlink(path);
}

static void put_bytes(const struct native *n, uint32_t at, uint32_t end, const char *text)
{
	size_t start = n->out->len;

	buf_printf(n->out, "\t\t%6x:", at);
	for (uint32_t i = at; i < end; i++)
		buf_printf(n->out, " %02x", n->code.code.p[i]);
	if (text) {
		for (size_t col = n->out->len - start + 14; col < MNEMONIC_COLUMN; col++)
			buf_putc(n->out, ' ');
		buf_putc(n->out, ' ');
		buf_put_safe(n->out, text, strlen(text));
	}
	buf_putc(n->out, '\n');
}

/* The first word at or after this offset. */
static size_t word_at(const struct native *n, uint32_t at)
{
	size_t lo = 0, hi = n->n_words;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (n->words[mid].at < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void put_code(const struct native *n, uint32_t at, uint32_t end)
{
	size_t w = word_at(n, at);

	while (at < end) {
		bool known = w < n->n_words && n->words[w].at == at;
		uint32_t stop = known ? (w + 1 < n->n_words ? n->words[w + 1].at : end) : at + BYTES_A_LINE;

		if (stop > end)
			stop = end;
		put_bytes(n, at, stop, known ? n->words[w].text : NULL);
		at = stop;
		w = word_at(n, at);
	}
}

static void put_source(const struct native *n, uint32_t slot)
{
	const struct prog_line *line = n->o->lines ? prog_line_at(n->p, slot) : NULL;
	const char *text;

	if (!line || line->insn != slot)
		return;
	buf_puts(n->out, "; ");
	buf_put_safe(n->out, line->file, strlen(line->file));
	buf_printf(n->out, ":%u: ", line->line);
	text = line->text + strspn(line->text, " \t");
	buf_put_safe(n->out, text, strlen(text));
	buf_putc(n->out, '\n');
}

static void put_insn(const struct native *n, uint32_t slot, const char *note)
{
	buf_putc(n->out, '\t');
	asm_print(&n->p->insns[slot], slot, n->p, n->out);
	buf_printf(n->out, "  # %u%s\n", slot, note);
}

static void put_first(const struct native *n, uint32_t slot, const char *note)
{
	const struct prog_func *f = prog_func_at(n->p, slot);

	if (f && f->start == slot) {
		buf_put_safe(n->out, f->name, strlen(f->name));
		buf_puts(n->out, ":\n");
	}
	put_source(n, slot);
	put_insn(n, slot, note);
}

/*
 * What a run of native code was made of. next: the slot after the last that was shown; those in between became nothing
 * of their own: they were folded into others, or nothing needs them.
 */
static void put_head(const struct native *n, uint32_t insn, uint32_t *next)
{
	if (insn >= n->p->n_insns) {
		buf_puts(n->out, "\t; of no instruction\n");
		return;
	}
	if (insn < *next) {
		put_insn(n, insn, ", more of it");
		return;
	}
	for (; *next < insn; (*next)++)
		if (n->p->insns[*next].sem != ISA_PAD)
			put_first(n, *next, ", nothing of its own");
	put_first(n, insn, "");
	*next = insn + 1;
}

static void list(const struct native *n)
{
	uint32_t last = 0, next = 0;

	buf_puts(n->out, "; program ");
	buf_put_safe(n->out, n->p->name, strlen(n->p->name));
	buf_printf(n->out, ": %zu bytes of %s, %s\n", n->code.code.len, jit_target_name(n->o->target),
		   n->o->verified ? "verified" : "sandboxed");
	if (!n->n_words)
		buf_puts(n->out, "; no mnemonics: there is no objdump for it here\n");
	for (uint32_t i = 0; i < n->code.n_lines; i++) {
		const struct jit_line *l = &n->code.lines[i];
		uint32_t end = i + 1 < n->code.n_lines ? l[1].native : (uint32_t)n->code.code.len;

		if (!i || l->insn != last)
			put_head(n, l->insn, &next);
		last = l->insn;
		put_code(n, l->native, end);
	}
}

int native_list(const struct program_file *f, const struct prog *p, const struct native_opts *o, struct buf *out)
{
	struct native n = { .p = p, .o = o, .out = out };
	struct jit_opts jo = { .target = o->target, .sandboxed = !o->verified, .fuel = !o->verified };
	struct exec_set set;
	struct diag d;
	enum err err;
	int code = 0;

	arena_init(&n.arena, BIG_ARENA);
	diag_init(&d);
	if (o->target == jit_host())
		jo.features = jit_host_features();
	err = exec_load(&set, f, p, &d);
	if (err == E_OK)
		err = jit_compile(set.vp, &jo, &n.arena, &n.code, &d);
	if (err != E_OK)
		code = cli_fail_diag(err, &d);
	if (!code) {
		ask_objdump(&n);
		list(&n);
	}
	exec_unload(&set);
	arena_done(&n.arena);
	return code;
}
