/* SPDX-License-Identifier: MPL-2.0 */
/* idp.h without a network: every request is a timer, every answer is the world as it is
 * when that timer comes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes.h"
#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/list.h"
#include "src/unixd/model/model.h"

struct idp {
	struct timers *ts;
	struct list out;
	struct idp_identity identity;
};

enum what {
	GET_USER,
	GET_GROUP,
	PROBE,
	AUTH,
};

struct out {
	struct list link;
	struct timer timer;
	struct idp *p;
	enum what what;
	enum mood mood; /* when it was sent: a hung request stays hung */
	bool has_id;
	char id[400];
	idp_user_fn user_fn;
	idp_group_fn group_fn;
	idp_probe_fn probe_fn;
	idp_auth_fn auth_fn;
	char password[128];
	bool timer_is_limit; /* of AUTH: the answer would come later than that */
	void *arg;
};

const char *
idp_reason_text(enum idp_reason r)
{
	static const char *const text[] = {
		[IDP_OK] = "ok",
		[IDP_NO_URI] = "no uri is configured",
		[IDP_DNS] = "name not resolved",
		[IDP_CONN_REFUSED] = "connection refused",
		[IDP_CONN_FAILED] = "cannot connect",
		[IDP_TIMED_OUT] = "timed out",
		[IDP_TLS_UNKNOWN_ISSUER] = "unknown issuer (UnknownIssuer)",
		[IDP_TLS_EXPIRED] = "certificate expired",
		[IDP_TLS_NOT_YET_VALID] = "certificate not yet valid",
		[IDP_TLS_NAME] = "name mismatch",
		[IDP_TLS_OTHER] = "tls failure",
		[IDP_CA_FILE] = "ca_path cannot be read",
		[IDP_BAD_ANSWER] = "bad answer",
		[IDP_SERVER_ERROR] = "server error",
		[IDP_WRONG_ENTRY] = "answer for another entry",
		[IDP_LOGIN_DENIED] = "login denied",
		[IDP_TOKEN_REFUSED] = "token refused",
		[IDP_NO_RIGHTS] = "not authorised to read POSIX data",
		[IDP_CANCELLED] = "cancelled",
		[IDP_NOT_ASKED] = "not asked",
	};

	return text[r];
}

static bool
matches(const struct entity *e, const char *id)
{
	char text[400];

	if (strcmp(e->name, id) == 0)
		return true;
	snprintf(text, sizeof(text), "%s@%s", e->name, e->domain);
	if (strcmp(text, id) == 0)
		return true;
	snprintf(text, sizeof(text), "%" PRIu32, e->id);
	if (strcmp(text, id) == 0)
		return true;
	uuid_format(&e->uuid, text);
	return strcmp(text, id) == 0;
}

/* The living one before the dead one, ours before one of another domain. */
static struct entity *
lookup(bool is_group, const char *id)
{
	struct entity *found = NULL;
	size_t i;

	for (i = 0; i < world.n; i++) {
		struct entity *e = world.v[i];

		if (e->is_group == is_group && matches(e, id) &&
		    (found == NULL || found->deleted ||
			strcmp(found->domain, world.domain) != 0))
			found = e;
	}
	return found;
}

static void
say(struct idp_result *res, enum idp_class class, enum idp_reason reason,
    const char *detail)
{
	res->class = class;
	res->reason = reason;
	snprintf(res->detail, sizeof(res->detail), "%s", detail);
}

/* What the mood makes of a request, before anybody looks at the entry. */
static void
judge(const struct out *o, struct idp_result *res)
{
	say(res, IDP_FOUND, IDP_OK, "");
	switch (o->mood) {
	case MOOD_OK:
	case MOOD_BLIND:
		return;
	case MOOD_HANGS:
		say(res, IDP_UNREACHABLE, IDP_TIMED_OUT, "");
		return;
	case MOOD_DNS_HANGS:
		say(res, IDP_UNREACHABLE, IDP_DNS, "");
		return;
	case MOOD_DOWN:
		say(res, IDP_UNREACHABLE, IDP_CONN_REFUSED, "");
		return;
	case MOOD_TLS:
		say(res, IDP_UNREACHABLE, IDP_TLS_UNKNOWN_ISSUER, "");
		return;
	case MOOD_REFUSES:
		say(res, IDP_REFUSED, IDP_TOKEN_REFUSED, "401");
		return;
	case MOOD_NO_RIGHTS:
		if (o->what == PROBE)
			say(res, IDP_REFUSED, IDP_NO_RIGHTS, "");
		else if (o->what != AUTH) /* needs no right to read */
			say(res, IDP_NOTFOUND, IDP_OK, "404");
		return;
	case MOOD_ERROR:
		if (o->what != PROBE)
			say(res, IDP_ERROR, IDP_SERVER_ERROR, "500");
		return;
	case MOOD_UNAVAILABLE:
		say(res, IDP_ERROR, IDP_SERVER_ERROR, "503");
		return;
	}
}

static void
answer_user(struct out *o, struct idp_result *res)
{
	const struct entity *e = lookup(false, o->id);
	struct user *u = NULL;

	if (res->class == IDP_FOUND && (e == NULL || e->deleted || e->ghost))
		say(res, IDP_NOTFOUND, IDP_OK, "404");
	else if (res->class == IDP_FOUND && e->broken)
		say(res, IDP_ERROR, IDP_SERVER_ERROR, "500");
	else if (res->class == IDP_FOUND)
		u = world_user(e);
	o->user_fn(o->arg, res, u);
}

static void
answer_group(struct out *o, struct idp_result *res)
{
	const struct entity *e = lookup(true, o->id);
	struct members *m = NULL;
	struct groupid *g = NULL;

	/* As the real one does: an account id on the group endpoint is its private group. */
	if (e == NULL || e->deleted)
		e = lookup(false, o->id);
	if (res->class == IDP_FOUND && (e == NULL || e->deleted)) {
		say(res, IDP_NOTFOUND, IDP_OK, "404");
	} else if (res->class == IDP_FOUND) {
		g = world_groupid(e);
		if (o->mood != MOOD_BLIND && e->is_group)
			m = world_members(e);
	}
	o->group_fn(o->arg, res, g, m);
}

static void
answer_probe(struct out *o, struct idp_result *res)
{
	const struct entity *e = o->has_id ? lookup(false, o->id) : NULL;

	if (res->class == IDP_FOUND && world.rights_by_sample && o->has_id &&
	    (e == NULL || e->deleted))
		say(res, IDP_REFUSED, IDP_NO_RIGHTS, "");
	o->probe_fn(o->arg, res);
}

static void
answer_auth(struct out *o, struct idp_result *res)
{
	const struct entity *e = lookup(false, o->id);
	struct user *u = NULL;

	if (res->class == IDP_FOUND && (e == NULL || e->deleted))
		say(res, IDP_NOTFOUND, IDP_OK, "404");
	else if (res->class == IDP_FOUND && e->broken)
		say(res, IDP_ERROR, IDP_SERVER_ERROR, "500");
	else if (res->class == IDP_FOUND && !e->invalid && !e->locked &&
	    e->password[0] != '\0' && strcmp(e->password, o->password) == 0)
		u = world_user(e);
	o->auth_fn(o->arg, res, u);
}

static void
deliver(struct out *o, struct idp_result *res)
{
	struct idp *p = o->p;

	list_remove(&o->link);
	timers_unset(p->ts, &o->timer);
	if (o->what == GET_USER || o->what == GET_GROUP)
		world.running--;
	if (res->class == IDP_FOUND || res->class == IDP_NOTFOUND) {
		snprintf(p->identity.spn, sizeof(p->identity.spn), "anonymous@%s",
		    world.domain);
		snprintf(p->identity.domain, sizeof(p->identity.domain), "%s",
		    world.domain);
		snprintf(p->identity.server_version, sizeof(p->identity.server_version),
		    "1.11.1");
		snprintf(p->identity.cert_issuer, sizeof(p->identity.cert_issuer),
		    "Test CA");
		p->identity.cert_not_before = world.cert_not_before;
		p->identity.cert_not_after = world.cert_not_after;
		p->identity.ahead_s = world.ahead_s;
	}
	if (o->what == GET_USER)
		answer_user(o, res);
	else if (o->what == GET_GROUP)
		answer_group(o, res);
	else if (o->what == AUTH)
		answer_auth(o, res);
	else
		answer_probe(o, res);
	free(o);
}

static void
on_timer(struct timer *t)
{
	struct out *o = container_of(t, struct out, timer);
	struct idp_result res = { 0 };

	judge(o, &res);
	if (o->what == AUTH && o->timer_is_limit)
		say(&res, IDP_UNREACHABLE, IDP_TIMED_OUT, "");
	deliver(o, &res);
}

static struct out *
send_out_by(struct idp *p, enum what what, const char *id, void *arg, int64_t limit)
{
	struct out *o = xcalloc(1, sizeof(*o));
	int64_t delay = what == AUTH ? world.auth_latency_ns : world.latency_ns;
	struct entity *e;

	o->p = p;
	o->what = what;
	o->mood = world.mood;
	o->arg = arg;
	o->has_id = id != NULL;
	snprintf(o->id, sizeof(o->id), "%s", id != NULL ? id : "");
	list_append(&p->out, &o->link);
	timer_init(&o->timer, on_timer);
	if (o->mood == MOOD_HANGS)
		delay = 4 * CLOCK_S;
	else if (o->mood == MOOD_DNS_HANGS)
		delay = 10 * CLOCK_S;
	o->timer_is_limit = delay > limit;
	timers_set(p->ts, &o->timer, o->timer_is_limit ? limit : delay);
	if (what == AUTH) {
		world.auths++;
		return o;
	}
	if (what == PROBE) {
		world.probes++;
		return o;
	}
	world.requests++;
	world.running++;
	if (world.running > world.max_running)
		world.max_running = world.running;
	e = lookup(what == GET_GROUP, id);
	if (e != NULL)
		e->fetches++;
	return o;
}

static struct out *
send_out(struct idp *p, enum what what, const char *id, void *arg)
{
	return send_out_by(p, what, id, arg, INT64_MAX);
}

void
idp_get_user(struct idp *p, const char *id, idp_user_fn fn, void *arg)
{
	send_out(p, GET_USER, id, arg)->user_fn = fn;
}

void
idp_get_group(struct idp *p, const char *id, idp_group_fn fn, void *arg)
{
	send_out(p, GET_GROUP, id, arg)->group_fn = fn;
}

void
idp_probe(struct idp *p, const char *sample, idp_probe_fn fn, void *arg)
{
	send_out(p, PROBE, sample, arg)->probe_fn = fn;
}

void
idp_auth(struct idp *p, const char *id, const struct secret *password, int timeout_ms,
    idp_auth_fn fn, void *arg)
{
	struct out *o = send_out_by(p, AUTH, id, arg, timeout_ms * CLOCK_MS);

	o->auth_fn = fn;
	memcpy(o->password, password->data,
	    password->len < sizeof(o->password) ? password->len : 0);
}

const struct idp_identity *
idp_identity(const struct idp *p)
{
	return &p->identity;
}

struct idp *
fake_idp_new(struct timers *ts)
{
	struct idp *p = xcalloc(1, sizeof(*p));

	p->ts = ts;
	list_init(&p->out);
	return p;
}

void
fake_idp_free(struct idp *p)
{
	while (!list_is_empty(&p->out)) {
		struct idp_result res = { 0 };

		say(&res, IDP_UNREACHABLE, IDP_CANCELLED, "");
		deliver(container_of(p->out.next, struct out, link), &res);
	}
	free(p);
}
