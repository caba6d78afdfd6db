/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A login engine that answers by the name, for the tests of the server:
 *
 *	alice	may in with "open sesame", is at /home/alice
 *	slow...	kept waiting until fake_login_release()
 *	local, unavail, busy, denied	answered with that status
 *	anything else	not found
 */
#pragma once

#include <stddef.h>

#include "src/unixd/core/list.h"
#include "src/unixd/login/login.h"

struct login {
	struct list waiting;
	size_t n_waiting;
	size_t n_cancelled;
	size_t n_asked;
	size_t n_cleared;
	size_t n_passwords; /* taken over */
	struct login_request last;
	char service[256], tty[256], rhost[256];
	char password[1024]; /* only here: a test looks at what arrived */
};

void fake_login_init(struct login *l);
/* Answers everything that waits: OK. */
void fake_login_release(struct login *l);
