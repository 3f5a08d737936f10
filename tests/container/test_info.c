/* SPDX-License-Identifier: Apache-2.0 */
/* Files in the shapes of the runtimes, and what is read from them. */
#include "sensor/container/container.h"
#include "test.h"

#define A64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

static struct container_info *parse(enum container_shape shape, const char *a, const char *b, const char *c)
{
	struct view files[CONTAINER_FILES] = { view_of(a, strlen(a)), { 0 }, { 0 } };
	struct container_info *i = NULL;

	if (b)
		files[1] = view_of(b, strlen(b));
	if (c)
		files[2] = view_of(c, strlen(c));
	CHECK_OK(container_info_parse(shape, CONTAINER_HOST, A64, files, &i));
	return i;
}

static void check_list(const struct container_str *list, uint32_t n, const char *const *want)
{
	for (uint32_t i = 0; i < n; i++) {
		CHECK(want[i] != NULL);
		CHECK_STR(list[i].p, want[i]);
		CHECK_EQ(list[i].len, strlen(want[i]));
	}
	CHECK(want[n] == NULL);
}

TEST(the_parts_of_an_image_name)
{
	static const struct {
		const char *name, *repository, *tag, *digest;
	} rows[] = {
		{ "nginx", "nginx", NULL, NULL },
		{ "nginx:1.25", "nginx", "1.25", NULL },
		{ "docker.io/library/nginx:latest", "docker.io/library/nginx", "latest", NULL },
		{ "localhost:5000/team/app", "localhost:5000/team/app", NULL, NULL },
		{ "localhost:5000/team/app:v1", "localhost:5000/team/app", "v1", NULL },
		{ "nginx@sha256:" SHA, "nginx", NULL, "sha256:" SHA },
		{ "reg:443/nginx:1@sha256:" SHA, "reg:443/nginx", "1", "sha256:" SHA },
		{ "sha256:" SHA, NULL, NULL, "sha256:" SHA },
		{ "", NULL, NULL, NULL },
		{ ":", NULL, NULL, NULL },
		{ "@", NULL, NULL, NULL },
		{ "a:", "a", NULL, NULL },
		{ "sha256:1", "sha256", "1", NULL },
		{ "app:" SHA, "app", SHA, NULL },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		const char *want[] = { rows[i].repository, rows[i].tag, rows[i].digest };
		struct container_image img;

		test_row = rows[i].name;
		container_image_split(rows[i].name, strlen(rows[i].name), &img);
		for (size_t k = 0; k < 3; k++) {
			const struct container_str *got = k == 0 ? &img.repository : k == 1 ? &img.tag : &img.digest;

			CHECK_EQ(got->p != NULL, want[k] != NULL);
			if (want[k])
				CHECK(got->len == strlen(want[k]) && !memcmp(got->p, want[k], got->len));
		}
	}
}

TEST(docker_tells_in_two_files)
{
	struct container_info *i = parse(
		CONTAINER_FILE_DOCKER,
		"{\"ID\":\"" A64 "\",\"Created\":\"2024-05-01T10:00:00Z\",\"Name\":\"/web\",\"Image\":\"sha256:" SHA
		"\",\"State\":{\"Running\":true,\"StartedAt\":\"2024-05-01T10:00:01.5Z\"},"
		"\"Config\":{\"Image\":\"reg:5000/shop/nginx:1.25\",\"Labels\":{\"version\":\"7\",\"x\":3}},"
		"\"MountPoints\":{\"/data\":{\"Source\":\"/srv/data\",\"Destination\":\"/data\",\"RW\":true,"
		"\"Mode\":\"z\",\"Propagation\":\"rprivate\"},"
		"\"/vol\":{\"Source\":\"\",\"Name\":\"vol1\",\"Destination\":\"/vol\",\"RW\":false}},"
		"\"NetworkSettings\":{\"Networks\":{\"bridge\":{\"IPAddress\":\"172.17.0.2\"}}}}",
		"{\"Privileged\":true}", NULL);

	CHECK_STR(i->name.p, "web");
	CHECK_STR(i->image.p, "reg:5000/shop/nginx:1.25");
	CHECK_EQ(i->repository.len, strlen("reg:5000/shop/nginx"));
	CHECK_STR(i->tag.p, "1.25");
	CHECK_STR(i->image_id.p, "5f70bf18a086");
	CHECK_STR(i->ip.p, "172.17.0.2");
	CHECK_EQ(i->start_ns, 1714557601500000000ull);
	CHECK(i->privileged && i->privileged_known);
	CHECK_STR(i->mounts.p, "/srv/data:/data:z:true:rprivate,vol1:/vol::false:");
	check_list(i->mount_dest, i->n_mounts, (const char *[]){ "/srv/data=/data", "vol1=/vol", NULL });
	check_list(i->mount_source, i->n_mounts, (const char *[]){ "/data=/srv/data", "/vol=vol1", NULL });
	check_list(i->labels, i->n_labels, (const char *[]){ "version=7", NULL });
	CHECK(!i->pod_name.p && !i->digest.p);
	container_info_free(i);
}

TEST(without_hostconfig_it_is_not_known_whether_docker_gave_privileges)
{
	struct container_info *i =
		parse(CONTAINER_FILE_DOCKER, "{\"Name\":\"/web\",\"Config\":{\"Image\":\"a\"}}", "{", NULL);

	CHECK_STR(i->name.p, "web");
	CHECK_EQ(i->privileged_known, false);
	container_info_free(i);
}

TEST(kubernetes_says_pod_and_name_in_dockers_labels)
{
	struct container_info *i =
		parse(CONTAINER_FILE_DOCKER,
		      "{\"Name\":\"/k8s_web_shop-1_prod_uid_0\",\"Config\":{\"Image\":\"sha256:" SHA "\",\"Labels\":{"
		      "\"io.kubernetes.container.name\":\"web\",\"io.kubernetes.pod.name\":\"shop-1\","
		      "\"io.kubernetes.pod.namespace\":\"prod\",\"io.kubernetes.pod.uid\":\"u-1\","
		      "\"io.kubernetes.sandbox.id\":\"" A64 "\"}}}",
		      NULL, NULL);

	CHECK_STR(i->name.p, "web");
	CHECK_STR(i->pod_name.p, "shop-1");
	CHECK_STR(i->ns_name.p, "prod");
	CHECK_STR(i->pod_uid.p, "u-1");
	CHECK_STR(i->sandbox_id.p, "0123456789ab");
	CHECK(!i->repository.p);
	CHECK_STR(i->digest.p, "sha256:" SHA);
	container_info_free(i);
}

TEST(containerd_tells_in_the_annotations_of_the_bundle)
{
	struct container_info *i = parse(
		CONTAINER_FILE_OCI,
		"{\"ociVersion\":\"1.1.0\",\"process\":{\"capabilities\":{\"bounding\":[\"CAP_CHOWN\",\"CAP_SYS_"
		"ADMIN\"]},"
		"\"rlimits\":[{\"type\":\"RLIMIT_NPROC\",\"hard\":18446744073709551615}]},"
		"\"mounts\":[{\"destination\":\"/"
		"proc\",\"type\":\"proc\",\"source\":\"proc\",\"options\":[\"nosuid\"]},"
		"{\"destination\":\"/etc/hosts\",\"type\":\"bind\",\"source\":\"/var/lib/kubelet/pods/p/etc-hosts\","
		"\"options\":[\"rbind\",\"rprivate\",\"rw\"]},"
		"{\"destination\":\"/token\",\"source\":\"/var/lib/kubelet/pods/p/"
		"token\",\"options\":[\"rbind\",\"ro\"]}],"
		"\"annotations\":{\"io.kubernetes.cri.container-type\":\"container\","
		"\"io.kubernetes.cri.container-name\":\"web\",\"io.kubernetes.cri.image-name\":\"docker.io/library/"
		"nginx:1\","
		"\"io.kubernetes.cri.sandbox-id\":\"" A64 "\",\"io.kubernetes.cri.sandbox-name\":\"shop-1\","
		"\"io.kubernetes.cri.sandbox-namespace\":\"prod\",\"io.kubernetes.cri.sandbox-uid\":\"u-1\"},"
		"\"linux\":{\"maskedPaths\":[\"/proc/kcore\"]}}",
		NULL, NULL);

	CHECK_STR(i->name.p, "web");
	CHECK_STR(i->image.p, "docker.io/library/nginx:1");
	CHECK_STR(i->pod_name.p, "shop-1");
	CHECK_STR(i->ns_name.p, "prod");
	CHECK_STR(i->pod_uid.p, "u-1");
	CHECK_STR(i->sandbox_id.p, "0123456789ab");
	CHECK(i->privileged_known && !i->privileged);
	CHECK_STR(i->mounts.p, "/var/lib/kubelet/pods/p/etc-hosts:/etc/hosts::true:rprivate,"
			       "/var/lib/kubelet/pods/p/token:/token::false:");
	CHECK_EQ(i->n_labels, 7);
	CHECK_EQ(i->runtime, CONTAINER_HOST);
	container_info_free(i);
}

#define CAPS "\"CAP_SYS_ADMIN\",\"CAP_SYS_MODULE\",\"CAP_SYS_PTRACE\",\"CAP_SYS_RAWIO\",\"CAP_NET_ADMIN\""

TEST(privileged_is_all_capabilities_and_nothing_masked)
{
	static const struct {
		const char *name, *json;
		bool privileged;
	} rows[] = {
		{ "both", "{\"ociVersion\":\"1\",\"process\":{\"capabilities\":{\"bounding\":[" CAPS "]}}}", true },
		{ "masked",
		  "{\"ociVersion\":\"1\",\"process\":{\"capabilities\":{\"bounding\":[" CAPS
		  "]}},\"linux\":{\"maskedPaths\":[\"/proc/kcore\"]}}",
		  false },
		{ "one is missing",
		  "{\"ociVersion\":\"1\",\"process\":{\"capabilities\":{\"bounding\":[\"CAP_SYS_ADMIN\"]}}}", false },
		{ "none", "{\"ociVersion\":\"1\"}", false },
		{ "cri-o says so",
		  "{\"ociVersion\":\"1\",\"annotations\":{\"io.kubernetes.cri-o.PrivilegedRuntime\":\"true\"}}", true },
		{ "cri-o says no",
		  "{\"ociVersion\":\"1\",\"process\":{\"capabilities\":{\"bounding\":[" CAPS
		  "]}},\"annotations\":{\"io.kubernetes.cri-o.PrivilegedRuntime\":\"false\"}}",
		  false },
	};

	for (size_t k = 0; k < countof(rows); k++) {
		struct container_info *i = parse(CONTAINER_FILE_OCI, rows[k].json, NULL, NULL);

		test_row = rows[k].name;
		CHECK(i->privileged_known);
		CHECK_EQ(i->privileged, rows[k].privileged);
		container_info_free(i);
	}
}

TEST(podman_has_name_and_image_in_the_list_of_its_storage)
{
	static const char list[] =
		"[{\"id\":\"" SHA "\",\"names\":[\"other\"]},{\"id\":\"" A64 "\",\"names\":[\"db\"],\"image\":\"" SHA
		"\",\"metadata\":\"{\\\"image-name\\\":\\\"quay.io/x/db:9\\\",\\\"name\\\":\\\"db\\\"}\"}]";
	static const char spec[] = "{\"ociVersion\":\"1\",\"annotations\":{\"io.container.manager\":\"libpod\"}}";

	for (int where = 0; where < 2; where++) { /* with --rm it is in the other list */
		struct container_info *i = parse(CONTAINER_FILE_OCI, spec, where ? "[]" : list, where ? list : NULL);

		CHECK_EQ(i->runtime, CONTAINER_PODMAN);
		CHECK_STR(i->name.p, "db");
		CHECK_STR(i->image.p, "quay.io/x/db:9");
		CHECK_STR(i->image_id.p, "5f70bf18a086");
		container_info_free(i);
	}
}

TEST(crio_tells_in_annotations_and_has_labels_in_one_of_them)
{
	struct container_info *i =
		parse(CONTAINER_FILE_OCI,
		      "{\"ociVersion\":\"1\",\"annotations\":{\"io.kubernetes.cri-o.ContainerID\":\"" A64 "\","
		      "\"io.kubernetes.cri-o.ImageName\":\"quay.io/a/b:1\",\"io.kubernetes.cri-o.Image\":\"" SHA "\","
		      "\"io.kubernetes.cri-o.SandboxID\":\"" A64 "\",\"io.kubernetes.cri-o.IP.0\":\"10.88.0.3\","
		      "\"io.kubernetes.pod.name\":\"p\",\"io.kubernetes.pod.namespace\":\"n\",\"io.kubernetes.pod."
		      "uid\":\"u\","
		      "\"io.kubernetes.container.name\":\"c\",\"io.kubernetes.cri-o.Created\":\"2024-05-01T12:00:00.25+"
		      "02:00\","
		      "\"io.kubernetes.cri-o.Labels\":\"{\\\"app\\\":\\\"web\\\"}\"}}",
		      NULL, NULL);

	CHECK_EQ(i->runtime, CONTAINER_CRIO);
	CHECK_STR(i->name.p, "c");
	CHECK_STR(i->image.p, "quay.io/a/b:1");
	CHECK_STR(i->image_id.p, "5f70bf18a086");
	CHECK_STR(i->ip.p, "10.88.0.3");
	CHECK_STR(i->pod_name.p, "p");
	CHECK_STR(i->ns_name.p, "n");
	CHECK_STR(i->sandbox_id.p, "0123456789ab");
	CHECK_EQ(i->start_ns, 1714557600250000000ull);
	bool found = false;
	for (uint32_t k = 0; k < i->n_labels; k++)
		found |= !strcmp(i->labels[k].p, "app=web");
	CHECK(found);
	container_info_free(i);
}

TEST(runc_has_a_state_of_its_own)
{
	struct container_info *i = parse(
		CONTAINER_FILE_RUNC,
		"{\"id\":\"web\",\"init_process_pid\":7,\"created\":\"2024-05-01T10:00:00.000000001Z\",\"config\":{"
		"\"labels\":[\"bundle=/b\",\"org.opencontainers.image.ref.name=alpine:3\",\"k=v=w\"],"
		"\"mounts\":[{\"source\":\"/srv\",\"destination\":\"/data\",\"device\":\"bind\",\"flags\":20481},"
		"{\"source\":\"proc\",\"destination\":\"/proc\",\"device\":\"proc\",\"flags\":0}],"
		"\"capabilities\":{\"Bounding\":[" CAPS "]},\"mask_paths\":null}}",
		NULL, NULL);

	CHECK_STR(i->image.p, "alpine:3");
	CHECK_STR(i->mounts.p, "/srv:/data::false:");
	CHECK(i->privileged);
	CHECK_EQ(i->start_ns, 1714557600000000001ull);
	check_list(i->labels, i->n_labels,
		   (const char *[]){ "org.opencontainers.image.ref.name=alpine:3", "k=v=w", NULL });
	container_info_free(i);
}
