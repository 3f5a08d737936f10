/* SPDX-License-Identifier: Apache-2.0 */
/* verify_explain: what a reason to reject means, by its id; and all of them as docs/diagnostics.md. */
#include "cli/verify.h"

#include "engine/verify/verify.h"

static const struct example {
	char family;
	uint16_t id;
	const char *wrong, *right;
} examples[] = {
#define EXAMPLE(family, id, wrong, right) { family, id, wrong, right },
#include "cli/explain_examples.def"
#undef EXAMPLE
};

/* Of either verifier. */
struct reason {
	char family;
	uint16_t id;
	const char *name, *title, *need, *mend, *log; /* "": none */
	const struct example *example;
};

static const struct example *example_of(char family, uint16_t id)
{
	for (size_t i = 0; i < countof(examples); i++)
		if (examples[i].family == family && examples[i].id == id)
			return &examples[i];
	return NULL;
}

static struct reason of_kernel(const struct kverify_diag_row *r)
{
	return (struct reason){ 'Q', r->id, r->name, r->title, r->need, r->mend, r->log, example_of('Q', r->id) };
}

static struct reason of_sallyport(const struct verify_diag_row *r)
{
	return (struct reason){ 'V', r->id, "", r->title, "", r->help, "", example_of('V', r->id) };
}

static void put_code(struct buf *out, const char *code, const char *indent)
{
	while (*code) {
		size_t n = strcspn(code, "\n");

		buf_puts(out, indent);
		buf_put(out, code, n);
		buf_putc(out, '\n');
		code += n + (code[n] == '\n');
	}
}

/* A sentence of what is a phrase in the table. */
static void put_sentence(struct buf *out, const char *before, const char *phrase)
{
	if (!phrase[0])
		return;
	buf_puts(out, before);
	if (!before[0] && phrase[0] >= 'a' && phrase[0] <= 'z')
		buf_putc(out, (char)(phrase[0] - 'a' + 'A'));
	else
		buf_putc(out, phrase[0]);
	buf_puts(out, phrase + 1);
	buf_puts(out, ".\n");
}

static void put_text(struct buf *out, const struct reason *r)
{
	buf_printf(out, "%c%03u%s%s\n\n", r->family, r->id, r->name[0] ? "  " : "", r->name);
	put_sentence(out, "", r->title);
	if (r->log[0])
		buf_printf(out, "\nThe kernel's log has a line with:\n    %s\n", r->log);
	put_sentence(out, "\nNeeded: ", r->need);
	put_sentence(out, "\nWhat to do: ", r->mend);
	if (!r->example)
		return;
	buf_puts(out, "\nWrong:\n");
	put_code(out, r->example->wrong, "    ");
	buf_puts(out, "Right:\n");
	put_code(out, r->example->right, "    ");
}

static void put_json(struct buf *out, const struct reason *r)
{
	struct json j;
	char id[8];

	(void)snprintf(id, sizeof id, "%c%03u", r->family, r->id);
	json_init(&j, out);
	json_object(&j);
	json_key(&j, "id");
	json_str(&j, id);
	json_key(&j, "log");
	json_str(&j, r->log[0] ? r->log : NULL);
	json_key(&j, "mend");
	json_str(&j, r->mend);
	json_key(&j, "need");
	json_str(&j, r->need[0] ? r->need : NULL);
	json_key(&j, "right");
	json_str(&j, r->example ? r->example->right : NULL);
	json_key(&j, "title");
	json_str(&j, r->title);
	json_key(&j, "wrong");
	json_str(&j, r->example ? r->example->wrong : NULL);
	json_end_object(&j);
}

/* ---- docs/diagnostics.md ---- */

static void put_page(struct buf *out, const struct reason *r)
{
	buf_printf(out, "\n### %c%03u%s%s\n\n", r->family, r->id, r->name[0] ? " " : "", r->name);
	put_sentence(out, "", r->title);
	if (r->log[0])
		buf_printf(out, "In the kernel's log: `%s`\n", r->log);
	put_sentence(out, "\nNeeded: ", r->need);
	put_sentence(out, "\nWhat to do: ", r->mend);
	if (!r->example)
		return;
	buf_puts(out, "\n```c\n/* wrong */\n");
	put_code(out, r->example->wrong, "");
	buf_puts(out, "/* right */\n");
	put_code(out, r->example->right, "");
	buf_puts(out, "```\n");
}

static int by_id(const void *a, const void *b)
{
	return (int)((const struct reason *)a)->id - (int)((const struct reason *)b)->id;
}

static void put_pages(struct buf *out, const char *heading, struct reason *r, size_t n)
{
	qsort(r, n, sizeof *r, by_id);
	buf_printf(out, "\n## %s\n", heading);
	for (size_t i = 0; i < n; i++)
		put_page(out, &r[i]);
}

static int explain_all(struct buf *out)
{
	size_t n = kverify_n_diags > verify_n_diags ? kverify_n_diags : verify_n_diags;
	struct reason *all = calloc(n, sizeof *all);

	if (!all)
		return cli_fail(CLI_HOST, "out of memory");
	buf_puts(out, "# Why a program is rejected\n\n"
		      "Made of the tables of reasons by `./dev docs`; `sallyport verify --explain ID` prints one of "
		      "them. Ids are never reused.\n");
	for (size_t i = 0; i < kverify_n_diags; i++)
		all[i] = of_kernel(&kverify_diags[i]);
	put_pages(out, "Kernels of Linux", all, kverify_n_diags);
	for (size_t i = 0; i < verify_n_diags; i++)
		all[i] = of_sallyport(&verify_diags[i]);
	put_pages(out, "Sallyport's own verifier", all, verify_n_diags);
	free(all);
	return cli_print(out);
}

static bool find(const char *id, struct reason *out)
{
	uint64_t n = id[0] ? cli_number(id + 1, 999) : 0;

	for (size_t i = 0; (id[0] == 'Q' || id[0] == 'q') && i < kverify_n_diags; i++)
		if (kverify_diags[i].id == n) {
			*out = of_kernel(&kverify_diags[i]);
			return true;
		}
	for (size_t i = 0; (id[0] == 'V' || id[0] == 'v') && i < verify_n_diags; i++)
		if (verify_diags[i].id == n) {
			*out = of_sallyport(&verify_diags[i]);
			return true;
		}
	return false;
}

int verify_explain(const char *id, bool json)
{
	struct reason r;
	struct buf out;

	if (!strcmp(id, "kernels") && !json)
		return verify_list_page();
	buf_init(&out, 4 << 20);
	if (!strcmp(id, "all") && !json)
		return explain_all(&out);
	if (!find(id, &r))
		return cli_fail(CLI_USAGE,
				"no reason has the id '%s': those of kernels are Q101 and on, those of Sallyport's own "
				"verifier V101 and on",
				id);
	if (json)
		put_json(&out, &r);
	else
		put_text(&out, &r);
	return cli_print(&out);
}
