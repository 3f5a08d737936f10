/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load EXECS OPENS [SECONDS]: a benign load, spread evenly: run /bin/true EXECS times and open a plain file OPENS
 * times, or keep doing that until SECONDS are over.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int run_true(void)
{
	char *argv[] = { (char *)"true", NULL };
	int status;
	pid_t pid;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) || waitpid(pid, &status, 0) != pid)
		return 1;
	return status != 0;
}

static int open_plain(void)
{
	int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 1;
	close(fd);
	return 0;
}

static int one_pass(long execs, long opens)
{
	long steps = execs > 0 ? execs : 1;

	for (long i = 0; i < steps; i++) {
		if (execs > 0 && run_true())
			return 1;
		for (long k = opens * i / steps; k < opens * (i + 1) / steps; k++)
			if (open_plain())
				return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	long execs = argc > 1 ? strtol(argv[1], NULL, 10) : 0, opens = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	time_t end = argc > 3 ? time(NULL) + strtol(argv[3], NULL, 10) : 0;

	do {
		if (one_pass(execs, opens)) {
			perror("load");
			return 1;
		}
	} while (time(NULL) < end);
	return 0;
}
