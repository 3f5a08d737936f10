/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel keeps in values of maps is found in the object's types, and protected as each release does it. */
#include "test.h"

#include "calls.h"

#include "engine/kobj/kobj.h"

#include <stdlib.h>

extern const uint8_t fields_bpf[];
extern const size_t fields_bpf_bytes;

enum { CAP = 1 << 30, TYPES_MAX = 64 << 20 };

#define ALL(id)                    \
	{                          \
		id, id, id, id, id \
	}

static const struct row {
	const char *prog;
	int16_t want[CALL_RELEASES];
} rows[] = {
	{ "beside_lock", ALL(0) },
	{ "inside_lock", ALL(353) },
	{ "lock_of_tracing", ALL(708) },
	{ "beside_timer", ALL(0) },
	{ "inside_timer", { 0, 353, 353, 353, 353 } },
	{ "pointer_null", ALL(0) },
	{ "pointer_number", { 0, 0, 355, 355, 355 } }, /* in 6.1 the tag has another name */
	{ "pointer_half", { 0, 0, 354, 354, 354 } },
	{ "pointer_loaded", ALL(0) },
	{ "pointer_followed", { 301, 301, 0, 0, 0 } },
	{ "pointer_may_be_null", { 301, 301, 301, 301, 301 } },
};

struct bed {
	struct arena a;
	char *bytes; /* of the kernel's types */
	struct btf *types;
};

static bool set_up(struct bed *b)
{
	size_t len;

	*b = (struct bed){ 0 };
	arena_init(&b->a, CAP);
	b->types = ARENA_NEW(&b->a, struct btf);
	if (io_read_file("/sys/kernel/btf/vmlinux", TYPES_MAX, &b->bytes, &len, NULL) != E_OK)
		return false;
	CHECK_EQ(btf_read(view_of(b->bytes, len), NULL, &b->a, b->types, NULL), E_OK);
	return true;
}

static void tear_down(struct bed *b)
{
	arena_done(&b->a);
	free(b->bytes);
}

/* config: lines that are set, "CONFIG_A CONFIG_B"; NULL: none is known */
static const char *config_value(void *user, const char *name)
{
	const char *at = strstr(user, name);
	size_t n = strlen(name);

	return at && (at[n] == ' ' || !at[n]) ? "y" : NULL;
}

static void read_object_as(struct bed *b, const char *release, const char *config, struct kobj *out)
{
	struct kobj_opts o = { .kernel = kernel_profile(release),
			       .kernel_types = b->types,
			       .config = config ? config_value : NULL,
			       .user = (void *)(uintptr_t)config };
	struct diag d;

	diag_init(&d);
	CHECK_EQ(kobj_read(view_of(fields_bpf, fields_bpf_bytes), "fields.bpf.o", &o, &b->a, out, &d), E_OK);
}

static void read_object(struct bed *b, const char *release, struct kobj *out)
{
	read_object_as(b, release, NULL, out);
}

static int judge(struct bed *b, const struct kobj *k, const char *name, struct diag *d)
{
	const struct prog *p = obj_prog(&k->obj, name);
	struct kverify_opts o;
	enum err err;

	CHECK(p);
	diag_init(d);
	CHECK_EQ(kobj_target(k, p, &o, d), E_OK);
	err = kverify_prog(p, &o, &b->a, NULL, d);
	return err == E_OK ? 0 : d->id;
}

TEST(fields_of_the_kernel_are_found_and_protected)
{
	unsigned wrong = 0;
	struct kobj k;
	struct diag d;
	struct bed b;

	if (!set_up(&b))
		SKIP("the running kernel has no BTF");
	for (int r = 0; r < CALL_RELEASES; r++) {
		read_object(&b, call_releases[r], &k);
		for (size_t i = 0; i < countof(rows); i++) {
			int got = judge(&b, &k, rows[i].prog, &d);

			if (got == rows[i].want[r])
				continue;
			wrong++;
			print_error("%s, %s: Q%d instead of Q%d (%s)\n", rows[i].prog, call_releases[r], got,
				    rows[i].want[r], got ? d.text : "accepted");
		}
	}
	tear_down(&b);
	CHECK_EQ(wrong, 0);
}

TEST(an_operation_is_named_by_where_it_stands)
{
	struct kverify_opts o;
	struct kobj k;
	struct diag d;
	struct bed b;

	if (!set_up(&b))
		SKIP("the running kernel has no BTF");
	read_object(&b, "6.12", &k);
	diag_init(&d);
	CHECK_EQ(kobj_target(&k, obj_prog(&k.obj, "begin"), &o, &d), E_OK);
	CHECK_STR(o.target.attach_name, "tcp_congestion_ops/init");
	tear_down(&b);
}

TEST(a_configuration_says_what_a_kernel_lacks)
{
	static const struct {
		const char *config;
		uint32_t lacks;
	} configs[] = {
		{ NULL, 0 },
		{ "CONFIG_HZ", 0 }, /* no configuration of a kernel with programs */
		{ "CONFIG_BPF_SYSCALL CONFIG_FUNCTION_ERROR_INJECTION CONFIG_KALLSYMS_ALL", 0 },
		{ "CONFIG_BPF_SYSCALL CONFIG_KALLSYMS_ALL", KVERIFY_LACKS_ERROR_INJECTION },
		{ "CONFIG_BPF_SYSCALL CONFIG_FUNCTION_ERROR_INJECTION", KVERIFY_LACKS_DATA_SYMBOLS },
		{ "CONFIG_BPF_SYSCALL CONFIG_KALLSYMS_ALL CONFIG_FUNCTION_ERROR_INJECTION "
		  "CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY",
		  KVERIFY_LACKS_WRITE_USER },
		{ "CONFIG_BPF_SYSCALL CONFIG_KALLSYMS_ALL CONFIG_FUNCTION_ERROR_INJECTION "
		  "CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY",
		  KVERIFY_LACKS_WRITE_USER | KVERIFY_LACKS_READ_KERNEL },
	};
	struct kverify_opts o;
	struct kobj k;
	struct diag d;
	struct bed b;

	if (!set_up(&b))
		SKIP("the running kernel has no BTF");
	for (size_t i = 0; i < countof(configs); i++) {
		read_object_as(&b, "6.12", configs[i].config, &k);
		diag_init(&d);
		CHECK_EQ(kobj_target(&k, obj_prog(&k.obj, "begin"), &o, &d), E_OK);
		CHECK_EQ(o.lacks, configs[i].lacks);
	}
	tear_down(&b);
}
