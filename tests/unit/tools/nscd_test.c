/* SPDX-License-Identifier: MPL-2.0 */
/* Which nscd is told to forget, by which commands, and what is said about it. */
#include "tools/nscd.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/util.h"

static char root[32], ran[512];
static int answer; /* what the program's end is */

static int
fake_run(const char *const argv[], char *buf, size_t cap)
{
	size_t n = strlen(ran);

	for (size_t i = 0; argv[i] != NULL; i++)
		n += (size_t)snprintf(ran + n, sizeof(ran) - n, "%s%s", i > 0 ? " " : "",
		    argv[i]);
	(void)snprintf(ran + n, sizeof(ran) - n, "\n");
	(void)snprintf(buf, cap, "%s", answer > 0 ? "Only root may.\nmore\n" : "");
	return answer;
}

static void
at(char *buf, size_t cap, const char *path)
{
	assert_true((size_t)snprintf(buf, cap, "%s%s", root, path) < cap);
}

static void
make_dir(const char *path)
{
	char real[100];

	at(real, sizeof(real), path);
	assert_int_equal(mkdir(real, 0755), 0);
}

static void
listen_there(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	make_dir("/run");
	make_dir("/run/nscd");
	at(a.sun_path, sizeof(a.sun_path), "/run/nscd/socket");
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	(void)close(fd);
}

static void
runs(const char *exe)
{
	char real[100];

	make_dir("/proc/78");
	at(real, sizeof(real), "/proc/78/exe");
	assert_int_equal(symlink(exe, real), 0);
}

static void
forgets(const char *commands, const char *says)
{
	char *said = NULL;
	size_t len = 0;
	struct tool t = { .err = open_memstream(&said, &len) };

	assert_non_null(t.err);
	ran[0] = '\0';
	nscd_forget_on(&t, "cache-invalidate", root, fake_run);
	(void)fclose(t.err);
	assert_string_equal(ran, commands);
	assert_string_equal(said, says);
	free(said);
}

static void
nobody_is_told_where_none_runs(void **state)
{
	(void)state;
	forgets("", "");
	listen_there(); /* left over */
	forgets("", "");
}

static void
nobody_is_told_that_does_not_listen(void **state)
{
	(void)state;
	runs("/usr/sbin/nscd");
	forgets("", "");
}

static void
both_tables_are_forgotten(void **state)
{
	(void)state;
	listen_there();
	runs("/usr/sbin/nscd (deleted)"); /* replaced by a package */
	forgets("/usr/sbin/nscd -i passwd\n/usr/sbin/nscd -i group\n",
	    "cache-invalidate: nscd has forgotten people and groups, too\n");
}

static void
a_program_of_this_name_elsewhere_is_never_run(void **state)
{
	(void)state;
	listen_there();
	runs("/home/mallory/nscd");
	forgets("/usr/sbin/nscd -i passwd\n/usr/sbin/nscd -i group\n",
	    "cache-invalidate: nscd has forgotten people and groups, too\n");
}

static void
a_program_of_an_ordinary_user_is_none(void **state)
{
	char real[100];

	(void)state;
	listen_there();
	runs("/home/mallory/nscd");
	at(real, sizeof(real), "/proc/78");
	if (chown(real, 1000, 1000) == 0) /* root only */
		forgets("", "");
}

static void
nsncd_keeps_nothing(void **state)
{
	(void)state;
	listen_there();
	runs("/nix/store/x/bin/nsncd");
	forgets("", "");
}

static void
what_went_wrong_is_one_line(void **state)
{
	(void)state;
	listen_there();
	runs("/usr/sbin/nscd");
	answer = 1;
	forgets("/usr/sbin/nscd -i passwd\n",
	    "cache-invalidate: nscd still answers from its own cache: "
	    "/usr/sbin/nscd -i passwd: Only root may.\n");
	answer = -ETIMEDOUT;
	forgets("/usr/sbin/nscd -i passwd\n",
	    "cache-invalidate: nscd still answers from its own cache: "
	    "/usr/sbin/nscd -i passwd: Connection timed out\n");
}

static int
setup(void **state)
{
	(void)state;
	answer = 0;
	(void)snprintf(root, sizeof(root), "/tmp/ku-nscd-XXXXXX");
	if (mkdtemp(root) == NULL)
		return -1;
	make_dir("/proc");
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_is_told_where_none_runs, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(nobody_is_told_that_does_not_listen,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(both_tables_are_forgotten, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_program_of_this_name_elsewhere_is_never_run, setup, teardown),
		cmocka_unit_test_setup_teardown(a_program_of_an_ordinary_user_is_none,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(nsncd_keeps_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(what_went_wrong_is_one_line, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
