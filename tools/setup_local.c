/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One login of a local account through the stack of a service, by libpam itself: the one file
 * of the tools that knows it. Whatever else was looked at, this is what the next person who
 * has to get in as root will meet.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "src/base/attr.h"
#include "src/base/deadline.h"
#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/setup_internal.h"

static void
drop(struct pam_response *v, int n)
{
	for (int i = 0; i < n; i++) {
		if (v[i].resp != NULL)
			explicit_bzero(v[i].resp, strlen(v[i].resp));
		free(v[i].resp);
	}
	free(v);
}

/* Less than a pipe holds. */
#define MOST_PASSWORD 4000

/* The password to whoever asks without echo; messages are not for us. */
static int
answer(int n, const struct pam_message **messages, struct pam_response **ret_v, void *arg)
{
	const struct secret *password = arg;
	struct pam_response *v;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	v = xcalloc((size_t)n, sizeof(*v));
	for (int i = 0; i < n; i++) {
		if (messages[i]->msg_style == PAM_ERROR_MSG ||
		    messages[i]->msg_style == PAM_TEXT_INFO)
			continue;
		if (password == NULL || messages[i]->msg_style != PAM_PROMPT_ECHO_OFF) {
			drop(v, n);
			return PAM_CONV_ERR;
		}
		v[i].resp = xstrndup((const char *)password->data, password->len);
	}
	*ret_v = v;
	return PAM_SUCCESS;
}

/* libpam only hands it through. */
static void *
as_argument(const struct secret *password)
{
	void *arg;

	memcpy(&arg, &password, sizeof(arg));
	return arg;
}

static int
log_in(const char *service, const char *name, const struct secret *password,
    pam_handle_t **ret_handle)
{
	const struct pam_conv conv = { answer, as_argument(password) };
	int rc = pam_start(service, name, &conv, ret_handle);

	if (rc != PAM_SUCCESS)
		return rc;
	if (password != NULL)
		rc = pam_authenticate(*ret_handle,
		    PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (rc == PAM_SUCCESS)
		rc = pam_acct_mgmt(*ret_handle, PAM_SILENT);
	/* Its password is old, which is no matter of ours. */
	return rc == PAM_NEW_AUTHTOK_REQD ? PAM_SUCCESS : rc;
}

/* A secret is not taken over by a child; it comes by a pipe. */
static struct secret *
take_password(int in)
{
	struct secret *s = secret_new(MOST_PASSWORD);
	size_t got = 0;

	if (s != NULL && fd_read_full(in, s->data, MOST_PASSWORD, &got) == 0)
		s->len = got;
	return s;
}

/* In a process of its own, with no way to print and none to ask: modules of others do what they
 * like. What is wrong goes to the pipe. */
static noreturn_ void
child(int in, int out, const char *service, const char *name)
{
	struct secret *password = in >= 0 ? take_password(in) : NULL;
	pam_handle_t *handle = NULL;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), rc;
	const char *said;

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		(void)dup2(null, fd);
	/* Without it this would only be an account phase. */
	if (in >= 0 && password == NULL)
		_exit(1);
	rc = log_in(service, name, password, &handle);
	if (rc != PAM_SUCCESS) {
		said = handle != NULL ? pam_strerror(handle, rc)
				      : "libpam does not start";
		(void)!write(out, said, strlen(said));
	}
	if (handle != NULL)
		(void)pam_end(handle, rc);
	_exit(rc == PAM_SUCCESS ? 0 : 1);
}

/* Its exit status by the deadline, or -errno. */
static int
wait_for(pid_t pid, struct deadline deadline)
{
	int status, rc;

	while ((rc = waitpid(pid, &status, WNOHANG)) == 0 || (rc < 0 && errno == EINTR)) {
		if (deadline_left_ms(deadline) == 0) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			return -ETIMEDOUT;
		}
		(void)poll(NULL, 0, 5);
	}
	return rc == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

/* From which the password can be read, or -errno. */
static int
filled_pipe(const struct secret *password)
{
	int fds[2], rc;

	if (password->len > MOST_PASSWORD)
		return -EMSGSIZE;
	if (pipe2(fds, O_CLOEXEC) != 0)
		return -errno;
	rc = fd_write_all(fds[1], password->data, password->len);
	(void)close(fds[1]);
	if (rc == 0)
		return fds[0];
	(void)close(fds[0]);
	return rc;
}

char *
setup_local_login(const char *service, const char *name, const struct secret *password,
    int timeout_ms)
{
	struct deadline deadline = deadline_in_ms(timeout_ms);
	cleanup_(fd_closep) int from = -1;
	char said[256] = "";
	cleanup_(fd_closep) int in = -1;
	int fds[2], rc;
	ssize_t n;
	pid_t pid;

	if (password != NULL && (in = filled_pipe(password)) < 0)
		return xstrdup(strerror(-in));
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return xstrdup(strerror(errno));
	from = fds[0];
	pid = fork();
	if (pid == 0)
		child(in, fds[1], service, name);
	(void)close(fds[1]);
	if (pid < 0)
		return xstrdup(strerror(errno));
	rc = wait_for(pid, deadline);
	if (rc == 0)
		return NULL;
	n = read(from, said, sizeof(said) - 1);
	if (rc == -ETIMEDOUT)
		return xasprintf("no answer within %d s", timeout_ms / 1000);
	return xstrdup(n > 0 ? said : "a module of it has ended the login");
}
