/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A program without shared libraries: libc loads the module, and a second libc with it, when
 * the first name is looked up. 0 when alice is there with what the fake daemon says of her.
 */
#include <grp.h>
#include <pwd.h>
#include <string.h>

int
main(void)
{
	const struct passwd *pw = getpwnam("alice");
	gid_t gids[16];
	int n = 16;

	if (pw == NULL || strcmp(pw->pw_gecos, "Alice Doe") != 0)
		return 1;
	if (getpwnam("nobody-has-it") != NULL)
		return 2;
	return getgrouplist("alice", pw->pw_gid, gids, &n) > 0 ? 0 : 3;
}
