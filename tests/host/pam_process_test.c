/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The PAM module in processes that are in an odd state: what process_test.c is for names.
 * Each condition is made in a child of its own. What libpam itself does (it reads its stack
 * and loads modules) is done before the condition begins, where it could not do it later.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/fake.h"
#include "host/module.h"
#include "host/odd.h"
#include "host/pamhost.h"
#include "src/base/deadline.h"
#include "src/base/util.h"

#define STACK "odd"

static struct fake fake;

/* A conversation from beginning to end: 0 when it is all as it should be. */
static int
log_in(pam_handle_t *pamh)
{
	if (pam_authenticate(pamh, 0) != PAM_SUCCESS)
		return 1;
	if (pam_acct_mgmt(pamh, 0) != PAM_SUCCESS)
		return 2;
	if (pam_setcred(pamh, PAM_ESTABLISH_CRED) != PAM_SUCCESS)
		return 3;
	if (pam_open_session(pamh, 0) != PAM_SUCCESS)
		return 4;
	return pam_close_session(pamh, 0) == PAM_SUCCESS ? 0 : 5;
}

static int
log_in_anew(void)
{
	struct person p = { .answers = { FAKE_PASSWORD } };
	pam_handle_t *pamh = pamhost_start(STACK, "alice", &p);
	int bad = log_in(pamh);

	if (pam_end(pamh, 0) != PAM_SUCCESS || p.n_bad != 0)
		bad = 6;
	return bad;
}

/* With everything of libpam's in place, and its module loaded. */
static pam_handle_t *
warm(struct person *p)
{
	pam_handle_t *pamh = pamhost_start(STACK, "alice", p);

	p->answers[0] = p->answers[1] = p->answers[2] = p->answers[3] = FAKE_PASSWORD;
	return pam_acct_mgmt(pamh, 0) == PAM_SUCCESS ? pamh : NULL;
}

static int
begin(void **state)
{
	(void)state;
	fake_pam_reset(&fake);
	fake_set(&fake, FAKE_ANSWER, 0);
	return 0;
}

static int
stdio_closed(void)
{
	struct person p = { 0 };
	pam_handle_t *pamh = warm(&p);

	for (int fd = 0; fd < 3; fd++)
		(void)close(fd);
	if (pamh == NULL || log_in(pamh) != 0)
		return 1;
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			return 2;
	return 0;
}

static void
closed_standard_descriptors_stay_closed(void **state)
{
	(void)state;
	in_child(stdio_closed);
}

static int
no_descriptors_left(void)
{
	const struct rlimit none = { 0, 1024 }, some = { 1024, 1024 };
	struct person p = { 0 };
	pam_handle_t *pamh = warm(&p);

	if (pamh == NULL || setrlimit(RLIMIT_NOFILE, &none) != 0)
		return 1;
	for (int i = 0; i < 5; i++)
		if (pam_authenticate(pamh, 0) != PAM_SYSTEM_ERR ||
		    pam_acct_mgmt(pamh, 0) != PAM_SYSTEM_ERR)
			return 2;
	/* nobody was asked for a password that could not be judged */
	if (p.n_asked != 0)
		return 3;
	return setrlimit(RLIMIT_NOFILE, &some) == 0 ? log_in(pamh) : 4;
}

static void
without_a_free_descriptor_it_cannot_be_asked_and_comes_back(void **state)
{
	(void)state;
	in_child(no_descriptors_left);
}

static int
with_two_thousand_descriptors(void)
{
	return open_two_thousand() ? log_in_anew() : 1;
}

/* Beyond what select() can be told about. */
static void
a_host_with_thousands_of_descriptors_is_served(void **state)
{
	(void)state;
	in_child(with_two_thousand_descriptors);
}

static int
closes_everything_between_calls(void)
{
	struct person p = { 0 };
	pam_handle_t *pamh = warm(&p);

	if (pamh == NULL)
		return 1;
	for (int i = 0; i < 3; i++) {
		closelog();
		closefrom(3);
		/* the next descriptors are the host's own and must survive the call */
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) != 3 ||
		    open("/dev/null", O_RDONLY | O_CLOEXEC) != 4)
			return 2;
		if (log_in(pamh) != 0)
			return 3;
		if (fcntl(3, F_GETFD) < 0 || fcntl(4, F_GETFD) < 0)
			return 4;
	}
	return 0;
}

static void
a_host_that_closes_what_it_does_not_know_is_served(void **state)
{
	(void)state;
	in_child(closes_everything_between_calls);
}

static bool stop_threads;

static void *
come_in_until_told(void *arg)
{
	struct person p = { 0 };
	pam_handle_t *pamh = warm(&p);

	(void)arg;
	while (!__atomic_load_n(&stop_threads, __ATOMIC_SEQ_CST))
		if (pamh == NULL || pam_acct_mgmt(pamh, 0) != PAM_SUCCESS ||
		    pam_open_session(pamh, 0) != PAM_SUCCESS)
			return (void *)1;
	return NULL;
}

/*
 * What the threads do writes no line to the journal, and their modules are loaded: locks of
 * libc's own syslog and loader that a fork leaves locked are locked for every module.
 */
static int
forks_while_threads_come_in(void)
{
	struct person p = { 0 };
	pam_handle_t *pamh = warm(&p);
	unsigned seen = fake.ctl->requests;
	pthread_t t[4];
	int bad = pamh == NULL;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		if (pthread_create(&t[i], NULL, come_in_until_told, NULL) != 0)
			return 1;
	/* all are past their loading */
	while (__atomic_load_n(&fake.ctl->requests, __ATOMIC_SEQ_CST) < seen + 100)
		(void)sched_yield();
	for (int i = 0; i < 60 && bad == 0; i++) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0) {
			(void)alarm(20);
			_exit(log_in(pamh));
		}
		if (waitpid(pid, &status, 0) != pid || status != 0)
			bad = 2;
	}
	__atomic_store_n(&stop_threads, true, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		void *how = NULL;

		if (pthread_join(t[i], &how) != 0 || how != NULL)
			bad = 3;
	}
	return bad;
}

static void
children_forked_from_a_busy_threaded_process_can_log_in(void **state)
{
	(void)state;
	in_child(forks_while_threads_come_in);
}

/* Without libpam's own: it tells the kernel's audit, and can be cancelled there. */
static int
count_our_fds(void)
{
	int n = count_fds();

	for (int fd = 0; fd < 1024; fd++) {
		int domain;
		socklen_t len = sizeof(domain);

		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
		    domain == AF_NETLINK)
			n--;
	}
	return n;
}

static void *
log_in_for_ever(void *arg)
{
	for (;;) {
		(void)pam_acct_mgmt(arg, 0);
		pthread_testcancel();
	}
	return NULL;
}

static int
cancels_threads_at_random(void)
{
	struct person p = { 0 };
	pam_handle_t *pamh;
	unsigned spin = 1;
	int fds;

	pamhost_many_locals();
	pamh = warm(&p);
	fds = count_our_fds();

	for (int i = 0; i < 300 && pamh != NULL; i++) {
		unsigned seen = __atomic_load_n(&fake.ctl->requests, __ATOMIC_SEQ_CST);
		void *how = NULL;
		pthread_t t;

		if (pthread_create(&t, NULL, log_in_for_ever, pamh) != 0)
			return 1;
		/* somewhere in its first or second call: while the daemon is asked, or while
		 * the local accounts are read */
		spin = spin * 1103515245u + 12345u;
		for (unsigned n = spin >> 16 & 1023; i % 2 == 1 && n > 0; n--)
			(void)sched_yield();
		while (i % 2 == 0 &&
		    __atomic_load_n(&fake.ctl->requests, __ATOMIC_SEQ_CST) == seen)
			(void)sched_yield();
		if (pthread_cancel(t) != 0 || pthread_join(t, &how) != 0 ||
		    how != PTHREAD_CANCELED)
			return 2;
	}
	if (pamh == NULL || count_our_fds() != fds)
		return 3;
	return log_in(pamh);
}

static void
cancelled_threads_leave_nothing_behind(void **state)
{
	(void)state;
	in_child(cancels_threads_at_random);
	pamhost_passwd("");
}

static void
on_alarm(int sig)
{
	(void)sig;
}

static int
with_a_timer_each_millisecond(void)
{
	const struct sigaction sa = { .sa_handler = on_alarm };
	const struct itimerval each_ms = { { 0, 1000 }, { 0, 1000 } };
	struct person p = { 0 };
	pam_handle_t *pamh = warm(&p);
	int64_t t;

	if (pamh == NULL || sigaction(SIGALRM, &sa, NULL) != 0 ||
	    setitimer(ITIMER_REAL, &each_ms, NULL) != 0)
		return 1;
	for (int i = 0; i < 200; i++)
		if (pam_acct_mgmt(pamh, 0) != PAM_SUCCESS ||
		    pam_open_session(pamh, 0) != PAM_SUCCESS)
			return 2;
	if (log_in(pamh) != 0)
		return 3;
	fake_set(&fake, FAKE_FROZEN, 0);
	t = clock_mono_ns();
	if (pam_acct_mgmt(pamh, 0) != PAM_AUTHINFO_UNAVAIL)
		return 4;
	t = (clock_mono_ns() - t) / 1000000;
	return t >= 1000 && t < 14000 ? 0 : 5;
}

static void
interrupted_system_calls_neither_fail_nor_stretch_it(void **state)
{
	(void)state;
	in_child(with_a_timer_each_millisecond);
}

static int
with_sigpipe_deadly(void)
{
	struct person p = { 0 };
	pam_handle_t *pamh = warm(&p);

	fake_set(&fake, FAKE_EOF, 0);
	(void)signal(SIGPIPE, SIG_DFL);
	for (int i = 0; i < 20 && pamh != NULL; i++)
		if (pam_authenticate(pamh, 0) != PAM_AUTHINFO_UNAVAIL)
			return 1;
	return pamh == NULL;
}

static void
a_daemon_that_hangs_up_does_not_kill_by_sigpipe(void **state)
{
	(void)state;
	in_child(with_sigpipe_deadly);
}

static void *
in_small_stack(void *arg)
{
	return (void *)(intptr_t)log_in(arg);
}

static int
in_a_64k_thread(void)
{
	struct person p = { 0 };
	pam_handle_t *pamh = warm(&p);
	pthread_attr_t attr;
	void *how = NULL;
	pthread_t t;

	if (pamh == NULL || pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstacksize(&attr, 65536) != 0 ||
	    pthread_create(&t, &attr, in_small_stack, pamh) != 0)
		return 1;
	return pthread_join(t, &how) == 0 && how == NULL ? 0 : 2;
}

static void
a_small_stack_is_enough(void **state)
{
	(void)state;
	in_child(in_a_64k_thread);
}

static int
in_a_chroot(void)
{
	struct person p = { 0 };
	pam_handle_t *pamh = warm(&p);

	if (pamh == NULL || mkdir("/run/empty", 0755) != 0 || chroot("/run/empty") != 0 ||
	    chdir("/") != 0)
		return 1;
	if (pam_authenticate(pamh, 0) != PAM_AUTHINFO_UNAVAIL)
		return 2;
	if (pam_acct_mgmt(pamh, 0) != PAM_AUTHINFO_UNAVAIL)
		return 3;
	return p.n_asked == 0 ? 0 : 4;
}

static void
a_chroot_without_the_socket_refuses(void **state)
{
	(void)state;
	in_child(in_a_chroot);
	assert_int_equal(rmdir("/run/empty"), 0);
}

static int
forbid_sockets(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { ARRAY_SIZE(code), code };
	struct person p = { 0 };
	pam_handle_t *pamh = warm(&p);

	if (pamh == NULL || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
		return 1;
	if (pam_authenticate(pamh, 0) != PAM_SYSTEM_ERR)
		return 2;
	return p.n_asked == 0 ? 0 : 3;
}

static void
a_sandbox_without_sockets_refuses(void **state)
{
	(void)state;
	in_child(forbid_sockets);
}

static int
as_a_setuid_program(void)
{
	static char program[] = "su", mode[] = "login";
	static char preload[] = "LD_PRELOAD=/run/evil.so",
		    library[] = "LD_LIBRARY_PATH=/run", sock[] = "KANIDM_SOCK=/run/evil",
		    run[] = "KU_PATH_SOCK=/run/evil", home[] = "HOME=/run/evil",
		    tmp[] = "TMPDIR=/run/evil", locale[] = "LC_ALL=tr_TR.UTF-8",
		    level[] = "RUST_LOG=trace", listen[] = "LISTEN_FDS=3",
		    tz[] = "TZ=/run/evil";
	char *const argv[] = { program, mode, NULL };
	char *const env[] = { preload, library, sock, run, home, tmp, locale, level,
		listen, tz, NULL };

	if (chdir("/run") != 0 || setgid(65533) != 0 || setuid(65533) != 0)
		return 3;
	(void)execve("/run/su", argv, env);
	return 4;
}

static void
a_setuid_program_is_served_whatever_its_environment_says(void **state)
{
	(void)state;
	copy_file("/proc/self/exe", "/run/su");
	assert_int_equal(chmod("/run/su", 04755), 0);
	in_child(as_a_setuid_program);
	assert_int_equal(unlink("/run/su"), 0);
}

static size_t
count_lines_of_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	size_t n = 0;
	int c;

	while (f != NULL && (c = getc(f)) != EOF)
		n += c == '\n';
	if (f != NULL)
		(void)fclose(f);
	return n;
}

static int
loads_a_thousand_times(void)
{
	const char *path = getenv("KU_PAM_MODULE");
	int fds = count_fds();
	size_t maps = 0;

	for (int i = 0; i < 1000; i++) {
		void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

		if (handle == NULL || dlsym(handle, "pam_sm_authenticate") == NULL ||
		    dlclose(handle) != 0)
			return 1;
		/* libpam does the same around each conversation */
		if (i % 20 == 0 && log_in_anew() != 0)
			return 2;
		if (i == 40)
			maps = count_lines_of_maps();
	}
	if (count_fds() != fds)
		return 3;
	return count_lines_of_maps() <= maps + 2 ? 0 : 4;
}

static void
loading_and_unloading_a_thousand_times_leaves_nothing(void **state)
{
	(void)state;
	in_child(loads_a_thousand_times);
}

static int
bytes_on_1_and_2(void)
{
	char text[16];
	int out[2];

	if (pipe2(out, O_NONBLOCK | O_CLOEXEC) != 0 || dup2(out[1], 1) != 1 ||
	    dup2(out[1], 2) != 2)
		return 1;
	for (int mode = FAKE_ANSWER; mode <= FAKE_HUGE_COUNTS; mode++) {
		struct person p = { .answers = { FAKE_PASSWORD } };
		pam_handle_t *pamh;

		if (mode == FAKE_SLOW || mode == FAKE_FROZEN || mode == FAKE_BYTEWISE)
			continue;
		fake_set(&fake, (enum fake_mode)mode, 7);
		pamh = pamhost_start(STACK, "alice", &p);
		if ((pam_authenticate(pamh, 0) == PAM_SUCCESS) !=
		    (mode == FAKE_ANSWER || mode == FAKE_EOF_ONCE))
			return 10 + mode;
		(void)pam_end(pamh, 0);
	}
	return read(out[0], text, sizeof(text)) < 0 && errno == EAGAIN ? 0 : 2;
}

static void
garbage_of_any_kind_is_a_refusal_and_no_byte_on_stdout(void **state)
{
	(void)state;
	in_child(bytes_on_1_and_2);
}

int
main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup(f, begin)
	const struct CMUnitTest tests[] = {
		T(closed_standard_descriptors_stay_closed),
		T(without_a_free_descriptor_it_cannot_be_asked_and_comes_back),
		T(a_host_with_thousands_of_descriptors_is_served),
		T(a_host_that_closes_what_it_does_not_know_is_served),
		T(children_forked_from_a_busy_threaded_process_can_log_in),
		T(cancelled_threads_leave_nothing_behind),
		T(interrupted_system_calls_neither_fail_nor_stretch_it),
		T(a_daemon_that_hangs_up_does_not_kill_by_sigpipe),
		T(a_small_stack_is_enough),
		T(a_chroot_without_the_socket_refuses),
		T(a_sandbox_without_sockets_refuses),
		T(a_setuid_program_is_served_whatever_its_environment_says),
		T(loading_and_unloading_a_thousand_times_leaves_nothing),
		T(garbage_of_any_kind_is_a_refusal_and_no_byte_on_stdout),
	};
#undef T
	int failed;

	/* the setuid copy of this program */
	if (argc == 2 && streq(argv[1], "login"))
		return geteuid() == 0 && getuid() != 0 ? log_in_anew() : 7;
	pamhost_enter();
	pamhost_stack(STACK, "required", "");
	fake_start(&fake, MODULE_SOCK, 256);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fake_stop(&fake);
	return failed;
}
