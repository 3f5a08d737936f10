/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields_container: which container an event's process is in, and what is known of it.
 *
 * container.id, full_id, type and k8s.pod.uid come from the control group, with the first event. The rest comes from
 * the runtime's files, which are asked for when the container is first seen: until the answer is there, and where there
 * is none, those fields are missing. On the host id, name and type are "host" and all others are missing.
 */
#include "sensor/decode/parts.h"

static void set(struct event *e, uint32_t id, struct container_str s)
{
	if (s.p)
		event_set_str(e, id, s.p, s.len);
}

/* The field's value is the list; the arrays of all list fields of one event share d->container_list. */
static void set_list(struct decode *d, uint32_t id, const struct container_str *list, uint32_t n)
{
	struct helper_str *out;

	if (d->container_event != d->n_events)
		d->container_listed = 0;
	d->container_event = d->n_events;
	out = d->container_list + d->container_listed;
	if (!n || n > countof(d->container_list) - d->container_listed)
		return;
	d->container_listed += n;
	for (uint32_t i = 0; i < n; i++)
		out[i] = (struct helper_str){ list[i].p, list[i].len };
	event_set_list(&d->event, id, out, n);
}

/* The name in the memory controller's hierarchy is asked for by that name; where controllers share one hierarchy the
 * record's path is that of all of them. */
static void set_cgroups(struct decode *d)
{
	const struct container_group *g = d->p->cgroup;

	d->cgroups[0] = (struct helper_str){ g->memory.p, g->memory.len };
	d->cgroups[1] = (struct helper_str){ g->standard.p, g->standard.len };
	event_set_list(&d->event, FIELD_thread_cgroup, d->cgroups, 2);
}

struct proc_str container_id(const struct decode *d)
{
	const struct container_group *g = d->p->cgroup;

	if (!g)
		return (struct proc_str){ "", 0 };
	if (g->ident.runtime == CONTAINER_HOST)
		return (struct proc_str){ "host", 4 };
	return (struct proc_str){ g->ident.id, g->ident.hex ? CONTAINER_SHORT : (uint32_t)strlen(g->ident.id) };
}

/* Wall clock: of its first process, as far as seen, or what its runtime says when that is earlier. 0: not known. */
static uint64_t start_of(const struct decode *d, const struct container *c)
{
	uint64_t first = c->first_ns ? c->first_ns + d->boot_to_wall_ns : 0, said = c->info ? c->info->start_ns : 0;

	if (!first || !said)
		return first ? first : said;
	return first < said ? first : said;
}

static void set_times(struct decode *d, uint32_t id, const struct container *c)
{
	uint64_t start = c ? start_of(d, c) : 0, now = d->boot_to_wall_ns + d->rec.hdr.time_ns;

	if (!start)
		return;
	if (id == FIELD_container_start_ts)
		event_set_u64(&d->event, id, start);
	else if (now >= start)
		event_set_u64(&d->event, id, now - start);
}

static void set_name(struct event *e, const struct container_ident *who, const struct container_info *info)
{
	if (info)
		set(e, FIELD_container_name, info->name);
	else if (!who->hex) /* lxc, systemd-nspawn, runc and crun: the id is a name that somebody gave */
		event_set_cstr(e, FIELD_container_name, who->id);
}

// clang-format off
static void fill_info(struct decode *d, uint32_t id, const struct container_info *i)
{
	struct event *e = &d->event;

	switch ((enum template_common_id)id) {
	case FIELD_container_image: set(e, id, i->image); return;
	case FIELD_container_image_repository: set(e, id, i->repository); return;
	case FIELD_container_image_tag: set(e, id, i->tag); return;
	case FIELD_container_image_digest: set(e, id, i->digest); return;
	case FIELD_container_image_id: set(e, id, i->image_id); return;
	case FIELD_container_privileged: if (i->privileged_known) event_set_u64(e, id, i->privileged); return;
	case FIELD_container_mounts: set(e, id, i->mounts); return;
	case FIELD_container_mount_dest: set_list(d, id, i->mount_dest, i->n_mounts); return;
	case FIELD_container_mount_source: set_list(d, id, i->mount_source, i->n_mounts); return;
	case FIELD_container_ip: set(e, id, i->ip); return;
	case FIELD_container_labels: set_list(d, id, i->labels, i->n_labels); return;
	case FIELD_k8s_ns_name: set(e, id, i->ns_name); return;
	case FIELD_k8s_pod_name: set(e, id, i->pod_name); return;
	case FIELD_k8s_pod_sandbox_id: set(e, id, i->sandbox_id); return;
	default: return;
	}
}

static void fill_contained(struct decode *d, uint32_t id, const struct container_group *g)
{
	const struct container_info *info = g->container ? g->container->info : NULL;
	struct event *e = &d->event;

	switch ((enum template_common_id)id) {
	case FIELD_container_full_id: event_set_cstr(e, id, g->ident.id); return;
	case FIELD_container_name: set_name(e, &g->ident, info); return;
	case FIELD_container_type: event_set_cstr(e, id, container_runtime_word(info && info->runtime ? info->runtime : g->ident.runtime)); return;
	case FIELD_container_start_ts: case FIELD_container_duration: set_times(d, id, g->container); return;
	case FIELD_k8s_pod_uid:
		if (g->ident.pod_uid[0])
			event_set_cstr(e, id, g->ident.pod_uid);
		else if (info)
			set(e, id, info->pod_uid);
		return;
	default:
		if (info)
			fill_info(d, id, info);
		return;
	}
}

bool container_field_needs_files(uint32_t id)
{
	switch (id) {
	case FIELD_container_name: case FIELD_container_image: case FIELD_container_image_repository:
	case FIELD_container_image_tag: case FIELD_container_image_digest: case FIELD_container_image_id:
	case FIELD_container_privileged: case FIELD_container_mounts: case FIELD_container_mount_dest:
	case FIELD_container_mount_source: case FIELD_container_ip: case FIELD_container_labels:
	case FIELD_container_type: case FIELD_container_start_ts: case FIELD_container_duration:
	case FIELD_k8s_ns_name: case FIELD_k8s_pod_name: case FIELD_k8s_pod_uid: case FIELD_k8s_pod_sandbox_id:
		return true;
	default:
		return false;
	}
}
// clang-format on

void fields_container(struct decode *d, uint32_t id)
{
	const struct container_group *g = d->p->cgroup;

	if (!g)
		return;
	if (id == FIELD_thread_cgroup)
		set_cgroups(d);
	else if (id == FIELD_container_id)
		value_str(d, id, container_id(d));
	else if (g->ident.runtime != CONTAINER_HOST)
		fill_contained(d, id, g);
	else if (id == FIELD_container_name || id == FIELD_container_type)
		event_set_cstr(&d->event, id, "host");
}
