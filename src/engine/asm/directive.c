/* SPDX-License-Identifier: Apache-2.0 */
/* directive: lines that begin with a dot. Those of clang -S that say nothing about code are passed over. */
#include "engine/asm/internal.h"

static const char *const ignored[] = { ".file", ".p2align",       ".align",       ".balign",
				       ".size", ".ident",         ".addrsig",     ".addrsig_sym",
				       ".loc",  ".local",         ".hidden",      ".protected",
				       ".weak", ".cfi_startproc", ".cfi_endproc", ".cfi_sections" };

static const struct {
	const char *name;
	uint32_t kind;
} kinds[] = {
	{ "hash", PROG_MAP_HASH },
	{ "array", PROG_MAP_ARRAY },
	{ "prog_array", PROG_MAP_PROG_ARRAY },
	{ "percpu_hash", PROG_MAP_PERCPU_HASH },
	{ "percpu_array", PROG_MAP_PERCPU_ARRAY },
	{ "lru_hash", PROG_MAP_LRU_HASH },
	{ "lru_percpu_hash", PROG_MAP_LRU_PERCPU_HASH },
	{ "lpm_trie", PROG_MAP_LPM_TRIE },
	{ "array_of_maps", PROG_MAP_ARRAY_OF_MAPS },
	{ "hash_of_maps", PROG_MAP_HASH_OF_MAPS },
	{ "queue", PROG_MAP_QUEUE },
	{ "stack", PROG_MAP_STACK },
	{ "ringbuf", PROG_MAP_RINGBUF },
	{ "bloom_filter", PROG_MAP_BLOOM_FILTER },
	{ "user_ringbuf", PROG_MAP_USER_RINGBUF },
};

const char *asm_map_kind(uint32_t kind)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return NULL;
}

static FALLIBLE rest(struct as *s)
{
	while (s->p < s->end && *s->p != '\n')
		s->p++;
	return as_next(s);
}

static FALLIBLE want_name(struct as *s, struct tok *out)
{
	char said[40];

	if (!tok_is_name(&s->t))
		FAIL_TOK(s, &s->t, FORMAT, 150, "expected a name, found %s", tok_said(&s->t, said));
	*out = s->t;
	return as_next(s);
}

static FALLIBLE copy(struct as *s, const struct tok *t, const char **out)
{
	char *text = arena_strndup(s->a, t->p, t->len);

	if (!text)
		return E_NOMEM;
	*out = text;
	return E_OK;
}

static bool same(const struct tok *t, const char *name)
{
	return strlen(name) == t->len && !memcmp(name, t->p, t->len);
}

/* .section NAME[,"flags"[,...]]. With flags, code is what has x among them; without, any name but .data and such. */
static FALLIBLE enter(struct as *s, const struct tok *name, const struct tok *flags)
{
	bool text = same(name, ".text");

	s->in_code = flags ? memchr(flags->p, 'x', flags->len) != NULL : text || name->p[0] != '.';
	s->part = text ? PART_TEXT : PART_MAIN;
	if (!s->in_code || text)
		return E_OK;
	if (!strcmp(s->section, ".text"))
		return copy(s, name, &s->section);
	if (!same(name, s->section))
		FAIL_TOK(s, name, FORMAT, 151, "a second section with a program: a text holds one, and .text");
	return E_OK;
}

/* Names of sections hold slashes and the like: kprobe/x. Up to a comma or a blank; or in quotes. */
static FALLIBLE section_name(struct as *s, struct tok *out)
{
	const char *p = s->p;

	while (p < s->end && (*p == ' ' || *p == '\t'))
		p++;
	if (p < s->end && *p == '"') {
		TRY(as_next(s));
		return want_name(s, out);
	}
	*out = (struct tok){ .kind = TOK_SYM, .p = p, .line = s->line, .line_start = s->line_start };
	while (p < s->end && !strchr(", \t\r\n;#", *p))
		p++;
	out->len = (uint32_t)(p - out->p);
	s->p = p;
	if (!out->len)
		FAIL_TOK(s, out, FORMAT, 150, "expected the name of a section");
	return as_next(s);
}

static FALLIBLE section(struct as *s)
{
	struct tok name, flags = { 0 };
	bool has_flags = false;

	TRY(section_name(s, &name));
	if (tok_is(&s->t, ",")) {
		TRY(as_next(s));
		has_flags = s->t.kind == TOK_SYM;
		flags = s->t;
		TRY(rest(s));
	}
	return enter(s, &name, has_flags ? &flags : NULL);
}

static FALLIBLE add_global(struct as *s, const struct tok *name)
{
	struct tok *to = arena_grow(s->a, s->globals, s->n_globals, &s->globals_cap, sizeof *to);

	if (!to)
		return E_NOMEM;
	s->globals = to;
	s->globals[s->n_globals++] = *name;
	return E_OK;
}

/* .globl NAME, .type NAME,@function */
static FALLIBLE function(struct as *s)
{
	bool type = tok_is(&s->t, ".type");
	struct tok name;

	TRY(as_next(s));
	TRY(want_name(s, &name));
	if (type) {
		TRY(as_want(s, ","));
		TRY(as_want(s, "@"));
		if (!tok_is(&s->t, "function"))
			return rest(s);
		TRY(as_next(s));
	}
	return add_global(s, &name);
}

const struct equ *as_equ(const struct as *s, const struct tok *t)
{
	if (t->kind != TOK_NAME)
		return NULL;
	for (size_t i = 0; i < s->n_equs; i++)
		if (same(t, s->equs[i].name))
			return &s->equs[i];
	return NULL;
}

/* .equ NAME, 5 */
static FALLIBLE equ(struct as *s)
{
	struct equ e = { 0 }, *to;
	struct tok name;
	struct num n;

	TRY(as_next(s));
	TRY(want_name(s, &name));
	if (as_equ(s, &name))
		FAIL_TOK(s, &name, FORMAT, 152, "'%.*s' has a value already", (int)(name.len < 60 ? name.len : 60),
			 name.p);
	if (s->n_equs == ASM_MAX_EQUS)
		FAIL_TOK(s, &name, LIMIT, 153, "more than %d names for numbers", ASM_MAX_EQUS);
	TRY(as_want(s, ","));
	TRY(as_num(s, &n));
	e.value = n.v;
	e.negative = n.negative;
	TRY(copy(s, &name, &e.name));
	to = arena_grow(s->a, s->equs, s->n_equs, &s->equs_cap, sizeof *to);
	if (!to)
		return E_NOMEM;
	s->equs = to;
	s->equs[s->n_equs++] = e;
	return E_OK;
}

static FALLIBLE field(struct as *s, uint32_t *out)
{
	struct num n;

	TRY(as_num(s, &n));
	if (n.negative || n.v > UINT32_MAX)
		FAIL_TOK(s, &n.at, FORMAT, 154, "a field of a map is 0 to 4294967295");
	*out = (uint32_t)n.v;
	return E_OK;
}

static FALLIBLE map_kind(struct as *s, uint32_t *out)
{
	char said[40];

	for (size_t i = 0; i < countof(kinds); i++) {
		if (!tok_is(&s->t, kinds[i].name))
			continue;
		*out = kinds[i].kind;
		return as_next(s);
	}
	if (!as_is_num(s))
		FAIL_TOK(s, &s->t, FORMAT, 155, "expected a kind of map such as array, found %s",
			 tok_said(&s->t, said));
	return field(s, out);
}

static struct prog_map *find_map(const struct as *s, const struct tok *name)
{
	for (size_t i = 0; i < s->n_maps; i++)
		if (same(name, s->maps[i].name))
			return &s->maps[i];
	return NULL;
}

/* .map NAME, KIND, KEY_BYTES, VALUE_BYTES, ENTRIES[, FLAGS[, HASHES]] */
static FALLIBLE map(struct as *s)
{
	struct prog_map m = { 0 }, *to;
	uint32_t *const fields[] = { &m.key_size, &m.value_size, &m.max_entries, &m.flags, &m.n_hashes };
	struct tok name;

	TRY(as_next(s));
	TRY(want_name(s, &name));
	if (find_map(s, &name))
		FAIL_TOK(s, &name, FORMAT, 156, "a second map called '%.*s'", (int)(name.len < 60 ? name.len : 60),
			 name.p);
	if (s->n_maps == ASM_MAX_MAPS)
		FAIL_TOK(s, &name, LIMIT, 157, "more than %d maps", ASM_MAX_MAPS);
	TRY(as_want(s, ","));
	TRY(map_kind(s, &m.kind));
	for (size_t i = 0; i < countof(fields) && (i < 3 || s->t.kind != TOK_END); i++) {
		TRY(as_want(s, ","));
		TRY(field(s, fields[i]));
	}
	TRY(copy(s, &name, &m.name));
	to = arena_grow(s->a, s->maps, s->n_maps, &s->maps_cap, sizeof *to);
	if (!to)
		return E_NOMEM;
	s->maps = to;
	s->maps[s->n_maps++] = m;
	return E_OK;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Pairs of hex digits to the end of the line into `to`, at most max of them; s->t is the first. */
static FALLIBLE hex_bytes(struct as *s, uint8_t *to, size_t max, size_t *n)
{
	const char *p = s->t.p;

	*n = 0;
	for (;;) {
		while (p < s->end && (*p == ' ' || *p == '\t' || *p == '\r'))
			p++;
		if (p == s->end || *p == '\n' || *p == '#' || *p == ';')
			break;
		s->t.p = p;
		s->t.len = 1;
		if (s->end - p < 2 || hex(p[0]) < 0 || hex(p[1]) < 0)
			FAIL_TOK(s, &s->t, FORMAT, 158, "expected pairs of hexadecimal digits");
		if (*n == max)
			FAIL_TOK(s, &s->t, FORMAT, 159, "more bytes than the map's value has");
		to[(*n)++] = (uint8_t)(hex(p[0]) << 4 | hex(p[1]));
		p += 2;
	}
	s->p = p;
	return as_next(s);
}

/* .bytes MAP, 00 11 22: what follows in the map's first value. */
static FALLIBLE bytes(struct as *s)
{
	struct prog_map *m;
	struct tok name;
	size_t n;

	TRY(as_next(s));
	TRY(want_name(s, &name));
	m = find_map(s, &name);
	if (!m)
		FAIL_TOK(s, &name, NOT_FOUND, 160, "no .map before this line is called '%.*s'",
			 (int)(name.len < 60 ? name.len : 60), name.p);
	if (!tok_is(&s->t, ","))
		return as_want(s, ",");
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
	if (!m->init.p) {
		if (m->value_size > ASM_MAX_INIT_BYTES)
			FAIL_TOK(s, &name, LIMIT, 161, "a value of more than %d bytes cannot be given here",
				 ASM_MAX_INIT_BYTES);
		m->init.p = arena_alloc(s->a, m->value_size ? m->value_size : 1);
		if (!m->init.p)
			return E_NOMEM;
	}
	s->t.p = s->p;
	TRY(hex_bytes(s, (uint8_t *)(uintptr_t)m->init.p + m->init.len, m->value_size - m->init.len, &n));
	m->init.len += n;
	return E_OK;
}

FALLIBLE as_directive(struct as *s)
{
	static const struct {
		const char *name;
		enum err (*fn)(struct as *s);
	} rows[] = {
		{ ".section", section }, { ".globl", function }, { ".global", function }, { ".type", function },
		{ ".equ", equ },         { ".set", equ },        { ".map", map },         { ".bytes", bytes },
	};
	struct tok word = s->t;

	for (size_t i = 0; i < countof(rows); i++)
		if (tok_is(&word, rows[i].name))
			return rows[i].fn(s);
	if (tok_is(&word, ".text") || tok_is(&word, ".data") || tok_is(&word, ".bss") || tok_is(&word, ".rodata")) {
		TRY(rest(s));
		return enter(s, &word, NULL);
	}
	for (size_t i = 0; i < countof(ignored); i++)
		if (tok_is(&word, ignored[i]))
			return rest(s);
	if (s->in_code)
		FAIL_TOK(s, &word, FORMAT, 162, "'%.*s' is no directive that is known here",
			 (int)(word.len < 60 ? word.len : 60), word.p);
	return rest(s);
}
