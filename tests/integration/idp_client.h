/* SPDX-License-Identifier: MPL-2.0 */
/* Asking a real idp and waiting for its answer, for tests. */
#pragma once

#include "src/unixd/core/loop.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/model/model.h"
#include "tests/integration/idp_server.h"

struct idp_client {
	struct loop *loop;
	struct idp *idp;
	struct idp_settings settings;
};

/* The last answer of one question. */
struct answer {
	int n; /* how often the callback came */
	struct idp_result res;
	struct user *u;
	struct groupid *g;
	struct members *m;
	struct idp_client *c;
};

/* Settings for this server with its CA in ca_path and short timeouts; not opened yet. */
void idp_client_init(struct idp_client *c, struct idp_server *s, const char *ca_path);
void idp_client_open(struct idp_client *c);
void idp_client_close(struct idp_client *c);

void answer_clear(struct answer *a);
void ask_user(struct idp_client *c, struct answer *a, const char *id); /* no waiting */
void ask_group(struct idp_client *c, struct answer *a, const char *id);
void ask_probe(struct idp_client *c, struct answer *a, const char *sample);
void wait_for(struct idp_client *c, const struct answer *a);

/* Ask, wait, and look: the answer is in *a until the next one. */
void user_is(struct idp_client *c, struct answer *a, const char *id, enum idp_class class,
    enum idp_reason reason);
void group_is(struct idp_client *c, struct answer *a, const char *id,
    enum idp_class class, enum idp_reason reason);
void probe_is(struct idp_client *c, const char *sample, enum idp_class class,
    enum idp_reason reason);
