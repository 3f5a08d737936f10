/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share: many rules together fire as each of them does alone and asked for everything itself: predicates that they
 * share, guards that keep them from starting, fields that are made late. And what a file may not say about that.
 */
#include "rule_test.h"

enum { RULES = 150, EVENTS = 400, ASKED_EACH = 8 };

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

static const char *const names[] = { "sh", "bash", "cat", "nginx", "/usr/bin/sh", "host", "a1b2c3d4e5f6", "" };
static const char *const paths[] = { "/etc/shadow", "/etc", "/usr/bin/sh",      "/root/.ssh/id",
				     "/tmp/x",      "/",    "/etc/ssl/cert.pem" };

static const char *some(const char *const *list, size_t n)
{
	return list[below((uint32_t)n)];
}

static void put_check(struct buf *b)
{
	static const char *const fields[] = { "proc.name",     "proc.pname",  "container.id", "fd.name",
					      "fd.directory",  "fd.filename", "proc.cmdline", "proc.aname[1]",
					      "proc.aname[2]", "proc.aname" };
	static const char *const ops[] = { "=", "startswith", "endswith", "contains", "icontains", "glob" };
	static const char *const others[] = { "evt.is_open_read = true",
					      "evt.is_open_write = true",
					      "evt.is_open_write = false",
					      "fd.num >= 0",
					      "user.uid = 0",
					      "user.uid != 0",
					      "user.uid in (0, 1000)",
					      "proc.tty != 0",
					      "proc.tty > 2",
					      "proc.pname exists",
					      "not proc.name exists",
					      "evt.type = openat",
					      "evt.type in (open, openat)",
					      "proc.name regex \"(ba)?sh\"",
					      "fd.name pmatch (/etc, /root)",
					      "fd.name glob \"/*/s*\"",
					      "tolower(proc.name) = sh",
					      "len(proc.name) > 3",
					      "fd.name contains anyof (ssh, etc)",
					      "proc.name = val(proc.pname)",
					      "proc.name != sh",
					      "container.id != host",
					      "proc.aname[2] != cat",
					      "proc.name startswith anyof (ba, ng)",
					      "proc.args[1] = sh" };
	const char *field = some(fields, countof(fields)), *op = some(ops, countof(ops));
	bool path = field[0] == 'f';

	if (below(5) < 2)
		buf_puts(b, some(others, countof(others)));
	else if (below(4))
		buf_printf(b, "%s %s \"%s\"", field, op,
			   path ? some(paths, countof(paths)) : some(names, countof(names)));
	else
		buf_printf(b, "%s in (\"%s\", \"%s\")", field,
			   path ? some(paths, countof(paths)) : some(names, countof(names)),
			   path ? some(paths, countof(paths)) : some(names, countof(names)));
}

static void put_condition(struct buf *b, uint32_t depth)
{
	uint32_t kind = depth ? below(4) : 3, n = 2 + below(3);

	if (kind == 3) {
		put_check(b);
		return;
	}
	buf_puts(b, kind == 2 ? "not (" : "(");
	for (uint32_t i = 0; i < (kind == 2 ? 1 : n); i++) {
		buf_puts(b, i ? kind ? " or " : " and " : "");
		put_condition(b, depth - 1);
	}
	buf_putc(b, ')');
}

/* Most are an `and` at the top, as rules are. */
static void put_rules(struct buf *b)
{
	for (uint32_t i = 0; i < RULES; i++) {
		buf_printf(b, "- rule: R%u\n  condition: evt.type in (open, openat, connect)", i);
		for (uint32_t k = 1 + below(4); k; k--) {
			buf_puts(b, " and ");
			put_condition(b, below(3));
		}
		buf_puts(b, "\n" RULE_TAIL);
	}
}

static void maybe_str(struct event *e, uint32_t id, const char *const *list, size_t n)
{
	if (below(6))
		event_set_cstr(e, id, some(list, n));
}

static void random_event(struct ready *r)
{
	static struct helper_str line[4];
	struct event *e = r->event;

	ready_event(r, TEMPLATE_TYPE_file_open);
	event_set_cstr(e, FIELD_evt_type, below(2) ? "openat" : "creat");
	maybe_str(e, FIELD_proc_name, names, countof(names));
	maybe_str(e, FIELD_proc_pname, names, countof(names));
	maybe_str(e, FIELD_proc_cmdline, names, countof(names));
	maybe_str(e, FIELD_container_id, names, countof(names));
	maybe_str(e, FIELD_file_open_name, paths, countof(paths));
	maybe_str(e, FIELD_file_open_directory, paths, countof(paths));
	maybe_str(e, FIELD_file_open_filename, names, countof(names));
	for (uint32_t i = 0; i < countof(line); i++) {
		const char *s = some(names, countof(names));

		line[i] = (struct helper_str){ s, (uint32_t)strlen(s) };
	}
	if (below(6))
		event_set_list(e, FIELD_proc_aname, line, 1 + below(countof(line)));
	if (below(6))
		event_set_u64(e, FIELD_user_uid, below(2) ? 1000 : 0);
	event_set_u64(e, FIELD_proc_tty, below(4));
	event_set_u64(e, FIELD_file_open_is_read, below(2));
	event_set_u64(e, FIELD_file_open_is_write, below(2));
	event_set_i64(e, FIELD_file_open_num, (int64_t)below(3) - 1);
}

TEST(many_rules_fire_together_as_each_does_alone)
{
	uint64_t fired = 0, started;

	for (seed = 1; seed < 4; seed++) {
		struct loaded l;
		struct ready r;
		struct buf b;

		buf_init(&b, 1 << 20);
		put_rules(&b);
		load_bytes(&l, "r.yaml", b.p, b.len);
		ready_make(&r, &l);
		for (uint32_t i = 0; i < EVENTS; i++) {
			random_event(&r);
			for (uint32_t k = 0; k < ASKED_EACH; k++)
				fired += (uint64_t)ready_fires(&r, below(RULES));
		}
		started = r.eval.programs_run;
		CHECK(fired > 0);
		/* half of the evaluations start all: if the guards kept none, it would be twice as many */
		CHECK(started < 2ull * EVENTS * ASKED_EACH * RULES * 8 / 10);
		ready_done(&r);
		unload(&l);
		buf_done(&b);
	}
}

/* ---- what a file may not say ---- */

static const char two_rules[] =
	"- rule: One\n  condition: evt.type = openat and fd.name = /etc/shadow and user.uid = 0\n" RULE_TAIL
	"- rule: Two\n  condition: evt.type = openat and proc.name in (a, b) and user.uid > 3\n" RULE_TAIL;

struct file {
	struct loaded l;
	struct buf elf;
	char *index; /* in elf */
	struct image_index_hdr h;
	char *preds, *progs, *guards, *ids;
};

static void file_make(struct file *f)
{
	load_text(&f->l, two_rules);
	buf_init(&f->elf, 1 << 20);
	CHECK_OK(rule_compile(f->l.rs, &f->l.a, &f->elf, &f->l.ds));
	f->index = memmem(f->elf.p, f->elf.len, "SPIX", 4);
	CHECK(f->index != NULL);
	memcpy(&f->h, f->index, sizeof f->h);
	f->preds = f->index + sizeof f->h;
	f->progs = f->preds + f->h.n_preds * sizeof(struct image_index_pred);
	f->guards = f->progs + f->h.n_progs * sizeof(struct image_index_prog);
	f->ids = f->guards + f->h.n_guards * sizeof(struct image_index_guard);
}

static uint32_t load_id(struct file *f)
{
	struct content_opts o = { .table = &template_builtin };
	struct content *c = NULL;
	enum err err;
	struct diag d;

	diag_init(&d);
	err = content_load(view_of(f->elf.p, f->elf.len), "f", &o, &f->l.a, &c, &d);
	content_free(c);
	return err ? d.id : 0;
}

static void put16(char *at, uint16_t v)
{
	memcpy(at, &v, sizeof v);
}

static void put32(char *at, uint32_t v)
{
	memcpy(at, &v, sizeof v);
}

static void first_guard_is_none(struct file *f)
{
	struct image_index_guard g;

	memcpy(&g, f->guards, sizeof g);
	put16(f->ids + 2 * g.first_id, 999);
}

/* The last program's record becomes two guards: the sizes stay. */
static void a_program_less(struct file *f)
{
	put32(f->index + offsetof(struct image_index_hdr, n_progs), f->h.n_progs - 1);
	put32(f->index + offsetof(struct image_index_hdr, n_guards), f->h.n_guards + 2);
}

static void field_of_another_kind(struct file *f)
{
	put16(f->preds + offsetof(struct image_index_pred, field), FIELD_user_uid);
}

static void field_that_nobody_uses(struct file *f)
{
	put16(f->preds + offsetof(struct image_index_pred, field), FIELD_proc_cwd);
}

static void test_that_is_none(struct file *f)
{
	put32(f->preds + offsetof(struct image_index_pred, test), 4711);
}

static void read_of_another_field(struct file *f)
{
	struct image_index_prog p;

	memcpy(&p, f->progs, sizeof p);
	CHECK(p.n_reads > 0);
	put16(f->ids + 2 * p.first_read, FIELD_proc_cwd);
}

static void subject_that_is_none(struct file *f)
{
	f->preds[offsetof(struct image_index_pred, subject)] = IMAGE_N_SUBJECTS;
}

static void operand_outside(struct file *f)
{
	put32(f->preds + offsetof(struct image_index_pred, operand), 1 << 20);
}

static void numbers_outside(struct file *f)
{
	put32(f->progs + offsetof(struct image_index_prog, first_read), 1 << 19);
}

static void guards_outside(struct file *f)
{
	put32(f->progs + offsetof(struct image_index_prog, first_guard), 1 << 19);
}

static void other_magic(struct file *f)
{
	f->index[3] = 'Y';
}

static void other_version(struct file *f)
{
	put32(f->index + 4, 2);
}

static void too_many(struct file *f)
{
	put32(f->index + 8, UINT32_MAX);
}

static void more_than_there_is(struct file *f)
{
	put32(f->index + offsetof(struct image_index_hdr, data_bytes), f->h.data_bytes + 1);
}

static void less_than_there_is(struct file *f)
{
	put32(f->index + offsetof(struct image_index_hdr, data_bytes), f->h.data_bytes - 1);
}

static void nothing(struct file *f)
{
	(void)f;
}

TEST(a_file_that_lies_about_what_programs_share_is_refused)
{
	static const struct {
		const char *name;
		void (*change)(struct file *f);
		uint32_t id;
	} rows[] = {
		{ "as it is", nothing, 0 },
		{ "guard names no predicate", first_guard_is_none, 71 },
		{ "fewer programs than the schema", a_program_less, 72 },
		{ "field of another kind", field_of_another_kind, 73 },
		{ "field that no program uses", field_that_nobody_uses, 73 },
		{ "test that is none", test_that_is_none, 74 },
		{ "reads a field that its record lacks", read_of_another_field, 75 },
		{ "subject", subject_that_is_none, 70 },
		{ "operand outside", operand_outside, 38 },
		{ "numbers outside", numbers_outside, 38 },
		{ "guards outside", guards_outside, 38 },
		{ "magic", other_magic, 31 },
		{ "version", other_version, 32 },
		{ "too many", too_many, 33 },
		{ "cut short", more_than_there_is, 34 },
		{ "goes on", less_than_there_is, 35 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct file f;

		test_row = rows[i].name;
		file_make(&f);
		rows[i].change(&f);
		CHECK_EQ(load_id(&f), rows[i].id);
		buf_done(&f.elf);
		unload(&f.l);
	}
}

/* Any byte changed: the load says yes or no, and a yes can judge. */
TEST(no_byte_of_what_programs_share_can_hurt)
{
	struct content_opts o = { .table = &template_builtin };
	struct ready r = { 0 };
	struct file f;

	file_make(&f);
	CHECK_OK(vm_new(&r.vm));
	r.event = calloc(1, sizeof *r.event);
	event_init(r.event, &template_builtin);
	for (size_t at = 0; f.index + at < f.elf.p + f.elf.len && at < 600; at++)
		for (int bit = 0; bit < 8; bit += 3) {
			struct content_eval eval = { .vm = r.vm };
			struct content *c = NULL;
			uint32_t fired[4];
			struct diag d;

			diag_init(&d);
			f.index[at] ^= (char)(1 << bit);
			if (content_load(view_of(f.elf.p, f.elf.len), "f", &o, &f.l.a, &c, &d) == E_OK) {
				random_event(&r);
				(void)content_eval(c, &eval, r.event, fired, countof(fired));
				content_free(c);
			}
			f.index[at] ^= (char)(1 << bit);
		}
	vm_free(r.vm);
	free(r.event);
	buf_done(&f.elf);
	unload(&f.l);
}
