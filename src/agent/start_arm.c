/* SPDX-License-Identifier: Apache-2.0 */
/* start_arm: the state directory at the start, and at the end; what SAFE watches for. */
#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define BREAKER "safe"

/* Plain: one feed of what a defender cannot do without, from hooks that are always there or close to it. */
const char super_safe_rules[] =
	"- rule: Safe feed of programs started\n"
	"  desc: the sensor runs without its content; programs that are started are told\n"
	"  condition: evt.type in (execve, execveat)\n"
	"  output: \"SAFE program started (user=%user.name exe=%proc.exe args=%proc.args parent=%proc.pname)\"\n"
	"  priority: NOTICE\n"
	"  source: syscall\n"
	"- rule: Safe feed of changes of user\n"
	"  desc: the sensor runs without its content; processes that change their user are told\n"
	"  condition: evt.type in (setuid, setreuid, setresuid)\n"
	"  output: \"SAFE user changed (exe=%proc.exe pid=%proc.pid)\"\n"
	"  priority: WARNING\n"
	"  source: syscall\n"
	"- rule: Safe feed of kernel modules\n"
	"  desc: the sensor runs without its content; modules that are loaded are told\n"
	"  condition: evt.type in (init_module, finit_module)\n"
	"  output: \"SAFE kernel module loaded (exe=%proc.exe pid=%proc.pid)\"\n"
	"  priority: CRITICAL\n"
	"  source: syscall\n"
	"- rule: Safe feed of BPF programs\n"
	"  desc: the sensor runs without its content; uses of bpf are told\n"
	"  condition: evt.type = bpf\n"
	"  output: \"SAFE bpf used (exe=%proc.exe pid=%proc.pid)\"\n"
	"  priority: WARNING\n"
	"  source: syscall\n";

/* 8-4-4-4-12 hexadecimal digits. */
static FALLIBLE read_boot_id(uint8_t out[16], struct diag *d)
{
	AUTO_FREE char *text = NULL;
	char digits[33];
	size_t len, n = 0;

	TRY(io_read_file("/proc/sys/kernel/random/boot_id", 64, &text, &len, d));
	for (size_t i = 0; i < len && n < 32; i++)
		if (text[i] != '-')
			digits[n++] = text[i];
	digits[n] = 0;
	if (!object_unhex(digits, out, 16))
		FAIL(d, HOST, "/proc/sys/kernel/random/boot_id holds no boot id");
	return E_OK;
}

static bool breaker_is_there(const struct supervisor *s)
{
	char path[CONFIG_MAX_PATH + sizeof BREAKER + 1];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/%s", s->o->config->state_dir, BREAKER);
	return !lstat(path, &st);
}

/* Made: SAFE, also when it was there before the start. Taken away: back. */
void super_arm_breaker(struct supervisor *s)
{
	bool there = breaker_is_there(s);
	struct local_input in = { .event = there ? LOCAL_EV_SAFE_ON : LOCAL_EV_SAFE_OFF };

	if (there == s->arm.breaker)
		return;
	s->arm.breaker = there;
	(void)super_arm_on(s, &in);
}

FALLIBLE super_arm_open(struct supervisor *s, struct diag *d)
{
	const struct config *c = s->o->config;
	struct local_input in = { .event = LOCAL_EV_START };
	struct super_arm *a = &s->arm;
	bool lost = false;

	a->plan = plan_default;
	a->ticked_ms = super_now_ms();
	TRY(read_boot_id(a->boot, d));
	if (!c->state_dir || s->o->record)
		return E_OK;
	TRY(local_store_open(c->state_dir, NULL, &a->store, &a->state, &lost, d));
	if (lost)
		log_warning("'%s' holds no state that can be believed: this host begins anew, with the rules of its "
			    "settings",
			    c->state_dir);
	(void)super_arm_on(s, &in);
	super_arm_breaker(s);
	a->due = false; /* the first worker gets it anyway */
	return E_OK;
}

void super_arm_stop(struct supervisor *s)
{
	struct local_input in = { .event = LOCAL_EV_STOP };

	(void)super_arm_on(s, &in);
}

void super_arm_close(struct supervisor *s)
{
	super_trial_end(s);
	if (s->arm.store)
		local_store_close(s->arm.store);
}
