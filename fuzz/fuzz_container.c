/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the files of a container, in each shape, and as the path of a control group. The first byte chooses the
 * shape and whether the bytes are one file or three, parted by a byte 0xff.
 */
#include "sensor/container/container.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_str(const struct container_info *i, struct container_str s)
{
	if (s.p && (s.p < (const char *)i || s.p + s.len > (const char *)i + i->bytes || memchr(s.p, 0, s.len)))
		abort();
}

static void check_info(const struct container_info *i)
{
	const struct container_str strs[] = {
		i->name, i->image,  i->repository, i->tag,      i->digest,  i->image_id,
		i->ip,   i->mounts, i->ns_name,    i->pod_name, i->pod_uid, i->sandbox_id
	};

	for (size_t k = 0; k < countof(strs); k++)
		check_str(i, strs[k]);
	for (uint32_t k = 0; k < i->n_mounts; k++) {
		check_str(i, i->mount_dest[k]);
		check_str(i, i->mount_source[k]);
	}
	for (uint32_t k = 0; k < i->n_labels; k++)
		check_str(i, i->labels[k]);
	if (i->bytes > 2 * CONTAINER_INFO_MAX)
		abort();
}

static void try_path(const char *p, size_t len)
{
	struct container_ident id;

	container_identify(p, len, &id);
	if ((id.runtime != CONTAINER_HOST) != container_id_ok(id.id))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view files[CONTAINER_FILES] = { { 0 } };
	struct container_info *i = NULL;
	uint8_t how = size ? data[0] : 0;

	try_path((const char *)data, size);
	if (!size)
		return 0;
	data++;
	size--;
	for (uint32_t k = 0; k < CONTAINER_FILES; k++) {
		const uint8_t *end = how & 4 ? memchr(data, 0xff, size) : NULL;
		size_t n = end ? (size_t)(end - data) : size;

		files[k] = view_of(data, n);
		if (!end)
			break;
		data += n + 1;
		size -= n + 1;
	}
	if (container_info_parse((enum container_shape)(how & 3), CONTAINER_HOST, "id", files, &i) == E_OK) {
		check_info(i);
		container_info_free(i);
	} else if (i) {
		abort();
	}
	return 0;
}
