/* SPDX-License-Identifier: Apache-2.0 */
/* parts: what machine.c (the way forward) and harm.c (the way back) share. */
#ifndef SALLYPORT_RELEASE_LOCAL_PARTS_H
#define SALLYPORT_RELEASE_LOCAL_PARTS_H

#include "release/local/local.h"

static inline bool same(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, OBJECT_DIGEST_BYTES);
}

static inline bool none(const uint8_t *digest)
{
	static const uint8_t zero[OBJECT_DIGEST_BYTES];

	return same(digest, zero);
}

static inline void set(uint8_t *to, const uint8_t *digest)
{
	memcpy(to, digest, OBJECT_DIGEST_BYTES);
}

static inline void unset(uint8_t *digest)
{
	memset(digest, 0, OBJECT_DIGEST_BYTES);
}

static inline void add(uint64_t *sum, uint64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX;
}

static inline bool lane_holds(const struct local_lane_state *lane, const uint8_t *digest)
{
	return same(lane->candidate, digest) || same(lane->lkg, digest) || same(lane->lkg1, digest);
}

/* Is the message about what is on trial now, in this phase? */
static inline bool is_about(const struct local_state *s, const struct local_input *in, enum local_phase phase)
{
	return s->lane[in->lane].phase == phase && same(s->lane[in->lane].candidate, in->digest);
}

/* For messages: the first 16 digits tell a digest from others that people have to do with. */
struct name {
	char hex[17];
};

static inline struct name name_of(const uint8_t *digest)
{
	struct name n;

	object_hex(digest, 8, n.hex);
	return n;
}

/* One line; a later one, of what is worse, takes the place of the one before. */
PRINTF_LIKE(2, 3) void local_note(struct local_output *out, const char *fmt, ...);
const char *local_lane_name(uint32_t l);

void local_drop_candidate(struct local_state *s, uint32_t l, struct local_output *out);
void local_go_down(struct local_state *s, uint32_t l, enum local_level level, struct local_output *out);
/* The end before this start was unclean. */
void local_boot_strike(struct local_state *s, const struct local_input *in, struct local_output *out);

void local_on_death(struct local_state *s, const struct local_input *in, struct local_output *out);
void local_on_refused(struct local_state *s, const struct local_input *in, struct local_output *out);
void local_on_missing(struct local_state *s, const struct local_input *in, struct local_output *out);
void local_on_revoked(struct local_state *s, const struct local_input *in, struct local_output *out);

#endif
