/* SPDX-License-Identifier: Apache-2.0 */
/* .scap, damaged and hostile: an error or other events, never a read out of place and never a malformed record. */
#include "../test.h"
#include "make.h"

static void read_hostile(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct judged j;

	memcpy(copy, p, len);
	judge(view_of(copy, len), &j);
	CHECK_EQ(j.malformed, 0);
	CHECK(j.err == E_NOT_FOUND || (j.d.family == 'P' && j.d.id && j.d.text[0]));
	if (j.err != E_NOT_FOUND)
		CHECK(j.d.offset <= len);
	judged_done(&j);
	free(copy);
}

TEST(everything_is_read_when_it_is_whole)
{
	struct judged j;
	struct mk m;

	make_everything(&m);
	judge(mk_view(&m), &j);
	CHECK_EQ(j.err, E_NOT_FOUND);
	CHECK_EQ(j.records, 2 + 36);
	CHECK_EQ(j.malformed, 0);
	judged_done(&j);
	buf_done(&m.b);
}

TEST(a_scap_may_be_cut_anywhere)
{
	struct mk m;

	make_everything(&m);
	for (size_t len = 0; len < m.b.len; len++)
		read_hostile((const uint8_t *)m.b.p, len);
	buf_done(&m.b);
}

TEST(any_byte_of_a_scap_may_be_another)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct mk m;

	make_everything(&m);
	for (size_t at = 0; at < m.b.len; at++) {
		uint8_t was = (uint8_t)m.b.p[at];

		m.b.p[at] = (char)values[at % countof(values)];
		read_hostile((const uint8_t *)m.b.p, m.b.len);
		m.b.p[at] = (char)(was ^ (1u << (hash_u64(at) & 7)));
		read_hostile((const uint8_t *)m.b.p, m.b.len);
		m.b.p[at] = (char)was;
	}
	buf_done(&m.b);
}

/* Fixed seed: any failure can be had again. */
TEST(many_bytes_of_a_scap_may_be_others)
{
	struct mk m;

	make_everything(&m);
	for (uint64_t round = 0; round < 3000; round++) {
		char *copy = malloc(m.b.len);

		memcpy(copy, m.b.p, m.b.len);
		for (uint64_t i = 0; i < 1 + round % 6; i++) {
			uint64_t r = hash_u64(round * 64 + i + 1);

			copy[r % m.b.len] = (char)(r >> 56);
		}
		read_hostile((const uint8_t *)copy, m.b.len);
		free(copy);
	}
	buf_done(&m.b);
}

/* Events of all types in any order, from a few threads: the tables hold whatever is said. */
TEST(any_sequence_of_events_is_taken)
{
	static const uint16_t types[] = { 3,   5,   13,  15,  16,  19,  23,  27,  43,  59,  61,  95,  97,  103, 102,
					  125, 151, 155, 157, 183, 186, 193, 199, 223, 225, 231, 247, 275, 283, 288,
					  289, 293, 307, 327, 331, 335, 363, 367, 393, 405, 21,  25,  31,  30,  35,
					  34,  49,  51,  53,  55,  99,  98,  105, 104, 107, 106, 109, 111, 110, 169,
					  168, 175, 177, 179, 181, 201, 241, 240, 277, 285, 284, 297, 296, 303, 311,
					  313, 317, 319, 321, 353, 365, 369, 411, 413, 427, 429, 337 };

	for (uint64_t round = 0; round < 40; round++) {
		struct judged j;
		struct mk m;

		mk_start(&m);
		if (round % 2)
			mk_shell(&m);
		for (uint64_t i = 0; i < 400; i++) {
			uint64_t r = hash_u64(round * 1000 + i + 7);
			struct mk_param p[20];
			uint32_t n = (uint32_t)(r >> 40) % 20;

			for (uint32_t k = 0; k < n; k++) {
				uint64_t q = hash_u64(r + k);

				if (q & 8)
					p[k] = (struct mk_param){ .s = "/a/b", .len = 5 };
				else
					p[k] = (struct mk_param){ .n = q >> 8 & 7, .bytes = q & 1 ? 8 : 4 };
			}
			mk_event_at(&m, 2, false, MK_BOOT + i, r % 6, types[(r >> 8) % countof(types)], p, n);
		}
		judge(mk_view(&m), &j);
		CHECK_EQ(j.err, E_NOT_FOUND);
		CHECK_EQ(j.malformed, 0);
		CHECK(j.records > 10);
		judged_done(&j);
		buf_done(&m.b);
	}
}
