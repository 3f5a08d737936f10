/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steward: the process that decides what content this host may run, tells how the host does, and answers its owner.
 *
 * It is nobody, without capabilities, network or files, under its own list of system calls. Every byte of a repository
 * comes to it as memory that somebody else fetched, and is believed when its signatures are (release/trust). What the
 * host may activate (release/endpoint, release/policy) goes to the supervisor as bytes with a digest. It keeps nothing
 * itself: its state is bytes that the supervisor stores and gives to the next steward. Its death stops what is new
 * until it is started again, and nothing else.
 *
 * The owner's commands (status, mute, safe, explain bundle) come over a local socket as requests of one fixed size;
 * the answer is text or JSON. Normative: docs/formats/control.md.
 */
#ifndef SALLYPORT_AGENT_STEWARD_H
#define SALLYPORT_AGENT_STEWARD_H

#include "base/base.h"

enum { STEWARD_MAGIC = 0x51535053 /* "SPSQ" */, STEWARD_REPLY_MAX = 1 << 20, STEWARD_CHUNK = 16384 };

enum steward_question {
	STEWARD_STATUS = 1,
	STEWARD_EXPLAIN, /* digest: of a bundle, or the beginning of one */
	STEWARD_MUTE,
	STEWARD_UNMUTE,
	STEWARD_MUTES, /* list them */
	STEWARD_SAFE_ON,
	STEWARD_SAFE_OFF,
	STEWARD_CLEAR, /* digest: let it out of quarantine */
	STEWARD_SYNC,  /* look at the repository now */
};

/* A request: one SOCK_SEQPACKET message. Texts are NUL-terminated. */
struct steward_request {
	uint32_t magic, question;
	uint32_t json;
	uint32_t digest_len; /* hexadecimal digits that were given */
	uint64_t seconds;    /* MUTE: for so long */
	char digest[72];
	char rule[192], key[64], value[128], reason[96];
};
static_assert(sizeof(struct steward_request) == 576, "docs/formats/control.md");

/*
 * The answer: messages of at most STEWARD_CHUNK bytes; the first begins with this, text follows, at most
 * STEWARD_REPLY_MAX in all; then the connection ends.
 */
struct steward_reply {
	uint32_t magic;
	uint32_t exit_code; /* 0; 1: refused, of STATUS that something needs the owner; 3: cannot */
	uint64_t bytes;     /* of text */
};

/*
 * For commands: ask the agent whose socket this is. *out is its answer's text (caller frees). E_NOT_FOUND: no agent
 * listens there; E_PERM: only root may ask, or somebody who is neither root nor us listens; E_IO, E_FORMAT, E_TRUNCATED
 * with d: what came is no whole answer. Waits at most 90 s in all: a proof may have to be fetched. The text is as the
 * agent sent it: make it safe before a terminal sees it.
 */
FALLIBLE steward_ask(const char *path, const struct steward_request *q, char **out, size_t *out_len, int *exit_code,
		     struct diag *d);

#endif
