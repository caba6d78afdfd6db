/* SPDX-License-Identifier: MPL-2.0 */
/*
 * With root_squash the server turns root into nobody, who may make nothing and give nothing
 * away. The person may, if the administrator of the server has allowed it; so a child takes
 * the person's id for the file system alone (setfsuid: nobody can signal or trace it), and
 * tries. There is nothing to hand over then, and nothing is done as root.
 */
#include "tasks/nfs.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "tasks/at.h"
#include "tasks/caps.h"
#include "tasks/tree.h"

#define HOME_MODE 0750

bool
nfs_is_refusal(const struct prefix *p, int err)
{
	return p->is_nfs && (err == -EACCES || err == -EPERM);
}

/* Both calls answer with the former id, whatever happens; asking again tells. */
static int
become(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) < 0)
		return -errno;
	(void)setfsgid(gid);
	(void)setfsuid(uid);
	if ((gid_t)setfsgid((gid_t)-1) != gid || (uid_t)setfsuid((uid_t)-1) != uid)
		return -EPERM;
	return 0;
}

static int
make_in_child(const struct prefix *p, const struct home *h)
{
	static const struct tree_owner nobody_else = { .set = false };
	char temp[HOME_TEMP_LEN + 1];
	cleanup_(fd_closep) int fd = -1;
	struct why why;
	int rc = become(h->uid, h->gid);

	if (rc == 0)
		rc = home_temp_name(temp);
	if (rc < 0)
		return rc;
	if (mkdirat(p->fd, temp, S_IRWXU) < 0)
		return -errno;
	fd = at_open(p->fd, temp, O_RDONLY | O_DIRECTORY, 0);
	rc = fd;
	if (rc >= 0 && h->skel != NULL)
		rc = tree_copy(h->skel, fd, &nobody_else, NULL, h->shown, &why);
	if (rc >= 0 && fchmod(fd, HOME_MODE) < 0)
		rc = -errno;
	if (rc >= 0 && renameat2(p->fd, temp, p->fd, h->name, RENAME_NOREPLACE) < 0)
		rc = errno == EINVAL && renameat(p->fd, temp, p->fd, h->name) == 0
		    ? 0
		    : -errno;
	if (rc < 0)
		(void)!tree_remove(p->fd, temp, &why);
	return rc < 0 ? rc : 0;
}

static int
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (!WIFEXITED(status))
		return -EIO;
	return -WEXITSTATUS(status);
}

int
nfs_make_as_user(const struct prefix *p, const struct home *h, struct why *why)
{
	int rc = -EPERM;

	if (caps_can_become_others()) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(-make_in_child(p, h) & 0xff);
		rc = pid < 0 ? -errno : wait_for(pid);
	}
	if (rc == 0)
		return HOME_MADE;
	return why_set(why, rc,
	    "%s/%s: this NFS server does not let root make it (%s); the home must be made "
	    "on the file server",
	    p->path, h->name, strerror(-rc));
}
