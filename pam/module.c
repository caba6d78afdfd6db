/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pam_kanidm.so: the six entry points. They only say which one they are; pam/flow.c has the
 * policy and pam/run.c carries it out.
 */
#include <security/pam_modules.h>

#include "pam/run.h"

#define EXPORT_ __attribute__((visibility("default")))

EXPORT_ int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(pamh, ENTRY_AUTH, flags, argc, argv);
}

EXPORT_ int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(pamh, ENTRY_CRED, flags, argc, argv);
}

EXPORT_ int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(pamh, ENTRY_ACCT, flags, argc, argv);
}

EXPORT_ int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(pamh, ENTRY_OPEN, flags, argc, argv);
}

/* Nothing was opened that could be closed, for anybody. */
EXPORT_ int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}

EXPORT_ int
pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(pamh, ENTRY_PASSWD, flags, argc, argv);
}
