/* SPDX-License-Identifier: Apache-2.0 */
/*
 * falco: the public rules and the field catalogue of Falco, when they lie beside the source tree: every rule loads as
 * it is and binds to events; every field is supplied, or refused with a reason.
 */
#include "rule_test.h"

#define PEERS "/../shared/peers/"

/* A file of ../shared/peers into the arena; false when it is not there. */
static bool read_peer(struct arena *a, const char *name, struct rule_source *out)
{
	const char *root = getenv("SALLYPORT_SOURCE"),
		   *path = arena_printf(a, "%s" PEERS "%s", root ? root : ".", name);
	char *text = arena_alloc(a, 4 << 20);
	FILE *f = fopen(path, "re");

	if (!f)
		return false;
	*out = (struct rule_source){ .name = name, .text = text, .len = fread(text, 1, (4 << 20) - 1, f) };
	text[out->len] = 0;
	fclose(f);
	return true;
}

static bool is_row(const char *name)
{
	uint32_t id;

	for (uint32_t i = 0; i < template_builtin.n_types; i++)
		if (template_field_find(&template_builtin, &template_builtin.types[i], name, strlen(name), &id))
			return true;
	return false;
}

static bool is_supplied(struct arena *a, const char *name)
{
	for (const struct rule_extra_field *f = rule_extra_fields; f->name; f++)
		if (!strcmp(f->name, name))
			return true;
	return is_row(name) || is_row(arena_printf(a, "%s[]", name));
}

static const char *refused_because(const char *name)
{
	for (size_t i = 0; i < rule_n_refused; i++) {
		size_t n = strlen(rule_refused[i].name);

		if (!strcmp(rule_refused[i].name, name) ||
		    (rule_refused[i].name[n - 1] == '.' && !strncmp(rule_refused[i].name, name, n)))
			return rule_refused[i].reason;
	}
	return NULL;
}

TEST(every_field_of_the_catalogue_is_supplied_or_refused_with_a_reason)
{
	struct arena a;
	struct rule_source src;
	unsigned n = 0;

	arena_init(&a, 16 << 20);
	if (!read_peer(&a, "falco-field-catalog.tsv", &src)) {
		arena_done(&a);
		SKIP("the catalogue is not here (../shared/peers beside the source tree)\n");
	}
	for (char *line = strchr(src.text, '\n'); line && line[1]; n++) {
		char *name = ++line;
		bool supplied;

		name = arena_strndup(&a, name, strcspn(name, "\t\n"));
		supplied = is_supplied(&a, name);
		if (!supplied && !refused_because(name))
			fail_msg("%s is neither a field nor refused", name);
		if (supplied && refused_because(name))
			fail_msg("%s is a field, and refused", name);
		line = strchr(line, '\n');
	}
	CHECK_EQ(n, 233);
	arena_done(&a);
}

TEST(a_refusal_says_why)
{
	for (size_t i = 0; i < rule_n_refused; i++) {
		CHECK(strlen(rule_refused[i].reason) > 10);
		CHECK(!is_row(rule_refused[i].name));
	}
}

/* By hand: what some rules are about. */
static const struct {
	const char *file, *rule, *types; /* separated by a space */
} bindings[] = {
	{ "falco_rules", "Read sensitive file untrusted", "file_open" },
	{ "falco_rules", "Run shell untrusted", "process_exec" },
	{ "falco_rules", "PTRACE attached to process", "process_ptrace" },
	{ "falco_rules", "Linux Kernel Module Injection Detected", "kernel_module" },
	{ "falco_rules", "Redirect STDOUT/STDIN to Network Connection in Container", "fd_dup" },
	{ "falco_rules", "Packet socket created in container", "net_socket" },
	{ "falco_rules", "Create Symlink Over Sensitive Files", "file_symlink" },
	{ "falco_rules", "Create Hardlink Over Sensitive Files", "file_link" },
};

static uint64_t bits_of(const char *words)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < template_builtin.n_types; i++) {
		const char *at = strstr(words, template_builtin.types[i].name);
		size_t n = strlen(template_builtin.types[i].name);

		if (at && (at == words || at[-1] == ' ') && (!at[n] || at[n] == ' '))
			bits |= 1ull << i;
	}
	return bits;
}

static void check_bindings(const char *file, const struct rule_set *rs)
{
	for (size_t i = 0; i < countof(bindings); i++) {
		bool found = strcmp(bindings[i].file, file) != 0;

		test_row = bindings[i].rule;
		for (uint32_t k = 0; k < rs->n_rules && !found; k++) {
			if (strcmp(rs->rules[k].name, bindings[i].rule))
				continue;
			found = true;
			CHECK_EQ(rs->rules[k].types, bits_of(bindings[i].types));
		}
		if (!found)
			fail_msg("%s has no rule '%s'", file, bindings[i].rule);
	}
}

TEST(the_public_rules_load_unmodified_and_are_proven)
{
	static const struct {
		const char *name;
		uint32_t n_rules, n_macros, n_lists;
		uint32_t n_silent; /* rules that can not fire, by their own lists */
	} files[] = { { "falco_rules", 25, 87, 49, 0 },
		      { "falco-incubating_rules", 31, 82, 54, 1 },
		      { "falco-sandbox_rules", 37, 183, 60, 0 } };

	for (size_t i = 0; i < countof(files); i++) {
		struct arena a;
		struct rule_source src;
		struct loaded l;
		struct ready r;
		uint32_t n_silent = 0;

		test_row = files[i].name;
		arena_init(&a, 16 << 20);
		if (!read_peer(&a, arena_printf(&a, "falco-rules/%s.yaml", files[i].name), &src)) {
			arena_done(&a);
			SKIP("the public rules are not here (../shared/peers/falco-rules beside the source tree)\n");
		}
		load_bytes(&l, src.name, src.text, src.len);
		CHECK_STR(l.err ? l.said.p : "", "");
		CHECK_EQ(l.rs->n_rules, files[i].n_rules);
		CHECK_EQ(l.rs->n_macros, files[i].n_macros);
		CHECK_EQ(l.rs->n_lists, files[i].n_lists);
		for (uint32_t k = 0; k < l.rs->n_rules; k++)
			n_silent += !l.rs->rules[k].types;
		CHECK_EQ(n_silent, files[i].n_silent);
		check_bindings(files[i].name, l.rs);
		ready_make(&r, &l); /* proves every program */
		ready_done(&r);
		unload(&l);
		arena_done(&a);
	}
}

TEST(the_public_rules_mean_the_same_with_lists_put_in_as_falco_does)
{
	static const char *const names[] = { "falco_rules", "falco-incubating_rules", "falco-sandbox_rules" };

	for (size_t i = 0; i < countof(names); i++) {
		const struct rule_opts o = { .strict_falco = true };
		struct arena a;
		struct rule_source src;
		struct loaded l;
		struct diags ds;
		struct rule_set *rs;

		test_row = names[i];
		arena_init(&a, 256 << 20);
		if (!read_peer(&a, arena_printf(&a, "falco-rules/%s.yaml", names[i]), &src)) {
			arena_done(&a);
			SKIP("the public rules are not here (../shared/peers/falco-rules beside the source tree)\n");
		}
		load_bytes(&l, src.name, src.text, src.len);
		diags_init(&ds, &a);
		CHECK_OK(rule_load_opts(&src, 1, &template_builtin, &o, &a, &ds, &rs));
		CHECK_EQ(rs->n_rules, l.rs->n_rules);
		for (uint32_t k = 0; k < rs->n_rules; k++)
			CHECK_EQ(rs->rules[k].types, l.rs->rules[k].types);
		unload(&l);
		arena_done(&a);
	}
}

TEST(the_public_rules_load_together_as_they_are_installed)
{
	static const char *const names[] = { "falco_rules", "falco-incubating_rules", "falco-sandbox_rules" };
	struct rule_source src[countof(names)];
	struct rule_set *rs = NULL;
	struct arena a;
	struct diags ds;

	arena_init(&a, 256 << 20);
	diags_init(&ds, &a);
	for (size_t i = 0; i < countof(names); i++) {
		if (!read_peer(&a, arena_printf(&a, "falco-rules/%s.yaml", names[i]), &src[i])) {
			arena_done(&a);
			SKIP("the public rules are not here (../shared/peers/falco-rules beside the source tree)\n");
		}
	}
	CHECK_OK(rule_load(src, countof(names), &template_builtin, &a, &ds, &rs));
	CHECK_EQ(rs->n_rules, 93);
	arena_done(&a);
}
