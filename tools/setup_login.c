/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The second login, made before anybody relies on it: a person of the server, whom the daemon
 * judges, and an account of this host, through the same stack that the next login meets.
 */
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/commands.h"
#include "tools/password.h"
#include "tools/setup_internal.h"

/* Of somebody at a terminal, who may mistype. */
#define MAX_TRIES 3
/* A stack may ask servers of others. */
#define LOGIN_MS 60000

/* The first of these that is there is what people come in by. */
static const char *
find_service(const struct setup *s)
{
	static const char *const names[] = { "login", "sshd", "su", "system-auth" };
	static const char *const dirs[] = { "/etc/pam.d", "/usr/lib/pam.d" };

	for (size_t i = 0; i < ARRAY_SIZE(names) * ARRAY_SIZE(dirs); i++) {
		const char *name = names[i / ARRAY_SIZE(dirs)];
		cleanup_(freep) char *path = xasprintf("%s/%s",
		    dirs[i % ARRAY_SIZE(dirs)], name);
		struct stat st;

		if (check_stat(&s->c, path, &st))
			return name;
	}
	return NULL;
}

static bool
try_person(struct setup *s)
{
	cleanup_(freep) char *name = NULL;

	if (s->wish->test_user != NULL)
		name = xstrdup(s->wish->test_user);
	else if (s->asks)
		name = setup_ask(s,
		    "Somebody of the server to try a login with, or nobody", NULL);
	if (name == NULL || *name == '\0') {
		(void)fputs(
		    "not tried: a login of somebody of the server (--test-user NAME "
		    "with the password on standard input)\n",
		    s->t->out);
		return true;
	}
	(void)fflush(s->t->out);
	for (int i = s->asks ? MAX_TRIES : 1; cmd_auth_test(s->t, name) != 0;) {
		if (--i == 0)
			return false;
	}
	(void)fprintf(s->t->out, "done: %s can log in\n", name);
	return true;
}

/* Asked for on a terminal; without one only the account phase of root. */
static bool
try_local(struct setup *s)
{
	cleanup_(secret_freep) struct secret *password = NULL;
	cleanup_(freep) char *name = NULL, *prompt = NULL, *said = NULL;
	const char *service = find_service(s);

	if (service == NULL)
		return true;
	if (s->asks)
		name = setup_ask(s,
		    "Account of this host to try a login with (root: without a password)",
		    "root");
	if (name == NULL)
		name = xstrdup("root");
	if (!streq(name, "root")) {
		prompt = xasprintf("Password of %s: ", name);
		if (password_read(prompt, &password) < 0)
			return false;
	}
	said = setup_local_login(service, name, password, LOGIN_MS);
	if (said != NULL) {
		(void)fprintf(s->t->err, "setup: %s, by the stack of /etc/pam.d/%s: %s\n",
		    name, service, said);
		return false;
	}
	if (password != NULL)
		(void)fprintf(s->t->out, "done: %s logs in by /etc/pam.d/%s\n", name,
		    service);
	else
		(void)fprintf(s->t->out,
		    "done: the account phase of /etc/pam.d/%s lets %s in\n", service,
		    name);
	return true;
}

bool
setup_logins(struct setup *s)
{
	bool local = s->wish->no_pam || try_local(s), person = try_person(s);

	return local && person;
}
