/* SPDX-License-Identifier: Apache-2.0 */
/* image: making and sharing the strings of processes. */
#include "sensor/proc/image.h"

struct cwd {
	uint32_t refs, len;
	char s[];
};

static uint32_t cut(const struct text_budget *b, uint32_t len)
{
	return b->used > PROC_TEXT_MAX && len > PROC_TEXT_CUT ? PROC_TEXT_CUT : len;
}

/* Copy n bytes and a NUL to *at. */
static struct proc_str put(char **at, const char *p, uint32_t n)
{
	struct proc_str s = { *at, n };

	if (n)
		memcpy(*at, p, n);
	(*at)[n] = 0;
	*at += n + 1;
	return s;
}

/* comm, then each argument after the first with a space before it. Its tail is the joined arguments. */
static void put_cmdline(char **at, const struct image_spec *s, uint32_t skip, uint32_t args_len, struct proc_view *v)
{
	uint32_t comm_len = (uint32_t)strnlen(s->comm, WIRE_COMM - 1);
	char *p = *at;

	memcpy(p, s->comm, comm_len);
	p += comm_len;
	v->args = (struct proc_str){ "", 0 };
	if (skip < args_len) {
		uint32_t n = args_len - skip;

		n -= s->args[args_len - 1] == 0; /* a cut last argument has no NUL */
		if (n)
			*p++ = ' ';
		memcpy(p, s->args + skip, n);
		for (char *c = p; (c = memchr(c, 0, n - (uint32_t)(c - p))); c++)
			*c = ' ';
		v->args = (struct proc_str){ p, n };
		p += n;
	}
	*p = 0;
	v->cmdline = (struct proc_str){ *at, (uint32_t)(p - *at) };
	*at = p + 1;
}

/* Arguments after the first: skip is where they begin. The last one may have been cut. */
static uint32_t count_args(const struct image_spec *s, uint32_t skip, uint32_t args_len)
{
	uint32_t n = 0;

	if (skip >= args_len)
		return 0;
	for (uint32_t i = skip; i < args_len; i++)
		n += s->args[i] == 0;
	return n + (s->args[args_len - 1] != 0);
}

static void put_ends(uint16_t *ends, uint32_t n, const struct image_spec *s, uint32_t skip, uint32_t args_len)
{
	const char *start, *p, *end;

	if (!n) /* and perhaps no arguments at all */
		return;
	start = p = s->args + skip;
	end = s->args + args_len;
	for (uint32_t i = 0; i < n; i++) {
		p += strnlen(p, (size_t)(end - p));
		ends[i] = (uint16_t)(p - start);
		p++;
	}
}

static uint32_t exe_bytes(const struct image_spec *s, uint32_t args_len)
{
	return args_len ? (uint32_t)strnlen(s->args, args_len) : 0;
}

static_assert(WIRE_ARGS_BYTES <= UINT16_MAX, "ends of arguments fit");

struct proc_image *image_new(struct text_budget *b, const struct image_spec *s)
{
	const struct proc_view *l = &s->like;
	uint32_t args_len = s->args ? cut(b, s->args_len) : 0, exe_len = exe_bytes(s, args_len);
	uint32_t exepath_len = cut(b, l->exepath.len), env_len = cut(b, l->env.len);
	uint32_t n_args = count_args(s, exe_len + 1, args_len);
	struct proc_image *img;
	size_t bytes;
	char *at;

	b->cut += args_len < s->args_len || exepath_len < l->exepath.len || env_len < l->env.len;
	/* args are counted twice: argument 0 is kept whole, and the rest in the command line */
	bytes = sizeof *img + n_args * sizeof *img->ends + exepath_len + exe_len + args_len + env_len + WIRE_COMM + 8;
	img = malloc(bytes);
	if (!img)
		return NULL;
	*img = (struct proc_image){ .refs = 1, .bytes = (uint32_t)bytes, .view = *l };
	at = (char *)(img->ends + n_args);
	img->view.args_known = s->args != NULL;
	img->view.exepath = put(&at, l->exepath.p, exepath_len);
	img->view.exe = put(&at, s->args, exe_len);
	img->view.env = put(&at, l->env.p, env_len);
	put_cmdline(&at, s, exe_len + 1, args_len, &img->view);
	img->view.n_args = n_args;
	img->view.arg_ends = img->ends;
	put_ends(img->ends, n_args, s, exe_len + 1, args_len);
	assert(at <= (char *)img + bytes && "the sum above covers what was put");
	b->used += bytes;
	return img;
}

struct proc_image *image_ref(struct proc_image *img)
{
	if (img)
		img->refs++;
	return img;
}

void image_unref(struct text_budget *b, struct proc_image *img)
{
	if (!img || --img->refs)
		return;
	b->used -= img->bytes;
	free(img);
}

static struct cwd *cwd_of(char *s)
{
	return CONTAINER_OF(s, struct cwd, s);
}

char *cwd_new(struct text_budget *b, struct proc_str s)
{
	uint32_t len = cut(b, s.len);
	struct cwd *c = len ? malloc(sizeof *c + len + 1) : NULL;

	if (!c)
		return NULL;
	b->cut += len < s.len;
	c->refs = 1;
	c->len = len;
	memcpy(c->s, s.p, len);
	c->s[len] = 0;
	b->used += sizeof *c + len + 1;
	return c->s;
}

char *cwd_ref(char *cwd)
{
	if (cwd)
		cwd_of(cwd)->refs++;
	return cwd;
}

void cwd_unref(struct text_budget *b, char *cwd)
{
	struct cwd *c;

	if (!cwd)
		return;
	c = cwd_of(cwd);
	if (--c->refs)
		return;
	b->used -= sizeof *c + c->len + 1;
	free(c);
}
