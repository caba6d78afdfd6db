/* SPDX-License-Identifier: MPL-2.0 */
/* Between the parts of the configuration reader; nobody else includes this. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "src/prog/config.h"
#include "src/prog/keys.h"
#include "src/prog/toml.h"

/* One of the two files as it was found. */
struct config_source {
	const char *path;
	char *text;
	size_t len;
	int err;          /* 0, -ENOENT, or why it cannot be read */
	bool open_to_all; /* anybody may write it */
	bool unwanted;    /* not to be read: the caller has no business with it */
};

struct config_reader {
	struct config *config;
	struct config_problems *problems;
	const char *path;             /* named in problems */
	enum config_severity worst;   /* worse problems are reported as this */
	bool only_homes;              /* for tasks: no other key is looked at */
	unsigned line[CONFIG_N_KEYS]; /* where a key was set; 0: nowhere */
	bool set[CONFIG_N_KEYS];      /* some file has the key, well or badly */
};

void config_source_read(struct config_source *s, const char *path);
void config_source_clear(struct config_source *s);
/* config_load() on sources. */
int must_use_ config_load_sources(const struct config_source *client,
    const struct config_source *unixd, struct config **ret_config,
    struct config_problems *ret_problems);

/* Appends to a list of problems; control characters in the text become '?'. */
void printf_(5, 6) config_problem_add(struct config_problems *p,
    enum config_severity severity, const char *path, unsigned line, const char *fmt, ...);
/* The same in the reader's file. */
#define config_report(r, severity, line, ...)                                   \
	config_problem_add((r)->problems,                                       \
	    (severity) > (r)->worst ? (r)->worst : (severity), (r)->path, line, \
	    __VA_ARGS__)
/* Orders the problems from `first` on by line; equal lines stay as they are. */
void config_problems_sort(struct config_problems *p, size_t first);

/* Takes the node's value for a key, or reports why it cannot. */
void config_set(struct config_reader *r, enum config_key_id id, struct toml *node);
/* Fills a whole document in. */
void config_read_client(struct config_reader *r, struct toml *root,
    const char *unixd_path);
void config_read_unixd(struct config_reader *r, struct toml *root,
    const char *client_path);
/* What only shows when all keys of a file are known. */
void config_check_client(struct config_reader *r);
void config_check_unixd(struct config_reader *r);

/* All defaults; the key table is wrong if it aborts. */
struct config *config_new_default(void);

/* 0 and *ret_base = "scheme://host[:port]", *ret_path = what follows; or -EINVAL and
 * *ret_why, what is wrong, as a clause. */
int must_use_ config_uri_check(const char *uri, char **ret_base, const char **ret_path,
    const char **ret_why);

static inline void *
config_field(struct config *c, const struct config_key *key)
{
	return (char *)c + key->offset;
}

static inline const void *
config_field_const(const struct config *c, const struct config_key *key)
{
	return (const char *)c + key->offset;
}
