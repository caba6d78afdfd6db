/* SPDX-License-Identifier: MPL-2.0 */
/* The port against the development server: sessions, answers, rights, trouble. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "tests/integration/idp_fixture.h"

#define ALICE_UUID "f79fcf3a-7e0d-431b-9b32-b18aebc3685b"

/* Turns the loop until the server has met the (only) fault that was set. */
static void
until_fault_is_met(struct fixture *f)
{
	struct clock begun;

	clock_read(&begun);
	while (idp_server_seen(&f->server) == 0) {
		assert_int_equal(loop_turn(f->client.loop, 10), 0);
		assert_true(
		    loop_now(f->client.loop)->mono_ns - begun.mono_ns < 60 * CLOCK_S);
	}
}

static void
test_a_person_is_found_by_name_spn_uuid_and_number(void **state)
{
	static const char *const ids[] = { "alice", "alice@idm.example.test", ALICE_UUID,
		"2076403803" };
	struct fixture *f = *state;

	idp_client_open(&f->client);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		user_is(&f->client, &f->a, ids[i], IDP_FOUND, IDP_OK);
		assert_string_equal(f->a.u->name, "alice");
		assert_int_equal(f->a.u->id, 2076403803);
		assert_int_equal(f->a.u->n_groups, 4);
		assert_string_equal(f->a.u->groups[0]->name, "alice");
		assert_int_equal(f->a.u->n_keys, 1);
		assert_true(f->a.u->valid);
	}
	/* One login for all of them, on one connection. */
	assert_int_equal(idp_server_count(&f->server, "POST /v1/auth"), 3);
	assert_int_equal(idp_server_count(&f->server, "GET /v1/self"), 1);
	assert_int_equal(idp_server_total(&f->server, "connections"), 1);
}

static void
test_what_the_server_shows_of_itself_is_kept(void **state)
{
	struct fixture *f = *state;
	const struct idp_identity *id;

	idp_client_open(&f->client);
	assert_string_equal(idp_identity(f->client.idp)->domain, "");
	probe_is(&f->client, NULL, IDP_FOUND, IDP_OK);
	id = idp_identity(f->client.idp);
	assert_string_equal(id->spn, "anonymous@idm.example.test");
	assert_string_equal(id->domain, "idm.example.test");
	assert_string_equal(id->server_version, "1.11.1");
	assert_false(id->token_mode);
	assert_true(id->cert_issuer[0] != '\0');
	assert_true(id->cert_not_before > 0);
	assert_true(id->cert_not_after > loop_now(f->client.loop)->wall_ns / CLOCK_S);
}

static void
test_how_far_the_clocks_are_apart_is_known(void **state)
{
	struct fixture *f = *state;
	const struct idp_identity *id;

	idp_client_open(&f->client);
	probe_is(&f->client, NULL, IDP_FOUND, IDP_OK);
	id = idp_identity(f->client.idp);
	assert_in_range(id->ahead_s + 30, 0, 60);
	idp_server_do(&f->server, "clock +86400");
	probe_is(&f->client, NULL, IDP_FOUND, IDP_OK);
	assert_in_range(id->ahead_s + 86400 + 30, 0, 60);
	idp_server_do(&f->server, "clock reset");
}

static void
test_no_such_entry_and_not_that_kind_are_not_found(void **state)
{
	struct fixture *f = *state;

	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "nosuchuser", IDP_NOTFOUND, IDP_OK);
	user_is(&f->client, &f->a, "erin", IDP_NOTFOUND, IDP_OK);
	user_is(&f->client, &f->a, "ssh-users", IDP_NOTFOUND, IDP_OK);
	user_is(&f->client, &f->a, "68000", IDP_NOTFOUND, IDP_OK);
	group_is(&f->client, &f->a, "plain_group", IDP_NOTFOUND, IDP_OK);
	group_is(&f->client, &f->a, "nosuchgroup", IDP_NOTFOUND, IDP_OK);
}

static void
test_what_the_servers_parser_makes_of_an_odd_id_is_not_believed(void **state)
{
	static const char *const ids[] = { "name=alice", "alice,foo", "alice,dc=x",
		"ALICE,y" };
	struct fixture *f = *state;

	idp_client_open(&f->client);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		user_is(&f->client, &f->a, ids[i], IDP_ERROR, IDP_WRONG_ENTRY);
	user_is(&f->client, &f->a, "../../self", IDP_NOTFOUND, IDP_OK);
}

static void
test_an_expired_session_is_renewed_inside_the_request(void **state)
{
	struct fixture *f = *state;

	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	idp_server_do(&f->server, "expire-sessions");
	user_is(&f->client, &f->a, "bob", IDP_FOUND, IDP_OK);
	assert_int_equal(idp_server_count(&f->server, "POST /v1/auth"), 6);
}

static void
test_many_requests_share_one_login_and_few_connections(void **state)
{
	enum { N = 300 };
	static struct answer many[N];
	struct fixture *f = *state;

	idp_client_open(&f->client);
	for (int round = 0; round < 2; round++) {
		idp_server_do(&f->server, "expire-sessions");
		idp_server_do(&f->server, "counters reset");
		for (int i = 0; i < N; i++)
			ask_user(&f->client, &many[i], i % 2 == 0 ? "alice" : "bob");
		for (int i = 0; i < N; i++) {
			wait_for(&f->client, &many[i]);
			assert_int_equal(many[i].res.class, IDP_FOUND);
			assert_string_equal(many[i].u->name,
			    i % 2 == 0 ? "alice" : "bob");
			answer_clear(&many[i]);
		}
		assert_true(idp_server_total(&f->server, "connections") <= 66);
	}
}

static unsigned
sockets_of_ours(void)
{
	unsigned n = 0;
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		char target[64] = "";

		if (readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1) > 0)
			n += strncmp(target, "socket:", 7) == 0;
	}
	(void)closedir(dir);
	return n;
}

static void
test_a_crowd_on_a_slow_server_goes_in_parallel_and_leaves_no_connections(void **state)
{
	enum { N = 50 };
	static struct answer many[N];
	struct fixture *f = *state;
	unsigned before, crowd;
	struct clock begun;

	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	before = sockets_of_ours();
	idp_server_do(&f->server, "fault freeze path=/v1/account/*");
	for (int i = 0; i < N; i++)
		ask_user(&f->client, &many[i], i % 2 == 0 ? "alice" : "bob");
	clock_read(&begun);
	/* All are out at once, none waits for another. */
	while (idp_server_seen(&f->server) < N) {
		assert_int_equal(loop_turn(f->client.loop, 10), 0);
		assert_true(
		    loop_now(f->client.loop)->mono_ns - begun.mono_ns < 60 * CLOCK_S);
	}
	crowd = sockets_of_ours();
	assert_true(crowd >= before + N - 1);
	idp_server_do(&f->server, "fault clear");
	for (int i = 0; i < N; i++) {
		wait_for(&f->client, &many[i]);
		assert_int_equal(many[i].res.class, IDP_FOUND);
		answer_clear(&many[i]);
	}
	clock_read(&begun);
	while (sockets_of_ours() > before) {
		assert_int_equal(loop_turn(f->client.loop, 10), 0);
		assert_true(
		    loop_now(f->client.loop)->mono_ns - begun.mono_ns < 60 * CLOCK_S);
	}
	answer_clear(&f->a);
	user_is(&f->client, &f->a, "bob", IDP_FOUND, IDP_OK);
}

static void
test_a_session_that_dies_again_and_again_is_refused_not_asked_for_ever(void **state)
{
	struct fixture *f = *state;

	idp_client_open(&f->client);
	idp_server_do(&f->server, "fault status 401 path=/v1/account/*");
	user_is(&f->client, &f->a, "alice", IDP_REFUSED, IDP_LOGIN_DENIED);
	assert_int_equal(idp_server_count(&f->server, "GET /v1/account/"), 2);
	idp_server_do(&f->server, "fault clear");
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_a_server_restarted_between_two_steps_of_the_login_is_asked_anew(void **state)
{
	struct fixture *f = *state;

	idp_client_open(&f->client);
	idp_server_do(&f->server,
	    "fault status 500 count=1 skip=1 path=/v1/auth "
	    "body={\"invalidauthstate\":\"session_id_not_present\"}");
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	assert_int_equal(idp_server_count(&f->server, "POST /v1/auth"), 5);
}

static void
test_anonymous_not_permitted_is_said(void **state)
{
	struct fixture *f = *state;

	idp_server_do(&f->server, "set anonymous expire=2020-01-01T00:00:00Z");
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_REFUSED, IDP_LOGIN_DENIED);
	assert_non_null(strstr(f->a.res.detail, "expired"));
	probe_is(&f->client, NULL, IDP_REFUSED, IDP_LOGIN_DENIED);
	idp_server_do(&f->server, "set anonymous expire=");
	probe_is(&f->client, NULL, IDP_FOUND, IDP_OK);
}

static void
test_a_404_without_read_rights_is_not_believed(void **state)
{
	struct fixture *f = *state;

	idp_server_do(&f->server, "rights off");
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_REFUSED, IDP_NO_RIGHTS);
	group_is(&f->client, &f->a, "ssh-users", IDP_REFUSED, IDP_NO_RIGHTS);
	probe_is(&f->client, NULL, IDP_REFUSED, IDP_NO_RIGHTS);
	probe_is(&f->client, "alice", IDP_REFUSED, IDP_NO_RIGHTS);
	idp_server_do(&f->server, "rights on");
	probe_is(&f->client, NULL, IDP_FOUND, IDP_OK);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	user_is(&f->client, &f->a, "nosuchuser", IDP_NOTFOUND, IDP_OK);
}

static void
test_rights_lost_in_the_middle_of_a_session_are_seen_by_a_probe(void **state)
{
	struct fixture *f = *state;

	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	idp_server_do(&f->server, "rights off");
	probe_is(&f->client, "alice", IDP_REFUSED, IDP_NO_RIGHTS);
	user_is(&f->client, &f->a, "alice", IDP_REFUSED, IDP_NO_RIGHTS);
}

static void
test_a_service_account_needs_no_login_and_a_new_token_heals(void **state)
{
	struct fixture *f = *state;
	char *token = idp_server_ask(&f->server, "show-token host1");

	write_token(f, token);
	free(token);
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	assert_string_equal(idp_identity(f->client.idp)->spn, "host1@idm.example.test");
	assert_true(idp_identity(f->client.idp)->token_mode);
	assert_int_equal(idp_server_count(&f->server, "POST /v1/auth"), 0);

	idp_server_do(&f->server, "revoke-tokens host1");
	idp_server_do(&f->server, "clock +86400");
	user_is(&f->client, &f->a, "alice", IDP_REFUSED, IDP_TOKEN_REFUSED);
	/* The administrator writes a new one: no restart, no reload. */
	token = idp_server_ask(&f->server, "api-token host1");
	write_token(f, token);
	free(token);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_a_token_file_without_a_token_is_said_and_nobody_asked_anonymously(void **state)
{
	struct fixture *f = *state;

	write_token(f, "");
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_REFUSED, IDP_TOKEN_REFUSED);
	assert_non_null(strstr(f->a.res.detail, f->token));
	assert_int_equal(idp_server_total(&f->server, "requests"), 0);
	write_token(f, "two words");
	user_is(&f->client, &f->a, "alice", IDP_REFUSED, IDP_TOKEN_REFUSED);
	assert_int_equal(unlink(f->token), 0);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_answers_that_do_not_help_are_errors_and_the_link_is_fine(void **state)
{
	static const struct {
		const char *fault;
		enum idp_class class;
		enum idp_reason reason;
	} t[] = {
		{ "fault status 500 path=/v1/account/*", IDP_ERROR, IDP_SERVER_ERROR },
		{ "fault status 503 path=/v1/account/*", IDP_ERROR, IDP_SERVER_ERROR },
		{ "fault status 403 path=/v1/account/* body=\"accessdenied\"", IDP_ERROR,
		    IDP_BAD_ANSWER },
		{ "fault status 404 path=/v1/account/*", IDP_ERROR, IDP_BAD_ANSWER },
		{ "fault status 302 path=/v1/account/*", IDP_ERROR, IDP_BAD_ANSWER },
		{ "fault wrong-json path=/v1/account/*", IDP_ERROR, IDP_BAD_ANSWER },
		{ "fault wrong-content-type path=/v1/account/*", IDP_ERROR,
		    IDP_BAD_ANSWER },
		{ "fault truncate-body path=/v1/account/*", IDP_UNREACHABLE,
		    IDP_BAD_ANSWER },
		{ "fault reset-before-headers path=/v1/account/*", IDP_UNREACHABLE,
		    IDP_CONN_FAILED },
		{ "fault reset-after-headers path=/v1/account/*", IDP_UNREACHABLE,
		    IDP_CONN_FAILED },
		{ "fault status 503 path=/v1/self", IDP_FOUND, IDP_OK },
	};
	struct fixture *f = *state;

	idp_client_open(&f->client);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		idp_server_do(&f->server, t[i].fault);
		user_is(&f->client, &f->a, "alice", t[i].class, t[i].reason);
		idp_server_do(&f->server, "fault clear");
		user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	}
}

static void
test_a_frozen_server_is_a_timeout_of_the_configured_length(void **state)
{
	struct fixture *f = *state;

	f->client.settings.request_timeout_s = 1;
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	idp_server_do(&f->server, "fault freeze");
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_TIMED_OUT);
	assert_true(f->a.res.took_ms >= 900 && f->a.res.took_ms < 10000);
	idp_server_do(&f->server, "fault clear");
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_a_server_that_accepts_and_never_speaks_is_a_timeout(void **state)
{
	struct fixture *f = *state;

	f->client.settings.conn_timeout_s = 1;
	f->client.settings.request_timeout_s = 2;
	idp_server_do(&f->server, "hold");
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_TIMED_OUT);
	idp_server_do(&f->server, "on");
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_connections_the_server_has_closed_meanwhile_do_no_harm(void **state)
{
	struct fixture *f = *state;

	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	idp_server_do(&f->server, "close-idle");
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	idp_server_do(&f->server, "off");
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_CONN_REFUSED);
	idp_server_do(&f->server, "on");
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_without_a_uri_and_with_a_bad_one_the_answer_says_so(void **state)
{
	struct fixture *f = *state;

	f->client.settings.uri = NULL;
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_NO_URI);
	probe_is(&f->client, NULL, IDP_UNREACHABLE, IDP_NO_URI);
	f->client.settings.uri = "ftp://localhost/";
	idp_reload(f->client.idp, &f->client.settings);
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_NO_URI);
	f->client.settings.uri = "https://no-such-host.invalid/";
	idp_reload(f->client.idp, &f->client.settings);
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_DNS);
	f->client.settings.uri = f->server.url;
	idp_reload(f->client.idp, &f->client.settings);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_requests_in_flight_finish_over_a_reload(void **state)
{
	struct fixture *f = *state;
	struct answer b = { 0 };

	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	idp_server_do(&f->server, "fault freeze count=1 path=/v1/account/bob/*");
	ask_user(&f->client, &f->a, "bob");
	until_fault_is_met(f);
	idp_reload(f->client.idp, &f->client.settings);
	user_is(&f->client, &b, "alice", IDP_FOUND, IDP_OK);
	answer_clear(&b);
	assert_int_equal(f->a.n, 0);
	idp_server_do(&f->server, "fault clear");
	wait_for(&f->client, &f->a);
	assert_int_equal(f->a.res.class, IDP_FOUND);
	assert_string_equal(f->a.u->name, "bob");
	assert_int_equal(idp_server_total(&f->server, "connections"), 2);
}

static void
test_freeing_answers_everybody_at_once(void **state)
{
	enum { N = 40 };
	static struct answer many[N];
	struct fixture *f = *state;
	struct clock before, after;

	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	idp_server_do(&f->server, "fault freeze");
	for (int i = 0; i < N; i++) {
		if (i % 2 == 0)
			ask_user(&f->client, &many[i], "bob");
		else if (i % 4 == 1)
			ask_group(&f->client, &many[i], "ssh-users");
		else
			ask_probe(&f->client, &many[i], "alice");
	}
	until_fault_is_met(f);
	clock_read(&before);
	f->client.idp = idp_free(f->client.idp);
	clock_read(&after);
	assert_true(after.mono_ns - before.mono_ns < 2 * CLOCK_S);
	for (int i = 0; i < N; i++) {
		assert_int_equal(many[i].n, 1);
		assert_int_equal(many[i].res.class, IDP_UNREACHABLE);
		assert_int_equal(many[i].res.reason, IDP_CANCELLED);
	}
}

static void
test_freeing_during_the_login_answers_everybody(void **state)
{
	struct fixture *f = *state;
	struct answer b = { 0 };

	idp_server_do(&f->server, "fault freeze path=/v1/auth");
	idp_client_open(&f->client);
	ask_user(&f->client, &f->a, "alice");
	ask_probe(&f->client, &b, NULL);
	until_fault_is_met(f);
	f->client.idp = idp_free(f->client.idp);
	assert_int_equal(f->a.res.reason, IDP_CANCELLED);
	assert_int_equal(b.res.reason, IDP_CANCELLED);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_person_is_found_by_name_spn_uuid_and_number),
		TEST(test_what_the_server_shows_of_itself_is_kept),
		TEST(test_how_far_the_clocks_are_apart_is_known),
		TEST(test_no_such_entry_and_not_that_kind_are_not_found),
		TEST(test_what_the_servers_parser_makes_of_an_odd_id_is_not_believed),
		TEST(test_an_expired_session_is_renewed_inside_the_request),
		TEST(test_many_requests_share_one_login_and_few_connections),
		TEST(
		    test_a_crowd_on_a_slow_server_goes_in_parallel_and_leaves_no_connections),
		TEST(
		    test_a_session_that_dies_again_and_again_is_refused_not_asked_for_ever),
		TEST(
		    test_a_server_restarted_between_two_steps_of_the_login_is_asked_anew),
		TEST(test_anonymous_not_permitted_is_said),
		TEST(test_a_404_without_read_rights_is_not_believed),
		TEST(test_rights_lost_in_the_middle_of_a_session_are_seen_by_a_probe),
		TEST(test_a_service_account_needs_no_login_and_a_new_token_heals),
		TEST(
		    test_a_token_file_without_a_token_is_said_and_nobody_asked_anonymously),
		TEST(test_answers_that_do_not_help_are_errors_and_the_link_is_fine),
		TEST(test_a_frozen_server_is_a_timeout_of_the_configured_length),
		TEST(test_a_server_that_accepts_and_never_speaks_is_a_timeout),
		TEST(test_connections_the_server_has_closed_meanwhile_do_no_harm),
		TEST(test_without_a_uri_and_with_a_bad_one_the_answer_says_so),
		TEST(test_requests_in_flight_finish_over_a_reload),
		TEST(test_freeing_answers_everybody_at_once),
		TEST(test_freeing_during_the_login_answers_everybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
