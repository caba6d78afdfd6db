/* SPDX-License-Identifier: MPL-2.0 */
/* Bodies that a real server sent, from $IDP_DATA. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

/* malloc'ed, exactly as long as the body, so that a sanitizer sees a read past its end. */
static inline char *
recorded(const char *name, size_t *ret_len)
{
	char path[512];
	char *text = NULL;
	long len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s.json", getenv("IDP_DATA"), name);
	f = fopen(path, "re");
	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (len = ftell(f)) < 0) {
		perror(path);
		abort();
	}
	rewind(f);
	text = malloc((size_t)len + (len == 0));
	if (text == NULL || fread(text, 1, (size_t)len, f) != (size_t)len)
		abort();
	(void)fclose(f);
	*ret_len = (size_t)len;
	return text;
}
