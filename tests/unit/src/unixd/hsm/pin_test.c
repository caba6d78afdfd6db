/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/hsm/pin.h"

#include <errno.h>
#include <fcntl.h>
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

static char dir[64];
static char path[128];
static char alt[128];
static int fail_errno; /* what the next write(2) or fsync(2) fails with */

ssize_t __real_write(int fd, const void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

ssize_t
__wrap_write(int fd, const void *buf, size_t n)
{
	if (fail_errno == ENOSPC) {
		errno = fail_errno;
		return -1;
	}
	return __real_write(fd, buf, n);
}

int
__wrap_fsync(int fd)
{
	if (fail_errno == EIO) {
		errno = fail_errno;
		return -1;
	}
	return __real_fsync(fd);
}

int __real_linkat(int olddir, const char *old, int newdir, const char *new, int flags);
int __wrap_linkat(int olddir, const char *old, int newdir, const char *new, int flags);

int
__wrap_linkat(int olddir, const char *old, int newdir, const char *new, int flags)
{
	if (fail_errno == EINVAL || fail_errno == EPERM) {
		errno = fail_errno;
		return -1;
	}
	return __real_linkat(olddir, old, newdir, new, flags);
}

int __real_renameat2(int olddir, const char *old, int newdir, const char *new,
    unsigned flags);
int __wrap_renameat2(int olddir, const char *old, int newdir, const char *new,
    unsigned flags);

int
__wrap_renameat2(int olddir, const char *old, int newdir, const char *new, unsigned flags)
{
	if (fail_errno == EINVAL) {
		errno = fail_errno;
		return -1;
	}
	return __real_renameat2(olddir, old, newdir, new, flags);
}

static int
set_up(void **state)
{
	(void)state;
	fail_errno = 0;
	(void)strcpy(dir, "/tmp/pin_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/hsm-pin", dir);
	(void)snprintf(alt, sizeof(alt), "%s/alt-pin", dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(alt);
	/* Fails when something else was left behind. */
	return rmdir(dir);
}

static void
put(const char *file, const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void
get(const char *file, char out[128])
{
	FILE *f = fopen(file, "r");
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, 127, f);
	out[n] = '\0';
	(void)fclose(f);
}

static void
a_missing_pin_is_made_once_and_kept(void **state)
{
	char first[128], second[128];
	struct stat st;
	struct pin p;

	(void)state;
	pin_prepare(NULL, path, alt, &p);
	assert_int_equal(p.state, PIN_CREATED);
	assert_string_equal(p.path, path);
	get(path, first);
	assert_int_equal(strlen(first), PIN_HEX_LEN);
	assert_int_equal(strspn(first, "0123456789abcdef"), PIN_HEX_LEN);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);

	pin_prepare(NULL, path, alt, &p);
	assert_int_equal(p.state, PIN_READY);
	get(path, second);
	assert_string_equal(first, second);
}

static void
the_other_place_is_used_only_when_the_first_is_empty(void **state)
{
	struct pin p;

	(void)state;
	put(alt, "0123456789abcdef0123456789abcdef");
	pin_prepare(NULL, path, alt, &p);
	assert_int_equal(p.state, PIN_READY);
	assert_string_equal(p.path, alt);

	put(path, "fedcba9876543210fedcba9876543210");
	pin_prepare(NULL, path, alt, &p);
	assert_string_equal(p.path, path);
}

static void
a_configured_path_wins(void **state)
{
	struct pin p;

	(void)state;
	put(path, "fedcba9876543210fedcba9876543210");
	pin_prepare(alt, path, "/nonexistent", &p);
	assert_int_equal(p.state, PIN_CREATED);
	assert_string_equal(p.path, alt);
}

static void
a_pin_that_is_no_pin_is_never_replaced(void **state)
{
	static char longer[PIN_MAX_LEN + 2];
	char text[128];
	struct pin p;

	(void)state;
	put(path, "short");
	pin_prepare(NULL, path, alt, &p);
	assert_int_equal(p.state, PIN_UNREADABLE);
	assert_non_null(strstr(p.text, "not a pin (24 to 4096 bytes"));
	get(path, text);
	assert_string_equal(text, "short");
	memset(longer, 'x', PIN_MAX_LEN + 1);
	put(path, longer);
	pin_prepare(NULL, path, alt, &p);
	assert_int_equal(p.state, PIN_UNREADABLE);
	assert_non_null(strstr(p.text, "not a pin (24 to 4096 bytes"));
}

static void
no_place_names_the_key_to_set(void **state)
{
	struct pin p;

	(void)state;
	pin_prepare("/nonexistent/dir/pin", path, alt, &p);
	assert_int_equal(p.state, PIN_NO_PLACE);
	assert_non_null(strstr(p.text, "set hsm_pin_path"));
	assert_non_null(strstr(p.text, "No such file or directory"));
}

static void
a_disk_that_fails_leaves_no_half_pin(void **state)
{
	static const int failures[] = { ENOSPC, EIO };
	struct pin p;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		fail_errno = failures[i];
		pin_prepare(NULL, path, alt, &p);
		assert_int_equal(p.state, PIN_NO_PLACE);
		assert_int_equal(access(path, F_OK), -1);
	}
}

/* tear_down() sees what is left behind. */
static void
a_plain_file_system_keeps_no_second_copy(void **state)
{
	struct stat st;
	struct pin p;

	(void)state;
	fail_errno = EINVAL;
	pin_prepare(NULL, path, alt, &p);
	assert_int_equal(p.state, PIN_CREATED);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_nlink, 1);
}

/* As under a policy that forbids links. */
static void
without_links_it_is_renamed(void **state)
{
	struct pin p;

	(void)state;
	fail_errno = EPERM;
	pin_prepare(NULL, path, alt, &p);
	assert_int_equal(p.state, PIN_CREATED);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_missing_pin_is_made_once_and_kept,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    the_other_place_is_used_only_when_the_first_is_empty, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(a_configured_path_wins, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(a_pin_that_is_no_pin_is_never_replaced,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_place_names_the_key_to_set, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(a_disk_that_fails_leaves_no_half_pin,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_plain_file_system_keeps_no_second_copy,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_links_it_is_renamed, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
