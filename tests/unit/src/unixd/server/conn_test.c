/* SPDX-License-Identifier: MPL-2.0 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/deadline.h"
#include "src/base/util.h"
#include "unit/src/unixd/server/harness.h"

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

static void
expect_status(struct harness *h, int fd, uint32_t serial, uint16_t status)
{
	struct answer_frame a;

	harness_reply(h, fd, &a);
	assert_int_equal(a.h.serial, serial);
	assert_int_equal(a.h.status, status);
}

static void
a_request_that_comes_byte_by_byte_is_answered(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid()), probe[2];
	uint8_t bytes[64];
	ssize_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, probe), 0);
	harness_ask_name(probe[0], KU_OP_PASSWD_BY_NAME, 7, "alice");
	n = recv(probe[1], bytes, sizeof(bytes), 0);
	assert_true(n > 0);
	for (ssize_t i = 0; i < n; i++) {
		harness_send(fd, bytes + i, 1);
		harness_settle(h);
		assert_int_equal(h->resolver.n_asked, i == n - 1 ? 1 : 0);
	}
	expect_status(h, fd, 7, KU_ST_OK);
	(void)close(probe[0]);
	(void)close(probe[1]);
	(void)close(fd);
}

static void
requests_sent_at_once_are_answered_in_order(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());

	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 1, "alice");
	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 2, "slow");
	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 3, "nobody-here");
	expect_status(h, fd, 1, KU_ST_OK);
	harness_settle(h);
	/* the third waits until the second is answered */
	assert_int_equal(h->resolver.n_asked, 2);
	fake_release(&h->resolver);
	expect_status(h, fd, 2, KU_ST_OK);
	expect_status(h, fd, 3, KU_ST_NOTFOUND);
	(void)close(fd);
}

static void
a_peer_that_leaves_while_waiting_is_forgotten(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());

	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 1, "slow");
	harness_settle(h);
	assert_int_equal(h->resolver.n_waiting, 1);
	(void)close(fd);
	harness_settle(h);
	assert_int_equal(h->resolver.n_cancelled, 1);
	assert_int_equal(server_n_conns(h->server), 0);
}

static void
a_peer_that_only_stopped_sending_still_gets_its_answer(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());

	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 1, "slow");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	harness_settle(h);
	assert_int_equal(h->resolver.n_cancelled, 0);
	fake_release(&h->resolver);
	expect_status(h, fd, 1, KU_ST_OK);
	assert_true(harness_is_closed(h, fd));
	(void)close(fd);
}

static void
bytes_of_another_protocol_close_the_connection_without_a_word(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());

	harness_send(fd, "GET / HTTP/1.1\r\n\r\n", 18);
	assert_true(harness_is_closed(h, fd));
	(void)close(fd);
}

static void
another_version_is_told_so(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());
	struct frame_header req = { .version = 9, .op = KU_OP_STATUS, .serial = 4 };
	uint8_t frame[KU_WIRE_HEADER_LEN];
	struct answer_frame a;

	frame_put(frame, &req);
	harness_send(fd, frame, sizeof(frame));
	harness_reply(h, fd, &a);
	assert_int_equal(a.h.version, KU_WIRE_VERSION);
	assert_int_equal(a.h.op, KU_OP_STATUS);
	assert_int_equal(a.h.serial, 4);
	assert_int_equal(a.h.status, KU_ST_VERSION);
	assert_true(harness_is_closed(h, fd));
	(void)close(fd);
}

static void
an_operation_of_the_future_is_refused_and_the_next_one_served(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());

	harness_request(fd, 0x7777, 5, "what?", 5);
	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 6, "alice");
	expect_status(h, fd, 5, KU_ST_VERSION);
	expect_status(h, fd, 6, KU_ST_OK);
	(void)close(fd);
}

static void
a_body_longer_than_its_operation_allows_is_refused_from_its_header(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());
	struct frame_header req = {
		.version = KU_WIRE_VERSION,
		.op = KU_OP_PASSWD_BY_UID,
		.serial = 8,
		.length = 5,
	};
	uint8_t frame[KU_WIRE_HEADER_LEN];

	frame_put(frame, &req);
	harness_send(fd, frame, sizeof(frame));
	expect_status(h, fd, 8, KU_ST_BAD);
	assert_true(harness_is_closed(h, fd));
	(void)close(fd);
}

/* Both limits are short here; that a dribbling peer is cut off although it keeps sending is
 * what tells the request limit from the idle one. */
static void
a_request_must_be_complete_in_time_however_it_trickles(void **state)
{
	struct server_settings s = { .request_ms = 300, .idle_ms = 60000 };
	struct deadline deadline = deadline_in_ms(20000);
	struct frame_header req = {
		.version = KU_WIRE_VERSION,
		.op = KU_OP_PASSWD_BY_NAME,
		.length = 500,
	};
	uint8_t frame[KU_WIRE_HEADER_LEN];
	int64_t next = 0;
	unsigned sent = 0;
	struct harness h;
	int fd;

	(void)state;
	harness_start(&h, &s);
	fd = harness_connect(&h, geteuid());
	frame_put(frame, &req);
	harness_send(fd, frame, sizeof(frame));
	/* A byte each millisecond, so that it would be whole after half a second. */
	while (server_n_conns(h.server) != 0) {
		assert_int_not_equal(deadline_left_ms(deadline), 0);
		assert_in_range(sent, 0, req.length - 1);
		if (clock_mono_ns() >= next) {
			(void)send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
			next = clock_mono_ns() + 1000000;
			sent++;
		}
		assert_int_equal(loop_turn(h.loop, 1), 0);
	}
	assert_int_equal(h.resolver.n_asked, 0);
	(void)close(fd);
	harness_stop(&h);
}

static void
an_idle_peer_is_dropped(void **state)
{
	struct server_settings s = { .request_ms = 60000, .idle_ms = 30 };
	struct harness h;
	int fd;

	(void)state;
	harness_start(&h, &s);
	fd = harness_connect(&h, geteuid());
	assert_true(harness_is_closed(&h, fd));
	(void)close(fd);
	harness_stop(&h);
}

static void
a_waiting_question_is_not_idle(void **state)
{
	struct server_settings s = { .request_ms = 30, .idle_ms = 30 };
	struct deadline until = deadline_in_ms(120);
	struct harness h;
	int fd;

	(void)state;
	harness_start(&h, &s);
	fd = harness_connect(&h, geteuid());
	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 1, "slow");
	while (deadline_left_ms(until) != 0)
		assert_int_equal(loop_turn(h.loop, 20), 0);
	fake_release(&h.resolver);
	expect_status(&h, fd, 1, KU_ST_OK);
	(void)close(fd);
	harness_stop(&h);
}

/* A reply larger than the socket takes: nothing further is read until it is taken. */
static void
a_large_reply_waits_for_its_reader(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());
	size_t n = 500000, len = KU_WIRE_HEADER_LEN + 12 + 6 + 2 + 6 + (n - 1) * 4;
	uint8_t *buf = test_malloc(len);
	struct frame_header f;

	h->resolver.n_members = n;
	harness_ask_name(fd, KU_OP_GROUP_BY_NAME, 1, "staff");
	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 2, "alice");
	harness_settle(h);
	assert_int_equal(h->resolver.n_asked, 1);
	assert_int_equal(harness_read(h, fd, buf, len), len);
	assert_int_equal(frame_get(buf, &f), 0);
	assert_int_equal(f.status, KU_ST_OK);
	assert_int_equal(f.length, len - KU_WIRE_HEADER_LEN);
	expect_status(h, fd, 2, KU_ST_OK);
	test_free(buf);
	(void)close(fd);
}

static void
readers_that_take_nothing_cannot_fill_our_memory(void **state)
{
	struct server_settings s = { .max_output = 1024 * 1024 };
	struct harness h;
	int greedy, other;

	(void)state;
	harness_start(&h, &s);
	h.resolver.n_members = 700000;
	greedy = harness_connect(&h, geteuid());
	other = harness_connect(&h, geteuid());
	harness_ask_name(greedy, KU_OP_GROUP_BY_NAME, 1, "staff");
	harness_settle(&h);
	harness_ask_name(other, KU_OP_GROUP_BY_NAME, 2, "staff");
	expect_status(&h, other, 2, KU_ST_BUSY);
	/* nor keep anybody from what takes no room: lookups of people, logins */
	harness_ask_name(other, KU_OP_PASSWD_BY_NAME, 4, "alice");
	expect_status(&h, other, 4, KU_ST_OK);
	(void)close(greedy);
	harness_settle(&h);
	h.resolver.n_members = 2;
	harness_ask_name(other, KU_OP_GROUP_BY_NAME, 3, "staff");
	expect_status(&h, other, 3, KU_ST_OK);
	(void)close(other);
	harness_stop(&h);
}

static void
an_answer_beyond_the_protocols_cap_is_not_sent(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());

	h->resolver.n_members = KU_MAX_REPLY / 4 + 1000;
	harness_ask_name(fd, KU_OP_GROUP_BY_NAME, 1, "staff");
	expect_status(h, fd, 1, KU_ST_UNAVAIL);
	(void)close(fd);
}

static void
a_user_over_the_quota_waits_while_others_are_served(void **state)
{
	struct server_settings s = { .max_per_uid = 3, .max_conns = 4 };
	struct harness h;
	int fds[5], other;

	(void)state;
	harness_start(&h, &s);
	/* three are served, one waits, and with that all places are taken */
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = harness_connect(&h, 4711);
	assert_int_equal(server_n_conns(h.server), 4);
	assert_true(harness_is_closed(&h, fds[4]));
	harness_ask_name(fds[3], KU_OP_PASSWD_BY_NAME, 4, "alice");
	harness_settle(&h);
	assert_int_equal(h.resolver.n_asked, 0);
	/* root is never refused, nor made to wait */
	other = harness_connect(&h, 0);
	harness_ask_name(other, KU_OP_PASSWD_BY_NAME, 1, "alice");
	expect_status(&h, other, 1, KU_ST_OK);
	(void)close(fds[0]);
	expect_status(&h, fds[3], 4, KU_ST_OK);
	for (size_t i = 1; i < ARRAY_SIZE(fds); i++)
		(void)close(fds[i]);
	(void)close(other);
	harness_settle(&h);
	assert_int_equal(server_n_conns(h.server), 0);
	harness_stop(&h);
}

/* Many uids (a user has 65,536 in a user namespace) must not lock the others out. */
static void
when_all_places_are_taken_the_oldest_idle_peer_makes_room(void **state)
{
	struct server_settings s = { .max_per_uid = 2, .max_conns = 4 };
	struct harness h;
	int fds[4], late;

	(void)state;
	harness_start(&h, &s);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = harness_connect(&h, 4711 + (uid_t)i);
	harness_send(fds[0], "K", 1);
	harness_settle(&h);
	late = harness_connect(&h, 5000);
	harness_ask_name(late, KU_OP_PASSWD_BY_NAME, 1, "alice");
	expect_status(&h, late, 1, KU_ST_OK);
	assert_int_equal(server_n_conns(h.server), 4);
	assert_true(harness_is_closed(&h, fds[1]));
	harness_ask_name(fds[2], KU_OP_PASSWD_BY_NAME, 2, "alice");
	expect_status(&h, fds[2], 2, KU_ST_OK);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		(void)close(fds[i]);
	(void)close(late);
	harness_stop(&h);
}

static void
who_waits_or_dawdles_makes_room_when_nobody_is_idle(void **state)
{
	struct server_settings s = { .max_per_uid = 1, .max_conns = 2 };
	struct harness h;
	int dawdler, waiting, other, third;

	(void)state;
	harness_start(&h, &s);
	dawdler = harness_connect(&h, 4711);
	waiting = harness_connect(&h, 4711);
	harness_send(dawdler, "K", 1);
	harness_settle(&h);
	other = harness_connect(&h, 4712);
	harness_send(other, "K", 1);
	harness_settle(&h);
	assert_true(harness_is_closed(&h, waiting));
	third = harness_connect(&h, 4713);
	assert_true(harness_is_closed(&h, dawdler));
	harness_ask_name(third, KU_OP_PASSWD_BY_NAME, 3, "alice");
	expect_status(&h, third, 3, KU_ST_OK);
	(void)close(dawdler);
	(void)close(waiting);
	(void)close(other);
	(void)close(third);
	harness_stop(&h);
}

static void
a_waiting_peer_may_leave(void **state)
{
	struct server_settings s = { .max_per_uid = 1 };
	struct harness h;
	int first, second;

	(void)state;
	harness_start(&h, &s);
	first = harness_connect(&h, 4711);
	second = harness_connect(&h, 4711);
	assert_int_equal(server_n_conns(h.server), 2);
	(void)close(second);
	harness_settle(&h);
	assert_int_equal(server_n_conns(h.server), 1);
	harness_ask_name(first, KU_OP_PASSWD_BY_NAME, 1, "alice");
	expect_status(&h, first, 1, KU_ST_OK);
	(void)close(first);
	harness_stop(&h);
}

static void
stopping_cancels_what_waits(void **state)
{
	struct harness h;
	int fd;

	(void)state;
	harness_start(&h, NULL);
	fd = harness_connect(&h, geteuid());
	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 1, "slow");
	harness_settle(&h);
	assert_int_equal(h.resolver.n_waiting, 1);
	harness_stop(&h);
	assert_int_equal(h.resolver.n_cancelled, 1);
	(void)close(fd);
}

int
main(void)
{
#define CONN_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CONN_TEST(a_request_that_comes_byte_by_byte_is_answered),
		CONN_TEST(requests_sent_at_once_are_answered_in_order),
		CONN_TEST(a_peer_that_leaves_while_waiting_is_forgotten),
		CONN_TEST(a_peer_that_only_stopped_sending_still_gets_its_answer),
		CONN_TEST(bytes_of_another_protocol_close_the_connection_without_a_word),
		CONN_TEST(another_version_is_told_so),
		CONN_TEST(an_operation_of_the_future_is_refused_and_the_next_one_served),
		CONN_TEST(
		    a_body_longer_than_its_operation_allows_is_refused_from_its_header),
		cmocka_unit_test(a_request_must_be_complete_in_time_however_it_trickles),
		cmocka_unit_test(an_idle_peer_is_dropped),
		cmocka_unit_test(a_waiting_question_is_not_idle),
		CONN_TEST(a_large_reply_waits_for_its_reader),
		cmocka_unit_test(readers_that_take_nothing_cannot_fill_our_memory),
		CONN_TEST(an_answer_beyond_the_protocols_cap_is_not_sent),
		cmocka_unit_test(a_user_over_the_quota_waits_while_others_are_served),
		cmocka_unit_test(
		    when_all_places_are_taken_the_oldest_idle_peer_makes_room),
		cmocka_unit_test(who_waits_or_dawdles_makes_room_when_nobody_is_idle),
		cmocka_unit_test(a_waiting_peer_may_leave),
		cmocka_unit_test(stopping_cancels_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
