/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One login of a local account through the stack of a service, by libpam itself: the one file
 * of the tools that knows it. Whatever else was looked at, this is what the next person who
 * has to get in as root will meet.
 */
#include <stdlib.h>
#include <string.h>

#include <security/pam_appl.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/setup_internal.h"

static void
drop(struct pam_response *v, int n)
{
	for (int i = 0; i < n; i++) {
		if (v[i].resp != NULL)
			explicit_bzero(v[i].resp, strlen(v[i].resp));
		free(v[i].resp);
	}
	free(v);
}

/* The password to whoever asks without echo; messages are not for us. */
static int
answer(int n, const struct pam_message **messages, struct pam_response **ret_v, void *arg)
{
	const struct secret *password = arg;
	struct pam_response *v;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	v = xcalloc((size_t)n, sizeof(*v));
	for (int i = 0; i < n; i++) {
		if (messages[i]->msg_style == PAM_ERROR_MSG ||
		    messages[i]->msg_style == PAM_TEXT_INFO)
			continue;
		if (password == NULL || messages[i]->msg_style != PAM_PROMPT_ECHO_OFF) {
			drop(v, n);
			return PAM_CONV_ERR;
		}
		v[i].resp = xstrndup((const char *)password->data, password->len);
	}
	*ret_v = v;
	return PAM_SUCCESS;
}

/* libpam only hands it through. */
static void *
as_argument(const struct secret *password)
{
	void *arg;

	memcpy(&arg, &password, sizeof(arg));
	return arg;
}

const char *
setup_local_login(const char *service, const char *name, const struct secret *password)
{
	const struct pam_conv conv = { answer, as_argument(password) };
	const char *said = NULL;
	pam_handle_t *handle;
	int rc = pam_start(service, name, &conv, &handle);

	if (rc != PAM_SUCCESS)
		return "libpam does not start";
	if (password != NULL)
		rc = pam_authenticate(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (rc == PAM_SUCCESS)
		rc = pam_acct_mgmt(handle, PAM_SILENT);
	/* Its password is old, which is no matter of ours. */
	if (rc == PAM_NEW_AUTHTOK_REQD)
		rc = PAM_SUCCESS;
	if (rc != PAM_SUCCESS)
		said = pam_strerror(handle, rc);
	(void)pam_end(handle, rc);
	return said;
}
