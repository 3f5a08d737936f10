/* SPDX-License-Identifier: Apache-2.0 */
/* rule_test: what the tests of rules share. */
#include "rule_test.h"

void load_bytes(struct loaded *l, const char *name, const char *text, size_t len)
{
	struct rule_source src = { name, text, len };

	*l = (struct loaded){ 0 };
	arena_init(&l->a, 256 << 20);
	diags_init(&l->ds, &l->a);
	buf_init(&l->said, 4 << 20);
	l->err = rule_load(&src, 1, &template_builtin, &l->a, &l->ds, &l->rs);
	buf_puts(&l->said, "");
	diags_render(&l->said, &l->ds, false);
}

void load_text(struct loaded *l, const char *text)
{
	load_bytes(l, "r.yaml", text, strlen(text));
}

void unload(struct loaded *l)
{
	buf_done(&l->said);
	arena_done(&l->a);
}

bool said_id(const struct loaded *l, unsigned id)
{
	for (const struct diag_node *n = l->ds.head; n; n = n->next)
		if (n->d.id == id)
			return true;
	return false;
}

struct rule_source source_file(struct arena *a, const char *path)
{
	const char *root = getenv("SALLYPORT_SOURCE"), *name = arena_printf(a, "%s/%s", root ? root : ".", path);
	FILE *f = fopen(name, "re");
	struct rule_source s = { .name = arena_strndup(a, path, strlen(path)) };
	char *text = arena_alloc(a, 1 << 20);

	if (!f)
		fail_msg("cannot open %s", name);
	s.len = fread(text, 1, 1 << 20, f);
	s.text = text;
	fclose(f);
	return s;
}

/* Every program must pass the verifier for the exact context of its type. */
static void prove(struct ready *r, uint32_t i)
{
	struct verify_opts o = { .profile = &abi_sallyport, .type = abi_prog_type(&abi_sallyport, IMAGE_PROG_SECTION) };
	const struct template_type *type = template_type_by_name(&template_builtin, r->schema.progs[i].type);
	struct verify_stats stats;
	struct abi_ctx ctx;
	struct arena a;
	struct diag d;

	arena_init(&a, 256 << 20);
	diag_init(&d);
	CHECK_OK(template_ctx(&template_builtin, type, &a, &ctx));
	o.ctx = &ctx;
	if (verify_prog(obj_prog(&r->obj, r->schema.progs[i].prog), &o, &a, &stats, &d))
		fail_msg("%s [%s]: V%u %s at %llu", r->schema.progs[i].prog, test_row ? test_row : "", d.id, d.text,
			 (unsigned long long)d.insn);
	r->verify_steps += stats.steps;
	arena_done(&a);
}

static void make_content(struct ready *r, struct loaded *l)
{
	struct content_opts o = { .table = &template_builtin, .all_matches = true };
	struct buf elf;
	struct diag d;

	diag_init(&d);
	buf_init(&elf, 16 << 20);
	CHECK_OK(rule_compile(l->rs, &l->a, &elf, &l->ds));
	if (content_load(view_of(elf.p, elf.len), "rules", &o, &l->a, &r->content, &d))
		fail_msg("V%u or S%u: %s", d.id, d.id, d.text);
	buf_done(&elf);
	r->eval = (struct content_eval){ .vm = r->vm };
	r->late = calloc(1, sizeof *r->late);
	event_init(r->late, &template_builtin);
}

void ready_make(struct ready *r, struct loaded *l)
{
	struct vm_prog_opts o = { .profile = &abi_sallyport, .maps = &r->map };
	struct diag d;

	*r = (struct ready){ 0 };
	diag_init(&d);
	CHECK_STR(l->err ? l->said.p : "", "");
	buf_init(&r->elf, 16 << 20);
	CHECK_OK(rule_compile_simple(l->rs, &l->a, &r->elf, &l->ds));
	CHECK_OK(obj_read(view_of(r->elf.p, r->elf.len), "rules", NULL, &l->a, &r->obj, &d));
	CHECK_OK(image_read_schema(obj_section(&r->obj, IMAGE_SCHEMA_SECTION)->bytes, &l->a, &r->schema, &d));
	CHECK_OK(image_read_rules(obj_section(&r->obj, IMAGE_RULES_SECTION)->bytes, &l->a, &r->rules, &d));
	CHECK_EQ(r->obj.n_maps, 1);
	CHECK_OK(map_new(&r->obj.maps[0], &r->map, &d));
	r->progs = ARENA_ARRAY(&l->a, struct vm_prog *, r->schema.n_progs);
	for (uint32_t i = 0; i < r->schema.n_progs; i++) {
		const struct prog *p = obj_prog(&r->obj, r->schema.progs[i].prog);

		CHECK(p != NULL);
		prove(r, i);
		CHECK_OK(vm_prog_new(p, &o, &r->progs[i], &d));
	}
	CHECK_OK(vm_new(&r->vm));
	r->event = calloc(1, sizeof *r->event);
	event_init(r->event, &template_builtin);
	make_content(r, l);
}

void ready_done(struct ready *r)
{
	for (uint32_t i = 0; i < r->schema.n_progs; i++)
		vm_prog_free(r->progs[i]);
	vm_free(r->vm);
	map_free(r->map);
	content_free(r->content);
	free(r->event);
	free(r->late);
	buf_done(&r->elf);
}

static int run(struct ready *r, uint32_t i)
{
	struct vm_run_args args = { .ctx = r->event->ctx,
				    .ctx_bytes = template_ctx_bytes(r->event->type),
				    .env = &r->event->env };
	uint64_t ret = 0;
	struct diag d;

	diag_init(&d);
	if (vm_run(r->vm, r->progs[i], &args, &ret, NULL, &d))
		fail_msg("%s: %s", r->schema.progs[i].prog, d.text);
	CHECK(!r->event->env.bad_handle);
	CHECK(ret < 2);
	return (int)ret;
}

static void fill_late(void *user, uint32_t id)
{
	struct ready *r = user;

	CHECK(event_has(r->event, id));
	r->late->values[id] = r->event->values[id];
	event_set_u64(r->late, id, event_u64(r->event, id));
}

static uint64_t mix(uint64_t h, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = hash_u64(h + ((const uint8_t *)bytes)[i]);
	return hash_u64(h ^ len);
}

/* The number that a sensor would give a process with these looks; in some events none, as for a stray one. */
static uint64_t look_of(const struct event *e)
{
	uint64_t h = 0;

	for (uint32_t id = 0; id < TEMPLATE_N_COMMON; id++) {
		const struct helper_value *v = &e->values[id];

		if (!event_is_look(id) || !event_has(e, id))
			continue;
		h = hash_u64(h + id);
		if (!template_is_handle(template_builtin.common.fields[id].type))
			h = hash_u64(h ^ event_u64(e, id));
		else if (v->kind != HELPER_VALUE_LIST)
			h = mix(h, v->p, v->len);
		for (uint32_t i = 0; v->kind == HELPER_VALUE_LIST && i < v->len; i++)
			h = mix(h, v->list[i].p, v->list[i].len);
	}
	return h % 8 ? h : 0;
}

/* The same by the content: every program started, and only those that can match, of an event that is made late. */
static int judge(struct ready *r, uint32_t rule)
{
	uint32_t fired[2][512], n[2];
	bool found = false;

	r->eval.simple = true;
	n[0] = content_eval(r->content, &r->eval, r->event, fired[0], countof(fired[0]));
	event_begin(r->late, r->event->type_index);
	memcpy(r->late->lazy, r->event->ctx, sizeof r->late->lazy);
	r->late->fill = fill_late;
	r->late->fill_user = r;
	r->late->look = look_of(r->event);
	r->eval.simple = false;
	n[1] = content_eval(r->content, &r->eval, r->late, fired[1], countof(fired[1]));
	if (r->eval.faults)
		fail_msg("%s", r->eval.fault.d.text);
	CHECK_EQ(n[0], n[1]);
	CHECK(!memcmp(fired[0], fired[1], n[0] * sizeof fired[0][0]));
	for (uint32_t i = 0; i < n[0]; i++)
		found |= fired[0][i] == rule;
	return found;
}

int ready_fires(struct ready *r, uint32_t rule)
{
	int fires = 0;

	for (uint32_t i = 0; i < r->schema.n_progs; i++)
		if (r->schema.progs[i].rule == rule && !strcmp(r->schema.progs[i].type, r->event->type->name))
			fires = run(r, i);
	CHECK_EQ(judge(r, rule), fires);
	return fires;
}

void ready_event(struct ready *r, uint32_t type)
{
	const char *events = template_builtin.types[type].events;

	event_begin(r->event, type);
	event_set_str(r->event, FIELD_evt_type, events, strcspn(events, " "));
	event_set_u64(r->event, FIELD_evt_num, 1);
}

void ready_fields(struct ready *r, struct arena *a, const struct rule_test *t)
{
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct rule_test_field *f = &t->fields[i];
		uint32_t id = 0;

		CHECK(template_field_find(&template_builtin, r->event->type, f->name, strlen(f->name), &id) != NULL);
		CHECK_OK(event_set_text(r->event, id, f->value, f->value_len, a, NULL));
	}
}
