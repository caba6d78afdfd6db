/* SPDX-License-Identifier: MPL-2.0 */
/* A tree of files for setup to work in, and what it says about them. */
#include "unit/tools/setup_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

#include "src/base/util.h"
#include "src/prog/xalloc.h"

struct setup_tree w;

char *
real(const char *path)
{
	static char buf[2][256];
	static unsigned turn;

	turn ^= 1;
	(void)snprintf(buf[turn], sizeof(buf[turn]), "%s%s", w.root, path);
	return buf[turn];
}

void
put(const char *path, const char *text)
{
	char copy[256];
	FILE *f;

	(void)snprintf(copy, sizeof(copy), "%s", real(path));
	for (char *at = copy + strlen(w.root) + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		assert_true(mkdir(copy, 0755) == 0 || errno == EEXIST);
		*at = '/';
	}
	f = fopen(copy, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

void
has(const char *path, const char *want)
{
	cleanup_(freep) char *text = NULL;

	assert_int_equal(check_read(&w.s.c, path, &text), 0);
	assert_string_equal(text, want);
}

void
said(const char *words)
{
	assert_int_equal(fflush(w.tool.out), 0);
	if (strstr(w.out, words) == NULL)
		fail_msg("'%s' is not in: %s", words, w.out);
}

/* cp and sh are real; the others are noted, and say what a test has them say. */
static int
run(const char *const argv[], char *buf, size_t cap)
{
	bool asks = false;

	if (streq(argv[0], "/bin/sh") || streq(argv[0], "/bin/cp") ||
	    streq(argv[0], "/bin/rm"))
		return check_run_program(argv, buf, cap);
	if (w.before != NULL)
		w.before(argv);
	for (size_t i = 0; argv[i] != NULL; i++) {
		size_t n = strlen(w.called);

		(void)snprintf(w.called + n, sizeof(w.called) - n, "%s%s", argv[i],
		    argv[i + 1] != NULL ? " " : "\n");
		asks |= streq(argv[i], "-T") || streq(argv[i], "current") ||
		    streq(argv[i], "list-features");
	}
	(void)snprintf(buf, cap, "%s", w.answer != NULL ? w.answer : "");
	return asks ? 0 : w.status;
}

int
setup_tree_begin(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	(void)snprintf(w.root, sizeof(w.root), "/tmp/setup-test-XXXXXX");
	assert_non_null(mkdtemp(w.root));
	w.host = (struct check_host){ .root = w.root, .run = run, .wall_s = 1700000000 };
	w.tool.out = w.tool.err = open_memstream(&w.out, &w.out_len);
	w.s = (struct setup){ .c = { .host = &w.host }, .t = &w.tool, .wish = &w.wish };
	w.s.lock_fd = -1;
	put("/root/there", "");
	put("/run/there", "");
	put("/etc/nsswitch.conf", "passwd: files\ngroup: files\n");
	put("/etc/pam.d/login",
	    "auth required pam_unix.so\naccount required pam_unix.so\n");
	put("/var/lib/pam/auth", "notes\n");
	put("/var/lib/pam/seen", "unix\n");
	return 0;
}

static int
take_away(const char *path, const struct stat *st, int what, struct FTW *where)
{
	(void)st;
	(void)what;
	(void)where;
	return remove(path);
}

int
setup_tree_end(void **state)
{
	(void)state;
	for (size_t i = 0; w.s.groups != NULL && w.s.groups[i] != NULL; i++)
		free(w.s.groups[i]);
	free((void *)w.s.groups);
	free(w.s.uri);
	free(w.s.ca);
	free(w.s.ca_from);
	free(w.s.backup);
	setup_file_clear(&w.s.client);
	setup_file_clear(&w.s.unixd);
	setup_file_clear(&w.s.nsswitch);
	setup_file_clear(&w.s.sshd);
	setup_file_clear(&w.s.certificate);
	setup_report_clear(&w.s.report);
	setup_unlock(&w.s);
	(void)config_free(w.s.c.config);
	config_problems_clear(&w.s.c.problems);
	(void)fclose(w.tool.out);
	free(w.out);
	return nftw(w.root, take_away, 16, FTW_DEPTH | FTW_PHYS);
}
