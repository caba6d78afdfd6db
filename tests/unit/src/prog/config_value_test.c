/* SPDX-License-Identifier: MPL-2.0 */
/* Each type of value: what is taken, what keeps the default, what refuses the file. */
#include <errno.h>

#include "ku/paths.h"
#include "loaded.h"

static void
test_without_files_all_defaults_hold(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load(NULL, NULL);

	(void)state;
	assert_int_equal(l.err, 0);
	assert_null(l.c->uri);
	assert_true(l.c->verify_ca);
	assert_true(l.c->verify_hostnames);
	assert_null(l.c->ca_path);
	assert_true(l.c->provider_enabled);
	assert_string_equal(l.c->db_path, KU_PATH_DB);
	assert_string_equal(l.c->sock_path, KU_PATH_SOCK);
	/* a name of its own: the reference client's database is beside it */
	assert_string_equal(strrchr(l.c->db_path, '/'), "/unixd.db");
	assert_string_equal(l.c->task_sock_path, KU_PATH_TASK_SOCK);
	assert_int_equal(l.c->cache_timeout_s, 300);
	assert_int_equal(l.c->conn_timeout_s, 2);
	assert_int_equal(l.c->request_timeout_s, 4);
	assert_int_equal(l.c->offline_limit_s, 0);
	assert_true(l.c->fast_cache);
	assert_string_equal(l.c->default_shell, "/bin/sh");
	assert_string_equal(l.c->home_prefix, "/home/");
	assert_null(l.c->home_mount_prefix);
	assert_int_equal(l.c->home_attr, NAME_ATTR_UUID);
	assert_int_equal(l.c->home_alias, NAME_ATTR_SPN);
	assert_int_equal(l.c->home_strategy, HOME_STRATEGY_SYMLINK);
	assert_false(l.c->use_etc_skel);
	assert_int_equal(l.c->uid_attr_map, NAME_ATTR_SPN);
	assert_int_equal(l.c->gid_attr_map, NAME_ATTR_SPN);
	assert_true(l.c->selinux);
	assert_int_equal(l.c->hsm_type, HSM_SOFT);
	assert_null(l.c->hsm_pin_path);
	assert_string_equal(l.c->service_account_token_path, KU_PATH_TOKEN);
	assert_null(l.c->pam_allowed_login_groups[0]);
	assert_null(l.c->allow_local_account_override[0]);
	assert_null(l.c->pam_allowed_callers[0]);
	assert_null(l.c->prefetch_groups);
	assert_int_equal(l.c->n_map_group, 0);
	assert_int_equal(l.c->auth_deadline_ms, 2500);
	assert_int_equal(l.c->offline_auth_max_age_s, 0);
	assert_int_equal(l.c->home_failure, HOME_FAILURE_ALLOW);
	assert_int_equal(l.c->prefetch_max, 500);
}

static void
test_every_key_can_be_set(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load("uri = 'https://idm.example.com'\n"
						      "ca_path = '/dev/null'\n",
	    "version = '2'\n"
	    "cache_db_path = '/a'\ntask_sock_path = '/c'\ncache_timeout = 900\n"
	    "offline_limit = 1\nfast_cache = false\ndefault_shell = ''\nhome_prefix = '/h/'\n"
	    "home_mount_prefix = '/m/'\nhome_attr = 'name'\nhome_alias = 'none'\n"
	    "home_strategy = 'bindmount'\nuse_etc_skel = true\nuid_attr_map = 'name'\n"
	    "gid_attr_map = 'name'\nselinux = false\nhsm_type = 'soft'\nhsm_pin_path = '/p'\n"
	    "tpm_tcti_name = 't'\nauth_deadline = 0.25\noffline_auth_max_age = 2\n"
	    "home_failure = 'deny'\nprefetch_max = 0\npam_allowed_callers = ['postgres', 33]\n"
	    "[kanidm]\nconn_timeout = 3\nrequest_timeout = 5\n"
	    "pam_allowed_login_groups = ['ops', 'dev@idm.example.com', "
	    "'0f2d8a5c-1b7e-4c3d-9e10-aabbccddeeff']\n"
	    "service_account_token_path = '/t'\nprefetch_groups = []\n"
	    "map_group = [{ local = 'sudo', with = 'admins' }]\n");

	(void)state;
	assert_quiet(&l);
	assert_string_equal(l.c->uri, "https://idm.example.com");
	assert_string_equal(l.c->ca_path, "/dev/null");
	assert_string_equal(l.c->db_path, "/a");
	assert_string_equal(l.c->task_sock_path, "/c");
	assert_int_equal(l.c->cache_timeout_s, 900);
	assert_int_equal(l.c->offline_limit_s, 1);
	assert_false(l.c->fast_cache);
	assert_string_equal(l.c->default_shell, "");
	assert_string_equal(l.c->home_prefix, "/h/");
	assert_string_equal(l.c->home_mount_prefix, "/m/");
	assert_int_equal(l.c->home_attr, NAME_ATTR_NAME);
	assert_int_equal(l.c->home_alias, NAME_ATTR_NONE);
	assert_int_equal(l.c->home_strategy, HOME_STRATEGY_BIND_MOUNT);
	assert_true(l.c->use_etc_skel);
	assert_int_equal(l.c->uid_attr_map, NAME_ATTR_NAME);
	assert_int_equal(l.c->gid_attr_map, NAME_ATTR_NAME);
	assert_false(l.c->selinux);
	assert_string_equal(l.c->hsm_pin_path, "/p");
	assert_string_equal(l.c->tpm_tcti_name, "t");
	assert_int_equal(l.c->auth_deadline_ms, 250);
	assert_int_equal(l.c->offline_auth_max_age_s, 2);
	assert_int_equal(l.c->home_failure, HOME_FAILURE_DENY);
	assert_int_equal(l.c->prefetch_max, 0);
	assert_string_equal(l.c->pam_allowed_callers[0], "postgres");
	assert_string_equal(l.c->pam_allowed_callers[1], "33");
	assert_null(l.c->pam_allowed_callers[2]);
	assert_int_equal(l.c->conn_timeout_s, 3);
	assert_int_equal(l.c->request_timeout_s, 5);
	assert_string_equal(l.c->pam_allowed_login_groups[1], "dev@idm.example.com");
	assert_non_null(l.c->pam_allowed_login_groups[2]);
	assert_null(l.c->pam_allowed_login_groups[3]);
	assert_string_equal(l.c->service_account_token_path, "/t");
	assert_non_null(l.c->prefetch_groups);
	assert_null(l.c->prefetch_groups[0]);
	assert_int_equal(l.c->n_map_group, 1);
	assert_string_equal(l.c->map_group[0].local, "sudo");
	assert_string_equal(l.c->map_group[0].with, "admins");
}

static void
test_a_value_that_is_not_accepted_keeps_the_default(void **state)
{
	static const struct {
		const char *line;
		const char *key;
		const char *accepted;
	} cases[] = {
		{ "home_attr = 'login'", "home_attr", "\"uuid\", \"spn\" or \"name\"" },
		{ "home_attr = 'none'", "home_attr", "\"uuid\", \"spn\" or \"name\"" },
		{ "home_alias = 'NAME'", "home_alias",
		    "\"none\", \"uuid\", \"spn\" or \"name\"" },
		{ "uid_attr_map = 'uuid'", "uid_attr_map", "\"spn\" or \"name\"" },
		{ "gid_attr_map = ''", "gid_attr_map", "\"spn\" or \"name\"" },
		{ "home_strategy = 'copy'", "home_strategy",
		    "\"symlink\" or \"bind_mount\"" },
		{ "home_failure = 'maybe'", "home_failure", "\"allow\" or \"deny\"" },
		{ "hsm_type = 'yubi'", "hsm_type", "\"soft\"" },
		{ "hsm_type = 'tpm'", "hsm_type", "no TPM support" },
		{ "conn_timeout = 0", "conn_timeout", "at least 1" },
		{ "request_timeout = 0", "request_timeout", "at least 1" },
		{ "auth_deadline = 0", "auth_deadline", "from 0.1 to 600" },
		{ "auth_deadline = nan", "auth_deadline", "from 0.1 to 600" },
		{ "auth_deadline = inf", "auth_deadline", "from 0.1 to 600" },
		{ "home_prefix = 'home/'", "home_prefix", "absolute path" },
		{ "home_prefix = ''", "home_prefix", "absolute path" },
		{ "db_path = ''", "cache_db_path", "absolute path" },
		{ "default_shell = \"/bin/\\u0000sh\"", "default_shell", "NUL" },
		{ "hsm_pin_path = \"/a\\u0000b\"", "hsm_pin_path", "NUL" },
		{ "pam_allowed_login_groups = ['a b']", "pam_allowed_login_groups",
		    "names, SPNs" },
		{ "pam_allowed_callers = ['']", "pam_allowed_callers", "uids" },
		{ "map_group = [{ local = '', with = 'x' }]", "map_group", "left out" },
		{ "map_group = [{ local = 'x', with = 'y,z' }]", "map_group",
		    "left out" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_(loaded_clear) struct loaded def = load(NULL, NULL);
		cleanup_(loaded_clear) struct loaded l = load(NULL, cases[i].line);
		char start[80];

		(void)snprintf(start, sizeof(start), "unixd:1: %s: ", cases[i].key);
		assert_told(&l, CONFIG_ERROR, start, cases[i].accepted);
		assert_int_equal(l.err, 0);
		assert_int_equal(config_exit_status(&l.p), 1);
		assert_int_equal(l.c->home_attr, def.c->home_attr);
		assert_int_equal(l.c->home_alias, def.c->home_alias);
		assert_int_equal(l.c->uid_attr_map, def.c->uid_attr_map);
		assert_int_equal(l.c->gid_attr_map, def.c->gid_attr_map);
		assert_int_equal(l.c->home_strategy, def.c->home_strategy);
		assert_int_equal(l.c->home_failure, def.c->home_failure);
		assert_int_equal(l.c->hsm_type, def.c->hsm_type);
		assert_int_equal(l.c->conn_timeout_s, def.c->conn_timeout_s);
		assert_int_equal(l.c->request_timeout_s, def.c->request_timeout_s);
		assert_int_equal(l.c->auth_deadline_ms, def.c->auth_deadline_ms);
		assert_string_equal(l.c->home_prefix, def.c->home_prefix);
		assert_string_equal(l.c->db_path, def.c->db_path);
		assert_string_equal(l.c->default_shell, def.c->default_shell);
		assert_null(l.c->hsm_pin_path);
		assert_null(l.c->pam_allowed_login_groups[0]);
		assert_null(l.c->pam_allowed_callers[0]);
		assert_int_equal(l.c->n_map_group, 0);
	}
}

static void
test_a_wrong_type_refuses_the_file_and_the_rest_is_read(void **state)
{
	static const char *const cases[] = {
		"cache_timeout = '5'",
		"cache_timeout = -1",
		"cache_timeout = 1.5",
		"selinux = 'yes'",
		"use_etc_skel = 1",
		"home_prefix = 3",
		"home_attr = true",
		"pam_allowed_login_groups = 'ops'",
		"pam_allowed_login_groups = [1]",
		"pam_allowed_login_groups = ['ops', 1]",
		"map_group = {}",
		"map_group = ['x']",
		"map_group = [{ local = 'x' }]",
		"map_group = [{ local = 'x', with = 1 }]",
		"auth_deadline = '3'",
		"default_shell = 1979-05-27",
		"prefetch_max = true",
		"pam_allowed_callers = [-1]",
		"hsm_type = []",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_(freep) char *text = NULL;
		cleanup_(loaded_clear) struct loaded l = { 0 };

		assert_true(
		    asprintf(&text, "\n%s\nuid_attr_map = 'name'\n", cases[i]) > 0);
		l = load(NULL, text);
		if (l.err != -EINVAL)
			print_error("taken: %s\n", cases[i]);
		assert_int_equal(l.err, -EINVAL);
		assert_told(&l, CONFIG_FATAL, "unixd:2: ", "expected ");
		assert_int_equal(l.c->uid_attr_map, NAME_ATTR_NAME);
		assert_null(l.c->pam_allowed_login_groups[0]);
	}
}

static void
test_large_numbers_are_bounded(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load(NULL,
	    "cache_timeout = 9223372036854775807\n"
	    "conn_timeout = 86400\n");

	(void)state;
	assert_told(&l, CONFIG_NOTE, "unixd:1: cache_timeout: 9223372036854775807",
	    "is used as");
	assert_told(&l, CONFIG_NOTE, "unixd:2: conn_timeout: 86400", "is used as 3600");
	assert_int_equal(config_cache_timeout_s(l.c), 86400);
	assert_int_equal(l.c->conn_timeout_s, 3600);
}

static void
test_cache_timeout_is_kept_as_written_and_used_in_bounds(void **state)
{
	static const struct {
		const char *text;
		unsigned written, used;
	} cases[] = {
		{ "cache_timeout = 0", 0, 60 },
		{ "cache_timeout = 59", 59, 60 },
		{ "cache_timeout = 60", 60, 60 },
		{ "cache_timeout = 900", 900, 900 },
		{ "cache_timeout = 86401", 86401, 86400 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_(loaded_clear) struct loaded l = load(NULL, cases[i].text);

		assert_int_equal(l.c->cache_timeout_s, cases[i].written);
		assert_int_equal(config_cache_timeout_s(l.c), cases[i].used);
		if (cases[i].written != cases[i].used)
			assert_told(&l, CONFIG_NOTE,
			    "unixd:1: cache_timeout:", "is used as");
		else
			assert_quiet(&l);
	}
}

static void
test_a_prefix_without_slash_gets_one(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load(NULL,
	    "home_prefix = '/u'\n"
	    "home_mount_prefix = '/m/n'\n");

	(void)state;
	assert_string_equal(l.c->home_prefix, "/u/");
	assert_string_equal(l.c->home_mount_prefix, "/m/n/");
	assert_told(&l, CONFIG_NOTE, "unixd:1: home_prefix:", "used as \"/u/\"");
	assert_told(&l, CONFIG_NOTE, "unixd:2: home_mount_prefix:", "used as \"/m/n/\"");
	assert_int_equal(config_exit_status(&l.p), 0);
}

static void
test_a_tpm_if_possible_reads_as_soft_with_a_note(void **state)
{
	cleanup_(
	    loaded_clear) struct loaded l = load(NULL, "hsm_type = 'tpm_if_possible'");

	(void)state;
	assert_int_equal(l.c->hsm_type, HSM_SOFT);
	assert_told(&l, CONFIG_NOTE, "unixd:1: hsm_type:", "\"soft\" is used");
}

static void
test_the_last_mapping_of_a_group_counts(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load(NULL,
	    "map_group = [{local='a',with='x'},{local='b',with='z'},{local='a',with='y'}]");

	(void)state;
	assert_int_equal(l.c->n_map_group, 2);
	assert_string_equal(l.c->map_group[0].with, "y");
	assert_told(&l, CONFIG_NOTE, "unixd:1: map_group:", "mapped twice");
}

static void
test_one_server_only(void **state)
{
	cleanup_(loaded_clear) struct loaded list =
	    load("uri = ['https://a', 'https://b']", NULL);
	cleanup_(loaded_clear) struct loaded plain =
	    load("uri = 'http://idm.example.com'", NULL);
	cleanup_(
	    loaded_clear) struct loaded path = load("uri = 'https://a/kanidm'", NULL);

	(void)state;
	assert_told(&list, CONFIG_FATAL, "config:1: uri:", "one server");
	assert_null(list.c->uri);
	assert_told(&plain, CONFIG_ERROR, "config:1: uri:", "passwords in clear");
	assert_null(plain.c->uri);
	assert_int_equal(plain.err, 0);
	assert_told(&path, CONFIG_NOTE,
	    "config:1: uri:", "\"/kanidm\" behind the host is ignored");
	assert_string_equal(path.c->uri, "https://a");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_files_all_defaults_hold),
		cmocka_unit_test(test_every_key_can_be_set),
		cmocka_unit_test(test_a_value_that_is_not_accepted_keeps_the_default),
		cmocka_unit_test(test_a_wrong_type_refuses_the_file_and_the_rest_is_read),
		cmocka_unit_test(test_large_numbers_are_bounded),
		cmocka_unit_test(
		    test_cache_timeout_is_kept_as_written_and_used_in_bounds),
		cmocka_unit_test(test_a_prefix_without_slash_gets_one),
		cmocka_unit_test(test_a_tpm_if_possible_reads_as_soft_with_a_note),
		cmocka_unit_test(test_the_last_mapping_of_a_group_counts),
		cmocka_unit_test(test_one_server_only),
	};

	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
