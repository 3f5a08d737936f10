/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmp_getopt: short options in a list of arguments, as the transformer getopt of the rules language has them.
 *
 * The option string is getopt(3)'s: a letter is an option, a ':' after it says that it has a value, here or in the next
 * argument. Reading ends at "--" and at the first argument that is no option; arguments that begin with "--" and go on
 * are passed over. All options: a list of each option and, after it, its value if it has one; '?' for one that is not
 * in the string; an empty text for one whose value lacks. One option: its last value, itself if it takes none, empty
 * text if the value lacks; no value at all when it is not there.
 */
#include "engine/helpers/impl.h"

enum { OPTION_KNOWN = 1, OPTION_HAS_VALUE = 2 };

struct reader {
	uint8_t options[256]; /* by byte */
	const struct helper_value *args;
	uint32_t i;
	uint8_t want;           /* one option, or 0 */
	struct helper_str *out; /* NULL: only count */
	uint32_t n;
	bool found;
	struct helper_str last;
};

static void read_options(struct reader *r, struct helper_str s)
{
	for (uint32_t i = 0; i < s.len; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (c != ':')
			r->options[c] = OPTION_KNOWN | (i + 1 < s.len && s.p[i + 1] == ':' ? OPTION_HAS_VALUE : 0);
	}
}

/* An option of the string; value.p is NULL when it takes none. */
static void give(struct reader *r, struct helper_str option, struct helper_str value)
{
	if (r->want) {
		if (*option.p == (char)r->want) {
			r->last = value.p ? value : option;
			r->found = true;
		}
		return;
	}
	if (r->out)
		r->out[r->n] = option;
	r->n++;
	if (value.p && r->out)
		r->out[r->n] = value;
	r->n += value.p != NULL;
}

/* The value of the option at arg[k]: the rest, or the next argument. */
static bool take_value(struct reader *r, struct helper_str arg, uint32_t k, struct helper_str *out)
{
	if (k + 1 < arg.len) {
		*out = (struct helper_str){ arg.p + k + 1, arg.len - k - 1 };
		return true;
	}
	if (r->i + 1 >= r->args->len)
		return false;
	*out = r->args->list[++r->i];
	if (!out->len)
		out->p = "";
	return true;
}

static void read_cluster(struct reader *r, struct helper_str arg)
{
	static const struct helper_str unknown = { "?", 1 }, none = { NULL, 0 };
	struct helper_str value;

	for (uint32_t k = 1; k < arg.len; k++) {
		struct helper_str option = { arg.p + k, 1 };
		uint8_t known = r->options[(uint8_t)arg.p[k]];

		if (!known && !r->want) {
			if (r->out)
				r->out[r->n] = unknown;
			r->n++;
		}
		if (known == OPTION_KNOWN)
			give(r, option, none);
		if (!(known & OPTION_HAS_VALUE))
			continue;
		if (take_value(r, arg, k, &value)) {
			give(r, option, value);
		} else if (!r->want) { /* the empty text stands for the option itself */
			if (r->out)
				r->out[r->n] = (struct helper_str){ "", 0 };
			r->n++;
		} else {
			give(r, option, (struct helper_str){ "", 0 });
		}
		return;
	}
}

static void read_arguments(struct reader *r)
{
	r->n = 0;
	for (r->i = 0; r->i < r->args->len; r->i++) {
		struct helper_str arg = r->args->list[r->i];

		if (arg.len < 2 || arg.p[0] != '-' || (arg.len == 2 && arg.p[1] == '-'))
			return;
		if (arg.p[1] != '-')
			read_cluster(r, arg);
	}
}

bool tmp_getopt(struct helper_tmp *t, struct helper_value args, struct helper_str options, uint8_t option)
{
	struct reader r = { .args = &args, .want = option };

	read_options(&r, options);
	read_arguments(&r); /* counts, or finds the one */
	if (option)
		return r.found &&
		       tmp_add(t, (struct helper_value){ .kind = HELPER_VALUE_STR, .p = r.last.p, .len = r.last.len });
	r.out = tmp_strs(t, r.n);
	if (!r.out)
		return false;
	read_arguments(&r);
	return tmp_add(t, (struct helper_value){ .kind = HELPER_VALUE_LIST, .len = r.n, .list = r.out });
}
