/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Our programs do not try to survive a machine without memory: code that handles a failed
 * malloc is code that no test reaches. The one idea: say what was asked for and abort, and
 * let systemd start us again while the published map goes on answering.
 */
#include "src/prog/xalloc.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void noreturn_
out_of_memory(size_t size)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "out of memory: wanted %zu bytes\n", size);

	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		abort();
	abort();
}

void *
xmalloc(size_t size)
{
	void *p = malloc(size > 0 ? size : 1);

	if (p == NULL)
		out_of_memory(size);
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	bool empty = n == 0 || size == 0;
	void *p = calloc(empty ? 1 : n, empty ? 1 : size);

	if (p == NULL)
		out_of_memory(n > SIZE_MAX / (size > 0 ? size : 1) ? SIZE_MAX : n * size);
	return p;
}

void *
xreallocarray(void *p, size_t n, size_t size)
{
	bool empty = n == 0 || size == 0;
	void *q = reallocarray(p, empty ? 1 : n, empty ? 1 : size);

	if (q == NULL)
		out_of_memory(n > SIZE_MAX / (size > 0 ? size : 1) ? SIZE_MAX : n * size);
	return q;
}

char *
xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *
xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = xmalloc(len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
xasprintf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory(0);
	return text;
}

void
freep(void *pp)
{
	void *p;

	/* pp points at a pointer of some other type; memcpy keeps the aliasing rules. */
	memcpy(&p, pp, sizeof(p));
	free(p);
}
