/* SPDX-License-Identifier: Apache-2.0 */
/* json: judged for size and depth in one pass, then given to jansson. */
#include "sensor/container/json.h"

#include <sys/random.h>

/* Depth, and an upper bound of the number of values: each but the first follows a bracket, a comma or a colon. */
static FALLIBLE check_shape(struct view v)
{
	uint32_t depth = 0, values = 1;
	bool text = false;

	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.p[i];

		if (text) {
			if (c == '\\')
				i++;
			else if (c == '"')
				text = false;
			continue;
		}
		text = c == '"';
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth)
			depth--;
		values += c == '{' || c == '[' || c == ',' || c == ':';
		if (depth > JSON_DEPTH_MAX || values > JSON_VALUES_MAX)
			return E_LIMIT;
	}
	return E_OK;
}

/*
 * The library would open /dev/urandom for its hash tables, which the worker cannot. Once set, the seed stays: later
 * calls do nothing.
 */
static void seed(void)
{
	size_t s = 0;

	if (getrandom(&s, sizeof s, 0) != sizeof s || !s)
		s = 0x5a11;
	json_object_seed(s);
}

FALLIBLE json_read(struct view v, json_t **out)
{
	json_error_t e;
	json_t *j;

	if (v.len > CONTAINER_FILE_MAX)
		return E_LIMIT;
	TRY(check_shape(v));
	seed();
	/* Integers as real numbers: limits of 2^64-1 are common, and not of interest. */
	j = json_loadb((const char *)v.p, v.len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &e);
	if (!j)
		return json_error_code(&e) == json_error_out_of_memory ? E_NOMEM : E_FORMAT;
	*out = j;
	return E_OK;
}

void json_drop(json_t **j)
{
	json_decref(*j);
}

const json_t *json_member(const json_t *j, const char *key)
{
	return j ? json_object_get(j, key) : NULL;
}

const char *json_text(const json_t *j, const char *key)
{
	return json_string_value(json_member(j, key));
}

bool json_yes(const json_t *j, const char *key)
{
	const json_t *v = json_member(j, key);
	const char *s = json_string_value(v);

	return json_is_true(v) || (s && !strcasecmp(s, "true"));
}
