/* SPDX-License-Identifier: Apache-2.0 */
/* support_state: the state directory for who helps: two slots as they are and in words, names of content. */
#include "cli/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "release/local/local.h"

enum { HEX = 2 * OBJECT_DIGEST_BYTES + 1, MAX_CONTENT = 1000 };

static void put_digest(struct buf *out, const char *what, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	static const uint8_t zero[OBJECT_DIGEST_BYTES];
	char hex[HEX];

	object_hex(digest, OBJECT_DIGEST_BYTES, hex);
	buf_printf(out, "  %-14s %s\n", what, memcmp(digest, zero, sizeof zero) ? hex : "-");
}

static void put_u64(struct buf *out, const char *what, uint64_t v)
{
	buf_printf(out, "  %-14s %" PRIu64 "\n", what, v);
}

static void put_lane(struct buf *out, const char *name, const struct local_lane_state *l)
{
	buf_printf(out, "%s\n", name);
	put_digest(out, "last good", l->lkg);
	put_digest(out, "the one before", l->lkg1);
	put_digest(out, "candidate", l->candidate);
	put_u64(out, "phase", l->phase);
	put_u64(out, "level", l->level);
	put_u64(out, "in phase s", l->in_phase_s);
	put_u64(out, "restarts", l->clean_restarts);
	put_u64(out, "deaths", l->deaths);
	put_u64(out, "quiet s", l->quiet_s);
	put_u64(out, "sequence", l->release_seq);
	put_u64(out, "down s", l->down_s);
	put_u64(out, "retry s", l->retry_s);
}

static void put_quarantine(struct buf *out, const struct local_quarantine *q)
{
	put_digest(out, "quarantined", q->digest);
	put_u64(out, "  cause", q->cause);
	put_u64(out, "  signal", q->signal);
	put_u64(out, "  time", q->time_s);
	buf_puts(out, "    rule         ");
	buf_put_safe(out, q->rule, strnlen(q->rule, sizeof q->rule));
	buf_putc(out, '\n');
}

static void put_words(struct buf *out, const char *name, const struct local_state *s)
{
	buf_printf(out, "%s: generation %" PRIu64 "\nhost\n", name, s->generation);
	put_u64(out, "dirty", s->dirty);
	put_u64(out, "level", local_level(s));
	put_u64(out, "SAFE by hand", s->safe_by_hand);
	put_u64(out, "hooks", s->hooks);
	put_u64(out, "hooks barred", s->hooks_barred);
	put_u64(out, "boot strikes", s->boot_strikes);
	put_u64(out, "agent deaths", s->agent_deaths);
	put_u64(out, "any deaths", s->any_deaths);
	put_u64(out, "calm s", s->calm_s);
	put_u64(out, "strikes", s->strikes);
	put_u64(out, "unclean boots", s->unclean_boots);
	put_u64(out, "worker deaths", s->worker_deaths);
	put_u64(out, "blind ms", s->blind_ms);
	put_lane(out, "release", &s->lane[LOCAL_RELEASE]);
	put_lane(out, "owner", &s->lane[LOCAL_OWNER]);
	for (uint32_t i = 0; i < s->n_quarantine; i++)
		put_quarantine(out, &s->quarantine[i]);
}

static void put_slot(struct support *s, const char *dir, const char *name, struct buf *words)
{
	char path[CONFIG_MAX_PATH + 16], in_tar[32];
	AUTO_FREE char *bytes = NULL;
	struct local_state state;
	struct diag d;
	size_t len;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	(void)snprintf(in_tar, sizeof in_tar, "state/%s", name);
	support_put_file(s, in_tar, path, LOCAL_SLOT_BYTES);
	diag_init(&d);
	if (io_read_file(path, LOCAL_SLOT_BYTES, &bytes, &len, &d) == E_OK &&
	    local_read(view_of(bytes, len), &state, &d) == E_OK)
		put_words(words, name, &state);
	else
		buf_printf(words, "%s: %s\n", name, d.text);
}

static bool is_digest(const char *name)
{
	return strlen(name) == HEX - 1 && strspn(name, "0123456789abcdef") == HEX - 1;
}

static void put_content(struct support *s, const char *dir)
{
	char path[CONFIG_MAX_PATH + 16];
	struct buf list;
	struct dirent *e;
	uint32_t n = 0;
	DIR *open_dir;

	(void)snprintf(path, sizeof path, "%s/content", dir);
	open_dir = opendir(path);
	if (!open_dir) {
		support_left_out(s, "state/content.txt", errno == ENOENT ? "none was ever stored" : strerror(errno));
		return;
	}
	buf_init(&list, SUPPORT_MAX_PART);
	while (n < MAX_CONTENT && (e = readdir(open_dir))) {
		struct stat st;

		if (!is_digest(e->d_name) || fstatat(dirfd(open_dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		buf_printf(&list, "%s %lld\n", e->d_name, (long long)st.st_size);
		n++;
	}
	(void)closedir(open_dir);
	support_put(s, "state/content.txt", &list);
}

void support_put_state(struct support *s, const char *dir)
{
	struct buf words;

	buf_init(&words, SUPPORT_MAX_PART);
	put_slot(s, dir, "state.0", &words);
	put_slot(s, dir, "state.1", &words);
	support_put(s, "state/state.txt", &words);
	put_content(s, dir);
	support_left_out(s, "state/blob.*", "keys and what is known of releases never go out");
}
