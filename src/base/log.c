/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdarg.h>

static enum log_level max_level = LOG_LEVEL_INFO;
static const char *name = "sallyport";
static const char *before = "";

void log_set_level(enum log_level level)
{
	max_level = level;
}

void log_clears_line(bool on)
{
	before = on ? "\r\033[K" : "";
}

void log_set_name(const char *n)
{
	name = n;
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	static const char *const word[] = { "error", "warning", "info", "debug" };
	char text[1024], line[1200];
	va_list ap;
	int n;

	if (level > max_level)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	n = snprintf(line, sizeof line, "%s%s: %s: %s\n", before, name, word[level], text);
	if (n > 0)
		(void)!write(STDERR_FILENO, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}
