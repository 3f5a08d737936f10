/* SPDX-License-Identifier: Apache-2.0 */
/* bench: what the files of bench-engine share. */
#ifndef SALLYPORT_BENCH_ENGINE_H
#define SALLYPORT_BENCH_ENGINE_H

enum { BENCH_ROUNDS = 41 };

/* CPU time of this thread. */
double bench_now_ns(void);
/* Of BENCH_ROUNDS values; sorts them. */
double bench_median(double *v);
void bench_parts(void);
/* An array's values, looked up by programs. */
void bench_lookup(void);
struct prog;
struct vm_prog_opts;
/* Compile time and size of a long program, made of that one. */
void bench_compile(const struct prog *rules, const struct vm_prog_opts *o);

#endif
