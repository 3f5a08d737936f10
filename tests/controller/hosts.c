/* SPDX-License-Identifier: Apache-2.0 */
#include "hosts.h"

#include <dirent.h>

#include "../test.h"

static void short_plan(struct plan *p)
{
	static const uint32_t percent[PLAN_RINGS] = { 0, 10, 20, 35, 50, 70, 100 };

	for (uint32_t i = 0; i < PLAN_RINGS; i++) {
		p->ring[i].cutoff = i == PLAN_LAST ? UINT32_MAX : UINT32_MAX / 100 * percent[i];
		for (uint32_t lane = 0; lane < PLAN_N_LANES; lane++) {
			p->ring[i].soak_s[lane] = lane == PLAN_NORMAL ? 600 : 300;
			p->ring[i].ramp_s[lane] = 120;
		}
	}
	p->report_s = STEP_S;
	p->probation_s = 1200;
}

static enum controller_answer answer(void *user, const struct release *r)
{
	struct world *w = user;

	(void)r;
	w->asked++;
	return w->answer;
}

static void open_all(struct world *w)
{
	CHECK_OK(transport_open(w->url, true, &w->repo, &w->d));
	CHECK_OK(ledger_open(w->ledger, true, &w->l, &w->d));
	w->c.ledger = w->l;
	w->c.repo = w->repo;
}

static void make_host(struct world *w, uint32_t i)
{
	struct host *h = &w->host[i];
	char path[160], id[33];
	struct buf b;

	CHECK_OK(sign_new(&h->key));
	memset(h->h.agent, 0xa0, sizeof h->h.agent);
	h->h.agent[0] = (uint8_t)i;
	h->h.agent[1] = (uint8_t)(i >> 8);
	memcpy(h->h.key, h->key.pub.key, sizeof h->h.key);
	h->h.ring0 = i < w->n_ring0;
	(void)snprintf(h->h.kernel, sizeof h->h.kernel, "6.1.0");
	(void)snprintf(h->h.stratum, sizeof h->h.stratum, i % 2 ? "web" : "db");
	object_hex(h->h.agent, 16, id);
	buf_init(&b, SIGN_MAX_KEY_TEXT);
	CHECK_OK(sign_put_public(&h->key.pub, &b));
	(void)snprintf(path, sizeof path, "agent/%s.pub", id);
	CHECK_OK(transport_put(w->repo, path, view_of(b.p, b.len), true, &w->d));
	buf_done(&b);
}

void world_init(struct world *w, uint32_t hosts, uint32_t ring0, bool approve)
{
	AUTO_FREE struct trust *t = calloc(1, sizeof *t);
	struct signed_object root;

	memset(w, 0, sizeof *w);
	diag_init(&w->d);
	fleet_init(&w->fleet);
	short_plan(&w->fleet.root.plan);
	CHECK_OK(plan_check(&w->fleet.root.plan, &w->d));
	root = make_root(&w->fleet, &w->fleet.root, ROOTS);
	(void)snprintf(w->dir, sizeof w->dir, "%s/sallyport-controller-XXXXXX",
		       access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	CHECK(mkdtemp(w->dir));
	(void)snprintf(w->url, sizeof w->url, "dir://%s", w->dir);
	(void)snprintf(w->ledger, sizeof w->ledger, "%s/.ledger", w->dir);
	w->now_s = NOW;
	w->n_hosts = hosts;
	w->n_ring0 = ring0;
	w->answer = CONTROLLER_RUNNING;
	controller_init(&w->c, NULL, NULL);
	w->c.keys.promote = &w->fleet.key[K_PROMOTE];
	w->c.keys.timestamp = &w->fleet.key[K_TIMESTAMP];
	w->c.keys.revoke[0] = &w->fleet.key[K_REVOKE];
	w->c.keys.approve = approve ? &w->fleet.key[K_APPROVE] : NULL;
	w->c.reproduce = answer;
	w->c.user = w;
	open_all(w);
	CHECK_OK(controller_trust(w->l, w->repo, root.payload, root.signatures, t, w->now_s, &w->d));
	for (uint32_t i = 0; i < hosts; i++)
		make_host(w, i);
}

void world_restart(struct world *w)
{
	ledger_close(w->l);
	transport_close(w->repo);
	open_all(w);
}

void world_done(struct world *w)
{
	char cmd[128];

	ledger_close(w->l);
	transport_close(w->repo);
	(void)snprintf(cmd, sizeof cmd, "rm -rf %s", w->dir);
	CHECK_EQ(system(cmd), 0);
	fleet_done(&w->fleet);
}

enum err world_publish(struct world *w, uint8_t digest, const char *version, enum plan_lane lane,
		       const char *const *changed, uint32_t n_changed, struct release *out)
{
	struct controller_bundle b = { .lane = lane, .channel = "stable", .changed = changed, .n_changed = n_changed };

	memset(b.digest, digest, sizeof b.digest);
	(void)snprintf(b.version, sizeof b.version, "%s", version);
	return controller_publish(&w->c, &b, "ann", w->now_s, out, &w->d);
}

/* Plainly, without syncing: there are many. */
static void put_file(struct world *w, const char *name, const struct buf *b)
{
	char path[256], tmp[300];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", w->dir, name);
	(void)snprintf(tmp, sizeof tmp, "%s/.put-test", w->dir);
	f = fopen(tmp, "w");
	CHECK(f && fwrite(b->p, 1, b->len, f) == b->len && fclose(f) == 0);
	CHECK_EQ(rename(tmp, path), 0);
}

void host_report(struct world *w, struct host *h)
{
	struct buf payload, signature;
	char name[80], id[33];

	h->h.seq++;
	h->h.time = w->now_s;
	buf_init(&payload, OBJECT_MAX_BYTES);
	buf_init(&signature, SIGN_BLOCK_MAX);
	CHECK_OK(object_write_health(&h->h, &payload, &w->d));
	CHECK_OK(sign_bytes(&h->key, view_of(payload.p, payload.len), "health", &signature, &w->d));
	object_hex(h->h.agent, 16, id);
	(void)snprintf(name, sizeof name, "health/%s.minisig", id);
	put_file(w, name, &signature);
	(void)snprintf(name, sizeof name, "health/%s", id);
	put_file(w, name, &payload);
	buf_done(&payload);
	buf_done(&signature);
}

static bool get(struct world *w, const char *name, char **out, size_t *len)
{
	struct diag d;

	diag_init(&d);
	return transport_get(w->repo, name, 1 << 20, out, len, &d) == E_OK;
}

static void take_promotion(struct world *w, const struct object_promotion *p)
{
	for (uint32_t i = 0; i < w->n_promotions; i++)
		if (!memcmp(w->promotion[i].release, p->release, 16)) {
			w->promotion[i] = *p;
			return;
		}
	CHECK(w->n_promotions < countof(w->promotion));
	w->promotion[w->n_promotions++] = *p;
}

/* What is new in the repository; numbers may have gaps. */
static void read_repo(struct world *w)
{
	for (uint64_t seq = w->read_seq + 1; seq < w->read_seq + 20; seq++) {
		AUTO_FREE char *bytes = NULL;
		struct object_promotion p;
		char name[64];
		size_t len;

		(void)snprintf(name, sizeof name, "promotion/1-%llu", (unsigned long long)seq);
		if (!get(w, name, &bytes, &len))
			continue;
		CHECK_OK(object_read_promotion(view_of(bytes, len), &p, &w->d));
		take_promotion(w, &p);
		w->read_seq = seq;
	}
	for (uint64_t seq = w->read_revoke + 1; seq < w->read_revoke + 20; seq++) {
		AUTO_FREE char *bytes = NULL;
		struct object_revoke v;
		char name[64];
		size_t len;

		(void)snprintf(name, sizeof name, "revoke/1-%llu", (unsigned long long)seq);
		if (!get(w, name, &bytes, &len))
			continue;
		CHECK_OK(object_read_revoke(view_of(bytes, len), &v, &w->d));
		memcpy(w->revoked[w->n_revoked++], v.digest[0], OBJECT_DIGEST_BYTES);
		w->read_revoke = seq;
	}
}

static bool is_revoked(const struct world *w, const uint8_t *digest)
{
	for (uint32_t i = 0; i < w->n_revoked; i++)
		if (!memcmp(w->revoked[i], digest, OBJECT_DIGEST_BYTES))
			return true;
	return false;
}

static bool is_open(const struct world *w, const struct host *h, const struct object_promotion *p)
{
	uint32_t bucket = plan_bucket(p->release, h->h.agent);

	if (p->ring == PLAN_BLESSED)
		return true;
	if (h->h.ring0)
		return true;
	return p->ring > 0 && plan_ring_of(&w->fleet.root.plan, bucket) <= p->ring && bucket < p->cutoff;
}

static void forget(struct host *h)
{
	memset(h->h.candidate, 0, sizeof h->h.candidate);
	h->h.phase = HEALTH_NONE;
}

static void take_content(struct world *w, struct host *h)
{
	for (uint32_t i = 0; i < w->n_promotions; i++) {
		const struct object_promotion *p = &w->promotion[i];
		bool struck = h->h.strike_cause && !memcmp(h->h.strike_digest, p->digest, 32);

		if (is_revoked(w, p->digest) || struck || !is_open(w, h, p) || !memcmp(h->h.lkg, p->digest, 32) ||
		    !memcmp(h->h.candidate, p->digest, 32))
			continue;
		memcpy(h->h.candidate, p->digest, 32);
		h->h.phase = HEALTH_PROBATION;
		h->armed_s = w->now_s;
		w->armed++;
	}
	if (is_revoked(w, h->h.candidate))
		forget(h);
	if (is_revoked(w, h->h.lkg))
		memset(h->h.lkg, 0, sizeof h->h.lkg);
}

static void live(struct world *w, struct host *h, uint32_t i)
{
	h->h.uptime_s += STEP_S;
	h->h.events += 10000 + i % 7;
	h->h.cpu_ns += 3000000 + (i * 37 % 11) * 1000;
	h->h.memory_bytes = (20u << 20) + (i * 31 % 13) * 10000;
	h->h.promotion_seq = w->read_seq;
	if (h->h.phase == HEALTH_PROBATION)
		for (uint32_t k = 0; k < h->h.n_rules; k++)
			h->h.rule[k].evaluated += 1000;
	if (h->h.phase == HEALTH_PROBATION && w->now_s >= h->armed_s + w->fleet.root.plan.probation_s) {
		memcpy(h->h.lkg, h->h.candidate, 32);
		forget(h);
	}
}

void hosts_step(struct world *w)
{
	static bool made;
	char path[128];

	(void)made;
	(void)snprintf(path, sizeof path, "mkdir -p %s/health", w->dir);
	if (w->now_s == NOW)
		CHECK_EQ(system(path), 0);
	read_repo(w);
	for (uint32_t i = 0; i < w->n_hosts; i++) {
		struct host *h = &w->host[i];

		take_content(w, h);
		live(w, h, i);
		if (w->harm)
			w->harm(w, h);
		if (!h->mute)
			host_report(w, h);
	}
}

void world_step(struct world *w)
{
	struct controller_report r;
	enum err err;

	hosts_step(w);
	w->now_s += STEP_S;
	diag_init(&w->d);
	err = controller_tick(&w->c, w->now_s, &r, &w->d);
	if (err != E_OK)
		print_message("# %s\n", w->d.text);
	CHECK_OK(err);
}

struct release world_release(struct world *w, const uint8_t id[16])
{
	static struct release all[LEDGER_MAX_RELEASES];
	uint32_t n = 0;

	CHECK_OK(ledger_releases(w->l, all, countof(all), &n, &w->d));
	for (uint32_t i = 0; i < n; i++)
		if (!memcmp(all[i].id, id, 16))
			return all[i];
	fail_msg("the release is not there");
	return all[0];
}

uint32_t world_until(struct world *w, const uint8_t id[16], enum release_state state, uint32_t max)
{
	for (uint32_t i = 1; i <= max; i++) {
		world_step(w);
		if (world_release(w, id).state == state)
			return i;
	}
	return 0;
}

/* The audit */

static void audit_evidence(struct world *w, const struct object_promotion *p, uint32_t before)
{
	AUTO_FREE struct gate_evidence *e = calloc(1, sizeof *e);
	AUTO_FREE char *bytes = NULL;
	uint8_t digest[OBJECT_DIGEST_BYTES];
	char name[96], hex[65];
	size_t len = 0;

	object_hex(p->evidence, 32, hex);
	(void)snprintf(name, sizeof name, "evidence/%s", hex);
	test_row = name;
	CHECK(get(w, name, &bytes, &len));
	object_digest(view_of(bytes, len), digest);
	CHECK(!memcmp(digest, p->evidence, sizeof digest));
	CHECK_OK(gate_read_evidence(view_of(bytes, len), e, &w->d));
	CHECK_OK(gate_check_evidence(e, &gate_default, &w->fleet.root.plan, p->digest, p->release, before, &w->d));
	test_row = NULL;
}

uint32_t world_audit(struct world *w)
{
	AUTO_FREE struct trust *t = calloc(1, sizeof *t);
	struct {
		uint8_t release[16];
		uint32_t ring;
	} seen[32];
	AUTO_FREE char *stamp = NULL, *stamp_sig = NULL;
	struct signed_object root = make_root(&w->fleet, &w->fleet.root, ROOTS);
	uint32_t n = 0, n_seen = 0;
	size_t len = 0, sig_len = 0;

	CHECK_OK(trust_init(t, root.payload, root.signatures, &w->d));
	CHECK(get(w, "timestamp", &stamp, &len) && get(w, "timestamp.minisig", &stamp_sig, &sig_len));
	CHECK_OK(trust_timestamp(t, view_of(stamp, len), view_of(stamp_sig, sig_len), &w->d));
	for (uint64_t seq = 1; seq <= t->timestamp.promotion_seq; seq++) {
		AUTO_FREE char *bytes = NULL, *sig = NULL;
		struct object_promotion p;
		uint32_t k = 0;
		char name[64];

		(void)snprintf(name, sizeof name, "promotion/1-%llu", (unsigned long long)seq);
		if (!get(w, name, &bytes, &len))
			continue;
		(void)snprintf(name, sizeof name, "promotion/1-%llu.minisig", (unsigned long long)seq);
		CHECK(get(w, name, &sig, &sig_len));
		if (trust_promotion(t, view_of(bytes, len), view_of(sig, sig_len), w->now_s, &p, &w->d) != E_OK)
			print_message("# %s: %s\n", name, w->d.text);
		CHECK_EQ(t->promotion_seq, seq);
		CHECK_OK(object_read_promotion(view_of(bytes, len), &p, &w->d));
		n++;
		if (p.rollback)
			continue;
		while (k < n_seen && memcmp(seen[k].release, p.release, 16) != 0)
			k++;
		if (k == n_seen) {
			CHECK_EQ(p.ring, 0);
			memcpy(seen[n_seen].release, p.release, 16);
			seen[n_seen++].ring = 0;
		} else if (p.ring != seen[k].ring) {
			CHECK_EQ(p.ring, seen[k].ring + 1);
			audit_evidence(w, &p, seen[k].ring);
			seen[k].ring = p.ring;
		} else if (p.ring) {
			audit_evidence(w, &p, p.ring - 1);
		}
	}
	return n;
}
