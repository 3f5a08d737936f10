/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start_containers: where the supervisor will look for what a runtime wrote down about a container.
 *
 * moby daemon/container (config.v2.json), containers/storage containers.go and libpod's StaticDir, containerd's runtime
 * v2 bundles, opencontainers/runc and crun's state directories. What the owner of the host said comes first.
 */
#include "agent/supervisor.h"

#define OF(runtime) (1u << (runtime))

/* What asks that does not say whose it is: any place may be its own. */
enum { ANYBODY = ~(OF(CONTAINER_PODMAN) | OF(CONTAINER_CRIO) | OF(CONTAINER_DOCKER) | OF(CONTAINER_CONTAINERD)) };

/* Docker's and cri-o's containers are containerd's or podman's too: only those that the group's name speaks for. */
static const struct {
	enum config_root kind;
	struct container_place place;
} places[] = {
	// clang-format off
	{ CONFIG_ROOT_DOCKER,
	  { NULL, { "containers/#/config.v2.json", "containers/#/hostconfig.json", NULL },
	    CONTAINER_DOCKER, CONTAINER_FILE_DOCKER, ANYBODY | OF(CONTAINER_DOCKER), false } },
	{ CONFIG_ROOT_STORAGE,
	  { NULL, { "overlay-containers/#/userdata/config.json", "overlay-containers/containers.json",
		    "overlay-containers/volatile-containers.json" },
	    CONTAINER_HOST, CONTAINER_FILE_OCI, ANYBODY | OF(CONTAINER_PODMAN) | OF(CONTAINER_CRIO), false } },
	{ CONFIG_ROOT_STORAGE,
	  { NULL, { "vfs-containers/#/userdata/config.json", "vfs-containers/containers.json",
		    "vfs-containers/volatile-containers.json" },
	    CONTAINER_HOST, CONTAINER_FILE_OCI, ANYBODY | OF(CONTAINER_PODMAN) | OF(CONTAINER_CRIO), false } },
	{ CONFIG_ROOT_CONTAINERD,
	  { NULL, { "io.containerd.runtime.v2.task/k8s.io/#/config.json", NULL, NULL },
	    CONTAINER_CONTAINERD, CONTAINER_FILE_OCI, ANYBODY | OF(CONTAINER_CONTAINERD), false } },
	{ CONFIG_ROOT_CONTAINERD,
	  { NULL, { "io.containerd.runtime.v2.task/default/#/config.json", NULL, NULL },
	    CONTAINER_CONTAINERD, CONTAINER_FILE_OCI, ANYBODY | OF(CONTAINER_CONTAINERD), false } },
	/* Docker with its own directory elsewhere: mounts and privileges, but no name. */
	{ CONFIG_ROOT_CONTAINERD,
	  { NULL, { "io.containerd.runtime.v2.task/moby/#/config.json", NULL, NULL },
	    CONTAINER_DOCKER, CONTAINER_FILE_OCI, ANYBODY | OF(CONTAINER_DOCKER), false } },
	{ CONFIG_ROOT_CRUN,
	  { NULL, { "#/config.json", NULL, NULL }, CONTAINER_OCI, CONTAINER_FILE_OCI, ANYBODY, true } },
	{ CONFIG_ROOT_RUNC,
	  { NULL, { "#/state.json", NULL, NULL }, CONTAINER_OCI, CONTAINER_FILE_RUNC, ANYBODY, true } },
	// clang-format on
};

static const struct {
	enum config_root kind;
	const char *dir;
} defaults[] = {
	{ CONFIG_ROOT_DOCKER, "/var/lib/docker" },
	{ CONFIG_ROOT_STORAGE, "/var/lib/containers/storage" },
	{ CONFIG_ROOT_CONTAINERD, "/run/containerd" },
	{ CONFIG_ROOT_CONTAINERD, "/run/k3s/containerd" },
	{ CONFIG_ROOT_CRUN, "/run/crun" },
	{ CONFIG_ROOT_RUNC, "/run/runc" },
};

static void add(struct container_files *f, const struct container_place *place, const char *root)
{
	f->place[f->n] = *place;
	f->place[f->n++].root = root;
}

FALLIBLE container_files_make(const struct config *c, struct container_files *out)
{
	static_assert(CONTAINER_N_RUNTIMES <= 32, "a bit for each");
	*out = (struct container_files){ 0 };
	out->place = calloc(countof(places) * (countof(defaults) + CONFIG_MAX_CONTAINER_ROOTS), sizeof *out->place);
	if (!out->place)
		return E_NOMEM;
	for (size_t p = 0; p < countof(places); p++) {
		for (uint32_t i = 0; i < c->n_container_roots; i++)
			if (c->container_roots[i].kind == (uint32_t)places[p].kind)
				add(out, &places[p].place, c->container_roots[i].dir);
		for (size_t i = 0; i < countof(defaults); i++)
			if (defaults[i].kind == places[p].kind)
				add(out, &places[p].place, defaults[i].dir);
	}
	return E_OK;
}
