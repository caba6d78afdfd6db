/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The loop: level-triggered epoll, one fetch of events a turn, then the timers. Level
 * triggering means that a handler may leave work for the next turn and be told again, so
 * fairness between descriptors needs no code.
 *
 * The one subtle thing is loop_del() during a turn: events already fetched may name the
 * descriptor that is being removed, so they are struck from the batch in hand.
 */
#include "src/unixd/core/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "src/prog/xalloc.h"

#define BATCH 64

struct loop {
	int epoll_fd;
	bool stop;
	struct timers timers;
	int64_t stall_ns;
	int n_fetched;
	struct epoll_event fetched[BATCH];
};

int
loop_new(struct loop **ret_loop)
{
	struct loop *l;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	l = xcalloc(1, sizeof(*l));
	l->epoll_fd = fd;
	timers_init(&l->timers);
	*ret_loop = l;
	return 0;
}

struct loop *
loop_free(struct loop *l)
{
	if (l == NULL)
		return NULL;
	timers_deinit(&l->timers);
	(void)close(l->epoll_fd);
	free(l);
	return NULL;
}

struct timers *
loop_timers(struct loop *l)
{
	return &l->timers;
}

const struct clock *
loop_now(struct loop *l)
{
	return &l->timers.now;
}

static int
control(struct loop *l, int op, struct loop_fd *f)
{
	struct epoll_event ev = { .events = f->events, .data.ptr = f };

	return epoll_ctl(l->epoll_fd, op, f->fd, &ev) == 0 ? 0 : -errno;
}

int
loop_add(struct loop *l, struct loop_fd *f)
{
	return control(l, EPOLL_CTL_ADD, f);
}

int
loop_mod(struct loop *l, struct loop_fd *f, uint32_t events)
{
	uint32_t before = f->events;
	int r;

	if (events == before)
		return 0;
	f->events = events;
	r = control(l, EPOLL_CTL_MOD, f);
	if (r < 0)
		f->events = before;
	return r;
}

static void
strike(struct loop *l, const struct loop_fd *f)
{
	for (int i = 0; i < l->n_fetched; i++) {
		if (l->fetched[i].data.ptr == f)
			l->fetched[i].data.ptr = NULL;
	}
}

void
loop_del(struct loop *l, struct loop_fd *f)
{
	(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, f->fd, NULL);
	strike(l, f);
}

void
loop_close(struct loop *l, struct loop_fd *f)
{
	(void)close(f->fd);
	f->fd = -1;
	strike(l, f);
}

/* Rounded up: waking before the timer is due would only spin. */
static int
wait_ms(const struct loop *l, int timeout_ms)
{
	int64_t next = timers_next(&l->timers);
	int64_t ms;
	struct clock c;

	if (next < 0)
		return timeout_ms;
	clock_read(&c);
	if (next <= c.mono_ns)
		return 0;
	ms = (next - c.mono_ns - 1) / CLOCK_MS + 1;
	if (timeout_ms >= 0 && ms > timeout_ms)
		return timeout_ms;
	return ms > 3600000 ? 3600000 : (int)ms;
}

int
loop_turn(struct loop *l, int timeout_ms)
{
	struct clock after;
	int n = epoll_wait(l->epoll_fd, l->fetched, BATCH, wait_ms(l, timeout_ms));

	if (n < 0 && errno != EINTR)
		return -errno;
	l->n_fetched = n < 0 ? 0 : n;
	clock_read(&l->timers.now);
	for (int i = 0; i < l->n_fetched; i++) {
		struct loop_fd *f = l->fetched[i].data.ptr;

		if (f != NULL)
			f->fn(f, l->fetched[i].events);
	}
	l->n_fetched = 0;
	timers_run(&l->timers);
	clock_read(&after);
	if (after.mono_ns - l->timers.now.mono_ns > l->stall_ns)
		l->stall_ns = after.mono_ns - l->timers.now.mono_ns;
	return 0;
}

int
loop_run(struct loop *l)
{
	int r = 0;

	while (r == 0 && !l->stop)
		r = loop_turn(l, -1);
	l->stop = false;
	return r;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}

int64_t
loop_take_stall_ns(struct loop *l)
{
	int64_t ns = l->stall_ns;

	l->stall_ns = 0;
	return ns;
}
