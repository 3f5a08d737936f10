/* SPDX-License-Identifier: Apache-2.0 */
/* netpipe PORT: connect to 127.0.0.1:PORT, copy stdin to the socket and the socket to stdout. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int copy(int from, int to)
{
	char buf[4096];
	ssize_t n = read(from, buf, sizeof buf);

	return n > 0 && write(to, buf, (size_t)n) == n;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN }, { .fd = s, .events = POLLIN } };

	if (argc != 2)
		return 2;
	to.sin_port = htons((unsigned short)strtol(argv[1], NULL, 10));
	if (s < 0 || connect(s, (struct sockaddr *)&to, sizeof to))
		return 1;
	while (poll(p, 2, 10000) > 0) {
		if (p[1].revents && !copy(s, 1))
			break;
		if (p[0].revents && !copy(0, s))
			p[0].fd = -1;
	}
	return 0;
}
