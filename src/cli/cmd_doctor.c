/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: what this host grants, and what that means for each rule. */
#include "cli/cli.h"

#include <getopt.h>

#include "kern/kern.h"
#include "sensor/bpf/bpf.h"

const char cmd_doctor_help[] = "usage: sallyport doctor [--rules F|DIR]... [--json]\n"
			       "\n"
			       "Try everything that the sensor wants from this kernel, and say for each rule\n"
			       "whether it can work here. Changes nothing. Exit code 3 when the sensor cannot\n"
			       "run.\n"
			       "\n"
			       "  --rules F|DIR   rules to speak of, instead of the default ones; may be given\n"
			       "                  again\n"
			       "  --json          one JSON object\n";

enum grade { GRADE_FULL, GRADE_PARTIAL, GRADE_IMPOSSIBLE };

static const char *const grade_word[] = { "full", "partial", "impossible" };

#define BLIND_IO_URING "opens made through io_uring are not seen"

#define BLIND_NAMES "names changed through io_uring are not seen"

/* Why a rule does not see everything, by template type; NULL: it does. */
static const char *const blind_of_type[TEMPLATE_N_TYPES] = {
	[TEMPLATE_TYPE_file_open] = BLIND_IO_URING,
	[TEMPLATE_TYPE_net_connect] = "connects made through io_uring are not seen",
	[TEMPLATE_TYPE_net_accept] = "connections taken through io_uring are not seen",
	[TEMPLATE_TYPE_net_socket] = "sockets made through io_uring are not seen",
	[TEMPLATE_TYPE_net_listen] = "calls of listen made through io_uring are not seen",
	[TEMPLATE_TYPE_net_send] = "data sent with write(2), or through io_uring, is not seen",
	[TEMPLATE_TYPE_net_recv] = "data received with read(2), or through io_uring, is not seen",
	[TEMPLATE_TYPE_fd_dup] = "copies made with fcntl(2) are not seen",
	[TEMPLATE_TYPE_file_rename] = BLIND_NAMES,
	[TEMPLATE_TYPE_file_unlink] = BLIND_NAMES,
	[TEMPLATE_TYPE_file_link] = BLIND_NAMES,
	[TEMPLATE_TYPE_file_symlink] = BLIND_NAMES,
	[TEMPLATE_TYPE_file_mkdir] = BLIND_NAMES,
};

static enum grade grade_rule(const struct kern_report *k, const struct rule *r, const char **why)
{
	*why = "";
	if (!k->can_run) {
		*why = "the sensor cannot run here";
		return GRADE_IMPOSSIBLE;
	}
	if (!r->types) {
		*why = "it matches no kind of event that this sensor makes";
		return GRADE_IMPOSSIBLE;
	}
	for (uint32_t t = 0; t < TEMPLATE_N_TYPES; t++) {
		if (r->types >> t & 1 && blind_of_type[t]) {
			*why = blind_of_type[t];
			return GRADE_PARTIAL;
		}
	}
	return GRADE_FULL;
}

static const char *probe_word(const struct kern_probe *p)
{
	return p->grade == KERN_YES ? "ok" : p->grade == KERN_UNKNOWN ? "unknown" : p->required ? "NO" : "no";
}

static void text_probes(const struct kern_report *k, struct buf *out, bool colour)
{
	for (uint32_t i = 0; i < k->n; i++) {
		const struct kern_probe *p = &k->probes[i];
		const char *c = !colour                ? ""
				: p->grade == KERN_YES ? "\033[32m"
				: p->required          ? "\033[1;31m"
						       : "\033[33m";

		buf_printf(out, "%s%-8s%s%-58s %s\n", c, probe_word(p), colour ? "\033[0m" : "", p->what, p->detail);
		if (p->grade != KERN_YES && p->mend[0])
			buf_printf(out, "          -> %s\n", p->mend);
	}
	buf_puts(out, "blind   opens, connects and other calls made through io_uring      " BLIND_IO_URING "\n");
}

static void text_rules(const struct kern_report *k, const struct rule_set *rs, struct buf *out)
{
	for (uint32_t i = 0; i < rs->n_rules; i++) {
		const struct rule *r = &rs->rules[i];
		const char *why;
		enum grade g = grade_rule(k, r, &why);

		if (r->enabled)
			buf_printf(out, "%-11s %s%s%s%s\n", grade_word[g], r->name, why[0] ? " (" : "", why,
				   why[0] ? ")" : "");
	}
}

static void json_probes(const struct kern_report *k, struct json *j)
{
	json_key(j, "probes");
	json_array(j);
	for (uint32_t i = 0; i < k->n; i++) {
		const struct kern_probe *p = &k->probes[i];

		json_object(j);
		json_key(j, "detail");
		json_str(j, p->detail);
		json_key(j, "grade");
		json_str(j, p->grade == KERN_YES ? "yes" : p->grade == KERN_NO ? "no" : "unknown");
		json_key(j, "id");
		json_str(j, p->id);
		json_key(j, "mend");
		json_str(j, p->mend);
		json_key(j, "required");
		json_bool(j, p->required);
		json_key(j, "what");
		json_str(j, p->what);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_rules(const struct kern_report *k, const struct rule_set *rs, struct json *j)
{
	json_key(j, "rules");
	json_array(j);
	for (uint32_t i = 0; rs && i < rs->n_rules; i++) {
		const struct rule *r = &rs->rules[i];
		const char *why;
		enum grade g = grade_rule(k, r, &why);

		if (!r->enabled)
			continue;
		json_object(j);
		json_key(j, "coverage");
		json_str(j, grade_word[g]);
		json_key(j, "name");
		json_str(j, r->name);
		json_key(j, "why");
		json_str(j, why);
		json_end_object(j);
	}
	json_end_array(j);
}

static int print_report(const struct kern_report *k, const struct rule_set *rs, bool as_json)
{
	bool colour = cli_colour(STDOUT_FILENO);
	struct buf out;
	struct json j;

	buf_init(&out, 4 << 20);
	if (as_json) {
		json_init(&j, &out);
		json_object(&j);
		json_key(&j, "blind");
		json_array(&j);
		json_str(&j, BLIND_IO_URING);
		json_end_array(&j);
		json_key(&j, "can_run");
		json_bool(&j, k->can_run);
		json_key(&j, "kernel");
		json_str(&j, k->release);
		json_probes(k, &j);
		json_rules(k, rs, &j);
		json_end_object(&j);
		return cli_print(&out);
	}
	text_probes(k, &out, colour);
	if (rs) {
		buf_putc(&out, '\n');
		text_rules(k, rs, &out);
	} else {
		buf_puts(&out, "\nno rules are installed: give some with --rules\n");
	}
	buf_printf(&out, "\n%s\n", k->can_run ? "the sensor can run here" : "the sensor CANNOT run here");
	return cli_print(&out);
}

/* The programs are tried only where the rest is granted: it says better what lacks. */
static void probe(struct kern_report *out)
{
	const struct kern_opts o = { .object = view_of(sensor_bpf_object,
						       (size_t)(sensor_bpf_object_end - sensor_bpf_object)),
				     .reserved_bytes = 64 << 10,
				     .bulk_bytes = 64 << 10 };

	kern_probe(out);
	if (out->can_run)
		kern_probe_object(&o, out);
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option opts[] = { { "json", no_argument, NULL, 'j' },
					      { "rules", required_argument, NULL, 'r' },
					      { 0 } };
	char *paths[64], *none = NULL;
	struct kern_report report;
	struct cli_rules rules = { 0 };
	bool as_json = false;
	uint32_t n = 0;
	int c, code = 0;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'j')
			as_json = true;
		else if (c == 'r' && n < countof(paths))
			paths[n++] = optarg;
		else
			return cli_usage("doctor");
	}
	if (optind != argc)
		return cli_usage("doctor");
	none = (char *)(uintptr_t)cli_default_rules();
	if (!n && none)
		paths[n++] = none;
	if (n) {
		code = cli_rules_load(paths, n, &template_builtin, &rules);
		cli_rules_show(&rules);
	}
	probe(&report);
	if (!code)
		code = print_report(&report, rules.set, as_json);
	cli_rules_done(&rules);
	return code ? code : report.can_run ? CLI_OK : CLI_HOST;
}
