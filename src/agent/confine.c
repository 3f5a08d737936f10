/* SPDX-License-Identifier: Apache-2.0 */
/* confine: identity, root directory, files and limits. */
#include "agent/confine.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <fcntl.h>
#include <sys/syscall.h>

#include <linux/capability.h>
#include <linux/landlock.h>

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

FALLIBLE confine_privileges(const char *root, uint32_t id, struct diag *d)
{
	if ((root && chroot(root)) || chdir("/"))
		FAIL(d, PERM, "cannot make %s the root: %s", root, strerror(errno));
	if (!set_limit(RLIMIT_CORE, 0) || !set_limit(RLIMIT_NOFILE, CONFINE_MAX_FDS) || !set_limit(RLIMIT_MEMLOCK, 0) ||
	    !set_limit(RLIMIT_STACK, 8 << 20))
		FAIL(d, PERM, "cannot set resource limits: %s", strerror(errno));
	if (!drop_bounding_set())
		FAIL(d, PERM, "cannot drop the capability bounding set: %s", strerror(errno));
	if (setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id))
		FAIL(d, PERM, "cannot become user %u: %s", id, strerror(errno));
	if (!no_capabilities() || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		FAIL(d, PERM, "cannot give up capabilities: %s", strerror(errno));
	/* After the change of user, which clears both of these (fs/exec.c, kernel/cred.c:commit_creds). */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		FAIL(d, PERM, "prctl: %s", strerror(errno));
	if (setresuid(0, 0, 0) == 0)
		FAIL(d, PERM, "root could be had back");
	return E_OK;
}

FALLIBLE confine_thread(void *(*run)(void *), void *arg, size_t stack_bytes)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool ok;

	if (pthread_attr_init(&attr))
		return E_NOMEM;
	ok = !pthread_attr_setstacksize(&attr, stack_bytes) &&
	     !pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) && !pthread_create(&thread, &attr, run, arg);
	(void)pthread_attr_destroy(&attr);
	return ok ? E_OK : E_IO;
}

FALLIBLE confine_no_threads(void)
{
	return set_limit(RLIMIT_NPROC, 0) ? E_OK : E_IO;
}

enum {
	READ_RIGHTS = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	WRITE_RIGHTS = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
		       LANDLOCK_ACCESS_FS_REMOVE_FILE,
};

static bool let(int ruleset, const char *dir, uint64_t rights)
{
	AUTO_FD int fd = open(dir, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr below = { .allowed_access = rights, .parent_fd = fd };

	return fd < 0 || !syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0);
}

FALLIBLE confine_files(const char *const *dirs, size_t n, const char *writable, bool *out_done, struct diag *d)
{
	/* The rights of its first version: without that of the second no file moves to another directory. */
	struct landlock_ruleset_attr all = { .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };
	AUTO_FD int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);

	*out_done = ruleset >= 0;
	if (ruleset < 0 && (errno == ENOSYS || errno == EOPNOTSUPP))
		return E_OK;
	for (size_t i = 0; i < n && ruleset >= 0; i++)
		if (!let(ruleset, dirs[i], READ_RIGHTS))
			FAIL(d, IO, "cannot limit files to '%s': %s", dirs[i], strerror(errno));
	if (writable && ruleset >= 0 && !let(ruleset, writable, READ_RIGHTS | WRITE_RIGHTS))
		FAIL(d, IO, "cannot limit files to '%s': %s", writable, strerror(errno));
	if (ruleset < 0 || syscall(SYS_landlock_restrict_self, ruleset, 0))
		FAIL(d, IO, "cannot limit files: %s", strerror(errno));
	return E_OK;
}

FALLIBLE confine_memory(uint64_t bytes)
{
	if (confine_address_slack == UINT64_MAX)
		return E_OK;
	return set_limit(RLIMIT_DATA, bytes) && set_limit(RLIMIT_AS, bytes + confine_address_slack) ? E_OK : E_IO;
}
