/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_compile: the compiler: a process that makes native code of the content that a worker judges with, and ends.
 *
 * It loads the same files by the same code, so it compiles what the verifier accepted here, in this process; writes
 * the code to memory that it seals, and hands that over. It can run none of it: nothing is executable behind its walls,
 * no file is opened, and it has neither events nor outputs.
 */
#include "agent/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "agent/agent.h"
#include "agent/confine.h"

enum { EXIT_REFUSED = 1, EXIT_HOST = 3 };

static FALLIBLE compile(const struct content_set *set, struct buf *out, struct diag *d)
{
	const struct jit_opts o = worker_jit_opts();
	struct jit_code *codes = calloc(set->n_programs + 1, sizeof *codes);
	uint8_t key[CONTENT_DIGEST_BYTES];
	enum err err = codes ? E_OK : E_NOMEM;
	struct arena a;

	arena_init(&a, CONTENT_ARENA_MAX);
	for (uint32_t i = 0, first = 0; i < set->n_contents && err == E_OK; i++) {
		err = content_compile(set->contents[i], &o, &a, codes + first, d);
		first += content_n_programs(set->contents[i]);
	}
	content_native_key(set->digests[0], set->n_contents, &o, key);
	if (err == E_OK)
		err = jit_write(codes, set->n_programs, &o, key, out, d);
	arena_done(&a);
	free(codes);
	return err;
}

static FALLIBLE hand_over(struct worker *w, const struct buf *image)
{
	AUTO_FD int fd = memfd_create("sallyport-code", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct control_packet p;

	if (fd < 0)
		return E_IO;
	TRY(io_write_all(fd, image->p, image->len));
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return E_IO;
	control_init(&p, CONTROL_COMPILED);
	p.fds[p.n_fds++] = fd;
	return control_send(w->sock, &p);
}

static FALLIBLE take_files(struct worker *w)
{
	struct control_packet p;
	enum err err;

	TRY(worker_expect(w, &p));
	if (p.msg.hdr.type != CONTROL_START || !(p.msg.u.start.flags & CONTROL_COMPILER))
		return E_FORMAT;
	w->start = p.msg.u.start;
	for (;;) {
		TRY(worker_expect(w, &p));
		if (p.msg.hdr.type == CONTROL_LOAD)
			return p.msg.u.load.n_files == w->n_files ? E_OK : E_FORMAT;
		err = p.msg.hdr.type == CONTROL_FILE ? worker_take_file(w, &p) : E_FORMAT;
		control_close_fds(&p);
		TRY(err);
	}
}

static int run(struct worker *w)
{
	struct content_set *set;
	struct buf image;
	struct diag d;
	enum err err;
	int code;

	diag_init(&d);
	err = take_files(w);
	if (err != E_OK) {
		log_error("compiler: cannot start: %s", err_text(err));
		return EXIT_HOST;
	}
	code = worker_load(w, w->files, w->n_files, &set);
	if (code)
		return code;
	buf_init(&image, JIT_MAX_BYTES);
	err = compile(set, &image, &d);
	if (err == E_OK)
		err = hand_over(w, &image);
	if (err != E_OK)
		log_warning("rules cannot be compiled to native code: %s", d.text[0] ? d.text : err_text(err));
	return err == E_OK ? 0 : EXIT_REFUSED;
}

static FALLIBLE confine(uint64_t memory_bytes, struct diag *d)
{
	TRY(confine_memory(memory_bytes));
	TRY(confine_privileges("/proc", CONFINE_ID, d));
	TRY(confine_no_threads());
	return confine_syscalls(CONFINE_COMPILER, d);
}

int agent_compiler(int argc, char **argv)
{
	uint64_t mib = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	struct worker *w = calloc(1, sizeof *w);
	struct diag d;

	diag_init(&d);
	if (mib < 16 || mib > 1 << 20) {
		log_error("compiler: started without its arguments; this is not a command for people");
		return 2;
	}
	(void)prctl(PR_SET_NAME, "sallyport-jit");
	tzset(); /* opens a file: gmtime_r would, the first time */
	if (w) {
		w->page = calloc(1, sizeof *w->page); /* its own: nobody looks at it */
		w->files = calloc(CONTROL_MAX_FILES, sizeof *w->files);
		w->sock = AGENT_CHILD_FD;
	}
	if (!w || !w->page || !w->files || signal(SIGPIPE, SIG_IGN) == SIG_ERR || confine(mib << 20, &d) != E_OK) {
		log_error("compiler: cannot be confined, so it does not start: %s", d.text);
		_exit(EXIT_HOST);
	}
	_exit(run(w));
}
