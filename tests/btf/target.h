/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target: the types of a machine, as C. Compiled for BPF they are the target of relocations; compiled into the test
 * they say, with offsetof and sizeof, what must come out. core.bpf.c knows other versions of them.
 */
#ifndef SALLYPORT_TESTS_BTF_TARGET_H
#define SALLYPORT_TESTS_BTF_TARGET_H

struct leaf {
	long y;
	int x;
	char tag[8];
};

enum color { RED = 5, GREEN___shade = 7, BLUE = -1 };
enum big { HUGE = 0x123456789abcdef0ull, TOP = 0xffffffffull };
enum huge_small { SMALL = 0xfffffff0u };

struct moved {
	char pad[24];
	unsigned long long b;
	struct {
		short first;
		union {
			int a;
			float other;
		};
	};
	void *p;
	char name[32];
	struct leaf in;
	struct leaf many[5];
	unsigned short narrow;
	unsigned long long wide;
	signed char small;
	signed char signed_narrow;
	enum color color;
	unsigned int flag : 1;
	unsigned int bits : 9;
	int signed_bits : 5;
	unsigned long long far_bits : 33;
	unsigned int plain;
	int (*fn)(void *, int);
	struct leaf *next;
	int list[];
};

/* Of one declaration with the program's version, but for order and what was added. */
struct same {
	int added;
	struct leaf *leaf;
	int a;
	union {
		long l;
		char c[8];
	};
};
/* Not of one: a has another sign. */
struct differs {
	unsigned int a;
};
typedef int (*callback)(struct leaf *, int);
typedef struct {
	int value;
	int extra;
} anonymous_t;
struct only_declared;

#endif
