/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the generator for systemd makes of any configuration file. The drop-in says where a
 * process that makes directories may write, so its lines are read back as systemd reads them:
 * only the lines we know, one absolute path in each, none of them the system's.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tasks/dropin.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The word in quotes at *s, as systemd's parser takes it; it must be the last of its line. */
static char *
unquote(const char **s)
{
	char *out = xcalloc(strlen(*s) + 1, 1);
	size_t n = 0;

	require(*(*s)++ == '"');
	for (; **s != '"'; (*s)++) {
		require(**s != '\0' && (unsigned char)**s >= ' ' && **s != '\177');
		if (**s == '\\') {
			(*s)++;
			require(**s == '\\' || **s == '"');
		} else if (**s == '%') {
			(*s)++;
			require(**s == '%');
		}
		out[n++] = **s;
	}
	(*s)++;
	require(*(*s)++ == '\n');
	return out;
}

static void
require_harmless(const char *path)
{
	static const char *const bad[] = { "/etc", "/usr", "/root", "/run", "/proc",
		"/dev", "/sys", "/boot", "/bin", "/lib", "/tmp" };

	require(path[0] == '/' && path[1] != '\0' && path[strlen(path) - 1] != '/');
	require(strstr(path, "//") == NULL && strstr(path, "/../") == NULL &&
	    strstr(path, "/./") == NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		size_t len = strlen(bad[i]);

		require(strncmp(path, bad[i], len) != 0 ||
		    (path[len] != '/' && path[len] != '\0'));
	}
}

static void
read_dropin(const char *s)
{
	static const char mounts[] = "RequiresMountsFor=", paths[] = "ReadWritePaths=";

	while (*s != '\0') {
		cleanup_(freep) char *path = NULL;
		bool write = strncmp(s, paths, strlen(paths)) == 0;

		if (!write && strncmp(s, mounts, strlen(mounts)) != 0) {
			size_t n = strcspn(s, "\n");

			require(*s == '#' || strncmp(s, "[Unit]", n) == 0 ||
			    strncmp(s, "[Service]", n) == 0);
			s += n + 1;
			continue;
		}
		s += strlen(write ? paths : mounts);
		path = unquote(&s);
		require(!write || path[0] == '-');
		require_harmless(path + write);
	}
}

static void
on_refused(void *arg, const char *prefix, const char *why)
{
	(void)arg;
	require(prefix != NULL && why != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_(config_freep) struct config *c = NULL;
	cleanup_(freep) char *text = NULL;
	struct config_problems problems;
	char path[64];
	int fd = memfd_create("unixd", MFD_CLOEXEC);

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	(void)!config_load(NULL, path, &c, &problems);
	config_problems_clear(&problems);
	text = dropin_text(c, on_refused, NULL);
	if (text != NULL)
		read_dropin(text);
	(void)close(fd);
	return 0;
}
