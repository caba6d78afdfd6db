/* SPDX-License-Identifier: MPL-2.0 */
#include "tasks/alias.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/tasks/kit.h"

static const char *
home(void)
{
	return kit_path("home/" KIT_UUID);
}

static void
assert_made(const char *name)
{
	struct why why;
	int rc = kit_home(name, &why);

	if (rc != 0)
		fail_msg("%s: %s", name, why.text);
	kit_assert_no_temp();
}

static void
assert_alias(const char *rel)
{
	kit_assert_link(rel, home());
	assert_int_equal(kit_stat(rel).st_uid, 0);
}

static void
the_link_is_absolute_and_stays(void **state)
{
	struct stat before, after;

	(void)state;
	assert_made("alice");
	assert_alias("home/alice");
	before = kit_stat("home/alice");
	assert_made("alice");
	after = kit_stat("home/alice");
	assert_int_equal(before.st_ino, after.st_ino);
}

static void
every_home_alias_has_its_name(void **state)
{
	(void)state;
	kit_config("home_alias = \"spn\"");
	assert_made("alice");
	assert_alias("home/alice@example.com");
	assert_false(kit_exists("home/alice"));
	kit_config("home_alias = \"none\"");
	kit_remove("home/alice@example.com");
	assert_made("alice");
	assert_false(kit_exists("home/alice@example.com"));
	kit_config("home_alias = \"uuid\"");
	assert_made("alice"); /* the same as home_attr: no link to itself */
	assert_true(S_ISDIR(kit_stat("home/" KIT_UUID).st_mode));
}

static void
every_home_attr_has_its_directory(void **state)
{
	(void)state;
	kit_config("home_attr = \"name\"\nhome_alias = \"uuid\"");
	assert_made("alice");
	assert_true(S_ISDIR(kit_stat("home/alice").st_mode));
	kit_assert_link("home/" KIT_UUID, kit_path("home/alice"));
	kit_config("home_attr = \"spn\"\nhome_alias = \"spn\"");
	assert_made("bob");
	assert_true(S_ISDIR(kit_stat("home/bob@example.com").st_mode));
	assert_false(kit_exists("home/bob"));
}

static void
a_mount_prefix_holds_the_homes_and_the_prefix_the_links(void **state)
{
	char lines[256];

	(void)state;
	kit_mkdir("u", 0755, 0);
	(void)snprintf(lines, sizeof(lines),
	    "home_mount_prefix = \"%s\"\nhome_alias = \"uuid\"", kit_path("u"));
	kit_config(lines);
	assert_made("alice");
	assert_true(S_ISDIR(kit_stat("u/" KIT_UUID).st_mode));
	kit_assert_link("home/" KIT_UUID, kit_path("u/" KIT_UUID));
}

static void
a_dangling_alias_is_repaired(void **state)
{
	(void)state;
	kit_link(kit_path("home/7c2b1f0e-0000-4000-8000-00000000dead"), "home/alice");
	assert_made("alice");
	assert_alias("home/alice");
}

static void
a_stale_alias_is_replaced(void **state)
{
	(void)state;
	kit_mkdir("home/7c2b1f0e-0000-4000-8000-0000000000b0", 0750, 70002);
	kit_link(kit_path("home/7c2b1f0e-0000-4000-8000-0000000000b0"), "home/alice");
	assert_made("alice");
	assert_alias("home/alice");
	/* Homes were somewhere else when the link was made. */
	kit_remove("home/alice");
	kit_link("/nonexistent/" KIT_UUID, "home/alice");
	assert_made("alice");
	assert_alias("home/alice");
}

static void
names_with_dots_have_aliases_of_their_own(void **state)
{
	(void)state;
	kit_link(kit_path("home/7c2b1f0e-0000-4000-8000-00000000dead"), "home/a.b");
	kit_link(kit_path("home/7c2b1f0e-0000-4000-8000-00000000dead"), "home/a.c");
	assert_made("a.b");
	assert_alias("home/a.b");
	kit_assert_link("home/a.c",
	    kit_path("home/7c2b1f0e-0000-4000-8000-00000000dead"));
}

static void
a_renamed_person_has_one_alias(void **state)
{
	(void)state;
	assert_made("former");
	kit_link(kit_path("home/7c2b1f0e-0000-4000-8000-0000000000b0"), "home/bob");
	kit_link(home(), "home/theirs");
	assert_int_equal(lchown(kit_path("home/theirs"), 70002, 70002), 0);
	assert_made("alice");
	assert_alias("home/alice");
	assert_false(kit_exists("home/former"));
	assert_true(kit_exists("home/bob"));
	assert_true(kit_exists("home/theirs")); /* not root's, so not ours */
}

static void
two_people_who_swap_names_swap_aliases(void **state)
{
	struct request bob = kit_request("bob");
	struct work w;
	struct why why;

	(void)state;
	assert_int_equal(uuid_parse("7c2b1f0e-0000-4000-8000-0000000000b0", 36,
			     &bob.uuid),
	    0);
	(void)strcpy(bob.uuid_text, "7c2b1f0e-0000-4000-8000-0000000000b0");
	bob.uid = bob.gid = 70002;
	kit_work(&w);
	assert_int_equal(work_home(&w, &bob, &why), 0);
	assert_made("alice");
	assert_made("bob"); /* alice is bob now */
	assert_alias("home/bob");
	assert_false(kit_exists("home/alice"));
	bob.name = kit_request("alice").name;
	bob.spn = bob.shown = kit_request("alice").spn;
	assert_int_equal(work_home(&w, &bob, &why), 0);
	work_clear(&w);
	kit_assert_link("home/alice",
	    kit_path("home/7c2b1f0e-0000-4000-8000-0000000000b0"));
	assert_alias("home/bob");
}

static void
what_is_not_ours_is_kept_and_told(void **state)
{
	static const char *const targets[] = { "/etc", "/", "relative",
		"../home/" KIT_UUID, "/etc/" KIT_UUID "/.." };
	struct why why;
	size_t i;

	(void)state;
	kit_write("home/alice", "file", 0600);
	assert_int_equal(kit_home("alice", &why), -EEXIST);
	assert_non_null(strstr(why.text, "in the way (a file of uid 0)"));
	kit_remove("home/alice");
	kit_mkdir("home/alice", 0755, 70002);
	assert_int_equal(kit_home("alice", &why), -EEXIST);
	assert_non_null(strstr(why.text, "a directory of uid 70002"));
	kit_remove("home/alice");
	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		kit_link(targets[i], "home/alice");
		assert_int_equal(kit_home("alice", &why), -EEXIST);
		kit_assert_link("home/alice", targets[i]);
		kit_remove("home/alice");
	}
	/* A link of the right text, but of the person's making. */
	kit_link(home(), "home/alice");
	assert_int_equal(lchown(kit_path("home/alice"), KIT_UID, KIT_UID), 0);
	assert_int_equal(kit_home("alice", &why), -EEXIST);
	assert_int_equal(kit_stat("home/alice").st_uid, KIT_UID);
	kit_assert_no_temp();
}

/* Names are the server's to give: a person called "shared" gets no hold of the
 * administrator's own links, wherever below the prefix they lead. */
static void
a_link_of_the_administrators_within_the_prefix_is_kept(void **state)
{
	struct why why;

	(void)state;
	kit_mkdir("home/data", 0755, 0);
	kit_link(kit_path("home/data"), "home/shared");
	assert_int_equal(kit_home("shared", &why), -EEXIST);
	kit_assert_link("home/shared", kit_path("home/data"));
	/* home_attr was another one when this was made: the person's own. */
	kit_link(kit_path("home/alice"), "home/alice@example.com");
	kit_config("home_alias = \"spn\"");
	assert_int_equal(kit_home("alice", &why), 0);
	kit_assert_link("home/alice@example.com", home());
}

static void
a_real_directory_of_the_person_serves(void **state)
{
	(void)state;
	kit_mkdir("home/alice", 0700, KIT_UID);
	assert_made("alice");
	assert_true(S_ISDIR(kit_stat("home/alice").st_mode));
}

static void
a_link_of_any_length_is_judged(void **state)
{
	char target[4000];
	struct why why;

	(void)state;
	(void)memset(target, 'x', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	target[0] = '/';
	kit_link(target, "home/alice");
	assert_int_equal(kit_home("alice", &why), -EEXIST);
	assert_true(S_ISLNK(kit_stat("home/alice").st_mode));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, kit_set_up, kit_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_link_is_absolute_and_stays),
		TEST(every_home_alias_has_its_name),
		TEST(every_home_attr_has_its_directory),
		TEST(a_mount_prefix_holds_the_homes_and_the_prefix_the_links),
		TEST(a_dangling_alias_is_repaired),
		TEST(a_stale_alias_is_replaced),
		TEST(names_with_dots_have_aliases_of_their_own),
		TEST(a_renamed_person_has_one_alias),
		TEST(two_people_who_swap_names_swap_aliases),
		TEST(what_is_not_ours_is_kept_and_told),
		TEST(a_link_of_the_administrators_within_the_prefix_is_kept),
		TEST(a_real_directory_of_the_person_serves),
		TEST(a_link_of_any_length_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
