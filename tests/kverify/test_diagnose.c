/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of rejected programs without any debug information: the verdict stays, and the reason is there. */
#include "test.h"

#include "engine/asm/asm.h"
#include "engine/kverify/kverify.h"

enum { SOCKET_FILTER = 1, XDP = 6 };

struct said {
	enum err plain, err;
	struct diag d;
	struct kverify_stats stats;
	struct arena programs, walk, notes;
};

static void diagnose(struct said *s, const char *text, uint32_t type, size_t walk_bytes, size_t notes_bytes)
{
	const struct kverify_opts o = { .kernel = kernel_profile("6.12"),
					.target = { .prog_type = type },
					.gpl = true };
	struct diag first;
	struct prog p;

	*s = (struct said){ 0 };
	diag_init(&s->d);
	diag_init(&first);
	arena_init(&s->programs, 1 << 20);
	arena_init(&s->walk, walk_bytes);
	arena_init(&s->notes, notes_bytes);
	CHECK_OK(asm_text((struct view){ (const uint8_t *)text, strlen(text) }, "test", &s->programs, &p, &first));
	s->plain = kverify_prog(&p, &o, &s->walk, NULL, &first);
	arena_done(&s->walk);
	s->err = kverify_diagnose(&p, &o, &s->walk, &s->notes, &s->stats, &s->d);
	CHECK_EQ(s->err, s->plain);
	CHECK_EQ(s->d.id, first.id);
	CHECK_STR(s->d.text, first.text);
}

static void done(struct said *s)
{
	arena_done(&s->programs);
	arena_done(&s->walk);
	arena_done(&s->notes);
}

static bool notes_have(const struct said *s, const char *text)
{
	for (const struct note *n = s->d.notes; n; n = n->next)
		if (strstr(n->text, text))
			return true;
	return false;
}

static const struct {
	const char *name, *text;
	uint32_t type;
	const char *note, *hint;
} rows[] = {
	{ "a register that a call took", "call get_prandom_u32\nr0 = r1\nexit\n", SOCKET_FILTER,
	  "r1 is gone after the call of bpf_get_prandom_u32", "keep what r1 held in one of r6 to r9" },
	{ "a register that was never set", "r0 = r7\nexit\n", SOCKET_FILTER, "nothing on this path writes to r7",
	  "give the variable a value before line 1" },
	{ "a packet that nobody compared", "r1 = *(u32 *)(r1 + 0)\nr0 = *(u8 *)(r1 + 5)\nexit\n", XDP,
	  "nothing on this path is compared with the end of the packet", "+ 6 >" },
	{ "an index into the stack",
	  "call get_prandom_u32\nr1 = r0\nif r1 > 40 goto out\nr2 = r10\nr2 += -32\nr2 += r1\n*(u8 *)(r2 + 0) = "
	  "1\nout:\nr0 = "
	  "0\nexit\n",
	  SOCKET_FILTER, "a number from 0 to 40", "<= 31" },
	{ "a number that was spilled and filled",
	  "call get_prandom_u32\n*(u64 *)(r10 - 8) = r0\nif r0 > 40 goto out\nr1 = *(u64 *)(r10 - 8)\nr2 = r10\nr2 += "
	  "-32\nr2 += r1\n*(u8 *)(r2 + 0) = 1\nout:\nr0 = 0\nexit\n",
	  SOCKET_FILTER, "what is compared here", "<= 31" },
	{ "a loop that never changes", "r0 = 0\nL:\nr1 = 1\nif r1 == 1 goto L\nexit\n", SOCKET_FILTER, "was judged",
	  "give the loop" },
};

TEST(kverify_diagnose_says_what_is_missing)
{
	for (size_t i = 0; i < countof(rows); i++) {
		struct said s;

		print_message("%s\n", rows[i].name);
		diagnose(&s, rows[i].text, rows[i].type, 64 << 20, 16 << 20);
		CHECK_EQ(s.err, E_REJECTED);
		CHECK(notes_have(&s, rows[i].note));
		CHECK(strstr(s.d.hint, rows[i].hint));
		done(&s);
	}
}

TEST(kverify_diagnose_has_no_notes_on_what_is_accepted)
{
	struct said s;

	diagnose(&s, "r0 = 0\nexit\n", SOCKET_FILTER, 64 << 20, 16 << 20);
	CHECK_EQ(s.err, E_OK);
	CHECK(!s.d.notes);
	CHECK_EQ(s.stats.steps, 2);
	CHECK_EQ(s.notes.used, 0);
	done(&s);
}

/* Whatever room there is for notes, the verdict, the id and the kernel's words are the same. */
TEST(kverify_diagnose_keeps_the_verdict_when_memory_is_short)
{
	for (size_t room = 0; room < 64 << 10; room = room * 2 + 1) {
		struct said s;

		diagnose(&s, rows[3].text, rows[3].type, 64 << 20, room);
		CHECK_EQ(s.err, E_REJECTED);
		CHECK(s.d.hint[0]);
		done(&s);
	}
}
