/* SPDX-License-Identifier: MPL-2.0 */
/* The memory that all processes of a torture run share. */
#include "torture/shared.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/base/deadline.h"

struct shared *
shared_from(int fd)
{
	void *at = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);

	if (at == MAP_FAILED) {
		perror("shared memory");
		abort();
	}
	return at;
}

/* Without MFD_CLOEXEC: it is for the programs that readers become, too. */
struct shared *
shared_new(int *ret_fd)
{
	*ret_fd = memfd_create("torture", 0);
	if (*ret_fd < 0 || ftruncate(*ret_fd, (off_t)sizeof(struct shared)) != 0) {
		perror("shared memory");
		abort();
	}
	return shared_from(*ret_fd);
}

uint32_t
shared_boot_now(void)
{
	return (uint32_t)(clock_boot_ns() / 1000000000);
}

void
shared_count(struct shared *s, enum counter c)
{
	(void)__atomic_add_fetch(&s->count[c], 1, __ATOMIC_RELAXED);
}

uint64_t
shared_counted(const struct shared *s, enum counter c)
{
	return __atomic_load_n(&s->count[c], __ATOMIC_RELAXED);
}

uint32_t
shared_get(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

void
shared_set(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

void
shared_fail(struct shared *s, const char *fmt, ...)
{
	va_list ap;

	if (__atomic_fetch_add(&s->failed, 1, __ATOMIC_SEQ_CST) != 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(s->failure, sizeof(s->failure), fmt, ap);
	va_end(ap);
}

uint32_t
shared_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}
