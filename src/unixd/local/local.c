/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The accounts this host has without us. The daemon must know them to keep out of their
 * way (no name and no number of theirs is ever ours), and must not ask NSS for them, since
 * NSS asks the daemon.
 *
 * The rule when in doubt is "local". A file that cannot be seen makes the reserved range
 * local; a file that was seen once and is gone or empty now (somebody writes it in place)
 * keeps what it last said, besides.
 */
#include "src/unixd/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/ids.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/local/table.h"
#include "src/unixd/local/watch.h"

/* Five million accounts; what is beyond is not read, and the file counts as not visible. */
#define MAX_FILE (256u * 1024u * 1024u)

#define NOBODY_ID 65534u

struct file {
	enum table_kind kind;
	char *path;
	bool visible;
	bool unread; /* the system would not let us: perhaps next time */
	bool frozen;
	struct local_ident ident;
	struct table table;
};

struct local {
	struct file passwd;
	struct file group;
	struct watch watch;
};

static const struct {
	const char *name;
	uint32_t id;
} reserved[] = {
	{ "root", 0 },
	{ "nobody", NOBODY_ID },
	{ "nogroup", NOBODY_ID },
};

static struct local_ident
ident_of(const struct stat *st)
{
	return (struct local_ident){
		.dev = (uint64_t)st->st_dev,
		.ino = (uint64_t)st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 +
		    st->st_mtim.tv_nsec,
	};
}

static bool
ident_equal(const struct local_ident *a, const struct local_ident *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->mtime_ns == b->mtime_ns;
}

static struct local_ident
ident_at(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct local_ident){ 0 };
	return ident_of(&st);
}

/* Which mount a path is on; 0 when the kernel does not say. */
static uint64_t
mount_of(const char *path)
{
	struct statx stx;

	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_MNT_ID, &stx) < 0 ||
	    (stx.stx_mask & STATX_MNT_ID) == 0)
		return 0;
	return stx.stx_mnt_id;
}

/*
 * A file bound over /etc/passwd keeps its inode when the host's file is replaced: neither
 * inotify nor stat will ever show the change.
 */
static bool
is_mount_of_its_own(const char *path)
{
	char *real cleanup_(freep) = realpath(path, NULL);
	uint64_t file;
	uint64_t dir;
	char *slash;

	if (real == NULL)
		return false;
	file = mount_of(real);
	slash = strrchr(real, '/');
	slash[slash == real] = '\0';
	dir = mount_of(real);
	return file != 0 && dir != 0 && file != dir;
}

/* All of a file, at most `cap` bytes. NULL when it cannot be read. */
static char *
slurp(int fd, size_t cap, size_t hint, size_t *ret_len)
{
	size_t room = hint + 1 < cap ? hint + 1 : cap;
	char *buf = xmalloc(room);
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, buf + len, room - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(buf);
			return NULL;
		}
		len += (size_t)n;
		if (n == 0 || len == cap)
			break;
		if (len == room) {
			room = room * 2 < cap ? room * 2 : cap;
			buf = xreallocarray(buf, room, 1);
		}
	}
	*ret_len = len;
	return buf;
}

static bool
read_table(struct file *f, struct table *ret_table, struct local_ident *ret_ident)
{
	/* Not blocking: the path might be a FIFO. */
	int fd cleanup_(
	    fd_closep) = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *data cleanup_(freep) = NULL;
	struct stat st;
	size_t len;

	f->unread = fd < 0 || fstat(fd, &st) < 0;
	if (f->unread || !S_ISREG(st.st_mode))
		return false;
	data = slurp(fd, MAX_FILE, (size_t)st.st_size, &len);
	f->unread = data == NULL;
	if (f->unread)
		return false;
	/* Taken before the read: a change while we read shows as another identity later. */
	*ret_ident = ident_of(&st);
	table_parse(ret_table, f->kind, data, len);
	return len < MAX_FILE && ret_table->n > 0;
}

static void
load(struct file *f)
{
	struct table fresh = { 0 };

	/* Of a file that cannot be read remember what stat says: it may heal by chmod. */
	f->ident = ident_at(f->path);
	f->visible = read_table(f, &fresh, &f->ident);
	f->frozen = is_mount_of_its_own(f->path);
	if (fresh.n == 0 && !f->visible) {
		table_free(&fresh);
		return;
	}
	table_free(&f->table);
	f->table = fresh;
}

static bool
refresh(struct file *f, bool touched)
{
	struct local_ident now = ident_at(f->path);
	bool same = !touched && ident_equal(&now, &f->ident);

	/* Where there was no descriptor left for it, no event will tell that there is. */
	if (same && !f->unread)
		return false;
	load(f);
	return !same || !f->unread;
}

struct local *
local_new(const char *passwd_path, const char *group_path)
{
	struct local *l = xcalloc(1, sizeof(*l));
	const char *paths[2];

	l->passwd.kind = TABLE_PASSWD;
	l->passwd.path = xstrdup(passwd_path);
	l->group.kind = TABLE_GROUP;
	l->group.path = xstrdup(group_path);
	paths[0] = l->passwd.path;
	paths[1] = l->group.path;
	/* First the watch, then the files: a change in between is seen twice, not never. */
	watch_init(&l->watch, paths, ARRAY_SIZE(paths));
	load(&l->passwd);
	load(&l->group);
	return l;
}

struct local *
local_free(struct local *l)
{
	if (l == NULL)
		return NULL;
	watch_deinit(&l->watch);
	table_free(&l->passwd.table);
	table_free(&l->group.table);
	free(l->passwd.path);
	free(l->group.path);
	free(l);
	return NULL;
}

int
local_watch_fd(const struct local *l)
{
	return l->watch.placed ? l->watch.fd : -1;
}

bool
local_refresh(struct local *l)
{
	bool touched[WATCH_MAX_FILES] = { false, false };
	bool passwd;
	bool group;

	watch_drain(&l->watch, touched);
	passwd = refresh(&l->passwd, touched[0]);
	group = refresh(&l->group, touched[1]);
	return passwd || group;
}

bool
local_passwd_visible(const struct local *l)
{
	return l->passwd.visible;
}

bool
local_group_visible(const struct local *l)
{
	return l->group.visible;
}

bool
local_is_frozen(const struct local *l)
{
	return l->passwd.frozen || l->group.frozen;
}

struct local_ident
local_passwd_ident(const struct local *l)
{
	return l->passwd.ident;
}

struct local_ident
local_group_ident(const struct local *l)
{
	return l->group.ident;
}

static bool
has_name(const struct file *f, const char *name)
{
	if (table_by_name(&f->table, name) != NULL)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(reserved) && !f->visible; i++)
		if (streq(reserved[i].name, name))
			return true;
	return false;
}

static bool
has_id(const struct file *f, uint32_t id)
{
	if (table_by_id(&f->table, id) != NULL)
		return true;
	return !f->visible && (id < IDS_FIRST || id == NOBODY_ID);
}

static const char *
name_of(const struct file *f, uint32_t id)
{
	const struct table_entry *e = table_by_id(&f->table, id);

	return e == NULL ? NULL : table_text(&f->table, e->canon);
}

static void
each(const struct file *f, local_each_fn fn, void *arg)
{
	for (size_t i = 0; i < f->table.n; i++) {
		const struct table_entry *e = &f->table.entries[i];

		fn(arg, table_text(&f->table, e->canon), e->id);
	}
	for (size_t i = 0; i < ARRAY_SIZE(reserved) && !f->visible; i++)
		if (table_by_name(&f->table, reserved[i].name) == NULL)
			fn(arg, reserved[i].name, reserved[i].id);
}

bool
local_has_user(const struct local *l, const char *name)
{
	return has_name(&l->passwd, name);
}

bool
local_has_uid(const struct local *l, uint32_t uid)
{
	return has_id(&l->passwd, uid);
}

bool
local_has_group(const struct local *l, const char *name)
{
	return has_name(&l->group, name);
}

bool
local_has_gid(const struct local *l, uint32_t gid)
{
	return has_id(&l->group, gid);
}

const char *
local_gid_name(const struct local *l, uint32_t gid)
{
	return name_of(&l->group, gid);
}

bool
local_get_group(const struct local *l, const char *name, struct local_group *ret_group)
{
	const struct table *t = &l->group.table;
	const struct table_entry *e = table_by_exact(t, name);

	if (e == NULL)
		return false;
	*ret_group = (struct local_group){
		.name = table_text(t, e->name),
		.gid = e->id,
		.n_members = e->n_members,
		.members = t->members + e->first_member,
	};
	return true;
}

void
local_each_user(const struct local *l, local_each_fn fn, void *arg)
{
	each(&l->passwd, fn, arg);
}

void
local_each_group(const struct local *l, local_each_fn fn, void *arg)
{
	each(&l->group, fn, arg);
}
