/* SPDX-License-Identifier: Apache-2.0 */
/* make: captures for tests, byte by byte. */
#ifndef SALLYPORT_TESTS_CAPTURE_MAKE_H
#define SALLYPORT_TESTS_CAPTURE_MAKE_H

#include <stdarg.h>

#include "base/base.h"

/* .scap: blocks are begun and ended; numbers are little-endian. */
struct mk {
	struct buf b;
	size_t block; /* where the open one begins */
};

static inline void mk_num(struct mk *m, uint64_t v, size_t bytes)
{
	buf_put(&m->b, &v, bytes);
}

static inline void mk_str(struct mk *m, const char *s, size_t len)
{
	mk_num(m, len, 2);
	buf_put(&m->b, s, len);
}

static inline void mk_begin(struct mk *m, uint32_t type)
{
	m->block = m->b.len;
	mk_num(m, type, 4);
	mk_num(m, 0, 4);
}

static inline void mk_end(struct mk *m)
{
	uint32_t len;

	while ((m->b.len - m->block) % 4)
		mk_num(m, 0, 1);
	len = (uint32_t)(m->b.len - m->block + 4);
	memcpy(m->b.p + m->block + 4, &len, 4);
	mk_num(m, len, 4);
}

static inline void mk_section(struct mk *m, uint16_t major)
{
	mk_begin(m, 0x0a0d0d0a);
	mk_num(m, 0x1a2b3c4d, 4);
	mk_num(m, major, 2);
	mk_num(m, 2, 2);
	mk_num(m, UINT64_MAX, 8);
	mk_end(m);
}

#define MK_BOOT 1000000000000ull

static inline void mk_machine(struct mk *m)
{
	char host[128] = "mars";

	mk_begin(m, 0x201);
	mk_num(m, 4, 4);
	mk_num(m, 1 << 30, 8);
	mk_num(m, 32768, 8);
	buf_put(&m->b, host, sizeof host);
	mk_num(m, MK_BOOT, 8);
	for (int i = 0; i < 3; i++)
		mk_num(m, 0, 8);
	mk_end(m);
}

static inline void mk_start(struct mk *m)
{
	buf_init(&m->b, 64 << 20);
	mk_section(m, 1);
	mk_machine(m);
}

struct mk_proc {
	uint32_t tid, pid, ptid, uid;
	const char *comm, *exe, *args, *cwd, *exepath, *cgroups;
};

static inline uint32_t mk_proc_type(int version)
{
	static const uint16_t types[] = { 0, 0x202, 0x207, 0x209, 0x210, 0x211, 0x212, 0x213, 0x214, 0x215 };

	return types[version];
}

static inline void mk_text(struct mk *m, const char *s)
{
	mk_str(m, s ? s : "", s ? strlen(s) : 0);
}

/* One entry of a process list. appended: what of version 9 follows, 0 none, 1 before 0.10, 2 all. */
static inline void mk_proc(struct mk *m, int version, const struct mk_proc *p, int appended)
{
	size_t at = m->b.len;
	uint32_t len;

	if (version >= 9)
		mk_num(m, 0, 4);
	mk_num(m, p->tid, 8);
	mk_num(m, p->pid, 8);
	mk_num(m, p->ptid, 8);
	if (version >= 6)
		mk_num(m, p->pid, 8);
	if (version >= 8)
		mk_num(m, p->pid, 8);
	mk_text(m, p->comm);
	mk_text(m, p->exe);
	if (version >= 7)
		mk_text(m, p->exepath);
	mk_text(m, p->args);
	mk_text(m, p->cwd);
	mk_num(m, 1024, 8);
	mk_num(m, 0, 4);
	mk_num(m, p->uid, 4);
	mk_num(m, p->uid, 4);
	if (version >= 2)
		for (int i = 0; i < 7; i++)
			mk_num(m, 0, 4);
	if (version >= 3)
		mk_str(m, "A=b", 4);
	if (version >= 4) {
		mk_num(m, p->tid, 8);
		mk_num(m, p->pid, 8);
		mk_text(m, p->cgroups);
	}
	if (version >= 5)
		mk_text(m, "/");
	if (version >= 9 && appended == 2) {
		mk_num(m, 1, 8);
		mk_num(m, 34816, 4);
	}
	if (version >= 9 && appended) {
		mk_num(m, 1000, 4);
		mk_num(m, 0, 1);
		for (int i = 0; i < 3; i++)
			mk_num(m, 0, 8);
	}
	if (version >= 9 && appended == 2) {
		mk_num(m, 0, 1);
		mk_num(m, 4711, 8);
		mk_num(m, 0, 8);
		mk_num(m, 0, 8);
		mk_num(m, 0, 1);
	}
	if (version < 9)
		return;
	len = (uint32_t)(m->b.len - at);
	memcpy(m->b.p + at, &len, 4);
}

static inline void mk_procs(struct mk *m, int version, const struct mk_proc *p, uint32_t n)
{
	mk_begin(m, mk_proc_type(version));
	for (uint32_t i = 0; i < n; i++)
		mk_proc(m, version, &p[i], 2);
	mk_end(m);
}

/* A shell and its parent, as most tests want them. */
static inline void mk_shell(struct mk *m)
{
	static const struct mk_proc p[] = {
		{ 100, 100, 1, 1000, "bash", "-bash", "", "/home/u/", "/bin/bash", "cpuset=/" },
		{ 1, 1, 0, 0, "init", "/sbin/init", "", "/", "/sbin/init", "cpuset=/" },
	};

	mk_procs(m, 9, p, 2);
}

struct mk_param {
	uint64_t n;
	uint8_t bytes; /* of n; 0: s */
	const char *s;
	uint32_t len;
};
#define P64(v)                                          \
	{                                               \
		.n = (uint64_t)(int64_t)(v), .bytes = 8 \
	}
#define P32(v)                                 \
	{                                      \
		.n = (uint32_t)(v), .bytes = 4 \
	}
#define P16(v)                                 \
	{                                      \
		.n = (uint16_t)(v), .bytes = 2 \
	}
#define P8(v)                                 \
	{                                     \
		.n = (uint8_t)(v), .bytes = 1 \
	}
#define PSTR(text)                               \
	{                                        \
		.s = (text), .len = sizeof(text) \
	}
#define PBYTES(p, l)                 \
	{                            \
		.s = (p), .len = (l) \
	}

/* An event; version 1 or 2 of its block. */
static inline void mk_event_at(struct mk *m, int version, bool flags, uint64_t ts, uint64_t tid, uint16_t type,
			       const struct mk_param *p, uint32_t n)
{
	size_t at;
	uint32_t len;

	mk_begin(m, version == 1 ? (flags ? 0x208 : 0x204) : (flags ? 0x217 : 0x216));
	mk_num(m, 0, 2);
	if (flags)
		mk_num(m, 0, 4);
	at = m->b.len;
	mk_num(m, ts, 8);
	mk_num(m, tid, 8);
	mk_num(m, 0, 4);
	mk_num(m, type, 2);
	if (version == 2)
		mk_num(m, n, 4);
	for (uint32_t i = 0; i < n; i++)
		mk_num(m, p[i].bytes ? p[i].bytes : p[i].len, 2);
	for (uint32_t i = 0; i < n; i++) {
		if (p[i].bytes)
			mk_num(m, p[i].n, p[i].bytes);
		else
			buf_put(&m->b, p[i].s, p[i].len);
	}
	len = (uint32_t)(m->b.len - at);
	memcpy(m->b.p + at + 16, &len, 4);
	mk_end(m);
}

/* Times go up by a microsecond per block. */
#define mk_event(m, tid, type, ...)                                                                                    \
	do {                                                                                                           \
		const struct mk_param params_[] = { __VA_ARGS__ };                                                     \
		mk_event_at((m), 2, false, MK_BOOT * 2 + (m)->b.len * 1000, (tid), (type), params_, countof(params_)); \
	} while (0)
#define mk_event_v1(m, tid, type, ...)                                                                                 \
	do {                                                                                                           \
		const struct mk_param params_[] = { __VA_ARGS__ };                                                     \
		mk_event_at((m), 1, false, MK_BOOT * 2 + (m)->b.len * 1000, (tid), (type), params_, countof(params_)); \
	} while (0)

static inline struct view mk_view(const struct mk *m)
{
	return view_of(m->b.p, m->b.len);
}

/* One event of each kind that is translated, after lists of each kind. */
void make_everything(struct mk *m);

/* judge.c: what comes of a capture, as text: one line an event. */
struct judged {
	struct buf lines;
	enum err err;
	struct diag d;
	uint64_t records, malformed;
};
void judge(struct view capture, struct judged *out);
void judged_done(struct judged *j);

#endif
