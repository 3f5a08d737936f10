/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases: one small program each, through every engine that there is.
 *
 * NAME.case holds several. Lines that begin with a tab are the program, in either syntax; the others are
 *   case TITLE    begins one
 *   mem HEX       the memory that r1 points to; r2 is its size. Without it both are zero
 *   fill N        N instructions that do nothing, at this place of the program
 *   r0 NUMBER     what it returns
 *   after HEX     what the memory is afterwards
 *   error ID      it is refused or fails, with this diagnostic, or one that begins so
 *   # TEXT        a comment
 * The program may call helper 5, which gives back its argument.
 */
#include "test.h"

#include <glob.h>
#include <stdlib.h>

#include "engine/asm/asm.h"
#include "engine/jit/jit.h"
#include "engine/vm/vm.h"

enum { MAX_MEM = 64, FUEL = 1000000 };

struct test_program {
	char title[200];
	struct buf text;
	uint8_t mem[MAX_MEM], after[MAX_MEM];
	size_t mem_bytes, after_bytes;
	uint64_t r0;
	char error[8];
	bool has_after, has_r0;
};

struct outcome {
	enum err err;
	uint64_t r0;
	uint8_t mem[MAX_MEM];
	char id[8];
};

static uint64_t identity(HELPER_ARGS(value))
{
	return value;
}

static helper_fn *lookup(uint32_t id)
{
	return id == 5 ? identity : NULL;
}

static enum err prepare(const struct prog *p, struct vm_prog **out, struct diag *d)
{
	static const struct abi_helper helper = {
		.id = 5, .name = "identity", .args = { ABI_ARG_SCALAR }, .ret_min = INT64_MIN, .ret_max = INT64_MAX
	};
	static struct abi_profile profile;
	struct vm_prog_opts o = { .profile = &profile, .lookup = lookup, .keep = true };

	profile = abi_sallyport;
	profile.helpers = &helper;
	profile.n_helpers = 1;
	return vm_prog_new(p, &o, out, d);
}

static enum err run_vm(struct vm_prog *vp, const struct test_program *t, struct outcome *out, struct diag *d)
{
	struct vm_run_args args = { .ctx_writable = true, .fuel = FUEL };
	struct vm *v = NULL;
	enum err err;

	memcpy(out->mem, t->mem, sizeof out->mem);
	if (t->mem_bytes) {
		args.ctx = out->mem;
		args.ctx_bytes = t->mem_bytes;
	}
	CHECK_OK(vm_new(&v));
	err = vm_run(v, vp, &args, &out->r0, NULL, d);
	vm_free(v);
	return err;
}

/* Native code of vp, which it runs from now on. */
static enum err compile(struct vm_prog *vp, bool sandboxed, bool blind, struct jit_image **out, struct diag *d)
{
	struct jit_opts o = { .target = jit_host(), .features = jit_host_features(), .sandboxed = sandboxed };
	struct jit_code code;
	struct arena a;
	enum err err;

	o.blind = blind;
	o.seed = 0x5a5a1234abcd0001;
	arena_init(&a, 256 << 20);
	err = jit_compile(vp, &o, &a, &code, d);
	if (err == E_OK)
		err = jit_map(&code, 1, out, d);
	if (err == E_OK)
		err = jit_attach(vp, *out, 0, d);
	arena_done(&a);
	return err;
}

static const struct engine {
	const char *name;
	bool native, sandboxed, blind;
} engines[] = {
	{ "interpreter", .native = false },
	{ "sandboxed", .native = true, .sandboxed = true },
	{ "sandboxed, blinded", .native = true, .sandboxed = true, .blind = true },
	/* Without checks: of what ends well. What a verifier would refuse among it is in bounds all the same. */
	{ "verified", .native = true },
	{ "verified, blinded", .native = true, .blind = true },
};

static bool is_for(const struct engine *e, const struct test_program *t)
{
	if (e->native && jit_host() == JIT_N_TARGETS)
		return false;
	return e->sandboxed || !e->native || !t->error[0];
}

static void run_on(const struct engine *e, const struct prog *p, const struct test_program *t, struct outcome *out)
{
	struct jit_image *image = NULL;
	struct vm_prog *vp = NULL;
	struct diag d;

	*out = (struct outcome){ .err = E_OK };
	diag_init(&d);
	out->err = prepare(p, &vp, &d);
	if (out->err == E_OK && e->native)
		out->err = compile(vp, e->sandboxed, e->blind, &image, &d);
	if (out->err == E_OK)
		out->err = run_vm(vp, t, out, &d);
	if (vp && image)
		jit_detach(vp);
	vm_prog_free(vp);
	jit_image_free(image);
	if (out->err != E_OK)
		(void)snprintf(out->id, sizeof out->id, "%c%03u", d.family ? d.family : '?', d.id);
}

static void judge(const struct engine *e, const struct test_program *t, const struct outcome *o)
{
	if (t->error[0]) {
		if (o->err == E_OK || strncmp(o->id, t->error, strlen(t->error)) != 0)
			fail_msg("%s: %s: want %s, got %s, r0 = %#llx", e->name, t->title, t->error, o->id,
				 (unsigned long long)o->r0);
		return;
	}
	if (o->err != E_OK || o->r0 != t->r0)
		fail_msg("%s: %s: want r0 = %#llx, got %#llx %s", e->name, t->title, (unsigned long long)t->r0,
			 (unsigned long long)o->r0, o->id);
	if (t->has_after && memcmp(o->mem, t->after, t->after_bytes) != 0)
		fail_msg("%s: %s: the memory is not as it should be", e->name, t->title);
}

static size_t hex(const char *p, uint8_t out[MAX_MEM])
{
	size_t n = 0;
	int used;

	for (unsigned v; sscanf(p, " %2x%n", &v, &used) == 1 && n < MAX_MEM; p += used)
		out[n++] = (uint8_t)v;
	return n;
}

static bool field(const char *line, const char *word, const char **value)
{
	size_t n = strlen(word);

	*value = line + n + 1;
	return !strncmp(line, word, n) && line[n] == ' ';
}

static void read_line(const char *line, struct test_program *t)
{
	const char *v;

	if (line[0] == '\t') {
		buf_puts(&t->text, line);
		buf_putc(&t->text, '\n');
	} else if (field(line, "mem", &v)) {
		t->mem_bytes = hex(v, t->mem);
	} else if (field(line, "after", &v)) {
		t->after_bytes = hex(v, t->after);
		t->has_after = true;
	} else if (field(line, "r0", &v)) {
		t->r0 = strtoull(v, NULL, 0);
		t->has_r0 = true;
	} else if (field(line, "error", &v)) {
		(void)snprintf(t->error, sizeof t->error, "%s", v);
	} else if (field(line, "fill", &v)) {
		for (unsigned long n = strtoul(v, NULL, 10); n; n--)
			buf_puts(&t->text, "\tr1 = r1\n");
	} else if (line[0] && line[0] != '#') {
		fail_msg("%s: what is '%s'?", t->title, line);
	}
}

struct tally {
	unsigned n_cases;
	bool *rows; /* of isa.def, by number: a case has it */
};

static void run_case(struct test_program *t, struct tally *tally)
{
	struct arena a;
	struct prog p;
	struct diag d;

	test_row = t->title;
	arena_init(&a, 256 << 20);
	diag_init(&d);
	if (asm_text(view_of(t->text.p, t->text.len), t->title, &a, &p, &d) != E_OK)
		fail_msg("%s: line %u: %s", t->title, d.pos.line, d.text);
	CHECK(t->has_r0 != (t->error[0] != 0));
	for (uint32_t i = 0; i < p.n_insns; i++)
		if (p.insns[i].sem != ISA_PAD)
			tally->rows[p.insns[i].row] = true;
	for (size_t i = 0; i < countof(engines); i++) {
		struct outcome o;

		if (!is_for(&engines[i], t))
			continue;
		run_on(&engines[i], &p, t, &o);
		judge(&engines[i], t, &o);
	}
	tally->n_cases++;
	arena_done(&a);
	buf_done(&t->text);
}

static void begin(struct test_program *t, const char *title)
{
	*t = (struct test_program){ .mem_bytes = 0 };
	(void)snprintf(t->title, sizeof t->title, "%s", title);
	buf_init(&t->text, 16 << 20);
}

static void run_file(const char *path, struct tally *tally)
{
	struct test_program t = { .mem_bytes = 0 };
	char *text, *line, *rest;
	const char *title;
	size_t len;
	struct diag d;

	CHECK_OK(io_read_file(path, 4 << 20, &text, &len, &d));
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (!field(line, "case", &title)) {
			read_line(line, &t);
			continue;
		}
		if (t.title[0])
			run_case(&t, tally);
		begin(&t, title);
	}
	run_case(&t, tally);
	free(text);
}

static void run_all(struct tally *tally)
{
	const char *source = getenv("SALLYPORT_SOURCE");
	char pattern[1000];
	glob_t files;

	(void)snprintf(pattern, sizeof pattern, "%s/tests/cases/*.case", source ? source : ".");
	CHECK_EQ(glob(pattern, 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		run_file(files.gl_pathv[i], tally);
	globfree(&files);
}

TEST(every_case_comes_out_as_it_says_on_every_engine_and_every_instruction_has_one)
{
	struct tally tally = { .rows = calloc(isa_n_rows, sizeof(bool)) };

	CHECK(tally.rows != NULL);
	run_all(&tally);
	CHECK(tally.n_cases > 380);
	for (size_t i = 0; i < isa_n_rows; i++) {
		test_row = isa_rows[i].name;
		CHECK(tally.rows[i]);
	}
	free(tally.rows);
}
