/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held: what the kernel holds of BPF, one line each: "prog NAME" and "link TYPE NAME", in the kernel's order. Needs
 * root. Fails when it cannot tell.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The name of the program with this id; false: it is gone, or cannot be asked. */
static bool prog_name(__u32 id, char out[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = { 0 };
	__u32 bytes = sizeof info;
	int fd = bpf_prog_get_fd_by_id(id);
	bool ok = fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &bytes);

	if (fd >= 0)
		close(fd);
	if (ok)
		memcpy(out, info.name, BPF_OBJ_NAME_LEN);
	return ok;
}

static int show_prog(__u32 id)
{
	char name[BPF_OBJ_NAME_LEN];

	if (!prog_name(id, name))
		return errno == ENOENT ? 0 : -1;
	printf("prog %s\n", name);
	return 0;
}

static int show_link(__u32 id)
{
	char name[BPF_OBJ_NAME_LEN] = "";
	struct bpf_link_info info = { 0 };
	__u32 bytes = sizeof info;
	int fd = bpf_link_get_fd_by_id(id), error;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	error = bpf_obj_get_info_by_fd(fd, &info, &bytes);
	close(fd);
	if (error)
		return -1;
	(void)prog_name(info.prog_id, name);
	printf("link %u %s\n", info.type, name);
	return 0;
}

/* Each id that next gives, until there is none. */
static int each(int (*next)(__u32 id, __u32 *out), int (*show)(__u32 id))
{
	__u32 id = 0;

	while (!next(id, &id))
		if (show(id))
			return -1;
	return errno == ENOENT ? 0 : -1;
}

int main(void)
{
	if (each(bpf_prog_get_next_id, show_prog) || each(bpf_link_get_next_id, show_link)) {
		perror("held");
		return 1;
	}
	return 0;
}
