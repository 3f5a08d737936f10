/* SPDX-License-Identifier: Apache-2.0 */
/*
 * property: tests of the abstract domains, each counted for a function of tnum.h or range.h.
 *
 * PROPERTY(function, sentence) { ... } is a TEST of the sentence. test_properties.c refuses a function without one.
 */
#ifndef SALLYPORT_TESTS_VERIFY_PROPERTY_H
#define SALLYPORT_TESTS_VERIFY_PROPERTY_H

#include "concrete.h"
#include "engine/verify/range.h"
#include "test.h"

typedef unsigned long long ull;

struct property {
	const char *function;
	struct property *next;
};
extern struct property *properties;
void property_register(struct property *p);

#define PROPERTY(fn, name)                                                    \
	static struct property property_##name = { #fn, NULL };               \
	__attribute__((constructor)) static void register_##name(void)        \
	{                                                                     \
		static_assert(sizeof(&(fn)) == sizeof(void *), "a function"); \
		property_register(&property_##name);                          \
	}                                                                     \
	TEST(name)

/* cmocka's checks in a loop of millions are too slow: print and fail on the first that is wrong. */
#define MUST(cond, ...)                           \
	do {                                      \
		if (!(cond)) {                    \
			print_error(__VA_ARGS__); \
			CHECK(cond);              \
		}                                 \
	} while (0)

static const enum isa_sem alu_ops[] = { ISA_ADD, ISA_SUB, ISA_MUL, ISA_DIV, ISA_MOD,  ISA_SDIV, ISA_SMOD, ISA_OR,
					ISA_AND, ISA_XOR, ISA_LSH, ISA_RSH, ISA_ARSH, ISA_NEG,  ISA_MOV };
static const enum isa_sem jump_ops[]
	__attribute__((unused)) = { ISA_JEQ,  ISA_JNE,  ISA_JGT,  ISA_JGE,  ISA_JLT, ISA_JLE,
				    ISA_JSGT, ISA_JSGE, ISA_JSLT, ISA_JSLE, ISA_JSET };

static inline bool is_shift_op(enum isa_sem op)
{
	return op == ISA_LSH || op == ISA_RSH || op == ISA_ARSH;
}

#endif
