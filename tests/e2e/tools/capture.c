/* SPDX-License-Identifier: Apache-2.0 */
/* capture OUT N PATH: a capture of a shell that opens N files, the last of them PATH; its size depends on the length of
 * PATH only. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../records.h"
#include "sensor/capture/capture.h"

int main(int argc, char **argv)
{
	struct capture_info info = {
		.boot_to_wall_ns = 1700000000000000000ull, .hostname = "h", .sensor = "test", .users = "", .groups = ""
	};
	struct rec_exec sh = { .pid = 10, .ppid = 1, .time_ns = 10000000000ull, .comm = "sh", .kind = WIRE_TASK };
	struct capture_writer *w;
	static struct rec r;
	int fd, n;

	if (argc != 4)
		return 2;
	n = (int)strtol(argv[2], NULL, 10);
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || capture_write_open(fd, &info, &w) != E_OK)
		return 1;
	rec_exec(&r, &sh);
	if (capture_write(w, rec_view(&r)) != E_OK)
		return 1;
	for (int i = 1; i <= n; i++) {
		rec_open(&r, 10, "sh", i == n ? argv[3] : "/tmp/plain", 0, 3, 10000000000ull + (uint64_t)i * 1000000);
		if (capture_write(w, rec_view(&r)) != E_OK)
			return 1;
	}
	if (capture_write_end(w) != E_OK)
		return 1;
	capture_write_free(w);
	return close(fd) ? 1 : 0;
}
