/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The lane's body: one curl multi handle per configuration (a "pool"; in practice one, for
 * a moment after a reload two, so that requests under way finish while new ones meet the
 * new trust store and no old connection).
 *
 * Woken by an eventfd beside the pool's sockets. Handles are made with CURLOPT_QUICK_EXIT:
 * without it, giving up on a request would join its resolver thread, and a name server
 * that does not answer would stop everything else for half a minute.
 */
#include "src/unixd/idp/http.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <curl/curl.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/clock.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/idp/http_config.h"
#include "src/unixd/idp/http_easy.h"
#include "src/unixd/idp/reason.h"
#include "src/unixd/idp/wipe.h"

/* All that the resolver has under way at once, and its probe: nothing waits here unseen. */
#define MAX_LOOKUPS 66u
/* A server hashes 10 to 25 passwords a second and core: more at once only take longer each. */
#define MAX_URGENT  8u
#define MAX_ACTIVE  (MAX_LOOKUPS + MAX_URGENT)
#define MAX_WAITING 1024u
#define IDLE_MS     60000
/* More requests at once than this are a crowd; it is over this long after the last of it. */
#define FEW                 2u
#define CROWD_OVER_MS       3000
#define EXPIRES_NEVER_BEGAN INT64_MIN

enum { LINE_URGENT, LINE_LOOKUPS, N_LINES };

struct line {
	struct list waiting;
	unsigned n_active;
	unsigned max_active;
	unsigned n_posted; /* on the loop's side: posted and not done */
};

struct http {
	struct loop *loop;
	struct lane *lane;
	struct http_config *config; /* for new requests */
	struct list refused;
	int wake_fd;

	/* The lane's, but for n_posted. */
	struct line lines[N_LINES];
	struct pool *pools; /* newest first */
};

static struct line *
line_of(struct http *h, const struct http_request *r)
{
	return &h->lines[r->urgent ? LINE_URGENT : LINE_LOOKUPS];
}

static void *
zeroing_calloc(size_t n, size_t size)
{
	return calloc(n, size);
}

static char *
plain_strdup(const char *s)
{
	return strdup(s);
}

void
http_request_reset(struct http_request *r)
{
	wipe_string(&r->answer);
	wipe_string(&r->new_session_id);
	r->class = IDP_UNREACHABLE;
	r->reason = IDP_CANCELLED;
	r->status = 0;
	r->len = 0;
	r->room = 0;
	r->version[0] = '\0';
	r->ahead_s = 0;
	r->dated = false;
	r->cert = (struct tls_cert){ 0 };
	r->detail[0] = '\0';
	r->error[0] = '\0';
	atomic_store_explicit(&r->on_wire, false, memory_order_relaxed);
	r->began = false;
	r->too_long = false;
	r->pool = NULL;
	list_init(&r->link);
}

/* ---- the lane ---- */

static int64_t
mono_now(void)
{
	struct clock c;

	clock_read(&c);
	return c.mono_ns;
}

static void
fail(struct http_request *r, enum idp_class class, enum idp_reason reason,
    const char *detail)
{
	r->class = class;
	r->reason = reason;
	if (detail != r->detail)
		(void)snprintf(r->detail, sizeof(r->detail), "%s", detail);
}

static void
finish(struct http_request *r)
{
	if (r->work != NULL && r->class == IDP_FOUND)
		r->work(r);
	wipe_string(&r->answer);
	lane_finish(r->http->lane, &r->job);
}

static CURLM *
new_multi(void)
{
	CURLM *m = curl_multi_init();

	if (m == NULL)
		abort(); /* out of memory, as in xmalloc() */
	(void)curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)MAX_ACTIVE);
	(void)curl_multi_setopt(m, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	return m;
}

/* The pool of this configuration, made when it is the first of its kind. */
static struct pool *
pool_for(struct http *h, const struct http_config *config)
{
	struct pool *p = h->pools;

	while (p != NULL && p->generation != config->generation)
		p = p->next;
	if (p != NULL)
		return p;
	p = xcalloc(1, sizeof(*p));
	p->generation = config->generation;
	p->multi = new_multi();
	list_init(&p->active);
	p->next = h->pools;
	h->pools = p;
	return p;
}

static void
pool_free(struct pool *p)
{
	(void)curl_multi_cleanup(p->multi);
	(void)tls_store_free(p->store);
	free(p);
}

/* Older configurations whose last request is done. */
static void
drop_old_pools(struct http *h)
{
	struct pool **at = h->pools == NULL ? NULL : &h->pools->next;

	while (at != NULL && *at != NULL) {
		struct pool *p = *at;

		if (p->n_active > 0) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		pool_free(p);
	}
}

/* The trust store is read here, not in the handshake, so that its failure has a name. */
static bool ON_WORKER
store_ready(struct http_request *r, struct pool *p)
{
	if (!r->config->tls || !r->config->verify_ca || p->store != NULL)
		return true;
	return tls_store_new(r->config->ca_path, &p->store, r->detail,
		   sizeof(r->detail)) == 0;
}

static void ON_WORKER
start(struct http *h, struct http_request *r)
{
	struct pool *p;

	atomic_store_explicit(&r->on_wire, true, memory_order_relaxed);
	if (r->config->base == NULL || r->config->uri_problem != NULL) {
		fail(r, IDP_UNREACHABLE, IDP_NO_URI,
		    r->config->uri_problem != NULL ? r->config->uri_problem : "");
		finish(r);
		return;
	}
	p = pool_for(h, r->config);
	if (!store_ready(r, p)) {
		fail(r, IDP_UNREACHABLE, IDP_CA_FILE, r->detail);
		finish(r);
		return;
	}
	r->pool = p;
	if (http_easy_make(r) < 0 ||
	    curl_multi_add_handle(p->multi, r->easy) != CURLM_OK) {
		fail(r, IDP_ERROR, IDP_BAD_ANSWER, "the request could not be made");
		http_easy_free(r);
		finish(r);
		return;
	}
	list_append(&p->active, &r->link);
	if (++p->n_active > FEW)
		p->crowd_ns = mono_now();
	line_of(h, r)->n_active++;
}

static void
take_new(struct http *h)
{
	struct lane_job *job = lane_take(h->lane);

	while (job != NULL) {
		struct http_request *r = container_of(job, struct http_request, job);

		job = job->next;
		if (r->path != NULL) {
			list_append(&line_of(h, r)->waiting, &r->link);
			continue;
		}
		r->class = IDP_FOUND;
		r->reason = IDP_OK;
		finish(r);
	}
}

/*
 * Begins what there is room for; gives up on what has waited too long. That a login could
 * not leave the line is no news of the server: there are many of them.
 */
static void ON_WORKER
start_waiting(struct http *h, struct line *line)
{
	int64_t now = mono_now();

	while (!list_is_empty(&line->waiting)) {
		struct http_request *r = container_of(line->waiting.next,
		    struct http_request, link);

		if (r->expires_ns > now && line->n_active >= line->max_active)
			return;
		list_remove(&r->link);
		if (r->expires_ns == EXPIRES_NEVER_BEGAN) {
			fail(r, IDP_ERROR, IDP_TIMED_OUT, "too many requests in line");
			finish(r);
		} else if (r->expires_ns <= now) {
			fail(r, r->urgent ? IDP_ERROR : IDP_UNREACHABLE, IDP_TIMED_OUT,
			    "waited in line too long");
			finish(r);
		} else {
			start(h, r);
		}
	}
}

/*
 * A crowd leaves dozens of connections, 60 kB each here and more at the server. libcurl would
 * keep them until somebody asks again, so they go, with what the allocator kept: the next
 * request makes a new one, as it does after any minute of silence. Returns for how long to
 * sleep until that may be done, at most `ms`.
 */
static int
disperse(struct http *h, int ms)
{
	struct pool *p = h->pools;
	int64_t left_ms;

	if (p->next != NULL || p->n_active > 0 || p->crowd_ns == 0)
		return ms;
	left_ms = CROWD_OVER_MS - (mono_now() - p->crowd_ns) / CLOCK_MS;
	if (left_ms > 0)
		return left_ms < ms ? (int)left_ms : ms;
	(void)curl_multi_cleanup(p->multi);
	p->multi = new_multi();
	p->crowd_ns = 0;
	(void)malloc_trim(0);
	return ms;
}

static bool
somebody_waits(const struct http *h)
{
	for (size_t i = 0; i < N_LINES; i++) {
		if (!list_is_empty(&h->lines[i].waiting))
			return true;
	}
	return false;
}

/* What has just ended made room: begin before sleeping. */
static bool
somebody_may_begin(const struct http *h)
{
	for (size_t i = 0; i < N_LINES; i++) {
		const struct line *line = &h->lines[i];

		if (!list_is_empty(&line->waiting) && line->n_active < line->max_active)
			return true;
	}
	return false;
}

static void
end_active(struct http *h, struct http_request *r)
{
	(void)curl_multi_remove_handle(r->pool->multi, r->easy);
	http_easy_free(r);
	list_remove(&r->link);
	r->pool->n_active--;
	line_of(h, r)->n_active--;
}

static void
complete(struct http *h, struct http_request *r, CURLcode code)
{
	struct pool *p = r->pool;

	http_easy_outcome(r, code);
	/* What was trusted may have changed since it was read: read it anew next time. */
	if (r->reason == IDP_TLS_UNKNOWN_ISSUER || r->reason == IDP_TLS_EXPIRED ||
	    r->reason == IDP_TLS_NOT_YET_VALID || r->reason == IDP_TLS_OTHER)
		p->store = tls_store_free(p->store);
	end_active(h, r);
	finish(r);
}

static void
collect(struct http *h, struct pool *p)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(p->multi, &left)) != NULL) {
		struct http_request *r = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		if (r != NULL)
			complete(h, r, code);
	}
}

static void
drive(struct http *h)
{
	for (struct pool *p = h->pools; p != NULL; p = p->next) {
		int running = 0;

		(void)curl_multi_perform(p->multi, &running);
		collect(h, p);
	}
	drop_old_pools(h);
}

/*
 * Sleeps until a socket of the newest pool, a timer of libcurl or the loop wakes it. While
 * an older pool has requests its sockets are looked at every 10 ms.
 */
static void
sleep_on(struct http *h)
{
	struct curl_waitfd wake = { .fd = h->wake_fd, .events = CURL_WAIT_POLLIN };
	bool older = h->pools != NULL && h->pools->next != NULL;
	int ms = older ? 10 : somebody_waits(h) ? 100 : IDLE_MS;
	uint64_t count;

	if (h->pools == NULL) {
		(void)!read(h->wake_fd, &count, sizeof(count));
		return;
	}
	ms = disperse(h, ms);
	(void)curl_multi_poll(h->pools->multi, &wake, 1, ms, NULL);
	if ((wake.revents & CURL_WAIT_POLLIN) != 0)
		(void)!read(h->wake_fd, &count, sizeof(count));
}

static void
cancel(struct http *h, struct http_request *r)
{
	fail(r, IDP_UNREACHABLE, IDP_CANCELLED, "");
	lane_finish(h->lane, &r->job);
}

static void
cancel_all(struct http *h)
{
	struct list *it, *tmp;

	for (struct pool *p = h->pools; p != NULL; p = p->next) {
		list_for_each_safe(it, tmp, &p->active) {
			struct http_request *r = container_of(it, struct http_request,
			    link);

			end_active(h, r);
			wipe_string(&r->answer);
			cancel(h, r);
		}
	}
	for (size_t i = 0; i < N_LINES; i++) {
		list_for_each_safe(it, tmp, &h->lines[i].waiting) {
			list_remove(it);
			cancel(h, container_of(it, struct http_request, link));
		}
	}
	while (h->pools != NULL) {
		struct pool *p = h->pools;

		h->pools = p->next;
		pool_free(p);
	}
}

static void
body(void *arg)
{
	struct http *h = arg;

	worker_role_assume();
	while (!lane_stopping(h->lane)) {
		take_new(h);
		for (size_t i = 0; i < N_LINES; i++)
			start_waiting(h, &h->lines[i]);
		drive(h);
		if (somebody_may_begin(h))
			continue;
		sleep_on(h);
	}
	take_new(h);
	cancel_all(h);
}

static void
wake(void *arg)
{
	const struct http *h = arg;
	const uint64_t one = 1;

	(void)!write(h->wake_fd, &one, sizeof(one));
}

/* ---- the loop ---- */

static void
deliver(struct http_request *r)
{
	r->config = http_config_unref(r->config);
	line_of(r->http, r)->n_posted--;
	wipe_string(&r->own_bearer);
	r->done(r);
}

static void
on_done(struct lane_job *job)
{
	deliver(container_of(job, struct http_request, job));
}

int
http_new(struct loop *l, const struct idp_settings *settings, struct http **ret_http)
{
	struct http *h;
	int r;

	if (curl_global_init_mem(CURL_GLOBAL_ALL, malloc, wipe_free, wipe_realloc,
		plain_strdup, zeroing_calloc) != CURLE_OK)
		return -EIO;
	h = xcalloc(1, sizeof(*h));
	h->loop = l;
	for (size_t i = 0; i < N_LINES; i++)
		list_init(&h->lines[i].waiting);
	h->lines[LINE_URGENT].max_active = MAX_URGENT;
	h->lines[LINE_LOOKUPS].max_active = MAX_LOOKUPS;
	list_init(&h->refused);
	h->config = http_config_new(settings);
	/* Blocking: the lane sleeps in read() until its first request. */
	h->wake_fd = eventfd(0, EFD_CLOEXEC);
	r = h->wake_fd < 0 ? -errno : lane_new_body(l, "net", body, wake, h, &h->lane);
	if (r < 0) {
		(void)http_free(h);
		return r;
	}
	*ret_http = h;
	return 0;
}

struct http *
http_free(struct http *h)
{
	struct http_request *r;

	if (h == NULL)
		return NULL;
	h->lane = lane_free(h->lane, false);
	/* What was posted while the lane ended, by those who were told so. */
	while (!list_is_empty(&h->refused)) {
		r = container_of(h->refused.next, struct http_request, link);
		list_remove(&r->link);
		deliver(r);
	}
	h->config = http_config_unref(h->config);
	if (h->wake_fd >= 0)
		(void)close(h->wake_fd);
	free(h);
	curl_global_cleanup();
	return NULL;
}

void
http_configure(struct http *h, const struct idp_settings *settings)
{
	h->config = http_config_unref(h->config);
	h->config = http_config_new(settings);
}

void
http_post(struct http *h, struct http_request *r)
{
	http_request_reset(r);
	r->http = h;
	r->own_bearer = r->bearer == NULL ? NULL : xstrdup(r->bearer);
	r->bearer = NULL;
	r->config = http_config_ref(h->config);
	r->job.done = on_done;
	r->expires_ns = r->deadline_ns != 0 ? r->deadline_ns
					    : loop_now(h->loop)->mono_ns +
		(int64_t)r->config->request_timeout_ms * CLOCK_MS;
	/* Too many: not even put in line, but answered the same way as the others. */
	if (++line_of(h, r)->n_posted > MAX_WAITING)
		r->expires_ns = EXPIRES_NEVER_BEGAN;
	if (h->lane == NULL || lane_post(h->lane, &r->job) < 0)
		list_append(&h->refused, &r->link);
}
