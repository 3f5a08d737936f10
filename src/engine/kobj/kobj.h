/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kobj: an object as libbpf would give it to one release of Linux.
 *
 * It fits the object to that kernel's types (CO-RE), says what its externs are there (kfuncs, variables,
 * configuration), and what each program is by its section's name. Pure: what the kernel is comes from the caller.
 */
#ifndef SALLYPORT_ENGINE_KOBJ_H
#define SALLYPORT_ENGINE_KOBJ_H

#include "engine/kverify/kverify.h"
#include "engine/obj/obj.h"

struct kobj_opts {
	const struct kernel_profile *kernel;
	const struct btf *kernel_types; /* the kernel's BTF; NULL: an object with CO-RE or kfuncs cannot be read */
	uint32_t version;               /* LINUX_KERNEL_VERSION; 0: that of the profile, sublevel 0 */
	/* A line of the kernel's configuration, "CONFIG_HZ": its value as it stands there ("250", "y"); NULL: not set.
	 * NULL: none is known. */
	const char *(*config)(void *user, const char *name);
	void *user;
};

/* A program that is a member of a struct of operations: "tcp_congestion_ops/init". */
struct kobj_op {
	const char *prog, *target;
};

struct kobj {
	struct obj obj;
	uint32_t lacks; /* enum kverify_lack, as its configuration says; 0 without one */
	bool gpl;       /* the license is compatible with the GPL */
	const struct btf *kernel_types;
	const struct kernel_profile *kernel;
	const struct kobj_op *ops;
	size_t n_ops;
	const char *missing; /* the last extern that this kernel lacks, for messages; or NULL */
};

/* As obj_read; an extern that the kernel lacks and that is not weak is E215. */
FALLIBLE kobj_read(struct view bytes, const char *name, const struct kobj_opts *o, struct arena *a, struct kobj *out,
		   struct diag *d);

/*
 * How this program is verified: target by its section, license, types. E_UNSUPPORTED: Q980, the section's name says no
 * program type. out->target.attach_name borrows from the section's name.
 */
FALLIBLE kobj_target(const struct kobj *o, const struct prog *p, struct kverify_opts *out, struct diag *d);

/* A license that the kernel counts as compatible with the GPL. Linux: include/linux/license.h, v6.12 */
bool kobj_license_is_gpl(const char *license);

#endif
