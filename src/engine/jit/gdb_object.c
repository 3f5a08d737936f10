/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gdb_object: native code as debuggers see code: an ELF object with symbols, lines and rules for unwinding.
 *
 * One unit describes a whole image. What the compilers noted (struct jit_unwind, struct jit_line) is rewritten as DWARF
 * 4; nothing is guessed from the bytes. Addresses are absolute: the code is where it is. Sources: System V ABI,
 * gabi 4.1, chapter 4; DWARF 4, sections 2, 6, 7; register numbers: AMD64 psABI 1.0 figure 3.36, AADWARF64 2020Q2.
 */
#include "engine/jit/impl.h"

#include <elf.h>

enum section {
	S_NULL,
	S_TEXT,
	S_SYMTAB,
	S_STRTAB,
	S_INFO,
	S_ABBREV,
	S_LINE,
	S_FRAME,
	S_RANGES,
	S_SHSTRTAB,
	N_SECTIONS
};

static const char *const section_names[N_SECTIONS] = {
	"",
	".text",
	".symtab",
	".strtab",
	".debug_info",
	".debug_abbrev",
	".debug_line",
	".debug_frame",
	".debug_ranges",
	".shstrtab",
};

/* DWARF 4, section 7. */
enum {
	DW_VERSION = 4,
	DW_TAG_compile_unit = 0x11,
	DW_TAG_subprogram = 0x2e,
	DW_AT_name = 0x03,
	DW_AT_stmt_list = 0x10,
	DW_AT_low_pc = 0x11,
	DW_AT_high_pc = 0x12,
	DW_AT_language = 0x13,
	DW_AT_external = 0x3f,
	DW_AT_ranges = 0x55,
	DW_FORM_addr = 0x01,
	DW_FORM_data8 = 0x07,
	DW_FORM_string = 0x08,
	DW_FORM_data1 = 0x0b,
	DW_FORM_sec_offset = 0x17,
	DW_FORM_flag_present = 0x19,
	DW_LANG_C99 = 0x0c,
	DW_LNS_copy = 1,
	DW_LNS_advance_pc = 2,
	DW_LNS_advance_line = 3,
	DW_LNS_set_file = 4,
	DW_LNE_end_sequence = 1,
	DW_LNE_set_address = 2,
	DW_CFA_advance_loc4 = 0x04,
	DW_CFA_offset_extended = 0x05,
	DW_CFA_same_value = 0x08,
	DW_CFA_def_cfa = 0x0c,
	DW_CFA_def_cfa_expression = 0x0f,
	DW_OP_deref = 0x06,
	DW_OP_plus_uconst = 0x23,
	DW_OP_breg12 = 0x7c,
};

static const struct {
	uint16_t machine;
	uint8_t sp, ret;
	bool ret_in_memory; /* by the call itself */
	uint8_t regs[JIT_UNWIND_REGS];
} targets[JIT_N_TARGETS] = {
	[JIT_X86_64] = { EM_X86_64, 7, 16, true, { 3, 6, 12, 13, 14, 15 } },
	[JIT_AARCH64] = { EM_AARCH64, 31, 30, false, { 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30 } },
};
enum { A64_ENTRY_SP_REG = 28 };

enum { MAX_OBJECT = 256 << 20, MAX_FILES = 1024 };

/* Adjacent code of one function. */
struct run {
	uint32_t func; /* of vm_prog_funcs(); as many as there are: shared */
	uint32_t begin, end;
	uint32_t first, n; /* rows of unwind */
};

struct object {
	struct buf s[N_SECTIONS];
	enum jit_target target;
	uint64_t lo, hi; /* of all codes */
	const char **files;
	uint32_t n_files;
	/* The code at hand. */
	const struct jit_code *code;
	const struct vm_prog *vp;
	uint64_t at; /* its address */
	struct run *runs;
	uint32_t n_runs;
};

/* --- numbers --- */

static void put8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, sizeof v);
}

static void put16(struct buf *b, uint16_t v)
{
	buf_put(b, &v, sizeof v);
}

static void put32(struct buf *b, uint32_t v)
{
	buf_put(b, &v, sizeof v);
}

static void put64(struct buf *b, uint64_t v)
{
	buf_put(b, &v, sizeof v);
}

static void put_uleb(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		put8(b, (uint8_t)(v | 0x80));
	put8(b, (uint8_t)v);
}

static void put_sleb(struct buf *b, int64_t v)
{
	for (; v < -0x40 || v >= 0x40; v >>= 7)
		put8(b, (uint8_t)(v | 0x80));
	put8(b, (uint8_t)(v & 0x7f));
}

static void put_name(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s) + 1);
}

/* A length that was left open: the bytes after it. */
static void patch_length(struct buf *b, size_t at)
{
	uint32_t n = (uint32_t)(b->len - at - 4);

	if (!b->full)
		memcpy(b->p + at, &n, sizeof n);
}

/* --- functions --- */

static uint32_t func_of(const struct vm_prog *vp, uint32_t insn)
{
	uint32_t lo = 0, hi = vp->n_funcs;

	if (insn == JIT_NO_INSN)
		return vp->n_funcs;
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (vp->funcs[mid].start <= insn)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static void func_name(const struct object *o, uint32_t func, char *out, size_t n)
{
	const struct prog *p = &o->vp->prog;
	const char *name = p->name && *p->name ? p->name : "program";
	const struct prog_func *f;

	if (func == o->vp->n_funcs) {
		(void)snprintf(out, n, "%s:native", name);
		return;
	}
	f = prog_func_at(p, o->vp->funcs[func].start);
	if (f && f->start == o->vp->funcs[func].start && f->name)
		(void)snprintf(out, n, "%s", f->name);
	else if (!func)
		(void)snprintf(out, n, "%s", name);
	else
		(void)snprintf(out, n, "%s+%u", name, o->vp->funcs[func].start);
}

static int by_func(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->func != y->func)
		return x->func < y->func ? -1 : 1;
	return (x->begin > y->begin) - (x->begin < y->begin);
}

/* The runs of the code at hand, in order of their addresses. */
static FALLIBLE find_runs(struct object *o)
{
	const struct jit_code *c = o->code;

	free(o->runs);
	o->n_runs = 0;
	o->runs = calloc(c->n_unwind + 1u, sizeof *o->runs);
	if (!o->runs)
		return E_NOMEM;
	for (uint32_t i = 0; i < c->n_unwind; i++) {
		uint32_t func = func_of(o->vp, c->unwind[i].insn), begin = c->unwind[i].native;
		uint32_t end = i + 1 < c->n_unwind ? c->unwind[i + 1].native : (uint32_t)c->code.len;
		struct run *last = o->n_runs ? &o->runs[o->n_runs - 1] : NULL;

		if (begin == end)
			continue;
		if (last && last->func == func && last->first + last->n == i) {
			last->end = end;
			last->n++;
		} else {
			o->runs[o->n_runs++] = (struct run){ func, begin, end, i, 1 };
		}
	}
	return E_OK;
}

static void put_symbol(struct object *o, const char *name, const struct run *r)
{
	Elf64_Sym s = { .st_name = (Elf64_Word)o->s[S_STRTAB].len,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = S_TEXT,
			.st_value = o->at + r->begin,
			.st_size = r->end - r->begin };

	put_name(&o->s[S_STRTAB], name);
	buf_put(&o->s[S_SYMTAB], &s, sizeof s);
}

/* One entry for each function, with all of its runs; the symbol is the first one's. */
static void put_functions(struct object *o)
{
	char name[256];

	qsort(o->runs, o->n_runs, sizeof *o->runs, by_func);
	for (uint32_t i = 0; i < o->n_runs;) {
		uint32_t func = o->runs[i].func;

		func_name(o, func, name, sizeof name);
		put_symbol(o, name, &o->runs[i]);
		put_uleb(&o->s[S_INFO], 2);
		put_name(&o->s[S_INFO], name);
		put32(&o->s[S_INFO], (uint32_t)o->s[S_RANGES].len);
		for (; i < o->n_runs && o->runs[i].func == func; i++) {
			put64(&o->s[S_RANGES], o->at + o->runs[i].begin - o->lo);
			put64(&o->s[S_RANGES], o->at + o->runs[i].end - o->lo);
		}
		put64(&o->s[S_RANGES], 0);
		put64(&o->s[S_RANGES], 0);
	}
}

static void put_abbrev(struct buf *b)
{
	static const uint8_t bytes[] = {
		1,
		DW_TAG_compile_unit,
		1,
		DW_AT_name,
		DW_FORM_string,
		DW_AT_language,
		DW_FORM_data1,
		DW_AT_stmt_list,
		DW_FORM_sec_offset,
		DW_AT_low_pc,
		DW_FORM_addr,
		DW_AT_high_pc,
		DW_FORM_data8,
		0,
		0,
		2,
		DW_TAG_subprogram,
		0,
		DW_AT_name,
		DW_FORM_string,
		DW_AT_ranges,
		DW_FORM_sec_offset,
		DW_AT_external,
		DW_FORM_flag_present,
		0,
		0,
		0,
	};

	buf_put(b, bytes, sizeof bytes);
}

static void put_unit(struct object *o)
{
	struct buf *b = &o->s[S_INFO];

	put32(b, 0);
	put16(b, DW_VERSION);
	put32(b, 0); /* in .debug_abbrev */
	put8(b, 8);
	put_uleb(b, 1);
	put_name(b, o->n_files ? o->files[0] : "bpf");
	put8(b, DW_LANG_C99);
	put32(b, 0); /* in .debug_line */
	put64(b, o->lo);
	put64(b, o->hi - o->lo);
}

/* --- unwinding --- */

static void put_cie(struct object *o)
{
	struct buf *b = &o->s[S_FRAME];

	put32(b, 0);
	put32(b, UINT32_MAX);
	put8(b, 1);
	put8(b, 0); /* no augmentation */
	put_uleb(b, 1);
	put_sleb(b, -8);
	put8(b, targets[o->target].ret);
	if (targets[o->target].ret_in_memory) {
		put8(b, DW_CFA_offset_extended);
		put_uleb(b, targets[o->target].ret);
		put_uleb(b, 1);
	}
	buf_align(b, 8);
	patch_length(b, 0);
}

static void put_cfa(struct object *o, const struct jit_unwind *u)
{
	struct buf *b = &o->s[S_FRAME];
	char expr[24];
	struct buf e;

	if (u->base != JIT_UNWIND_RUN) {
		put8(b, DW_CFA_def_cfa);
		put_uleb(b, u->base == JIT_UNWIND_ENTRY ? A64_ENTRY_SP_REG : targets[o->target].sp);
		put_uleb(b, u->cfa);
		return;
	}
	buf_init(&e, sizeof expr);
	put8(&e, DW_OP_breg12);
	put_sleb(&e, (int64_t)offsetof(struct vm_run_state, native_sp));
	put8(&e, DW_OP_deref);
	put8(&e, DW_OP_plus_uconst);
	put_uleb(&e, u->cfa);
	put8(b, DW_CFA_def_cfa_expression);
	put_uleb(b, e.len);
	buf_put(b, e.p, e.len);
	b->full |= e.full;
	buf_done(&e);
}

static void put_row(struct object *o, const struct jit_unwind *before, const struct jit_unwind *u)
{
	struct buf *b = &o->s[S_FRAME];

	if (u->base != before->base || u->cfa != before->cfa || u == before)
		put_cfa(o, u);
	for (unsigned i = 0; i < JIT_UNWIND_REGS; i++) {
		if (u->saved[i] == (u == before ? 0 : before->saved[i]))
			continue;
		put8(b, u->saved[i] ? DW_CFA_offset_extended : DW_CFA_same_value);
		put_uleb(b, targets[o->target].regs[i]);
		if (u->saved[i])
			put_uleb(b, u->saved[i]);
	}
}

static void put_fde(struct object *o, const struct run *r)
{
	const struct jit_unwind *rows = &o->code->unwind[r->first];
	struct buf *b = &o->s[S_FRAME];
	size_t start = b->len;

	put32(b, 0);
	put32(b, 0); /* the CIE is the first entry */
	put64(b, o->at + r->begin);
	put64(b, r->end - r->begin);
	for (uint32_t i = 0; i < r->n; i++) {
		if (i) {
			put8(b, DW_CFA_advance_loc4);
			put32(b, rows[i].native - rows[i - 1].native);
		}
		put_row(o, &rows[i ? i - 1 : 0], &rows[i]);
	}
	buf_align(b, 8);
	patch_length(b, start);
}

/* --- lines --- */

/* Number of a file, from 1; 0: there are too many. */
static uint32_t file_number(struct object *o, const char *name, bool add)
{
	for (uint32_t i = 0; i < o->n_files; i++)
		if (o->files[i] == name || !strcmp(o->files[i], name))
			return i + 1;
	if (!add || o->n_files == MAX_FILES)
		return 0;
	o->files[o->n_files++] = name;
	return o->n_files;
}

static void find_files(struct object *o, const struct prog *p)
{
	const char *last = NULL;

	for (uint32_t i = 0; i < p->n_lines && o->n_files < MAX_FILES; i++) {
		const char *file = p->lines[i].file;

		if (file && *file && file != last)
			(void)file_number(o, file, true);
		last = file;
	}
}

static void put_line_header(struct object *o)
{
	/* Bytes from here to the program; operands of standard opcodes 1 to 12. */
	static const uint8_t operands[] = { 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1 };
	struct buf *b = &o->s[S_LINE];
	size_t length;

	put32(b, 0);
	put16(b, DW_VERSION);
	length = b->len;
	put32(b, 0);
	put8(b, 1);
	put8(b, 1);
	put8(b, 1);
	put8(b, (uint8_t)-5);
	put8(b, 14);
	put8(b, sizeof operands + 1);
	buf_put(b, operands, sizeof operands);
	put8(b, 0); /* no directories */
	for (uint32_t i = 0; i < o->n_files; i++) {
		put_name(b, o->files[i]);
		put8(b, 0);
		put8(b, 0);
		put8(b, 0);
	}
	put8(b, 0);
	patch_length(b, length);
}

/* State of the line program. */
struct line_state {
	uint32_t native, file, line;
	uint32_t func;
	const char *name; /* of the file that was looked for last, and what was found */
	uint32_t number;
};

static void put_line(struct object *o, struct line_state *s, uint32_t native, uint32_t func, uint32_t insn)
{
	const struct prog_line *l = insn == JIT_NO_INSN ? NULL : prog_line_at(&o->vp->prog, insn);
	struct buf *b = &o->s[S_LINE];
	uint32_t file = 0, line;

	if (l && l->file) {
		file = s->name == l->file ? s->number : file_number(o, l->file, false);
		s->name = l->file;
		s->number = file;
	}
	line = file ? l->line : 0;
	/* Without a line there is no file either. */
	if (!file)
		file = s->file;
	if (file == s->file && line == s->line && func == s->func)
		return;
	put8(b, DW_LNS_advance_pc);
	put_uleb(b, native - s->native);
	if (file != s->file) {
		put8(b, DW_LNS_set_file);
		put_uleb(b, file);
	}
	put8(b, DW_LNS_advance_line);
	put_sleb(b, (int64_t)line - s->line);
	put8(b, DW_LNS_copy);
	s->native = native;
	s->file = file;
	s->line = line;
	s->func = func;
}

/* An instruction counts where code of its function stands; code of no instruction is of where its function noted it. */
static void put_sequence(struct object *o)
{
	const struct jit_code *c = o->code;
	struct line_state s = { .file = 1, .line = 1, .func = UINT32_MAX };
	struct buf *b = &o->s[S_LINE];

	put8(b, 0);
	put_uleb(b, 9);
	put8(b, DW_LNE_set_address);
	put64(b, o->at);
	for (uint32_t i = 0, k = 0, native = 0; native < c->code.len;) {
		uint32_t insn, noted, next = (uint32_t)c->code.len;

		while (i + 1 < c->n_lines && c->lines[i + 1].native <= native)
			i++;
		while (k + 1 < c->n_unwind && c->unwind[k + 1].native <= native)
			k++;
		insn = c->n_lines && c->lines[i].native <= native ? c->lines[i].insn : JIT_NO_INSN;
		noted = c->n_unwind ? c->unwind[k].insn : JIT_NO_INSN;
		if (insn == JIT_NO_INSN || func_of(o->vp, insn) != func_of(o->vp, noted))
			insn = noted;
		put_line(o, &s, native, func_of(o->vp, noted), insn);
		if (i + 1 < c->n_lines && c->lines[i + 1].native < next)
			next = c->lines[i + 1].native;
		if (k + 1 < c->n_unwind && c->unwind[k + 1].native < next)
			next = c->unwind[k + 1].native;
		native = next;
	}
	put8(b, DW_LNS_advance_pc);
	put_uleb(b, c->code.len - s.native);
	put8(b, 0);
	put_uleb(b, 1);
	put8(b, DW_LNE_end_sequence);
}

/* --- the file --- */

static FALLIBLE put_code(struct object *o, const struct jit_image *im, uint32_t i, struct diag *d)
{
	struct jit_image_code where;

	TRY(jit_image_code(im, i, &where, d));
	o->at = (uint64_t)(uintptr_t)where.code;
	TRY(find_runs(o));
	for (uint32_t k = 0; k < o->n_runs; k++)
		put_fde(o, &o->runs[k]);
	if (o->n_files)
		put_sequence(o);
	put_functions(o);
	return E_OK;
}

static FALLIBLE put_sections(struct object *o, const struct jit_image *im, const struct jit_code *codes,
			     const struct vm_prog *const *vps, uint32_t n, struct diag *d)
{
	static const Elf64_Sym none;

	for (uint32_t i = 0; i < n; i++)
		find_files(o, &vps[i]->prog);
	buf_put(&o->s[S_SYMTAB], &none, sizeof none);
	put8(&o->s[S_STRTAB], 0);
	put_abbrev(&o->s[S_ABBREV]);
	put_unit(o);
	put_cie(o);
	put_line_header(o);
	for (uint32_t i = 0; i < n; i++) {
		o->code = &codes[i];
		o->vp = vps[i];
		TRY(put_code(o, im, i, d));
	}
	put8(&o->s[S_INFO], 0);
	patch_length(&o->s[S_INFO], 0);
	patch_length(&o->s[S_LINE], 0);
	for (unsigned i = 0; i < N_SECTIONS; i++)
		put_name(&o->s[S_SHSTRTAB], section_names[i]);
	return E_OK;
}

static Elf64_Shdr section_header(const struct object *o, unsigned i, uint64_t offset, uint32_t name)
{
	Elf64_Shdr h = { .sh_name = name,
			 .sh_type = SHT_PROGBITS,
			 .sh_offset = offset,
			 .sh_size = o->s[i].len,
			 .sh_addralign = i == S_NULL ? 0 : 8 };

	if (i == S_NULL) {
		h.sh_type = SHT_NULL;
		h.sh_offset = 0;
	} else if (i == S_TEXT) {
		h.sh_type = SHT_NOBITS;
		h.sh_flags = SHF_ALLOC | SHF_EXECINSTR;
		h.sh_addr = o->lo;
		h.sh_size = o->hi - o->lo;
	} else if (i == S_SYMTAB) {
		h.sh_type = SHT_SYMTAB;
		h.sh_link = S_STRTAB;
		h.sh_info = 1;
		h.sh_entsize = sizeof(Elf64_Sym);
	} else if (i == S_STRTAB || i == S_SHSTRTAB) {
		h.sh_type = SHT_STRTAB;
	}
	return h;
}

static void put_file(const struct object *o, struct buf *out)
{
	uint64_t offset = sizeof(Elf64_Ehdr);
	uint32_t name = 0;
	Elf64_Ehdr e = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			 .e_type = ET_EXEC,
			 .e_machine = targets[o->target].machine,
			 .e_version = EV_CURRENT,
			 .e_ehsize = sizeof e,
			 .e_shentsize = sizeof(Elf64_Shdr),
			 .e_shnum = N_SECTIONS,
			 .e_shstrndx = S_SHSTRTAB };
	Elf64_Shdr h[N_SECTIONS];

	for (unsigned i = 0; i < N_SECTIONS; i++) {
		h[i] = section_header(o, i, offset, name);
		name += (uint32_t)strlen(section_names[i]) + 1;
		offset = (offset + o->s[i].len + 7) & ~UINT64_C(7);
	}
	e.e_shoff = offset;
	buf_put(out, &e, sizeof e);
	for (unsigned i = 0; i < N_SECTIONS; i++) {
		buf_put(out, o->s[i].p ? o->s[i].p : "", o->s[i].len);
		buf_align(out, 8);
	}
	buf_put(out, h, sizeof h);
}

/* Where all codes are; what they are of. */
static FALLIBLE look(struct object *o, const struct jit_image *im, const struct jit_code *codes,
		     const struct vm_prog *const *vps, uint32_t n, struct diag *d)
{
	if (!n || n != jit_image_count(im))
		FAIL_ID(d, INVALID, 'J', 109, "%u programs for the %u codes of the image", n, jit_image_count(im));
	o->lo = UINT64_MAX;
	for (uint32_t i = 0; i < n; i++) {
		struct jit_image_code c;
		uint64_t at;

		TRY(jit_image_code(im, i, &c, d));
		if (codes[i].code.len != c.code_bytes || codes[i].shape != c.shape || codes[i].n_insns != vps[i]->n_ops)
			FAIL_ID(d, INVALID, 'J', 109, "code %u is not the image's, or of another program", i);
		if (!vps[i]->prog.insns)
			FAIL_ID(d, INVALID, 'J', 109, "program %u was prepared without being kept", i);
		at = (uint64_t)(uintptr_t)c.code;
		o->target = c.target;
		o->lo = at < o->lo ? at : o->lo;
		o->hi = at + c.code_bytes > o->hi ? at + c.code_bytes : o->hi;
	}
	return E_OK;
}

static FALLIBLE take(const struct object *o, struct arena *a, struct view *out, struct diag *d)
{
	bool full = false;
	struct buf b;
	void *p = NULL;

	for (unsigned i = 0; i < N_SECTIONS; i++)
		full |= o->s[i].full;
	buf_init(&b, MAX_OBJECT);
	if (!full)
		put_file(o, &b);
	full |= b.full;
	if (!full)
		p = arena_alloc(a, b.len);
	if (p) {
		memcpy(p, b.p, b.len);
		*out = (struct view){ p, b.len };
	}
	buf_done(&b);
	if (full)
		FAIL(d, LIMIT, "what a debugger is to know takes more than %d MiB, or memory is short",
		     MAX_OBJECT >> 20);
	return p ? E_OK : E_NOMEM;
}

FALLIBLE jit_gdb_object(const struct jit_image *im, const struct jit_code *codes, const struct vm_prog *const *vps,
			uint32_t n, struct arena *a, struct view *out, struct diag *d)
{
	struct object o = { .files = ARENA_ARRAY(a, const char *, MAX_FILES) };
	enum err e;

	if (!o.files)
		return E_NOMEM;
	for (unsigned i = 0; i < N_SECTIONS; i++)
		buf_init(&o.s[i], MAX_OBJECT);
	e = look(&o, im, codes, vps, n, d);
	if (e == E_OK)
		e = put_sections(&o, im, codes, vps, n, d);
	if (e == E_OK)
		e = take(&o, a, out, d);
	for (unsigned i = 0; i < N_SECTIONS; i++)
		buf_done(&o.s[i]);
	free(o.runs);
	return e;
}
