/* SPDX-License-Identifier: Apache-2.0 */
/* worker_load: rule files, compiled content and bundles to content that is proven and ready; what it needs from the
 * kernel. */
#include "agent/worker.h"

#include <sodium.h>

#include "content/bundle/bundle.h"
#include "content/rule/rule.h"
#include "kern/kern.h"

enum { EXIT_REFUSED = 1, EXIT_HOST = 3 };

/* A compiler says nothing: the worker that loads the same files does. */
static void say(const struct worker *w, struct buf *out)
{
	if (out->p && !worker_is(w, CONTROL_COMPILER))
		(void)!write(STDERR_FILENO, out->p, out->len);
	buf_done(out);
}

static int refuse(const struct worker *w, const struct diag *d, enum err err)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	if (d->text[0])
		diag_render(&out, d, w->start.flags & CONTROL_COLOUR);
	else
		buf_printf(&out, "sallyport: error: content cannot be loaded: %s\n", err_text(err));
	say(w, &out);
	return err == E_NOMEM ? EXIT_HOST : EXIT_REFUSED;
}

/* The file's bytes go when all is loaded. */
static FALLIBLE keep_vectors(struct content_set *set, const struct bundle *b)
{
	void *copy = b->vectors.len ? arena_alloc(&set->arena, b->vectors.len) : NULL;

	if (b->vectors.len && !copy)
		return E_NOMEM;
	if (copy)
		memcpy(copy, b->vectors.p, b->vectors.len);
	set->vectors[set->n_contents] = view_of(copy, b->vectors.len);
	set->n_vectors[set->n_contents] = b->manifest.n_vectors;
	return E_OK;
}

/* A bundle: its file is checked, then its content loaded within the manifest's limits; the digest is the file's. */
static FALLIBLE load_bundle(struct view bytes, const char *name, bool all_matches, struct content_set *set,
			    struct content **out, uint8_t *digest, struct diag *d)
{
	const struct bundle_host host = bundle_this_host();
	struct bundle b;

	d->subject = name;
	TRY(bundle_read(bytes, &set->arena, &b, d));
	TRY(bundle_load(&b, name, &host, all_matches, &set->arena, out, d));
	memcpy(digest, b.digest, sizeof b.digest);
	return keep_vectors(set, &b);
}

static FALLIBLE load_compiled(const struct worker *w, struct content_set *set, struct view bytes, const char *name,
			      struct content **out, uint8_t *digest, struct diag *d)
{
	struct content_opts o = { .table = &template_builtin, .all_matches = w->start.flags & CONTROL_ALL_MATCHES };

	if (set->n_contents == WORKER_MAX_CONTENTS)
		FAIL(d, LIMIT, "'%s': more than %d compiled files", name, WORKER_MAX_CONTENTS);
	if (bundle_is(bytes))
		return load_bundle(bytes, name, o.all_matches, set, out, digest, d);
	TRY(content_load(bytes, name, &o, &set->arena, out, d));
	memcpy(digest, content_digest(*out), CONTENT_DIGEST_BYTES);
	return E_OK;
}

static int add_content(const struct worker *w, struct content_set *set, struct view bytes, const char *name)
{
	uint8_t digest[CONTENT_DIGEST_BYTES];
	struct content *c;
	struct diag d;
	enum err err;

	diag_init(&d);
	err = load_compiled(w, set, bytes, name, &c, digest, &d);
	if (err != E_OK)
		return refuse(w, &d, err);
	set->contents[set->n_contents] = c;
	memcpy(set->digests[set->n_contents], digest, sizeof digest);
	set->first_rule[set->n_contents] = set->n_rules;
	set->n_rules += content_n_rules(set->contents[set->n_contents]);
	set->n_programs += content_n_programs(set->contents[set->n_contents]);
	set->n_contents++;
	return 0;
}

static bool is_bundle(const struct worker_file *f)
{
	return bundle_is(view_of(f->text, f->len));
}

/* Not YAML: it goes its own way, and is not put together with others. */
static bool is_compiled(const struct worker_file *f)
{
	return is_bundle(f) || (f->len >= 4 && !memcmp(f->text, "\177ELF", 4));
}

/* Whoever asks for bundles does not get what a file of that name holds by now. */
static int refuse_others(const struct worker *w, const struct worker_file *files, uint32_t n)
{
	struct diag d;

	diag_init(&d);
	for (uint32_t i = 0; i < n && w->start.flags & CONTROL_BUNDLES; i++) {
		if (is_bundle(&files[i]))
			continue;
		d.subject = files[i].name;
		return refuse(w, &d,
			      diag_fail(&d, E_FORMAT, 'B', 1, __FILE__, __LINE__,
					"this is no bundle, and only those were asked for"));
	}
	return 0;
}

/* All rule texts are one set: a later file may append to what an earlier one defines. */
static int add_rules(struct worker *w, struct content_set *set, const struct worker_file *files, uint32_t n)
{
	const struct rule_opts opts = { .strict_falco = w->start.flags & CONTROL_STRICT_FALCO };
	struct rule_source *src = calloc(n ? n : 1, sizeof *src);
	struct arena a;
	struct rule_set *rs = NULL;
	struct diags ds;
	struct buf elf, text;
	size_t n_src = 0;
	enum err err;
	int code = 0;

	if (!src)
		return EXIT_HOST;
	for (uint32_t i = 0; i < n; i++)
		if (!is_compiled(&files[i]))
			src[n_src++] = (struct rule_source){ files[i].name, files[i].text, files[i].len };
	arena_init(&a, CONTENT_ARENA_MAX);
	diags_init(&ds, &a);
	buf_init(&elf, 64 << 20);
	buf_init(&text, 1 << 20);
	err = n_src ? rule_load_opts(src, n_src, &template_builtin, &opts, &a, &ds, &rs) : E_OK;
	worker_beat(w);
	if (err == E_OK && rs)
		err = rule_compile(rs, &a, &elf, &ds);
	worker_beat(w);
	set->n_warnings = ds.n_warnings;
	diags_render(&text, &ds, w->start.flags & CONTROL_COLOUR);
	if (err != E_OK && !ds.n_errors)
		buf_printf(&text, "sallyport: error: rules cannot be loaded: %s\n", err_text(err));
	say(w, &text);
	if (err != E_OK)
		code = err == E_NOMEM ? EXIT_HOST : EXIT_REFUSED;
	else if (rs)
		code = add_content(w, set, view_of(elf.p, elf.len), "rules");
	buf_done(&elf);
	arena_done(&a);
	free(src);
	return code;
}

/* One content: its digest. Several: the digest of their digests. */
static void digest_all(struct content_set *set)
{
	if (set->n_contents == 1)
		memcpy(set->digest, set->digests, CONTENT_DIGEST_BYTES);
	else
		(void)crypto_generichash(set->digest, CONTENT_DIGEST_BYTES, set->digests[0],
					 (size_t)set->n_contents * CONTENT_DIGEST_BYTES, NULL, 0);
}

static int load_all(struct worker *w, struct content_set *set, const struct worker_file *files, uint32_t n)
{
	static const char none[] = "sallyport: error: the files define no enabled rule: nothing to look for\n";
	int code = refuse_others(w, files, n);

	if (!code)
		code = add_rules(w, set, files, n);
	for (uint32_t i = 0; i < n && !code; i++)
		if (is_compiled(&files[i]))
			code = add_content(w, set, view_of(files[i].text, files[i].len), files[i].name);
	if (!code && !set->n_rules && !(w->recording && !n)) {
		struct buf text;

		buf_init(&text, sizeof none);
		buf_puts(&text, none);
		say(w, &text);
		code = EXIT_REFUSED;
	}
	return code;
}

int worker_load(struct worker *w, const struct worker_file *files, uint32_t n, struct content_set **out)
{
	struct content_set *set = calloc(1, sizeof *set);
	int code;

	if (!set)
		return EXIT_HOST;
	arena_init(&set->arena, CONTENT_ARENA_MAX);
	code = load_all(w, set, files, n);
	if (code) {
		content_set_free(set);
		return code;
	}
	digest_all(set);
	*out = set;
	return 0;
}

void content_set_free(struct content_set *set)
{
	if (!set)
		return;
	for (uint32_t i = 0; i < set->n_contents; i++)
		content_free(set->contents[i]);
	jit_image_free(set->image);
	arena_done(&set->arena);
	free(set);
}

/* True: what is there is about this content. */
static bool same_table(const struct page *p, const uint8_t digest[CONTENT_DIGEST_BYTES])
{
	for (uint32_t i = 0; i < sizeof p->digest; i++)
		if (atomic_load_explicit(&p->digest[i], memory_order_relaxed) != digest[i])
			return false;
	return true;
}

static void zero_counters(struct page *p)
{
	for (uint32_t i = 0; i < PAGE_MAX_RULES; i++) {
		struct page_rule *r = &p->rules[i];
		_Atomic uint64_t *const all[] = { &r->evaluated, &r->alerts,   &r->faults, &r->throttled,
						  &r->muted,     &r->timed_ns, &r->timed };

		for (size_t k = 0; k < countof(all); k++)
			page_set(all[k], 0);
	}
}

void worker_publish_names(struct worker *w)
{
	const struct content_set *set = w->set;
	struct page *p = w->page;

	page_set(&p->table, page_get(&p->table) | 1); /* a worker may have died in between */
	atomic_thread_fence(memory_order_release);
	if (!same_table(p, set->digest))
		zero_counters(p);
	for (uint32_t i = 0; i < sizeof p->digest; i++)
		atomic_store_explicit(&p->digest[i], set->digest[i], memory_order_relaxed);
	for (uint32_t i = 0; i < set->n_contents; i++)
		for (uint32_t r = 0; r < content_n_rules(set->contents[i]); r++)
			if (set->first_rule[i] + r < PAGE_MAX_RULES)
				(void)snprintf(w->page->names[set->first_rule[i] + r], PAGE_NAME_BYTES, "%s",
					       content_rule(set->contents[i], r)->name);
	page_set(&p->n_rules, set->n_rules);
	atomic_store_explicit(&p->table, page_get(&p->table) + 1, memory_order_release);
}

bool content_set_wants(void *user, uint32_t type_index, uint32_t field_id)
{
	const struct content_set *set = user;

	for (uint32_t i = 0; i < set->n_contents; i++)
		if (content_uses(set->contents[i], type_index, field_id))
			return true;
	return false;
}

FALLIBLE content_set_names(const struct content_set *set, struct names *n)
{
	const char **all = calloc(NAMES_MAX + 1, sizeof *all);
	uint32_t have = 0, n_names;
	enum err err = all ? E_OK : E_NOMEM;

	for (uint32_t i = 0; i < set->n_contents && err == E_OK; i++) {
		const char *const *names = content_names(set->contents[i], &n_names);

		for (uint32_t k = 0; k < n_names && err == E_OK; k++) {
			err = have == NAMES_MAX ? E_LIMIT : E_OK;
			all[have < NAMES_MAX ? have++ : NAMES_MAX] = names[k];
		}
	}
	if (err == E_OK)
		err = names_want(n, all, have);
	free(all);
	return err;
}

uint64_t content_set_types(const struct content_set *set)
{
	uint64_t types = 0;

	for (uint32_t i = 0; i < set->n_contents; i++)
		types |= content_types(set->contents[i]);
	return types;
}

uint32_t content_set_hooks(const struct content_set *set)
{
	static const uint32_t of_type[TEMPLATE_N_TYPES] = {
		[TEMPLATE_TYPE_process_exec] = KERN_HOOK_EXEC_FAILED,
		[TEMPLATE_TYPE_file_open] = KERN_HOOK_OPEN,
		[TEMPLATE_TYPE_memfd_create] = KERN_HOOK_MEMFD,
		[TEMPLATE_TYPE_net_connect] = KERN_HOOK_CONNECT,
		[TEMPLATE_TYPE_ipc_pipe] = KERN_HOOK_IPC | KERN_HOOK_CONNECT,
		[TEMPLATE_TYPE_net_accept] = KERN_HOOK_ACCEPT,
		[TEMPLATE_TYPE_net_listen] = KERN_HOOK_LISTEN,
		[TEMPLATE_TYPE_net_socket] = KERN_HOOK_SOCKET,
		[TEMPLATE_TYPE_net_send] = KERN_HOOK_SEND,
		[TEMPLATE_TYPE_net_recv] = KERN_HOOK_RECV,
		[TEMPLATE_TYPE_fd_dup] = KERN_HOOK_DUP,
		[TEMPLATE_TYPE_file_rename] = KERN_HOOK_RENAME,
		[TEMPLATE_TYPE_file_unlink] = KERN_HOOK_UNLINK,
		[TEMPLATE_TYPE_file_link] = KERN_HOOK_LINK,
		[TEMPLATE_TYPE_file_symlink] = KERN_HOOK_SYMLINK,
		[TEMPLATE_TYPE_file_mkdir] = KERN_HOOK_MKDIR,
		[TEMPLATE_TYPE_file_chmod] = KERN_HOOK_CHMOD,
		[TEMPLATE_TYPE_process_ptrace] = KERN_HOOK_PTRACE,
		[TEMPLATE_TYPE_process_creds] = KERN_HOOK_CREDS,
		[TEMPLATE_TYPE_process_namespace] = KERN_HOOK_NAMESPACE,
		[TEMPLATE_TYPE_kernel_module] = KERN_HOOK_MODULE,
		[TEMPLATE_TYPE_kernel_bpf] = KERN_HOOK_BPF,
		[TEMPLATE_TYPE_kernel_userfaultfd] = KERN_HOOK_USERFAULTFD,
	};
	uint64_t types = content_set_types(set);
	uint32_t hooks = KERN_HOOK_PROCESS;

	for (uint32_t t = 0; t < TEMPLATE_N_TYPES; t++) {
		if (!(types >> t & 1))
			continue;
		hooks |= of_type[t];
		if (content_set_wants((void *)(uintptr_t)set, t, FIELD_proc_cwd))
			hooks |= KERN_HOOK_CHDIR;
		if (content_set_wants((void *)(uintptr_t)set, t, FIELD_proc_is_script_from_memfd))
			hooks |= KERN_HOOK_MEMFD;
	}
	return hooks;
}
