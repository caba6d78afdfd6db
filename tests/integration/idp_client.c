/* SPDX-License-Identifier: MPL-2.0 */
/* Turns the port's callbacks into answers that a test can wait for, with a deadline. */
#include "tests/integration/idp_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void
idp_client_init(struct idp_client *c, struct idp_server *s, const char *ca_path)
{
	*c = (struct idp_client){ 0 };
	c->settings = (struct idp_settings){
		.uri = s->url,
		.verify_ca = true,
		.verify_hostnames = true,
		.ca_path = ca_path,
		.conn_timeout_s = 5,
		.request_timeout_s = 10,
	};
	assert_int_equal(loop_new(&c->loop), 0);
	assert_int_equal(loop_turn(c->loop, 0), 0);
}

void
idp_client_open(struct idp_client *c)
{
	assert_int_equal(idp_new(c->loop, &c->settings, &c->idp), 0);
}

void
idp_client_close(struct idp_client *c)
{
	c->idp = idp_free(c->idp);
	c->loop = loop_free(c->loop);
}

void
answer_clear(struct answer *a)
{
	(void)user_unref(a->u);
	(void)groupid_unref(a->g);
	(void)members_unref(a->m);
	*a = (struct answer){ 0 };
}

static void
on_user(void *arg, const struct idp_result *res, struct user *u)
{
	struct answer *a = arg;

	a->n++;
	a->res = *res;
	a->u = u;
}

static void
on_group(void *arg, const struct idp_result *res, struct groupid *g, struct members *m)
{
	struct answer *a = arg;

	a->n++;
	a->res = *res;
	a->g = g;
	a->m = m;
}

static void
on_probe(void *arg, const struct idp_result *res)
{
	struct answer *a = arg;

	a->n++;
	a->res = *res;
}

void
ask_user(struct idp_client *c, struct answer *a, const char *id)
{
	answer_clear(a);
	idp_get_user(c->idp, id, on_user, a);
	assert_int_equal(a->n, 0);
}

void
ask_group(struct idp_client *c, struct answer *a, const char *id)
{
	answer_clear(a);
	idp_get_group(c->idp, id, on_group, a);
	assert_int_equal(a->n, 0);
}

void
ask_probe(struct idp_client *c, struct answer *a, const char *sample)
{
	answer_clear(a);
	idp_probe(c->idp, sample, on_probe, a);
	assert_int_equal(a->n, 0);
}

void
wait_for(struct idp_client *c, const struct answer *a)
{
	struct clock begun;

	clock_read(&begun);
	while (a->n == 0) {
		assert_int_equal(loop_turn(c->loop, 1000), 0);
		assert_true(loop_now(c->loop)->mono_ns - begun.mono_ns < 60 * CLOCK_S);
	}
	assert_int_equal(a->n, 1);
	/* A record exactly when it was found. */
	assert_true((a->u != NULL || a->g != NULL) <= (a->res.class == IDP_FOUND));
}

static void
result_is(const struct answer *a, const char *what, enum idp_class class,
    enum idp_reason reason)
{
	if (a->res.class != class || a->res.reason != reason)
		fail_msg("%s: class %d (not %d), reason \"%s\" (not \"%s\"), %s", what,
		    (int)a->res.class, (int)class, idp_reason_text(a->res.reason),
		    idp_reason_text(reason), a->res.detail);
}

void
user_is(struct idp_client *c, struct answer *a, const char *id, enum idp_class class,
    enum idp_reason reason)
{
	ask_user(c, a, id);
	wait_for(c, a);
	result_is(a, id, class, reason);
}

void
group_is(struct idp_client *c, struct answer *a, const char *id, enum idp_class class,
    enum idp_reason reason)
{
	ask_group(c, a, id);
	wait_for(c, a);
	result_is(a, id, class, reason);
}

void
probe_is(struct idp_client *c, const char *sample, enum idp_class class,
    enum idp_reason reason)
{
	struct answer a = { 0 };

	ask_probe(c, &a, sample);
	wait_for(c, &a);
	result_is(&a, "probe", class, reason);
}
