/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The two files into one struct config. The one idea: nothing here ends the program. What
 * cannot be read or understood leaves its defaults, is told as a problem, and the caller
 * decides from the return value alone whether the last good copy is the better choice.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/config_reader.h"
#include "src/prog/xalloc.h"

/* clang-format off */
const struct config_key config_keys[CONFIG_N_KEYS] = {
#define CONFIG_KEY_ROW(file_, section_, name_, flat_, type_, field_, dflt_, sample_, when_, doc_) \
	{ \
		.file = CONFIG_FILE_##file_, \
		.section = CONFIG_##section_, \
		.name = #name_, \
		.flat_name = (flat_) != NULL ? (flat_) : #name_, \
		.type = CONFIG_##type_, \
		.offset = offsetof(struct config, field_), \
		.default_toml = dflt_, \
		.sample_toml = sample_, \
		.when = CONFIG_##when_, \
		.doc = doc_, \
	},
	CONFIG_KEYS(CONFIG_KEY_ROW)
#undef CONFIG_KEY_ROW
};
/* clang-format on */

/* Variables that fill keys no file sets, as in the reference. */
static const struct {
	const char *name;
	enum config_key_id key;
} environment[] = {
	{ "KANIDM_CACHE_DB_PATH", CONFIG_KEY_cache_db_path },
	{ "KANIDM_HSM_PIN_PATH", CONFIG_KEY_hsm_pin_path },
	{ "KANIDM_SERVICE_ACCOUNT_TOKEN_PATH", CONFIG_KEY_service_account_token_path },
};

static void
free_list(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free((void *)list);
}

struct config *
config_free(struct config *c)
{
	if (c == NULL)
		return NULL;
	for (size_t i = 0; i < c->n_map_group; i++) {
		free(c->map_group[i].local);
		free(c->map_group[i].with);
	}
	free(c->map_group);
	free_list(c->pam_allowed_login_groups);
	free_list(c->allow_local_account_override);
	free_list(c->prefetch_groups);
	free_list(c->pam_allowed_callers);
	free(c->uri);
	free(c->ca_path);
	free(c->db_path);
	free(c->sock_path);
	free(c->task_sock_path);
	free(c->default_shell);
	free(c->home_prefix);
	free(c->home_mount_prefix);
	free(c->hsm_pin_path);
	free(c->tpm_tcti_name);
	free(c->service_account_token_path);
	free(c);
	return NULL;
}

void
config_freep(struct config **cp)
{
	*cp = config_free(*cp);
}

/* The defaults go the way of values in a file: what the documents say is what happens. */
struct config *
config_new_default(void)
{
	struct config *c = xcalloc(1, sizeof(*c));
	struct config_problems problems = { 0 };
	struct config_reader r = { .config = c,
		.problems = &problems,
		.path = "default",
		.worst = CONFIG_FATAL };

	c->format = 1;
	c->provider_enabled = true;
	for (size_t i = 0; i < CONFIG_N_KEYS; i++) {
		cleanup_(toml_freep) struct toml *root = NULL;
		cleanup_(freep) char *text = NULL;
		struct toml_error error;

		if (config_keys[i].default_toml == NULL)
			continue;
		text = xasprintf("v = %s", config_keys[i].default_toml);
		root = toml_parse(text, strlen(text), &error);
		if (root == NULL)
			abort();
		config_set(&r, (enum config_key_id)i, root->items.v[0]);
	}
	if (problems.n > 0)
		abort();
	return c;
}

void
config_source_read(struct config_source *s, const char *path)
{
	struct stat st;
	int fd;

	*s = (struct config_source){ .path = path };
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		s->err = -errno;
		return;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		s->open_to_all = (st.st_mode & S_IWOTH) != 0;
	s->text = xmalloc(TOML_MAX_SIZE + 1);
	/* One byte more than a document may have, so that too much shows. */
	s->err = fd_read_full(fd, s->text, TOML_MAX_SIZE + 1, &s->len);
	if (s->err == 0 && s->len > TOML_MAX_SIZE)
		s->err = -EFBIG;
	(void)close(fd);
	s->text = xreallocarray(s->text, s->len + 1, 1);
}

void
config_source_clear(struct config_source *s)
{
	free(s->text);
	*s = (struct config_source){ 0 };
}

/* The document, or NULL when there is nothing to read, which has been told. */
static struct toml *
parse_source(struct config_reader *r, const struct config_source *s)
{
	struct toml_error error;
	struct toml *root;

	if (s->err == -ENOENT) {
		config_report(r, CONFIG_NOTE, 0, "not there, defaults are used");
		return NULL;
	}
	if (s->err < 0) {
		config_report(r, CONFIG_FATAL, 0, "cannot be read: %s",
		    strerrordesc_np(-s->err));
		return NULL;
	}
	if (s->open_to_all)
		config_report(r, CONFIG_NOTE, 0,
		    "anybody may write this file: chmod o-w");
	root = toml_parse(s->text, s->len, &error);
	if (root == NULL)
		config_report(r, CONFIG_FATAL, error.line, "%s", error.text);
	return root;
}

static void
apply_environment(struct config_reader *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(environment); i++) {
		const char *value = getenv(environment[i].name);
		cleanup_(freep) char *path = NULL;
		struct toml node = { .type = TOML_STRING };

		if (r->set[environment[i].key] || value == NULL || value[0] == '\0')
			continue;
		path = xasprintf("environment variable %s", environment[i].name);
		node.string.text = xstrdup(value);
		node.string.len = strlen(value);
		r->path = path;
		config_set(r, environment[i].key, &node);
		free(node.string.text);
	}
}

int
config_load_sources(const struct config_source *client, const struct config_source *unixd,
    struct config **ret_config, struct config_problems *ret_problems)
{
	cleanup_(toml_freep) struct toml *client_root = NULL, *unixd_root = NULL;
	struct config_reader r = { .config = config_new_default(),
		.problems = ret_problems,
		.worst = CONFIG_FATAL,
		.only_homes = client->unwanted };
	size_t first;

	*ret_problems = (struct config_problems){ 0 };
	r.path = client->path;
	if (!client->unwanted)
		client_root = parse_source(&r, client);
	if (client_root != NULL)
		config_read_client(&r, client_root, unixd->path);
	if (client_root != NULL || (client->err == -ENOENT && !client->unwanted))
		config_check_client(&r);
	config_problems_sort(ret_problems, 0);

	first = ret_problems->n;
	r.path = unixd->path;
	unixd_root = parse_source(&r, unixd);
	if (unixd_root != NULL)
		config_read_unixd(&r, unixd_root, client->path);
	r.config->selinux_is_set = r.set[CONFIG_KEY_selinux];
	if (!r.only_homes && (unixd_root != NULL || unixd->err == -ENOENT))
		config_check_unixd(&r);
	config_problems_sort(ret_problems, first);

	if (!r.only_homes)
		apply_environment(&r);
	*ret_config = r.config;
	for (size_t i = 0; i < ret_problems->n; i++)
		if (ret_problems->v[i].severity == CONFIG_FATAL)
			return -EINVAL;
	return 0;
}

int
config_load(const char *client_path, const char *unixd_path, struct config **ret_config,
    struct config_problems *ret_problems)
{
	cleanup_(config_source_clear) struct config_source client, unixd;

	/* Told in hints of the other file alone. */
	client = (struct config_source){ .path = KU_PATH_CLIENT_CONFIG,
		.unwanted = true };
	if (client_path != NULL)
		config_source_read(&client, client_path);
	config_source_read(&unixd, unixd_path);
	return config_load_sources(&client, &unixd, ret_config, ret_problems);
}
