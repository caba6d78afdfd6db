/* SPDX-License-Identifier: MPL-2.0 */
#include "src/prog/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_each_kind_of_slip_is_one_edit(void **state)
{
	(void)state;
	assert_int_equal(suggest_distance("cache_timeout", "cache_timeout"), 0);
	assert_int_equal(suggest_distance("cache_timout", "cache_timeout"), 1);
	assert_int_equal(suggest_distance("cache_timeoutt", "cache_timeout"), 1);
	assert_int_equal(suggest_distance("cache-timeout", "cache_timeout"), 1);
	assert_int_equal(suggest_distance("cahce_timeout", "cache_timeout"), 1);
	assert_int_equal(suggest_distance("Cache_Timeout", "cache_timeout"), 0);
	assert_int_equal(suggest_distance("", "abc"), 3);
	assert_int_equal(suggest_distance("kitten", "sitting"), 3);
}

static void
test_very_long_words_are_far_apart(void **state)
{
	char word[200];

	(void)state;
	memset(word, 'a', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	assert_int_equal(suggest_distance(word, "a"), 199);
	assert_int_equal(suggest_distance("a", word), 199);
}

static void
test_the_nearest_candidate_wins_and_far_ones_never_do(void **state)
{
	const char *best = NULL;

	(void)state;
	suggest_consider("home_ali", "home_attr", &best);
	assert_null(best);
	suggest_consider("home_atr", "home_alias", &best);
	suggest_consider("home_atr", "home_attr", &best);
	suggest_consider("home_atr", "home_alias", &best);
	assert_string_equal(best, "home_attr");
	best = NULL;
	suggest_consider("foo", "uri", &best);
	suggest_consider("colour", "uri", &best);
	assert_null(best);
	suggest_consider("url", "uri", &best);
	assert_string_equal(best, "uri");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind_of_slip_is_one_edit),
		cmocka_unit_test(test_very_long_words_are_far_apart),
		cmocka_unit_test(test_the_nearest_candidate_wins_and_far_ones_never_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
