/* SPDX-License-Identifier: MPL-2.0 */
/*
 * From exec to the first answer. Forks, becomes the daemon's user, runs the program, and
 * meanwhile asks for one name through the module until it is found, as the first process
 * after a boot would. READY comes by the notify socket. Prints "READY_US ANSWER_US",
 * then ends the daemon with SIGTERM and waits for it; with -k it is left running and its
 * pid is printed as well.
 *
 *	coldstart [-k] [-l LOG] [-u UID] MODULE NAME PROGRAM [ARGUMENT...]
 */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "module.h"

#define LIMIT_NS (20 * INT64_C(1000000000))
#define PAUSE_NS 100000

struct settings {
	bool keep;
	const char *log;
	uid_t uid;
};

/* An abstract socket: needs no directory that the daemon's user may write to. */
static int
notify_socket(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int n = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "coldstart-%d",
	    getpid());
	char name[sizeof(a.sun_path) + 1];

	(void)snprintf(name, sizeof(name), "@%s", a.sun_path + 1);
	(void)setenv("NOTIFY_SOCKET", name, 1);
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&a,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) <
		0) {
		perror("notify socket");
		exit(2);
	}
	return fd;
}

static void
become_the_daemon(const struct settings *s, char **argv)
{
	int fd = open(s->log, O_WRONLY | O_CREAT | O_APPEND, 0644);

	/* Whoever reads our output does not wait for the daemon's end. */
	if (fd >= 0) {
		(void)dup2(fd, STDOUT_FILENO);
		(void)dup2(fd, STDERR_FILENO);
	}
	if (getuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(s->uid, s->uid, s->uid) < 0 ||
		setresuid(s->uid, s->uid, s->uid) < 0))
		_exit(126);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)execvp(argv[0], argv);
	_exit(127);
}

static bool
is_ready(int fd)
{
	char text[512];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return strstr(text, "READY=1") != NULL;
}

/* Both times, or false when the daemon ends before or is not there in time. */
static bool
watch(pid_t pid, int fd, module_getpwnam_fn fn, const char *name, int64_t begun,
    int64_t ret_ns[2])
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	ret_ns[0] = ret_ns[1] = 0;
	while (ret_ns[0] == 0 || ret_ns[1] == 0) {
		if (ret_ns[1] == 0 && module_ask(fn, name) == NSS_STATUS_SUCCESS)
			ret_ns[1] = module_now_ns() - begun;
		if (ret_ns[0] == 0 && is_ready(fd))
			ret_ns[0] = module_now_ns() - begun;
		if (module_now_ns() - begun > LIMIT_NS ||
		    waitpid(pid, NULL, WNOHANG) != 0)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

static int
run(const struct settings *s, const char *module, const char *name, char **argv)
{
	module_getpwnam_fn fn = module_open(module);
	int fd = notify_socket();
	int64_t begun = module_now_ns(), ns[2];
	pid_t pid = fork();

	if (pid == 0)
		become_the_daemon(s, argv);
	if (!watch(pid, fd, fn, name, begun, ns)) {
		fprintf(stderr,
		    "coldstart: READY after %lld us, an answer after %lld us\n",
		    (long long)ns[0] / 1000, (long long)ns[1] / 1000);
		(void)kill(pid, SIGTERM);
		return 1;
	}
	printf("%lld %lld", (long long)ns[0] / 1000, (long long)ns[1] / 1000);
	if (s->keep) {
		printf(" %d\n", pid);
		return 0;
	}
	printf("\n");
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, NULL, 0);
	return 0;
}

int
main(int argc, char **argv)
{
	struct settings s = { .log = "/dev/null", .uid = 990 };
	int c;

	while ((c = getopt(argc, argv, "+kl:u:")) != -1) {
		if (c == 'k')
			s.keep = true;
		else if (c == 'l')
			s.log = optarg;
		else if (c == 'u')
			s.uid = (uid_t)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind < 3) {
		fprintf(stderr, "coldstart: see the source\n");
		return 2;
	}
	return run(&s, argv[optind], argv[optind + 1], argv + optind + 2);
}
