/* SPDX-License-Identifier: MPL-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "tasks/label.h"

static bool kernel_has_it;

int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);

int
__wrap_access(const char *path, int mode)
{
	if (streq(path, "/sys/fs/selinux/enforce")) {
		errno = ENOENT;
		return kernel_has_it ? 0 : -1;
	}
	return __real_access(path, mode);
}

static void
a_build_without_it_warns_where_it_is_missed(void **state)
{
	struct why why;

	(void)state;
	assert_string_equal(label_build, "-selinux");
	kernel_has_it = true;
	assert_null(label_new(LABEL_IF_THERE, &why));
	assert_non_null(strstr(why.text, "this build has no SELinux support"));
	assert_null(label_new(LABEL_NEVER, &why));
	assert_string_equal(why.text, "");
	kernel_has_it = false;
	assert_null(label_new(LABEL_IF_THERE, &why));
	assert_string_equal(why.text, "");
	/* A file that says so wants to be told in any case. */
	assert_null(label_new(LABEL_ASKED_FOR, &why));
	assert_non_null(strstr(why.text, "this build has no SELinux support"));
	assert_int_equal(label_next(NULL, "/home/alice", S_IFDIR, &why), 0);
	label_done(NULL);
	assert_null(label_free(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_build_without_it_warns_where_it_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
