/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The descriptor that a lookup has for a moment. No slot for a mapping is free here, so that
 * it is open while the lookup reads, and can be looked at.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ku/map.h"
#include "unit/src/map/fixture.h"

#define LATER (FIXTURE_START + 800)

static const char *watched; /* a lookup has a descriptor of this file: is it in */
static unsigned inherited;  /* the way of a program that is started now? */
static unsigned not_inherited;

uint64_t __real_siphash13(const void *key, const void *data, size_t len);
uint64_t __wrap_siphash13(const void *key, const void *data, size_t len);

static void
look_at_descriptors(void)
{
	char link[64], path[128];

	for (int fd = 0; fd < 64; fd++) {
		ssize_t n;

		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, path, sizeof(path) - 1);
		if (n < 0)
			continue;
		path[n] = '\0';
		if (strcmp(path, watched) != 0)
			continue;
		if (fd > 2 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0)
			not_inherited++;
		else
			inherited++;
	}
}

uint64_t
__wrap_siphash13(const void *key, const void *data, size_t len)
{
	if (watched != NULL)
		look_at_descriptors();
	return __real_siphash13(key, data, len);
}

static int
setup(void **state)
{
	watched = NULL;
	inherited = 0;
	not_inherited = 0;
	return fixture_setup(state);
}

static void
descriptors_below_three_stay_free(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int code = 0;

		for (int fd = 0; fd < 3; fd++)
			(void)close(fd);
		/* Stateless, so that a descriptor is in use while the lookup runs. */
		for (unsigned i = 0; i < MAP_SLOTS; i++)
			f->m.slots[i].state = 1;
		watched = f->path;
		if (ask_user(&f->m, "alice") != MAP_HIT)
			code = 1;
		for (int fd = 0; fd < 3; fd++)
			if (fcntl(fd, F_GETFD) != -1)
				code = 2;
		if (inherited != 0 || not_inherited == 0)
			code = 3;
		_exit(code);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
a_program_started_meanwhile_gets_no_descriptor(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	for (unsigned i = 0; i < MAP_SLOTS; i++)
		f->m.slots[i].state = 1;
	watched = f->path;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(inherited, 0);
	assert_int_not_equal(not_inherited, 0);
	for (unsigned i = 0; i < MAP_SLOTS; i++)
		f->m.slots[i].state = 0;
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(descriptors_below_three_stay_free),
		T(a_program_started_meanwhile_gets_no_descriptor),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
