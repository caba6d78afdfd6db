/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What can happen between two system calls of one question, and what its descriptor is while
 * it waits. Both are over too soon to be met by chance, so the calls are looked in upon.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/fake.h"
#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/le.h"
#include "src/client/client.h"

static char dir[] = "/tmp/ku-between-XXXXXX";
static char path[64];
static char early_path[64];
static struct fake fake;
static int early = -1;        /* a listener that hangs up before it is asked */
static unsigned hung_up;      /* so often */
static bool watching;         /* what a question waits with */
static unsigned above, below; /* from 3 on, inherited by no program; others */
static bool taking; /* the host closes what is waited with, and has its own there */
static int taken = -1;

int __real_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __real_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms);

int
__wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	int r = __real_connect(fd, addr, len);

	if (r == 0 && early >= 0) {
		(void)close(accept4(early, NULL, NULL, SOCK_CLOEXEC));
		hung_up++;
	}
	return r;
}

int
__wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
	int r;

	for (nfds_t i = 0; watching && i < n; i++) {
		if (fds[i].fd > 2 && (fcntl(fds[i].fd, F_GETFD) & FD_CLOEXEC) != 0)
			above++;
		else
			below++;
	}
	if (!taking || n == 0)
		return __real_poll(fds, n, ms);
	taking = false;
	taken = fds[0].fd;
	(void)close(taken);
	r = __real_poll(fds, n, ms);
	if (open("/dev/null", O_RDONLY | O_CLOEXEC) != taken)
		taken = -1;
	return r;
}

static int
ask(const char *where)
{
	uint8_t req[4 + 5], head[12];
	char tail[256];
	struct client_call call = { .path = where,
		.op = KU_OP_PASSWD_BY_NAME,
		.req = req,
		.req_len = sizeof(req),
		.head = head,
		.head_len = sizeof(head),
		.tail = tail,
		.tail_cap = sizeof(tail) };
	int r;

	le32_put(req, 5);
	memcpy(req + 4, "alice", 5);
	r = client_call(&call, deadline_in_ms(5000));
	return r != 0 ? r : (int)call.status;
}

/* Runs `body` in a child, which exits 0 when it is content. */
static void
in_child(int (*body)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int
with_stdio_closed(void)
{
	for (int fd = 0; fd < 3; fd++)
		(void)close(fd);
	watching = true;
	if (ask(path) != KU_ST_OK)
		return 1;
	return above > 0 && below == 0 ? 0 : 2;
}

/* What a host prints at that moment, in another thread, must not reach the daemon. */
static void
its_socket_is_never_standard_input_or_output(void **state)
{
	(void)state;
	in_child(with_stdio_closed);
}

static int
hung_up_upon(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int r;

	if (signal(SIGPIPE, SIG_DFL) == SIG_ERR)
		return 1;
	memcpy(a.sun_path, early_path, strlen(early_path) + 1);
	early = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(early, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(early, 4) != 0)
		return 2;
	r = ask(early_path);
	if (hung_up == 0)
		return 3;
	return r == -EPIPE || r == -ECONNRESET ? 0 : 4;
}

static void
a_daemon_that_hangs_up_before_it_is_asked_does_not_kill_by_sigpipe(void **state)
{
	(void)state;
	in_child(hung_up_upon);
}

static int
with_its_socket_taken(void)
{
	taking = true;
	if (ask(path) != -EBADF || taken < 0)
		return 1;
	return fcntl(taken, F_GETFD) >= 0 ? 0 : 2;
}

/* Another thread of the host closes all that it does not know, and opens files of its own. */
static void
a_descriptor_that_the_host_has_closed_is_not_closed_again(void **state)
{
	(void)state;
	in_child(with_its_socket_taken);
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/sock", dir);
	(void)snprintf(early_path, sizeof(early_path), "%s/early", dir);
	fake_start(&fake, path, 16);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_stop(&fake);
	(void)unlink(path);
	(void)unlink(early_path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_socket_is_never_standard_input_or_output),
		cmocka_unit_test(
		    a_daemon_that_hangs_up_before_it_is_asked_does_not_kill_by_sigpipe),
		cmocka_unit_test(
		    a_descriptor_that_the_host_has_closed_is_not_closed_again),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
