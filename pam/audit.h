/* SPDX-License-Identifier: MPL-2.0 */
/* What the host's journal gets. pam_syslog only; names of strangers never. */
#pragma once

#include <stdbool.h>

#include <security/_pam_types.h>

#include "pam/reasons.h"

struct audit {
	pam_handle_t *pamh;
	const char *user; /* NULL: not known to be anybody, do not name them */
	int error;        /* errno behind a %m */
};

/* The line of a reason, and the standard line about an authentication that host tools
 * (fail2ban and others) look for. */
void audit_reason(const struct audit *a, const struct reason *why, bool success);
