/* SPDX-License-Identifier: Apache-2.0 */
/* verify_list: what do releases of Linux have, and what changed from one to another? From the tables of engine/kernel.
 */
#include "cli/verify.h"

#include <stdlib.h>

/* ---- what a kernel may have ---- */

struct topic {
	const char *key, *title;
	uint32_t n;
	const char *(*name)(uint32_t i); /* NULL: there is none of this number */
	bool (*has)(const struct kernel_profile *k, uint32_t i);
};

static const char *behaviour_name(uint32_t i)
{
	return i < KERNEL_N_BEHAVIOURS ? kernel_behaviours[i].name : NULL;
}

static bool has_behaviour(const struct kernel_profile *k, uint32_t i)
{
	return kernel_has(k, (enum kernel_behaviour)i);
}

static bool has_map(const struct kernel_profile *k, uint32_t i)
{
	return kernel_map_kind(k, i) != NULL;
}

static bool has_type(const struct kernel_profile *k, uint32_t i)
{
	return kernel_prog_type(k, i) != NULL;
}

/* The first row of each name. */
static const char *kfunc_name(uint32_t i)
{
	const struct kernel_kfunc *f = kernel_kfunc_at(i), *before = i ? kernel_kfunc_at(i - 1) : NULL;

	return f && !(before && !strcmp(before->name, f->name)) ? f->name : NULL;
}

static bool has_kfunc(const struct kernel_profile *k, uint32_t i)
{
	return kernel_kfunc(k, kfunc_name(i)) != NULL;
}

enum { BEHAVIOURS, HELPERS, KFUNCS, TYPES, ATTACHES, MAPS, N_TOPICS };
static const struct topic topics[N_TOPICS] = {
	[BEHAVIOURS] = { "behaviours", "behaviours", KERNEL_N_BEHAVIOURS, behaviour_name, has_behaviour },
	[HELPERS] = { "helpers", "helpers", KERNEL_HELPER_WORDS * 64, kernel_helper_name, kernel_has_helper },
	[KFUNCS] = { "kfuncs", "kfuncs", KERNEL_KFUNC_WORDS * 64, kfunc_name, has_kfunc },
	[TYPES] = { "program_types", "program types", KPROG_N, kernel_prog_type_name, has_type },
	[ATTACHES] = { "attach_types", "attach types", KATTACH_N, kernel_attach_type_name, kernel_has_attach },
	[MAPS] = { "map_kinds", "kinds of maps", 64, kernel_map_kind_name, has_map },
};

static uint32_t count(const struct topic *t, const struct kernel_profile *k)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		n += t->name(i) && t->has(k, i);
	return n;
}

/* Does `to` have it, and `from` not? */
static bool came(const struct topic *t, const struct kernel_profile *from, const struct kernel_profile *to, uint32_t i)
{
	return t->name(i) && t->has(to, i) && !t->has(from, i);
}

static uint32_t count_came(const struct topic *t, const struct kernel_profile *from, const struct kernel_profile *to)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		n += came(t, from, to, i);
	return n;
}

static const char *release(uint16_t version, char out[static 8])
{
	if (version == KERNEL_ALWAYS || version == KERNEL_NOT_YET)
		return "";
	(void)snprintf(out, 8, "%u.%u", version >> 8, version & 255u);
	return out;
}

static bool measured(const struct verify_kernel *v)
{
	return v->profile->measured && !strcmp(v->name, v->profile->name);
}

/* ---- text ---- */

static void put_table(struct buf *out, const struct verify_kernels *ks)
{
	buf_puts(out,
		 "release   measured  helpers  kfuncs  types  attach  maps  behaviours  instructions  stack  frames\n");
	for (uint32_t i = 0; i < ks->n; i++) {
		const struct verify_kernel *v = &ks->k[i];
		const struct kernel_profile *k = v->profile;
		bool more = strcmp(v->label, v->name) != 0;

		buf_printf(out, "%-8s  %-8s  %7u  %6u  %5u  %6u  %4u  %10u  %12llu  %5u  %6u%s%s\n", v->name,
			   measured(v) ? "yes" : "no", count(&topics[HELPERS], k), count(&topics[KFUNCS], k),
			   count(&topics[TYPES], k), count(&topics[ATTACHES], k), count(&topics[MAPS], k),
			   count(&topics[BEHAVIOURS], k), (unsigned long long)k->limits.steps, k->limits.stack_bytes,
			   k->limits.frames, more ? "  " : "", more ? v->label : "");
	}
}

static void put_behaviour(struct buf *out, const struct kernel_behaviour_row *r)
{
	char since[8], until[8];

	buf_printf(out, "\n  %s", r->name);
	if (release(r->since, since)[0])
		buf_printf(out, ", since %s", since);
	if (release(r->until, until)[0])
		buf_printf(out, ", until %s", until);
	buf_printf(out, ": %s\n      %s", r->text, r->source);
}

static void put_came(struct buf *out, const struct topic *t, const char *what, const struct kernel_profile *from,
		     const struct kernel_profile *to)
{
	enum { WIDTH = 98 };
	uint32_t n = count_came(t, from, to);
	size_t column = WIDTH;

	if (!n)
		return;
	buf_printf(out, "\n%s that %s: %u", t->title, what, n);
	for (uint32_t i = 0; i < t->n; i++) {
		if (!came(t, from, to, i))
			continue;
		if (t == &topics[BEHAVIOURS]) {
			put_behaviour(out, &kernel_behaviours[i]);
			continue;
		}
		column += strlen(t->name(i)) + 1;
		buf_puts(out, column > WIDTH ? "\n  " : " ");
		buf_puts(out, t->name(i));
		column = column > WIDTH ? strlen(t->name(i)) + 2 : column;
	}
	buf_putc(out, '\n');
}

static void put_difference(struct buf *out, const struct kernel_profile *from, const struct kernel_profile *to)
{
	for (size_t t = 0; t < N_TOPICS; t++) {
		put_came(out, &topics[t], "came", from, to);
		put_came(out, &topics[t], "went", to, from);
	}
}

/* ---- JSON ---- */

static void json_release(struct json *j, const char *key, uint16_t version)
{
	char text[8];

	json_key(j, key);
	json_str(j, release(version, text)[0] ? text : NULL);
}

static void json_behaviour(struct json *j, const struct kernel_behaviour_row *r)
{
	json_object(j);
	json_key(j, "name");
	json_str(j, r->name);
	json_release(j, "since", r->since);
	json_key(j, "source");
	json_str(j, r->source);
	json_key(j, "text");
	json_str(j, r->text);
	json_release(j, "until", r->until);
	json_end_object(j);
}

static void json_came(struct json *j, const struct topic *t, const char *what, const struct kernel_profile *from,
		      const struct kernel_profile *to)
{
	json_key(j, what);
	json_array(j);
	for (uint32_t i = 0; i < t->n; i++) {
		if (!came(t, from, to, i))
			continue;
		if (t == &topics[BEHAVIOURS])
			json_behaviour(j, &kernel_behaviours[i]);
		else
			json_str(j, t->name(i));
	}
	json_end_array(j);
}

static void json_difference(struct json *j, const struct kernel_profile *from, const struct kernel_profile *to)
{
	for (size_t t = 0; t < N_TOPICS; t++) {
		json_key(j, topics[t].key);
		json_object(j);
		json_came(j, &topics[t], "came", from, to);
		json_came(j, &topics[t], "went", to, from);
		json_end_object(j);
	}
}

static void json_kernel(struct json *j, const struct verify_kernel *v)
{
	const struct kernel_profile *k = v->profile;
	const struct {
		const char *key;
		uint64_t n;
	} limits[] = { { "frames", k->limits.frames }, { "instructions", k->limits.insns },
		       { "maps", k->limits.maps },     { "stack_bytes", k->limits.stack_bytes },
		       { "steps", k->limits.steps },   { "subprograms", k->limits.subprogs } };

	json_object(j);
	for (size_t t = 0; t < N_TOPICS; t++) {
		json_key(j, topics[t].key);
		json_u64(j, count(&topics[t], k));
	}
	json_key(j, "label");
	json_str(j, v->label);
	json_key(j, "limits");
	json_object(j);
	for (size_t i = 0; i < countof(limits); i++) {
		json_key(j, limits[i].key);
		json_u64(j, limits[i].n);
	}
	json_end_object(j);
	json_key(j, "measured");
	json_bool(j, measured(v));
	json_release(j, "profile", k->version);
	json_key(j, "release");
	json_str(j, v->name);
	json_end_object(j);
}

/* ---- the answers ---- */

/* Of a kernel that its own types changed: what they did to its profile. */
static const struct kernel_profile *plain(const struct verify_kernel *k)
{
	return kernel_profile_for((uint16_t)(k->version >> 8));
}

static void answer_text(struct buf *out, const struct verify_kernels *ks, bool range)
{
	put_table(out, ks);
	if (range)
		put_difference(out, ks->k[0].profile, ks->k[1].profile);
	for (uint32_t i = 0; i < ks->n && !range; i++)
		if (ks->k[i].refined) {
			buf_printf(out, "\n%s, by its own types and not by its release:\n", ks->k[i].name);
			put_difference(out, plain(&ks->k[i]), ks->k[i].profile);
		}
}

static void answer_json(struct buf *out, const struct verify_kernels *ks, bool range)
{
	struct json j;

	json_init(&j, out);
	json_object(&j);
	if (range) {
		json_key(&j, "differences");
		json_object(&j);
		json_difference(&j, ks->k[0].profile, ks->k[1].profile);
		json_end_object(&j);
	}
	json_key(&j, "kernels");
	json_array(&j);
	for (uint32_t i = 0; i < ks->n; i++)
		json_kernel(&j, &ks->k[i]);
	json_end_array(&j);
	json_end_object(&j);
	buf_putc(out, '\n');
}

/* "6.1..6.12" as a list of two. False: it is no range. */
static bool as_list(const char *which, char *out, size_t size)
{
	const char *dots = which ? strstr(which, "..") : NULL;

	if (!dots)
		return false;
	(void)snprintf(out, size, "%.*s,%s", (int)(dots - which), which, dots + 2);
	return true;
}

int verify_list(const struct verify_args *args, const char *which)
{
	struct verify_args a = *args;
	struct verify_kernels ks;
	char list[128];
	struct buf out;
	bool range = as_list(which, list, sizeof list);
	int code;

	if (args->format != VERIFY_TEXT && args->format != VERIFY_JSON)
		return cli_fail(CLI_USAGE, "--kernels answers as text or json");
	a.kernels = range ? list : which ? which : "all";
	code = verify_kernels_open(&a, &ks);
	if (!code && range && ks.n != 2)
		code = cli_fail(CLI_USAGE, "--kernels takes a list, 6.1,6.12, or a range of two, 6.1..6.12");
	buf_init(&out, 16 << 20);
	if (!code && args->format == VERIFY_JSON)
		answer_json(&out, &ks, range);
	else if (!code)
		answer_text(&out, &ks, range);
	verify_kernels_done(&ks);
	if (code)
		buf_done(&out);
	return code ? code : cli_print(&out);
}

/* ---- docs/kernels.md ---- */

static void page_table(struct buf *out)
{
	buf_puts(out, "| release | measured | helpers | kfuncs | program types | attach types | kinds of maps | "
		      "behaviours | frames |\n"
		      "|---|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < kernel_n_profiles; i++) {
		const struct kernel_profile *k = &kernel_profiles[i];

		buf_printf(out, "| %s | %s | %u | %u | %u | %u | %u | %u | %u |\n", k->name, k->measured ? "yes" : "no",
			   count(&topics[HELPERS], k), count(&topics[KFUNCS], k), count(&topics[TYPES], k),
			   count(&topics[ATTACHES], k), count(&topics[MAPS], k), count(&topics[BEHAVIOURS], k),
			   k->limits.frames);
	}
}

static int by_since(const void *a, const void *b)
{
	const struct kernel_behaviour_row *x = *(const struct kernel_behaviour_row *const *)a;
	const struct kernel_behaviour_row *y = *(const struct kernel_behaviour_row *const *)b;

	return x->since != y->since ? x->since - y->since : strcmp(x->name, y->name);
}

static void page_behaviours(struct buf *out)
{
	const struct kernel_behaviour_row *rows[KERNEL_N_BEHAVIOURS];
	char since[8], until[8];

	for (size_t i = 0; i < countof(rows); i++)
		rows[i] = &kernel_behaviours[i];
	qsort(rows, countof(rows), sizeof rows[0], by_since);
	buf_puts(out, "| since | until | behaviour | what it is | source |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < countof(rows); i++)
		buf_printf(out, "| %s | %s | %s | %s | %s |\n", release(rows[i]->since, since),
			   release(rows[i]->until, until), rows[i]->name, rows[i]->text, rows[i]->source);
}

static void page_news(struct buf *out, const struct kernel_profile *from, const struct kernel_profile *to)
{
	buf_printf(out, "\n### %s to %s\n", from->name, to->name);
	for (size_t t = HELPERS; t < N_TOPICS; t++) {
		bool first = true;

		for (uint32_t i = 0; i < topics[t].n; i++) {
			if (!came(&topics[t], from, to, i))
				continue;
			if (first)
				buf_printf(out, "\n%s:", topics[t].title);
			buf_printf(out, "%s %s", first ? "" : ",", topics[t].name(i));
			first = false;
		}
		if (!first)
			buf_putc(out, '\n');
	}
}

int verify_list_page(void)
{
	struct buf out;

	buf_init(&out, 4 << 20);
	buf_puts(&out,
		 "# What releases of Linux have, as `sallyport verify` knows them\n\n"
		 "Made of the tables in `src/engine/kernel` by `./dev docs`. `sallyport verify --kernels` prints them, "
		 "`--kernels 6.1..6.12` what\ndiffers, `--kernels 5.14 --btf FILE` what a distribution's kernel has "
		 "beyond "
		 "its release. *Measured*: its verdicts were compared\nwith that kernel, program by program "
		 "([agreement.md](agreement.md)).\n\n## Releases\n\n");
	page_table(&out);
	buf_puts(&out, "\n## Behaviours\n\nHow releases judge differently from others: since which release, until "
		       "which. Where nothing stands, always. Where a stable release took a\nbehaviour over, "
		       "it counts from that series on.\n\n");
	page_behaviours(&out);
	buf_puts(&out, "\n## What came\n");
	for (size_t i = 1; i < kernel_n_profiles; i++)
		page_news(&out, &kernel_profiles[i - 1], &kernel_profiles[i]);
	return cli_print(&out);
}
