/* SPDX-License-Identifier: Apache-2.0 */
/* The same text and the same bytes as LLVM 19's assembler and disassembler, for what they know. */
#include "rows.h"

#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 12 };

/* What LLVM 19 has no word for, or another meaning: pseudo immediates are relocations there, calls too. */
static bool llvm_knows(const struct isa_insn *in)
{
	if (in->sem == ISA_IMM64)
		return in->aux == ISA_IMM64_VALUE;
	if (in->sem == ISA_CALL)
		return in->aux == ISA_CALL_HELPER;
	if (in->form == ISA_FORM_JL)
		return in->off == (int16_t)in->off; /* as a number */
	if (in->sem == ISA_LD_IND)
		return !in->imm;
	return in->sem != ISA_LOAD_ACQ && in->sem != ISA_STORE_REL;
}

static bool have(const char *tool)
{
	char cmd[100];

	(void)snprintf(cmd, sizeof cmd, "%s --version >/dev/null 2>&1", tool);
	return system(cmd) == 0;
}

static void need_llvm(void)
{
	if (!have("llvm-mc-19") || !have("llvm-objdump-19") || !have("llvm-objcopy-19"))
		SKIP("LLVM 19's llvm-mc, llvm-objdump and llvm-objcopy are not all here");
}

struct bed {
	char dir[40];
	struct isa_insn insns[8192];
	uint32_t n;
	struct buf text, code;
};

static void put(struct bed *b, const struct isa_insn *in, unsigned slots)
{
	buf_putc(&b->text, '\t');
	asm_print(in, b->n, NULL, &b->text);
	buf_putc(&b->text, '\n');
	asm_encode(in, slots, &b->code);
	memcpy(b->insns + b->n, in, slots * sizeof *in);
	b->n += slots;
}

static void fill(struct bed *b)
{
	buf_init(&b->text, 1 << 20);
	buf_init(&b->code, 1 << 20);
	b->n = 0;
	for (size_t i = 0; i < isa_n_rows; i++) {
		for (uint64_t k = 0; k < ROUNDS; k++) {
			struct isa_insn in[2];
			unsigned slots = rows_make(i, k, in);

			if (llvm_knows(in))
				put(b, in, slots);
		}
	}
	(void)snprintf(b->dir, sizeof b->dir, "/tmp/asm-llvm-XXXXXX");
	CHECK(mkdtemp(b->dir) != NULL);
}

static void run(const struct bed *b, const char *fmt)
{
	char cmd[400];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(cmd, sizeof cmd, fmt, b->dir, b->dir);
#pragma GCC diagnostic pop
	if (system(cmd) != 0)
		fail_msg("%s", cmd);
}

static char *read_back(const struct bed *b, const char *name, size_t *len)
{
	char path[80], *text = NULL;
	struct diag d;

	(void)snprintf(path, sizeof path, "%s/%s", b->dir, name);
	diag_init(&d);
	CHECK_OK(io_read_file(path, 8 << 20, &text, len, &d));
	return text;
}

static void done(struct bed *b)
{
	run(b, "rm -r %s");
	buf_done(&b->text);
	buf_done(&b->code);
}

static void write_file(const struct bed *b, const char *name, const char *text, size_t len)
{
	char path[80];
	struct diag d;

	diag_init(&d);
	(void)snprintf(path, sizeof path, "%s/%s", b->dir, name);
	CHECK_OK(io_replace_file(path, text, len, 0600, &d));
}

static void assemble(const struct bed *b)
{
	write_file(b, "t.s", b->text.p, b->text.len);
	run(b, "llvm-mc-19 -triple bpfel -mcpu=v4 -filetype=obj %s/t.s -o %s/t.o");
}

TEST(llvm_assembles_our_text_to_our_bytes)
{
	static struct bed b;
	size_t len;
	char *code;

	need_llvm();
	fill(&b);
	assemble(&b);
	run(&b, "llvm-objcopy-19 -O binary --only-section=.text %s/t.o %s/t.bin");
	code = read_back(&b, "t.bin", &len);
	CHECK_EQ(len, b.code.len);
	for (size_t i = 0; i < len; i += 8)
		if (memcmp(code + i, b.code.p + i, 8) != 0)
			fail_msg("slot %zu (%s) differs", i / 8, isa_rows[b.insns[i / 8].row].name);
	free(code);
	done(&b);
}

/* "     12:\ttext <symbol>": the text alone. Returns what follows the line. */
static char *next_line(char *p, uint32_t *slot, char **text)
{
	char *end = strchr(p, '\n'), *colon, *angle;

	if (!end)
		return NULL;
	*end = 0;
	*text = NULL;
	*slot = (uint32_t)strtoul(p, &colon, 10);
	if (colon == p || *colon != ':')
		return end + 1;
	*text = colon + 1 + strspn(colon + 1, " \t");
	angle = strstr(*text, " <L");
	if (!angle)
		angle = strstr(*text, " <.text");
	if (angle)
		*angle = 0;
	for (char *c = *text + strlen(*text); c > *text && (c[-1] == ' ' || c[-1] == '\t');)
		*--c = 0;
	return end + 1;
}

TEST(llvm_disassembles_our_bytes_to_our_text)
{
	static struct bed b;
	uint32_t slot = 0, n = 0;
	char *out, *text = NULL;
	size_t len;

	need_llvm();
	fill(&b);
	assemble(&b);
	run(&b, "llvm-objdump-19 --mcpu=v4 -d --no-show-raw-insn --no-print-imm-hex %s/t.o > %s/t.txt");
	out = read_back(&b, "t.txt", &len);
	for (char *p = out; p && *p;) {
		struct buf ours;

		p = next_line(p, &slot, &text);
		if (!text)
			continue;
		CHECK(slot < b.n);
		buf_init(&ours, 200);
		asm_print(&b.insns[slot], slot, NULL, &ours);
		test_row = isa_rows[b.insns[slot].row].name;
		CHECK_STR(ours.p, text);
		buf_done(&ours);
		n++;
	}
	CHECK(n > 1000);
	free(out);
	done(&b);
}

static const char source[] = "static __attribute__((noinline)) int twice(int x) { asm volatile(\"\"); return x * 2; }\n"
			     "__attribute__((section(\"xdp\"))) int f(unsigned char *p) {\n"
			     "  int sum = 0;\n"
			     "  for (int i = 0; i < 100; i++) sum += p[i] > 5 ? twice(p[i]) : ((signed char *)p)[i];\n"
			     "  __sync_fetch_and_add((long *)(p + 200), sum);\n"
			     "  *(long *)(p + 208) = 0x1122334455667788;\n"
			     "  return sum % 7;\n"
			     "}\n";

/* The section's bytes, after clang compiled the source. */
static void append_section(const struct bed *b, const char *cmd, struct buf *out)
{
	size_t len;
	char *bin;

	run(b, cmd);
	bin = read_back(b, "t.bin", &len);
	buf_put(out, bin, len);
	free(bin);
}

TEST(what_clang_writes_with_S_is_read_as_it_means_it)
{
	static struct bed b;
	struct buf want, got;
	struct arena a;
	struct prog p;
	struct diag d;
	size_t len;
	char *text;

	need_llvm();
	if (!have("clang-19"))
		SKIP("clang-19 is not here");
	fill(&b);
	write_file(&b, "t.c", source, strlen(source));
	run(&b, "clang-19 -target bpf -mcpu=v4 -O2 -S %s/t.c -o %s/t.s");
	run(&b, "clang-19 -target bpf -mcpu=v4 -O2 -c %s/t.c -o %s/t.o");
	buf_init(&want, 1 << 16);
	buf_init(&got, 1 << 16);
	append_section(&b, "llvm-objcopy-19 -O binary --only-section=xdp %s/t.o %s/t.bin", &want);
	append_section(&b, "llvm-objcopy-19 -O binary --only-section=.text %s/t.o %s/t.bin", &want);
	text = read_back(&b, "t.s", &len);
	arena_init(&a, 1 << 20);
	diag_init(&d);
	if (asm_text(view_of(text, len), "t.s", &a, &p, &d) != E_OK)
		fail_msg("line %u: %s", d.pos.line, d.text);
	CHECK_STR(p.section, "xdp");
	CHECK_STR(p.name, "f");
	CHECK_EQ(p.n_funcs, 2);
	/* A call across sections is a relocation there: the object has -1 in its place. */
	for (uint32_t i = 0; i < p.n_insns; i++) {
		if (p.insns[i].sem != ISA_CALL)
			continue;
		CHECK_EQ(i + 1 + p.insns[i].imm, p.funcs[1].start);
		p.insns[i].imm = -1;
	}
	asm_encode(p.insns, p.n_insns, &got);
	CHECK_EQ(got.len, want.len);
	CHECK(!memcmp(got.p, want.p, got.len));
	free(text);
	buf_done(&want);
	buf_done(&got);
	arena_done(&a);
	done(&b);
}
