/* SPDX-License-Identifier: Apache-2.0 */
/* table: control groups that processes are in, their containers, and what is to be asked about them. */
#include "sensor/container/container.h"

enum { TRIES_MAX = 7, AGAIN_NS = 100000000 };

struct container_table {
	struct htab by_path, by_id;
	struct list ended; /* containers without a group, ended longest ago first */
	struct list line;  /* to be asked about, and not waiting for an answer */
	uint32_t n_groups, n_containers, n_waiting;
	uint64_t due_ns; /* nothing in the line is due before */
	uint64_t seed;
	uint64_t refused;
	size_t info_bytes;
};

FALLIBLE container_table_new(struct container_table **out)
{
	struct container_table *t = calloc(1, sizeof *t);

	if (!t)
		return E_NOMEM;
	list_init(&t->ended);
	list_init(&t->line);
	t->seed = hash_u64((uintptr_t)t);
	if (htab_init(&t->by_path, CONTAINER_GROUPS_MAX / 4) || htab_init(&t->by_id, CONTAINER_MAX)) {
		htab_done(&t->by_path);
		free(t);
		return E_NOMEM;
	}
	*out = t;
	return E_OK;
}

static void set_info(struct container_table *t, struct container *c, struct container_info *info)
{
	t->info_bytes -= c->info ? c->info->bytes : 0;
	container_info_free(c->info);
	t->info_bytes += info ? info->bytes : 0;
	c->info = info;
}

static void discard(struct container_table *t, struct container *c)
{
	set_info(t, c, NULL);
	htab_del(&t->by_id, &c->by_id);
	list_del(&c->lru);
	list_del(&c->asked);
	t->n_containers--;
	free(c);
}

/* The one that ended longest ago goes. False: none has ended, or all who did are asked about just now. */
static bool evict(struct container_table *t)
{
	LIST_FOR (l, &t->ended) {
		struct container *c = CONTAINER_OF(l, struct container, lru);

		if (c->waiting)
			continue;
		discard(t, c);
		return true;
	}
	return false;
}

void container_table_free(struct container_table *t)
{
	if (!t)
		return;
	assert(!t->n_groups && "every group was given back");
	while (!list_empty(&t->ended))
		discard(t, CONTAINER_OF(t->ended.next, struct container, lru));
	htab_done(&t->by_path);
	htab_done(&t->by_id);
	free(t);
}

static uint64_t hash_id(const struct container_table *t, const char *id)
{
	return hash_bytes(id, strlen(id), t->seed);
}

/* One that only claims an id is not the one that has it. */
static struct container *find(const struct container_table *t, const char *id, bool direct)
{
	for (struct hnode *n = htab_first(&t->by_id, hash_id(t, id)); n; n = htab_next(n)) {
		struct container *c = CONTAINER_OF(n, struct container, by_id);

		if (c->ident.direct == direct && !strcmp(c->ident.id, id))
			return c;
	}
	return NULL;
}

/* lxc and systemd-nspawn: there is no file in JSON. */
static bool has_files(const struct container_ident *id)
{
	return id->direct && id->runtime != CONTAINER_LXC && id->runtime != CONTAINER_NSPAWN;
}

static void queue(struct container_table *t, struct container *c, uint64_t ask_ns)
{
	c->ask_ns = ask_ns;
	list_del(&c->asked);
	if (ask_ns == UINT64_MAX)
		return;
	list_add(&t->line, &c->asked);
	t->due_ns = ask_ns < t->due_ns ? ask_ns : t->due_ns;
}

static struct container *make(struct container_table *t, const struct container_ident *ident)
{
	struct container *c;

	if (t->n_containers == CONTAINER_MAX && !evict(t))
		return NULL;
	c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->ident = *ident;
	list_init(&c->lru);
	list_init(&c->asked);
	htab_add(&t->by_id, &c->by_id, hash_id(t, ident->id));
	t->n_containers++;
	queue(t, c, has_files(ident) ? 0 : UINT64_MAX);
	return c;
}

/* It ended, and has processes again. What was known of it may not hold any more; of a name it does not. */
static void revive(struct container_table *t, struct container *c, const struct container_ident *ident)
{
	list_del(&c->lru);
	if (!c->ident.hex)
		set_info(t, c, NULL);
	c->ident = *ident;
	c->first_ns = 0;
	c->tries = 0;
	if (!c->waiting && has_files(ident))
		queue(t, c, 0);
}

static struct container *enter(struct container_table *t, const struct container_ident *ident)
{
	struct container *c;

	if (ident->runtime == CONTAINER_HOST)
		return NULL;
	c = find(t, ident->id, ident->direct);
	if (!c)
		c = make(t, ident);
	else if (!c->groups)
		revive(t, c, ident);
	if (c)
		c->groups++;
	return c;
}

static void leave(struct container_table *t, struct container *c)
{
	if (c && --c->groups == 0)
		list_add(&t->ended, &c->lru);
}

static struct container_str put(char **at, const char *key, const char *path, size_t len)
{
	size_t n = strlen(key);
	struct container_str s = { *at, (uint32_t)(n + len) };

	memcpy(*at, key, n);
	memcpy(*at + n, path, len);
	(*at)[n + len] = 0;
	*at += n + len + 1;
	return s;
}

static struct container_group *group_new(struct container_table *t, const char *path, size_t len, uint64_t hash)
{
	static const char memory[] = "memory=", standard[] = "default=";
	struct container_group *g = NULL;
	char *at;

	if (t->n_groups < CONTAINER_GROUPS_MAX)
		g = calloc(1, sizeof *g + 2 * len + sizeof memory + sizeof standard);
	if (!g) {
		t->refused++;
		return NULL;
	}
	at = g->text;
	g->refs = 1;
	g->memory = put(&at, memory, path, len);
	g->standard = put(&at, standard, path, len);
	container_identify(path, len, &g->ident);
	g->container = enter(t, &g->ident);
	htab_add(&t->by_path, &g->by_path, hash);
	t->n_groups++;
	return g;
}

static struct container_str path_of(const struct container_group *g)
{
	static const uint32_t key = sizeof "memory=" - 1;

	return (struct container_str){ g->memory.p + key, g->memory.len - key };
}

struct container_group *container_group_get(struct container_table *t, const char *path, size_t len)
{
	uint64_t hash;

	if (len > CONTAINER_PATH_MAX) { /* the inner part: without the slash in front it vouches for nothing */
		path += len - CONTAINER_PATH_MAX;
		len = CONTAINER_PATH_MAX;
		if (*path == '/') {
			path++;
			len--;
		}
	}
	hash = hash_bytes(path, len, t->seed);
	for (struct hnode *n = htab_first(&t->by_path, hash); n; n = htab_next(n)) {
		struct container_group *g = CONTAINER_OF(n, struct container_group, by_path);
		struct container_str has = path_of(g);

		if (has.len == len && !memcmp(has.p, path, len))
			return container_group_ref(g);
	}
	return group_new(t, path, len, hash);
}

struct container_group *container_group_ref(struct container_group *g)
{
	if (g)
		g->refs++;
	return g;
}

void container_group_unref(struct container_table *t, struct container_group *g)
{
	if (!g || --g->refs)
		return;
	leave(t, g->container);
	htab_del(&t->by_path, &g->by_path);
	t->n_groups--;
	free(g);
}

void container_group_started(struct container_group *g, uint64_t start_ns)
{
	struct container *c = g ? g->container : NULL;

	if (c && (!c->first_ns || start_ns < c->first_ns))
		c->first_ns = start_ns;
}

const struct container_ident *container_next_question(struct container_table *t, uint64_t now_ns)
{
	uint64_t due = UINT64_MAX;

	if (t->n_waiting == CONTAINER_ASKED_MAX || now_ns < t->due_ns)
		return NULL;
	LIST_FOR (l, &t->line) {
		struct container *c = CONTAINER_OF(l, struct container, asked);

		if (c->ask_ns <= now_ns) {
			list_del(&c->asked);
			c->waiting = true;
			t->n_waiting++;
			return &c->ident;
		}
		due = c->ask_ns < due ? c->ask_ns : due;
	}
	t->due_ns = due;
	return NULL;
}

uint64_t container_due_ns(const struct container_table *t)
{
	return t->n_waiting == CONTAINER_ASKED_MAX ? UINT64_MAX : t->due_ns;
}

/* Until the next try; UINT64_MAX: there is none. */
static uint64_t patience(uint32_t tries)
{
	static const uint64_t ms[TRIES_MAX] = { 0, 5, 20, 100, 500, 2000, 10000 };

	return tries < TRIES_MAX ? ms[tries] * 1000000 : UINT64_MAX;
}

/* Room for that many bytes: those that ended lose theirs first. */
static bool make_room(struct container_table *t, size_t bytes)
{
	LIST_FOR (l, &t->ended) {
		if (t->info_bytes + bytes <= CONTAINER_INFO_ALL)
			break;
		set_info(t, CONTAINER_OF(l, struct container, lru), NULL);
	}
	return t->info_bytes + bytes <= CONTAINER_INFO_ALL;
}

void container_answer(struct container_table *t, const char *id, struct container_info *info, bool again,
		      uint64_t now_ns)
{
	struct container *c = find(t, id, true);
	uint64_t wait;

	if (!c || !c->waiting) {
		container_info_free(info);
		return;
	}
	c->waiting = false;
	t->n_waiting--;
	if (info && make_room(t, info->bytes)) {
		set_info(t, c, info);
		c->ask_ns = UINT64_MAX;
		return;
	}
	container_info_free(info);
	c->tries += !again;
	wait = again ? AGAIN_NS : patience(c->tries);
	queue(t, c, wait == UINT64_MAX ? wait : now_ns + wait);
}

void container_table_stats(const struct container_table *t, struct container_stats *out)
{
	*out = (struct container_stats){
		.groups = t->n_groups, .containers = t->n_containers, .refused = t->refused, .info_bytes = t->info_bytes
	};
}
