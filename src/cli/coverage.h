/* SPDX-License-Identifier: Apache-2.0 */
/* coverage: part of rules test. */
#ifndef SALLYPORT_CLI_COVERAGE_H
#define SALLYPORT_CLI_COVERAGE_H

#include "cli/cli.h"

/* Run the tests of all enabled rules once more, part by part; append what they left open. j: as a key of the open
 * object. */
int coverage_show(struct cli_rules *rules, struct buf *out, struct json *j, bool colour);

#endif
