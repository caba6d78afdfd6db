/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who may run a KDF, and when. Each run takes a core for a third of a second and 16 MiB, so
 * the lane has two threads and no queue: the queues are here, where a job can be taken
 * back, and where people who wait go before work that is done behind an answer. Such work
 * never has both threads, so that somebody who comes finds one of them free.
 *
 * Opening the key is the first job. Until it is done, and when it finds none, nothing else
 * runs.
 */
#include "src/unixd/crypt/crypt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/clock.h"
#include "src/unixd/core/lane.h"
#include "src/unixd/core/list.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/crypt/kdf.h"
#include "src/unixd/crypt/verifier.h"
#include "src/unixd/hsm/hsm.h"

#define THREADS    2u
#define MAX_BEHIND 1u
#define KEY_TEXT   128u

struct line {
	struct list jobs; /* oldest first */
	size_t n;
	size_t max;
};

struct crypt_job {
	struct lane_job lane;
	struct list link; /* in a line, unless it is running */
	struct crypt *crypt;
	bool behind;
	bool running;
	bool cancelled;
	struct secret *password;
	uint8_t verifier[CRYPT_MAX_VERIFIER];
	size_t len;
	int rc;
	int took_ms;
	crypt_made_fn made;
	crypt_checked_fn checked;
	void *arg;
};

/* Unsealing, or making, the key. All of it but `lane` belongs to the lane until it is done. */
struct opening {
	struct lane_job lane;
	struct crypt *crypt;
	struct pin pin;
	uint8_t sealed[CRYPT_MAX_SEALED];
	size_t len;
	bool made_new;
	struct secret *key;
	struct kdf kdf;
	int rc;
	char why[KEY_TEXT];
};

struct crypt {
	struct lane *lane;
	enum crypt_state state;
	bool closing;
	struct opening *opening; /* NULL when that is over */
	struct secret *key;      /* the lane reads it while jobs are running */
	struct kdf kdf;
	struct line front;
	struct line behind;
	unsigned n_running;
	unsigned n_running_behind;
	crypt_opened_fn opened;
	void *arg;
	char text[PIN_MAX_PATH + 256];
};

_Static_assert(VERIFIER_LEN <= CRYPT_MAX_VERIFIER, "as promised");
_Static_assert(HSM_MAX_SEALED <= CRYPT_MAX_SEALED, "as promised");

static struct crypt_job *
job_free(struct crypt_job *job)
{
	job->password = secret_free(job->password);
	free(job);
	return NULL;
}

static void
run_job(struct lane_job *lane_job)
{
	struct crypt_job *job = container_of(lane_job, struct crypt_job, lane);
	const struct crypt *c = job->crypt;
	struct clock begin;
	struct clock end;

	worker_role_assume();
	clock_read(&begin);
	if (job->made != NULL) {
		job->rc = verifier_make(c->key, &c->kdf, job->password, job->verifier);
		job->len = VERIFIER_LEN;
	} else {
		job->rc = verifier_check(c->key, job->password, job->verifier, job->len);
	}
	job->password = secret_free(job->password);
	clock_read(&end);
	job->took_ms = (int)((end.mono_ns - begin.mono_ns) / CLOCK_MS);
}

/* Calls back unless nobody waits any more, and frees. */
static void
answer(struct crypt_job *job, int rc)
{
	if (!job->cancelled && job->made != NULL)
		job->made(job->arg, rc, rc == 0 ? job->verifier : NULL,
		    rc == 0 ? job->len : 0);
	else if (!job->cancelled)
		job->checked(job->arg, rc, job->took_ms);
	job_free(job);
}

static struct crypt_job *
line_pop(struct line *l)
{
	struct crypt_job *job = container_of(l->jobs.next, struct crypt_job, link);

	list_remove(&job->link);
	l->n--;
	return job;
}

/* Whose turn is it? NULL: nobody's, or no thread is free. */
static struct crypt_job *
next_job(struct crypt *c)
{
	if (c->n_running == THREADS)
		return NULL;
	if (c->front.n > 0)
		return line_pop(&c->front);
	if (c->behind.n > 0 && c->n_running_behind < MAX_BEHIND)
		return line_pop(&c->behind);
	return NULL;
}

static void
dispatch(struct crypt *c)
{
	struct crypt_job *job;

	if (c->closing || c->key == NULL)
		return;
	while ((job = next_job(c)) != NULL) {
		job->running = true;
		c->n_running++;
		c->n_running_behind += job->behind;
		if (lane_post(c->lane, &job->lane) < 0)
			abort(); /* it has no bound and is stopped only when closing */
	}
}

static void
job_done(struct lane_job *lane_job)
{
	struct crypt_job *job = container_of(lane_job, struct crypt_job, lane);
	struct crypt *c = job->crypt;

	c->n_running--;
	c->n_running_behind -= job->behind;
	dispatch(c);
	answer(job, c->closing ? -ECANCELED : job->rc);
}

/* Answers everybody in line. */
static void
dismiss(struct line *l, int rc)
{
	while (l->n > 0)
		answer(line_pop(l), rc);
}

static int
new_key(struct opening *o) ON_WORKER
{
	struct secret *key cleanup_(secret_freep) = secret_new(HSM_KEY_LEN);
	int r;

	if (key == NULL)
		return -ENOMEM;
	if (getrandom(key->data, HSM_KEY_LEN, 0) != HSM_KEY_LEN)
		return -EIO;
	key->len = HSM_KEY_LEN;
	r = hsm_soft.seal(&o->pin, key, o->sealed, &o->len);
	if (r < 0)
		return r;
	o->made_new = true;
	o->key = TAKE_PTR(key);
	return 0;
}

static void
run_opening(struct lane_job *lane_job)
{
	struct opening *o = container_of(lane_job, struct opening, lane);
	bool had_one = o->len > 0;

	worker_role_assume();
	o->kdf = kdf_best();
	o->rc = -ENOKEY;
	if (o->pin.state != PIN_READY && o->pin.state != PIN_CREATED)
		return;
	o->rc = had_one ? hsm_soft.unseal(&o->pin, o->sealed, o->len, &o->key) : -EBADMSG;
	/* Another failure may be over next time, and then the old key is still good. */
	if (o->rc != -EBADMSG)
		return;
	o->rc = new_key(o);
	if (o->rc == 0 && had_one)
		(void)snprintf(o->why, sizeof(o->why),
		    "; new, the stored one does not open with it");
}

static void
say_opened(struct crypt *c, const struct opening *o)
{
	if (o->pin.state != PIN_READY && o->pin.state != PIN_CREATED)
		(void)snprintf(c->text, sizeof(c->text), "%s", o->pin.text);
	else if (o->rc < 0)
		(void)snprintf(c->text, sizeof(c->text), "offline login off: %s: %s",
		    o->pin.path, pin_why(o->rc));
	else
		(void)snprintf(c->text, sizeof(c->text), "%s key, pin %s%s",
		    hsm_soft.name, o->pin.path, o->why);
}

static void
opening_done(struct lane_job *lane_job)
{
	struct opening *o = container_of(lane_job, struct opening, lane);
	struct crypt *c = o->crypt;

	c->opening = NULL;
	if (!c->closing) {
		c->key = TAKE_PTR(o->key);
		c->kdf = o->kdf;
		c->state = c->key == NULL ? CRYPT_NONE
		    : o->made_new         ? CRYPT_NEW_KEY
					  : CRYPT_READY;
		say_opened(c, o);
		c->opened(c->arg, c->state, o->made_new ? o->sealed : NULL,
		    o->made_new ? o->len : 0);
		if (c->key == NULL) {
			dismiss(&c->front, -ENOKEY);
			dismiss(&c->behind, -ENOKEY);
		}
		dispatch(c);
	}
	o->key = secret_free(o->key);
	free(o);
}

int
crypt_new(struct loop *l, const struct pin *pin, const void *sealed, size_t len,
    crypt_opened_fn opened, void *arg, struct crypt **ret_crypt)
{
	struct crypt *c = xcalloc(1, sizeof(*c));
	struct opening *o;
	int r = lane_new(l, "kdf", THREADS, 0, &c->lane);

	if (r < 0) {
		free(c);
		return r;
	}
	c->state = CRYPT_OPENING;
	c->opened = opened;
	c->arg = arg;
	c->front.max = CRYPT_QUEUE;
	c->behind.max = CRYPT_QUEUE_BEHIND;
	list_init(&c->front.jobs);
	list_init(&c->behind.jobs);
	(void)snprintf(c->text, sizeof(c->text), "the key is being opened");

	o = xcalloc(1, sizeof(*o));
	o->lane.run = run_opening;
	o->lane.done = opening_done;
	o->crypt = c;
	o->pin = *pin;
	/* One that is too long is none of ours, and will not open. */
	o->len = len < sizeof(o->sealed) ? len : sizeof(o->sealed);
	if (o->len > 0)
		memcpy(o->sealed, sealed, o->len);
	c->opening = o;
	if (lane_post(c->lane, &o->lane) < 0)
		abort(); /* the lane is new and has no bound */
	*ret_crypt = c;
	return 0;
}

struct crypt *
crypt_free(struct crypt *c)
{
	if (c == NULL)
		return NULL;
	c->closing = true;
	/* Those that are running are answered in here. */
	c->lane = lane_free(c->lane, false);
	dismiss(&c->front, -ECANCELED);
	dismiss(&c->behind, -ECANCELED);
	c->key = secret_free(c->key);
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
	return c->text;
}

const char *
crypt_kdf_name(void)
{
	return kdf_have_argon2id() ? "argon2id" : "scrypt";
}

/* A job with its password in the line it belongs to, or NULL. */
static struct crypt_job *
job_new(struct crypt *c, const struct secret *password, bool behind)
{
	struct line *l = behind ? &c->behind : &c->front;
	struct crypt_job *job;

	if (c->closing || c->state == CRYPT_NONE || l->n == l->max)
		return NULL;
	job = xcalloc(1, sizeof(*job));
	job->password = secret_copy(password->data, password->len);
	if (job->password == NULL)
		return job_free(job);
	job->lane.run = run_job;
	job->lane.done = job_done;
	job->crypt = c;
	job->behind = behind;
	list_append(&l->jobs, &job->link);
	l->n++;
	return job;
}

struct crypt_job *
crypt_make(struct crypt *c, const struct secret *password, bool behind, crypt_made_fn fn,
    void *arg)
{
	struct crypt_job *job = job_new(c, password, behind);

	if (job == NULL)
		return NULL;
	job->made = fn;
	job->arg = arg;
	dispatch(c);
	return job;
}

struct crypt_job *
crypt_check(struct crypt *c, const struct secret *password, const void *verifier,
    size_t len, bool behind, crypt_checked_fn fn, void *arg)
{
	struct crypt_job *job = job_new(c, password, behind);

	if (job == NULL)
		return NULL;
	/* What is too long is no verifier, and neither is nothing. */
	if (len > 0 && len <= sizeof(job->verifier)) {
		memcpy(job->verifier, verifier, len);
		job->len = len;
	}
	job->checked = fn;
	job->arg = arg;
	dispatch(c);
	return job;
}

void
crypt_cancel(struct crypt_job *job)
{
	struct line *l = job->behind ? &job->crypt->behind : &job->crypt->front;

	if (job->running) {
		job->cancelled = true;
		return;
	}
	list_remove(&job->link);
	l->n--;
	job_free(job);
}
