/* SPDX-License-Identifier: Apache-2.0 */
/* program_file: what kind of file it is, and its programs. */
#include "cli/program_file.h"

#include <stdlib.h>

#include "engine/abi/abi.h"
#include "engine/asm/asm.h"

enum section { SECTION_NONE, SECTION_ASM, SECTION_OTHER };

/* A line of the suite's files that begins a section. */
static enum section section_line(const char *p, size_t len)
{
	while (len && (*p == ' ' || *p == '\t'))
		p++, len--;
	if (len < 2 || p[0] != '-' || p[1] != '-')
		return SECTION_NONE;
	return memmem(p, len, "asm", 3) ? SECTION_ASM : SECTION_OTHER;
}

static bool has_sections(const char *p, size_t len)
{
	for (const char *end = p + len, *eol; p < end; p = eol + 1) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol)
			eol = end;
		if (section_line(p, (size_t)(eol - p)) == SECTION_ASM)
			return true;
	}
	return false;
}

/* Make blank what is not under "-- asm", so that lines keep their numbers. */
static void keep_asm(char *p, size_t len)
{
	enum section at = SECTION_OTHER;

	for (char *end = p + len, *eol; p < end; p = eol + 1) {
		enum section s;

		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol)
			eol = end;
		s = section_line(p, (size_t)(eol - p));
		if (s != SECTION_NONE)
			at = s;
		if (s != SECTION_NONE || at != SECTION_ASM)
			memset(p, ' ', (size_t)(eol - p));
	}
}

static enum err read_text(struct program_file *f, const char *path, struct diag *d)
{
	if (has_sections(f->bytes, f->len))
		keep_asm(f->bytes, f->len);
	return asm_text(view_of(f->bytes, f->len), path, &f->arena, &f->own, d);
}

/* The runtime's helpers by name, with or without Linux's prefix. */
static bool resolve(void *user, const struct obj_extern *x, struct obj_bound *out)
{
	const char *name = x->name + (strncmp(x->name, "bpf_", 4) ? 0 : 4);

	(void)user;
	for (uint32_t i = 0; i < abi_sallyport.n_helpers; i++) {
		const struct abi_helper *h = &abi_sallyport.helpers[i];

		if (x->kind != OBJ_EXTERN_FUNC || strcmp(h->name, name) != 0)
			continue;
		*out = (struct obj_bound){ .kind = OBJ_BOUND_HELPER, .number = h->id };
		return true;
	}
	return false;
}

/* An object without programs in sections of their own is taken for one whose functions are its programs. */
static enum err read_object(struct program_file *f, const char *path, struct diag *d)
{
	struct obj_opts opts = { .resolve = resolve };
	struct view v = view_of(f->bytes, f->len);

	TRY(obj_read(v, path, &opts, &f->arena, &f->obj, d));
	opts.text_programs = true;
	return f->obj.n_progs ? E_OK : obj_read(v, path, &opts, &f->arena, &f->obj, d);
}

static enum err read_bytes(struct program_file *f, const char *path, bool raw, struct diag *d)
{
	struct view v = view_of(f->bytes, f->len);
	enum err err;

	f->progs = &f->own;
	f->n_progs = 1;
	f->is_object = !raw && f->len >= 4 && !memcmp(f->bytes, "\177ELF", 4);
	if (f->is_object) {
		err = read_object(f, path, d);
		f->progs = f->obj.progs;
		f->n_progs = f->obj.n_progs;
		return err;
	}
	d->subject = path;
	if (raw || memchr(f->bytes, 0, f->len))
		return prog_from_code(v, "prog", &f->arena, &f->own, d);
	return read_text(f, path, d);
}

int program_file_read(const char *path, bool raw, struct program_file *out)
{
	struct diag d;
	enum err err;

	*out = (struct program_file){ .n_progs = 0 };
	arena_init(&out->arena, PROGRAM_ARENA_MAX);
	diag_init(&d);
	err = io_read_file(path, OBJ_MAX_BYTES, &out->bytes, &out->len, &d);
	if (err == E_OK)
		err = read_bytes(out, path, raw, &d);
	return err == E_OK ? 0 : cli_fail_diag(err, &d);
}

void program_file_done(struct program_file *f)
{
	arena_done(&f->arena);
	free(f->bytes);
}

int program_file_pick(const struct program_file *f, const char *path, const char *name, const struct prog **out)
{
	*out = NULL;
	for (uint32_t i = 0; i < f->n_progs && !*out; i++)
		if (!name || !strcmp(f->progs[i].name, name))
			*out = &f->progs[i];
	if (*out && (*out)->n_insns)
		return 0;
	if (*out || !name)
		return cli_fail(CLI_REFUSED, "'%s' holds no program", path);
	return cli_fail(CLI_REFUSED, "'%s' has no program '%s'", path, name);
}
