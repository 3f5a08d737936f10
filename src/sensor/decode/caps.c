/* SPDX-License-Identifier: Apache-2.0 */
/* caps: sets of capabilities as text. Hosts have few different sets, and making one's text takes microseconds. */
#include "sensor/decode/parts.h"

/* include/uapi/linux/capability.h, from 0 */
static const char *const names[] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};

static uint32_t put(char out[CAPS_TEXT], uint32_t len, uint32_t cap)
{
	const char *space = len ? " " : "";

	/* the longest text, all 64, is known: a test makes it */
	if (cap < countof(names))
		return len + (uint32_t)snprintf(out + len, CAPS_TEXT - len, "%sCAP_%s", space, names[cap]);
	return len + (uint32_t)snprintf(out + len, CAPS_TEXT - len, "%sCAP_%u", space, cap);
}

struct proc_str caps_text(struct caps_cache *c, uint64_t set)
{
	struct caps_slot *s = &c->slots[hash_u64(set) % CAPS_SLOTS];

	if (s->value != set) {
		s->value = set;
		s->len = 0;
		for (uint64_t rest = set; rest; rest &= rest - 1)
			s->len = put(s->text, s->len, (uint32_t)__builtin_ctzll(rest));
	}
	return (struct proc_str){ s->text, s->len };
}
