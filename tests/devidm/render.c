/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The three faces of an entry. The order of keys is the server's (alphabetical in maps,
 * fixed in tokens), so that even a textual comparison of answers holds.
 */
#include "tests/devidm/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct attr *
attr_new(struct attrs *a, const char *name, enum attr_type type, size_t n)
{
	struct attr *at = &a->v[a->n++];

	*at = (struct attr){ .name = name, .type = type, .n = n };
	return at;
}

static void
add_one(struct attrs *a, const char *name, const char *value)
{
	attr_new(a, name, ATTR_ONE, 1)->one = value;
}

static void
add_refs(struct attrs *a, const char *name, struct entry *const *v, size_t n)
{
	if (n)
		attr_new(a, name, ATTR_REFS, n)->refs = v;
}

static size_t
class_list(const struct entry *e, bool in_groups, const char **out)
{
	size_t n = 0;

	if (e->kind != ENTRY_GROUP)
		out[n++] = "account";
	if (e->builtin)
		out[n++] = "builtin";
	if (e->kind == ENTRY_GROUP)
		out[n++] = "group";
	if (in_groups)
		out[n++] = "memberof";
	out[n++] = "object";
	if (e->kind == ENTRY_PERSON)
		out[n++] = "person";
	if (e->posix)
		out[n++] = e->kind == ENTRY_GROUP ? "posixgroup" : "posixaccount";
	if (e->kind == ENTRY_SERVICE)
		out[n++] = "service_account";
	return n;
}

void
attrs_build(struct store *st, struct entry *e, bool own, struct attrs *ret)
{
	*ret = (struct attrs){ 0 };
	store_direct_groups(st, e, &ret->direct);
	store_all_groups(st, e, &ret->all);
	attr_new(ret, "class", ATTR_MANY, class_list(e, ret->all.n > 0, ret->classes))
	    ->many = ret->classes;
	add_refs(ret, "directmemberof", ret->direct.v, ret->direct.n);
	if (e->kind != ENTRY_GROUP)
		add_one(ret, "displayname", e->display);
	if (e->posix)
		attr_new(ret, "gidnumber", ATTR_NUMBER, 1)->number = e->gid;
	if (own)
		add_one(ret, "last_modified_cid", st->cid);
	if (e->shell && e->posix)
		add_one(ret, "loginshell", e->shell);
	add_refs(ret, "member", e->members, e->member_count);
	add_refs(ret, "memberof", ret->all.v, ret->all.n);
	add_one(ret, "name", e->name);
	add_one(ret, "spn", e->spn);
	if (e->key_count)
		attr_new(ret, "ssh_publickey", ATTR_KEYS, e->key_count)->keys = e->keys;
	add_one(ret, "uuid", e->uuid);
}

void
attrs_free(struct attrs *a)
{
	refs_free(&a->direct);
	refs_free(&a->all);
}

const struct attr *
attrs_get(const struct attrs *a, const char *name)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].name, name) == 0)
			return &a->v[i];
	return NULL;
}

static void
add_item(cJSON *list, cJSON *item)
{
	(void)cJSON_AddItemToArray(list, item);
}

cJSON *
render_attr_values(const struct attr *a)
{
	cJSON *list = cJSON_CreateArray();
	char buf[16], *s;

	for (size_t i = 0; i < a->n; i++)
		switch (a->type) {
		case ATTR_ONE:
			add_item(list, cJSON_CreateString(a->one));
			break;
		case ATTR_MANY:
			add_item(list, cJSON_CreateString(a->many[i]));
			break;
		case ATTR_NUMBER:
			(void)snprintf(buf, sizeof(buf), "%u", a->number);
			add_item(list, cJSON_CreateString(buf));
			break;
		case ATTR_REFS:
			add_item(list, cJSON_CreateString(a->refs[i]->spn));
			break;
		case ATTR_KEYS:
			s = x_printf("%s: %s", a->keys[i].label, a->keys[i].text);
			add_item(list, cJSON_CreateString(s));
			free(s);
			break;
		}
	return list;
}

cJSON *
render_entry(struct store *st, struct entry *e, bool own)
{
	cJSON *o = cJSON_CreateObject(), *map = cJSON_AddObjectToObject(o, "attrs");
	struct attrs a;

	attrs_build(st, e, own, &a);
	for (size_t i = 0; i < a.n; i++)
		(void)cJSON_AddItemToObject(map, a.v[i].name,
		    render_attr_values(&a.v[i]));
	attrs_free(&a);
	return o;
}

static cJSON *
pair(const char *k1, const char *v1, const char *k2, const char *v2)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, k1, v1);
	(void)cJSON_AddStringToObject(o, k2, v2);
	return o;
}

static cJSON *
scim_value(const struct attr *a)
{
	cJSON *list;

	if (a->type == ATTR_ONE)
		return cJSON_CreateString(a->one);
	if (a->type == ATTR_NUMBER)
		return cJSON_CreateNumber((double)a->number);
	if (a->type == ATTR_MANY)
		return render_attr_values(a);
	list = cJSON_CreateArray();
	for (size_t i = 0; i < a->n; i++)
		if (a->type == ATTR_REFS)
			add_item(list,
			    pair("uuid", a->refs[i]->uuid, "value", a->refs[i]->spn));
		else
			add_item(list,
			    pair("label", a->keys[i].label, "value", a->keys[i].text));
	return list;
}

static bool
is_wanted(const char *wanted, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = wanted; p; p = strchr(p, ','), p = p ? p + 1 : NULL) {
		p += strspn(p, " ");
		if (strncasecmp(p, name, len) == 0 &&
		    (p[len] == ',' || p[len] == '\0' || p[len] == ' '))
			return true;
	}
	return !wanted;
}

cJSON *
render_scim(struct store *st, struct entry *e, bool own, const char *wanted)
{
	cJSON *o = cJSON_CreateObject();
	struct attrs a;

	(void)cJSON_AddArrayToObject(o, "schemas");
	(void)cJSON_AddStringToObject(o, "id", e->uuid);
	attrs_build(st, e, own, &a);
	for (size_t i = 0; i < a.n; i++)
		if (strcmp(a.v[i].name, "uuid") != 0 && is_wanted(wanted, a.v[i].name))
			(void)cJSON_AddItemToObject(o, a.v[i].name, scim_value(&a.v[i]));
	attrs_free(&a);
	return o;
}

cJSON *
render_group_token(const struct entry *e)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, "name", e->name);
	(void)cJSON_AddStringToObject(o, "spn", e->spn);
	(void)cJSON_AddStringToObject(o, "uuid", e->uuid);
	(void)cJSON_AddNumberToObject(o, "gidnumber", (double)e->gid);
	return o;
}

static int
by_creation(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;

	return (*x)->serial < (*y)->serial ? -1 : (*x)->serial > (*y)->serial;
}

/* Groups appear in the order in which they were created. */
static void
add_posix_groups(struct store *st, const struct entry *e, cJSON *list)
{
	struct refs all = { 0 };

	store_all_groups(st, e, &all);
	if (all.n)
		qsort(all.v, all.n, sizeof(struct entry *), by_creation);
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i]->posix)
			add_item(list, render_group_token(all.v[i]));
	refs_free(&all);
}

cJSON *
render_user_token(struct store *st, const struct entry *e)
{
	cJSON *o = cJSON_CreateObject(), *groups, *keys;

	(void)cJSON_AddStringToObject(o, "name", e->name);
	(void)cJSON_AddStringToObject(o, "spn", e->spn);
	(void)cJSON_AddStringToObject(o, "displayname", e->display);
	(void)cJSON_AddNumberToObject(o, "gidnumber", (double)e->gid);
	(void)cJSON_AddStringToObject(o, "uuid", e->uuid);
	if (e->shell)
		(void)cJSON_AddStringToObject(o, "shell", e->shell);
	groups = cJSON_AddArrayToObject(o, "groups");
	add_item(groups, render_group_token(e));
	add_posix_groups(st, e, groups);
	keys = cJSON_AddArrayToObject(o, "sshkeys");
	for (size_t i = 0; i < e->key_count; i++)
		add_item(keys, cJSON_CreateString(e->keys[i].text));
	(void)cJSON_AddBoolToObject(o, "valid", entry_valid(st, e));
	return o;
}
