/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_content: any bytes as compiled content. With the walls up, what loads judges events without straying (it may
 * show a helper a handle to nothing); with the first two forced, faults are errors. Alerts are printed.
 */
#include "content/runtime/runtime.h"

enum { BAD_HANDLE = 308, EVENTS = 4 };

static void must(bool what)
{
	if (!what)
		abort();
}

static void make_event(struct event *e, uint64_t noise)
{
	static const struct helper_str names[] = { { "sh", 2 }, { "", 0 } };

	event_begin(e, (uint32_t)(noise % e->table->n_types));
	event_set_cstr(e, FIELD_proc_name, noise & 8 ? "sh" : "\033\xff");
	event_set_u64(e, FIELD_evt_time, noise);
	event_set_list(e, FIELD_proc_aname, names, noise & 16 ? 2 : 0);
}

static void judge(const struct content *c, struct vm *vm, struct event *e, bool verified)
{
	struct content_eval ce = { .vm = vm };
	uint32_t fired[4];

	for (uint64_t i = 0; i < EVENTS; i++) {
		uint32_t n;
		struct buf text;
		struct json j;

		make_event(e, hash_u64(i));
		n = content_eval(c, &ce, e, fired, 4);
		must(!verified || !ce.faults || ce.fault.d.id == BAD_HANDLE);
		buf_init(&text, 1 << 20);
		for (uint32_t k = 0; k < n; k++) {
			content_format(c, fired[k], e, &text);
			json_init(&j, &text);
			content_json_fields(c, fired[k], e, &j);
		}
		buf_done(&text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct event e;
	static struct vm *vm;

	if (!vm) {
		must(vm_new(&vm) == E_OK);
		event_init(&e, &template_builtin);
	}
	for (int forced = 0; forced < 2; forced++) {
		struct content_opts o = { .table = &template_builtin,
					  .all_matches = true,
					  .fuel = 10000,
					  .arena_max = 32 << 20,
					  .skip_schema = forced,
					  .skip_verify = forced };
		struct content *c;
		struct arena a;
		struct diag d;

		arena_init(&a, 16 << 20);
		diag_init(&d);
		if (content_load(view_of(p, n), "fuzz", &o, &a, &c, &d) == E_OK) {
			judge(c, vm, &e, !forced);
			content_free(c);
		}
		arena_done(&a);
	}
	return 0;
}
