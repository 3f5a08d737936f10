/* SPDX-License-Identifier: Apache-2.0 */
/* config_keys: the table of settings, for those who read them and those who show them. */
#ifndef SALLYPORT_AGENT_CONFIG_KEYS_H
#define SALLYPORT_AGENT_CONFIG_KEYS_H

#include "agent/config.h"

enum config_kind {
	KIND_NUMBER,
	KIND_POWER,
	KIND_WORD,
	KIND_BOOL,
	KIND_TEXT, /* printable ASCII without a space, at most max bytes */
	KIND_PATH,
	KIND_URL,
	KIND_PATHS,
	KIND_HEADERS,
	KIND_ROOTS, /* KIND=DIRECTORY */
};

struct config_key {
	const char *path; /* dotted */
	enum config_kind kind;
	size_t off; /* of the member in struct config */
	uint32_t min, max;
	const char *const *words; /* KIND_WORD: value i is words[i]; "" cannot be written */
};

extern const struct config_key config_keys[];
extern const size_t config_n_keys;

#endif
