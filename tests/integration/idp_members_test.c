/* SPDX-License-Identifier: MPL-2.0 */
/* Who is in a group, at every size and by every way that the server leaves open. */
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

static void
has_members(const struct answer *a, size_t n, const char *const *names)
{
	assert_non_null(a->m);
	assert_int_equal(a->m->n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(a->m->v[i].name, names[i]);
}

static void
test_a_group_has_its_transitive_members(void **state)
{
	static const char *const all[] = { "alice", "bob", "carol", "dave", "frank",
		"grace" };
	struct fixture *f = *state;

	idp_client_open(&f->client);
	group_is(&f->client, &f->a, "ssh-users", IDP_FOUND, IDP_OK);
	assert_int_equal(f->a.g->gid, 68000);
	has_members(&f->a, 6, all);
	assert_string_equal(f->a.m->v[0].spn, "alice@idm.example.test");
	group_is(&f->client, &f->a, "nested_posix", IDP_FOUND, IDP_OK);
	has_members(&f->a, 6, all);
	group_is(&f->client, &f->a, "68001", IDP_FOUND, IDP_OK);
	has_members(&f->a, 1, all);
	assert_int_equal(idp_server_count(&f->server, "GET /v1/group "), 0);
	/* A private group is a group without members of its own. */
	group_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	assert_string_equal(f->a.g->name, "alice");
	has_members(&f->a, 0, NULL);
}

static void
test_members_come_from_the_list_of_all_groups_when_the_search_is_refused(void **state)
{
	static const char *const all[] = { "alice", "bob", "carol", "dave", "frank",
		"grace" };
	struct fixture *f = *state;
	struct answer b = { 0 };

	idp_client_open(&f->client);
	/* Groups in a circle must not hang anybody. */
	idp_server_do(&f->server, "member add ssh-users nested_posix");
	idp_server_do(&f->server, "fault status 500 path=/scim/* body=\"backend\"");
	ask_group(&f->client, &f->a, "ssh-users");
	ask_group(&f->client, &b, "nested_posix");
	wait_for(&f->client, &f->a);
	wait_for(&f->client, &b);
	has_members(&f->a, 6, all);
	has_members(&b, 6, all);
	answer_clear(&b);
	group_is(&f->client, &f->a, "admins_posix", IDP_FOUND, IDP_OK);
	has_members(&f->a, 1, all);
	/* Three questions, one list. */
	assert_int_equal(idp_server_count(&f->server, "GET /v1/group "), 1);
}

static void
test_direct_members_are_the_last_resort_and_none_is_said_as_none(void **state)
{
	static const char *const all[] = { "alice", "bob", "carol", "dave", "frank",
		"grace" };
	struct fixture *f = *state;

	idp_client_open(&f->client);
	idp_server_do(&f->server, "fault status 500 path=/scim/* body=\"backend\"");
	idp_server_do(&f->server, "fault status 500 path=/v1/group body=\"backend\"");
	group_is(&f->client, &f->a, "ssh-users", IDP_FOUND, IDP_OK);
	has_members(&f->a, 6, all);
	idp_server_do(&f->server, "fault status 500 path=/v1/group/*/_attr/member");
	group_is(&f->client, &f->a, "ssh-users", IDP_FOUND, IDP_OK);
	assert_null(f->a.m);
}

static void
test_a_group_beyond_the_servers_search_limit_is_whole(void **state)
{
	struct fixture *f = *state;

	idp_client_open(&f->client);
	idp_server_do(&f->server, "bulk 1100");
	group_is(&f->client, &f->a, "everyone", IDP_FOUND, IDP_OK);
	assert_non_null(f->a.m);
	assert_int_equal(f->a.m->n, 1100);
	assert_int_equal(idp_server_count(&f->server, "GET /scim/"), 1);
	/* A search that was refused is not tried again at every refresh. */
	group_is(&f->client, &f->a, "everyone", IDP_FOUND, IDP_OK);
	assert_int_equal(f->a.m->n, 1100);
	assert_int_equal(idp_server_count(&f->server, "GET /scim/"), 1);
	/* Of other groups it tells nothing. */
	group_is(&f->client, &f->a, "g0001", IDP_FOUND, IDP_OK);
	assert_int_equal(idp_server_count(&f->server, "GET /scim/"), 2);
}

static void
test_a_group_that_shrinks_is_searched_for_again(void **state)
{
	struct fixture *f = *state;
	char command[64];

	idp_client_open(&f->client);
	idp_server_do(&f->server, "bulk 1030 groups=2");
	group_is(&f->client, &f->a, "everyone", IDP_FOUND, IDP_OK);
	assert_int_equal(f->a.m->n, 1030);
	for (int i = 0; i < 40; i++) {
		(void)snprintf(command, sizeof(command), "remove u%05d", i);
		idp_server_do(&f->server, command);
	}
	/* The list of all groups is kept for a moment; a reload asks anew. */
	idp_reload(f->client.idp, &f->client.settings);
	idp_server_do(&f->server,
	    "fault status 500 path=/scim/* count=1 body=\"backend\"");
	group_is(&f->client, &f->a, "everyone", IDP_FOUND, IDP_OK);
	assert_int_equal(f->a.m->n, 990);
	assert_int_equal(idp_server_count(&f->server, "GET /v1/group "), 2);
	group_is(&f->client, &f->a, "everyone", IDP_FOUND, IDP_OK);
	assert_int_equal(f->a.m->n, 990);
	assert_int_equal(idp_server_count(&f->server, "GET /scim/"), 3);
	assert_int_equal(idp_server_count(&f->server, "GET /v1/group "), 2);
}

static void
test_a_service_account_searches_at_any_size(void **state)
{
	struct fixture *f = *state;
	char *token;

	idp_server_do(&f->server, "bulk 10000");
	idp_client_open(&f->client);
	group_is(&f->client, &f->a, "everyone", IDP_FOUND, IDP_OK);
	assert_int_equal(f->a.m->n, 10000);
	assert_int_equal(idp_server_count(&f->server, "GET /v1/group "), 1);
	/* What was refused to anonymous is not refused to the service account. */
	token = idp_server_ask(&f->server, "api-token host1");
	write_token(f, token);
	free(token);
	idp_server_do(&f->server, "expire-sessions");
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	idp_server_do(&f->server, "counters reset");
	group_is(&f->client, &f->a, "everyone", IDP_FOUND, IDP_OK);
	assert_int_equal(f->a.m->n, 10000);
	assert_int_equal(idp_server_count(&f->server, "GET /scim/"), 1);
	assert_int_equal(idp_server_count(&f->server, "GET /v1/group "), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_group_has_its_transitive_members),
		TEST(
		    test_members_come_from_the_list_of_all_groups_when_the_search_is_refused),
		TEST(test_direct_members_are_the_last_resort_and_none_is_said_as_none),
		TEST(test_a_group_beyond_the_servers_search_limit_is_whole),
		TEST(test_a_group_that_shrinks_is_searched_for_again),
		TEST(test_a_service_account_searches_at_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
