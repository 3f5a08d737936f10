/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image: native code in memory that is executable and never writable again.
 *
 * Layout, written by jit_write and the same in memory: a header, one row per code, the entries of all codes, then the
 * codes, each on a line of 64 bytes. Numbers are of this host's order: code is too. What another process wrote is
 * checked before it is believed: its numbers lie inside, and it can no more change.
 */
#include "engine/jit/impl.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_CODES = 1 << 16, CODE_ALIGN = 64 };
static const uint8_t magic[8] = "SPJIT\0\0\1";

struct header {
	uint8_t magic[8];
	uint32_t format, target;
	uint32_t n_codes, n_entries;
	uint64_t bytes; /* of all */
	uint8_t key[32];
};

struct row {
	uint64_t code, code_bytes; /* from the start */
	uint32_t first_entry, n_entries;
	uint32_t n_insns, n_imports;
	uint32_t verified, first_called;
	uint64_t shape;
};
_Static_assert(sizeof(struct header) == 64, "header of an image");
_Static_assert(sizeof(struct row) == 48, "row of an image");

struct jit_image {
	const uint8_t *p;
	size_t bytes;
	struct header h;
	const struct row *rows;
	struct jit_gdb *gdb;
};

#if defined(__x86_64__)
static const enum jit_target host_target = JIT_X86_64;
#elif defined(__aarch64__)
static const enum jit_target host_target = JIT_AARCH64;
#else
static const enum jit_target host_target = JIT_N_TARGETS;
#endif

enum jit_target jit_host(void)
{
	return host_target;
}

#if defined(__x86_64__)
uint32_t jit_host_features(void)
{
	return __builtin_cpu_supports("bmi2") ? JIT_BMI2 : 0;
}
#elif defined(__aarch64__)
uint32_t jit_host_features(void)
{
	return getauxval(AT_HWCAP) & HWCAP_ATOMICS ? JIT_LSE : 0;
}
#else
uint32_t jit_host_features(void)
{
	return 0;
}
#endif

static size_t align(size_t n)
{
	return (n + CODE_ALIGN - 1) & ~(size_t)(CODE_ALIGN - 1);
}

FALLIBLE jit_write(const struct jit_code *codes, uint32_t n, const struct jit_opts *o, const uint8_t key[32],
		   struct buf *out, struct diag *d)
{
	struct header h = { .format = JIT_FORMAT, .target = o->target, .n_codes = n };
	size_t at;

	for (uint32_t i = 0; i < n; i++)
		h.n_entries += codes[i].n_entries;
	memcpy(h.magic, magic, sizeof magic);
	memcpy(h.key, key, sizeof h.key);
	at = align(sizeof h + n * sizeof(struct row) + h.n_entries * sizeof(uint32_t));
	h.bytes = at;
	for (uint32_t i = 0; i < n; i++)
		h.bytes += align(codes[i].code.len);
	if (n > MAX_CODES || h.bytes > JIT_MAX_BYTES)
		FAIL_ID(d, LIMIT, 'J', 105, "%u codes of %llu bytes are more than an image takes", n,
			(unsigned long long)h.bytes);
	buf_put(out, &h, sizeof h);
	for (uint32_t i = 0, first = 0; i < n; first += codes[i++].n_entries) {
		struct row r = { .code = at,
				 .code_bytes = codes[i].code.len,
				 .first_entry = first,
				 .n_entries = codes[i].n_entries,
				 .n_insns = codes[i].n_insns,
				 .n_imports = codes[i].n_imports,
				 .verified = codes[i].verified,
				 .first_called = codes[i].first_called,
				 .shape = codes[i].shape };

		buf_put(out, &r, sizeof r);
		at += align(codes[i].code.len);
	}
	for (uint32_t i = 0; i < n; i++)
		buf_put(out, codes[i].entries, codes[i].n_entries * sizeof(uint32_t));
	for (uint32_t i = 0; i < n; i++) {
		buf_align(out, CODE_ALIGN);
		buf_put(out, codes[i].code.p, codes[i].code.len);
	}
	buf_align(out, CODE_ALIGN);
	return out->full ? E_LIMIT : E_OK;
}

static FALLIBLE check_row(const struct jit_image *im, uint32_t i, struct diag *d)
{
	const struct row *r = &im->rows[i];
	const uint32_t *entries = (const uint32_t *)(const void *)(im->rows + im->h.n_codes);
	size_t begin = sizeof im->h + im->h.n_codes * sizeof *r + im->h.n_entries * sizeof *entries;

	if (r->code < begin || r->code % CODE_ALIGN || r->code > im->bytes || r->code_bytes > im->bytes - r->code ||
	    r->first_entry > im->h.n_entries || r->n_entries > im->h.n_entries - r->first_entry || !r->code_bytes)
		FAIL_ID(d, FORMAT, 'J', 106, "code %u of the image lies outside of it", i);
	for (uint32_t k = 0; k < r->n_entries; k++)
		if (entries[r->first_entry + k] >= r->code_bytes)
			FAIL_ID(d, FORMAT, 'J', 106, "entry %u of code %u lies outside of it", k, i);
	return E_OK;
}

static FALLIBLE check_image(struct jit_image *im, struct diag *d)
{
	if (im->bytes < sizeof im->h)
		FAIL_ID(d, FORMAT, 'J', 106, "%zu bytes are no image", im->bytes);
	memcpy(&im->h, im->p, sizeof im->h);
	if (memcmp(im->h.magic, magic, sizeof magic) || im->h.format != JIT_FORMAT || im->h.target >= JIT_N_TARGETS)
		FAIL_ID(d, FORMAT, 'J', 106, "this is no image of native code, or of another format");
	if (im->h.n_codes > MAX_CODES || im->h.bytes > im->bytes ||
	    im->h.n_entries > (im->bytes - sizeof im->h) / sizeof(uint32_t) ||
	    sizeof im->h + im->h.n_codes * sizeof(struct row) + im->h.n_entries * sizeof(uint32_t) > im->bytes)
		FAIL_ID(d, FORMAT, 'J', 106, "the image is shorter than it says");
	im->rows = (const struct row *)(const void *)(im->p + sizeof im->h);
	for (uint32_t i = 0; i < im->h.n_codes; i++)
		TRY(check_row(im, i, d));
	return E_OK;
}

/* Takes the mapping. */
static FALLIBLE image_new(void *p, size_t bytes, struct jit_image **out, struct diag *d)
{
	struct jit_image *im = calloc(1, sizeof *im);
	enum err e = E_NOMEM;

	if (im) {
		im->p = p;
		im->bytes = bytes;
		e = check_image(im, d);
	}
	if (e != E_OK) {
		(void)munmap(p, bytes);
		free(im);
		return e;
	}
	*out = im;
	return E_OK;
}

FALLIBLE jit_map(const struct jit_code *codes, uint32_t n, struct jit_image **out, struct diag *d)
{
	static const uint8_t no_key[32];
	struct jit_opts o = { .target = jit_host() };
	struct buf b;
	void *p = MAP_FAILED;
	size_t bytes = 0;
	enum err e;

	buf_init(&b, JIT_MAX_BYTES);
	e = jit_write(codes, n, &o, no_key, &b, d);
	if (e == E_OK) {
		bytes = b.len;
		p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p != MAP_FAILED)
			memcpy(p, b.p, b.len);
	}
	buf_done(&b);
	TRY(e);
	if (p == MAP_FAILED)
		return E_NOMEM;
	if (mprotect(p, bytes, PROT_READ | PROT_EXEC)) {
		(void)munmap(p, bytes);
		FAIL_ID(d, UNSUPPORTED, 'J', 107, "this host refuses executable memory: %m");
	}
	/* Where the instruction cache does not see what was written, as on aarch64. */
	__builtin___clear_cache((char *)p, (char *)p + bytes);
	return image_new(p, bytes, out, d);
}

FALLIBLE jit_map_fd(int fd, struct jit_image **out, struct diag *d)
{
	enum { SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW };
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *p;

	if (seals < 0 || (seals & SEALS) != SEALS)
		FAIL_ID(d, FORMAT, 'J', 108,
			"the file can still change: it is not sealed against writing, growing and shrinking");
	if (fstat(fd, &st) || st.st_size <= 0 || st.st_size > JIT_MAX_BYTES)
		FAIL_ID(d, LIMIT, 'J', 105, "an image has 1 to %d bytes", JIT_MAX_BYTES);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		FAIL_ID(d, UNSUPPORTED, 'J', 107, "this host refuses executable memory: %m");
	return image_new(p, (size_t)st.st_size, out, d);
}

const uint8_t *jit_image_key(const struct jit_image *im)
{
	return im->h.key;
}

uint32_t jit_image_count(const struct jit_image *im)
{
	return im->h.n_codes;
}

void jit_image_free(struct jit_image *im)
{
	if (!im)
		return;
	jit_gdb_unregister(im->gdb);
	(void)munmap((void *)(uintptr_t)im->p, im->bytes);
	free(im);
}

struct jit_gdb **jit_image_gdb(struct jit_image *im)
{
	return &im->gdb;
}

FALLIBLE jit_image_code(const struct jit_image *im, uint32_t i, struct jit_image_code *out, struct diag *d)
{
	const struct row *r;

	if (i >= im->h.n_codes)
		FAIL_ID(d, FORMAT, 'J', 104, "the image has %u codes, not a number %u", im->h.n_codes, i);
	r = &im->rows[i];
	*out = (struct jit_image_code){ .target = im->h.target,
					.n_insns = r->n_insns,
					.n_imports = r->n_imports,
					.verified = r->verified,
					.first_called = r->first_called,
					.shape = r->shape,
					.code = im->p + r->code,
					.code_bytes = r->code_bytes,
					.entries = (const uint32_t *)(const void *)(im->rows + im->h.n_codes) +
						   r->first_entry,
					.n_entries = r->n_entries };
	return E_OK;
}
