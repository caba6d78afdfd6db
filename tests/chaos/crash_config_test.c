/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The last good configuration, saved over an older one. Whatever happens meanwhile, each of
 * the two copies is the old or the new one, a start can use the pair, and once the daemon
 * has been told that it is saved, it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "chaos/crash.h"
#include "src/base/util.h"
#include "src/prog/config.h"

enum step { NOTHING, SAVED };

static const char *const old_pair[] = { "uri = 'https://old.example'\n",
	"version = '2'\ncache_timeout = 700\n" };
static const char *const new_pair[] = { "uri = 'https://new.example'\n",
	"version = '2'\ncache_timeout = 800\n# and more\n" };
static char state_dir[64], source_dir[64];
static char last_good[96], source[2][96], copy[2][128];

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
save(void)
{
	return config_save_last_good(state_dir, source[0], source[1]);
}

static int
body(void *arg)
{
	(void)arg;
	if (save() != 0)
		return 1;
	crash_step(SAVED);
	/* What follows: anything. */
	return symlink("x", copy[0]) < 0 && errno == EEXIST ? 0 : 2;
}

static void
prepare(void *arg)
{
	(void)arg;
	crash_dir_empty(last_good);
	for (size_t i = 0; i < 2; i++)
		write_file(source[i], old_pair[i]);
	assert_int_equal(save(), 0);
	for (size_t i = 0; i < 2; i++)
		write_file(source[i], new_pair[i]);
}

static void
assert_loads(void)
{
	struct config_problems problems;
	struct config *c;

	assert_int_equal(config_load_last_good(state_dir, &c, &problems), 0);
	assert_true(c->cache_timeout_s == 700 || c->cache_timeout_s == 800);
	(void)config_free(c);
	config_problems_clear(&problems);
}

static void
check(const struct crash *c, void *arg)
{
	char text[128];

	(void)arg;
	for (size_t i = 0; i < 2; i++) {
		FILE *f = fopen(copy[i], "re");

		assert_non_null(f);
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		assert_int_equal(fclose(f), 0);
		if (crash_shared->step >= SAVED || !c->killed)
			assert_string_equal(text, new_pair[i]);
		else if (strcmp(text, old_pair[i]) != 0)
			assert_string_equal(text, new_pair[i]);
	}
	assert_loads();
	/* The next time it is saved, and nothing is left beside it. */
	assert_int_equal(save(), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(unlink(copy[i]), 0);
	assert_int_equal(rmdir(last_good), 0);
	assert_int_equal(mkdir(last_good, 0700), 0);
}

static void
each_copy_is_the_old_or_the_new_one(void **state)
{
	static const enum crash_mode modes[] = { CRASH_BEFORE, CRASH_TORN, CRASH_POWER,
		CRASH_POWER_DATA };
	static struct crash_plan p = { .prepare = prepare,
		.check = check,
		.modes = modes,
		.n_modes = ARRAY_SIZE(modes),
		.promise = "each file is the old one or the new one",
		.attack = "configuration: the last good one saved, killed" };

	(void)state;
	p.crash.dir = last_good;
	p.crash.body = body;
	crash_everywhere(&p, 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_copy_is_the_old_or_the_new_one,
		    crash_say_where),
	};
	int failed;

	crash_init();
	crash_dir_make(state_dir);
	crash_dir_make(source_dir);
	(void)snprintf(last_good, sizeof(last_good), "%s/last-good", state_dir);
	(void)snprintf(source[0], sizeof(source[0]), "%s/config", source_dir);
	(void)snprintf(source[1], sizeof(source[1]), "%s/unixd", source_dir);
	(void)snprintf(copy[0], sizeof(copy[0]), "%s/config", last_good);
	(void)snprintf(copy[1], sizeof(copy[1]), "%s/unixd", last_good);
	(void)mkdir(last_good, 0700);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	crash_dir_remove(state_dir);
	crash_dir_remove(source_dir);
	return failed;
}
