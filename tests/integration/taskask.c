/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The resolver's end of task_sock, as small as it can be: listens, answers HELLO, and puts
 * to tasks what it reads from its standard input, one reply line for each.
 *
 *	taskask SOCKET
 *
 * Input	home UUID UID GID NAME SPN SHOWN
 *		raw HEX			a whole frame; replies are read as for home
 *		drop			closes the connection and waits for the next
 *		pid			of the program at the other end
 * Output	ok | unavail TEXT | bad TEXT | version TEXT | gone
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ku/wire.h"
#include "ku/wire_task.h"
#include "src/base/uuid.h"
#include "tasks/frameio.h"

#define WAIT_MS 20000

static int listener = -1;
static int conn = -1;

static void
listen_at(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	(void)unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (const void *)&sun, sizeof(sun)) < 0 ||
	    chmod(path, 0666) < 0 || listen(listener, 4) < 0) {
		perror(path);
		exit(1);
	}
}

/* A connection on which nobody says HELLO was somebody who looked who we are. */
static bool
take_hello(void)
{
	uint8_t body[KU_TASK_MAX_REQ];
	struct frame_header h;

	conn = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (conn >= 0 &&
	    frameio_recv(conn, deadline_in_ms(WAIT_MS), &h, body, sizeof(body)) == 0 &&
	    h.op == KU_OP_TASK_HELLO && frameio_text(body, h.length)[0] != '\0') {
		h = (struct frame_header){ .op = h.op, .serial = h.serial };
		if (frameio_send(conn, deadline_in_ms(WAIT_MS), h, NULL) == 0)
			return true;
	}
	(void)close(conn);
	conn = -1;
	return false;
}

static void
wait_for_tasks(void)
{
	struct deadline d = deadline_in_ms(WAIT_MS);

	while (conn < 0) {
		struct pollfd p = { .fd = listener, .events = POLLIN };

		if (poll(&p, 1, deadline_left_ms(d)) != 1)
			exit(3);
		(void)take_hello();
	}
}

static void
drop(void)
{
	(void)close(conn);
	conn = -1;
}

static void
show_reply(void)
{
	uint8_t body[KU_TASK_MAX_REQ];
	struct frame_header h;
	const char *word;

	if (frameio_recv(conn, deadline_in_ms(WAIT_MS), &h, body, sizeof(body)) < 0) {
		drop();
		(void)printf("gone\n");
		return;
	}
	word = h.status == KU_ST_OK     ? "ok"
	    : h.status == KU_ST_UNAVAIL ? "unavail"
	    : h.status == KU_ST_BAD     ? "bad"
	    : h.status == KU_ST_VERSION ? "version"
					: "?";
	(void)printf("%s%s%s\n", word, h.length > 5 ? " " : "",
	    frameio_text(body, h.length));
}

static void
ask_home(char *args)
{
	static uint32_t serial = 100;
	uint8_t body[KU_TASK_MAX_REQ];
	struct frame_header h = { .op = KU_OP_TASK_HOME, .serial = ++serial };
	struct uuid uuid;
	struct enc e;
	char *w[6], *save = NULL;

	for (unsigned i = 0; i < 6; i++) {
		w[i] = strtok_r(i == 0 ? args : NULL, " ", &save);
		if (w[i] == NULL)
			exit(2);
	}
	if (uuid_parse(w[0], strlen(w[0]), &uuid) < 0)
		exit(2);
	enc_init(&e, body, sizeof(body));
	enc_bytes(&e, uuid.b, sizeof(uuid.b));
	enc_u32(&e, (uint32_t)strtoul(w[1], NULL, 10));
	enc_u32(&e, (uint32_t)strtoul(w[2], NULL, 10));
	enc_u32(&e, (uint32_t)(strlen(w[3]) + strlen(w[4]) + strlen(w[5]) + 3));
	for (unsigned i = 3; i < 6; i++)
		enc_strz(&e, w[i]);
	h.length = (uint32_t)e.len;
	if (frameio_send(conn, deadline_in_ms(WAIT_MS), h, body) < 0)
		drop();
}

static void
send_raw(const char *hex)
{
	uint8_t out[2048];
	size_t n = 0;
	unsigned v;

	while (n < sizeof(out) && sscanf(hex + 2 * n, "%2x", &v) == 1)
		out[n++] = (uint8_t)v;
	(void)!send(conn, out, n, MSG_NOSIGNAL);
}

static void
show_pid(void)
{
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);

	(void)getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	(void)printf("%d\n", cred.pid);
}

int
main(int argc, char **argv)
{
	char line[3000];

	if (argc < 2)
		return 2;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	listen_at(argv[1]);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "drop") == 0) {
			drop();
			continue;
		}
		wait_for_tasks();
		if (strcmp(line, "pid") == 0) {
			show_pid();
			continue;
		}
		if (strncmp(line, "home ", 5) == 0)
			ask_home(line + 5);
		else if (strncmp(line, "raw ", 4) == 0)
			send_raw(line + 4);
		else
			return 2;
		if (conn >= 0)
			show_reply();
		else
			(void)printf("gone\n");
	}
	return 0;
}
