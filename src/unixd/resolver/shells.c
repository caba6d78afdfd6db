/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A shell that does not exist locks a person out, and a shell that exists under another
 * name on this host (NixOS links, /usr merges) must not be replaced behind their back. The
 * answer is kept for a few seconds: a lookup must not cost file system calls each time.
 */
#include "src/unixd/resolver/shells.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/name.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"

#define BELIEVED_S 10
#define MAX_SHELLS 1024
#define SHELL_MAX  1024 /* no path of a shell is longer */

static void
close_file(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}

void
shells_init(struct shells *s, const char *path)
{
	memset(s, 0, sizeof(*s));
	s->path = xstrdup(path);
	s->read_at = -BELIEVED_S;
}

static void
drop_list(struct shells *s)
{
	while (s->n > 0)
		free(s->v[--s->n]);
	free(s->v);
	s->v = NULL;
}

void
shells_deinit(struct shells *s)
{
	size_t i;

	drop_list(s);
	for (i = 0; i < ARRAY_SIZE(s->memo); i++)
		free(s->memo[i].shell);
	free(s->path);
}

static void
read_list(struct shells *s, int64_t now)
{
	__attribute__((cleanup(close_file))) FILE *f = NULL;
	cleanup_(freep) char *line = NULL;
	size_t cap = 0;

	if (now - s->read_at < BELIEVED_S && now >= s->read_at)
		return;
	s->read_at = now;
	drop_list(s);
	f = fopen(s->path, "re");
	s->readable = f != NULL;
	if (f == NULL)
		return;
	s->v = xcalloc(MAX_SHELLS, sizeof(*s->v));
	while (s->n < MAX_SHELLS && getline(&line, &cap, f) > 0) {
		line[strcspn(line, " \t\r\n#")] = '\0';
		if (line[0] == '/')
			s->v[s->n++] = xstrdup(line);
	}
	s->v = xreallocarray(s->v, s->n + 1, sizeof(*s->v));
}

static bool
is_listed(const struct shells *s, const char *shell)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (streq(s->v[i], shell))
			return true;
	}
	return false;
}

/* Follows one link by hand: its target may lie outside of what a sandbox shows. */
static bool
target_is_listed(const struct shells *s, const char *shell)
{
	char target[SHELL_MAX];
	ssize_t len = readlink(shell, target, sizeof(target) - 1);

	if (len <= 0)
		return false;
	target[len] = '\0';
	return is_listed(s, target);
}

static enum shell_verdict
look(struct shells *s, const char *shell, int64_t now)
{
	struct stat st;

	if (shell[0] != '/' || strlen(shell) >= SHELL_MAX || !name_field_is_clean(shell))
		return SHELL_BAD;
	/* The list first: a path that the server chose is touched only when this host's
	 * administrator does not vouch for it, and without waking an automounter. */
	read_list(s, now);
	if (is_listed(s, shell))
		return SHELL_LISTED;
	if (fstatat(AT_FDCWD, shell, &st, AT_NO_AUTOMOUNT) == 0)
		return S_ISDIR(st.st_mode) ? SHELL_ABSENT : SHELL_EXISTS;
	if (target_is_listed(s, shell))
		return SHELL_TARGET_LISTED;
	return s->readable ? SHELL_ABSENT : SHELL_UNSEEN;
}

enum shell_verdict
shells_judge(struct shells *s, const char *shell, int64_t now)
{
	struct shells_memo *m;
	size_t i;

	if (shell == NULL || shell[0] == '\0')
		return SHELL_NONE;
	for (i = 0; i < ARRAY_SIZE(s->memo); i++) {
		m = &s->memo[i];
		if (m->shell == NULL || !streq(m->shell, shell))
			continue;
		if (now - m->at >= BELIEVED_S || now < m->at) {
			m->verdict = look(s, shell, now);
			m->at = now;
		}
		return m->verdict;
	}
	m = &s->memo[s->memo_next++ % ARRAY_SIZE(s->memo)];
	free(m->shell);
	m->shell = xstrdup(shell);
	m->verdict = look(s, shell, now);
	m->at = now;
	return m->verdict;
}

const char *
shell_verdict_text(enum shell_verdict v)
{
	switch (v) {
	case SHELL_EXISTS:
		return "it exists";
	case SHELL_LISTED:
		return "it is listed in /etc/shells";
	case SHELL_TARGET_LISTED:
		return "what it links to is listed in /etc/shells";
	case SHELL_UNSEEN:
		return "kept as the server has it: the daemon can see neither it nor "
		       "/etc/shells";
	case SHELL_NONE:
		return "default_shell, because the server names none";
	case SHELL_BAD:
		return "default_shell, because the server's value is no usable path";
	case SHELL_ABSENT:
		break;
	}
	return "default_shell, because the server's does not exist here and is not in "
	       "/etc/shells";
}
