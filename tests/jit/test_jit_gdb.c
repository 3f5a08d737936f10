/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What debuggers are told of native code: the object, as readelf reads it; the list; how to unwind on aarch64, compared
 * with what the code does to sp. tests/lib/debugger.py has GDB itself look at x86-64.
 */
#include "jittest.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct gdb_entry {
	struct gdb_entry *next, *prev;
	const uint8_t *object;
	uint64_t object_bytes;
};
extern struct {
	uint32_t version, action;
	struct gdb_entry *relevant, *first;
} __jit_debug_descriptor;

static const struct prog_func funcs[] = { { "outer", 0, 0 }, { "inner", 7, 0 } };
static const struct prog_line lines[] = { { 0, "/src/one.c", "", 10, 1 },
					  { 3, "/src/one.c", "", 12, 1 },
					  { 7, "/src/two.h", "", 300, 1 } };

/* inner is called by outer and by the helper; both keep registers and use frames. */
static void two_functions(struct code *c)
{
	*c = (struct code){ 0 };
	mov(c, 6, 1);
	movi(c, 7, 5);
	stx(c, "STXDW", 10, -8, 7);
	movi(c, 1, 1);
	(void)emit(c, "CALL_LOCAL", 0, 0, 0, 2);
	(void)emit(c, "ADD64_REG", 0, 7, 0, 0);
	exit_(c);
	mov(c, 6, 1);
	mov(c, 8, 1);
	stx(c, "STXDW", 10, -8, 6);
	movi(c, 1, 2);
	(void)emit(c, "LDDW_FUNC", 2, 0, 0, 0);
	movi(c, 3, 0);
	movi(c, 4, 0);
	call(c, 181);
	mov(c, 0, 6);
	(void)emit(c, "ADD64_REG", 0, 8, 0, 0);
	exit_(c);
	/* A callback. */
	movi(c, 9, 3);
	movi(c, 0, 0);
	exit_(c);
	c->insns[11].imm = 19 - 12;
}

struct bed {
	struct code c;
	struct vm_prog *vp;
	struct jit_code code;
	struct jit_image *im;
	struct arena a;
	struct diag d;
};

static void bed_compile(struct bed *b, const struct jit_opts *o, bool keep)
{
	const struct vm_prog_opts vo = { .profile = &abi_sallyport, .keep = keep };
	struct prog p = { .name = "t", .section = "", .funcs = funcs, .lines = lines, .n_funcs = 2, .n_lines = 3 };

	diag_init(&b->d);
	arena_init(&b->a, JT_ARENA);
	two_functions(&b->c);
	p.insns = b->c.insns;
	p.n_insns = b->c.n;
	CHECK_OK(vm_prog_new(&p, &vo, &b->vp, &b->d));
	CHECK_OK(jit_compile(b->vp, o, &b->a, &b->code, &b->d));
}

static void bed_map(struct bed *b, bool keep)
{
	const struct jit_opts o = jt_opts(JT_SANDBOXED);

	if (jit_host() == JIT_N_TARGETS)
		SKIP("no native code for this host");
	bed_compile(b, &o, keep);
	CHECK_OK(jit_map(&b->code, 1, &b->im, &b->d));
}

static void bed_end(struct bed *b)
{
	jit_image_free(b->im);
	vm_prog_free(b->vp);
	arena_done(&b->a);
	b->im = NULL;
}

/* --- the object --- */

/* Versions of readelf align differently. */
static void squeeze(char *s)
{
	char *to = s;

	for (; *s; s++)
		if (*s != ' ' || to[-1] != ' ')
			*to++ = *s;
	*to = '\0';
}

/* What readelf prints, warnings too; its exit code. */
static int readelf(struct view object, char *out, size_t n)
{
	char path[] = "/tmp/jit-gdb-XXXXXX", cmd[256];
	int fd = mkstemp(path), status;
	size_t len;
	FILE *f;

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, object.p, object.len), (long long)object.len);
	(void)close(fd);
	(void)snprintf(cmd, sizeof cmd,
		       "readelf -W -h -S -s --debug-dump=info,abbrev,rawline,decodedline,frames,Ranges %s 2>&1", path);
	f = popen(cmd, "r");
	CHECK(f != NULL);
	len = fread(out, 1, n - 1, f);
	out[len] = '\0';
	squeeze(out + 1);
	status = pclose(f);
	(void)unlink(path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(readelf_reads_functions_lines_and_frames_without_a_warning)
{
	static struct bed b;
	static char text[1 << 18];
	const struct vm_prog *vp;
	struct view object;
	int exit_code;

	bed_map(&b, true);
	vp = b.vp;
	CHECK_OK(jit_gdb_object(b.im, &b.code, &vp, 1, &b.a, &object, &b.d));
	exit_code = readelf(object, text, sizeof text);
	bed_end(&b);
	if (exit_code == 127)
		SKIP("no readelf");
	CHECK_EQ(exit_code, 0);
	CHECK(!strstr(text, "arning") && !strstr(text, "rror") && !strstr(text, "orrupt"));
	CHECK_HAS(text, "FUNC GLOBAL DEFAULT 1 outer\n");
	CHECK_HAS(text, "FUNC GLOBAL DEFAULT 1 inner\n");
	CHECK_HAS(text, "FUNC GLOBAL DEFAULT 1 t+19\n");
	CHECK_HAS(text, "FUNC GLOBAL DEFAULT 1 t:native\n");
	CHECK_HAS(text, "DW_TAG_subprogram");
	CHECK_HAS(text, "/src/two.h");
	CHECK_HAS(text, "/src/one.c 12 0x");
	CHECK_HAS(text, "/src/two.h 300 0x");
	CHECK_HAS(text, "DW_CFA_def_cfa");
}

TEST(what_a_debugger_cannot_be_told_is_refused)
{
	static struct bed b;
	const struct vm_prog *vps[2];
	struct jit_code other;
	struct view object = { 0 };

	bed_map(&b, false);
	vps[0] = vps[1] = b.vp;
	CHECK_EQ(jit_gdb_object(b.im, &b.code, vps, 1, &b.a, &object, &b.d), E_INVALID);
	CHECK_EQ(b.d.id, 109);
	CHECK_HAS(b.d.text, "kept");
	other = b.code;
	other.code.len--;
	CHECK_EQ(jit_gdb_object(b.im, &other, vps, 1, &b.a, &object, &b.d), E_INVALID);
	CHECK_HAS(b.d.text, "not the image's");
	CHECK_EQ(jit_gdb_register(b.im, &b.code, vps, 2, &b.d), E_INVALID);
	CHECK_HAS(b.d.text, "2 programs");
	CHECK(!object.p);
	CHECK(!__jit_debug_descriptor.first);
	bed_end(&b);
}

/* --- the list --- */

TEST(an_image_is_in_the_list_from_its_registration_to_its_end)
{
	static struct bed b[3];
	const struct vm_prog *vp;
	uint32_t n = 0;

	for (unsigned i = 0; i < countof(b); i++) {
		bed_map(&b[i], true);
		vp = b[i].vp;
		CHECK_OK(jit_gdb_register(b[i].im, &b[i].code, &vp, 1, &b[i].d));
		CHECK_EQ(jit_gdb_register(b[i].im, &b[i].code, &vp, 1, &b[i].d), E_INVALID);
	}
	CHECK_EQ(__jit_debug_descriptor.version, 1);
	CHECK_EQ(__jit_debug_descriptor.action, 0);
	/* The one in the middle, the first, the last. */
	bed_end(&b[1]);
	for (const struct gdb_entry *e = __jit_debug_descriptor.first, *last = NULL; e; last = e, e = e->next, n++) {
		CHECK(e->prev == last);
		CHECK_EQ(memcmp(e->object, "\177ELF", 4), 0);
		CHECK(e->object_bytes > 64);
	}
	CHECK_EQ(n, 2);
	bed_end(&b[2]);
	bed_end(&b[0]);
	CHECK(!__jit_debug_descriptor.first);
}

/* --- unwinding --- */

static const struct jit_unwind *row_at(const struct jit_code *c, uint32_t native)
{
	const struct jit_unwind *row = &c->unwind[0];

	for (uint32_t i = 1; i < c->n_unwind && c->unwind[i].native <= native; i++)
		row = &c->unwind[i];
	return row;
}

static void check_rows(const struct jit_code *c)
{
	CHECK(c->n_unwind > 0);
	CHECK_EQ(c->unwind[0].native, 0);
	for (uint32_t i = 1; i < c->n_unwind; i++) {
		CHECK(c->unwind[i].native > c->unwind[i - 1].native);
		CHECK(c->unwind[i].native <= c->code.len);
	}
}

static int pair_offset(uint32_t word)
{
	return ((int)((word >> 15 & 127) ^ 64) - 64) * 8;
}

/* Registers that a pair stores are noted where they were stored. Arm ARM C6.2: STP, LDP, B, BR, RET. */
static void check_stored(uint32_t word, const struct jit_unwind *after, int off)
{
	for (unsigned i = 0; i < 2; i++) {
		unsigned reg = word >> (i ? 10 : 0) & 31;

		/* Stubs do not change x29, and may store it twice. */
		if (reg < 19 || reg == 29)
			continue;
		/* The last one may be there twice. */
		if (i && reg == (word & 31))
			CHECK_EQ(after->saved[reg - 19], (after->cfa - off - 8) / 8);
		else if ((word & 31) != (word >> 10 & 31))
			CHECK_EQ(after->saved[reg - 19], (after->cfa - off - 8 * (int)i) / 8);
	}
}

static void check_a64_word(const struct jit_code *c, uint32_t at, unsigned *changes)
{
	const struct jit_unwind *before = row_at(c, at), *after = row_at(c, at + 4);
	bool on_sp;
	uint32_t w;
	int delta = 0;

	memcpy(&w, c->code.p + at, sizeof w);
	on_sp = (w >> 5 & 31) == 31;
	if (w == 0xd65f03c0 || w >> 26 == 5 || (w & 0xfffffc1f) == 0xd61f0000)
		return; /* what comes next is reached from elsewhere */
	if ((w & 0xffc00000) == 0xa9800000 && on_sp)
		delta = -pair_offset(w);
	else if ((w & 0xffc00000) == 0xa8c00000 && on_sp)
		delta = -pair_offset(w);
	if (w == 0x9100039f) { /* mov sp, x28 */
		CHECK_EQ(before->base, JIT_UNWIND_ENTRY);
		CHECK_EQ(after->base, JIT_UNWIND_SP);
	} else {
		CHECK_EQ(after->base, before->base);
	}
	CHECK_EQ(after->cfa, before->cfa + delta);
	*changes += delta != 0;
	if ((w & 0xff400000) == 0xa9000000 && on_sp)
		check_stored(w, after, delta ? 0 : pair_offset(w));
	if (!after->cfa && after->base == JIT_UNWIND_SP)
		for (unsigned i = 0; i < JIT_UNWIND_REGS; i++)
			CHECK_EQ(after->saved[i], 0);
}

TEST(on_aarch64_the_frame_is_where_the_code_moved_sp)
{
	static struct bed b;
	static char row[20];

	for (unsigned way = 0; way < JT_WAYS; way++) {
		struct jit_opts o = jt_opts(way);
		unsigned changes = 0;

		o.target = JIT_AARCH64;
		o.fuel = way & JT_GUARDED;
		o.retpoline = false;
		(void)snprintf(row, sizeof row, "way %u", way);
		test_row = row;
		bed_compile(&b, &o, true);
		check_rows(&b.code);
		for (uint32_t at = 0; at + 8 <= b.code.code.len; at += 4)
			check_a64_word(&b.code, at, &changes);
		/* At least: the entry, its end, two functions. */
		CHECK(changes >= 8);
		bed_end(&b);
	}
	test_row = NULL;
}

TEST(on_x86_64_functions_begin_with_nothing_but_their_return_address_on_the_stack)
{
	static struct bed b;

	for (unsigned way = 0; way < JT_WAYS; way++) {
		struct jit_opts o = jt_opts(way);
		const struct jit_unwind *first;

		o.target = JIT_X86_64;
		bed_compile(&b, &o, true);
		check_rows(&b.code);
		for (uint32_t i = 0; i < b.code.n_entries; i++) {
			first = row_at(&b.code, b.code.entries[i]);
			CHECK_EQ(first->native, b.code.entries[i]);
			CHECK_EQ(first->cfa, 8);
			CHECK_EQ(first->base, JIT_UNWIND_SP);
			/* The last is the way in for callbacks. */
			CHECK_EQ(first->insn == JIT_NO_INSN, i + 1 == b.code.n_entries);
		}
		bed_end(&b);
	}
}
