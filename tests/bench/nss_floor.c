/* SPDX-License-Identifier: MPL-2.0 */
/*
 * libnss_floor.so.2: the cheapest module there can be. It answers one constant user and one
 * constant group, and "no such entry" for everything else. What a lookup costs through it
 * is what libc itself costs; the benchmark prints our module beside it.
 */
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <string.h>

#define FLOOR_NAME "alice"
#define FLOOR_ID   2076403803u

#define EXPORT __attribute__((visibility("default")))

static char *
put(char **at, const char *text)
{
	char *start = *at;
	size_t n = strlen(text) + 1;

	memcpy(start, text, n);
	*at += n;
	return start;
}

static enum nss_status
give_passwd(struct passwd *pw, char *buf, size_t cap, int *errnop)
{
	if (cap < 128) {
		*errnop = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	}
	pw->pw_name = put(&buf, FLOOR_NAME);
	pw->pw_passwd = put(&buf, "x");
	pw->pw_gecos = put(&buf, "Alice Archer");
	pw->pw_dir = put(&buf, "/home/alice");
	pw->pw_shell = put(&buf, "/bin/sh");
	pw->pw_uid = FLOOR_ID;
	pw->pw_gid = FLOOR_ID;
	return NSS_STATUS_SUCCESS;
}

static enum nss_status
give_group(struct group *gr, char *buf, size_t cap, int *errnop)
{
	if (cap < 128) {
		*errnop = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	}
	gr->gr_mem = (char **)(void *)buf;
	buf += 2 * sizeof(char *);
	gr->gr_name = put(&buf, FLOOR_NAME);
	gr->gr_passwd = put(&buf, "x");
	gr->gr_mem[0] = put(&buf, FLOOR_NAME);
	gr->gr_mem[1] = NULL;
	gr->gr_gid = FLOOR_ID;
	return NSS_STATUS_SUCCESS;
}

static enum nss_status
absent(int *errnop)
{
	*errnop = ENOENT;
	return NSS_STATUS_NOTFOUND;
}

enum nss_status EXPORT _nss_floor_getpwnam_r(const char *name, struct passwd *pw,
    char *buf, size_t cap, int *errnop);
enum nss_status EXPORT _nss_floor_getpwuid_r(uid_t uid, struct passwd *pw, char *buf,
    size_t cap, int *errnop);
enum nss_status EXPORT _nss_floor_getgrnam_r(const char *name, struct group *gr,
    char *buf, size_t cap, int *errnop);
enum nss_status EXPORT _nss_floor_getgrgid_r(gid_t gid, struct group *gr, char *buf,
    size_t cap, int *errnop);
enum nss_status EXPORT _nss_floor_initgroups_dyn(const char *user, gid_t group,
    long *start, long *size, gid_t **groupsp, long limit, int *errnop);

enum nss_status
_nss_floor_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t cap,
    int *errnop)
{
	return strcmp(name, FLOOR_NAME) == 0 ? give_passwd(pw, buf, cap, errnop)
					     : absent(errnop);
}

enum nss_status
_nss_floor_getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t cap, int *errnop)
{
	return uid == FLOOR_ID ? give_passwd(pw, buf, cap, errnop) : absent(errnop);
}

enum nss_status
_nss_floor_getgrnam_r(const char *name, struct group *gr, char *buf, size_t cap,
    int *errnop)
{
	return strcmp(name, FLOOR_NAME) == 0 ? give_group(gr, buf, cap, errnop)
					     : absent(errnop);
}

enum nss_status
_nss_floor_getgrgid_r(gid_t gid, struct group *gr, char *buf, size_t cap, int *errnop)
{
	return gid == FLOOR_ID ? give_group(gr, buf, cap, errnop) : absent(errnop);
}

enum nss_status
_nss_floor_initgroups_dyn(const char *user, gid_t group, long *start, long *size,
    gid_t **groupsp, long limit, int *errnop)
{
	(void)group;
	(void)limit;
	if (strcmp(user, FLOOR_NAME) != 0)
		return absent(errnop);
	if (*start + 2 <= *size) {
		(*groupsp)[(*start)++] = 68000;
		(*groupsp)[(*start)++] = 68001;
	}
	return NSS_STATUS_SUCCESS;
}
