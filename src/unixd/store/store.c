/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The write-behind queue. It holds at most one change per record (the latest), so however
 * long the disk is slow or full, it cannot grow beyond what the daemon knows anyway.
 *
 * One batch at a time is with the lane. Whatever comes meanwhile waits and becomes the
 * next batch, so a storm of changes turns into few large transactions by itself and a
 * single change is written at once. A batch that failed goes back into the queue, behind
 * whatever is newer, and is tried again with growing pauses.
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

#define RETRY_FIRST (250 * CLOCK_MS)
#define RETRY_MAX   (60 * CLOCK_S)

struct waiter {
	struct list link;
	void (*done)(void *arg);
	void *arg;
};

struct batch {
	struct lane_job job;
	struct store *store;
	struct write_set set;
	struct list waiters;
	int r;
	char why[DB_TEXT_MAX];
};

struct store {
	struct loop *loop;
	struct lane *lane;
	struct db *db; /* the lane's, while a batch is in flight */
	char *open_note;
	char *load_note;
	struct hmap by_key; /* of the queued changes */
	struct list ops;    /* the same, oldest first */
	bool clear;
	struct list waiters;
	struct batch *in_flight;
	struct timer retry;
	int64_t pause_ns; /* 0: the last write went well */
	bool held;        /* while loading and closing nothing is posted */
	char trouble[DB_TEXT_MAX];
};

static uint64_t
key_hash(enum op_kind kind, const struct uuid *uuid)
{
	uint8_t key[sizeof(uuid->b) + 1];

	key[0] = (uint8_t)kind;
	memcpy(key + 1, uuid->b, sizeof(uuid->b));
	return hmap_hash(key, sizeof(key));
}

static struct op *
find(const struct store *s, enum op_kind kind, const struct uuid *uuid)
{
	struct hmap_node *n = hmap_first(&s->by_key, key_hash(kind, uuid));

	for (; n != NULL; n = hmap_same(n)) {
		struct op *op = container_of(n, struct op, node);

		if (op->kind == kind && uuid_equal(&op->uuid, uuid))
			return op;
	}
	return NULL;
}

static void
op_free(struct op *op)
{
	free(op->blob);
	free(op);
}

static void
drop(struct store *s, struct op *op)
{
	hmap_remove(&s->by_key, &op->node);
	list_remove(&op->link);
	op_free(op);
}

static void
enqueue(struct store *s, struct op *op)
{
	hmap_insert(&s->by_key, &op->node, key_hash(op->kind, &op->uuid));
	list_append(&s->ops, &op->link);
}

/* Moves all nodes of `from` to the end of `to`. */
static void
move_all(struct list *to, struct list *from)
{
	struct list *it;
	struct list *tmp;

	list_for_each_safe(it, tmp, from) {
		list_remove(it);
		list_append(to, it);
	}
}

static void
run_batch(struct lane_job *job)
{
	struct batch *b = container_of(job, struct batch, job);

	worker_role_assume();
	b->r = db_write(b->store->db, &b->set, b->why);
}

static void finish_batch(struct lane_job *job);

/* Everything queued, as one batch; NULL when there is nothing to do. */
static struct batch *
take_batch(struct store *s)
{
	struct batch *b;
	struct list *it;

	if (list_is_empty(&s->ops) && !s->clear && list_is_empty(&s->waiters))
		return NULL;
	b = xcalloc(1, sizeof(*b));
	b->job.run = run_batch;
	b->job.done = finish_batch;
	b->store = s;
	list_init(&b->set.ops);
	list_init(&b->waiters);
	move_all(&b->set.ops, &s->ops);
	move_all(&b->waiters, &s->waiters);
	list_for_each(it, &b->set.ops)
		b->set.durable |= container_of(it, struct op, link)->kind == OP_ID;
	b->set.clear = s->clear;
	s->clear = false;
	hmap_deinit(&s->by_key);
	hmap_init(&s->by_key);
	return b;
}

/* Gives the queue to the lane, unless that is busy or a pause is on. */
static void
kick(struct store *s)
{
	if (s->held || s->in_flight != NULL || timer_is_set(&s->retry))
		return;
	s->in_flight = take_batch(s);
	if (s->in_flight != NULL && lane_post(s->lane, &s->in_flight->job) < 0)
		abort(); /* the lane has no bound, and is stopped only while held */
}

static void
retry_due(struct timer *t)
{
	kick(container_of(t, struct store, retry));
}

static void
free_ops(struct list *ops)
{
	struct list *it;
	struct list *tmp;

	list_for_each_safe(it, tmp, ops)
		op_free(container_of(it, struct op, link));
	list_init(ops);
}

/* What could not be written is queued again, except what is outdated by now. */
static void
take_back(struct store *s, struct batch *b)
{
	struct list newer;
	struct list *it;
	struct list *tmp;

	list_init(&newer);
	move_all(&newer, &s->ops);
	list_for_each_safe(it, tmp, &b->set.ops) {
		struct op *op = container_of(it, struct op, link);

		list_remove(&op->link);
		if (find(s, op->kind, &op->uuid) != NULL ||
		    (s->clear && op->kind != OP_ID))
			op_free(op);
		else
			enqueue(s, op);
	}
	move_all(&s->ops, &newer);
	s->clear |= b->set.clear;
	move_all(&s->waiters, &b->waiters);
}

static void
write_failed(struct store *s, struct batch *b)
{
	if (s->trouble[0] == '\0')
		log_warn("store: cannot write: %s", b->why);
	(void)snprintf(s->trouble, sizeof(s->trouble), "%s", b->why);
	take_back(s, b);
	s->pause_ns = s->pause_ns == 0 ? RETRY_FIRST : s->pause_ns * 2;
	if (s->pause_ns > RETRY_MAX)
		s->pause_ns = RETRY_MAX;
	if (!s->held)
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

static void
finish_batch(struct lane_job *job)
{
	struct batch *b = container_of(job, struct batch, job);
	struct store *s = b->store;

	s->in_flight = NULL;
	if (b->r == 0)
		written(s);
	else
		write_failed(s, b);
	/* What came meanwhile goes first; both lists are empty after a failure. */
	kick(s);
	free_ops(&b->set.ops);
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
	hmap_init(&s->by_key);
	list_init(&s->ops);
	list_init(&s->waiters);
	timer_init(&s->retry, retry_due);
	r = db_open(path, &s->db, &s->open_note);
	if (r == 0) {
		r = lane_new(l, "store", 1, 0, &s->lane);
		if (r < 0)
			db_close(s->db);
	}
	if (r < 0) {
		hmap_deinit(&s->by_key);
		free(s->open_note);
		free(s);
		return r;
	}
	if (s->open_note != NULL)
		log_warn("store: %s", s->open_note);
	if (ret_note != NULL)
		*ret_note = s->open_note;
	*ret_store = s;
	return 0;
}

struct store *
store_close(struct store *s)
{
	struct batch *b;

	if (s == NULL)
		return NULL;
	/* The loop is not running any more. */
	worker_role_assume();
	s->held = true;
	timers_unset(loop_timers(s->loop), &s->retry);
	s->lane = lane_free(s->lane, true);
	b = take_batch(s);
	if (b != NULL) {
		b->r = db_write(s->db, &b->set, b->why);
		if (b->r < 0)
			log_err("store: the last changes are lost: %s", b->why);
		else
			tell(&b->waiters);
		while (!list_is_empty(&b->waiters)) {
			struct waiter *w = container_of(b->waiters.next, struct waiter,
			    link);

			list_remove(&w->link);
			free(w);
		}
		free_ops(&b->set.ops);
		free(b);
	}
	db_close(s->db);
	hmap_deinit(&s->by_key);
	free(s->open_note);
	free(s->load_note);
	free(s);
	return NULL;
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
	if (note != NULL) {
		log_warn("store: %s", note);
		free(s->load_note);
		s->load_note = note;
	}
	if (r > 0)
		log_warn("store: %d records could not be read and are skipped", r);
	kick(s);
	return r;
}

static void
put(struct store *s, enum op_kind kind, const struct op *values)
{
	struct op *op = find(s, kind, &values->uuid);

	if (op == NULL) {
		op = xcalloc(1, sizeof(*op));
		op->kind = kind;
		op->uuid = values->uuid;
		enqueue(s, op);
	}
	free(op->blob);
	op->id = values->id;
	op->pending = values->pending;
	op->wall_s = values->wall_s;
	op->blob = values->blob;
	op->len = values->len;
	kick(s);
}

void
store_put_user(struct store *s, const struct user *u, int64_t wall_s)
{
	struct op op = { .uuid = u->uuid, .wall_s = wall_s };

	op.blob = user_pack(u, &op.len);
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
store_clear(struct store *s)
{
	struct list *it;
	struct list *tmp;

	list_for_each_safe(it, tmp, &s->ops) {
		struct op *op = container_of(it, struct op, link);

		if (op->kind != OP_ID)
			drop(s, op);
	}
	s->clear = true;
	kick(s);
}

void
store_flush(struct store *s, void (*done)(void *arg), void *arg)
{
	struct waiter *w = xcalloc(1, sizeof(*w));

	w->done = done;
	w->arg = arg;
	list_append(&s->waiters, &w->link);
	/* Somebody waits: that is worth an attempt before its time. */
	timers_unset(loop_timers(s->loop), &s->retry);
	kick(s);
}

const char *
store_trouble(const struct store *s)
{
	return s->trouble[0] == '\0' ? NULL : s->trouble;
}

const char *
store_note(const struct store *s)
{
	return s->load_note != NULL ? s->load_note : s->open_note;
}
