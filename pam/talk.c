/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One message at a time through the application's own conversation, which is fetched anew
 * for each: an application may change it between two. What it answers is ours: wiped and
 * freed on every way out. libpam's pam_get_authtok() would leave a copy on the heap that
 * nobody wipes when the call after it fails.
 *
 * Cancellation, off while we hold anything, is as the host has it while it waits for a person.
 */
#include "pam/talk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <security/pam_modules.h>

#include "ku/wire_ops.h"

/* More than any password that is accepted, so that a longer one is seen to be one. */
#define MAX_TAKEN (KU_MAX_PASSWORD + 1)

void
talk_clean(char *to, size_t cap, const char *from)
{
	size_t n = 0;

	for (; from[n] != '\0' && n + 1 < cap; n++)
		to[n] = (char)(from[n] >= ' ' && from[n] <= '~' ? from[n] : '?');
	to[n] = '\0';
}

static void
response_free(struct pam_response **rp)
{
	struct pam_response *r = *rp;

	if (r == NULL)
		return;
	if (r->resp != NULL) {
		explicit_bzero(r->resp, strlen(r->resp));
		free(r->resp);
	}
	free(r);
	*rp = NULL;
}

static int
converse(pam_handle_t *pamh, int cancel, int style, const char *text,
    struct pam_response **ret_resp)
{
	struct pam_message message = { .msg_style = style, .msg = text };
	const struct pam_message *messages = &message;
	const void *item = NULL;
	const struct pam_conv *conv;
	int r = pam_get_item(pamh, PAM_CONV, &item), state, ignored;

	*ret_resp = NULL;
	conv = item;
	if (r != PAM_SUCCESS || conv == NULL || conv->conv == NULL)
		return PAM_CONV_ERR;
	(void)pthread_setcancelstate(cancel, &state);
	r = conv->conv(1, &messages, ret_resp, conv->appdata_ptr);
	(void)pthread_setcancelstate(state, &ignored);
	return r;
}

static enum flow_token
copy(const char *text, struct secret **ret_password)
{
	*ret_password = secret_copy(text, strnlen(text, MAX_TAKEN));
	return *ret_password == NULL ? TOKEN_NO_MEMORY : TOKEN_GOT;
}

enum flow_token
talk_password(pam_handle_t *pamh, int cancel, const char *prompt,
    struct secret **ret_password)
{
	cleanup_(response_free) struct pam_response *resp = NULL;
	int r = converse(pamh, cancel, PAM_PROMPT_ECHO_OFF, prompt, &resp);

	*ret_password = NULL;
	if (r == PAM_CONV_AGAIN)
		return TOKEN_LATER;
	if (r != PAM_SUCCESS)
		return TOKEN_FAILED;
	if (resp == NULL || resp->resp == NULL)
		return TOKEN_NONE;
	return copy(resp->resp, ret_password);
}

enum flow_token
talk_stacked(pam_handle_t *pamh, struct secret **ret_password)
{
	const void *item = NULL;

	*ret_password = NULL;
	if (pam_get_item(pamh, PAM_AUTHTOK, &item) != PAM_SUCCESS || item == NULL)
		return TOKEN_NONE;
	return copy(item, ret_password);
}

void
talk_say(pam_handle_t *pamh, int cancel, int style, const char *text)
{
	cleanup_(response_free) struct pam_response *resp = NULL;

	(void)converse(pamh, cancel, style, text, &resp);
}
