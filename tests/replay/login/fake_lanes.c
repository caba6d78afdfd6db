/* SPDX-License-Identifier: MPL-2.0 */
/* crypt.h without cryptography: two lanes, two queues, and verifiers that are the password
 * behind the letter of the key. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes.h"
#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/list.h"

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
	timers_set(play_timers(), &c->opening, play.open_ms * CLOCK_MS);
	*ret_crypt = c;
	return 0;
}

static void
job_free(struct crypt_job *j)
{
	list_remove(&j->link);
	if (timer_is_set(&j->timer)) {
		timers_unset(play_timers(), &j->timer);
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
	timers_unset(play_timers(), &c->opening);
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
		timers_set(play_timers(), &j->timer, play.kdf_ms * CLOCK_MS);
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
