/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin: runs one program for the public bpf_conformance suite.
 *
 * The suite's runner starts it for each test: the memory as an argument, in hex, and the program on standard input, in
 * hex, as bare instructions or (--elf) as an object. The program gets r1 = the memory or NULL, r2 = its bytes, and one
 * helper: number 5 gives back its argument, and ends the program when that is 0. R0 goes to standard output in hex.
 * Exit code 0 then; 1: the program was refused or failed, said on standard error; 2: wrong use.
 * Source: bpf_conformance, docs/DevelopmentGuide.md and lib/src/bpf_conformance.cc, f558566 (March 2026).
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "engine/abi/abi.h"
#include "engine/helpers/helpers.h"
#include "engine/jit/jit.h"
#include "engine/obj/obj.h"
#include "engine/vm/vm.h"

enum { MAX_INPUT = 64 << 20, ARENA_MAX = 512 << 20, UNWIND = 5, FUEL = 100000000 };

static const char usage[] = "usage: sallyport-conformance-plugin [MEMORY] [--interpreter|--jit|--sandboxed]\n"
			    "                                     [--elf]\n"
			    "\n"
			    "Run the program on standard input (hex) for the bpf_conformance suite.\n"
			    "\n"
			    "  --interpreter    checked; so it is unless said\n"
			    "  --sandboxed      as native code with the same checks in it\n"
			    "  --jit            as native code of a verified program: without checks, and without\n"
			    "                   the proof, so only for programs that are trusted\n"
			    "  --elf            the program is an object, not bare instructions\n";

enum way { INTERPRETER, SANDBOXED, JIT };

/* A run's environment, and that the program ended itself. */
struct own_env {
	struct helper_env env; /* first: the helper gets this */
	bool unwound;
};

struct job {
	struct arena arena;
	struct buf memory, program; /* bytes */
	struct jit_image *image;
	enum way way;
	bool has_memory, elf;
	struct diag d;
};

static uint64_t unwind(HELPER_ARGS(value))
{
	/* A handle that names nothing ends the program; nothing else of this environment does. */
	if (!value) {
		env->bad_handle = true;
		((struct own_env *)(void *)env)->unwound = true;
	}
	return value;
}

static helper_fn *lookup(uint32_t id)
{
	return id == UNWIND ? unwind : NULL;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Pairs of digits with any blanks between them. */
static bool parse_hex(const char *p, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len;) {
		if (is_blank(p[i])) {
			i++;
			continue;
		}
		if (i + 1 >= len || hex(p[i]) < 0 || hex(p[i + 1]) < 0)
			return false;
		buf_putc(out, (char)(hex(p[i]) << 4 | hex(p[i + 1])));
		i += 2;
	}
	return !out->full;
}

static FALLIBLE read_program(struct job *k, struct prog *out)
{
	static const struct obj_opts text = { .text_programs = true };
	struct view v = view_of(k->program.p, k->program.len);
	const struct prog *p;
	struct obj o;

	if (!k->elf)
		return prog_from_code(v, "main", &k->arena, out, &k->d);
	TRY(obj_read(v, "standard input", NULL, &k->arena, &o, &k->d));
	if (!o.n_progs)
		TRY(obj_read(v, "standard input", &text, &k->arena, &o, &k->d));
	p = obj_prog(&o, "main");
	if (!p && !o.n_progs)
		FAIL(&k->d, NOT_FOUND, "the object holds no program");
	*out = p ? *p : o.progs[0];
	return E_OK;
}

static FALLIBLE compile(struct job *k, struct vm_prog *vp)
{
	struct jit_opts o = {
		.target = jit_host(), .features = jit_host_features(), .sandboxed = k->way == SANDBOXED, .fuel = true
	};
	struct jit_code code;

	if (o.target == JIT_N_TARGETS)
		FAIL(&k->d, UNSUPPORTED, "there is no compiler for this machine");
	TRY(jit_compile(vp, &o, &k->arena, &code, &k->d));
	TRY(jit_map(&code, 1, &k->image, &k->d));
	return jit_attach(vp, k->image, 0, &k->d);
}

static FALLIBLE run_prog(struct job *k, const struct prog *p, uint64_t *ret)
{
	static const struct abi_helper helper = {
		.id = UNWIND, .name = "unwind", .args = { ABI_ARG_SCALAR }, .ret_min = INT64_MIN, .ret_max = INT64_MAX
	};
	struct abi_profile profile = abi_sallyport;
	struct vm_prog_opts o = { .profile = &profile, .lookup = lookup, .keep = true };
	struct own_env env = { .unwound = false };
	struct vm_run_args args = { .ctx_writable = true, .env = &env.env, .fuel = FUEL };
	struct vm_prog *vp = NULL;
	struct vm *v = NULL;
	enum err err;

	profile.helpers = &helper;
	profile.n_helpers = 1;
	if (p->n_maps)
		FAIL(&k->d, UNSUPPORTED, "the program has maps or data, which the suite has not");
	if (k->has_memory) {
		args.ctx = k->memory.p;
		args.ctx_bytes = k->memory.len;
	}
	err = vm_prog_new(p, &o, &vp, &k->d);
	if (err == E_OK && k->way != INTERPRETER)
		err = compile(k, vp);
	if (err == E_OK)
		err = vm_new(&v);
	if (err == E_OK)
		err = vm_run(v, vp, &args, ret, NULL, &k->d);
	if (env.unwound) {
		*ret = 0;
		err = E_OK;
	}
	vm_free(v);
	if (vp && k->image)
		jit_detach(vp);
	vm_prog_free(vp);
	jit_image_free(k->image);
	k->image = NULL;
	return err;
}

static int run(struct job *k)
{
	AUTO_FREE char *text = NULL;
	struct prog p;
	uint64_t ret = 0;
	struct buf out;
	size_t len;
	enum err err = io_read_fd(STDIN_FILENO, "standard input", MAX_INPUT, &text, &len, &k->d);

	if (err == E_OK && !parse_hex(text, len, &k->program)) {
		(void)fputs("standard input is not pairs of hexadecimal digits\n", stderr);
		return 1;
	}
	if (err == E_OK)
		err = read_program(k, &p);
	if (err == E_OK)
		err = run_prog(k, &p, &ret);
	if (err == E_OK) {
		(void)printf("%llx\n", (unsigned long long)ret);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (!k->d.text[0])
		(void)snprintf(k->d.text, sizeof k->d.text, "%s", err_text(err));
	buf_init(&out, 1 << 16);
	diag_render(&out, &k->d, false);
	(void)fputs(out.p ? out.p : err_text(err), stderr);
	buf_done(&out);
	return 1;
}

static bool parse_way(const char *arg, enum way *out)
{
	static const char *const words[] = {
		[INTERPRETER] = "--interpreter", [SANDBOXED] = "--sandboxed", [JIT] = "--jit"
	};

	for (size_t i = 0; i < countof(words); i++) {
		if (strcmp(arg, words[i]) != 0)
			continue;
		*out = (enum way)i;
		return true;
	}
	return false;
}

static int parse_args(int argc, char **argv, struct job *k)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--elf")) {
			k->elf = true;
		} else if (!strcmp(argv[i], "--help")) {
			(void)fputs(usage, stdout);
			return -1;
		} else if (argv[i][0] != '-' && !k->has_memory) {
			k->has_memory = parse_hex(argv[i], strlen(argv[i]), &k->memory);
			if (!k->has_memory) {
				(void)fputs("MEMORY is not pairs of hexadecimal digits\n", stderr);
				return 2;
			}
		} else if (!parse_way(argv[i], &k->way)) {
			(void)fprintf(stderr, "what is '%s'? --help tells\n", argv[i]);
			return 2;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct job k = { .elf = false };
	int code;

	arena_init(&k.arena, ARENA_MAX);
	buf_init(&k.memory, MAX_INPUT);
	buf_init(&k.program, MAX_INPUT);
	diag_init(&k.d);
	code = parse_args(argc, argv, &k);
	if (!code)
		code = run(&k);
	buf_done(&k.memory);
	buf_done(&k.program);
	arena_done(&k.arena);
	return code < 0 ? 0 : code;
}
