/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape: what rule files of endpoint sensors look like. A third is about files that are written or read below some
 * directories, half about programs that start, the rest about connections; nearly all name one of a few macros, then
 * ask for a name, a path or a word of the command line, and then except what is known to be good.
 */
#include "shape.h"

enum { WORDS = 40 };

static const char *const nouns[WORDS] = { "vault",  "quarry",  "harbor", "lantern", "meadow",  "copper",  "willow",
					  "falcon", "granite", "ember",  "tundra",  "saffron", "cobalt",  "juniper",
					  "marble", "osprey",  "pebble", "raven",   "sable",   "thistle", "umber",
					  "violet", "walnut",  "yarrow", "zephyr",  "amber",   "birch",   "cedar",
					  "dahlia", "elm",     "fern",   "garnet",  "hazel",   "iris",    "jasper",
					  "kelp",   "lilac",   "maple",  "nutmeg",  "onyx" };

static uint64_t seed = 11;

static const char *noun(void)
{
	seed += 0x9e3779b97f4a7c15ull;
	return nouns[(hash_u64(seed) >> 32) % WORDS];
}

static void put_list(struct buf *out, const char *name, const char *prefix, unsigned n)
{
	buf_printf(out, "- list: %s\n  items: [", name);
	for (unsigned i = 0; i < n; i++)
		buf_printf(out, "%s%s%s-%s", i ? ", " : "", prefix, noun(), noun());
	buf_puts(out, "]\n");
}

static void put_macros(struct buf *out)
{
	put_list(out, "shells", "", 12);
	put_list(out, "package_tools", "", 40);
	put_list(out, "agents", "", 90);
	put_list(out, "secrets", "/etc/", 8);
	buf_puts(
		out,
		"- macro: open_write\n  condition: (evt.type in (open, openat, openat2) and evt.is_open_write = true "
		"and "
		"fd.typechar = 'f' and fd.num >= 0)\n"
		"- macro: open_read\n  condition: (evt.type in (open, openat, openat2) and evt.is_open_read = true and "
		"fd.typechar = 'f' and fd.num >= 0)\n"
		"- macro: started\n  condition: (evt.type in (execve, execveat) and evt.dir = <)\n"
		"- macro: outbound\n  condition: (evt.type = connect and evt.dir = < and fd.typechar = 4)\n"
		"- macro: in_container\n  condition: (container.id != host)\n"
		"- macro: by_package_tool\n  condition: (proc.name in (package_tools) or proc.pname in (package_tools) "
		"or "
		"proc.aname[2] in (package_tools))\n"
		"- macro: by_agent\n  condition: (proc.name in (agents) or proc.pname startswith kubelet)\n");
}

static void put_rule(struct buf *out, unsigned i)
{
	const char *a = noun(), *b = noun(), *c = noun(), *d = noun();

	buf_printf(out, "- rule: Shape %u\n  desc: one of many\n  condition: >\n    ", i);
	switch (i % 12) {
	case 0:
	case 1:
		buf_printf(out,
			   "open_write and (fd.name startswith /etc/%s or fd.name startswith /usr/%s/ or fd.name "
			   "endswith .%s) and not by_package_tool and not by_agent\n",
			   a, b, c);
		break;
	case 2:
		buf_printf(out,
			   "open_read and (fd.name in (secrets) or fd.name startswith /root/.%s or fd.directory in "
			   "(/etc/%s, /var/%s)) and not proc.name in (agents) and not by_package_tool\n",
			   a, b, c);
		break;
	case 3:
		buf_printf(out, "open_read and in_container and fd.name contains %s/%s and not proc.name in (%s, %s)\n",
			   a, b, c, d);
		break;
	case 4:
	case 5:
	case 6:
		buf_printf(out,
			   "started and proc.name in (%s, %s, %s) and (proc.cmdline contains \"-%s\" or proc.args "
			   "contains "
			   "\"%s \") and not by_agent\n",
			   a, b, c, d, a);
		break;
	case 7:
		buf_printf(
			out,
			"started and in_container and proc.pname in (shells) and proc.cmdline contains \"%s\" and not "
			"proc.aname[3] in (agents)\n",
			a);
		break;
	case 8:
		buf_printf(
			out,
			"started and proc.tty != 0 and user.uid = 0 and (proc.exepath startswith /%s/ or proc.exepath "
			"endswith /%s) and not by_package_tool\n",
			a, b);
		break;
	case 9:
		buf_printf(out, "outbound and fd.sport in (4444, 6667, %u) and not proc.name in (agents)\n", 7000 + i);
		break;
	case 10:
		buf_printf(out,
			   "outbound and in_container and proc.name in (%s, %s) and not fd.snet in (\"10.%u.0.0/16\", "
			   "\"127.0.0.0/8\")\n",
			   a, b, i);
		break;
	default:
		buf_printf(
			out,
			"started and (proc.cmdline contains \"%s.%s\" or proc.cmdline startswith \"%s --%s\") and not "
			"proc.pname in (package_tools)\n",
			a, b, c, d);
	}
	buf_printf(out,
		   "  output: shape %u (user=%%user.name name=%%proc.name cmdline=%%proc.cmdline parent=%%proc.pname "
		   "container=%%container.id)\n  priority: WARNING\n",
		   i);
}

void shape_rules(struct buf *out)
{
	put_macros(out);
	for (unsigned i = 0; i < SHAPE_RULES; i++)
		put_rule(out, i);
}
