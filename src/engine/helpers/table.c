/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: helper ids to functions, and nothing else: a test program that swaps one function (--wrap) links against this
 * table.
 */
#include "engine/helpers/impl.h"

helper_fn *helper_lookup(uint32_t id)
{
	switch (id) {
#define HELPER(id_, name, ...) \
	case id_:              \
		return helper_##name;
#include "engine/abi/helpers.def"
#undef HELPER
	}
	return NULL;
}
