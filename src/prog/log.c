/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Messages for a person who reads the journal or a terminal. The one idea: a line is made
 * complete in a buffer of our own and leaves in a single write(2), so lines of several
 * threads never mix, and nothing another machine or user chose can start a second line or
 * a terminal escape: control characters become '?'.
 */
#include "src/prog/log.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/util.h"

#define LOG_LINE_MAX 2048

static _Atomic int max_level = LOG_LEVEL_INFO;

struct level_name {
	const char *word;
	enum log_level level;
};

static const struct level_name level_names[] = {
	{ "error", LOG_LEVEL_ERR },
	{ "warn", LOG_LEVEL_WARN },
	{ "warning", LOG_LEVEL_WARN },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
	{ "trace", LOG_LEVEL_DEBUG },
};

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* With several levels in it ("info,kanidm_unixd=debug") the most talkative one counts:
 * who sets such a string is looking for something. */
enum log_level
log_level_parse(const char *text, enum log_level fallback)
{
	enum log_level best = fallback;
	bool found = false;

	while (text != NULL && *text != '\0') {
		size_t len = 0;

		while (is_word(text[len]))
			len++;
		for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
			const struct level_name *l = &level_names[i];

			if (strlen(l->word) != len ||
			    strncasecmp(text, l->word, len) != 0)
				continue;
			if (!found || l->level > best)
				best = l->level;
			found = true;
		}
		text += len > 0 ? len : 1;
	}
	return best;
}

void
log_set_level(enum log_level level)
{
	atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

enum log_level
log_get_level(void)
{
	return (enum log_level)atomic_load_explicit(&max_level, memory_order_relaxed);
}

/* $JOURNAL_STREAM is "device:inode" of the stream the journal gave us; a redirected
 * stderr is another file, and the prefix would be noise there. */
static bool
stderr_is_journal(void)
{
	const char *env = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	if (env == NULL || sscanf(env, "%llu:%llu", &dev, &ino) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

static bool
want_prefix(void)
{
	static _Atomic int known; /* 0 not asked yet, 1 yes, 2 no; racing askers agree */
	int state = atomic_load_explicit(&known, memory_order_relaxed);

	if (state == 0) {
		state = stderr_is_journal() ? 1 : 2;
		atomic_store_explicit(&known, state, memory_order_relaxed);
	}
	return state == 1;
}

/*
 * A journal that hangs must not hang us: what it does not take at once is lost, and counted.
 * A line is shorter than what a pipe or socket that is writable takes without waiting.
 */
static bool
would_block(void)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) == 0;
}

static void
write_line(const char *line, size_t len)
{
	ssize_t n;

	do {
		n = write(STDERR_FILENO, line, len);
	} while (n < 0 && errno == EINTR);
}

static void
send_line(const char *line, size_t len)
{
	static _Atomic unsigned lost;
	char text[64];
	unsigned n;
	int said;

	if (would_block()) {
		atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
		return;
	}
	n = atomic_exchange_explicit(&lost, 0, memory_order_relaxed);
	if (n > 0) {
		said = snprintf(text, sizeof(text), "%slog: lines lost n=%u\n",
		    want_prefix() ? "<4>" : "", n);
		write_line(text, (size_t)said);
	}
	write_line(line, len);
}

void
log_at(enum log_level level, const char *fmt, ...)
{
	int saved_errno = errno;
	char line[LOG_LINE_MAX];
	size_t start = 0, len;
	va_list ap;
	int n;

	if (level > log_get_level())
		return;
	if (want_prefix())
		start = (size_t)snprintf(line, sizeof(line), "<%d>", (int)level);
	errno = saved_errno; /* for %m */
	va_start(ap, fmt);
	n = vsnprintf(line + start, sizeof(line) - start - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	len = start + (size_t)n;
	if (len > sizeof(line) - 2) {
		len = sizeof(line) - 2;
		memcpy(line + len - 3, "...", 3);
	}
	for (size_t i = start; i < len; i++)
		if (iscntrl((unsigned char)line[i]))
			line[i] = '?';
	line[len++] = '\n';
	send_line(line, len);
	errno = saved_errno;
}
