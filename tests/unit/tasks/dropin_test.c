/* SPDX-License-Identifier: MPL-2.0 */
#include "tasks/dropin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"

#define FROM "# Made from " KU_PATH_UNIXD_CONFIG "\n"

static unsigned n_refused;

static void
on_refused(void *arg, const char *prefix, const char *why)
{
	(void)arg, (void)prefix;
	assert_non_null(why);
	n_refused++;
}

static char *
text_for(const char *prefix, const char *mount)
{
	struct config c = {
		.home_prefix = (char *)(uintptr_t)prefix,
		.home_mount_prefix = (char *)(uintptr_t)mount,
	};

	n_refused = 0;
	return dropin_text(&c, on_refused, NULL);
}

static void
homes_in_home_need_nothing(void **state)
{
	(void)state;
	assert_null(text_for("/home/", NULL));
	assert_null(text_for("/home/", "/home/real/"));
	assert_null(text_for("//home//", NULL));
	assert_int_equal(n_refused, 0);
}

static void
other_prefixes_are_granted(void **state)
{
	cleanup_(freep) char *one = text_for("/u/", NULL);
	cleanup_(freep) char *same = text_for("/u/", "//u");
	cleanup_(freep) char *mount = text_for("/home/", "/var/home/");
	cleanup_(freep) char *two = text_for("/u/", "/srv/homes/");
	cleanup_(freep) char *homely = text_for("/homes/", NULL);

	(void)state;
	assert_string_equal(one,
	    FROM "[Unit]\nRequiresMountsFor=\"/u\"\n[Service]\nReadWritePaths=\"-/u\"\n");
	assert_string_equal(same, one);
	assert_non_null(strstr(mount, "ReadWritePaths=\"-/var/home\"\n"));
	assert_string_equal(two,
	    FROM "[Unit]\nRequiresMountsFor=\"/u\"\nRequiresMountsFor=\"/srv/homes\"\n"
		 "[Service]\nReadWritePaths=\"-/u\"\nReadWritePaths=\"-/srv/homes\"\n");
	assert_non_null(strstr(homely, "\"-/homes\""));
	assert_int_equal(n_refused, 0);
}

static void
a_path_is_one_word_for_systemd(void **state)
{
	cleanup_(freep) char *text = text_for("/my homes/100%h/\"q\"\\n'x'/", NULL);

	(void)state;
	assert_non_null(
	    strstr(text, "ReadWritePaths=\"-/my homes/100%%h/\\\"q\\\"\\\\n'x'\"\n"));
}

static void
what_belongs_to_the_system_is_refused(void **state)
{
	static const char *const silly[] = { "/", "//", "/etc/", "/etc/homes/", "/usr/",
		"/usr/home/", "/var/", "/var/lib/", "/run/user/", "/tmp/", "/proc/",
		"/root/", "/home/../etc/", "/u/./", "/u\nReadWritePaths=/etc/",
		KU_PATH_STATEDIR "/homes/" };
	cleanup_(freep) char *only_u = text_for("/u/", NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(silly); i++) {
		cleanup_(freep) char *also = NULL;

		assert_null(text_for(silly[i], NULL));
		assert_int_equal(n_refused, 1);
		/* The other one is granted all the same. */
		also = text_for("/u/", silly[i]);
		assert_string_equal(also, only_u);
		assert_int_equal(n_refused, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(homes_in_home_need_nothing),
		cmocka_unit_test(other_prefixes_are_granted),
		cmocka_unit_test(a_path_is_one_word_for_systemd),
		cmocka_unit_test(what_belongs_to_the_system_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
