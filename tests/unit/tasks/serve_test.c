/* SPDX-License-Identifier: MPL-2.0 */
#include "tasks/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ku/wire.h"
#include "ku/wire_task.h"
#include "tasks/frameio.h"
#include "tasks/mount_ask.h"
#include "unit/tasks/kit.h"

static int ends[2];
static struct work work;
static uint8_t body[KU_TASK_MAX_REQ];
static struct frame_header reply;

static int
set_up(void **state)
{
	int rc = kit_set_up(state);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	kit_work(&work);
	return rc;
}

static int
tear_down(void **state)
{
	work_clear(&work);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return kit_tear_down(state);
}

static const char *
answer(struct frame_header h, const void *data)
{
	assert_int_equal(serve_answer(&work, ends[0], &h, data), 0);
	assert_int_equal(frameio_recv(ends[1], deadline_in_ms(5000), &reply, body,
			     sizeof(body)),
	    0);
	assert_int_equal(reply.op, h.op);
	assert_int_equal(reply.serial, h.serial);
	assert_true(reply.length <= KU_TASK_MAX_REPLY);
	return frameio_text(body, reply.length);
}

static void
a_request_is_answered_with_its_serial(void **state)
{
	struct request r = kit_request("alice");
	uint8_t data[KU_TASK_MAX_REQ];
	struct frame_header h = { .version = KU_WIRE_VERSION,
		.op = KU_OP_TASK_HOME,
		.serial = 77 };

	(void)state;
	h.length = (uint32_t)mount_ask_encode(&r, data, sizeof(data));
	assert_string_equal(answer(h, data), "");
	assert_int_equal(reply.status, KU_ST_OK);
	assert_int_equal(reply.length, 5); /* one empty string */
	kit_remove("home/alice");
	kit_write("home/alice", "", 0600);
	assert_non_null(strstr(answer(h, data), "in the way"));
	assert_int_equal(reply.status, KU_ST_UNAVAIL);
	r.uid = 0;
	h.length = (uint32_t)mount_ask_encode(&r, data, sizeof(data));
	assert_non_null(strstr(answer(h, data), "not ids of a person"));
	assert_int_equal(reply.status, KU_ST_UNAVAIL);
	h.length--;
	assert_non_null(strstr(answer(h, data), "cannot be decoded"));
	assert_int_equal(reply.status, KU_ST_BAD);
}

static void
what_it_does_not_know_it_says(void **state)
{
	struct frame_header h = { .version = KU_WIRE_VERSION, .op = 0x0899, .serial = 3 };

	(void)state;
	assert_non_null(strstr(answer(h, NULL), "not known"));
	assert_int_equal(reply.status, KU_ST_VERSION);
	h.op = KU_OP_TASK_HOME;
	h.version = KU_WIRE_VERSION + 1;
	(void)answer(h, NULL);
	assert_int_equal(reply.status, KU_ST_VERSION);
}

static void
bind_mount_without_its_unit_says_how_to_turn_it_on(void **state)
{
	struct request r = kit_request("alice");
	uint8_t data[KU_TASK_MAX_REQ];
	struct frame_header h = { .version = KU_WIRE_VERSION, .op = KU_OP_TASK_HOME };

	(void)state;
	kit_config("home_strategy = \"bind_mount\"\nhome_alias = \"name\"");
	h.length = (uint32_t)mount_ask_encode(&r, data, sizeof(data));
	assert_non_null(
	    strstr(answer(h, data), "systemctl enable --now kanidm-unixd-mount.socket"));
	assert_int_equal(reply.status, KU_ST_UNAVAIL);
	/* The home itself is there. */
	assert_int_equal(kit_stat("home/" KIT_UUID).st_uid, KIT_UID);
	assert_false(kit_exists("home/alice"));
}

static void
frames_have_bounds_and_deadlines(void **state)
{
	uint8_t small[4];
	struct frame_header h = { .op = KU_OP_TASK_HOME, .length = 5 };

	(void)state;
	assert_int_equal(frameio_recv(ends[0], deadline_in_ms(0), &h, body, sizeof(body)),
	    -ETIMEDOUT);
	h = (struct frame_header){ .op = KU_OP_TASK_HOME, .length = 5 };
	assert_int_equal(frameio_send(ends[1], deadline_in_ms(1000), h, "12345"), 0);
	assert_int_equal(frameio_recv(ends[0], deadline_in_ms(1000), &h, small,
			     sizeof(small)),
	    -EMSGSIZE);
	(void)memset(body, 'x', sizeof(body));
	assert_int_equal(send(ends[1], body, 32, 0), 32);
	assert_int_equal(frameio_recv(ends[0], deadline_in_ms(1000), &h, body,
			     sizeof(body)),
	    -EPROTO);
	h.length = KU_TASK_MAX_REQ + 1;
	assert_int_equal(frameio_send(ends[1], deadline_in_ms(1000), h, body), -EMSGSIZE);
	(void)close(ends[1]);
	ends[1] = -1;
	while (frameio_recv(ends[0], deadline_in_ms(1000), &h, body, sizeof(body)) ==
	    -EPROTO)
		;
	assert_int_equal(frameio_recv(ends[0], deadline_in_ms(1000), &h, body,
			     sizeof(body)),
	    -ECONNRESET);
}

static void
a_peer_that_does_not_read_is_given_up(void **state)
{
	struct frame_header h = { .op = KU_OP_TASK_HOME, .length = sizeof(body) };
	int rc;

	(void)state;
	do {
		rc = frameio_send(ends[0], deadline_in_ms(20), h, body);
	} while (rc == 0);
	assert_int_equal(rc, -ETIMEDOUT);
}

/* At this pace the frame would take more than a minute. */
static pid_t
trickle(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	(void)close(ends[0]);
	for (size_t i = 0; i < sizeof(body); i++) {
		if (send(ends[1], body + i, 1, MSG_NOSIGNAL) != 1)
			break;
		(void)poll(NULL, 0, 50);
	}
	_exit(0);
}

static void
a_frame_that_trickles_is_cut_off_by_its_deadline(void **state)
{
	struct frame_header h = { .version = KU_WIRE_VERSION,
		.op = KU_OP_TASK_HOME,
		.length = KU_TASK_MAX_REQ - KU_WIRE_HEADER_LEN };
	pid_t pid;

	(void)state;
	frame_put(body, &h);
	pid = trickle();
	assert_int_equal(frameio_recv(ends[0], deadline_in_ms(500), &h, body,
			     sizeof(body)),
	    -ETIMEDOUT);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* it still comes on */
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_answered_with_its_serial),
		TEST(what_it_does_not_know_it_says),
		TEST(bind_mount_without_its_unit_says_how_to_turn_it_on),
		TEST(frames_have_bounds_and_deadlines),
		TEST(a_frame_that_trickles_is_cut_off_by_its_deadline),
		TEST(a_peer_that_does_not_read_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
