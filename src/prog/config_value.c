/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One value into one field. The one idea: what a type accepts stands in one table, with
 * the words a person reads about it, so a message can always say what would have been
 * right. A value of another TOML type makes the file unusable (the last good copy is
 * better than half a file); a value that is only not one of the accepted ones keeps the
 * default and the file.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/name.h"
#include "src/base/util.h"
#include "src/prog/config_reader.h"
#include "src/prog/xalloc.h"

#define SECONDS_MAX  (10u * 366u * 86400u)
#define DEADLINE_MIN 100u
#define DEADLINE_MAX 600000u

struct slot {
	struct config_reader *r;
	const struct config_key *key;
	void *field;
};

/* One of the accepted words of an enumerated type. */
struct word {
	const char *text;
	int value;
};

static const struct word shown_words[] = {
	{ "spn", NAME_ATTR_SPN },
	{ "name", NAME_ATTR_NAME },
	{ NULL, 0 },
};
static const struct word home_words[] = {
	{ "uuid", NAME_ATTR_UUID },
	{ "spn", NAME_ATTR_SPN },
	{ "name", NAME_ATTR_NAME },
	{ NULL, 0 },
};
static const struct word alias_words[] = {
	{ "none", NAME_ATTR_NONE },
	{ "uuid", NAME_ATTR_UUID },
	{ "spn", NAME_ATTR_SPN },
	{ "name", NAME_ATTR_NAME },
	{ NULL, 0 },
};
static const struct word strategy_words[] = {
	{ "symlink", HOME_STRATEGY_SYMLINK },
	{ "bind_mount", HOME_STRATEGY_BIND_MOUNT },
	{ "bindmount", HOME_STRATEGY_BIND_MOUNT },
	{ NULL, 0 },
};
static const struct word failure_words[] = {
	{ "allow", HOME_FAILURE_ALLOW },
	{ "deny", HOME_FAILURE_DENY },
	{ NULL, 0 },
};
static const struct word hsm_words[] = {
	{ "soft", HSM_SOFT },
	{ "tpm_if_possible", HSM_TPM_IF_POSSIBLE },
	{ "tpm", HSM_TPM },
	{ NULL, 0 },
};

struct value_type {
	const char *accepts;
	const struct word *words; /* of enumerated types */
	void (*set)(const struct slot *s, struct toml *node);
};
static const struct value_type value_types[CONFIG_N_TYPES];

const char *
config_type_accepts(enum config_type type)
{
	return value_types[type].accepts;
}

static void
wrong_type(const struct slot *s, const struct toml *node)
{
	config_report(s->r, CONFIG_FATAL, node->line, "%s: expected %s, found %s",
	    s->key->name, config_type_accepts(s->key->type), toml_type_name(node->type));
}

/* The text of a string node; NULL when it is none, which has been reported. */
static const char *
get_text(const struct slot *s, const struct toml *node)
{
	if (node->type != TOML_STRING) {
		wrong_type(s, node);
		return NULL;
	}
	if (strlen(node->string.text) != node->string.len) {
		config_report(s->r, CONFIG_ERROR, node->line,
		    "%s: a NUL in the text; the default "
		    "is kept",
		    s->key->name);
		return NULL;
	}
	return node->string.text;
}

static void
replace(char **field, char *text)
{
	free(*field);
	*field = text;
}

static void
set_version(const struct slot *s, struct toml *node)
{
	/* The format was decided from it before any key is read (config_read.c). */
	(void)s;
	(void)node;
}

static void
set_uri(const struct slot *s, struct toml *node)
{
	const char *text, *path, *why;
	char *base;

	if (node->type == TOML_ARRAY) {
		config_report(s->r, CONFIG_FATAL, node->line,
		    "%s: a list of servers is not "
		    "supported for now: write one server, as a string",
		    s->key->name);
		return;
	}
	text = get_text(s, node);
	if (text == NULL)
		return;
	if (config_uri_check(text, &base, &path, &why) < 0) {
		config_report(s->r, CONFIG_ERROR, node->line,
		    "%s: \"%s\" is not used: %s; "
		    "expected %s",
		    s->key->name, text, why, config_type_accepts(s->key->type));
		return;
	}
	replace(s->field, base);
	if (path[0] != '\0' && !streq(path, "/"))
		config_report(s->r, CONFIG_NOTE, node->line,
		    "%s: \"%s\" behind the host is "
		    "ignored, %s is asked",
		    s->key->name, path, base);
}

static void
set_text(const struct slot *s, struct toml *node)
{
	const char *text = get_text(s, node);

	if (text != NULL)
		replace(s->field, xstrdup(text));
}

/* An absolute path, or NULL, which has been reported. */
static const char *
get_path(const struct slot *s, const struct toml *node)
{
	const char *text = get_text(s, node);

	if (text == NULL || text[0] == '/')
		return text;
	config_report(s->r, CONFIG_ERROR, node->line,
	    "%s: \"%s\" is not used: expected %s", s->key->name, text,
	    config_type_accepts(s->key->type));
	return NULL;
}

static void
set_path(const struct slot *s, struct toml *node)
{
	const char *text = get_path(s, node);

	if (text != NULL)
		replace(s->field, xstrdup(text));
}

static void
set_directory(const struct slot *s, struct toml *node)
{
	const char *text = get_path(s, node);

	if (text == NULL)
		return;
	if (text[strlen(text) - 1] == '/') {
		replace(s->field, xstrdup(text));
		return;
	}
	replace(s->field, xasprintf("%s/", text));
	config_report(s->r, CONFIG_NOTE, node->line,
	    "%s: \"%s\" does not end in a slash; used "
	    "as \"%s/\"",
	    s->key->name, text, text);
}

static void
set_bool(const struct slot *s, struct toml *node)
{
	if (node->type == TOML_BOOLEAN)
		memcpy(s->field, &node->boolean, sizeof(bool));
	else
		wrong_type(s, node);
}

static void
set_unsigned(const struct slot *s, unsigned v)
{
	memcpy(s->field, &v, sizeof(v));
}

static void
set_number(const struct slot *s, const struct toml *node, int64_t min, int64_t max)
{
	if (node->type != TOML_INTEGER) {
		wrong_type(s, node);
		return;
	}
	if (node->integer < 0) {
		/* The reference reads unsigned numbers, and such a file not at all. */
		config_report(s->r, CONFIG_FATAL, node->line,
		    "%s: expected %s, found %" PRId64, s->key->name,
		    config_type_accepts(s->key->type), node->integer);
		return;
	}
	if (node->integer < min) {
		config_report(s->r, CONFIG_ERROR, node->line,
		    "%s: %" PRId64 " is not accepted: "
		    "expected %s; the default is kept",
		    s->key->name, node->integer, config_type_accepts(s->key->type));
		return;
	}
	if (node->integer > max)
		config_report(s->r, CONFIG_NOTE, node->line,
		    "%s: %" PRId64 " is used as %" PRId64, s->key->name, node->integer,
		    max);
	set_unsigned(s, (unsigned)(node->integer > max ? max : node->integer));
}

static void
set_seconds(const struct slot *s, struct toml *node)
{
	set_number(s, node, 0, SECONDS_MAX);
}

static void
set_timeout(const struct slot *s, struct toml *node)
{
	set_number(s, node, 1, 3600);
}

static void
set_count(const struct slot *s, struct toml *node)
{
	set_number(s, node, 0, INT_MAX);
}

static void
set_deadline(const struct slot *s, struct toml *node)
{
	double seconds;

	if (node->type != TOML_FLOAT && node->type != TOML_INTEGER) {
		wrong_type(s, node);
		return;
	}
	seconds = node->type == TOML_FLOAT ? node->real : (double)node->integer;
	/* Written so that a NaN does not pass. */
	if (!(seconds * 1000 >= DEADLINE_MIN && seconds * 1000 <= DEADLINE_MAX)) {
		config_report(s->r, CONFIG_ERROR, node->line,
		    "%s: %g is not accepted: expected "
		    "%s; the default is kept",
		    s->key->name, seconds, config_type_accepts(s->key->type));
		return;
	}
	set_unsigned(s, (unsigned)(seconds * 1000 + 0.5));
}

/* The word's value, or -1, which has been reported. */
static int
get_word(const struct slot *s, const struct toml *node)
{
	const char *text = get_text(s, node);

	if (text == NULL)
		return -1;
	for (const struct word *w = value_types[s->key->type].words; w->text != NULL; w++)
		if (streq(w->text, text))
			return w->value;
	config_report(s->r, CONFIG_ERROR, node->line,
	    "%s: \"%s\" is not accepted: expected %s; "
	    "the default is kept",
	    s->key->name, text, config_type_accepts(s->key->type));
	return -1;
}

static void
set_word(const struct slot *s, struct toml *node)
{
	int v = get_word(s, node);

	if (v >= 0)
		set_unsigned(s, (unsigned)v);
}

static void
set_hsm_type(const struct slot *s, struct toml *node)
{
	int v = get_word(s, node);

	if (v < 0)
		return;
	set_unsigned(s, HSM_SOFT);
	if (v == HSM_TPM_IF_POSSIBLE)
		config_report(s->r, CONFIG_NOTE, node->line,
		    "%s: there is no TPM support in this "
		    "build, \"soft\" is used",
		    s->key->name);
	if (v == HSM_TPM)
		config_report(s->r, CONFIG_ERROR, node->line,
		    "%s: \"tpm\" cannot be had, there is "
		    "no TPM support in this build; \"soft\" is used: write hsm_type = \"soft\"",
		    s->key->name);
}

static void
free_list(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free((void *)list);
}

/* The text of one element, newly allocated; NULL when it is left out or wrong. */
static char *
get_element(const struct slot *s, const struct toml *node, bool *broken)
{
	const char *text;
	struct name name;

	if (s->key->type == CONFIG_CALLERS && node->type == TOML_INTEGER &&
	    node->integer >= 0 && node->integer < UINT32_MAX)
		return xasprintf("%" PRId64, node->integer);
	if (node->type != TOML_STRING) {
		wrong_type(s, node);
		*broken = true;
		return NULL;
	}
	text = get_text(s, node);
	if (text == NULL)
		return NULL;
	if (text[0] == '\0' ||
	    (s->key->type == CONFIG_GROUPS &&
		name_parse(text, strlen(text), &name) < 0)) {
		config_report(s->r, CONFIG_ERROR, node->line,
		    "%s: \"%s\" is left out: expected %s", s->key->name, text,
		    config_type_accepts(s->key->type));
		return NULL;
	}
	return xstrdup(text);
}

static void
set_list(const struct slot *s, struct toml *node)
{
	char **list, **old;
	bool broken = false;
	size_t n = 0;

	if (node->type != TOML_ARRAY) {
		wrong_type(s, node);
		return;
	}
	list = xcalloc(node->items.n + 1, sizeof(*list));
	for (size_t i = 0; i < node->items.n; i++) {
		list[n] = get_element(s, node->items.v[i], &broken);
		n += list[n] != NULL;
	}
	if (broken) {
		free_list(list);
		return;
	}
	memcpy(&old, s->field, sizeof(old));
	free_list(old);
	memcpy(s->field, &list, sizeof(list));
}

/* One { local, with }; 1 when taken, 0 when left out, -EINVAL: the file is broken. */
static int
get_mapping(const struct slot *s, const struct toml *node, const char **local,
    const char **with)
{
	struct toml *l = toml_get(node, "local"), *w = toml_get(node, "with");
	struct name name;

	if (l == NULL || w == NULL || l->type != TOML_STRING || w->type != TOML_STRING) {
		config_report(s->r, CONFIG_FATAL, node->line, "%s: expected %s",
		    s->key->name, config_type_accepts(s->key->type));
		return -EINVAL;
	}
	l->seen = true;
	w->seen = true;
	*local = get_text(s, l);
	*with = get_text(s, w);
	if (*local == NULL || *with == NULL)
		return 0;
	if ((*local)[0] != '\0' && name_parse(*with, strlen(*with), &name) == 0)
		return 1;
	config_report(s->r, CONFIG_ERROR, node->line,
	    "%s: local = \"%s\", with = \"%s\" is left "
	    "out: expected %s",
	    s->key->name, *local, *with, config_type_accepts(s->key->type));
	return 0;
}

static void
add_mapping(const struct slot *s, const struct toml *node, const char *local,
    const char *with)
{
	struct config *c = s->r->config;

	for (size_t i = 0; i < c->n_map_group; i++) {
		if (!streq(c->map_group[i].local, local))
			continue;
		config_report(s->r, CONFIG_NOTE, node->line,
		    "%s: \"%s\" is mapped twice; \"%s\" "
		    "counts, \"%s\" does not",
		    s->key->name, local, with, c->map_group[i].with);
		replace(&c->map_group[i].with, xstrdup(with));
		return;
	}
	c->map_group = xreallocarray(c->map_group, c->n_map_group + 1,
	    sizeof(*c->map_group));
	c->map_group[c->n_map_group++] =
	    (struct config_map_group){ .local = xstrdup(local), .with = xstrdup(with) };
}

static void
set_map_group(const struct slot *s, struct toml *node)
{
	if (node->type != TOML_ARRAY) {
		wrong_type(s, node);
		return;
	}
	for (size_t i = 0; i < node->items.n; i++) {
		const char *local, *with;

		if (get_mapping(s, node->items.v[i], &local, &with) > 0)
			add_mapping(s, node->items.v[i], local, with);
	}
}

static const struct value_type value_types[CONFIG_N_TYPES] = {
	[CONFIG_VERSION] = { "\"2\"", NULL, set_version },
	[CONFIG_URI] = { "https://HOST or https://HOST:PORT", NULL, set_uri },
	[CONFIG_TEXT] = { "a string", NULL, set_text },
	[CONFIG_PATH] = { "an absolute path", NULL, set_path },
	[CONFIG_DIRECTORY] = { "an absolute path that ends in a slash", NULL,
	    set_directory },
	[CONFIG_BOOL] = { "true or false", NULL, set_bool },
	[CONFIG_SECONDS] = { "a whole number of seconds", NULL, set_seconds },
	[CONFIG_TIMEOUT] = { "a whole number of seconds, at least 1", NULL, set_timeout },
	[CONFIG_DEADLINE] = { "a number of seconds from 0.1 to 600", NULL, set_deadline },
	[CONFIG_COUNT] = { "a whole number", NULL, set_count },
	[CONFIG_SHOWN_ATTR] = { "\"spn\" or \"name\"", shown_words, set_word },
	[CONFIG_HOME_ATTR] = { "\"uuid\", \"spn\" or \"name\"", home_words, set_word },
	[CONFIG_HOME_ALIAS] = { "\"none\", \"uuid\", \"spn\" or \"name\"", alias_words,
	    set_word },
	[CONFIG_HOME_STRATEGY] = { "\"symlink\" or \"bind_mount\"", strategy_words,
	    set_word },
	[CONFIG_HOME_FAILURE] = { "\"allow\" or \"deny\"", failure_words, set_word },
	[CONFIG_HSM_TYPE] = { "\"soft\", \"tpm_if_possible\" or \"tpm\"", hsm_words,
	    set_hsm_type },
	[CONFIG_GROUPS] = { "a list of group names, SPNs or UUIDs", NULL, set_list },
	[CONFIG_LOCAL_NAMES] = { "a list of names", NULL, set_list },
	[CONFIG_CALLERS] = { "a list of local user names or uids", NULL, set_list },
	[CONFIG_MAP_GROUP] = { "a list of tables like { local = \"GROUP\", with = \"GROUP\" }",
	    NULL, set_map_group },
};

void
config_set(struct config_reader *r, enum config_key_id id, struct toml *node)
{
	const struct config_key *key = &config_keys[id];
	struct slot s = { r, key, config_field(r->config, key) };

	r->set[id] = true;
	r->line[id] = node->line;
	value_types[key->type].set(&s, node);
}
