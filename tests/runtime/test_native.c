/* SPDX-License-Identifier: Apache-2.0 */
/* Native code judges as the interpreter does, and what is no code of this content is refused. */
#include "content_make.h"

#include <fcntl.h>
#include <sys/mman.h>

enum {
	OPEN = TEMPLATE_TYPE_file_open,
	EXEC = TEMPLATE_TYPE_process_exec,
	SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW
};

struct bed {
	struct arena a;
	struct make m;
	struct content *c;
	struct content_eval ce;
	struct event *e;
	struct jit_opts o;
	struct jit_image *im;
	struct buf image;
	uint8_t key[CONTENT_DIGEST_BYTES];
};

/* r7 counts to n: the verifier follows it, and the fuel of a run does not have to. */
static void make_loop(struct make *m, int32_t n)
{
	struct isa_insn zero = isa_make(ISA_MOV, 64, ISA_FORM_RI, 0), add = isa_make(ISA_ADD, 64, ISA_FORM_RI, 0),
			back = isa_make(ISA_JLT, 64, ISA_FORM_JRI, 0);

	zero.dst = add.dst = back.dst = 7;
	add.imm = 1;
	back.imm = n;
	back.off = -2;
	make_insn(m, zero);
	make_insn(m, add);
	make_insn(m, back);
}

/* 0 opens and execs by sh, 1 opens with flags 5, 2 any open after a loop */
static void make_rules(struct make *m)
{
	make_init(m, &template_builtin);
	make_rule(m, "sh", "%proc.name");
	for (uint32_t i = 0; i < 2; i++) {
		make_begin(m);
		make_if_string(m, FIELD_proc_name, "sh");
		make_end(m, i ? EXEC : OPEN);
	}
	make_rule(m, "flags", "");
	make_begin(m);
	make_if_number(m, FIELD_file_open_flags, 5);
	make_end(m, OPEN);
	make_rule(m, "loop", "");
	make_begin(m);
	make_loop(m, 100);
	make_end(m, OPEN);
}

static void set_up(struct bed *b, uint64_t fuel)
{
	struct content_opts o = { .table = &template_builtin, .all_matches = true, .fuel = fuel };
	struct diag d;

	*b = (struct bed){ .e = malloc(sizeof *b->e),
			   .o = { .target = jit_host(), .features = jit_host_features(), .fuel = true } };
	arena_init(&b->a, 64 << 20);
	make_rules(&b->m);
	CHECK_OK(make_load(&b->m, &o, &b->a, &b->c, &d));
	CHECK_OK(vm_new(&b->ce.vm));
	event_init(b->e, &template_builtin);
}

static void tear_down(struct bed *b)
{
	content_free(b->c);
	jit_image_free(b->im);
	buf_done(&b->image);
	vm_free(b->ce.vm);
	make_done(&b->m);
	arena_done(&b->a);
	free(b->e);
}

/* The image of the content, as bytes. False: there is no compiler for this machine. */
static bool write_image(struct bed *b)
{
	uint32_t n = content_n_programs(b->c);
	struct jit_code *codes = ARENA_ARRAY(&b->a, struct jit_code, n);
	struct diag d;
	enum err err;

	diag_init(&d);
	err = content_compile(b->c, &b->o, &b->a, codes, &d);
	if (err == E_UNSUPPORTED)
		return false;
	CHECK_OK(err);
	content_native_key(content_digest(b->c), 1, &b->o, b->key);
	buf_init(&b->image, JIT_MAX_BYTES);
	CHECK_OK(jit_write(codes, n, &b->o, b->key, &b->image, &d));
	return true;
}

static int memory(const void *p, size_t len, int seals)
{
	int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(fd >= 0);
	CHECK_OK(io_write_all(fd, p, len));
	if (seals)
		CHECK_EQ(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static enum err map(struct bed *b, const void *p, size_t len, int seals, struct diag *d)
{
	AUTO_FD int fd = memory(p, len, seals);

	diag_init(d);
	return jit_map_fd(fd, &b->im, d);
}

static void judge(struct bed *b, uint32_t type, const char *name, uint64_t flags, char *out, size_t max)
{
	uint32_t fired[8], n;
	size_t at = 0;

	event_begin(b->e, type);
	event_set_cstr(b->e, FIELD_proc_name, name);
	if (type == OPEN)
		event_set_u64(b->e, FIELD_file_open_flags, flags);
	b->ce.faults = 0;
	n = content_eval(b->c, &b->ce, b->e, fired, 8);
	out[0] = 0;
	for (uint32_t i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, max - at, "%u ", fired[i]);
	if (b->ce.faults)
		(void)snprintf(out + at, max - at, "%llu faults, rule %u (%s): %s", (unsigned long long)b->ce.faults,
			       b->ce.fault.rule, b->ce.fault.d.subject, b->ce.fault.d.text);
}

static const struct {
	uint32_t type;
	const char *name;
	uint64_t flags;
} events[] = { { OPEN, "sh", 5 }, { OPEN, "bash", 5 }, { OPEN, "sh", 6 },
	       { OPEN, NULL, 6 }, { EXEC, "sh", 0 },   { EXEC, "vi", 0 } };

/* Interpreted, native, and interpreted again: the same rules and the same faults. */
static void check_same(uint64_t fuel, const char *first)
{
	char before[countof(events)][320], after[320];
	struct bed b;
	struct diag d;

	set_up(&b, fuel);
	if (!write_image(&b)) {
		tear_down(&b);
		SKIP("no compiler for this machine");
	}
	for (size_t i = 0; i < countof(events); i++)
		judge(&b, events[i].type, events[i].name, events[i].flags, before[i], sizeof before[i]);
	CHECK_HAS(before[0], first);
	CHECK_OK(map(&b, b.image.p, b.image.len, SEALS, &d));
	CHECK(!memcmp(jit_image_key(b.im), b.key, sizeof b.key));
	for (int native = 1; native >= 0; native--) {
		if (native)
			CHECK_OK(content_attach(b.c, b.im, 0, &d));
		else
			content_detach(b.c);
		CHECK_EQ(content_n_attached(b.c), native ? content_n_programs(b.c) : 0);
		for (size_t i = 0; i < countof(events); i++) {
			judge(&b, events[i].type, events[i].name, events[i].flags, after, sizeof after);
			CHECK_STR(after, before[i]);
		}
	}
	CHECK_OK(content_attach(b.c, b.im, 0, &d)); /* content_free ends it */
	tear_down(&b);
}

TEST(the_same_rules_fire_from_native_code)
{
	check_same(0, "0 1 2 ");
}

TEST(fuel_ends_a_native_program_of_that_rule_alone)
{
	check_same(50, "0 1 1 faults, rule 2 (loop): ");
}

TEST(the_same_content_gives_the_same_bytes_and_other_options_another_key)
{
	uint8_t key[CONTENT_DIGEST_BYTES];
	struct jit_opts o;
	struct bed b, b2;

	set_up(&b, 0);
	set_up(&b2, 0);
	if (write_image(&b) && write_image(&b2)) {
		CHECK_EQ(b.image.len, b2.image.len);
		CHECK(!memcmp(b.image.p, b2.image.p, b.image.len));
		o = b.o;
		o.features ^= JIT_BMI2;
		content_native_key(content_digest(b.c), 1, &o, key);
		CHECK(memcmp(key, b.key, sizeof key) != 0);
		o = b.o;
		o.blind = true;
		content_native_key(content_digest(b.c), 1, &o, key);
		CHECK(memcmp(key, b.key, sizeof key) != 0);
		memset(key, 1, sizeof key);
		content_native_key(key, 1, &b.o, key);
		CHECK(memcmp(key, b.key, sizeof key) != 0);
	}
	tear_down(&b);
	tear_down(&b2);
}

TEST(memory_that_can_change_and_bytes_that_are_no_image_are_refused)
{
	static const int missing[] = { F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW };
	struct bed b;
	struct diag d;

	set_up(&b, 0);
	if (!write_image(&b)) {
		tear_down(&b);
		SKIP("no compiler for this machine");
	}
	for (size_t i = 0; i < countof(missing); i++) {
		CHECK_EQ(map(&b, b.image.p, b.image.len, SEALS & ~missing[i], &d), E_FORMAT);
		CHECK_EQ(d.id, 108);
	}
	CHECK_EQ(map(&b, "ELF", 3, SEALS, &d), E_FORMAT);
	CHECK_EQ(d.id, 106);
	/* Cut anywhere it is no image, or one that says so; the last line of 64 bytes may go only with its code. */
	for (size_t cut = 1; cut < b.image.len; cut += 61)
		CHECK_EQ(map(&b, b.image.p, b.image.len - cut, SEALS, &d), E_FORMAT);
	tear_down(&b);
}

/* Every byte of header and rows, changed: refused, or an image of the same content all the same. It is never run. */
TEST(an_image_of_changed_bytes_attaches_inside_of_itself_or_not_at_all)
{
	uint32_t attached = 0, refused = 0;
	struct bed b;
	struct diag d;

	set_up(&b, 0);
	if (!write_image(&b)) {
		tear_down(&b);
		SKIP("no compiler for this machine");
	}
	for (size_t i = 0; i < 64 + 40 * 4 && i < b.image.len; i++) {
		b.image.p[i] = (char)(b.image.p[i] ^ 0x01);
		if (map(&b, b.image.p, b.image.len, SEALS, &d) != E_OK) {
			refused++;
		} else {
			if (content_attach(b.c, b.im, 0, &d) == E_OK)
				attached++;
			else
				CHECK_EQ(content_n_attached(b.c), 0);
			content_detach(b.c);
			jit_image_free(b.im);
			b.im = NULL;
		}
		b.image.p[i] = (char)(b.image.p[i] ^ 0x01);
	}
	CHECK(attached >= 32 && refused > 32); /* the key is for whoever maps it to compare */
	tear_down(&b);
}

TEST(code_of_other_programs_is_not_attached_and_none_of_it_stays)
{
	struct bed b;
	struct diag d;

	set_up(&b, 0);
	if (!write_image(&b)) {
		tear_down(&b);
		SKIP("no compiler for this machine");
	}
	CHECK_OK(map(&b, b.image.p, b.image.len, SEALS, &d));
	CHECK_EQ(content_attach(b.c, b.im, 1, &d), E_FORMAT);
	CHECK_EQ(d.id, 104);
	CHECK_EQ(content_n_attached(b.c), 0);
	tear_down(&b);
}

TEST(content_that_was_not_verified_stays_interpreted)
{
	struct content_opts o = { .table = &template_builtin, .skip_verify = true };
	struct jit_opts jo = { .target = jit_host(), .fuel = true };
	struct jit_code codes[4];
	struct jit_image *none = NULL;
	struct content *c;
	struct arena a;
	struct make m;
	struct diag d;

	arena_init(&a, 64 << 20);
	make_rules(&m);
	CHECK_OK(make_load(&m, &o, &a, &c, &d));
	CHECK_EQ(content_n_programs(c), 4);
	CHECK_EQ(content_compile(c, &jo, &a, codes, &d), E_REJECTED);
	CHECK_EQ(d.family, 'S');
	CHECK_EQ(d.id, 80);
	CHECK_EQ(content_attach(c, none, 0, &d), E_REJECTED);
	CHECK_EQ(d.id, 80);
	content_free(c);
	make_done(&m);
	arena_done(&a);
}
