/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/settings.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
	char dir[64];
	char client[100];
	char unixd[100];
	struct settings s;
	char shown[8192];
};

static void
write_file(const char *path, const char *content)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(content, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
setup(void **state)
{
	static struct world w;

	(void)snprintf(w.dir, sizeof(w.dir), "/tmp/ku-settings-XXXXXX");
	if (mkdtemp(w.dir) == NULL)
		return -1;
	(void)snprintf(w.client, sizeof(w.client), "%s/config", w.dir);
	(void)snprintf(w.unixd, sizeof(w.unixd), "%s/unixd", w.dir);
	write_file(w.client, "uri = \"https://one.example\"\n");
	write_file(w.unixd,
	    "version = \"2\"\n[kanidm]\npam_allowed_login_groups = [\"x\"]\n");
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	char path[128];

	settings_clear(&w->s);
	(void)unlink(w->client);
	(void)unlink(w->unixd);
	(void)snprintf(path, sizeof(path), "%s/last-good/config", w->dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/last-good/unixd", w->dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/last-good", w->dir);
	(void)rmdir(path);
	return rmdir(w->dir);
}

static void
gather(void *arg, const char *key, const char *value)
{
	struct world *w = arg;
	size_t n = strlen(w->shown);

	(void)snprintf(w->shown + n, sizeof(w->shown) - n, "%s=%s\n", key, value);
}

static const char *
show(struct world *w)
{
	w->shown[0] = '\0';
	settings_status(&w->s, gather, w);
	return w->shown;
}

static void
a_good_configuration_is_used_and_copied(void **state)
{
	struct world *w = *state;
	char path[128];

	settings_load(&w->s, w->client, w->unixd, w->dir);
	assert_string_equal(w->s.config->uri, "https://one.example");
	assert_null(w->s.fallback);
	assert_string_equal(settings_idp(&w->s).uri, "https://one.example");
	(void)snprintf(path, sizeof(path), "%s/last-good/config", w->dir);
	assert_int_equal(access(path, R_OK), 0);
}

static void
a_file_broken_at_start_gives_the_last_good_copy_and_says_so(void **state)
{
	struct world *w = *state;

	settings_load(&w->s, w->client, w->unixd, w->dir);
	settings_clear(&w->s);
	write_file(w->client, "uri = https://broken\n");
	settings_load(&w->s, w->client, w->unixd, w->dir);
	assert_string_equal(w->s.config->uri, "https://one.example");
	assert_non_null(strstr(show(w), "config=a configuration file is broken"));
	assert_non_null(strstr(w->shown, w->client));
}

static void
broken_without_a_copy_runs_unconfigured(void **state)
{
	struct world *w = *state;

	write_file(w->unixd, "[[[");
	settings_load(&w->s, w->client, w->unixd, w->dir);
	assert_non_null(w->s.config);
	assert_non_null(w->s.fallback);
	assert_non_null(strstr(show(w), "no good copy"));
}

static void
that_nobody_may_log_in_is_said_until_somebody_may(void **state)
{
	static const char nobody[] =
	    "login=nobody may log in: pam_allowed_login_groups is empty\n";
	struct world *w = *state;
	struct config *old = NULL;

	write_file(w->unixd, "version = \"2\"\n[kanidm]\n");
	settings_load(&w->s, w->client, w->unixd, w->dir);
	assert_non_null(strstr(show(w), nobody));
	write_file(w->unixd,
	    "version = \"2\"\n[kanidm]\npam_allowed_login_groups = [\"x\"]\n");
	assert_int_equal(settings_reload(&w->s, &old), 0);
	(void)config_free(old);
	assert_null(strstr(show(w), nobody));
}

static void
reload_takes_new_values_and_hands_the_old_ones_back(void **state)
{
	struct world *w = *state;
	struct config *old = NULL;

	settings_load(&w->s, w->client, w->unixd, w->dir);
	write_file(w->client, "uri = \"https://two.example\"\n");
	assert_int_equal(settings_reload(&w->s, &old), 0);
	assert_string_equal(old->uri, "https://one.example");
	assert_string_equal(w->s.config->uri, "https://two.example");
	(void)config_free(old);
}

static void
reload_of_a_broken_file_changes_nothing_but_what_is_shown(void **state)
{
	struct world *w = *state;
	struct config *old = NULL;

	settings_load(&w->s, w->client, w->unixd, w->dir);
	write_file(w->client, "uri = [\n");
	assert_int_equal(settings_reload(&w->s, &old), -EINVAL);
	assert_null(old);
	assert_string_equal(w->s.config->uri, "https://one.example");
	assert_non_null(strstr(show(w), "what was read before"));
	/* and a good file later clears the complaint */
	write_file(w->client, "uri = \"https://one.example\"\n");
	assert_int_equal(settings_reload(&w->s, &old), 0);
	(void)config_free(old);
	assert_null(strstr(show(w), "broken"));
}

static void
without_a_provider_the_link_has_no_uri(void **state)
{
	struct world *w = *state;

	write_file(w->unixd, "version = \"2\"\n");
	settings_load(&w->s, w->client, w->unixd, w->dir);
	assert_null(settings_idp(&w->s).uri);
}

static void
a_proxys_password_is_not_shown(void **state)
{
	struct world *w = *state;

	settings_load(&w->s, w->client, w->unixd, w->dir);
	(void)setenv("HTTPS_PROXY", "http://user:secret@proxy.example:3128", 1);
	assert_non_null(
	    strstr(show(w), "proxy=HTTPS_PROXY=http://***@proxy.example:3128\n"));
	assert_null(strstr(w->shown, "secret"));
	(void)unsetenv("HTTPS_PROXY");
}

int
main(void)
{
#define SETTINGS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		SETTINGS_TEST(a_good_configuration_is_used_and_copied),
		SETTINGS_TEST(
		    a_file_broken_at_start_gives_the_last_good_copy_and_says_so),
		SETTINGS_TEST(broken_without_a_copy_runs_unconfigured),
		SETTINGS_TEST(that_nobody_may_log_in_is_said_until_somebody_may),
		SETTINGS_TEST(reload_takes_new_values_and_hands_the_old_ones_back),
		SETTINGS_TEST(reload_of_a_broken_file_changes_nothing_but_what_is_shown),
		SETTINGS_TEST(without_a_provider_the_link_has_no_uri),
		SETTINGS_TEST(a_proxys_password_is_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
