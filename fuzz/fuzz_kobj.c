/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_kobj: any bytes as an object, read for a release whose types are the object's own or those of made_types.bpf.c;
 * each program that it names a place for is judged. The last byte says which release and which types.
 *
 * Most mutations keep the size and change a few bytes of one section, so that the file stays an object.
 * FUZZ_BTF=/sys/kernel/btf/vmlinux: that kernel's types instead of made_types.bpf.c.
 */
#include <elf.h>

#include "engine/kobj/kobj.h"
#include "made.h"

enum { OBJECT_BYTES = 64 << 20, PROGS = 16, ROOM = 8 << 20 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *p, size_t n, size_t max);

static struct made_kit kit;

/* Names point into the bytes, which stay. */
static bool read_types(const char *path)
{
	static uint8_t bytes[32 << 20];
	FILE *f = fopen(path, "re");
	size_t n = 0;

	if (f)
		n = fread(bytes, 1, sizeof bytes, f);
	if (f)
		(void)fclose(f);
	kit.arena.cap = SIZE_MAX;
	return n && btf_read(view_of(bytes, n), NULL, &kit.arena, &kit.types, NULL) == E_OK;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (!made_kit_init(&kit) || (getenv("FUZZ_BTF") && !read_types(getenv("FUZZ_BTF"))))
		abort();
	return 0;
}

/* A random section's place; false: there is none. */
static bool some_section(struct view v, uint32_t random, uint64_t *at, uint64_t *len)
{
	Elf64_Ehdr h;
	Elf64_Shdr s;

	if (VIEW_READ(v, 0, &h) != E_OK || !h.e_shnum ||
	    VIEW_READ(v, h.e_shoff + random % h.e_shnum * sizeof s, &s) != E_OK || !s.sh_size ||
	    s.sh_type == SHT_NOBITS || !view_has(v, s.sh_offset, s.sh_size))
		return false;
	*at = s.sh_offset;
	*len = s.sh_size;
	return true;
}

size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned seed)
{
	uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) >> 20, at = 0, len = 0;
	uint8_t few[8];
	size_t n_few;

	if (n && seed % 8 == 0)
		p[n - 1] = (uint8_t)random;
	for (uint32_t i = 0; i < 8 && !len && seed % 32; i++)
		(void)some_section(view_of(p, n), (uint32_t)random + i, &at, &len);
	if (!len)
		return LLVMFuzzerMutate(p, n, max);
	at += (random >> 8) % len & ~UINT64_C(3);
	n_few = n - at < sizeof few ? n - at : sizeof few;
	memcpy(few, p + at, n_few);
	(void)LLVMFuzzerMutate(few, n_few, n_few);
	memcpy(p + at, few, n_few);
	return n;
}

static void must(bool what, const char *why)
{
	if (what)
		return;
	(void)fprintf(stderr, "%s\n", why);
	abort();
}

/* What a configuration says depends on the name only, and may be anything. */
static const char *config(void *user, const char *name)
{
	static const char *const values[] = { NULL, "y", "m", "250", "\"", "\"text\"", "0x", "" };

	(void)user;
	return values[(uint8_t)name[strlen(name) - 1] % countof(values)];
}

static void judge_programs(const struct kobj *o)
{
	for (uint32_t i = 0; i < o->obj.n_progs && i < PROGS; i++) {
		struct kernel_profile few = *o->kernel;
		struct kverify_opts opts;
		struct diag d;
		const char *wrong;

		diag_init(&d);
		if (kobj_target(o, &o->obj.progs[i], &opts, &d) != E_OK) {
			must(d.err == E_UNSUPPORTED, "a target is refused for no reason");
			continue;
		}
		few.limits.steps = MADE_STEPS;
		opts.kernel = &few;
		wrong = made_judge_prog(&o->obj.progs[i], &opts, ROOM, i & 1);
		must(!wrong, wrong);
	}
}

/* The types of the object, as those of the kernel too. */
static bool own_types(struct view bytes, struct arena *a, struct btf *out)
{
	const struct obj_opts opts = { .target = &kit.types };
	struct obj o;

	if (obj_read(bytes, "fuzz.o", &opts, a, &o, NULL) != E_OK || !o.types)
		return false;
	*out = *o.types;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct kobj_opts opts = { .kernel_types = &kit.types, .config = config };
	struct kobj object;
	struct arena a;
	struct btf own;
	struct diag d;
	enum err err;

	if (!n)
		return 0;
	arena_init(&a, OBJECT_BYTES);
	diag_init(&d);
	opts.kernel = &kernel_profiles[(p[n - 1] >> 2) % kernel_n_profiles];
	if (p[n - 1] & 1)
		opts.kernel_types = own_types(view_of(p, n), &a, &own) ? &own : NULL;
	err = kobj_read(view_of(p, n), "fuzz.o", &opts, &a, &object, &d);
	if (err == E_OK)
		judge_programs(&object);
	else
		must(err != E_BUG && (d.err == err || err == E_NOMEM), "an object is refused for no reason");
	arena_done(&a);
	return 0;
}
