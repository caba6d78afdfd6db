/* SPDX-License-Identifier: MPL-2.0 */
/* Each call that changes something (or opens) is a step of kit.h. */
#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "unit/tasks/kit.h"

#define STEP(name)                                                 \
	do {                                                       \
		int err_ = kit_step != NULL ? kit_step(#name) : 0; \
		if (err_ != 0) {                                   \
			errno = err_;                              \
			return -1;                                 \
		}                                                  \
	} while (0)

#define WRAPPED(ret, name, params, args)   \
	ret __real_##name params;          \
	ret __wrap_##name params;          \
	ret __wrap_##name params           \
	{                                  \
		STEP(name);                \
		return __real_##name args; \
	}

/* clang-format off */
WRAPPED(int, mkdirat, (int fd, const char *name, mode_t mode), (fd, name, mode))
WRAPPED(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAPPED(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
WRAPPED(int, fchownat, (int fd, const char *name, uid_t uid, gid_t gid, int flags),
    (fd, name, uid, gid, flags))
WRAPPED(int, fchmodat, (int fd, const char *name, mode_t mode, int flags),
    (fd, name, mode, flags))
WRAPPED(int, symlinkat, (const char *target, int fd, const char *name), (target, fd, name))
WRAPPED(int, unlinkat, (int fd, const char *name, int flags), (fd, name, flags))
WRAPPED(int, renameat, (int a, const char *old, int b, const char *new), (a, old, b, new))
WRAPPED(int, renameat2, (int a, const char *old, int b, const char *new, unsigned flags),
    (a, old, b, new, flags))
WRAPPED(ssize_t, write, (int fd, const void *data, size_t n), (fd, data, n))
/* clang-format on */

int __real_at_open(int fd, const char *name, int flags, mode_t mode);
int __wrap_at_open(int fd, const char *name, int flags, mode_t mode);

int
__wrap_at_open(int fd, const char *name, int flags, mode_t mode)
{
	int err = kit_step != NULL ? kit_step("at_open") : 0;

	return err != 0 ? -err : __real_at_open(fd, name, flags, mode);
}

int __real_poll(void *p, unsigned long n, int ms);
int __wrap_poll(void *p, unsigned long n, int ms);

/* home_clean() waits for a hand-over that may be under way; here none ever is. */
int
__wrap_poll(void *p, unsigned long n, int ms)
{
	return n == 0 ? 0 : __real_poll(p, n, ms);
}
