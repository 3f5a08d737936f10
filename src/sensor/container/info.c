/* SPDX-License-Identifier: Apache-2.0 */
/* info: what the parsers found, collected and put into one allocation. */
#include "sensor/container/json.h"

#include <time.h>

static struct slot put(struct info_make *m, const char *s, size_t len)
{
	struct slot slot = { (uint32_t)m->text.len, (uint32_t)len };

	buf_put(&m->text, s, len);
	buf_putc(&m->text, 0);
	return slot;
}

/* At most INFO_TEXT_MAX bytes, cut between characters. */
static size_t cut(const char *s)
{
	size_t len = strlen(s);

	if (len > INFO_TEXT_MAX)
		for (len = INFO_TEXT_MAX; len && ((uint8_t)s[len] & 0xc0) == 0x80;)
			len--;
	return len;
}

void info_set(struct info_make *m, enum info_text which, const char *s)
{
	if (s && s[0] && !m->texts[which].at)
		m->texts[which] = put(m, s, cut(s));
}

/* "A=B" */
static struct slot put_pair(struct info_make *m, const char *a, const char *b)
{
	struct slot slot = { (uint32_t)m->text.len, 0 };
	size_t a_len = cut(a), b_len = cut(b);

	buf_put(&m->text, a, a_len);
	buf_putc(&m->text, '=');
	buf_put(&m->text, b, b_len);
	buf_putc(&m->text, 0);
	slot.len = (uint32_t)(a_len + b_len + 1);
	return slot;
}

void info_add_mount(struct info_make *m, const struct info_mount *mount)
{
	if (!mount->source || !mount->source[0] || !mount->dest || !mount->dest[0] || m->n_mounts == INFO_LIST_MAX)
		return;
	m->mount_dest[m->n_mounts] = put_pair(m, mount->source, mount->dest);
	m->mount_source[m->n_mounts++] = put_pair(m, mount->dest, mount->source);
	buf_printf(&m->mounts, "%s%.*s:%.*s:%s:%s:%s", m->mounts.len ? "," : "", (int)cut(mount->source), mount->source,
		   (int)cut(mount->dest), mount->dest, mount->mode ? mount->mode : "",
		   mount->writable ? "true" : "false", mount->propagation ? mount->propagation : "");
}

void info_add_label(struct info_make *m, const char *key, const char *value)
{
	if (key[0] && value && m->n_labels < INFO_LIST_MAX)
		m->labels[m->n_labels++] = put_pair(m, key, value);
}

/* Ids of pods' sandboxes are shown short, like a container's. */
static void set_short(struct info_make *m, enum info_text which, const char *id)
{
	char text[CONTAINER_SHORT + 1];

	if (!strncmp(id, "sha256:", 7))
		id += 7;
	(void)snprintf(text, sizeof text, "%s", id);
	info_set(m, which, text);
}

/* Keys: kubelet's pkg/kubelet/types/labels.go, containerd's pkg/cri/annotations, cri-o's pkg/annotations, nerdctl's
 * pkg/labels. */
void info_note(struct info_make *m, const char *key, const char *value)
{
	static const struct {
		const char *key;
		enum info_text which;
	} rows[] = {
		{ "io.kubernetes.container.name", INFO_NAME },
		{ "io.kubernetes.pod.name", INFO_POD },
		{ "io.kubernetes.pod.namespace", INFO_NS },
		{ "io.kubernetes.pod.uid", INFO_POD_UID },
		{ "io.kubernetes.sandbox.id", INFO_SANDBOX },
		{ "io.kubernetes.cri.container-name", INFO_NAME },
		{ "io.kubernetes.cri.image-name", INFO_IMAGE },
		{ "io.kubernetes.cri.sandbox-id", INFO_SANDBOX },
		{ "io.kubernetes.cri.sandbox-name", INFO_POD },
		{ "io.kubernetes.cri.sandbox-namespace", INFO_NS },
		{ "io.kubernetes.cri.sandbox-uid", INFO_POD_UID },
		{ "io.kubernetes.cri-o.ImageName", INFO_IMAGE },
		{ "io.kubernetes.cri-o.Namespace", INFO_NS },
		{ "io.kubernetes.cri-o.SandboxID", INFO_SANDBOX },
		{ "io.kubernetes.cri-o.IP.0", INFO_IP },
		{ "nerdctl/name", INFO_NAME },
		{ "nerdctl/image-name", INFO_IMAGE },
		{ "org.opencontainers.image.ref.name", INFO_IMAGE },
	};

	if (!value || !value[0])
		return;
	for (size_t i = 0; i < countof(rows); i++) {
		if (strcmp(rows[i].key, key))
			continue;
		if (rows[i].which == INFO_SANDBOX)
			set_short(m, INFO_SANDBOX, value);
		else
			info_set(m, rows[i].which, value);
	}
	if (!strcmp(key, "io.kubernetes.cri-o.Image"))
		set_short(m, INFO_IMAGE_ID, value);
}

uint64_t info_time(const char *s)
{
	struct tm tm = { 0 };
	const char *p = s ? strptime(s, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	uint64_t ns = 0, unit = 100000000;
	int hours, minutes, n = 0;
	time_t t;

	if (!p || tm.tm_year < 71 || tm.tm_year > 400) /* a year of 1: "never" */
		return 0;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			ns += unit * (uint64_t)(*p - '0');
	t = timegm(&tm);
	if ((*p == '+' || *p == '-') && sscanf(p + 1, "%2d:%2d%n", &hours, &minutes, &n) == 2 && n == 5)
		t -= (*p == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
	else if (*p != 'Z')
		return 0;
	return t > 0 ? (uint64_t)t * 1000000000 + ns : 0;
}

static struct container_str text_of(const char *base, struct slot s)
{
	return s.at ? (struct container_str){ base + s.at, s.len } : (struct container_str){ NULL, 0 };
}

static void take_list(struct container_str **list, struct container_str **at, const char *base,
		      const struct slot *slots, uint32_t n)
{
	*list = *at;
	for (uint32_t i = 0; i < n; i++)
		*(*at)++ = text_of(base, slots[i]);
}

static FALLIBLE seal(struct info_make *m, struct container_info **out)
{
	size_t n_strs = 2 * (size_t)m->n_mounts + m->n_labels, bytes;
	struct slot mounts = { 0 };
	struct container_info *i;
	struct container_image image = { { 0 } };
	struct container_str *at;
	char *base;

	if (m->mounts.len)
		mounts = put(m, m->mounts.p, m->mounts.len);
	if (m->text.full || m->mounts.full)
		return E_LIMIT;
	bytes = sizeof *i + n_strs * sizeof *at + m->text.len;
	i = calloc(1, bytes);
	if (!i)
		return E_NOMEM;
	at = (struct container_str *)(void *)(i + 1);
	base = (char *)(at + n_strs);
	memcpy(base, m->text.p, m->text.len);
	*i = (struct container_info){
		.bytes = bytes,
		.runtime = m->runtime,
		.name = text_of(base, m->texts[INFO_NAME]),
		.image = text_of(base, m->texts[INFO_IMAGE]),
		.image_id = text_of(base, m->texts[INFO_IMAGE_ID]),
		.mounts = text_of(base, mounts),
		.ip = text_of(base, m->texts[INFO_IP]),
		.ns_name = text_of(base, m->texts[INFO_NS]),
		.pod_name = text_of(base, m->texts[INFO_POD]),
		.pod_uid = text_of(base, m->texts[INFO_POD_UID]),
		.sandbox_id = text_of(base, m->texts[INFO_SANDBOX]),
		.n_mounts = m->n_mounts,
		.n_labels = m->n_labels,
		.start_ns = m->start_ns,
		.privileged = m->privileged,
		.privileged_known = m->privileged_known,
	};
	if (i->image.p)
		container_image_split(i->image.p, i->image.len, &image);
	i->repository = image.repository;
	i->tag = image.tag;
	i->digest = m->texts[INFO_DIGEST].at ? text_of(base, m->texts[INFO_DIGEST]) : image.digest;
	take_list(&i->mount_dest, &at, base, m->mount_dest, m->n_mounts);
	take_list(&i->mount_source, &at, base, m->mount_source, m->n_mounts);
	take_list(&i->labels, &at, base, m->labels, m->n_labels);
	*out = i;
	return E_OK;
}

static FALLIBLE read_first(struct info_make *m, enum container_shape shape, const json_t *first, const json_t *second)
{
	switch (shape) {
	case CONTAINER_FILE_DOCKER:
		return docker_read(m, first, second);
	case CONTAINER_FILE_OCI:
		return oci_read(m, first);
	case CONTAINER_FILE_RUNC:
		return runc_read(m, first);
	default:
		return E_FORMAT;
	}
}

static FALLIBLE read_all(struct info_make *m, enum container_shape shape, const char *id,
			 const struct view files[CONTAINER_FILES])
{
	AUTO_JSON json_t *first = NULL;
	AUTO_JSON json_t *second = NULL;
	AUTO_JSON json_t *third = NULL;

	TRY(json_read(files[0], &first));
	/* What adds to it may be missing or bad: json_read leaves NULL. */
	if (files[1].p && json_read(files[1], &second) != E_OK)
		second = NULL;
	if (files[2].p && json_read(files[2], &third) != E_OK)
		third = NULL;
	if (shape == CONTAINER_FILE_OCI) { /* names given by people beat those in annotations */
		storage_read(m, second, id);
		storage_read(m, third, id);
	}
	return read_first(m, shape, first, second);
}

FALLIBLE container_info_parse(enum container_shape shape, enum container_runtime runtime, const char *id,
			      const struct view files[CONTAINER_FILES], struct container_info **out)
{
	struct info_make *m = calloc(1, sizeof *m);
	enum err err;

	if (!m)
		return E_NOMEM;
	buf_init(&m->text, CONTAINER_INFO_MAX);
	buf_init(&m->mounts, CONTAINER_INFO_MAX / 4);
	m->runtime = runtime;
	buf_putc(&m->text, 0); /* so that offset 0 is nothing */
	err = read_all(m, shape, id, files);
	if (err == E_OK)
		err = seal(m, out);
	buf_done(&m->text);
	buf_done(&m->mounts);
	free(m);
	return err;
}

void container_info_free(struct container_info *i)
{
	free(i);
}
