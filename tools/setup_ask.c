/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What setup has to know: from the command line, else from the files, and on a terminal the
 * person says yes or something else to each. A script is never asked: what is missing there
 * is named with its option.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/cli/cli.h"
#include "src/prog/xalloc.h"
#include "tools/setup_internal.h"

#define MAX_ANSWER 1024

/* By single bytes: the password that may follow is for another reader. */
static char *
read_line(void)
{
	char buf[MAX_ANSWER];
	size_t n = 0;

	for (;;) {
		char c;
		ssize_t got = read(STDIN_FILENO, &c, 1);

		if (got <= 0 && n == 0)
			return NULL;
		if (got <= 0 || c == '\n')
			return xstrndup(buf, n);
		if (n < sizeof(buf))
			buf[n++] = c;
	}
}

char *
setup_ask(const struct setup *s, const char *question, const char *dflt)
{
	char *answer, *end;

	if (dflt != NULL && *dflt != '\0')
		(void)fprintf(s->t->out, "%s [%s]: ", question, dflt);
	else
		(void)fprintf(s->t->out, "%s: ", question);
	(void)fflush(s->t->out);
	answer = read_line();
	if (answer == NULL) {
		(void)fputc('\n', s->t->out);
		return NULL;
	}
	end = answer + strlen(answer);
	while (end > answer && strchr(" \t\r", end[-1]) != NULL)
		*--end = '\0';
	if (*answer == '\0' && dflt != NULL) {
		free(answer);
		return xstrdup(dflt);
	}
	return answer;
}

bool
setup_ask_yes(const struct setup *s, const char *question)
{
	cleanup_(freep) char *answer = setup_ask(s, question, NULL);

	return answer != NULL && (*answer == 'y' || *answer == 'Y');
}

static int
missing(const struct setup *s, const char *what, const char *option)
{
	(void)fprintf(s->t->err, "setup: %s is not known; give it with %s\n", what,
	    option);
	return CLI_USAGE;
}

static void
add_group(struct setup *s, const char *name, size_t len)
{
	size_t n = 0;

	while (s->groups[n] != NULL) {
		if (strlen(s->groups[n]) == len && memcmp(s->groups[n], name, len) == 0)
			return;
		n++;
	}
	s->groups = xreallocarray(s->groups, n + 2, sizeof(*s->groups));
	s->groups[n] = xstrndup(name, len);
	s->groups[n + 1] = NULL;
}

/* Names with commas or blanks between. */
static void
add_groups(struct setup *s, const char *names)
{
	while (*(names += strspn(names, ", \t")) != '\0') {
		size_t len = strcspn(names, ", \t");

		add_group(s, names, len);
		names += len;
	}
}

static int
ask_uri(struct setup *s)
{
	const char *is = s->c.config->uri;
	char *end;

	if (s->wish->uri != NULL)
		s->uri = xstrdup(s->wish->uri);
	else if (s->asks)
		s->uri = setup_ask(s, "Server, https://HOST", is);
	else if (is != NULL)
		s->uri = xstrdup(is);
	if (s->uri == NULL || *s->uri == '\0')
		return missing(s, "the server", "--uri https://HOST");
	if (strstr(s->uri, "://") == NULL) {
		char *longer = xasprintf("https://%s", s->uri);

		free(s->uri);
		s->uri = longer;
	}
	/* Without a path and in small letters, as the loader keeps it. */
	end = strstr(s->uri, "://") + 3;
	end[strcspn(end, "/?#")] = '\0';
	for (char *c = s->uri; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return -1;
}

/* As the shell that called us meant it; NULL: nothing was said. */
static char *
absolute(const char *path)
{
	cleanup_(freep) char *cwd = NULL;

	if (path == NULL || *path == '\0')
		return NULL;
	if (*path == '/')
		return xstrdup(path);
	cwd = getcwd(NULL, 0);
	return xasprintf("%s/%s", cwd != NULL ? cwd : "", path);
}

static void
ask_ca(struct setup *s)
{
	const char *is = s->c.config->ca_path;
	cleanup_(freep) char *answer = NULL;

	if (s->wish->ca != NULL)
		is = s->wish->ca;
	else if (s->asks)
		is = answer = setup_ask(s,
		    "File with the certificate of the server's CA, if the system does not "
		    "know it",
		    is);
	s->ca = absolute(is);
}

static int
ask_groups(struct setup *s)
{
	cleanup_(freep) char *is = xstrdup(""), *answer = NULL;

	for (char **v = s->c.config->pam_allowed_login_groups; *v != NULL; v++) {
		char *longer = xasprintf("%s%s%s", is, *is != '\0' ? ", " : "", *v);

		add_groups(s, *v);
		free(is);
		is = longer;
	}
	for (size_t i = 0; i < s->wish->n_groups; i++)
		add_groups(s, s->wish->groups[i]);
	if (s->wish->n_groups == 0 && s->asks) {
		answer = setup_ask(s,
		    s->groups[0] == NULL
			? "Group whose members may log in"
			: "Group whose members may log in, in addition to",
		    is);
		add_groups(s, answer != NULL ? answer : "");
	}
	return s->groups[0] == NULL
	    ? missing(s, "a group that may log in", "--login-group NAME")
	    : -1;
}

int
setup_ask_wishes(struct setup *s)
{
	int rc = ask_uri(s);

	s->groups = xcalloc(1, sizeof(*s->groups));
	if (rc >= 0)
		return rc;
	ask_ca(s);
	s->token = absolute(s->wish->token);
	return ask_groups(s);
}
