/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Another thread between any two instructions of a reader. The processor stops the reader
 * after each one (the trap flag) until its turn; then the writer makes a new generation and
 * another thread follows it. At the moment at which that one, having found nobody inside,
 * has unmapped the old generation, the reader goes on: it must not touch that any more.
 */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include "ku/map.h"
#include "src/map/hold.h"
#include "unit/src/map/fixture.h"

int __real_munmap(void *at, size_t len);
int __wrap_munmap(void *at, size_t len);

static void (*unmapped)(void);

int
__wrap_munmap(void *at, size_t len)
{
	int r = __real_munmap(at, len);

	if (unmapped != NULL)
		unmapped();
	return r;
}

/* A sanitizer's own instructions are a hundred times as many. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#include <x86intrin.h>

#define TRAP_FLAG 0x100
#define NEVER     (-1)

struct reader {
	struct fixture *f;
	struct access a;
	bool got;
};

static volatile int steps;  /* of the reader, so far */
static volatile int act_at; /* after this one it waits */
static sem_t stopped, go, has_it;
static bool is_waiting;   /* the reader */
static bool is_following; /* the other thread, to the new generation */

static void
let_reader_go(void)
{
	is_waiting = false;
	(void)sem_post(&go);
	(void)sem_wait(&has_it);
}

static void
on_unmapped(void)
{
	if (is_following && is_waiting)
		let_reader_go();
}

static void
on_fault(int sig)
{
	static const char text[] = "a reader is in what was unmapped\n";

	(void)sig;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

static void
wait_for_turn(void)
{
	(void)sem_post(&stopped);
	while (sem_wait(&go) != 0)
		continue;
}

static void
on_step(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	if (++steps != act_at)
		return;
	uc->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	wait_for_turn();
}

/* Between these two; afterwards `steps` says how many instructions there were. */
static inline void
begin_steps(void)
{
	steps = 0;
	__writeeflags(__readeflags() | TRAP_FLAG);
}

static inline void
end_steps(void)
{
	__writeeflags(__readeflags() & ~(unsigned long long)TRAP_FLAG);
}

static void
acquire_by_steps(struct reader *r)
{
	begin_steps();
	r->got = hold_acquire(&r->f->m, fixture_now, &r->a);
	end_steps();
}

static void *
read_by_steps(void *arg)
{
	acquire_by_steps(arg);
	if (steps < act_at)
		wait_for_turn();
	(void)sem_post(&has_it);
	return NULL;
}

static void
make_generation(struct fixture *f)
{
	fixture_generation(f);
	fixture_user(f, "alice", 5000, FIXTURE_START + 800);
}

static void
follow(struct fixture *f)
{
	is_following = true;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	is_following = false;
}

/* Mapped, and the generation that it says. */
static void
assert_is_there(const struct access *a)
{
	unsigned char page;

	assert_int_not_equal(a->slot, 0);
	assert_non_null(a->view->base);
	assert_int_equal(mincore((void *)(uintptr_t)a->view->base, 1, &page), 0);
	assert_int_equal(view_header(a->view, KU_MAP_H_GENERATION), a->view->generation);
}

static void
meet_at(struct reader *r, int at)
{
	pthread_t thread;

	act_at = at;
	is_waiting = true;
	assert_int_equal(pthread_create(&thread, NULL, read_by_steps, r), 0);
	(void)sem_wait(&stopped);
	make_generation(r->f);
	follow(r->f);
	if (is_waiting)
		let_reader_go();
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(r->got);
	assert_is_there(&r->a);
	hold_release(&r->f->m, &r->a);
}

static void
what_a_reader_got_stays_whenever_another_thread_moves_on(void **state)
{
	struct reader r = { .f = *state };
	int n;

	assert_int_equal(sem_init(&stopped, 0, 0), 0);
	assert_int_equal(sem_init(&go, 0, 0), 0);
	assert_int_equal(sem_init(&has_it, 0, 0), 0);
	fixture_user(r.f, "alice", 5000, FIXTURE_START + 800);
	fixture_commit(r.f);
	follow(r.f);
	act_at = NEVER;
	acquire_by_steps(&r);
	hold_release(&r.f->m, &r.a);
	n = steps;
	assert_true(n > 20 && n < 5000);
	for (int at = 1; at <= n; at++) {
		meet_at(&r, at);
		make_generation(r.f);
		follow(r.f);
		assert_int_equal(count_maps(r.f), 1);
	}
}

static int
setup(void **state)
{
	struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	(void)signal(SIGSEGV, on_fault);
	unmapped = on_unmapped;
	return sigaction(SIGTRAP, &sa, NULL) != 0 ? -1 : fixture_setup(state);
}
#else
static void
what_a_reader_got_stays_whenever_another_thread_moves_on(void **state)
{
	(void)state;
	skip();
}

static int
setup(void **state)
{
	return fixture_setup(state);
}
#endif

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_a_reader_got_stays_whenever_another_thread_moves_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
