/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/resolver/filter.h"

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

#include "src/prog/config.h"

static char dir[] = "/tmp/ku-unit-XXXXXX";
static char passwd[64], group[64], map[64];
static struct local *local;
static struct filter f;
static const struct uuid uuid = { { 1 } };

static void
put(const char *path, const char *text)
{
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(passwd, sizeof(passwd), "%s/passwd", dir);
	snprintf(group, sizeof(group), "%s/group", dir);
	snprintf(map, sizeof(map), "%s/map", dir);
	put(passwd, "root:x:0:0::/:/bin/sh\nlarry:x:2005:2005::/:/bin/sh\n");
	put(group, "root:x:0:\ndocker:x:1500:\nalice:x:2001:\nusers:x:100:\n");
	put(map, "0 100000 60000\n");
	local = local_new(passwd, group);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	local_free(local);
	unlink(passwd);
	unlink(group);
	unlink(map);
	return rmdir(dir);
}

static void
begin_mapped(char *a, char *b, const char *uid_map, const char *gid_map)
{
	char *list[] = { a, b, NULL };
	struct config config = { .allow_local_account_override = list };

	filter_init(&f, local, &config, "idm.example", uid_map, gid_map);
}

static void
begin(char *a, char *b, const char *map_path)
{
	begin_mapped(a, b, map_path, map_path);
}

static enum verdict
user(const char *key, uint32_t uid)
{
	const struct subject s = { key, key, &uuid };

	return filter_user(&f, &s, uid);
}

static enum verdict
group_of(const char *key, uint32_t gid)
{
	const struct subject s = { key, key, &uuid };

	return filter_group(&f, &s, gid);
}

static void
local_names_and_numbers_hide_people(void **state)
{
	(void)state;
	begin(NULL, NULL, "/nonexistent");
	assert_int_equal(user("bob", 2002), VERDICT_SHOWN);
	assert_int_equal(user("larry", 2002), VERDICT_LOCAL_NAME);
	assert_int_equal(user("bob", 2005), VERDICT_LOCAL_UID);
	assert_int_equal(user("bob", 1500), VERDICT_LOCAL_GID);
	assert_int_equal(user("bob", 2001), VERDICT_LOCAL_GID);
	assert_int_equal(user("alice", 2001), VERDICT_SHOWN); /* her own group */
	assert_int_equal(user("bob@other.example", 2002), VERDICT_SHOWN);
	filter_deinit(&f);
}

static void
reserved_numbers_are_never_shown(void **state)
{
	char bob[] = "bob";

	(void)state;
	begin(bob, NULL, "/nonexistent");
	assert_int_equal(user("bob", 0), VERDICT_RESERVED);
	assert_int_equal(user("bob", 999), VERDICT_RESERVED);
	assert_int_equal(user("bob", 65534), VERDICT_RESERVED);
	assert_int_equal(user("bob", UINT32_MAX), VERDICT_RESERVED);
	assert_int_equal(group_of("bob", 100), VERDICT_RESERVED);
	filter_deinit(&f);
}

static void
local_names_and_numbers_hide_groups(void **state)
{
	(void)state;
	begin(NULL, NULL, "/nonexistent");
	assert_int_equal(group_of("devs", 3001), VERDICT_SHOWN);
	assert_int_equal(group_of("users", 68002), VERDICT_LOCAL_NAME);
	assert_int_equal(group_of("devs", 1500), VERDICT_LOCAL_GID);
	assert_int_equal(group_of("alice", 2001), VERDICT_LOCAL_NAME);
	filter_deinit(&f);
}

static void
listed_names_are_lifted_in_any_spelling(void **state)
{
	char spn[] = "Larry@idm.example";
	char id[] = "01000000-0000-0000-0000-000000000000";

	(void)state;
	begin(spn, NULL, "/nonexistent");
	assert_int_equal(user("larry", 2005), VERDICT_SHOWN);
	assert_int_equal(user("larry@other.example", 2005), VERDICT_LOCAL_UID);
	filter_deinit(&f);
	begin(id, NULL, "/nonexistent");
	assert_int_equal(group_of("users", 68002), VERDICT_SHOWN);
	filter_deinit(&f);
}

static void
numbers_outside_of_the_id_map_are_left_out(void **state)
{
	(void)state;
	begin(NULL, NULL, map);
	assert_int_equal(user("bob", 2002), VERDICT_SHOWN);
	assert_int_equal(user("bob", 70000), VERDICT_UNMAPPED);
	assert_int_equal(group_of("devs", 70000), VERDICT_UNMAPPED);
	filter_deinit(&f);
}

static void
a_person_has_to_be_in_both_id_maps_and_a_group_in_that_of_gids(void **state)
{
	(void)state;
	begin_mapped(NULL, NULL, map, "/nonexistent");
	assert_int_equal(user("bob", 70000), VERDICT_UNMAPPED);
	assert_int_equal(group_of("devs", 70000), VERDICT_SHOWN);
	filter_deinit(&f);
	begin_mapped(NULL, NULL, "/nonexistent", map);
	assert_int_equal(user("bob", 70000), VERDICT_UNMAPPED);
	assert_int_equal(group_of("devs", 70000), VERDICT_UNMAPPED);
	filter_deinit(&f);
}

static void
every_verdict_has_words(void **state)
{
	int v;

	(void)state;
	for (v = VERDICT_SHOWN; v < VERDICT_MAX; v++) {
		assert_non_null(verdict_text((enum verdict)v));
		assert_non_null(verdict_key((enum verdict)v));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_names_and_numbers_hide_people),
		cmocka_unit_test(reserved_numbers_are_never_shown),
		cmocka_unit_test(local_names_and_numbers_hide_groups),
		cmocka_unit_test(listed_names_are_lifted_in_any_spelling),
		cmocka_unit_test(numbers_outside_of_the_id_map_are_left_out),
		cmocka_unit_test(
		    a_person_has_to_be_in_both_id_maps_and_a_group_in_that_of_gids),
		cmocka_unit_test(every_verdict_has_words),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
