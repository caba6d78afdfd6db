/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Lanes: where the daemon's only threads are. A job is owned by one side at a time; the
 * mutex protects two queues of pointers and nothing else, so no state of the daemon is
 * ever seen by two threads at once.
 *
 * The way back is an eventfd in the loop's epoll set, written when the queue of finished
 * jobs stops being empty.
 *
 * Lane threads block every signal: those belong to the loop's signalfd.
 */
#include "src/unixd/core/lane.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/loop.h"

#if defined(__clang__)
struct thread_role worker_role;
#endif

struct queue {
	struct lane_job *first;
	struct lane_job *last;
	size_t n;
};

struct lane {
	struct loop *loop;
	struct loop_fd finished_fd;
	void (*body)(void *arg);
	void (*wake)(void *arg);
	void *arg;
	size_t max_jobs;
	unsigned n_threads;
	pthread_t *threads;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct queue queued;
	struct queue finished;
	bool stopping;
	bool drain;
};

static void
queue_push(struct queue *q, struct lane_job *job)
{
	job->next = NULL;
	if (q->last == NULL)
		q->first = job;
	else
		q->last->next = job;
	q->last = job;
	q->n++;
}

static struct lane_job *
queue_pop(struct queue *q)
{
	struct lane_job *job = q->first;

	if (job == NULL)
		return NULL;
	q->first = job->next;
	if (q->first == NULL)
		q->last = NULL;
	q->n--;
	job->next = NULL;
	return job;
}

static void
lock_(struct lane *lane)
{
	(void)pthread_mutex_lock(&lane->lock);
}

static void
unlock_(struct lane *lane)
{
	(void)pthread_mutex_unlock(&lane->lock);
}

/* The next job for a plain worker; NULL when it is to end. */
static struct lane_job *
wait_for_job(struct lane *lane)
{
	struct lane_job *job = NULL;

	lock_(lane);
	while (!lane->stopping && lane->queued.n == 0)
		(void)pthread_cond_wait(&lane->changed, &lane->lock);
	if (!lane->stopping || lane->drain)
		job = queue_pop(&lane->queued);
	unlock_(lane);
	return job;
}

static void *
plain_main(void *arg)
{
	struct lane *lane = arg;
	struct lane_job *job;

	worker_role_assume();
	while ((job = wait_for_job(lane)) != NULL) {
		job->run(job);
		lane_finish(lane, job);
	}
	return NULL;
}

static void *
body_main(void *arg)
{
	struct lane *lane = arg;

	worker_role_assume();
	lane->body(lane->arg);
	return NULL;
}

/* Hands every finished job to its done(); on the loop's thread. */
static void
deliver(struct lane *lane)
{
	struct queue batch;
	struct lane_job *job;

	lock_(lane);
	batch = lane->finished;
	lane->finished = (struct queue){ 0 };
	unlock_(lane);
	while ((job = queue_pop(&batch)) != NULL)
		job->done(job);
}

static void
finished_ready(struct loop_fd *f, uint32_t events)
{
	struct lane *lane = container_of(f, struct lane, finished_fd);
	uint64_t count;

	(void)events;
	/* Emptied before the queue is taken: a job finished in between is told again. */
	(void)!read(f->fd, &count, sizeof(count));
	deliver(lane);
}

static struct lane *
lane_destroy(struct lane *lane)
{
	if (lane->finished_fd.fd >= 0) {
		loop_del(lane->loop, &lane->finished_fd);
		(void)close(lane->finished_fd.fd);
	}
	(void)pthread_cond_destroy(&lane->changed);
	(void)pthread_mutex_destroy(&lane->lock);
	free(lane->threads);
	free(lane);
	return NULL;
}

static void
stop_and_join(struct lane *lane, bool drain)
{
	lock_(lane);
	lane->stopping = true;
	lane->drain = drain;
	(void)pthread_cond_broadcast(&lane->changed);
	unlock_(lane);
	if (lane->wake != NULL)
		lane->wake(lane->arg);
	for (unsigned i = 0; i < lane->n_threads; i++)
		(void)pthread_join(lane->threads[i], NULL);
	lane->n_threads = 0;
}

static int
start_threads(struct lane *lane, const char *name, unsigned n)
{
	void *(*main_fn)(void *) = lane->body != NULL ? body_main : plain_main;
	sigset_t all, before;
	int r = 0;

	lane->threads = xcalloc(n, sizeof(*lane->threads));
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < n && r == 0; i++) {
		r = pthread_create(&lane->threads[i], NULL, main_fn, lane);
		if (r == 0) {
			char short_name[16];

			lane->n_threads++;
			(void)snprintf(short_name, sizeof(short_name), "%.15s", name);
			(void)pthread_setname_np(lane->threads[i], short_name);
		}
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

static int
start(struct lane *lane, struct loop *l, const char *name, unsigned n)
{
	int r;

	lane->loop = l;
	lane->finished_fd.fn = finished_ready;
	lane->finished_fd.events = EPOLLIN;
	(void)pthread_mutex_init(&lane->lock, NULL);
	(void)pthread_cond_init(&lane->changed, NULL);
	lane->finished_fd.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lane->finished_fd.fd < 0)
		return -errno;
	r = loop_add(l, &lane->finished_fd);
	return r < 0 ? r : start_threads(lane, name, n);
}

static int
start_or_destroy(struct lane *lane, struct loop *l, const char *name, unsigned n,
    struct lane **ret_lane)
{
	int r;

	/* Before the thread starts and never again: a body may read it at once. */
	*ret_lane = lane;
	r = start(lane, l, name, n);
	if (r < 0) {
		stop_and_join(lane, false);
		*ret_lane = lane_destroy(lane);
	}
	return r;
}

int
lane_new(struct loop *l, const char *name, unsigned n_threads, size_t max_jobs,
    struct lane **ret_lane)
{
	struct lane *lane = xcalloc(1, sizeof(*lane));

	lane->max_jobs = max_jobs;
	return start_or_destroy(lane, l, name, n_threads == 0 ? 1 : n_threads, ret_lane);
}

int
lane_new_body(struct loop *l, const char *name, void (*body)(void *arg),
    void (*wake)(void *arg), void *arg, struct lane **ret_lane)
{
	struct lane *lane = xcalloc(1, sizeof(*lane));

	lane->body = body;
	lane->wake = wake;
	lane->arg = arg;
	return start_or_destroy(lane, l, name, 1, ret_lane);
}

struct lane *
lane_free(struct lane *lane, bool drain)
{
	struct lane_job *job;

	if (lane == NULL)
		return NULL;
	stop_and_join(lane, drain);
	deliver(lane);
	/* No thread is left, so the lock is not needed; done() may try to post (-EBUSY). */
	while ((job = queue_pop(&lane->queued)) != NULL)
		job->done(job);
	return lane_destroy(lane);
}

int
lane_post(struct lane *lane, struct lane_job *job)
{
	bool taken;

	lock_(lane);
	taken = !lane->stopping &&
	    (lane->max_jobs == 0 || lane->queued.n < lane->max_jobs);
	if (taken) {
		queue_push(&lane->queued, job);
		(void)pthread_cond_signal(&lane->changed);
	}
	unlock_(lane);
	if (!taken)
		return -EBUSY;
	if (lane->wake != NULL)
		lane->wake(lane->arg);
	return 0;
}

struct lane_job *
lane_take(struct lane *lane)
{
	struct lane_job *all;

	lock_(lane);
	all = lane->queued.first;
	lane->queued = (struct queue){ 0 };
	unlock_(lane);
	return all;
}

void
lane_finish(struct lane *lane, struct lane_job *job)
{
	const uint64_t one = 1;
	bool first;

	lock_(lane);
	first = lane->finished.n == 0;
	queue_push(&lane->finished, job);
	unlock_(lane);
	/* Cannot fail: the counter is far from full, and EAGAIN means it is readable. */
	if (first)
		(void)!write(lane->finished_fd.fd, &one, sizeof(one));
}

bool
lane_stopping(struct lane *lane)
{
	bool stopping;

	lock_(lane);
	stopping = lane->stopping;
	unlock_(lane);
	return stopping;
}
