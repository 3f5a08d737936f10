/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood: work at a given rate, spread evenly, for a given time; prints how much was done.
 *
 *   flood open PATH RATE SECONDS   open and close PATH
 *   flood exec PATH RATE SECONDS   run PATH and wait for it
 *   flood fork - RATE SECONDS      a process that ends at once
 *   flood chdir PATH RATE SECONDS  go there
 *
 * RATE 0: as fast as it goes.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int do_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 1;
	close(fd);
	return 0;
}

static int do_exec(const char *path)
{
	char *argv[] = { (char *)path, NULL };
	int status;
	pid_t pid;

	return posix_spawn(&pid, path, NULL, NULL, argv, environ) || waitpid(pid, &status, 0) != pid;
}

static int do_fork(const char *path)
{
	pid_t pid = fork();

	(void)path;
	if (pid == 0)
		_exit(0);
	return pid < 0 || waitpid(pid, NULL, 0) != pid;
}

static int do_chdir(const char *path)
{
	return chdir(path);
}

int main(int argc, char **argv)
{
	int (*work)(const char *) = argc < 5                    ? NULL
				    : !strcmp(argv[1], "open")  ? do_open
				    : !strcmp(argv[1], "exec")  ? do_exec
				    : !strcmp(argv[1], "chdir") ? do_chdir
								: do_fork;
	double rate, seconds, start = now();
	unsigned long done = 0;

	if (!work)
		return 2;
	rate = strtod(argv[3], NULL);
	seconds = strtod(argv[4], NULL);
	while (now() - start < seconds) {
		/* in bursts of a millisecond: sleeping costs more than that */
		unsigned long due = rate > 0 ? (unsigned long)((now() - start) * rate) : done + 64;

		for (; done < due; done++)
			if (work(argv[2])) {
				perror("flood");
				return 1;
			}
		if (rate > 0)
			usleep(500);
	}
	printf("%lu %.3f\n", done, now() - start);
	return 0;
}
