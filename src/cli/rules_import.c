/* SPDX-License-Identifier: Apache-2.0 */
/* rules import: rules of another language, as rules of ours. */
#include "cli/cli.h"
#include "content/sigma/sigma.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sys/stat.h>

enum { MAX_FILES = 100000, MAX_DEPTH = 32 };

struct files {
	char **path;
	size_t n, cap;
};

struct import_args {
	const char *out;
	bool json;
};

struct import {
	struct import_args args;
	struct files files;
	struct sigma_import *sigma;
	struct buf report;
	struct json j;
};

/* ---- files ---- */

static int add_file(struct files *f, const char *path)
{
	if (f->n == MAX_FILES)
		return cli_fail(CLI_REFUSED, "more than %d files", MAX_FILES);
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 64;
		char **more = reallocarray(f->path, cap, sizeof *more);

		if (!more)
			return cli_fail(CLI_HOST, "out of memory");
		f->path = more;
		f->cap = cap;
	}
	f->path[f->n] = strdup(path);
	if (!f->path[f->n])
		return cli_fail(CLI_HOST, "out of memory");
	f->n++;
	return 0;
}

static bool is_yaml(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (!strcmp(dot, ".yml") || !strcmp(dot, ".yaml"));
}

static int not_hidden(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_dir(struct files *f, const char *dir, unsigned depth);

/* Below a directory: links are not followed, other files than YAML are passed over. */
static int add_entry(struct files *f, const char *dir, const char *name, unsigned depth)
{
	char path[PATH_MAX];
	struct stat st;

	if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
		return cli_fail(CLI_REFUSED, "a path below '%.100s' is too long", dir);
	if (lstat(path, &st))
		return cli_fail(CLI_REFUSED, "cannot look at '%s': %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return add_dir(f, path, depth + 1);
	return S_ISREG(st.st_mode) && is_yaml(name) ? add_file(f, path) : 0;
}

static int add_dir(struct files *f, const char *dir, unsigned depth)
{
	struct dirent **names = NULL;
	int n, code = 0;

	if (depth > MAX_DEPTH)
		return cli_fail(CLI_REFUSED, "'%s': directories are nested more than %d deep", dir, MAX_DEPTH);
	n = scandir(dir, &names, not_hidden, by_name);
	if (n < 0)
		return cli_fail(CLI_REFUSED, "cannot read the directory '%s': %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		code = code ? code : add_entry(f, dir, names[i]->d_name, depth);
		free(names[i]);
	}
	free(names);
	return code;
}

static int list_files(struct files *f, char *const *paths, int n)
{
	int code = 0;

	for (int i = 0; i < n && !code; i++) {
		struct stat st;

		if (stat(paths[i], &st))
			code = cli_fail(CLI_REFUSED, "cannot open '%s': %s", paths[i], strerror(errno));
		else
			code = S_ISDIR(st.st_mode) ? add_dir(f, paths[i], 0) : add_file(f, paths[i]);
	}
	if (!code && !f->n)
		return cli_fail(CLI_REFUSED, "there is no .yml or .yaml file there");
	return code;
}

static void free_files(struct files *f)
{
	while (f->n)
		free(f->path[--f->n]);
	free(f->path);
}

/* ---- report ---- */

static void json_outcome(struct json *j, const struct sigma_outcome *o)
{
	static const char *const fates[] = { "imported", "partial", "refused", "malformed" };

	json_object(j);
	json_key(j, "fate");
	json_str(j, fates[o->fate]);
	json_key(j, "file");
	json_str(j, o->pos.file);
	json_key(j, "id");
	json_str(j, o->id);
	json_key(j, "line");
	json_u64(j, o->pos.line);
	json_key(j, "name");
	json_str(j, o->name);
	json_key(j, "reason");
	json_str(j, o->reason);
	json_key(j, "title");
	json_str(j, o->title);
	json_end_object(j);
}

static void show(struct import *m, const struct diags *ds, const struct sigma_outcome *first)
{
	struct buf text;

	for (; m->args.json && first; first = first->next)
		json_outcome(&m->j, first);
	buf_init(&text, 4 << 20);
	diags_render(&text, ds, cli_colour(STDERR_FILENO));
	(void)fputs(text.p ? text.p : "", stderr);
	buf_done(&text);
}

static int finish_json(struct import *m, struct sigma_counts n)
{
	json_end_array(&m->j);
	json_key(&m->j, "imported");
	json_u64(&m->j, n.imported);
	json_key(&m->j, "malformed");
	json_u64(&m->j, n.malformed);
	json_key(&m->j, "partial");
	json_u64(&m->j, n.partial);
	json_key(&m->j, "refused");
	json_u64(&m->j, n.refused);
	json_end_object(&m->j);
	return cli_print(&m->report);
}

/* ---- the command ---- */

static int parse(int argc, char **argv, struct import_args *a)
{
	static const struct option opts[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "o:", opts, NULL)) != -1) {
		if (c == 'j')
			a->json = true;
		else if (c == 'o')
			a->out = optarg;
		else
			return cli_usage("rules");
	}
	if (optind == argc || strcmp(argv[optind], "sigma") != 0)
		return cli_fail(CLI_USAGE, "import what? 'rules import sigma F|DIR...'");
	if (++optind == argc)
		return cli_fail(CLI_USAGE, "which files?");
	if (a->json && !a->out)
		return cli_fail(CLI_USAGE, "--json reports on standard output: where are the rules to go? -o OUT");
	return 0;
}

static int import_file(struct import *m, const char *path)
{
	AUTO_FREE char *text = NULL;
	struct rule_source src = { .name = path };
	const struct sigma_outcome *first = NULL;
	struct arena a;
	struct diags ds;
	struct diag d;
	enum err err;

	diag_init(&d);
	err = io_read_file(path, RULE_MAX_FILE_BYTES, &text, &src.len, &d);
	if (err)
		return cli_fail_diag(err, &d);
	src.text = text;
	arena_init(&a, SIGMA_FILE_ARENA_BYTES);
	diags_init(&ds, &a);
	err = sigma_add(m->sigma, &src, &a, &ds, &first);
	show(m, &ds, first);
	arena_done(&a);
	if (err == E_OK || err == E_REJECTED)
		return 0;
	return cli_fail(err == E_NOMEM ? CLI_HOST : CLI_REFUSED, "'%s': %s", path,
			err == E_LIMIT ? "the imported rules would be more than one rules file can hold"
				       : err_text(err));
}

static int write_rules(struct import *m)
{
	AUTO_FD int fd = 0;
	struct buf out;
	enum err err;

	buf_init(&out, SIGMA_MAX_OUT_BYTES + (64 << 10));
	err = sigma_write(m->sigma, &out);
	if (err != E_OK)
		return cli_fail(CLI_REFUSED, "the rules cannot be written: %s", err_text(err));
	if (!m->args.out)
		return cli_print(&out);
	fd = open(m->args.out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	err = fd < 0 ? E_IO : io_write_all(fd, out.p, out.len);
	buf_done(&out);
	return err == E_OK ? 0 : cli_fail(CLI_HOST, "cannot write '%s': %s", m->args.out, strerror(errno));
}

static int import(struct import *m)
{
	struct sigma_counts n;
	int code = 0;

	for (size_t i = 0; i < m->files.n && !code; i++)
		code = import_file(m, m->files.path[i]);
	if (code)
		return code;
	n = sigma_counts(m->sigma);
	if (n.imported)
		code = write_rules(m);
	if (!code && m->args.json)
		code = finish_json(m, n);
	(void)fprintf(stderr, "%u imported (%u in part), %u refused, %u malformed\n", n.imported, n.partial, n.refused,
		      n.malformed);
	return code ? code : n.imported && !n.malformed ? CLI_OK : CLI_REFUSED;
}

int rules_import(int argc, char **argv)
{
	struct import m = { .args = { 0 } };
	int code = parse(argc, argv, &m.args);

	if (code)
		return code;
	buf_init(&m.report, 64 << 20);
	json_init(&m.j, &m.report);
	json_object(&m.j);
	json_key(&m.j, "rules");
	json_array(&m.j);
	code = list_files(&m.files, argv + optind, argc - optind);
	if (!code && sigma_new(&template_builtin, &m.sigma) != E_OK)
		code = cli_fail(CLI_HOST, "out of memory");
	if (!code)
		code = import(&m);
	sigma_free(m.sigma);
	free_files(&m.files);
	buf_done(&m.report);
	return code;
}
