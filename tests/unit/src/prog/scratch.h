/* SPDX-License-Identifier: MPL-2.0 */
/* A directory of the test's own, gone when the test is over. */
#pragma once

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char scratch_dir[] = "/tmp/ku-prog-XXXXXX";

static int
scratch_setup(void **state)
{
	(void)state;
	memcpy(scratch_dir + sizeof(scratch_dir) - 7, "XXXXXX", 6);
	return mkdtemp(scratch_dir) != NULL && chdir(scratch_dir) == 0 ? 0 : -1;
}

static int
scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
scratch_teardown(void **state)
{
	(void)state;
	return chdir("/") != 0 ||
	    nftw(scratch_dir, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0;
}

static inline void
scratch_write(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
	/* Whatever the umask: a file that anybody may write is a problem of its own. */
	assert_int_equal(chmod(name, 0644), 0);
}

/* The whole file, or NULL; the caller frees it. */
static inline char *
scratch_read(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text;
	size_t n;

	if (f == NULL)
		return NULL;
	text = calloc(1, 1 << 20);
	assert_non_null(text);
	n = fread(text, 1, (1 << 20) - 1, f);
	text[n] = '\0';
	assert_int_equal(fclose(f), 0);
	return text;
}
