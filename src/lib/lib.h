/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib: the library's objects as its files share them. What users see stands in include/sallyport.
 *
 * A struct sp_map is the engine's struct map, a struct sp_call its struct helper_env: a helper gets both without
 * anybody in between.
 */
#ifndef SALLYPORT_LIB_H
#define SALLYPORT_LIB_H

#include "base/base.h"
#include "engine/abi/abi.h"
#include "engine/helpers/helpers.h"
#include "engine/jit/jit.h"
#include "engine/maps/maps.h"
#include "engine/obj/obj.h"
#include "engine/verify/verify.h"
#include "engine/vm/vm.h"

#include <sallyport/sallyport.h>

/* A function that users call: what the library shows. */
#define SP_API __attribute__((visibility("default")))

enum sp_status lib_status(enum err e);
/* Empty it, before the work. NULL is fine. */
void lib_report_clear(struct sp_report *r);
/* Say what went wrong: d's strings are copied. Returns the status of e. */
enum sp_status lib_report(struct sp_report *r, enum err e, const struct diag *d);

struct sp_env {
	struct abi_profile profile;
	struct abi_prog_type type;  /* the one of every program: all helpers */
	struct abi_helper *helpers; /* profile.helpers, sorted by id */
	helper_fn **fns;            /* beside them */
	uint32_t n, cap;
};

struct sp_program {
	const struct sp_module *module;
	const struct prog *prog;
	struct vm_prog *vp;
	struct verify_stats verified;
	bool is_verified;
	uint32_t native_bytes;
};

struct sp_module {
	struct arena arena;
	const struct sp_env *env;
	enum sp_setting setting;
	struct abi_ctx ctx;
	struct abi_prog_type type;
	struct obj obj;
	struct map **maps; /* obj.n_maps; each with a reference of the module's */
	struct sp_program *programs;
	uint32_t n_programs;
	struct jit_image *image;
};

/* What sp_module_load and sp_verify_object share: bytes, or bare code, to objects without maps. */
struct lib_source {
	const void *bytes;
	size_t n;
	bool is_code;
};
FALLIBLE lib_read(struct sp_module *m, const struct sp_env *env, const struct lib_source *src,
		  const struct sp_module_opts *o, struct diag *d);
FALLIBLE lib_verify(const struct sp_module *m, const struct prog *p, const struct sp_module_opts *o,
		    struct verify_stats *stats, struct arena *a, struct diag *d);
struct sp_module_opts lib_opts(const struct sp_module_opts *opts);
bool lib_is_wanted(const struct sp_module_opts *o, const struct prog *p);

static inline struct map *lib_map(const struct sp_map *m)
{
	return (struct map *)(uintptr_t)m;
}

static inline struct sp_map *lib_sp_map(struct map *m)
{
	return (struct sp_map *)(void *)m;
}

#endif
