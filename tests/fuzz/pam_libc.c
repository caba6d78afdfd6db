/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The functions of libc that the PAM module calls, failing when the input says so, with a
 * daemon behind the socket that answers what the input says.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ku/paths.h"
#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "ku/wire_pam.h"
#include "src/base/le.h"
#include "src/base/util.h"
#include "src/wire/codec.h"
#include "tests/fuzz/pam_world.h"

#define SOCKET_FD 700
#define FILE_FD   701

/* Not in any header of ours: the linker's names for the real ones. */
void *__real_mmap64(void *, size_t, int, int, int, off_t);
int __real_munmap(void *, size_t);
void __real_free(void *);

int __wrap_socket(int, int, int);
int __wrap_connect(int, const struct sockaddr *, socklen_t);
ssize_t __wrap_sendmsg(int, const struct msghdr *, int);
ssize_t __wrap_recvmsg(int, struct msghdr *, int);
int __wrap_poll(struct pollfd *, nfds_t, int);
int __wrap_getsockopt(int, int, int, void *, socklen_t *);
int __wrap_close(int);
ssize_t __wrap_read(int, void *, size_t);
int __wrap_fcntl64(int, int, ...);
int __wrap_open64(const char *, int, ...);
int __wrap_stat64(const char *, struct stat *);
int __wrap_lstat64(const char *, struct stat *);
void *__wrap_mmap64(void *, size_t, int, int, int, off_t);
int __wrap_munmap(void *, size_t);
int __wrap_mlock(const void *, size_t);
int __wrap_madvise(void *, size_t, int);
int __wrap_clock_gettime(clockid_t, struct timespec *);
void __wrap_free(void *);

int
__wrap_socket(int domain, int type, int protocol)
{
	(void)protocol;
	require(domain == AF_UNIX && (type & SOCK_CLOEXEC) != 0);
	if (fails()) {
		errno = EMFILE;
		return -1;
	}
	w.open_sockets++;
	w.verified = false;
	w.reply_len = 0;
	w.reply_at = 0;
	return SOCKET_FD;
}

int
__wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	static const int errors[] = { ENOENT, ECONNREFUSED, EACCES, EAGAIN, EINTR,
		EPERM };

	(void)addr;
	(void)len;
	require(fd == SOCKET_FD);
	if (!fails())
		return 0;
	errno = errors[byte() % ARRAY_SIZE(errors)];
	return -1;
}

static void
make_reply(const struct msghdr *msg)
{
	struct frame_header h;
	uint8_t body = byte();
	size_t len;

	require(msg->msg_iovlen > 0 && msg->msg_iov[0].iov_len >= 16);
	require(frame_get(msg->msg_iov[0].iov_base, &h) == 0);
	w.op = h.op;
	h.status = fails() ? byte() : KU_ST_OK;
	len = h.op == KU_OP_PAM_LOOKUP ? 4 : 8;
	memset(w.reply, 0, sizeof(w.reply));
	le32_put(w.reply + 16, body & 0x0f);
	le32_put(w.reply + 20, body >> 4);
	if (h.op == KU_OP_PAM_LOOKUP || h.op == KU_OP_PAM_SESSION) {
		size_t text = byte() % 200 + 2u, at = 16 + len + 4;

		le32_put(w.reply + 16 + len, (uint32_t)text);
		memset(w.reply + at, '/', text - 2);
		if (fails())
			memset(w.reply + at, byte(), text);
		else
			w.reply[at + text / 2 - 1] = '\0';
		len += 4 + text;
	}
	if (h.status != KU_ST_OK)
		len = 0;
	h.length = (uint32_t)len;
	frame_put(w.reply, &h);
	w.reply_len = 16 + len;
	if (fails()) {
		w.reply[byte() % w.reply_len] ^= byte();
		h.status = 0xffff; /* it may mean anything now */
	}
	if (h.op == KU_OP_PAM_LOOKUP)
		w.known = w.known || h.status == KU_ST_OK || h.status == 0xffff;
	else
		w.let_in = h.status == 0xffff ||
		    (h.status == KU_ST_OK &&
			((body & 0x0f) == 1 ||
			    (h.op == KU_OP_PAM_AUTH &&
				(body & 0x0f) == KU_AUTH_OK_CACHED)));
	w.foreign = w.foreign || h.status == KU_ST_NOTFOUND || h.status == KU_ST_LOCAL ||
	    h.status == 0xffff;
}

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	static const int errors[] = { EPIPE, ECONNRESET, EAGAIN, EINTR, ENOBUFS };
	size_t total = 0;

	require(fd == SOCKET_FD && (flags & MSG_NOSIGNAL) != 0 && w.verified);
	if (fails()) {
		errno = errors[byte() % ARRAY_SIZE(errors)];
		return -1;
	}
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		require(msg->msg_iov[i].iov_len <= KU_MAX_PAM_REQ);
		total += msg->msg_iov[i].iov_len;
	}
	make_reply(msg);
	return (ssize_t)total;
}

ssize_t
__wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	static const int errors[] = { ECONNRESET, EAGAIN, EINTR, ENOMEM };
	size_t most = fails() ? 1 : SIZE_MAX, done = 0;

	(void)flags;
	require(fd == SOCKET_FD);
	if (fails()) {
		errno = errors[byte() % ARRAY_SIZE(errors)];
		return -1;
	}
	for (size_t i = 0; i < msg->msg_iovlen && done < most; i++) {
		size_t n = msg->msg_iov[i].iov_len;

		n = n < w.reply_len - w.reply_at ? n : w.reply_len - w.reply_at;
		n = n < most - done ? n : most - done;
		if (n > 0)
			memcpy(msg->msg_iov[i].iov_base, w.reply + w.reply_at, n);
		w.reply_at += n;
		done += n;
	}
	return (ssize_t)done;
}

int
__wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
	require(ms >= 0);
	if (n == 0 || fails()) {
		w.clock_ns += (int64_t)ms * 1000000;
		return 0;
	}
	if (fails()) {
		w.clock_ns += 1000000;
		errno = EINTR;
		return -1;
	}
	p[0].revents = fails() ? POLLERR : p[0].events;
	return 1;
}

int
__wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct ucred cred = { .pid = 1 };

	require(fd == SOCKET_FD && level == SOL_SOCKET && name == SO_PEERCRED);
	if (fails()) {
		errno = EINVAL;
		return -1;
	}
	cred.uid = fails() ? 4242 : 0;
	memcpy(value, &cred, *len < sizeof(cred) ? *len : sizeof(cred));
	*len = sizeof(cred);
	w.verified = cred.uid == 0;
	return 0;
}

/* The socket's directory, and the one above: root's, or not quite. */
static int
fill_stat(struct stat *st)
{
	memset(st, 0, sizeof(*st));
	if (fails()) {
		errno = byte() % 2 == 0 ? ENOENT : EACCES;
		w.verified = false;
		return -1;
	}
	st->st_mode = S_IFDIR | 0755;
	if (fails()) {
		st->st_mode = S_IFDIR | 0777;
		w.verified = false;
	}
	return 0;
}

int
__wrap_lstat64(const char *path, struct stat *st)
{
	require(path[0] == '/');
	return fill_stat(st);
}

int
__wrap_stat64(const char *path, struct stat *st)
{
	require(path[0] == '/');
	return fill_stat(st);
}

int
__wrap_close(int fd)
{
	if (fd == SOCKET_FD) {
		require(w.open_sockets-- > 0);
	} else {
		require(fd == FILE_FD && w.open_files-- > 0);
	}
	return 0;
}

int
__wrap_open64(const char *path, int flags, ...)
{
	static const int errors[] = { ENOENT, EMFILE, EACCES, EINTR };

	require(streq(path, KU_PATH_ETC_PASSWD) && (flags & O_CLOEXEC) != 0);
	if (fails()) {
		errno = errors[byte() % ARRAY_SIZE(errors)];
		return -1;
	}
	w.open_files++;
	return FILE_FD;
}

int
__wrap_fcntl64(int fd, int cmd, ...)
{
	(void)fd;
	(void)cmd;
	errno = EMFILE;
	return -1;
}

/* Raw bytes of the input, or the person's own line. */
ssize_t
__wrap_read(int fd, void *to, size_t len)
{
	uint8_t what = byte();
	size_t n = 0;
	char *out = to;

	require(fd == FILE_FD);
	if (what < 0xd0)
		return 0;
	if (what < 0xe0) {
		char line[96];
		size_t name = strlen(w.user);

		memcpy(line, w.user, name);
		memcpy(line + name, ":x:500:500::/:\n", 15);
		n = name + 15;
		require(n <= len);
		memcpy(out, line, n);
		w.unsure_local = true;
		return (ssize_t)n;
	}
	if (what < 0xf8) {
		while (n < len && w.at < w.len && n < 64)
			out[n++] = (char)byte();
		w.foreign = true; /* it may have said so */
		return (ssize_t)n;
	}
	errno = what % 2 == 0 ? EINTR : EIO;
	return -1;
}

void *
__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	void *p;

	require((flags & MAP_ANONYMOUS) != 0 && w.n_maps < MAX_MAPS);
	if (fails()) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	p = __real_mmap64(at, len, prot, flags, fd, off);
	require(p != MAP_FAILED);
	w.maps[w.n_maps].at = p;
	w.maps[w.n_maps++].len = len;
	return p;
}

int
__wrap_munmap(void *p, size_t len)
{
	for (unsigned i = 0; i < w.n_maps; i++) {
		if (w.maps[i].at != p)
			continue;
		require(w.maps[i].len == len && !has_mark(p, len));
		w.maps[i] = w.maps[--w.n_maps];
		return __real_munmap(p, len);
	}
	abort();
}

int
__wrap_mlock(const void *p, size_t len)
{
	(void)p;
	(void)len;
	errno = ENOMEM;
	return fails() ? -1 : 0;
}

int
__wrap_madvise(void *p, size_t len, int advice)
{
	(void)p;
	(void)len;
	(void)advice;
	errno = EINVAL;
	return fails() ? -1 : 0;
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

/* A string that was typed is wiped before it comes here. */
void
__wrap_free(void *p)
{
	for (unsigned i = 0; i < w.n_typed; i++) {
		if (p == NULL || w.typed[i].text != p)
			continue;
		for (size_t k = 0; k < w.typed[i].len; k++)
			require(w.typed[i].text[k] == '\0');
		w.typed[i].text = NULL;
	}
	__real_free(p);
}
