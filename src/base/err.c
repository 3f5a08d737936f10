/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

static const struct {
	const char *name, *text;
} rows[ERR_COUNT] = {
	[E_OK] = { "OK", "no error" },
#define ERR(name, text) [E_##name] = { #name, text },
#include "base/errors.def"
#undef ERR
};

const char *err_text(enum err e)
{
	return (unsigned)e < ERR_COUNT ? rows[e].text : "unknown error";
}

const char *err_name(enum err e)
{
	return (unsigned)e < ERR_COUNT ? rows[e].name : "UNKNOWN";
}
