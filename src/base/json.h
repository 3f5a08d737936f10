/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: a streaming writer into a buf.
 *
 * It puts the commas; the caller opens and closes. Strings are made valid: bytes that are not UTF-8
 * become U+FFFD, control characters are escaped. Depth is bounded by JSON_DEPTH (asserted).
 */
#ifndef SALLYPORT_BASE_JSON_H
#define SALLYPORT_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { JSON_DEPTH = 32 };

struct json {
	struct buf *out;
	uint32_t depth;
	bool comma[JSON_DEPTH]; /* an element precedes, at this depth */
	bool after_key;
};

/*
 * jansson, which reads JSON elsewhere, exports functions of these three names; with symbols of our own neither the
 * linker nor the loader can take one for the other.
 */
#define JSON_SYMBOL(name) __asm__("sallyport_" #name)

void json_init(struct json *j, struct buf *out);
void json_object(struct json *j) JSON_SYMBOL(json_object);
void json_end_object(struct json *j);
void json_array(struct json *j) JSON_SYMBOL(json_array);
void json_end_array(struct json *j);
void json_key(struct json *j, const char *key);
void json_strn(struct json *j, const char *s, size_t len);
void json_str(struct json *j, const char *s); /* NULL gives null */
void json_u64(struct json *j, uint64_t v);
void json_i64(struct json *j, int64_t v);
void json_f64(struct json *j, double v); /* three decimals; not finite gives null */
void json_bool(struct json *j, bool v);
void json_null(struct json *j) JSON_SYMBOL(json_null);

#endif
