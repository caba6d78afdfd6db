/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Numbers. The published map says which ids the people of the server have; they are held
 * against every range of this host that somebody else hands out: local accounts, subordinate
 * ids, systemd's, the container's own map. And the shells that stand in the same records.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "src/map/map.h"
#include "src/prog/xalloc.h"
#include "tools/check_internal.h"

/* What the server gives to whom nobody has given a number. */
#define GIVEN_FIRST 1879048192u
#define GIVEN_LAST  2147483647u

#define MAX_SHELLS 64
#define BUFFER     ((size_t)256 * 1024)
#define MAX_BUFFER ((size_t)64 * 1024 * 1024)

struct range {
	uint64_t first, last;
	char *what;
	bool group;
	/* What of the server is in it. */
	size_t n;
	char example[128];
};

struct ids {
	struct check *c;
	struct range *v; /* ranges that nobody of the server may be in */
	size_t n;
	enum check_id *id;       /* one for each range */
	struct range *mapped[2]; /* of the container: users, groups */
	size_t n_mapped[2];
	size_t outside;
	char example[128];
};

static void
add(struct ids *s, enum check_id id, bool group, uint64_t first, uint64_t count,
    char *what)
{
	s->v = xreallocarray(s->v, s->n + 1, sizeof(*s->v));
	s->id = xreallocarray(s->id, s->n + 1, sizeof(*s->id));
	s->id[s->n] = id;
	s->v[s->n++] = (struct range){ .first = first,
		.last = first + count - 1,
		.what = what,
		.group = group };
}

static bool
number(const char *text, uint64_t *ret_n)
{
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	*ret_n = strtoull(text, &end, 10);
	return *end == '\0' && *ret_n <= UINT32_MAX;
}

/* "alice:100000:65536" of /etc/subuid. */
static void
read_subordinate(struct ids *s, const char *path, bool group)
{
	cleanup_(freep) char *text = NULL;
	char *rest, *line;

	if (check_read(s->c, path, &text) < 0)
		return;
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		const char *name = strsep(&line, ":"), *first = strsep(&line, ":");
		uint64_t from, n;

		if (*name == '#' || !number(first, &from) || !number(line, &n) || n == 0)
			continue;
		add(s, CHECK_SUBUID_OVERLAP, group, from, n,
		    xasprintf("%s: %s", path, name));
	}
}

/* Local accounts or groups: the number is the third field of both files. */
static void
read_local(struct ids *s, const char *path, bool group)
{
	cleanup_(freep) char *text = NULL;
	char *rest, *line;

	if (check_read(s->c, path, &text) < 0)
		return;
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		const char *name = strsep(&line, ":");
		uint64_t id;

		(void)strsep(&line, ":");
		if (line == NULL || !number(strsep(&line, ":"), &id))
			continue;
		if (id >= GIVEN_FIRST && id <= GIVEN_LAST)
			check_found(s->c, CHECK_IDS_IN_RANGE, name,
			    "%s: %s has the number %llu", path, name,
			    (unsigned long long)id);
		/* A group of map_group is in both worlds, and so is an overridden account. */
		if (id >= 1000 && s->c->config->n_map_group == 0 &&
		    s->c->config->allow_local_account_override[0] == NULL)
			add(s, CHECK_IDS_DOUBLE, group, id, 1,
			    xasprintf("%s: %s", path, name));
	}
}

/* "0 100000 65536": which of our own numbers there are at all. */
static void
read_map(struct ids *s, const char *path, bool group)
{
	cleanup_(freep) char *text = NULL;
	char *rest, *line;

	if (check_read(s->c, path, &text) < 0)
		return;
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		size_t *n = &s->n_mapped[group];
		uint64_t first, count;
		char *v[3];

		if (check_words(line, v, 3) != 3 || !number(v[0], &first) ||
		    !number(v[2], &count) || count == 0)
			continue;
		s->mapped[group] = xreallocarray(s->mapped[group], *n + 1,
		    sizeof(**s->mapped));
		s->mapped[group][(*n)++] = (struct range){ .first = first,
			.last = first + count - 1 };
	}
}

static bool
is_mapped(const struct ids *s, uint64_t id, bool group)
{
	for (size_t i = 0; i < s->n_mapped[group]; i++) {
		if (id >= s->mapped[group][i].first && id <= s->mapped[group][i].last)
			return true;
	}
	return s->n_mapped[group] == 0;
}

static void
judge_id(struct ids *s, const char *name, uint32_t id, bool group)
{
	for (size_t i = 0; i < s->n; i++) {
		struct range *r = &s->v[i];

		if (r->group != group || id < r->first || id > r->last)
			continue;
		if (r->n++ == 0)
			(void)snprintf(r->example, sizeof(r->example), "%.100s has %u",
			    name, id);
	}
	if (!is_mapped(s, id, group) && s->outside++ == 0)
		(void)snprintf(s->example, sizeof(s->example), "%.100s has %u", name, id);
}

/* Every record once; what does not fit in the buffer is tried with a larger one. */
static void
walk(struct check *c, void (*user)(void *arg, const struct passwd *pw),
    void (*group)(void *arg, const struct group *gr), void *arg)
{
	cleanup_(freep) char *path = check_path(c, KU_PATH_MAP);
	size_t cap = BUFFER;
	char *buf = xmalloc(cap);
	struct map m = MAP_INIT(path);

	for (int pass = 0; pass < 2; pass++) {
		uint64_t cursor = 0;
		enum map_answer a;

		for (;;) {
			struct passwd pw;
			struct group gr;

			a = pass == 0 ? map_passwd_next(&m, &cursor, &pw, buf, cap)
				      : map_group_next(&m, &cursor, &gr, buf, cap);
			if (a == MAP_RANGE && cap < MAX_BUFFER) {
				cap *= 2;
				buf = xreallocarray(buf, cap, 1);
				continue;
			}
			if (a != MAP_HIT)
				break;
			if (pass == 0 && user != NULL)
				user(arg, &pw);
			else if (pass == 1 && group != NULL)
				group(arg, &gr);
		}
		map_enum_end(&m, &cursor);
	}
	map_close(&m);
	free(buf);
}

static void
see_user(void *arg, const struct passwd *pw)
{
	judge_id(arg, pw->pw_name, pw->pw_uid, false);
	/* Its own group, which is in the map as a group only when somebody asked for it. */
	judge_id(arg, pw->pw_name, pw->pw_gid, true);
}

static void
see_group(void *arg, const struct group *gr)
{
	judge_id(arg, gr->gr_name, gr->gr_gid, true);
}

void
check_ids(struct check *c)
{
	struct ids s = { .c = c };

	read_subordinate(&s, "/etc/subuid", false);
	read_subordinate(&s, "/etc/subgid", true);
	read_local(&s, KU_PATH_ETC_PASSWD, false);
	read_local(&s, KU_PATH_ETC_GROUP, true);
	read_map(&s, "/proc/self/uid_map", false);
	read_map(&s, "/proc/self/gid_map", true);
	add(&s, CHECK_IDS_SYSTEMD, false, 60001, 513,
	    xstrdup("systemd-homed's 60001 to 60513"));
	add(&s, CHECK_IDS_SYSTEMD, false, 61184, 4336,
	    xstrdup("DynamicUser='s 61184 to 65519"));
	add(&s, CHECK_IDS_SYSTEMD, false, 524288, 1878523904,
	    xstrdup("systemd-nspawn's 524288 to 1879048191"));
	walk(c, see_user, see_group, &s);
	for (size_t i = 0; i < s.n; i++) {
		if (s.v[i].n > 0)
			check_found(c, s.id[i], s.v[i].what, "%zu of the server %s (%s)",
			    s.v[i].n, s.v[i].n == 1 ? "is in it" : "are in it",
			    s.v[i].example);
		free(s.v[i].what);
	}
	if (s.outside > 0)
		check_found(c, CHECK_IDS_UNMAPPED, "/proc/self/uid_map",
		    "%zu do not fit (%s)", s.outside, s.example);
	check_fine(c, "ids", "held against %zu ranges of this host", s.n);
	free(s.v);
	free(s.id);
	free(s.mapped[0]);
	free(s.mapped[1]);
}

/* ---- shells ---- */

struct shells {
	char *v[MAX_SHELLS];
	char *who[MAX_SHELLS];
	size_t n;
};

static void
add_shell(struct shells *s, const char *shell, const char *who)
{
	if (shell == NULL || *shell == '\0')
		return;
	for (size_t i = 0; i < s->n; i++) {
		if (streq(s->v[i], shell))
			return;
	}
	if (s->n == MAX_SHELLS)
		return;
	s->who[s->n] = xstrdup(who);
	s->v[s->n++] = xstrdup(shell);
}

static void
see_shell(void *arg, const struct passwd *pw)
{
	add_shell(arg, pw->pw_shell, pw->pw_name);
}

static bool
is_listed(const struct check *c, const char *shell)
{
	cleanup_(freep) char *text = NULL;
	char *rest, *line;

	if (check_read(c, KU_PATH_ETC_SHELLS, &text) < 0)
		return true; /* libc has a list of its own then */
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		line[strcspn(line, " \t#")] = '\0';
		if (streq(line, shell))
			return true;
	}
	return false;
}

void
check_people(struct check *c)
{
	struct shells s = { .n = 0 };

	add_shell(&s, c->config->default_shell, "default_shell");
	walk(c, see_shell, NULL, &s);
	for (size_t i = 0; i < s.n; i++) {
		struct stat st;

		if (check_is_remote(c, s.v[i]))
			check_unseen(c, s.v[i], "on a file server");
		else if (!check_stat(c, s.v[i], &st))
			check_found(c, CHECK_SHELL_ABSENT, s.v[i], "%s (%s)",
			    strerror(errno), s.who[i]);
		else if ((st.st_mode & 0111) == 0 || !S_ISREG(st.st_mode))
			check_found(c, CHECK_SHELL_ABSENT, s.v[i], "is no program (%s)",
			    s.who[i]);
		else if (!is_listed(c, s.v[i]))
			check_found(c, CHECK_SHELL_UNLISTED, s.v[i], "is not in %s (%s)",
			    KU_PATH_ETC_SHELLS, s.who[i]);
		free(s.v[i]);
		free(s.who[i]);
	}
	check_fine(c, "shells", "%zu were looked at", s.n);
}
