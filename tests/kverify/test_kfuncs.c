/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the kernel's functions: what each release that was measured says of the programs of kfuncs.bpf.c. The
 * kernel's types are those of kfuncs_types.c, so that no kernel is needed; where one runs that was measured, it is
 * asked as well.
 */
#include "test.h"

#include "calls.h"

#include "engine/kobj/kobj.h"

#include <bpf/libbpf.h>
#include <unistd.h>

extern const uint8_t kfuncs_bpf[], kfuncs_types[];
extern const size_t kfuncs_bpf_bytes, kfuncs_types_bytes;

enum { CAP = 256 << 20, LOG_BYTES = 1 << 20 };

static const struct row {
	const char *prog;
	int16_t want[CALL_RELEASES]; /* in 5.10 no program calls functions of the kernel, in 6.1 some call others than
					these */
} rows[] = {
	{ "num_loop", { 124, 470, 0, 0, 0 } },
	{ "num_in_num", { 124, 470, 0, 0, 0 } },
	{ "num_kept", { 124, 470, 501, 502, 502 } },
	{ "num_next_of_none", { 124, 470, 546, 546, 546 } },
	{ "num_new_twice", { 124, 470, 545, 545, 545 } },
	{ "num_destroyed_twice", { 124, 470, 546, 546, 546 } },
	{ "num_written_to", { 124, 470, 360, 360, 360 } },
	{ "num_not_tested", { 124, 470, 301, 301, 301 } },
	{ "num_in_data", { 124, 470, 544, 544, 544 } },
	{ "num_limit", { 124, 470, 0, 0, 0 } },
	{ "rcu_kept", { 124, 470, 515, 512, 512 } },
	{ "rcu_unlock_alone", { 124, 470, 549, 549, 549 } },
	{ "rcu_in_rcu", { 124, 470, 548, 548, 0 } },
	{ "sleeps_in_tc", { 124, 470, 477, 477, 477 } },
	{ "no_preemption", { 124, 470, 0, 0, 0 } },
	{ "preemption_kept_off", { 124, 470, 516, 513, 513 } },
	{ "preemption_on_alone", { 124, 470, 551, 551, 551 } },
	{ "interrupts", { 124, 470, 470, 0, 0 } },
	{ "interrupts_out_of_order", { 124, 470, 470, 555, 555 } },
	{ "interrupts_kept_off", { 124, 470, 470, 511, 511 } },
	{ "interrupts_saved_twice", { 124, 470, 470, 553, 553 } },
	{ "interrupts_restored_alone", { 124, 470, 470, 554, 554 } },
	{ "interrupts_in_data", { 124, 470, 470, 552, 552 } },
	{ "not_for_programs", { 124, 470, 470, 470, 470 } },
	{ "kernel_context", { 124, 470, 0, 0, 0 } },
	{ "kernel_context_of_none", { 124, 470, 485, 485, 485 } },
	{ "cast_to_task", { 124, 470, 0, 0, 0 } },
	{ "cast_to_some", { 124, 470, 481, 481, 481 } },
	{ "packet_slice", { 124, 470, 0, 0, 0 } },
	{ "packet_slice_beyond", { 124, 470, 311, 311, 311 } },
	{ "packet_slice_written", { 124, 470, 360, 360, 360 } },
	{ "packet_slice_of_some_size", { 124, 470, 481, 481, 481 } },
	{ "packet_slice_of_none", { 124, 470, 532, 532, 532 } },
	{ "object_dropped", { 124, 470, 0, 0, 0 } },
	{ "object_kept", { 124, 470, 501, 502, 502 } },
	{ "object_of_the_stack_dropped", { 124, 470, 483, 483, 504 } },
	{ "node_written", { 124, 470, 570, 570, 570 } },
	{ "number_for_type", { 124, 470, 481, 481, 481 } },
	{ "list_in_and_out", { 124, 470, 0, 0, 0 } },
	{ "list_without_lock", { 124, 470, 559, 559, 559 } },
	{ "list_with_other_lock", { 124, 470, 559, 559, 559 } },
	{ "list_of_nothing", { 124, 470, 558, 558, 558 } },
	{ "list_on_stack", { 124, 470, 557, 557, 557 } },
	{ "list_of_other_node", { 124, 470, 561, 561, 561 } },
	{ "list_pushed_twice", { 124, 470, 541, 541, 541 } },
	{ "list_read_after_unlock", { 124, 470, 301, 301, 301 } },
	{ "tree_in_and_out", { 102, 470, 0, 0, 0 } },
	{ "tree_first_dropped", { 124, 470, 483, 483, 504 } },
	{ "locked_number", { 124, 432, 432, 0, 0 } },
	{ "throws", { 124, 470, 0, 0, 0 } },
	{ "throws_in_rcu", { 124, 470, 515, 512, 512 } },
	{ "throws_in_callback", { 102, 470, 569, 569, 569 } },
	{ "tasks_in_rcu", { 701, 470, 0, 0, 0 } },
	{ "tasks_without_rcu", { 701, 470, 547, 479, 479 } },
	{ "tasks_after_rcu", { 701, 470, 547, 547, 547 } },
	{ "sleeps_in_rcu", { 701, 470, 478, 478, 478 } },
	{ "sleeps", { 701, 470, 0, 0, 0 } },
	{ "sleeps_without_preemption", { 701, 470, 406, 406, 406 } },
	{ "task_taken", { 701, 470, 0, 0, 0 } },
	{ "task_kept", { 701, 470, 501, 502, 502 } },
	{ "task_not_tested", { 701, 470, 482, 482, 482 } },
	{ "task_released_twice", { 701, 470, 487, 487, 504 } },
	{ "task_for_cgroup", { 701, 470, 488, 488, 488 } },
	{ "current_acquired", { 701, 470, 0, 0, 0 } },
	{ "current_released", { 701, 470, 540, 540, 504 } },
	{ "number_for_task", { 701, 470, 487, 487, 504 } },
	{ "pointer_for_number", { 701, 470, 480, 480, 480 } },
	{ "memory_for_task", { 701, 470, 487, 487, 487 } },
	{ "mask_of_mask", { 701, 470, 0, 0, 0 } },
	{ "throws_with_reference", { 701, 470, 501, 502, 502 } },
	{ "mask_in_xdp", { 124, 470, 470, 470, 470 } },
	{ "throws_out_of_range", { 124, 470, 460, 460, 460 } },
};

struct bed {
	struct arena a;
	struct obj types;
};

static void set_up(struct bed *b)
{
	struct diag d;

	*b = (struct bed){ 0 };
	arena_init(&b->a, CAP);
	diag_init(&d);
	CHECK_EQ(obj_read(view_of(kfuncs_types, kfuncs_types_bytes), "kfuncs_types.o", NULL, &b->a, &b->types, &d),
		 E_OK);
}

static int judge(const struct kobj *k, const char *name, struct diag *d)
{
	const struct prog *p = obj_prog(&k->obj, name);
	struct kverify_opts o;
	struct arena a;
	enum err err;

	CHECK(p);
	diag_init(d);
	CHECK_EQ(kobj_target(k, p, &o, d), E_OK);
	arena_init(&a, CAP);
	err = kverify_prog(p, &o, &a, NULL, d);
	arena_done(&a);
	return err == E_OK ? 0 : d->id;
}

TEST(kernel_functions_release_by_release)
{
	unsigned wrong = 0;
	struct diag d;
	struct bed b;

	set_up(&b);
	for (int r = 0; r < CALL_RELEASES; r++) {
		struct kobj_opts o = { .kernel = kernel_profile(call_releases[r]), .kernel_types = b.types.types };
		struct kobj k;

		diag_init(&d);
		CHECK_EQ(kobj_read(view_of(kfuncs_bpf, kfuncs_bpf_bytes), "kfuncs.bpf.o", &o, &b.a, &k, &d), E_OK);
		CHECK_EQ(k.obj.n_progs, countof(rows));
		for (size_t i = 0; i < countof(rows); i++) {
			int got = judge(&k, rows[i].prog, &d);

			if (got == rows[i].want[r])
				continue;
			wrong++;
			print_error("%s, %s: Q%d instead of Q%d (%s)\n", rows[i].prog, call_releases[r], got,
				    rows[i].want[r], got ? d.text : "accepted");
		}
	}
	arena_done(&b.a);
	CHECK_EQ(wrong, 0);
}

/* ---- beside the running kernel ---- */

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return 0;
}

/* 0: loaded; 1: refused by the verifier; -1: it did not come so far. */
static int ask(const char *name, char *log)
{
	struct bpf_object *o = bpf_object__open_mem(kfuncs_bpf, kfuncs_bpf_bytes, NULL);
	struct bpf_program *p;
	int e;

	log[0] = '\0';
	if (!o)
		return -1;
	bpf_object__for_each_program(p, o)
	{
		bool it = !strcmp(bpf_program__name(p), name);

		(void)bpf_program__set_autoload(p, it);
		if (it) {
			(void)bpf_program__set_log_buf(p, log, LOG_BYTES);
			(void)bpf_program__set_log_level(p, 1);
		}
	}
	e = bpf_object__load(o);
	bpf_object__close(o);
	return !e ? 0 : log[0] ? 1 : -1;
}

TEST(the_running_kernel_says_the_same)
{
	const struct kernel_profile *k = call_running_kernel();
	unsigned wrong = 0, asked = 0;
	AUTO_FREE char *log = malloc(LOG_BYTES);

	if (geteuid() || !k || k->version < KERNEL_V(6, 12))
		SKIP("needs root and one of the kernels that were measured, 6.12 or newer");
	CHECK(log);
	(void)libbpf_set_print(quiet);
	for (size_t i = 0; i < countof(rows); i++) {
		int got = ask(rows[i].prog, log), r = 0;

		while (strcmp(call_releases[r], k->name) != 0)
			r++;
		if (got < 0)
			continue;
		asked++;
		if (got == (rows[i].want[r] != 0) && (!got || call_same_reason(rows[i].want[r], log)))
			continue;
		wrong++;
		print_error("%s: Q%d, but the kernel says: %s\n", rows[i].prog, rows[i].want[r],
			    got ? log : "accepted");
	}
	CHECK_EQ(wrong, 0);
	CHECK(asked > countof(rows) / 2);
}
