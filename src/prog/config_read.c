/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A parsed document into the configuration. The one idea: each key is looked for where it
 * belongs and then everywhere else a person may have put it (under the other format's
 * name, above or below [kanidm], behind a [[kanidm.map_group]]); every entry that was
 * looked at is marked, and what is left unmarked is unknown.
 */
#include <string.h>

#include "src/base/util.h"
#include "src/prog/config_reader.h"
#include "src/prog/suggest.h"
#include "src/prog/xalloc.h"

#define PLACES_MAX 64

struct place {
	struct toml *table;
	const char *name; /* NULL: top level */
};

struct places {
	struct place v[PLACES_MAX];
	size_t n;
	struct toml *kanidm;
};

static void
places_add(struct places *p, struct toml *table, const char *name)
{
	if (p->n < PLACES_MAX && table->type == TOML_TABLE)
		p->v[p->n++] = (struct place){ table, name };
}

static void
places_collect(struct places *p, struct toml *root)
{
	struct toml *maps;

	*p = (struct places){ .kanidm = toml_get(root, "kanidm") };
	if (p->kanidm != NULL && p->kanidm->type != TOML_TABLE)
		p->kanidm = NULL;
	places_add(p, root, NULL);
	for (size_t i = 0; i < root->items.n; i++)
		places_add(p, root->items.v[i], root->items.v[i]->key);
	maps = toml_get(p->kanidm != NULL ? p->kanidm : root, "map_group");
	if (maps == NULL || maps->type != TOML_ARRAY)
		return;
	for (size_t i = 0; i < maps->items.n; i++)
		places_add(p, maps->items.v[i], "map_group");
}

static struct toml *
own_table(const struct config_reader *r, const struct places *p,
    const struct config_key *key)
{
	if (r->config->format == 2 && key->section == CONFIG_KANIDM)
		return p->kanidm;
	return p->v[0].table;
}

static const char *
own_name(const struct config_reader *r, const struct config_key *key)
{
	return r->config->format == 2 ? key->name : key->flat_name;
}

static const char *
place_wanted(const struct config_reader *r, const struct config_key *key)
{
	if (r->config->format == 2 && key->section == CONFIG_KANIDM)
		return "in [kanidm]";
	return "at top level, above the first [table]";
}

/* The first entry under one of the key's names counts, later ones are told so. */
static struct toml *
take(struct config_reader *r, const struct config_key *key, struct toml *table, bool own,
    struct toml *chosen)
{
	const char *name = own_name(r, key);
	const char *other = name == key->name ? key->flat_name : key->name;
	const char *spelling[] = { name, other };

	for (size_t i = 0; i < (streq(name, other) ? 1 : ARRAY_SIZE(spelling)); i++) {
		struct toml *t = toml_get(table, spelling[i]);

		if (t == NULL)
			continue;
		t->seen = true;
		if (chosen != NULL) {
			config_report(r, CONFIG_NOTE, t->line,
			    "%s: ignored, line %u sets it%s%s", spelling[i], chosen->line,
			    own ? "" : "; it belongs ", own ? "" : place_wanted(r, key));
			continue;
		}
		chosen = t;
		if (!own)
			config_report(r, CONFIG_NOTE, t->line,
			    "%s: belongs %s; used all the same", spelling[i],
			    place_wanted(r, key));
		if (i > 0)
			config_report(r, CONFIG_NOTE, t->line,
			    "%s: is called %s in this format; "
			    "used all the same",
			    spelling[i], name);
	}
	return chosen;
}

static void
apply_key(struct config_reader *r, const struct places *p, enum config_key_id id)
{
	const struct config_key *key = &config_keys[id];
	struct toml *own = own_table(r, p, key), *chosen = NULL;

	if (own != NULL)
		chosen = take(r, key, own, true, NULL);
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].table != own)
			chosen = take(r, key, p->v[i].table, false, chosen);
	if (chosen == NULL)
		return;
	if (key->section == CONFIG_KANIDM)
		r->config->provider_enabled = true;
	config_set(r, id, chosen);
}

static const char *
nearest_key(const char *typed, enum config_file file)
{
	const char *best = NULL;

	for (size_t i = 0; i < CONFIG_N_KEYS; i++) {
		if (config_keys[i].file != file)
			continue;
		suggest_consider(typed, config_keys[i].name, &best);
		suggest_consider(typed, config_keys[i].flat_name, &best);
	}
	return best;
}

static bool
is_key_of(const char *name, enum config_file file)
{
	for (size_t i = 0; i < CONFIG_N_KEYS; i++)
		if (config_keys[i].file == file &&
		    (streq(config_keys[i].name, name) ||
			streq(config_keys[i].flat_name, name)))
			return true;
	return false;
}

static void
report_unknown(struct config_reader *r, const struct toml *t, const char *where,
    enum config_file file, const char *other_path)
{
	enum config_file other = file == CONFIG_FILE_CLIENT ? CONFIG_FILE_UNIXD
							    : CONFIG_FILE_CLIENT;
	cleanup_(freep) char *in = where != NULL ? xasprintf(" in [%s]", where)
						 : xstrdup("");
	const char *near = nearest_key(t->key, file);

	if (is_key_of(t->key, other))
		config_report(r, CONFIG_WARNING, t->line,
		    "unknown key \"%s\"%s; it belongs in %s", t->key, in, other_path);
	else if (near != NULL)
		config_report(r, CONFIG_WARNING, t->line,
		    "unknown key \"%s\"%s, did you mean \"%s\"?", t->key, in, near);
	else
		config_report(r, CONFIG_WARNING, t->line, "unknown key \"%s\"%s, ignored",
		    t->key, in);
}

static void
report_unknown_table(struct config_reader *r, const struct toml *t)
{
	const char *best = NULL;

	suggest_consider(t->key, "kanidm", &best);
	if (best != NULL)
		config_report(r, CONFIG_WARNING, t->line,
		    "unknown table [%s], did you mean "
		    "[kanidm]?",
		    t->key);
	else
		config_report(r, CONFIG_WARNING, t->line, "unknown table [%s]", t->key);
}

static void
report_unseen(struct config_reader *r, const struct places *p, const char *client_path)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct toml *table = p->v[i].table;

		for (size_t j = 0; j < table->items.n; j++) {
			const struct toml *t = table->items.v[j];

			if (t->seen)
				continue;
			if (i == 0 && t->type == TOML_TABLE)
				report_unknown_table(r, t);
			else
				report_unknown(r, t, p->v[i].name, CONFIG_FILE_UNIXD,
				    client_path);
		}
	}
}

/* Which of the two formats it is; every doubt is told. */
static unsigned
detect_format(struct config_reader *r, struct toml *root)
{
	struct toml *version = toml_get(root, "version");
	struct toml *kanidm = toml_get(root, "kanidm");
	unsigned guess = kanidm != NULL ? 2 : 1;

	if (version == NULL) {
		if (kanidm != NULL)
			config_report(r, CONFIG_WARNING, kanidm->line,
			    "[kanidm] without version: "
			    "write version = \"2\" at the top; read as version 2");
		return guess;
	}
	version->seen = true;
	if (version->type == TOML_STRING && streq(version->string.text, "2"))
		return 2;
	if (version->type == TOML_INTEGER && version->integer == 2) {
		config_report(r, CONFIG_WARNING, version->line,
		    "version: a string is expected, "
		    "version = \"2\"; read as version 2");
		return 2;
	}
	if (version->type == TOML_STRING)
		config_report(r, CONFIG_ERROR, version->line,
		    "version: \"%s\" is not known: "
		    "expected \"2\", or no version for the flat format; read as %s",
		    version->string.text, guess == 2 ? "version 2" : "the flat format");
	else
		config_report(r, CONFIG_ERROR, version->line,
		    "version: expected the string \"2\", "
		    "found %s; read as %s",
		    toml_type_name(version->type),
		    guess == 2 ? "version 2" : "the flat format");
	return guess;
}

/* What the daemon that makes homes may know. The one key beside those about homes says
 * which local names root has given away. */
static bool
is_of_homes(const struct config_key *key)
{
	return strncmp(key->name, "home_", strlen("home_")) == 0 ||
	    streq(key->name, "use_etc_skel") || streq(key->name, "selinux") ||
	    streq(key->name, "task_sock_path") ||
	    streq(key->name, "allow_local_account_override");
}

/* The reference's default is spelt with /var/run, which is /run wherever this runs; a link on
 * the way, which it is, would be judged like one that somebody has put there. */
static void
without_var(char *path)
{
	if (strncmp(path, "/var/run/", strlen("/var/run/")) == 0)
		memmove(path, path + strlen("/var"), strlen(path) - strlen("/var") + 1);
}

static void
apply_keys(struct config_reader *r, const struct places *p)
{
	for (size_t i = 0; i < CONFIG_N_KEYS; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->file == CONFIG_FILE_UNIXD &&
		    (!r->only_homes || is_of_homes(key)))
			apply_key(r, p, (enum config_key_id)i);
	}
	without_var(r->config->sock_path);
	without_var(r->config->task_sock_path);
}

void
config_read_unixd(struct config_reader *r, struct toml *root, const char *client_path)
{
	struct toml *kanidm = toml_get(root, "kanidm");
	struct places places;

	r->config->format = detect_format(r, root);
	places_collect(&places, root);
	if (r->only_homes) {
		apply_keys(r, &places);
		return;
	}
	r->config->provider_enabled = r->config->format == 1 || places.kanidm != NULL;
	if (kanidm != NULL) {
		kanidm->seen = true;
		if (kanidm->type != TOML_TABLE)
			config_report(r, CONFIG_FATAL, kanidm->line,
			    "kanidm: expected a table, "
			    "[kanidm], found %s",
			    toml_type_name(kanidm->type));
	}
	apply_keys(r, &places);
	report_unseen(r, &places, client_path);
	if (!r->config->provider_enabled && kanidm == NULL)
		config_report(r, CONFIG_WARNING, 0,
		    "there is no [kanidm] table, so the server is "
		    "not used at all: add one");
}

/* The tables of /etc/kanidm/config are for other programs' -I option: looked through, so
 * that a slip in one shows, but never used, and never a reason to refuse the file. */
static void
check_instance(struct config_reader *outer, struct toml *table, const char *unixd_path)
{
	struct config *scratch = config_new_default();
	struct config_reader r = {
		.config = scratch,
		.problems = outer->problems,
		.path = outer->path,
		.worst = CONFIG_ERROR,
	};

	for (size_t i = 0; i < table->items.n; i++) {
		struct toml *t = table->items.v[i];
		size_t id;

		for (id = 0; id < CONFIG_N_KEYS; id++)
			if (config_keys[id].file == CONFIG_FILE_CLIENT &&
			    streq(config_keys[id].name, t->key))
				break;
		if (id < CONFIG_N_KEYS)
			config_set(&r, (enum config_key_id)id, t);
		else
			report_unknown(&r, t, table->key, CONFIG_FILE_CLIENT, unixd_path);
	}
	(void)config_free(scratch);
}

void
config_read_client(struct config_reader *r, struct toml *root, const char *unixd_path)
{
	for (size_t i = 0; i < CONFIG_N_KEYS; i++) {
		struct toml *t;

		if (config_keys[i].file != CONFIG_FILE_CLIENT)
			continue;
		t = toml_get(root, config_keys[i].name);
		if (t == NULL)
			continue;
		t->seen = true;
		config_set(r, (enum config_key_id)i, t);
	}
	for (size_t i = 0; i < root->items.n; i++) {
		struct toml *t = root->items.v[i];

		if (t->seen)
			continue;
		if (t->type == TOML_TABLE)
			check_instance(r, t, unixd_path);
		else
			report_unknown(r, t, NULL, CONFIG_FILE_CLIENT, unixd_path);
	}
}
