/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/core/lane.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/unixd/core/loop.h"

struct work {
	struct lane_job job;
	struct loop *l;
	sem_t *gate;    /* waited for in run, when not NULL */
	sem_t *started; /* posted in run, when not NULL */
	pthread_t ran_on;
	int ran;
	int done;
	int *counter; /* loop's: number of jobs done */
	int order;
};

static void
on_run(struct lane_job *job)
{
	struct work *w = container_of(job, struct work, job);

	worker_role_assume();
	if (w->started != NULL)
		assert_int_equal(sem_post(w->started), 0);
	if (w->gate != NULL)
		assert_int_equal(sem_wait(w->gate), 0);
	w->ran++;
	w->ran_on = pthread_self();
}

static void
on_done(struct lane_job *job)
{
	struct work *w = container_of(job, struct work, job);

	w->done++;
	w->order = (*w->counter)++;
}

static void
work_init(struct work *w, struct loop *l, int *counter)
{
	*w = (struct work){ .l = l, .counter = counter };
	w->job.run = on_run;
	w->job.done = on_done;
}

static void
turn_until(struct loop *l, const int *counter, int n)
{
	struct clock start;

	clock_read(&start);
	while (*counter < n) {
		assert_int_equal(loop_turn(l, 1000), 0);
		assert_true(loop_now(l)->mono_ns - start.mono_ns < 30 * CLOCK_S);
	}
}

static int
setup(void **state)
{
	struct loop *l;

	assert_int_equal(loop_new(&l), 0);
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	(void)loop_free(*state);
	return 0;
}

static void
many_jobs(struct loop *l, unsigned n_threads)
{
	enum { N = 2000 };
	static struct work w[N];
	struct lane *lane;
	int done = 0;

	assert_int_equal(lane_new(l, "test", n_threads, 0, &lane), 0);
	for (int i = 0; i < N; i++) {
		work_init(&w[i], l, &done);
		assert_int_equal(lane_post(lane, &w[i].job), 0);
		if (i % 100 == 0)
			assert_int_equal(loop_turn(l, 0), 0);
	}
	turn_until(l, &done, N);
	for (int i = 0; i < N; i++) {
		assert_int_equal(w[i].ran, 1);
		assert_int_equal(w[i].done, 1);
		assert_false(pthread_equal(w[i].ran_on, pthread_self()));
		if (n_threads == 1)
			assert_int_equal(w[i].order, i);
	}
	assert_null(lane_free(lane, false));
}

static void
test_one_worker_runs_all_jobs_in_order(void **state)
{
	many_jobs(*state, 1);
}

static void
test_four_workers_run_all_jobs_once(void **state)
{
	many_jobs(*state, 4);
}

/* One job in hand and nine queued when the lane is freed. */
static void
free_with_queue(struct loop *l, bool drain, int expect_ran)
{
	enum { N = 10 };
	struct work w[N];
	struct lane *lane;
	sem_t started, gate;
	int done = 0, ran = 0;

	assert_int_equal(sem_init(&started, 0, 0), 0);
	assert_int_equal(sem_init(&gate, 0, 0), 0);
	assert_int_equal(lane_new(l, "test", 1, 0, &lane), 0);
	for (int i = 0; i < N; i++) {
		work_init(&w[i], l, &done);
		if (i == 0) {
			w[i].started = &started;
			w[i].gate = &gate;
		}
		assert_int_equal(lane_post(lane, &w[i].job), 0);
	}
	assert_int_equal(sem_wait(&started), 0);
	assert_int_equal(sem_post(&gate), 0);
	/* Without draining, how many of the queued run is a race; that each is handed back
	 * once is not. */
	assert_null(lane_free(lane, drain));
	for (int i = 0; i < N; i++) {
		ran += w[i].ran;
		assert_int_equal(w[i].done, 1);
	}
	assert_int_equal(done, N);
	assert_true(w[0].ran == 1);
	assert_true(ran >= expect_ran);
	(void)sem_destroy(&started);
	(void)sem_destroy(&gate);
}

static void
test_draining_runs_what_is_queued_before_free_returns(void **state)
{
	free_with_queue(*state, true, 10);
}

static void
test_without_draining_every_job_is_still_handed_back(void **state)
{
	free_with_queue(*state, false, 1);
}

struct opener {
	sem_t *gate;
	sem_t *started;
};

static void *
open_gate_when_stopping(void *arg)
{
	struct opener *o = arg;

	assert_int_equal(sem_wait(o->started), 0);
	assert_int_equal(sem_post(o->gate), 0);
	return NULL;
}

static void
test_a_full_queue_refuses_and_leaves_the_job_with_its_owner(void **state)
{
	struct work w[4];
	struct lane *lane;
	sem_t started, gate;
	int done = 0;

	assert_int_equal(sem_init(&started, 0, 0), 0);
	assert_int_equal(sem_init(&gate, 0, 0), 0);
	assert_int_equal(lane_new(*state, "test", 1, 2, &lane), 0);
	for (int i = 0; i < 4; i++)
		work_init(&w[i], *state, &done);
	w[0].started = &started;
	w[0].gate = &gate;
	assert_int_equal(lane_post(lane, &w[0].job), 0);
	assert_int_equal(sem_wait(&started), 0);
	assert_int_equal(lane_post(lane, &w[1].job), 0);
	assert_int_equal(lane_post(lane, &w[2].job), 0);
	assert_int_equal(lane_post(lane, &w[3].job), -EBUSY);
	assert_int_equal(sem_post(&gate), 0);
	turn_until(*state, &done, 3);
	assert_int_equal(w[3].done, 0);
	/* Room again. */
	assert_int_equal(lane_post(lane, &w[3].job), 0);
	turn_until(*state, &done, 4);
	assert_null(lane_free(lane, false));
	(void)sem_destroy(&started);
	(void)sem_destroy(&gate);
}

struct reposter {
	struct work w;
	struct lane *lane;
	struct lane_job other;
	int refused;
};

static void
on_done_repost(struct lane_job *job)
{
	struct reposter *r = container_of(job, struct reposter, w.job);

	r->w.done++;
	if (lane_post(r->lane, &r->other) == -EBUSY)
		r->refused++;
}

static void
test_posting_from_done_while_the_lane_is_freed_is_refused(void **state)
{
	struct reposter r = { 0 };
	int done = 0;

	work_init(&r.w, *state, &done);
	r.w.job.done = on_done_repost;
	assert_int_equal(lane_new(*state, "test", 1, 0, &r.lane), 0);
	assert_int_equal(lane_post(r.lane, &r.w.job), 0);
	assert_null(lane_free(r.lane, true));
	assert_int_equal(r.w.done, 1);
	assert_int_equal(r.refused, 1);
}

/* A body like the network's: sleeps in poll, woken by an eventfd. */
struct body {
	struct lane *lane;
	int wake_fd;
	bool keep; /* hold the jobs back until the lane stops */
};

static void
body_wake(void *arg)
{
	struct body *b = arg;
	const uint64_t one = 1;

	assert_int_equal(write(b->wake_fd, &one, sizeof(one)), sizeof(one));
}

static void
finish_all(struct body *b, struct lane_job *job)
{
	while (job != NULL) {
		struct lane_job *next = job->next;

		job->run(job);
		lane_finish(b->lane, job);
		job = next;
	}
}

static void
body_main(void *arg)
{
	struct body *b = arg;
	struct lane_job *held = NULL;

	worker_role_assume();
	while (!lane_stopping(b->lane)) {
		struct pollfd p = { .fd = b->wake_fd, .events = POLLIN };
		uint64_t v;

		assert_true(poll(&p, 1, 30000) > 0);
		assert_int_equal(read(b->wake_fd, &v, sizeof(v)), sizeof(v));
		if (!b->keep)
			finish_all(b, lane_take(b->lane));
		else if (held == NULL)
			held = lane_take(b->lane);
	}
	finish_all(b, held);
}

static void
test_a_lane_with_a_body_is_woken_for_each_job(void **state)
{
	enum { N = 500 };
	static struct work w[N];
	struct body b = { .wake_fd = eventfd(0, EFD_CLOEXEC) };
	int done = 0;

	assert_int_equal(lane_new_body(*state, "body", body_main, body_wake, &b, &b.lane),
	    0);
	for (int i = 0; i < N; i++) {
		work_init(&w[i], *state, &done);
		assert_int_equal(lane_post(b.lane, &w[i].job), 0);
		if (i % 50 == 0)
			turn_until(*state, &done, i + 1);
	}
	turn_until(*state, &done, N);
	for (int i = 0; i < N; i++)
		assert_int_equal(w[i].order, i);
	assert_null(lane_free(b.lane, false));
	(void)close(b.wake_fd);
}

static void
test_a_body_is_woken_to_stop_and_hands_back_what_it_held(void **state)
{
	enum { N = 50 };
	static struct work w[N];
	struct body b = { .wake_fd = eventfd(0, EFD_CLOEXEC), .keep = true };
	int done = 0;

	assert_int_equal(lane_new_body(*state, "body", body_main, body_wake, &b, &b.lane),
	    0);
	for (int i = 0; i < N; i++) {
		work_init(&w[i], *state, &done);
		assert_int_equal(lane_post(b.lane, &w[i].job), 0);
	}
	assert_null(lane_free(b.lane, false));
	assert_int_equal(done, N);
	for (int i = 0; i < N; i++)
		assert_int_equal(w[i].done, 1);
	(void)close(b.wake_fd);
}

static void
test_freeing_waits_for_the_job_in_hand(void **state)
{
	struct work w;
	struct lane *lane;
	sem_t started, gate;
	struct opener o = { .gate = &gate, .started = &started };
	pthread_t t;
	int done = 0;

	assert_int_equal(sem_init(&started, 0, 0), 0);
	assert_int_equal(sem_init(&gate, 0, 0), 0);
	assert_int_equal(lane_new(*state, "test", 1, 0, &lane), 0);
	work_init(&w, *state, &done);
	w.started = &started;
	w.gate = &gate;
	assert_int_equal(pthread_create(&t, NULL, open_gate_when_stopping, &o), 0);
	assert_int_equal(lane_post(lane, &w.job), 0);
	assert_null(lane_free(lane, true));
	assert_int_equal(w.ran, 1);
	assert_int_equal(w.done, 1);
	assert_int_equal(pthread_join(t, NULL), 0);
	(void)sem_destroy(&started);
	(void)sem_destroy(&gate);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_one_worker_runs_all_jobs_in_order),
		TEST(test_four_workers_run_all_jobs_once),
		TEST(test_draining_runs_what_is_queued_before_free_returns),
		TEST(test_without_draining_every_job_is_still_handed_back),
		TEST(test_a_full_queue_refuses_and_leaves_the_job_with_its_owner),
		TEST(test_posting_from_done_while_the_lane_is_freed_is_refused),
		TEST(test_a_lane_with_a_body_is_woken_for_each_job),
		TEST(test_a_body_is_woken_to_stop_and_hands_back_what_it_held),
		TEST(test_freeing_waits_for_the_job_in_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
