/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: paths that callers wrote, joined to where they start from.
 *
 * Against an oracle that is slow and obvious: a list of names, from which ".." takes the last one.
 */
#include "sensor/decode/parts.h"

#include "test.h"

enum { MAX_NAMES = 64 };

static uint64_t seed = 11;
static uint32_t rnd(uint32_t n)
{
	seed = hash_u64(seed + 0x9e3779b97f4a7c15ull);
	return (uint32_t)(seed >> 33) % n;
}

struct names {
	char name[MAX_NAMES][64];
	uint32_t n;
};

/* keep: this many names stay whatever is taken. */
static void walk(struct names *l, const char *path, uint32_t keep)
{
	char copy[512], *save = NULL;

	(void)snprintf(copy, sizeof copy, "%s", path);
	for (char *s = strtok_r(copy, "/", &save); s; s = strtok_r(NULL, "/", &save)) {
		if (!strcmp(s, "."))
			continue;
		if (!strcmp(s, "..")) {
			l->n -= l->n > keep;
			continue;
		}
		CHECK(l->n < MAX_NAMES);
		(void)snprintf(l->name[l->n++], sizeof l->name[0], "%s", s);
	}
}

static void oracle(const char *raw, const char *dir, char out[2048])
{
	struct names l = { .n = 0 };
	bool unknown = !dir[0] && raw[0] != '/', dots = unknown || dir[0] == '.';
	size_t n = 0;

	if (unknown)
		(void)snprintf(l.name[l.n++], sizeof l.name[0], "...");
	/* a directory is as the kernel has it: nothing in it is taken away */
	for (const char *s = dir; *s;) {
		size_t k = strcspn(s, "/");

		if (k)
			(void)snprintf(l.name[l.n++], sizeof l.name[0], "%.*s", (int)k, s);
		s += k + (s[k] == '/');
	}
	walk(&l, raw, raw[0] == '/' ? l.n : dots);
	for (uint32_t i = 0; i < l.n; i++)
		n += (size_t)snprintf(out + n, 2048 - n, "%s%s", i || !dots ? "/" : "", l.name[i]);
	if (!n)
		(void)snprintf(out, 2048, "/");
}

static const char *ask(const char *raw, const char *dir)
{
	static char out[JOIN_TEXT + 1];
	struct proc_str s = path_asked((struct proc_str){ raw, (uint32_t)strlen(raw) },
				       (struct proc_str){ dir, (uint32_t)strlen(dir) }, out);

	memmove(out, s.p, s.len);
	out[s.len] = 0;
	return out;
}

TEST(a_path_that_was_asked_for_is_joined_and_freed_of_detours)
{
	static const struct {
		const char *raw, *dir, *want;
	} rows[] = {
		{ "a", "/", "/a" },
		{ "a", "/b", "/b/a" },
		{ "./a//b/.", "/c", "/c/a/b" },
		{ "..", "/a/b", "/a" },
		{ "..", "/", "/" },
		{ "../../../../etc/x", "/a/b", "/etc/x" },
		{ "/etc/../../x", "/", "/x" },
		{ "/..", "/", "/" },
		{ "/", "/", "/" },
		{ ".", "/", "/" },
		{ "...", "/a", "/a/..." },
		{ "..a", "/a", "/a/..a" },
		{ "a..", "/a", "/a/a.." },
		/* in a chroot nobody gets above it by an absolute path */
		{ "/etc/x", "/srv/jail", "/srv/jail/etc/x" },
		{ "/../../etc/x", "/srv/jail", "/srv/jail/etc/x" },
		/* where it starts is not known, or not whole */
		{ "a", "", ".../a" },
		{ "../a", "", ".../a" },
		{ "/a", "", "/a" },
		{ "../../x", ".../b/c", ".../x" },
		{ "../../../x", ".../b/c", ".../x" },
		/* what a descriptor is, itself */
		{ "", "/a/b", "/a/b" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].raw;
		CHECK_STR(ask(rows[i].raw, rows[i].dir), rows[i].want);
	}
}

TEST(a_path_that_was_asked_for_is_what_a_slow_oracle_says)
{
	static const char *const parts[] = { "a", "b", "..", ".", "", "...", "c.d", "..e", "/", ".." };
	static const char *const dirs[] = { "/", "/x", "/x/y/z", "", ".../q", ".../q/r", "/..." };

	for (uint32_t i = 0; i < 200000; i++) {
		char raw[128], want[2048];
		size_t n = 0;

		raw[0] = 0;
		if (rnd(3) == 0)
			n += (size_t)snprintf(raw, sizeof raw, "/");
		for (uint32_t k = rnd(10); k; k--)
			n += (size_t)snprintf(raw + n, sizeof raw - n, "%s%s", parts[rnd(countof(parts))],
					      rnd(4) ? "/" : "");
		for (size_t d = 0; d < countof(dirs); d++) {
			test_row = raw;
			oracle(raw, dirs[d], want);
			CHECK_STR(ask(raw, dirs[d]), want);
		}
	}
}

TEST(paths_of_the_greatest_length_fit)
{
	static char raw[WIRE_PATH_BYTES + 1], dir[PATH_TEXT], out[JOIN_TEXT];
	struct proc_str s;

	memset(raw, 'r', WIRE_PATH_BYTES);
	memset(dir, 'd', sizeof dir);
	dir[0] = '/';
	s = path_asked((struct proc_str){ raw, WIRE_PATH_BYTES }, (struct proc_str){ dir, sizeof dir - 1 }, out);
	CHECK_EQ(s.len, WIRE_PATH_BYTES + sizeof dir);
	for (size_t i = 0; i < WIRE_PATH_BYTES; i++)
		raw[i] = i % 2 ? '/' : 'x';
	s = path_asked((struct proc_str){ raw, WIRE_PATH_BYTES }, (struct proc_str){ dir, sizeof dir - 1 }, out);
	CHECK_EQ(s.len, WIRE_PATH_BYTES + sizeof dir - 1);
}
