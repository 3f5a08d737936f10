/* SPDX-License-Identifier: Apache-2.0 */
/* release export, release import: a repository in one file, for hosts that no network reaches. */
#include "cli/release.h"

#include "release/archive/archive.h"

/* In the order in which a host wants them; what agents write stays where it is. */
static const char *const folders[] = { "root", "bundle", "evidence", "promotion", "revoke" };

struct archiving {
	struct release_args args;
	struct release_desk desk;
	struct buf out;
	uint32_t n;
};

static enum err add_one(struct archiving *k, const char *name)
{
	AUTO_FREE char *bytes = NULL;
	size_t len = 0;

	TRY(transport_get(k->desk.repo, name, ARCHIVE_MAX_FILE, &bytes, &len, &k->desk.d));
	k->n++;
	return archive_add(&k->out, name, view_of(bytes, len), &k->desk.d);
}

static enum err add_folder(struct archiving *k, const char *folder)
{
	AUTO(arena_done) struct arena a;
	const char *const *names = NULL;
	uint32_t n = 0;

	arena_init(&a, 32 << 20);
	TRY(transport_list(k->desk.repo, folder, &a, ARCHIVE_MAX_FILES, &names, &n, &k->desk.d));
	for (uint32_t i = 0; i < n; i++) {
		char name[TRANSPORT_MAX_NAME];

		if ((size_t)snprintf(name, sizeof name, "%s/%s", folder, names[i]) >= sizeof name)
			continue;
		TRY(add_one(k, name));
	}
	return E_OK;
}

static enum err build(struct archiving *k)
{
	for (size_t i = 0; i < countof(folders); i++)
		TRY(add_folder(k, folders[i]));
	TRY(add_one(k, "timestamp.minisig"));
	TRY(add_one(k, "timestamp"));
	return archive_end(&k->out);
}

static int finish(const struct archiving *k, const char *done)
{
	struct buf out;
	struct json j;

	buf_init(&out, 4096);
	if (!k->args.json) {
		buf_printf(&out, "%u file%s %s\n", k->n, PLURAL(k->n), done);
		return cli_print(&out);
	}
	json_init(&j, &out);
	json_object(&j);
	json_key(&j, "files");
	json_u64(&j, k->n);
	json_end_object(&j);
	return cli_print(&out);
}

int release_export(int argc, char **argv)
{
	struct archiving k = { 0 };
	enum err err;
	int code = release_parse("release export", argc, argv, RELEASE_OPT_REPO | RELEASE_OPT_OUT | RELEASE_OPT_JSON,
				 RELEASE_OPT_REPO | RELEASE_OPT_OUT, false, &k.args);

	if (code)
		return code;
	buf_init(&k.out, ARCHIVE_MAX_BYTES);
	code = release_desk_open(&k.args, false, &k.desk);
	if (!code) {
		err = build(&k);
		code = err == E_OK ? cli_write_over(k.args.out, 0644, view_of(k.out.p, k.out.len))
				   : cli_fail_diag(err, &k.desk.d);
	}
	if (!code)
		code = finish(&k, "written");
	release_desk_done(&k.desk);
	buf_done(&k.out);
	return code;
}

static bool is_ours(const char *name)
{
	for (size_t i = 0; i < countof(folders); i++) {
		size_t n = strlen(folders[i]);

		if (!strncmp(name, folders[i], n) && name[n] == '/' && !strchr(name + n + 1, '/'))
			return true;
	}
	return !strcmp(name, "timestamp") || !strcmp(name, "timestamp.minisig");
}

static bool is_signature(const char *name)
{
	size_t n = strlen(name), m = strlen(".minisig");

	return n > m && !strcmp(name + n - m, ".minisig");
}

/* Objects do not change; another one under the same name is somebody's mistake, or attack. */
static enum err put_object(struct archiving *k, const struct archive_file *f)
{
	AUTO_FREE char *have = NULL;
	struct release_desk *desk = &k->desk;
	size_t len = 0;
	enum err err;

	if (is_signature(f->name))
		return transport_put(desk->repo, f->name, f->bytes, false, &desk->d);
	err = transport_put(desk->repo, f->name, f->bytes, true, &desk->d);
	if (err != E_EXISTS)
		return err;
	TRY(transport_get(desk->repo, f->name, ARCHIVE_MAX_FILE, &have, &len, &desk->d));
	if (len != f->bytes.len || memcmp(have, f->bytes.p, len) != 0)
		FAIL_ID(&desk->d, EXISTS, 'D', 406, "the repository has other bytes as '%s'", f->name);
	return E_OK;
}

static uint64_t version_of(struct view v)
{
	struct object_timestamp t;
	struct diag d;

	diag_init(&d);
	return object_read_timestamp(v, &t, &d) == E_OK ? t.version : 0;
}

/* An older archive does not turn the clock back. */
static enum err put_timestamp(struct archiving *k, struct view stamp, struct view signatures)
{
	AUTO_FREE char *have = NULL;
	struct release_desk *desk = &k->desk;
	struct diag none;
	size_t len = 0;

	if (!stamp.p || !signatures.p)
		return E_OK;
	diag_init(&none);
	if (transport_get(desk->repo, "timestamp", OBJECT_MAX_BYTES, &have, &len, &none) == E_OK &&
	    version_of(view_of(have, len)) >= version_of(stamp))
		return E_OK;
	TRY(transport_put(desk->repo, "timestamp.minisig", signatures, false, &desk->d));
	return transport_put(desk->repo, "timestamp", stamp, false, &desk->d);
}

/* First all of it is looked at, then it is put: a damaged archive leaves nothing behind. */
static enum err unpack(struct archiving *k, struct view archive, bool put)
{
	struct view stamp = { 0 }, signatures = { 0 };
	struct archive_file f;
	size_t at = 0;
	enum err err;

	k->n = 0;
	while ((err = archive_next(archive, &at, &f, &k->desk.d)) == E_OK) {
		if (!is_ours(f.name) || ++k->n > ARCHIVE_MAX_FILES)
			FAIL_ID(&k->desk.d, REJECTED, 'D', 407,
				"the archive has '%s', which is no part of a repository", f.name);
		if (!strcmp(f.name, "timestamp"))
			stamp = f.bytes;
		else if (!strcmp(f.name, "timestamp.minisig"))
			signatures = f.bytes;
		else if (put)
			TRY(put_object(k, &f));
	}
	if (err != E_NOT_FOUND)
		return err;
	return put ? put_timestamp(k, stamp, signatures) : E_OK;
}

int release_import(int argc, char **argv)
{
	struct archiving k = { 0 };
	char *text = NULL;
	size_t len = 0;
	enum err err;
	int code = release_parse("release import", argc, argv, RELEASE_OPT_REPO | RELEASE_OPT_JSON, RELEASE_OPT_REPO,
				 true, &k.args);

	if (code)
		return code;
	if (!k.args.operand)
		return cli_fail(CLI_USAGE, "which archive?");
	code = release_desk_open(&k.args, true, &k.desk);
	if (!code) {
		err = io_read_file(k.args.operand, ARCHIVE_MAX_BYTES, &text, &len, &k.desk.d);
		if (err == E_OK)
			err = unpack(&k, view_of(text, len), false);
		if (err == E_OK)
			err = unpack(&k, view_of(text, len), true);
		code = err == E_OK ? finish(&k, "taken") : cli_fail_diag(err, &k.desk.d);
	}
	release_desk_done(&k.desk);
	free(text);
	return code;
}
