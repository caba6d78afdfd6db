/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The allocator asks glibc how large a block is, so that libraries which only know free()
 * can be given this one.
 */
#include "src/unixd/idp/wipe.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void
wipe_free(void *p)
{
	if (p == NULL)
		return;
	explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void *
wipe_realloc(void *p, size_t size)
{
	size_t old = p == NULL ? 0 : malloc_usable_size(p);
	void *q = malloc(size == 0 ? 1 : size);

	if (q == NULL)
		return NULL;
	if (p != NULL) {
		memcpy(q, p, old < size ? old : size);
		wipe_free(p);
	}
	return q;
}

void
wipe_string(char **s)
{
	wipe_free(*s);
	*s = NULL;
}
