/* SPDX-License-Identifier: Apache-2.0 */
/* simulate_cli: the parts of 'sallyport simulate' among themselves. */
#ifndef SALLYPORT_CLI_SIMULATE_CLI_H
#define SALLYPORT_CLI_SIMULATE_CLI_H

#include "base/base.h"
#include "release/simulate/simulate.h"

/* 80 columns. */
void simulate_text_chart(const struct simulate_result *r, struct buf *b);
void simulate_svg_chart(const struct simulate_opts *o, const struct simulate_result *r, struct buf *b);

#endif
