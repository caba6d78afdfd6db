/* SPDX-License-Identifier: MPL-2.0 */
#include "tasks/label.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <selinux/label.h>
#include <selinux/selinux.h>

#include "unit/tasks/kit.h"

/* A kernel with SELinux and a policy, as far as label.c can see. */
static int enabled, opened, contexts;
static int lookup_errno, set_errno, open_errno;
static char set_to[256];
static char journal[8192];

int __wrap_is_selinux_enabled(void);
struct selabel_handle *__wrap_selabel_open(unsigned backend, const struct selinux_opt *o,
    unsigned n);
void __wrap_selabel_close(struct selabel_handle *h);
int __wrap_selabel_lookup(struct selabel_handle *h, char **ret, const char *path,
    int type);
int __wrap_setfscreatecon(const char *context);
void __wrap_freecon(char *context);

int
__wrap_is_selinux_enabled(void)
{
	return enabled;
}

struct selabel_handle *
__wrap_selabel_open(unsigned backend, const struct selinux_opt *o, unsigned n)
{
	assert_int_equal(backend, SELABEL_CTX_FILE);
	assert_null(o);
	assert_int_equal(n, 0);
	if (open_errno != 0) {
		errno = open_errno;
		return NULL;
	}
	opened++;
	return (struct selabel_handle *)&opened;
}

void
__wrap_selabel_close(struct selabel_handle *h)
{
	assert_ptr_equal(h, &opened);
	opened--;
}

int
__wrap_selabel_lookup(struct selabel_handle *h, char **ret, const char *path, int type)
{
	char line[512];

	assert_ptr_equal(h, &opened);
	if (lookup_errno != 0) {
		errno = lookup_errno;
		return -1;
	}
	(void)snprintf(line, sizeof(line), "%s %s\n",
	    S_ISDIR((mode_t)type)       ? "dir"
		: S_ISLNK((mode_t)type) ? "link"
		: S_ISREG((mode_t)type) ? "file"
					: "other",
	    path + strlen(kit_dir));
	(void)strncat(journal, line, sizeof(journal) - strlen(journal) - 1);
	assert_true(asprintf(ret, "label-of:%s", path) > 0);
	contexts++;
	return 0;
}

int
__wrap_setfscreatecon(const char *context)
{
	if (context != NULL && set_errno != 0) {
		errno = set_errno;
		return -1;
	}
	(void)snprintf(set_to, sizeof(set_to), "%s", context != NULL ? context : "");
	return 0;
}

void
__wrap_freecon(char *context)
{
	contexts -= context != NULL;
	free(context);
}

static int
set_up(void **state)
{
	enabled = 1;
	opened = contexts = lookup_errno = set_errno = open_errno = 0;
	set_to[0] = journal[0] = '\0';
	return kit_set_up(state);
}

static int
tear_down(void **state)
{
	assert_int_equal(opened, 0);
	assert_int_equal(contexts, 0);
	return kit_tear_down(state);
}

static void
the_build_says_that_it_can(void **state)
{
	(void)state;
	assert_string_equal(label_build, "+selinux");
}

static void
nothing_where_it_is_off(void **state)
{
	struct why why;

	(void)state;
	assert_null(label_new(LABEL_NEVER, &why));
	enabled = 0;
	assert_null(label_new(LABEL_IF_THERE, &why));
	assert_string_equal(why.text, "");
	assert_int_equal(label_next(NULL, "/home/alice", S_IFDIR, &why), 0);
	label_done(NULL);
	enabled = 1;
	open_errno = ENOENT;
	assert_null(label_new(LABEL_IF_THERE, &why));
	assert_non_null(strstr(why.text, "file contexts cannot be read"));
}

static void
each_thing_is_made_with_the_label_of_its_path(void **state)
{
	struct why why;

	(void)state;
	kit_write("skel/.profile", "x", 0644);
	kit_mkdir("skel/.ssh", 0700, 0);
	kit_link("x", "skel/.ssh/l");
	assert_int_equal(kit_home("alice", &why), 0);
	assert_non_null(strstr(journal, "dir /home/alice@example.com\n"));
	assert_non_null(strstr(journal, "file /home/alice@example.com/.profile\n"));
	assert_non_null(strstr(journal, "dir /home/alice@example.com/.ssh\n"));
	assert_non_null(strstr(journal, "link /home/alice@example.com/.ssh/l\n"));
	assert_string_equal(set_to, ""); /* the default again */
}

static void
a_path_without_a_rule_gets_the_default(void **state)
{
	struct why why;

	(void)state;
	lookup_errno = ENOENT;
	assert_int_equal(kit_home("alice", &why), 0);
	assert_true(kit_exists("home/" KIT_UUID));
}

static void
a_label_that_cannot_be_had_is_a_failure(void **state)
{
	struct why why;

	(void)state;
	lookup_errno = EIO;
	assert_int_equal(kit_home("alice", &why), -EIO);
	assert_non_null(strstr(why.text, "SELinux label of"));
	lookup_errno = 0;
	set_errno = EACCES;
	assert_int_equal(kit_home("alice", &why), -EACCES);
	assert_non_null(strstr(why.text, "cannot be set"));
	assert_false(kit_exists("home/" KIT_UUID));
	kit_assert_no_temp();
}

static void
selinux_false_asks_nobody(void **state)
{
	struct why why;

	(void)state;
	kit_config("selinux = false");
	assert_int_equal(kit_home("alice", &why), 0);
	assert_string_equal(journal, "");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_build_says_that_it_can),
		TEST(nothing_where_it_is_off),
		TEST(each_thing_is_made_with_the_label_of_its_path),
		TEST(a_path_without_a_rule_gets_the_default),
		TEST(a_label_that_cannot_be_had_is_a_failure),
		TEST(selinux_false_asks_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
