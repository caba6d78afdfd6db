/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The daemon publishes local groups that map_group extends, and a daemon that was taken over
 * could publish any. So both of root's files are read here, in small pieces, each time such a
 * group comes; without map_group none ever does.
 *
 * The configuration is not parsed: it is enough that its words are in it, outside of
 * comments: "map_group", then "local", and then the name in quotes.
 */
#include "nss/granted.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "ku/paths.h"
#include "src/base/attr.h"
#include "src/base/ids.h"

#define PIECE     512
#define MAX_BYTES (1024 * 1024)
#define MAX_WORD  64

struct text {
	int fd;
	size_t at, len;
	off_t done;
	char piece[PIECE];
};

struct word {
	size_t len;
	char text[MAX_WORD];
};

/* -1: the end, or what cannot be read. */
static cold_ __attribute__((noinline)) int
next(struct text *t)
{
	ssize_t n;

	if (t->at == t->len) {
		if (t->done >= MAX_BYTES)
			return -1;
		/* no handler runs meanwhile, so no EINTR */
		n = pread(t->fd, t->piece, sizeof(t->piece), t->done);
		if (n <= 0)
			return -1;
		t->done += n;
		t->len = (size_t)n;
		t->at = 0;
	}
	return (unsigned char)t->piece[t->at++];
}

/* One that is too long is longer than any that is looked for. */
static cold_ void
add(struct word *w, int c)
{
	if (w->len < sizeof(w->text))
		w->text[w->len] = (char)c;
	w->len++;
}

static cold_ __attribute__((noinline)) bool
is_word(const struct word *w, const char *text, size_t len)
{
	return w->len == len && len <= sizeof(w->text) && memcmp(w->text, text, len) == 0;
}

static cold_ bool
is_bare(int c)
{
	return (c >= 'a' && c <= 'z') || c == '_';
}

/* Has the configuration map_group, and behind it this name in quotes for what is local? */
static cold_ bool
names_it(struct text *t, const struct word *name)
{
	bool has_key = false, is_local = false, comment = false;
	struct word w = { .len = 0 };
	int c, quote = 0;

	while ((c = next(t)) >= 0) {
		if (comment) {
			comment = c != '\n';
			continue;
		}
		if (quote != 0 ? c != quote && c != '\n' : is_bare(c)) {
			add(&w, c);
			continue;
		}
		if (is_local && quote != 0 && is_word(&w, name->text, name->len))
			return true;
		has_key |= is_word(&w, "map_group", 9);
		if (w.len != 0 || c == ',')
			is_local = has_key && is_word(&w, "local", 5);
		w.len = 0;
		comment = quote == 0 && c == '#';
		quote = quote == 0 && (c == '"' || c == '\'') ? c : 0;
	}
	return false;
}

/* The name in the next line of /etc/group that has the gid, which is not 0; false: there is
 * none. What is no number becomes one that no gid is. */
static cold_ bool
next_of_gid(struct text *t, uint32_t gid, struct word *name)
{
	uint64_t id = 0;
	unsigned field = 0;
	int c;

	name->len = 0;
	while ((c = next(t)) >= 0) {
		if (c == ':' || c == '\n') {
			if (field == 2 && id == gid && name->len <= MAX_WORD)
				return true;
			field = c == ':' ? field + 1 : 0;
			if (c == '\n')
				name->len = 0;
			id = 0;
		} else if (field == 0) {
			add(name, c);
		} else if (field == 2) {
			id = c >= '0' && c <= '9' && id <= UINT32_MAX
			    ? id * 10 + (uint64_t)(c - '0')
			    : UINT64_MAX;
		}
	}
	return false;
}

/* A lookup that is jumped out of by a handler leaves no descriptor: none runs meanwhile. */
static cold_ __attribute__((noinline)) int
open_text(struct text *t, const char *path)
{
	*t = (struct text){ .len = 0 };
	t->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return t->fd;
}

static cold_ __attribute__((noinline)) bool
config_names(const char *path, const struct word *name)
{
	struct text t;
	bool yes;

	if (open_text(&t, path) < 0)
		return false;
	yes = names_it(&t, name);
	(void)close(t.fd);
	return yes;
}

static cold_ bool
judge(const char *group, const char *config, uint32_t gid)
{
	struct word name;
	struct text t;
	bool yes = false;

	if (open_text(&t, group) < 0)
		return false;
	while (!yes && next_of_gid(&t, gid, &name))
		yes = config_names(config, &name);
	(void)close(t.fd);
	return yes;
}

bool cold_
granted_gid_in(const char *group, const char *config, uint32_t gid)
{
	int saved = errno, state, ignored;
	sigset_t all, was;
	bool yes;

	memset(&all, 0xff, sizeof(all));
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	(void)pthread_sigmask(SIG_BLOCK, &all, &was);
	yes = judge(group, config, gid);
	(void)pthread_sigmask(SIG_SETMASK, &was, NULL);
	(void)pthread_setcancelstate(state, &ignored);
	errno = saved;
	return yes;
}

bool cold_
granted_gid(uint32_t gid)
{
	return granted_gid_in(KU_PATH_ETC_GROUP, KU_PATH_UNIXD_CONFIG, gid);
}
