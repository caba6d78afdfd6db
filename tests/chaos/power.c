/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A model of the worst disk that still keeps its word. Each file is held open by its
 * inode while it is known, so that a number is never one file's and then another's.
 */
#include "chaos/power.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chaos/crash.h"
#include "src/base/fd.h"
#include "src/base/util.h"

#define MAX_FILES 512u
#define MAX_BYTES (8u << 20)

struct kept_file {
	ino_t ino;
	int fd; /* O_PATH */
	mode_t mode;
	void *data;
	size_t len;
};

struct kept_name {
	char name[128];
	ino_t ino;
};

struct power {
	char dir[256];
	bool names_too;
	struct kept_file files[MAX_FILES];
	size_t n_files;
	struct kept_name names[MAX_FILES];
	size_t n_names;
};

static struct kept_file *
file_of(struct power *p, ino_t ino)
{
	for (size_t i = 0; i < p->n_files; i++)
		if (p->files[i].ino == ino)
			return &p->files[i];
	return NULL;
}

static void
keep_file(struct power *p, const char *path)
{
	int fd cleanup_(fd_closep) = open(path, O_RDONLY | O_CLOEXEC);
	struct kept_file *f;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	f = file_of(p, st.st_ino);
	if (f == NULL) {
		if (p->n_files == MAX_FILES)
			abort();
		f = &p->files[p->n_files++];
		*f = (struct kept_file){ .ino = st.st_ino, .mode = st.st_mode };
		f->fd = open(path, O_PATH | O_CLOEXEC);
	}
	free(f->data);
	f->data = malloc(MAX_BYTES);
	if (f->data == NULL || fd_read_full(fd, f->data, MAX_BYTES, &f->len) < 0 ||
	    f->len == MAX_BYTES)
		abort();
	f->data = realloc(f->data, f->len + 1);
}

/* Calls fn for each name; it gets the path and the inode. */
static void
each_name(struct power *p, void (*fn)(struct power *p, const char *name, ino_t ino))
{
	DIR *d = opendir(p->dir);
	const struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			fn(p, e->d_name, e->d_ino);
	if (d != NULL)
		(void)closedir(d);
}

static void
keep_name(struct power *p, const char *name, ino_t ino)
{
	struct kept_name *n = &p->names[p->n_names++];

	if (p->n_names == MAX_FILES)
		abort();
	(void)snprintf(n->name, sizeof(n->name), "%s", name);
	n->ino = ino;
}

static void
keep_content(struct power *p, const char *name, ino_t ino)
{
	char path[512];

	(void)ino;
	(void)snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	keep_file(p, path);
}

struct power *
power_new(const char *dir, bool names)
{
	struct power *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	(void)snprintf(p->dir, sizeof(p->dir), "%s", dir);
	p->names_too = names;
	each_name(p, keep_name);
	each_name(p, keep_content);
	return p;
}

void
power_synced(struct power *p, pid_t tid, int fd)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tid, fd);
	if (stat(path, &st) != 0)
		return;
	if (S_ISDIR(st.st_mode)) {
		p->n_names = 0;
		each_name(p, keep_name);
	} else {
		keep_file(p, path);
	}
}

static void
write_name(struct power *p, const struct kept_name *n)
{
	const struct kept_file *f = file_of(p, n->ino);
	char path[512];
	int fd cleanup_(fd_closep) = -1;

	(void)snprintf(path, sizeof(path), "%s/%s", p->dir, n->name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, f == NULL ? 0600 : f->mode & 07777) != 0 ||
	    (f != NULL && fd_write_all(fd, f->data, f->len) < 0))
		abort();
}

void
power_lost(struct power *p)
{
	if (!p->names_too) {
		p->n_names = 0;
		each_name(p, keep_name);
	}
	crash_dir_empty(p->dir);
	for (size_t i = 0; i < p->n_names; i++)
		write_name(p, &p->names[i]);
}

struct power *
power_free(struct power *p)
{
	if (p == NULL)
		return NULL;
	for (size_t i = 0; i < p->n_files; i++) {
		fd_closep(&p->files[i].fd);
		free(p->files[i].data);
	}
	free(p);
	return NULL;
}
