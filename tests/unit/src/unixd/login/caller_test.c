/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/login/caller.h"

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
#include "unit/src/unixd/login/phases/phases_fake.h"

#define ALICE 70001u

static int
setup(void **state)
{
	(void)state;
	phases_init();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	phases_deinit();
	return 0;
}

static void
set_map(const char *text)
{
	char path[] = "/tmp/ku-uid-map-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	phases.l.ports.uid_map_path = path;
	caller_init(&phases.l);
	phases.l.ports.uid_map_path = "/dev/null";
	(void)close(fd);
	assert_int_equal(unlink(path), 0);
}

static void
root_and_the_person_may_ask_and_others_may_not(void **state)
{
	(void)state;
	assert_int_equal(caller_judge(&phases.l, 0, ALICE), CALLER_ALLOWED);
	assert_int_equal(caller_judge(&phases.l, ALICE, ALICE), CALLER_ALLOWED);
	assert_int_equal(caller_judge(&phases.l, 70002, ALICE), CALLER_REFUSED);
	assert_int_equal(caller_judge(&phases.l, 65534, ALICE), CALLER_REFUSED);
	assert_int_equal(caller_judge(&phases.l, 990, ALICE), CALLER_REFUSED);
	assert_int_equal(caller_judge(&phases.l, 0, CALLER_NO_ACCOUNT), CALLER_ALLOWED);
	assert_int_equal(caller_judge(&phases.l, (uid_t)-1, CALLER_NO_ACCOUNT),
	    CALLER_REFUSED);
}

static void
listed_callers_may_ask_about_everybody(void **state)
{
	static char postgres[] = "Postgres", number[] = "33", junk[] = "",
		    huge[] = "4294967329";

	(void)state;
	phases.callers[0] = junk;
	phases.callers[1] = postgres;
	phases.callers[2] = number;
	phases.callers[3] = huge; /* 33 + 2^32 */
	assert_int_equal(caller_judge(&phases.l, 33, ALICE), CALLER_ALLOWED);
	assert_int_equal(caller_judge(&phases.l, 34, ALICE), CALLER_REFUSED);
	/* a name nobody local has lets nobody in, whatever the server calls people */
	assert_int_equal(caller_judge(&phases.l, 105, ALICE), CALLER_REFUSED);
	phases.local_name = "postgres";
	phases.local_uid = 105;
	assert_int_equal(caller_judge(&phases.l, 105, ALICE), CALLER_ALLOWED);
	assert_int_equal(caller_judge(&phases.l, 105, CALLER_NO_ACCOUNT), CALLER_ALLOWED);
	assert_int_equal(caller_judge(&phases.l, 106, ALICE), CALLER_REFUSED);
	phases.callers[2] = NULL;
	assert_int_equal(caller_judge(&phases.l, 33, ALICE), CALLER_REFUSED);
}

static void
expect_hidden(const char *map, bool hides)
{
	set_map(map);
	if (phases.l.callers.hides != hides)
		fail_msg("%s: %d", map, phases.l.callers.hides);
}

static void
a_unit_that_hides_ids_is_told_from_a_container(void **state)
{
	(void)state;
	expect_hidden("         0          0 4294967295\n", false);
	/* PrivateUsers=yes of systemd: root, and the unit's own user */
	expect_hidden("0 0 1\n990 990 1\n", true);
	/* PrivateUsers=identity: people of a directory server are beyond */
	expect_hidden("0 0 65536\n", true);
	/* unprivileged containers: whoever is in there is in the map */
	expect_hidden("0 100000 65536\n", false);
	expect_hidden("0 1000 1\n1 100000 65536\n", false);
	/* all of them, in pieces */
	expect_hidden("0 0 1000\n1000 1000 4294966295\n", false);
	expect_hidden("", false);
	expect_hidden("what is this\n", false);
	phases.l.ports.uid_map_path = "/no/such/file";
	caller_init(&phases.l);
	assert_false(phases.l.callers.hides);
}

struct hunt {
	unsigned n;
	char value[200];
};

static void
on_pair(void *arg, const char *key, const char *value)
{
	struct hunt *h = arg;

	h->n++;
	assert_string_equal(key, "hidden_callers");
	(void)snprintf(h->value, sizeof(h->value), "%s", value);
}

static void
hidden_callers_are_allowed_as_such_and_said_in_status(void **state)
{
	static char nobody[] = "65534";
	struct hunt h = { 0 };

	(void)state;
	caller_status(&phases.l, on_pair, &h);
	assert_int_equal(h.n, 0);
	set_map("0 0 1\n990 990 1\n");
	assert_int_equal(caller_judge(&phases.l, 65534, ALICE), CALLER_HIDDEN);
	assert_int_equal(caller_judge(&phases.l, 65534, CALLER_NO_ACCOUNT),
	    CALLER_HIDDEN);
	/* who can be seen is judged as ever */
	assert_int_equal(caller_judge(&phases.l, 0, ALICE), CALLER_ALLOWED);
	assert_int_equal(caller_judge(&phases.l, 990, ALICE), CALLER_REFUSED);
	/* listing everybody is no way around the throttle */
	phases.callers[0] = nobody;
	assert_int_equal(caller_judge(&phases.l, 65534, ALICE), CALLER_HIDDEN);
	caller_status(&phases.l, on_pair, &h);
	assert_int_equal(h.n, 1);
	assert_non_null(strstr(h.value, "set PrivateUsers=no"));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(root_and_the_person_may_ask_and_others_may_not),
		T(listed_callers_may_ask_about_everybody),
		T(a_unit_that_hides_ids_is_told_from_a_container),
		T(hidden_callers_are_allowed_as_such_and_said_in_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
