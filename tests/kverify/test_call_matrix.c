/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every helper that the running kernel's release gives to some types of programs, called with what its prototype asks
 * for, and with each argument in turn replaced by something else: the kernel's verdict, and its reason.
 */
#include "test.h"

#include "calls.h"

enum { HELPERS = 212, TEXT_MAX = 4096 };

/* r6: context, r7: a value of h, r8: one that may be NULL, r9: what the type has besides. Zeroes on the stack from -64
 * on. */
#define MAPS                                                                                                           \
	".map m, array, 4, 64, 1\n.map h, hash, 4, 64, 4\n.map rb, ringbuf, 0, 0, 4096\n.map p, prog_array, 4, 4, 4\n" \
	".map .rodata, array, 4, 8, 1, 128\n.bytes .rodata, 61 00\n"

static const char *const before =
	"*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 16) = 0\n*(u64 *)(r10 - 24) = 0\n*(u64 *)(r10 - 32) = 0\n"
	"*(u64 *)(r10 - 40) = 0\n*(u64 *)(r10 - 48) = 0\n*(u64 *)(r10 - 56) = 0\n*(u64 *)(r10 - 64) = 0\n"
	"*(u32 *)(r10 - 68) = 1\nr2 = r10\nr2 += -68\nr1 = h ll\ncall 1\nr8 = r0\n"
	"r2 = r10\nr2 += -68\nr1 = h ll\ncall 1\nif r0 == 0 goto out\nr7 = r0\n";

static const struct {
	const char *name, *text; /* %u: the register */
} kinds[] = {
	{ "0", "r%u = 0\n" },
	{ "8", "r%u = 8\n" },
	{ "-1", "r%u = -1\n" },
	{ "ctx", "r%u = r6\n" },
	{ "ctx + 4", "r%u = r6\nr%u += 4\n" },
	{ "stack", "r%u = r10\nr%u += -64\n" },
	{ "stack's end", "r%u = r10\nr%u += -4\n" },
	{ "stack, not set", "r%u = r10\nr%u += -256\n" },
	{ "stack, odd", "r%u = r10\nr%u += -63\n" },
	{ "map's value", "r%u = r7\n" },
	{ "map's value or NULL", "r%u = r8\n" },
	{ "array", "r%u = m ll\n" },
	{ "hash", "r%u = h ll\n" },
	{ "ring buffer", "r%u = rb ll\n" },
	{ "array of programs", "r%u = p ll\n" },
	{ "text", "r%u = .rodata ll\n" },
	{ "what the type has", "r%u = r9\n" },
};

/* Types of programs, and what they have in r9. */
#define PACKET(data, end) \
	"r9 = *(u32 *)(r6 + " #data ")\nr1 = *(u32 *)(r6 + " #end ")\nr2 = r9\nr2 += 32\nif r2 > r1 goto out\n"
static const struct {
	uint32_t type, attach;
	const char *text;
} types[] = {
	{ KPROG_SCHED_CLS, 0, PACKET(76, 80) },
	{ KPROG_SCHED_ACT, 0, "r9 = *(u64 *)(r6 + 168)\nif r9 == 0 goto out\n" },
	{ KPROG_CGROUP_SKB, 0, "r9 = *(u64 *)(r6 + 168)\n" },
	{ KPROG_XDP, 0, PACKET(0, 4) },
	{ KPROG_KPROBE, 0, "r9 = *(u64 *)(r6 + 0)\n" },
	{ KPROG_CGROUP_SOCK_ADDR, KATTACH_CGROUP_INET4_CONNECT, "r9 = *(u64 *)(r6 + 64)\n" },
	{ KPROG_SOCK_OPS, KATTACH_CGROUP_SOCK_OPS, "r9 = *(u64 *)(r6 + 184)\nif r9 == 0 goto out\n" },
	{ KPROG_SK_MSG, 0, "r9 = *(u64 *)(r6 + 72)\n" },
};

/* Whether the kernel gives them depends on its configuration, and on how it was locked down. */
static bool depends(uint32_t helper)
{
	return helper == 36 || helper == 58; /* probe_write_user, override_return */
}

static const char *kind(const char *name)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return kinds[i].text;
	return NULL;
}

static const char *a_map(const struct kernel_profile *k, uint32_t helper)
{
	static const struct {
		uint32_t kind;
		const char *name;
	} maps[] = { { PROG_MAP_HASH, "hash" },
		     { PROG_MAP_ARRAY, "array" },
		     { PROG_MAP_RINGBUF, "ring buffer" },
		     { PROG_MAP_PROG_ARRAY, "array of programs" } };

	for (size_t i = 0; i < countof(maps); i++)
		if (kernel_map_takes(k, maps[i].kind, helper))
			return kind(maps[i].name);
	return kind("hash");
}

/* What the prototype asks for, as far as the program has it. */
static const char *fitting(const struct kernel_profile *k, const struct kernel_proto *p, unsigned arg)
{
	switch (p->arg[arg].base) {
	case KA_CTX:
		return kind("ctx");
	case KA_CONST_MAP_PTR:
		return a_map(k, p->id);
	case KA_CONST_SIZE:
	case KA_CONST_SIZE_OR_ZERO:
	case KA_CONST_ALLOC_SIZE_OR_ZERO:
		return kind("8");
	case KA_ANYTHING:
		return kind("0");
	case KA_CONST_STR:
		return kind("text");
	default:
		return kind("stack");
	}
}

static void put(char *text, const char *format, unsigned r)
{
	size_t at = strlen(text);

	for (const char *c = format; *c && at + 3 < TEXT_MAX; c++) {
		if (*c == '%') {
			text[at++] = (char)('0' + r);
			c++;
		} else {
			text[at++] = *c;
		}
	}
	text[at] = '\0';
}

/* One argument is another kind: 1 to 5; 0: none is. */
static void program(const struct kernel_profile *k, const struct kernel_proto *p, unsigned odd, const char *odd_kind,
		    const char *extra, char *text)
{
	static const char maps[] = MAPS;

	(void)snprintf(text, TEXT_MAX, "%sr6 = r1\n%s%s", maps, extra, before);
	for (unsigned a = 0; a < countof(p->arg) && p->arg[a].base != KA_DONTCARE; a++)
		put(text, a + 1 == odd ? odd_kind : fitting(k, p, a), a + 1);
	(void)snprintf(text + strlen(text), TEXT_MAX - strlen(text), "call %u\nout:\nr0 = 0\nexit\n", p->id);
}

struct tally {
	const struct kernel_profile *k;
	struct call_row row;
	char text[TEXT_MAX];
	const char *extra;
	unsigned asked, accepted, unsupported, wrong;
};

static const char *last_call(const char *log)
{
	const char *last = log;

	for (const char *c = log; (c = strstr(c, "call bpf_")); c++)
		last = c;
	return last;
}

static bool compare(struct tally *t, const char *what)
{
	static char log[CALL_LOG_BYTES];
	struct diag d;
	int ours = call_judge(&t->row, t->k, &d), kernel;

	if (ours == 980) {
		t->unsupported++;
		return true;
	}
	kernel = call_ask_kernel(&t->row, log);
	if (kernel < 0)
		return false;
	t->asked++;
	t->accepted += !kernel;
	if ((ours != 0) == kernel && (!ours || call_same_reason(ours, log)))
		return true;
	t->wrong++;
	print_error("%s: Q%d (%s), the kernel: %.400s\n", what, ours, ours ? d.text : "accepted",
		    kernel ? last_call(log) : "accepted");
	return true;
}

static bool try_helper(struct tally *t, uint32_t id)
{
	struct kernel_target target = { .prog_type = t->row.type, .attach_type = t->row.attach };
	const struct kernel_proto *p;
	char what[160];

	if (depends(id) || kernel_helper(t->k, &target, id, &p) != KERNEL_ALLOWED)
		return true;
	for (unsigned a = 0; a < countof(p->arg); a++)
		if (p->arg[a].base == KA_FUNC)
			return true;
	for (unsigned a = 0; a <= countof(p->arg); a++) {
		if (a && p->arg[a - 1].base == KA_DONTCARE)
			break;
		for (size_t i = 0; i < (a ? countof(kinds) : 1); i++) {
			program(t->k, p, a, kinds[i].text, t->extra, t->text);
			(void)snprintf(what, sizeof what, "%s of type %s, argument %u: %s", p->name,
				       kernel_prog_type_name(t->row.type), a, a ? kinds[i].name : "as it should be");
			if (!compare(t, what))
				return false;
		}
	}
	return true;
}

TEST(the_running_kernel_judges_each_argument_of_each_helper_so)
{
	static struct tally t;

	t.k = call_running_kernel();
	if (!t.k)
		SKIP("the running kernel is of no release that was measured");
	for (size_t i = 0; i < countof(types); i++) {
		t.row = (struct call_row){
			.name = "helper", .type = types[i].type, .attach = types[i].attach, .text = t.text
		};
		t.extra = types[i].text;
		for (uint32_t id = 1; id < HELPERS; id++)
			if (!try_helper(&t, id))
				SKIP("bpf(2) is not granted");
	}
	print_message("# %u programs, %u accepted, %u not modelled\n", t.asked, t.accepted, t.unsupported);
	CHECK(t.accepted > t.asked / 20);
	CHECK_EQ(t.wrong, 0);
}
