/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Loading the built module the way glibc does, in a mount namespace where /run is an empty
 * tmpfs: the file under test has its paths compiled in and is the one that is installed.
 */
#pragma once

#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/types.h>

#define MODULE_RUNDIR "/run/kanidm-unixd"
#define MODULE_SOCK   MODULE_RUNDIR "/sock"

typedef enum nss_status getpwnam_fn(const char *, struct passwd *, char *, size_t, int *);
typedef enum nss_status getpwuid_fn(uid_t, struct passwd *, char *, size_t, int *);
typedef enum nss_status setent_fn(int);
typedef enum nss_status endent_fn(void);
typedef enum nss_status getpwent_fn(struct passwd *, char *, size_t, int *);
typedef enum nss_status getgrnam_fn(const char *, struct group *, char *, size_t, int *);
typedef enum nss_status getgrgid_fn(gid_t, struct group *, char *, size_t, int *);
typedef enum nss_status getgrent_fn(struct group *, char *, size_t, int *);
typedef enum nss_status initgroups_fn(const char *, gid_t, long *, long *, gid_t **, long,
    int *);

struct module {
	void *handle;
	getpwnam_fn *getpwnam_r;
	getpwuid_fn *getpwuid_r;
	setent_fn *setpwent;
	endent_fn *endpwent;
	getpwent_fn *getpwent_r;
	getgrnam_fn *getgrnam_r;
	getgrgid_fn *getgrgid_r;
	setent_fn *setgrent;
	endent_fn *endgrent;
	getgrent_fn *getgrent_r;
	initgroups_fn *initgroups_dyn;
};

/* Enters the namespace and makes MODULE_RUNDIR; exits 77 where that is not allowed. */
void module_enter_namespace(void);

/* Loads $KU_NSS_MODULE with every symbol bound; aborts when one is missing. */
void module_load(struct module *m);
void module_unload(struct module *m);

/* getpwnam_r("alice") with a buffer of its own. */
enum nss_status module_ask_alice(const struct module *m, int *ret_err);

int count_fds(void);
