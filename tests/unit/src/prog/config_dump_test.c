/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What -t prints for files that operators have, byte for byte: golden/NAME.unixd and
 * golden/config in, golden/NAME.out. With KU_REGENERATE in the environment the expected
 * files are written instead; read the difference before it is committed.
 */
#include "ku/paths.h"
#include "loaded.h"

#define GOLDEN KU_SOURCE_DIR "/tests/unit/src/prog/golden/"

static char *
print_all(const struct loaded *l)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	config_dump(f, l->c, "config", "unixd");
	config_print_problems(f, &l->p);
	(void)fprintf(f, "exit status %d\n", config_exit_status(&l->p));
	assert_int_equal(fclose(f), 0);
	return text;
}

static void
check(const char *name)
{
	cleanup_(freep) char *unixd_path = xasprintf(GOLDEN "%s.unixd", name);
	cleanup_(freep) char *out_path = xasprintf(GOLDEN "%s.out", name);
	cleanup_(freep) char *client = scratch_read(GOLDEN "config");
	cleanup_(freep) char *unixd = scratch_read(unixd_path);
	cleanup_(freep) char *got = NULL, *want = NULL;
	cleanup_(loaded_clear) struct loaded l = { 0 };

	/* The expected files hold the built-in paths of a plain build. */
	if (strcmp(KU_PATH_RUNDIR, "/run/kanidm-unixd") != 0 ||
	    strcmp(KU_PATH_CACHEDIR, "/var/cache/kanidm-unixd") != 0 ||
	    strcmp(KU_PATH_STATEDIR, "/var/lib/kanidm-unixd") != 0 ||
	    strcmp(KU_PATH_TOKEN, "/etc/kanidm/token") != 0)
		skip();
	assert_non_null(client);
	assert_non_null(unixd);
	l = load(client, unixd);
	got = print_all(&l);
	if (getenv("KU_REGENERATE") != NULL)
		scratch_write(out_path, got);
	want = scratch_read(out_path);
	assert_non_null(want);
	assert_string_equal(got, want);
}

static void
test_the_flat_file_of_the_user_documentation(void **state)
{
	(void)state;
	check("flat");
}

static void
test_what_nixos_writes(void **state)
{
	(void)state;
	check("nixos");
}

static void
test_what_nixos_writes_without_its_version(void **state)
{
	(void)state;
	check("no-version");
}

static void
test_login_groups_left_at_top_level(void **state)
{
	(void)state;
	check("misplaced");
}

static void
test_a_file_that_is_no_toml(void **state)
{
	(void)state;
	check("broken");
}

static void
test_every_setting_that_is_a_list_or_unset_is_shown(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load(NULL,
	    "version = '2'\nselinux = false\n");
	cleanup_(loaded_clear) struct loaded full = load(NULL,
	    "home_strategy = 'bind_mount'\nhome_mount_prefix = '/m/'\nhome_alias = 'none'\n"
	    "home_failure = 'deny'\nprefetch_groups = []\nauth_deadline = 12\n"
	    "map_group = [{local = 'a', with = 'b'}]\npam_allowed_callers = [33]\n");
	cleanup_(freep) char *off = print_all(&l), *on = print_all(&full);

	(void)state;
	assert_non_null(strstr(off, "\nselinux: false\n"));
	assert_non_null(strstr(off, "\nkanidm: disabled\n\n####"));
	assert_non_null(strstr(off, "\nkanidm client: disabled\n"));
	assert_non_null(strstr(on, "\nhome_strategy: bind_mount\n"));
	assert_non_null(strstr(on, "\nhome_mount_prefix: /m/\n"));
	assert_non_null(strstr(on, "\nhome_alias: unset\n"));
	assert_non_null(strstr(on, "\nhome_failure: deny\n"));
	assert_non_null(strstr(on, "\nprefetch_groups: []\n"));
	assert_non_null(strstr(on, "\nauth_deadline: 12.000\n"));
	assert_non_null(
	    strstr(on, "\nmap_group: [\n    { local: \"a\", with: \"b\" },\n]\n"));
	assert_non_null(strstr(on, "\npam_allowed_callers: [\n    \"33\",\n]\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_flat_file_of_the_user_documentation),
		cmocka_unit_test(test_what_nixos_writes),
		cmocka_unit_test(test_what_nixos_writes_without_its_version),
		cmocka_unit_test(test_login_groups_left_at_top_level),
		cmocka_unit_test(test_a_file_that_is_no_toml),
		cmocka_unit_test(test_every_setting_that_is_a_list_or_unset_is_shown),
	};

	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
