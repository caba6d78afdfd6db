/* SPDX-License-Identifier: MPL-2.0 */
/* Passwords through the port, against the development server: verdicts, time, traces. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/secret.h"
#include "src/base/util.h"
#include "tests/integration/idp_client.h"

#define RIGHT      "Kani-alice-horse-battery-9"
#define ALICE_UUID "f79fcf3a-7e0d-431b-9b32-b18aebc3685b"
#define AUTH_ALICE "POST /v1/account/alice/_unix/_auth"
#define ENOUGH_MS  20000

struct fixture {
	struct idp_server server;
	struct idp_client client;
	struct answer a;
	char ca[256];
};

static int
setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ 0 };
	idp_server_start(&f.server);
	(void)snprintf(f.ca, sizeof(f.ca), "%s", idp_server_cert(&f.server, "ca.pem"));
	idp_client_init(&f.client, &f.server, f.ca);
	idp_client_open(&f.client);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	answer_clear(&f->a);
	idp_client_close(&f->client);
	idp_server_stop(&f->server);
	return 0;
}

static void
on_verdict(void *arg, const struct idp_result *res, struct user *u)
{
	struct answer *a = arg;

	a->n++;
	a->res = *res;
	a->u = u;
}

static void
ask_bytes(struct fixture *f, struct answer *a, const char *id, const void *password,
    size_t len, int timeout_ms)
{
	struct secret *s = secret_copy(password, len);

	assert_non_null(s);
	answer_clear(a);
	idp_auth(f->client.idp, id, s, timeout_ms, on_verdict, a);
	(void)secret_free(s);
	assert_int_equal(a->n, 0);
}

static void
ask(struct fixture *f, const char *id, const char *password, int timeout_ms)
{
	ask_bytes(f, &f->a, id, password, strlen(password), timeout_ms);
}

static void
verdict_is(struct fixture *f, const char *id, const char *password, enum idp_class class,
    bool in)
{
	ask(f, id, password, ENOUGH_MS);
	wait_for(&f->client, &f->a);
	if (f->a.res.class != class || (f->a.u != NULL) != in)
		fail_msg("%s, \"%s\": class %d, %s: %s %s", id, password,
		    (int)f->a.res.class, f->a.u != NULL ? "a record" : "no record",
		    idp_reason_text(f->a.res.reason), f->a.res.detail);
}

static int64_t
elapsed_ms(const struct clock *begun)
{
	struct clock now;

	clock_read(&now);
	return (now.mono_ns - begun->mono_ns) / CLOCK_MS;
}

static void
until_fault_is_met(struct fixture *f)
{
	struct clock begun;

	clock_read(&begun);
	while (idp_server_seen(&f->server) == 0) {
		assert_int_equal(loop_turn(f->client.loop, 10), 0);
		assert_true(elapsed_ms(&begun) < 60000);
	}
}

/* ---- verdicts ---- */

static void
the_right_password_brings_the_record_by_any_id(void **state)
{
	static const char *const ids[] = { "alice", "alice@idm.example.test",
		ALICE_UUID };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		verdict_is(f, ids[i], RIGHT, IDP_FOUND, true);
		assert_string_equal(f->a.u->name, "alice");
		assert_true(f->a.u->valid);
		assert_int_equal(f->a.res.reason, IDP_OK);
	}
}

static void
the_servers_no_is_a_verdict_without_a_record(void **state)
{
	struct fixture *f = *state;

	verdict_is(f, "alice", "wrong", IDP_FOUND, false);
	/* locked for a second now: the right one, too */
	verdict_is(f, "alice", RIGHT, IDP_FOUND, false);
	idp_server_do(&f->server, "unlock alice");
	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
	verdict_is(f, "alice", "", IDP_FOUND, false);
	/* expired, not yet valid, none set, not a POSIX account */
	verdict_is(f, "carol", "Kani-carol-horse-battery-9", IDP_FOUND, false);
	verdict_is(f, "frank", "Kani-frank-horse-battery-9", IDP_FOUND, false);
	verdict_is(f, "dave", "x", IDP_FOUND, false);
	verdict_is(f, "erin", "x", IDP_FOUND, false);
}

static void
no_account_is_not_found_also_without_the_right_to_read(void **state)
{
	struct fixture *f = *state;

	idp_server_do(&f->server, "rights off");
	verdict_is(f, "nosuchuser", "x", IDP_NOTFOUND, false);
	verdict_is(f, "ssh-users", "x", IDP_NOTFOUND, false);
	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
	/* nor does a password prove that we may read: a missing record is not believed */
	user_is(&f->client, &f->a, "nosuchuser", IDP_REFUSED, IDP_NO_RIGHTS);
}

static void
what_another_entry_answers_is_nobodys_yes(void **state)
{
	struct fixture *f = *state;

	verdict_is(f, "alice,x", RIGHT, IDP_ERROR, false);
	assert_int_equal(f->a.res.reason, IDP_WRONG_ENTRY);
	idp_server_do(&f->server, "set alice name=alicia");
	verdict_is(f, ALICE_UUID, RIGHT, IDP_FOUND, true);
	assert_string_equal(f->a.u->name, "alicia");
}

static void
any_bytes_of_utf8_arrive_as_they_are(void **state)
{
	static const char *const odd[] = {
		"quote\" backslash\\ slash/ tab\t newline\n bell\a escape\033[2J del\177",
		"\1\2\3\4\5\6\7\10\13\14\16\17\20\21\22\23\24\25\26\27\30\31\32\34\35\36\37",
		"p\xc3\xa4ssw\xc3\xb6rter \xe2\x82\xac \xf0\x9f\x90\xb4 \xed\x9f\xbf",
		"\\u0000 \\\" {\"value\":\"x\"}",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		struct answer b = { 0 };
		char *command = NULL;

		/* words of a command are separated by blanks; none in the password itself */
		assert_true(asprintf(&command, "set bob posix_password=%s", odd[i]) > 0);
		for (char *c = strchr(command, '=') + 1; *c != '\0'; c++)
			*c = *c == ' ' ? '_' : *c;
		idp_server_do(&f->server, command);
		verdict_is(f, "bob", strchr(command, '=') + 1, IDP_FOUND, true);
		free(command);
		answer_clear(&b);
	}
}

static void
what_is_no_utf8_is_refused_without_asking(void **state)
{
	static const char *const bad[] = { "\xff", "caf\xe9", "\xc0\xaf", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "cut\xe2\x82" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		verdict_is(f, "alice", bad[i], IDP_FOUND, false);
		assert_int_equal(f->a.res.reason, IDP_NOT_ASKED);
	}
	assert_int_equal(idp_server_total(&f->server, "requests"), 0);
}

static void
the_longest_password_there_may_be_is_asked_about(void **state)
{
	struct fixture *f = *state;
	char longest[513];

	memset(longest, '\1', 512);
	longest[512] = '\0';
	verdict_is(f, "alice", longest, IDP_FOUND, false);
	assert_int_equal(idp_server_count(&f->server, AUTH_ALICE), 1);
}

/* ---- trouble ---- */

static void
an_expired_session_is_renewed_inside_the_request(void **state)
{
	struct fixture *f = *state;

	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
	idp_server_do(&f->server, "expire-sessions");
	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
	assert_int_equal(idp_server_count(&f->server, AUTH_ALICE), 3);
	idp_server_do(&f->server, "fault status 401 path=*/_auth");
	verdict_is(f, "alice", RIGHT, IDP_REFUSED, false);
	assert_int_equal(idp_server_count(&f->server, AUTH_ALICE), 5);
}

static void
what_helps_nobody_is_an_error_and_not_a_no(void **state)
{
	static const struct {
		const char *fault;
		enum idp_class class;
	} rows[] = {
		{ "fault status 500 path=*/_auth", IDP_ERROR },
		{ "fault status 503 path=*/_auth", IDP_ERROR },
		{ "fault status 403 path=*/_auth", IDP_ERROR },
		{ "fault status 404 path=*/_auth", IDP_ERROR }, /* HTML of a proxy */
		{ "fault status 422 path=*/_auth", IDP_ERROR },
		{ "fault wrong-json path=*/_auth", IDP_ERROR },
		{ "fault wrong-content-type path=*/_auth", IDP_ERROR },
		{ "fault reset-before-headers path=*/_auth", IDP_UNREACHABLE },
		{ "fault reset-after-headers path=*/_auth", IDP_UNREACHABLE },
		{ "fault truncate-body path=*/_auth", IDP_UNREACHABLE },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		idp_server_do(&f->server, rows[i].fault);
		verdict_is(f, "alice", RIGHT, rows[i].class, false);
		idp_server_do(&f->server, "fault clear");
	}
	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
	idp_server_do(&f->server, "off");
	idp_server_do(&f->server, "close-idle");
	verdict_is(f, "alice", RIGHT, IDP_UNREACHABLE, false);
}

/* The account is known to it, the session is open, the password is right. */
static void
no_password_is_sent_to_whom_cannot_be_verified(void **state)
{
	static const struct {
		const char *cert;
		enum idp_reason reason;
	} rows[] = {
		{ "cert unknown-ca", IDP_TLS_UNKNOWN_ISSUER },
		{ "cert self-signed", IDP_TLS_UNKNOWN_ISSUER },
		{ "cert expired", IDP_TLS_EXPIRED },
		{ "cert wrong-name", IDP_TLS_NAME },
	};
	struct fixture *f = *state;

	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		idp_server_do(&f->server, rows[i].cert);
		idp_server_do(&f->server, "close-idle");
		verdict_is(f, "alice", RIGHT, IDP_UNREACHABLE, false);
		assert_int_equal(f->a.res.reason, rows[i].reason);
		assert_int_equal(idp_server_count(&f->server, AUTH_ALICE), 1);
	}
	idp_server_do(&f->server, "cert server");
	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
	assert_int_equal(idp_server_count(&f->server, AUTH_ALICE), 2);
}

/* From the call to the answer, whatever it is that hangs. */
static void
ends_in_time(struct fixture *f, int timeout_ms, enum idp_class class)
{
	struct clock begun;

	clock_read(&begun);
	ask(f, "alice", RIGHT, timeout_ms);
	wait_for(&f->client, &f->a);
	assert_int_equal(f->a.res.class, class);
	assert_int_equal(f->a.res.reason, IDP_TIMED_OUT);
	assert_null(f->a.u);
	assert_in_range(elapsed_ms(&begun), timeout_ms - 5, timeout_ms + 400);
}

static void
a_frozen_server_is_unreachable_at_the_callers_deadline(void **state)
{
	struct fixture *f = *state;

	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
	idp_server_do(&f->server, "fault freeze path=*/_auth");
	ends_in_time(f, 300, IDP_UNREACHABLE);
	idp_server_do(&f->server, "fault clear");
	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
}

static void
our_own_login_is_part_of_the_time(void **state)
{
	struct fixture *f = *state;

	idp_server_do(&f->server, "fault freeze path=/v1/auth");
	ends_in_time(f, 300, IDP_UNREACHABLE);
	idp_server_do(&f->server, "fault clear");
	/* the login goes on, and the password nobody waits for is not sent behind it */
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	assert_int_equal(idp_server_count(&f->server, AUTH_ALICE), 0);
}

static void
the_repetition_after_401_is_part_of_the_time(void **state)
{
	struct fixture *f = *state;

	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
	idp_server_do(&f->server, "expire-sessions");
	idp_server_do(&f->server, "fault delay 200 path=*/_auth");
	idp_server_do(&f->server, "fault freeze skip=1 path=*/_auth");
	ends_in_time(f, 500, IDP_UNREACHABLE);
}

static void
a_slow_answer_within_the_time_counts(void **state)
{
	struct fixture *f = *state;

	idp_server_do(&f->server, "auth-delay 200");
	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
	assert_true(f->a.res.took_ms >= 200);
}

static void
without_time_nothing_is_sent(void **state)
{
	struct fixture *f = *state;

	ask(f, "alice", RIGHT, 0);
	wait_for(&f->client, &f->a);
	assert_int_equal(f->a.res.class, IDP_ERROR);
	assert_int_equal(f->a.res.reason, IDP_TIMED_OUT);
	assert_int_equal(idp_server_count(&f->server, AUTH_ALICE), 0);
}

/* ---- many ---- */

static void
lookups_that_hang_do_not_hold_up_a_login(void **state)
{
	enum { N = 100 };
	static struct answer many[N];
	struct fixture *f = *state;
	struct clock begun;

	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
	idp_server_do(&f->server, "fault freeze path=*/_token");
	for (int i = 0; i < N; i++)
		ask_user(&f->client, &many[i], "bob");
	until_fault_is_met(f);
	clock_read(&begun);
	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
	assert_true(elapsed_ms(&begun) < 2000);
	idp_server_do(&f->server, "fault clear");
	for (int i = 0; i < N; i++) {
		wait_for(&f->client, &many[i]);
		answer_clear(&many[i]);
	}
}

static void
waiting_in_line_is_no_news_of_the_server(void **state)
{
	enum { N = 40 };
	static struct answer many[N];
	struct fixture *f = *state;
	size_t in = 0, late = 0, line = 0;

	verdict_is(f, "alice", RIGHT, IDP_FOUND, true);
	idp_server_do(&f->server, "auth-delay 250");
	for (int i = 0; i < N; i++)
		ask_bytes(f, &many[i], "alice", RIGHT, strlen(RIGHT), 600);
	for (int i = 0; i < N; i++) {
		wait_for(&f->client, &many[i]);
		in += many[i].u != NULL;
		late += many[i].res.class == IDP_UNREACHABLE;
		line += many[i].res.class == IDP_ERROR;
		answer_clear(&many[i]);
	}
	/* 8 at once, 250 ms each: two rounds make it, the third is cut off on the wire */
	assert_in_range(in, 8, 24);
	assert_true(late <= 16);
	assert_true(line > 0);
	assert_int_equal(in + late + line, N);
}

static void
five_hundred_at_once_all_get_in(void **state)
{
	enum { N = 500 };
	static struct answer many[N];
	struct fixture *f = *state;

	for (int i = 0; i < N; i++)
		ask_bytes(f, &many[i], "alice", RIGHT, strlen(RIGHT), 120000);
	for (int i = 0; i < N; i++) {
		wait_for(&f->client, &many[i]);
		assert_non_null(many[i].u);
		answer_clear(&many[i]);
	}
	assert_true(idp_server_total(&f->server, "connections") <= 26);
}

static void
freeing_answers_everybody_at_once(void **state)
{
	enum { N = 40 };
	static struct answer many[N];
	struct fixture *f = *state;
	struct answer soon = { 0 };

	idp_server_do(&f->server, "fault freeze path=*/_auth");
	for (int i = 0; i < N; i++)
		ask_bytes(f, &many[i], "alice", RIGHT, strlen(RIGHT), 60000);
	until_fault_is_met(f);
	ask_bytes(f, &soon, "alice", "\xff", 1, 60000);
	f->client.idp = idp_free(f->client.idp);
	for (int i = 0; i < N; i++) {
		assert_int_equal(many[i].n, 1);
		assert_int_equal(many[i].res.reason, IDP_CANCELLED);
	}
	assert_int_equal(soon.n, 1);
}

/* ---- traces ---- */

/* A password that this process has never seen in clear but in a secret. */
#define VEIL      0x5a
#define VEILED(c) ((c) ^ VEIL)
static const uint8_t veiled[] = { VEILED('T'), VEILED('r'), VEILED('a'), VEILED('c'),
	VEILED('e'), VEILED('-'), VEILED('o'), VEILED('f'), VEILED('-'), VEILED('h'),
	VEILED('o'), VEILED('r'), VEILED('s'), VEILED('e') };

static void
put_unveiled(uint8_t *out)
{
	for (size_t i = 0; i < sizeof(veiled); i++)
		out[i] = (uint8_t)VEILED(veiled[i]);
}

static bool
is_at(const volatile uint8_t *p)
{
	for (size_t i = 0; i < sizeof(veiled); i++) {
		if (p[i] != VEILED(veiled[i]))
			return false;
	}
	return true;
}

static size_t
copies_in_memory(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	size_t n = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		uintptr_t from, to;
		char mode[5];

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, mode) != 3)
			continue;
		if (mode[0] != 'r' || mode[1] != 'w' || strstr(line, "[v") != NULL)
			continue;
		for (uintptr_t p = from; p + sizeof(veiled) <= to; p++)
			n += is_at((const volatile uint8_t *)p);
	}
	(void)fclose(maps);
	return n;
}

/* The sanitizers keep shadows and freed blocks of their own, terabytes of them. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_IS_OURS false
#else
#define MEMORY_IS_OURS true
#endif

static void
no_copy_of_a_password_stays(void **state)
{
	static const char *const verdicts[] = { "unlock alice",
		"fault status 401 count=1 path=*/_auth", "fault status 500 path=*/_auth",
		"fault reset-after-headers path=*/_auth", "fault freeze path=*/_auth" };
	struct fixture *f = *state;
	struct secret *s = secret_new(sizeof(veiled));

	assert_non_null(s);
	if (!MEMORY_IS_OURS) {
		(void)secret_free(s);
		skip();
	}
	put_unveiled(s->data);
	s->len = sizeof(veiled);
	assert_int_equal(copies_in_memory(), 1); /* the search finds what is there */
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		idp_server_do(&f->server, verdicts[i]);
		answer_clear(&f->a);
		idp_auth(f->client.idp, "alice", s, 500, on_verdict, &f->a);
		wait_for(&f->client, &f->a);
		idp_server_do(&f->server, "fault clear");
		/* a lookup behind it: whatever was cut off is back by then */
		user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
		assert_int_equal(copies_in_memory(), 1);
	}
	(void)secret_free(s);
	assert_int_equal(copies_in_memory(), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_right_password_brings_the_record_by_any_id),
		TEST(the_servers_no_is_a_verdict_without_a_record),
		TEST(no_account_is_not_found_also_without_the_right_to_read),
		TEST(what_another_entry_answers_is_nobodys_yes),
		TEST(any_bytes_of_utf8_arrive_as_they_are),
		TEST(what_is_no_utf8_is_refused_without_asking),
		TEST(the_longest_password_there_may_be_is_asked_about),
		TEST(an_expired_session_is_renewed_inside_the_request),
		TEST(what_helps_nobody_is_an_error_and_not_a_no),
		TEST(no_password_is_sent_to_whom_cannot_be_verified),
		TEST(a_frozen_server_is_unreachable_at_the_callers_deadline),
		TEST(our_own_login_is_part_of_the_time),
		TEST(the_repetition_after_401_is_part_of_the_time),
		TEST(a_slow_answer_within_the_time_counts),
		TEST(without_time_nothing_is_sent),
		TEST(lookups_that_hang_do_not_hold_up_a_login),
		TEST(waiting_in_line_is_no_news_of_the_server),
		TEST(five_hundred_at_once_all_get_in),
		TEST(freeing_answers_everybody_at_once),
		TEST(no_copy_of_a_password_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
