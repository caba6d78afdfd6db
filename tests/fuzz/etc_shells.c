/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Any file as /etc/shells. Input: the shell that the server names, a newline, the file. What
 * is said to be listed stands in a line of its own, and what stands there is listed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/base/name.h"
#include "src/prog/xalloc.h"
#include "src/unixd/resolver/shells.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a line of the file, with nothing else than a comment behind it? */
static bool
stands_there(const char *file, size_t size, const char *shell)
{
	size_t len = strlen(shell);

	for (const char *end = file + size; file < end;) {
		const char *nl = memchr(file, '\n', (size_t)(end - file));
		size_t n = nl != NULL ? (size_t)(nl - file) : (size_t)(end - file);

		if (n >= len && memcmp(file, shell, len) == 0 &&
		    (n == len || memchr(" \t\r#", file[len], 5) != NULL))
			return true;
		file += n + 1;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nl = size > 0 ? memchr(data, '\n', size) : NULL;
	cleanup_(freep) char *shell = NULL;
	enum shell_verdict verdict;
	struct shells s;
	char path[64];
	size_t len;
	int fd;

	if (nl == NULL || nl == data || memchr(data, '\0', (size_t)(nl - data)) != NULL)
		return 0;
	shell = xstrndup((const char *)data, (size_t)(nl - data));
	len = size - (size_t)(nl + 1 - data);
	fd = memfd_create("shells", MFD_CLOEXEC);
	require(fd >= 0 && write(fd, nl + 1, len) == (ssize_t)len);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	shells_init(&s, path);
	verdict = shells_judge(&s, shell, 100);
	require(shells_judge(&s, shell, 101) == verdict);
	if (verdict == SHELL_LISTED)
		require(stands_there((const char *)nl + 1, len, shell));
	else if (verdict != SHELL_BAD && len < 1000 && strpbrk(shell, " \t\r#") == NULL)
		require(!stands_there((const char *)nl + 1, len, shell));
	if (shell_is_taken(verdict))
		require(shell[0] == '/' && name_field_is_clean(shell));
	shells_deinit(&s);
	(void)close(fd);
	return 0;
}
