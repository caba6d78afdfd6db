/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Jobs, and those who wait for them. The two lead separate lives: a waiter is answered by
 * its own deadline whatever tasks does, and a job is carried through whether or not anybody
 * still waits, since the person will be back.
 */
#include "src/unixd/taskq/taskq.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/acceptor.h"
#include "src/unixd/taskq/internal.h"

#define BACK_MS    1000 /* a tasks daemon that has gone may be restarting */
#define MAX_SENT   3    /* a job that tasks dies of is not tried for ever */
#define SILENT_FOR (5 * CLOCK_S)

/* ---- waiters ---- */

static void
answer(struct taskq_waiter *w, enum taskq_result res, const char *text)
{
	taskq_fn fn = w->fn;
	void *arg = w->arg;

	if (w->answered != NULL)
		*w->answered = true;
	timers_unset(w->q->ts, &w->timer);
	list_remove(&w->link);
	free(w);
	fn(arg, res, text);
}

static void
answer_all(struct list *waiters, enum taskq_result res, const char *text)
{
	while (!list_is_empty(waiters))
		answer(container_of(waiters->next, struct taskq_waiter, link), res, text);
}

static void
on_deadline(struct timer *t)
{
	struct taskq_waiter *w = container_of(t, struct taskq_waiter, timer);

	answer(w, w->q->peer != NULL ? TASKQ_TIMED_OUT : TASKQ_NO_TASKS, "");
}

void
taskq_cancel(struct taskq_waiter *w)
{
	if (w == NULL)
		return;
	timers_unset(w->q->ts, &w->timer);
	list_remove(&w->link);
	free(w);
}

/* ---- jobs ---- */

static bool
is_same(const struct taskq_home *a, const struct taskq_home *b)
{
	return uuid_equal(&a->uuid, &b->uuid) && a->uid == b->uid && a->gid == b->gid &&
	    streq(a->name, b->name) && streq(a->spn, b->spn) && streq(a->shown, b->shown);
}

static struct job *
job_find(struct taskq *q, const struct taskq_home *home)
{
	struct list *it;

	if (q->current != NULL && is_same(&q->current->home, home))
		return q->current;
	list_for_each(it, &q->queue) {
		struct job *j = container_of(it, struct job, link);

		if (is_same(&j->home, home))
			return j;
	}
	return NULL;
}

static struct job *
job_new(struct taskq *q, const struct taskq_home *home)
{
	size_t name = strlen(home->name) + 1, spn = strlen(home->spn) + 1;
	size_t shown = strlen(home->shown) + 1;
	struct job *j = xcalloc(1, sizeof(*j));

	j->home = *home;
	j->strings = xmalloc(name + spn + shown);
	j->home.name = memcpy(j->strings, home->name, name);
	j->home.spn = memcpy(j->strings + name, home->spn, spn);
	j->home.shown = memcpy(j->strings + name + spn, home->shown, shown);
	list_init(&j->waiters);
	list_append(&q->queue, &j->link);
	q->n_jobs++;
	return j;
}

/* Takes it out, and tells everybody who waited. */
static void
job_end(struct taskq *q, struct job *j, enum taskq_result res, const char *text)
{
	struct list waiters;

	if (q->current == j)
		q->current = NULL;
	list_remove(&j->link);
	q->n_jobs--;
	if (res == TASKQ_FAILED) {
		(void)snprintf(q->trouble, sizeof(q->trouble), "%.128s: %.256s",
		    j->home.spn, text);
		/* Else it is said where it was asked for. */
		if (list_is_empty(&j->waiters))
			log_warn("tasks: home directory of %s: %s", j->home.spn, text);
	}
	list_init(&waiters);
	list_move_all(&waiters, &j->waiters);
	free(j->strings);
	free(j);
	answer_all(&waiters, res, text);
}

/* Puts the first job to tasks, when there is one and tasks is free. */
static void
pump(struct taskq *q)
{
	uint8_t frame[KU_WIRE_HEADER_LEN + KU_TASK_MAX_REQ];
	struct job *j;
	int len;

	while (q->peer != NULL && q->current == NULL && !list_is_empty(&q->queue)) {
		j = container_of(q->queue.next, struct job, link);
		len = message_home(&j->home, ++q->serial, frame);
		if (len < 0) {
			job_end(q, j, TASKQ_FAILED, "the name is too long");
			continue;
		}
		list_remove(&j->link);
		q->current = j;
		q->current_at = q->ts->now.mono_ns;
		j->sent++;
		(void)peer_send(q->peer, frame, (size_t)len);
	}
}

bool
taskq_replied(struct taskq *q, const struct frame_header *h, const char *text)
{
	if (q->current == NULL || h->serial != q->serial)
		return false;
	if (h->status == KU_ST_OK)
		job_end(q, q->current, TASKQ_OK, "");
	else
		job_end(q, q->current, TASKQ_FAILED,
		    text[0] != '\0' ? text : "the home directory could not be made");
	pump(q);
	return true;
}

void
taskq_greeted(struct taskq *q)
{
	timers_unset(q->ts, &q->coming);
	log_info("tasks: connected version=%s", q->version);
	pump(q);
}

/* What was under way is put to the next one, before anything else. */
void
taskq_lost(struct taskq *q)
{
	struct job *j = q->current;

	q->current = NULL;
	if (!q->closing) {
		log_warn("tasks: disconnected");
		timers_set(q->ts, &q->coming, BACK_MS * CLOCK_MS);
	}
	if (j == NULL)
		return;
	if (j->sent >= MAX_SENT && !q->closing) {
		job_end(q, j, TASKQ_FAILED,
		    "the service that makes home directories "
		    "ended while it made this one");
		return;
	}
	/* In front. */
	list_append(q->queue.next, &j->link);
}

static void
on_not_come(struct timer *t)
{
	struct taskq *q = container_of(t, struct taskq, coming);
	struct list *it, waiters;

	list_init(&waiters);
	list_for_each(it, &q->queue)
		list_move_all(&waiters, &container_of(it, struct job, link)->waiters);
	answer_all(&waiters, TASKQ_NO_TASKS, "");
}

struct taskq_waiter *
taskq_home(struct taskq *q, const struct taskq_home *home, int budget_ms, taskq_fn fn,
    void *arg)
{
	struct taskq_waiter *w;
	bool answered = false;
	struct job *j;

	if (q->peer == NULL && !timer_is_set(&q->coming)) {
		fn(arg, TASKQ_NO_TASKS, "");
		return NULL;
	}
	j = job_find(q, home);
	if (j == NULL && q->n_jobs >= TASKQ_MAX_JOBS) {
		fn(arg, TASKQ_BUSY, "");
		return NULL;
	}
	if (j == NULL)
		j = job_new(q, home);
	w = xcalloc(1, sizeof(*w));
	w->q = q;
	w->fn = fn;
	w->arg = arg;
	w->answered = &answered;
	timer_init(&w->timer, on_deadline);
	list_append(&j->waiters, &w->link);
	timers_set(q->ts, &w->timer, (budget_ms > 0 ? budget_ms : 0) * CLOCK_MS);
	/* May find that tasks is gone, for the last time. */
	pump(q);
	if (answered)
		return NULL;
	w->answered = NULL;
	return w;
}

/* ---- life ---- */

int
taskq_new(struct loop *l, const char *path, struct taskq **ret_q)
{
	struct taskq *q = xcalloc(1, sizeof(*q));

	q->loop = l;
	q->ts = loop_timers(l);
	q->path = xstrdup(path);
	list_init(&q->strangers);
	list_init(&q->queue);
	timer_init(&q->coming, on_not_come);
	q->bind_error = acceptor_bind(l, path, 0, peer_accepted, q, &q->acceptor);
	if (q->bind_error < 0)
		log_warn("tasks: cannot listen path=%s: %s", path,
		    strerror(-q->bind_error));
	else
		timers_set(q->ts, &q->coming, TASKQ_COMING_S * CLOCK_S);
	*ret_q = q;
	return 0;
}

struct taskq *
taskq_free(struct taskq *q)
{
	if (q == NULL)
		return NULL;
	q->closing = true;
	q->acceptor = acceptor_close(q->acceptor);
	while (!list_is_empty(&q->strangers))
		(void)peer_close(container_of(q->strangers.next, struct peer, link));
	if (q->peer != NULL)
		(void)peer_close(q->peer);
	while (!list_is_empty(&q->queue))
		job_end(q, container_of(q->queue.next, struct job, link), TASKQ_NO_TASKS,
		    "");
	timers_unset(q->ts, &q->coming);
	free(q->path);
	free(q);
	return NULL;
}

bool
taskq_is_connected(const struct taskq *q)
{
	return q->peer != NULL;
}

void
taskq_status(const struct taskq *q,
    void (*fn)(void *arg, const char *key, const char *value), void *arg)
{
	int64_t since = q->ts->now.mono_ns - q->current_at;
	char text[512];

	if (q->bind_error < 0)
		(void)snprintf(text, sizeof(text), "cannot listen at %.256s: %s", q->path,
		    strerror(-q->bind_error));
	else if (q->peer == NULL)
		(void)snprintf(text, sizeof(text), "not connected");
	else if (q->current != NULL && since >= SILENT_FOR)
		(void)snprintf(text, sizeof(text),
		    "connected, has not answered for %" PRIi64 " s, %zu waiting",
		    since / CLOCK_S, q->n_jobs);
	else
		(void)snprintf(text, sizeof(text), "connected");
	fn(arg, "tasks", text);
	if (q->peer != NULL)
		fn(arg, "tasks_version", q->version);
	if (q->trouble[0] != '\0')
		fn(arg, "tasks_trouble", q->trouble);
}
