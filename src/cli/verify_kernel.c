/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify_kernel: which kernels a program is judged for, and whose types stand for theirs.
 *
 * --kernel takes releases, `host` and `all`. Types come from --btf: a file for all, or a folder with a file per release
 * ("6.1.btf"); else from this host, whose types stand in for those of other releases.
 */
#include "cli/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "agent/agent.h"

#define HOST_BTF "/sys/kernel/btf/vmlinux"

static uint32_t version_of(const char *release)
{
	unsigned major = 0, minor = 0, sub = 0;

	if (sscanf(release, "%u.%u.%u", &major, &minor, &sub) < 2 || major > 255 || minor > 255)
		return 0;
	return major << 16 | minor << 8 | (sub > 255 ? 255 : sub);
}

/* Most hosts have it; without it, what depends on it is said to be missing. */
static void read_config(struct verify_kernels *ks, const char *release)
{
	char path[160];
	size_t len;
	struct diag d;

	diag_init(&d);
	(void)snprintf(path, sizeof path, "/boot/config-%s", release);
	if (!ks->config && agent_file_read(path, &ks->config, &len, &d) != E_OK)
		ks->config = NULL;
}

/* The value stays in ks->value until the next question. */
const char *verify_config(void *user, const char *name)
{
	struct verify_kernels *ks = user;
	size_t len = strlen(name);

	for (const char *l = ks->config; l; l = strchr(l, '\n')) {
		l += *l == '\n';
		if (strncmp(l, name, len) || l[len] != '=')
			continue;
		(void)snprintf(ks->value, sizeof ks->value, "%.*s", (int)strcspn(l + len + 1, "\n"), l + len + 1);
		return ks->value;
	}
	return NULL;
}

static int add_host(struct verify_kernels *ks)
{
	struct verify_kernel *k = &ks->k[ks->n];
	struct utsname u;

	if (uname(&u))
		return cli_fail(CLI_HOST, "this host does not say which kernel it runs: %s", strerror(errno));
	*k = (struct verify_kernel){ .host = true, .version = version_of(u.release) };
	if (!k->version)
		return cli_fail(CLI_HOST, "this host's kernel calls itself '%s', which is no release", u.release);
	k->profile = kernel_profile_for((uint16_t)(k->version >> 8));
	if (!k->profile)
		return cli_fail(CLI_HOST, "Linux %s is older than the oldest profile (%s)", u.release,
				kernel_profiles[0].name);
	(void)snprintf(k->name, sizeof k->name, "%s", k->profile->name);
	(void)snprintf(k->label, sizeof k->label, "host (%.40s, as %s)", u.release, k->profile->name);
	ks->n++;
	read_config(ks, u.release);
	return 0;
}

/* A release, as the profile of it or of the one before it. */
static void add(struct verify_kernels *ks, uint16_t version, const struct kernel_profile *p)
{
	struct verify_kernel *k = &ks->k[ks->n++];

	*k = (struct verify_kernel){ .profile = p, .version = (uint32_t)(version >> 8) << 16 | (version & 255u) << 8 };
	(void)snprintf(k->name, sizeof k->name, "%u.%u", version >> 8, version & 255u);
	(void)snprintf(k->label, sizeof k->label, "%u.%u%s%s", version >> 8, version & 255u,
		       version == p->version ? "" : ", as ", version == p->version ? "" : p->name);
}

static int add_one(struct verify_kernels *ks, const char *name)
{
	const struct kernel_profile *p;
	uint16_t version;

	if (ks->n == VERIFY_KERNELS_MAX)
		return cli_fail(CLI_USAGE, "--kernel takes %d kernels at most", VERIFY_KERNELS_MAX);
	if (!strcmp(name, "host"))
		return add_host(ks);
	version = kernel_version(name);
	p = kernel_profile_for(version);
	if (version && !p)
		return cli_fail(CLI_USAGE, "--kernel '%s' is older than the oldest profile (%s)", name,
				kernel_profiles[0].name);
	if (!p) {
		struct buf b;
		int code;

		buf_init(&b, 4096);
		for (size_t i = 0; i < kernel_n_profiles; i++)
			buf_printf(&b, "%s%s", i ? ", " : "", kernel_profiles[i].name);
		code = cli_fail(CLI_USAGE, "--kernel '%s' is not known: take %s, host, all or sallyport", name,
				b.p ? b.p : "");
		buf_done(&b);
		return code;
	}
	add(ks, version, p);
	return 0;
}

static int add_all(struct verify_kernels *ks)
{
	for (size_t i = 0; i < kernel_n_profiles && ks->n < VERIFY_KERNELS_MAX; i++)
		add(ks, kernel_profiles[i].version, &kernel_profiles[i]);
	return 0;
}

static int add_list(struct verify_kernels *ks, const char *list)
{
	char name[64];
	int code = 0;

	while (!code && *list) {
		size_t len = strcspn(list, ",");

		if (len >= sizeof name)
			return cli_fail(CLI_USAGE, "--kernel: a release such as 6.1, not '%.20s...'", list);
		memcpy(name, list, len);
		name[len] = '\0';
		code = !strcmp(name, "all") ? add_all(ks) : add_one(ks, name);
		list += len + (list[len] == ',');
	}
	return code;
}

/* ---- types ---- */

static int read_types(struct verify_kernels *ks, const char *path, bool must, struct btf **out)
{
	char *bytes = NULL;
	size_t len = 0;
	struct btf *b = ARENA_NEW(&ks->arena, struct btf);
	void *copy;
	struct diag d;
	enum err err;

	diag_init(&d);
	d.subject = path;
	err = b ? agent_file_read(path, &bytes, &len, &d) : E_NOMEM;
	copy = err == E_OK ? arena_alloc(&ks->arena, len ? len : 1) : NULL;
	if (copy) {
		memcpy(copy, bytes, len);
		err = btf_read(view_of(copy, len), NULL, &ks->arena, b, &d);
	} else if (err == E_OK) {
		err = E_NOMEM;
	}
	free(bytes);
	if (err != E_OK)
		return must ? cli_fail_diag(err, &d) : 0;
	*out = b;
	return 0;
}

/* DIR/6.1.btf, or NULL. */
static const char *file_in(struct verify_kernels *ks, const char *folder, const char *release)
{
	size_t room = strlen(folder) + strlen(release) + 8;
	char *path = arena_alloc(&ks->arena, room);
	struct stat st;

	if (!path)
		return NULL;
	(void)snprintf(path, room, "%s/%s.btf", folder, release);
	return stat(path, &st) ? NULL : path;
}

/* These are this kernel's own types: what it has is what they say. */
static int refine(struct verify_kernels *ks, struct verify_kernel *k)
{
	struct kernel_refined *r = ARENA_NEW(&ks->arena, struct kernel_refined);
	size_t len = strlen(k->label);
	uint16_t version;

	if (!r)
		return cli_fail(CLI_HOST, "out of memory");
	kernel_refine(k->profile, k->types, r);
	if (!r->changed)
		return 0;
	version = r->profile.version;
	k->refined = r;
	k->profile = &r->profile;
	(void)snprintf(k->label + len, sizeof k->label - len, "; by its types up to %u.%u", version >> 8,
		       version & 255u);
	return 0;
}

static int give_types(struct verify_kernels *ks, const char *btf)
{
	struct stat st;
	bool folder = btf && !stat(btf, &st) && S_ISDIR(st.st_mode);
	struct btf *host = NULL, *one = NULL;
	int code = 0;

	if (btf && !folder)
		code = read_types(ks, btf, true, &one);
	else
		code = read_types(ks, HOST_BTF, false, &host);
	for (uint32_t i = 0; i < ks->n && !code; i++) {
		struct verify_kernel *k = &ks->k[i];
		const char *path = folder ? file_in(ks, btf, k->name) : NULL;

		if (path)
			code = read_types(ks, path, true, &k->types);
		k->types_from = path ? path : one ? btf : HOST_BTF;
		if (!path) {
			k->types = one ? one : host;
			k->stand_in = one ? ks->n > 1 : !k->host && host;
		}
		if (!code && k->types && !k->stand_in)
			code = refine(ks, k);
	}
	return code;
}

int verify_kernels_open(const struct verify_args *args, struct verify_kernels *out)
{
	int code;

	*out = (struct verify_kernels){ 0 };
	arena_init(&out->arena, 512 << 20);
	code = args->kernels ? add_list(out, args->kernels) : args->compat ? add_all(out) : add_host(out);
	if (!code && !out->n)
		code = cli_fail(CLI_USAGE, "--kernel names no kernel");
	return code ? code : give_types(out, args->btf);
}

void verify_kernels_done(struct verify_kernels *k)
{
	free(k->config);
	arena_done(&k->arena);
}
