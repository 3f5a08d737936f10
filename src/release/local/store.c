/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: the directory. Slots are overwritten in place, the older one each time, so that the newest state stands until
 * the next has reached the disk, and a full disk does not keep a mark from being made; other files appear by rename. No
 * name is made of bytes from outside: slots are numbered, content is named by hexadecimal digits.
 */
#include "release/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>

enum { N_SLOTS = 2, NO_SLOT = -1, HEX_BYTES = 2 * OBJECT_DIGEST_BYTES + 1, CHUNK_BYTES = 65536 };

static const char *const slot_names[N_SLOTS] = { "state.0", "state.1" };
static const char content_name[] = "content", new_name[] = "new";

struct local_store {
	const struct local_fs *fs;
	int dir, content;                                     /* -1: not there (yet) */
	int newest;                                           /* slot of the newest state, or NO_SLOT */
	bool there[N_SLOTS];                                  /* its name is on the disk for sure */
	uint64_t generation;                                  /* the highest that was ever tried */
	struct local_lane_state lane[N_SLOTS][LOCAL_N_LANES]; /* as the slots have them */
	uint8_t bytes[CHUNK_BYTES];
};
static_assert((int)CHUNK_BYTES >= (int)LOCAL_SLOT_BYTES, "a slot is read at once");

/* ---- system calls ---- */

static void close_fd(const struct local_fs *fs, int fd)
{
	if (fd >= 0)
		fs->close(fs->user, fd);
}

static bool write_all(const struct local_fs *fs, int fd, struct view bytes)
{
	for (size_t at = 0; at < bytes.len;) {
		ssize_t n = fs->pwrite(fs->user, fd, bytes.p + at, bytes.len - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* Bytes read, fewer at the end of the file; -1. */
static ssize_t read_some(const struct local_fs *fs, int fd, uint8_t *p, size_t max, off_t at)
{
	size_t got = 0;

	while (got < max) {
		ssize_t n = fs->pread(fs->user, fd, p + got, max - got, at + (off_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* A directory, or a plain file, that is ours and that nobody else may write to. */
static bool is_ours(const struct local_fs *fs, int fd, mode_t type, struct stat *st)
{
	return !fs->fstat(fs->user, fd, st) && (st->st_mode & S_IFMT) == type && st->st_uid == geteuid() &&
	       !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* A file to read, or -1; errno ENOENT: none that we would have made. */
static int open_ours(const struct local_fs *fs, int dir, const char *name, struct stat *st)
{
	int fd = dir < 0 ? -1 : fs->openat(fs->user, dir, name, O_RDONLY, 0);

	if (fd < 0) {
		if (dir < 0 || errno == ELOOP)
			errno = ENOENT;
		return -1;
	}
	if (is_ours(fs, fd, S_IFREG, st))
		return fd;
	close_fd(fs, fd);
	errno = ENOENT;
	return -1;
}

static int open_dir(const struct local_fs *fs, int in, const char *name, bool make, bool *made)
{
	int fd = fs->openat(fs->user, in, name, O_RDONLY | O_DIRECTORY, 0);

	*made = false;
	if (fd >= 0 || errno != ENOENT || !make)
		return fd;
	if (fs->mkdirat(fs->user, in, name, 0700) && errno != EEXIST)
		return -1;
	*made = true;
	return fs->openat(fs->user, in, name, O_RDONLY | O_DIRECTORY, 0);
}

/* ---- open ---- */

/* The name of a directory that was made is to survive, too. */
static bool sync_above(const struct local_fs *fs, int dir)
{
	int above = fs->openat(fs->user, dir, "..", O_RDONLY | O_DIRECTORY, 0);
	bool ok = above >= 0 && !fs->fsync(fs->user, above);

	close_fd(fs, above);
	return ok;
}

static FALLIBLE open_store_dir(struct local_store *s, const char *name, struct diag *d)
{
	struct stat st;
	bool made;

	s->dir = open_dir(s->fs, AT_FDCWD, name, true, &made);
	if (s->dir < 0 && (errno == ELOOP || errno == ENOTDIR))
		FAIL_ID(d, PERM, 'H', 301, "'%s' is no directory, or a link to one: name the directory itself", name);
	if (s->dir < 0)
		FAIL_ID(d, IO, 'H', 302, "cannot open the directory '%s': %s", name, strerror(errno));
	if (!is_ours(s->fs, s->dir, S_IFDIR, &st))
		FAIL_ID(d, PERM, 'H', 301, "'%s' must belong to user %u and be writable by nobody else (mode 0700)",
			name, (unsigned)geteuid());
	if (s->fs->lock(s->fs->user, s->dir)) {
		if (errno == EWOULDBLOCK)
			FAIL(d, EXISTS, "another agent has '%s'", name);
		FAIL_ID(d, IO, 'H', 302, "cannot lock '%s': %s", name, strerror(errno));
	}
	if (made && !sync_above(s->fs, s->dir))
		FAIL_ID(d, IO, 'H', 302, "cannot sync the directory above '%s': %s", name, strerror(errno));
	return E_OK;
}

/* False: it is not there, or says nothing that can be believed. */
static bool read_slot(struct local_store *s, int slot, struct local_state *out)
{
	struct stat st;
	int fd = open_ours(s->fs, s->dir, slot_names[slot], &st);
	ssize_t n;

	if (fd < 0)
		return false;
	s->there[slot] = true;
	n = read_some(s->fs, fd, s->bytes, LOCAL_SLOT_BYTES, 0);
	close_fd(s->fs, fd);
	if (n < 0 || st.st_size != LOCAL_SLOT_BYTES || local_read(view_of(s->bytes, (size_t)n), out, NULL) != E_OK)
		return false;
	memcpy(s->lane[slot], out->lane, sizeof out->lane);
	return true;
}

static void read_slots(struct local_store *s, struct local_state *state, bool *lost)
{
	struct local_state one;
	struct stat st;
	bool made;

	local_init(state);
	s->newest = NO_SLOT;
	for (int i = 0; i < N_SLOTS; i++)
		if (read_slot(s, i, &one) && (s->newest == NO_SLOT || one.generation > state->generation)) {
			s->newest = i;
			*state = one;
		}
	s->generation = state->generation;
	s->content = open_dir(s->fs, s->dir, content_name, false, &made);
	if (s->content >= 0 && !is_ours(s->fs, s->content, S_IFDIR, &st)) {
		close_fd(s->fs, s->content);
		s->content = -1;
	}
	*lost = s->newest == NO_SLOT && (s->there[0] || s->there[1] || s->content >= 0);
}

FALLIBLE local_store_open(const char *dir, const struct local_fs *fs, struct local_store **out,
			  struct local_state *state, bool *lost, struct diag *d)
{
	struct local_store *s = calloc(1, sizeof *s);
	enum err e;

	if (!s)
		return E_NOMEM;
	s->fs = fs ? fs : &local_fs_host;
	s->dir = s->content = -1;
	e = open_store_dir(s, dir, d);
	if (e != E_OK) {
		local_store_close(s);
		return e;
	}
	read_slots(s, state, lost);
	*out = s;
	return E_OK;
}

void local_store_close(struct local_store *s)
{
	if (!s)
		return;
	close_fd(s->fs, s->content);
	close_fd(s->fs, s->dir);
	free(s);
}

/* ---- the state ---- */

static bool write_slot(struct local_store *s, int slot)
{
	const struct local_fs *fs = s->fs;
	int fd = fs->openat(fs->user, s->dir, slot_names[slot], O_RDWR | O_CREAT, 0600);
	struct stat st;
	bool ok;

	if (fd < 0)
		return false;
	ok = is_ours(fs, fd, S_IFREG, &st);
	if (!ok)
		errno = EPERM;
	ok = ok && write_all(fs, fd, view_of(s->bytes, LOCAL_SLOT_BYTES)) && GUARD(9, !fs->fsync(fs->user, fd));
	close_fd(fs, fd);
	return ok && (s->there[slot] || !fs->fsync(fs->user, s->dir));
}

FALLIBLE local_store_write(struct local_store *s, struct local_state *state, struct diag *d)
{
	int slot = s->newest == 0 ? 1 : 0;

	state->generation = ++s->generation;
	local_write(state, s->bytes);
	/* It may be torn from now on, or whole though the sync fails: what it refers to may not be deleted. */
	memcpy(s->lane[slot], state->lane, sizeof state->lane);
	if (!write_slot(s, slot))
		FAIL_ID(d, IO, 'H', 303, "cannot write the state ('%s'): %s", slot_names[slot], strerror(errno));
	s->there[slot] = true;
	s->newest = slot;
	return E_OK;
}

FALLIBLE local_step(struct local_store *s, struct local_state *state, const struct plan *plan,
		    const struct local_input *in, struct local_output *out, struct diag *d)
{
	struct local_state next = *state;
	struct local_output o = { 0 };

	TRY(local_on(&next, plan, in, &o, d));
	if (o.todo & LOCAL_DO_WRITE) {
		enum err e = local_store_write(s, &next, d);

		if (e != E_OK && GUARD(9, !(o.todo & LOCAL_DO_NO_DISK)))
			return e;
		if (e != E_OK)
			local_without_disk(&next, &o);
	}
	*state = next;
	*out = o;
	return E_OK;
}

/* ---- content ---- */

static FALLIBLE content_dir(struct local_store *s, struct diag *d)
{
	struct stat st;
	bool made;

	if (s->content >= 0)
		return E_OK;
	s->content = open_dir(s->fs, s->dir, content_name, true, &made);
	if (s->content < 0 || (made && s->fs->fsync(s->fs->user, s->dir)))
		FAIL_ID(d, IO, 'H', 304, "cannot make the directory of content: %s", strerror(errno));
	if (is_ours(s->fs, s->content, S_IFDIR, &st))
		return E_OK;
	close_fd(s->fs, s->content);
	s->content = -1;
	FAIL_ID(d, PERM, 'H', 301, "the directory of content is not ours alone");
}

/* A file appears whole under its name, or not at all. */
static FALLIBLE put_file(const struct local_fs *fs, int dir, const char *name, struct view bytes, struct diag *d)
{
	int fd, at_fault = 0;

	if (fs->unlinkat(fs->user, dir, new_name) && errno != ENOENT)
		FAIL_ID(d, IO, 'H', 304, "cannot clear the way for '%s': %s", name, strerror(errno));
	fd = fs->openat(fs->user, dir, new_name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		FAIL_ID(d, IO, 'H', 304, "cannot write '%s': %s", name, strerror(errno));
	if (!write_all(fs, fd, bytes) || fs->fsync(fs->user, fd) || fs->renameat(fs->user, dir, new_name, name))
		at_fault = errno;
	close_fd(fs, fd);
	if (at_fault)
		(void)fs->unlinkat(fs->user, dir, new_name);
	else if (fs->fsync(fs->user, dir))
		at_fault = errno;
	if (at_fault)
		FAIL_ID(d, IO, 'H', 304, "cannot write '%s': %s", name, strerror(at_fault));
	return E_OK;
}

static FALLIBLE hash_file(struct local_store *s, int fd, uint64_t size, uint8_t out[OBJECT_DIGEST_BYTES])
{
	crypto_generichash_state hash;
	uint64_t at = 0;
	ssize_t n;

	(void)crypto_generichash_init(&hash, NULL, 0, OBJECT_DIGEST_BYTES);
	do {
		n = read_some(s->fs, fd, s->bytes, sizeof s->bytes, (off_t)at);
		if (n < 0)
			return E_IO;
		(void)crypto_generichash_update(&hash, s->bytes, (size_t)n);
		at += (uint64_t)n;
	} while (n && at <= size);
	(void)crypto_generichash_final(&hash, out, OBJECT_DIGEST_BYTES);
	return at == size ? E_OK : E_FORMAT;
}

FALLIBLE local_store_get(struct local_store *s, const uint8_t digest[OBJECT_DIGEST_BYTES], int *out_fd, uint32_t *bytes,
			 struct diag *d)
{
	uint8_t hash[OBJECT_DIGEST_BYTES];
	char name[HEX_BYTES];
	struct stat st;
	enum err e;
	int fd;

	object_hex(digest, OBJECT_DIGEST_BYTES, name);
	fd = open_ours(s->fs, s->content, name, &st);
	if (fd < 0 && errno == ENOENT)
		FAIL(d, NOT_FOUND, "content %s is not in the store", name);
	if (fd < 0)
		FAIL_ID(d, IO, 'H', 307, "cannot open content %s: %s", name, strerror(errno));
	e = st.st_size > LOCAL_MAX_CONTENT ? E_FORMAT : hash_file(s, fd, (uint64_t)st.st_size, hash);
	if (e == E_OK && GUARD(10, !memcmp(hash, digest, sizeof hash))) {
		*out_fd = fd;
		*bytes = (uint32_t)st.st_size;
		return E_OK;
	}
	close_fd(s->fs, fd);
	if (e == E_IO)
		FAIL_ID(d, IO, 'H', 307, "cannot read content %s: %s", name, strerror(errno));
	(void)s->fs->unlinkat(s->fs->user, s->content, name);
	FAIL_ID(d, FORMAT, 'H', 306, "content %s is damaged: it is not used, and deleted", name);
}

FALLIBLE local_store_put(struct local_store *s, const uint8_t digest[OBJECT_DIGEST_BYTES], struct view bytes,
			 struct diag *d)
{
	uint8_t hash[OBJECT_DIGEST_BYTES];
	char name[HEX_BYTES];
	uint32_t have;
	int fd;

	object_hex(digest, OBJECT_DIGEST_BYTES, name);
	if (bytes.len > LOCAL_MAX_CONTENT)
		FAIL(d, LIMIT, "content %s has %zu bytes, at most %d are kept", name, bytes.len, LOCAL_MAX_CONTENT);
	object_digest(bytes, hash);
	if (memcmp(hash, digest, sizeof hash))
		FAIL_ID(d, FORMAT, 'H', 305, "these bytes are not content %s: their digest differs", name);
	TRY(content_dir(s, d));
	if (local_store_get(s, digest, &fd, &have, NULL) == E_OK) {
		close_fd(s->fs, fd);
		return E_OK;
	}
	return put_file(s->fs, s->content, name, bytes, d);
}

struct clean {
	struct local_store *store;
	const struct local_state *state;
};

static bool slot_keeps(const struct local_store *s, const uint8_t *digest)
{
	struct local_state state = { 0 };
	bool keeps = false;

	for (int i = 0; i < N_SLOTS && !keeps; i++) {
		memcpy(state.lane, s->lane[i], sizeof state.lane);
		keeps = local_keeps(&state, digest);
	}
	return keeps;
}

static int clean_one(void *arg, const char *name)
{
	struct clean *c = arg;
	uint8_t digest[OBJECT_DIGEST_BYTES];
	bool ours = !strcmp(name, new_name);

	if (strlen(name) == HEX_BYTES - 1 && object_unhex(name, digest, sizeof digest))
		ours = !local_keeps(c->state, digest) && !slot_keeps(c->store, digest);
	if (ours)
		(void)c->store->fs->unlinkat(c->store->fs->user, c->store->content, name);
	return 0;
}

void local_store_clean(struct local_store *s, const struct local_state *state)
{
	struct clean c = { s, state };

	if (s->content >= 0)
		(void)s->fs->list(s->fs->user, s->content, clean_one, &c);
}

/* ---- small files of others ---- */

static FALLIBLE blob_name(const char *name, char out[LOCAL_MAX_BLOB_NAME + 8], struct diag *d)
{
	size_t n = strnlen(name, LOCAL_MAX_BLOB_NAME + 1);

	if (!n || n > LOCAL_MAX_BLOB_NAME || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
		FAIL(d, INVALID, "a file of the store is named by 1 to %d of a-z, 0-9 and -", LOCAL_MAX_BLOB_NAME);
	(void)snprintf(out, LOCAL_MAX_BLOB_NAME + 8, "blob.%s", name);
	return E_OK;
}

FALLIBLE local_store_save(struct local_store *s, const char *name, struct view bytes, struct diag *d)
{
	char file[LOCAL_MAX_BLOB_NAME + 8];

	TRY(blob_name(name, file, d));
	if (bytes.len > LOCAL_MAX_BLOB)
		FAIL(d, LIMIT, "'%s' has %zu bytes, at most %d are kept", name, bytes.len, LOCAL_MAX_BLOB);
	return put_file(s->fs, s->dir, file, bytes, d);
}

FALLIBLE local_store_load(struct local_store *s, const char *name, char **out, size_t *out_len, struct diag *d)
{
	char file[LOCAL_MAX_BLOB_NAME + 8];
	AUTO_FREE char *p = NULL;
	struct stat st;
	ssize_t n = -1;
	int fd;

	TRY(blob_name(name, file, d));
	fd = open_ours(s->fs, s->dir, file, &st);
	if (fd < 0 && errno == ENOENT)
		FAIL(d, NOT_FOUND, "nothing is kept as '%s'", name);
	if (fd >= 0 && st.st_size <= LOCAL_MAX_BLOB)
		p = malloc((size_t)st.st_size + 1);
	if (p)
		n = read_some(s->fs, fd, (uint8_t *)p, (size_t)st.st_size, 0);
	close_fd(s->fs, fd);
	if (fd >= 0 && st.st_size > LOCAL_MAX_BLOB)
		FAIL(d, LIMIT, "'%s' has more than %d bytes", file, LOCAL_MAX_BLOB);
	if (fd >= 0 && !p)
		return E_NOMEM;
	if (n < 0)
		FAIL_ID(d, IO, 'H', 307, "cannot read '%s': %s", file, strerror(errno));
	p[n] = 0;
	*out = TAKE(p);
	*out_len = (size_t)n;
	return E_OK;
}
