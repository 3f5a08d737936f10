/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker: config.v2.json and hostconfig.json of a container (moby container/container.go, api/types/container).
 */
#include "sensor/container/json.h"

/* The name is "/name". Kubernetes (cri-dockerd) says it better in a label, which was read before. */
static void read_name(struct info_make *m, const json_t *config)
{
	const char *name = json_text(config, "Name");

	info_set(m, INFO_NAME, name && name[0] == '/' ? name + 1 : name);
}

static void read_labels(struct info_make *m, const json_t *labels)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)labels, key, value)
	{
		info_add_label(m, key, json_string_value(value));
		info_note(m, key, json_string_value(value));
	}
}

/* A volume has no source in the file, only its name. */
static void read_mounts(struct info_make *m, const json_t *points)
{
	const char *key;
	json_t *p;

	json_object_foreach((json_t *)(uintptr_t)points, key, p)
	{
		const char *source = json_text(p, "Source"), *dest = json_text(p, "Destination");
		struct info_mount mount = { .source = source && source[0] ? source : json_text(p, "Name"),
					    .dest = dest ? dest : key,
					    .mode = json_text(p, "Mode"),
					    .propagation = json_text(p, "Propagation"),
					    .writable = json_is_true(json_member(p, "RW")) };

		info_add_mount(m, &mount);
	}
}

static void read_ip(struct info_make *m, const json_t *settings)
{
	const char *key;
	json_t *net;

	info_set(m, INFO_IP, json_text(settings, "IPAddress"));
	json_object_foreach((json_t *)(uintptr_t)json_member(settings, "Networks"), key, net)
		info_set(m, INFO_IP, json_text(net, "IPAddress"));
}

static void read_image(struct info_make *m, const json_t *config)
{
	const char *id = json_text(config, "Image");
	char text[CONTAINER_SHORT + 1];

	info_set(m, INFO_IMAGE, json_text(json_member(config, "Config"), "Image"));
	if (!id)
		return;
	(void)snprintf(text, sizeof text, "%s", !strncmp(id, "sha256:", 7) ? id + 7 : id);
	info_set(m, INFO_IMAGE_ID, text);
}

FALLIBLE docker_read(struct info_make *m, const json_t *config, const json_t *host)
{
	if (!json_is_object(json_member(config, "Config")))
		return E_FORMAT;
	read_labels(m, json_member(json_member(config, "Config"), "Labels"));
	read_name(m, config);
	read_image(m, config);
	read_mounts(m, json_member(config, "MountPoints"));
	read_ip(m, json_member(config, "NetworkSettings"));
	m->start_ns = info_time(json_text(json_member(config, "State"), "StartedAt"));
	m->privileged_known = json_is_boolean(json_member(host, "Privileged"));
	m->privileged = json_yes(host, "Privileged");
	return E_OK;
}
