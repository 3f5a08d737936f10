/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asm: text to bytecode and back (docs/asm.md).
 *
 * In: LLVM's syntax (`r0 += r1`) and the mnemonic one (`add %r0, %r1`), seen from each line. Out: LLVM's.
 */
#ifndef SALLYPORT_PUBLIC_ASM_H
#define SALLYPORT_PUBLIC_ASM_H

#include "sallyport/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * text   len bytes, at most 16 MiB; need not end in NUL
 * *code  little-endian slots of 8 bytes, *bytes of them; free() them
 *
 * SP_FORMAT (line and column in r), SP_LIMIT, SP_NOMEM. O(len). Any thread.
 */
SP_MUST_USE enum sp_status sp_assemble(const char *text, size_t len, void **code, size_t *bytes, struct sp_report *r);

/*
 * Instructions as text, one a line, with labels; sp_assemble reads it back. *text ends in NUL; free() it.
 * SP_FORMAT: bytes that are no instruction; SP_LIMIT, SP_NOMEM. O(bytes). Any thread.
 */
SP_MUST_USE enum sp_status sp_disassemble(const void *code, size_t bytes, char **text, struct sp_report *r);

#ifdef __cplusplus
}
#endif
#endif
