/* SPDX-License-Identifier: Apache-2.0 */
/* disasm: the programs of a file as text, which asm reads. */
#include "cli/disasm_native.h"

#include <getopt.h>

#include "engine/asm/asm.h"

const char cmd_disasm_help[] =
	"usage: sallyport disasm FILE [--prog NAME] [--source] [--bytes] [--raw] [--json]\n"
	"       sallyport disasm FILE --jit[=TARGET] [--verified] [--prog NAME] [--source] [--raw]\n"
	"\n"
	"Show programs as LLVM's assembly with the names of functions, maps and helpers.\n"
	"FILE is an object, a text of assembly, or bare instructions. What is shown of one\n"
	"program, 'sallyport asm' reads.\n"
	"\n"
	"  --prog NAME      only this program\n"
	"  --source         source lines, as comments, before what was made of them\n"
	"  --bytes          each instruction's bytes beside it\n"
	"  --raw            FILE is bare instructions, whatever it looks like\n"
	"  --jit[=TARGET]   native code beside the instructions that it was made of; TARGET is\n"
	"                   x86-64 or aarch64, or unless said this machine. Mnemonics are\n"
	"                   there when objdump is\n"
	"  --verified       the native code of a verified program, without checks\n"
	"  --json           one object with the instructions of each program\n"
	"\n"
	"Exit code 0: shown. 1: the file cannot be read as programs.\n";

enum { LISTING_MAX = 512 << 20 };

struct disasm_args {
	const char *path, *prog;
	bool raw, json, jit;
	struct native_opts native;
	unsigned flags;
};

static void json_insn(struct json *j, const struct prog *p, uint32_t slot)
{
	const struct prog_line *line = prog_line_at(p, slot);
	const struct isa_insn *in = &p->insns[slot];
	struct buf b;

	buf_init(&b, 4096);
	json_object(j);
	json_key(j, "bytes");
	asm_encode(in, 1, &b);
	{
		char hex[33] = "";

		for (size_t i = 0; i < b.len && i < 16; i++)
			(void)snprintf(hex + 2 * i, 3, "%02x", (uint8_t)b.p[i]);
		json_str(j, hex);
	}
	if (line && line->line) {
		json_key(j, "file");
		json_str(j, line->file);
		json_key(j, "line");
		json_u64(j, line->line);
	}
	json_key(j, "slot");
	json_u64(j, slot);
	buf_reset(&b);
	asm_print(in, slot, p, &b);
	json_key(j, "text");
	json_str(j, b.p);
	json_end_object(j);
	buf_done(&b);
}

static void put_json(struct json *j, const struct prog *p)
{
	json_object(j);
	json_key(j, "functions");
	json_array(j);
	for (uint32_t i = 0; i < p->n_funcs; i++) {
		json_object(j);
		json_key(j, "name");
		json_str(j, p->funcs[i].name);
		json_key(j, "slot");
		json_u64(j, p->funcs[i].start);
		json_end_object(j);
	}
	json_end_array(j);
	json_key(j, "instructions");
	json_array(j);
	for (uint32_t i = 0; i < p->n_insns; i++)
		if (p->insns[i].sem != ISA_PAD)
			json_insn(j, p, i);
	json_end_array(j);
	json_key(j, "name");
	json_str(j, p->name);
	json_key(j, "section");
	json_str(j, p->section);
	json_end_object(j);
}

static int show(const struct disasm_args *a, const struct program_file *f, const struct prog *one)
{
	struct json j;
	struct buf out;

	buf_init(&out, LISTING_MAX);
	json_init(&j, &out);
	if (a->json) {
		json_object(&j);
		json_key(&j, "programs");
		json_array(&j);
	}
	for (uint32_t i = 0; i < f->n_progs; i++) {
		const struct prog *p = &f->progs[i];

		if (one && p != one)
			continue;
		if (a->json) {
			put_json(&j, p);
			continue;
		}
		if (out.len)
			buf_putc(&out, '\n');
		if (f->n_progs > 1 && !one) {
			buf_puts(&out, "; program ");
			buf_put_safe(&out, p->name, strlen(p->name));
			buf_printf(&out, ": %u slots\n", p->n_insns);
		}
		asm_list(p, a->flags, &out);
	}
	if (a->json) {
		json_end_array(&j);
		json_end_object(&j);
	}
	return cli_print(&out);
}

static int show_native(const struct disasm_args *a, const struct program_file *f, const struct prog *one)
{
	struct buf out;
	int code = 0;

	buf_init(&out, LISTING_MAX);
	for (uint32_t i = 0; i < f->n_progs && !code; i++)
		if (!one || one == &f->progs[i])
			code = native_list(f, &f->progs[i], &a->native, &out);
	if (!code)
		return cli_print(&out);
	buf_done(&out);
	return code;
}

static int run(const struct disasm_args *a)
{
	const struct prog *p = NULL;
	struct program_file f;
	int code = program_file_read(a->path, a->raw, &f);

	if (!code)
		code = program_file_pick(&f, a->path, a->prog, &p);
	if (!code)
		code = (a->jit ? show_native : show)(a, &f, a->prog ? p : NULL);
	program_file_done(&f);
	return code;
}

int cmd_disasm(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "prog", required_argument, NULL, 'p' }, { "source", no_argument, NULL, 's' },
		{ "bytes", no_argument, NULL, 'b' },      { "raw", no_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },       { "jit", optional_argument, NULL, 'n' },
		{ "verified", no_argument, NULL, 'v' },   { 0 },
	};
	struct disasm_args a = { .flags = ASM_SLOTS };
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'n') {
			a.jit = true;
			if (!native_target(optarg, &a.native.target))
				return cli_fail(CLI_USAGE, "--jit takes x86-64 or aarch64%s",
						optarg ? "" : "; this machine is neither");
		} else if (c == 'v')
			a.native.verified = true;
		else if (c == 'p')
			a.prog = optarg;
		else if (c == 's')
			a.flags |= ASM_LINES;
		else if (c == 'b')
			a.flags |= ASM_BYTES;
		else if (c == 'r')
			a.raw = true;
		else if (c == 'j')
			a.json = true;
		else
			return cli_usage("disasm");
	}
	if (optind + 1 != argc) {
		(void)cli_fail(CLI_USAGE, "one file is needed");
		return cli_usage("disasm");
	}
	if (a.jit ? a.json || a.flags & ASM_BYTES : a.native.verified) {
		(void)cli_fail(CLI_USAGE,
			       a.jit ? "--jit goes with neither --json nor --bytes" : "--verified goes with --jit");
		return cli_usage("disasm");
	}
	a.native.lines = a.flags & ASM_LINES;
	a.path = argv[optind];
	return run(&a);
}
