/* SPDX-License-Identifier: Apache-2.0 */
/* Groups, containers, and who is asked about. */
#include "sensor/container/container.h"
#include "test.h"

#define A64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MS 1000000ull

static struct container_table *new_table(void)
{
	struct container_table *t = NULL;

	CHECK_OK(container_table_new(&t));
	return t;
}

static struct container_group *get(struct container_table *t, const char *path)
{
	struct container_group *g = container_group_get(t, path, strlen(path));

	CHECK(g != NULL);
	return g;
}

static struct container_info *info(const char *name)
{
	struct container_info *i = NULL;
	char text[256];
	struct view files[CONTAINER_FILES] = { { 0 } };

	(void)snprintf(text, sizeof text, "{\"ociVersion\":\"1\",\"annotations\":{\"nerdctl/name\":\"%s\"}}", name);
	files[0] = view_of(text, strlen(text));
	CHECK_OK(container_info_parse(CONTAINER_FILE_OCI, CONTAINER_HOST, "x", files, &i));
	return i;
}

TEST(groups_are_shared_and_a_container_has_several)
{
	struct container_table *t = new_table();
	struct container_group *a = get(t, "/docker/" A64), *again = get(t, "/docker/" A64),
			       *sub = get(t, "/docker/" A64 "/sub"), *host = get(t, "/user.slice");
	struct container_stats st;

	CHECK(a == again && a != sub);
	CHECK(a->container && a->container == sub->container);
	CHECK(!host->container);
	CHECK_STR(sub->memory.p, "memory=/docker/" A64 "/sub");
	CHECK_STR(sub->standard.p, "default=/docker/" A64 "/sub");
	container_table_stats(t, &st);
	CHECK_EQ(st.groups, 3);
	CHECK_EQ(st.containers, 1);
	container_group_unref(t, a);
	container_group_unref(t, again);
	container_group_unref(t, sub);
	container_group_unref(t, host);
	container_table_stats(t, &st);
	CHECK_EQ(st.groups, 0);
	CHECK_EQ(st.containers, 1); /* its last words may still be told */
	container_table_free(t);
}

TEST(a_container_is_asked_about_once_and_the_answer_stays)
{
	struct container_table *t = new_table();
	struct container_group *g = get(t, "/docker/" A64);
	const struct container_ident *q = container_next_question(t, 5);

	CHECK(q && !strcmp(q->id, A64) && q->runtime == CONTAINER_DOCKER);
	CHECK(!container_next_question(t, 5));
	container_answer(t, A64, info("web"), false, 6);
	CHECK_STR(g->container->info->name.p, "web");
	CHECK(!container_next_question(t, UINT64_MAX - 1));
	/* one that nobody asked for changes nothing */
	container_answer(t, A64, info("evil"), false, 7);
	container_answer(t, "unknown", info("evil"), false, 7);
	CHECK_STR(g->container->info->name.p, "web");
	container_group_unref(t, g);
	container_table_free(t);
}

TEST(a_file_that_is_not_there_yet_is_asked_for_again_but_not_for_ever)
{
	struct container_table *t = new_table();
	struct container_group *g = get(t, "/docker/" A64);
	uint64_t now = MS;
	int asked = 0;

	for (; now < 120000 * MS; now += 5 * MS) {
		if (!container_next_question(t, now))
			continue;
		asked++;
		container_answer(t, A64, NULL, false, now);
		CHECK(!container_next_question(t, now));
	}
	CHECK_EQ(asked, 7);
	container_group_unref(t, g);
	container_table_free(t);
}

TEST(an_answer_that_says_later_is_no_try)
{
	struct container_table *t = new_table();
	struct container_group *g = get(t, "/docker/" A64);
	uint64_t now = MS;

	for (int i = 0; i < 20; i++, now += 1000 * MS) {
		CHECK(container_next_question(t, now));
		container_answer(t, A64, NULL, true, now);
	}
	CHECK(container_next_question(t, now));
	container_answer(t, A64, info("web"), false, now);
	CHECK(g->container->info);
	container_group_unref(t, g);
	container_table_free(t);
}

TEST(who_only_claims_an_id_gets_nothing_of_its_owner)
{
	struct container_table *t = new_table();
	struct container_group *owner = get(t, "/docker/" A64),
			       *claims[] = { get(t, "/lxc.payload.x/docker/" A64),
					     get(t, "/user.slice/user@1000.service/docker-" A64 ".scope"),
					     get(t, ".../docker/" A64) };

	CHECK(container_next_question(t, 1));
	CHECK(!container_next_question(t, UINT64_MAX - 1)); /* nobody asks for the others */
	container_answer(t, A64, info("web"), false, 2);
	CHECK(owner->container->info);
	for (size_t i = 0; i < countof(claims); i++) {
		CHECK_STR(claims[i]->ident.id, A64);
		CHECK(claims[i]->container != owner->container);
		CHECK(!claims[i]->container->info);
		container_group_unref(t, claims[i]);
	}
	container_group_unref(t, owner);
	container_table_free(t);
}

TEST(a_container_that_started_again_is_asked_about_again)
{
	struct container_table *t = new_table();
	struct container_group *g = get(t, "/docker/" A64), *named = get(t, "/system.slice/runc-web.scope");

	container_group_started(g, 100);
	CHECK_EQ(g->container->first_ns, 100);
	container_group_started(g, 50);
	CHECK_EQ(g->container->first_ns, 50);
	for (int i = 0; i < 2; i++) {
		const struct container_ident *q = container_next_question(t, 1);

		container_answer(t, q->id, info(q->id), false, 1);
	}
	CHECK(g->container->info && named->container->info);
	container_group_unref(t, g);
	container_group_unref(t, named);
	g = get(t, "/docker/" A64);
	named = get(t, "/system.slice/runc-web.scope");
	CHECK_EQ(g->container->first_ns, 0);
	CHECK(g->container->info);      /* the same container */
	CHECK(!named->container->info); /* a name may be anybody's by now */
	CHECK(container_next_question(t, 2) && container_next_question(t, 2) && !container_next_question(t, 2));
	container_group_unref(t, g);
	container_group_unref(t, named);
	container_table_free(t);
}

TEST(questions_that_are_out_have_a_limit)
{
	struct container_table *t = new_table();
	struct container_group *g[20];
	char path[128];

	for (uint32_t i = 0; i < countof(g); i++) {
		(void)snprintf(path, sizeof path, "/docker/%064x", i);
		g[i] = get(t, path);
	}
	for (int i = 0; i < CONTAINER_ASKED_MAX; i++)
		CHECK(container_next_question(t, 1));
	CHECK(!container_next_question(t, 1));
	container_answer(t, g[0]->ident.id, NULL, false, 1);
	CHECK(container_next_question(t, 1));
	for (uint32_t i = 0; i < countof(g); i++)
		container_group_unref(t, g[i]);
	container_table_free(t);
}

TEST(the_table_is_bounded_and_those_that_ended_make_room)
{
	struct container_table *t = new_table();
	struct container_group **g = calloc(CONTAINER_GROUPS_MAX, sizeof *g);
	struct container_stats st;
	char path[128];

	for (uint32_t i = 0; i < CONTAINER_GROUPS_MAX; i++) {
		(void)snprintf(path, sizeof path, "/docker/%064x", i);
		g[i] = get(t, path);
		CHECK_EQ(g[i]->container != NULL, i < CONTAINER_MAX);
		CHECK_EQ(g[i]->ident.runtime, CONTAINER_DOCKER); /* it has its id in any case */
	}
	CHECK(!container_group_get(t, "/one/more", 9));
	container_table_stats(t, &st);
	CHECK_EQ(st.refused, 1);
	CHECK_EQ(st.containers, CONTAINER_MAX);
	container_group_unref(t, g[7]);
	g[7] = get(t, "/docker/" A64);
	CHECK(g[7]->container != NULL);
	container_table_stats(t, &st);
	CHECK_EQ(st.containers, CONTAINER_MAX);
	for (uint32_t i = 0; i < CONTAINER_GROUPS_MAX; i++)
		container_group_unref(t, g[i]);
	free(g);
	container_table_free(t);
}

TEST(a_path_longer_than_is_kept_keeps_its_inner_part)
{
	struct container_table *t = new_table();
	char path[3 * CONTAINER_PATH_MAX];
	struct container_group *g;
	size_t at = 0;

	while (at < 2 * CONTAINER_PATH_MAX)
		at += (size_t)snprintf(path + at, sizeof path - at, "/x");
	(void)snprintf(path + at, sizeof path - at, "/docker/" A64);
	g = get(t, path);
	CHECK_STR(g->ident.id, A64);
	CHECK_EQ(g->ident.direct, false);
	CHECK(g->memory.len <= CONTAINER_PATH_MAX + 7);
	container_group_unref(t, g);
	container_table_free(t);
}
