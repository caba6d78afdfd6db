/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Lookups through the built module under a filter that kills at any system call, or at any
 * that could reach a daemon. Not a measurement: whoever comes back has made none.
 *
 *	silent sizes		maps of 10^3, 10^4 and 10^5 people, made here in a namespace of
 *				our own: every kind of question that such a map answers
 *	silent hits N		N people of the map that is there, each by uid and by name, and
 *				their groups: no system call
 *	silent stopped N	the same, but looking for a newer map is allowed: no socket
 *	silent count N		the same without a filter: for strace
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/module.h"
#include "ku/paths.h"
#include "src/base/deadline.h"
#include "src/base/util.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/publish/publish.h"

#define FIRST_UID  100000u
#define FIRST_GID  900000u
#define PER_GROUP  100u
#define N_GHOSTS   100u
#define LOOKUPS    20000u
#define BUF_CAP    (1u << 20)
#define MAX_PEOPLE 200000u

enum filter {
	NOTHING_AT_ALL,
	NO_SOCKET,
	NO_FILTER,
};

static struct module mod;
static char buf[BUF_CAP];
static gid_t *gids;
static long n_gids = 4096;

static void
die(const char *what)
{
	(void)fprintf(stderr, "silent: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
install(struct sock_filter *code, size_t n)
{
	const struct sock_fprog prog = { (unsigned short)n, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
		die("seccomp");
}

/* Only exit, and the write of the last line. */
static void
forbid_all(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	install(code, ARRAY_SIZE(code));
}

static void
forbid_sockets(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_poll, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ppoll, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};

	install(code, ARRAY_SIZE(code));
}

static void
forbid(enum filter f)
{
	if (f == NOTHING_AT_ALL)
		forbid_all();
	else if (f == NO_SOCKET)
		forbid_sockets();
}

static void
open_module(void)
{
	module_load(&mod);
	gids = calloc((size_t)n_gids, sizeof(gid_t));
	if (gids == NULL)
		die("memory");
}

static void
publish_people(struct publish *p, uint32_t n, uint32_t fresh)
{
	uint32_t own[10];
	char name[32], dir[64];
	const char *key = name;

	for (uint32_t i = 0; i < n; i++) {
		struct passwd_view v = { .uid = FIRST_UID + i,
			.gid = FIRST_UID + i,
			.name = name,
			.gecos = "Some Body",
			.dir = dir,
			.shell = "/bin/bash",
			.n_gids = ARRAY_SIZE(own),
			.gids = own };

		for (uint32_t k = 0; k < ARRAY_SIZE(own); k++)
			own[k] = FIRST_GID + (i + k * 31) % (n / PER_GROUP);
		(void)snprintf(name, sizeof(name), "u%06u", i);
		(void)snprintf(dir, sizeof(dir), "/home/u%06u", i);
		publish_user(p, &v, &key, 1, fresh);
	}
}

static void
publish_groups(struct publish *p, uint32_t n, uint32_t fresh)
{
	static char text[PER_GROUP][16];
	const char *members[PER_GROUP], *key;
	char name[32];

	for (uint32_t g = 0; g < n / PER_GROUP; g++) {
		struct group_view v = { .gid = FIRST_GID + g,
			.name = name,
			.n_members = PER_GROUP,
			.members = members };

		for (uint32_t k = 0; k < PER_GROUP; k++) {
			(void)snprintf(text[k], sizeof(text[k]), "u%06u",
			    g * PER_GROUP + k);
			members[k] = text[k];
		}
		(void)snprintf(name, sizeof(name), "g%06u", g);
		key = name;
		publish_group(p, &v, &key, 1, fresh);
	}
}

/* As long as the writer is there its map counts as that of a daemon that runs. */
static struct publish *
make_map(struct timers *ts, uint32_t n)
{
	const struct publish_settings settings = { .path = KU_PATH_MAP,
		.own_domain = "own.example",
		.max_ttl_s = 900 };
	uint32_t now = (uint32_t)(clock_boot_ns() / 1000000000);
	struct publish *p;
	char name[32];

	timers_init(ts);
	ts->now.mono_ns = clock_mono_ns();
	ts->now.boot_ns = clock_boot_ns();
	p = publish_new(ts, &settings);
	publish_people(p, n, now + 800);
	publish_groups(p, n, now + 800);
	publish_lease(p, now + 40, 0);
	if (publish_commit(p) != 0)
		die("the map");
	for (uint32_t i = 0; i < N_GHOSTS; i++) {
		(void)snprintf(name, sizeof(name), "ghost%u", i);
		publish_negative(p, PUBLISH_USER, name, 0, now + 800);
	}
	return p;
}

/* The number of wrong answers about person `i`. */
static int
ask_about(uint32_t i, uint32_t n)
{
	struct passwd pw;
	struct group gr;
	char name[48];
	long start = 1;
	int bad = 0, err;

	(void)snprintf(name, sizeof(name), "u%06u@own.example", i);
	bad += mod.getpwnam_r(name, &pw, buf, BUF_CAP, &err) != NSS_STATUS_SUCCESS ||
	    pw.pw_uid != FIRST_UID + i;
	name[7] = '\0';
	bad += mod.getpwnam_r(name, &pw, buf, BUF_CAP, &err) != NSS_STATUS_SUCCESS;
	bad += mod.getpwuid_r(FIRST_UID + i, &pw, buf, BUF_CAP, &err) !=
		NSS_STATUS_SUCCESS ||
	    !streq(pw.pw_name, name);
	bad += mod.initgroups_dyn(name, FIRST_UID + i, &start, &n_gids, &gids, -1,
		   &err) != NSS_STATUS_SUCCESS ||
	    start != 11;
	(void)snprintf(name, sizeof(name), "g%06u", i / PER_GROUP);
	bad += mod.getgrnam_r(name, &gr, buf, BUF_CAP, &err) != NSS_STATUS_SUCCESS;
	bad += mod.getgrgid_r(FIRST_GID + i / PER_GROUP, &gr, buf, BUF_CAP, &err) !=
	    NSS_STATUS_SUCCESS;
	(void)snprintf(name, sizeof(name), "ghost%u", i % N_GHOSTS);
	bad += mod.getpwnam_r(name, &pw, buf, BUF_CAP, &err) != NSS_STATUS_NOTFOUND;
	bad += mod.getpwnam_r("u000000", &pw, buf, 4, &err) != NSS_STATUS_TRYAGAIN;
	return i < n ? bad : 1;
}

static uint32_t
everybody_comes(void)
{
	struct passwd pw;
	uint32_t n = 0;
	int err;

	while (mod.getpwent_r(&pw, buf, BUF_CAP, &err) == NSS_STATUS_SUCCESS)
		n++;
	(void)mod.endpwent();
	return n;
}

static int
look_up_silently(uint32_t n)
{
	uint32_t seed = 1;
	int bad;

	open_module();
	bad = ask_about(0, n);
	if (bad != 0)
		return 2;
	forbid_all();
	for (uint32_t i = 0; i < LOOKUPS && bad == 0; i++) {
		seed = seed * 1664525u + 1013904223u;
		bad = ask_about((seed >> 8) % n, n);
	}
	return bad == 0 && everybody_comes() == n ? 0 : 3;
}

static int
sizes(void)
{
	static const uint32_t n[] = { 1000, 10000, 100000 };

	module_enter_namespace();
	for (size_t i = 0; i < ARRAY_SIZE(n); i++) {
		struct timers ts;
		struct publish *p = make_map(&ts, n[i]);
		int status = -1;
		pid_t pid;

		pid = fork();
		if (pid == 0)
			_exit(look_up_silently(n[i]));
		(void)waitpid(pid, &status, 0);
		p = publish_free(p);
		(void)p;
		timers_deinit(&ts);
		if (status != 0) {
			(void)printf("%u people: FAILED, status %x\n", n[i],
			    (unsigned)status);
			return 1;
		}
		(void)printf("%u people: %u lookups and an enumeration, no system call\n",
		    n[i], LOOKUPS * 8);
	}
	return 0;
}

struct someone {
	uid_t uid;
	char name[64];
};

static uint32_t
collect(struct someone *people, uint32_t most)
{
	struct passwd pw;
	uint32_t n = 0;
	int err;

	while (
	    n < most && mod.getpwent_r(&pw, buf, BUF_CAP, &err) == NSS_STATUS_SUCCESS) {
		people[n].uid = pw.pw_uid;
		(void)snprintf(people[n].name, sizeof(people[n].name), "%s", pw.pw_name);
		n++;
	}
	(void)mod.endpwent();
	return n;
}

/* False: somebody who is in the map was not found. */
static bool
is_known(const struct someone *who)
{
	struct passwd pw;
	long start = 1;
	int err;

	return mod.getpwuid_r(who->uid, &pw, buf, BUF_CAP, &err) == NSS_STATUS_SUCCESS &&
	    mod.getpwnam_r(who->name, &pw, buf, BUF_CAP, &err) == NSS_STATUS_SUCCESS &&
	    mod.initgroups_dyn(who->name, who->uid, &start, &n_gids, &gids, -1, &err) ==
	    NSS_STATUS_SUCCESS;
}

static int
of_the_map(uint32_t n, enum filter filter)
{
	static struct someone people[MAX_PEOPLE];
	char line[128];
	uint32_t found = 0;
	int len;

	if (n == 0 || n > MAX_PEOPLE)
		return 2;
	open_module();
	if (collect(people, n) != n) {
		(void)printf("fewer than %u people in the map\n", n);
		return 1;
	}
	forbid(filter);
	while (found < n && is_known(&people[found]))
		found++;
	len = snprintf(line, sizeof(line), "%u of %u people found\n", found, n);
	(void)!write(STDOUT_FILENO, line, (size_t)len);
	_exit(found == n ? 0 : 1);
}

int
main(int argc, char **argv)
{
	uint32_t n = argc == 3 ? (uint32_t)atoi(argv[2]) : 0;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && streq(argv[1], "sizes"))
		return sizes();
	if (argc == 3 && streq(argv[1], "hits"))
		return of_the_map(n, NOTHING_AT_ALL);
	if (argc == 3 && streq(argv[1], "stopped"))
		return of_the_map(n, NO_SOCKET);
	if (argc == 3 && streq(argv[1], "count"))
		return of_the_map(n, NO_FILTER);
	return 2;
}
