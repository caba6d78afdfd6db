/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The PAM operations from a shell, without PAM: what the daemon says, and how long it took.
 *
 *	loginprobe lookup NAME		OK 2500 ms https://... alice
 *	loginprobe auth NAME PASSWORD	OK OK 0 61ms	(status, verdict, seconds, time)
 *	loginprobe acct NAME		OK OK
 *	loginprobe session NAME		OK NO_TASKS look /home/...
 *	loginprobe crowd N NAME PASSWORD LIMIT_MS
 *		N whole conversations at once, one thread each; how many ended how
 *	loginprobe processes N ...	the same, one process each
 *		NAME "bulk": u00000, u00001 ... (devidmctl bulk), each as somebody else
 *	loginprobe find PID <PASSWORD	copies of it in that process' writable memory
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ku/paths.h"
#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "ku/wire_pam.h"
#include "src/base/deadline.h"
#include "src/base/util.h"
#include "src/client/client.h"
#include "src/wire/codec.h"

static const char *const status_words[] = { "OK", "NOTFOUND", "UNAVAIL", "BUSY", "DENIED",
	"BAD", "VERSION", "LOCAL" };
static const char *const auth_words[] = { "-", "OK", "OK_CACHED", "DENIED", "WRONG",
	"NO_CREDENTIAL", "SUSPENDED", "WAIT", "TOO_OLD", "INVALID" };
static const char *const acct_words[] = { "-", "OK", "EXPIRED", "NOT_ALLOWED", "NOBODY" };
static const char *const session_words[] = { "-", "OK", "FAILED", "NO_TASKS" };
#define WORD(words, v) ((v) < ARRAY_SIZE(words) ? (words)[v] : "?")

struct reply {
	int r;
	uint16_t status;
	uint8_t head[8];
	char tail[1024];
	int64_t ms;
};

static void
ask(uint16_t op, const char *name, const char *password, int limit_ms, struct reply *ret)
{
	uint8_t body[KU_MAX_PAM_REQ];
	struct client_call call = { .path = KU_PATH_SOCK, .op = op, .req = body };
	struct enc e;
	int64_t begun = clock_mono_ns();

	enc_init(&e, body, sizeof(body));
	if (op != KU_OP_PAM_LOOKUP)
		enc_u32(&e, 0);
	enc_str(&e, name);
	if (op != KU_OP_PAM_LOOKUP) {
		enc_str(&e, "probe");
		enc_str(&e, "");
		enc_str(&e, "");
	}
	if (password != NULL)
		enc_str(&e, password);
	call.req_len = e.len;
	call.head = ret->head;
	call.head_len = op == KU_OP_PAM_LOOKUP ? 4 : 8;
	call.tail = ret->tail;
	call.tail_cap = sizeof(ret->tail);
	call.verify_peer = password != NULL;
	ret->r = client_call(&call, deadline_in_ms(limit_ms));
	ret->status = call.status;
	ret->ms = (clock_mono_ns() - begun) / 1000000;
	explicit_bzero(body, sizeof(body));
}

static uint32_t
word_of(const struct reply *a, size_t at)
{
	struct dec d;

	dec_init(&d, a->head + at, 4);
	return dec_u32(&d);
}

static int
show(const char *what, const char *name, const char *password)
{
	bool lookup = streq(what, "lookup");
	struct reply a = { 0 };

	ask(lookup                    ? KU_OP_PAM_LOOKUP
		: streq(what, "auth") ? KU_OP_PAM_AUTH
		: streq(what, "acct") ? KU_OP_PAM_ACCT
				      : KU_OP_PAM_SESSION,
	    name, password, 150000, &a);
	if (a.r < 0) {
		printf("%s\n", strerror(-a.r));
		return 1;
	}
	printf("%s", WORD(status_words, a.status));
	if (a.status != KU_ST_OK)
		printf("%s\n", "");
	else if (lookup)
		printf(" %" PRIu32 " ms %s %s\n", word_of(&a, 0), a.tail + 4,
		    a.tail + 4 + strlen(a.tail + 4) + 1);
	else if (streq(what, "auth"))
		printf(" %s %" PRIu32 " %" PRId64 "ms\n",
		    WORD(auth_words, word_of(&a, 0)), word_of(&a, 4), a.ms);
	else if (streq(what, "acct"))
		printf(" %s\n", WORD(acct_words, word_of(&a, 0)));
	else
		printf(" %s%s%s %s %s\n", WORD(session_words, word_of(&a, 0)),
		    (word_of(&a, 4) & KU_SESSION_LOOK) != 0 ? " look" : "",
		    (word_of(&a, 4) & KU_SESSION_DENY) != 0 ? " deny" : "", a.tail + 4,
		    a.tail + 4 + strlen(a.tail + 4) + 1);
	return 0;
}

/* ---- a crowd ---- */

struct visitor {
	pthread_t thread;
	pid_t pid; /* or a process */
	const char *password;
	char name[64];
	int limit_ms;
	struct reply lookup, auth, acct, session;
};

static void *
visit(void *arg)
{
	struct visitor *v = arg;

	ask(KU_OP_PAM_LOOKUP, v->name, NULL, v->limit_ms, &v->lookup);
	ask(KU_OP_PAM_AUTH, v->name, v->password, v->limit_ms, &v->auth);
	ask(KU_OP_PAM_ACCT, v->name, NULL, v->limit_ms, &v->acct);
	ask(KU_OP_PAM_SESSION, v->name, NULL, v->limit_ms, &v->session);
	return NULL;
}

static int
arrive(struct visitor *v, bool as_process)
{
	pid_t pid;

	if (!as_process)
		return pthread_create(&v->thread, NULL, visit, v);
	pid = fork();
	if (pid == 0) {
		(void)visit(v);
		_exit(0);
	}
	v->pid = pid; /* in shared memory: the child's 0 must not come here */
	return pid < 0 ? errno : 0;
}

static void
leave(struct visitor *v, bool as_process)
{
	if (as_process)
		(void)waitpid(v->pid, NULL, 0);
	else
		(void)pthread_join(v->thread, NULL);
}

static void
count(const struct visitor *v, size_t n, const char *word, uint16_t status,
    uint32_t verdict)
{
	size_t hits = 0;

	for (size_t i = 0; i < n; i++)
		hits += v[i].auth.r == 0 && v[i].auth.status == status &&
		    (status != KU_ST_OK || word_of(&v[i].auth, 0) == verdict);
	if (hits > 0)
		printf(" %s=%zu", word, hits);
}

static int
crowd(bool processes, size_t n, const char *name, const char *password, int limit_ms)
{
	struct visitor *v = mmap(NULL, n * sizeof(*v), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t failed = 0, allowed = 0, sessions = 0;
	int64_t longest = 0;

	if (v == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(v[i].name, sizeof(v[i].name), "%s", name);
		if (streq(name, "bulk"))
			(void)snprintf(v[i].name, sizeof(v[i].name), "u%05zu", i);
		v[i].password = password;
		v[i].limit_ms = limit_ms;
		v[i].auth.r = -ECHILD; /* until it says otherwise */
		if (arrive(&v[i], processes) != 0)
			return 1;
	}
	for (size_t i = 0; i < n; i++) {
		leave(&v[i], processes);
		failed += v[i].auth.r != 0;
		allowed += v[i].acct.r == 0 && v[i].acct.status == KU_ST_OK &&
		    word_of(&v[i].acct, 0) == KU_ACCT_OK;
		sessions += v[i].session.r == 0 && v[i].session.status == KU_ST_OK;
		longest = v[i].auth.ms > longest ? v[i].auth.ms : longest;
	}
	printf("auth");
	for (uint32_t i = 1; i < ARRAY_SIZE(auth_words); i++)
		count(v, n, auth_words[i], KU_ST_OK, i);
	for (uint16_t i = 1; i < ARRAY_SIZE(status_words); i++)
		count(v, n, status_words[i], i, 0);
	if (failed > 0)
		printf(" no-reply=%zu", failed);
	printf(" acct=%zu session=%zu longest=%" PRId64 "ms\n", allowed, sessions,
	    longest);
	return munmap(v, n * sizeof(*v));
}

/* ---- a search ---- */

static size_t
copies_between(int mem, uint64_t from, uint64_t to, const char *needle, size_t len)
{
	static char buf[1 << 20];
	size_t n = 0;

	while (from + len <= to) {
		size_t want = to - from < sizeof(buf) ? (size_t)(to - from) : sizeof(buf);
		ssize_t got = pread(mem, buf, want, (off_t)from);
		const char *at = buf;

		if (got < (ssize_t)len)
			return n;
		while ((at = memmem(at, (size_t)(buf + got - at), needle, len)) != NULL) {
			n++;
			if (getenv("LOGINPROBE_SHOW") != NULL)
				fprintf(stderr, "%" PRIx64 "\n",
				    from + (uint64_t)(at - buf));
			at++;
		}
		from += (uint64_t)got - (len - 1);
	}
	return n;
}

static int
find(const char *pid)
{
	char path[64], line[512], needle[256];
	size_t n = 0, len, mappings = 0;
	FILE *maps;
	int mem;

	len = fread(needle, 1, sizeof(needle), stdin);
	(void)snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = fopen(path, "re");
	(void)snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (maps == NULL || mem < 0 || len < 8)
		return 2;
	while (fgets(line, sizeof(line), maps) != NULL) {
		uint64_t from, to;
		char mode[5];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &from, &to, mode) != 3 ||
		    strncmp(mode, "rw", 2) != 0)
			continue;
		mappings++;
		n += copies_between(mem, from, to, needle, len);
	}
	printf("%zu\n", n);
	return mappings < 5 ? 2 : 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && streq(argv[1], "find"))
		return find(argv[2]);
	if (argc == 6 && (streq(argv[1], "crowd") || streq(argv[1], "processes")))
		return crowd(streq(argv[1], "processes"), strtoul(argv[2], NULL, 10),
		    argv[3], argv[4], (int)strtol(argv[5], NULL, 10));
	if (argc == (argc > 1 && streq(argv[1], "auth") ? 4 : 3))
		return show(argv[1], argv[2], argv[3]);
	fprintf(stderr, "loginprobe: see the source\n");
	return 2;
}
