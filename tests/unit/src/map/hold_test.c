/* SPDX-License-Identifier: MPL-2.0 */
/* Which generation a process reads, when it looks for another, and what it leaves behind. */
#include "src/map/hold.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ku/map.h"
#include "unit/src/map/fixture.h"

#define LATER (FIXTURE_START + 800)

static unsigned opens;        /* of any file */
static int mmap_error;        /* every mmap fails with it */
static unsigned stat_uid;     /* fstat says the file is this one's, plus 1 */
static void (*in_mmap)(void); /* called before each mmap */
static bool jump_in_read;     /* a signal handler jumps out of the next siphash */
static sigjmp_buf jump_to;

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
void *__real_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off);
int __real_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);
uint64_t __real_siphash13(const void *key, const void *data, size_t len);
uint64_t __wrap_siphash13(const void *key, const void *data, size_t len);

int
__wrap_open64(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, int) : 0;
	va_end(ap);
	(void)__atomic_add_fetch(&opens, 1, __ATOMIC_RELAXED);
	return __real_open64(path, flags, mode);
}

void *
__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	if (in_mmap != NULL)
		in_mmap();
	if (mmap_error != 0) {
		errno = mmap_error;
		return MAP_FAILED;
	}
	return __real_mmap64(at, len, prot, flags, fd, off);
}

int
__wrap_fstat64(int fd, struct stat *st)
{
	int r = __real_fstat64(fd, st);

	if (r == 0 && stat_uid != 0)
		st->st_uid = stat_uid - 1;
	return r;
}

uint64_t
__wrap_siphash13(const void *key, const void *data, size_t len)
{
	if (jump_in_read) {
		jump_in_read = false;
		(void)raise(SIGALRM);
	}
	return __real_siphash13(key, data, len);
}

static unsigned
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static int
setup(void **state)
{
	opens = 0;
	mmap_error = 0;
	stat_uid = 0;
	in_mmap = NULL;
	jump_in_read = false;
	return fixture_setup(state);
}

static void
a_hit_makes_no_system_call_of_ours(void **state)
{
	struct fixture *f = *state;
	unsigned fds;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	fds = count_fds();
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(count_fds(), fds);
	opens = 0;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
		assert_int_equal(ask_user(&f->m, "nobody-here"), MAP_ABSENT);
	}
	assert_int_equal(opens, 0);
}

static void
a_replaced_file_is_followed_at_the_next_call(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	for (int i = 0; i < 100; i++) {
		fixture_generation(f);
		fixture_user(f, "bob", 5001 + (uint32_t)i, LATER);
		opens = 0;
		assert_int_equal(ask_user(&f->m, "bob"), MAP_HIT);
		assert_int_equal(asked_pw.pw_uid, 5001 + i);
		assert_int_equal(opens, 1);
		assert_int_equal(count_maps(f), 1);
	}
}

static void
a_replaced_file_without_a_new_one_goes_on_serving(void **state)
{
	struct fixture *f = *state;
	char moved[128];

	(void)snprintf(moved, sizeof(moved), "%s/moved", f->dir);
	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	header_set(f, KU_MAP_H_STATE, KU_MAP_REPLACED);
	/* As in a chroot: the path leads nowhere. */
	assert_int_equal(rename(f->path, moved), 0);
	opens = 0;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(opens, 1);
	/* As with one file bound into a container: the path leads to the same file. */
	assert_int_equal(rename(moved, f->path), 0);
	opens = 0;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(opens, 1);
	assert_int_equal(count_maps(f), 1);
	/* Within the limit only. */
	fixture_now += KU_MAP_LEASE + 3601;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_ABSENT_NO_DAEMON);
}

static void
a_lease_run_out_makes_one_look_a_second(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fixture_now += KU_MAP_LEASE;
	for (int second = 0; second < 3; second++) {
		opens = 0;
		for (int i = 0; i < 1000; i++)
			assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
		assert_int_equal(opens, 1);
		fixture_now++;
	}
	/* A daemon that was killed has been started again: found within that second. */
	f->p = publish_free(f->p);
	f->ts.now.boot_ns = (int64_t)fixture_now * CLOCK_S;
	f->p = publish_new(&f->ts, &f->settings);
	fixture_user(f, "alice", 5077, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(asked_pw.pw_uid, 5077);
	assert_int_equal(count_maps(f), 1);
}

static void
a_withdrawn_file_is_never_used_again(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(publish_withdraw_path(f->path), 0);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_NONE);
	assert_int_equal(count_maps(f), 0);
	assert_int_equal(publish_withdraw_path(f->path), 0);
}

static void
a_withdrawn_file_at_the_path_is_not_opened(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	header_set(f, KU_MAP_H_STATE, KU_MAP_WITHDRAWN);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_NONE);
	header_set(f, KU_MAP_H_STATE, 77);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_NONE);
	header_set(f, KU_MAP_H_STATE, KU_MAP_LIVE);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	header_set(f, KU_MAP_H_STATE, KU_MAP_WITHDRAWN);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_NONE);
}

/* A process that has asked nothing for a generation, and then meets a file that is taken back. */
static void
a_withdrawn_file_at_the_path_takes_older_ones_with_it(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fixture_generation(f);
	header_set(f, KU_MAP_H_STATE, KU_MAP_WITHDRAWN);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_NONE);
	assert_int_equal(count_maps(f), 0);
	/* of whatever else: one that cannot be read is none */
	header_set(f, KU_MAP_H_STATE, KU_MAP_LIVE);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fixture_generation(f);
	header_set(f, KU_MAP_H_STATE, 77);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(count_maps(f), 1);
}

static void
a_file_of_another_owner_is_refused(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fixture_generation(f);
	fixture_user(f, "alice", 5001, LATER);
	stat_uid = 12345 + 1;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(asked_pw.pw_uid, 5000);
	stat_uid = 0;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(asked_pw.pw_uid, 5001);
}

static void
a_file_others_may_write_or_a_link_is_refused(void **state)
{
	struct fixture *f = *state;
	char moved[128];

	(void)snprintf(moved, sizeof(moved), "%s/moved", f->dir);
	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(chmod(f->path, 0664), 0);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_NONE);
	assert_int_equal(chmod(f->path, 0644), 0);
	assert_int_equal(rename(f->path, moved), 0);
	assert_int_equal(symlink(moved, f->path), 0);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_NONE);
	assert_int_equal(rename(moved, f->path), 0);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
}

static void
a_failed_mapping_is_not_tried_again_within_a_second(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	mmap_error = EAGAIN;
	errno = EXDEV;
	opens = 0;
	for (int i = 0; i < 50; i++)
		assert_int_equal(ask_user(&f->m, "alice"), MAP_NONE);
	assert_int_equal(opens, 1);
	assert_int_equal(errno, EXDEV);
	mmap_error = 0;
	fixture_now += 2;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
}

/* In a child: descriptors 0 to 2 closed, the map must not land there. */
static void
without_a_free_slot_lookups_go_through_a_descriptor(void **state)
{
	struct fixture *f = *state;
	const char *const members[] = { "alice", "bob" };
	unsigned fds;

	fixture_user(f, "alice", 5000, LATER);
	fixture_group(f, "staff", 6000, members, 2, LATER);
	fixture_local(f, "root:x:0:0::/:/bin/sh\n", "", NULL);
	fixture_commit(f);
	publish_negative(f->p, PUBLISH_USER, "nobody-here", 0, LATER);
	for (unsigned i = 0; i < MAP_SLOTS; i++)
		f->m.slots[i].state =
		    1; /* all being filled by threads that are no more */
	fds = count_fds();
	assert_int_equal(ask_user(&f->m, "alice@own.example"), MAP_HIT);
	assert_string_equal(asked_pw.pw_dir, "/home/alice");
	assert_int_equal(ask_group(&f->m, "staff"), MAP_HIT);
	assert_string_equal(asked_gr.gr_mem[1], "bob");
	assert_int_equal(ask_user(&f->m, "root"), MAP_LOCAL);
	assert_int_equal(ask_user(&f->m, "nobody-here"), MAP_NEGATIVE);
	assert_int_equal(ask_user(&f->m, "carol"), MAP_ABSENT);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(count_maps(f), 0);
}

static void
on_alarm(int sig)
{
	(void)sig;
	siglongjmp(jump_to, 1);
}

static void
jumping_out_of_lookups_leaves_a_bounded_number_of_maps(void **state)
{
	struct fixture *f = *state;
	struct sigaction sa = { .sa_handler = on_alarm }, old;
	unsigned fds;

	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fds = count_fds();
	for (int i = 0; i < 10000; i++) {
		if (sigsetjmp(jump_to, 1) == 0) {
			jump_in_read = true;
			(void)ask_user(&f->m, "alice");
			fail_msg("the handler did not jump");
		}
	}
	/* The count never comes back to zero now; lookups still find the newest file. */
	for (uint32_t i = 0; i < 50; i++) {
		fixture_generation(f);
		fixture_user(f, "alice", 5001 + i, LATER);
		assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
		assert_int_equal(asked_pw.pw_uid, 5001 + i);
		assert_true(count_maps(f) <= MAP_SLOTS);
	}
	assert_int_equal(count_maps(f), MAP_SLOTS);
	assert_int_equal(count_fds(), fds);
	(void)sigaction(SIGALRM, &old, NULL);
}

struct looker {
	struct map *m;
	bool *stop;
};

static void *
look(void *arg)
{
	struct looker *l = arg;
	struct passwd pw;
	char buf[256];

	while (!__atomic_load_n(l->stop, __ATOMIC_RELAXED))
		(void)map_passwd_by_uid(l->m, 5000, 0, &pw, buf, sizeof(buf));
	return NULL;
}

static int
live_through_generations(struct fixture *f)
{
	for (uint32_t i = 0; i < 1000; i++) {
		fixture_want_generation(f);
		if (publish_commit(f->p) != 0)
			return 1;
		fixture_user(f, "alice", 6000 + i, LATER);
		if (ask_user(&f->m, "alice") != MAP_HIT || asked_pw.pw_uid != 6000 + i)
			return 2;
	}
	return count_maps(f) <= MAP_SLOTS ? 0 : 3;
}

static void
a_child_forked_under_reading_threads_goes_on(void **state)
{
	struct fixture *f = *state;
	bool stop = false;
	struct looker l = { &f->m, &stop };
	pthread_t threads[8];
	int status;
	pid_t pid;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, &l), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(live_through_generations(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* As if another thread had claimed it, seen no pin, and were about to unmap it. */
static void
a_slot_that_is_about_to_go_is_not_kept(void **state)
{
	struct fixture *f = *state;
	struct map_slot *slot;
	uint32_t was;
	struct access a;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_true(hold_acquire(&f->m, fixture_now, &a));
	slot = &f->m.slots[a.slot - 1];
	was = slot->state;
	slot->state = 4; /* SLOT_CLAIMED */
	hold_keep(&f->m, 0, &a, fixture_now);
	assert_int_equal(f->m.held[0], 0);
	assert_int_equal(slot->pins, 0);
	slot->state = was;
	hold_keep(&f->m, 0, &a, fixture_now);
	assert_int_equal(f->m.held[0], a.slot);
	assert_int_equal(slot->pins, 1);
	hold_release(&f->m, &a);
	hold_drop(&f->m, 0);
	assert_int_equal(slot->pins, 0);
}

static void
a_thread_that_read_the_clock_before_does_not_end_an_enumeration(void **state)
{
	struct fixture *f = *state;
	uint64_t cursor = 0;
	struct passwd pw;
	char buf[512];
	uint32_t held;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(map_passwd_next(&f->m, &cursor, &pw, buf, sizeof(buf)), MAP_HIT);
	held = f->m.held[0];
	assert_int_not_equal(held, 0);
	fixture_generation(f);
	f->m.held_since[0] = fixture_now + 1;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(f->m.held[0], held);
	f->m.held_since[0] = fixture_now - HOLD_ENUM_SECONDS - 1;
	fixture_generation(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(f->m.held[0], 0);
}

static sem_t slow_is_mapping, slow_may_map;
static pthread_t slow_thread;
static bool slow_is_slow;

/* The slow one waits between open and mmap; the other one, there, lets it go first. */
static void
let_the_slow_one_first(void)
{
	if (slow_is_slow) {
		slow_is_slow = false;
		(void)sem_post(&slow_is_mapping);
		(void)sem_wait(&slow_may_map);
		return;
	}
	in_mmap = NULL;
	(void)sem_post(&slow_may_map);
	(void)pthread_join(slow_thread, NULL);
}

static void *
look_once(void *arg)
{
	struct passwd pw;
	char buf[256];

	(void)map_passwd_by_uid(arg, 5000, 0, &pw, buf, sizeof(buf));
	return NULL;
}

static void
a_file_opened_before_does_not_stand_for_a_newer_one(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sem_init(&slow_is_mapping, 0, 0), 0);
	assert_int_equal(sem_init(&slow_may_map, 0, 0), 0);
	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fixture_generation(f);
	slow_is_slow = true;
	in_mmap = let_the_slow_one_first;
	assert_int_equal(pthread_create(&slow_thread, NULL, look_once, &f->m), 0);
	assert_int_equal(sem_wait(&slow_is_mapping), 0);
	/* it has opened the second generation; now there is a third */
	in_mmap = NULL;
	fixture_generation(f);
	fixture_user(f, "alice", 5003, LATER);
	in_mmap = let_the_slow_one_first;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(asked_pw.pw_uid, 5003);
	assert_int_equal(count_maps(f), 1);
	(void)sem_destroy(&slow_is_mapping);
	(void)sem_destroy(&slow_may_map);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_hit_makes_no_system_call_of_ours),
		T(a_replaced_file_is_followed_at_the_next_call),
		T(a_replaced_file_without_a_new_one_goes_on_serving),
		T(a_lease_run_out_makes_one_look_a_second),
		T(a_withdrawn_file_is_never_used_again),
		T(a_withdrawn_file_at_the_path_is_not_opened),
		T(a_withdrawn_file_at_the_path_takes_older_ones_with_it),
		T(a_file_of_another_owner_is_refused),
		T(a_file_others_may_write_or_a_link_is_refused),
		T(a_failed_mapping_is_not_tried_again_within_a_second),
		T(without_a_free_slot_lookups_go_through_a_descriptor),
		T(jumping_out_of_lookups_leaves_a_bounded_number_of_maps),
		T(a_child_forked_under_reading_threads_goes_on),
		T(a_slot_that_is_about_to_go_is_not_kept),
		T(a_file_opened_before_does_not_stand_for_a_newer_one),
		T(a_thread_that_read_the_clock_before_does_not_end_an_enumeration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
