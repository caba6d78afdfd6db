/* SPDX-License-Identifier: MPL-2.0 */
#include "src/client/client.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/fake.h"
#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/le.h"
#include "src/base/util.h"

static char dir[] = "/tmp/ku-client-XXXXXX";
static char path[64];
static struct fake fake;

static uint8_t req[4 + 16];
static uint8_t head[12];
static char tail[32 * 1024];

static struct client_call
question(uint16_t op, const char *name)
{
	size_t len = strlen(name);

	le32_put(req, (uint32_t)len);
	memcpy(req + 4, name, len);
	memset(head, 0xee, sizeof(head));
	return (struct client_call){ .path = path,
		.op = op,
		.req = req,
		.req_len = 4 + len,
		.head = head,
		.head_len = sizeof(head),
		.tail = tail,
		.tail_cap = sizeof(tail) };
}

static int
ask_alice(int ms)
{
	struct client_call call = question(KU_OP_PASSWD_BY_NAME, "alice");
	int r = client_call(&call, deadline_in_ms(ms));

	if (r == 0 && call.status == KU_ST_OK) {
		assert_int_equal(le32_get(head), FAKE_ALICE_UID);
		assert_string_equal(tail, "alice");
	}
	return r != 0 ? r : (int)call.status;
}

static int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/sock", dir);
	fake_start(&fake, path, 16);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_stop(&fake);
	(void)unlink(path);
	return rmdir(dir);
}

static int
reset(void **state)
{
	(void)state;
	fake_set(&fake, FAKE_ANSWER, 0);
	(void)fake_requests(&fake);
	return 0;
}

static void
a_reply_lands_in_head_and_tail(void **state)
{
	struct client_call call = question(KU_OP_PASSWD_BY_NAME, "alice");

	(void)state;
	assert_int_equal(client_call(&call, deadline_in_ms(5000)), 0);
	assert_int_equal(call.status, KU_ST_OK);
	assert_int_equal(le32_get(head + 8), call.tail_len);
	assert_memory_equal(tail, "alice\0x\0Alice Doe\0/home/alice\0/bin/sh",
	    call.tail_len);
	assert_int_equal(fake_requests(&fake), 1);
}

static void
a_reply_in_many_pieces_is_put_together(void **state)
{
	struct client_call call;

	(void)state;
	fake_set(&fake, FAKE_BYTEWISE, 0);
	assert_int_equal(ask_alice(5000), KU_ST_OK);
	fake_set(&fake, FAKE_ANSWER, 0);
	call = question(KU_OP_GROUP_BY_NAME, "big");
	assert_int_equal(client_call(&call, deadline_in_ms(5000)), 0);
	assert_int_equal(le32_get(head + 4), FAKE_BIG);
	assert_int_equal(le32_get(head + 8), call.tail_len);
	assert_string_equal(tail + call.tail_len - 5, "m999");
}

static void
a_tail_that_is_too_small_says_what_is_needed(void **state)
{
	struct client_call call = question(KU_OP_PASSWD_BY_NAME, "alice");
	size_t need;

	(void)state;
	assert_int_equal(client_call(&call, deadline_in_ms(5000)), 0);
	need = call.tail_len;
	for (size_t cap = 0; cap <= need; cap++) {
		call.tail_cap = cap;
		memset(tail, 0x5a, sizeof(tail));
		assert_int_equal(client_call(&call, deadline_in_ms(5000)),
		    cap < need ? -ERANGE : 0);
		assert_int_equal(call.tail_len, need);
		assert_int_equal(tail[cap], 0x5a);
	}
}

static void
a_status_without_a_body_is_an_answer(void **state)
{
	struct client_call call = question(KU_OP_PASSWD_BY_NAME, "nobody-here");

	(void)state;
	assert_int_equal(client_call(&call, deadline_in_ms(5000)), 0);
	assert_int_equal(call.status, KU_ST_NOTFOUND);
	assert_int_equal(call.tail_len, 0);
	fake_set(&fake, FAKE_STATUS, KU_ST_BUSY);
	assert_int_equal(ask_alice(5000), KU_ST_BUSY);
	fake_set(&fake, FAKE_WRONG_VERSION, 0);
	assert_int_equal(ask_alice(5000), KU_ST_VERSION);
}

static void
the_text_of_a_refusal_is_given(void **state)
{
	struct client_call call = question(KU_OP_CACHE_CLEAR, "");

	(void)state;
	call.req_len = 0;
	call.head_len = 8;
	fake_set(&fake, FAKE_STATUS_TEXT, KU_ST_DENIED);
	assert_int_equal(client_call(&call, deadline_in_ms(5000)), 0);
	assert_int_equal(call.status, KU_ST_DENIED);
	assert_int_equal(call.tail_len, 3);
	assert_string_equal(tail, "no");
}

static void
what_is_no_reply_to_the_question_is_refused(void **state)
{
	static const enum fake_mode modes[] = { FAKE_WRONG_MAGIC, FAKE_WRONG_OP,
		FAKE_WRONG_SERIAL, FAKE_HUGE_LENGTH, FAKE_EXTRA };
	int fds = count_fds();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		fake_set(&fake, modes[i], 0);
		assert_int_equal(ask_alice(5000), -EPROTO);
	}
	fake_set(&fake, FAKE_BIG_LENGTH, 0);
	assert_int_equal(ask_alice(5000), -ERANGE);
	fake_set(&fake, FAKE_CUT, 0);
	assert_int_equal(ask_alice(5000), -ECONNRESET);
	for (unsigned seed = 0; seed < 200; seed++) {
		fake_set(&fake, FAKE_GARBAGE, seed);
		assert_int_equal(ask_alice(5000), -EPROTO);
	}
	assert_int_equal(count_fds(), fds);
}

static void
a_reply_shorter_than_its_fixed_part_is_refused(void **state)
{
	(void)state;
	fake_set(&fake, FAKE_STATUS, KU_ST_OK);
	assert_int_equal(ask_alice(5000), -EPROTO);
}

static void
a_daemon_that_restarts_is_asked_once_more(void **state)
{
	(void)state;
	fake_set(&fake, FAKE_EOF_ONCE, 0);
	assert_int_equal(ask_alice(5000), KU_ST_OK);
	assert_int_equal(fake_requests(&fake), 2);
	fake_set(&fake, FAKE_EOF, 0);
	assert_int_equal(ask_alice(5000), -ECONNRESET);
	assert_int_equal(fake_requests(&fake), 2);
	/* half a reply is not repeated */
	fake_set(&fake, FAKE_CUT, 0);
	assert_int_equal(ask_alice(5000), -ECONNRESET);
	assert_int_equal(fake_requests(&fake), 1);
}

/* Milliseconds that a call with this deadline took; it must time out. */
static int64_t
time_out_after(int ms)
{
	int64_t t = clock_mono_ns();

	assert_int_equal(ask_alice(ms), -ETIMEDOUT);
	return (clock_mono_ns() - t) / 1000000;
}

static void
the_deadline_holds_whatever_the_daemon_does(void **state)
{
	(void)state;
	fake_set(&fake, FAKE_FROZEN, 0);
	assert_in_range(time_out_after(50), 50, 1000);
	fake_set(&fake, FAKE_SLOW, 0);
	assert_in_range(time_out_after(100), 100, 1000);
	assert_int_equal(kill(fake.pid, SIGSTOP), 0);
	assert_in_range(time_out_after(50), 50, 1000);
	assert_in_range(time_out_after(0), 0, 1000);
	assert_int_equal(kill(fake.pid, SIGCONT), 0);
	fake_set(&fake, FAKE_ANSWER, 0);
	assert_int_equal(ask_alice(5000), KU_ST_OK);
}

static void
on_alarm(int sig)
{
	(void)sig;
}

static void
signals_do_not_stretch_the_deadline_or_break_a_call(void **state)
{
	struct sigaction sa = { .sa_handler = on_alarm }, old;
	const struct itimerval each_ms = { { 0, 1000 }, { 0, 1000 } }, off = { 0 };

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &each_ms, NULL), 0);
	fake_set(&fake, FAKE_FROZEN, 0);
	assert_in_range(time_out_after(80), 80, 1500);
	fake_set(&fake, FAKE_ANSWER, 0);
	for (int i = 0; i < 300; i++)
		assert_int_equal(ask_alice(5000), KU_ST_OK);
	assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
}

static void
a_full_accept_queue_is_waited_for_within_the_deadline(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char full[80];
	int fd[8], listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct client_call call = question(KU_OP_PASSWD_BY_NAME, "alice");

	(void)state;
	(void)snprintf(full, sizeof(full), "%s/full", dir);
	memcpy(addr.sun_path, full, strlen(full) + 1);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fd[i], (struct sockaddr *)&addr, sizeof(addr));
	}
	call.path = full;
	assert_int_equal(client_call(&call, deadline_in_ms(30)), -ETIMEDOUT);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		(void)close(fd[i]);
	(void)close(listener);
	assert_int_equal(client_call(&call, deadline_in_ms(5000)), -ECONNREFUSED);
	assert_int_equal(unlink(full), 0);
	assert_int_equal(client_call(&call, deadline_in_ms(5000)), -ENOENT);
}

static void
an_impossible_path_is_refused(void **state)
{
	struct client_call call = question(KU_OP_PASSWD_BY_NAME, "alice");
	char long_path[200];

	(void)state;
	memset(long_path, 'a', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	call.path = long_path;
	assert_int_equal(client_call(&call, deadline_in_ms(5000)), -ENAMETOOLONG);
}

static void
errno_and_descriptors_are_as_before(void **state)
{
	struct client_call call = question(KU_OP_PASSWD_BY_NAME, "alice");
	int fds = count_fds();

	(void)state;
	errno = ETXTBSY;
	assert_int_equal(ask_alice(5000), KU_ST_OK);
	assert_int_equal(errno, ETXTBSY);
	call.path = "/nonexistent/sock";
	assert_int_equal(client_call(&call, deadline_in_ms(5000)), -ENOENT);
	assert_int_equal(errno, ETXTBSY);
	assert_int_equal(count_fds(), fds);
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
	(void)close(0);
	(void)close(1);
	(void)close(2);
	if (ask_alice(5000) != KU_ST_OK)
		return 1;
	/* and they are still closed */
	return dup(0) == -1 && dup(1) == -1 && dup(2) == -1 ? 0 : 2;
}

static int
without_descriptors(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_NOFILE, &none) != 0)
		return 1;
	return ask_alice(5000) == -EMFILE ? 0 : 2;
}

static void
closed_stdio_stays_closed_and_no_descriptor_left_is_said(void **state)
{
	(void)state;
	in_child(with_stdio_closed);
	in_child(without_descriptors);
}

static void *
ask_frozen(void *arg)
{
	int *ret_result = arg;

	*ret_result = ask_alice(200);
	pthread_testcancel();
	*ret_result = 1;
	return NULL;
}

static void
cancellation_waits_for_the_call_to_end(void **state)
{
	int fds = count_fds(), result = 0;
	void *how = NULL;
	pthread_t t;

	(void)state;
	fake_set(&fake, FAKE_FROZEN, 0);
	assert_int_equal(pthread_create(&t, NULL, ask_frozen, &result), 0);
	assert_int_equal(pthread_cancel(t), 0);
	assert_int_equal(pthread_join(t, &how), 0);
	assert_ptr_equal(how, PTHREAD_CANCELED);
	/* cancelled before it began, or when it was through; never inside */
	assert_true(result == 0 || result == -ETIMEDOUT);
	assert_int_equal(count_fds(), fds);
}

/* /tmp is everybody's: whoever made the directory of the socket there may be anybody. What
 * is believed is shown with the module, in tests/host/pam_matrix.c. */
static void
nothing_is_sent_to_a_peer_that_cannot_be_verified(void **state)
{
	struct client_call call = question(KU_OP_PASSWD_BY_NAME, "alice");
	int fds = count_fds();

	(void)state;
	call.verify_peer = true;
	assert_int_equal(client_call(&call, deadline_in_ms(1000)), -EPERM);
	assert_int_equal(fake_requests(&fake), 0);
	assert_int_equal(count_fds(), fds);
	call.verify_peer = false;
	assert_int_equal(client_call(&call, deadline_in_ms(1000)), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, reset)
	const struct CMUnitTest tests[] = {
		T(a_reply_lands_in_head_and_tail),
		T(a_reply_in_many_pieces_is_put_together),
		T(a_tail_that_is_too_small_says_what_is_needed),
		T(a_status_without_a_body_is_an_answer),
		T(the_text_of_a_refusal_is_given),
		T(what_is_no_reply_to_the_question_is_refused),
		T(a_reply_shorter_than_its_fixed_part_is_refused),
		T(a_daemon_that_restarts_is_asked_once_more),
		T(the_deadline_holds_whatever_the_daemon_does),
		T(signals_do_not_stretch_the_deadline_or_break_a_call),
		T(a_full_accept_queue_is_waited_for_within_the_deadline),
		T(an_impossible_path_is_refused),
		T(errno_and_descriptors_are_as_before),
		T(nothing_is_sent_to_a_peer_that_cannot_be_verified),
		T(closed_stdio_stays_closed_and_no_descriptor_left_is_said),
		T(cancellation_waits_for_the_call_to_end),
	};
#undef T

	return cmocka_run_group_tests(tests, setup, teardown);
}
