/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The tracer: a filter stops the child at the calls that count and at no other, so the rest
 * of the program runs at its speed. Works for calls that no libc function stands for.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chaos/crash.h"
#include "chaos/power.h"
#include "src/base/util.h"

enum call_kind {
	BY_FD,   /* first argument is a descriptor */
	A_WRITE, /* so it is, and the third is a length that may be halved */
	A_SYNC,
	BY_NAME,
	AN_OPEN,   /* flags are the second argument */
	AN_OPENAT, /* flags are the third */
	AN_OPENAT2,
};

static const struct call {
	int nr;
	enum call_kind kind;
} calls[] = {
	{ SYS_write, A_WRITE },
	{ SYS_pwrite64, A_WRITE },
	{ SYS_writev, BY_FD },
	{ SYS_pwritev, BY_FD },
	{ SYS_copy_file_range, BY_NAME },
	{ SYS_sendfile, BY_FD },
	{ SYS_ftruncate, BY_FD },
	{ SYS_fallocate, BY_FD },
	{ SYS_fchmod, BY_FD },
	{ SYS_fchown, BY_FD },
	{ SYS_fsync, A_SYNC },
	{ SYS_fdatasync, A_SYNC },
	{ SYS_truncate, BY_NAME },
	{ SYS_renameat2, BY_NAME },
	{ SYS_linkat, BY_NAME },
	{ SYS_symlinkat, BY_NAME },
	{ SYS_unlinkat, BY_NAME },
	{ SYS_mkdirat, BY_NAME },
	{ SYS_fchmodat, BY_NAME },
	{ SYS_fchownat, BY_NAME },
	{ SYS_openat, AN_OPENAT },
	{ SYS_openat2, AN_OPENAT2 },
#ifdef SYS_renameat
	{ SYS_renameat, BY_NAME },
#endif
#ifdef SYS_open /* what newer architectures have not got */
	{ SYS_open, AN_OPEN },
	{ SYS_creat, BY_NAME },
	{ SYS_rename, BY_NAME },
	{ SYS_link, BY_NAME },
	{ SYS_symlink, BY_NAME },
	{ SYS_unlink, BY_NAME },
	{ SYS_mkdir, BY_NAME },
	{ SYS_rmdir, BY_NAME },
	{ SYS_chmod, BY_NAME },
	{ SYS_chown, BY_NAME },
	{ SYS_lchown, BY_NAME },
#endif
};

struct crash_shared *crash_shared;

void
crash_init(void)
{
	crash_shared = mmap(NULL, sizeof(*crash_shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crash_shared == MAP_FAILED)
		abort();
	crash_rows_begin();
}

void
crash_step(unsigned step)
{
	__atomic_store_n(&crash_shared->step, step, __ATOMIC_SEQ_CST);
}

static int
stop_at_calls(void)
{
	enum { N = ARRAY_SIZE(calls) };
	struct sock_filter code[2 * N + 2];
	const struct sock_fprog prog = { ARRAY_SIZE(code), code };
	size_t n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	    offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < N; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		    (unsigned)calls[i].nr, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
		    SECCOMP_RET_TRACE);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
		return -1;
	return 0;
}

static _Noreturn void
child(const struct crash *c)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(77);
	(void)raise(SIGSTOP);
	if (stop_at_calls() != 0)
		_exit(77);
	_exit(c->body(c->arg));
}

static bool
is_below(pid_t tid, uint64_t fd, const char *dir)
{
	char link[64], path[512];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)tid, (int)fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	return strncmp(path, dir, strlen(dir)) == 0 ||
	    /* one without a name (O_TMPFILE) has the directory's device at least */
	    strncmp(path, "/#", 2) == 0;
}

static bool
creates(uint64_t flags)
{
	return (flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

static uint64_t
word_at(pid_t tid, uint64_t addr)
{
	uint64_t word = 0;
	struct iovec here = { &word, sizeof(word) };
	struct iovec there = { (void *)(uintptr_t)addr, sizeof(word) };

	return process_vm_readv(tid, &here, 1, &there, 1, 0) == sizeof(word) ? word : 0;
}

static bool
counts(pid_t tid, const struct call *call, const uint64_t *args, const char *dir)
{
	switch (call->kind) {
	case BY_FD:
	case A_WRITE:
	case A_SYNC:
		return is_below(tid, args[0], dir);
	case BY_NAME:
		return true;
	case AN_OPEN:
		return creates(args[1]);
	case AN_OPENAT:
		return creates(args[2]);
	case AN_OPENAT2:
		return creates(word_at(tid, args[2]));
	}
	return false;
}

/* Half of the write; false where this machine's registers are not known. */
static bool
halve(pid_t tid, uint64_t len)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &iov) != 0)
		return false;
#if defined(__x86_64__)
	regs.rdx = len / 2;
#elif defined(__aarch64__)
	regs.regs[2] = len / 2;
#else
	(void)len;
	return false;
#endif
	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &iov) == 0;
}

static const struct call *
find_call(uint64_t nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if ((uint64_t)calls[i].nr == nr)
			return &calls[i];
	return NULL;
}

struct tracer {
	struct crash *c;
	struct power *power;
	pid_t pid;
	pid_t torn; /* the thread whose half write is under way */
};

static void
kill_it(struct tracer *t)
{
	t->c->killed = true;
	(void)kill(t->pid, SIGKILL);
}

/* With KU_CRASH_TRACE: what it dies at. */
static void
say_call(const struct crash *c, pid_t tid, uint64_t nr, const uint64_t *args)
{
	char link[64], path[512] = "";

	(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)tid, (int)args[0]);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		path[0] = '\0';
	(void)fprintf(stderr, "call %u: %ld(%s, %lx, %ld, %ld) step %u\n", c->calls,
	    (long)nr, path, (unsigned long)args[1], (long)args[2], (long)args[3],
	    crash_shared->step);
}

/* At the entry of a call of the table. How to go on: PTRACE_CONT, PTRACE_SYSCALL, or 0. */
static int
at_call(struct tracer *t, pid_t tid)
{
	struct __ptrace_syscall_info info = { 0 };
	const struct call *call;
	struct crash *c = t->c;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(info), &info) <= 0)
		return PTRACE_CONT;
	call = find_call(info.seccomp.nr);
	if (call == NULL ||
	    !counts(tid, call, (const uint64_t *)info.seccomp.args, c->dir))
		return PTRACE_CONT;
	c->calls++;
	if (getenv("KU_CRASH_TRACE") != NULL)
		say_call(c, tid, info.seccomp.nr, (const uint64_t *)info.seccomp.args);
	if (c->calls < CRASH_MAX_CALLS)
		c->writes[c->calls] = call->kind == A_WRITE && info.seccomp.args[2] > 1;
	if (c->calls == c->at && c->mode == CRASH_TORN && c->writes[c->calls] &&
	    halve(tid, info.seccomp.args[2])) {
		t->torn = tid;
		return PTRACE_SYSCALL;
	}
	if (c->calls == c->at) {
		kill_it(t);
		return 0;
	}
	if (call->kind == A_SYNC && t->power != NULL)
		power_synced(t->power, tid, (int)info.seccomp.args[0]);
	return PTRACE_CONT;
}

/* How the stopped thread goes on; *ret_sig is given to it. */
static int
stopped(struct tracer *t, pid_t tid, int status, int *ret_sig)
{
	int sig = WSTOPSIG(status);

	*ret_sig = 0;
	if (t->c->killed)
		return 0;
	if (tid == t->torn && sig == (SIGTRAP | 0x80)) {
		kill_it(t);
		return 0;
	}
	if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_SECCOMP << 8)))
		return at_call(t, tid);
	if (sig != SIGSTOP && sig != SIGTRAP && sig != (SIGTRAP | 0x80))
		*ret_sig = sig;
	return tid == t->torn ? PTRACE_SYSCALL : PTRACE_CONT;
}

static void
trace(struct tracer *t)
{
	for (;;) {
		int status, sig, how;
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			abort();
		if (WIFSTOPPED(status)) {
			how = stopped(t, tid, status, &sig);
			if (how != 0)
				(void)ptrace((enum __ptrace_request)how, tid, NULL,
				    (void *)(uintptr_t)(unsigned)sig);
		} else if (tid == t->pid) {
			t->c->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
			if (!WIFEXITED(status) && !t->c->killed) {
				(void)fprintf(stderr, "died of signal %d after call %u\n",
				    WTERMSIG(status), t->c->calls);
				abort();
			}
			return;
		}
	}
}

void
crash_run(struct crash *c)
{
	struct tracer t = { .c = c };
	int status;

	c->calls = 0;
	c->killed = false;
	c->status = -1;
	memset(crash_shared, 0, sizeof(*crash_shared));
	if (c->at != 0 && (c->mode == CRASH_POWER || c->mode == CRASH_POWER_DATA))
		t.power = power_new(c->dir, c->mode == CRASH_POWER);
	(void)fflush(NULL);
	t.pid = fork();
	if (t.pid < 0)
		abort();
	if (t.pid == 0)
		child(c);
	if (waitpid(t.pid, &status, __WALL) != t.pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, t.pid, NULL,
		(void *)(PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE |
		    PTRACE_O_TRACESYSGOOD)) != 0 ||
	    ptrace(PTRACE_CONT, t.pid, NULL, NULL) != 0) {
		(void)fprintf(stderr, "no ptrace here: skipped\n");
		exit(77);
	}
	trace(&t);
	if (t.power != NULL && c->killed)
		power_lost(t.power);
	t.power = power_free(t.power);
}
