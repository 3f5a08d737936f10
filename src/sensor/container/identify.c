/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identify: the path of a control group to the container that it belongs to.
 *
 * How runtimes name groups (facts: moby daemon/oci_linux.go and containerd/cri for PREFIX-ID.scope under systemd and
 * plain ID under cgroupfs, podman libpod/container_internal_linux.go, cri-o internal/config/cgmgr,
 * opencontainers/cgroups systemd driver for runc-NAME.scope, crun src/libcrun/cgroup-systemd.c, lxc.container.conf(5)
 * lxc.payload.NAME, systemd docs/CONTROL_GROUP_INTERFACE and machine-NAME.scope of systemd-machined, kubelet's
 * pkg/kubelet/cm/cgroup_manager_linux.go for pods).
 */
#include "sensor/container/container.h"

#define HEX_ID 64

struct name {
	const char *p;
	size_t len;
};

enum { MAX_NAMES = 64 };

const char *container_runtime_word(enum container_runtime r)
{
	static const char *const words[CONTAINER_N_RUNTIMES] = {
		[CONTAINER_HOST] = "host",
		[CONTAINER_DOCKER] = "docker",
		[CONTAINER_PODMAN] = "podman",
		[CONTAINER_CONTAINERD] = "containerd",
		[CONTAINER_CRIO] = "cri-o",
		[CONTAINER_LXC] = "lxc",
		[CONTAINER_NSPAWN] = "systemd-nspawn",
		[CONTAINER_OCI] = "oci",
	};

	return r < CONTAINER_N_RUNTIMES ? words[r] : "host";
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(struct name n)
{
	for (size_t i = 0; i < n.len; i++)
		if (!is_digit(n.p[i]) && !(n.p[i] >= 'a' && n.p[i] <= 'f'))
			return false;
	return n.len == HEX_ID;
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_plain(struct name n)
{
	if (!n.len || n.len >= CONTAINER_ID_MAX || !is_alnum(n.p[0]))
		return false;
	for (size_t i = 1; i < n.len; i++)
		if (!is_alnum(n.p[i]) && !memchr("_+-.", n.p[i], 4))
			return false;
	return true;
}

bool container_id_ok(const char id[CONTAINER_ID_MAX])
{
	const char *nul = memchr(id, 0, CONTAINER_ID_MAX);

	return nul && is_plain((struct name){ id, (size_t)(nul - id) });
}

static bool equals(struct name n, const char *s)
{
	return n.len == strlen(s) && !memcmp(n.p, s, n.len);
}

static bool skip(struct name *n, const char *prefix)
{
	size_t len = strlen(prefix);

	if (n->len < len || memcmp(n->p, prefix, len))
		return false;
	n->p += len;
	n->len -= len;
	return true;
}

static bool chop(struct name *n, const char *suffix)
{
	size_t len = strlen(suffix);

	if (n->len < len || memcmp(n->p + n->len - len, suffix, len))
		return false;
	n->len -= len;
	return true;
}

static void set_id(struct container_ident *out, enum container_runtime r, struct name id)
{
	out->runtime = r;
	out->hex = is_hex(id);
	memcpy(out->id, id.p, id.len);
	out->id[id.len] = 0;
}

/* PREFIX-ID, with .scope under systemd. */
static bool prefixed(struct name n, struct container_ident *out)
{
	static const struct {
		const char *prefix;
		enum container_runtime runtime;
		bool names; /* any name will do, under systemd; else 64 digits */
	} rows[] = {
		{ "docker-", CONTAINER_DOCKER, false },
		{ "libpod-", CONTAINER_PODMAN, false },
		{ "crio-", CONTAINER_CRIO, false },
		{ "cri-containerd-", CONTAINER_CONTAINERD, false },
		{ "nerdctl-", CONTAINER_CONTAINERD, false },
		{ "crun-", CONTAINER_OCI, true },
		{ "runc-", CONTAINER_OCI, true },
	};
	bool scope = chop(&n, ".scope");

	for (size_t i = 0; i < countof(rows); i++) {
		struct name id = n;

		if (!skip(&id, rows[i].prefix) || !(is_hex(id) || (rows[i].names && scope && is_plain(id))))
			continue;
		set_id(out, rows[i].runtime, id);
		return true;
	}
	return false;
}

/* systemd writes a byte that a unit's name cannot have as \xHH (systemd.unit(5), string escaping). */
static bool unescape(struct name n, char out[CONTAINER_ID_MAX])
{
	size_t at = 0;

	for (size_t i = 0; i < n.len; i++) {
		char c = n.p[i];

		if (c == '\\') {
			char hex[3] = { 0 }, *end;

			if (n.len - i < 4 || n.p[i + 1] != 'x')
				return false;
			memcpy(hex, n.p + i + 2, 2);
			c = (char)strtoul(hex, &end, 16);
			if (*end || end != hex + 2)
				return false;
			i += 3;
		}
		if (at == CONTAINER_ID_MAX - 1)
			return false;
		out[at++] = c;
	}
	out[at] = 0;
	return is_plain((struct name){ out, at });
}

/*
 * A registered machine. Virtual machines have such scopes too: libvirt's names begin with qemu-. The process that waits
 * for the container is in its group "supervisor".
 */
static bool machine(const struct name *names, size_t i, size_t n, struct container_ident *out)
{
	struct name m = names[i];
	char id[CONTAINER_ID_MAX];
	bool scope = skip(&m, "machine-") && chop(&m, ".scope") && i && equals(names[i - 1], "machine.slice");

	if (!scope) {
		m = names[i];
		if (!skip(&m, "systemd-nspawn@") || !chop(&m, ".service"))
			return false;
	}
	if ((i + 1 < n && equals(names[i + 1], "supervisor")) || !unescape(m, id) || !strncmp(id, "qemu-", 5))
		return false;
	set_id(out, CONTAINER_NSPAWN, (struct name){ id, strlen(id) });
	return true;
}

static bool lxc(const struct name *names, size_t i, struct container_ident *out)
{
	struct name m = names[i];

	if (!skip(&m, "lxc.payload.") && !(i && (equals(names[i - 1], "lxc") || equals(names[i - 1], "lxc.payload"))))
		return false;
	if (!is_plain(m))
		return false;
	set_id(out, CONTAINER_LXC, m);
	return true;
}

static bool identify_at(const struct name *names, size_t i, size_t n, struct container_ident *out)
{
	if (prefixed(names[i], out))
		return true;
	if (is_hex(names[i])) {
		set_id(out, i && equals(names[i - 1], "docker") ? CONTAINER_DOCKER : CONTAINER_OCI, names[i]);
		return true;
	}
	return lxc(names, i, out) || machine(names, i, n, out);
}

/* kubepods-burstable-podUID.slice, underscores for dashes; or podUID below kubepods. */
static bool pod(const struct name *names, size_t i, char out[40])
{
	struct name m = names[i];

	if (chop(&m, ".slice")) {
		const char *at = memmem(m.p, m.len, "kubepods", 8), *uid;

		uid = at ? memmem(at, (size_t)(m.p + m.len - at), "-pod", 4) : NULL;
		if (!uid)
			return false;
		m = (struct name){ uid + 4, (size_t)(m.p + m.len - uid) - 4 };
	} else if (!skip(&m, "pod") || !i) {
		return false;
	}
	if (m.len < 32 || m.len > 36)
		return false;
	for (size_t k = 0; k < m.len; k++) {
		char c = m.p[k] == '_' ? '-' : m.p[k];

		if (!is_digit(c) && !(c >= 'a' && c <= 'f') && c != '-')
			return false;
		out[k] = c;
	}
	out[m.len] = 0;
	return true;
}

/* Somebody other than root may make groups below this one. */
static bool delegates(struct name n)
{
	return skip(&n, "user@") && chop(&n, ".service");
}

static size_t split(const char *path, size_t len, struct name names[MAX_NAMES])
{
	const char *end = path + len;
	size_t n = 0;

	while (path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		struct name m = { path, (size_t)((slash ? slash : end) - path) };

		path = (slash ? slash : end) + 1;
		if (!m.len)
			continue;
		if (n == MAX_NAMES) { /* the inner ones count */
			memmove(names, names + 1, (MAX_NAMES - 1) * sizeof *names);
			n--;
		}
		names[n++] = m;
	}
	return n;
}

void container_identify(const char *path, size_t len, struct container_ident *out)
{
	struct container_ident outer = { 0 };
	struct name names[MAX_NAMES];
	size_t n = split(path, len, names), i;

	*out = (struct container_ident){ 0 };
	for (i = n; i && !identify_at(names, i - 1, n, out); i--)
		;
	if (!i)
		return;
	out->direct = len && path[0] == '/' && n < MAX_NAMES;
	for (size_t k = 0; k + 1 < i; k++) {
		out->direct &= !delegates(names[k]) && !identify_at(names, k, n, &outer);
		(void)pod(names, k, out->pod_uid);
	}
}
