/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One writer, killed at random and started again, and sixteen processes that read what it
 * publishes through the built module, on a disk that is full now and then. Every answer must
 * be one that was published; nobody crashes, hangs, or keeps a descriptor.
 *
 * The run alternates: a full disk, then kills, too, then quiet; so that there is time in
 * which no excuse is left for an answer that is older than what has been done.
 * KU_TORTURE_SECONDS makes it longer.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/module.h"
#include "ku/paths.h"
#include "src/base/deadline.h"
#include "torture/reader.h"
#include "torture/shared.h"
#include "torture/writer.h"

#define SECONDS      14
#define ROUND        28 /* seconds of a round, half of it quiet */
#define DEADLINE_MS  60000
#define DISK         "size=24m,mode=0755"
#define FILLER       KU_PATH_RUNDIR "/filler"
#define FIRST_SECRET 20251u

struct run {
	struct shared *s;
	int fd;
	uint32_t seed;
	pid_t writer;
	pid_t readers[MAX_PROCESSES];
	uint32_t n_readers;
	bool full;
	int64_t next_kill_ns;
	int64_t next_disk_ns;
};

/* The watches of this file are looked at this often. */
static void
pause_a_little(void)
{
	(void)poll(NULL, 0, 2);
}

/* Whoever ends the test (a time limit, ^C) ends all of it. */
static void
end_with_parent(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void
start_writer(struct run *r)
{
	(void)shared_random(&r->seed);
	r->writer = fork();
	if (r->writer == 0) {
		end_with_parent();
		(void)setpriority(PRIO_PROCESS, 0, -5);
		_exit(writer_run(r->s, r->seed));
	}
	if (r->writer < 0)
		shared_fail(r->s, "fork: %s", strerror(errno));
}

/* While a generation of one that was killed before may be in use, its states count. */
static void
note_kill(struct shared *s)
{
	uint32_t now = shared_boot_now(), before = shared_get(&s->killed_at);

	for (uint32_t i = 0; i < N_NAMES; i++)
		if (before == 0 || now > before + STALE_AFTER)
			shared_set(&s->name[i].at_kill, shared_get(&s->name[i].done));
	shared_set(&s->killed_at, now);
}

/* A dead writer that was not killed by us has crashed. */
static void
end_writer(struct run *r)
{
	int status = -1;

	(void)kill(r->writer, SIGKILL);
	if (waitpid(r->writer, &status, 0) != r->writer || !WIFSIGNALED(status) ||
	    WTERMSIG(status) != SIGKILL)
		shared_fail(r->s, "the writer ended with status %x", (unsigned)status);
	note_kill(r->s);
	shared_count(r->s, C_KILLS);
}

static void
fill_disk(struct run *r)
{
	static const char zeros[65536];
	int fd = open(FILLER, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	for (size_t piece = sizeof(zeros); piece >= 512; piece /= 2)
		while (write(fd, zeros, piece) > 0)
			;
	(void)close(fd);
	r->full = true;
	shared_count(r->s, C_FULL);
}

static void
free_disk(struct run *r)
{
	(void)unlink(FILLER);
	r->full = false;
}

static int64_t
in_ms(struct run *r, uint32_t least, uint32_t most)
{
	return clock_mono_ns() +
	    (int64_t)(least + shared_random(&r->seed) % (most - least)) * 1000000;
}

/* One look at the watches. */
static void
disturb(struct run *r, bool kills)
{
	int64_t now = clock_mono_ns();

	if (kills && now >= r->next_kill_ns) {
		end_writer(r);
		start_writer(r);
		r->next_kill_ns = in_ms(r, 20, 900);
	}
	if (now >= r->next_disk_ns) {
		if (r->full)
			free_disk(r);
		else
			fill_disk(r);
		r->next_disk_ns = in_ms(r, 200, 1200);
	}
}

static void
calm(struct run *r)
{
	if (r->full)
		free_disk(r);
	r->next_kill_ns = 0;
	r->next_disk_ns = 0;
}

static void
start_readers(struct run *r)
{
	for (uint32_t i = 0; i < r->n_readers; i++) {
		r->readers[i] = fork();
		if (r->readers[i] == 0) {
			end_with_parent();
			_exit(reader_run(r->s, r->fd, i));
		}
	}
}

/* A reader that has not ended by now hangs. */
static void
end_readers(struct run *r)
{
	struct deadline d = deadline_in_ms(DEADLINE_MS);

	for (uint32_t i = 0; i < r->n_readers; i++) {
		int status = -1;
		pid_t got;

		while ((got = waitpid(r->readers[i], &status, WNOHANG)) == 0 &&
		    deadline_left_ms(d) > 0)
			pause_a_little();
		if (got == 0) {
			shared_fail(r->s, "reader %u hangs", i);
			(void)kill(r->readers[i], SIGKILL);
			(void)waitpid(r->readers[i], &status, 0);
		} else if (status != 0) {
			shared_fail(r->s, "reader %u ended with status %x", i,
			    (unsigned)status);
		}
	}
}

static void
check_progress(struct run *r, uint64_t *beats)
{
	for (uint32_t i = 0; i < r->n_readers; i++)
		if (__atomic_load_n(&r->s->reader[i].beat, __ATOMIC_RELAXED) == beats[i])
			shared_fail(r->s, "reader %u makes no progress", i);
	for (uint32_t i = 0; i < r->n_readers; i++)
		beats[i] = __atomic_load_n(&r->s->reader[i].beat, __ATOMIC_RELAXED);
}

static void
run_for(struct run *r, int64_t seconds)
{
	int64_t began = clock_mono_ns(), end = began + seconds * 1000000000;
	int64_t round = seconds < ROUND ? seconds : ROUND;
	uint64_t beats[MAX_PROCESSES] = { 0 };

	while (clock_mono_ns() < end && shared_get(&r->s->failed) == 0) {
		int64_t at = (clock_mono_ns() - began) / 1000000 % (round * 1000);

		if (at < round * 550)
			disturb(r, at > round * 250);
		else
			calm(r);
		pause_a_little();
	}
	check_progress(r, beats);
}

static void
local_files(void)
{
	static const char *const from[] = { WRITER_PASSWD, WRITER_GROUP };
	static const char *const to[] = { KU_PATH_ETC_PASSWD, KU_PATH_ETC_GROUP };

	for (int i = 0; i < 2; i++) {
		int fd = open(from[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		if (fd < 0 || close(fd) != 0 ||
		    mount(from[i], to[i], NULL, MS_BIND, NULL) != 0) {
			perror("bind mount, skipped");
			exit(77);
		}
	}
	if (mount("tmpfs", KU_PATH_RUNDIR, "tmpfs", 0, DISK) != 0) {
		perror("a disk of our own, skipped");
		exit(77);
	}
}

/* For the table of docs/testing.md. */
static int
leave_row(uint64_t cases, const char *result)
{
	const char *dir = getenv("KU_PROMISES");
	char path[512];
	FILE *f;

	if (dir == NULL)
		return 0;
	(void)mkdir(dir, 0755);
	(void)snprintf(path, sizeof(path), "%s/torture.map.tsv", dir);
	f = fopen(path, "we");
	if (f == NULL)
		return 1;
	(void)fprintf(f, "%s\t%s\t%lu\t%s\n",
	    "a known name is answered from memory, and rightly",
	    "map: sixteen readers, its writer killed, its disk full", cases, result);
	return fclose(f) != 0;
}

static int
report(const struct run *r, int64_t seconds)
{
	const struct shared *s = r->s;
	uint64_t n[N_COUNTERS];

	for (unsigned i = 0; i < N_COUNTERS; i++)
		n[i] = shared_counted(s, (enum counter)i);
	(void)printf("torture: %ld s, %u readers: %lu lookups (%lu found, %lu gone, %lu "
		     "absent), %lu enumerations, %lu forks, %lu programs, %lu versions, "
		     "%lu generations, %lu kills, %lu times no space\n",
	    (long)seconds, r->n_readers, n[C_LOOKUPS], n[C_FOUND], n[C_GONE], n[C_ABSENT],
	    n[C_ENUMERATIONS], n[C_FORKS], n[C_EXECS], n[C_VERSIONS], n[C_GENERATIONS],
	    n[C_KILLS], n[C_FULL]);
	if (s->failed != 0) {
		(void)leave_row(n[C_LOOKUPS], "failed");
		(void)printf("FAILED (%u times), first: %s\n", s->failed, s->failure);
		return 1;
	}
	for (unsigned i = 0; i < N_COUNTERS; i++)
		if (n[i] == 0) {
			(void)printf("FAILED: counter %u stayed at 0\n", i);
			return 1;
		}
	return leave_row(n[C_LOOKUPS], "held");
}

int
main(int argc, char **argv)
{
	const char *wanted = getenv("KU_TORTURE_SECONDS");
	int64_t seconds = wanted == NULL ? SECONDS : atol(wanted);
	struct run r = { .seed = (uint32_t)getpid() * 7919u | 1,
		.n_readers = MAX_PROCESSES };

	if (argc == 4 && strcmp(argv[1], "program") == 0)
		return reader_program(shared_from(atoi(argv[2])),
		    (uint32_t)atoi(argv[3]));
	module_enter_namespace();
	local_files();
	r.s = shared_new(&r.fd);
	(void)printf("seed %u\n", r.seed);
	(void)fflush(stdout);
	start_writer(&r);
	while (shared_get(&r.s->begun) == 0)
		pause_a_little();
	start_readers(&r);
	run_for(&r, seconds);
	end_writer(&r);
	shared_set(&r.s->stop, 1);
	end_readers(&r);
	return report(&r, seconds);
}
