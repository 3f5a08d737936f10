/* SPDX-License-Identifier: Apache-2.0 */
/* Every function that tnum.h and range.h declare has a property, and every property its function. */
#include "property.h"

struct property *properties;

void property_register(struct property *p)
{
	p->next = properties;
	properties = p;
}

static bool has_property(const char *name, size_t len)
{
	for (const struct property *p = properties; p; p = p->next)
		if (strlen(p->function) == len && !memcmp(p->function, name, len))
			return true;
	return false;
}

static bool is_word(char c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* A function that this line declares or begins to define: its name; NULL: none. */
static const char *declared(const char *line, size_t *len)
{
	const char *open = strchr(line, '('), *name = open;

	if (!open || !is_word(line[0]))
		return NULL;
	while (name > line && is_word(name[-1]))
		name--;
	*len = (size_t)(open - name);
	return *len ? name : NULL;
}

/* How many functions the header declares; each is looked for in the properties, or in `names`. */
static uint32_t read_header(const char *root, const char *file, bool list_only, const char *wanted)
{
	char path[512], line[512];
	uint32_t n = 0;
	FILE *f;

	CHECK(snprintf(path, sizeof path, "%s/src/engine/verify/%s", root, file) < (int)sizeof path);
	f = fopen(path, "r");
	CHECK(f != NULL);
	while (f && fgets(line, sizeof line, f)) {
		size_t len = 0;
		const char *name = declared(line, &len);

		if (!name)
			continue;
		if (list_only) {
			n += strlen(wanted) == len && !memcmp(wanted, name, len);
			continue;
		}
		n++;
		if (!has_property(name, len))
			print_error("%s: %.*s has no property\n", file, (int)len, name);
		CHECK(has_property(name, len));
	}
	if (f)
		(void)fclose(f);
	return n;
}

TEST(every_function_of_the_domains_has_a_property)
{
	const char *root = getenv("SALLYPORT_SOURCE");

	if (!root)
		SKIP("SALLYPORT_SOURCE is not set: where are tnum.h and range.h?");
	CHECK(read_header(root, "tnum.h", false, "") >= 19);
	CHECK(read_header(root, "range.h", false, "") >= 23);
	for (const struct property *p = properties; p; p = p->next)
		CHECK_EQ(read_header(root, "tnum.h", true, p->function) +
				 read_header(root, "range.h", true, p->function),
			 1);
	CHECK(!has_property("tnum_nobody", 11));
}
