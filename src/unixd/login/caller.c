/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The one place where a uid that the kernel vouches for is compared with an account. A
 * socket that anybody may connect to is otherwise an oracle for other people's passwords.
 */
#include "src/unixd/login/caller.h"

#include <inttypes.h>
#include <stdio.h>

#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/unixd/login/internal.h"

void
caller_init(struct login *l)
{
	l->callers = (struct callers){ 0 };
}

void
caller_deinit(struct login *l)
{
	(void)l;
}

void
caller_reconfigure(struct login *l)
{
	(void)l;
}

static bool
is_listed(const struct config *config, uid_t caller)
{
	char text[16];
	char **p;

	snprintf(text, sizeof(text), "%" PRIu32, (uint32_t)caller);
	for (p = config->pam_allowed_callers; p != NULL && *p != NULL; p++) {
		if (streq(*p, text))
			return true;
	}
	return false;
}

enum caller
caller_judge(const struct login *l, uid_t caller, uint32_t account_uid)
{
	if (caller == 0 || is_listed(l->config, caller))
		return CALLER_ALLOWED;
	if (account_uid != CALLER_NO_ACCOUNT && caller == account_uid)
		return CALLER_ALLOWED;
	return CALLER_REFUSED;
}

void
caller_status(const struct login *l,
    void (*fn)(void *arg, const char *key, const char *value), void *arg)
{
	if (l->callers.hides)
		fn(arg, "callers", "the unit hides callers' ids: set PrivateUsers=no");
}
