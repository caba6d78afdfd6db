/* SPDX-License-Identifier: MPL-2.0 */
/* A build without libselinux; says so where labels were asked for and the kernel has them. */
#include <unistd.h>

#include "tasks/label.h"

const char *const label_build = "-selinux";

struct label *
label_new(enum label_wish wish, struct why *why)
{
	why->text[0] = '\0';
	if (wish == LABEL_ASKED_FOR ||
	    (wish == LABEL_IF_THERE && access("/sys/fs/selinux/enforce", F_OK) == 0))
		(void)why_set(why, 0,
		    "selinux = true, but this build has no SELinux support: new homes "
		    "get the label of their directory");
	return NULL;
}

struct label *
label_free(struct label *l)
{
	(void)l;
	return NULL;
}

int
label_next(struct label *l, const char *path, mode_t mode, struct why *why)
{
	(void)l;
	(void)path;
	(void)mode;
	(void)why;
	return 0;
}

void
label_done(struct label *l)
{
	(void)l;
}
