/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Commands that change the directory, the clock, the network or the certificate of a
 * running server. One table; every command answers after its effect can be seen.
 */
#include "tests/devidm/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/devidm/certs.h"
#include "tests/devidm/load.h"
#include "tests/devidm/render.h"

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
find(struct server *srv, const char *id, struct entry **ret)
{
	return store_resolve(&srv->api.store, id, ret) == ID_FOUND ? NULL
								   : "no such entry";
}

static const char *
set_date(const char *value, bool *has, int64_t *ret)
{
	*has = *value != '\0';
	if (!*has || parse_i64(value, ret) || parse_rfc3339(value, ret))
		return NULL;
	return "a date is RFC 3339 or epoch seconds";
}

static const char *
set_posix(struct store *st, struct entry *e, const char *value)
{
	if (strcmp(value, "no") == 0) {
		store_unset_posix(st, e);
		return NULL;
	}
	return e->posix ? NULL : store_set_gid(st, e, 0);
}

static const char *
set_one(struct store *st, struct entry *e, const char *key, const char *value)
{
	const char *given = *value ? value : NULL;
	uint32_t gid = 0;

	if (strcmp(key, "displayname") == 0)
		x_assign(&e->display, value);
	else if (strcmp(key, "shell") == 0)
		x_assign(&e->shell, given);
	else if (strcmp(key, "posix_password") == 0)
		x_assign(&e->posix_password, given);
	else if (strcmp(key, "password") == 0)
		x_assign(&e->password, given);
	else if (strcmp(key, "name") == 0)
		return store_rename(st, e, value);
	else if (strcmp(key, "valid_from") == 0)
		return set_date(value, &e->has_from, &e->from);
	else if (strcmp(key, "expire") == 0)
		return set_date(value, &e->has_until, &e->until);
	else if (strcmp(key, "posix") == 0)
		return set_posix(st, e, value);
	else if (strcmp(key, "gid") != 0)
		return "keys: name displayname shell gid posix posix_password password "
		       "valid_from expire";
	else if (given && !parse_u32(value, &gid))
		return "not a gid";
	else
		return store_set_gid(st, e, gid);
	return NULL;
}

static const char *
set_all(struct store *st, struct entry *e, char *const *w, size_t n)
{
	const char *why = NULL;

	for (size_t i = 0; i < n && !why; i++) {
		char *key = x_strdup(w[i]), *eq = strchr(key, '=');

		if (!eq) {
			why = "wants KEY=VALUE";
		} else {
			*eq = '\0';
			if (strcmp(key, "uuid") != 0 && strcmp(key, "domain") != 0)
				why = set_one(st, e, key, eq + 1);
		}
		free(key);
	}
	return why;
}

static const char *
option(char *const *w, size_t n, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < n; i++)
		if (strncmp(w[i], key, len) == 0 && w[i][len] == '=')
			return w[i] + len + 1;
	return NULL;
}

static const char *
cmd_add(struct server *srv, char *const *w, size_t n, struct text *out)
{
	static const char *const kinds[] = { "person", "service", "group" };
	struct store *st = &srv->api.store;
	const char *why = NULL;
	struct entry *e;
	size_t k = 0;

	while (k < 3 && strcmp(kinds[k], w[0]) != 0)
		k++;
	if (k == 3)
		return "add what? person, service or group";
	e = store_add(st, (enum entry_kind)k, w[1], option(w + 2, n - 2, "uuid"),
	    option(w + 2, n - 2, "domain"), &why);
	if (!e)
		return why;
	if (k != ENTRY_SERVICE && !option(w + 2, n - 2, "gid"))
		why = store_set_gid(st, e, 0);
	if (!why)
		why = set_all(st, e, w + 2, n - 2);
	if (why)
		store_remove(st, e);
	else
		text_addf(out, "%s\n", e->uuid);
	return why;
}

static const char *
cmd_set(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[0], &e);

	(void)out;
	return why ? why : set_all(&srv->api.store, e, w + 1, n - 1);
}

static const char *
cmd_remove(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[0], &e);

	(void)n;
	(void)out;
	if (!why && e->builtin)
		why = "is builtin";
	if (!why)
		store_remove(&srv->api.store, e);
	return why;
}

/* Gone and there again under a new UUID: same name, gid and members. */
static const char *
cmd_recreate(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct store *st = &srv->api.store;
	struct entry *old, *e;
	const char *why = find(srv, w[0], &old);
	struct refs members = { 0 };

	if (why)
		return why;
	if (old->builtin || old->kind != ENTRY_GROUP)
		return "is not a group that can be made again";
	for (size_t i = 0; i < old->member_count; i++)
		refs_add(&members, old->members[i]);
	store_remove(st, old);
	e = store_add(st, ENTRY_GROUP, old->name, option(w + 1, n - 1, "uuid"), NULL,
	    &why);
	if (e && old->posix)
		why = store_set_gid(st, e, old->gid);
	if (e && !why)
		why = set_all(st, e, w + 1, n - 1);
	for (size_t i = 0; e && i < members.n; i++)
		store_add_member(e, members.v[i]);
	refs_free(&members);
	if (!why)
		text_addf(out, "%s\n", e->uuid);
	return why;
}

static const char *
cmd_member(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *group, *who;
	const char *why = find(srv, w[1], &group);

	(void)out;
	if (!why && group->kind != ENTRY_GROUP)
		why = "is not a group";
	for (size_t i = 2; i < n && !why; i++) {
		why = find(srv, w[i], &who);
		if (why)
			break;
		if (strcmp(w[0], "add") == 0)
			store_add_member(group, who);
		else if (strcmp(w[0], "remove") != 0)
			why = "add or remove?";
		else if (!store_remove_member(group, who))
			why = "is not a member";
	}
	return why;
}

static const char *
cmd_key(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[1], &e);

	(void)out;
	if (why)
		return why;
	if (strcmp(w[0], "add") == 0 && n == 4)
		store_set_key(e, w[2], w[3]);
	else if (strcmp(w[0], "remove") != 0)
		return "add WHO LABEL TEXT, or remove WHO LABEL";
	else if (!store_remove_key(e, w[2]))
		return "no such key";
	return NULL;
}

static const char *
cmd_rights(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *group = store_find(&srv->api.store, UUID_UNIX_READ), *who;
	const char *why = find(srv, n > 1 ? w[1] : "anonymous", &who);

	(void)out;
	if (why)
		return why;
	if (strcmp(w[0], "on") == 0)
		store_add_member(group, who);
	else if (strcmp(w[0], "off") == 0)
		(void)store_remove_member(group, who);
	else
		return "on or off?";
	return NULL;
}

static const char *
cmd_api_token(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct api_token t = { .issued = store_now(&srv->api.store) };
	const char *expiry = option(w + 1, n - 1, "expiry");
	const char *rw = option(w + 1, n - 1, "read_write");
	struct entry *e;
	const char *why = find(srv, w[0], &e);
	char *token;

	if (why)
		return why;
	if (e->kind != ENTRY_SERVICE)
		return "is not a service account";
	if (expiry && !parse_i64(expiry, &t.expiry))
		return "expiry is epoch seconds";
	uuid_random(t.token_id);
	t.label = x_strdup("control");
	t.writable = rw && strcmp(rw, "yes") == 0;
	e->tokens = x_realloc(e->tokens, e->token_count + 1, sizeof(*e->tokens));
	e->tokens[e->token_count++] = t;
	token = token_api(&srv->api.tokens, e, &t);
	text_addf(out, "%s\n", token);
	free(token);
	return NULL;
}

/* The token that the data file describes. */
static const char *
cmd_show_token(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[0], &e);
	char *token;

	(void)n;
	if (why)
		return why;
	if (e->token_count == 0)
		return "has no token";
	token = token_api(&srv->api.tokens, e, &e->tokens[0]);
	text_addf(out, "%s\n", token);
	free(token);
	return NULL;
}

static const char *
cmd_revoke(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[0], &e);

	(void)n;
	(void)out;
	if (why)
		return why;
	for (size_t i = 0; i < e->token_count; i++)
		free(e->tokens[i].label);
	e->token_count = 0;
	return NULL;
}

static const char *
cmd_unlock(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[0], &e);

	(void)n;
	(void)out;
	if (!why)
		e->lock_posix = e->lock_web = (struct softlock){ 0 };
	return why;
}

static const char *
cmd_show(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[0], &e);
	cJSON *o;
	char *s;

	(void)n;
	if (why)
		return why;
	o = e->kind != ENTRY_GROUP && e->posix ? render_user_token(&srv->api.store, e)
					       : render_entry(&srv->api.store, e, false);
	s = cJSON_PrintUnformatted(o);
	text_addf(out, "%s\n", s);
	cJSON_free(s);
	cJSON_Delete(o);
	return NULL;
}

static const char *
cmd_bulk(struct server *srv, char *const *w, size_t n, struct text *out)
{
	const char *groups = option(w + 1, n - 1, "groups");
	uint32_t count, group_count = 0;

	(void)out;
	if (!parse_u32(w[0], &count) || count > 1000000 ||
	    (groups && (!parse_u32(groups, &group_count) || group_count > 100000)))
		return "not a number of people";
	return load_bulk(&srv->api.store, count, group_count,
	    option(w + 1, n - 1, "password"));
}

static const char *
cmd_load(struct server *srv, char *const *w, size_t n, struct text *out)
{
	char *why = load_file(&srv->api.store, w[0]);

	(void)n;
	if (!why)
		return NULL;
	text_addf(out, "%s\n", why);
	free(why);
	return "not loaded";
}

static const char *
cmd_clock(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct store *st = &srv->api.store;
	int64_t v, now = store_now_ms(st);

	if (n == 1 && strcmp(w[0], "stop") == 0) {
		st->clock_stopped_ms = now;
		st->clock_offset_ms = 0;
	} else if (n == 1 && strcmp(w[0], "run") == 0) {
		if (st->clock_stopped_ms) {
			st->clock_stopped_ms = st->clock_offset_ms = 0;
			st->clock_offset_ms = now - store_now_ms(st);
		}
	} else if (n == 2 && strcmp(w[0], "set") == 0 &&
	    (parse_i64(w[1], &v) || parse_rfc3339(w[1], &v))) {
		st->clock_offset_ms += v * 1000 - now;
	} else if (n == 1 && strcmp(w[0], "reset") == 0) {
		st->clock_stopped_ms = st->clock_offset_ms = 0;
	} else if (n == 1 && (w[0][0] == '+' || w[0][0] == '-') && parse_i64(w[0], &v)) {
		st->clock_offset_ms += v * 1000;
	} else if (n != 0) {
		return "clock [+S|-S|stop|run|reset|set WHEN]";
	}
	text_addf(out, "%lld\n", (long long)store_now(st));
	return NULL;
}

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
