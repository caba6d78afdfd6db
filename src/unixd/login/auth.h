/* SPDX-License-Identifier: MPL-2.0 */
/* The times of a password's judgement, and its line in the journal. */
#pragma once

#include <stdint.h>

#include "src/unixd/login/judge.h"

struct login;
struct login_request;
struct uuid;

#define SILENCE_MS 300  /* of the server, before the cached credential is verified */
#define LOOK_MS    250  /* how often the link is looked at while the server is silent */
#define LATE_MS    100  /* before the deadline: the server is not waited for */
#define LEARN_MS   5000 /* after the deadline its answer is still of use */
#define NUDGE_S    5    /* between probes that logins cause */
#define HIDDEN_S   2    /* between attempts of hidden callers at one account */

struct auth_line {
	const char *name;
	const struct ruling *ruling;
	unsigned seconds;
	int64_t record_age_s;
	const struct uuid *uuid;
};

/* Known names only, and what root's programs asked; the rest is for debugging. */
void auth_log(const struct login *l, const struct login_request *q,
    const struct auth_line *a);
