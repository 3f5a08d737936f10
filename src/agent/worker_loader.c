/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_loader: the thread that judges new rules beside the one that judges events.
 *
 * Compiling and verifying take as long as they take; a ring does not wait. The two threads share nothing while it
 * works: it owns the files and the content that it makes, until it has said that it is done.
 */
#include "agent/confine.h"
#include "agent/worker.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

enum { LOADER_NICE = 10, STACK_BYTES = 8 << 20, WARM_BLOCKS = 16, WARM_BYTES = 100 << 10 };

enum loader_state { IDLE, WORKING, DONE };

struct worker_loader {
	struct worker *w; /* only what never changes after the start */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int fd;
	bool ready;
	enum loader_state state;
	struct worker_file *files;
	uint32_t n_files;
	struct content_set *set, *garbage;
	int code;
	/* of an exercise: NULL, or what it is about; beside the loading, which comes first */
	const struct content_set *exercise;
	bool exercised;      /* its results wait to be taken */
	uint64_t *evaluated; /* by rule */
	struct vector_result result;
};

static void free_files(struct worker_loader *l)
{
	for (uint32_t i = 0; i < l->n_files; i++)
		free(l->files[i].text);
	l->n_files = 0;
}

/* With the lock held, which is let go while it works. */
static void work(struct worker_loader *l)
{
	struct content_set *set = NULL;
	uint64_t one = 1;
	int code;

	(void)pthread_mutex_unlock(&l->lock);
	code = worker_load(l->w, l->files, l->n_files, &set);
	free_files(l);
	(void)pthread_mutex_lock(&l->lock);
	l->set = set;
	l->code = code;
	l->state = DONE;
	(void)!write(l->fd, &one, sizeof one);
}

/* The same: the set in force is freed by this thread only, so it stays for as long as this takes. */
static void exercise(struct worker_loader *l)
{
	const struct content_set *set = l->exercise;
	struct vector_result r = { 0 };
	uint64_t one = 1;
	struct diag d;
	enum err err;

	(void)pthread_mutex_unlock(&l->lock);
	diag_init(&d);
	free(l->evaluated);
	l->evaluated = calloc(set->n_rules + 1, sizeof *l->evaluated);
	err = l->evaluated ? worker_vectors(set, NULL, l->evaluated, &r, &d) : E_NOMEM;
	if (err != E_OK && !r.failed)
		r.failed = 1;
	if (err != E_OK)
		log_error("vectors of the content in force fail: %s", d.text[0] ? d.text : err_text(err));
	(void)pthread_mutex_lock(&l->lock);
	l->result = r;
	l->exercised = true;
	(void)!write(l->fd, &one, sizeof one);
}

/*
 * This thread's heap is set up before the list of system calls is. It is also shrunk once: the first time that glibc
 * does so it opens /proc/sys/vm/overcommit_memory (malloc/arena.c:shrink_heap), which would end the worker later.
 */
static void warm_heap(void)
{
	void *volatile blocks[WARM_BLOCKS];

	for (uint32_t i = 0; i < WARM_BLOCKS; i++)
		blocks[i] = malloc(WARM_BYTES);
	for (uint32_t i = 0; i < WARM_BLOCKS; i++)
		free(blocks[i]);
}

static void *loop(void *user)
{
	struct worker_loader *l = user;

	warm_heap();
	/* Nice is a thread's own in Linux. Judging events comes first. */
	(void)setpriority(PRIO_PROCESS, 0, LOADER_NICE);
	(void)pthread_mutex_lock(&l->lock);
	l->ready = true;
	(void)pthread_cond_broadcast(&l->wake);
	for (;;) {
		struct content_set *old = l->garbage;

		l->garbage = NULL;
		if (old) {
			(void)pthread_mutex_unlock(&l->lock);
			content_set_free(old);
			(void)pthread_mutex_lock(&l->lock);
		} else if (l->state == WORKING) {
			work(l);
		} else if (l->exercise && !l->exercised) {
			exercise(l);
		} else {
			(void)pthread_cond_wait(&l->wake, &l->lock);
		}
	}
	return NULL;
}

static FALLIBLE start(struct worker_loader *l)
{
	TRY(confine_thread(loop, l, STACK_BYTES));
	(void)pthread_mutex_lock(&l->lock);
	while (!l->ready)
		(void)pthread_cond_wait(&l->wake, &l->lock);
	(void)pthread_mutex_unlock(&l->lock);
	return E_OK;
}

FALLIBLE worker_loader_new(struct worker *w)
{
	struct worker_loader *l = calloc(1, sizeof *l);

	if (!l)
		return E_NOMEM;
	*l = (struct worker_loader){ .w = w, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	l->files = calloc(CONTROL_MAX_FILES, sizeof *l->files);
	if (l->fd < 0 || !l->files || pthread_mutex_init(&l->lock, NULL) || pthread_cond_init(&l->wake, NULL))
		return E_NOMEM;
	w->loader = l;
	return start(l);
}

int worker_loader_fd(const struct worker_loader *l)
{
	return l->fd;
}

bool worker_loader_busy(struct worker_loader *l)
{
	bool busy;

	(void)pthread_mutex_lock(&l->lock);
	busy = l->state != IDLE;
	(void)pthread_mutex_unlock(&l->lock);
	return busy;
}

FALLIBLE worker_loader_begin(struct worker *w)
{
	struct worker_loader *l = w->loader;

	if (worker_loader_busy(l))
		return E_EXISTS;
	(void)pthread_mutex_lock(&l->lock);
	memcpy(l->files, w->files, w->n_files * sizeof *w->files);
	l->n_files = w->n_files;
	w->n_files = 0;
	l->state = WORKING;
	(void)pthread_cond_broadcast(&l->wake);
	(void)pthread_mutex_unlock(&l->lock);
	return E_OK;
}

int worker_loader_end(struct worker_loader *l, struct content_set **out)
{
	int code;

	(void)pthread_mutex_lock(&l->lock);
	assert(l->state == DONE && "its descriptor said so");
	code = l->code;
	*out = l->set;
	l->set = NULL;
	l->state = IDLE;
	(void)pthread_mutex_unlock(&l->lock);
	return code;
}

void worker_loader_exercise(struct worker *w)
{
	struct worker_loader *l = w->loader;

	(void)pthread_mutex_lock(&l->lock);
	if (!l->exercise) {
		l->exercise = w->set;
		(void)pthread_cond_broadcast(&l->wake);
	}
	(void)pthread_mutex_unlock(&l->lock);
}

bool worker_loader_exercises(struct worker_loader *l)
{
	bool yes;

	(void)pthread_mutex_lock(&l->lock);
	yes = l->exercise != NULL;
	(void)pthread_mutex_unlock(&l->lock);
	return yes;
}

bool worker_loader_done(struct worker *w)
{
	struct worker_loader *l = w->loader;
	const struct content_set *about = NULL;
	bool loaded;
	uint64_t n;

	(void)!read(l->fd, &n, sizeof n);
	(void)pthread_mutex_lock(&l->lock);
	if (l->exercised)
		about = l->exercise;
	loaded = l->state == DONE;
	(void)pthread_mutex_unlock(&l->lock);
	if (!about)
		return loaded;
	page_set(&w->page->vectors, l->result.n);
	page_set(&w->page->vectors_failed, l->result.failed);
	for (uint32_t i = 0; about == w->set && l->evaluated && i < w->set->n_rules && i < PAGE_MAX_RULES; i++)
		page_add(&w->page->rules[i].evaluated, l->evaluated[i]);
	page_add(&w->page->exercises, 1);
	(void)pthread_mutex_lock(&l->lock);
	l->exercise = NULL;
	l->exercised = false;
	(void)pthread_mutex_unlock(&l->lock);
	return loaded;
}

void worker_loader_drop(struct worker_loader *l, struct content_set *old)
{
	(void)pthread_mutex_lock(&l->lock);
	assert(!l->garbage && "it frees before it loads the next");
	l->garbage = old;
	(void)pthread_cond_broadcast(&l->wake);
	(void)pthread_mutex_unlock(&l->lock);
}
