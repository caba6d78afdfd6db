/* SPDX-License-Identifier: MPL-2.0 */
/*
 * JSON from the server, first half: the parser behind its limits, and the small answers
 * (login, who we are, faults). Tokens are in json_token.c, lists in json_list.c.
 *
 * The library builds a tree of nodes ten times the size of the text, recurses, takes the
 * first of two equal keys and cuts strings at an escaped NUL. So a scan of our own goes
 * over the text first and refuses what is too deep, has too many values, or hides a NUL.
 */
#include "src/unixd/idp/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/idp/json_tree.h"
#include "src/unixd/idp/wipe.h"

#define READ_GROUP "idm_unix_authentication_read"

void
json_init(void)
{
	cJSON_Hooks hooks = { .malloc_fn = malloc, .free_fn = wipe_free };

	cJSON_InitHooks(&hooks);
}

void
json_tree_free(cJSON **tree)
{
	cJSON_Delete(*tree);
}

/* Skips a string whose opening quote has been read; NULL when it must not be parsed. */
static const char *
skip_string(const char *p, const char *end)
{
	while (p < end && *p != '"') {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p == '\\') {
			if (end - p >= 6 && memcmp(p, "\\u0000", 6) == 0)
				return NULL;
			p++;
			if (p == end)
				return NULL;
		}
		p++;
	}
	return p == end ? NULL : p + 1;
}

static bool
is_within_limits(const char *text, size_t len, size_t max_values)
{
	const char *p = text, *end = text + len;
	size_t values = 1, depth = 0;

	while (p != NULL && p < end) {
		switch (*p++) {
		case '"':
			p = skip_string(p, end);
			break;
		case '[':
		case '{':
			values++;
			if (++depth > JSON_DEPTH_MAX)
				return false;
			break;
		case ']':
		case '}':
			if (depth-- == 0)
				return false;
			break;
		case ',':
			values++;
			break;
		case '\0':
			return false;
		default:
			break;
		}
		if (values > max_values)
			return false;
	}
	return p != NULL && depth == 0;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

cJSON *
json_tree_parse(const char *text, size_t len, size_t max_values)
{
	const char *rest = NULL;
	cJSON *tree;

	if (text == NULL || !is_within_limits(text, len, max_values))
		return NULL;
	tree = cJSON_ParseWithLengthOpts(text, len, &rest, false);
	if (tree == NULL)
		return NULL;
	while (rest < text + len && is_space(*rest))
		rest++;
	if (rest != text + len) {
		cJSON_Delete(tree);
		return NULL;
	}
	return tree;
}

const cJSON *
json_tree_get(const cJSON *object, const char *key, bool *ret_twice)
{
	const cJSON *found = NULL;
	const cJSON *it;

	if (!cJSON_IsObject(object))
		return NULL;
	cJSON_ArrayForEach(it, object)
	{
		if (it->string == NULL || !streq(it->string, key))
			continue;
		if (found != NULL) {
			if (ret_twice != NULL)
				*ret_twice = true;
			return NULL;
		}
		found = it;
	}
	return found;
}

const char *
json_tree_text(const cJSON *value, size_t max)
{
	if (!cJSON_IsString(value) || value->valuestring == NULL ||
	    strlen(value->valuestring) > max)
		return NULL;
	return value->valuestring;
}

int
json_tree_u32(const cJSON *value, uint32_t *ret_number)
{
	double d;

	if (!cJSON_IsNumber(value))
		return -EBADMSG;
	d = value->valuedouble;
	if (!(d >= 0 && d <= (double)UINT32_MAX) || d > (double)(uint32_t)d ||
	    d < (double)(uint32_t)d)
		return -EBADMSG;
	*ret_number = (uint32_t)d;
	return 0;
}

int
json_tree_uuid(const cJSON *value, struct uuid *ret_uuid)
{
	const char *s = json_tree_text(value, UUID_TEXT_LEN);

	if (s == NULL || uuid_parse(s, strlen(s), ret_uuid) < 0)
		return -EBADMSG;
	return 0;
}

int
json_tree_names(const cJSON *name, const cJSON *spn, struct name *ret_name,
    struct name *ret_spn)
{
	const char *n = json_tree_text(name, NAME_MAX_TEXT);
	const char *s = json_tree_text(spn, NAME_MAX_TEXT);

	if (n == NULL || s == NULL || name_parse(n, strlen(n), ret_name) < 0 ||
	    name_parse(s, strlen(s), ret_spn) < 0 || ret_spn->kind != NAME_SPN)
		return -EBADMSG;
	/* An entry without a short name comes with its SPN in both places. */
	if (ret_name->kind == NAME_SPN && streq(ret_name->text, ret_spn->text)) {
		ret_name->kind = NAME_SHORT;
		ret_name->len = ret_name->short_len;
		ret_name->text[ret_name->len] = '\0';
	}
	if (ret_name->kind != NAME_SHORT || ret_name->len != ret_spn->short_len ||
	    memcmp(ret_name->text, ret_spn->text, ret_name->len) != 0)
		return -EBADMSG;
	return 0;
}

void
json_tree_printable(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < size; text++) {
		if (*text >= 0x20 && *text < 0x7f)
			out[n++] = *text;
	}
	out[n] = '\0';
}

static bool
has_text(const cJSON *array, const char *text)
{
	const cJSON *it;

	if (!cJSON_IsArray(array))
		return false;
	cJSON_ArrayForEach(it, array)
	{
		const char *s = json_tree_text(it, 64);

		if (s != NULL && streq(s, text))
			return true;
	}
	return false;
}

/* A token that can stand in a header line. */
static bool
is_header_safe(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if (*s <= 0x20 || *s >= 0x7f)
			return false;
	}
	return true;
}

static int
auth_state(const cJSON *state, struct json_auth *auth)
{
	const cJSON *v;
	const char *s;

	if (!cJSON_IsObject(state) || state->child == NULL || state->child->next != NULL)
		return -EBADMSG;
	v = state->child;
	if (streq(v->string, "choose")) {
		auth->state = JSON_AUTH_CHOOSE;
		auth->anonymous = has_text(v, "anonymous");
	} else if (streq(v->string, "continue")) {
		auth->state = JSON_AUTH_CONTINUE;
		auth->anonymous = has_text(v, "anonymous");
	} else if (streq(v->string, "denied")) {
		auth->state = JSON_AUTH_DENIED;
		s = json_tree_text(v, SIZE_MAX);
		json_tree_printable(auth->reason, sizeof(auth->reason),
		    s == NULL ? "" : s);
	} else if (streq(v->string, "success")) {
		auth->state = JSON_AUTH_SUCCESS;
		s = json_tree_text(v, JSON_BEARER_MAX);
		if (s == NULL || !is_header_safe(s))
			return -EBADMSG;
		auth->bearer = xstrdup(s);
	} else {
		return -EBADMSG;
	}
	return 0;
}

int
json_auth(const char *text, size_t len, struct json_auth *ret_auth)
{
	cleanup_(json_tree_free) cJSON *tree = NULL;

	*ret_auth = (struct json_auth){ 0 };
	tree = json_tree_parse(text, len, JSON_VALUES_TOKEN);
	return auth_state(json_tree_get(tree, "state", NULL), ret_auth);
}

/* The only element of an attribute. */
static const cJSON *
attr_value(const cJSON *attrs, const char *key)
{
	const cJSON *list = json_tree_get(attrs, key, NULL);

	if (!cJSON_IsArray(list) || list->child == NULL || list->child->next != NULL)
		return NULL;
	return list->child;
}

static bool
is_in_read_group(const cJSON *memberof, const struct name *spn)
{
	const cJSON *it;

	cJSON_ArrayForEach(it, memberof)
	{
		const char *s = json_tree_text(it, NAME_MAX_TEXT);
		size_t n = strlen(READ_GROUP);

		/* The group of our own domain, not of one that we trust. */
		if (s != NULL && strncmp(s, READ_GROUP, n) == 0 &&
		    streq(s + n, spn->text + spn->short_len))
			return true;
	}
	return false;
}

int
json_self(const char *text, size_t len, struct json_self *ret_self)
{
	cleanup_(json_tree_free) cJSON *tree = NULL;
	const cJSON *attrs, *memberof;
	const char *s;
	struct name spn;

	*ret_self = (struct json_self){ 0 };
	tree = json_tree_parse(text, len, JSON_VALUES_TOKEN);
	attrs = json_tree_get(json_tree_get(tree, "youare", NULL), "attrs", NULL);
	s = json_tree_text(attr_value(attrs, "spn"), NAME_MAX_TEXT);
	if (s == NULL || name_parse(s, strlen(s), &spn) < 0 || spn.kind != NAME_SPN)
		return -EBADMSG;
	if (json_tree_uuid(attr_value(attrs, "uuid"), &ret_self->uuid) < 0)
		return -EBADMSG;
	memcpy(ret_self->spn, spn.text, spn.len + 1);
	memberof = json_tree_get(attrs, "memberof", NULL);
	if (cJSON_IsArray(memberof))
		ret_self->may_read = is_in_read_group(memberof, &spn);
	return 0;
}

static enum json_fault
fault_by_name(const char *word, bool has_value)
{
	if (!has_value && streq(word, "nomatchingentries"))
		return JSON_FAULT_NO_MATCH;
	if (has_value &&
	    (streq(word, "missingclass") || streq(word, "missingattribute") ||
		streq(word, "invalidaccountstate")))
		return JSON_FAULT_WRONG_KIND;
	if (has_value && streq(word, "invalidauthstate"))
		return JSON_FAULT_AUTH_STATE;
	return JSON_FAULT_OTHER;
}

enum json_fault
json_fault(const char *text, size_t len, char ret_word[64])
{
	cleanup_(json_tree_free) cJSON *tree = NULL;
	const char *word = NULL;
	bool has_value = false;

	ret_word[0] = '\0';
	tree = json_tree_parse(text, len, JSON_VALUES_TOKEN);
	if (cJSON_IsString(tree)) {
		word = tree->valuestring;
	} else if (cJSON_IsObject(tree) && tree->child != NULL &&
	    tree->child->next == NULL) {
		word = tree->child->string;
		has_value = true;
	}
	if (word == NULL)
		return JSON_FAULT_NONE;
	json_tree_printable(ret_word, 64, word);
	return fault_by_name(word, has_value);
}
