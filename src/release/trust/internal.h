/* SPDX-License-Identifier: Apache-2.0 */
/* trust's own: numbers of its diagnostics; docs/formats/release.md explains them. */
#ifndef SALLYPORT_RELEASE_TRUST_INTERNAL_H
#define SALLYPORT_RELEASE_TRUST_INTERNAL_H

#include "content/sign/sign.h"
#include "release/trust/trust.h"

enum {
	T_SIGNATURES = 101,
	T_SIGNATURE_FILE,
	T_SIZE,
	T_CHAIN,
	T_FLEET,
	T_EPOCH,
	T_REPLAY,
	T_JUMP,
	T_MIX,
	T_STALE,
	T_EXPIRED,
	T_PLAN,
	T_REVOKED,
	T_DIGEST,
	T_SAVED,
};

#endif
