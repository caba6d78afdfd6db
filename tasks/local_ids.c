/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reads both files afresh for each request, in one pass and constant memory: only the first
 * three fields of a line matter, and what follows the first kilobyte of a line is passed
 * over. Lines that are no entries (comments, NIS, junk) are none of ours to judge.
 */
#include "tasks/local_ids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/blank.h"
#include "src/base/fd.h"
#include "src/base/name.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "tasks/at.h"

#define LINE_MAX_KEPT 1024
#define FILE_MAX      (256u * 1024u * 1024u)

struct scan {
	const struct request *r;
	const char *path;
	bool names; /* of people: ours may not be another's */
	struct why *why;
	char line[LINE_MAX_KEPT + 1];
	size_t len;
};

/* As libc reads it: blanks and a sign may stand in front. */
static bool
parse_id(const char *text, uint32_t *ret_id)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || v > UINT32_MAX)
		return false;
	*ret_id = (uint32_t)v;
	return true;
}

static bool
is_own_name(const struct request *r, const char *name)
{
	struct name n;

	if (name_parse(name, strlen(name), &n) < 0)
		return false;
	return streq(n.text, r->name.text) || streq(n.text, r->spn.text);
}

static int
check_line(struct scan *s)
{
	char *name = s->line, *id;
	uint32_t v;

	s->line[s->len] = '\0';
	name += strspn(name, BLANKS);
	id = strchr(name, ':');
	if (id == NULL)
		return 0;
	*id++ = '\0';
	id = strchr(id, ':');
	if (id == NULL)
		return 0;
	id++;
	/* It may be the last field of a group. */
	id[strcspn(id, ":")] = '\0';
	if (!parse_id(id, &v))
		return 0;
	if (is_own_name(s->r, name)) {
		if (!s->names || v == s->r->uid)
			return 0;
		return why_set(s->why, -EPERM, "%s is a name of this host's own (%s)",
		    s->r->name.text, s->path);
	}
	if (v != s->r->uid && v != s->r->gid)
		return 0;
	return why_set(s->why, -EPERM, "%u is an id of this host's own %s (%s)", v, name,
	    s->path);
}

static int
feed(struct scan *s, const char *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int rc;

		if (data[i] != '\n') {
			if (s->len < LINE_MAX_KEPT)
				s->line[s->len++] = data[i];
			continue;
		}
		rc = check_line(s);
		if (rc < 0)
			return rc;
		s->len = 0;
	}
	return 0;
}

static int
check_file(const char *path, bool names, const struct request *r, struct why *why)
{
	cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct scan s = { .r = r, .path = path, .names = names, .why = why };
	char data[2048];
	size_t total = 0;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	for (;;) {
		ssize_t n = read(fd, data, sizeof(data));
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return why_set(why, -errno, "%s: %s", path, strerror(errno));
		if (n == 0)
			return s.len > 0 ? check_line(&s) : 0;
		total += (size_t)n;
		if (total > FILE_MAX)
			return why_set(why, -EFBIG, "%s is too large", path);
		rc = feed(&s, data, (size_t)n);
		if (rc < 0)
			return rc;
	}
}

/* Root has said that this person may have a name of the host's. */
static bool
is_given_away(const struct config *c, const struct request *r)
{
	char **p = c->allow_local_account_override;

	for (; p != NULL && *p != NULL; p++) {
		struct name n;

		if (name_parse(*p, strlen(*p), &n) == 0 &&
		    (streq(n.text, r->name.text) || streq(n.text, r->spn.text) ||
			streq(n.text, r->uuid_text)))
			return true;
	}
	return false;
}

int
local_ids_check(const char *passwd_path, const char *group_path, const struct config *c,
    const struct request *r, struct why *why)
{
	int rc = check_file(passwd_path, !is_given_away(c, r), r, why);

	return rc < 0 ? rc : check_file(group_path, false, r, why);
}
