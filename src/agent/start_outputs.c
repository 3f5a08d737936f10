/* SPDX-License-Identifier: Apache-2.0 */
/* start_outputs: where alerts go: descriptors for the worker, settings and a pipe for the courier; and their end. */
#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>

enum { PIPE_BYTES = 1 << 20 };

static uint32_t stdout_format(const struct agent_opts *o)
{
	if (o->config->stdout_format == CONFIG_JSON)
		return OUTPUT_JSON;
	return o->colour && o->config->stdout_format == CONFIG_AUTO ? OUTPUT_COLOR : OUTPUT_TEXT;
}

FALLIBLE super_sinks_open(const struct agent_opts *o, int courier_pipe, struct super_sinks *out, struct diag *d)
{
	const struct config *c = o->config;
	struct super_sink *k = out->sink;

	*out = (struct super_sinks){ .sink = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 } } };
	k[CONTROL_COURIER_PIPE] = (struct super_sink){ .fd = courier_pipe, .format = OUTPUT_BOTH };
	if (gethostname(out->hostname, sizeof out->hostname - 1))
		out->hostname[0] = 0;
	if (c->stdout_enabled) {
		TRY(output_stdout_open(&k[CONTROL_STDOUT].fd, d));
		k[CONTROL_STDOUT].format = stdout_format(o);
	}
	if (c->file_path) {
		k[CONTROL_FILE_OUTPUT] =
			(struct super_sink){ .fd = -1,
					     .format = c->file_format == CONFIG_TEXT ? OUTPUT_TEXT : OUTPUT_JSON,
					     .path = c->file_path,
					     .max_bytes = (uint64_t)c->file_max_mib << 20,
					     .keep = c->file_keep };
		TRY(output_file_open(c->file_path, &k[CONTROL_FILE_OUTPUT].fd, &k[CONTROL_FILE_OUTPUT].have_bytes, d));
	}
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++)
		if (k[i].fd >= 0)
			TRY(output_new(k[i].fd, (enum output_format)k[i].format, out->hostname, &k[i].out));
	return E_OK;
}

static void put(char *to, size_t max, const char *text)
{
	(void)snprintf(to, max, "%s", text ? text : "");
}

static FALLIBLE make_settings(const struct config *c, int *out)
{
	AUTO_FREE struct courier_settings *s = calloc(1, sizeof *s);
	static const uint32_t most[] = { [CONFIG_UNIX] = 8192, [CONFIG_UDP] = 2048, [CONFIG_TCP] = 8192 };

	if (!s)
		return E_NOMEM;
	*s = (struct courier_settings){ .version = COURIER_SETTINGS_VERSION,
					.uid = c->courier_uid,
					.sensor_pid = (uint32_t)getpid(),
					.resolve_s = c->resolve_interval_s,
					.transport = c->syslog_transport,
					.port = c->syslog_port,
					.facility = c->syslog_facility,
					.max_bytes =
						c->syslog_max_bytes ? c->syslog_max_bytes : most[c->syslog_transport],
					.text = c->syslog_format == CONFIG_TEXT,
					.timeout_ms = c->http_timeout_ms,
					.batch = c->http_batch,
					.n_headers = c->n_http_headers };
	put(s->host, sizeof s->host, c->syslog_host);
	put(s->appname, sizeof s->appname, c->syslog_appname ? c->syslog_appname : "sallyport");
	put(s->path, sizeof s->path, c->syslog_path ? c->syslog_path : "/dev/log");
	put(s->url, sizeof s->url, c->http_url);
	put(s->repository, sizeof s->repository, c->release_repository);
	if (c->syslog_hostname)
		put(s->hostname, sizeof s->hostname, c->syslog_hostname);
	else if (gethostname(s->hostname, sizeof s->hostname - 1))
		s->hostname[0] = 0;
	for (uint32_t i = 0; i < c->n_http_headers; i++)
		put(s->headers[i], sizeof s->headers[i], c->http_headers[i]);
	return sealed_bytes(s, sizeof *s, out);
}

/* The authorities that an HTTPS receiver is held to: read here, for the courier sees no files. */
static FALLIBLE read_certificates(const struct config *c, int *out, struct diag *d)
{
	static const char *const usual[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
					     "/etc/ssl/cert.pem" };
	const char *path = c->http_ca_file;
	AUTO_FREE char *text = NULL;
	size_t len;

	if (!c->http_url || strncmp(c->http_url, "https:", 6))
		return E_OK;
	for (size_t i = 0; !path && i < countof(usual); i++)
		if (!access(usual[i], R_OK))
			path = usual[i];
	if (!path)
		FAIL(d, HOST,
		     "outputs.http.url is https, and this host has no certificates: name some in "
		     "outputs.http.ca_file");
	TRY(io_read_file(path, COURIER_MAX_CERT_BYTES, &text, &len, d));
	return sealed_bytes(text, len, out);
}

FALLIBLE super_courier_open(const struct agent_opts *o, struct super_courier *c, int *pipe_write, struct diag *d)
{
	const struct config *conf = o->config;
	void *page;
	int p[2];

	c->o = o;
	c->outputs = conf->syslog_transport || conf->http_url;
	if (page_new(sizeof *c->page, COURIER_PAGE_MAGIC, &c->page_fd, &page) != E_OK ||
	    make_settings(conf, &c->settings) != E_OK)
		FAIL(d, HOST, "cannot set up: %s", strerror(errno));
	c->page = page;
	TRY(read_certificates(conf, &c->certificates, d));
	if (!c->outputs)
		return E_OK;
	if (pipe2(p, O_CLOEXEC | O_NONBLOCK))
		FAIL(d, HOST, "cannot make a pipe: %s", strerror(errno));
	/* Where the owner's limit on pipes forbids it, the queue in the worker is what there is. */
	(void)fcntl(p[1], F_SETPIPE_SZ, PIPE_BYTES);
	c->pipe_read = p[0];
	*pipe_write = p[1];
	return E_OK;
}

void super_sinks_close(struct super_sinks *s)
{
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++) {
		output_free(s->sink[i].out);
		if (s->sink[i].fd >= 0)
			close(s->sink[i].fd);
		s->sink[i] = (struct super_sink){ .fd = -1 };
	}
}

void super_courier_close(struct super_courier *c)
{
	int fds[] = { c->settings, c->certificates, c->page_fd, c->pipe_read, c->question, c->answer };

	page_unmap(c->page, sizeof *c->page);
	for (size_t i = 0; i < countof(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}
