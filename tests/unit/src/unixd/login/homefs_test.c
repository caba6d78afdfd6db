/* SPDX-License-Identifier: MPL-2.0 */
/* Tables of mounts as Linux writes them, and links in a directory of the test's own. */
#include "src/unixd/login/homefs.h"

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

#define ROOT "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"

static char table[64];
static struct homefs h;

static int
setup(void **state)
{
	int fd;

	(void)state;
	(void)snprintf(table, sizeof(table), "/tmp/ku-mountinfo-XXXXXX");
	fd = mkstemp(table);
	if (fd < 0)
		return -1;
	(void)close(fd);
	homefs_init(&h);
	assert_string_equal(h.mountinfo_path, "/proc/self/mountinfo");
	h.mountinfo_path = table;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(table);
}

static void
mounts(const char *text)
{
	FILE *f = fopen(table, "we");

	assert_non_null(f);
	assert_true(fputs(ROOT, f) >= 0 && fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	homefs_forget(&h);
}

static bool
is_local(const char *prefix)
{
	homefs_forget(&h);
	return homefs_is_local(&h, prefix, NULL, 1);
}

static void
what_is_mounted_over_or_under_the_prefix_counts(void **state)
{
	(void)state;
	mounts("");
	assert_true(is_local("/no-such-dir/"));
	assert_true(is_local("/"));
	mounts("40 22 0:40 / /no-such-dir rw - nfs4 srv:/home rw\n");
	assert_false(is_local("/no-such-dir/"));
	assert_false(is_local("/no-such-dir/below/"));
	assert_true(is_local("/no-such-dir2/"));
	/* a person's own mount, to be looked at through the prefix */
	mounts("40 22 0:40 / /no-such-dir/alice rw - nfs srv:/alice rw\n");
	assert_false(is_local("/no-such-dir/"));
	assert_true(is_local("/no-such/"));
	/* nfs over automount over local disk, and a disk on a diskless client */
	mounts("40 22 0:40 / /no-such-dir rw - ext4 /dev/sdb rw\n"
	       "41 40 0:41 / /no-such-dir rw - autofs auto.home rw\n");
	assert_false(is_local("/no-such-dir/"));
	/* the way there leads over the file server */
	mounts("40 22 0:40 / /a rw master:1 - nfs srv:/a rw\n"
	       "41 40 0:41 / /a/b rw - ext4 /dev/sdb rw\n");
	assert_false(is_local("/a/b/"));
	/* a diskless client, where everything does */
	mounts("40 22 0:40 / / rw master:1 - nfs srv:/root rw\n"
	       "41 40 0:41 / /a rw - ext4 /dev/sdb rw\n");
	assert_true(is_local("/a/"));
	assert_false(is_local("/b/"));
	/* hidden from us by the unit: it is there for the others */
	mounts("40 22 0:40 / /no-such-dir rw - nfs4 srv:/home rw\n"
	       "41 40 0:41 / /no-such-dir ro - tmpfs tmpfs ro\n");
	assert_false(is_local("/no-such-dir/"));
}

static void
every_kind_that_needs_somebody_else_counts(void **state)
{
	static const char *const far[] = { "nfs", "nfs4", "autofs", "cifs", "smb3",
		"fuse.sshfs", "fuse", "9p", "afs", "ceph", "lustre" };
	static const char *const near[] = { "ext4", "xfs", "btrfs", "zfs", "tmpfs",
		"overlay", "f2fs" };
	char line[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		(void)snprintf(line, sizeof(line), "40 22 0:4 / /h rw - %s x rw\n",
		    far[i]);
		mounts(line);
		assert_false(is_local("/h/"));
	}
	for (i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
		(void)snprintf(line, sizeof(line), "40 22 0:4 / /h rw - %s x rw\n",
		    near[i]);
		mounts(line);
		assert_true(is_local("/h/"));
	}
}

static void
names_are_read_as_the_kernel_writes_them(void **state)
{
	(void)state;
	mounts(
	    "40 22 0:40 / /my\\040homes rw,noatime shared:3 master:4 - nfs4 s:/h rw\n");
	assert_false(is_local("/my homes/"));
	assert_true(is_local("/my/"));
	mounts("40 22 0:40 / /h rw\n- nfs\n\n40 22\n40 22 0:40 / /h rw - \n");
	assert_true(is_local("/h/"));
}

static void
links_are_followed_without_touching_what_is_far(void **state)
{
	char dir[] = "/tmp/ku-homefs-XXXXXX", link[64], prefix[80], line[200];

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(link, sizeof(link), "%s/home", dir);
	(void)snprintf(prefix, sizeof(prefix), "%s/home/", dir);
	assert_int_equal(symlink("/no-such-far/home", link), 0);
	mounts("");
	assert_true(is_local(prefix));
	mounts("40 22 0:40 / /no-such-far rw - nfs4 srv:/h rw\n");
	assert_false(is_local(prefix));
	(void)unlink(link);
	/* relative, and with dots, which cannot be compared with the table */
	assert_int_equal(symlink("data/home", link), 0);
	(void)snprintf(line, sizeof(line), "40 22 0:40 / %s/data rw - nfs x rw\n", dir);
	mounts(line);
	assert_false(is_local(prefix));
	mounts("");
	assert_true(is_local(prefix));
	(void)unlink(link);
	assert_int_equal(symlink("../x", link), 0);
	assert_false(is_local(prefix));
	(void)unlink(link);
	/* in a circle */
	assert_int_equal(symlink(link, link), 0);
	assert_false(is_local(prefix));
	(void)unlink(link);
	assert_int_equal(rmdir(dir), 0);
}

static void
what_cannot_be_told_is_not_looked_at(void **state)
{
	char path[1100];

	(void)state;
	mounts("");
	assert_false(is_local(NULL));
	assert_false(is_local("home/"));
	assert_false(is_local("/home/../x/"));
	assert_false(is_local("/./home/"));
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_false(is_local(path));
	h.mountinfo_path = "/no/such/file";
	assert_false(is_local("/home/"));
}

static void
it_is_looked_at_again_after_five_seconds(void **state)
{
	int64_t s = INT64_C(1000000000);

	(void)state;
	mounts("");
	assert_true(homefs_is_local(&h, "/h/", NULL, 100 * s));
	mounts("40 22 0:40 / /h rw - nfs x rw\n");
	h.looked_at = 100 * s; /* mounts() forgets */
	assert_true(homefs_is_local(&h, "/h/", NULL, 104 * s));
	assert_false(homefs_is_local(&h, "/h/", NULL, 105 * s));
	homefs_forget(&h);
	assert_false(homefs_is_local(&h, "/g/", "/h/", 105 * s));
	homefs_forget(&h);
	assert_true(homefs_is_local(&h, "/g/", "/g2/", 105 * s));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_mounted_over_or_under_the_prefix_counts),
		T(every_kind_that_needs_somebody_else_counts),
		T(names_are_read_as_the_kernel_writes_them),
		T(links_are_followed_without_touching_what_is_far),
		T(what_cannot_be_told_is_not_looked_at),
		T(it_is_looked_at_again_after_five_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
