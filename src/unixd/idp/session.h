/* SPDX-License-Identifier: MPL-2.0 */
/* Inside kanidm.c and login.c only: the session's state, and where the two meet. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/unixd/core/list.h"
#include "src/unixd/idp/json.h"
#include "src/unixd/idp/kanidm.h"
#include "src/unixd/idp/tokenfile.h"

enum state {
	STATE_NONE,
	STATE_LOGGING_IN,
	STATE_READY,
};

enum step {
	STEP_TOKEN_FILE,
	STEP_INIT,
	STEP_BEGIN,
	STEP_CRED,
	STEP_SELF,
};

struct session {
	struct loop *loop;
	struct http *http;
	char *token_path;
	enum state state;
	unsigned generation;
	bool outdated; /* configured anew during the login under way */
	char *bearer;
	struct list waiting; /* session_request: for the login */

	/* The login under way. */
	struct http_request login;
	enum step step;
	bool restarted;
	char *session_id;
	struct tokenfile token;
	struct json_auth auth; /* what the lane read */
	struct json_self self_read;
	int read_result; /* the lane's, until the step is done */

	/* The check under way, and those that came after it was sent. */
	struct session_request check;
	struct json_self check_self;
	int check_result;
	bool checking;
	struct list checks, next_checks;
	int64_t checked_ns; /* when the last good one was sent; 0: never */
	int64_t check_sent_ns;

	struct json_self self;
	bool proved;
	struct idp_identity identity;
};

/* Begins the chain; ends in session_login_end(). */
void session_login_start(struct session *s);

/* `why` NULL: we are in, as s->self_read says, with s->bearer. */
void session_login_end(struct session *s, const struct session_outcome *why);
void session_learn_server(struct session *s, const struct http_request *r);
void session_learn_self(struct session *s, const struct json_self *self);
/* No bearer any more. */
void session_forget(struct session *s);
