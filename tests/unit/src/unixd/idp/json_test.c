/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/idp/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorded.h"
#include "src/base/util.h"
#include "src/unixd/idp/wipe.h"

static struct json_auth
auth_of(const char *name)
{
	size_t len;
	char *text = recorded(name, &len);
	struct json_auth a;

	assert_int_equal(json_auth(text, len, &a), 0);
	free(text);
	return a;
}

static void
test_the_three_answers_of_a_login_are_read(void **state)
{
	struct json_auth a = auth_of("auth-init");

	(void)state;
	assert_int_equal(a.state, JSON_AUTH_CHOOSE);
	assert_true(a.anonymous);
	a = auth_of("auth-begin");
	assert_int_equal(a.state, JSON_AUTH_CONTINUE);
	a = auth_of("auth-success");
	assert_int_equal(a.state, JSON_AUTH_SUCCESS);
	assert_string_equal(a.bearer, "<token>");
	wipe_string(&a.bearer);
}

static int
auth(const char *text, struct json_auth *a)
{
	return json_auth(text, strlen(text), a);
}

static void
test_a_denial_keeps_the_servers_words_printable(void **state)
{
	struct json_auth a;

	(void)state;
	assert_int_equal(auth("{\"state\":{\"denied\":\"account\\u001b expired\\n\"}}",
			     &a),
	    0);
	assert_int_equal(a.state, JSON_AUTH_DENIED);
	assert_string_equal(a.reason, "account expired");
}

static void
test_a_choice_without_anonymous_is_seen(void **state)
{
	struct json_auth a;

	(void)state;
	assert_int_equal(auth("{\"state\":{\"choose\":[\"password\"]}}", &a), 0);
	assert_false(a.anonymous);
}

static void
test_a_bearer_that_would_break_a_header_is_refused(void **state)
{
	static const char *const bad[] = { "{\"state\":{\"success\":\"a\\r\\nx: y\"}}",
		"{\"state\":{\"success\":\"\"}}", "{\"state\":{\"success\":\"a b\"}}",
		"{\"state\":{\"success\":\"\\u00e4\"}}", "{\"state\":{\"success\":7}}" };
	struct json_auth a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(auth(bad[i], &a), -EBADMSG);
		assert_null(a.bearer);
	}
}

static void
test_what_is_no_login_answer_is_refused(void **state)
{
	static const char *const bad[] = { "", "null", "{}", "{\"state\":{}}",
		"{\"state\":[]}", "{\"state\":{\"choose\":[],\"success\":\"x\"}}",
		"{\"state\":{\"else\":1}}", "{\"state\":{\"choose\":[]}} x",
		"{\"state\":{\"choose\":[]}" };
	struct json_auth a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(auth(bad[i], &a), -EBADMSG);
}

static void
test_who_we_are_is_read(void **state)
{
	struct json_self s;
	size_t len;
	char *text = recorded("self-anonymous", &len);
	char uuid[UUID_TEXT_LEN + 1];

	(void)state;
	assert_int_equal(json_self(text, len, &s), 0);
	assert_string_equal(s.spn, "anonymous@idm.example.test");
	assert_true(s.may_read);
	uuid_format(&s.uuid, uuid);
	assert_string_equal(uuid, "00000000-0000-0000-0000-ffffffffffff");
	free(text);
}

static bool
may_read(const char *memberof)
{
	char text[512];
	struct json_self s;

	(void)snprintf(text, sizeof(text),
	    "{\"youare\":{\"attrs\":{\"spn\":[\"a@x.test\"],\"uuid\":[\""
	    "e2b28138-a87c-489d-b5b6-225ee0bcb690\"]%s}}}",
	    memberof);
	assert_int_equal(json_self(text, strlen(text), &s), 0);
	return s.may_read;
}

static void
test_only_our_own_domains_group_gives_rights(void **state)
{
	(void)state;
	assert_true(may_read(",\"memberof\":[\"idm_unix_authentication_read@x.test\"]"));
	assert_false(may_read(",\"memberof\":[\"idm_unix_authentication_read@y.test\"]"));
	assert_false(
	    may_read(",\"memberof\":[\"idm_unix_authentication_readx@x.test\"]"));
	assert_false(may_read(",\"memberof\":[7,null]"));
	assert_false(may_read(",\"memberof\":\"idm_unix_authentication_read@x.test\""));
	assert_false(may_read(""));
}

static void
test_faults_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum json_fault fault;
		const char *word;
	} t[] = {
		{ "\"nomatchingentries\"", JSON_FAULT_NO_MATCH, "nomatchingentries" },
		{ "{\"missingclass\":\"account\"}", JSON_FAULT_WRONG_KIND,
		    "missingclass" },
		{ "{\"missingattribute\":\"x\"}", JSON_FAULT_WRONG_KIND,
		    "missingattribute" },
		{ "{\"invalidaccountstate\":\"x\"}", JSON_FAULT_WRONG_KIND,
		    "invalidaccountstate" },
		{ "{\"invalidauthstate\":\"x\"}", JSON_FAULT_AUTH_STATE,
		    "invalidauthstate" },
		{ "\"missingclass\"", JSON_FAULT_OTHER, "missingclass" },
		{ "{\"nomatchingentries\":1}", JSON_FAULT_OTHER, "nomatchingentries" },
		{ "\"back\\u0007end\"", JSON_FAULT_OTHER, "backend" },
		{ "Route not found", JSON_FAULT_NONE, "" },
		{ "[]", JSON_FAULT_NONE, "" },
		{ "{\"a\":1,\"b\":2}", JSON_FAULT_NONE, "" },
		{ "", JSON_FAULT_NONE, "" },
	};
	char word[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		assert_int_equal(json_fault(t[i].text, strlen(t[i].text), word),
		    t[i].fault);
		assert_string_equal(word, t[i].word);
	}
}

/* `n` opening brackets and as many closing ones. */
static enum json_fault
nested(size_t n)
{
	char text[256], word[64];

	memset(text, '[', n);
	memset(text + n, ']', n);
	return json_fault(text, 2 * n, word);
}

static void
test_text_beyond_the_limits_is_not_even_parsed(void **state)
{
	const size_t many = 200001;
	char *text = malloc(many);
	char word[64];
	struct json_auth a;

	(void)state;
	/* Deep nesting must not recurse: the result is the same, so look for no crash. */
	assert_int_equal(nested(32), JSON_FAULT_NONE);
	assert_int_equal(nested(100), JSON_FAULT_NONE);
	assert_non_null(text);
	for (size_t i = 0; i < many; i++)
		text[i] = i == 0 ? '[' : i == many - 1 ? ']' : i % 2 == 1 ? '1' : ',';
	assert_int_equal(json_fault(text, many, word), JSON_FAULT_NONE);
	free(text);
	/* A NUL, written or escaped, would cut a name short. */
	assert_int_equal(auth("{\"state\":{\"denied\":\"a\\u0000b\"}}", &a), -EBADMSG);
	assert_int_equal(json_auth("{\"state\":{\"choose\":[]}}\0", 25, &a), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_three_answers_of_a_login_are_read),
		cmocka_unit_test(test_a_denial_keeps_the_servers_words_printable),
		cmocka_unit_test(test_a_choice_without_anonymous_is_seen),
		cmocka_unit_test(test_a_bearer_that_would_break_a_header_is_refused),
		cmocka_unit_test(test_what_is_no_login_answer_is_refused),
		cmocka_unit_test(test_who_we_are_is_read),
		cmocka_unit_test(test_only_our_own_domains_group_gives_rights),
		cmocka_unit_test(test_faults_are_told_apart),
		cmocka_unit_test(test_text_beyond_the_limits_is_not_even_parsed),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
