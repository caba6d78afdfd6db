/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One getpwnam_r() and what came of it, in words a script can compare: "found NAME UID",
 * "absent" (0 and no record: libc says there is no such user) or "error ERRNO".
 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
	static char buf[65536];
	struct passwd pw, *res = NULL;
	int rc;

	if (argc != 2)
		return 2;
	rc = getpwnam_r(argv[1], &pw, buf, sizeof(buf), &res);
	if (res != NULL)
		(void)printf("found %s %u\n", pw.pw_name, pw.pw_uid);
	else if (rc == 0)
		(void)printf("absent\n");
	else
		(void)printf("error %d %s\n", rc, strerror(rc));
	return 0;
}
