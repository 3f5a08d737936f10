/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups' paths to containers: what runtimes make, and what others make to look like it. */
#include "sensor/container/container.h"
#include "test.h"

#define A64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B64 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define POD "1b6c9a4e-6f2d-4f4b-9c55-0d3f6a7b8c9d"
#define POD_ "1b6c9a4e_6f2d_4f4b_9c55_0d3f6a7b8c9d"

static struct container_ident of(const char *path)
{
	struct container_ident id;

	container_identify(path, strlen(path), &id);
	return id;
}

TEST(the_path_of_a_control_group_tells_the_container)
{
	static const struct {
		const char *path, *type, *id, *pod;
		bool direct;
	} rows[] = {
		{ "/system.slice/docker-" A64 ".scope", "docker", A64, "", true },
		{ "/docker/" A64, "docker", A64, "", true },
		{ "/docker/" A64 "/init.scope", "docker", A64, "", true },
		{ "/machine.slice/libpod-" A64 ".scope", "podman", A64, "", true },
		{ "/machine.slice/libpod-" A64 ".scope/container", "podman", A64, "", true },
		{ "/libpod_parent/libpod-" A64, "podman", A64, "", true },
		{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" POD_ ".slice/cri-containerd-" A64
		  ".scope",
		  "containerd", A64, POD, true },
		{ "/kubepods.slice/kubepods-pod" POD_ ".slice/crio-" A64 ".scope", "cri-o", A64, POD, true },
		{ "/kubepods.slice/kubepods-pod" POD_ ".slice/crio-" A64 ".scope/container", "cri-o", A64, POD, true },
		{ "/kubepods/burstable/pod" POD "/" A64, "oci", A64, POD, true },
		{ "/kubepods/burstable/pod" POD "/crio-" A64, "cri-o", A64, POD, true },
		{ "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" POD_ ".slice/cri-containerd-" A64
		  ".scope",
		  "containerd", A64, POD, true },
		{ "/kubepods/pod0123456789abcdef0123456789abcdef/" A64, "oci", A64, "0123456789abcdef0123456789abcdef",
		  true },
		{ "/default/" A64, "oci", A64, "", true },
		{ "/system.slice/nerdctl-" A64 ".scope", "containerd", A64, "", true },
		{ "/system.slice/runc-web.scope", "oci", "web", "", true },
		{ "/system.slice/crun-" A64 ".scope", "oci", A64, "", true },
		{ "/lxc.payload.web-1", "lxc", "web-1", "", true },
		{ "/lxc.payload.web-1/system.slice/ssh.service", "lxc", "web-1", "", true },
		{ "/lxc/web", "lxc", "web", "", true },
		{ "/machine.slice/machine-deb\\x2d12.scope/payload/init.scope", "systemd-nspawn", "deb-12", "", true },
		{ "/machine.slice/systemd-nspawn@deb.service/payload", "systemd-nspawn", "deb", "", true },
		/* who only looks after a container is on the host */
		{ "/machine.slice/libpod-conmon-" A64 ".scope", "host", "", "", false },
		{ "/kubepods.slice/crio-conmon-" A64 ".scope", "host", "", "", false },
		{ "/lxc.monitor.web-1", "host", "", "", false },
		{ "/machine.slice/machine-deb.scope/supervisor", "host", "", "", false },
		{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "host", "", "", false },
		{ "/kubepods/burstable/pod" POD, "host", "", "", false },
		/* the innermost counts, and it is not the host's runtime that knows it */
		{ "/docker/" A64 "/docker/" B64, "docker", B64, "", false },
		{ "/docker/" A64 "/kubepods/burstable/pod" POD "/" B64, "oci", B64, POD, false },
		{ "/lxc.payload.web/system.slice/docker-" B64 ".scope", "docker", B64, "", false },
		{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" A64 ".scope", "podman", A64, "",
		  false },
		{ ".../docker-" A64 ".scope/x", "docker", A64, "", false },
		/* looks like it */
		{ "/", "host", "", "", false },
		{ "", "host", "", "", false },
		{ "/system.slice/ssh.service", "host", "", "", false },
		{ "/system.slice/docker-" A64 "0.scope", "host", "", "", false },
		{ "/system.slice/docker-0123456789ab.scope", "host", "", "", false },
		{ "/system.slice/docker-" A64 ".scopes", "host", "", "", false },
		{ "/system.slice/docker-" A64 ".slice", "host", "", "", false },
		{ "/system.slice/evil-" A64 ".scope", "host", "", "", false },
		{ "/system.slice/docker-0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef.scope", "host",
		  "", "", false },
		{ "/system.slice/docker.service", "host", "", "", false },
		{ "/system.slice/runc-.scope", "host", "", "", false },
		{ "/system.slice/runc-web", "host", "", "", false },
		{ "/system.slice/runc-...scope", "host", "", "", false },
		{ "/system.slice/machine-deb.scope", "host", "", "", false },
		{ "/machine.slice/machine-\\x2e\\x2e.scope", "host", "", "", false },
		{ "/machine.slice/machine-a\\x2fb.scope", "host", "", "", false },
		{ "/machine.slice/machine-a\\x2", "host", "", "", false },
		{ "/lxc.payload.", "host", "", "", false },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct container_ident id = of(rows[i].path);

		test_row = rows[i].path;
		CHECK_STR(container_runtime_word(id.runtime), rows[i].type);
		CHECK_STR(id.id, rows[i].id);
		CHECK_STR(id.pod_uid, rows[i].pod);
		CHECK_EQ(id.direct, rows[i].direct);
		CHECK_EQ(id.hex, strlen(rows[i].id) == 64);
		CHECK(!id.id[0] || container_id_ok(id.id));
	}
}

/* With more names than are kept, whoever is outside may have been left out. */
TEST(a_path_deeper_than_any_does_not_vouch_for_an_id)
{
	char path[1024] = "/docker/" A64;
	size_t at = strlen(path);

	for (int i = 0; i < 70; i++)
		at += (size_t)snprintf(path + at, sizeof path - at, "/d");
	(void)snprintf(path + at, sizeof path - at, "/docker/" B64);
	CHECK_STR(of(path).id, B64);
	CHECK_EQ(of(path).direct, false);
}

TEST(an_id_that_could_leave_its_directory_is_none)
{
	static const struct {
		char id[CONTAINER_ID_MAX];
		bool ok;
	} rows[] = {
		{ A64, true },    { "web", true },  { "web.1+2_3-4", true }, { "", false },
		{ ".", false },   { "..", false },  { ".x", false },         { "-x", false },
		{ "a/b", false }, { "a b", false }, { "a\\b", false },       { "a\xc3\xa4", false },
	};
	char endless[CONTAINER_ID_MAX];

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].id;
		CHECK_EQ(container_id_ok(rows[i].id), rows[i].ok);
	}
	memset(endless, 'a', sizeof endless);
	CHECK_EQ(container_id_ok(endless), false);
}
