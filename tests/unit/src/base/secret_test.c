/* SPDX-License-Identifier: MPL-2.0 */
#include "src/base/secret.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static bool no_memory;
static bool no_lock;
static size_t left_behind; /* bytes that were not zero when they were unmapped */
static unsigned unmapped;

void *__real_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off);
int __real_munmap(void *p, size_t len);
int __real_mlock(const void *p, size_t len);

void *
__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	if (no_memory) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return __real_mmap64(at, len, prot, flags, fd, off);
}

int
__wrap_munmap(void *p, size_t len)
{
	const uint8_t *b = p;

	left_behind = 0;
	for (size_t i = 0; i < len; i++)
		left_behind += b[i] != 0;
	unmapped++;
	return __real_munmap(p, len);
}

int
__wrap_mlock(const void *p, size_t len)
{
	if (no_lock) {
		errno = ENOMEM;
		return -1;
	}
	return __real_mlock(p, len);
}

/* The VmFlags of the mapping that `p` is in. */
static void
flags_of(const void *p, char *ret_flags, size_t size)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	uintptr_t from, to;
	bool inside = false;
	char line[512];

	assert_non_null(f);
	ret_flags[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
			inside = (uintptr_t)p >= from && (uintptr_t)p < to;
		if (inside && strncmp(line, "VmFlags:", 8) == 0)
			(void)snprintf(ret_flags, size, "%s", line + 8);
	}
	(void)fclose(f);
	assert_true(ret_flags[0] != '\0');
}

/* Not with a limit of nothing, nor where a sanitizer does without. */
static bool
can_lock(void)
{
	void *p = __real_mmap64(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char flags[512] = "";

	assert_true(p != MAP_FAILED);
	if (__real_mlock(p, 4096) == 0)
		flags_of(p, flags, sizeof(flags));
	assert_int_equal(__real_munmap(p, 4096), 0);
	return strstr(flags, " lo") != NULL;
}

static void
a_new_one_is_zero_and_has_a_mapping_that_is_neither_dumped_nor_inherited(void **state)
{
	struct secret *s = secret_new(5000);
	char flags[512];

	(void)state;
	assert_non_null(s);
	assert_int_equal(s->cap, 5000);
	assert_int_equal(s->len, 0);
	for (size_t i = 0; i < s->cap; i++)
		assert_int_equal(s->data[i], 0);
	flags_of(s, flags, sizeof(flags));
	assert_non_null(strstr(flags, " dd"));
	assert_non_null(strstr(flags, " wf"));
	if (can_lock())
		assert_non_null(strstr(flags, " lo"));
	assert_null(secret_free(s));
}

static void
a_copy_has_the_bytes_and_a_nul_behind(void **state)
{
	struct secret *s = secret_copy("pass\0word", 9);

	(void)state;
	assert_non_null(s);
	assert_int_equal(s->len, 9);
	assert_int_equal(s->cap, 10);
	assert_memory_equal(s->data, "pass\0word", 10);
	secret_freep(&s);
	assert_null(s);
	s = secret_copy(NULL, 0);
	assert_non_null(s);
	assert_int_equal(s->len, 0);
	assert_int_equal(s->data[0], 0);
	assert_null(secret_free(s));
}

static void
it_is_wiped_before_it_is_given_back(void **state)
{
	struct secret *s = secret_new(9000);

	(void)state;
	assert_non_null(s);
	memset(s->data, 'x', s->cap);
	s->len = 3; /* all of it counts, not only what is in use */
	unmapped = 0;
	assert_null(secret_free(s));
	assert_int_equal(unmapped, 1);
	assert_int_equal(left_behind, 0);
	assert_null(secret_free(NULL));
	assert_int_equal(unmapped, 1);
}

static void
without_memory_there_is_none_and_errno_is_left_alone(void **state)
{
	struct secret *s;

	(void)state;
	errno = EXDEV;
	no_memory = true;
	assert_null(secret_new(10));
	assert_null(secret_copy("x", 1));
	no_memory = false;
	assert_null(secret_new(SIZE_MAX));
	assert_null(secret_new(SIZE_MAX - 8));
	assert_null(secret_copy("x", SIZE_MAX));
	assert_int_equal(errno, EXDEV);
	no_lock = true;
	s = secret_copy("x", 1);
	no_lock = false;
	assert_non_null(s);
	assert_int_equal(errno, EXDEV);
	assert_null(secret_free(s));
	assert_int_equal(errno, EXDEV);
}

static void
a_forked_child_sees_nothing_and_may_free_it(void **state)
{
	struct secret *s = secret_copy("password", 8);
	int status;
	pid_t pid;

	(void)state;
	assert_non_null(s);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		bool empty = s->len == 0 && s->cap == 0;

		for (size_t i = 0; i < 9; i++)
			empty = empty && s->data[i] == 0;
		secret_freep(&s);
		_exit(empty ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_equal(s->data, "password", 8);
	assert_null(secret_free(s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_new_one_is_zero_and_has_a_mapping_that_is_neither_dumped_nor_inherited),
		cmocka_unit_test(a_copy_has_the_bytes_and_a_nul_behind),
		cmocka_unit_test(it_is_wiped_before_it_is_given_back),
		cmocka_unit_test(without_memory_there_is_none_and_errno_is_left_alone),
		cmocka_unit_test(a_forked_child_sees_nothing_and_may_free_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
