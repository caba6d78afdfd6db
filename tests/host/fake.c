/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The fake daemon serves one connection at a time from a small constant table. Modes are
 * read from shared memory at each request, so a test needs no protocol to steer it.
 */
#include "host/fake.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "ku/wire_pam.h"
#include "src/base/le.h"
#include "src/base/util.h"
#include "src/wire/codec.h"

#define REPLY_CAP (64u * 1024u)

struct fake_user {
	const char *name;
	uint32_t uid;
	uint32_t gid;
	const char *gecos;
	const char *dir;
};

/* In order of uid, as PASSWD_NEXT wants them. The last three must never get through. */
static const struct fake_user users[] = {
	{ "alice", FAKE_ALICE_UID, FAKE_ALICE_UID, "Alice Doe", "/home/alice" },
	{ "bob", FAKE_BOB_UID, FAKE_BOB_UID, "", "/home/bob" },
	{ "many", 70003, 70003, "In many groups", "/home/many" },
};
static const struct fake_user evil[] = {
	{ "toor", 0, 0, "", "/root" },
	{ "lowgid", 70666, 27, "", "/home/lowgid" },
	{ "colon", 70667, 70667, "a:b", "/home/colon" },
};

static void
put_passwd(struct enc *e, const struct fake_user *u)
{
	size_t at;

	enc_u32(e, u->uid);
	enc_u32(e, u->gid);
	at = e->len;
	enc_u32(e, 0);
	enc_strz(e, u->name);
	enc_strz(e, "x");
	enc_strz(e, u->gecos);
	enc_strz(e, u->dir);
	enc_strz(e, "/bin/sh");
	le32_put(e->buf + at, (uint32_t)(e->len - at - 4));
}

static void
put_group(struct enc *e, uint32_t gid, const char *name, uint32_t n)
{
	size_t at;

	enc_u32(e, gid);
	enc_u32(e, n);
	at = e->len;
	enc_u32(e, 0);
	enc_strz(e, name);
	enc_strz(e, "x");
	for (uint32_t i = 0; i < n; i++) {
		char member[32];

		(void)snprintf(member, sizeof(member), "m%u", i);
		enc_strz(e, n == 2 ? users[i].name : member);
	}
	le32_put(e->buf + at, (uint32_t)(e->len - at - 4));
}

static enum ku_status
user_by_name(struct enc *e, const char *name)
{
	if (streq(name, "local"))
		return KU_ST_LOCAL;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		if (streq(users[i].name, name)) {
			put_passwd(e, &users[i]);
			return KU_ST_OK;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(evil); i++) {
		if (streq(evil[i].name, name)) {
			put_passwd(e, &evil[i]);
			return KU_ST_OK;
		}
	}
	/* somebody else than was asked for */
	if (streq(name, "stranger")) {
		put_passwd(e, &users[0]);
		return KU_ST_OK;
	}
	return KU_ST_NOTFOUND;
}

static enum ku_status
user_by_uid(struct enc *e, uint32_t uid)
{
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		if (users[i].uid == uid) {
			put_passwd(e, &users[i]);
			return KU_ST_OK;
		}
	}
	/* the answer to another question */
	if (uid == 70999) {
		put_passwd(e, &users[0]);
		return KU_ST_OK;
	}
	return KU_ST_NOTFOUND;
}

static enum ku_status
user_next(struct enc *e, uint32_t after, bool started)
{
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		if (!started || users[i].uid > after) {
			put_passwd(e, &users[i]);
			return KU_ST_OK;
		}
	}
	return KU_ST_NOTFOUND;
}

static enum ku_status
group_by(struct enc *e, const char *name, uint32_t gid)
{
	if (name != NULL ? streq(name, "staff") : gid == FAKE_STAFF_GID)
		put_group(e, FAKE_STAFF_GID, "staff", 2);
	else if (name != NULL ? streq(name, "big") : gid == FAKE_BIG_GID)
		put_group(e, FAKE_BIG_GID, "big", FAKE_BIG);
	else if (name != NULL ? streq(name, "empty") : gid == 71002)
		put_group(e, 71002, "empty", 0);
	else if (name != NULL && streq(name, "rootgroup"))
		put_group(e, 0, "rootgroup", 1);
	else
		return KU_ST_NOTFOUND;
	return KU_ST_OK;
}

static enum ku_status
group_next(struct enc *e, uint32_t after, bool started)
{
	for (uint32_t gid = FAKE_STAFF_GID; gid <= 71002; gid++) {
		if (!started || gid > after)
			return group_by(e, NULL, gid);
	}
	return KU_ST_NOTFOUND;
}

static enum ku_status
groups_of(struct enc *e, const char *name)
{
	uint32_t n = streq(name, "many") ? FAKE_MANY : 2;
	uint32_t first = streq(name, "many") ? FAKE_MANY_FIRST : FAKE_STAFF_GID;

	if (!streq(name, "alice") && !streq(name, "many") && !streq(name, "rootish"))
		return KU_ST_NOTFOUND;
	enc_u32(e, streq(name, "rootish") ? 0 : FAKE_ALICE_UID);
	enc_u32(e, n);
	for (uint32_t i = 0; i < n; i++)
		enc_u32(e, first + i);
	return KU_ST_OK;
}

static void
take_str(struct dec *d, char *to, size_t cap)
{
	size_t n = 0;
	const char *s = dec_str(d, cap - 1, &n);

	if (s != NULL)
		memcpy(to, s, n);
	to[s == NULL ? 0 : n] = '\0';
}

static void
put_two(struct enc *e, const char *a, const char *b)
{
	enc_u32(e, (uint32_t)(strlen(a) + strlen(b) + 2));
	enc_strz(e, a);
	enc_strz(e, b);
}

static bool
is_ours(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		if (streq(users[i].name, name))
			return true;
	}
	return strncmp(name, "ours", 4) == 0 || strncmp(name, "alice@", 6) == 0;
}

static enum ku_status
pam_verdict(struct enc *e, uint16_t op, const struct fake_pam *pam,
    const struct fake_seen *seen)
{
	uint32_t auth = pam->auth_verdict;

	if (!is_ours(seen->name))
		return streq(seen->name, "local") ? KU_ST_LOCAL : KU_ST_NOTFOUND;
	if (pam->status != KU_ST_OK)
		return pam->status;
	if (auth == 0)
		auth = streq(seen->password, FAKE_PASSWORD) ? KU_AUTH_OK : KU_AUTH_DENIED;
	switch (op) {
	case KU_OP_PAM_AUTH:
		enc_u32(e, auth);
		enc_u32(e, pam->seconds);
		break;
	case KU_OP_PAM_ACCT:
		enc_u32(e, pam->acct_verdict);
		enc_u32(e, 0);
		break;
	default:
		enc_u32(e, pam->session_verdict);
		enc_u32(e, pam->session_flags);
		put_two(e, pam->home, pam->text);
		break;
	}
	return KU_ST_OK;
}

static bool
is_pam(uint16_t op)
{
	return op >= KU_OP_PAM_LOOKUP && op <= KU_OP_PAM_SESSION;
}

static enum ku_status
answer_pam(struct enc *e, uint16_t op, const uint8_t *req, size_t len,
    struct fake_control *ctl)
{
	struct fake_seen *seen = &ctl->seen;
	struct dec d;

	dec_init(&d, req, len);
	__atomic_add_fetch(&ctl->pam_requests[op - KU_OP_PAM_LOOKUP], 1,
	    __ATOMIC_SEQ_CST);
	if (op == KU_OP_PAM_LOOKUP) {
		take_str(&d, seen->name, sizeof(seen->name));
		if (!dec_done(&d))
			return KU_ST_BAD;
		if (!is_ours(seen->name))
			return streq(seen->name, "local") ? KU_ST_LOCAL : KU_ST_NOTFOUND;
		enc_u32(e, ctl->pam.deadline_ms);
		put_two(e, FAKE_URI, seen->name);
		return ctl->pam.lookup_status;
	}
	seen->flags = dec_u32(&d);
	take_str(&d, seen->name, sizeof(seen->name));
	take_str(&d, seen->service, sizeof(seen->service));
	take_str(&d, seen->tty, sizeof(seen->tty));
	take_str(&d, seen->rhost, sizeof(seen->rhost));
	seen->password[0] = '\0';
	if (op == KU_OP_PAM_AUTH)
		take_str(&d, seen->password, sizeof(seen->password));
	if (!dec_done(&d))
		return KU_ST_BAD;
	return pam_verdict(e, op, &ctl->pam, seen);
}

/* The right answer to a request. */
static enum ku_status
answer(struct enc *e, uint16_t op, const uint8_t *req, size_t len)
{
	char name[KU_MAX_NAME_REQ + 1] = "";
	struct dec d;
	uint32_t a = 0, b = 0;

	dec_init(&d, req, len);
	if (op == KU_OP_PASSWD_BY_NAME || op == KU_OP_GROUP_BY_NAME ||
	    op == KU_OP_INITGROUPS) {
		size_t n;
		const char *s = dec_str(&d, KU_MAX_NAME_REQ, &n);

		if (s != NULL)
			memcpy(name, s, n);
	} else {
		a = dec_u32(&d);
		if (op == KU_OP_PASSWD_NEXT || op == KU_OP_GROUP_NEXT)
			b = dec_u32(&d);
	}
	if (!dec_done(&d))
		return KU_ST_BAD;
	switch (op) {
	case KU_OP_PASSWD_BY_NAME:
		return user_by_name(e, name);
	case KU_OP_PASSWD_BY_UID:
		return user_by_uid(e, a);
	case KU_OP_PASSWD_NEXT:
		return user_next(e, a, b != 0);
	case KU_OP_GROUP_BY_NAME:
		return group_by(e, name, 0);
	case KU_OP_GROUP_BY_GID:
		return group_by(e, NULL, a);
	case KU_OP_GROUP_NEXT:
		return group_next(e, a, b != 0);
	case KU_OP_INITGROUPS:
		return groups_of(e, name);
	default:
		return KU_ST_VERSION;
	}
}

static bool
read_all(int fd, void *buf, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = recv(fd, (uint8_t *)buf + got, len - got, 0);

		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

static void
hold_until_hangup(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDHUP };

	(void)poll(&p, 1, ms);
}

static void
send_bytes(int fd, const uint8_t *buf, size_t len, size_t step, int pause_ms)
{
	for (size_t at = 0; at < len; at += step) {
		size_t n = len - at < step ? len - at : step;

		if (send(fd, buf + at, n, MSG_NOSIGNAL) != (ssize_t)n)
			return;
		if (pause_ms > 0)
			hold_until_hangup(fd, pause_ms);
	}
}

static void
fill_random(uint8_t *buf, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245u + 12345u;
		buf[i] = (uint8_t)(seed >> 16);
	}
}

/* Changes a right answer (16 + *len bytes at buf) into what the mode asks for. */
static void
spoil(const struct fake_control *ctl, uint8_t *buf, struct frame_header *h, size_t *len)
{
	switch (ctl->mode) {
	case FAKE_STATUS_TEXT:
		le32_put(buf + 16, 1);
		le32_put(buf + 20, 3);
		memcpy(buf + 24, "no", 3);
		*len = 11;
		h->status = (uint16_t)ctl->param;
		break;
	case FAKE_STATUS:
		*len = 0;
		h->status = (uint16_t)ctl->param;
		break;
	case FAKE_WRONG_VERSION:
		h->version = 99;
		break;
	case FAKE_WRONG_OP:
		h->op ^= 1;
		break;
	case FAKE_WRONG_SERIAL:
		h->serial ^= 1;
		break;
	case FAKE_GARBAGE_BODY:
		*len = 64;
		h->status = KU_ST_OK;
		fill_random(buf + 16, *len, ctl->param);
		break;
	case FAKE_HUGE_COUNTS:
		*len = 64;
		h->status = KU_ST_OK;
		le32_put(buf + 16, FAKE_ALICE_UID);
		memset(buf + 20, 0xff, 60);
		break;
	default:
		break;
	}
	h->length = (uint32_t)*len;
	if (ctl->mode == FAKE_EXTRA)
		buf[16 + (*len)++] = 0;
	if (ctl->mode == FAKE_HUGE_LENGTH)
		h->length = UINT32_MAX;
	if (ctl->mode == FAKE_BIG_LENGTH)
		h->length = KU_MAX_REPLY;
	frame_put(buf, h);
	if (ctl->mode == FAKE_WRONG_MAGIC)
		buf[0] ^= 0x80;
	if (ctl->mode == FAKE_GARBAGE) {
		*len = 64;
		fill_random(buf, 16 + *len, ctl->param);
	}
}

static void
serve(int fd, struct fake_control *ctl)
{
	static uint8_t buf[16 + REPLY_CAP];
	struct fake_control as_it_should = { .mode = FAKE_ANSWER };
	uint8_t header[16], req[KU_MAX_PAM_REQ];
	unsigned only_op;
	struct frame_header h;
	struct enc e;
	size_t len;
	int mode;

	if (!read_all(fd, header, sizeof(header)) || frame_get(header, &h) < 0 ||
	    h.length > sizeof(req) || !read_all(fd, req, h.length))
		return;
	__atomic_add_fetch(&ctl->requests, 1, __ATOMIC_SEQ_CST);
	enc_init(&e, buf + 16, REPLY_CAP - 1);
	h.status = (uint16_t)(is_pam(h.op) ? answer_pam(&e, h.op, req, h.length, ctl)
					   : answer(&e, h.op, req, h.length));
	len = h.status == KU_ST_OK ? e.len : 0;
	only_op = __atomic_load_n(&ctl->only_op, __ATOMIC_SEQ_CST);
	mode = __atomic_load_n(&ctl->mode, __ATOMIC_SEQ_CST);
	if (only_op != 0 && only_op != h.op)
		mode = FAKE_ANSWER;
	spoil(mode == FAKE_ANSWER ? &as_it_should : ctl, buf, &h, &len);
	switch (mode) {
	case FAKE_FROZEN:
		hold_until_hangup(fd, -1);
		return;
	case FAKE_EOF_ONCE:
		__atomic_store_n(&ctl->mode, FAKE_ANSWER, __ATOMIC_SEQ_CST);
		return;
	case FAKE_EOF:
		return;
	case FAKE_CUT:
		send_bytes(fd, buf, (16 + len) / 2, 16 + len, 0);
		return;
	case FAKE_BYTEWISE:
		send_bytes(fd, buf, 16 + len, 1, 0);
		break;
	case FAKE_SLOW:
		send_bytes(fd, buf, 16 + len, 1, 1000);
		break;
	default:
		send_bytes(fd, buf, 16 + len, 16 + len, 0);
		break;
	}
	/* not waiting for the client to hang up: a child that it forked meanwhile may hold
	 * the other end, and be the next in the queue */
}

static noreturn_ void
child(int listener, struct fake_control *ctl)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGALRM, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		serve(fd, ctl);
		(void)close(fd);
	}
}

static void
require(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		abort();
	}
}

void
fake_start(struct fake *f, const char *path, int backlog)
{
	fake_start_as(f, path, backlog, geteuid());
}

void
fake_start_as(struct fake *f, const char *path, int backlog, uid_t uid)
{
	uid_t own = geteuid();
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	require(fd >= 0, "socket");
	require(strlen(path) < sizeof(addr.sun_path), "path");
	memcpy(addr.sun_path, path, strlen(path));
	(void)unlink(path);
	require(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0, path);
	/* whoever calls listen() is the peer that clients see */
	require(seteuid(uid) == 0, "seteuid");
	require(listen(fd, backlog) == 0, "listen");
	require(seteuid(own) == 0, "seteuid");
	f->ctl = mmap(NULL, sizeof(*f->ctl), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(f->ctl != MAP_FAILED, "mmap");
	fake_pam_reset(f);
	f->pid = fork();
	require(f->pid >= 0, "fork");
	if (f->pid == 0)
		child(fd, f->ctl);
	(void)close(fd);
}

void
fake_stop(struct fake *f)
{
	if (f->pid <= 0)
		return;
	(void)kill(f->pid, SIGKILL);
	(void)waitpid(f->pid, NULL, 0);
	(void)munmap(f->ctl, sizeof(*f->ctl));
	f->pid = 0;
}

void
fake_pam_reset(struct fake *f)
{
	f->ctl->pam = (struct fake_pam){ .deadline_ms = 2500,
		.acct_verdict = KU_ACCT_OK,
		.session_verdict = KU_SESSION_OK };
	memset(&f->ctl->seen, 0, sizeof(f->ctl->seen));
	memset(f->ctl->pam_requests, 0, sizeof(f->ctl->pam_requests));
}

void
fake_set(struct fake *f, enum fake_mode mode, unsigned param)
{
	fake_set_op(f, mode, param, 0);
}

void
fake_set_op(struct fake *f, enum fake_mode mode, unsigned param, unsigned op)
{
	__atomic_store_n(&f->ctl->only_op, op, __ATOMIC_SEQ_CST);
	__atomic_store_n(&f->ctl->param, param, __ATOMIC_SEQ_CST);
	__atomic_store_n(&f->ctl->mode, (int)mode, __ATOMIC_SEQ_CST);
}

unsigned
fake_requests(struct fake *f)
{
	return __atomic_exchange_n(&f->ctl->requests, 0, __ATOMIC_SEQ_CST);
}
