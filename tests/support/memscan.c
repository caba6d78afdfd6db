/* SPDX-License-Identifier: MPL-2.0 */
/*
 * memscan PID < NEEDLE
 *
 * Looks for some bytes, a password say, in all memory of a process that it can write to.
 * The needle is standard input to its end (a newline at the end does not count), so it is
 * in no argument list. A freed block of the heap loses its first sixteen bytes to the
 * allocator, so half of a long needle, the second, counts as a find, too.
 *
 * Exit 0: nothing. 1: found, one line for each with address, mapping and what it was.
 * 2: could not look (no such process, not permitted), or looked at nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_NEEDLE 4096u
#define CHUNK      (1u << 20)

struct scan {
	int mem;
	char needle[MAX_NEEDLE + 1];
	size_t len;
	size_t tail; /* how many of the last bytes are looked for */
	char *buf;
	unsigned found;
	uint64_t bytes;
};

static bool
read_needle(struct scan *s)
{
	ssize_t n;

	while (s->len < sizeof(s->needle) &&
	    (n = read(STDIN_FILENO, s->needle + s->len, sizeof(s->needle) - s->len)) !=
		0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		s->len += (size_t)n;
	}
	if (s->len > 0 && s->needle[s->len - 1] == '\n')
		s->len--;
	s->tail = s->len >= 16 ? (s->len + 1) / 2 : s->len;
	return s->len > 0 && s->len <= MAX_NEEDLE;
}

/* `at` is where in the process the tail was found. */
static void
report(struct scan *s, uintmax_t at, bool whole, const char *mapping)
{
	s->found++;
	printf("%jx\t%s\t%s\n", at, whole ? "whole" : "tail", mapping);
}

/* Searches buf[0..n), which begins at `base` in the process. */
static void
search(struct scan *s, size_t n, uintmax_t base, const char *mapping)
{
	const char *tail = s->needle + s->len - s->tail;
	size_t head = s->len - s->tail;
	char *p = s->buf;

	while ((p = memmem(p, n - (size_t)(p - s->buf), tail, s->tail)) != NULL) {
		bool whole = (size_t)(p - s->buf) >= head &&
		    memcmp(p - head, s->needle, head) == 0;

		report(s, base + (uintmax_t)(p - s->buf), whole, mapping);
		p++;
	}
}

/* In pieces that overlap, so that nothing is cut in two. */
static void
scan_mapping(struct scan *s, uintmax_t from, uintmax_t to, const char *mapping)
{
	size_t kept = 0;

	while (from < to) {
		size_t want = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
		ssize_t n = pread(s->mem, s->buf + kept, want, (off_t)from);
		size_t seen;

		if (n <= 0) { /* a page that is not there: [vvar], a hole */
			from += 4096;
			kept = 0;
			continue;
		}
		s->bytes += (uint64_t)n;
		seen = kept + (size_t)n;
		search(s, seen, from - kept, mapping);
		from += (uintmax_t)n;
		/* One byte less than the tail, or it would be found twice. */
		kept = seen < s->tail ? seen : s->tail - 1;
		memmove(s->buf, s->buf + seen - kept, kept);
	}
}

static bool
scan_all(struct scan *s, const char *pid)
{
	char path[64];
	static char line[4352];
	FILE *maps;

	(void)snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	s->mem = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = fopen(path, "re");
	if (s->mem < 0 || maps == NULL) {
		(void)fprintf(stderr, "memscan: %s: %s\n", pid, strerror(errno));
		if (maps != NULL)
			(void)fclose(maps);
		return false;
	}
	while (fgets(line, sizeof(line), maps) != NULL) {
		uintmax_t from, to;
		char flags[5];

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%jx-%jx %4s", &from, &to, flags) == 3 &&
		    flags[0] == 'r' && flags[1] == 'w')
			scan_mapping(s, from, to, line);
	}
	(void)fclose(maps);
	return true;
}

int
main(int argc, char **argv)
{
	static struct scan s;

	if (argc != 2 || argv[1][0] == '\0' ||
	    strspn(argv[1], "0123456789") != strlen(argv[1])) {
		(void)fprintf(stderr, "usage: memscan PID < NEEDLE\n");
		return 2;
	}
	s.buf = malloc(CHUNK + MAX_NEEDLE);
	if (s.buf == NULL || !read_needle(&s)) {
		(void)fprintf(stderr, "memscan: no needle\n");
		return 2;
	}
	if (!scan_all(&s, argv[1]))
		return 2;
	if (s.bytes == 0) {
		(void)fprintf(stderr, "memscan: nothing to read\n");
		return 2;
	}
	return s.found > 0 ? 1 : 0;
}
