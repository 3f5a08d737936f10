/* SPDX-License-Identifier: Apache-2.0 */
/* call_judges: one row of calls.h: what kverify says of it, and what the running kernel does. */
#include "test.h"

#include "calls.h"

#include "engine/asm/asm.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { CAP = 64 << 20, MAX_MAPS = 8 };

static void assemble(const struct call_row *r, struct arena *a, struct prog *p)
{
	struct view text = { (const uint8_t *)r->text, strlen(r->text) };
	struct diag d;
	enum err err;

	diag_init(&d);
	err = asm_text(text, "calls", a, p, &d);
	CHECK_STR(err == E_OK ? "" : d.text, "");
}

/* The object's types, and which function has which. */
static const struct btf *give_types(const struct call_row *r, struct arena *a, struct prog *p)
{
	struct prog_func *funcs = ARENA_ARRAY(a, struct prog_func, p->n_funcs);
	uint8_t *bytes = arena_alloc(a, CALL_TYPES_MAX);
	struct btf *types = ARENA_NEW(a, struct btf);
	uint32_t ids[CALL_MAX_FUNCS], n;
	size_t len;

	if (!r->types)
		return NULL;
	assert(funcs && bytes && types && "the arena has room");
	len = call_types(r->types, bytes, ids, &n);
	CHECK_EQ(btf_read((struct view){ bytes, len }, NULL, a, types, NULL), E_OK);
	CHECK_EQ(p->n_funcs, n);
	memcpy(funcs, p->funcs, n * sizeof *funcs);
	for (uint32_t i = 0; i < n; i++)
		funcs[i].type = ids[i];
	p->funcs = funcs;
	return types;
}

int call_judge(const struct call_row *r, const struct kernel_profile *k, struct diag *d)
{
	struct kverify_opts o = { .kernel = k,
				  .gpl = !r->not_gpl,
				  .target = { .prog_type = r->type, .attach_type = r->attach } };
	struct arena a;
	struct prog p;
	enum err err;

	arena_init(&a, CAP);
	test_row = r->name;
	assemble(r, &a, &p);
	o.types = give_types(r, &a, &p);
	test_row = NULL;
	diag_init(d);
	err = kverify_prog(&p, &o, &a, NULL, d);
	arena_done(&a);
	return err == E_OK ? 0 : d->id;
}

/* ---- the running kernel ---- */

const struct kernel_profile *call_running_kernel(void)
{
	struct utsname u;
	const struct kernel_profile *k = uname(&u) ? NULL : kernel_profile(u.release);

	return k && k->measured ? k : NULL;
}

static int make_map(const struct prog_map *m)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = m->flags);
	uint32_t zero = 0;
	uint8_t value[8192] = { 0 };
	int fd = bpf_map_create(m->kind, "calls", m->key_size, m->value_size, m->max_entries, &o);

	if (fd < 0 || !m->init.len)
		return fd;
	memcpy(value, m->init.p, m->init.len);
	(void)bpf_map_update_elem(fd, &zero, value, 0);
	(void)bpf_map_freeze(fd);
	return fd;
}

/* The kernel takes descriptors where a program has indices. */
static void put_maps(const struct prog *p, const int *fds)
{
	for (uint32_t i = 0; i < p->n_insns; i++) {
		struct isa_insn *in = &p->insns[i];

		if (in->sem == ISA_IMM64 && (in->aux == ISA_IMM64_MAP_FD || in->aux == ISA_IMM64_MAP_VALUE))
			in->imm = fds[in->imm];
	}
}

/* What bpf(2) asks for beside the instructions. */
static int put_types(const struct call_row *r, const struct prog *p, struct bpf_func_info *info,
		     struct bpf_prog_load_opts *o)
{
	uint8_t bytes[CALL_TYPES_MAX];
	uint32_t ids[CALL_MAX_FUNCS], n;
	size_t len;
	int fd;

	if (!r->types)
		return -1;
	len = call_types(r->types, bytes, ids, &n);
	fd = bpf_btf_load(bytes, len, NULL);
	for (uint32_t i = 0; i < n; i++)
		info[i] = (struct bpf_func_info){ p->funcs[i].start, ids[i] };
	o->prog_btf_fd = (uint32_t)fd;
	o->func_info = info;
	o->func_info_cnt = n;
	o->func_info_rec_size = sizeof *info;
	return fd;
}

/* 0: loaded; 1: refused; -1: this kernel does not grant it. */
int call_ask_kernel(const struct call_row *r, char *log)
{
	LIBBPF_OPTS(bpf_prog_load_opts, o, .log_buf = log, .log_size = CALL_LOG_BYTES, .log_level = 1,
		    .expected_attach_type = r->attach);
	struct bpf_func_info info[CALL_MAX_FUNCS];
	int fds[MAX_MAPS], fd, e, types;
	struct buf code;
	struct arena a;
	struct prog p;

	arena_init(&a, CAP);
	assemble(r, &a, &p);
	for (uint32_t i = 0; i < p.n_maps; i++)
		fds[i] = make_map(&p.maps[i]);
	put_maps(&p, fds);
	buf_init(&code, 1 << 16);
	asm_encode(p.insns, p.n_insns, &code);
	log[0] = '\0';
	types = put_types(r, &p, info, &o);
	fd = bpf_prog_load(r->type, "calls", r->not_gpl ? "Proprietary" : "GPL", (const void *)code.p,
			   code.len / ISA_SLOT_BYTES, &o);
	e = errno;
	if (fd >= 0)
		(void)close(fd);
	for (uint32_t i = 0; i < p.n_maps; i++)
		(void)close(fds[i]);
	if (types >= 0)
		(void)close(types);
	buf_done(&code);
	arena_done(&a);
	if (fd >= 0)
		return 0;
	return e == EPERM && !log[0] ? -1 : 1;
}

/* The kernel says the part of its line by which this reason is known. */
bool call_same_reason(int id, const char *log)
{
	for (size_t i = 0; i < kverify_n_diags; i++)
		if (kverify_diags[i].id == id)
			return strstr(log, kverify_diags[i].log) != NULL;
	return false;
}
