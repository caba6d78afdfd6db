/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The pin has had two homes in the wild: /var/lib (the default) and /var/cache (hosts that
 * followed NixOS). The rule which one counts stands here once; keys hang on it, so a wrong
 * guess would look like a lost TPM.
 */
#include "src/unixd/pin.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ku/paths.h"
#include "src/base/attr.h"
#include "src/prog/xalloc.h"

static int
exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static int
parent_is_writable(const char *path)
{
	const char *slash = strrchr(path, '/');
	cleanup_(freep) char *dir = NULL;

	if (slash == NULL || slash == path)
		return 0;
	dir = xstrndup(path, (size_t)(slash - path));
	return access(dir, W_OK | X_OK) == 0;
}

char *
pin_describe_in(const char *configured, const char *place, const char *other_place)
{
	const char *path = configured != NULL ? configured : place;

	if (configured == NULL && !exists(place) && exists(other_place))
		path = other_place;
	if (exists(path) && access(path, R_OK) != 0)
		return xasprintf("%s (cannot be read: %s)", path, strerror(errno));
	if (exists(path))
		return xstrdup(path);
	if (parent_is_writable(path))
		return xasprintf("%s (not made yet)", path);
	return xstrdup("offline login off: no place for the HSM pin, set hsm_pin_path");
}

char *
pin_describe(const char *configured)
{
	return pin_describe_in(configured, KU_PATH_HSM_PIN, KU_PATH_HSM_PIN_ALT);
}
