/* SPDX-License-Identifier: Apache-2.0 */
/* simulate: what would a fault in new content have cost? */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/simulate_cli.h"

const char cmd_simulate_help[] =
	"usage: sallyport simulate [--hosts N] [--crash-prob P] [--latent H] [--stratum S]\n"
	"                          [--plan FILE] [--lane normal|urgent] [--trials N]\n"
	"                          [--seed N] [--background RATE] [--report-s S] [--halt-s S]\n"
	"                          [--no-attribution] [--json] [-o FILE]\n"
	"\n"
	"Send a release through a fleet of virtual hosts, in virtual time, with the code that\n"
	"the controller and the hosts run. A host is lost when the fault hits it and it had\n"
	"activated the content before the halt came. The same options give the same output.\n"
	"\n"
	"  --hosts N         hosts of the fleet: 8500000\n"
	"  --crash-prob P    the content kills the worker of a host with this probability,\n"
	"                    fixed for the host: 0, nothing is wrong with it\n"
	"  --latent H        it shows after H hours on average; without it, after 5 minutes\n"
	"  --stratum S       it hits only this share of hosts, none of which is in ring 0\n"
	"  --plan FILE       rings, soaks and ramps in YAML (docs/rollout.md)\n"
	"  --lane L          normal or urgent: normal\n"
	"  --trials N        releases to send: 300\n"
	"  --seed N          1\n"
	"  --background RATE crashes per host-hour that are not the content's: 0.000002\n"
	"  --report-s S      seconds from a crash to the controller: 300\n"
	"  --halt-s S        seconds from the controller to hosts: 300\n"
	"  --no-attribution  hosts cannot tell that it was the content\n"
	"  --json            one object: hosts_lost, percentiles, blind_host_hours, rings\n"
	"  -o FILE           the chart as SVG\n";

struct args {
	struct simulate_opts o;
	struct plan plan;
	const char *svg;
	bool json;
};

static bool real(const char *text, double *out)
{
	char *end;

	errno = 0;
	*out = strtod(text, &end);
	return !errno && end != text && !*end && isfinite(*out) && *out >= 0;
}

static int set_real(const char *name, double max, double *out)
{
	if (!real(optarg, out) || *out > max)
		return cli_fail(CLI_USAGE, "--%s takes a number from 0 to %g, not '%s'", name, max, optarg);
	return 0;
}

static int set_whole(const char *name, uint64_t max, uint64_t *out)
{
	*out = cli_number(optarg, max);
	if (!*out && strcmp(optarg, "0") != 0)
		return cli_fail(CLI_USAGE, "--%s takes a whole number up to %llu, not '%s'", name,
				(unsigned long long)max, optarg);
	return 0;
}

static int set_u32(const char *name, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t v;
	int code = set_whole(name, max, &v);

	if (!code && v < min)
		return cli_fail(CLI_USAGE, "--%s takes at least %u", name, min);
	*out = (uint32_t)v;
	return code;
}

static int set_lane(struct args *a)
{
	if (!strcmp(optarg, "normal"))
		a->o.lane = PLAN_NORMAL;
	else if (!strcmp(optarg, "urgent"))
		a->o.lane = PLAN_URGENT;
	else
		return cli_fail(CLI_USAGE, "--lane is 'normal' or 'urgent', not '%s'", optarg);
	return 0;
}

static int set_plan(struct args *a)
{
	a->o.plan = &a->plan;
	return cli_plan_load(optarg, &a->plan);
}

static int set_option(int c, struct args *a)
{
	switch (c) {
	case 'n':
		return set_whole("hosts", SIMULATE_MAX_HOSTS, &a->o.hosts);
	case 'c':
		return set_real("crash-prob", 1, &a->o.crash_prob);
	case 'l':
		return set_real("latent", 1e6, &a->o.latent_h);
	case 's':
		return set_real("stratum", 1, &a->o.stratum);
	case 'p':
		return set_plan(a);
	case 'L':
		return set_lane(a);
	case 't':
		return set_u32("trials", 1, SIMULATE_MAX_TRIALS, &a->o.trials);
	case 'S':
		return set_whole("seed", INT64_MAX, &a->o.seed);
	case 'b':
		return set_real("background", 0.01, &a->o.background);
	case 'r':
		return set_u32("report-s", 0, 86400, &a->o.report_s);
	case 'h':
		return set_u32("halt-s", 0, 86400, &a->o.halt_s);
	case 'A':
		a->o.attribution = false;
		return 0;
	case 'j':
		a->json = true;
		return 0;
	case 'o':
		a->svg = optarg;
		return 0;
	default:
		return cli_usage("simulate");
	}
}

static int parse(int argc, char **argv, struct args *a)
{
	static const struct option opts[] = {
		{ "hosts", required_argument, NULL, 'n' },
		{ "crash-prob", required_argument, NULL, 'c' },
		{ "latent", required_argument, NULL, 'l' },
		{ "stratum", required_argument, NULL, 's' },
		{ "plan", required_argument, NULL, 'p' },
		{ "lane", required_argument, NULL, 'L' },
		{ "trials", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 'S' },
		{ "background", required_argument, NULL, 'b' },
		{ "report-s", required_argument, NULL, 'r' },
		{ "halt-s", required_argument, NULL, 'h' },
		{ "no-attribution", no_argument, NULL, 'A' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	int c, code;

	while ((c = getopt_long(argc, argv, "o:", opts, NULL)) != -1) {
		code = set_option(c, a);
		if (code)
			return code;
	}
	return optind == argc ? 0 : cli_fail(CLI_USAGE, "simulate takes options only, not '%s'", argv[optind]);
}

/* "1 h 10 min", "3 d 2 h" */
static const char *duration(double s, char out[32])
{
	uint64_t min = (uint64_t)(s / 60 + 0.5);

	if (min < 60)
		(void)snprintf(out, 32, "%llu min", (unsigned long long)min);
	else if (min < 48 * 60)
		(void)snprintf(out, 32, "%llu h %02llu min", (unsigned long long)min / 60,
			       (unsigned long long)min % 60);
	else
		(void)snprintf(out, 32, "%llu d %02llu h", (unsigned long long)min / 1440,
			       (unsigned long long)min % 1440 / 60);
	return out;
}

static const char *verdict(const struct simulate_result *r, uint32_t i, char out[48])
{
	uint32_t on = i < PLAN_LAST ? r->ring[i + 1].opened : r->blessed;

	if (!r->ring[i].opened)
		return "never opened";
	if (!r->ring[i].halted && on == r->ring[i].opened)
		return i < PLAN_LAST ? "passed" : "blessed";
	(void)snprintf(out, 48, "halted %u, %s %u", r->ring[i].halted, i < PLAN_LAST ? "passed" : "blessed", on);
	return out;
}

static void print_rings(const struct simulate_result *r, struct buf *b)
{
	buf_puts(b, "ring      hosts   opened at     activated        lost  pauses  verdict\n");
	for (uint32_t i = 0; i < PLAN_RINGS; i++) {
		const struct simulate_ring *ring = &r->ring[i];
		char when[32] = "-", what[48];

		if (ring->opened)
			(void)duration(ring->opened_s, when);
		buf_printf(b, "%4u  %9llu  %10s  %12.1f  %10.2f  %6.2f  %s\n", i, (unsigned long long)ring->hosts, when,
			   ring->activated, ring->lost, ring->opened ? (double)ring->pauses / ring->opened : 0,
			   verdict(r, i, what));
	}
}

static void print_text(const struct args *a, const struct simulate_result *r, struct buf *b)
{
	char when[32];

	print_rings(r, b);
	buf_printf(b, "\nhosts lost: %.2f of %llu (half of %u trials at most %llu, 95 %% %llu, 99 %% %llu, all %llu)\n",
		   r->lost_mean, (unsigned long long)a->o.hosts, r->trials, (unsigned long long)r->lost_p50,
		   (unsigned long long)r->lost_p95, (unsigned long long)r->lost_p99, (unsigned long long)r->lost_max);
	buf_printf(b, "halted %u, blessed %u, given up %u; blind for %.4f host-hours\n", r->halted, r->blessed,
		   r->aborted, r->blind_host_hours);
	if (!(a->o.crash_prob > 0))
		buf_printf(b, "false halts: %u in %u\n", r->halted, r->trials);
	if (r->blessed)
		buf_printf(b, "blessed after %s\n", duration(r->blessed_s, when));
	buf_printf(b, "activations decided one by one: %llu; counted with a neighbour: %llu\n",
		   (unsigned long long)r->decisions, (unsigned long long)r->bulk);
	simulate_text_chart(r, b);
}

static void json_real(struct json *j, const char *key, double v)
{
	json_key(j, key);
	json_f64(j, v);
}

static void json_whole(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

static void json_rings(struct json *j, const struct simulate_result *r)
{
	json_key(j, "rings");
	json_array(j);
	for (uint32_t i = 0; i < PLAN_RINGS; i++) {
		const struct simulate_ring *ring = &r->ring[i];

		json_object(j);
		json_whole(j, "ring", i);
		json_whole(j, "hosts", ring->hosts);
		json_whole(j, "opened", ring->opened);
		json_key(j, "opened_s");
		if (ring->opened)
			json_f64(j, ring->opened_s);
		else
			json_null(j);
		json_real(j, "activated", ring->activated);
		json_real(j, "lost", ring->lost);
		json_whole(j, "pauses", ring->pauses);
		json_whole(j, "halted", ring->halted);
		json_end_object(j);
	}
	json_end_array(j);
}

static void print_json(const struct args *a, const struct simulate_result *r, struct buf *b)
{
	struct json j;

	json_init(&j, b);
	json_object(&j);
	json_whole(&j, "hosts", a->o.hosts);
	json_whole(&j, "trials", r->trials);
	json_real(&j, "hosts_lost", r->lost_mean);
	json_whole(&j, "p50", r->lost_p50);
	json_whole(&j, "p95", r->lost_p95);
	json_whole(&j, "p99", r->lost_p99);
	json_whole(&j, "max", r->lost_max);
	json_real(&j, "hosts_exposed", r->exposed_mean);
	json_real(&j, "blind_host_hours", r->blind_host_hours);
	json_whole(&j, "halted", r->halted);
	json_whole(&j, "blessed", r->blessed);
	json_whole(&j, "aborted", r->aborted);
	json_key(&j, "false_halts");
	if (a->o.crash_prob > 0)
		json_null(&j);
	else
		json_u64(&j, r->halted);
	json_key(&j, "blessed_s");
	if (r->blessed)
		json_f64(&j, r->blessed_s);
	else
		json_null(&j);
	json_whole(&j, "decisions", r->decisions);
	json_whole(&j, "bulk", r->bulk);
	json_rings(&j, r);
	json_end_object(&j);
}

static int write_svg(const struct args *a, const struct simulate_result *r)
{
	AUTO_FD int fd = open(a->svg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	struct buf b;
	enum err err;

	if (fd < 0)
		return cli_fail(CLI_HOST, "cannot write '%s': %m", a->svg);
	buf_init(&b, 1 << 20);
	simulate_svg_chart(&a->o, r, &b);
	err = b.full ? E_NOMEM : io_write_all(fd, b.p, b.len);
	buf_done(&b);
	return err == E_OK ? 0 : cli_fail(CLI_HOST, "cannot write '%s': %m", a->svg);
}

int cmd_simulate(int argc, char **argv)
{
	static struct args a;
	static struct simulate_result r;
	struct diag d;
	struct buf b;
	enum err err;
	int code;

	simulate_opts_init(&a.o);
	code = parse(argc, argv, &a);
	if (code)
		return code;
	diag_init(&d);
	err = simulate_run(&a.o, &r, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	if (a.svg && (code = write_svg(&a, &r)))
		return code;
	buf_init(&b, 1 << 20);
	if (a.json)
		print_json(&a, &r, &b);
	else
		print_text(&a, &r, &b);
	return cli_print(&b);
}
