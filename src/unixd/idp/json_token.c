/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Tokens of accounts and groups. What says who it is must be right; everything else is
 * taken where it is safe and left out where it is not, because one odd key of one person
 * must not make that person unknown to the host.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/idp/json.h"
#include "src/unixd/idp/json_tree.h"
#include "src/unixd/model/model.h"

/* The fields that say which entry it is. */
struct entry {
	struct uuid uuid;
	uint32_t gid;
	struct name name;
	struct name spn;
};

static int
entry_read(const cJSON *object, struct entry *ret_entry)
{
	bool twice = false;
	const cJSON *name = json_tree_get(object, "name", &twice);
	const cJSON *spn = json_tree_get(object, "spn", &twice);
	const cJSON *uuid = json_tree_get(object, "uuid", &twice);
	const cJSON *gid = json_tree_get(object, "gidnumber", &twice);

	if (twice || json_tree_names(name, spn, &ret_entry->name, &ret_entry->spn) < 0 ||
	    json_tree_uuid(uuid, &ret_entry->uuid) < 0 ||
	    json_tree_u32(gid, &ret_entry->gid) < 0)
		return -EBADMSG;
	return 0;
}

static struct groupid *
entry_group(const struct entry *e)
{
	return groupid_new(&e->uuid, e->gid, e->name.text, e->spn.text);
}

/* Length of the well-formed UTF-8 sequence at p, 0 when there is none. */
static size_t
utf8_len(const unsigned char *p)
{
	size_t n = p[0] < 0x80 ? 1
	    : p[0] < 0xc2      ? 0
	    : p[0] < 0xe0      ? 2
	    : p[0] < 0xf0      ? 3
	    : p[0] < 0xf5      ? 4
			       : 0;

	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Overlong forms, surrogates, beyond the last code point. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* Bytes of `text` up to the first that is not UTF-8, in whole characters, at most max. */
static size_t
utf8_prefix(const char *text, size_t max)
{
	size_t at = 0;

	while (text[at] != '\0') {
		size_t n = utf8_len((const unsigned char *)text + at);

		if (n == 0 || at + n > max)
			break;
		at += n;
	}
	return at;
}

bool
json_tree_is_line(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (size_t i = 0; p[i] != '\0'; i++) {
		if (p[i] < 0x20 || p[i] == 0x7f)
			return false;
		/* C1 controls, as UTF-8 */
		if (p[i] == 0xc2 && p[i + 1] >= 0x80 && p[i + 1] < 0xa0)
			return false;
	}
	return utf8_prefix(text, SIZE_MAX) == strlen(text);
}

static bool
is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

static bool
is_key_type(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '@';
}

/*
 * "type base64" or "type base64 comment" on one line. No options in front: those are
 * commands to sshd. The blob of every key begins with the length of its type, below 2^8:
 * three zero bytes.
 */
static bool
is_ssh_key(const char *s)
{
	const char *p = s;

	if (!json_tree_is_line(s))
		return false;
	while (is_key_type(*p))
		p++;
	if (p == s || *p != ' ' || strncmp(p + 1, "AAAA", 4) != 0)
		return false;
	p++;
	while (is_base64(*p))
		p++;
	return *p == '\0' || *p == ' ';
}

/* The keys, trimmed in place, into a new array. */
static const char **
read_keys(const cJSON *list, const char *name, uint32_t *ret_n)
{
	const char **keys = NULL;
	const cJSON *it;
	uint32_t n = 0;

	*ret_n = 0;
	if (!cJSON_IsArray(list))
		return NULL;
	cJSON_ArrayForEach(it, list)
	{
		size_t len;

		if (n == MODEL_MAX_KEYS) {
			log_warn("server: more than %u ssh keys, the rest is left out"
				 " name=%s",
			    MODEL_MAX_KEYS, name);
			break;
		}
		if (json_tree_text(it, MODEL_MAX_KEY_LEN) == NULL)
			continue;
		len = strlen(it->valuestring);
		while (len > 0 && it->valuestring[len - 1] == ' ')
			it->valuestring[--len] = '\0';
		if (!is_ssh_key(it->valuestring)) {
			log_warn("server: ssh key left out, it is none name=%s", name);
			continue;
		}
		if (keys == NULL)
			keys = xcalloc(MODEL_MAX_KEYS, sizeof(*keys));
		keys[n++] = it->valuestring;
	}
	*ret_n = n;
	return keys;
}

/* The private group first, whatever place it has in the list, then the others. */
static struct groupid **
read_groups(const cJSON *list, const struct entry *me, uint32_t *ret_n)
{
	struct groupid **groups;
	const cJSON *it;
	int room = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
	uint32_t n = 1;

	if (room < 0 || (unsigned)room > MODEL_MAX_GROUPS)
		room = (int)MODEL_MAX_GROUPS;
	groups = xcalloc((size_t)room + 1, sizeof(struct groupid *));
	groups[0] = entry_group(me);
	if (cJSON_IsArray(list)) {
		cJSON_ArrayForEach(it, list)
		{
			struct entry e;

			if (entry_read(it, &e) < 0) {
				log_warn("server: group left out, its record is damaged"
					 " name=%s",
				    me->name.text);
				continue;
			}
			/* The account itself, or what claims its number. */
			if (uuid_equal(&e.uuid, &me->uuid) || e.gid == me->gid)
				continue;
			if (n == MODEL_MAX_GROUPS) {
				log_warn("server: more than %u groups, the rest is left"
					 " out name=%s",
				    MODEL_MAX_GROUPS, me->name.text);
				break;
			}
			groups[n++] = entry_group(&e);
		}
	}
	*ret_n = n;
	return groups;
}

/* An absolute path without control characters or ':', or NULL. */
static const char *
read_shell(const cJSON *value)
{
	const char *s = json_tree_text(value, MODEL_MAX_TEXT);

	return s != NULL && s[0] == '/' && name_field_is_clean(s) ? s : NULL;
}

/* Cut to what is UTF-8 and within the bound; the name when there is none. */
static const char *
read_displayname(const cJSON *value, const char *name)
{
	char *s = cJSON_IsString(value) ? value->valuestring : NULL;

	if (s == NULL)
		return name;
	s[utf8_prefix(s, MODEL_MAX_TEXT)] = '\0';
	return s;
}

int
json_user(const char *text, size_t len, struct user **ret_user)
{
	cleanup_(json_tree_free) cJSON *tree = NULL;
	cleanup_(freep) const char **keys = NULL;
	cleanup_(freep) struct groupid **groups = NULL;
	const cJSON *valid;
	struct entry me;
	struct user tmpl = { 0 };
	bool twice = false;

	tree = json_tree_parse(text, len, JSON_VALUES_TOKEN);
	valid = json_tree_get(tree, "valid", &twice);
	if (tree == NULL || twice || entry_read(tree, &me) < 0)
		return -EBADMSG;
	keys = read_keys(json_tree_get(tree, "sshkeys", NULL), me.name.text,
	    &tmpl.n_keys);
	groups = read_groups(json_tree_get(tree, "groups", NULL), &me, &tmpl.n_groups);
	tmpl.id = me.gid;
	tmpl.uuid = me.uuid;
	tmpl.valid = cJSON_IsTrue(valid);
	tmpl.name = me.name.text;
	tmpl.spn = me.spn.text;
	tmpl.displayname = read_displayname(json_tree_get(tree, "displayname", NULL),
	    me.name.text);
	tmpl.shell = read_shell(json_tree_get(tree, "shell", NULL));
	tmpl.groups = groups;
	tmpl.sshkeys = keys;
	*ret_user = user_new(&tmpl);
	for (uint32_t i = 0; i < tmpl.n_groups; i++)
		groupid_unref(groups[i]);
	return 0;
}

int
json_group(const char *text, size_t len, struct groupid **ret_group)
{
	cleanup_(json_tree_free) cJSON *tree = NULL;
	struct entry e;

	tree = json_tree_parse(text, len, JSON_VALUES_TOKEN);
	if (tree == NULL || entry_read(tree, &e) < 0)
		return -EBADMSG;
	*ret_group = entry_group(&e);
	return 0;
}
