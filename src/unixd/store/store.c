/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The port, and the rhythm of writing behind.
 *
 * One batch at a time is with the lane. Whatever comes meanwhile waits and becomes the
 * next batch, so a storm of changes turns into few large transactions by itself. Records of
 * people and groups and their ids, which the server can give us again, are written with the
 * turn of the loop that they came in, but when a batch has just begun they are gathered for
 * a moment: a transaction and its sync for each of a thousand would cost more than asking
 * for them did. Everything else is written at once, and takes them along. A batch
 * that failed goes back into the queue (queue.c) and is tried again with growing pauses;
 * whoever cannot wait makes it be tried at once.
 */
#include "src/unixd/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/lane.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/model/model.h"
#include "src/unixd/store/db.h"
#include "src/unixd/store/queue.h"

#define RETRY_FIRST (250 * CLOCK_MS)
#define RETRY_MAX   (60 * CLOCK_S)
#define GATHER      (20 * CLOCK_MS)

_Static_assert(STORE_MAX_KEY == OP_KEY_MAX, "one length of a key");

/* Somebody who is called when a batch is written, or, of the second kind, also when not. */
struct waiter {
	struct list link;
	void (*done)(void *arg);
	store_done_fn told;
	void *arg;
};

struct batch {
	struct lane_job job;
	struct store *store;
	struct write_set set;
	struct list waiters;
	struct list told;
	bool has_names;
	bool has_secrets;
	int r_names;
	int r_secrets;
	char why[DB_TEXT_MAX];
};

struct store {
	struct loop *loop;
	struct lane *lane;
	struct db *db; /* the lane's, while a batch is in flight */
	char *open_note;
	char *load_note;
	struct queue queue;
	struct list waiters; /* for everything that is queued */
	struct list told;    /* for the secrets that are queued */
	struct batch *in_flight;
	struct timer retry;
	struct timer gather;
	int64_t begun_ns; /* when the last batch did, CLOCK_MONOTONIC */
	bool hurried;     /* something that is queued does not wait to be gathered */
	int64_t pause_ns; /* 0: the last write went well */
	bool held;        /* while loading and closing nothing is posted */
	bool closing;     /* those who are told may be gone */
	bool in_memory;   /* as of the last batch: the database is the lane's */
	char trouble[DB_TEXT_MAX];
};

/* In memory secrets are not written at all: that is not what was asked for. */
static void
write_batch(struct batch *b) ON_WORKER
{
	struct db *db = b->store->db;

	if (b->has_secrets && !db_is_memory(db))
		b->r_secrets = db_write_secrets(db, &b->set, b->why);
	if (b->has_names)
		b->r_names = db_write(db, &b->set, b->why);
}

static void
run_batch(struct lane_job *job)
{
	struct batch *b = container_of(job, struct batch, job);

	worker_role_assume();
	write_batch(b);
}

static void finish_batch(struct lane_job *job);

/* Everything queued, as one batch; NULL when there is nothing to do. */
static struct batch *
take_batch(struct store *s)
{
	struct batch *b;

	if (!queue_has_names(&s->queue) && !queue_has_secrets(&s->queue) &&
	    list_is_empty(&s->waiters) && list_is_empty(&s->told))
		return NULL;
	b = xcalloc(1, sizeof(*b));
	b->job.run = run_batch;
	b->job.done = finish_batch;
	b->store = s;
	list_init(&b->waiters);
	list_init(&b->told);
	list_move_all(&b->waiters, &s->waiters);
	list_move_all(&b->told, &s->told);
	b->has_secrets = queue_has_secrets(&s->queue);
	/* With nothing to write, those who wait still want to know that it works. */
	b->has_names = queue_has_names(&s->queue) || !list_is_empty(&b->waiters);
	queue_take(&s->queue, &b->set);
	return b;
}

/* Gives the queue to the lane, unless that is busy or a pause is on. */
static void
kick(struct store *s)
{
	if (s->held || s->in_flight != NULL || timer_is_set(&s->retry))
		return;
	timers_unset(loop_timers(s->loop), &s->gather);
	s->hurried = false;
	s->in_flight = take_batch(s);
	if (s->in_flight != NULL)
		s->begun_ns = loop_timers(s->loop)->now.mono_ns;
	if (s->in_flight != NULL && lane_post(s->lane, &s->in_flight->job) < 0)
		abort(); /* the lane has no bound, and is stopped only while held */
}

static void
retry_due(struct timer *t)
{
	kick(container_of(t, struct store, retry));
}

static void
gathered(struct timer *t)
{
	kick(container_of(t, struct store, gather));
}

static int64_t
gather_for(const struct store *s)
{
	int64_t quiet = loop_timers(s->loop)->now.mono_ns - s->begun_ns;

	return s->begun_ns == 0 || quiet >= GATHER ? 0 : GATHER - quiet;
}

/* At once, or soon when only what the server can give us again is queued. */
static void
kick_in_time(struct store *s)
{
	if (s->hurried || queue_has_secrets(&s->queue) || !list_is_empty(&s->waiters) ||
	    !list_is_empty(&s->told))
		kick(s);
	else if (queue_has_names(&s->queue) && !timer_is_set(&s->gather))
		timers_set(loop_timers(s->loop), &s->gather, gather_for(s));
}

static void
write_failed(struct store *s, struct batch *b)
{
	if (s->trouble[0] == '\0')
		log_warn("store: cannot write: %s", b->why);
	(void)snprintf(s->trouble, sizeof(s->trouble), "%s", b->why);
	if (b->r_secrets < 0)
		queue_give_back_secrets(&s->queue, &b->set);
	if (b->r_names < 0)
		queue_give_back_names(&s->queue, &b->set);
	/* They wait for both. */
	list_move_all(&s->waiters, &b->waiters);
	s->pause_ns = s->pause_ns == 0 ? RETRY_FIRST : s->pause_ns * 2;
	if (s->pause_ns > RETRY_MAX)
		s->pause_ns = RETRY_MAX;
	/* Unless somebody came meanwhile who is to be told at once, in any case. */
	if (!s->held && list_is_empty(&s->told))
		timers_set(loop_timers(s->loop), &s->retry, s->pause_ns);
}

static void
written(struct store *s)
{
	if (s->trouble[0] != '\0')
		log_info("store: writing works again");
	s->trouble[0] = '\0';
	s->pause_ns = 0;
}

/* Tells the waiters of a committed batch; they may use the store again. */
static void
tell(struct list *waiters)
{
	while (!list_is_empty(waiters)) {
		struct waiter *w = container_of(waiters->next, struct waiter, link);
		struct waiter copy = *w;

		list_remove(&w->link);
		free(w);
		copy.done(copy.arg);
	}
}

/* The same for those who are told either way. */
static void
tell_result(struct store *s, struct list *told, int rc)
{
	while (!list_is_empty(told)) {
		struct waiter *w = container_of(told->next, struct waiter, link);
		struct waiter copy = *w;

		list_remove(&w->link);
		free(w);
		if (!s->closing)
			copy.told(copy.arg, rc);
	}
}

static bool
secrets_are_kept(const struct store *s, const struct batch *b)
{
	return b->r_secrets == 0 && !s->in_memory;
}

static void
finish_batch(struct lane_job *job)
{
	struct batch *b = container_of(job, struct batch, job);
	struct store *s = b->store;

	s->in_flight = NULL;
	s->in_memory = db_is_memory(s->db);
	if (b->r_names == 0 && b->r_secrets == 0)
		written(s);
	else
		write_failed(s, b);
	/* What came meanwhile goes first; a half that failed has left its lists empty. */
	kick_in_time(s);
	write_set_free_ops(&b->set);
	tell_result(s, &b->told, secrets_are_kept(s, b) ? 0 : -EIO);
	tell(&b->waiters);
	free(b);
}

int
store_open(struct loop *l, const char *path, struct store **ret_store,
    const char **ret_note)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int r;

	/* Before the loop runs, this thread may block. */
	worker_role_assume();
	s->loop = l;
	queue_init(&s->queue);
	list_init(&s->waiters);
	list_init(&s->told);
	timer_init(&s->retry, retry_due);
	timer_init(&s->gather, gathered);
	r = db_open(path, &s->db, &s->open_note);
	if (r == 0) {
		r = lane_new(l, "store", 1, 0, &s->lane);
		if (r < 0)
			db_close(s->db);
	}
	if (r < 0) {
		queue_deinit(&s->queue);
		free(s->open_note);
		free(s);
		return r;
	}
	s->in_memory = db_is_memory(s->db);
	if (s->open_note != NULL)
		log_warn("store: %s", s->open_note);
	if (ret_note != NULL)
		*ret_note = s->open_note;
	*ret_store = s;
	return 0;
}

static void
free_waiters(struct list *waiters)
{
	while (!list_is_empty(waiters)) {
		struct waiter *w = container_of(waiters->next, struct waiter, link);

		list_remove(&w->link);
		free(w);
	}
}

static void
write_last(struct store *s) ON_WORKER
{
	struct batch *b = take_batch(s);

	if (b == NULL)
		return;
	write_batch(b);
	if (b->r_names < 0 || b->r_secrets < 0)
		log_err("store: the last changes are lost: %s", b->why);
	if (b->r_names == 0 && b->r_secrets == 0)
		tell(&b->waiters);
	free_waiters(&b->waiters);
	free_waiters(&b->told);
	write_set_free_ops(&b->set);
	free(b);
}

struct store *
store_close(struct store *s)
{
	if (s == NULL)
		return NULL;
	/* The loop is not running any more. */
	worker_role_assume();
	s->held = true;
	s->closing = true;
	timers_unset(loop_timers(s->loop), &s->retry);
	timers_unset(loop_timers(s->loop), &s->gather);
	s->lane = lane_free(s->lane, true);
	write_last(s);
	db_close(s->db);
	queue_deinit(&s->queue);
	free(s->open_note);
	free(s->load_note);
	free(s);
	return NULL;
}

/* Keeps the line that loading gave, and says it and how many records were no use. */
static void
say_loaded(struct store *s, char *note, int skipped)
{
	if (note != NULL) {
		log_warn("store: %s", note);
		free(s->load_note);
		s->load_note = note;
	}
	if (skipped > 0)
		log_warn("store: %d records could not be read and are skipped", skipped);
}

int
store_load(struct store *s, const struct store_sink *sink)
{
	char *note = NULL;
	int r;

	if (s->in_flight != NULL)
		return -EBUSY;
	worker_role_assume();
	/* The sink may change records at once; the connection is ours until it is done. */
	s->held = true;
	r = db_load(s->db, sink, &note);
	s->held = false;
	say_loaded(s, note, r);
	kick(s);
	return r;
}

int
store_load_secrets(struct store *s, const struct store_secrets *sink)
{
	char *note = NULL;
	bool stopped = s->in_flight != NULL;
	int r;
	int r_lane = 0;

	worker_role_assume();
	s->held = true;
	/* What is being written is waited for: the connection is the lane's until then. */
	if (stopped)
		s->lane = lane_free(s->lane, true);
	r = db_load_secrets(s->db, sink, &note);
	if (stopped)
		r_lane = lane_new(s->loop, "store", 1, 0, &s->lane);
	say_loaded(s, note, r);
	if (r_lane < 0)
		return r_lane; /* held for good: there is nobody to write */
	s->held = false;
	kick(s);
	return r < 0 ? r : 0;
}

static void
put(struct store *s, enum op_kind kind, const struct op *values)
{
	queue_put(&s->queue, kind, NULL, values);
	/* That somebody is gone: a crash must not bring them back. */
	s->hurried |= kind != OP_ID && values->blob == NULL;
	kick_in_time(s);
}

void
store_put_user(struct store *s, const struct user *u, int64_t wall_s)
{
	struct op op = { .uuid = u->uuid, .wall_s = wall_s, .locks = !u->valid };

	op.blob = user_pack(u, &op.len);
	/* Somebody who may not log in any more: nor after a crash. */
	s->hurried |= !u->valid;
	put(s, OP_USER, &op);
}

void
store_put_group(struct store *s, const struct groupid *g, const struct members *m,
    int64_t wall_s)
{
	struct op op = { .uuid = g->uuid, .wall_s = wall_s };

	op.blob = group_pack(g, m, &op.len);
	put(s, OP_GROUP, &op);
}

void
store_del_user(struct store *s, const struct uuid *uuid)
{
	put(s, OP_USER, &(struct op){ .uuid = *uuid });
}

void
store_del_group(struct store *s, const struct uuid *uuid)
{
	put(s, OP_GROUP, &(struct op){ .uuid = *uuid });
}

void
store_put_id(struct store *s, const struct uuid *uuid, uint32_t id, uint32_t pending)
{
	put(s, OP_ID, &(struct op){ .uuid = *uuid, .id = id, .pending = pending });
}

void
store_hurry(struct store *s)
{
	s->hurried = true;
	kick_in_time(s);
}

static void
wait_for(struct list *waiters, const struct waiter *waiter)
{
	struct waiter *w = xcalloc(1, sizeof(*w));

	*w = *waiter;
	list_append(waiters, &w->link);
}

/* Somebody waits: that is worth an attempt before its time. */
static void
hurry(struct store *s)
{
	timers_unset(loop_timers(s->loop), &s->retry);
	kick(s);
}

static void
put_secret(struct store *s, enum op_kind kind, const char *key, struct op *op,
    const void *blob, store_done_fn done, void *arg)
{
	op->blob = xmalloc(op->len == 0 ? 1 : op->len);
	if (op->len > 0)
		memcpy(op->blob, blob, op->len);
	op->told = done != NULL;
	queue_put(&s->queue, kind, key, op);
	if (done == NULL) {
		kick(s);
		return;
	}
	wait_for(&s->told, &(struct waiter){ .told = done, .arg = arg });
	hurry(s);
}

void
store_put_cred(struct store *s, const struct uuid *uuid, const void *blob, size_t len,
    store_done_fn done, void *arg)
{
	struct op op = { .uuid = *uuid, .len = len };

	if (len > STORE_MAX_CRED)
		abort();
	put_secret(s, OP_CRED, NULL, &op, blob, done, arg);
}

void
store_put_value(struct store *s, const char *key, const void *blob, size_t len,
    store_done_fn done, void *arg)
{
	struct op op = { .len = len };

	if (len > STORE_MAX_VALUE || strlen(key) > STORE_MAX_KEY)
		abort();
	put_secret(s, OP_VALUE, key, &op, blob, done, arg);
}

void
store_del_cred(struct store *s, const struct uuid *uuid)
{
	put(s, OP_CRED, &(struct op){ .uuid = *uuid });
}

void
store_del_all_creds(struct store *s)
{
	queue_clear_creds(&s->queue);
	kick(s);
}

void
store_clear(struct store *s)
{
	queue_clear(&s->queue);
	queue_clear_creds(&s->queue);
	kick(s);
}

void
store_flush(struct store *s, void (*done)(void *arg), void *arg)
{
	wait_for(&s->waiters, &(struct waiter){ .done = done, .arg = arg });
	hurry(s);
}

const char *
store_trouble(const struct store *s)
{
	return s->trouble[0] == '\0' ? NULL : s->trouble;
}

bool
store_keeps(const struct store *s)
{
	return s->trouble[0] == '\0' && !s->in_memory;
}

const char *
store_note(const struct store *s)
{
	return s->load_note != NULL ? s->load_note : s->open_note;
}
