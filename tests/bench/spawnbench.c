/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How long a whole command takes, from posix_spawn to its end: microseconds, the median of
 * so many runs.
 *
 *	spawnbench RUNS PROGRAM [ARGUMENT ...]
 *
 * Its output goes to /dev/null; a run that fails ends the benchmark.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_RUNS 100000u

extern char **environ;

static int64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int64_t
run_once(char **argv, const posix_spawn_file_actions_t *quiet)
{
	int64_t begin = now_ns();
	int status, err;
	pid_t pid;

	err = posix_spawnp(&pid, argv[0], quiet, NULL, argv, environ);
	if (err != 0) {
		(void)fprintf(stderr, "spawnbench: %s: %s\n", argv[0], strerror(err));
		exit(1);
	}
	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			exit(1);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		(void)fprintf(stderr, "spawnbench: %s: status %d\n", argv[0], status);
		exit(1);
	}
	return now_ns() - begin;
}

int
main(int argc, char **argv)
{
	unsigned long runs = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	posix_spawn_file_actions_t quiet;
	int64_t *samples;

	if (runs == 0 || runs > MAX_RUNS) {
		(void)fprintf(stderr, "usage: spawnbench RUNS PROGRAM [ARGUMENT ...]\n");
		return 2;
	}
	samples = calloc(runs, sizeof(*samples));
	if (samples == NULL || posix_spawn_file_actions_init(&quiet) != 0 ||
	    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY,
		0) != 0)
		return 1;
	for (unsigned long i = 0; i < runs; i++)
		samples[i] = run_once(argv + 2, &quiet);
	qsort(samples, runs, sizeof(samples[0]), compare);
	(void)printf("%.1f\n", (double)samples[runs / 2] / 1000);
	(void)posix_spawn_file_actions_destroy(&quiet);
	free(samples);
	return 0;
}
