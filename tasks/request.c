/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The resolver runs without privileges and reads what a server sends; this process chowns
 * as root what it is told to. So a request passes the same tables a second time: names by
 * the grammar, ids by the list of refused ones, and the three names must fit each other.
 */
#include "tasks/request.h"

#include <errno.h>
#include <string.h>

#include "ku/wire_task.h"
#include "src/base/ids.h"
#include "src/base/util.h"
#include "src/wire/codec.h"

/* A name that is canonical already: what was asked for is what will be there. */
static int
take_name(const char *text, enum name_kind kind, struct name *ret)
{
	if (text == NULL || name_parse(text, strlen(text), ret) < 0)
		return -EINVAL;
	return ret->kind == kind && streq(ret->text, text) ? 0 : -EINVAL;
}

/* The SPN, or its part before the '@'. */
static bool
belongs_to_spn(const struct name *name, const struct name *spn)
{
	return (name->len == spn->short_len || name->len == spn->len) &&
	    memcmp(name->text, spn->text, name->len) == 0;
}

static int
judge(const struct request *r, struct why *why)
{
	static const struct uuid nobody;

	if (uuid_equal(&r->uuid, &nobody))
		return why_set(why, -EINVAL, "the request has no UUID");
	if (!ids_is_allowed(r->uid) || !ids_is_allowed(r->gid))
		return why_set(why, -EINVAL, "uid %u, gid %u: not ids of a person",
		    r->uid, r->gid);
	if (!belongs_to_spn(&r->name, &r->spn))
		return why_set(why, -EINVAL, "name and SPN do not belong together");
	return 0;
}

int
request_decode(const void *body, size_t len, struct request *ret_r, struct why *why)
{
	struct dec d;
	const void *uuid;
	const char *name, *spn, *shown;
	uint32_t n;

	*ret_r = (struct request){ 0 };
	if (len > KU_TASK_MAX_REQ)
		return why_set(why, -EPROTO, "the request is too long");
	dec_init(&d, body, len);
	uuid = dec_bytes(&d, sizeof(ret_r->uuid.b));
	ret_r->uid = dec_u32(&d);
	ret_r->gid = dec_u32(&d);
	n = dec_u32(&d);
	if (d.failed || n != d.len - d.pos)
		return why_set(why, -EPROTO, "the request cannot be decoded");
	name = dec_strz(&d);
	spn = dec_strz(&d);
	shown = dec_strz(&d);
	if (!dec_done(&d))
		return why_set(why, -EPROTO, "the request cannot be decoded");
	memcpy(ret_r->uuid.b, uuid, sizeof(ret_r->uuid.b));
	uuid_format(&ret_r->uuid, ret_r->uuid_text);
	/* Whoever is of another domain has no short name here. */
	if (take_name(name, streq(name, spn) ? NAME_SPN : NAME_SHORT, &ret_r->name) < 0 ||
	    take_name(spn, NAME_SPN, &ret_r->spn) < 0)
		return why_set(why, -EINVAL, "the request has a name that is none");
	if (!streq(shown, name) && !streq(shown, spn))
		return why_set(why, -EINVAL, "the name shown is neither name nor SPN");
	ret_r->shown = streq(shown, name) ? ret_r->name : ret_r->spn;
	return judge(ret_r, why);
}

const char *
request_attr(const struct request *r, enum name_attr attr)
{
	switch (attr) {
	case NAME_ATTR_NAME:
		return r->name.text;
	case NAME_ATTR_SPN:
		return r->spn.text;
	case NAME_ATTR_UUID:
		return r->uuid_text;
	case NAME_ATTR_NONE:
		break;
	}
	return NULL;
}

const char *
request_home(const struct request *r, const struct config *c)
{
	return request_attr(r, c->home_attr);
}

const char *
request_alias(const struct request *r, const struct config *c)
{
	const char *prefix = c->home_mount_prefix != NULL ? c->home_mount_prefix
							  : c->home_prefix;

	/* In two directories the same name still needs a link. */
	if (c->home_alias == c->home_attr && streq(prefix, c->home_prefix))
		return NULL;
	return request_attr(r, c->home_alias);
}
