/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One HTTP exchange from libmicrohttpd's first call to its last. A request is collected,
 * meets the faults that fit it, may wait (the connection is suspended, no thread sleeps),
 * and is answered. Resets are real ones: the socket is disconnected, so the peer gets a
 * RST and not a polite end of TLS.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <microhttpd.h>

#include "tests/devidm/server.h"

#define POOL_THREADS 4u
#define FOREVER      INT64_MAX

enum exchange_state {
	X_READING,
	X_WAITING,
	X_GO, /* came back from waiting */
	X_DROP,
};

struct conn {
	struct conn *next, *prev;
	int fd;
	bool busy;      /* a request is running */
	bool answering; /* ... and its answer is on its way */
	bool doomed;    /* ends with that answer */
};

struct exchange {
	struct server *srv;
	struct MHD_Connection *connection;
	struct conn *conn;
	char *method, *path;
	struct text body;
	bool too_large, answered;
	enum exchange_state state;
	int64_t wake_ms;
	struct exchange *next, *prev; /* waiting */
	struct hits hits;
	struct reply reply;
};

/* A body given out by hand: cut short or with a reset behind it. */
struct cut_body {
	struct text body;
	size_t stop;
	bool reset;
	int fd;
};

static int64_t
mono_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
fd_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c,
	    MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

static void
reset_now(int fd)
{
	struct sockaddr sa = { .sa_family = AF_UNSPEC };

	(void)connect(fd, &sa, sizeof(sa));
}

static void
unlink_waiting(struct server *srv, struct exchange *x)
{
	if (x->prev)
		x->prev->next = x->next;
	else
		srv->waiting = x->next;
	if (x->next)
		x->next->prev = x->prev;
	x->next = x->prev = NULL;
}

/* False while the server is going down: nothing may wait any more. */
static bool
wait_for(struct exchange *x, int64_t wake_ms)
{
	struct server *srv = x->srv;
	bool ok;

	(void)pthread_mutex_lock(&srv->wait_mu);
	ok = !srv->draining;
	if (ok) {
		x->state = X_WAITING;
		x->wake_ms = wake_ms;
		x->prev = NULL;
		x->next = srv->waiting;
		if (x->next)
			x->next->prev = x;
		srv->waiting = x;
		MHD_suspend_connection(x->connection);
		(void)pthread_cond_signal(&srv->wait_cond);
	}
	(void)pthread_mutex_unlock(&srv->wait_mu);
	return ok;
}

static void
wake(struct server *srv, struct exchange *x, enum exchange_state state)
{
	unlink_waiting(srv, x);
	x->state = state;
	MHD_resume_connection(x->connection);
}

void
exchange_release(struct server *srv, bool drop)
{
	struct exchange *x, *next;

	(void)pthread_mutex_lock(&srv->wait_mu);
	srv->draining = drop;
	for (x = srv->waiting; x; x = next) {
		next = x->next;
		if (drop || x->wake_ms == FOREVER)
			wake(srv, x, drop ? X_DROP : X_GO);
	}
	(void)pthread_mutex_unlock(&srv->wait_mu);
}

void *
exchange_waker(void *arg)
{
	struct server *srv = arg;

	(void)pthread_mutex_lock(&srv->wait_mu);
	while (!srv->ending) {
		int64_t now = mono_ms(), first = now + 3600000;
		struct exchange *next;
		struct timespec ts;

		for (struct exchange *x = srv->waiting; x; x = next) {
			next = x->next;
			if (x->wake_ms <= now)
				wake(srv, x, X_GO);
			else if (x->wake_ms < first)
				first = x->wake_ms;
		}
		ts.tv_sec = (time_t)(first / 1000);
		ts.tv_nsec = (long)(first % 1000) * 1000000;
		(void)pthread_cond_timedwait(&srv->wait_cond, &srv->wait_mu, &ts);
	}
	(void)pthread_mutex_unlock(&srv->wait_mu);
	return NULL;
}

static void
header(struct MHD_Response *r, const char *name, const char *value)
{
	(void)MHD_add_response_header(r, name, value);
}

static void
add_headers(struct MHD_Response *r, const struct reply *re, const struct hits *h)
{
	char opid[UUID_LEN + 1];

	if (re->content_type)
		header(r, "content-type", re->content_type);
	if (re->plain)
		return;
	uuid_random(opid);
	header(r, "x-kanidm-opid", opid);
	if (re->status_only)
		return;
	if (re->www_authenticate)
		header(r, "www-authenticate", "Bearer");
	for (size_t i = 0; i < 2; i++)
		if (re->cookies[i])
			header(r, "set-cookie", re->cookies[i]);
	if (re->session)
		header(r, "x-kanidm-auth-session-id", re->session);
	if (re->allow)
		header(r, "allow", re->allow);
	if (re->cache == CACHE_PRIVATE)
		header(r, "cache-control", "private, max-age=300");
	if (re->cache == CACHE_NO_STORE)
		header(r, "cache-control", "no-store, no-cache, max-age=0");
	if (re->cache != CACHE_NONE)
		header(r, "pragma", "no-cache");
	header(r, "content-security-policy",
	    "default-src 'self'; base-uri 'self' https:; form-action 'self'; "
	    "frame-ancestors 'none'; img-src 'self' data:; worker-src 'none'; "
	    "script-src 'self' 'unsafe-eval';frame-ancestors 'none'; ");
	header(r, "x-content-type-options", "nosniff");
	header(r, "permissions-policy", "fullscreen=(), geolocation=()");
	header(r, "referrer-policy", "origin");
	if (!h->no_version)
		header(r, "x-kanidm-version",
		    h->wrong_version ? "0.9.9-other" : "1.11.1");
	header(r, "strict-transport-security", "max-age=63072001");
}

static ssize_t
cut_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct cut_body *cut = cls;
	size_t n = pos < cut->stop ? cut->stop - (size_t)pos : 0;

	if (n == 0) {
		if (cut->reset)
			reset_now(cut->fd);
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	if (n > max)
		n = max;
	memcpy(buf, cut->body.s + pos, n);
	return (ssize_t)n;
}

static void
cut_free(void *cls)
{
	struct cut_body *cut = cls;

	text_free(&cut->body);
	free(cut);
}

static struct MHD_Response *
make_response(struct exchange *x)
{
	struct text *body = &x->reply.body;
	struct cut_body *cut;

	text_add(body, "", 0);
	if (!x->hits.reset_after && !x->hits.truncate)
		return MHD_create_response_from_buffer(body->len, body->s,
		    MHD_RESPMEM_MUST_COPY);
	cut = x_calloc(1, sizeof(*cut));
	/* The declared length must be more than what comes, whatever the body is. */
	text_add(body, "        ", 8);
	cut->body = *body;
	*body = (struct text){ 0 };
	cut->reset = x->hits.reset_after;
	cut->fd = fd_of(x->connection);
	cut->stop = cut->reset ? 1 : cut->body.len / 2;
	return MHD_create_response_from_callback(cut->body.len, 4096, cut_read, cut,
	    cut_free);
}

/* An answer as a proxy in front of the server would make it, or JSON by request. */
static void
fault_status(struct exchange *x)
{
	unsigned status = x->hits.status;

	reply_free(&x->reply);
	if (x->hits.status_body) {
		x->reply.cache = CACHE_NO_STORE;
		x->reply.content_type = "application/json";
		text_addf(&x->reply.body, "%s", x->hits.status_body);
	} else if (status == 401) {
		x->reply.cache = CACHE_NO_STORE;
		reply_error(&x->reply, "sessionexpired");
	} else {
		x->reply.plain = true;
		x->reply.content_type = "text/html";
		text_addf(&x->reply.body,
		    "<html><body><h1>%u injected</h1></body></html>\n", status);
	}
	x->reply.www_authenticate = status == 401;
	x->reply.status = status;
}

static void
spoil_reply(struct exchange *x)
{
	static const char garbage[] = "{\"name\":\"ali";

	if (x->hits.status)
		fault_status(x);
	if (x->hits.wrong_json) {
		text_free(&x->reply.body);
		text_add(&x->reply.body, garbage, sizeof(garbage) - 1);
		x->reply.status = 200;
	}
	if (x->hits.wrong_type) {
		reply_free(&x->reply);
		x->reply.status = 200;
		x->reply.content_type = "text/html";
		text_addf(&x->reply.body, "<html><body>Please log in</body></html>\n");
	}
}

/* By the server's clock, wherever `clock` has moved it. */
static void
add_date(struct MHD_Response *r, struct store *st)
{
	char text[64];
	struct tm tm;
	time_t now;

	(void)pthread_mutex_lock(&st->mu);
	now = (time_t)store_now(st);
	(void)pthread_mutex_unlock(&st->mu);
	if (gmtime_r(&now, &tm) != NULL &&
	    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
		header(r, "date", text);
}

static enum MHD_Result
send_reply(struct exchange *x)
{
	struct MHD_Response *r = make_response(x);
	enum MHD_Result ok;

	if (!r)
		return MHD_NO;
	(void)pthread_mutex_lock(&x->srv->conn_mu);
	if (x->conn)
		x->conn->answering = true;
	(void)pthread_mutex_unlock(&x->srv->conn_mu);
	add_headers(r, &x->reply, &x->hits);
	add_date(r, &x->srv->api.store);
	ok = MHD_queue_response(x->connection, x->reply.status, r);
	MHD_destroy_response(r);
	return ok;
}

static const char *
get(struct MHD_Connection *c, enum MHD_ValueKind kind, const char *name)
{
	return MHD_lookup_connection_value(c, kind, name);
}

/* A query value, decoded in place in a fresh string the exchange's caller frees. */
static char *
query(struct MHD_Connection *c, const char *name)
{
	const char *raw = get(c, MHD_GET_ARGUMENT_KIND, name);
	char *s = raw ? x_strdup(raw) : NULL;

	if (s)
		(void)MHD_http_unescape(s);
	return s;
}

static void
dispatch(struct exchange *x)
{
	struct MHD_Connection *c = x->connection;
	char *q[4] = { query(c, "filter"), query(c, "attributes"), query(c, "count"),
		query(c, "startIndex") };
	struct request rq = {
		.method = x->method,
		.path = x->path,
		.content_type = get(c, MHD_HEADER_KIND, "content-type"),
		.authorization = get(c, MHD_HEADER_KIND, "authorization"),
		.bearer_cookie = get(c, MHD_COOKIE_KIND, "bearer"),
		.step_header = get(c, MHD_HEADER_KIND, "x-kanidm-auth-session-id"),
		.step_cookie = get(c, MHD_COOKIE_KIND, "auth-session-id"),
		.query = { q[0], q[1], q[2], q[3] },
		.body = x->body.s ? x->body.s : "",
		.body_len = x->body.len,
		.too_large = x->too_large,
	};

	if (x->hits.expire_sessions) {
		(void)pthread_mutex_lock(&x->srv->api.store.mu);
		x->srv->api.tokens.epoch++;
		(void)pthread_mutex_unlock(&x->srv->api.store.mu);
	}
	api_answer(&x->srv->api, &rq, &x->reply);
	x->answered = true;
	spoil_reply(x);
	faults_count(&x->srv->faults, x->method, x->reply.route, x->path,
	    x->reply.status);
	for (size_t i = 0; i < 4; i++)
		free(q[i]);
}

static enum MHD_Result
drop(struct exchange *x)
{
	reset_now(fd_of(x->connection));
	return MHD_NO;
}

/* The request is here in full, or is back from waiting. */
static enum MHD_Result
go_on(struct exchange *x)
{
	unsigned delay;

	if (x->state == X_DROP)
		return drop(x);
	if (x->state == X_READING)
		faults_match(&x->srv->faults, x->method, x->path, &x->hits);
	if (x->hits.freeze && x->state == X_READING)
		return wait_for(x, FOREVER) ? MHD_YES : drop(x);
	if (!x->answered) {
		dispatch(x);
		delay = x->hits.delay_ms + x->reply.delay_ms;
		if (delay)
			return wait_for(x, mono_ms() + delay) ? MHD_YES : drop(x);
	}
	return x->hits.reset_before ? drop(x) : send_reply(x);
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *size, void **ctx)
{
	struct server *srv = cls;
	struct exchange *x = *ctx;
	const union MHD_ConnectionInfo *info;

	(void)version;
	if (!x) {
		info = MHD_get_connection_info(connection,
		    MHD_CONNECTION_INFO_SOCKET_CONTEXT);
		x = *ctx = x_calloc(1, sizeof(*x));
		x->srv = srv;
		x->connection = connection;
		x->method = x_strdup(method);
		x->path = x_strdup(url);
		x->conn = info ? info->socket_context : NULL;
		(void)pthread_mutex_lock(&srv->conn_mu);
		if (x->conn)
			x->conn->busy = true;
		(void)pthread_mutex_unlock(&srv->conn_mu);
		return MHD_YES;
	}
	if (*size) {
		if (x->body.len + *size > API_BODY_MAX)
			x->too_large = true;
		else
			text_add(&x->body, data, *size);
		*size = 0;
		return MHD_YES;
	}
	return go_on(x);
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **ctx,
    enum MHD_RequestTerminationCode code)
{
	struct server *srv = cls;
	struct exchange *x = *ctx;

	(void)connection;
	(void)code;
	if (!x)
		return;
	(void)pthread_mutex_lock(&srv->conn_mu);
	if (x->conn && x->conn->doomed)
		(void)shutdown(x->conn->fd, SHUT_RDWR);
	if (x->conn)
		x->conn->busy = x->conn->answering = false;
	(void)pthread_mutex_unlock(&srv->conn_mu);
	free(x->method);
	free(x->path);
	free(x->hits.status_body);
	text_free(&x->body);
	reply_free(&x->reply);
	free(x);
	*ctx = NULL;
}

static void
on_connection(void *cls, struct MHD_Connection *connection, void **ctx,
    enum MHD_ConnectionNotificationCode code)
{
	struct server *srv = cls;
	struct conn *c = *ctx;

	(void)pthread_mutex_lock(&srv->conn_mu);
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		c = *ctx = x_calloc(1, sizeof(*c));
		c->fd = fd_of(connection);
		c->next = srv->conns;
		if (c->next)
			c->next->prev = c;
		srv->conns = c;
		faults_connection(&srv->faults);
	} else if (c) {
		if (c->prev)
			c->prev->next = c->next;
		else
			srv->conns = c->next;
		if (c->next)
			c->next->prev = c->prev;
		free(c);
		*ctx = NULL;
	}
	(void)pthread_mutex_unlock(&srv->conn_mu);
}

unsigned
server_close_idle(struct server *srv)
{
	unsigned n = 0;

	(void)pthread_mutex_lock(&srv->conn_mu);
	for (struct conn *c = srv->conns; c; c = c->next) {
		if (c->busy && !c->answering)
			continue;
		n++;
		/* A client may have read its answer before we hear that it was sent. */
		if (c->busy)
			c->doomed = true;
		else
			(void)shutdown(c->fd, SHUT_RDWR);
	}
	(void)pthread_mutex_unlock(&srv->conn_mu);
	return n;
}

/* Paths and values are decoded here, one time and knowing what they are. */
static size_t
no_unescape(void *cls, struct MHD_Connection *connection, char *s)
{
	(void)cls;
	(void)connection;
	return strlen(s);
}

struct MHD_Daemon *
exchange_daemon(struct server *srv, int fd)
{
	return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS |
		MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC,
	    0, NULL, NULL, on_request, srv, MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_HTTPS_MEM_KEY, srv->key, MHD_OPTION_HTTPS_MEM_CERT, srv->cert,
	    MHD_OPTION_HTTPS_PRIORITIES, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
	    MHD_OPTION_TLS_NO_ALPN, 1, MHD_OPTION_THREAD_POOL_SIZE, POOL_THREADS,
	    MHD_OPTION_CONNECTION_LIMIT, 4096u, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)(160u << 10), MHD_OPTION_CONNECTION_TIMEOUT, srv->idle_seconds,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, srv, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, srv, MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL,
	    MHD_OPTION_END);
}
