/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The places where programs meet the daemon: the directory, the sockets, the map. The rules
 * are those of the modules, which send no password into a directory that somebody else can
 * write to.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ku/map.h"
#include "ku/paths.h"
#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/check_internal.h"

static void
judge_socket(struct check *c, const char *path, const struct stat *dir, bool wanted)
{
	struct stat st;

	if (!check_lstat(c, path, &st)) {
		if (wanted)
			check_found(c, CHECK_SOCK_MISSING, path, "%s", strerror(errno));
		return;
	}
	if (!S_ISSOCK(st.st_mode))
		check_found(c, CHECK_SOCK_OWNER, path, "is no socket");
	else if (st.st_uid != c->admin && st.st_uid != dir->st_uid)
		check_found(c, CHECK_SOCK_OWNER, path, "belongs to uid %u",
		    (unsigned)st.st_uid);
	else if ((st.st_mode & 0666) != 0666)
		check_found(c, CHECK_SOCK_MODE, path, "has the mode %04o",
		    (unsigned)st.st_mode & 07777);
	else
		check_fine(c, path, "everybody may connect");
}

/* Who the daemon is: its directory belongs to it, and what it has made in there does also when
 * the directory was given away. root may have made that before it became the daemon. */
bool
check_rundir(const struct check *c, struct stat *st)
{
	struct stat made;

	if (!check_lstat(c, KU_PATH_RUNDIR, st))
		return false;
	if (check_lstat(c, KU_PATH_TASK_SOCK, &made) && S_ISSOCK(made.st_mode) &&
	    made.st_uid != c->admin)
		st->st_uid = made.st_uid;
	return true;
}

static void
judge_rundir(struct check *c, const struct stat *dir, uid_t daemon)
{
	if (!S_ISDIR(dir->st_mode))
		check_found(c, CHECK_RUNDIR_MODE, KU_PATH_RUNDIR, "is no directory");
	else if ((dir->st_mode & 022) != 0 || (dir->st_mode & 05) != 05)
		check_found(c, CHECK_RUNDIR_MODE, KU_PATH_RUNDIR, "has the mode %04o",
		    (unsigned)dir->st_mode & 07777);
	else if (dir->st_uid != daemon && dir->st_uid != c->admin)
		check_found(c, CHECK_RUNDIR_MODE, KU_PATH_RUNDIR,
		    "belongs to uid %u, the daemon is uid %u", (unsigned)dir->st_uid,
		    (unsigned)daemon);
}

static void
judge_answer(struct check *c)
{
	switch (c->asked) {
	case 0:
		check_fine(c, "kanidm_unixd", "answers");
		break;
	case -ENOENT:
		break; /* said of the socket */
	case -ECONNREFUSED:
		check_found(c, CHECK_DAEMON_DOWN, KU_PATH_SOCK, "%s",
		    strerror(ECONNREFUSED));
		break;
	case -EACCES:
	case -EPERM:
		check_unseen(c, KU_PATH_SOCK, "%s", strerror(-c->asked));
		break;
	case -ETIMEDOUT:
		check_found(c, CHECK_DAEMON_SILENT, KU_PATH_SOCK, "no answer within 5 s");
		break;
	default:
		check_found(c, CHECK_DAEMON_VERSION, KU_PATH_SOCK, "%s",
		    c->asked < 0 ? strerror(-c->asked) : "the answer is no status");
	}
}

void
check_sockets(struct check *c)
{
	struct stat dir, daemons;

	if (!check_lstat(c, KU_PATH_RUNDIR, &dir) || !check_rundir(c, &daemons)) {
		check_found(c, CHECK_RUNDIR_MISSING, KU_PATH_RUNDIR, "%s",
		    strerror(errno));
		return;
	}
	judge_rundir(c, &dir, daemons.st_uid);
	judge_socket(c, KU_PATH_SOCK, &daemons, true);
	judge_socket(c, KU_PATH_TASK_SOCK, &daemons, c->asked == 0);
	judge_answer(c);
}

static uint32_t
word(const uint8_t *header, unsigned i)
{
	uint32_t w;

	memcpy(&w, header + (size_t)i * 4, sizeof(w));
	return w;
}

static void
judge_header(struct check *c, const uint8_t *header)
{
	uint32_t lease = word(header, KU_MAP_H_LEASE), now = c->host->boot_s;

	if (word(header, KU_MAP_H_MAGIC_LO) != KU_MAP_MAGIC_LO ||
	    word(header, KU_MAP_H_MAGIC_HI) != KU_MAP_MAGIC_HI ||
	    word(header, KU_MAP_H_VERSION) != KU_MAP_VERSION)
		check_found(c, CHECK_MAP_FOREIGN, KU_PATH_MAP,
		    "is no map of this version");
	else if (word(header, KU_MAP_H_STATE) != KU_MAP_LIVE)
		check_found(c, CHECK_MAP_DEAD, KU_PATH_MAP, "has been %s",
		    word(header, KU_MAP_H_STATE) == KU_MAP_WITHDRAWN ? "withdrawn"
								     : "replaced");
	else if (lease < now)
		check_found(c, CHECK_MAP_DEAD, KU_PATH_MAP,
		    "the daemon has not touched it for %u s; lookups use it as it is",
		    now - lease + KU_MAP_LEASE);
	else
		check_fine(c, KU_PATH_MAP, "is live");
}

void
check_map(struct check *c)
{
	cleanup_(freep) char *real = check_path(c, KU_PATH_MAP);
	cleanup_(fd_closep) int fd = -1;
	uint8_t header[KU_MAP_HEADER_LEN];
	struct stat st, dir;
	size_t len;

	if (!c->config->fast_cache || !check_rundir(c, &dir))
		return;
	if (!check_lstat(c, KU_PATH_MAP, &st)) {
		check_found(c, CHECK_MAP_MISSING, KU_PATH_MAP, "%s", strerror(errno));
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		check_found(c, CHECK_MAP_FOREIGN, KU_PATH_MAP, "is no file");
		return;
	}
	if ((st.st_mode & 0777) != 0644 || st.st_uid != dir.st_uid)
		check_found(c, CHECK_MAP_MODE, KU_PATH_MAP, "owner %u, mode %04o",
		    (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
	fd = open(real, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		check_unseen(c, KU_PATH_MAP, "%s", strerror(errno));
	else if (fd_read_full(fd, header, sizeof(header), &len) < 0 ||
	    len < sizeof(header))
		check_found(c, CHECK_MAP_FOREIGN, KU_PATH_MAP, "is shorter than a map");
	else
		judge_header(c, header);
}
