/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify_policy: the house's own checks, on top of the kernel's: which helpers and types programs may not use, and how
 * near to a limit they may come.
 *
 *     forbid:
 *       helpers: [probe_write_user, override_return]
 *       program_types: [kprobe]
 *       map_kinds: [perf_event_array]
 *     at_most:
 *       instructions_percent: 50
 *       stack_bytes: 384
 *       states: 5000
 *       map_bytes: 67108864
 */
#include "cli/verify.h"

#include <stdarg.h>
#include <stdlib.h>
#include <yaml.h>

#include "agent/agent.h"
#include "engine/asm/asm.h"

enum { WORDS_MAX = 256 };

struct words {
	char *w[WORDS_MAX];
	uint32_t n;
};

struct verify_policy {
	struct words helpers, types, maps;
	uint64_t percent, stack, states, map_bytes; /* 0: any */
	char why[2000];
};

struct reading {
	const char *path;
	yaml_document_t doc;
	struct verify_policy *p;
};

static const char *text_of(const yaml_node_t *n)
{
	return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";
}

static int wrong(const struct reading *r, const yaml_node_t *n, const char *what)
{
	return cli_fail(CLI_REFUSED, "%s:%zu:%zu: %s", r->path, n ? n->start_mark.line + 1 : 1,
			n ? n->start_mark.column + 1 : 1, what);
}

/* Names that nothing has would forbid nothing, silently. */
struct names {
	const char *(*name)(uint32_t number); /* NULL: none has it */
	uint32_t n;
	const char *unknown;
};

static bool is_known(const struct names *names, const char *name)
{
	for (uint32_t i = 0; i < names->n; i++) {
		const char *n = names->name(i);

		if (n && !strcmp(n, name))
			return true;
	}
	return false;
}

static int read_words(struct reading *r, yaml_node_t *n, const struct names *names, struct words *out)
{
	if (n->type != YAML_SEQUENCE_NODE)
		return wrong(r, n, "a list of names is needed here");
	for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
		yaml_node_t *w = yaml_document_get_node(&r->doc, *i);

		if (!text_of(w)[0])
			return wrong(r, w ? w : n, "a name is needed here");
		if (!is_known(names, text_of(w)))
			return wrong(r, w, names->unknown);
		if (out->n == WORDS_MAX)
			return wrong(r, w, "at most 256 names");
		out->w[out->n] = strdup(text_of(w));
		if (!out->w[out->n])
			return cli_fail(CLI_HOST, "out of memory");
		out->n++;
	}
	return 0;
}

static int read_number(struct reading *r, yaml_node_t *n, uint64_t max, uint64_t *out)
{
	*out = cli_number(text_of(n), max);
	return *out ? 0 : wrong(r, n, "a number from 1 is needed here (a percentage is at most 100)");
}

typedef int read_key(struct reading *r, const char *key, yaml_node_t *value);

static int each_key(struct reading *r, yaml_node_t *n, read_key *fn)
{
	int code = 0;

	if (n->type != YAML_MAPPING_NODE)
		return wrong(r, n, "a mapping is needed here");
	for (yaml_node_pair_t *i = n->data.mapping.pairs.start; !code && i < n->data.mapping.pairs.top; i++) {
		yaml_node_t *key = yaml_document_get_node(&r->doc, i->key),
			    *value = yaml_document_get_node(&r->doc, i->value);

		code = key && value ? fn(r, text_of(key), value) : wrong(r, n, "a key without a value");
		if (code == -1)
			code = wrong(r, key,
				     "there is no such key: forbid has helpers, program_types, map_kinds; at_most has "
				     "instructions_percent, stack_bytes, states, map_bytes");
	}
	return code;
}

static int forbid_key(struct reading *r, const char *key, yaml_node_t *value)
{
	static const struct names
		helpers = { kernel_helper_name, 1024,
			    "no helper has this name (names are without bpf_: probe_read_kernel)" },
		types = { kernel_prog_type_name, KPROG_N,
			  "no program type has this name (kprobe, xdp, sched_cls, as bpftool says it)" },
		maps = { kernel_map_kind_name, 256,
			 "no kind of map has this name (hash, array, ringbuf, as bpftool says it)" };

	if (!strcmp(key, "helpers"))
		return read_words(r, value, &helpers, &r->p->helpers);
	if (!strcmp(key, "program_types"))
		return read_words(r, value, &types, &r->p->types);
	return !strcmp(key, "map_kinds") ? read_words(r, value, &maps, &r->p->maps) : -1;
}

static int at_most_key(struct reading *r, const char *key, yaml_node_t *value)
{
	if (!strcmp(key, "instructions_percent"))
		return read_number(r, value, 100, &r->p->percent);
	if (!strcmp(key, "stack_bytes"))
		return read_number(r, value, 4096, &r->p->stack);
	if (!strcmp(key, "states"))
		return read_number(r, value, 1 << 30, &r->p->states);
	return !strcmp(key, "map_bytes") ? read_number(r, value, UINT64_C(1) << 50, &r->p->map_bytes) : -1;
}

static int top_key(struct reading *r, const char *key, yaml_node_t *value)
{
	if (!strcmp(key, "forbid"))
		return each_key(r, value, forbid_key);
	if (!strcmp(key, "at_most"))
		return each_key(r, value, at_most_key);
	return wrong(r, value, "a policy has the keys forbid and at_most");
}

static int parse(struct reading *r, const char *text, size_t len)
{
	yaml_parser_t parser;
	yaml_node_t *root;
	int code;

	if (!yaml_parser_initialize(&parser))
		return cli_fail(CLI_HOST, "out of memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &r->doc)) {
		code = cli_fail(CLI_REFUSED, "%s:%zu:%zu: not YAML: %s", r->path, parser.problem_mark.line + 1,
				parser.problem_mark.column + 1, parser.problem ? parser.problem : "?");
		yaml_parser_delete(&parser);
		return code;
	}
	root = yaml_document_get_root_node(&r->doc);
	code = root ? each_key(r, root, top_key) : cli_fail(CLI_REFUSED, "%s: the policy is empty", r->path);
	yaml_document_delete(&r->doc);
	yaml_parser_delete(&parser);
	return code;
}

int verify_policy_read(const char *path, const char *text, size_t len, struct verify_policy **out)
{
	struct reading r = { .path = path, .p = calloc(1, sizeof *r.p) };

	*out = r.p;
	return r.p ? parse(&r, text, len) : cli_fail(CLI_HOST, "out of memory");
}

int verify_policy_open(const char *path, struct verify_policy **out)
{
	char *text = NULL;
	size_t len = 0;
	struct diag d;
	enum err err;
	int code;

	diag_init(&d);
	err = agent_file_read(path, &text, &len, &d);
	code = err == E_OK ? verify_policy_read(path, text, len, out) : cli_fail_diag(err, &d);
	free(text);
	return code;
}

static void free_words(struct words *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		free(w->w[i]);
}

void verify_policy_free(struct verify_policy *p)
{
	if (!p)
		return;
	free_words(&p->helpers);
	free_words(&p->types);
	free_words(&p->maps);
	free(p);
}

static bool has(const struct words *w, const char *name)
{
	for (uint32_t i = 0; name && i < w->n; i++)
		if (!strcmp(w->w[i], name))
			return true;
	return false;
}

/* One more reason; what does not fit is left out. */
static void against(struct verify_policy *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void against(struct verify_policy *p, const char *fmt, ...)
{
	size_t at = strlen(p->why);
	va_list ap;

	if (at && at + 2 < sizeof p->why) {
		memcpy(p->why + at, "; ", 3);
		at += 2;
	}
	va_start(ap, fmt);
	(void)vsnprintf(p->why + at, sizeof p->why - at, fmt, ap);
	va_end(ap);
}

static void check_helpers(struct verify_policy *p, const struct prog *prog)
{
	for (uint32_t i = 0; i < prog->n_insns; i++) {
		const struct isa_insn *in = &prog->insns[i];
		const struct prog_line *l = prog_line_at(prog, i);
		const char *name;

		if (in->sem != ISA_CALL || in->aux != ISA_CALL_HELPER || in->imm < 0 || in->imm > UINT32_MAX)
			continue;
		name = kernel_helper_name((uint32_t)in->imm);
		if (!has(&p->helpers, name))
			continue;
		if (l)
			against(p, "helper %s is forbidden: instruction %u, %s:%u", name, i, l->file, l->line);
		else
			against(p, "helper %s is forbidden: instruction %u", name, i);
	}
}

static void check_map(struct verify_policy *p, const struct prog_map *m)
{
	const char *kind = kernel_map_kind_name(m->kind);
	bool ring = m->kind == PROG_MAP_RINGBUF || m->kind == PROG_MAP_USER_RINGBUF;
	uint64_t bytes;

	if (has(&p->maps, kind))
		against(p, "map '%s' is of the forbidden kind %s", m->name, kind);
	if (__builtin_mul_overflow(ring ? 1 : (uint64_t)m->key_size + m->value_size, m->max_entries, &bytes))
		bytes = UINT64_MAX;
	if (p->map_bytes && bytes > p->map_bytes)
		against(p, "map '%s' may take %llu bytes, and %llu are allowed", m->name, (unsigned long long)bytes,
			(unsigned long long)p->map_bytes);
}

/* Does an instruction of this program name the map? Maps are the object's, not all are each program's. */
static bool names_map(const struct prog *prog, uint32_t map)
{
	for (uint32_t i = 0; i < prog->n_insns; i++) {
		const struct isa_insn *in = &prog->insns[i];

		if (in->sem == ISA_IMM64 && (in->aux == ISA_IMM64_MAP_FD || in->aux == ISA_IMM64_MAP_VALUE) &&
		    in->imm == map)
			return true;
	}
	return false;
}

static void over(struct verify_policy *p, const char *what, uint64_t is, uint64_t may)
{
	if (may && is > may)
		against(p, "%s: %llu, and %llu are allowed", what, (unsigned long long)is, (unsigned long long)may);
}

const char *verify_policy_check(struct verify_policy *p, const struct verify_outcome *o)
{
	const char *type = kernel_prog_type_name(o->opts.target.prog_type);
	uint64_t limit = o->kernel->profile->limits.steps;

	p->why[0] = '\0';
	if (has(&p->types, type))
		against(p, "programs of type %s are forbidden", type);
	check_helpers(p, o->prog);
	for (uint32_t i = 0; i < o->prog->n_maps; i++)
		if (names_map(o->prog, i))
			check_map(p, &o->prog->maps[i]);
	over(p, "percent of this kernel's instruction limit", (o->stats.steps * 100 + limit - 1) / limit, p->percent);
	over(p, "bytes of stack", o->stats.stack_bytes, p->stack);
	over(p, "states kept at one time", o->stats.states_peak, p->states);
	return p->why[0] ? p->why : NULL;
}
