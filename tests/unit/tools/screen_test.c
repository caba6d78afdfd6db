/* SPDX-License-Identifier: MPL-2.0 */
#include "tools/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char text[4096];

static struct screen
begin(bool terminal)
{
	memset(text, 0, sizeof(text));
	return (struct screen){ .out = fmemopen(text, sizeof(text), "w"),
		.terminal = terminal,
		.width = terminal ? 40 : 0 };
}

static void
expect(const struct screen *s, const char *want)
{
	(void)fclose(s->out);
	assert_string_equal(text, want);
}

static void
lines_break_between_words_and_hang(void **state)
{
	struct screen s = begin(true);

	(void)state;
	screen_text(&s, 9, 9, "one two three four five six seven eight nine ten");
	expect(&s, "one two three four five six\n         seven eight nine ten\n");
}

static void
a_word_that_is_too_long_stays_whole(void **state)
{
	struct screen s = begin(true);

	(void)state;
	screen_text(&s, 0, 2,
	    "a /usr/lib/systemd/system/kanidm-unixd.service.d/10.conf b");
	expect(&s, "a\n  /usr/lib/systemd/system/kanidm-unixd.service.d/10.conf\n  b\n");
}

static void
a_pipe_gets_one_line_as_it_is(void **state)
{
	struct screen s = begin(false);

	(void)state;
	screen_text(&s, 9, 9,
	    "one  two three four five six seven eight nine ten \033[1m");
	screen_tone(&s, TONE_BAD);
	screen_pair(&s, 30, "key", "value", TONE_BAD);
	expect(&s,
	    "one  two three four five six seven eight nine ten \033[1m\nkey: value\n");
}

static void
what_would_steer_a_terminal_is_shown_as_a_question_mark(void **state)
{
	struct screen s = begin(true);

	(void)state;
	screen_text(&s, 0, 0,
	    "a\033[2Jb \xC2\x9B"
	    "c \xC3\xA4 \x7F\t.");
	expect(&s, "a?[2Jb ?c \xC3\xA4 ??.\n");
}

/* A terminal that is not set to UTF-8 obeys the bytes 0x80 to 0x9F alone. */
static void
what_is_no_utf8_is_shown_as_question_marks(void **state)
{
	struct screen s = begin(true);

	(void)state;
	screen_text(&s, 0, 0,
	    "a\x9B"
	    "2J \xE4 \xC3 \xED\xA0\x80 \xE2\x82\xAC \xF0\x9F\x92");
	expect(&s, "a?2J ? ? ??? \xE2\x82\xAC ???\n");
}

static void
bytes_of_a_file_keep_what_they_are_told_to_keep(void **state)
{
	struct screen s = begin(true);

	(void)state;
	screen_put(s.out, "a\tb\033c\r\n\xC2\x85!", 10, "\t\n");
	expect(&s, "a\tb?c?\n?!");
}

static void
values_stand_in_one_column(void **state)
{
	static const char *const v[] = { "uri", "x", "server_version", "1",
		"a_key_that_is_longer_than_all_others", "2" };
	struct screen s = begin(true);
	size_t column = screen_column(v, 6);

	(void)state;
	assert_int_equal(column, strlen("server_version: "));
	s.margin = 2;
	for (size_t i = 0; i < 6; i += 2)
		screen_pair(&s, column, v[i], v[i + 1], TONE_PLAIN);
	expect(&s,
	    "  uri:            x\n  server_version: 1\n"
	    "  a_key_that_is_longer_than_all_others: 2\n");
}

static void
colours_are_given_back(void **state)
{
	struct screen s = begin(true);

	(void)state;
	s.colour = true;
	screen_pair(&s, 0, "key", "value", TONE_GOOD);
	expect(&s, "key: \033[1;32mvalue\033[0m\n");
}

static void
a_line_is_made_harmless_in_place(void **state)
{
	char line[] = "a\033[2J\tb\r\n\177 \xC2\x9B"
		      "m \xC3\xA9 \xC2\xA0";

	(void)state;
	screen_clean(line);
	assert_string_equal(line, "a?[2J?b??? ??m \xC3\xA9 \xC2\xA0");
}

static void
a_stream_in_memory_is_no_terminal(void **state)
{
	FILE *f = fmemopen(text, sizeof(text), "w");
	struct screen s = screen_of(f);

	(void)state;
	assert_false(s.terminal || s.colour);
	(void)fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_break_between_words_and_hang),
		cmocka_unit_test(a_word_that_is_too_long_stays_whole),
		cmocka_unit_test(a_pipe_gets_one_line_as_it_is),
		cmocka_unit_test(what_would_steer_a_terminal_is_shown_as_a_question_mark),
		cmocka_unit_test(what_is_no_utf8_is_shown_as_question_marks),
		cmocka_unit_test(bytes_of_a_file_keep_what_they_are_told_to_keep),
		cmocka_unit_test(values_stand_in_one_column),
		cmocka_unit_test(colours_are_given_back),
		cmocka_unit_test(a_line_is_made_harmless_in_place),
		cmocka_unit_test(a_stream_in_memory_is_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
