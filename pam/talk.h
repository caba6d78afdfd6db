/* SPDX-License-Identifier: MPL-2.0 */
/* With the person in front of the application. */
#pragma once

#include <stddef.h>

#include <security/_pam_types.h>

#include "pam/flow.h"
#include "src/base/secret.h"

#define TALK_MAX_TEXT 400

/* `from` as printable ASCII, cut to `cap` - 1 characters. */
void talk_clean(char *to, size_t cap, const char *from);

/* `cancel`, in what follows: the host's own pthread cancellation state, which holds while it
 * waits for the person. */

/* Asks without echo. TOKEN_GOT with *ret_password, else why not. */
enum flow_token talk_password(pam_handle_t *pamh, int cancel, const char *prompt,
    struct secret **ret_password);

/* PAM_AUTHTOK, copied. TOKEN_GOT, TOKEN_NONE or TOKEN_NO_MEMORY. */
enum flow_token talk_stacked(pam_handle_t *pamh, struct secret **ret_password);

/* `style`: PAM_TEXT_INFO or PAM_ERROR_MSG. A conversation that fails is no matter. */
void talk_say(pam_handle_t *pamh, int cancel, int style, const char *text);
