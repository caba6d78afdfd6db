/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Five hundred conversations in one program at once, and in as many processes, half of them
 * with a wrong password: every one gets its own verdict, and nothing grows. Threads have small
 * stacks, as those of login managers and mail servers do.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/fake.h"
#include "host/module.h"
#include "host/pamhost.h"
#include "ku/wire_ops.h"
#include "src/base/util.h"

#define N_THREADS  500
#define STACK_SIZE (128u << 10)

struct visitor {
	pthread_t thread;
	unsigned number;
	bool alone; /* in a process of its own */
	int code;
	int account;
	int session;
};

static struct fake fake;
static struct visitor visitors[N_THREADS];
static pthread_barrier_t door;

static bool
is_right(const struct visitor *v)
{
	return v->number % 2 == 0;
}

static void *
visit(void *arg)
{
	struct visitor *v = arg;
	struct person *p = calloc(1, sizeof(*p));
	pam_handle_t *pamh;
	char user[32];

	if (p == NULL)
		abort();
	p->answers[0] = is_right(v) ? FAKE_PASSWORD : "not that";
	(void)snprintf(user, sizeof(user), "ours%u", v->number);
	pamh = pamhost_start("crowd", user, p);
	if (!v->alone)
		(void)pthread_barrier_wait(&door);
	v->code = pam_authenticate(pamh, 0);
	v->account = pam_acct_mgmt(pamh, 0);
	v->session = pam_open_session(pamh, 0);
	if (pam_end(pamh, 0) != PAM_SUCCESS || p->n_bad > 0)
		v->code = -1;
	free(p);
	return NULL;
}

static void
five_hundred_at_once_get_each_their_own_verdict(void **state)
{
	pthread_attr_t attr;
	int fds = count_fds();

	(void)state;
	assert_int_equal(pthread_barrier_init(&door, NULL, N_THREADS), 0);
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstacksize(&attr, STACK_SIZE), 0);
	for (unsigned i = 0; i < N_THREADS; i++) {
		visitors[i].number = i;
		assert_int_equal(pthread_create(&visitors[i].thread, &attr, visit,
				     &visitors[i]),
		    0);
	}
	for (unsigned i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_join(visitors[i].thread, NULL), 0);
	for (unsigned i = 0; i < N_THREADS; i++) {
		assert_int_equal(visitors[i].code,
		    is_right(&visitors[i]) ? PAM_SUCCESS : PAM_AUTH_ERR);
		assert_int_equal(visitors[i].account, PAM_SUCCESS);
		assert_int_equal(visitors[i].session, PAM_SUCCESS);
	}
	assert_int_equal(fake.ctl->pam_requests[KU_OP_PAM_AUTH - KU_OP_PAM_LOOKUP],
	    N_THREADS);
	assert_true(count_fds() <= fds);
	(void)pthread_attr_destroy(&attr);
	(void)pthread_barrier_destroy(&door);
}

static void
five_hundred_processes_get_each_their_own_verdict(void **state)
{
	static pid_t pids[N_THREADS];
	unsigned right = 0;

	(void)state;
	fake_pam_reset(&fake);
	for (unsigned i = 0; i < N_THREADS; i++) {
		struct visitor v = { .number = i, .alone = true };

		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] != 0)
			continue;
		(void)visit(&v);
		_exit(v.account == PAM_SUCCESS && v.session == PAM_SUCCESS ? v.code : 99);
	}
	for (unsigned i = 0; i < N_THREADS; i++) {
		int status = 0;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status),
		    i % 2 == 0 ? PAM_SUCCESS : PAM_AUTH_ERR);
		right += WEXITSTATUS(status) == PAM_SUCCESS;
	}
	assert_int_equal(right, N_THREADS / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_hundred_at_once_get_each_their_own_verdict),
		cmocka_unit_test(five_hundred_processes_get_each_their_own_verdict),
	};
	int failed;

	pamhost_enter();
	pamhost_stack("crowd", "required", "nodelay");
	fake_start(&fake, MODULE_SOCK, 1024);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fake_stop(&fake);
	return failed;
}
