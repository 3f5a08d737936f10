/* SPDX-License-Identifier: Apache-2.0 */
/* worker_flight: the worker's side of the flight recorder. Nothing here calls the system once it is mapped. */
#include "agent/worker.h"

#include <sys/mman.h>
#include <sys/stat.h>

static void begin(struct flight *f)
{
	*f = (struct flight){ .rule = FLIGHT_NONE, .type = FLIGHT_NONE, .vector = FLIGHT_NONE };
	worker_flight_put(&f->magic, FLIGHT_MAGIC);
}

FALLIBLE worker_flight_map(struct worker *w, int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) || st.st_size < (off_t)sizeof *w->flight)
		return E_IO;
	p = mmap(NULL, sizeof *w->flight, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return E_IO;
	w->flight = p;
	begin(w->flight);
	return E_OK;
}

void worker_set_phase(struct worker *w, enum flight_phase phase)
{
	if (!w->flight) {
		w->flight = &w->own_flight;
		begin(w->flight);
	}
	worker_flight_put(&w->flight->phase, phase);
}

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014): every bit depends on every bit. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

void worker_flight_event(struct worker *w, const struct event *e)
{
	struct flight *f = w->flight;
	uint64_t number = page_get(&w->page->events), who = (uint64_t)w->record_pid << 8 | e->type_index;

	__atomic_store_n(&f->event, number, __ATOMIC_RELAXED);
	__atomic_store_n(&f->hash, mix(mix(w->record_time_ns ^ number) + who), __ATOMIC_RELAXED);
	worker_flight_put(&f->type, e->type_index);
	worker_flight_put(&f->rule, FLIGHT_NONE);
	worker_flight_put(&f->phase, FLIGHT_JUDGING);
}

void worker_flight_content(struct worker *w, uint32_t content)
{
	const struct content *c = w->set->contents[content];

	if (c == w->flight_content)
		return;
	w->flight_content = c;
	memcpy(w->flight->digest, w->set->digests[content], sizeof w->flight->digest);
}
