/* SPDX-License-Identifier: Apache-2.0 */
/* courier_queue: a bounded queue of messages, and the counting that every outlet does alike. */
#include "agent/courier_parts.h"

#include <sys/random.h>
#include <time.h>

FALLIBLE queue_init(struct queue *q)
{
	*q = (struct queue){ .bytes = malloc(QUEUE_BYTES), .items = calloc(QUEUE_LINES, sizeof *q->items) };
	return q->bytes && q->items ? E_OK : E_NOMEM;
}

void queue_done(struct queue *q)
{
	free(q->bytes);
	free(q->items);
	*q = (struct queue){ 0 };
}

bool queue_put(struct queue *q, const void *p, size_t len, bool cut)
{
	if (q->n == QUEUE_LINES || len > QUEUE_BYTES - q->len)
		return false;
	if (q->head + q->len + len > QUEUE_BYTES) {
		memmove(q->bytes, q->bytes + q->head, q->len);
		q->head = 0;
	}
	memcpy(q->bytes + q->head + q->len, p, len);
	q->len += len;
	q->items[(q->first + q->n++) % QUEUE_LINES] = (struct queue_item){ .bytes = (uint32_t)len, .cut = cut };
	return true;
}

struct queue_item *queue_at(struct queue *q, uint32_t i, size_t off, struct view *out)
{
	struct queue_item *it = &q->items[(q->first + i) % QUEUE_LINES];

	assert(i < q->n && off + it->bytes <= q->len && "the caller knows what there is");
	*out = view_of(q->bytes + q->head + off, it->bytes);
	return it;
}

void queue_drop(struct queue *q)
{
	uint32_t bytes = q->items[q->first].bytes;

	assert(q->n && "the caller knows how many there are");
	q->head += bytes;
	q->len -= bytes;
	q->first = (q->first + 1) % QUEUE_LINES;
	q->n--;
	if (!q->n)
		q->head = 0;
}

static void show_waiting(struct outlet *o)
{
	page_set(&o->counts->waiting, o->queue.n);
}

/* Counted before it is dropped: whoever reads the page when we die sees it twice rather than never, and believes less.
 */
void outlet_lose(struct outlet *o)
{
	page_add(&o->counts->lost, 1);
	queue_drop(&o->queue);
	show_waiting(o);
}

void outlet_deliver(struct outlet *o)
{
	struct view bytes;

	if (queue_at(&o->queue, 0, 0, &bytes)->cut)
		page_add(&o->counts->cut, 1);
	page_add(&o->counts->delivered, 1);
	queue_drop(&o->queue);
	show_waiting(o);
}

void outlet_works(struct outlet *o)
{
	if (o->failures)
		log_info("%s output works again failures=%u", o->name, o->failures);
	o->failures = 0;
	o->next_ms = 0;
}

void outlet_fail(struct outlet *o, const char *why)
{
	o->failures++;
	o->next_ms = courier_now_ms() + courier_delay_ms(o->failures);
	if (o->failures == 1)
		log_warning("%s output fails, alerts wait in memory error=\"%s\"", o->name, why);
}

uint64_t courier_delay_ms(uint32_t n)
{
	uint64_t ms = n < 9 ? (uint64_t)RETRY_FIRST_MS << (n - 1) : RETRY_MOST_MS;
	uint32_t chance = 0;

	ms = ms < RETRY_MOST_MS ? ms : RETRY_MOST_MS;
	(void)!getrandom(&chance, sizeof chance, GRND_NONBLOCK);
	return ms - ms / 4 + chance % (ms / 2 + 1);
}

uint64_t courier_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
