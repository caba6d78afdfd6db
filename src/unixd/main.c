/* SPDX-License-Identifier: MPL-2.0 */
/*
 * kanidm_unixd: arguments, what the process as such needs (limits, not dumpable, never
 * root), then daemon_run().
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ku/paths.h"
#include "src/base/fd.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/unixd/daemon.h"
#include "src/unixd/publish/publish.h"

#define WANTED_FILES 8192

static bool
is_root(void)
{
	return getuid() == 0 || geteuid() == 0 || getgid() == 0 || getegid() == 0;
}

static int
configtest(const struct options *o)
{
	cleanup_(config_problems_clear) struct config_problems problems = { 0 };
	cleanup_(config_freep) struct config *config = NULL;

	/* A file that cannot be used is among the problems, which decide the exit code. */
	if (config_load(o->client_config, o->unixd_config, &config, &problems) < 0)
		(void)fprintf(stderr, "a file is not usable; these are the defaults:\n");
	config_dump(stderr, config, o->client_config, o->unixd_config);
	config_print_problems(stderr, &problems);
	return config_exit_status(&problems);
}

/* Called by package removal, as root, beside or without a running daemon. */
static int
withdraw(void)
{
	int rc = publish_withdraw_path(KU_PATH_MAP);

	if (rc < 0 && rc != -ENOENT) {
		log_err("map: cannot be withdrawn path=%s: %s", KU_PATH_MAP,
		    strerror(-rc));
		return 1;
	}
	return 0;
}

static void
prepare_process(void)
{
	struct rlimit lim;

	/* Readers of the map and the socket get their modes explicitly. */
	(void)umask(027);
	/* Blocks above this go back to the system at once: decoding and key derivation
	 * take tens of megabytes for moments. */
	(void)mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
#if !defined(__SANITIZE_ADDRESS__)
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < WANTED_FILES) {
		lim.rlim_cur = lim.rlim_max < WANTED_FILES ? lim.rlim_max : WANTED_FILES;
		(void)setrlimit(RLIMIT_NOFILE, &lim);
	}
}

int
main(int argc, char **argv)
{
	struct options o;
	int rc = fd_open_missing_stdio();

	if (rc < 0)
		return 1;
	rc = options_parse(argc, argv, &o, stdout, stderr);
	if (rc >= 0)
		return rc;
	log_set_level(o.debug ? LOG_LEVEL_DEBUG
			      : log_level_parse(getenv("RUST_LOG"), LOG_LEVEL_INFO));
	if (o.withdraw)
		return withdraw();
	if (o.configtest)
		return configtest(&o);
	if (is_root() && !o.skip_root_check) {
		log_err("daemon: must not run as root (uid, gid 0); -r runs it anyway");
		return 1;
	}
	if (is_root())
		log_warn("daemon: running as root");
	prepare_process();
	return daemon_run(&o);
}
