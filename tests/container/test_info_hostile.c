/* SPDX-License-Identifier: Apache-2.0 */
/* What whoever can write a runtime's file could put there. */
#include "sensor/container/container.h"
#include "test.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static enum err parse_bytes(enum container_shape shape, const void *p, size_t len)
{
	struct view files[CONTAINER_FILES] = { view_of(p, len), { 0 }, { 0 } };
	struct container_info *i = NULL;
	enum err err = container_info_parse(shape, CONTAINER_HOST, ID, files, &i);

	CHECK_EQ(err == E_OK, i != NULL);
	container_info_free(i);
	return err;
}

static enum err parse(enum container_shape shape, const char *s)
{
	return parse_bytes(shape, s, strlen(s));
}

#define SPEC "{\"ociVersion\":\"1\","

TEST(what_is_no_such_file_is_refused)
{
	static const struct {
		const char *name, *text;
		enum err want;
	} rows[] = {
		{ "nothing", "", E_FORMAT },
		{ "not closed", "{\"ociVersion\":\"1\"", E_FORMAT },
		{ "more behind it", "{\"ociVersion\":\"1\"} {}", E_FORMAT },
		{ "a list", "[]", E_FORMAT },
		{ "a number", "7", E_FORMAT },
		{ "another file", "{}", E_FORMAT },
		{ "a version that is no text", "{\"ociVersion\":1}", E_FORMAT },
		{ "a key twice", SPEC "\"mounts\":[],\"mounts\":[]}", E_FORMAT },
		{ "a NUL in a text", SPEC "\"annotations\":{\"a\":\"b\\u0000c\"}}", E_FORMAT },
		{ "a NUL in a key", SPEC "\"annotations\":{\"a\\u0000b\":\"c\"}}", E_FORMAT },
		{ "no UTF-8", SPEC "\"annotations\":{\"a\":\"\xff\"}}", E_FORMAT },
		{ "half a surrogate", SPEC "\"annotations\":{\"a\":\"\\ud800\"}}", E_FORMAT },
		{ "a number out of range", SPEC "\"x\":1e99999}", E_FORMAT },
		{ "a large number", SPEC "\"x\":123456789012345678901234567890}", E_OK },
		{ "lists where objects belong",
		  SPEC "\"annotations\":[1],\"mounts\":{\"a\":1},\"process\":[],\"linux\":3}", E_OK },
		{ "mounts of other kinds",
		  SPEC
		  "\"mounts\":[1,null,[],{},{\"type\":\"bind\"},{\"type\":\"bind\",\"source\":1,\"destination\":{}},"
		  "{\"options\":{\"bind\":1}},{\"options\":[1,[],\"bind\"],\"source\":\"\"}]}",
		  E_OK },
		{ "labels inside of a label",
		  SPEC "\"annotations\":{\"io.kubernetes.cri-o.Labels\":\"{\\\"a\\\":[1],\\\"b\\\":\\\"c\\\"}\"}}",
		  E_OK },
		{ "labels that are no JSON", SPEC "\"annotations\":{\"io.kubernetes.cri-o.Labels\":\"{\"}}", E_OK },
		{ "empty texts", SPEC "\"annotations\":{\"\":\"\",\"io.kubernetes.cri.image-name\":\"\"}}", E_OK },
		{ "a time that is none", SPEC "\"annotations\":{\"io.kubernetes.cri-o.Created\":\"yesterday\"}}",
		  E_OK },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].name;
		CHECK_EQ(parse(CONTAINER_FILE_OCI, rows[i].text), rows[i].want);
	}
	CHECK_EQ(parse(CONTAINER_FILE_DOCKER, "{\"ociVersion\":\"1\"}"), E_FORMAT);
	CHECK_EQ(parse(CONTAINER_FILE_DOCKER, "{\"Config\":{\"Labels\":7},\"MountPoints\":[1],\"NetworkSettings\":"
					      "{\"Networks\":[1]},\"State\":{\"StartedAt\":4},\"Name\":[]}"),
		 E_OK);
	CHECK_EQ(parse(CONTAINER_FILE_RUNC, "{\"config\":{\"labels\":[1,\"x\",\"=\",\"=y\"],\"mounts\":[{\"device\":"
					    "\"bind\",\"source\":\"a\",\"destination\":\"b\",\"flags\":-1e300}]}}"),
		 E_OK);
	CHECK_EQ(parse(CONTAINER_NO_FILE, "{}"), E_FORMAT);
}

/* n times, between a head and a tail. */
static struct buf repeat(const char *head, const char *each, size_t n, const char *tail)
{
	struct buf b;

	buf_init(&b, 8 << 20);
	buf_puts(&b, head);
	for (size_t i = 0; i < n; i++)
		buf_puts(&b, each);
	buf_puts(&b, tail);
	return b;
}

TEST(size_depth_and_number_of_values_have_limits)
{
	static const struct {
		const char *name, *head, *each, *tail;
		size_t n;
		enum err want;
	} rows[] = {
		{ "deep", "", "[", "", 100000, E_LIMIT },
		{ "deep objects", "", "{\"a\":", "", 100000, E_LIMIT },
		{ "as deep as may be, for another file", SPEC "\"x\":", "[", "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", 31,
		  E_OK },
		{ "one deeper", SPEC "\"x\":", "[", "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", 32, E_LIMIT },
		{ "many values", SPEC "\"x\":[[]", ",[]", "]}", 40000, E_LIMIT },
		{ "brackets in a text do not count", SPEC "\"x\":\"", "[{,:", "\"}", 40000, E_OK },
		{ "a quote behind a backslash does not end a text", SPEC "\"x\":\"", "\\\"[", "\"}", 40000, E_OK },
		{ "long", SPEC "\"x\":\"", "0123456789abcdef", "\"}", 70000, E_LIMIT },
		{ "a long name is cut", SPEC "\"annotations\":{\"nerdctl/name\":\"", "0123456789abcdef", "\"}}", 60000,
		  E_OK },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct buf b = repeat(rows[i].head, rows[i].each, rows[i].n, rows[i].tail);

		test_row = rows[i].name;
		CHECK_EQ(parse_bytes(CONTAINER_FILE_OCI, b.p, b.len), rows[i].want);
		buf_done(&b);
	}
}

TEST(strings_and_lists_are_cut_to_what_is_kept)
{
	struct buf b = repeat(SPEC "\"annotations\":{\"nerdctl/name\":\"", "\xc3\xa4", 4000, "\"}}");
	struct view files[CONTAINER_FILES] = { view_of(b.p, b.len), { 0 }, { 0 } };
	struct container_info *i = NULL;
	struct buf labels;

	CHECK_OK(container_info_parse(CONTAINER_FILE_OCI, CONTAINER_HOST, ID, files, &i));
	CHECK_EQ(i->name.len, 4096);
	CHECK_EQ(strlen(i->name.p), 4096);
	container_info_free(i);
	buf_done(&b);

	buf_init(&labels, 1 << 20);
	buf_puts(&labels, SPEC "\"annotations\":{\"a\":\"b\"");
	for (int k = 0; k < 1000; k++)
		buf_printf(&labels, ",\"k%d\":\"v\"", k);
	buf_puts(&labels, "}}");
	files[0] = view_of(labels.p, labels.len);
	CHECK_OK(container_info_parse(CONTAINER_FILE_OCI, CONTAINER_HOST, ID, files, &i));
	CHECK_EQ(i->n_labels, 256);
	container_info_free(i);
	buf_done(&labels);
}

TEST(more_strings_than_one_container_may_have_are_refused)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_puts(&b, SPEC "\"annotations\":{\"a\":\"b\"");
	for (int k = 0; k < 200; k++) {
		buf_printf(&b, ",\"k%d\":\"", k);
		for (int n = 0; n < 4096; n++)
			buf_putc(&b, 'x');
		buf_putc(&b, '"');
	}
	buf_puts(&b, "}}");
	CHECK_EQ(parse_bytes(CONTAINER_FILE_OCI, b.p, b.len), E_LIMIT);
	buf_done(&b);
}

/* Every prefix, and every byte another one: no verdict is asked for, only that there is one. */
TEST(any_damage_to_a_file_is_survived)
{
	static const char text[] =
		SPEC "\"annotations\":{\"io.kubernetes.cri-o.Labels\":\"{\\\"a\\\":\\\"b\\\"}\",\"x\":\"y\"},"
		     "\"mounts\":[{\"type\":\"bind\",\"source\":\"/a\",\"destination\":\"/b\",\"options\":[\"ro\"]}]}";
	char bytes[sizeof text];

	for (size_t n = 0; n < sizeof text - 1; n++) {
		memcpy(bytes, text, sizeof text);
		CHECK(parse_bytes(CONTAINER_FILE_OCI, bytes, n) != E_OK);
		for (int c = 0; c < 256; c += 5) {
			bytes[n] = (char)c;
			(void)parse_bytes(CONTAINER_FILE_OCI, bytes, sizeof text - 1);
		}
	}
}
