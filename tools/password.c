/* SPDX-License-Identifier: MPL-2.0 */
/*
 * getpass() echoes after ^Z and fg, and keeps the password in its own static buffer. Here
 * the signals that end or stop a program are blocked but while we wait, ppoll() lets them
 * in, and the handler only notes which came: the terminal is put back first, then the
 * signal is raised again for whatever it is to do; after a stop the person is asked anew.
 */
#include "tools/password.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ku/wire_ops.h"
#include "src/base/util.h"

static const int caught[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP };

static volatile sig_atomic_t came;

struct signals {
	sigset_t before;
	struct sigaction actions[ARRAY_SIZE(caught)];
};

static void
note(int sig)
{
	came = sig;
}

static void
signals_hold(struct signals *s)
{
	struct sigaction sa = { .sa_handler = note };
	sigset_t block;

	came = 0;
	(void)sigemptyset(&block);
	/* Put back from the background: it must not stop us half way. */
	(void)sigaddset(&block, SIGTTOU);
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		(void)sigaddset(&block, caught[i]);
	(void)sigprocmask(SIG_BLOCK, &block, &s->before);
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++) {
		(void)sigaction(caught[i], NULL, &s->actions[i]);
		/* What the parent had us ignore (nohup) stays ignored. */
		if (s->actions[i].sa_handler != SIG_IGN)
			(void)sigaction(caught[i], &sa, NULL);
	}
}

static void
signals_release(const struct signals *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		(void)sigaction(caught[i], &s->actions[i], NULL);
	(void)sigprocmask(SIG_SETMASK, &s->before, NULL);
}

/* Waits until stdin has something; -EINTR when one of `caught` came. */
static int
wait_readable(const struct signals *s)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	for (;;) {
		if (ppoll(&p, 1, NULL, &s->before) > 0)
			return 0;
		if (errno != EINTR)
			return -errno;
		if (came != 0)
			return -EINTR;
	}
}

/* 1: the line is complete; 0: more is to come. Its bytes are in `pw` and nowhere else. */
static int
take_line(struct secret *pw, size_t got)
{
	uint8_t *new = pw->data + pw->len;
	const uint8_t *end = memchr(new, '\n', got);
	size_t n = end != NULL ? (size_t)(end - new) : got;

	if (memchr(new, '\0', n) != NULL)
		return -EILSEQ;
	pw->len += n;
	if (pw->len > KU_MAX_PASSWORD)
		return -E2BIG;
	/* What stood behind the newline is nobody's business. */
	explicit_bzero(pw->data + pw->len, got - n);
	return end != NULL;
}

static int
read_line(const struct signals *s, struct secret *pw)
{
	for (;;) {
		ssize_t got;
		int rc = wait_readable(s);

		if (rc < 0)
			return rc;
		got = read(STDIN_FILENO, pw->data + pw->len, pw->cap - pw->len);
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (got == 0)
			return pw->len > 0 ? 0 : -ENODATA;
		rc = got > 0 ? take_line(pw, (size_t)got) : 0;
		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
}

static void
print(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));

	(void)n;
}

/* One line from the terminal; 1: a signal was served meanwhile, ask again. */
static int
ask_terminal(const char *prompt, struct secret *pw)
{
	struct termios before, quiet;
	struct signals s;
	int rc;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return -errno;
	signals_hold(&s);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ECHONL | ICANON;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	print(prompt);
	rc = read_line(&s, pw);
	/* Flushes what is left of a line too long: the shell must not run it. */
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	signals_release(&s);
	if (rc != -EINTR)
		return rc;
	print("\n");
	(void)raise(came);
	explicit_bzero(pw->data, pw->cap);
	pw->len = 0;
	return 1;
}

int
password_read(const char *prompt, struct secret **ret_password)
{
	/* One byte more than allowed, to see that there is more, and the newline. */
	cleanup_(secret_freep) struct secret *pw = secret_new(KU_MAX_PASSWORD + 2);
	int rc;

	if (pw == NULL)
		return -ENOMEM;
	if (isatty(STDIN_FILENO)) {
		do
			rc = ask_terminal(prompt, pw);
		while (rc > 0);
	} else {
		struct signals s;

		(void)sigprocmask(SIG_BLOCK, NULL, &s.before);
		came = 0;
		rc = read_line(&s, pw);
	}
	if (rc < 0)
		return rc;
	*ret_password = TAKE_PTR(pw);
	return 0;
}
