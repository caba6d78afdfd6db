/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Before a password is sent. No configuration tells a module which account the daemon runs
 * as, and the socket's own owner proves little: systemd makes it, hands it over and changes
 * its owner with the directory's. So two facts are compared that both come from the kernel,
 * the uid that called listen() or connects as the server, and the owner of the directory
 * that only root could have made.
 */
#include "src/client/peer.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define FOREIGN_WRITERS (S_IWGRP | S_IWOTH)

/* Cuts the last component off; false when there is none. */
static bool
cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return false;
	*slash = '\0';
	return true;
}

/* The directory of the socket: its own owner's alone, and only root could replace it. */
static bool
directory_owner(const char *path, uid_t *ret_uid)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat st, above;
	size_t len = strlen(path);

	if (len >= sizeof(dir) || path[0] != '/')
		return false;
	memcpy(dir, path, len + 1);
	if (!cut(dir) || lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode) ||
	    (st.st_mode & FOREIGN_WRITERS) != 0)
		return false;
	if (!cut(dir) || stat(dir, &above) != 0 || above.st_uid != 0 ||
	    (above.st_mode & FOREIGN_WRITERS) != 0)
		return false;
	*ret_uid = st.st_uid;
	return true;
}

int
peer_verify(int fd, const char *path)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);
	uid_t owner;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 ||
	    len != sizeof(peer) || peer.uid == (uid_t)-1)
		return -EPERM;
	if (!directory_owner(path, &owner))
		return -EPERM;
	return peer.uid == 0 || peer.uid == owner ? 0 : -EPERM;
}
