/* SPDX-License-Identifier: MPL-2.0 */
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
#include "src/unixd/idp/json.h"
#include "src/unixd/model/model.h"

#define UUID  "f79fcf3a-7e0d-431b-9b32-b18aebc3685b"
#define OTHER "78baa19f-ed2e-417c-925f-1315f33b4f0e"
#define ME                                                             \
	"\"name\":\"alice\",\"spn\":\"alice@x.test\",\"uuid\":\"" UUID \
	"\",\"gidnumber\":20001"
#define GROUP                                                            \
	"{\"name\":\"staff\",\"spn\":\"staff@x.test\",\"uuid\":\"" OTHER \
	"\",\"gidnumber\":30001}"

static struct user *
user_of(const char *name)
{
	size_t len;
	char *text = recorded(name, &len);
	struct user *u = NULL;

	assert_int_equal(json_user(text, len, &u), 0);
	free(text);
	return u;
}

static int
user(const char *text, struct user **ret)
{
	*ret = NULL;
	return json_user(text, strlen(text), ret);
}

/* A token with these members more. */
static struct user *
with(const char *more)
{
	char text[8192];
	struct user *u;

	(void)snprintf(text, sizeof(text), "{" ME "%s}", more);
	assert_int_equal(user(text, &u), 0);
	return u;
}

static void
test_recorded_tokens_are_read_whole(void **state)
{
	struct user *u = user_of("user-alice");

	(void)state;
	assert_string_equal(u->name, "alice");
	assert_string_equal(u->spn, "alice@idm.example.test");
	assert_string_equal(u->displayname, "Alice Archer");
	assert_int_equal(u->id, 2076403803);
	assert_null(u->shell);
	assert_true(u->valid);
	assert_int_equal(u->n_groups, 4);
	assert_string_equal(u->groups[0]->name, "alice");
	assert_int_equal(u->groups[1]->gid, 68000);
	assert_int_equal(u->n_keys, 1);
	assert_string_equal(u->sshkeys[0],
	    "ssh-ed25519 "
	    "AAAAC3NzaC1lZDI1NTE5AAAAIIXMiqOK8ENrFs2yYHXa0fwWxCKuDViqpuadHvKojSQc "
	    "alice@laptop");
	(void)user_unref(u);
	u = user_of("user-bob");
	assert_string_equal(u->displayname, "Bob B\xc3\xb6hm");
	assert_string_equal(u->shell, "/bin/sh");
	assert_int_equal(u->n_keys, 1);
	(void)user_unref(u);
	u = user_of("user-carol");
	assert_false(u->valid);
	assert_int_equal(u->n_keys, 0);
	(void)user_unref(u);
	u = user_of("user-grace");
	assert_string_equal(u->displayname, "Grace: Colon, \"Quotes\"");
	(void)user_unref(u);
}

static void
test_a_recorded_group_is_read(void **state)
{
	struct groupid *g = NULL;
	size_t len;
	char *text = recorded("group-ssh-users", &len);

	(void)state;
	assert_int_equal(json_group(text, len, &g), 0);
	assert_string_equal(g->name, "ssh-users");
	assert_string_equal(g->spn, "ssh-users@idm.example.test");
	assert_int_equal(g->gid, 68000);
	(void)groupid_unref(g);
	free(text);
}

static void
test_every_prefix_of_a_token_is_refused(void **state)
{
	size_t len;
	char *text = recorded("user-alice", &len);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		char *cut = malloc(i + 1);
		struct user *u = NULL;

		assert_non_null(cut);
		memcpy(cut, text, i);
		assert_int_equal(json_user(cut, i, &u), -EBADMSG);
		free(cut);
	}
	free(text);
}

static void
test_an_entry_that_is_not_who_it_says_is_refused(void **state)
{
	static const char *const bad[] = {
		"null",
		"[]",
		"{}",
		"{\"name\":\"alice\",\"spn\":\"bob@x\",\"uuid\":\"" UUID
		"\",\"gidnumber\":20001}",
		"{\"name\":\"al:ice\",\"spn\":\"al:ice@x\",\"uuid\":\"" UUID
		"\",\"gidnumber\":20001}",
		"{\"name\":\"alice\",\"spn\":\"alice\",\"uuid\":\"" UUID
		"\",\"gidnumber\":20001}",
		"{\"name\":\"alice\",\"spn\":\"alice@x\",\"uuid\":\"f79fcf3a\","
		"\"gidnumber\":20001}",
		"{\"name\":\"alice\",\"spn\":\"alice@x\",\"uuid\":\"" UUID
		"\",\"gidnumber\":\"20001\"}",
		"{\"name\":\"alice\",\"spn\":\"alice@x\",\"uuid\":\"" UUID
		"\",\"gidnumber\":-1}",
		"{\"name\":\"alice\",\"spn\":\"alice@x\",\"uuid\":\"" UUID
		"\",\"gidnumber\":20001.5}",
		"{\"name\":\"alice\",\"spn\":\"alice@x\",\"uuid\":\"" UUID
		"\",\"gidnumber\":4294967296}",
		"{\"name\":\"alice\",\"spn\":\"alice@x\",\"uuid\":\"" UUID
		"\",\"gidnumber\":1e400}",
		"{\"name\":\"alice\\u0000x\",\"spn\":\"alice@x\",\"uuid\":\"" UUID
		"\",\"gidnumber\":20001}",
		"{" ME "} {}",
	};
	struct user *u;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(user(bad[i], &u), -EBADMSG);
}

static void
test_a_security_field_that_is_there_twice_is_refused(void **state)
{
	static const char *const twice[] = {
		",\"gidnumber\":20001",
		",\"uuid\":\"" UUID "\"",
		",\"name\":\"alice\"",
		",\"spn\":\"alice@x.test\"",
		",\"valid\":true,\"valid\":false",
	};
	char text[512];
	struct user *u;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(twice); i++) {
		(void)snprintf(text, sizeof(text), "{" ME "%s}", twice[i]);
		assert_int_equal(user(text, &u), -EBADMSG);
	}
}

static void
test_a_token_without_the_rest_is_a_person_who_is_not_valid(void **state)
{
	struct user *u = with("");

	(void)state;
	assert_false(u->valid);
	assert_null(u->shell);
	assert_int_equal(u->n_keys, 0);
	assert_int_equal(u->n_groups, 1);
	assert_string_equal(u->groups[0]->name, "alice");
	assert_int_equal(u->groups[0]->gid, 20001);
	assert_string_equal(u->displayname, "alice");
	(void)user_unref(u);
}

static void
test_unknown_keys_and_null_are_no_harm(void **state)
{
	struct user *u = with(",\"shell\":null,\"new\":{\"a\":[1]},\"valid\":true");

	(void)state;
	assert_true(u->valid);
	assert_null(u->shell);
	(void)user_unref(u);
	/* Only true is true. */
	u = with(",\"valid\":1");
	assert_false(u->valid);
	(void)user_unref(u);
}

static void
test_a_bad_shell_is_none(void **state)
{
	static const char *const bad[] = { "\"bash\"", "\"\"", "\"/bin/sh\\n\"",
		"\"/bin/a:b\"", "7", "[\"/bin/sh\"]" };
	char more[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct user *u;

		(void)snprintf(more, sizeof(more), ",\"shell\":%s", bad[i]);
		u = with(more);
		assert_null(u->shell);
		(void)user_unref(u);
	}
}

static void
test_bad_ssh_keys_are_left_out_and_good_ones_trimmed(void **state)
{
	struct user *u = with(
	    ",\"sshkeys\":[\"ssh-ed25519 AAAAC3Nz \","
	    "\"command=\\\"rm\\\" ssh-ed25519 AAAAC3Nz\","
	    "\"ssh-ed25519 AAAAC3Nz a\\nssh-rsa AAAAB3 b\","
	    "\"ssh-ed25519\",\"\",7,null,\"ssh-rsa QQQQ\","
	    "\"sk-ssh-ed25519@openssh.com AAAAGnNr my key: \xc3\xb6\"]");

	(void)state;
	assert_int_equal(u->n_keys, 2);
	assert_string_equal(u->sshkeys[0], "ssh-ed25519 AAAAC3Nz");
	assert_string_equal(u->sshkeys[1],
	    "sk-ssh-ed25519@openssh.com AAAAGnNr my key: \xc3\xb6");
	(void)user_unref(u);
}

static void
test_bad_groups_are_left_out_and_the_private_one_is_first(void **state)
{
	struct user *u = with(",\"groups\":[7,{\"name\":\"x\"}," GROUP ",{" ME "}]");

	(void)state;
	assert_int_equal(u->n_groups, 2);
	assert_string_equal(u->groups[0]->name, "alice");
	assert_string_equal(u->groups[1]->name, "staff");
	(void)user_unref(u);
	/* Somebody else's record under our uuid or number does not become ours. */
	u = with(
	    ",\"groups\":[{\"name\":\"root\",\"spn\":\"root@x.test\",\"uuid\":\"" UUID
	    "\",\"gidnumber\":1},{\"name\":\"w\",\"spn\":\"w@x.test\",\"uuid\":\"" OTHER
	    "\",\"gidnumber\":20001}]");
	assert_int_equal(u->n_groups, 1);
	assert_string_equal(u->groups[0]->name, "alice");
	assert_int_equal(u->groups[0]->gid, 20001);
	(void)user_unref(u);
}

static void
test_names_become_canonical(void **state)
{
	struct user *u;

	(void)state;
	assert_int_equal(
	    user("{\"name\":\"Alice\",\"spn\":\"ALICE@X.test\",\"uuid\":\"" UUID
		 "\",\"gidnumber\":20001}",
		&u),
	    0);
	assert_string_equal(u->name, "alice");
	assert_string_equal(u->spn, "alice@x.test");
	(void)user_unref(u);
	/* Without a short name the server puts the SPN in its place. */
	assert_int_equal(
	    user("{\"name\":\"alice@x.test\",\"spn\":\"alice@x.test\",\"uuid\":"
		 "\"" UUID "\",\"gidnumber\":20001}",
		&u),
	    0);
	assert_string_equal(u->name, "alice");
	(void)user_unref(u);
}

static void
test_a_displayname_is_cut_where_it_is_no_text_or_too_long(void **state)
{
	char more[3072] = ",\"displayname\":\"";
	size_t n = strlen(more);
	struct user *u = with(",\"displayname\":\"ab\xff\"");

	(void)state;
	assert_string_equal(u->displayname, "ab");
	(void)user_unref(u);
	/* 1500 two-byte letters: cut between two of them. */
	for (int i = 0; i < 750; i++, n += 2)
		memcpy(more + n, "\xc3\xb6", 2);
	memcpy(more + n, "\"", 2);
	u = with(more);
	assert_int_equal(strlen(u->displayname), MODEL_MAX_TEXT);
	(void)user_unref(u);
}

static void
test_more_groups_and_keys_than_the_caps_are_cut(void **state)
{
	const size_t room = (MODEL_MAX_GROUPS + 100) * 160 + MODEL_MAX_KEYS * 160;
	char *text = malloc(room);
	size_t n;
	struct user *u = NULL;

	(void)state;
	assert_non_null(text);
	n = (size_t)snprintf(text, room, "{" ME ",\"groups\":[");
	for (unsigned i = 0; i < MODEL_MAX_GROUPS + 50; i++)
		n += (size_t)snprintf(text + n, room - n,
		    "%s{\"name\":\"g%u\",\"spn\":\"g%u@x.test\",\"uuid\":\"00000000-0000-"
		    "0000-0000-%012x\",\"gidnumber\":%u}",
		    i == 0 ? "" : ",", i, i, i, 100000 + i);
	n += (size_t)snprintf(text + n, room - n, "],\"sshkeys\":[");
	for (unsigned i = 0; i < MODEL_MAX_KEYS + 50; i++)
		n += (size_t)snprintf(text + n, room - n, "%s\"ssh-rsa AAAA%u\"",
		    i == 0 ? "" : ",", i);
	n += (size_t)snprintf(text + n, room - n, "]}");
	assert_true(n < room);
	assert_int_equal(json_user(text, n, &u), 0);
	assert_int_equal(u->n_groups, MODEL_MAX_GROUPS);
	assert_int_equal(u->n_keys, MODEL_MAX_KEYS);
	(void)user_unref(u);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_tokens_are_read_whole),
		cmocka_unit_test(test_a_recorded_group_is_read),
		cmocka_unit_test(test_every_prefix_of_a_token_is_refused),
		cmocka_unit_test(test_an_entry_that_is_not_who_it_says_is_refused),
		cmocka_unit_test(test_a_security_field_that_is_there_twice_is_refused),
		cmocka_unit_test(
		    test_a_token_without_the_rest_is_a_person_who_is_not_valid),
		cmocka_unit_test(test_unknown_keys_and_null_are_no_harm),
		cmocka_unit_test(test_a_bad_shell_is_none),
		cmocka_unit_test(test_bad_ssh_keys_are_left_out_and_good_ones_trimmed),
		cmocka_unit_test(
		    test_bad_groups_are_left_out_and_the_private_one_is_first),
		cmocka_unit_test(test_names_become_canonical),
		cmocka_unit_test(
		    test_a_displayname_is_cut_where_it_is_no_text_or_too_long),
		cmocka_unit_test(test_more_groups_and_keys_than_the_caps_are_cut),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
