/* SPDX-License-Identifier: Apache-2.0 */
/* confine: identity, root directory and limits of the worker. */
#include "agent/confine.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <linux/capability.h>
#include <sys/syscall.h>

/* Every set empty. The glibc has no wrapper for capset(2). */
static bool no_capabilities(void)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capset, &hdr, data) == 0;
}

/* The kernel refuses the first number that is no capability: EINVAL ends the loop. */
static bool drop_bounding_set(void)
{
	for (unsigned long cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return errno == EINVAL && cap > 0;
	return true;
}

static bool set_limit(int what, rlim_t most)
{
	struct rlimit r = { most, most };

	return setrlimit((__rlimit_resource_t)what, &r) == 0;
}

FALLIBLE confine_privileges(struct diag *d)
{
	/* The worker's world: other processes' command lines, and nothing else. */
	if (chroot("/proc") || chdir("/"))
		FAIL(d, PERM, "worker: cannot make /proc its root: %s", strerror(errno));
	if (!set_limit(RLIMIT_CORE, 0) || !set_limit(RLIMIT_NPROC, 0) || !set_limit(RLIMIT_NOFILE, CONFINE_MAX_FDS) ||
	    !set_limit(RLIMIT_MEMLOCK, 0) || !set_limit(RLIMIT_STACK, 8 << 20))
		FAIL(d, PERM, "worker: cannot set resource limits: %s", strerror(errno));
	if (!drop_bounding_set())
		FAIL(d, PERM, "worker: cannot drop the capability bounding set: %s", strerror(errno));
	if (setgroups(0, NULL) || setresgid(CONFINE_ID, CONFINE_ID, CONFINE_ID) ||
	    setresuid(CONFINE_ID, CONFINE_ID, CONFINE_ID))
		FAIL(d, PERM, "worker: cannot become user %d: %s", CONFINE_ID, strerror(errno));
	if (!no_capabilities() || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		FAIL(d, PERM, "worker: cannot give up capabilities: %s", strerror(errno));
	/* After the change of user, which clears both of these (fs/exec.c, kernel/cred.c:commit_creds). */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		FAIL(d, PERM, "worker: prctl: %s", strerror(errno));
	if (setresuid(0, 0, 0) == 0)
		FAIL(d, PERM, "worker: root could be had back");
	return E_OK;
}

FALLIBLE confine_memory(uint64_t bytes)
{
	if (confine_address_slack == UINT64_MAX)
		return E_OK;
	return set_limit(RLIMIT_DATA, bytes) && set_limit(RLIMIT_AS, bytes + confine_address_slack) ? E_OK : E_IO;
}
