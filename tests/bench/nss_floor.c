/* SPDX-License-Identifier: MPL-2.0 */
/*
 * libnss_floor.so.2: the cheapest module there can be. It answers one constant user, with as
 * many groups as ours has, his own group, and for the others one constant group with as many
 * members; "no such entry" for everything else. What a lookup costs through it is what libc
 * itself costs, and the copying of so many bytes; the benchmark prints our module beside it.
 * The constants are those of the person 17 among the thousand of tests/bench/fill.
 */
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define FLOOR_NAME   "u00017"
#define FLOOR_ID     1901398446u
#define FLOOR_GROUPS 10u
#define FLOOR_GID    2068000u /* of the first of them */
#define FLOOR_CROWD  840u     /* members of each, as many as ours have on the average */

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
	pw->pw_gecos = put(&buf, "Person 00017");
	pw->pw_dir = put(&buf, "/home/u00017@idm.example.test");
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
give_crowd(struct group *gr, char *buf, size_t cap, int *errnop)
{
	char **members = (char **)(void *)buf;
	char *at = (char *)(members + FLOOR_CROWD + 1);

	if (cap < (FLOOR_CROWD + 1) * (sizeof(char *) + sizeof(FLOOR_NAME)) + 128) {
		*errnop = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	}
	for (unsigned i = 0; i < FLOOR_CROWD; i++) {
		memcpy(at, FLOOR_NAME, sizeof(FLOOR_NAME));
		members[i] = at;
		at += sizeof(FLOOR_NAME);
	}
	members[FLOOR_CROWD] = NULL;
	gr->gr_mem = members;
	gr->gr_name = put(&at, "crowd");
	gr->gr_passwd = put(&at, "x");
	gr->gr_gid = FLOOR_GID;
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
	/* `id` asks for all of his */
	if (gid - FLOOR_GID < FLOOR_GROUPS)
		return give_crowd(gr, buf, cap, errnop);
	return gid == FLOOR_ID ? give_group(gr, buf, cap, errnop) : absent(errnop);
}

enum nss_status
_nss_floor_initgroups_dyn(const char *user, gid_t group, long *start, long *size,
    gid_t **groupsp, long limit, int *errnop)
{
	(void)group;
	if (strcmp(user, FLOOR_NAME) != 0)
		return absent(errnop);
	for (gid_t gid = FLOOR_GID; gid < FLOOR_GID + FLOOR_GROUPS; gid++) {
		if (*start == *size) {
			long more = *size * 2;
			gid_t *grown;

			if (limit > 0 && more > limit)
				return NSS_STATUS_SUCCESS;
			grown = realloc(*groupsp, (size_t)more * sizeof(gid_t));
			if (grown == NULL)
				return NSS_STATUS_TRYAGAIN;
			*groupsp = grown;
			*size = more;
		}
		(*groupsp)[(*start)++] = gid;
	}
	return NSS_STATUS_SUCCESS;
}
