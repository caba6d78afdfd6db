/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A disk and a clock that can be told to misbehave, preloaded into the real daemon. The one
 * idea: a page of shared memory (KU_CHAOS_PAGE) says what goes wrong now, so that another
 * process changes it while the daemon runs, and nothing of the daemon is built differently.
 * Only descriptors of the directories of its cache and state are meant; sockets, the map and
 * the journal go on as they are.
 *
 *	page	s64 seconds added to CLOCK_REALTIME, u32 errno, u32 one call in so many fails,
 *		u32 microseconds that each call takes longer, u32 how often the clock was
 *		asked here, u32 how many calls were slow or failed: an attack that does not
 *		reach the daemon must not pass for one that it withstood
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct page {
	_Atomic int64_t clock_s;
	_Atomic uint32_t error, one_in, slow_us;
	_Atomic uint32_t n_clock, n_disturbed;
};

static struct page *page;
static _Atomic uint32_t n_calls;

__attribute__((constructor)) static void
shim_open(void)
{
	const char *path = getenv("KU_CHAOS_PAGE");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *at;

	if (fd < 0)
		return;
	at = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	page = at == MAP_FAILED ? NULL : at;
	(void)close(fd);
}

static bool
is_disk(int fd)
{
	char link[64], path[256];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	return strncmp(path, "/var/cache/", 11) == 0 ||
	    strncmp(path, "/var/lib/", 9) == 0;
}

/* True: the call is to fail, and errno says how. */
static bool
trouble(int fd)
{
	uint32_t one_in, slow;

	if (page == NULL)
		return false;
	one_in = page->one_in;
	slow = page->slow_us;
	if ((one_in == 0 && slow == 0) || !is_disk(fd))
		return false;
	if (slow != 0) {
		page->n_disturbed++;
		(void)usleep(slow);
	}
	if (one_in == 0 || n_calls++ % one_in != 0)
		return false;
	page->n_disturbed++;
	errno = (int)page->error;
	return true;
}

/* What the daemon is to find here instead of libc's. */
#pragma GCC visibility push(default)

#define NEXT(name)                     \
	static __typeof__(&name) next; \
	if (next == NULL)              \
	next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t
write(int fd, const void *buf, size_t n)
{
	NEXT(write);
	return trouble(fd) ? -1 : next(fd, buf, n);
}

ssize_t
pwrite64(int fd, const void *buf, size_t n, off64_t at)
{
	NEXT(pwrite64);
	return trouble(fd) ? -1 : next(fd, buf, n, at);
}

ssize_t
pread64(int fd, void *buf, size_t n, off64_t at)
{
	NEXT(pread64);
	return trouble(fd) ? -1 : next(fd, buf, n, at);
}

int
fsync(int fd)
{
	NEXT(fsync);
	return trouble(fd) ? -1 : next(fd);
}

int
fdatasync(int fd)
{
	NEXT(fdatasync);
	return trouble(fd) ? -1 : next(fd);
}

int
ftruncate64(int fd, off64_t len)
{
	NEXT(ftruncate64);
	return trouble(fd) ? -1 : next(fd, len);
}

int
clock_gettime(clockid_t id, struct timespec *ret)
{
	int r;

	NEXT(clock_gettime);
	r = next(id, ret);
	if (r == 0 && page != NULL && id == CLOCK_REALTIME) {
		ret->tv_sec += page->clock_s;
		page->n_clock++;
	}
	return r;
}

time_t
time(time_t *ret)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (ret != NULL)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}

int
gettimeofday(struct timeval *ret, void *zone)
{
	struct timespec ts;

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	ret->tv_sec = ts.tv_sec;
	ret->tv_usec = (suseconds_t)(ts.tv_nsec / 1000);
	return 0;
}

#pragma GCC visibility pop
