/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oci: the configuration of an OCI bundle (runtime-spec config.md, config-linux.md), runc's state.json (opencontainers/
 * runc libcontainer/container.go, configs/config.go) and the container lists of containers/storage (containers.go).
 *
 * Privileged is not a word of these files. A container counts as privileged when its bounding set has the capabilities
 * that no default grants (CAP_SYS_ADMIN, CAP_SYS_MODULE, CAP_SYS_PTRACE, CAP_SYS_RAWIO, CAP_NET_ADMIN) and no path of
 * /proc or /sys is masked: that is what runtimes make of --privileged. cri-o says it in an annotation.
 */
#include "sensor/container/json.h"

#define ITEMS(list, i, value) json_array_foreach((json_t *)(uintptr_t)(list), i, value)

static bool has_text(const json_t *list, const char *what)
{
	json_t *v;
	size_t i;

	ITEMS(list, i, v)
	if (json_is_string(v) && !strcasecmp(json_string_value(v), what))
		return true;
	return false;
}

static bool all_powers(const json_t *bounding)
{
	static const char *const caps[] = { "CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_PTRACE", "CAP_SYS_RAWIO",
					    "CAP_NET_ADMIN" };

	for (size_t i = 0; i < countof(caps); i++)
		if (!has_text(bounding, caps[i]))
			return false;
	return true;
}

static void judge_privileged(struct info_make *m, const json_t *bounding, const json_t *masked)
{
	m->privileged_known = true;
	m->privileged = all_powers(bounding) && json_array_size(masked) == 0;
}

static bool is_propagation(const char *s)
{
	static const char *const words[] = { "private", "rprivate", "shared",     "rshared",
					     "slave",   "rslave",   "unbindable", "runbindable" };

	for (size_t i = 0; i < countof(words); i++)
		if (!strcmp(words[i], s))
			return true;
	return false;
}

/* Of the host: a bind mount. Others (proc, tmpfs, overlay) bring nothing of the host in. */
static void read_mount(struct info_make *m, const json_t *mount)
{
	const json_t *options = json_member(mount, "options");
	const char *type = json_text(mount, "type");
	struct info_mount out = { .source = json_text(mount, "source"),
				  .dest = json_text(mount, "destination"),
				  .writable = !has_text(options, "ro") && !has_text(options, "rro") };
	json_t *o;
	size_t i;

	if (!(type && !strcmp(type, "bind")) && !has_text(options, "bind") && !has_text(options, "rbind"))
		return;
	ITEMS(options, i, o)
	if (json_is_string(o) && is_propagation(json_string_value(o)))
		out.propagation = json_string_value(o);
	info_add_mount(m, &out);
}

/* cri-o keeps labels as JSON in an annotation. */
static void read_crio_labels(struct info_make *m, const char *text)
{
	AUTO_JSON json_t *labels = NULL;
	const char *key;
	json_t *v;

	if (json_read(view_of(text, strlen(text)), &labels) != E_OK)
		return;
	json_object_foreach(labels, key, v)
	{
		info_add_label(m, key, json_string_value(v));
		info_note(m, key, json_string_value(v));
	}
}

static void read_annotation(struct info_make *m, const char *key, const char *value)
{
	info_note(m, key, value);
	if (!strcmp(key, "io.kubernetes.cri-o.Labels"))
		read_crio_labels(m, value);
	else if (!strcmp(key, "io.kubernetes.cri-o.Created"))
		m->start_ns = info_time(value);
	else
		info_add_label(m, key, value);
}

static bool is_crio(const json_t *annotations)
{
	return json_text(annotations, "io.kubernetes.cri-o.ContainerID") ||
	       json_text(annotations, "io.kubernetes.cri-o.SandboxID");
}

FALLIBLE oci_read(struct info_make *m, const json_t *spec)
{
	const json_t *annotations = json_member(spec, "annotations");
	const char *key, *manager = json_text(annotations, "io.container.manager");
	json_t *v;
	size_t i;

	if (!json_text(spec, "ociVersion"))
		return E_FORMAT;
	json_object_foreach((json_t *)(uintptr_t)annotations, key, v) if (json_is_string(v))
		read_annotation(m, key, json_string_value(v));
	ITEMS(json_member(spec, "mounts"), i, v)
	read_mount(m, v);
	judge_privileged(m, json_member(json_member(json_member(spec, "process"), "capabilities"), "bounding"),
			 json_member(json_member(spec, "linux"), "maskedPaths"));
	if (json_text(annotations, "io.kubernetes.cri-o.PrivilegedRuntime"))
		m->privileged = json_yes(annotations, "io.kubernetes.cri-o.PrivilegedRuntime");
	if (is_crio(annotations) || (manager && !strcmp(manager, "cri-o")))
		m->runtime = CONTAINER_CRIO;
	else if (manager && !strcmp(manager, "libpod"))
		m->runtime = CONTAINER_PODMAN;
	return E_OK;
}

static void read_runc_mount(struct info_make *m, const json_t *mount)
{
	enum { READ_ONLY = 1 /* MS_RDONLY of mount(2) */ };
	const char *device = json_text(mount, "device");
	double flags = json_number_value(json_member(mount, "flags"));
	struct info_mount out = { .source = json_text(mount, "source"), .dest = json_text(mount, "destination") };

	if (!device || strcmp(device, "bind"))
		return;
	out.writable = !(flags >= 0 && flags < UINT32_MAX && ((uint32_t)flags & READ_ONLY));
	info_add_mount(m, &out);
}

/* "key=value": the bundle's path, then the annotations. */
static void read_runc_label(struct info_make *m, const char *label)
{
	const char *eq = strchr(label, '=');
	char key[256];

	if (!eq || (size_t)(eq - label) >= sizeof key)
		return;
	memcpy(key, label, (size_t)(eq - label));
	key[eq - label] = 0;
	if (strcmp(key, "bundle") != 0)
		read_annotation(m, key, eq + 1);
}

FALLIBLE runc_read(struct info_make *m, const json_t *state)
{
	const json_t *config = json_member(state, "config");
	json_t *v;
	size_t i;

	if (!json_is_object(config))
		return E_FORMAT;
	ITEMS(json_member(config, "labels"), i, v)
	if (json_is_string(v))
		read_runc_label(m, json_string_value(v));
	ITEMS(json_member(config, "mounts"), i, v)
	read_runc_mount(m, v);
	judge_privileged(m, json_member(json_member(config, "capabilities"), "Bounding"),
			 json_member(config, "mask_paths"));
	m->start_ns = info_time(json_text(state, "created"));
	return E_OK;
}

/* "metadata" is JSON in a string, written by whoever made the container: podman and cri-o agree in image-name. */
static void read_storage_entry(struct info_make *m, const json_t *entry)
{
	const char *text = json_text(entry, "metadata"), *name;
	AUTO_JSON json_t *meta = NULL;

	if (text && json_read(view_of(text, strlen(text)), &meta) == E_OK) {
		info_set(m, INFO_IMAGE, json_text(meta, "image-name"));
		name = json_text(meta, "metadata-name"); /* cri-o: the name in the pod */
		info_set(m, INFO_NAME, name);
	}
	info_set(m, INFO_NAME, json_string_value(json_array_get(json_member(entry, "names"), 0)));
	name = json_text(entry, "image");
	if (name) {
		char id[CONTAINER_SHORT + 1];

		(void)snprintf(id, sizeof id, "%s", name);
		info_set(m, INFO_IMAGE_ID, id);
	}
}

void storage_read(struct info_make *m, const json_t *list, const char *id)
{
	json_t *v;
	size_t i;

	ITEMS(list, i, v)
	{
		const char *has = json_text(v, "id");

		if (has && !strcmp(has, id)) {
			read_storage_entry(m, v);
			return;
		}
	}
}
