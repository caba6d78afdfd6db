/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A PAM application that says what it sees: runs the given calls in order against a service
 * of the host and prints one line for each, with the return code, the time, the delay that
 * was asked for, and every message that a person would read. Passwords come line by line
 * from standard input, so that none is in an argument list. With -P or -T it is a crowd:
 * the same conversation from many processes or threads at once, each judged on its own.
 *
 *	pamrun [-s SERVICE] -u USER [-r RHOST] [-t TTY] [-q] [-P N | -T N [-g]] CALL …
 *
 * -g: every line of standard input is the password of one conversation of its own, and the
 * threads share them out.
 *
 * CALL: auth acct open close cred delete chauthtok. Lines: CALL, code, name, milliseconds,
 * delay in ms, PAM_USER afterwards, messages; separated by tabs. A crowd prints one line
 * per result with its count and the longest time.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_appl.h>

#define PASSWORDS   8
#define CROWD_MAX   2000
#define WORDS_MAX   20000
#define OUT_OF_TIME 99 /* no code of PAM's: the deadline of a crowd has passed */

struct run {
	const char *service, *user, *rhost, *tty;
	int flags;
	char *passwords[PASSWORDS];
	size_t n_passwords;
	char **calls;
	int n_calls;
};

struct talk {
	const struct run *run;
	size_t next_password;
	unsigned delay_us;
	char said[1024];
};

struct result {
	int code;
	unsigned ms;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *
code_name(int code)
{
	static const char *const names[] = { "SUCCESS", "OPEN_ERR", "SYMBOL_ERR",
		"SERVICE_ERR", "SYSTEM_ERR", "BUF_ERR", "PERM_DENIED", "AUTH_ERR",
		"CRED_INSUFFICIENT", "AUTHINFO_UNAVAIL", "USER_UNKNOWN", "MAXTRIES",
		"NEW_AUTHTOK_REQD", "ACCT_EXPIRED", "SESSION_ERR", "CRED_UNAVAIL",
		"CRED_EXPIRED", "CRED_ERR", "NO_MODULE_DATA", "CONV_ERR", "AUTHTOK_ERR",
		"AUTHTOK_RECOVERY_ERR", "AUTHTOK_LOCK_BUSY", "AUTHTOK_DISABLE_AGING",
		"TRY_AGAIN", "IGNORE", "ABORT", "AUTHTOK_EXPIRED", "MODULE_UNKNOWN",
		"BAD_ITEM", "CONV_AGAIN", "INCOMPLETE" };

	if (code == OUT_OF_TIME)
		return "OUT_OF_TIME";
	if (code < 0 || (size_t)code >= sizeof names / sizeof names[0])
		return "UNKNOWN";
	return names[code];
}

/* Adds a message; tabs and line ends would break the line it is printed in. */
static void
note(struct talk *t, const char *kind, const char *text)
{
	size_t used = strlen(t->said);

	(void)snprintf(t->said + used, sizeof t->said - used, "%s%s%s",
	    used > 0 ? " | " : "", kind, text);
	for (char *c = t->said + used; *c; c++)
		if (*c == '\t' || *c == '\n' || *c == '\r')
			*c = ' ';
}

static int
answer(int n, const struct pam_message **message, struct pam_response **response,
    void *arg)
{
	struct talk *t = arg;
	struct pam_response *r = calloc((size_t)n, sizeof *r);

	if (!r)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		const char *text = message[i]->msg ? message[i]->msg : "";

		switch (message[i]->msg_style) {
		case PAM_PROMPT_ECHO_OFF:
		case PAM_PROMPT_ECHO_ON:
			note(t, "? ", text);
			if (t->next_password < t->run->n_passwords)
				r[i].resp = strdup(t->run->passwords[t->next_password++]);
			if (!r[i].resp) {
				for (int k = 0; k < i; k++)
					free(r[k].resp);
				free(r);
				return PAM_CONV_ERR;
			}
			break;
		default:
			note(t, message[i]->msg_style == PAM_ERROR_MSG ? "! " : "", text);
		}
	}
	*response = r;
	return PAM_SUCCESS;
}

/* Takes the place of libpam's sleep; what was asked for is printed instead. */
static void
no_delay(int code, unsigned us, void *arg)
{
	if (arg && code != PAM_SUCCESS)
		((struct talk *)arg)->delay_us = us;
}

static int
call_pam(pam_handle_t *pamh, const char *call, int flags)
{
	if (strcmp(call, "auth") == 0)
		return pam_authenticate(pamh, flags);
	if (strcmp(call, "acct") == 0)
		return pam_acct_mgmt(pamh, flags);
	if (strcmp(call, "open") == 0)
		return pam_open_session(pamh, flags);
	if (strcmp(call, "close") == 0)
		return pam_close_session(pamh, flags);
	if (strcmp(call, "cred") == 0)
		return pam_setcred(pamh, flags | (int)PAM_ESTABLISH_CRED);
	if (strcmp(call, "delete") == 0)
		return pam_setcred(pamh, flags | (int)PAM_DELETE_CRED);
	if (strcmp(call, "chauthtok") == 0)
		return pam_chauthtok(pamh, flags);
	(void)fprintf(stderr, "pamrun: no such call: %s\n", call);
	exit(2);
}

static void
print_call(pam_handle_t *pamh, const char *call, int code, int64_t ms,
    const struct talk *t)
{
	const void *user = NULL;

	(void)pam_get_item(pamh, PAM_USER, &user);
	(void)printf("%s\t%d\t%s\t%lld\t%u\t%s\t%s\n", call, code, code_name(code),
	    (long long)ms, t->delay_us / 1000, user ? (const char *)user : "", t->said);
	(void)fflush(stdout);
}

/* The code of the first call that fails, or of the last one. */
static int
converse(const struct run *run, bool print)
{
	struct talk t = { .run = run };
	const struct pam_conv conv = { answer, &t };
	union {
		void (*function)(int, unsigned, void *);
		const void *item;
	} delay = { .function = no_delay };
	pam_handle_t *pamh = NULL;
	int code = pam_start(run->service, run->user, &conv, &pamh);

	if (code != PAM_SUCCESS)
		return code;
	(void)pam_set_item(pamh, PAM_FAIL_DELAY, delay.item);
	if (run->rhost)
		(void)pam_set_item(pamh, PAM_RHOST, run->rhost);
	if (run->tty)
		(void)pam_set_item(pamh, PAM_TTY, run->tty);
	for (int i = 0; i < run->n_calls; i++) {
		int64_t begin = now_ms();
		int this_code;

		t.delay_us = 0;
		t.said[0] = '\0';
		this_code = call_pam(pamh, run->calls[i], run->flags);
		if (print)
			print_call(pamh, run->calls[i], this_code, now_ms() - begin, &t);
		if (code == PAM_SUCCESS)
			code = this_code;
		if (!print && code != PAM_SUCCESS)
			break;
	}
	(void)pam_end(pamh, code);
	return code;
}

struct crowd {
	const struct run *run;
	int gate[2]; /* everybody waits for its end of file, then starts */
	struct result *results;
	int n_results;
	char **words; /* a password for each conversation; NULL: all type the same */
	atomic_int next;
};

static void
wait_at_gate(const struct crowd *crowd)
{
	char byte;

	while (read(crowd->gate[0], &byte, 1) == -1 && errno == EINTR)
		;
}

static void
take_part(const struct crowd *crowd, int i)
{
	struct run run = *crowd->run;
	int64_t begin = now_ms();

	if (crowd->words) {
		run.passwords[0] = crowd->words[i];
		run.n_passwords = 1;
	}
	crowd->results[i].code = converse(&run, false);
	crowd->results[i].ms = (unsigned)(now_ms() - begin);
}

static void *
thread_main(void *arg)
{
	struct crowd *crowd = arg;
	int i;

	wait_at_gate(crowd);
	while ((i = atomic_fetch_add(&crowd->next, 1)) < crowd->n_results)
		take_part(crowd, i);
	return NULL;
}

static void
run_threads(struct crowd *crowd, int n)
{
	pthread_t *threads = calloc((size_t)n, sizeof *threads);

	if (!threads)
		exit(2);
	for (int i = 0; i < n; i++) {
		if (pthread_create(&threads[i], NULL, thread_main, crowd) != 0) {
			(void)fprintf(stderr, "pamrun: no thread %d\n", i);
			exit(2);
		}
	}
	(void)close(crowd->gate[1]);
	for (int i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	free(threads);
}

static void
run_processes(const struct crowd *crowd, int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			(void)fprintf(stderr, "pamrun: no process %d\n", i);
			exit(2);
		}
		if (pid == 0) {
			(void)close(crowd->gate[1]);
			wait_at_gate(crowd);
			wait_at_gate(crowd);
			take_part(crowd, i);
			_exit(0);
		}
	}
	(void)close(crowd->gate[1]);
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

static void
print_crowd(const struct crowd *crowd)
{
	for (int code = 0; code <= OUT_OF_TIME; code++) {
		unsigned count = 0, longest = 0;

		for (int i = 0; i < crowd->n_results; i++) {
			if (crowd->results[i].code != code)
				continue;
			count++;
			if (crowd->results[i].ms > longest)
				longest = crowd->results[i].ms;
		}
		if (count > 0)
			(void)printf("%d\t%s\t%u\t%u\n", code, code_name(code), count,
			    longest);
	}
}

static int
run_crowd(const struct run *run, int n, bool threads, char **words, int n_words)
{
	struct crowd crowd = { .run = run, .words = words };
	size_t size;

	crowd.n_results = words ? n_words : n;
	size = (size_t)crowd.n_results * sizeof *crowd.results;

	crowd.results = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crowd.results == MAP_FAILED || pipe(crowd.gate) != 0)
		return 2;
	for (int i = 0; i < crowd.n_results; i++)
		crowd.results[i].code = OUT_OF_TIME;
	if (threads)
		run_threads(&crowd, n);
	else
		run_processes(&crowd, n);
	print_crowd(&crowd);
	return 0;
}

static int
read_words(char **words, int max)
{
	char line[1024];
	int n = 0;

	while (n < max && fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		words[n++] = strdup(line);
	}
	return n;
}

struct options {
	struct run run;
	int processes, threads;
	bool guess;
};

static int
parse(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "s:u:r:t:qgP:T:")) != -1) {
		switch (c) {
		case 's':
			o->run.service = optarg;
			break;
		case 'u':
			o->run.user = optarg;
			break;
		case 'r':
			o->run.rhost = optarg;
			break;
		case 't':
			o->run.tty = optarg;
			break;
		case 'q':
			o->run.flags |= (int)PAM_SILENT;
			break;
		case 'g':
			o->guess = true;
			break;
		case 'P':
			o->processes = atoi(optarg);
			break;
		case 'T':
			o->threads = atoi(optarg);
			break;
		default:
			return -1;
		}
	}
	o->run.calls = argv + optind;
	o->run.n_calls = argc - optind;
	if (!o->run.user || optind >= argc || (o->guess && o->threads < 1))
		return -1;
	return o->processes > CROWD_MAX || o->threads > CROWD_MAX ? -1 : 0;
}

int
main(int argc, char **argv)
{
	struct options o = { .run = { .service = "login" } };

	if (parse(&o, argc, argv) != 0) {
		(void)fputs("usage: pamrun [-s SERVICE] -u USER [-r RHOST] [-t TTY] [-q] "
			    "[-P N | -T N [-g]] CALL ...\n",
		    stderr);
		return 2;
	}
	if (o.guess) {
		char **words = calloc(WORDS_MAX, sizeof *words);
		int n = words ? read_words(words, WORDS_MAX) : 0;

		return n > 0 ? run_crowd(&o.run, o.threads, true, words, n) : 2;
	}
	o.run.n_passwords = (size_t)read_words(o.run.passwords, PASSWORDS);
	if (o.processes > 0 || o.threads > 0)
		return run_crowd(&o.run, o.processes > 0 ? o.processes : o.threads,
		    o.threads > 0, NULL, 0);
	return converse(&o.run, true) == PAM_SUCCESS ? 0 : 1;
}
