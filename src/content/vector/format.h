/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format: a set of vectors as bytes, as write.c and read.c both see it. Normative: docs/formats/vectors.md. Integers
 * are little-endian, 4 bytes each unless said otherwise.
 *
 *   offset  header               offset  vector                        offset  field           offset  claim
 *        0  magic "SPVC"              0  rule                               0  name                 0  rule
 *        4  version, 1                4  type                               4  value                4  type
 *        8  n_rules                   8  subject                            8  value's bytes        8  subject
 *       12  n_vectors                12  kind (1 byte), fires (1),                                 12  n_fires
 *       16  n_fields, of all             0 (2)                                                     16  n_silent
 *       20  n_claims                 16  n_fields
 *       24  str_bytes
 */
#ifndef SALLYPORT_CONTENT_VECTOR_FORMAT_H
#define SALLYPORT_CONTENT_VECTOR_FORMAT_H

#include "content/vector/internal.h"

#define VECTOR_MAGIC "SPVC"
enum {
	VECTOR_VERSION = 1,
	VECTOR_HDR_BYTES = 28,
	VECTOR_REC_BYTES = 20,
	VECTOR_FIELD_BYTES = 12,
	VECTOR_CLAIM_BYTES = 20,
	VECTOR_MAX_NAME = 511, /* bytes of a type's or field's name */
};

#endif
