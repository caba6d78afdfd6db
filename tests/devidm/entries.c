/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Searches: lists by class, single entries, members, SCIM. A search that selects more
 * than 1,024 entries is 500 "backend" for sessions, whatever the caller may see of them;
 * API tokens have no limit.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/devidm/api.h"
#include "tests/devidm/render.h"
#include "tests/devidm/scim.h"

#define SEARCH_LIMIT 1024u

struct found {
	struct entry **v;
	size_t n;
};

static bool
own(const struct call *c, const struct entry *e)
{
	return e == c->caller.entry;
}

static bool
selects(struct call *c, struct entry *e, const struct scim_filter *f)
{
	struct attrs a;
	bool yes;

	attrs_build(&c->api->store, e, false, &a);
	yes = scim_match(f, &a);
	attrs_free(&a);
	return yes;
}

/* False, with the answer made, when the search is over its limit. */
static bool
search(struct call *c, enum entry_kind kind, const struct scim_filter *f,
    struct found *ret)
{
	struct store *st = &c->api->store;
	size_t selected = 0;

	*ret = (struct found){ .v = x_calloc(st->entry_count, sizeof(struct entry *)) };
	for (size_t i = 0; i < st->entry_count; i++) {
		struct entry *e = st->entries[i];

		if (e->dead || (f ? !selects(c, e, f) : e->kind != kind))
			continue;
		if (++selected > SEARCH_LIMIT && !c->caller.api) {
			free(ret->v);
			reply_error(c->reply, "backend");
			return false;
		}
		if (call_may_read(c, e))
			ret->v[ret->n++] = e;
	}
	return true;
}

static void
list_kind(struct call *c, enum entry_kind kind)
{
	struct found found;
	cJSON *list;

	if (!search(c, kind, NULL, &found))
		return;
	list = cJSON_CreateArray();
	for (size_t i = 0; i < found.n; i++)
		(void)cJSON_AddItemToArray(list,
		    render_entry(&c->api->store, found.v[i], own(c, found.v[i])));
	free(found.v);
	reply_json(c->reply, 200, list);
}

void
handle_persons(struct call *c)
{
	list_kind(c, ENTRY_PERSON);
}

void
handle_services(struct call *c)
{
	list_kind(c, ENTRY_SERVICE);
}

void
handle_groups(struct call *c)
{
	list_kind(c, ENTRY_GROUP);
}

static struct entry *
visible(struct call *c)
{
	struct entry *e;

	if (store_resolve(&c->api->store, c->id, &e) != ID_FOUND || !call_may_read(c, e))
		return NULL;
	return e;
}

static enum entry_kind
route_kind(const struct call *c)
{
	if (strncmp(c->rq->path, "/v1/person", 10) == 0)
		return ENTRY_PERSON;
	return strncmp(c->rq->path, "/v1/group", 9) == 0 ? ENTRY_GROUP : ENTRY_SERVICE;
}

void
handle_entry(struct call *c)
{
	struct entry *e = visible(c);

	if (!e || e->kind != route_kind(c))
		reply_json(c->reply, 200, cJSON_CreateNull());
	else
		reply_json(c->reply, 200, render_entry(&c->api->store, e, own(c, e)));
}

void
handle_members(struct call *c)
{
	struct entry *e = visible(c);
	const struct attr *at;
	cJSON *list = NULL;
	struct attrs a;

	if (e && e->kind == ENTRY_GROUP) {
		attrs_build(&c->api->store, e, false, &a);
		at = attrs_get(&a, c->tag);
		list = at ? render_attr_values(at) : NULL;
		attrs_free(&a);
	}
	reply_json(c->reply, 200, list ? list : cJSON_CreateNull());
}

void
handle_token_post(struct call *c)
{
	const cJSON *label = cJSON_GetObjectItemCaseSensitive(c->body, "label");
	const cJSON *expiry = cJSON_GetObjectItemCaseSensitive(c->body, "expiry");
	const cJSON *rw = cJSON_GetObjectItemCaseSensitive(c->body, "read_write");
	struct api_token t = { .issued = store_now(&c->api->store) };
	struct entry *e;
	char *token;

	if (!cJSON_IsString(label) || !expiry ||
	    (!cJSON_IsNull(expiry) && !cJSON_IsNumber(expiry))) {
		reply_type_error(c, "missing field `label` or `expiry`");
		return;
	}
	if (store_resolve(&c->api->store, c->id, &e) != ID_FOUND ||
	    e->kind != ENTRY_SERVICE) {
		reply_error(c->reply, "nomatchingentries");
		return;
	}
	if (!call_may_write(c, e)) {
		reply_error(c->reply, "accessdenied");
		return;
	}
	uuid_random(t.token_id);
	t.label = x_strdup(label->valuestring);
	t.expiry = cJSON_IsNumber(expiry) ? (int64_t)expiry->valuedouble : 0;
	t.writable = cJSON_IsTrue(rw);
	e->tokens = x_realloc(e->tokens, e->token_count + 1, sizeof(*e->tokens));
	e->tokens[e->token_count++] = t;
	token = token_api(&c->api->tokens, e, &t);
	reply_json(c->reply, 200, cJSON_CreateString(token));
	free(token);
}

void
handle_scim_entry(struct call *c)
{
	struct entry *e = visible(c);

	if (!e)
		reply_error(c->reply, "nomatchingentries");
	else
		reply_json(c->reply, 200,
		    render_scim(&c->api->store, e, own(c, e), c->rq->query.attributes));
}

/* startIndex counts from 1. */
static bool
page_number(const char *s, uint32_t otherwise, uint32_t *ret)
{
	*ret = otherwise;
	return !s || parse_u32(s, ret);
}

static void
scim_answer(struct call *c, const struct found *found, uint32_t count, uint32_t start)
{
	const struct query *q = &c->rq->query;
	size_t first = start ? start - 1u : 0, shown;
	cJSON *o = cJSON_CreateObject(), *list;

	shown = first < found->n ? found->n - first : 0;
	if (shown > count)
		shown = count;
	(void)cJSON_AddArrayToObject(o, "schemas");
	(void)cJSON_AddNumberToObject(o, "totalResults", (double)found->n);
	if (q->count || q->start) {
		(void)cJSON_AddNumberToObject(o, "itemsPerPage", (double)shown);
		(void)cJSON_AddNumberToObject(o, "startIndex",
		    (double)(start ? start : 1));
	}
	list = cJSON_AddArrayToObject(o, "resources");
	for (size_t i = first; i < first + shown; i++)
		(void)cJSON_AddItemToArray(list,
		    render_scim(&c->api->store, found->v[i], own(c, found->v[i]),
			q->attributes));
	reply_json(c->reply, 200, o);
}

void
handle_scim_search(struct call *c)
{
	const struct query *q = &c->rq->query;
	struct scim_filter *f = q->filter ? scim_parse(q->filter) : NULL;
	struct found found;
	uint32_t count, start;

	if (!f || !page_number(q->count, UINT32_MAX, &count) ||
	    !page_number(q->start, 1, &start)) {
		scim_free(f);
		reply_text(c->reply, 400, "Failed to deserialize query string");
		return;
	}
	if (search(c, ENTRY_PERSON, f, &found)) {
		scim_answer(c, &found, count, start);
		free(found.v);
	}
	scim_free(f);
}
