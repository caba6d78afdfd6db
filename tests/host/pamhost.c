/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Making the host. /dev is covered, because the journal's socket has to be at /dev/log and
 * nothing may be made in the real one; of devices only the few that programs here use.
 */
#include "host/pamhost.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "host/module.h"
#include "src/base/util.h"

#define LOG_PATH "/dev/log"

#define MARK "that was all"

static int journal_fd = -1;
static pthread_mutex_t journal_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t journal_marked = PTHREAD_COND_INITIALIZER;
static char journal_text[64 * 1024];
static size_t journal_len;
static unsigned marks_seen, marks_sent;

static void
require(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		abort();
	}
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	require(f != NULL, path);
	require(fputs(text, f) >= 0 && fclose(f) == 0, path);
}

static void
make_devices(void)
{
	static const char *const devices[] = { "null", "zero", "urandom", "random" };

	require(mkdir("/run/dev", 0755) == 0, "/run/dev");
	require(mount("tmpfs", "/run/dev", "tmpfs", 0, "mode=0755") == 0, "/run/dev");
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		char from[32], to[32];

		(void)snprintf(from, sizeof(from), "/dev/%s", devices[i]);
		(void)snprintf(to, sizeof(to), "/run/dev/%s", devices[i]);
		write_file(to, "");
		require(mount(from, to, "none", MS_BIND, NULL) == 0, from);
	}
	require(mount("/run/dev", "/dev", "none", MS_BIND | MS_REC, NULL) == 0, "/dev");
}

static void
keep(const char *line)
{
	const char *text = strstr(line, ": ");
	size_t len;

	text = text == NULL ? line : text + 2;
	len = strlen(text);
	if (journal_len + len + 2 > sizeof(journal_text))
		return;
	if (journal_len > 0)
		journal_text[journal_len++] = '\n';
	memcpy(journal_text + journal_len, text, len + 1);
	journal_len += len;
}

/* The queue of such a socket is ten lines long, and who writes to a full one waits. */
static void *
read_journal(void *arg)
{
	char line[3072];

	(void)arg;
	for (;;) {
		ssize_t got = recv(journal_fd, line, sizeof(line) - 1, 0);

		if (got < 0)
			continue;
		line[got] = '\0';
		(void)pthread_mutex_lock(&journal_lock);
		if (streq(line, MARK)) {
			marks_seen++;
			(void)pthread_cond_signal(&journal_marked);
		} else {
			keep(line);
		}
		(void)pthread_mutex_unlock(&journal_lock);
	}
	return NULL;
}

static void
make_journal(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = LOG_PATH };
	pthread_t reader;

	journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	require(journal_fd >= 0, "socket");
	require(bind(journal_fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0,
	    LOG_PATH);
	require(chmod(LOG_PATH, 0666) == 0, LOG_PATH);
	require(pthread_create(&reader, NULL, read_journal, NULL) == 0, "pthread_create");
	require(pthread_detach(reader) == 0, "pthread_detach");
}

void
pamhost_enter(void)
{
	module_enter_namespace();
	make_devices();
	make_journal();
	/* libc keeps a socket for it, which is not to look like one that is left behind */
	openlog(NULL, LOG_NDELAY, LOG_AUTHPRIV);
	require(mkdir(PAMHOST_STACKS, 0755) == 0, PAMHOST_STACKS);
	/* without it libpam complains in the journal, once per conversation */
	write_file(PAMHOST_STACKS "/other", "auth required pam_deny.so\n");
	pamhost_passwd("");
	require(mount(PAMHOST_PASSWD, "/etc/passwd", "none", MS_BIND, NULL) == 0,
	    "/etc/passwd");
}

void
pamhost_passwd(const char *lines)
{
	char *text = NULL;

	require(asprintf(&text, "root:x:0:0::/root:/bin/sh\n%s", lines) > 0, "memory");
	write_file(PAMHOST_PASSWD, text);
	free(text);
}

void
pamhost_many_locals(void)
{
	static char lines[60000];
	size_t n = 0;

	for (unsigned i = 0; n + 64 < sizeof(lines); i++)
		n += (size_t)snprintf(lines + n, 64, "local%u:x:%u:%u::/:/bin/sh\n", i,
		    3000 + i, 3000 + i);
	pamhost_passwd(lines);
}

static const char *
module_path(void)
{
	const char *path = getenv("KU_PAM_MODULE");

	require(path != NULL, "KU_PAM_MODULE");
	return path;
}

void
pamhost_stack_text(const char *service, const char *text)
{
	const char *path = module_path(), *mark;
	char file[64], out[3072] = "";
	size_t n = 0;

	for (; *text != '\0' && n + strlen(path) + 1 < sizeof(out); text++) {
		mark = strncmp(text, "MODULE", 6) == 0 ? path : NULL;
		if (mark == NULL) {
			out[n++] = *text;
			continue;
		}
		memcpy(out + n, path, strlen(path));
		n += strlen(path);
		text += 5;
	}
	out[n] = '\0';
	(void)snprintf(file, sizeof(file), PAMHOST_STACKS "/%s", service);
	write_file(file, out);
}

void
pamhost_stack(const char *service, const char *control, const char *options)
{
	static const char *const types[] = { "auth", "account", "session", "password" };
	char text[2048];
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s %s MODULE %s\n",
		    types[i], control, options);
	pamhost_stack_text(service, text);
}

static void
note(char *to, size_t cap, const char *what, const char *text)
{
	size_t n = strlen(to);

	(void)snprintf(to + n, cap - n, "%s%s%s", n == 0 ? "" : " | ", what, text);
}

static int
answer(struct person *p, struct pam_response **ret)
{
	const char *text = p->n_asked < ARRAY_SIZE(p->answers) ? p->answers[p->n_asked]
							       : NULL;
	struct pam_response *r = calloc(1, sizeof(*r));

	p->n_asked++;
	require(r != NULL, "calloc");
	if (p->mode != PERSON_NO_STRING) {
		r->resp = strdup(text == NULL ? "" : text);
		require(r->resp != NULL, "strdup");
		for (char *c = r->resp; p->mode == PERSON_TYPES_MASKED && *c != '\0'; c++)
			*c ^= PERSON_MASK;
	}
	*ret = r;
	return p->mode == PERSON_FAILS_AND_ANSWERS ? PAM_CONV_ERR : PAM_SUCCESS;
}

static int
converse(int n, const struct pam_message **msg, struct pam_response **ret, void *arg)
{
	struct person *p = arg;

	if (n != 1 || ret == NULL || *ret != NULL) {
		p->n_bad++;
		return PAM_CONV_ERR;
	}
	for (const char *c = msg[0]->msg; *c != '\0'; c++)
		p->n_bad += *c < ' ' || *c > '~';
	if (p->looks != NULL)
		p->looks(p);
	switch (msg[0]->msg_style) {
	case PAM_TEXT_INFO:
	case PAM_ERROR_MSG:
		note(p->told, sizeof(p->told),
		    msg[0]->msg_style == PAM_TEXT_INFO ? "info: " : "error: ",
		    msg[0]->msg);
		*ret = calloc(1, sizeof(**ret));
		return PAM_SUCCESS;
	case PAM_PROMPT_ECHO_OFF:
		break;
	default:
		p->n_bad++;
		return PAM_CONV_ERR;
	}
	note(p->prompts, sizeof(p->prompts), "", msg[0]->msg);
	switch (p->mode) {
	case PERSON_FAILS:
		return PAM_CONV_ERR;
	case PERSON_WAITS:
		return PAM_CONV_AGAIN;
	case PERSON_NO_REPLY:
		return PAM_SUCCESS;
	default:
		return answer(p, ret);
	}
}

static void
delay(int code, unsigned us, void *arg)
{
	struct person *p = arg;

	p->delay_us = code == PAM_SUCCESS ? 0 : us;
}

pam_handle_t *
pamhost_start(const char *service, const char *user, struct person *p)
{
	struct pam_conv conv = { .conv = converse, .appdata_ptr = p };
	pam_handle_t *pamh = NULL;
	int r = pam_start_confdir(service, user, &conv, PAMHOST_STACKS, &pamh);

	void (*fail_delay)(int, unsigned, void *) = delay;
	const void *item;

	require(r == PAM_SUCCESS, "pam_start_confdir");
	/* not a conversion from a function pointer to an object pointer */
	memcpy(&item, &fail_delay, sizeof(item));
	require(pam_set_item(pamh, PAM_FAIL_DELAY, item) == PAM_SUCCESS,
	    "PAM_FAIL_DELAY");
	return pamh;
}

/* A line of ours behind all others tells when they have been read. */
const char *
pamhost_journal(void)
{
	static char all[sizeof(journal_text)];
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = LOG_PATH };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	require(fd >= 0, "socket");
	marks_sent++;
	require(sendto(fd, MARK, strlen(MARK), 0, (const struct sockaddr *)&addr,
		    sizeof(addr)) > 0,
	    LOG_PATH);
	(void)close(fd);
	(void)pthread_mutex_lock(&journal_lock);
	while (marks_seen != marks_sent)
		(void)pthread_cond_wait(&journal_marked, &journal_lock);
	memcpy(all, journal_text, journal_len);
	all[journal_len] = '\0';
	journal_len = 0;
	(void)pthread_mutex_unlock(&journal_lock);
	return all;
}

const char *
pamhost_code(int code)
{
	static const char *const names[] = {
		[PAM_SUCCESS] = "SUCCESS",
		[PAM_SYSTEM_ERR] = "SYSTEM_ERR",
		[PAM_PERM_DENIED] = "PERM_DENIED",
		[PAM_AUTH_ERR] = "AUTH_ERR",
		[PAM_CRED_INSUFFICIENT] = "CRED_INSUFFICIENT",
		[PAM_AUTHINFO_UNAVAIL] = "AUTHINFO_UNAVAIL",
		[PAM_USER_UNKNOWN] = "USER_UNKNOWN",
		[PAM_MAXTRIES] = "MAXTRIES",
		[PAM_NEW_AUTHTOK_REQD] = "NEW_AUTHTOK_REQD",
		[PAM_ACCT_EXPIRED] = "ACCT_EXPIRED",
		[PAM_SESSION_ERR] = "SESSION_ERR",
		[PAM_CRED_UNAVAIL] = "CRED_UNAVAIL",
		[PAM_CONV_ERR] = "CONV_ERR",
		[PAM_AUTHTOK_ERR] = "AUTHTOK_ERR",
		[PAM_TRY_AGAIN] = "TRY_AGAIN",
		[PAM_IGNORE] = "IGNORE",
		[PAM_INCOMPLETE] = "INCOMPLETE",
	};

	return (size_t)code < ARRAY_SIZE(names) && names[code] != NULL ? names[code]
								       : "?";
}
