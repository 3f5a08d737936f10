/* SPDX-License-Identifier: Apache-2.0 */
/* worker_filter: what all loaded content can depend on, in the form that the kernel side takes. */
#include "agent/worker.h"

static_assert((int)FILTER_READ == (int)WIRE_OPEN_READ && (int)FILTER_WRITE == (int)WIRE_OPEN_WRITE, "one numbering");
static_assert((int)FILTER_CREATED == (int)WIRE_OPEN_CREATED && (int)FILTER_EXEC == (int)WIRE_OPEN_EXEC,
	      "one numbering");
static_assert((int)FILTER_TRUNC == (int)WIRE_OPEN_TRUNC && (int)FILTER_DIR == (int)WIRE_OPEN_DIR, "one numbering");
static_assert((int)FILTER_SPECIAL == (int)WIRE_OPEN_SPECIAL && (int)FILTER_FAILED == (int)WIRE_OPEN_FAILED,
	      "one numbering");
static_assert((int)FILTER_LEAF == (int)WIRE_PLACE_LEAF && (int)FILTER_PARENT == (int)WIRE_PLACE_PARENT,
	      "one numbering");
static_assert((int)FILTER_TOP == (int)WIRE_PLACE_TOP && (int)FILTER_PLACES == (int)WIRE_N_PLACES, "one numbering");
static_assert((int)FILTER_CLASSES == (int)WIRE_OPEN_CLASSES && (int)FILTER_SUM_CLAUSES <= (int)WIRE_FILTER_CLAUSES &&
		      (int)FILTER_SUM_NAMES <= (int)WIRE_FILTER_MAX_NAMES &&
		      sizeof(struct filter_name) == WIRE_FILTER_NAME,
	      "what content can say fits");

/* The records that events of a type are made of, and of its failed calls. ipc_pipe is made of state. */
static const struct {
	uint64_t kinds, failed;
} kinds_of_type[TEMPLATE_N_TYPES] = {
#define KIND(k)                                    \
	{                                          \
		1ull << WIRE_##k, 1ull << WIRE_##k \
	}
	[TEMPLATE_TYPE_process_exec] = { 1ull << WIRE_EXEC, 1ull << WIRE_EXEC_FAILED },
	[TEMPLATE_TYPE_process_exit] = KIND(EXIT),
	[TEMPLATE_TYPE_file_open] = KIND(OPEN),
	[TEMPLATE_TYPE_memfd_create] = KIND(MEMFD),
	[TEMPLATE_TYPE_net_connect] = KIND(CONNECT),
	[TEMPLATE_TYPE_net_accept] = KIND(ACCEPT),
	[TEMPLATE_TYPE_net_listen] = KIND(LISTEN),
	[TEMPLATE_TYPE_net_socket] = KIND(SOCKET),
	[TEMPLATE_TYPE_net_send] = KIND(SEND),
	[TEMPLATE_TYPE_net_recv] = KIND(RECV),
	[TEMPLATE_TYPE_fd_dup] = KIND(DUP),
	[TEMPLATE_TYPE_file_rename] = KIND(RENAME),
	[TEMPLATE_TYPE_file_unlink] = KIND(UNLINK),
	[TEMPLATE_TYPE_file_link] = KIND(LINK),
	[TEMPLATE_TYPE_file_symlink] = KIND(SYMLINK),
	[TEMPLATE_TYPE_file_mkdir] = KIND(MKDIR),
	[TEMPLATE_TYPE_file_chmod] = KIND(CHMOD),
	[TEMPLATE_TYPE_process_ptrace] = KIND(PTRACE),
	[TEMPLATE_TYPE_process_creds] = KIND(CREDS),
	[TEMPLATE_TYPE_process_namespace] = KIND(NAMESPACE),
	[TEMPLATE_TYPE_kernel_module] = KIND(MODULE),
	[TEMPLATE_TYPE_kernel_bpf] = KIND(BPF),
	[TEMPLATE_TYPE_kernel_userfaultfd] = KIND(USERFAULTFD),
#undef KIND
};

/* A type's programs of all contents, added up. */
static FALLIBLE sum_of_type(const struct content_set *set, uint32_t type, struct arena *a, struct filter_sum *out)
{
	const struct filter **list;
	uint32_t n = 0, at = 0;

	for (uint32_t i = 0; i < set->n_contents; i++)
		n += content_filters(set->contents[i], type, NULL, 0);
	list = ARENA_ARRAY(a, const struct filter *, n);
	if (!list)
		return E_NOMEM;
	for (uint32_t i = 0; i < set->n_contents; i++)
		at += content_filters(set->contents[i], type, list + at, n - at);
	return filter_add_up(list, n, a, out);
}

static bool passes_failed(const struct filter_sum *s)
{
	for (uint32_t c = FILTER_FAILED; c < FILTER_CLASSES; c++)
		if ((c & FILTER_FAILED) && s->class_clauses[c])
			return true;
	return false;
}

static bool wants(const struct content_set *set, uint32_t type, uint32_t id)
{
	return content_set_wants((void *)(uintptr_t)set, type, id);
}

/* What need not be read when no rule looks at it. */
static uint32_t flags_of(const struct content_set *set, uint64_t types)
{
	static const uint16_t raw[] = { FIELD_file_open_nameraw, FIELD_file_open_path_nameraw, FIELD_file_open_arg_name,
					FIELD_file_open_arg_dirfd, FIELD_evt_args };
	uint32_t flags = 0;

	for (size_t i = 0; i < countof(raw); i++)
		if (wants(set, TEMPLATE_TYPE_file_open, raw[i]))
			flags |= WIRE_FILTER_RAW;
	if (wants(set, TEMPLATE_TYPE_net_send, FIELD_net_send_buffer) ||
	    wants(set, TEMPLATE_TYPE_net_recv, FIELD_net_recv_buffer))
		flags |= WIRE_FILTER_DATA;
	for (uint32_t t = 0; t < TEMPLATE_N_TYPES; t++)
		if (types >> t & 1 && (wants(set, t, FIELD_proc_env) || wants(set, t, FIELD_proc_envs)))
			flags |= WIRE_FILTER_ENV;
	return flags;
}

static FALLIBLE open_clauses(const struct filter_sum *s, struct arena *a, struct worker_filter *out)
{
	out->filter.upwards = s->upwards;
	memcpy(out->filter.any, s->any, sizeof out->filter.any);
	memcpy(out->filter.open_class, s->class_clauses, sizeof out->filter.open_class);
	out->names = ARENA_ARRAY(a, struct wire_filter_name, s->n_names);
	out->masks = ARENA_ARRAY(a, uint32_t, s->n_names);
	if (!out->names || !out->masks)
		return E_NOMEM;
	out->n_names = s->n_names;
	for (uint32_t i = 0; i < s->n_names; i++) {
		out->names[i].place = s->names[i].place;
		memcpy(out->names[i].name, s->names[i].name.text, sizeof out->names[i].name);
		out->masks[i] = s->names[i].clauses;
	}
	return E_OK;
}

FALLIBLE worker_filter(const struct content_set *set, struct arena *a, struct worker_filter *out)
{
	uint64_t types = content_set_types(set);
	struct filter_sum s;

	*out = (struct worker_filter){ .filter.flags = flags_of(set, types) };
	for (uint32_t t = 0; t < TEMPLATE_N_TYPES; t++) {
		if (!(types >> t & 1))
			continue;
		TRY(sum_of_type(set, t, a, &s));
		out->filter.kinds |= kinds_of_type[t].kinds;
		if (passes_failed(&s)) {
			out->filter.kinds |= kinds_of_type[t].failed;
			out->filter.failed |= kinds_of_type[t].failed;
		}
		if ((t == TEMPLATE_TYPE_net_send || t == TEMPLATE_TYPE_net_recv) && s.class_clauses[FILTER_SAME_NAME])
			out->filter.flags |= WIRE_FILTER_SAME_NAME;
		if (t == TEMPLATE_TYPE_file_open)
			TRY(open_clauses(&s, a, out));
	}
	return E_OK;
}
