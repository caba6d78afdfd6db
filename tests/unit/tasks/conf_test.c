/* SPDX-License-Identifier: MPL-2.0 */
#include "tasks/conf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/tasks/kit.h"

static void
only_a_file_that_has_changed_is_read_again(void **state)
{
	struct conf c;

	(void)state;
	conf_init(&c, kit_path("unixd"));
	assert_true(c.usable);
	assert_int_equal(c.config->home_alias, NAME_ATTR_NAME);
	assert_string_equal(conf_home_dir(c.config), kit_path("home/"));
	assert_false(conf_refresh(&c, false));
	assert_true(conf_refresh(&c, true));
	kit_config("home_alias = \"spn\"\nhome_mount_prefix = \"/u\"");
	assert_true(conf_refresh(&c, false));
	assert_int_equal(c.config->home_alias, NAME_ATTR_SPN);
	assert_string_equal(conf_home_dir(c.config), "/u/");
	assert_false(conf_refresh(&c, false));
	conf_clear(&c);
}

static void
a_broken_file_changes_nothing(void **state)
{
	struct conf c;

	(void)state;
	conf_init(&c, kit_path("unixd"));
	(void)unlink(kit_path("unixd"));
	kit_write("unixd", "home_alias = [", 0644);
	assert_false(conf_refresh(&c, false));
	assert_true(c.usable);
	assert_int_equal(c.config->home_alias, NAME_ATTR_NAME);
	conf_clear(&c);
}

static void
no_home_is_made_by_guesses(void **state)
{
	struct request r = kit_request("alice");
	struct work w;
	struct why why;

	(void)state;
	(void)unlink(kit_path("unixd"));
	kit_write("unixd", "home_alias = [", 0644);
	kit_work(&w);
	assert_int_equal(work_home(&w, &r, &why), -EINVAL);
	assert_non_null(strstr(why.text, "unixd:1"));
	/* The administrator puts it right; nobody has to be told. */
	kit_config("home_alias = \"name\"");
	assert_int_equal(work_home(&w, &r, &why), 0);
	assert_true(kit_exists("home/alice"));
	work_clear(&w);
}

/* The resolver survives those with its last good copy; homes must not end over them. */
static void
what_is_wrong_with_other_keys_is_not_our_business(void **state)
{
	struct conf c;

	(void)state;
	assert_int_equal(setenv("KANIDM_CACHE_DB_PATH", "relative", 1), 0);
	kit_config("cache_timeout = \"soon\"\nhome_alias = \"spn\"\n"
		   "pam_allowed_callers = 7\npam_allowed_login_groups = 1");
	conf_init(&c, kit_path("unixd"));
	assert_true(c.usable);
	assert_int_equal(c.config->home_alias, NAME_ATTR_SPN);
	kit_config("home_alias = \"name\"\ncache_timeout = \"never\"");
	assert_true(conf_refresh(&c, false));
	assert_int_equal(c.config->home_alias, NAME_ATTR_NAME);
	/* One of its own is. */
	kit_config("home_alias = 7");
	assert_false(conf_refresh(&c, false));
	assert_int_equal(unsetenv("KANIDM_CACHE_DB_PATH"), 0);
	conf_clear(&c);
}

static void
no_file_means_the_defaults(void **state)
{
	struct conf c;

	(void)state;
	(void)unlink(kit_path("unixd"));
	conf_init(&c, kit_path("unixd"));
	assert_true(c.usable);
	assert_string_equal(c.config->home_prefix, "/home/");
	assert_int_equal(c.config->home_alias, NAME_ATTR_SPN);
	conf_clear(&c);
}

static void
the_other_file_is_not_read(void **state)
{
	struct config_problems problems;
	struct config *c;

	(void)state;
	assert_int_equal(config_load(NULL, kit_path("unixd"), &c, &problems), 0);
	assert_int_equal(c->home_alias, NAME_ATTR_NAME);
	assert_null(c->uri);
	assert_true(c->verify_ca); /* its keys have their defaults, and nothing is said */
	for (size_t i = 0; i < problems.n; i++)
		assert_null(strstr(problems.v[i].text, "uri"));
	config_problems_clear(&problems);
	config_free(c);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, kit_set_up, kit_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_a_file_that_has_changed_is_read_again),
		TEST(a_broken_file_changes_nothing),
		TEST(no_home_is_made_by_guesses),
		TEST(what_is_wrong_with_other_keys_is_not_our_business),
		TEST(no_file_means_the_defaults),
		TEST(the_other_file_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
