/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The control socket, the table of commands, and those commands that concern the network,
 * faults and certificates. Every command answers after its effect can be seen.
 */
#include "tests/devidm/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/devidm/certs.h"
#include "tests/devidm/commands.h"

#define WORDS_MAX 64
#define BYTES_MAX 65536u

struct command {
	const char *name;
	size_t min; /* words after the name */
	/* NULL or what is wrong */
	const char *(
	    *run)(struct server *srv, char *const *w, size_t n, struct text *out);
	bool locked; /* runs under the store's lock */
	const char *help;
};

static struct {
	int fd;
	char *path;
	pthread_t thread;
} control = { .fd = -1 };

static const char *
cmd_expire_sessions(struct server *srv, char *const *w, size_t n, struct text *out)
{
	(void)w;
	(void)n;
	(void)out;
	srv->api.tokens.epoch++;
	return NULL;
}

static const char *
cmd_restart(struct server *srv, char *const *w, size_t n, struct text *out)
{
	(void)w;
	(void)n;
	(void)out;
	tokens_forget_steps(&srv->api.tokens);
	return NULL;
}

static const char *
cmd_auth_delay(struct server *srv, char *const *w, size_t n, struct text *out)
{
	uint32_t ms;

	(void)n;
	(void)out;
	if (!parse_u32(w[0], &ms))
		return "not milliseconds";
	srv->api.auth_delay_ms = ms;
	return NULL;
}

static const char *
cmd_counters(struct server *srv, char *const *w, size_t n, struct text *out)
{
	if (n == 1 && strcmp(w[0], "reset") == 0)
		faults_reset_counters(&srv->faults);
	else if (n == 0)
		faults_counters(&srv->faults, out);
	else
		return "counters [reset]";
	return NULL;
}

static const char *
cmd_requests(struct server *srv, char *const *w, size_t n, struct text *out)
{
	(void)w;
	(void)n;
	faults_requests(&srv->faults, out);
	return NULL;
}

static const char *
cmd_fault(struct server *srv, char *const *w, size_t n, struct text *out)
{
	if (n == 1 && strcmp(w[0], "list") == 0) {
		faults_list(&srv->faults, out);
		return NULL;
	}
	if (n == 1 && strcmp(w[0], "clear") == 0) {
		faults_clear(&srv->faults);
		server_thaw(srv);
		return NULL;
	}
	return faults_add(&srv->faults, w, n);
}

static const char *
cmd_close_idle(struct server *srv, char *const *w, size_t n, struct text *out)
{
	(void)w;
	(void)n;
	text_addf(out, "%u\n", server_close_idle(srv));
	return NULL;
}

static const char *
cmd_on(struct server *srv, char *const *w, size_t n, struct text *out)
{
	(void)w;
	(void)n;
	(void)out;
	return server_listen(srv, LISTEN_ON);
}

static const char *
cmd_off(struct server *srv, char *const *w, size_t n, struct text *out)
{
	(void)w;
	(void)n;
	(void)out;
	return server_listen(srv, LISTEN_OFF);
}

static const char *
cmd_hold(struct server *srv, char *const *w, size_t n, struct text *out)
{
	(void)w;
	(void)n;
	(void)out;
	return server_listen(srv, LISTEN_HOLD);
}

static const char *
cmd_cert(struct server *srv, char *const *w, size_t n, struct text *out)
{
	const char *why;
	char *cert, *key;

	(void)out;
	if (n == 2)
		return server_set_cert(srv, w[0], w[1]);
	if (!srv->cert_dir)
		return "no --make-certs directory: name a certificate and a key file";
	cert = x_printf("%s/%s.pem", srv->cert_dir, w[0]);
	key = x_printf("%s/%s.key", srv->cert_dir, w[0]);
	why = server_set_cert(srv, cert, key);
	free(cert);
	free(key);
	return why;
}

static const char *
cmd_cert_make(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct cert_times t;

	(void)out;
	if (!srv->cert_dir)
		return "no --make-certs directory";
	if (!parse_i64(w[1], &t.from) || !parse_i64(w[2], &t.until))
		return "cert-make NAME FROM UNTIL [NAMES], seconds from now";
	if (strspn(w[0], "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(w[0]))
		return "not a file name";
	return certs_leaf(srv->cert_dir, w[0], n > 3 ? w[3] : srv->cert_names, t)
	    ? NULL
	    : "the directory has no CA";
}

static const char *
cmd_ping(struct server *srv, char *const *w, size_t n, struct text *out)
{
	(void)w;
	(void)n;
	text_addf(out, "https://%s:%u\n", srv->host, srv->port);
	return NULL;
}

static const char *cmd_help(struct server *srv, char *const *w, size_t n,
    struct text *out);

static const struct command commands[] = {
	{ "add", 2, cmd_add, true,
	    "add person|service|group NAME [KEY=VALUE...]  (uuid= domain= too)" },
	{ "set", 2, cmd_set, true,
	    "set WHO KEY=VALUE...  name displayname shell gid posix posix_password "
	    "password valid_from expire; empty unsets" },
	{ "remove", 1, cmd_remove, true, "remove WHO" },
	{ "recreate", 1, cmd_recreate, true,
	    "recreate GROUP [KEY=VALUE...]  new UUID, same name, gid and members" },
	{ "member", 3, cmd_member, true, "member add|remove GROUP WHO..." },
	{ "key", 3, cmd_key, true, "key add WHO LABEL TEXT | key remove WHO LABEL" },
	{ "rights", 1, cmd_rights, true, "rights on|off [WHO]  default anonymous" },
	{ "api-token", 1, cmd_api_token, true,
	    "api-token SERVICE [expiry=EPOCH] [read_write=yes]  makes one" },
	{ "show-token", 1, cmd_show_token, true, "show-token SERVICE  its first token" },
	{ "revoke-tokens", 1, cmd_revoke, true, "revoke-tokens SERVICE" },
	{ "unlock", 1, cmd_unlock, true, "unlock WHO  ends the soft lock" },
	{ "show", 1, cmd_show, true, "show WHO" },
	{ "bulk", 1, cmd_bulk, true, "bulk N [groups=G] [password=P]" },
	{ "load", 1, cmd_load, true, "load FILE  lays a data file over what is there" },
	{ "clock", 0, cmd_clock, true, "clock [+S|-S|stop|run|reset|set WHEN]" },
	{ "expire-sessions", 0, cmd_expire_sessions, true,
	    "expire-sessions  every session token so far is 401 sessionexpired" },
	{ "restart", 0, cmd_restart, true, "restart  half-done logins are lost" },
	{ "auth-delay", 1, cmd_auth_delay, true, "auth-delay MS  cost of a password" },
	{ "counters", 0, cmd_counters, false, "counters [reset]" },
	{ "requests", 0, cmd_requests, false, "requests  the last 256" },
	{ "fault", 1, cmd_fault, false,
	    "fault KIND [ARG] [count=N] [skip=N] [path=GLOB] [method=M] [body=JSON] | "
	    "fault list | fault clear" },
	{ "close-idle", 0, cmd_close_idle, false, "close-idle  kept connections end" },
	{ "off", 0, cmd_off, false, "off  connection refused" },
	{ "hold", 0, cmd_hold, false, "hold  new connections are never answered" },
	{ "on", 0, cmd_on, false, "on" },
	{ "cert", 1, cmd_cert, false,
	    "cert NAME | cert FILE KEYFILE  for new connections" },
	{ "cert-make", 3, cmd_cert_make, false, "cert-make NAME FROM UNTIL [NAMES]" },
	{ "ping", 0, cmd_ping, false, "ping  prints the URL" },
	{ "help", 0, cmd_help, false, "help" },
};

static const char *
cmd_help(struct server *srv, char *const *w, size_t n, struct text *out)
{
	(void)srv;
	(void)w;
	(void)n;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		text_addf(out, "%s\n", commands[i].help);
	return NULL;
}

bool
control_run(struct server *srv, char *const *words, size_t n, struct text *out)
{
	const struct command *c = NULL;
	const char *why;

	for (size_t i = 0; n && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, words[0]) == 0)
			c = &commands[i];
	if (!c) {
		text_addf(out, "no such command: try help\n");
		return false;
	}
	if (n - 1 < c->min) {
		text_addf(out, "usage: %s\n", c->help);
		return false;
	}
	if (c->locked)
		(void)pthread_mutex_lock(&srv->api.store.mu);
	why = c->run(srv, words + 1, n - 1, out);
	if (c->locked)
		(void)pthread_mutex_unlock(&srv->api.store.mu);
	if (why)
		text_addf(out, "%s: %s\n", words[n > 1 && c->locked], why);
	return !why;
}

static void
send_all(int fd, const char *s, size_t len)
{
	while (len) {
		ssize_t n = send(fd, s, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		s += n;
		len -= (size_t)n;
	}
}

static void
serve(struct server *srv, int fd)
{
	struct text in = { 0 }, out = { 0 };
	char *words[WORDS_MAX], buf[4096];
	size_t n = 0;
	ssize_t got;
	bool ok;

	while ((got = recv(fd, buf, sizeof(buf), 0)) > 0 && in.len < BYTES_MAX)
		text_add(&in, buf, (size_t)got);
	for (size_t at = 0; at < in.len && n < WORDS_MAX; at += strlen(in.s + at) + 1)
		words[n++] = in.s + at;
	text_add(&out, "", 0);
	ok = control_run(srv, words, n, &out);
	send_all(fd, ok ? "ok\n" : "error\n", ok ? 3 : 6);
	send_all(fd, out.s, out.len);
	text_free(&in);
	text_free(&out);
}

static void *
control_loop(void *arg)
{
	for (;;) {
		int fd = accept4(control.fd, NULL, NULL, SOCK_CLOEXEC);
		struct timeval limit = { .tv_sec = 10 };

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return NULL;
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		serve(arg, fd);
		(void)close(fd);
	}
}

void
control_start(struct server *srv, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(sa.sun_path))
		die("%s: too long for a socket", path);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	control.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	control.path = x_strdup(path);
	(void)unlink(path);
	if (control.fd < 0 || bind(control.fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	    listen(control.fd, 64) != 0 ||
	    pthread_create(&control.thread, NULL, control_loop, srv) != 0)
		die("%s: %s", path, strerror(errno));
}

void
control_stop(void)
{
	if (control.fd < 0)
		return;
	(void)shutdown(control.fd, SHUT_RDWR);
	(void)pthread_join(control.thread, NULL);
	(void)close(control.fd);
	(void)unlink(control.path);
	free(control.path);
}
