/* SPDX-License-Identifier: MPL-2.0 */
#include "tasks/link.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ku/paths.h"
#include "ku/wire.h"
#include "ku/wire_task.h"
#include "src/base/deadline.h"
#include "tasks/frameio.h"
#include "unit/tasks/kit.h"

static struct link l;
static struct why why;
static int listener = -1;

static int
set_up(void **state)
{
	int rc = kit_set_up(state);

	kit_mkdir("run", 0755, 0);
	link_init(&l, kit_path("run/task_sock"));
	why.text[0] = '\0';
	return rc;
}

static int
tear_down(void **state)
{
	link_clear(&l);
	if (listener >= 0)
		(void)close(listener);
	listener = -1;
	return kit_tear_down(state);
}

static void
serve(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s",
	    kit_path("run/task_sock"));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (const void *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 4), 0);
}

/* Waits as the loop does, until it is connected; false after 20 s. */
static bool
wait_for_it(void)
{
	struct deadline d = deadline_in_ms(20000);

	while (deadline_left_ms(d) > 0) {
		struct pollfd p = { .fd = l.notify, .events = POLLIN };

		if (link_try(&l, &why))
			return true;
		p.fd = l.notify;
		if (poll(&p, 1, link_wait_ms(&l)) > 0)
			link_noticed(&l);
	}
	return false;
}

static void
a_socket_that_is_there_is_greeted_at_once(void **state)
{
	uint8_t body[KU_TASK_MAX_REQ];
	struct frame_header h;
	int fd;

	(void)state;
	serve();
	assert_true(link_try(&l, &why));
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_int_equal(frameio_recv(fd, deadline_in_ms(5000), &h, body, sizeof(body)),
	    0);
	assert_int_equal(h.op, KU_OP_TASK_HELLO);
	assert_string_equal(frameio_text(body, h.length), KU_VERSION);
	assert_false(l.greeted);
	assert_true(link_wait_ms(&l) > 5000);
	assert_false(link_is_overdue(&l));
	/* A daemon that takes the connection and never answers is given up. */
	l.last_try_ns = clock_mono_ns() - INT64_C(10000000000);
	assert_true(link_is_overdue(&l));
	assert_int_equal(link_wait_ms(&l), 0);
	link_greeted(&l);
	assert_false(link_is_overdue(&l));
	assert_int_equal(link_wait_ms(&l), -1);
	(void)close(fd);
}

static void
it_is_noticed_when_it_comes(void **state)
{
	(void)state;
	assert_false(link_try(&l, &why));
	assert_non_null(strstr(why.text, "No such file"));
	assert_true(l.notify >= 0);
	serve();
	assert_true(wait_for_it());
	assert_int_equal(l.notify, -1); /* nothing is watched while connected */
}

static void
a_directory_that_comes_is_noticed_too(void **state)
{
	(void)state;
	assert_int_equal(rmdir(kit_path("run")), 0);
	assert_false(link_try(&l, &why));
	kit_mkdir("run", 0755, 0);
	assert_false(link_try(&l, &why)); /* not time yet */
	serve();
	assert_true(wait_for_it());
}

static void
it_never_tries_more_than_ten_times_a_second(void **state)
{
	struct deadline d = deadline_in_ms(20000);
	int64_t begin = clock_mono_ns(), last = 0;
	unsigned tries = 0;

	(void)state;
	while (tries < 4 && deadline_left_ms(d) > 0) {
		struct pollfd p = { .events = POLLIN };

		(void)link_try(&l, &why);
		tries += l.last_try_ns != last;
		last = l.last_try_ns;
		kit_write("run/noise", "x", 0644);
		assert_int_equal(unlink(kit_path("run/noise")), 0);
		p.fd = l.notify;
		if (poll(&p, 1, 0) > 0)
			link_noticed(&l);
	}
	assert_int_equal(tries, 4);
	assert_true(clock_mono_ns() - begin >= INT64_C(300000000));
}

static void
without_events_it_backs_off_to_five_seconds(void **state)
{
	int64_t last = 0;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		l.next_try_ns = 0;
		assert_false(link_try(&l, &why));
		assert_true(l.next_try_ns - l.last_try_ns >= last);
		last = l.next_try_ns - l.last_try_ns;
	}
	assert_int_equal(last, INT64_C(5000000000));
	assert_in_range(link_wait_ms(&l), 1, 5000);
}

static void
only_the_owner_of_the_directory_is_believed(void **state)
{
	(void)state;
	serve();
	assert_int_equal(chown(kit_path("run"), 70002, 70002), 0);
	assert_false(link_try(&l, &why));
	assert_non_null(strstr(why.text, "served by uid 0"));
	assert_non_null(strstr(why.text, "belongs to uid 70002"));
	assert_int_equal(chown(kit_path("run"), 0, 0), 0);
	assert_int_equal(chmod(kit_path("run"), 0775), 0);
	l.next_try_ns = 0;
	assert_false(link_try(&l, &why));
	assert_non_null(strstr(why.text, "others than its owner"));
	assert_int_equal(chmod(kit_path("run"), 0755), 0);
	l.next_try_ns = 0;
	assert_true(link_try(&l, &why));
}

static void
a_place_that_others_can_swap_is_not_believed(void **state)
{
	(void)state;
	serve();
	assert_int_equal(chown(kit_dir, 70002, 0), 0);
	assert_false(link_try(&l, &why));
	assert_non_null(strstr(why.text, "others than root may write here"));
	assert_int_equal(chown(kit_dir, 0, 0), 0);
	/* Below /tmp whoever is first makes the directory, and owns it. */
	assert_int_equal(chmod(kit_dir, 01777), 0);
	l.next_try_ns = 0;
	assert_false(link_try(&l, &why));
	assert_non_null(strstr(why.text, "others than root may write here"));
	assert_int_equal(chmod(kit_dir, 0755), 0);
	assert_int_equal(rename(kit_path("run"), kit_path("real")), 0);
	kit_link("real", "run");
	l.next_try_ns = 0;
	assert_false(link_try(&l, &why));
}

static void
a_connection_that_was_good_is_tried_again_soon(void **state)
{
	(void)state;
	serve();
	assert_true(link_try(&l, &why));
	link_greeted(&l);
	link_drop(&l);
	assert_int_equal(l.fd, -1);
	assert_in_range(link_wait_ms(&l), 0, 101);
	assert_true(wait_for_it());
	link_drop(&l); /* this one never answered */
	assert_true(link_wait_ms(&l) > 200);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_socket_that_is_there_is_greeted_at_once),
		TEST(it_is_noticed_when_it_comes),
		TEST(a_directory_that_comes_is_noticed_too),
		TEST(it_never_tries_more_than_ten_times_a_second),
		TEST(without_events_it_backs_off_to_five_seconds),
		TEST(only_the_owner_of_the_directory_is_believed),
		TEST(a_place_that_others_can_swap_is_not_believed),
		TEST(a_connection_that_was_good_is_tried_again_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
