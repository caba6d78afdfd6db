/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Starts kanidm_devidm on a free port with certificates in a directory of the test's own,
 * and speaks its control protocol: words ended by zero bytes, then "ok" or "error".
 */
#include "tests/integration/idp_server.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

static void
read_url(struct idp_server *s, int fd)
{
	char line[256];
	size_t n = 0;
	const char *port;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		assert_int_equal(poll(&p, 1, 30000), 1);
		assert_int_equal(read(fd, line + n, 1), 1);
		if (line[n] == '\n')
			break;
		assert_true(++n < sizeof(line));
	}
	line[n] = '\0';
	port = strrchr(line, ':');
	assert_non_null(port);
	(void)snprintf(s->url, sizeof(s->url), "https://localhost%.20s", port);
}

void
idp_server_start(struct idp_server *s)
{
	const char *tmp = getenv("TMPDIR");
	char certs[160], control[160];
	char listen[] = "127.0.0.1:0";
	char *argv[] = { getenv("DEVIDM"), (char *)(uintptr_t) "--listen", listen,
		(char *)(uintptr_t) "--make-certs", certs, (char *)(uintptr_t) "--data",
		getenv("DEVIDM_DATA"), (char *)(uintptr_t) "--control", control,
		(char *)(uintptr_t) "--exit-with-parent", NULL };
	posix_spawn_file_actions_t actions;
	int out[2];

	assert_non_null(argv[0]);
	(void)snprintf(s->dir, sizeof(s->dir), "%s/ku-idp-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(certs, sizeof(certs), "%s/certs", s->dir);
	(void)snprintf(control, sizeof(control), "%s/ctl", s->dir);
	assert_int_equal(pipe2(out, 0), 0);
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	(void)posix_spawn_file_actions_addclose(&actions, out[0]);
	(void)posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	assert_int_equal(posix_spawn(&s->pid, argv[0], &actions, NULL, argv, environ), 0);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(out[1]);
	read_url(s, out[0]);
	(void)close(out[0]);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void
idp_server_stop(struct idp_server *s)
{
	(void)kill(s->pid, SIGTERM);
	assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
	(void)nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char *
idp_server_ask(struct idp_server *s, const char *command)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = strlen(command) + 1, n = 0, room = 65536;
	char *answer = malloc(room), *words = strdup(command);
	ssize_t got;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_non_null(answer);
	assert_non_null(words);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%.90s/ctl", s->dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	for (char *c = words; *c != '\0'; c++) {
		if (*c == ' ')
			*c = '\0';
	}
	assert_int_equal(write(fd, words, len), len);
	free(words);
	(void)shutdown(fd, SHUT_WR);
	while ((got = read(fd, answer + n, room - 1 - n)) > 0) {
		n += (size_t)got;
		assert_true(n < room - 1);
	}
	answer[n] = '\0';
	(void)close(fd);
	if (strncmp(answer, "ok\n", 3) != 0)
		fail_msg("%s: %s", command, answer);
	memmove(answer, answer + 3, n - 2);
	return answer;
}

void
idp_server_do(struct idp_server *s, const char *command)
{
	free(idp_server_ask(s, command));
}

unsigned
idp_server_count(struct idp_server *s, const char *line)
{
	char *all = idp_server_ask(s, "requests");
	unsigned n = 0;

	for (char *at = all; at != NULL && *at != '\0';
	     at = strchr(at, '\n') == NULL ? NULL : strchr(at, '\n') + 1) {
		if (strncmp(at, line, strlen(line)) == 0)
			n++;
	}
	free(all);
	return n;
}

unsigned
idp_server_total(struct idp_server *s, const char *what)
{
	char *all = idp_server_ask(s, "counters");
	unsigned n = 0;

	for (char *at = all; at != NULL && *at != '\0';
	     at = strchr(at, '\n') == NULL ? NULL : strchr(at, '\n') + 1) {
		char word[64];
		unsigned v;

		if (sscanf(at, "%u %63s", &v, word) == 2 && strcmp(word, what) == 0)
			n = v;
	}
	free(all);
	return n;
}

unsigned
idp_server_seen(struct idp_server *s)
{
	char *all = idp_server_ask(s, "fault list");
	const char *open = strrchr(all, '(');
	unsigned n = 0;

	assert_non_null(open);
	assert_int_equal(sscanf(open, "(%u seen)", &n), 1);
	free(all);
	return n;
}

const char *
idp_server_cert(struct idp_server *s, const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/certs/%s", s->dir, name);
	return path;
}
