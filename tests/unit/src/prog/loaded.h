/* SPDX-License-Identifier: MPL-2.0 */
/* A configuration made from texts, and what was said about it. */
#pragma once

#include "scratch.h"
#include "src/base/attr.h"
#include "src/prog/config.h"
#include "src/prog/xalloc.h"

struct loaded {
	int err;
	struct config *c;
	struct config_problems p;
};

static inline void
loaded_clear(struct loaded *l)
{
	(void)config_free(l->c);
	config_problems_clear(&l->p);
}

/* A NULL text is a file that is not there. The files are called "config" and "unixd". */
static inline struct loaded
load(const char *client, const char *unixd)
{
	struct loaded l;

	(void)unlink("config");
	(void)unlink("unixd");
	if (client != NULL)
		scratch_write("config", client);
	if (unixd != NULL)
		scratch_write("unixd", unixd);
	l.err = config_load("config", "unixd", &l.c, &l.p);
	assert_non_null(l.c);
	return l;
}

/* Exactly one problem begins with `start` ("unixd:3: home_attr: "); it has this severity
 * and these words. */
static inline void
assert_told(const struct loaded *l, enum config_severity severity, const char *start,
    const char *words)
{
	size_t hits = 0;

	for (size_t i = 0; i < l->p.n; i++) {
		const struct config_problem *p = &l->p.v[i];

		if (strncmp(p->text, start, strlen(start)) != 0 ||
		    strstr(p->text, words) == NULL)
			continue;
		assert_int_equal(p->severity, severity);
		hits++;
	}
	if (hits != 1)
		config_print_problems(stderr, &l->p);
	assert_int_equal(hits, 1);
}

/* No problem but notes about what is not set. */
static inline void
assert_quiet(const struct loaded *l)
{
	size_t more = 0;

	for (size_t i = 0; i < l->p.n; i++)
		more += strstr(l->p.v[i].text, "not set") == NULL &&
		    strstr(l->p.v[i].text, "not there") == NULL;
	if (more > 0)
		config_print_problems(stderr, &l->p);
	assert_int_equal(more, 0);
	assert_int_equal(l->err, 0);
}
