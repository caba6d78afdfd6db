/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A person at a terminal: what is typed is not shown, and the terminal is as before whatever
 * ends or stops the program meanwhile. The terminal is a pty, the program a child in its
 * foreground, and between both a shell's part: it waits for stops, too.
 */
#include "tools/password.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/deadline.h"

#define PATIENCE_MS 10000

static int master;
static int report;
static pid_t shell;
static char shown[4096];
static size_t n_shown;

/* The program: one byte to the shell's report, 'y' when the password is the right one. */
static void
program(int fd)
{
	struct secret *pw = NULL;
	int rc = password_read("Prompt: ", &pw);
	bool right = rc == 0 && pw->len == 6 && memcmp(pw->data, "secret", 6) == 0;

	secret_freep(&pw);
	if (write(fd, right ? "y" : "n", 1) != 1)
		_exit(2);
	_exit(0);
}

static void
tell(int fd, char what)
{
	struct termios t;
	char word[2] = { what, '-' };

	if (tcgetattr(STDIN_FILENO, &t) == 0 && (t.c_lflag & ECHO) != 0)
		word[1] = 'e';
	if (write(fd, word, 2) != 2)
		_exit(2);
}

/* The shell's part: 's' stopped (it is continued then), 'k' killed, 'x' ended; then 'e' when
 * the terminal echoes. */
static void
run_shell(int fd)
{
	pid_t pid;
	int st;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGTTOU, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setpgid(0, 0);
		(void)tcsetpgrp(STDIN_FILENO, getpid());
		(void)signal(SIGTTOU, SIG_DFL);
		program(fd);
	}
	for (;;) {
		if (waitpid(pid, &st, WUNTRACED) != pid)
			_exit(3);
		tell(fd, WIFSTOPPED(st) ? 's' : WIFSIGNALED(st) ? 'k' : 'x');
		if (!WIFSTOPPED(st))
			_exit(0);
		(void)kill(pid, SIGCONT);
	}
}

static int
setup(void **state)
{
	int fds[2];

	(void)state;
	if (pipe(fds) != 0)
		return -1;
	n_shown = 0;
	memset(shown, 0, sizeof(shown));
	shell = forkpty(&master, NULL, NULL, NULL);
	if (shell < 0)
		return -1;
	if (shell == 0)
		run_shell(fds[1]);
	(void)close(fds[1]);
	report = fds[0];
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)kill(shell, SIGKILL);
	(void)waitpid(shell, NULL, 0);
	(void)close(master);
	return close(report);
}

/* Reads what the terminal shows until `text` has been seen `times` times. */
static void
see(const char *text, unsigned times)
{
	struct deadline d = deadline_in_ms(PATIENCE_MS);
	struct pollfd p = { .fd = master, .events = POLLIN };

	for (;;) {
		const char *at = shown;
		unsigned n = 0;

		while ((at = strstr(at, text)) != NULL) {
			at += strlen(text);
			n++;
		}
		if (n >= times)
			return;
		assert_true(poll(&p, 1, deadline_left_ms(d)) > 0);
		assert_true(n_shown < sizeof(shown) - 1);
		n_shown += (size_t)read(master, shown + n_shown,
		    sizeof(shown) - 1 - n_shown);
	}
}

static void
enter(const char *keys)
{
	assert_int_equal(write(master, keys, strlen(keys)), strlen(keys));
}

/* The next bytes of the report. */
static void
reported(const char *want)
{
	struct deadline d = deadline_in_ms(PATIENCE_MS);
	struct pollfd p = { .fd = report, .events = POLLIN };
	char got[8] = "";

	for (size_t i = 0; i < strlen(want); i++) {
		assert_true(poll(&p, 1, deadline_left_ms(d)) > 0);
		assert_int_equal(read(report, got + i, 1), 1);
	}
	assert_string_equal(got, want);
}

static void
the_password_is_read_and_not_shown(void **state)
{
	(void)state;
	see("Prompt: ", 1);
	enter("secret\n");
	reported("yxe");
	see("\n", 1);
	assert_null(strstr(shown, "sec"));
}

static void
an_interrupt_ends_it_and_the_terminal_echoes_again(void **state)
{
	(void)state;
	see("Prompt: ", 1);
	enter("sec\003");
	reported("ke");
	assert_null(strstr(shown, "sec"));
}

static void
a_stop_gives_the_terminal_back_and_then_asks_anew(void **state)
{
	(void)state;
	see("Prompt: ", 1);
	enter("wrong\032");
	reported("se");
	see("Prompt: ", 2);
	enter("secret\n");
	reported("yxe");
	assert_null(strstr(shown, "sec"));
	assert_null(strstr(shown, "wrong"));
}

static void
a_hangup_from_elsewhere_restores_the_terminal(void **state)
{
	(void)state;
	see("Prompt: ", 1);
	assert_int_equal(kill(-tcgetpgrp(master), SIGTERM), 0);
	reported("ke");
}

static void
the_end_of_the_terminal_is_no_password(void **state)
{
	(void)state;
	see("Prompt: ", 1);
	enter("\004");
	reported("nxe");
}

int
main(void)
{
#define TTY_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TTY_TEST(the_password_is_read_and_not_shown),
		TTY_TEST(an_interrupt_ends_it_and_the_terminal_echoes_again),
		TTY_TEST(a_stop_gives_the_terminal_back_and_then_asks_anew),
		TTY_TEST(a_hangup_from_elsewhere_restores_the_terminal),
		TTY_TEST(the_end_of_the_terminal_is_no_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
