/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: which domain names that rules use stand for an address now.
 *
 * A rule may say `fd.sip.name = updates.example.com`. Whoever may talk to resolvers (the courier; for a replay, a file
 * in the format of /etc/hosts) tells which addresses that name has; events are then given the names of their addresses.
 * Only names that rules use are kept, spelled as rules spell them: DNS names are compared without regard to case
 * (RFC 4343) and to a final dot.
 *
 * What resolvers say is hostile: it is bounded, parsed here, and replaces the whole table or nothing.
 * Not thread-safe.
 */
#ifndef SALLYPORT_SENSOR_NAMES_H
#define SALLYPORT_SENSOR_NAMES_H

#include "base/base.h"
#include "engine/helpers/helpers.h"

enum {
	NAMES_MAX = 1024,          /* names that rules use */
	NAMES_MAX_PAIRS = 16384,   /* of a name and an address */
	NAMES_MAX_PER_NAME = 64,   /* addresses of one name that a resolver's answer may bring */
	NAMES_MAX_BYTES = 253,     /* of one name without its final dot (RFC 1035 section 2.3.4) */
	NAMES_MAX_TEXT = 16 << 20, /* of a hosts file */
};

struct names;

struct names_pair {
	const char *name; /* borrowed, not NUL-terminated */
	uint16_t name_len;
	uint8_t addr_len; /* 4 or 16 */
	uint8_t addr[16]; /* network order */
};

/* A name that can be resolved: labels of 1 to 63 letters, digits, - and _, at least one letter, at most
 * NAMES_MAX_BYTES. */
bool names_is_name(const char *s, size_t len);

/* E_NOMEM. */
FALLIBLE names_new(struct names **out);
void names_free(struct names *n);

/*
 * The names that rules use, from the next names_set on; copied. What is no name (names_is_name) is left out: it can
 * stand for no address. E_LIMIT: more than NAMES_MAX. E_NOMEM. On error the old ones stay.
 */
FALLIBLE names_want(struct names *n, const char *const *wanted, uint32_t n_wanted);
uint32_t names_n_wanted(const struct names *n);
/* One of them, in alphabetical order; borrowed until the next names_want. */
const char *names_wanted(const struct names *n, uint32_t i);

/*
 * Replace the whole table. Pairs of names that nobody wants are left out. E_LIMIT: more than NAMES_MAX_PAIRS;
 * E_INVALID: an address of another size; E_NOMEM. On error the old table stays. O(n log n), allocates.
 */
FALLIBLE names_set(struct names *n, const struct names_pair *pairs, uint32_t n_pairs);
/* Pairs in the table. */
uint32_t names_count(const struct names *n);

/*
 * The names of an address, sorted, each once; their number, 0 for none. addr_len: 4 or 16; an IPv4 address in IPv6 is
 * the IPv4 address. *out is borrowed until the next names_set. O(log pairs), no allocation.
 */
uint32_t names_find(const struct names *n, const void *addr, uint32_t addr_len, const struct helper_str **out);

/*
 * Lines "ADDRESS NAME...", comments from # on, as in hosts(5), to pairs that borrow from text and live in the arena.
 * file is for messages and is borrowed. E_REJECTED with a place: N001...N005. E_NOMEM.
 */
FALLIBLE names_read_hosts(struct view text, const char *file, struct arena *a, struct names_pair **out, uint32_t *out_n,
			  struct diag *d);

/* Every diagnostic id that reading gives. */
struct names_diag_row {
	uint16_t id;
	const char *title;
};
extern const struct names_diag_row names_diags[];
extern const size_t names_n_diags;

#endif
