/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate: random programs, judged by kverify and by the running kernel.
 *
 * Programs come from seeds (lines on standard input) and from pieces; what flips the kernel's verdict by a small change
 * is kept and changed further, so that the search stays at the border. Each way of disagreeing (our diagnostic, the
 * kernel's words) is shrunk once or twice and written down as a line that `show` takes. What comes out:
 *
 *   total N judged N accepted N rejected N same N false_accepts N false_rejects N unsupported N bugs N steps N
 * same_steps N ms N reason DIAG COUNT LINE     both reject: how often, with a line of the kernel found KIND COUNT DIAG
 * FILE OURS | KERNEL
 */
#include "judge.h"

#include <ctype.h>
#include <unistd.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

#include "gene.h"

enum {
	POOL = 4096,
	KEYS = 4096,
	SHRINKS = 4000,
	FEW = 2,
	PATTERN = 96,
	MAX_SHRUNK = 200,
	SHRINK_MS = 4000,
	LONG_STEPS = 4000
};

enum kind { FALSE_ACCEPT, FALSE_REJECT, UNSUPPORTED, BUG, STEPS, N_KINDS };
static const char *const kind_names[N_KINDS] = { "false-accept", "false-reject", "unsupported", "bug", "steps" };

/* A way of disagreeing, or of both rejecting. */
struct key {
	uint64_t hash;
	int kind; /* -1: both reject */
	uint64_t count;
	uint32_t shrunk;
	char id[12], ours[AGREE_LINE], kernel[AGREE_LINE];
	char file[128];
};

struct tally {
	uint64_t total, judged, accepted, same, steps, same_steps, kinds[N_KINDS];
};

struct search {
	struct judge *j;
	const struct kernel_profile *k;
	struct gene_rng rng;
	struct gene *pool;
	uint32_t n_pool, n_seeds, n_files;
	struct key *keys;
	uint32_t n_keys;
	struct tally t;
	uint32_t n_shrunk;
	uint64_t want;     /* of the key that is being shrunk, */
	uint64_t until_ms; /* and how long */
};

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A line without its numbers. */
static void pattern(const char *line, char out[PATTERN])
{
	size_t n = 0;

	for (size_t i = 0; line[i] && n + 1 < PATTERN; i++) {
		bool digit =
			isxdigit((unsigned char)line[i]) && i && (isdigit((unsigned char)line[i]) || out[n - 1] == '#');

		if (digit && n && out[n - 1] == '#')
			continue;
		out[n++] = digit ? '#' : line[i];
	}
	out[n] = 0;
}

static uint64_t mix(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3;
	return h;
}

struct pair {
	struct agree_result ours, kernel;
};

/* -1: no disagreement. */
static int kind_of(const struct pair *p)
{
	if (p->ours.verdict == AGREE_UNSUPPORTED)
		return UNSUPPORTED;
	if (p->ours.verdict == AGREE_BUG)
		return BUG;
	if (p->ours.verdict != p->kernel.verdict)
		return p->ours.verdict == AGREE_ACCEPT ? FALSE_ACCEPT : FALSE_REJECT;
	if (p->ours.verdict == AGREE_ACCEPT && p->ours.steps != p->kernel.steps)
		return STEPS;
	return -1;
}

static uint64_t hash_of(int kind, const struct pair *p)
{
	char text[PATTERN] = "";

	if (kind == UNSUPPORTED || kind == BUG)
		pattern(p->ours.line, text);
	else if (p->kernel.verdict == AGREE_REJECT)
		pattern(p->kernel.line, text);
	return mix(mix(0xcbf29ce484222325 + (uint64_t)(kind + 1), p->ours.id), text);
}

static bool judge_gene(struct search *s, const struct gene *g, struct pair *p)
{
	struct agree_program ap;

	gene_program(g, "generated", &ap);
	agree_load(s->j->kernel, &ap, 4, &p->kernel, NULL);
	if (p->kernel.verdict == AGREE_ENV)
		return false;
	agree_judge(&s->j->ours, s->k, &ap, &p->ours);
	return true;
}

static struct key *key_of(struct search *s, int kind, const struct pair *p)
{
	uint64_t h = hash_of(kind, p);
	struct key *k;

	for (uint32_t i = 0; i < s->n_keys; i++)
		if (s->keys[i].hash == h)
			return &s->keys[i];
	if (s->n_keys == KEYS)
		return NULL;
	k = &s->keys[s->n_keys++];
	*k = (struct key){ .hash = h, .kind = kind };
	(void)snprintf(k->id, sizeof k->id, "%s", p->ours.id);
	(void)snprintf(k->ours, sizeof k->ours, "%s", p->ours.line);
	(void)snprintf(k->kernel, sizeof k->kernel, "%s", p->kernel.line);
	return k;
}

static bool still_disagrees(void *user, const struct gene *g)
{
	struct search *s = user;
	struct pair p;
	int kind;

	if (now_ms() > s->until_ms || !judge_gene(s, g, &p))
		return false;
	kind = kind_of(&p);
	return kind >= 0 && hash_of(kind, &p) == s->want;
}

static void write_down(struct search *s, struct key *k, const struct gene *g)
{
	struct agree_program ap;
	char name[64], path[512];
	struct buf text;
	FILE *f;

	(void)snprintf(name, sizeof name, "%s-%" PRIx64 "-%u", kind_names[k->kind], s->j->seed, s->n_files++);
	(void)snprintf(path, sizeof path, "%s/%s", s->j->out, name);
	gene_program(g, name, &ap);
	buf_init(&text, 1 << 20);
	agree_print(&ap, &text);
	f = fopen(path, "w");
	if (f) {
		(void)fprintf(f, "%s\n", text.p);
		(void)fclose(f);
		(void)snprintf(k->file, sizeof k->file, "%s", name);
	}
	buf_done(&text);
}

static void disagree(struct search *s, const struct gene *g, int kind, const struct pair *p)
{
	struct key *k = key_of(s, kind, p);
	uint32_t few = kind == UNSUPPORTED || kind == STEPS ? 1 : FEW;

	if (!k)
		return;
	k->count++;
	if (kind == STEPS)
		few = 12;
	if (k->shrunk >= few || !s->j->out || s->n_shrunk >= MAX_SHRUNK)
		return;
	struct gene small = *g;

	k->shrunk++;
	s->n_shrunk++;
	s->want = k->hash;
	s->until_ms = now_ms() + SHRINK_MS;
	gene_shrink(&small, still_disagrees, s, SHRINKS);
	write_down(s, k, &small);
	struct pair last;

	if (judge_gene(s, &small, &last)) {
		(void)snprintf(k->ours, sizeof k->ours, "%s", last.ours.line);
		(void)snprintf(k->kernel, sizeof k->kernel, "%s", last.kernel.line);
	}
}

static void count(struct search *s, const struct gene *g, const struct pair *p)
{
	int kind = kind_of(p);

	s->t.judged++;
	s->t.accepted += p->kernel.verdict == AGREE_ACCEPT;
	if (p->ours.verdict == p->kernel.verdict) {
		s->t.same++;
		if (p->ours.verdict == AGREE_ACCEPT) {
			s->t.steps++;
			s->t.same_steps += p->ours.steps == p->kernel.steps;
		}
	}
	if (kind >= 0) {
		s->t.kinds[kind]++;
		disagree(s, g, kind, p);
	} else if (p->kernel.verdict == AGREE_REJECT) {
		struct key *k = key_of(s, -1, p);

		if (k)
			k->count++;
	}
}

static void keep(struct search *s, const struct gene *g)
{
	if (s->n_pool < POOL)
		s->pool[s->n_pool++] = *g;
	else
		s->pool[s->n_seeds / 2 + gene_below(&s->rng, POOL - s->n_seeds / 2)] = *g;
}

/* As often one that the kernel accepts as one that it does not: those are fewer, as each change may spoil one. */
static const struct gene *parent_of(struct search *s)
{
	const struct gene *g = NULL;

	for (int i = 0; i < 6 && s->n_pool; i++) {
		g = &s->pool[gene_below(&s->rng, s->n_pool)];
		if (g->accepted)
			break;
	}
	return g;
}

static void one(struct search *s)
{
	struct gene g;
	const struct gene *parent = NULL;
	struct pair p;

	if (gene_below(&s->rng, 10) < 7)
		parent = parent_of(s);
	if (parent) {
		g = *parent;
		gene_mutate(&g, &s->pool[gene_below(&s->rng, s->n_pool)], &s->rng);
	} else {
		gene_fresh(&g, &s->rng);
	}
	s->t.total++;
	if (!judge_gene(s, &g, &p))
		return;
	g.accepted = p.kernel.verdict == AGREE_ACCEPT;
	count(s, &g, &p);
	/* Long ones take the time of thousands of others. */
	if (p.kernel.steps > LONG_STEPS)
		return;
	if (parent ? parent->accepted != g.accepted : g.accepted && !gene_below(&s->rng, 4))
		keep(s, &g);
}

/* Programs on standard input, unless that is a terminal. Their bytes live in the judge's arena. */
static void read_seeds(struct search *s)
{
	AUTO_FREE char *line = NULL;
	size_t cap = 0;

	while (!isatty(0) && getline(&line, &cap, stdin) > 0 && s->n_pool < POOL / 2) {
		struct agree_program p;
		struct diag d;
		struct pair pair;

		diag_init(&d);
		if (agree_parse(line, &s->j->arena, &p, &d) || !gene_from(&s->pool[s->n_pool], &p))
			continue;
		if (!judge_gene(s, &s->pool[s->n_pool], &pair))
			continue;
		s->pool[s->n_pool].accepted = pair.kernel.verdict == AGREE_ACCEPT;
		s->n_pool++;
	}
	s->n_seeds = s->n_pool;
}

static int by_count(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

static void report(struct search *s, uint64_t ms)
{
	struct tally *t = &s->t;

	printf("total\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
	       "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
	       t->total, t->judged, t->accepted, t->same, t->kinds[FALSE_ACCEPT], t->kinds[FALSE_REJECT],
	       t->kinds[UNSUPPORTED], t->kinds[BUG], t->steps, t->same_steps, ms);
	qsort(s->keys, s->n_keys, sizeof *s->keys, by_count);
	for (uint32_t i = 0; i < s->n_keys; i++) {
		const struct key *k = &s->keys[i];

		if (k->kind < 0)
			printf("reason\t%s\t%" PRIu64 "\t%s\n", k->id, k->count, k->kernel);
		else
			printf("found\t%s\t%" PRIu64 "\t%s\t%s\t%s\t%s\n", kind_names[k->kind], k->count, k->id,
			       k->file, k->ours, k->kernel);
	}
}

int judge_generate(struct judge *j)
{
	struct search s = { .j = j, .rng = { j->seed * 0x9e3779b97f4a7c15 } };
	uint64_t begin, shown;

	j->ours.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF);
	s.k = j->n_kernels ? j->kernels[0] : kernel_profile_for(agree_host_release());
	if (!j->kernel)
		j->kernel = agree_kernel_new(j->ours.kernel_types);
	s.pool = calloc(POOL, sizeof *s.pool);
	s.keys = calloc(KEYS, sizeof *s.keys);
	if (!s.k || !j->kernel || !s.pool || !s.keys || (j->out && mkdir(j->out, 0777) && errno != EEXIST)) {
		(void)fprintf(stderr, "kjudge: generate: %s\n", s.k ? strerror(errno) : "no such kernel");
		free(s.pool);
		free(s.keys);
		return 2;
	}
	read_seeds(&s);
	begin = shown = now_ms();
	while ((j->count && s.t.judged < j->count) || (!j->count && now_ms() - begin < (uint64_t)j->seconds * 1000)) {
		one(&s);
		if (isatty(2) && now_ms() - shown > 1000) {
			shown = now_ms();
			(void)fprintf(stderr, "\r%" PRIu64 " programs, %" PRIu64 " disagree, %" PRIu64 "/s ",
				      s.t.judged, s.t.judged - s.t.same, s.t.judged * 1000 / (shown - begin));
		}
		if (s.t.total > 1000 && !s.t.judged)
			break; /* this kernel judges nothing */
	}
	report(&s, now_ms() - begin);
	free(s.pool);
	free(s.keys);
	return 0;
}
