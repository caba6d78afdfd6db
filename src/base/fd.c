/* SPDX-License-Identifier: MPL-2.0 */
/*
 * read(2) and write(2) may do less than they were asked for, or be interrupted; callers want
 * all or the reason.
 */
#include "src/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

void
fd_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

int
fd_read_full(int fd, void *buf, size_t cap, size_t *ret_len)
{
	uint8_t *to = buf;
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, to + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

int
fd_write_all(int fd, const void *data, size_t len)
{
	const uint8_t *from = data;

	while (len > 0) {
		ssize_t n = write(fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		from += n;
		len -= (size_t)n;
	}
	return 0;
}

int
fd_open_missing_stdio(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -errno;
	return close(fd);
}
