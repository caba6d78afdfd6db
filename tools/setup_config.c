/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The two files of the configuration: edited as text, and then read by the daemon's own
 * loader before anything is written. Only when that says what was wanted, and complains about
 * nothing that it did not complain about before, the text is good.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ku/paths.h"
#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/keys.h"
#include "src/prog/xalloc.h"
#include "tools/setup_internal.h"

static bool
cannot_edit(const struct setup *s, const char *path, const char *line)
{
	(void)fprintf(s->t->err,
	    "setup: %s is written in a way that is not edited here; write %s into it and run "
	    "setup again\n",
	    path, line);
	return false;
}

/* *text with the key set; false: cannot, and it was said. */
static bool
set_string(const struct setup *s, const char *path, char **text, const char *table,
    enum config_key_id id, const char *value)
{
	const char *key = config_keys[id].name;
	char *new = setup_toml_string(*text, table, key, value);
	cleanup_(freep) char *line = xasprintf("%s = \"%s\"", key, value);

	if (new == NULL)
		return cannot_edit(s, path, line);
	free(*text);
	*text = new;
	return true;
}

static bool
plan_client(struct setup *s)
{
	cleanup_(freep) char *text = NULL;
	struct setup_file *f = &s->client;

	text = xstrdup(f->old != NULL ? f->old : "# SPDX-License-Identifier: MPL-2.0\n");
	if (s->c.config->uri == NULL || !streq(s->uri, s->c.config->uri)) {
		if (!set_string(s, f->path, &text, NULL, CONFIG_KEY_uri, s->uri))
			return false;
	}
	if (s->ca != NULL &&
	    (s->c.config->ca_path == NULL || !streq(s->ca, s->c.config->ca_path))) {
		if (!set_string(s, f->path, &text, NULL, CONFIG_KEY_ca_path, s->ca))
			return false;
	}
	if (f->old == NULL || !streq(text, f->old))
		f->new = TAKE_PTR(text);
	return true;
}

/* A file in which nothing is set becomes one of version 2. */
static bool
has_keys(const char *text)
{
	while (*text != '\0') {
		text += strspn(text, " \t\r\n");
		if (*text != '#' && *text != '\0')
			return true;
		text += strcspn(text, "\n");
	}
	return false;
}

static bool
plan_unixd(struct setup *s)
{
	const char *key = config_keys[CONFIG_KEY_pam_allowed_login_groups].name;
	const char *table = s->c.config->format == 2 ? "kanidm" : NULL;
	cleanup_(freep) char *text = NULL, *longer = NULL, *names = NULL, *line = NULL;
	struct setup_file *f = &s->unixd;

	text = xstrdup(f->old != NULL ? f->old : "# SPDX-License-Identifier: MPL-2.0\n");
	if (!has_keys(text)) {
		char *with = xasprintf("%s\nversion = \"2\"\n\n[kanidm]\n", text);

		free(text);
		text = with;
		table = "kanidm";
	}
	longer = setup_toml_list(text, table, key, s->groups);
	if (longer == NULL) {
		names = setup_toml_names(s->groups);
		line = xasprintf("%s = %s", key, names);
		return cannot_edit(s, f->path, line);
	}
	if (s->token != NULL &&
	    !set_string(s, f->path, &longer, table, CONFIG_KEY_service_account_token_path,
		s->token))
		return false;
	if (f->old == NULL || !streq(longer, f->old))
		f->new = TAKE_PTR(longer);
	return true;
}

/* The loader looks for the certificate, which may still have to be copied. */
static char *
client_text(const struct setup *s)
{
	const char *text = s->client.new != NULL ? s->client.new : s->client.old;
	char *copy = s->ca_from == NULL
	    ? NULL
	    : setup_toml_string(text, NULL, config_keys[CONFIG_KEY_ca_path].name,
		  s->ca_from);

	return copy != NULL ? copy : xstrdup(text);
}

/* A path at which the text can be read until *ret_fd is closed. */
static char *
as_file(const char *text, int *ret_fd)
{
	*ret_fd = memfd_create("configuration", MFD_CLOEXEC);
	if (*ret_fd < 0 || fd_write_all(*ret_fd, text, strlen(text)) < 0)
		return xstrdup("/dev/null");
	return xasprintf("/proc/self/fd/%d", *ret_fd);
}

static size_t
count(const struct config_problems *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->v[i].severity >= CONFIG_WARNING;
	return n;
}

static bool
has_groups(const struct config *config, char *const *names)
{
	for (; *names != NULL; names++) {
		bool found = false;

		for (char **v = config->pam_allowed_login_groups; *v != NULL; v++)
			found |= streq(*v, *names);
		if (!found)
			return false;
	}
	return true;
}

/* "/proc/self/fd/3:12: …" with the name of the file it will be. */
static void
print_problem(const struct setup *s, const char *text, const char *path, const char *real)
{
	if (strncmp(text, path, strlen(path)) == 0)
		(void)fprintf(s->t->err, "setup: %s%s\n", real, text + strlen(path));
	else
		(void)fprintf(s->t->err, "setup: %s\n", text);
}

static bool
says_what_is_wanted(const struct setup *s, const struct config *got)
{
	const char *token = got->service_account_token_path;

	return got->uri != NULL && streq(got->uri, s->uri) &&
	    (s->ca == NULL || got->ca_path != NULL) &&
	    (s->token == NULL || (token != NULL && streq(token, s->token))) &&
	    has_groups(got, s->groups);
}

static bool
validate(struct setup *s)
{
	const struct setup_file *files[] = { &s->client, &s->unixd };
	cleanup_(freep) char *client = client_text(s);
	struct config_problems problems = { 0 };
	struct config *config = NULL;
	char *paths[2];
	int fds[2], rc;
	bool good;

	paths[0] = as_file(client, &fds[0]);
	paths[1] = as_file(s->unixd.new != NULL ? s->unixd.new : s->unixd.old, &fds[1]);
	rc = config_load(paths[0], paths[1], &config, &problems);
	good = rc == 0 && count(&problems) <= count(&s->c.problems);
	for (size_t i = 0; i < problems.n && !good; i++) {
		const char *text = problems.v[i].text;
		int which = strncmp(text, paths[1], strlen(paths[1])) == 0;

		if (problems.v[i].severity >= CONFIG_WARNING)
			print_problem(s, text, paths[which], files[which]->path);
	}
	if (!good)
		(void)fprintf(s->t->err, "setup: the configuration would not be good\n");
	else if (!says_what_is_wanted(s, config)) {
		cleanup_(freep) char *names = setup_toml_names(s->groups);
		cleanup_(freep) char *lines = xasprintf("uri = \"%s\" and "
							"pam_allowed_login_groups = %s",
		    s->uri, names);

		good = cannot_edit(s, "the configuration", lines);
	} else
		s->map_group = config->n_map_group > 0;
	(void)config_free(config);
	config_problems_clear(&problems);
	for (int i = 0; i < 2; i++) {
		free(paths[i]);
		fd_closep(&fds[i]);
	}
	return good;
}

/* Under these the daemon's unit sees nothing, or something else; links are followed. */
static bool
is_hidden_from_daemon(const struct setup *s, const char *path)
{
	static const char *const dirs[] = { "/home/", "/root/", "/tmp/", "/var/tmp/",
		"/run/user/" };
	cleanup_(freep) char *below = check_path(&s->c, path);
	cleanup_(freep) char *real = realpath(below, NULL);
	size_t skip = strlen(s->c.host->root);

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		size_t len = strlen(dirs[i]);

		if (strncmp(path, dirs[i], len) == 0 ||
		    (real != NULL && strncmp(real, s->c.host->root, skip) == 0 &&
			strncmp(real + skip, dirs[i], len) == 0))
			return true;
	}
	return false;
}

/* Everybody may read the copy. */
static bool
plan_copy(struct setup *s, const char *text)
{
	struct setup_file *f = &s->certificate;
	int rc;

	if (strstr(text, "PRIVATE KEY-----") != NULL) {
		(void)fprintf(s->t->err,
		    "setup: %s: has a private key in it, and everybody may read " SETUP_CA
		    "; give a file with the certificate alone\n",
		    s->ca);
		return false;
	}
	s->ca_from = s->ca;
	s->ca = xstrdup(SETUP_CA);
	f->path = SETUP_CA;
	f->from = s->ca_from;
	rc = setup_read(s, f->path, &f->old);
	if (rc < 0) {
		(void)fprintf(s->t->err, "setup: %s: %s\n", f->path, setup_why(rc));
		return false;
	}
	if (f->old == NULL || !streq(f->old, text))
		f->new = xstrdup(text);
	else {
		free(s->ca_from);
		s->ca_from = NULL;
	}
	return true;
}

/* Is it a certificate, and can the daemon read it there? Else it is copied. */
static bool
plan_ca(struct setup *s)
{
	cleanup_(freep) char *text = NULL;
	struct stat st;
	int rc;

	if (s->ca == NULL)
		return true;
	rc = *s->ca == '/' ? check_read(&s->c, s->ca, &text) : -EINVAL;
	if (rc < 0 || strstr(text, "-----BEGIN CERTIFICATE-----") == NULL) {
		(void)fprintf(s->t->err, "setup: %s: %s\n", s->ca,
		    *s->ca != '/' ? "is not an absolute path"
			: rc < 0  ? strerror(-rc)
				  : "is no certificate in PEM");
		return false;
	}
	if (is_hidden_from_daemon(s, s->ca) || !check_stat(&s->c, s->ca, &st) ||
	    (st.st_mode & 04) == 0)
		return plan_copy(s, text);
	return true;
}

static bool
plan_token(struct setup *s)
{
	struct stat st;

	if (s->token == NULL)
		return true;
	if (is_hidden_from_daemon(s, s->token) || !check_stat(&s->c, s->token, &st)) {
		(void)fprintf(s->t->err, "setup: %s: %s\n", s->token,
		    is_hidden_from_daemon(s, s->token)
			? "the daemon's unit does not see this directory; put it into "
			  "/etc/kanidm"
			: strerror(errno));
		return false;
	}
	return true;
}

bool
setup_config_plan(struct setup *s)
{
	const char *at;
	int rc;

	s->client.path = KU_PATH_CLIENT_CONFIG;
	s->unixd.path = KU_PATH_UNIXD_CONFIG;
	at = s->client.path;
	rc = setup_read(s, at, &s->client.old);
	if (rc == 0) {
		at = s->unixd.path;
		rc = setup_read(s, at, &s->unixd.old);
	}
	if (rc < 0) {
		(void)fprintf(s->t->err, "setup: %s: %s\n", at, setup_why(rc));
		return false;
	}
	for (size_t i = 0; i < s->c.problems.n; i++) {
		if (s->c.problems.v[i].severity != CONFIG_FATAL)
			continue;
		(void)fprintf(s->t->err,
		    "setup: %s\nsetup: correct that first (kanidm_unixd -t)\n",
		    s->c.problems.v[i].text);
		return false;
	}
	return plan_ca(s) && plan_token(s) && plan_client(s) && plan_unixd(s) &&
	    validate(s);
}

/* In the order in which they refer to each other. */
static size_t
files_of(struct setup *s, const struct setup_file *v[3])
{
	const struct setup_file *all[] = { &s->certificate, &s->client, &s->unixd };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (all[i]->new != NULL)
			v[n++] = all[i];
	}
	return n;
}

bool
setup_config_write(struct setup *s)
{
	const struct setup_file *v[3];
	size_t n = files_of(s, v);

	for (size_t i = 0; i < n; i++) {
		if (setup_put(s, v[i]) == 0)
			continue;
		while (i-- > 0)
			(void)!setup_put_old(s, v[i]);
		return false;
	}
	return true;
}

bool
setup_config_undo(struct setup *s)
{
	const struct setup_file *v[3];
	size_t n = files_of(s, v);
	bool good = true;

	while (n-- > 0)
		good &= setup_put_old(s, v[n]) == 0;
	return good;
}
