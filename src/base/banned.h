/* SPDX-License-Identifier: Apache-2.0 */
/* banned: force-included into every file; what it names does not compile. */
#ifndef SALLYPORT_BASE_BANNED_H
#define SALLYPORT_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* glibc makes it a macro for clang when it fortifies */
#undef sprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atoll atof gets
#pragma GCC poison gmtime localtime ctime asctime

#endif
