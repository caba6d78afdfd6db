/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Memory that holds a password. Its one idea is a mapping per secret: pages can be locked,
 * kept out of dumps and of children only as a whole, and inside somebody else's program
 * locks do not nest, so sharing a page with the heap would unlock, or dump, theirs or ours.
 *
 * Every protection beyond the mapping itself is taken when it can be had: a login must not
 * fail because a limit on locked memory is low or a kernel is old.
 */
#include "src/base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

struct secret *
secret_new(size_t cap)
{
	int saved = errno;
	struct secret *s;
	size_t len;

	if (__builtin_add_overflow(cap, sizeof(*s), &len))
		return NULL;
	s = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED) {
		errno = saved;
		return NULL;
	}
	(void)madvise(s, len, MADV_DONTDUMP);
	(void)madvise(s, len, MADV_WIPEONFORK);
	(void)mlock(s, len);
	s->cap = cap;
	s->map_len = len;
	errno = saved;
	return s;
}

struct secret *
secret_copy(const void *data, size_t len)
{
	struct secret *s = len == SIZE_MAX ? NULL : secret_new(len + 1);

	if (s == NULL)
		return NULL;
	if (len > 0)
		memcpy(s->data, data, len);
	s->len = len;
	return s;
}

struct secret *
secret_free(struct secret *s)
{
	int saved = errno;
	size_t len = s == NULL ? 0 : s->map_len;

	/* No length: this is a forked child, and the kernel has wiped even the header. */
	if (len == 0)
		return NULL;
	explicit_bzero(s, len);
	(void)munmap(s, len);
	errno = saved;
	return NULL;
}

void
secret_freep(struct secret **sp)
{
	*sp = secret_free(*sp);
}
