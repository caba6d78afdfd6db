/* SPDX-License-Identifier: MPL-2.0 */
/*
 * kanidm_devidmctl SOCKET COMMAND...: sends one command to a running kanidm_devidm and
 * prints its answer. Exit 0 when it was done, 1 when not, 2 when nobody listens.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
fail(const char *what)
{
	perror(what);
	return 2;
}

static int
print_answer(int fd)
{
	FILE *in = fdopen(fd, "r");
	char line[4096];
	size_t n;
	FILE *out;

	if (!in || !fgets(line, sizeof(line), in))
		return fail("kanidm_devidmctl: no answer");
	out = strcmp(line, "ok\n") == 0 ? stdout : stderr;
	while ((n = fread(line, 1, sizeof(line), in)) > 0)
		(void)fwrite(line, 1, n, out);
	(void)fclose(in);
	return out == stdout ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (argc < 3 || strlen(argv[1]) >= sizeof(sa.sun_path)) {
		(void)fputs("usage: kanidm_devidmctl SOCKET COMMAND [ARG...]\n"
			    "       kanidm_devidmctl SOCKET help\n",
		    stderr);
		return 2;
	}
	memcpy(sa.sun_path, argv[1], strlen(argv[1]) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0)
		return fail(argv[1]);
	for (int i = 2; i < argc; i++)
		if (send(fd, argv[i], strlen(argv[i]) + 1, MSG_NOSIGNAL) < 0)
			return fail(argv[1]);
	(void)shutdown(fd, SHUT_WR);
	return print_answer(fd);
}
