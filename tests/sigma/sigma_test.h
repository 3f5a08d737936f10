/* SPDX-License-Identifier: Apache-2.0 */
/* sigma_test: importing Sigma rules in a test. */
#ifndef SALLYPORT_TESTS_SIGMA_TEST_H
#define SALLYPORT_TESTS_SIGMA_TEST_H

#include "../rule/rule_test.h"
#include "content/sigma/sigma.h"

struct imported {
	struct arena a;
	struct diags ds;
	struct sigma_import *s;
	const struct sigma_outcome *first;
	struct sigma_counts n;
	struct buf said; /* diags_render */
	struct buf out;  /* the rules file */
	enum err err;
};

void import_bytes(struct imported *m, const char *text, size_t len);
void import_text(struct imported *m, const char *text);
void import_done(struct imported *m);
bool import_said(const struct imported *m, unsigned id);
/* The condition of the only rule, lines joined by a blank, into the arena; "" when there is none. */
const char *import_condition(struct imported *m);

/* A rule around a detection, or around logsource and detection. */
#define SIGMA_HEAD "title: t\nid: 00000000-0000-4000-8000-000000000001\n"
#define PROCESS SIGMA_HEAD "logsource: {product: linux, category: process_creation}\ndetection:\n"
#define FILES SIGMA_HEAD "logsource: {product: linux, category: file_event}\ndetection:\n"
#define NETWORK SIGMA_HEAD "logsource: {product: linux, category: network_connection}\ndetection:\n"
#define AUDITD SIGMA_HEAD "logsource: {product: linux, service: auditd}\ndetection:\n"
#define SEL(s) "  s: {" s "}\n  condition: s\n"

#endif
