/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What one lookup costs the daemon in system calls: everybody else stands behind it. The
 * calls on the server's end of the connection are counted.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/src/unixd/server/harness.h"

static struct {
	int fd; /* the server's end */
	unsigned epoll_ctl, recv, send, close;
} seen;

int __real_socketpair(int domain, int type, int protocol, int fds[2]);
int __real_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev);
ssize_t __real_recv(int fd, void *buf, size_t n, int flags);
ssize_t __real_send(int fd, const void *buf, size_t n, int flags);
int __real_close(int fd);

int
__wrap_socketpair(int domain, int type, int protocol, int fds[2])
{
	int r = __real_socketpair(domain, type, protocol, fds);

	memset(&seen, 0, sizeof(seen));
	seen.fd = r == 0 ? fds[0] : -1;
	return r;
}

int
__wrap_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	seen.epoll_ctl += fd == seen.fd;
	return __real_epoll_ctl(ep, op, fd, ev);
}

ssize_t
__wrap_recv(int fd, void *buf, size_t n, int flags)
{
	seen.recv += fd == seen.fd;
	return __real_recv(fd, buf, n, flags);
}

ssize_t
__wrap_send(int fd, const void *buf, size_t n, int flags)
{
	seen.send += fd == seen.fd;
	return __real_send(fd, buf, n, flags);
}

int
__wrap_close(int fd)
{
	seen.close += fd == seen.fd;
	return __real_close(fd);
}

static int
setup(void **state)
{
	static struct harness h;

	harness_start(&h, NULL);
	*state = &h;
	return 0;
}

static int
teardown(void **state)
{
	harness_stop(*state);
	return 0;
}

/* Header, body and the end; one way in and none out of the set of descriptors. */
static void
expect_the_least(void)
{
	assert_int_equal(seen.recv, 4);
	assert_int_equal(seen.send, 1);
	assert_int_equal(seen.epoll_ctl, 1);
	assert_int_equal(seen.close, 1);
}

static void
ask(struct harness *h, const char *name, bool wait)
{
	int fd = harness_connect(h, geteuid());
	struct answer_frame a;

	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 1, name);
	harness_settle(h);
	assert_int_equal(seen.send, wait ? 0 : 1);
	if (wait)
		fake_release(&h->resolver);
	harness_reply(h, fd, &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	(void)__real_close(fd);
	harness_settle(h);
	assert_int_equal(server_n_conns(h->server), 0);
}

static void
an_answer_from_memory_takes_no_call_that_is_not_needed(void **state)
{
	ask(*state, "alice", false);
	expect_the_least();
}

static void
nor_does_one_that_the_server_had_to_be_asked_for(void **state)
{
	ask(*state, "slow", true);
	expect_the_least();
}

static void
who_sends_on_while_it_waits_is_not_listened_to(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());
	struct answer_frame a;

	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 1, "slow");
	harness_settle(h);
	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 2, "alice");
	harness_settle(h);
	/* Told once, and switched off: the loop does not spin over bytes nobody takes. */
	assert_int_equal(seen.epoll_ctl, 2);
	assert_int_equal(h->resolver.n_asked, 1);
	fake_release(&h->resolver);
	harness_reply(h, fd, &a);
	assert_int_equal(a.h.serial, 1);
	harness_reply(h, fd, &a);
	assert_int_equal(a.h.serial, 2);
	(void)__real_close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    an_answer_from_memory_takes_no_call_that_is_not_needed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    nor_does_one_that_the_server_had_to_be_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    who_sends_on_while_it_waits_is_not_listened_to, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
