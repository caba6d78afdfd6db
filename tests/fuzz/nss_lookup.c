/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The entry points that glibc calls, with a daemon that answers anything and a libc that
 * fails. Input: which lookup, the caller's buffer, a seed for what fails and in which pieces a
 * reply comes (0: nothing, one), then the replies: status, length, body. There is no map. The
 * rules of nss_kanidm.h hold whatever happens: errno, *errnop, no descriptor left open, an
 * answer only to what was asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ku/wire.h"
#include "nss/nss_kanidm.h"
#include "src/base/util.h"
#include "src/wire/codec.h"
#include "tests/fuzz/require.h"

#define SOCKET_FD 700
#define ERRNO     4242 /* before the call */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not in any header of ours: the linker's names for the real ones. */
void *__real_realloc(void *, size_t);

int __wrap_socket(int, int, int);
int __wrap_connect(int, const struct sockaddr *, socklen_t);
ssize_t __wrap_sendmsg(int, const struct msghdr *, int);
ssize_t __wrap_recvmsg(int, struct msghdr *, int);
int __wrap_poll(struct pollfd *, nfds_t, int);
int __wrap_close(int);
int __wrap_open64(const char *, int, ...);
int __wrap_clock_gettime(clockid_t, struct timespec *);
void *__wrap_realloc(void *, size_t);

static struct {
	const uint8_t *data;
	size_t size;
	unsigned seed;
	bool inside; /* a call of ours is under way */
	unsigned open_sockets;
	int64_t clock_ns;
	uint8_t reply[16 + 65536];
	size_t reply_len;
	size_t reply_at;
} w;

static unsigned
roll(unsigned n)
{
	w.seed = w.seed * 1103515245u + 12345u;
	return (w.seed >> 16) % n;
}

static bool
fails(void)
{
	return w.seed != 0 && roll(16) == 0;
}

static int
fail_with(const int *errors, unsigned n)
{
	errno = errors[roll(n)];
	return -1;
}

/* ---- libc ---- */

int
__wrap_socket(int domain, int type, int protocol)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM, EACCES };

	(void)protocol;
	require(domain == AF_UNIX && (type & SOCK_CLOEXEC) != 0);
	if (fails())
		return fail_with(errors, ARRAY_SIZE(errors));
	w.open_sockets++;
	w.reply_len = w.reply_at = 0;
	return SOCKET_FD;
}

int
__wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	static const int errors[] = { ENOENT, ECONNREFUSED, EACCES, EAGAIN, EINTR };

	(void)addr, (void)len;
	require(fd == SOCKET_FD);
	return fails() ? fail_with(errors, ARRAY_SIZE(errors)) : 0;
}

/* The daemon's next reply, to the request whose header this is. */
static void
make_reply(const struct msghdr *msg)
{
	struct frame_header h;
	size_t n;

	require(frame_get(msg->msg_iov[0].iov_base, &h) == 0);
	h.status = w.size > 0 ? w.data[0] : 1;
	n = w.size >= 3 ? (size_t)(w.data[1] | w.data[2] << 8) : 0;
	w.data += w.size < 3 ? w.size : 3;
	w.size -= w.size < 3 ? w.size : 3;
	n = n < w.size ? n : w.size;
	h.length = (uint32_t)n;
	frame_put(w.reply, &h);
	memcpy(w.reply + 16, w.data, n);
	w.reply_len = 16 + n;
	w.data += n;
	w.size -= n;
	if (fails())
		w.reply[roll(16)] ^= (uint8_t)roll(256);
}

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	static const int errors[] = { EPIPE, ECONNRESET, EAGAIN, EINTR, ENOBUFS };
	size_t total = 0;

	require(fd == SOCKET_FD && (flags & MSG_NOSIGNAL) != 0);
	if (fails())
		return fail_with(errors, ARRAY_SIZE(errors));
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		total += msg->msg_iov[i].iov_len;
	require(msg->msg_iovlen > 0 && msg->msg_iov[0].iov_len >= 16);
	make_reply(msg);
	return (ssize_t)total;
}

ssize_t
__wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	static const int errors[] = { ECONNRESET, EAGAIN, EINTR, ENOMEM };
	size_t most = w.reply_len - w.reply_at, done = 0;

	(void)flags;
	require(fd == SOCKET_FD);
	if (fails())
		return fail_with(errors, ARRAY_SIZE(errors));
	if (w.seed != 0 && most > 1)
		most = 1 + roll((unsigned)most);
	for (size_t i = 0; i < msg->msg_iovlen && done < most; i++) {
		size_t n = msg->msg_iov[i].iov_len;

		n = n < most - done ? n : most - done;
		if (n > 0)
			memcpy(msg->msg_iov[i].iov_base, w.reply + w.reply_at + done, n);
		done += n;
	}
	w.reply_at += done;
	return (ssize_t)done;
}

int
__wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
	static const int errors[] = { EINTR, ENOMEM };

	require(ms >= 0);
	if (n == 0 || fails()) {
		w.clock_ns += (int64_t)ms * 1000000;
		return 0;
	}
	if (fails()) {
		w.clock_ns += 1000000;
		return fail_with(errors, ARRAY_SIZE(errors));
	}
	p[0].revents = fails() ? POLLERR : p[0].events;
	return 1;
}

int
__wrap_close(int fd)
{
	require(fd == SOCKET_FD && w.open_sockets-- > 0);
	return 0;
}

int
__wrap_open64(const char *path, int flags, ...)
{
	static const int errors[] = { EMFILE, EACCES, ENOMEM, EINTR };

	(void)path;
	require((flags & O_CLOEXEC) != 0);
	errno = ENOENT;
	return fails() ? fail_with(errors, ARRAY_SIZE(errors)) : -1;
}

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	w.clock_ns += 1000;
	ts->tv_sec = w.clock_ns / 1000000000;
	ts->tv_nsec = w.clock_ns % 1000000000;
	return 0;
}

void *
__wrap_realloc(void *p, size_t n)
{
	if (w.inside && fails()) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_realloc(p, n);
}

/* ---- glibc ---- */

static void
require_inside(const char *s, const char *buf, size_t cap)
{
	require(s != NULL && s >= buf && s < buf + cap);
	require(memchr(s, '\0', cap - (size_t)(s - buf)) != NULL);
	require(strchr(s, '\n') == NULL && strchr(s, ':') == NULL);
}

/* Name or SPN, as the server spells it. */
static bool
is_alice(const char *got)
{
	return strncasecmp(got, "alice", 5) == 0 && (got[5] == '\0' || got[5] == '@');
}

static void
require_passwd(const struct passwd *pw, const char *buf, size_t cap)
{
	require(pw->pw_uid >= 1000 && pw->pw_gid >= 1000);
	require_inside(pw->pw_name, buf, cap);
	require_inside(pw->pw_passwd, buf, cap);
	require_inside(pw->pw_gecos, buf, cap);
	require_inside(pw->pw_dir, buf, cap);
	require_inside(pw->pw_shell, buf, cap);
}

static void
require_group(const struct group *gr, const char *buf, size_t cap)
{
	require(gr->gr_gid != 0);
	require_inside(gr->gr_name, buf, cap);
	require_inside(gr->gr_passwd, buf, cap);
	for (size_t i = 0; gr->gr_mem[i] != NULL; i++)
		require_inside(gr->gr_mem[i], buf, cap);
}

/* What nss_kanidm.h says about every one of them; true: there is an answer. */
static bool
judge(enum nss_status st, const int *errnop_after)
{
	int errnop = *errnop_after;

	require(w.open_sockets == 0);
	if (st == NSS_STATUS_SUCCESS) {
		require(errno == ERRNO);
		return true;
	}
	require(errnop != 0 && errnop != ERRNO);
	require(st == NSS_STATUS_NOTFOUND || st == NSS_STATUS_UNAVAIL ||
	    st == NSS_STATUS_TRYAGAIN);
	require((st == NSS_STATUS_TRYAGAIN) ==
	    (errnop == ERANGE || errnop == EAGAIN || errnop == ENOMEM));
	return false;
}

static void
groups_of_alice(size_t cap, int *errnop)
{
	long start = 1, size = (long)(cap % 5) + 1, limit = cap % 3 == 0 ? 4 : 0;
	gid_t *groups = calloc((size_t)size, sizeof(*groups));

	require(groups != NULL);
	groups[0] = 100001;
	(void)judge(_nss_kanidm_initgroups_dyn("alice", 100001, &start, &size, &groups,
			limit, errnop),
	    errnop);
	require(start >= 1 && start <= size && (limit == 0 || start <= limit));
	for (long i = 1; i < start; i++)
		require(groups[i] != 0 && groups[i] != 100001);
	free(groups);
}

static void
walk(bool people, char *buf, size_t cap, int *errnop)
{
	uint32_t last = 0;

	(void)(people ? _nss_kanidm_setpwent(0) : _nss_kanidm_setgrent(0));
	for (unsigned i = 0; i < 8; i++) {
		struct passwd pw;
		struct group gr;
		enum nss_status st;

		errno = ERRNO;
		st = people ? _nss_kanidm_getpwent_r(&pw, buf, cap, errnop)
			    : _nss_kanidm_getgrent_r(&gr, buf, cap, errnop);
		if (!judge(st, errnop))
			break;
		if (people)
			require_passwd(&pw, buf, cap);
		else
			require_group(&gr, buf, cap);
		require((people ? pw.pw_uid : gr.gr_gid) > last);
		last = people ? pw.pw_uid : gr.gr_gid;
	}
	(void)(people ? _nss_kanidm_endpwent() : _nss_kanidm_endgrent());
}

static void
look_up(unsigned what, char *buf, size_t cap)
{
	struct passwd pw;
	struct group gr;
	int e = 0;

	errno = ERRNO;
	switch (what % 7) {
	case 0:
		if (!judge(_nss_kanidm_getpwnam_r("alice", &pw, buf, cap, &e), &e))
			break;
		require_passwd(&pw, buf, cap);
		require(is_alice(pw.pw_name));
		break;
	case 1:
		if (!judge(_nss_kanidm_getpwuid_r(100001, &pw, buf, cap, &e), &e))
			break;
		require_passwd(&pw, buf, cap);
		require(pw.pw_uid == 100001);
		break;
	case 2:
		if (!judge(_nss_kanidm_getgrnam_r("alice", &gr, buf, cap, &e), &e))
			break;
		require_group(&gr, buf, cap);
		require(is_alice(gr.gr_name));
		break;
	case 3:
		if (!judge(_nss_kanidm_getgrgid_r(100001, &gr, buf, cap, &e), &e))
			break;
		require_group(&gr, buf, cap);
		require(gr.gr_gid == 100001);
		break;
	case 4:
		groups_of_alice(cap, &e);
		break;
	default:
		walk(what % 7 == 5, buf, cap, &e);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cap;
	char *buf;

	if (size < 4)
		return 0;
	memset(&w, 0, offsetof(__typeof__(w), reply));
	w.seed = data[3];
	w.data = data + 4;
	w.size = size - 4;
	cap = data[1] | (size_t)(data[2] % 16) << 8;
	buf = malloc(cap + (cap == 0));
	require(buf != NULL);
	w.inside = true;
	look_up(data[0], buf, cap);
	w.inside = false;
	free(buf);
	return 0;
}
