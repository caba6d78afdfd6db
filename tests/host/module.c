/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The module's symbols by hand, so that a test sees *errnop and statuses before glibc's own
 * nsswitch machinery has judged them.
 */
#include "host/module.h"

#include <dirent.h>
#include <dlfcn.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "src/base/util.h"

#define EXIT_SKIP 77

void
module_enter_namespace(void)
{
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") != 0 ||
	    mkdir(MODULE_RUNDIR, 0755) != 0) {
		perror("no mount namespace of our own, skipped");
		exit(EXIT_SKIP);
	}
}

static void *
symbol(const struct module *m, const char *name)
{
	char full[64];
	void *at;

	(void)snprintf(full, sizeof(full), "_nss_kanidm_%s", name);
	at = dlsym(m->handle, full);
	if (at == NULL) {
		(void)fprintf(stderr, "%s\n", dlerror());
		abort();
	}
	return at;
}

void
module_load(struct module *m)
{
	const char *path = getenv("KU_NSS_MODULE");

	m->handle = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (m->handle == NULL) {
		(void)fprintf(stderr, "%s\n",
		    path == NULL ? "KU_NSS_MODULE?" : dlerror());
		abort();
	}
	m->getpwnam_r = (getpwnam_fn *)symbol(m, "getpwnam_r");
	m->getpwuid_r = (getpwuid_fn *)symbol(m, "getpwuid_r");
	m->setpwent = (setent_fn *)symbol(m, "setpwent");
	m->endpwent = (endent_fn *)symbol(m, "endpwent");
	m->getpwent_r = (getpwent_fn *)symbol(m, "getpwent_r");
	m->getgrnam_r = (getgrnam_fn *)symbol(m, "getgrnam_r");
	m->getgrgid_r = (getgrgid_fn *)symbol(m, "getgrgid_r");
	m->setgrent = (setent_fn *)symbol(m, "setgrent");
	m->endgrent = (endent_fn *)symbol(m, "endgrent");
	m->getgrent_r = (getgrent_fn *)symbol(m, "getgrent_r");
	m->initgroups_dyn = (initgroups_fn *)symbol(m, "initgroups_dyn");
}

void
module_unload(struct module *m)
{
	if (dlclose(m->handle) != 0)
		abort();
	*m = (struct module){ 0 };
}

enum nss_status
module_ask_alice(const struct module *m, int *ret_err)
{
	struct passwd pw = { 0 };
	char buf[512];
	enum nss_status status = m->getpwnam_r("alice", &pw, buf, sizeof(buf), ret_err);

	if (status == NSS_STATUS_SUCCESS && !streq(pw.pw_name, "alice"))
		abort();
	return status;
}

int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (d == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}
