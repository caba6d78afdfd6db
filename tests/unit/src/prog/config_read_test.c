/* SPDX-License-Identifier: MPL-2.0 */
/* Formats, sections, slips and what is said about them; the files as a whole. */
#include <errno.h>
#include <fcntl.h>

#include "ku/paths.h"
#include "loaded.h"

static void
test_the_flat_format_enables_the_server(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load(NULL,
	    "db_path = '/x/y'\nconn_timeout = 7\n"
	    "pam_allowed_login_groups = ['ops']\n");

	(void)state;
	assert_quiet(&l);
	assert_int_equal(l.c->format, 1);
	assert_true(l.c->provider_enabled);
	assert_string_equal(l.c->db_path, "/x/y");
	assert_int_equal(l.c->conn_timeout_s, 7);
	assert_string_equal(l.c->pam_allowed_login_groups[0], "ops");
}

static void
test_an_empty_file_is_the_flat_format(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load("", "");

	(void)state;
	assert_quiet(&l);
	assert_int_equal(l.c->format, 1);
	assert_true(l.c->provider_enabled);
	assert_told(&l, CONFIG_NOTE, "unixd: ", "nobody may log in");
	assert_told(&l, CONFIG_NOTE, "config: ", "uri is not set");
}

static void
test_version_2_needs_its_table(void **state)
{
	cleanup_(
	    loaded_clear) struct loaded with = load(NULL, "version = '2'\n[kanidm]\n");
	cleanup_(loaded_clear) struct loaded without = load(NULL, "version = '2'\n");

	(void)state;
	assert_quiet(&with);
	assert_true(with.c->provider_enabled);
	assert_false(without.c->provider_enabled);
	assert_told(&without, CONFIG_WARNING, "unixd: ", "no [kanidm] table");
}

static void
test_doubtful_versions_are_read_and_told(void **state)
{
	cleanup_(
	    loaded_clear) struct loaded none = load(NULL, "[kanidm]\nconn_timeout = 7\n");
	cleanup_(loaded_clear) struct loaded number = load(NULL,
	    "version = 2\n[kanidm]\n"
	    "conn_timeout = 7\n");
	cleanup_(loaded_clear) struct loaded three = load(NULL,
	    "version = '3'\n[kanidm]\n"
	    "conn_timeout = 7\n");
	cleanup_(loaded_clear) struct loaded flat = load(NULL,
	    "version = '1'\nconn_timeout = 7\n");
	cleanup_(loaded_clear) struct loaded odd = load(NULL,
	    "version = 2.0\nconn_timeout = 7\n");

	(void)state;
	assert_told(&none, CONFIG_WARNING, "unixd:1: ", "write version = \"2\"");
	assert_told(&number, CONFIG_WARNING, "unixd:1: version:", "a string is expected");
	assert_told(&three, CONFIG_ERROR, "unixd:1: version: \"3\"", "expected \"2\"");
	assert_told(&flat, CONFIG_ERROR, "unixd:1: version: \"1\"", "flat format");
	assert_told(&odd, CONFIG_ERROR, "unixd:1: version:", "a number with a fraction");
	assert_int_equal(none.c->format, 2);
	assert_int_equal(number.c->format, 2);
	assert_int_equal(three.c->format, 2);
	assert_int_equal(flat.c->format, 1);
	assert_int_equal(odd.c->format, 1);
	assert_int_equal(none.c->conn_timeout_s, 7);
	assert_int_equal(number.c->conn_timeout_s, 7);
	assert_int_equal(three.c->conn_timeout_s, 7);
	assert_int_equal(flat.c->conn_timeout_s, 7);
	assert_int_equal(odd.c->conn_timeout_s, 7);
	assert_int_equal(none.err | number.err | three.err | flat.err | odd.err, 0);
}

static void
test_a_misplaced_key_is_honoured(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load(NULL,
	    "version = '2'\npam_allowed_login_groups = ['ops']\n"
	    "[kanidm]\ncache_timeout = 900\n"
	    "[[kanidm.map_group]]\nlocal = 'a'\nwith = 'b'\nselinux = false\n");
	cleanup_(loaded_clear) struct loaded no_table = load(NULL,
	    "version = '2'\n"
	    "conn_timeout = 7\n");

	(void)state;
	assert_told(&l, CONFIG_NOTE,
	    "unixd:2: pam_allowed_login_groups:", "belongs in [kanidm]");
	assert_told(&l, CONFIG_NOTE, "unixd:4: cache_timeout:", "belongs at top level");
	assert_told(&l, CONFIG_NOTE, "unixd:8: selinux:", "belongs at top level");
	assert_int_equal(l.p.n, 5); /* and that no file, and so no uri, is there */
	assert_string_equal(l.c->pam_allowed_login_groups[0], "ops");
	assert_int_equal(l.c->cache_timeout_s, 900);
	assert_false(l.c->selinux);
	assert_int_equal(config_exit_status(&l.p), 0);
	/* A slip of section must not switch the server off either. */
	assert_true(no_table.c->provider_enabled);
	assert_int_equal(no_table.c->conn_timeout_s, 7);
}

static void
test_the_right_place_wins_over_a_misplaced_key(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load(NULL,
	    "version = '2'\nconn_timeout = 7\n"
	    "[kanidm]\nconn_timeout = 8\n");

	(void)state;
	assert_int_equal(l.c->conn_timeout_s, 8);
	assert_told(&l, CONFIG_NOTE,
	    "unixd:2: conn_timeout:", "ignored, line 4 sets it; it belongs in [kanidm]");
}

static void
test_the_other_formats_name_is_taken_with_a_note(void **state)
{
	cleanup_(loaded_clear) struct loaded v1 = load(NULL, "cache_db_path = '/x'\n");
	cleanup_(loaded_clear) struct loaded v2 = load(NULL,
	    "version='2'\ndb_path = '/x'\n[kanidm]\n");
	cleanup_(loaded_clear) struct loaded both = load(NULL,
	    "cache_db_path = '/x'\n"
	    "db_path = '/y'\n");

	(void)state;
	assert_string_equal(v1.c->db_path, "/x");
	assert_told(&v1, CONFIG_NOTE, "unixd:1: cache_db_path:", "called db_path");
	assert_string_equal(v2.c->db_path, "/x");
	assert_told(&v2, CONFIG_NOTE, "unixd:2: db_path:", "called cache_db_path");
	assert_string_equal(both.c->db_path, "/y");
	assert_told(&both, CONFIG_NOTE,
	    "unixd:1: cache_db_path:", "ignored, line 2 sets it");
}

static void
test_what_only_version_2_had_works_in_the_flat_format(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load(NULL,
	    "service_account_token_path = '/t'\nhome_strategy = 'bind_mount'\n"
	    "[[map_group]]\nlocal = 'a'\nwith = 'b'\n");

	(void)state;
	assert_quiet(&l);
	assert_string_equal(l.c->service_account_token_path, "/t");
	assert_int_equal(l.c->home_strategy, HOME_STRATEGY_BIND_MOUNT);
	assert_int_equal(l.c->n_map_group, 1);
}

static void
test_an_unknown_key_warns_with_the_nearest(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load(NULL,
	    "version = '2'\ncache_timout = 3\nfrobnicate = 3\nuri = 'https://x'\n"
	    "\"a\\nb\" = 1\n[kanidm]\nconn_timeuot = 9\n[[kanidm.map_group]]\nlocal = 'a'\n"
	    "with = 'b'\nwhit = 'c'\n[kanidmm]\n[other]\nx = 1\n");

	(void)state;
	assert_told(&l, CONFIG_WARNING, "unixd:2: unknown key \"cache_timout\"",
	    "did you mean \"cache_timeout\"?");
	assert_told(&l, CONFIG_WARNING, "unixd:3: unknown key \"frobnicate\"", "ignored");
	assert_told(&l, CONFIG_WARNING, "unixd:4: unknown key \"uri\"",
	    "it belongs in config");
	assert_told(&l, CONFIG_WARNING, "unixd:5: unknown key \"a?b\"", "ignored");
	assert_told(&l, CONFIG_WARNING,
	    "unixd:7: unknown key \"conn_timeuot\" in [kanidm]",
	    "did you mean \"conn_timeout\"?");
	assert_told(&l, CONFIG_WARNING, "unixd:11: unknown key \"whit\"", "");
	assert_told(&l, CONFIG_WARNING, "unixd:12: unknown table [kanidmm]",
	    "did you mean [kanidm]?");
	assert_told(&l, CONFIG_WARNING, "unixd:13: unknown table [other]", "");
	assert_told(&l, CONFIG_WARNING, "unixd:14: unknown key \"x\" in [other]", "");
	assert_int_equal(l.err, 0);
	assert_int_equal(config_exit_status(&l.p), 1);
}

static void
test_the_client_file_takes_scalars_it_does_not_know(void **state)
{
	cleanup_(
	    loaded_clear) struct loaded l = load("request_timeout = 3\nveriy_ca = false\n"
						 "foo = 'x'\nuri = 'https://a'\n",
	    NULL);

	(void)state;
	assert_int_equal(l.err, 0);
	assert_told(&l, CONFIG_WARNING, "config:1: unknown key", "belongs in unixd");
	assert_told(&l, CONFIG_WARNING, "config:2: unknown key",
	    "did you mean \"verify_ca\"?");
	assert_told(&l, CONFIG_WARNING, "config:3: unknown key \"foo\"", "ignored");
	assert_true(l.c->verify_ca);
	assert_string_equal(l.c->uri, "https://a");
}

static void
test_instance_tables_are_checked_and_never_used(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load("uri = 'https://a'\n"
						      "[\"prod\"]\nuri = 'https://b'\n"
						      "verify_ca = 'no'\nuro = 1\n",
	    NULL);

	(void)state;
	assert_int_equal(l.err, 0);
	assert_string_equal(l.c->uri, "https://a");
	assert_told(&l, CONFIG_ERROR, "config:4: verify_ca:", "expected true or false");
	assert_told(&l, CONFIG_WARNING, "config:5: unknown key \"uro\" in [prod]",
	    "\"uri\"?");
	assert_true(l.c->verify_ca);
}

static void
test_what_is_discouraged_is_told(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load(
	    "uri = 'https://a'\nverify_ca = false\nverify_hostnames = false\nconnect_timeout = 5\n",
	    "allow_local_account_override = ['admin']\nsock_path = '/run/x/sock'\n"
	    "pam_allowed_login_groups = []\n");

	(void)state;
	assert_told(&l, CONFIG_NOTE, "config:2: verify_ca:", "dangerous");
	assert_told(&l, CONFIG_NOTE, "config:3: verify_hostnames:", "dangerous");
	assert_told(&l, CONFIG_NOTE, "config:4: connect_timeout:", "conn_timeout");
	assert_told(&l, CONFIG_NOTE,
	    "unixd:1: allow_local_account_override:", "discouraged");
	assert_told(&l, CONFIG_NOTE,
	    "unixd:1: allow_local_account_override:", "no effect for lookups");
	assert_told(&l, CONFIG_NOTE, "unixd:2: sock_path:", KU_PATH_SOCK);
	assert_told(&l, CONFIG_NOTE,
	    "unixd:3: pam_allowed_login_groups:", "nobody may log in");
	assert_string_equal(l.c->allow_local_account_override[0], "admin");
	assert_false(l.c->verify_ca);
	assert_false(l.c->verify_hostnames);
	assert_int_equal(config_exit_status(&l.p), 0);
}

static void
test_the_old_spelling_of_the_socket_is_the_same_socket(void **state)
{
	cleanup_(freep) char *text = NULL;
	cleanup_(loaded_clear) struct loaded l = { 0 };

	(void)state;
	if (strncmp(KU_PATH_SOCK, "/run/", 5) != 0)
		skip();
	assert_true(asprintf(&text, "sock_path = '/var%s'\ntask_sock_path = '/var%s'",
			KU_PATH_SOCK, KU_PATH_TASK_SOCK) > 0);
	l = load(NULL, text);
	assert_quiet(&l);
	assert_string_equal(l.c->sock_path, KU_PATH_SOCK);
	assert_string_equal(l.c->task_sock_path, KU_PATH_TASK_SOCK);
}

static void
test_a_ca_file_that_is_not_there_warns(void **state)
{
	cleanup_(loaded_clear) struct loaded l =
	    load("uri='https://a'\nca_path = '/nonexistent/ca'", NULL);

	(void)state;
	assert_told(&l, CONFIG_WARNING, "config:2: ca_path:", "/nonexistent/ca");
	assert_string_equal(l.c->ca_path, "/nonexistent/ca");
}

static void
test_no_toml_is_fatal_and_leaves_defaults(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load("uri = 'https://a'\n",
	    "uid_attr_map = 'name'\ncache_timeout 900\n");

	(void)state;
	assert_int_equal(l.err, -EINVAL);
	assert_told(&l, CONFIG_FATAL,
	    "unixd:2: ", "expected '=' after the key 'cache_timeout'");
	assert_int_equal(l.p.n, 1);
	assert_int_equal(l.c->uid_attr_map, NAME_ATTR_SPN);
	assert_string_equal(l.c->uri, "https://a"); /* the other file counts */
	assert_int_equal(config_exit_status(&l.p), 1);
}

static void
test_a_file_that_cannot_be_read_is_fatal(void **state)
{
	cleanup_(config_problems_clear) struct config_problems p = { 0 };
	cleanup_(config_freep) struct config *c = NULL;
	FILE *f;

	(void)state;
	assert_int_equal(config_load("/", "no-such-place", &c, &p), -EINVAL);
	assert_non_null(strstr(p.v[0].text, "/: cannot be read: Is a directory"));
	config_problems_clear(&p);
	c = config_free(c);

	f = fopen("big", "w");
	assert_non_null(f);
	for (size_t i = 0; i < 1024 * 1024 / 8 + 1; i++)
		assert_true(fputs("#234567\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(config_load("big", "no-such-place", &c, &p), -EINVAL);
	assert_non_null(strstr(p.v[0].text, "big: cannot be read: File too large"));
}

static void
test_a_table_called_kanidm_must_be_a_table(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load(NULL,
	    "kanidm = true\ncache_timeout = 900");

	(void)state;
	assert_int_equal(l.err, -EINVAL);
	assert_told(&l, CONFIG_FATAL, "unixd:1: kanidm:", "expected a table");
	assert_int_equal(l.c->cache_timeout_s, 900);
}

static void
test_a_file_that_anybody_may_write_is_told(void **state)
{
	cleanup_(config_problems_clear) struct config_problems p = { 0 };
	cleanup_(config_freep) struct config *c = NULL;

	(void)state;
	scratch_write("open", "uri = 'https://a'");
	assert_int_equal(chmod("open", 0666), 0);
	assert_int_equal(config_load("open", "no-such-place", &c, &p), 0);
	assert_string_equal(p.v[0].text, "open: anybody may write this file: chmod o-w");
}

static void
test_the_environment_fills_what_no_file_sets(void **state)
{
	(void)state;
	assert_int_equal(setenv("KANIDM_CACHE_DB_PATH", "/e/db", 1), 0);
	assert_int_equal(setenv("KANIDM_HSM_PIN_PATH", "/e/pin", 1), 0);
	assert_int_equal(setenv("KANIDM_SERVICE_ACCOUNT_TOKEN_PATH", "relative", 1), 0);
	{
		cleanup_(
		    loaded_clear) struct loaded l = load(NULL, "hsm_pin_path = '/f/pin'");

		assert_string_equal(l.c->db_path, "/e/db");
		assert_string_equal(l.c->hsm_pin_path, "/f/pin");
		assert_string_equal(l.c->service_account_token_path, KU_PATH_TOKEN);
		assert_told(&l, CONFIG_ERROR,
		    "environment variable KANIDM_SERVICE_ACCOUNT_TOKEN_PATH: ",
		    "absolute path");
	}
	assert_int_equal(unsetenv("KANIDM_CACHE_DB_PATH"), 0);
	assert_int_equal(unsetenv("KANIDM_HSM_PIN_PATH"), 0);
	assert_int_equal(unsetenv("KANIDM_SERVICE_ACCOUNT_TOKEN_PATH"), 0);
}

static void
test_problems_come_in_the_order_of_the_file(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load("zzz = 1\nuri = 'x'\nyyy = 1\n",
	    "hsm_type = 'a'\nqqq = 1\nhome_attr = 'a'\nppp = 1\nuse_etc_skel = 3\n");
	unsigned last = 0;

	(void)state;
	assert_int_equal(l.p.n, 9);
	for (size_t i = 0; i < l.p.n; i++) {
		last = strncmp(l.p.v[i].text,
			   i < 3 ? "config:" : "unixd:", i < 3 ? 7 : 6) == 0
		    ? i == 3 ? 0 : last
		    : 99;
		assert_true(l.p.v[i].line >= last);
		last = l.p.v[i].line;
	}
}

static void
test_a_reload_tells_which_keys_wait_for_a_restart(void **state)
{
	cleanup_(loaded_clear) struct loaded a = load(NULL,
	    "hsm_pin_path = '/a'\n"
	    "cache_timeout = 60\n");
	cleanup_(loaded_clear) struct loaded b = load(NULL,
	    "db_path = '/x'\ncache_timeout = 90\n");
	cleanup_(config_problems_clear) struct config_problems p = { 0 };

	(void)state;
	config_restart_notes(a.c, a.c, &p);
	assert_int_equal(p.n, 0);
	config_restart_notes(a.c, b.c, &p);
	assert_int_equal(p.n, 2);
	assert_non_null(strstr(p.v[0].text, "hsm_pin_path: changed"));
	assert_non_null(strstr(p.v[1].text, "cache_db_path: changed"));
	assert_int_equal(config_exit_status(&p), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_flat_format_enables_the_server),
		cmocka_unit_test(test_an_empty_file_is_the_flat_format),
		cmocka_unit_test(test_version_2_needs_its_table),
		cmocka_unit_test(test_doubtful_versions_are_read_and_told),
		cmocka_unit_test(test_a_misplaced_key_is_honoured),
		cmocka_unit_test(test_the_right_place_wins_over_a_misplaced_key),
		cmocka_unit_test(test_the_other_formats_name_is_taken_with_a_note),
		cmocka_unit_test(test_what_only_version_2_had_works_in_the_flat_format),
		cmocka_unit_test(test_an_unknown_key_warns_with_the_nearest),
		cmocka_unit_test(test_the_client_file_takes_scalars_it_does_not_know),
		cmocka_unit_test(test_instance_tables_are_checked_and_never_used),
		cmocka_unit_test(test_what_is_discouraged_is_told),
		cmocka_unit_test(test_the_old_spelling_of_the_socket_is_the_same_socket),
		cmocka_unit_test(test_a_ca_file_that_is_not_there_warns),
		cmocka_unit_test(test_no_toml_is_fatal_and_leaves_defaults),
		cmocka_unit_test(test_a_file_that_cannot_be_read_is_fatal),
		cmocka_unit_test(test_a_table_called_kanidm_must_be_a_table),
		cmocka_unit_test(test_a_file_that_anybody_may_write_is_told),
		cmocka_unit_test(test_the_environment_fills_what_no_file_sets),
		cmocka_unit_test(test_problems_come_in_the_order_of_the_file),
		cmocka_unit_test(test_a_reload_tells_which_keys_wait_for_a_restart),
	};

	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
