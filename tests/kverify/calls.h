/* SPDX-License-Identifier: Apache-2.0 */
/* calls: programs about calls, as text, with what each measured release says of them. */
#ifndef SALLYPORT_TESTS_KVERIFY_CALLS_H
#define SALLYPORT_TESTS_KVERIFY_CALLS_H

#include "engine/kernel/kernel.h"
#include "engine/kverify/kverify.h"

enum { CALL_RELEASES = 5 };
extern const char *const call_releases[CALL_RELEASES];

struct call_row {
	const char *name;
	uint32_t type; /* KPROG_* */
	const char *text;
	int16_t want[CALL_RELEASES]; /* 0: accepted; else the number of the reason, K... */
	uint32_t attach;
	bool not_gpl;
	bool other_words;  /* 6.18 refuses it as well, and calls it a bug of its own */
	const char *types; /* of its functions in order: see call_types. NULL: none are said */
};
/*
 * BTF for the functions of a program: a word for each, as "gi:ic": g global or s static; what it gives back; its
 * arguments. i int, v nothing, c the context of XDP, m a struct of 8 bytes, n such a struct that is not NULL (a tag
 * says so), p void *, s a struct by value (c m n p: pointers). ids[]: of the functions. Returns bytes.
 */
enum { CALL_MAX_FUNCS = 8, CALL_TYPES_MAX = 4096 };
size_t call_types(const char *words, uint8_t out[CALL_TYPES_MAX], uint32_t ids[CALL_MAX_FUNCS], uint32_t *n);

extern const struct call_row call_rows[];
extern const size_t n_call_rows;

/* 0: accepted; else the number of the reason. gpl and target are the row's. */
int call_judge(const struct call_row *r, const struct kernel_profile *k, struct diag *d);
/* NULL: of no release that was measured. */
const struct kernel_profile *call_running_kernel(void);
enum { CALL_LOG_BYTES = 1 << 16 };
/* 0: loaded; 1: refused; -1: this kernel does not grant it. */
int call_ask_kernel(const struct call_row *r, char *log);
/* The kernel's log has the part of a line by which this reason is known. */
bool call_same_reason(int id, const char *log);

#endif
