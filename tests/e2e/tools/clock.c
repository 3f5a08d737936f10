/* SPDX-License-Identifier: Apache-2.0 */
/* clock: preloaded: the clock of day is off by as many seconds as the first 8 bytes of /etc/sallyport-clock say, at any
 * moment. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int (*real)(clockid_t clock, struct timespec *t);
static const volatile int64_t *offset_s;

__attribute__((constructor)) static void begin(void)
{
	int fd = open("/etc/sallyport-clock", O_RDONLY | O_CLOEXEC);
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	if (p != MAP_FAILED)
		offset_s = p;
	close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int r = real(clock, t);

	if (!r && clock == CLOCK_REALTIME && offset_s)
		t->tv_sec += *offset_s;
	return r;
}
