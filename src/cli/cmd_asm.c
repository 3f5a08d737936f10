/* SPDX-License-Identifier: Apache-2.0 */
/* asm: a text of instructions to an object, or to bare instructions. */
#include "cli/program_file.h"

#include <getopt.h>

#include "engine/asm/asm.h"

const char cmd_asm_help[] = "usage: sallyport asm FILE [-o OUT] [--raw] [--section NAME] [--name NAME]\n"
			    "                     [--license TEXT]\n"
			    "\n"
			    "Assemble a program: LLVM's syntax (r0 += r1) and that of the conformance suite\n"
			    "(add %r0, %r1), also in one file; docs/asm.md describes both. Of a test file of\n"
			    "the suite the part under '-- asm' is assembled.\n"
			    "\n"
			    "  -o OUT           where to write; unless said, FILE's name in the current\n"
			    "                   directory with .o, or .bin, at its end. '-': standard output\n"
			    "  --raw            bare instructions and no object\n"
			    "  --section NAME   of the program in the object; unless said, that of the text,\n"
			    "                   or 'sallyport/program'\n"
			    "  --name NAME      of the program; unless said, that of its first label, or\n"
			    "                   'prog'\n"
			    "  --license TEXT   what the object's license section says\n"
			    "\n"
			    "Exit code 0: written. 1: the text is not understood; the message says where.\n";

struct asm_args {
	const char *path, *out, *section, *name, *license;
	bool raw;
};

/* dir/prog.s -> prog.o */
static int default_out(const struct asm_args *a, struct arena *arena, const char **out)
{
	const char *slash = strrchr(a->path, '/'), *base = slash ? slash + 1 : a->path, *dot = strrchr(base, '.');
	int len = (int)(dot && dot > base ? (size_t)(dot - base) : strlen(base));

	*out = arena_printf(arena, "%.*s%s", len, base, a->raw ? ".bin" : ".o");
	if (!*out)
		return cli_fail(CLI_HOST, "%s", err_text(E_NOMEM));
	if (!strcmp(*out, a->path))
		return cli_fail(CLI_USAGE, "the result would be written over '%s': say where with -o", a->path);
	return 0;
}

static int make_object(const struct asm_args *a, struct program_file *f, struct buf *out)
{
	struct prog *p = &f->own;
	struct prog_func *funcs = ARENA_ARRAY(&f->arena, struct prog_func, p->n_funcs ? p->n_funcs : 1);
	struct obj_out o = { .progs = p, .n_progs = 1, .maps = p->maps, .n_maps = p->n_maps };
	struct diag d;
	enum err err;

	if (!funcs)
		return cli_fail(CLI_HOST, "%s", err_text(E_NOMEM));
	if (p->n_funcs)
		memcpy(funcs, p->funcs, p->n_funcs * sizeof *funcs);
	if (a->name)
		p->name = funcs[0].name = a->name;
	p->funcs = funcs;
	if (a->section || !strcmp(p->section, ".text"))
		p->section = a->section ? a->section : "sallyport/program";
	o.license = a->license ? a->license : "";
	diag_init(&d);
	d.subject = a->path;
	err = obj_write(&o, out, &d);
	return err == E_OK ? 0 : cli_fail_diag(err, &d);
}

static int write_out(const struct asm_args *a, struct program_file *f, struct buf *out)
{
	const char *path = a->out;
	struct diag d;
	enum err err;
	int code = 0;

	if (out->full)
		return cli_fail(CLI_REFUSED, "the result is larger than %d bytes", OBJ_MAX_BYTES);
	if (path && !strcmp(path, "-")) {
		if (fwrite(out->p, 1, out->len, stdout) == out->len && fflush(stdout) == 0)
			return CLI_OK;
		return cli_fail(CLI_HOST, "standard output cannot be written");
	}
	if (!path)
		code = default_out(a, &f->arena, &path);
	if (code)
		return code;
	diag_init(&d);
	err = io_replace_file(path, out->p ? out->p : "", out->len, 0666, &d);
	return err == E_OK ? CLI_OK : cli_fail_diag(E_HOST, &d);
}

static int run(const struct asm_args *a)
{
	struct program_file f;
	struct buf out;
	int code = program_file_read(a->path, false, &f);

	buf_init(&out, OBJ_MAX_BYTES);
	if (!code && f.is_object)
		code = cli_fail(CLI_REFUSED, "'%s' is an object already", a->path);
	if (!code && a->raw)
		asm_encode(f.own.insns, f.own.n_insns, &out);
	else if (!code)
		code = make_object(a, &f, &out);
	if (!code)
		code = write_out(a, &f, &out);
	buf_done(&out);
	program_file_done(&f);
	return code;
}

int cmd_asm(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "raw", no_argument, NULL, 'r' },
		{ "section", required_argument, NULL, 's' },
		{ "name", required_argument, NULL, 'n' },
		{ "license", required_argument, NULL, 'l' },
		{ 0 },
	};
	struct asm_args a = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "o:", opts, NULL)) != -1) {
		if (c == 'o')
			a.out = optarg;
		else if (c == 'r')
			a.raw = true;
		else if (c == 's')
			a.section = optarg;
		else if (c == 'n')
			a.name = optarg;
		else if (c == 'l')
			a.license = optarg;
		else
			return cli_usage("asm");
	}
	if (optind + 1 != argc) {
		(void)cli_fail(CLI_USAGE, "one file is needed");
		return cli_usage("asm");
	}
	if (a.raw && (a.section || a.name || a.license)) {
		(void)cli_fail(CLI_USAGE, "bare instructions have no section, name or license");
		return cli_usage("asm");
	}
	a.path = argv[optind];
	return run(&a);
}
