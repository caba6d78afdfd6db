/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A file of any contents as the map of a process: every question, and both enumerations.
 * The mapping is a heap block of the file's size, so that a sanitizer sees a read past its
 * end. Input: the file. Its clock stands still, so that an input means the same for ever.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/map/map.h"

#define NOW       100000
#define ENTRY_CAP 100000u

/* The file is the input itself: no system call, so that a minute is a million inputs. */
#define FILE_FD 4242

static const uint8_t *file;
static size_t file_len;
static uint8_t *block;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_fstat64(int fd, struct stat *st);
int __real_fstat64(int fd, struct stat *st);
ssize_t __wrap_pread64(int fd, void *to, size_t n, off_t off);
ssize_t __real_pread64(int fd, void *to, size_t n, off_t off);
int __wrap_close(int fd);
int __real_close(int fd);
void *__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off);
void *__real_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off);
int __wrap_munmap(void *at, size_t len);
int __real_munmap(void *at, size_t len);

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	if (id != CLOCK_BOOTTIME)
		return __real_clock_gettime(id, ts);
	*ts = (struct timespec){ .tv_sec = NOW };
	return 0;
}

int
__wrap_open64(const char *path, int flags, ...)
{
	(void)path;
	(void)flags;
	return FILE_FD;
}

int
__wrap_fstat64(int fd, struct stat *st)
{
	if (fd != FILE_FD)
		return __real_fstat64(fd, st);
	*st = (struct stat){ .st_mode = S_IFREG | 0644,
		.st_dev = 1,
		.st_ino = 1,
		.st_size = (off_t)file_len };
	return 0;
}

ssize_t
__wrap_pread64(int fd, void *to, size_t n, off_t off)
{
	if (fd != FILE_FD)
		return __real_pread64(fd, to, n, off);
	if ((size_t)off >= file_len)
		return 0;
	if (n > file_len - (size_t)off)
		n = file_len - (size_t)off;
	memcpy(to, file + off, n);
	return (ssize_t)n;
}

int
__wrap_close(int fd)
{
	return fd == FILE_FD ? 0 : __real_close(fd);
}

void *
__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	if (fd != FILE_FD)
		return __real_mmap64(at, len, prot, flags, fd, off);
	if (len != file_len || block != NULL)
		abort();
	block = malloc(len);
	if (block == NULL)
		abort();
	memcpy(block, file, len);
	return block;
}

int
__wrap_munmap(void *at, size_t len)
{
	if (at == NULL || at != block)
		return __real_munmap(at, len);
	free(block);
	block = NULL;
	return 0;
}

static char buf[1 << 20];

static int
count_gid(void *arg, uint32_t gid)
{
	*(uint32_t *)arg += gid;
	return 0;
}

static void
check_user(enum map_answer got, const struct passwd *pw)
{
	if (got == MAP_HIT &&
	    (pw->pw_uid < 1000 || pw->pw_gid < 1000 ||
		strlen(pw->pw_shell) > sizeof(buf)))
		abort();
}

static void
check_group(enum map_answer got, const struct group *gr)
{
	for (char **at = gr->gr_mem; got == MAP_HIT && *at != NULL; at++)
		if (strlen(*at) > sizeof(buf))
			abort();
}

static void
ask_by_name(struct map *m, const char *text)
{
	struct passwd pw = { 0 };
	struct group gr = { 0 };
	uint32_t sum = 0;
	struct name n;
	int stop;

	if (name_parse(text, strlen(text), &n) != 0)
		abort();
	check_user(map_passwd_by_name(m, &n, 0, &pw, buf, sizeof(buf)), &pw);
	check_group(map_group_by_name(m, &n, MAP_ANY_AGE, &gr, buf, sizeof(buf)), &gr);
	(void)map_initgroups(m, &n, 0, count_gid, &sum, &stop);
}

static void
enumerate(struct map *m)
{
	uint64_t users = 0, groups = 0;
	struct passwd pw = { 0 };
	struct group gr = { 0 };
	uint32_t n = 0;

	while (map_passwd_next(m, &users, &pw, buf, sizeof(buf)) == MAP_HIT) {
		check_user(MAP_HIT, &pw);
		if (n++ > ENTRY_CAP)
			abort(); /* in a circle */
	}
	while (map_group_next(m, &groups, &gr, buf, sizeof(buf)) == MAP_HIT) {
		check_group(MAP_HIT, &gr);
		if (n++ > 2 * ENTRY_CAP)
			abort();
	}
	map_enum_end(m, &users);
	map_enum_end(m, &groups);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct map m = MAP_INIT("");
	struct passwd pw = { 0 };
	struct group gr = { 0 };

	file = data;
	file_len = size;
	ask_by_name(&m, "alice");
	ask_by_name(&m, "alice@trust.example");
	ask_by_name(&m, "staff@own.example");
	ask_by_name(&m, "root");
	check_user(map_passwd_by_uid(&m, 5000, 0, &pw, buf, sizeof(buf)), &pw);
	check_group(map_group_by_gid(&m, 6000, 0, &gr, buf, sizeof(buf)), &gr);
	(void)map_passwd_by_uid(&m, 5000, 0, &pw, buf, 20);
	enumerate(&m);
	map_close(&m);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
/* Only there when a fuzzer runs. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* The file is words, and most of them are offsets and lengths: half of the time one word
 * becomes a place in the file, or a little more or less than it was. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	uint32_t value;
	size_t at;

	if ((seed % 2 == 0 || size < 4) && LLVMFuzzerMutate != NULL)
		return LLVMFuzzerMutate(data, size, max);
	seed = seed / 2 * 2654435761u;
	at = (seed >> 3) % (size / 4) * 4;
	memcpy(&value, data + at, 4);
	if (seed % 4 == 0)
		value = (uint32_t)((seed >> 7) % (size + 32)) & ~7u;
	else if (seed % 4 == 1)
		value = (uint32_t)size - (seed >> 9) % 64;
	else
		value += (seed >> 9) % 17 * 4 - 32;
	memcpy(data + at, &value, 4);
	return size;
}
