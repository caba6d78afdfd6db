/* SPDX-License-Identifier: MPL-2.0 */
#include "src/prog/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_a_level_is_found_in_what_people_write(void **state)
{
	(void)state;
	assert_int_equal(log_level_parse("debug", LOG_LEVEL_INFO), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("WARN", LOG_LEVEL_INFO), LOG_LEVEL_WARN);
	assert_int_equal(log_level_parse("error", LOG_LEVEL_INFO), LOG_LEVEL_ERR);
	assert_int_equal(log_level_parse("trace", LOG_LEVEL_INFO), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("warn,kanidm_unixd=debug", LOG_LEVEL_INFO),
	    LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("kanidm_unixd=error", LOG_LEVEL_INFO),
	    LOG_LEVEL_ERR);
}

static void
test_no_level_is_the_fallback(void **state)
{
	(void)state;
	assert_int_equal(log_level_parse(NULL, LOG_LEVEL_WARN), LOG_LEVEL_WARN);
	assert_int_equal(log_level_parse("", LOG_LEVEL_WARN), LOG_LEVEL_WARN);
	assert_int_equal(log_level_parse("off", LOG_LEVEL_INFO), LOG_LEVEL_INFO);
	assert_int_equal(log_level_parse("information_debugger", LOG_LEVEL_INFO),
	    LOG_LEVEL_INFO);
}

/* What `say` writes to a stderr of its own; `journal`: with the stream's identity set. */
static void
capture(void (*say)(void), int journal, char out[8192])
{
	int fds[2], status;
	ssize_t n, len = 0;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		struct stat st;
		char id[64];

		(void)dup2(fds[1], STDERR_FILENO);
		(void)unsetenv("JOURNAL_STREAM");
		if (journal && fstat(STDERR_FILENO, &st) == 0) {
			(void)snprintf(id, sizeof(id), "%llu:%llu",
			    (unsigned long long)st.st_dev,
			    (unsigned long long)st.st_ino + (journal > 1));
			(void)setenv("JOURNAL_STREAM", id, 1);
		}
		say();
		_exit(0);
	}
	assert_int_equal(close(fds[1]), 0);
	while ((n = read(fds[0], out + len, 8191 - (size_t)len)) > 0)
		len += n;
	out[len] = '\0';
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
say_two(void)
{
	log_info("link: online url=%s", "https://x");
	log_debug("not seen");
	log_warn("second");
}

static void
say_hostile(void)
{
	log_err("name: %s", "a\nb\x1b[31m<0>");
}

static void
say_long(void)
{
	char text[5000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_info("%s", text);
}

static void
say_errno(void)
{
	errno = ENOENT;
	log_info("%m");
	if (errno != ENOENT)
		_exit(1);
}

static void
test_a_line_is_plain_on_a_terminal_or_file(void **state)
{
	char out[8192];

	(void)state;
	capture(say_two, 0, out);
	assert_string_equal(out, "link: online url=https://x\nsecond\n");
	capture(say_two, 2, out); /* JOURNAL_STREAM names another file */
	assert_string_equal(out, "link: online url=https://x\nsecond\n");
}

static void
test_a_line_carries_its_level_to_the_journal(void **state)
{
	char out[8192];

	(void)state;
	capture(say_two, 1, out);
	assert_string_equal(out, "<6>link: online url=https://x\n<4>second\n");
}

static void
test_control_characters_cannot_start_a_line(void **state)
{
	char out[8192];

	(void)state;
	capture(say_hostile, 1, out);
	assert_string_equal(out, "<3>name: a?b?[31m<0>\n");
}

static void
test_a_long_line_is_cut_and_says_so(void **state)
{
	char out[8192];
	size_t len;

	(void)state;
	capture(say_long, 0, out);
	len = strlen(out);
	assert_in_range(len, 1000, 2048);
	assert_string_equal(out + len - 5, "x...\n");
	assert_ptr_equal(strchr(out, '\n'), out + len - 1);
}

static void
test_errno_is_usable_and_kept(void **state)
{
	char out[8192];

	(void)state;
	capture(say_errno, 0, out);
	assert_string_equal(out, "No such file or directory\n");
}

/* A journal that has stopped reading: nobody of ours waits for it, and it is told later. */
static void
test_a_reader_that_hangs_holds_up_nobody(void **state)
{
	int fds[2], saved = dup(STDERR_FILENO);
	static char text[1024 * 1024];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	for (int i = 0; i < 10000; i++)
		log_info("line %d of many that nobody reads", i);
	n = read(fds[0], text, sizeof(text) - 1);
	log_info("last");
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(fds[1]);
	assert_true(n > 0);
	n = read(fds[0], text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "log: lines lost n="));
	assert_non_null(strstr(text, "last\n"));
	(void)close(fds[0]);
	(void)close(saved);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_level_is_found_in_what_people_write),
		cmocka_unit_test(test_no_level_is_the_fallback),
		cmocka_unit_test(test_a_line_is_plain_on_a_terminal_or_file),
		cmocka_unit_test(test_a_line_carries_its_level_to_the_journal),
		cmocka_unit_test(test_control_characters_cannot_start_a_line),
		cmocka_unit_test(test_a_long_line_is_cut_and_says_so),
		cmocka_unit_test(test_errno_is_usable_and_kept),
		cmocka_unit_test(test_a_reader_that_hangs_holds_up_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
