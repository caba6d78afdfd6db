/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The entry points that glibc calls, as its manual describes them ("Extending NSS").
 *
 * Every one: preserves errno on NSS_STATUS_SUCCESS; else sets *errnop (which may be errno
 * itself) to a value that is not 0, and to ERANGE only when a larger buffer would help;
 * keeps no descriptor, takes no lock, allocates nothing but, in initgroups_dyn, glibc's own
 * array. NSS_STATUS_NOTFOUND means "there is none"; trouble is UNAVAIL, or TRYAGAIN when the
 * name is known not to be local.
 */
#pragma once

#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/types.h>

#define NSS_ENTRY __attribute__((visibility("default")))

NSS_ENTRY enum nss_status _nss_kanidm_getpwnam_r(const char *name, struct passwd *pw,
    char *buf, size_t cap, int *errnop);
NSS_ENTRY enum nss_status _nss_kanidm_getpwuid_r(uid_t uid, struct passwd *pw, char *buf,
    size_t cap, int *errnop);
NSS_ENTRY enum nss_status _nss_kanidm_setpwent(int stayopen);
NSS_ENTRY enum nss_status _nss_kanidm_endpwent(void);
NSS_ENTRY enum nss_status _nss_kanidm_getpwent_r(struct passwd *pw, char *buf, size_t cap,
    int *errnop);

NSS_ENTRY enum nss_status _nss_kanidm_getgrnam_r(const char *name, struct group *gr,
    char *buf, size_t cap, int *errnop);
NSS_ENTRY enum nss_status _nss_kanidm_getgrgid_r(gid_t gid, struct group *gr, char *buf,
    size_t cap, int *errnop);
NSS_ENTRY enum nss_status _nss_kanidm_setgrent(int stayopen);
NSS_ENTRY enum nss_status _nss_kanidm_endgrent(void);
NSS_ENTRY enum nss_status _nss_kanidm_getgrent_r(struct group *gr, char *buf, size_t cap,
    int *errnop);

/* *groupsp (*size entries, *start used) is malloc'ed by glibc and may be realloc'ed here.
 * `limit` > 0 caps *start. */
NSS_ENTRY enum nss_status _nss_kanidm_initgroups_dyn(const char *user, gid_t group,
    long *start, long *size, gid_t **groupsp, long limit, int *errnop);
