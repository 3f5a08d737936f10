/* SPDX-License-Identifier: Apache-2.0 */
/* verify_sarif: outcomes as SARIF 2.1.0, for code review tools. One run; a rule per reason, a result per rejected
 * program and kernel. */
#include "cli/verify.h"

static void put_text(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	json_object(j);
	json_key(j, "text");
	json_str(j, text);
	json_end_object(j);
}

static void put_rule(struct json *j, const struct kverify_diag_row *r)
{
	char id[16];

	(void)snprintf(id, sizeof id, "Q%03u", r->id);
	json_object(j);
	put_text(j, "help", r->mend);
	json_key(j, "id");
	json_str(j, id);
	json_key(j, "name");
	json_str(j, r->name);
	put_text(j, "shortDescription", r->title);
	json_end_object(j);
}

void verify_open_sarif(struct verify_sink *s)
{
	struct json *j = &s->j;

	json_object(j);
	json_key(j, "$schema");
	json_str(j, "https://json.schemastore.org/sarif-2.1.0.json");
	json_key(j, "runs");
	json_array(j);
	json_object(j);
	json_key(j, "columnKind");
	json_str(j, "unicodeCodePoints");
	json_key(j, "tool");
	json_object(j);
	json_key(j, "driver");
	json_object(j);
	json_key(j, "name");
	json_str(j, "sallyport verify");
	json_key(j, "rules");
	json_array(j);
	for (size_t i = 0; i < kverify_n_diags; i++)
		put_rule(j, &kverify_diags[i]);
	json_end_array(j);
	json_key(j, "version");
	json_str(j, SALLYPORT_VERSION);
	json_end_object(j);
	json_end_object(j);
	json_key(j, "results");
	json_array(j);
}

/* RFC 3986: a path as a reference relative to where the tool ran, or with a leading / as a file: URI. */
static void put_uri(struct json *j, const char *path)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	if (path[0] == '/')
		buf_puts(&b, "file://");
	for (const char *c = path; *c; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
			     strchr("/-._~", *c);

		if (plain)
			buf_putc(&b, *c);
		else
			buf_printf(&b, "%%%02X", (unsigned char)*c);
	}
	json_str(j, b.p ? b.p : "");
	buf_done(&b);
}

/* Opens an object, which the caller closes. */
static void put_place(struct json *j, const struct diag_pos *p, const char *object)
{
	json_object(j);
	json_key(j, "physicalLocation");
	json_object(j);
	json_key(j, "artifactLocation");
	json_object(j);
	json_key(j, "uri");
	put_uri(j, p->line && p->file ? p->file : object);
	json_end_object(j);
	if (p->line) {
		json_key(j, "region");
		json_object(j);
		if (p->col) {
			json_key(j, "startColumn");
			json_u64(j, p->col);
		}
		json_key(j, "startLine");
		json_u64(j, p->line);
		json_end_object(j);
	}
	json_end_object(j);
}

static void put_notes(struct json *j, const struct verify_sink *s, const struct diag *d)
{
	json_key(j, "relatedLocations");
	json_array(j);
	for (const struct note *n = d->notes; n; n = n->next) {
		put_place(j, &n->pos, s->args->path);
		put_text(j, "message", n->text);
		json_end_object(j);
	}
	json_end_array(j);
}

/* One result: of the kernel's verdict, or of the house's policy. */
static void put_result(struct verify_sink *s, const struct verify_outcome *o, bool policy)
{
	static const struct diag nothing;
	struct json *j = &s->j;
	char id[16] = "policy", print[128], text[sizeof o->d->text + sizeof o->d->hint + 200];

	if (!policy)
		(void)snprintf(id, sizeof id, "%c%03u", o->d->family ? o->d->family : 'Q', o->d->id);
	(void)snprintf(print, sizeof print, "%s/%s/%s", o->kernel->name, o->prog ? o->prog->name : "", id);
	(void)snprintf(text, sizeof text, "%.120s, Linux %s: %s%s%s", o->prog ? o->prog->name : s->args->path,
		       o->kernel->name, o->d->text, o->d->hint[0] ? ". Mend: " : "", o->d->hint);
	json_object(j);
	json_key(j, "level");
	json_str(j, o->verdict == VERIFY_REJECTED || policy ? "error" : "warning");
	json_key(j, "locations");
	json_array(j);
	put_place(j, policy ? &nothing.pos : &o->d->pos, s->args->path);
	json_end_object(j);
	json_end_array(j);
	json_key(j, "message");
	json_object(j);
	json_key(j, "text");
	json_str(j, policy ? o->policy : text);
	json_end_object(j);
	json_key(j, "partialFingerprints");
	json_object(j);
	json_key(j, "kernelProgramReason/v1");
	json_str(j, print);
	json_end_object(j);
	json_key(j, "properties");
	json_object(j);
	json_key(j, "kernel");
	json_str(j, o->kernel->name);
	if (!policy) {
		json_key(j, "mend");
		json_str(j, o->d->hint);
	}
	json_key(j, "program");
	json_str(j, o->prog ? o->prog->name : NULL);
	json_end_object(j);
	put_notes(j, s, policy ? &nothing : o->d);
	json_key(j, "ruleId");
	json_str(j, id);
	json_end_object(j);
}

void verify_put_sarif(struct verify_sink *s, const struct verify_outcome *o)
{
	if (o->verdict != VERIFY_ACCEPTED)
		put_result(s, o, false);
	if (o->policy)
		put_result(s, o, true);
}

void verify_close_sarif(struct verify_sink *s)
{
	json_end_array(&s->j);
	json_end_object(&s->j);
	json_end_array(&s->j);
	json_key(&s->j, "version");
	json_str(&s->j, "2.1.0");
	json_end_object(&s->j);
}
