/* SPDX-License-Identifier: Apache-2.0 */
/* counted: the interpreter once more, counting instructions. Linked only where it is used. */
#define VM_COUNT
#define vm_interp vm_interp_counted
#include "engine/vm/interp.c"
