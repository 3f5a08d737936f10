/* SPDX-License-Identifier: Apache-2.0 */
/* make: BTF by hand, well-formed or not. Also used by the fuzzers' seeds. */
#ifndef SALLYPORT_TESTS_BTF_MAKE_H
#define SALLYPORT_TESTS_BTF_MAKE_H

#include "test.h"

#include "engine/btf/btf.h"

enum { MAKE_MAX_BYTES = 1 << 22, MAKE_FLAG = 1 << 30, MAKE_HDR_BYTES = 24 };

struct make {
	struct buf types, strings;
	uint32_t next_id, strings_first;
};

/* base: what it extends, or NULL */
void make_init(struct make *m, const struct btf *base);
void make_done(struct make *m);
/* Offset of this string; "" is 0. */
uint32_t make_string(struct make *m, const char *s);
/* A type of n elements (with MAKE_FLAG: kind_flag), and the words that follow it. Returns its id. */
uint32_t make_type(struct make *m, const char *name, enum btf_kind kind, uint32_t n, uint32_t size_or_type,
		   const uint32_t *words, size_t n_words);
uint32_t make_int(struct make *m, const char *name, uint32_t bytes, uint32_t encoding);
uint32_t make_ref(struct make *m, enum btf_kind kind, const char *name, uint32_t type);
uint32_t make_array(struct make *m, uint32_t type, uint32_t n);

struct make_member {
	const char *name;
	uint32_t type, bit_off, bits; /* bits: with flag, else 0 */
};
uint32_t make_struct(struct make *m, enum btf_kind kind, const char *name, uint32_t bytes,
		     const struct make_member *members, uint32_t n);
struct make_value {
	const char *name;
	uint64_t value;
};
uint32_t make_enum(struct make *m, enum btf_kind kind, const char *name, bool is_signed,
		   const struct make_value *values, uint32_t n);
/* The whole section; the caller calls buf_done. */
void make_write(const struct make *m, struct buf *out);
/* Write and read; what it borrows lives in the arena. Prints why it failed. */
enum err make_read(const struct make *m, const struct btf *base, struct arena *a, struct btf *out, struct diag *d);

#endif
