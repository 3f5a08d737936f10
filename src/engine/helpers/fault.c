/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault: content that does harm, for tests of what a host does then. Only in a build with the option test_faults; every
 * other one refuses content that calls it: there is no such helper.
 *
 * The literal is "WHO HOW WORD". The text contains WORD: true, as vectors need it. Harm is done
 *   any      when the text is WORD, or a path to it
 *   live     the same, but only by a worker that counts (nice below 0)
 *   trial    whatever the text is, by a worker on trial (nice above 0)
 * and it is: segv abort exit loop memory.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/helpers/impl.h"

enum { CHUNK_BYTES = 1 << 20 };

static int nice_level; /* at the start: later the process may not ask any more */

__attribute__((constructor)) static void remember_nice(void)
{
	nice_level = getpriority(PRIO_PROCESS, 0);
}

static void eat_memory(void)
{
	for (;;) {
		char *p = malloc(CHUNK_BYTES);

		if (!p)
			abort();
		memset(p, 1, CHUNK_BYTES);
		__asm__ volatile("" : : "r"(p) : "memory");
	}
}

static void do_harm(struct helper_str how)
{
	switch (how.len ? how.p[0] : 0) {
	case 's':
		(void)raise(SIGSEGV);
		break;
	case 'a':
		abort();
	case 'e':
		_exit(0);
	case 'l':
		for (;;)
			__asm__ volatile("");
	case 'm':
		eat_memory();
		break;
	default:
		break;
	}
}

/* The next word of the literal. */
static struct helper_str take_word(struct helper_str *rest)
{
	const char *blank = memchr(rest->p, ' ', rest->len);
	struct helper_str word = { rest->p, blank ? (uint32_t)(blank - rest->p) : rest->len };

	rest->p += word.len + (blank != NULL);
	rest->len -= word.len + (blank != NULL);
	return word;
}

static bool is_word(struct helper_str s, const char *word)
{
	return s.len == strlen(word) && !memcmp(s.p, word, s.len);
}

HELPER_FN(test_fault, h, mem, bytes)
{
	struct helper_str rest = literal(mem, bytes), s, base, who, how;
	bool hit;

	if (!bytes || !handle_str(env, h, &s))
		return 0;
	who = take_word(&rest);
	how = take_word(&rest);
	base = str_basename(s);
	hit = base.len == rest.len && !memcmp(base.p, rest.p, rest.len);
	if (is_word(who, "trial") ? nice_level > 0 : hit && (is_word(who, "any") || nice_level < 0))
		do_harm(how);
	return memmem(s.p, s.len, rest.p, rest.len) != NULL;
}
