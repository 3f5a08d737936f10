/* SPDX-License-Identifier: Apache-2.0 */
/* sallyport: everything. docs/embedding/README.md is the way in. */
#ifndef SALLYPORT_PUBLIC_SALLYPORT_H
#define SALLYPORT_PUBLIC_SALLYPORT_H

#include "sallyport/asm.h"
#include "sallyport/base.h"
#include "sallyport/env.h"
#include "sallyport/map.h"
#include "sallyport/module.h"
#include "sallyport/thread.h"
#include "sallyport/verify.h"

#endif
