/* SPDX-License-Identifier: MPL-2.0 */
/*
 * /etc/passwd line by line, names compared as everywhere. root and whoever else has the number
 * 0 are never the server's. A local name that the administrator gave to the server is: by name
 * or SPN; where a UUID is listed, only the daemon knows whose it is, and is asked.
 */
#include "tools/ssh_local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/blank.h"
#include "src/base/name.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/xalloc.h"

enum whose {
	NOT_HERE,
	HERE,
	HERE_AND_ROOT,
};

static void
fclosep(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}

/* A number that is none, or is missing, is as good as 0. */
static bool
is_zero(const char *number)
{
	size_t n = strspn(number, "0123456789");

	return n == 0 || (number[n] != ':' && number[n] != '\0' && number[n] != '\n') ||
	    strspn(number, "0") == n;
}

static enum whose
judge_line(char *line, const struct name *name)
{
	char *password = strchr(line, ':'), *number;
	struct name here;

	if (password == NULL || name_parse(line, (size_t)(password - line), &here) != 0 ||
	    !streq(here.text, name->text))
		return NOT_HERE;
	number = strchr(password + 1, ':');
	return number == NULL || is_zero(number + 1) ? HERE_AND_ROOT : HERE;
}

/* Or -errno. */
static int
find(const char *path, const struct name *name)
{
	cleanup_(fclosep) FILE *f = fopen(path, "re");
	cleanup_(freep) char *line = NULL;
	enum whose whose = NOT_HERE;
	size_t size = 0;

	if (f == NULL)
		return -errno;
	errno = 0;
	while (whose == NOT_HERE && getline(&line, &size, f) > 0)
		whose = judge_line(line + strspn(line, BLANKS), name);
	if (whose == NOT_HERE && (ferror(f) || errno == ENOMEM))
		return errno != 0 ? -errno : -EIO;
	return (int)whose;
}

static bool
is_given_away(const char *unixd_config, const struct name *name)
{
	cleanup_(config_problems_clear) struct config_problems problems = { 0 };
	cleanup_(config_freep) struct config *config = NULL;

	if (config_load(NULL, unixd_config, &config, &problems) < 0)
		return false;
	for (char **p = config->allow_local_account_override; p != NULL && *p != NULL;
	     p++) {
		struct name listed;

		if (name_parse(*p, strlen(*p), &listed) != 0)
			continue;
		if (listed.kind == NAME_UUID ||
		    (listed.short_len == name->short_len &&
			memcmp(listed.text, name->text, name->short_len) == 0))
			return true;
	}
	return false;
}

int
ssh_is_local(const char *passwd, const char *unixd_config, const char *name)
{
	struct name asked;
	int rc;

	if (name_parse(name, strlen(name), &asked) != 0 || streq(asked.text, "root"))
		return 1;
	rc = find(passwd, &asked);
	if (rc < 0)
		return rc;
	if (rc == HERE)
		return is_given_away(unixd_config, &asked) ? 0 : 1;
	return rc == HERE_AND_ROOT;
}
