/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Lists: accounts found by SCIM, SPNs of an attribute, all groups with their direct
 * members. An element that is no name is left out; a list that says it is not whole is no
 * answer, because a member that is missing here loses access somewhere.
 */
#include <errno.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/idp/grouplist.h"
#include "src/unixd/idp/json.h"
#include "src/unixd/idp/json_tree.h"
#include "src/unixd/model/model.h"

static int
scim_names(const cJSON *resource, struct name *name, struct name *spn)
{
	bool twice = false;
	const cJSON *s = json_tree_get(resource, "spn", &twice);
	const cJSON *n = json_tree_get(resource, "name", &twice);

	if (twice)
		return -EBADMSG;
	return json_tree_names(n == NULL ? s : n, s, name, spn);
}

int
json_scim_members(const char *text, size_t len, struct members **ret_members)
{
	cleanup_(json_tree_free) cJSON *tree = NULL;
	cleanup_(memberset_clear) struct memberset set = { 0 };
	const cJSON *resources, *it;
	uint32_t total, seen = 0;

	tree = json_tree_parse(text, len, JSON_VALUES_LIST);
	resources = json_tree_get(tree, "resources", NULL);
	if (!cJSON_IsArray(resources) ||
	    json_tree_u32(json_tree_get(tree, "totalResults", NULL), &total) < 0)
		return -EBADMSG;
	cJSON_ArrayForEach(it, resources)
	{
		struct name name, spn;

		seen++;
		if (scim_names(it, &name, &spn) < 0)
			continue;
		if (memberset_add(&set, spn.text) < 0)
			return -EBADMSG;
	}
	if (seen != total)
		return -EBADMSG;
	*ret_members = memberset_make(&set);
	return 0;
}

/* A canonical SPN from an element of a list. */
static int
list_spn(const cJSON *value, struct name *ret_spn)
{
	const char *s = json_tree_text(value, NAME_MAX_TEXT);

	if (s == NULL || name_parse(s, strlen(s), ret_spn) < 0 ||
	    ret_spn->kind != NAME_SPN)
		return -EBADMSG;
	return 0;
}

int
json_spn_members(const char *text, size_t len, struct members **ret_members)
{
	cleanup_(json_tree_free) cJSON *tree = NULL;
	cleanup_(memberset_clear) struct memberset set = { 0 };
	const cJSON *it;

	tree = json_tree_parse(text, len, JSON_VALUES_LIST);
	if (!cJSON_IsArray(tree) && !cJSON_IsNull(tree))
		return -EBADMSG;
	cJSON_ArrayForEach(it, tree)
	{
		struct name spn;

		if (list_spn(it, &spn) == 0 && memberset_add(&set, spn.text) < 0)
			return -EBADMSG;
	}
	*ret_members = memberset_make(&set);
	return 0;
}

/* The first value of an attribute that has exactly one. */
static const cJSON *
only_value(const cJSON *attrs, const char *key)
{
	const cJSON *list = json_tree_get(attrs, key, NULL);

	return cJSON_IsArray(list) && list->child != NULL && list->child->next == NULL
	    ? list->child
	    : NULL;
}

static int
add_group(struct grouplist *l, const cJSON *group)
{
	const cJSON *attrs = json_tree_get(group, "attrs", NULL);
	const cJSON *member, *it;
	struct uuid uuid;
	struct name spn;

	/* A group we cannot name cannot be anybody's member either. */
	if (list_spn(only_value(attrs, "spn"), &spn) < 0 ||
	    json_tree_uuid(only_value(attrs, "uuid"), &uuid) < 0)
		return 0;
	if (grouplist_add(l, &uuid, spn.text) < 0)
		return -EBADMSG;
	member = json_tree_get(attrs, "member", NULL);
	if (!cJSON_IsArray(member))
		return 0;
	cJSON_ArrayForEach(it, member)
	{
		if (list_spn(it, &spn) == 0 && grouplist_add_member(l, spn.text) < 0)
			return -EBADMSG;
	}
	return 0;
}

int
json_group_list(const char *text, size_t len, struct grouplist **ret_list)
{
	cleanup_(json_tree_free) cJSON *tree = NULL;
	struct grouplist *l;
	const cJSON *it;

	tree = json_tree_parse(text, len, JSON_VALUES_LIST);
	if (!cJSON_IsArray(tree))
		return -EBADMSG;
	l = grouplist_new();
	cJSON_ArrayForEach(it, tree)
	{
		if (add_group(l, it) < 0) {
			grouplist_free(l);
			return -EBADMSG;
		}
	}
	grouplist_seal(l);
	*ret_list = l;
	return 0;
}
