/* SPDX-License-Identifier: MPL-2.0 */
/*
 * For a bind mount the field called "source" is the device, the same for all of them; what
 * tells two apart is the fourth field, the root within the file system.
 */
#include "tasks/mountinfo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/prog/xalloc.h"

static void
fclosep(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}

static bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The kernel writes blanks and backslashes as \ooo. */
static void
unescape(char *s)
{
	char *to = s;

	while (*s != '\0') {
		if (s[0] == '\\' && is_octal(s[1]) && is_octal(s[2]) && is_octal(s[3])) {
			*to++ = (char)(((s[1] - '0') << 6) | ((s[2] - '0') << 3) |
			    (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

bool
mountinfo_parse(char *line, struct mountinfo_entry *ret_e)
{
	char *field[5], *save = NULL, *end;

	for (unsigned i = 0; i < 5; i++) {
		field[i] = strtok_r(i == 0 ? line : NULL, " \n", &save);
		if (field[i] == NULL)
			return false;
	}
	errno = 0;
	ret_e->id = strtoul(field[0], &end, 10);
	if (errno != 0 || *end != '\0')
		return false;
	ret_e->root = field[3];
	ret_e->point = field[4];
	unescape(ret_e->root);
	unescape(ret_e->point);
	return true;
}

int
mountinfo_each(const char *path, bool (*fn)(void *arg, const struct mountinfo_entry *e),
    void *arg)
{
	cleanup_(fclosep) FILE *f = fopen(path, "re");
	cleanup_(freep) char *line = NULL;
	size_t size = 0;

	if (f == NULL)
		return -errno;
	while (getline(&line, &size, f) > 0) {
		struct mountinfo_entry e;

		if (mountinfo_parse(line, &e) && !fn(arg, &e))
			break;
	}
	return 0;
}
