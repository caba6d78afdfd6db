/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Every request is a timer, every answer is what the play says when that timer comes.
 * Secrets are compared in the clear here: what is tested is who is asked when, and which
 * answer counts.
 */
#include "fakes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/list.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/hsm/pin.h"
#include "src/unixd/model/model.h"
#include "src/unixd/store/store.h"
#include "src/unixd/taskq/taskq.h"

struct play play;

struct timers *
loop_timers(struct loop *l)
{
	return &l->ts;
}

const struct clock *
loop_now(struct loop *l)
{
	return &l->ts.now;
}

static struct timers *
ts(void)
{
	return &play.loop.ts;
}

struct person *
person_find(const char *name)
{
	char id[UUID_TEXT_LEN + 1];
	size_t i;

	for (i = 0; i < play.n_people; i++) {
		struct person *p = play.people[i];

		uuid_format(&p->uuid, id);
		if (streq(p->name, name) || streq(p->spn, name) || streq(id, name))
			return p;
	}
	return NULL;
}

struct user *
person_user(const struct person *p)
{
	struct user u = { .id = p->uid,
		.uuid = p->uuid,
		.valid = p->valid,
		.name = p->name,
		.spn = p->spn,
		.displayname = p->name };

	return user_new(&u);
}

/* ---- server ---- */

struct out {
	struct list link;
	struct timer timer;
	struct person *p;
	char password[600];
	enum server_mood mood;
	idp_auth_fn fn;
	void *arg;
};

static struct list outs = { &outs, &outs };

static bool
accepts(struct out *o)
{
	int64_t now = ts()->now.mono_ns;
	struct person *p = o->p;

	if (!p->valid || p->password[0] == '\0')
		return false;
	if (play.soft_lock && now < p->locked_until)
		return false;
	if (streq(p->password, o->password))
		return true;
	p->fails++;
	p->locked_until = now + (p->fails < 3 ? 1 : 3) * CLOCK_S;
	return false;
}

static void
on_out(struct timer *t)
{
	struct out *o = container_of(t, struct out, timer);
	struct idp_result res = { .class = IDP_FOUND, .reason = IDP_OK };
	struct user *u = NULL;
	struct out copy = *o;

	switch (o->mood) {
	case SERVER_OK:
		if (o->p == NULL || o->p->deleted)
			res.class = IDP_NOTFOUND;
		else if (accepts(o))
			u = person_user(o->p);
		break;
	case SERVER_SILENT:
		res.class = IDP_UNREACHABLE;
		res.reason = IDP_TIMED_OUT;
		break;
	case SERVER_TROUBLE:
		res.class = IDP_UNREACHABLE;
		res.reason = IDP_CONN_REFUSED;
		break;
	case SERVER_REFUSES:
		res.class = IDP_REFUSED;
		res.reason = IDP_TOKEN_REFUSED;
		break;
	case SERVER_ERROR:
		res.class = IDP_ERROR;
		res.reason = IDP_SERVER_ERROR;
		break;
	}
	list_remove(&o->link);
	free(o);
	copy.fn(copy.arg, &res, u);
}

void
idp_auth(struct idp *p, const char *id, const struct secret *password, int timeout_ms,
    idp_auth_fn fn, void *arg)
{
	struct out *o = xcalloc(1, sizeof(*o));
	int64_t ms = play.server == SERVER_SILENT ? timeout_ms : play.latency_ms;

	(void)p;
	play.asked++;
	o->p = person_find(id);
	memcpy(o->password, password->data, password->len);
	o->mood = play.server;
	if (ms > timeout_ms) {
		ms = timeout_ms;
		o->mood = SERVER_SILENT;
	}
	o->fn = fn;
	o->arg = arg;
	list_append(&outs, &o->link);
	timer_init(&o->timer, on_out);
	timers_set(ts(), &o->timer, ms * CLOCK_MS);
}

void
fake_idp_stop(void)
{
	while (!list_is_empty(&outs)) {
		struct out *o = container_of(outs.next, struct out, link);
		struct idp_result res = { .class = IDP_UNREACHABLE,
			.reason = IDP_CANCELLED };

		timers_unset(ts(), &o->timer);
		list_remove(&o->link);
		o->fn(o->arg, &res, NULL);
		free(o);
	}
}

/* ---- resolver ---- */

struct waiter {
	struct timer timer;
	struct name name;
	int64_t budget_at;
	resolver_account_fn fn;
	void *arg;
};

static void
tell(const struct person *p, resolver_account_fn fn, void *arg)
{
	struct account_view v = { 0 };
	struct user *u;

	if (p->local) {
		fn(arg, ANSWER_LOCAL, NULL);
		return;
	}
	u = person_user(p);
	v.user = u;
	v.uid = p->uid;
	v.shown = p->name;
	v.home = "/home/somebody";
	v.age_s = 60;
	fn(arg, ANSWER_FOUND, &v);
	user_unref(u);
}

void
resolver_account_now(struct resolver *r, const struct name *name, resolver_account_fn fn,
    void *arg)
{
	const struct person *p = person_find(name->text);

	(void)r;
	if (p != NULL && (p->cached || p->local))
		tell(p, fn, arg);
	else
		fn(arg, ANSWER_UNAVAIL, NULL);
}

static void
on_fetch(struct timer *t)
{
	struct waiter *w = container_of(t, struct waiter, timer);
	struct person *p = person_find(w->name.text);
	struct waiter copy = *w;

	free(w);
	if (ts()->now.mono_ns >= copy.budget_at || play.link == MODE_OFFLINE) {
		copy.fn(copy.arg, ANSWER_UNAVAIL, NULL);
		return;
	}
	if (p == NULL || p->deleted) {
		copy.fn(copy.arg, ANSWER_NOTFOUND, NULL);
		return;
	}
	p->cached = true;
	tell(p, copy.fn, copy.arg);
}

struct waiter *
resolver_account(struct resolver *r, const struct name *name, bool fresh, int budget_ms,
    resolver_account_fn fn, void *arg)
{
	struct waiter *w = xcalloc(1, sizeof(*w));
	int64_t ms = play.server == SERVER_SILENT ? budget_ms : play.fetch_ms;

	(void)r;
	(void)fresh;
	w->name = *name;
	w->fn = fn;
	w->arg = arg;
	w->budget_at = ts()->now.mono_ns + budget_ms * CLOCK_MS;
	timer_init(&w->timer, on_fetch);
	if (play.link == MODE_OFFLINE) {
		on_fetch(&w->timer);
		return NULL;
	}
	timers_set(ts(), &w->timer, (ms < budget_ms ? ms : budget_ms) * CLOCK_MS);
	return w;
}

void
resolver_cancel(struct waiter *w)
{
	if (w == NULL)
		return;
	timers_unset(ts(), &w->timer);
	free(w);
}

void
resolver_learn_login(struct resolver *r, struct user *u)
{
	struct person *p = person_find(u->name);

	(void)r;
	if (p != NULL)
		p->learned++;
	user_unref(u);
}

void
resolver_heard_login(struct resolver *r, const struct idp_result *res)
{
	(void)r;
	(void)res;
	play.heards++;
}

void
resolver_login_was_late(struct resolver *r)
{
	(void)r;
	play.lates++;
	if (play.link == MODE_ONLINE)
		play.link = MODE_SUSPECT;
}

enum link_mode
resolver_link_mode(const struct resolver *r)
{
	(void)r;
	return play.link;
}

struct waiter *
resolver_probe(struct resolver *r, int budget_ms, void (*fn)(void *arg), void *arg)
{
	(void)r;
	(void)budget_ms;
	play.probes++;
	fn(arg);
	return NULL;
}

const char *
resolver_own_domain(const struct resolver *r)
{
	(void)r;
	return "example.com";
}

bool
resolver_local_uid(const struct resolver *r, const char *name, uint32_t *ret_uid)
{
	(void)r;
	(void)name;
	(void)ret_uid;
	return false;
}

/* ---- disk ---- */

struct row {
	struct list link;
	bool is_cred;
	struct uuid uuid;
	char key[32];
	uint8_t blob[STORE_MAX_VALUE];
	size_t len;
};

struct write {
	struct list link;
	struct timer timer;
	bool is_cred;
	bool is_all;
	struct row *row; /* NULL blob: deleted */
	store_done_fn done;
	void *arg;
};

static struct list rows = { &rows, &rows };
static struct list writes = { &writes, &writes };

static struct row *
row_find(bool is_cred, const struct uuid *uuid, const char *key)
{
	struct list *it;

	list_for_each(it, &rows) {
		struct row *r = container_of(it, struct row, link);

		if (r->is_cred == is_cred &&
		    (is_cred ? uuid_equal(&r->uuid, uuid) : streq(r->key, key)))
			return r;
	}
	return NULL;
}

static void
row_put(const struct row *new)
{
	struct row *r = row_find(new->is_cred, &new->uuid, new->key);

	if (r == NULL) {
		r = xcalloc(1, sizeof(*r));
		list_append(&rows, &r->link);
	}
	if (new->len == 0) {
		list_remove(&r->link);
		free(r);
		return;
	}
	r->is_cred = new->is_cred;
	r->uuid = new->uuid;
	memcpy(r->key, new->key, sizeof(r->key));
	memcpy(r->blob, new->blob, new->len);
	r->len = new->len;
}

static void
rows_clear(bool creds_only)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &rows) {
		struct row *r = container_of(it, struct row, link);

		if (creds_only && !r->is_cred)
			continue;
		list_remove(&r->link);
		free(r);
	}
}

static void
on_written(struct timer *t)
{
	struct write *w = container_of(t, struct write, timer);
	struct write copy = *w;
	int rc = play.disk == DISK_FAILS ? -EIO : 0;

	list_remove(&w->link);
	if (rc == 0 && w->is_all)
		rows_clear(true);
	else if (rc == 0)
		row_put(w->row);
	free(w->row);
	free(w);
	if (copy.done != NULL)
		copy.done(copy.arg, rc);
}

static struct row *
row_new(const void *blob, size_t len)
{
	struct row *r = xcalloc(1, sizeof(*r));

	if (len > sizeof(r->blob))
		abort();
	if (len > 0)
		memcpy(r->blob, blob, len);
	r->len = len;
	return r;
}

static void
write_row(struct row *r, bool is_all, store_done_fn done, void *arg)
{
	struct write *w = xcalloc(1, sizeof(*w));

	play.puts++;
	w->row = r;
	w->is_all = is_all;
	w->done = done;
	w->arg = arg;
	list_append(&writes, &w->link);
	timer_init(&w->timer, on_written);
	timers_set(ts(), &w->timer,
	    (play.disk == DISK_HANGS ? 3600000 : play.commit_ms) * CLOCK_MS);
}

void
store_put_cred(struct store *s, const struct uuid *uuid, const void *blob, size_t len,
    store_done_fn done, void *arg)
{
	struct row *r = row_new(blob, len);

	(void)s;
	r->is_cred = true;
	r->uuid = *uuid;
	write_row(r, false, done, arg);
}

void
store_del_cred(struct store *s, const struct uuid *uuid)
{
	store_put_cred(s, uuid, NULL, 0, NULL, NULL);
}

void
store_del_all_creds(struct store *s)
{
	(void)s;
	write_row(NULL, true, NULL, NULL);
}

void
store_put_value(struct store *s, const char *key, const void *blob, size_t len,
    store_done_fn done, void *arg)
{
	struct row *r = row_new(blob, len);

	(void)s;
	snprintf(r->key, sizeof(r->key), "%s", key);
	write_row(r, false, done, arg);
}

int
store_load_secrets(struct store *s, const struct store_secrets *sink)
{
	struct list *it;

	(void)s;
	if (play.disk == DISK_UNREADABLE)
		return -EIO;
	list_for_each(it, &rows) {
		const struct row *r = container_of(it, struct row, link);

		if (!r->is_cred)
			sink->value(sink->arg, r->key, r->blob, r->len);
	}
	list_for_each(it, &rows) {
		const struct row *r = container_of(it, struct row, link);

		if (r->is_cred)
			sink->cred(sink->arg, &r->uuid, r->blob, r->len);
	}
	return 0;
}

/* Power is cut: what is under way is lost, and nobody is told. */
void
disk_cut(void)
{
	while (!list_is_empty(&writes)) {
		struct write *w = container_of(writes.next, struct write, link);

		timers_unset(ts(), &w->timer);
		list_remove(&w->link);
		free(w->row);
		free(w);
	}
}

/* An orderly end: everything is written, those who wait are told. */
void
disk_flush(void)
{
	while (!list_is_empty(&writes)) {
		struct write *w = container_of(writes.next, struct write, link);

		timers_unset(ts(), &w->timer);
		on_written(&w->timer);
	}
}

void
disk_clear(void)
{
	rows_clear(false);
}

bool
disk_has_cred(const struct uuid *uuid)
{
	return row_find(true, uuid, "") != NULL;
}

size_t
disk_cred(const struct uuid *uuid, uint8_t *buf)
{
	const struct row *r = row_find(true, uuid, "");

	if (r == NULL)
		return 0;
	memcpy(buf, r->blob, r->len);
	return r->len;
}

void
disk_put_cred(const struct uuid *uuid, const void *blob, size_t len)
{
	struct row *r = row_new(blob, len);

	r->is_cred = true;
	r->uuid = *uuid;
	row_put(r);
	free(r);
}

void
disk_put_value(const char *key, const void *blob, size_t len)
{
	struct row *r = row_new(blob, len);

	snprintf(r->key, sizeof(r->key), "%s", key);
	row_put(r);
	free(r);
}

bool
disk_has_value(const char *key)
{
	return row_find(false, NULL, key) != NULL;
}

/* ---- lanes ---- */

#define LANES 2u

struct crypt {
	enum crypt_state state;
	struct timer opening;
	bool store_key;
	char key;
	crypt_opened_fn opened;
	void *arg;
	struct list front, behind, working;
	size_t n_front, n_behind;
};

struct crypt_job {
	struct list link;
	struct timer timer;
	struct crypt *c;
	bool is_behind;
	bool is_make;
	bool is_dropped;
	char password[600];
	char verifier[CRYPT_MAX_VERIFIER];
	size_t len;
	crypt_made_fn made;
	crypt_checked_fn checked;
	void *arg;
};

static char
key_now(void)
{
	return play.pin_is_new ? 'B' : 'A';
}

static size_t
make_verifier(char key, const char *password, char buf[CRYPT_MAX_VERIFIER])
{
	return (size_t)snprintf(buf, CRYPT_MAX_VERIFIER, "%c:%s", key, password);
}

size_t
fake_verifier(const char *password, char buf[CRYPT_MAX_VERIFIER])
{
	return make_verifier(key_now(), password, buf);
}

static void
on_opened(struct timer *t)
{
	struct crypt *c = container_of(t, struct crypt, opening);
	bool store = c->store_key;

	if (play.pin_is_gone) {
		c->state = CRYPT_NONE;
		c->opened(c->arg, c->state, NULL, 0);
		return;
	}
	c->state = store ? CRYPT_NEW_KEY : CRYPT_READY;
	c->opened(c->arg, c->state, store ? &c->key : NULL, store ? 1 : 0);
}

int
crypt_new(struct loop *l, const struct pin *pin, const void *sealed, size_t len,
    crypt_opened_fn opened, void *arg, struct crypt **ret_crypt)
{
	struct crypt *c = xcalloc(1, sizeof(*c));

	(void)l;
	(void)pin;
	c->key = key_now();
	c->store_key = len != 1 || *(const char *)sealed != c->key;
	c->opened = opened;
	c->arg = arg;
	list_init(&c->front);
	list_init(&c->behind);
	list_init(&c->working);
	timer_init(&c->opening, on_opened);
	timers_set(ts(), &c->opening, play.open_ms * CLOCK_MS);
	*ret_crypt = c;
	return 0;
}

static void
job_free(struct crypt_job *j)
{
	list_remove(&j->link);
	if (timer_is_set(&j->timer)) {
		timers_unset(ts(), &j->timer);
		play.lanes_busy--;
	} else if (j->is_behind) {
		j->c->n_behind--;
	} else {
		j->c->n_front--;
	}
	free(j);
}

static void
end_all(struct list *jobs)
{
	while (!list_is_empty(jobs)) {
		struct crypt_job *j = container_of(jobs->next, struct crypt_job, link);
		struct crypt_job copy = *j;

		job_free(j);
		if (copy.is_dropped)
			continue;
		if (copy.is_make)
			copy.made(copy.arg, -ECANCELED, NULL, 0);
		else
			copy.checked(copy.arg, -ECANCELED, 0);
	}
}

struct crypt *
crypt_free(struct crypt *c)
{
	timers_unset(ts(), &c->opening);
	end_all(&c->front);
	end_all(&c->behind);
	end_all(&c->working);
	free(c);
	return NULL;
}

enum crypt_state
crypt_state(const struct crypt *c)
{
	return c->state;
}

const char *
crypt_text(const struct crypt *c)
{
	return c->state == CRYPT_NONE ? "no pin" : "soft key, pin /nowhere/hsm-pin";
}

const char *
crypt_kdf_name(void)
{
	return "fake";
}

static void pump(struct crypt *c);

static void
on_job(struct timer *t)
{
	struct crypt_job *j = container_of(t, struct crypt_job, timer);
	struct crypt_job copy = *j;
	struct crypt *c = j->c;
	char own[CRYPT_MAX_VERIFIER] = "";
	size_t len;

	list_remove(&j->link);
	free(j);
	play.lanes_busy--;
	len = make_verifier(c->key, copy.password, own);
	if (copy.is_dropped)
		;
	else if (copy.is_make && play.lanes_lie)
		copy.made(copy.arg, 0, "A:something else", 16);
	else if (copy.is_make)
		copy.made(copy.arg, 0, own, len);
	else if (copy.len < 2 || copy.verifier[0] != c->key)
		copy.checked(copy.arg, -EBADMSG, play.kdf_ms);
	else
		copy.checked(copy.arg,
		    copy.len == len && memcmp(copy.verifier, own, len) == 0, play.kdf_ms);
	pump(c);
}

static void
pump(struct crypt *c)
{
	while (play.lanes_busy < LANES) {
		struct list *from = !list_is_empty(&c->front) ? &c->front : &c->behind;
		struct crypt_job *j;

		if (list_is_empty(from))
			return;
		j = container_of(from->next, struct crypt_job, link);
		list_remove(&j->link);
		list_append(&c->working, &j->link);
		if (j->is_behind)
			c->n_behind--;
		else
			c->n_front--;
		play.lanes_busy++;
		if (j->is_make)
			play.makes++;
		else if (j->is_behind)
			play.checks_behind++;
		else
			play.checks++;
		timers_set(ts(), &j->timer, play.kdf_ms * CLOCK_MS);
	}
}

static struct crypt_job *
job_new(struct crypt *c, const struct secret *password, bool behind, void *arg)
{
	struct crypt_job *j;

	if ((c->state != CRYPT_READY && c->state != CRYPT_NEW_KEY) ||
	    (behind ? c->n_behind >= CRYPT_QUEUE_BEHIND : c->n_front >= CRYPT_QUEUE))
		return NULL;
	j = xcalloc(1, sizeof(*j));
	j->c = c;
	j->is_behind = behind;
	j->arg = arg;
	memcpy(j->password, password->data, password->len);
	timer_init(&j->timer, on_job);
	list_append(behind ? &c->behind : &c->front, &j->link);
	if (behind)
		c->n_behind++;
	else
		c->n_front++;
	return j;
}

struct crypt_job *
crypt_make(struct crypt *c, const struct secret *password, bool behind, crypt_made_fn fn,
    void *arg)
{
	struct crypt_job *j = job_new(c, password, behind, arg);

	if (j == NULL)
		return NULL;
	j->is_make = true;
	j->made = fn;
	pump(c);
	return j;
}

struct crypt_job *
crypt_check(struct crypt *c, const struct secret *password, const void *verifier,
    size_t len, bool behind, crypt_checked_fn fn, void *arg)
{
	struct crypt_job *j = job_new(c, password, behind, arg);

	if (j == NULL)
		return NULL;
	memcpy(j->verifier, verifier, len);
	j->len = len;
	j->checked = fn;
	pump(c);
	return j;
}

/* One that is at work goes on, as on a real lane. */
void
crypt_cancel(struct crypt_job *j)
{
	j->is_dropped = true;
	if (!timer_is_set(&j->timer))
		job_free(j);
}

/* ---- tasks ---- */

struct taskq_waiter *
taskq_home(struct taskq *q, const struct taskq_home *home, int budget_ms, taskq_fn fn,
    void *arg)
{
	(void)q;
	(void)home;
	(void)budget_ms;
	fn(arg, TASKQ_NO_TASKS, "");
	return NULL;
}

void
taskq_cancel(struct taskq_waiter *w)
{
	(void)w;
}
