/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The three ways to a member list, tried in turn. The list of all groups is the one thing
 * kept here: it is large, so it is fetched by one request for all who wait, read on the
 * lane, and dropped by a timer. The closure is computed on the lane as well, by a request
 * that sends nothing.
 */
#include "src/unixd/idp/memberlist.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/idp/grouplist.h"
#include "src/unixd/idp/json.h"
#include "src/unixd/model/model.h"

#define KEEP_NS (30 * CLOCK_S)

/* Large groups whose search was refused, without a token. A domain has few of them. */
#define REFUSALS   64
#define REFUSED_NS (3600 * CLOCK_S)
/* The server's limit is 1,024 of whatever it looks at; below that it is worth a try. */
#define SEARCH_MAX 1000u

/* An answer that long has been a tree of so many small pieces that the heap keeps them. */
#define LARGE_ANSWER ((size_t)256 * 1024)

struct refusal {
	struct uuid group;
	int64_t until; /* mono ns; 0: none */
};

struct memberlist {
	struct loop *loop;
	struct http *http;
	struct session *session;
	struct session_request fetch;
	struct grouplist *fetched; /* the lane's, until done */
	bool fetching;
	struct list waiting;

	struct grouplist *list;
	unsigned n_users; /* queries that the lane answers from `list` */
	bool outdated;    /* drop it with its last user */
	bool failed;      /* the server gives no list: not asked again until the timer */
	struct timer expiry;

	struct refusal refusals[REFUSALS];
};

static void ask_direct(struct memberlist_query *q);

static void
drop_list(struct memberlist *ml)
{
	ml->outdated = ml->n_users > 0;
	if (!ml->outdated)
		ml->list = grouplist_free(ml->list);
}

static void
on_expiry(struct timer *t)
{
	struct memberlist *ml = container_of(t, struct memberlist, expiry);

	ml->failed = false;
	drop_list(ml);
}

struct memberlist *
memberlist_new(struct loop *l, struct http *http, struct session *s)
{
	struct memberlist *ml = xcalloc(1, sizeof(*ml));

	ml->loop = l;
	ml->http = http;
	ml->session = s;
	list_init(&ml->waiting);
	timer_init(&ml->expiry, on_expiry);
	return ml;
}

struct memberlist *
memberlist_free(struct memberlist *ml)
{
	if (ml == NULL)
		return NULL;
	timers_unset(loop_timers(ml->loop), &ml->expiry);
	http_request_reset(&ml->fetch.http);
	(void)grouplist_free(ml->list);
	(void)grouplist_free(ml->fetched);
	free(ml);
	return NULL;
}

void
memberlist_forget(struct memberlist *ml)
{
	timers_unset(loop_timers(ml->loop), &ml->expiry);
	ml->failed = false;
	memset(ml->refusals, 0, sizeof(ml->refusals));
	drop_list(ml);
}

static void
give_memory_back(const struct http_request *http)
{
	if (http->len >= LARGE_ANSWER)
		(void)malloc_trim(0);
}

/* ---- searches the server has refused ---- */

static struct refusal *
refusal_of(struct memberlist *ml, const struct uuid *group)
{
	const int64_t now = loop_now(ml->loop)->mono_ns;

	for (size_t i = 0; i < REFUSALS; i++) {
		if (ml->refusals[i].until > now &&
		    uuid_equal(&ml->refusals[i].group, group))
			return &ml->refusals[i];
	}
	return NULL;
}

/* In the place of the one that ends first. */
static void
remember_refusal(struct memberlist *ml, const struct uuid *group)
{
	struct refusal *place = refusal_of(ml, group);

	if (place == NULL) {
		place = &ml->refusals[0];
		for (size_t i = 1; i < REFUSALS; i++) {
			if (ml->refusals[i].until < place->until)
				place = &ml->refusals[i];
		}
	}
	place->group = *group;
	place->until = loop_now(ml->loop)->mono_ns + REFUSED_NS;
}

static bool
is_refused(struct memberlist *ml, const struct uuid *group)
{
	return !session_identity(ml->session)->token_mode &&
	    refusal_of(ml, group) != NULL;
}

/* The group has become small enough to be searched for again. */
static void
look_at_size(struct memberlist_query *q)
{
	struct refusal *refusal = refusal_of(q->owner, &q->uuid);

	if (refusal != NULL && q->members != NULL && q->members->n <= SEARCH_MAX)
		refusal->until = 0;
}

static void
end(struct memberlist_query *q)
{
	http_request_reset(&q->request.http);
	q->done(q);
}

/* No answer, or not for us: the other ways would fare no better. */
static bool
is_hopeless(const struct http_request *http)
{
	return http->class == IDP_UNREACHABLE || http->class == IDP_REFUSED;
}

/* ---- 2. all groups ---- */

static void
close_over_list(struct http_request *http)
{
	struct session_request *r = container_of(http, struct session_request, http);
	struct memberlist_query *q = container_of(r, struct memberlist_query, request);

	worker_role_assume();
	q->result = grouplist_members(q->owner->list, &q->uuid, &q->members);
}

static void
on_closed(struct http_request *http)
{
	struct session_request *r = container_of(http, struct session_request, http);
	struct memberlist_query *q = container_of(r, struct memberlist_query, request);
	struct memberlist *ml = q->owner;

	if (--ml->n_users == 0 && ml->outdated)
		drop_list(ml);
	look_at_size(q);
	if (q->members == NULL && !is_hopeless(http))
		ask_direct(q);
	else
		end(q);
}

static void
answer_from_list(struct memberlist_query *q)
{
	struct http_request *http = &q->request.http;

	q->owner->n_users++;
	http->path = NULL;
	http->work = close_over_list;
	http->done = on_closed;
	http_post(q->owner->http, http);
}

static void
read_list(struct http_request *http)
{
	struct session_request *r = container_of(http, struct session_request, http);
	struct memberlist *ml = container_of(r, struct memberlist, fetch);

	worker_role_assume();
	if (http->status == 200 &&
	    json_group_list(http->answer, http->len, &ml->fetched) < 0)
		ml->fetched = NULL;
	give_memory_back(http);
}

static void
on_list(struct session_request *r)
{
	struct memberlist *ml = container_of(r, struct memberlist, fetch);
	bool hopeless = is_hopeless(&r->http);
	struct list all;
	struct list *it, *tmp;

	ml->fetching = false;
	if (ml->fetched != NULL) {
		/* Nobody is using an old one: a fetch begins only when there is none. */
		ml->list = TAKE_PTR(ml->fetched);
		ml->outdated = false;
	}
	ml->failed = ml->list == NULL && !hopeless;
	timers_set(loop_timers(ml->loop), &ml->expiry, KEEP_NS);
	list_init(&all);
	list_for_each_safe(it, tmp, &ml->waiting) {
		list_remove(it);
		list_append(&all, it);
	}
	list_for_each_safe(it, tmp, &all) {
		struct memberlist_query *q = container_of(it, struct memberlist_query,
		    link);

		list_remove(it);
		if (ml->list != NULL)
			answer_from_list(q);
		else if (hopeless)
			end(q);
		else
			ask_direct(q);
	}
}

static void
ask_list(struct memberlist_query *q)
{
	struct memberlist *ml = q->owner;

	if (ml->list != NULL) {
		answer_from_list(q);
		return;
	}
	if (ml->failed) {
		ask_direct(q);
		return;
	}
	list_append(&ml->waiting, &q->link);
	if (ml->fetching)
		return;
	ml->fetching = true;
	ml->fetch.http.path = "/v1/group";
	ml->fetch.http.max_body = HTTP_MAX_LIST;
	ml->fetch.http.work = read_list;
	ml->fetch.done = on_list;
	session_send(ml->session, &ml->fetch);
}

/* ---- 1. SCIM, 3. direct members ---- */

static void
read_scim(struct http_request *http)
{
	struct session_request *r = container_of(http, struct session_request, http);
	struct memberlist_query *q = container_of(r, struct memberlist_query, request);
	char word[64];

	worker_role_assume();
	if (http->status == 200 &&
	    json_scim_members(http->answer, http->len, &q->members) < 0)
		q->members = NULL;
	give_memory_back(http);
	if (http->status == 500) {
		(void)json_fault(http->answer, http->len, word);
		q->refused = streq(word, "backend");
	}
}

static void
on_scim(struct session_request *r)
{
	struct memberlist_query *q = container_of(r, struct memberlist_query, request);

	if (q->refused)
		remember_refusal(q->owner, &q->uuid);
	if (q->members != NULL || is_hopeless(&r->http))
		end(q);
	else
		ask_list(q);
}

static void
read_direct(struct http_request *http)
{
	struct session_request *r = container_of(http, struct session_request, http);
	struct memberlist_query *q = container_of(r, struct memberlist_query, request);

	worker_role_assume();
	if (http->status == 200 &&
	    json_spn_members(http->answer, http->len, &q->members) < 0)
		q->members = NULL;
	give_memory_back(http);
}

static void
on_direct(struct session_request *r)
{
	end(container_of(r, struct memberlist_query, request));
}

static void
ask_direct(struct memberlist_query *q)
{
	char uuid[UUID_TEXT_LEN + 1];

	uuid_format(&q->uuid, uuid);
	(void)snprintf(q->path, sizeof(q->path), "/v1/group/%s/_attr/member", uuid);
	q->request.http.path = q->path;
	q->request.http.max_body = HTTP_MAX_LIST;
	q->request.http.work = read_direct;
	q->request.done = on_direct;
	session_send(q->owner->session, &q->request);
}

void
memberlist_ask(struct memberlist *ml, struct memberlist_query *q)
{
	char uuid[UUID_TEXT_LEN + 1];

	q->owner = ml;
	q->members = NULL;
	q->refused = false;
	list_init(&q->link);
	if (is_refused(ml, &q->uuid)) {
		ask_list(q);
		return;
	}
	uuid_format(&q->uuid, uuid);
	(void)snprintf(q->path, sizeof(q->path),
	    "/scim/v1/Entry?filter=class%%20eq%%20%%22posixaccount%%22%%20and%%20"
	    "memberof%%20eq%%20%%22%s%%22&attributes=name,spn",
	    uuid);
	q->request.http.path = q->path;
	q->request.http.max_body = HTTP_MAX_LIST;
	q->request.http.work = read_scim;
	q->request.done = on_scim;
	session_send(ml->session, &q->request);
}
