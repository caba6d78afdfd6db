/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Labels are given at creation (setfscreatecon), never afterwards: nothing exists for a
 * moment with the wrong one, and no path is resolved twice. The policy is asked for the
 * path at which the person sees the home, because that is the path that it has rules for.
 */
#include "tasks/label.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <selinux/label.h>
#include <selinux/selinux.h>

#include "src/prog/xalloc.h"

const char *const label_build = "+selinux";

struct label {
	struct selabel_handle *handle;
};

struct label *
label_new(enum label_wish wish, struct why *why)
{
	struct label *l;
	struct selabel_handle *handle;

	why->text[0] = '\0';
	if (wish == LABEL_NEVER || is_selinux_enabled() != 1)
		return NULL;
	handle = selabel_open(SELABEL_CTX_FILE, NULL, 0);
	if (handle == NULL) {
		(void)why_set(why, -errno,
		    "the SELinux file contexts cannot be read: %s; new homes get the "
		    "label of their directory",
		    strerror(errno));
		return NULL;
	}
	l = xcalloc(1, sizeof(*l));
	l->handle = handle;
	return l;
}

struct label *
label_free(struct label *l)
{
	if (l == NULL)
		return NULL;
	selabel_close(l->handle);
	free(l);
	return NULL;
}

int
label_next(struct label *l, const char *path, mode_t mode, struct why *why)
{
	char *context = NULL;
	int rc = 0;

	if (l == NULL)
		return 0;
	if (selabel_lookup(l->handle, &context, path, (int)(mode & S_IFMT)) < 0) {
		/* ENOENT: the policy says nothing of this path, so the kernel decides. */
		if (errno != ENOENT)
			return why_set(why, -errno, "SELinux label of %s: %s", path,
			    strerror(errno));
		context = NULL;
	}
	if (setfscreatecon(context) < 0)
		rc = why_set(why, -errno, "SELinux label of %s cannot be set: %s", path,
		    strerror(errno));
	freecon(context);
	return rc;
}

void
label_done(struct label *l)
{
	if (l != NULL)
		(void)setfscreatecon(NULL);
}
