/* SPDX-License-Identifier: Apache-2.0 */
/* worker: what the parts of the worker share. One thread; everything is set up before events flow. */
#ifndef SALLYPORT_AGENT_WORKER_H
#define SALLYPORT_AGENT_WORKER_H

#include "agent/control.h"
#include "agent/courier.h"
#include "base/base.h"
#include "content/filter/filter.h"
#include "content/runtime/runtime.h"
#include "content/vector/vector.h"
#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"
#include "sensor/names/names.h"
#include "sensor/output/output.h"
#include "sensor/ring/ring.h"

enum { WORKER_MAX_CONTENTS = 16, WORKER_MAX_FIRED = 256, WORKER_MAX_MUTES = 64 };

/* Everything that was loaded together: rule texts compiled to one content, and compiled files and bundles as they are.
 */
struct content_set {
	struct arena arena;
	struct content *contents[WORKER_MAX_CONTENTS];
	uint32_t first_rule[WORKER_MAX_CONTENTS]; /* numbering over all of them */
	uint32_t n_contents, n_rules, n_warnings, n_programs;
	uint8_t digests[WORKER_MAX_CONTENTS][CONTENT_DIGEST_BYTES]; /* of each: a bundle's own, else its content's */
	uint8_t digest[CONTENT_DIGEST_BYTES];
	struct view vectors[WORKER_MAX_CONTENTS]; /* that came with a bundle; in the arena */
	uint32_t n_vectors[WORKER_MAX_CONTENTS];
	struct jit_image *image; /* whose code the programs run as; NULL: interpreted */
};

struct worker_file {
	char name[CONTROL_NAME_BYTES];
	char *text;
	size_t len;
};

struct sink {
	struct output *out; /* NULL: none, or its reader is gone */
	int fd;
	uint64_t max_bytes, have_bytes;
	uint64_t ask_again_ms;
	uint32_t behind; /* alerts since it was last idle */
	bool pollable, rotate_asked, failing;
};

struct worker {
	int sock, epoll;
	int nothing; /* an epoll that watches nothing: to rest with the calls that there are */
	struct page *page;
	struct flight *flight; /* mapped; of a replay its own */
	struct flight own_flight;
	const struct content *flight_content; /* whose digest is there */
	uint64_t record_time_ns;              /* of the record that is being decoded */
	uint32_t record_pid;
	struct control_start start;
	int ring_fds[WIRE_N_RINGS];
	uint64_t consumed_before[WIRE_N_RINGS]; /* by earlier workers */
	uint64_t dropped_before[CONTROL_MAX_OUTPUTS], sent_before[CONTROL_MAX_OUTPUTS];
	const struct courier_page *courier; /* or NULL; read only */
	struct ring *ring;                  /* one of three: see worker_source.c */
	struct ring_follow *follow;
	struct worker_capture *capture;
	struct ring_stats *stats;
	char *passwd, *group;
	size_t passwd_len, group_len;
	struct content_set *set;
	struct worker_file *files; /* that came in since the last LOAD */
	uint32_t n_files;
	struct worker_loader *loader; /* NULL in a replay */
	struct scan *rescan;          /* NULL: none is going on */
	struct jit_image *code;       /* fits the set in force and waits to be attached; or NULL */
	struct names *names;
	struct decode *decode;
	struct content_eval eval;
	uint32_t eval_first_rule;
	struct page_rule *counted; /* whose program runs; or NULL */
	struct page_rule beyond;   /* of rules that have no place in the page */
	uint64_t faults_seen, timed_since_ns;
	bool timing; /* this event's programs */
	uint64_t faults_said_ms;
	struct sink sinks[CONTROL_MAX_OUTPUTS];
	struct worker_throttle *throttle; /* NULL: every alert is written */
	struct control_mute mutes[WORKER_MAX_MUTES];
	uint32_t n_mutes;
	bool recording; /* asked for; then no rules are needed */
	int record_fd;
	struct capture_writer *recorder; /* NULL: not recording, or not any more */
	uint64_t recorded_ms;            /* last flush */
	uint64_t container_said_ms;
	int statm;              /* -1: not there */
	uint64_t cpu_ns_before; /* of earlier workers */
	bool ask_containers;    /* a rule uses what only a runtime's files tell */
	bool stop;
	/* Instead of sinks, when set: tools that look at alerts. */
	void (*on_alert)(void *user, const struct content *c, uint32_t rule, uint32_t set_rule);
	void *on_alert_user;
};

uint64_t worker_now_ns(void);
uint64_t worker_now_ms(void);
void worker_beat(struct worker *w);
/* The next message, waited for. Anything unexpected ends the worker: without its supervisor it has no purpose. */
FALLIBLE worker_expect(struct worker *w, struct control_packet *p);
/* A FILE, to w->files. E_FORMAT, E_IO, E_LIMIT, E_NOMEM. */
FALLIBLE worker_take_file(struct worker *w, struct control_packet *p);

/* worker_flight.c: what is being done, for whoever survives it. */
/* Map the file; a fresh record. E_IO: it is not large enough, or cannot be mapped. */
FALLIBLE worker_flight_map(struct worker *w, int fd);
void worker_set_phase(struct worker *w, enum flight_phase phase);
/* Before an event is judged, and before this content judges it. */
void worker_flight_event(struct worker *w, const struct event *e);
void worker_flight_content(struct worker *w, uint32_t content);
static inline void worker_flight_put(uint32_t *to, uint32_t v)
{
	__atomic_store_n(to, v, __ATOMIC_RELAXED);
}

/* worker_judge.c */
FALLIBLE worker_judge_init(struct worker *w);
/* For decode: user is a struct worker. Numbers the event, runs the rules, sends alerts to the sinks. */
void worker_on_event(void *user, struct event *e);

/* worker_load.c: all or nothing; reasons go to stderr. Returns 0, or the exit code to fail with. */
int worker_load(struct worker *w, const struct worker_file *files, uint32_t n, struct content_set **out);
void content_set_free(struct content_set *set);
/* Names, and counters that begin at 0 unless they are about the same content already. */
void worker_publish_names(struct worker *w);
/* enum kern_hook set that the content needs. */
uint32_t content_set_hooks(const struct content_set *set);
uint64_t content_set_types(const struct content_set *set);
/* The domain names that it uses, as what n wants. E_LIMIT, E_NOMEM. */
FALLIBLE content_set_names(const struct content_set *set, struct names *n);
/* For decode: user is a struct content_set. */
bool content_set_wants(void *user, uint32_t type_index, uint32_t field_id);

/* worker_filter.c: what the kernel side may leave out. In the arena. E_NOMEM. */
struct worker_filter {
	struct wire_filter filter;
	struct wire_filter_name *names;
	uint32_t *masks, n_names;
};
FALLIBLE worker_filter(const struct content_set *set, struct arena *a, struct worker_filter *out);

/*
 * worker_loader.c: new rules are judged by a second thread while the first goes on with the old ones; only the exchange
 * of two pointers stops it. The thread is made before the list of system calls is set, and is never joined.
 */
FALLIBLE worker_loader_new(struct worker *w);
/* Readable when it is done. */
int worker_loader_fd(const struct worker_loader *l);
/* Hand over w->files. E_EXISTS: it is at work. */
FALLIBLE worker_loader_begin(struct worker *w);
bool worker_loader_busy(struct worker_loader *l);
/* Let the thread run the vectors of what is in force; on with its events the first goes. */
void worker_loader_exercise(struct worker *w);
/* After worker_loader_fd became readable: results of an exercise go into the page; true: new rules were judged. */
bool worker_loader_done(struct worker *w);
/* After that. Returns 0 and the content, or the exit code of a refusal. */
int worker_loader_end(struct worker_loader *l, struct content_set **out);
/* Let the thread free it. */
void worker_loader_drop(struct worker_loader *l, struct content_set *old);

/* True: the thread runs the programs in force, too. */
bool worker_loader_exercises(struct worker_loader *l);

/* worker_native.c: code that a compiler made, for the content in force. Takes the descriptor. */
void worker_native_take(struct worker *w, int fd);
/* Between events: attach what waits. */
void worker_native_step(struct worker *w);
/* Other content is about to be put in force. */
void worker_native_forget(struct worker *w);
/* What code is compiled for: this machine, proven, with fuel. */
struct jit_opts worker_jit_opts(void);

/* worker_usage.c: what this process uses, into the page. The file is opened before files cannot be any more. */
void worker_usage_open(struct worker *w);
void worker_usage(struct worker *w);
/* worker.c: its tables from now on, empty; with w->names, w->set and what w->start says. E_NOMEM. */
FALLIBLE worker_decode_new(struct worker *w);

/* worker_source.c */
bool worker_is(const struct worker *w, enum control_start_flags flag);
/* Of rings; tag: for its epoll. With d. */
FALLIBLE worker_source_open(struct worker *w, uint64_t tag, struct diag *d);
/* The next record, counted as consumed. Valid until the next call. False: there is none now. */
bool worker_source_next(struct worker *w, struct view *rec);
int worker_source_wait_ms(const struct worker *w, int most);
/* Everything that the kernel counted as sent has been consumed. */
bool worker_source_drained(const struct worker *w);

/* worker_capture.c: takes the descriptor. With d. */
FALLIBLE worker_capture_open(struct worker *w, int fd, uint32_t per_s, struct diag *d);
/* Users, groups and time as the capture has them, its first record being now. */
void worker_capture_decode(const struct worker *w, struct decode_opts *o);
bool worker_capture_next(struct worker *w, struct view *rec);
int worker_capture_wait_ms(const struct worker *w, int most);

/* worker_scratch.c: run the vectors that came with the content, and answer. E_IO, E_NOMEM. */
FALLIBLE worker_scratch(struct worker *w);

/*
 * worker_vectors.c: run all vectors of the set. evaluated: by number of rule, rises; or NULL. w: its flight recorder
 * and heartbeat tell how far it is; NULL: they are somebody else's. E_REJECTED: some fail, out says which. E_NOMEM,
 * errors of reading.
 */
FALLIBLE worker_vectors(const struct content_set *set, struct worker *w, uint64_t *evaluated, struct vector_result *out,
			struct diag *d);

/* worker_scan.c: feed every process that runs already. Returns their number. */
uint32_t worker_scan(struct worker *w, int iter_fd);
/*
 * The same while events flow, in steps: after loss, processes that were missed come into the table, and those that
 * ended unseen leave it. Arguments stay unknown, for files can no longer be opened. Takes the descriptor; while a
 * rescan goes on it is only closed.
 */
void worker_rescan_begin(struct worker *w, int iter_fd);
void worker_rescan_step(struct worker *w);
void worker_rescan_end(struct worker *w);

/* worker_names.c: which names rules use goes to the courier, which addresses they have comes back. */
void worker_names_ask(struct worker *w);
void worker_names_take(struct worker *w, int fd);

/* worker_record.c: what was consumed, to a file. A file that fails ends the recording and nothing else. */
FALLIBLE worker_record_open(struct worker *w); /* the header, when a recording was asked for */
void worker_record(struct worker *w, struct view rec);
/* From time to time, so that a reader has what came. */
void worker_record_flush(struct worker *w);
void worker_record_end(struct worker *w);

/* worker_container.c: is a question to be asked? After what is decoded has changed. */
void worker_want_containers(struct worker *w);
void worker_containers_ask(struct worker *w);
/* How long to wait for events, at most, so that questions are asked when they are due. */
int worker_containers_wait_ms(const struct worker *w, int most);
void worker_container_answer(struct worker *w, const struct control_packet *p);

/* worker_throttle.c: per_minute 0: off. E_NOMEM. */
FALLIBLE worker_throttle_new(struct worker *w, uint32_t per_minute);
void worker_throttle_free(struct worker *w);
/* True: the alert may be written. now_ns: CLOCK_BOOTTIME. Says it when a rule is throttled, and when no longer. */
bool worker_throttle_pass(struct worker *w, const struct content_rule *r, struct event *e, uint64_t now_ns);
/* From time to time: say what is throttled no longer. */
void worker_throttle_tick(struct worker *w, uint64_t now_ns);

/* worker_mute.c */
uint64_t worker_boot_ns(void);
void worker_mute(struct worker *w, const struct control_mute *m, uint64_t now_s);
bool worker_muted(struct worker *w, const char *rule, struct event *e);
/* Append the path of the event's control group, if it is known. */
void worker_put_cgroup(struct event *e, struct buf *out);
/* For decode: user is a struct worker. What its content, its mutes and its throttle look at. */
bool worker_wants(void *user, uint32_t type_index, uint32_t field_id);

/* worker_sinks.c */
FALLIBLE worker_sink_open(struct worker *w, const struct control_output *m, int fd);
void worker_sink_replace(struct worker *w, const struct control_output *m, int fd); /* fd -1: rotation failed */
void worker_alert(struct worker *w, const struct content *c, uint32_t rule, const struct event *e);
/* What the worker itself has to say, on every sink. */
void worker_note(struct worker *w, const struct output_note *n);
/* Write what sinks take; ask for rotation; count. */
void worker_sinks_flush(struct worker *w);
void worker_sink_event(struct worker *w, uint32_t index, uint32_t epoll_events);
void worker_sinks_status(struct worker *w, const char *text);
/* Flush for good, for at most timeout_ms. */
void worker_sinks_finish(struct worker *w, uint64_t timeout_ms);

#endif
