/* SPDX-License-Identifier: MPL-2.0 */
#include "pam/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"

static char unknown[128];

static void
note_unknown(void *arg, const char *word)
{
	assert_ptr_equal(arg, unknown);
	(void)strncat(unknown, word, sizeof(unknown) - strlen(unknown) - 1);
	(void)strncat(unknown, " ", sizeof(unknown) - strlen(unknown) - 1);
}

static struct options
parse(const char *const *words, int n)
{
	struct options o;

	unknown[0] = '\0';
	options_parse(&o, n, words, note_unknown, unknown);
	return o;
}

static void
nothing_said_is_one_password_and_nothing_special(void **state)
{
	struct options o = parse(NULL, 0);

	(void)state;
	assert_int_equal(o.retry, 1);
	assert_false(o.debug || o.use_first_pass || o.use_authtok ||
	    o.ignore_unknown_user || o.nodelay || o.no_warn);
}

static void
every_word_is_known(void **state)
{
	const char *const words[] = { "debug", "use_first_pass", "use_authtok",
		"ignore_unknown_user", "nodelay", "no_warn", "retry=3" };
	struct options o = parse(words, ARRAY_SIZE(words));

	(void)state;
	assert_string_equal(unknown, "");
	assert_true(o.debug && o.use_first_pass && o.use_authtok &&
	    o.ignore_unknown_user && o.nodelay && o.no_warn);
	assert_int_equal(o.retry, 3);
}

static void
the_last_of_the_two_first_pass_words_counts(void **state)
{
	const char *const a[] = { "use_first_pass", "try_first_pass" };
	const char *const b[] = { "try_first_pass", "use_first_pass" };

	(void)state;
	assert_false(parse(a, 2).use_first_pass);
	assert_true(parse(b, 2).use_first_pass);
	assert_string_equal(unknown, "");
}

static void
what_is_not_understood_is_reported_and_has_no_effect(void **state)
{
	const char *const words[] = { "retry=0", "retry=10", "retry=", "retry=x", "retry",
		"Debug", "debug=1", "use_first_pas", "", "nodelay" };
	struct options o = parse(words, ARRAY_SIZE(words));

	(void)state;
	assert_string_equal(unknown,
	    "retry=0 retry=10 retry= retry=x retry Debug debug=1 use_first_pas  ");
	assert_int_equal(o.retry, 1);
	assert_false(o.debug || o.use_first_pass);
	assert_true(o.nodelay);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_said_is_one_password_and_nothing_special),
		cmocka_unit_test(every_word_is_known),
		cmocka_unit_test(the_last_of_the_two_first_pass_words_counts),
		cmocka_unit_test(what_is_not_understood_is_reported_and_has_no_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
