/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running kernel's counts, "processed N insns ... total_states B peak_states C", and ours: the same. Only where the
 * kernel is of a release that is modelled and measured, and bpf(2) is granted.
 */
#include "test.h"

#include "state_programs.h"

#include "engine/asm/asm.h"

#include <bpf/bpf.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { LOG_BYTES = 1 << 16, STATS = 4, STATE_FREQ = 8, ARENA_MIB = 512 };

static const struct kernel_profile *running_kernel(void)
{
	struct utsname u;
	const struct kernel_profile *k = uname(&u) ? NULL : kernel_profile(u.release);

	return k && k->measured ? k : NULL;
}

struct counts {
	bool accepted;
	unsigned long long steps;
	unsigned per_insn, total, peak;
};

static bool load(const struct prog *p, bool each, struct counts *out)
{
	static char log[LOG_BYTES];
	LIBBPF_OPTS(bpf_prog_load_opts, o, .log_buf = log, .log_size = sizeof log, .log_level = STATS,
		    .prog_flags = each ? STATE_FREQ : 0);
	struct buf code;
	const char *at;
	int fd;

	buf_init(&code, p->n_insns * ISA_SLOT_BYTES);
	asm_encode(p->insns, p->n_insns, &code);
	log[0] = '\0';
	fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "states", "GPL", (const void *)code.p, p->n_insns, &o);
	buf_done(&code);
	out->accepted = fd >= 0;
	if (fd >= 0)
		(void)close(fd);
	at = strstr(log, "processed ");
	return at &&
	       sscanf(at, "processed %llu insns (limit %*d) max_states_per_insn %u total_states %u peak_states %u",
		      &out->steps, &out->per_insn, &out->total, &out->peak) == 4;
}

TEST(the_running_kernel_processes_as_many_instructions_and_keeps_as_many_states)
{
	const struct kernel_profile *k = running_kernel();

	if (!k || geteuid() != 0)
		SKIP("no measured kernel, or bpf(2) is not granted");
	for (size_t i = 0; i < N_STATE_PROGRAMS; i++) {
		const struct state_program *sp = &state_programs[i];
		struct kverify_opts o = { .kernel = k,
					  .target = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER },
					  .flags = sp->each ? KVERIFY_STATE_FREQ : 0,
					  .gpl = true };
		struct kverify_stats stats;
		struct counts kernel = { 0 };
		struct arena a;
		struct prog p;
		struct diag d;

		test_row = sp->name;
		arena_init(&a, (size_t)ARENA_MIB << 20);
		CHECK_OK(asm_text((struct view){ (const uint8_t *)sp->text, strlen(sp->text) }, "states", &a, &p, &d));
		if (k->version >= sp->since) {
			if (!load(&p, sp->each, &kernel)) {
				arena_done(&a);
				SKIP("bpf(2) is not granted");
			}
			CHECK_EQ(kverify_prog(&p, &o, &a, &stats, &d) == E_OK, kernel.accepted);
			CHECK_EQ(stats.steps, kernel.steps);
			CHECK_EQ(stats.states_per_insn, kernel.per_insn);
			CHECK_EQ(stats.states_total, kernel.total);
			CHECK_EQ(stats.states_peak, kernel.peak);
		}
		arena_done(&a);
	}
}
