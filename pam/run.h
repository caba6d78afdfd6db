/* SPDX-License-Identifier: MPL-2.0 */
/* Takes the steps that the flow asks for. */
#pragma once

#include <security/_pam_types.h>

#include "pam/reasons.h"

/* One PAM call from beginning to end: what the entry point returns. errno is kept. */
int run(pam_handle_t *pamh, enum reason_entry entry, int flags, int argc,
    const char *const *argv);
