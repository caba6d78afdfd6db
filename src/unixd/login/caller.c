/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The one place where a uid that the kernel vouches for is compared with an account. A
 * socket that anybody may connect to is otherwise an oracle for other people's passwords.
 *
 * Under PrivateUsers= the kernel cannot vouch: everybody but root and ourselves is shown to
 * us as the overflow uid. The id map tells such a unit from a container: the unit's keeps
 * the numbers and leaves most of them out, a container's moves them, and whoever can reach
 * our socket in there is inside the map.
 */
#include "src/unixd/login/caller.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/unixd/login/internal.h"
#include "src/unixd/resolver/resolver.h"

#define OVERFLOW_UID 65534u
#define ALL_IDS      UINT64_C(4294967295)
#define MAX_LINES    512
#define HIDES_TEXT   "the unit hides callers' ids: set PrivateUsers=no"

static void
close_file(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}

/* Are there ids outside this map that would have the same number inside? No file, or none
 * that can be read: nothing is known to be hidden. */
static bool
map_hides(const char *path)
{
	cleanup_(close_file) FILE *f = fopen(path, "re");
	uint32_t inside, outside, count;
	uint64_t mapped = 0;
	bool moved = false;
	char line[128];
	int n;

	if (f == NULL)
		return false;
	for (n = 0; n < MAX_LINES && fgets(line, sizeof(line), f) != NULL; n++) {
		if (sscanf(line, "%" SCNu32 " %" SCNu32 " %" SCNu32, &inside, &outside,
			&count) != 3)
			continue;
		mapped += count;
		if (inside != outside)
			moved = true;
	}
	return mapped != 0 && mapped < ALL_IDS && !moved;
}

void
caller_init(struct login *l)
{
	const char *path = l->ports.uid_map_path;

	l->callers.hides = map_hides(path != NULL ? path : "/proc/self/uid_map");
	if (l->callers.hides)
		log_warn("login: " HIDES_TEXT);
}

/* An entry of pam_allowed_callers: digits are a uid, anything else one of this host's own
 * accounts. Never a name of the server's: whoever may choose names there would choose. */
static bool
is_entry(const struct login *l, const char *entry, uid_t caller)
{
	char name[256];
	size_t len = strlen(entry), i;
	unsigned long long number;
	uint32_t uid;

	if (len == 0 || len >= sizeof(name))
		return false;
	if (entry[strspn(entry, "0123456789")] == '\0') {
		number = strtoull(entry, NULL, 10);
		return len <= 10 && number == caller;
	}
	for (i = 0; i <= len; i++)
		name[i] = (char)(entry[i] >= 'A' && entry[i] <= 'Z' ? entry[i] - 'A' + 'a'
								    : entry[i]);
	return resolver_local_uid(l->ports.resolver, name, &uid) && uid == caller;
}

static bool
is_listed(const struct login *l, uid_t caller)
{
	char **p;

	for (p = l->config->pam_allowed_callers; p != NULL && *p != NULL; p++) {
		if (is_entry(l, *p, caller))
			return true;
	}
	return false;
}

enum caller
caller_judge(const struct login *l, uid_t caller, uint32_t account_uid)
{
	if (caller == 0)
		return CALLER_ALLOWED;
	/* Before the rest: this number is everybody, whatever has been listed. */
	if (caller == OVERFLOW_UID && l->callers.hides)
		return CALLER_HIDDEN;
	if (account_uid != CALLER_NO_ACCOUNT && caller == account_uid)
		return CALLER_ALLOWED;
	return is_listed(l, caller) ? CALLER_ALLOWED : CALLER_REFUSED;
}

size_t
caller_max_auths(const struct login *l, uid_t caller)
{
	if (caller == 0)
		return LOGIN_MAX_CALLS;
	if ((caller == OVERFLOW_UID && l->callers.hides) || is_listed(l, caller))
		return LOGIN_MAX_OF_SERVICE;
	return LOGIN_MAX_OF_USER;
}

void
caller_status(const struct login *l,
    void (*fn)(void *arg, const char *key, const char *value), void *arg)
{
	if (l->callers.hides)
		fn(arg, "hidden_callers", HIDES_TEXT);
}
