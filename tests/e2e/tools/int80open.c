/* SPDX-License-Identifier: Apache-2.0 */
/* int80open PATH: open and read a file through the 32-bit system call entry, from a 64-bit program. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { I386_OPEN = 5, I386_READ = 3 };

static int int80(int nr, int a, int b, int c)
{
	int ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "0"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

int main(int argc, char **argv)
{
	/* the 32-bit entry sees only the lower half of an address */
	char *low = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int fd, n;

	if (argc != 2 || low == MAP_FAILED || strlen(argv[1]) >= 4096)
		return 2;
	memcpy(low, argv[1], strlen(argv[1]) + 1);
	fd = int80(I386_OPEN, (int)(unsigned long)low, 0, 0);
	if (fd < 0) {
		fprintf(stderr, "int80open: open: error %d\n", -fd);
		return 1;
	}
	n = int80(I386_READ, fd, (int)(unsigned long)(low + 4096), 4096);
	return n < 0;
}
