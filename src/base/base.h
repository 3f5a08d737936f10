/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base: what every other module stands on.
 *
 * Errors and positioned diagnostics, views of untrusted bytes, an arena, growing
 * buffers, intrusive lists and hash tables, a JSON writer, and reading whole files. It knows
 * nothing of eBPF, rules or sensors, and depends on libc alone.
 *
 * Threads: nothing here is shared behind the caller's back, except the log sink.
 */
#ifndef SALLYPORT_BASE_H
#define SALLYPORT_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/view.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/distance.h"
#include "base/guard.h"
#include "base/list.h"
#include "base/htab.h"
#include "base/json.h"
#include "base/io.h"
#include "base/log.h"
#include "base/poison.h"
#include "base/tar.h"

#endif
