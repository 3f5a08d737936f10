/* SPDX-License-Identifier: Apache-2.0 */
/* oracle: the same bytes as libbpf reads them. Its types have the names of ours: no file sees both. */
#ifndef SALLYPORT_TESTS_BTF_ORACLE_H
#define SALLYPORT_TESTS_BTF_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oracle;
struct oracle *oracle_new(const void *bytes, size_t n);
void oracle_free(struct oracle *o);
uint32_t oracle_n_types(const struct oracle *o);
const char *oracle_name(const struct oracle *o, uint32_t id);
uint32_t oracle_kind(const struct oracle *o, uint32_t id);
/* -1: it has none */
int64_t oracle_size(const struct oracle *o, uint32_t id);
uint32_t oracle_skip(const struct oracle *o, uint32_t id);
/* Of a struct or union: bit offset << 8 | bit-field bits. */
uint64_t oracle_member(const struct oracle *o, uint32_t id, uint32_t i, uint32_t *type);
uint32_t oracle_find(const struct oracle *o, uint32_t kind, const char *name);

#endif
