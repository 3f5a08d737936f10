/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kern: loading the fixed BPF object and attaching what is wanted of it.
 *
 * Diagnostics: K101 no BPF object, K102 a part is missing in it, K103 the kernel refused to load it, K104 to attach a
 * program or to switch its hooks, K105 to make the iterator, K106 ring size, K107 a filter that cannot be used, K108
 * somebody else wrote to the maps.
 */
#include "kern/kern.h"

#include "kern/filter.h"
#include "kern/quota.h"

#include <fcntl.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

enum prog { PROG_FORK, PROG_EXEC, PROG_EXIT, PROG_SYSCALL, PROG_ITER, N_PROGS };
enum map { MAP_RESERVED, MAP_BULK, MAP_STATS, MAP_CONFIG, MAP_SECRET, MAP_FILTERS, MAP_NAMES, MAP_QUOTAS, N_MAPS };

static const char *const prog_names[N_PROGS] = { "process_fork", "process_exec", "process_exit", "syscall_exit",
						 "task_iter" };
static const char *const map_names[N_MAPS] = { "reserved",       "bulk",    "stats",        ".data.config",
					       ".rodata.config", "filters", "filter_names", "quotas" };

enum { PAGE_BYTES = 4096, RING_MAX_BYTES = 256 << 20, LOG_BYTES = 1024 };

struct kern {
	struct bpf_object *obj;
	struct bpf_program *progs[N_PROGS];
	struct bpf_map *maps[N_MAPS];
	struct bpf_link *links[N_PROGS]; /* NULL: not attached */
	uint32_t hooks;
	uint32_t slot; /* of the filter in force */
	struct filter_pair filter;
	struct filter_types types;
};

/* As struct config of record.bpf.h. */
struct kern_config {
	uint32_t hooks, slot;
};

/* What libbpf said last: its print callback has no context argument. */
static char log_text[LOG_BYTES];
static size_t log_len;

static void log_start(void)
{
	log_len = 0;
	log_text[0] = 0;
}

/* Keep the end: after pages of verifier state comes the reason. */
static void log_append(const char *p, size_t len)
{
	size_t keep;

	if (len >= LOG_BYTES) {
		p += len - (LOG_BYTES - 1);
		len = LOG_BYTES - 1;
	}
	keep = log_len + len < LOG_BYTES ? log_len : LOG_BYTES - 1 - len;
	memmove(log_text, log_text + log_len - keep, keep);
	memcpy(log_text + keep, p, len);
	log_len = keep + len;
	log_text[log_len] = 0;
}

__attribute__((format(printf, 2, 0))) static int log_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	AUTO_FREE char *line = NULL;
	int n;

	if (level != LIBBPF_WARN)
		return 0;
	n = vasprintf(&line, fmt, ap);
	if (n < 0) {
		line = NULL;
		return 0;
	}
	log_append(line, (size_t)n);
	return n;
}

/* Is this a line that tells a reason, and no frame around one? */
static bool log_line_tells(const char *line)
{
	static const char *const frames[] = { "processed ", "-- END", "-- BEGIN", "failed to load" };

	for (size_t i = 0; i < countof(frames); i++)
		if (strstr(line, frames[i]))
			return false;
	return strspn(line, " \t") != strlen(line);
}

/* The last line that tells a reason; "" when there is none. Cuts log_text. */
static const char *log_reason(void)
{
	char *end = log_text + log_len;

	while (end > log_text) {
		char *line;

		while (end > log_text && end[-1] == '\n')
			*--end = 0;
		line = memrchr(log_text, '\n', (size_t)(end - log_text));
		line = line ? line + 1 : log_text;
		if (log_line_tells(line))
			return line;
		end = line;
	}
	return "";
}

static const char *errno_hint(int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return "run as root; in a container it needs CAP_BPF, CAP_PERFMON and a seccomp profile that allows "
		       "bpf(2)";
	case ENOMEM:
		return "raise the locked-memory limit, or make the rings smaller";
	case ESRCH:
	case ENOENT:
	case EINVAL:
	case EOPNOTSUPP:
		return "this kernel lacks what is needed: sallyport doctor lists it";
	}
	return "sallyport doctor lists what this host grants";
}

static FALLIBLE find_parts(struct kern *k, struct diag *d)
{
	for (size_t i = 0; i < N_PROGS; i++) {
		k->progs[i] = bpf_object__find_program_by_name(k->obj, prog_names[i]);
		if (!k->progs[i])
			FAIL_ID(d, FORMAT, 'K', 102, "the BPF object has no program '%s'", prog_names[i]);
	}
	for (size_t i = 0; i < N_MAPS; i++) {
		k->maps[i] = bpf_object__find_map_by_name(k->obj, map_names[i]);
		if (!k->maps[i])
			FAIL_ID(d, FORMAT, 'K', 102, "the BPF object has no map '%s'", map_names[i]);
	}
	return E_OK;
}

static FALLIBLE check_ring_bytes(const char *name, uint32_t bytes, struct diag *d)
{
	if (bytes < PAGE_BYTES || bytes > RING_MAX_BYTES || (bytes & (bytes - 1)))
		FAIL_ID(d, INVALID, 'K', 106, "the %s ring has %u bytes, but it must be a power of two from %d to %d",
			name, bytes, PAGE_BYTES, RING_MAX_BYTES);
	return E_OK;
}

/* libbpf forgets the inner maps once the outer ones are made. */
static FALLIBLE remember_types(struct kern *k, struct diag *d)
{
	for (int i = 0; i < 2; i++) {
		struct bpf_map *inner = bpf_map__inner_map(k->maps[MAP_FILTERS + i]);

		if (!inner)
			FAIL_ID(d, FORMAT, 'K', 102, "the BPF object's map '%s' has no inner map",
				map_names[MAP_FILTERS + i]);
		k->types.key[i] = bpf_map__btf_key_type_id(inner);
		k->types.value[i] = bpf_map__btf_value_type_id(inner);
	}
	return E_OK;
}

/* Sizes and secrets: what must be set before loading. */
static FALLIBLE configure(struct kern *k, const struct kern_opts *o, struct diag *d)
{
	uint64_t secret[2];

	TRY(check_ring_bytes("reserved", o->reserved_bytes, d));
	TRY(check_ring_bytes("bulk", o->bulk_bytes, d));
	if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
		FAIL_ID(d, HOST, 'K', 103, "no random numbers: %m");
	if (bpf_map__set_max_entries(k->maps[MAP_RESERVED], o->reserved_bytes) ||
	    bpf_map__set_max_entries(k->maps[MAP_BULK], o->bulk_bytes) ||
	    bpf_map__set_initial_value(k->maps[MAP_SECRET], secret, sizeof secret))
		FAIL_ID(d, FORMAT, 'K', 102, "the BPF object's rings or secret cannot be set: %m");
	return E_OK;
}

static FALLIBLE load(struct kern *k, struct diag *d)
{
	int error;

	log_start();
	error = -bpf_object__load(k->obj);
	if (!error)
		return E_OK;
	diag_hint(d, "%s", errno_hint(error));
	FAIL_ID(d, HOST, 'K', 103, "the kernel refused the sensor's programs: %s: %.180s", strerror(error),
		log_reason());
}

static void kern_close_ptr(struct kern **k)
{
	kern_close(*k);
}

FALLIBLE kern_open(const struct kern_opts *o, struct kern **out, struct diag *d)
{
	AUTO(kern_close_ptr) struct kern *k = calloc(1, sizeof *k);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "sallyport");

	if (!k)
		return E_NOMEM;
	libbpf_set_print(log_print);
	log_start();
	k->obj = bpf_object__open_mem(o->object.p, o->object.len, &opts);
	if (!k->obj) {
		if (errno == ENOMEM)
			return E_NOMEM;
		FAIL_ID(d, FORMAT, 'K', 101, "not a BPF object: %.200s", log_reason());
	}
	TRY(find_parts(k, d));
	TRY(configure(k, o, d));
	TRY(remember_types(k, d));
	TRY(load(k, d));
	k->types.btf_fd = bpf_object__btf_fd(k->obj);
	*out = TAKE(k);
	return E_OK;
}

static void detach(struct kern *k, enum prog p)
{
	(void)bpf_link__destroy(k->links[p]);
	k->links[p] = NULL;
}

void kern_close(struct kern *k)
{
	if (!k)
		return;
	for (int p = 0; p < N_PROGS; p++)
		detach(k, (enum prog)p);
	bpf_object__close(k->obj);
	filter_drop(&k->filter);
	free(k);
}

static FALLIBLE attach(struct kern *k, enum prog p, struct diag *d)
{
	int error;

	if (k->links[p])
		return E_OK;
	log_start();
	k->links[p] = bpf_program__attach(k->progs[p]);
	if (k->links[p])
		return E_OK;
	error = errno;
	diag_hint(d, "%s", errno_hint(error));
	FAIL_ID(d, HOST, 'K', 104, "the kernel refused to attach '%s': %s", prog_names[p], strerror(error));
}

static FALLIBLE write_mask(struct kern *k, uint32_t hooks, struct diag *d)
{
	struct kern_config c = { .hooks = hooks, .slot = k->slot };
	const uint32_t key = 0;

	if (bpf_map_update_elem(bpf_map__fd(k->maps[MAP_CONFIG]), &key, &c, BPF_ANY))
		FAIL_ID(d, HOST, 'K', 104, "the hook mask cannot be written: %m");
	return E_OK;
}

static FALLIBLE set_hooks(struct kern *k, uint32_t hooks, struct diag *d)
{
	TRY(write_mask(k, hooks, d));
	for (int p = PROG_FORK; p <= PROG_EXIT; p++)
		TRY(attach(k, (enum prog)p, d));
	if (hooks & ~(uint32_t)KERN_HOOK_PROCESS)
		return attach(k, PROG_SYSCALL, d);
	detach(k, PROG_SYSCALL);
	return E_OK;
}

FALLIBLE kern_attach(struct kern *k, uint32_t hooks, struct diag *d)
{
	uint32_t before = k ? k->hooks : 0;
	enum err e;

	if (!k)
		return E_OK;
	if (!hooks) {
		for (int p = PROG_FORK; p <= PROG_SYSCALL; p++)
			detach(k, (enum prog)p);
		k->hooks = 0;
		return write_mask(k, 0, d);
	}
	hooks |= KERN_HOOK_PROCESS;
	e = set_hooks(k, hooks, d);
	if (e == E_OK) {
		k->hooks = hooks;
		return E_OK;
	}
	/* As it was; what was attached already needs nothing that can fail. */
	if (!before)
		for (int p = PROG_FORK; p <= PROG_SYSCALL; p++)
			detach(k, (enum prog)p);
	else if (!(before & ~(uint32_t)KERN_HOOK_PROCESS))
		detach(k, PROG_SYSCALL);
	(void)!write_mask(k, before, NULL);
	return e;
}

uint32_t kern_attached(const struct kern *k)
{
	return k ? k->hooks : 0;
}

static void outer_fds(const struct kern *k, int out[2])
{
	out[0] = bpf_map__fd(k->maps[MAP_FILTERS]);
	out[1] = bpf_map__fd(k->maps[MAP_NAMES]);
}

/* Fill the slot that nobody reads, switch, and wait until nobody reads the other one any more. */
static FALLIBLE filter_switch(struct kern *k, const struct filter_pair *p, struct diag *d)
{
	uint32_t before = k->slot;
	int outer[2];
	enum err e;

	outer_fds(k, outer);
	TRY(filter_put(outer, !before, p, d));
	k->slot = !before;
	e = write_mask(k, k->hooks, d);
	if (e != E_OK)
		k->slot = before;
	else
		(void)!filter_put(outer, k->slot, p, NULL); /* is there already: it is done to wait */
	return e;
}

FALLIBLE kern_filter_swap(struct kern *k, const struct wire_filter *f, const struct wire_filter_name *names,
			  const uint32_t *masks, uint32_t n, struct diag *d)
{
	AUTO(filter_drop) struct filter_pair p = { 0 };

	if (!k)
		return E_OK;
	if (f)
		TRY(filter_make(&k->types, f, names, masks, n, &p, d));
	TRY(filter_switch(k, &p, d));
	filter_drop(&k->filter);
	k->filter = p;
	p = (struct filter_pair){ 0 };
	return E_OK;
}

FALLIBLE kern_check(struct kern *k, struct diag *d)
{
	struct kern_config c = { 0 };
	const uint32_t key = 0;
	bool same_filter;
	int outer[2];

	if (!k)
		return E_OK;
	outer_fds(k, outer);
	if (bpf_map_lookup_elem(bpf_map__fd(k->maps[MAP_CONFIG]), &key, &c))
		FAIL_ID(d, HOST, 'K', 108, "the programs' settings cannot be read: %m");
	same_filter = filter_is_there(outer, k->slot, &k->filter);
	if (same_filter && c.hooks == k->hooks && c.slot == k->slot)
		return E_OK;
	if (!same_filter)
		TRY(filter_put(outer, k->slot, &k->filter, d));
	TRY(write_mask(k, k->hooks, d));
	FAIL_ID(d, REJECTED, 'K', 108, "somebody else wrote to the sensor's maps: %s",
		same_filter ? "what the programs look at was changed" : "the filter was replaced");
}

static struct bpf_map *ring_map(const struct kern *k, uint32_t ring)
{
	assert(ring < 2 && "enum wire_ring");
	return k->maps[MAP_RESERVED + ring];
}

int kern_ring_fd(const struct kern *k, uint32_t ring)
{
	return bpf_map__fd(ring_map(k, ring));
}

uint32_t kern_lost_groups(const struct kern *k, struct kern_group *out, uint32_t max)
{
	return !k ? 0 : quota_lost(bpf_map__fd(k->maps[MAP_QUOTAS]), out, max);
}

int kern_stats_fd(const struct kern *k)
{
	return bpf_map__fd(k->maps[MAP_STATS]);
}

uint32_t kern_ring_bytes(const struct kern *k, uint32_t ring)
{
	return bpf_map__max_entries(ring_map(k, ring));
}

uint32_t kern_n_cpus(const struct kern *k)
{
	return k ? bpf_map__max_entries(k->maps[MAP_STATS]) : 1;
}

FALLIBLE kern_iter_open(struct kern *k, int *out_fd, struct diag *d)
{
	int fd;

	if (!k) {
		*out_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		return *out_fd < 0 ? E_IO : E_OK;
	}
	TRY(attach(k, PROG_ITER, d));
	fd = bpf_iter_create(bpf_link__fd(k->links[PROG_ITER]));
	if (fd < 0)
		FAIL_ID(d, HOST, 'K', 105, "the task iterator cannot be opened: %m");
	*out_fd = fd;
	return E_OK;
}
