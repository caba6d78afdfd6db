/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A file that is there says "log in as this account": when it cannot be read or has no
 * token in it, that is said, and nobody is asked anonymously instead.
 */
#include "src/unixd/idp/tokenfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/attr.h"
#include "src/prog/xalloc.h"
#include "src/unixd/idp/wipe.h"

#define MAX_LINE 8192u

/* The first line's length without blanks around it, 0 when it cannot be a token. */
static size_t
token_length(char *buf, size_t len, char **ret_start)
{
	char *end = memchr(buf, '\n', len);
	size_t n = end == NULL ? len : (size_t)(end - buf);

	while (n > 0 && (buf[0] == ' ' || buf[0] == '\t')) {
		buf++;
		n--;
	}
	while (n > 0 && (buf[n - 1] == ' ' || buf[n - 1] == '\t' || buf[n - 1] == '\r'))
		n--;
	for (size_t i = 0; i < n; i++) {
		if (buf[i] <= 0x20 || buf[i] >= 0x7f)
			return 0;
	}
	*ret_start = buf;
	return n;
}

void
tokenfile_read(struct tokenfile *t)
{
	cleanup_(wipe_string) char *buf = NULL;
	char *start = NULL;
	size_t len = 0, n;
	ssize_t got = 0;
	int fd;

	if (t->path == NULL)
		return;
	fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			(void)snprintf(t->problem, sizeof(t->problem), "%s: %s", t->path,
			    strerror(errno));
		return;
	}
	buf = xmalloc(MAX_LINE);
	while (len < MAX_LINE && (got = read(fd, buf + len, MAX_LINE - len)) > 0)
		len += (size_t)got;
	if (got < 0)
		(void)snprintf(t->problem, sizeof(t->problem), "%s: %s", t->path,
		    strerror(errno));
	(void)close(fd);
	n = got < 0 ? 0 : token_length(buf, len, &start);
	/* Filled to the brim without an end of line: cut, so not the token. */
	if (n > 0 && (len < MAX_LINE || memchr(buf, '\n', len) != NULL))
		t->bearer = xstrndup(start, n);
	else if (got >= 0)
		(void)snprintf(t->problem, sizeof(t->problem),
		    "%s: no token in its first line", t->path);
}

void
tokenfile_clear(struct tokenfile *t)
{
	wipe_string(&t->bearer);
	free(t->path);
	t->path = NULL;
	t->problem[0] = '\0';
}
