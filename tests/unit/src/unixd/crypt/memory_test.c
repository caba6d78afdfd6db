/* SPDX-License-Identifier: MPL-2.0 */
/*
 * With the real functions: what is left of a password in our memory, libcrypto's included,
 * and how much memory the work takes. The password is random. It is put into memscan's pipe
 * before our own copy is wiped; closing the pipe later makes memscan look.
 */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "unit/src/unixd/crypt/kit.h"

/* A sanitizer maps terabytes and frees nothing: there is no point in looking. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

#define LEN 40

#ifndef SANITIZED
static struct secret *
random_password(void)
{
	struct secret *s = secret_new(LEN + 1);

	assert_non_null(s);
	assert_int_equal(getrandom(s->data, LEN, 0), LEN);
	for (size_t i = 0; i < LEN; i++)
		s->data[i] = (uint8_t)('A' + s->data[i] % 58);
	s->len = LEN;
	return s;
}

/* memscan on this process; *ret_pipe is its standard input. */
static pid_t
start_memscan(int *ret_pipe)
{
	const char *program = getenv("MEMSCAN");
	char self[16];
	int fds[2];
	pid_t pid;

	assert_non_null(program);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	(void)snprintf(self, sizeof(self), "%d", getpid());
	/* Where Yama lets only ancestors look. */
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(fds[0], STDIN_FILENO);
		(void)execl(program, program, self, (char *)NULL);
		_exit(127);
	}
	(void)close(fds[0]);
	*ret_pipe = fds[1];
	return pid;
}

/* What memscan says once it may look. */
static int
scan_now(pid_t pid, int pipe_fd)
{
	int status;

	(void)close(pipe_fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
memscan_finds_what_is_there(void **state)
{
	struct secret *s = random_password();
	int fd;
	pid_t pid = start_memscan(&fd);

	(void)state;
	assert_int_equal(write(fd, s->data, LEN), LEN);
	assert_int_equal(scan_now(pid, fd), 1);
	/* Half of it, as free(3) leaves it. */
	pid = start_memscan(&fd);
	assert_int_equal(write(fd, s->data, LEN), LEN);
	memset(s->data, 0, 16);
	assert_int_equal(scan_now(pid, fd), 1);
	pid = start_memscan(&fd);
	assert_int_equal(write(fd, s->data, LEN), LEN);
	assert_int_equal(write(fd, "?", 1), 1);
	assert_int_equal(scan_now(pid, fd), 0);
	secret_freep(&s);
}

static void
no_copy_of_a_password_is_left(void **state)
{
	struct kit *k = *state;
	struct secret *s = random_password();
	struct answer made = { 0 };
	struct answer checked = { 0 };
	struct crypt_job *cancelled;
	pid_t pid;
	int fd;

	(void)kit_open(k);
	pid = start_memscan(&fd);
	assert_int_equal(write(fd, s->data, LEN), LEN);
	assert_non_null(crypt_make(k->crypt, s, false, kit_made, &made));
	assert_true(kit_wait(k, &made.times, 1));
	assert_int_equal(made.rc, 0);
	assert_non_null(crypt_check(k->crypt, s, made.verifier, made.len, false,
	    kit_checked, &checked));
	assert_true(kit_wait(k, &checked.times, 1));
	assert_int_equal(checked.rc, 1);
	/* One that runs and one in line are taken back. */
	for (unsigned i = 0; i < 2; i++) {
		cancelled = crypt_check(k->crypt, s, made.verifier, made.len, true,
		    kit_checked, &checked);
		assert_non_null(cancelled);
		crypt_cancel(cancelled);
	}
	/* Behind the one that runs: when this is answered, that is over. */
	assert_non_null(crypt_make(k->crypt, s, true, kit_made, &made));
	assert_true(kit_wait(k, &made.times, 2));
	secret_freep(&s);
	/* The daemon goes on; nothing was closed or joined. */
	assert_int_equal(scan_now(pid, fd), 0);
	assert_int_equal(checked.times, 1);
}

/* A number of /proc/self/status, in kB. */
static long
status_kb(const char *field)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	long kb = -1;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, field, strlen(field)) == 0)
			kb = strtol(line + strlen(field), NULL, 10);
	}
	(void)fclose(f);
	assert_true(kb >= 0);
	return kb;
}

static void
memory_is_given_back(void **state)
{
	struct kit *k = *state;
	struct answer a = { 0 };
	long idle, after, peak;

	/* As the daemon sets it. */
	assert_int_equal(mallopt(M_MMAP_THRESHOLD, 1024 * 1024), 1);
	(void)kit_open(k);
	assert_non_null(kit_make(k, "password", false, &a));
	assert_true(kit_wait(k, &a.times, 1));
	idle = status_kb("RssAnon:");
	for (unsigned i = 0; i < 6; i++)
		assert_non_null(kit_make(k, "password", false, &a));
	assert_true(kit_wait(k, &a.times, 7));
	after = status_kb("RssAnon:");
	peak = status_kb("VmHWM:");
	print_message("%s: RssAnon idle %ld kB, after %ld kB; VmHWM %ld kB\n",
	    crypt_kdf_name(), idle, after, peak);
	/* Two at once, 16 MiB each, beside the program itself. */
	assert_in_range(after, 0, idle + 1024);
	assert_in_range(peak, 0, status_kb("VmRSS:") + 36 * 1024);
}
#endif

static void
the_work_takes_time_and_says_how_much(void **state)
{
	struct kit *k = *state;
	struct answer made = { 0 };
	struct answer checked = { 0 };

	(void)kit_open(k);
	assert_non_null(kit_make(k, "password", false, &made));
	assert_true(kit_wait(k, &made.times, 1));
	assert_non_null(kit_check(k, "password", &made, false, &checked));
	assert_true(kit_wait(k, &checked.times, 1));
	print_message("%s: %d ms\n", crypt_kdf_name(), checked.took_ms);
	/* No machine does it in less, and none takes a minute. */
	assert_in_range(checked.took_ms, 5, 60000);
}

static void
beginning_blocks_nobody(void **state)
{
	struct kit *k = *state;
	struct rusage before, after;
	int64_t us;

	/* Time on the CPU, so that a busy machine does not matter. */
	assert_int_equal(getrusage(RUSAGE_THREAD, &before), 0);
	kit_begin(k);
	assert_int_equal(getrusage(RUSAGE_THREAD, &after), 0);
	us = (after.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_utime.tv_sec -
		 before.ru_stime.tv_sec) *
		1000000 +
	    after.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_utime.tv_usec -
	    before.ru_stime.tv_usec;
	print_message("crypt_new: %lld us\n", (long long)us);
	assert_in_range(us, 0, 50000);
	assert_int_equal(k->opened, 0);
	assert_true(kit_wait(k, &k->opened, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#ifndef SANITIZED
		/* First, while nothing has grown the heap. */
		KIT_TEST(memory_is_given_back),
		KIT_TEST(memscan_finds_what_is_there),
		KIT_TEST(no_copy_of_a_password_is_left),
#endif
		KIT_TEST(the_work_takes_time_and_says_how_much),
		KIT_TEST(beginning_blocks_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
