/* SPDX-License-Identifier: MPL-2.0 */
/*
 * kanidm_unixd_tasks: what the process as such needs (root, and then almost nothing of what
 * root may do), then serve_run(). The mount helper is the same program with another set of
 * privileges, so that requests are judged by the same code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ku/paths.h"
#include "src/base/fd.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "tasks/caps.h"
#include "tasks/label.h"
#include "tasks/mount.h"
#include "tasks/options.h"
#include "tasks/prefix.h"
#include "tasks/serve.h"
#include "tasks/work.h"

static enum caps_role
role_for(const struct task_options *o, const struct work *w)
{
	if (o->mount_helper)
		return CAPS_MOUNT;
	return prefix_path_is_nfs(conf_home_dir(w->conf.config)) ? CAPS_HOMES_NFS
								 : CAPS_HOMES;
}

static int
print_version(const struct task_options *o, const struct work *w)
{
	cleanup_(freep) char *caps = NULL;
	int rc = caps_drop(role_for(o, w));

	/* Asked by root: what is really left. Anybody else has none to show. */
	caps = geteuid() == 0 ? caps_text() : caps_role_text(role_for(o, w));
	(void)printf("kanidm_unixd_tasks %s %s\ncapabilities: %s\n", KU_VERSION,
	    label_build, caps[0] != '\0' ? caps : "none");
	return rc < 0 ? 1 : 0;
}

static int
run(const struct task_options *o, struct work *w)
{
	cleanup_(freep) char *caps = NULL;
	int rc = caps_drop(role_for(o, w));

	if (rc < 0) {
		log_err("tasks: privileges cannot be given up: %s", strerror(-rc));
		return 1;
	}
	caps = caps_text();
	log_info("tasks: started version=%s %s capabilities=%s", KU_VERSION, label_build,
	    caps[0] != '\0' ? caps : "none");
	rc = o->mount_helper ? mount_serve(w) : serve_run(w);
	if (rc < 0)
		log_err("tasks: ended: %s", strerror(-rc));
	return rc < 0 ? 1 : 0;
}

int
main(int argc, char **argv)
{
	struct task_options o;
	struct work w;
	int rc;

	if (fd_open_missing_stdio() < 0)
		return 1;
	rc = task_options_parse(argc, argv, &o, stdout, stderr);
	if (rc >= 0)
		return rc;
	log_set_level(o.debug ? LOG_LEVEL_DEBUG
			      : log_level_parse(getenv("RUST_LOG"), LOG_LEVEL_INFO));
	if (!o.version && (geteuid() != 0 || getegid() != 0)) {
		log_err("tasks: must run as root (uid and gid 0)");
		return 1;
	}
	(void)umask(S_IRWXG | S_IRWXO);
#if !defined(__SANITIZE_ADDRESS__)
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	work_init(&w, o.config);
	rc = o.version ? print_version(&o, &w) : run(&o, &w);
	work_clear(&w);
	return rc;
}
