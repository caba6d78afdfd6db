/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A generator for systemd (systemd.generator(7)): at boot and at each daemon-reload it reads
 * where homes are and lets the tasks unit write there. It runs in front of everything, so it
 * reads one file, asks nobody, and whatever is wrong with that file costs a line and no boot:
 * the exit status is 0 as soon as the command line is right.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ku/paths.h"
#include "src/base/fd.h"
#include "src/prog/xalloc.h"
#include "tasks/dropin.h"

#define UNIT      "kanidm-unixd-tasks.service"
#define NAME      "50-homes.conf"
#define WARNING_4 "<4>"

/* No journal runs yet, and standard error leads nowhere at boot: the kernel's log does. */
static void printf_(1, 2) say(const char *fmt, ...)
{
	cleanup_(fd_closep) int fd = open("/dev/kmsg",
	    O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	char text[512], line[600];
	va_list ap;
	int n;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = snprintf(line, sizeof(line), WARNING_4 "kanidm-unixd-generator: %s\n", text);
	if (fd < 0 || write(fd, line, (size_t)n) < 0 || isatty(STDERR_FILENO))
		(void)fprintf(stderr, "%s", line + strlen(WARNING_4));
}

static void
on_refused(void *arg, const char *prefix, const char *why)
{
	(void)arg;
	say("no homes in \"%s\", %s: " UNIT " may not write there", prefix, why);
}

static int
put(const char *dir, const char *text)
{
	cleanup_(freep) char *below = xasprintf("%s/" UNIT ".d", dir);
	cleanup_(freep) char *path = xasprintf("%s/" NAME, below);
	FILE *f;
	bool wrong;

	if (mkdir(below, 0755) < 0 && errno != EEXIST)
		return -errno;
	f = fopen(path, "we");
	if (f == NULL)
		return -errno;
	wrong = fputs(text, f) == EOF;
	if (fclose(f) == EOF || wrong) {
		int err = -errno;

		(void)unlink(path);
		return err;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	cleanup_(config_freep) struct config *c = NULL;
	cleanup_(freep) char *text = NULL;
	struct config_problems problems;
	int rc;

	if (argc != 2 && argc != 4) {
		(void)fprintf(stderr, "usage: %s DIR [EARLY_DIR LATE_DIR]\n",
		    argc > 0 ? argv[0] : "generator");
		return 2;
	}
	(void)umask(0022);
	rc = config_load(NULL, KU_PATH_UNIXD_CONFIG, &c, &problems);
	config_problems_clear(&problems);
	if (rc < 0) {
		say(KU_PATH_UNIXD_CONFIG " cannot be used: kanidm_unixd -t says why");
		return 0;
	}
	text = dropin_text(c, on_refused, NULL);
	rc = text == NULL ? 0 : put(argv[1], text);
	if (rc < 0)
		say("%s: %s", argv[1], strerror(-rc));
	return 0;
}
