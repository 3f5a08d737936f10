/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core: programs that know other versions of what is in target.h. Each returns one value; test_clang.c has the name of
 * each beside what C says of target.h. Those in the section "read" get a struct moved of the target as their context.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;

#define RELOCATED __attribute__((preserve_access_index))
#define SEC(name) __attribute__((section(name), used))

enum { BYTE_OFFSET, BYTE_SIZE, EXISTS, SIGNED, LSHIFT_U64, RSHIFT_U64 };
enum { LOCAL_ID, TARGET_ID };
enum { TYPE_EXISTS, TYPE_SIZE, TYPE_MATCHES };
enum { ENUMVAL_EXISTS, ENUMVAL_VALUE };

#define FIELD(type, field, what) __builtin_preserve_field_info(((type *)0)->field, what)
#define TYPE_INFO(type, what) __builtin_preserve_type_info(*(type *)0, what)
#define ENUM_INFO(type, value, what) __builtin_preserve_enum_value(*(type *)value, what)

struct leaf {
	char tag[4];
	int x;
} RELOCATED;

enum color { RED, GREEN, BLUE, PURPLE };
enum big { HUGE = 0x100000000ull, TOP = 3 };
enum huge_small { SMALL = 1 };

struct moved {
	int a;
	u64 b;
	char name[16];
	void *p;
	struct leaf in;
	struct leaf many[3];
	u32 narrow;
	u32 wide;
	signed char small;
	int signed_narrow;
	enum color color;
	u32 flag;
	u32 bits : 4;
	int signed_bits : 3;
	u64 far_bits : 2;
	u32 plain : 7;
	int (*fn)(void *, int);
	struct leaf *next;
	int gone;
	int list[];
} RELOCATED;

struct moved___other {
	short first;
	int gone;
} RELOCATED;

struct only_declared {
	int a;
} RELOCATED;

struct nowhere {
	int a;
} RELOCATED;

struct same {
	int a;
	union {
		long l;
		char c[8];
	};
	struct leaf *leaf;
} RELOCATED;

struct differs {
	int a;
} RELOCATED;

typedef int (*callback)(struct leaf *, int);
typedef int (*callback___narrower)(struct leaf *);
typedef struct {
	int value;
} RELOCATED anonymous_t;

#define READ(name, type, expr)                      \
	SEC("read") u64 read_##name(struct type *s) \
	{                                           \
		return (u64)(expr);                 \
	}
READ(a, moved, s->a)
READ(b, moved, s->b)
READ(p, moved, s->p)
READ(name_3, moved, s->name[3])
READ(in_x, moved, s->in.x)
READ(in_tag_1, moved, s->in.tag[1])
READ(many_2_x, moved, s->many[2].x)
READ(narrow, moved, s->narrow)
READ(wide, moved, s->wide)
READ(small, moved, s->small)
READ(color, moved, s->color)
READ(list_2, moved, s->list[2])
READ(first, moved___other, s->first)
READ(fn, moved, s->fn)
READ(next, moved, s->next)

/* What the target lacks, behind a question. */
READ(guarded, moved, __builtin_preserve_field_info(s->gone, EXISTS) ? s->gone : 77)
/* And without. */
READ(unguarded, moved, s->gone)
READ(signed_narrow, moved, s->signed_narrow)

SEC("read") u64 store_a_and_narrow(struct moved *s)
{
	s->a = 1234;
	s->narrow = 0xbeef;
	s->wide = 5;
	return s->a + s->narrow;
}

/* A subprogram of its own section, called by two programs. */
static __attribute__((noinline)) u64 sum(struct moved *s)
{
	return s->b + s->in.x;
}

SEC("read") u64 read_by_call(struct moved *s)
{
	return sum(s) + s->a;
}

SEC("other") u64 read_by_call_too(struct moved *s)
{
	return sum(s);
}

/* A bit-field by what the relocations say of it, as bpf_core_read.h does. */
#define HIDE(p)                                                                                  \
	__asm__(""                                                                               \
		: "=r"(p)                                                                        \
		: "0"(p)) /* lest the compiler merge offset and load, whose width is not certain \
			   */
#define READ_BITS(field)                                                                            \
	SEC("read") u64 bits_##field(struct moved *s)                                               \
	{                                                                                           \
		const u8 *p = (const u8 *)s + __builtin_preserve_field_info(s->field, BYTE_OFFSET); \
		u64 v = 0;                                                                          \
                                                                                                    \
		HIDE(p);                                                                            \
		switch (__builtin_preserve_field_info(s->field, BYTE_SIZE)) {                       \
		case 1:                                                                             \
			v = *p;                                                                     \
			break;                                                                      \
		case 2:                                                                             \
			v = *(const u16 *)p;                                                        \
			break;                                                                      \
		case 4:                                                                             \
			v = *(const u32 *)p;                                                        \
			break;                                                                      \
		case 8:                                                                             \
			v = *(const u64 *)p;                                                        \
			break;                                                                      \
		}                                                                                   \
		v <<= __builtin_preserve_field_info(s->field, LSHIFT_U64);                          \
		if (__builtin_preserve_field_info(s->field, SIGNED))                                \
			return (s64)v >> __builtin_preserve_field_info(s->field, RSHIFT_U64);       \
		return v >> __builtin_preserve_field_info(s->field, RSHIFT_U64);                    \
	}
/* Where it does. */
SEC("read") u64 read_bits_merged(struct moved *s)
{
	return *(u32 *)((u8 *)s + __builtin_preserve_field_info(s->flag, BYTE_OFFSET));
}
READ_BITS(flag)
READ_BITS(bits)
READ_BITS(signed_bits)
READ_BITS(far_bits)
READ_BITS(plain)

#define SAY(name, expr)                \
	SEC("say") u64 name(void *ctx) \
	{                              \
		return (u64)(expr);    \
	}
SAY(offset_a, FIELD(struct moved, a, BYTE_OFFSET))
SAY(offset_in_x, FIELD(struct moved, in.x, BYTE_OFFSET))
SAY(offset_name, FIELD(struct moved, name, BYTE_OFFSET))
SAY(offset_many_1_tag, FIELD(struct moved, many[1].tag, BYTE_OFFSET))
SAY(offset_list, FIELD(struct moved, list, BYTE_OFFSET))
SAY(size_b, FIELD(struct moved, b, BYTE_SIZE))
SAY(size_name, FIELD(struct moved, name, BYTE_SIZE))
SAY(size_narrow, FIELD(struct moved, narrow, BYTE_SIZE))
SAY(size_in, FIELD(struct moved, in, BYTE_SIZE))
SAY(size_many, FIELD(struct moved, many, BYTE_SIZE))
SAY(exists_a, FIELD(struct moved, a, EXISTS))
SAY(exists_gone, FIELD(struct moved, gone, EXISTS))
SAY(exists_gone_other, FIELD(struct moved___other, gone, EXISTS))
SAY(exists_many_2, FIELD(struct moved, many[2], EXISTS))
SAY(signed_a, FIELD(struct moved, a, SIGNED))
SAY(signed_b, FIELD(struct moved, b, SIGNED))
SAY(signed_color, FIELD(struct moved, color, SIGNED))
SAY(lshift_narrow, FIELD(struct moved, narrow, LSHIFT_U64))
SAY(rshift_narrow, FIELD(struct moved, narrow, RSHIFT_U64))
SAY(type_leaf, TYPE_INFO(struct leaf, TYPE_EXISTS))
SAY(type_moved_other, TYPE_INFO(struct moved___other, TYPE_EXISTS))
SAY(type_nowhere, TYPE_INFO(struct nowhere, TYPE_EXISTS))
SAY(type_only_declared, TYPE_INFO(struct only_declared, TYPE_EXISTS))
SAY(type_callback, TYPE_INFO(callback, TYPE_EXISTS))
SAY(type_callback_narrower, TYPE_INFO(callback___narrower, TYPE_EXISTS))
SAY(type_anonymous, TYPE_INFO(anonymous_t, TYPE_EXISTS))
SAY(type_size_leaf, TYPE_INFO(struct leaf, TYPE_SIZE))
SAY(type_size_moved, TYPE_INFO(struct moved, TYPE_SIZE))
SAY(type_size_anonymous, TYPE_INFO(anonymous_t, TYPE_SIZE))
SAY(type_size_color, TYPE_INFO(enum color, TYPE_SIZE))
SAY(type_size_nowhere, TYPE_INFO(struct nowhere, TYPE_SIZE))
#if __clang_major__ >= 15 /* the first that asks for matches, and has enumerations of 64 bits */
SAY(matches_same, TYPE_INFO(struct same, TYPE_MATCHES))
SAY(matches_leaf, TYPE_INFO(struct leaf, TYPE_MATCHES))
SAY(matches_differs, TYPE_INFO(struct differs, TYPE_MATCHES))
SAY(matches_callback, TYPE_INFO(callback, TYPE_MATCHES))
SAY(matches_color, TYPE_INFO(enum color, TYPE_MATCHES))
SAY(matches_big, TYPE_INFO(enum big, TYPE_MATCHES))
SAY(matches_nowhere, TYPE_INFO(struct nowhere, TYPE_MATCHES))
#endif
SAY(local_id_leaf, __builtin_btf_type_id(*(struct leaf *)0, LOCAL_ID))
SAY(target_id_leaf, __builtin_btf_type_id(*(struct leaf *)0, TARGET_ID))
SAY(target_id_nowhere, __builtin_btf_type_id(*(struct nowhere *)0, TARGET_ID))
SAY(enum_red, ENUM_INFO(enum color, RED, ENUMVAL_VALUE))
SAY(enum_green, ENUM_INFO(enum color, GREEN, ENUMVAL_VALUE))
SAY(enum_blue, ENUM_INFO(enum color, BLUE, ENUMVAL_VALUE))
SAY(enum_purple_exists, ENUM_INFO(enum color, PURPLE, ENUMVAL_EXISTS))
SAY(enum_green_exists, ENUM_INFO(enum color, GREEN, ENUMVAL_EXISTS))
SAY(enum_purple, ENUM_INFO(enum color, PURPLE, ENUMVAL_VALUE))
#if __clang_major__ >= 15
SAY(enum_huge, ENUM_INFO(enum big, HUGE, ENUMVAL_VALUE))
SAY(enum_top, ENUM_INFO(enum big, TOP, ENUMVAL_VALUE))
#endif
SAY(enum_small, ENUM_INFO(enum huge_small, SMALL, ENUMVAL_VALUE))
