/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Each process has its own copy of the module, as every program of a host has: two threads
 * that look up, and a third that enumerates, forks (while the others are inside) and has
 * children become other programs. Every answer is judged where it arrives.
 */
#include "torture/reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/module.h"
#include "src/base/deadline.h"
#include "torture/judge.h"
#include "torture/record.h"

#define BUF_CAP        65536
#define CHILD_LOOKUPS  200
#define CHILD_DEADLINE 60u
#define MAX_MAPS       5u /* one current, four old */

static struct module mod;

struct reader {
	struct shared *s;
	struct reader_state *st;
	uint32_t seed;
	uint32_t seen[N_KEYS][N_NAMES];
	char buf[BUF_CAP];
	gid_t *gids;
	long n_gids;
};

static void
reader_init(struct reader *r, struct shared *s, uint32_t number, uint32_t seed)
{
	memset(r, 0, sizeof(*r));
	r->s = s;
	r->st = &s->reader[number];
	r->seed = seed * 2654435761u | 1;
	r->n_gids = 1;
	r->gids = calloc(1, sizeof(gid_t));
	if (r->gids == NULL)
		abort();
}

/* What this process's threads had seen when it was forked, or became another program. */
static void
take_seen(struct reader *r)
{
	for (unsigned k = 0; k < N_KEYS; k++)
		for (unsigned i = 0; i < N_NAMES; i++)
			r->seen[k][i] = shared_get(&r->st->seen[k][i]);
}

static void
note_seen(struct reader *r, enum key key, uint32_t who)
{
	uint32_t *word = &r->st->seen[key][who], was = shared_get(word);

	while (was < r->seen[key][who] &&
	    !__atomic_compare_exchange_n(word, &was, r->seen[key][who], false,
		__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static enum outcome
outcome_of(struct reader *r, enum nss_status status, int err, uint32_t who)
{
	switch (status) {
	case NSS_STATUS_SUCCESS:
		return OUT_RECORD;
	case NSS_STATUS_NOTFOUND:
		return OUT_GONE;
	case NSS_STATUS_TRYAGAIN:
		if (err == ERANGE || err == ENOMEM)
			shared_fail(r->s, "name %u: no room in the buffer", who);
		break;
	default:
		break;
	}
	return OUT_ABSENT;
}

static bool
ask_person(struct reader *r, uint32_t who, enum key key, uint32_t *ret_version,
    enum outcome *ret)
{
	struct passwd pw;
	char name[48];
	int err = 0;
	enum nss_status status;

	if (key == KEY_ALIAS)
		record_alias(name, sizeof(name), who);
	else
		record_name(name, sizeof(name), who);
	status = key == KEY_ID
	    ? mod.getpwuid_r(FIRST_UID + who, &pw, r->buf, BUF_CAP, &err)
	    : mod.getpwnam_r(name, &pw, r->buf, BUF_CAP, &err);
	*ret = outcome_of(r, status, err, who);
	return *ret != OUT_RECORD || record_is_person(&pw, who, ret_version);
}

static bool
ask_gids(struct reader *r, uint32_t who, uint32_t *ret_version, enum outcome *ret)
{
	long start = 1;
	char name[48];
	int err = 0;
	enum nss_status status;

	record_name(name, sizeof(name), who);
	r->gids[0] = FIRST_UID + who;
	status = mod.initgroups_dyn(name, FIRST_UID + who, &start, &r->n_gids, &r->gids,
	    -1, &err);
	*ret = outcome_of(r, status, err, who);
	return *ret != OUT_RECORD ||
	    record_is_gids(r->gids + 1, (size_t)start - 1, who, ret_version);
}

static bool
ask_crew(struct reader *r, uint32_t who, enum key key, uint32_t *ret_version,
    enum outcome *ret)
{
	struct group gr;
	char name[48];
	int err = 0;
	enum nss_status status;

	record_name(name, sizeof(name), who);
	status = key == KEY_ID
	    ? mod.getgrgid_r(FIRST_GID + who, &gr, r->buf, BUF_CAP, &err)
	    : mod.getgrnam_r(name, &gr, r->buf, BUF_CAP, &err);
	*ret = outcome_of(r, status, err, who);
	return *ret != OUT_RECORD || record_is_crew(&gr, who, ret_version);
}

static void
look_up(struct reader *r)
{
	static const enum counter counters[] = { C_FOUND, C_GONE, C_ABSENT };
	uint32_t who = shared_random(&r->seed) % N_NAMES, version = 0;
	uint32_t how = shared_random(&r->seed) % 4;
	enum key key = how == 3 ? KEY_NAME : (enum key)how;
	enum outcome outcome;
	struct before b;
	bool whole;

	if (who >= N_PEOPLE && key == KEY_ALIAS)
		key = KEY_NAME;
	b = judge_begin(r->s, who, r->seen[key][who]);
	if (who >= N_PEOPLE)
		whole = ask_crew(r, who, key, &version, &outcome);
	else if (how == 3)
		whole = ask_gids(r, who, &version, &outcome);
	else
		whole = ask_person(r, who, key, &version, &outcome);
	if (!whole)
		shared_fail(r->s,
		    "name %u by key %d: a record that was never published, version %u",
		    who, (int)key, version);
	else
		(void)judge_end(r->s, &b, who, key, outcome, version, &r->seen[key][who]);
	note_seen(r, key, who);
	shared_count(r->s, C_LOOKUPS);
	shared_count(r->s, counters[outcome]);
	(void)__atomic_add_fetch(&r->st->beat, 1, __ATOMIC_RELAXED);
}

static bool
goes_on(const struct reader *r)
{
	return shared_get(&r->s->stop) == 0 && shared_get(&r->s->failed) == 0;
}

static void *
thread_main(void *arg)
{
	struct reader *r = arg;

	while (goes_on(r))
		look_up(r);
	return NULL;
}

/* Everybody once, and nobody who is always there is left out. */
static void
enumerate_people(struct reader *r)
{
	uint32_t now = shared_boot_now(), version;
	bool seen[N_PEOPLE] = { false };
	struct passwd pw;
	int err = 0;

	(void)mod.setpwent(0);
	while (mod.getpwent_r(&pw, r->buf, BUF_CAP, &err) == NSS_STATUS_SUCCESS) {
		uint32_t who = pw.pw_uid - FIRST_UID;

		if (who >= N_PEOPLE || seen[who] || !record_is_person(&pw, who, &version))
			shared_fail(r->s,
			    "enumeration: uid %u twice, or no version of it", pw.pw_uid);
		else
			seen[who] = true;
	}
	(void)mod.endpwent();
	shared_count(r->s, C_ENUMERATIONS);
	for (uint32_t who = 0; who < N_ALWAYS; who++)
		if (!seen[who] && !judge_may_miss(r->s, now) &&
		    shared_get(&r->s->failed) == 0)
			shared_fail(r->s, "enumeration: name %u is missing", who);
}

static void
enumerate_groups(struct reader *r)
{
	uint32_t now = shared_boot_now(), version;
	bool seen[N_NAMES] = { false };
	struct group gr;
	int err = 0;

	(void)mod.setgrent(0);
	while (mod.getgrent_r(&gr, r->buf, BUF_CAP, &err) == NSS_STATUS_SUCCESS) {
		uint32_t who = gr.gr_gid - FIRST_GID;

		if (who < N_PEOPLE || who >= N_NAMES || seen[who] ||
		    !record_is_crew(&gr, who, &version))
			shared_fail(r->s,
			    "enumeration: gid %u twice, or no version of it", gr.gr_gid);
		else
			seen[who] = true;
	}
	(void)mod.endgrent();
	for (uint32_t who = N_PEOPLE; who < N_NAMES; who++)
		if (!seen[who] && !judge_may_miss(r->s, now) &&
		    shared_get(&r->s->failed) == 0)
			shared_fail(r->s, "enumeration: group %u is missing", who);
}

static unsigned
count_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned n = 0;

	if (maps == NULL)
		return 0;
	while (fgets(line, sizeof(line), maps) != NULL)
		n += strstr(line, "nss.map") != NULL;
	(void)fclose(maps);
	return n;
}

/* In a child: other threads were inside when it was forked and are no more. */
static int
child_main(struct reader *r, int fd, uint32_t number, bool program)
{
	int fds = count_fds();

	(void)alarm(CHILD_DEADLINE);
	for (int i = 0; i < CHILD_LOOKUPS && shared_get(&r->s->failed) == 0; i++)
		look_up(r);
	enumerate_people(r);
	if (count_fds() != fds)
		shared_fail(r->s, "a forked child has other descriptors than before");
	if (count_maps() > MAX_MAPS)
		shared_fail(r->s, "a forked child has %u mappings", count_maps());
	if (program) {
		char fd_text[16], number_text[16];

		(void)snprintf(fd_text, sizeof(fd_text), "%d", fd);
		(void)snprintf(number_text, sizeof(number_text), "%u", number);
		(void)execl("/proc/self/exe", "torture", "program", fd_text, number_text,
		    NULL);
		return 1;
	}
	return 0;
}

static void
fork_once(struct reader *r, int fd, uint32_t number)
{
	bool program = shared_random(&r->seed) % 4 == 0;
	int status = -1;
	pid_t pid;

	/* before the fork: what the other threads map later is not the child's */
	take_seen(r);
	pid = fork();
	if (pid == 0)
		_exit(child_main(r, fd, number, program));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		shared_fail(r->s, "a child of a reader ended with status %x",
		    (unsigned)status);
	shared_count(r->s, program ? C_EXECS : C_FORKS);
}

int
reader_program(struct shared *s, uint32_t number)
{
	static struct reader r;
	int fds;

	(void)alarm(CHILD_DEADLINE);
	module_load(&mod);
	reader_init(&r, s, number, number + 77);
	take_seen(&r);
	fds = count_fds();
	for (int i = 0; i < CHILD_LOOKUPS && shared_get(&s->failed) == 0; i++)
		look_up(&r);
	enumerate_groups(&r);
	if (count_fds() != fds)
		shared_fail(s, "a program has other descriptors than before");
	free(r.gids);
	return 0;
}

int
reader_run(struct shared *s, int fd, uint32_t number)
{
	static struct reader readers[N_THREADS + 1];
	struct reader *main_reader = &readers[N_THREADS];
	pthread_t threads[N_THREADS];
	int fds;

	(void)nice(5); /* the writer is one of fifty */
	module_load(&mod);
	for (uint32_t i = 0; i <= N_THREADS; i++)
		reader_init(&readers[i], s, number, number * 8 + i + 1);
	fds = count_fds();
	for (uint32_t i = 0; i < N_THREADS; i++)
		if (pthread_create(&threads[i], NULL, thread_main, &readers[i]) != 0)
			return 1;
	while (goes_on(main_reader)) {
		for (int i = 0; i < 100; i++)
			look_up(main_reader);
		enumerate_people(main_reader);
		enumerate_groups(main_reader);
		if (count_maps() > MAX_MAPS)
			shared_fail(s, "a reader has %u mappings", count_maps());
		fork_once(main_reader, fd, number);
	}
	for (uint32_t i = 0; i < N_THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	if (count_fds() != fds)
		shared_fail(s, "a reader has other descriptors than before");
	for (uint32_t i = 0; i <= N_THREADS; i++)
		free(readers[i].gids);
	return 0;
}
