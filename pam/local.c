/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who is local, when nobody can be asked: NSS would lead back to us, and the daemon may be
 * dead. So /etc/passwd is read here, in pieces through a small buffer, with no limit on the
 * length of a line. Names are compared as the daemon does, so that "Root" is local, too.
 */
#include "pam/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "src/base/blank.h"
#include "src/base/name.h"

#define PIECE         512
#define FIRST_FREE_FD 3

/* Where in a line the reader is. */
enum part {
	PART_NAME,
	PART_PASSWORD,
	PART_UID,
	PART_REST, /* of a line that is not the one */
};

struct scan {
	const struct name *name;
	enum part part;
	size_t at;     /* characters of the name that agree */
	bool digits;   /* the uid has one, and nothing else so far */
	bool not_zero; /* and one of them is not 0 */
};

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void
line_begins(struct scan *s)
{
	s->part = PART_NAME;
	s->at = 0;
	s->digits = true;
	s->not_zero = false;
}

static int
verdict(const struct scan *s)
{
	return s->digits && s->not_zero ? 1 : 2;
}

/* One character more; what local_find() returns when it decides, else 0. */
static int
scan(struct scan *s, char c)
{
	bool ends = c == '\n' || c == '\0';

	switch (s->part) {
	case PART_NAME:
		if (s->at == 0 && is_blank(c))
			break; /* libc passes over it, too */
		if (c == ':' && s->at == s->name->len)
			s->part = PART_PASSWORD;
		else if (s->at < s->name->len && lower(c) == s->name->text[s->at])
			s->at++;
		else
			s->part = PART_REST;
		break;
	case PART_PASSWORD:
		if (c == ':')
			s->part = PART_UID;
		/* broken, but the name is taken */
		else if (ends)
			return 2;
		break;
	case PART_UID:
		if (c == ':' || ends)
			return verdict(s);
		s->digits = s->digits && c >= '0' && c <= '9';
		s->not_zero = s->not_zero || c != '0';
		break;
	case PART_REST:
	default:
		break;
	}
	if (ends)
		line_begins(s);
	return 0;
}

/* The last line need not end. */
static int
at_end(const struct scan *s)
{
	if (s->part == PART_UID)
		return verdict(s);
	return s->part == PART_PASSWORD ? 2 : 0;
}

static int
find_in(int fd, const struct name *name)
{
	struct scan s = { .name = name };
	char piece[PIECE];
	size_t total = 0;

	line_begins(&s);
	while (total < LOCAL_MAX_BYTES) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return at_end(&s);
		for (ssize_t i = 0; i < n; i++) {
			int r = scan(&s, piece[i]);

			if (r != 0)
				return r;
		}
		total += (size_t)n;
	}
	return -EFBIG;
}

/* Above 0, 1 and 2, which a host may have closed. */
static int
open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), moved, r;

	if (fd < 0)
		return -errno;
	if (fd >= FIRST_FREE_FD)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	r = moved < 0 ? -errno : moved;
	(void)close(fd);
	return r;
}

int
local_find(const char *path, const struct name *name)
{
	int saved = errno, fd = open_file(path), r;

	if (fd < 0) {
		r = fd == -ENOENT ? 0 : fd;
	} else {
		r = find_in(fd, name);
		(void)close(fd);
	}
	errno = saved;
	return r;
}
