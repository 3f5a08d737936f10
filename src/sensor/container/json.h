/* SPDX-License-Identifier: Apache-2.0 */
/* json: hostile JSON, and what the parsers of runtimes' files share. Private to container. */
#ifndef SALLYPORT_SENSOR_CONTAINER_JSON_H
#define SALLYPORT_SENSOR_CONTAINER_JSON_H

/* Names that base/json.h has too, for other things: not used here. */
#define json_object jansson_object
#define json_array jansson_array
#define json_null jansson_null
#include <jansson.h>
#undef json_object
#undef json_array
#undef json_null

#include "sensor/container/container.h"

enum {
	JSON_DEPTH_MAX = 32,
	JSON_VALUES_MAX = 32768, /* of all kinds; an empty one costs the library up to 300 bytes */
	INFO_LIST_MAX = 256,     /* mounts, labels */
	INFO_TEXT_MAX = 4096,    /* bytes of one string */
};

/*
 * A document without duplicate keys or NUL characters. E_LIMIT: deeper than JSON_DEPTH_MAX, more than JSON_VALUES_MAX
 * values, or longer than CONTAINER_FILE_MAX; decided before the library sees it. E_FORMAT.
 */
FALLIBLE json_read(struct view v, json_t **out);
void json_drop(json_t **j);
#define AUTO_JSON AUTO(json_drop)

/* Members of anything: NULL (or empty) where j is no object, has no such key, or another kind of value. */
const char *json_text(const json_t *j, const char *key);
const json_t *json_member(const json_t *j, const char *key);
/* true, or the text "true" in any case */
bool json_yes(const json_t *j, const char *key);

/* info.c: an info that is being put together. Strings are offsets until it is sealed. */
struct slot {
	uint32_t at, len; /* at 0: none */
};

enum info_text {
	INFO_NAME,
	INFO_IMAGE,
	INFO_DIGEST, /* beats the one in the image's name */
	INFO_IMAGE_ID,
	INFO_IP,
	INFO_NS,
	INFO_POD,
	INFO_POD_UID,
	INFO_SANDBOX,
	INFO_N_TEXTS
};

struct info_make {
	struct buf text;
	struct slot texts[INFO_N_TEXTS];
	struct slot mount_dest[INFO_LIST_MAX], mount_source[INFO_LIST_MAX], labels[INFO_LIST_MAX];
	struct buf mounts;
	uint32_t n_mounts, n_labels;
	enum container_runtime runtime;
	uint64_t start_ns;
	bool privileged, privileged_known;
};

/* A text that is there already stays; NULL and "" are nothing. */
void info_set(struct info_make *m, enum info_text which, const char *s);
struct info_mount {
	const char *source, *dest, *mode, *propagation;
	bool writable;
};
void info_add_mount(struct info_make *m, const struct info_mount *mount);
void info_add_label(struct info_make *m, const char *key, const char *value);
/* Labels and annotations that mean something: pod, namespace, names. */
void info_note(struct info_make *m, const char *key, const char *value);
/* RFC 3339 to nanoseconds since 1970; 0 when it is none. */
uint64_t info_time(const char *s);

/* docker.c, oci.c: E_FORMAT when it is not such a file. */
FALLIBLE docker_read(struct info_make *m, const json_t *config, const json_t *host);
FALLIBLE oci_read(struct info_make *m, const json_t *spec);
FALLIBLE runc_read(struct info_make *m, const json_t *state);
/* One of the lists of containers/storage; what has no entry for id says nothing. */
void storage_read(struct info_make *m, const json_t *list, const char *id);

#endif
