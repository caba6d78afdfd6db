/* SPDX-License-Identifier: MPL-2.0 */
#include "tasks/caps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/util.h"

/* The mask in this process' own /proc/self/status. */
static unsigned long long
status_of(const char *key)
{
	char line[256];
	unsigned long long v = ~0ull;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0)
			v = strtoull(line + strlen(key) + 1, NULL, 16);
	}
	if (f != NULL)
		(void)fclose(f);
	return v;
}

struct expected {
	enum caps_role role;
	unsigned long long mask;
	const char *text;
	bool others;
};

static int
in_child(const struct expected *e)
{
	char *text;

	if (caps_drop(e->role) < 0 || status_of("CapEff") != e->mask ||
	    status_of("CapPrm") != e->mask || status_of("CapBnd") != e->mask ||
	    status_of("CapInh") != 0 || status_of("CapAmb") != 0 ||
	    status_of("NoNewPrivs") != 1)
		return 1;
	/* Once more, as in a unit that has left no more than that. */
	if (caps_drop(e->role) < 0 || status_of("CapEff") != e->mask)
		return 2;
	if (caps_can_become_others() != e->others)
		return 3;
	text = caps_text();
	if (!streq(text, e->text))
		return 4;
	free(text);
	text = caps_role_text(e->role);
	if (strlen(text) != strlen(e->text))
		return 5;
	free(text);
	return 0;
}

static void
each_role_keeps_what_it_needs_and_no_more(void **state)
{
	static const struct expected roles[] = {
		{ CAPS_HOMES, 1u << 0 | 1u << 3, "cap_chown,cap_fowner", false },
		{ CAPS_HOMES_NFS, 1u << 0 | 1u << 3 | 1u << 6 | 1u << 7,
		    "cap_chown,cap_fowner,cap_setgid,cap_setuid", true },
		{ CAPS_MOUNT, 1u << 2 | 1u << 21, "cap_dac_read_search,cap_sys_admin",
		    false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			_exit(in_child(&roles[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static void
what_was_not_given_is_not_missed(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		/* SYS_ADMIN is gone, so the homes role has nothing of the mount role. */
		_exit(caps_drop(CAPS_MOUNT) < 0 || caps_drop(CAPS_HOMES) < 0 ||
		    status_of("CapEff") != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_role_keeps_what_it_needs_and_no_more),
		cmocka_unit_test(what_was_not_given_is_not_missed),
	};

	if (geteuid() != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
