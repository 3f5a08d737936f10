/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: a host that is not there: its process tree, its files, its connections, and the records that it sends.
 *
 * Everything is drawn from a seed, so that two runs see the same bytes. The shape is that of an ordinary server:
 * services below init, shells below sshd, programs in containers, builds that start many short processes; mostly reads
 * of libraries, configuration, /proc and /sys, with few files read often and many read seldom; some writes to logs and
 * temporary files. Nothing of it is an attack: what rules cost is what they cost on benign events.
 */
#ifndef SALLYPORT_BENCH_MODEL_H
#define SALLYPORT_BENCH_MODEL_H

#include "base/base.h"

/* What a part of the stream holds, in parts of a hundred. The rest: process records (fork, exec, exit alike). */
struct model_mix {
	uint32_t opens, network;
};

struct model_stream {
	uint8_t *bytes; /* records, one after the other */
	uint32_t *len;  /* of each */
	size_t n, used, cap, n_cap;
};

struct model;

struct model *model_new(uint64_t seed);
void model_free(struct model *m);
/* What the scan at start finds: a record per process that lives now. */
void model_scan(struct model *m, struct model_stream *out);
/* The next n records. Processes come and go with them. */
void model_run(struct model *m, const struct model_mix *mix, size_t n, struct model_stream *out);
void model_stream_done(struct model_stream *s);
/* A number below n from the model's generator. */
uint32_t model_random(struct model *m, uint32_t n);

#endif
