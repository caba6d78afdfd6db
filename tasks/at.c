/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A root process that resolves a path resolves it as whoever can write to any directory on
 * the way. So there are no paths here: one component, in a directory held open, by
 * openat2() where the kernel has it (5.6). Where it has not, O_NOFOLLOW means the same for
 * one component.
 */
#include "tasks/at.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int
at_open(int dir, const char *name, int flags, mode_t mode)
{
	struct open_how how = { .flags = (unsigned)(flags | O_NOFOLLOW | O_CLOEXEC),
		.mode = (flags & O_CREAT) != 0 ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
		    RESOLVE_NO_MAGICLINKS };
	long fd;

	if (name[0] == '\0' || strchr(name, '/') != NULL)
		return -EINVAL;
	fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
	/* EPERM: a seccomp filter older than the call. Then the next line says what is
	 * really wrong. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	return fd < 0 ? -errno : (int)fd;
}
