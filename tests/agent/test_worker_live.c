/* SPDX-License-Identifier: Apache-2.0 */
/* A live worker and a shadow on the rings of the running kernel: both see the same. */
#include "worker_bed.h"

#include "kern/kern.h"
#include "sensor/bpf/bpf.h"

#define RULES                                                                                                        \
	"- rule: Bait\n  desc: d\n  condition: evt.type in (open, openat) and fd.name startswith /tmp/shadow-bait\n" \
	"  output: by %proc.name\n  priority: WARNING\n"

static struct kern *open_kernel(void)
{
	struct kern_opts o = { .object =
				       view_of(sensor_bpf_object, (size_t)(sensor_bpf_object_end - sensor_bpf_object)),
			       .reserved_bytes = 256 << 10,
			       .bulk_bytes = 512 << 10 };
	struct kern *k = NULL;
	struct diag d;

	diag_init(&d);
	if (geteuid() || kern_open(&o, &k, &d) != E_OK)
		SKIP("no kernel side here: %s", d.text);
	return k;
}

static void start(struct bed *b, const struct kern *k, uint32_t flags)
{
	int fds[3];

	for (uint32_t i = 0; i < WIRE_N_RINGS; i++)
		fds[i] = kern_ring_fd(k, i);
	fds[2] = kern_stats_fd(k);
	bed_spawn(b);
	bed_start_sized(b, flags, 0, fds, kern_ring_bytes(k, 0), kern_ring_bytes(k, 1), kern_n_cpus(k));
	bed_load(b, RULES, sizeof RULES - 1);
	bed_wait_ready(b);
}

static void go(struct bed *b, struct kern *k)
{
	struct diag d;
	int iter = -1;

	diag_init(&d);
	CHECK_OK(kern_iter_open(k, &iter, &d));
	bed_go(b, iter);
}

static void open_bait(uint32_t n)
{
	int fd = open("/tmp/shadow-bait", O_CREAT | O_RDONLY | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	close(fd);
	for (uint32_t i = 1; i < n; i++) {
		fd = open("/tmp/shadow-bait", O_RDONLY | O_CLOEXEC);
		CHECK(fd >= 0);
		close(fd);
	}
}

TEST(live_and_shadow_alert_alike_on_the_kernels_own_rings)
{
	struct kern *k = open_kernel();
	struct bed live, shadow;
	struct diag d;

	diag_init(&d);
	start(&live, k, 0);
	CHECK_OK(kern_attach(k, live.last.u.ready.hooks, &d));
	CHECK_OK(kern_filter_swap(k, NULL, NULL, NULL, 0, &d));
	go(&live, k);
	start(&shadow, k, CONTROL_SHADOW);
	go(&shadow, k);
	open_bait(1);
	CHECK(bed_until(&live.page->alerts, 1) && bed_until(&shadow.page->alerts, 1));
	for (uint32_t i = 1; i <= 10; i++) {
		open_bait(100);
		CHECK(bed_until(&live.page->rules[0].alerts, 1 + 100 * i));
		CHECK(bed_until(&shadow.page->rules[0].alerts, 1 + 100 * i));
	}
	usleep(300000);
	CHECK_EQ(page_get(&live.page->rules[0].alerts), 1001);
	CHECK_EQ(page_get(&shadow.page->rules[0].alerts), 1001);
	CHECK_EQ(page_get(&shadow.page->malformed), 0);
	CHECK_EQ(page_get(&shadow.page->skips), 0);
	CHECK_EQ(bed_stop(&shadow), 0);
	open_bait(5);
	CHECK(bed_until(&live.page->rules[0].alerts, 1006));
	CHECK_OK(kern_attach(k, 0, &d));
	CHECK_EQ(bed_stop(&live), 0);
	kern_close(k);
	unlink("/tmp/shadow-bait");
}
