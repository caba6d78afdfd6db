/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A recursive-descent parser into a small tree, and the tree's evaluation over the
 * attributes of one entry. Depth is capped: the text comes from the network.
 */
#include "tests/devidm/scim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16

enum op {
	OP_AND,
	OP_OR,
	OP_NOT,
	OP_EQ,
	OP_PR,
};

struct scim_filter {
	enum op op;
	struct scim_filter *left, *right;
	char *attr;
	char *value;
};

struct parser {
	const char *p;
	int depth;
};

static struct scim_filter *parse_or(struct parser *ps);

static struct scim_filter *
node(enum op op, struct scim_filter *left, struct scim_filter *right)
{
	struct scim_filter *f = x_calloc(1, sizeof(*f));

	f->op = op;
	f->left = left;
	f->right = right;
	return f;
}

void
scim_free(struct scim_filter *f)
{
	if (!f)
		return;
	scim_free(f->left);
	scim_free(f->right);
	free(f->attr);
	free(f->value);
	free(f);
}

static void
skip_space(struct parser *ps)
{
	ps->p += strspn(ps->p, " \t");
}

static bool
keyword(struct parser *ps, const char *word)
{
	size_t len = strlen(word);

	skip_space(ps);
	if (strncasecmp(ps->p, word, len) != 0 ||
	    (ps->p[len] && !strchr(" ()\t", ps->p[len])))
		return false;
	ps->p += len;
	return true;
}

static char *
parse_value(struct parser *ps)
{
	const char *end = NULL;
	cJSON *v;
	char *s = NULL;

	skip_space(ps);
	v = cJSON_ParseWithOpts(ps->p, &end, false);
	if (cJSON_IsString(v))
		s = x_strdup(v->valuestring);
	else if (cJSON_IsNumber(v))
		s = x_printf("%.0f", v->valuedouble);
	else if (cJSON_IsBool(v))
		s = x_strdup(cJSON_IsTrue(v) ? "true" : "false");
	if (s)
		ps->p = end;
	cJSON_Delete(v);
	return s;
}

static struct scim_filter *
parse_group(struct parser *ps)
{
	struct scim_filter *f = NULL;

	skip_space(ps);
	if (*ps->p != '(' || ps->depth >= DEPTH_MAX)
		return NULL;
	ps->p++;
	ps->depth++;
	f = parse_or(ps);
	ps->depth--;
	skip_space(ps);
	if (f && *ps->p == ')') {
		ps->p++;
		return f;
	}
	scim_free(f);
	return NULL;
}

static struct scim_filter *
parse_term(struct parser *ps)
{
	struct scim_filter *f;
	size_t len;

	if (keyword(ps, "not")) {
		f = parse_group(ps);
		return f ? node(OP_NOT, f, NULL) : NULL;
	}
	skip_space(ps);
	if (*ps->p == '(')
		return parse_group(ps);
	len = strspn(ps->p,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	if (len == 0)
		return NULL;
	f = node(OP_PR, NULL, NULL);
	f->attr = x_strndup(ps->p, len);
	x_lower(f->attr);
	ps->p += len;
	if (keyword(ps, "pr"))
		return f;
	f->op = OP_EQ;
	if (keyword(ps, "eq"))
		f->value = parse_value(ps);
	if (f->value)
		return f;
	scim_free(f);
	return NULL;
}

static struct scim_filter *
parse_and(struct parser *ps)
{
	struct scim_filter *f = parse_term(ps), *right;

	while (f && keyword(ps, "and")) {
		right = parse_term(ps);
		if (!right) {
			scim_free(f);
			return NULL;
		}
		f = node(OP_AND, f, right);
	}
	return f;
}

static struct scim_filter *
parse_or(struct parser *ps)
{
	struct scim_filter *f = parse_and(ps), *right;

	while (f && keyword(ps, "or")) {
		right = parse_and(ps);
		if (!right) {
			scim_free(f);
			return NULL;
		}
		f = node(OP_OR, f, right);
	}
	return f;
}

struct scim_filter *
scim_parse(const char *text)
{
	struct parser ps = { .p = text };
	struct scim_filter *f = NULL;

	/* A line of "a pr and a pr and ..." makes a tree as deep as it is long. */
	if (strlen(text) <= 16384)
		f = parse_or(&ps);
	skip_space(&ps);
	if (f && *ps.p) {
		scim_free(f);
		f = NULL;
	}
	return f;
}

static bool
same(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

static bool
attr_equals(const struct attr *a, const char *value)
{
	char number[16];

	for (size_t i = 0; i < a->n; i++)
		switch (a->type) {
		case ATTR_ONE:
			if (same(a->one, value))
				return true;
			break;
		case ATTR_MANY:
			if (same(a->many[i], value))
				return true;
			break;
		case ATTR_NUMBER:
			(void)snprintf(number, sizeof(number), "%u", a->number);
			if (same(number, value))
				return true;
			break;
		case ATTR_REFS:
			if (same(a->refs[i]->uuid, value) ||
			    same(a->refs[i]->spn, value) || same(a->refs[i]->name, value))
				return true;
			break;
		case ATTR_KEYS:
			if (same(a->keys[i].label, value))
				return true;
			break;
		}
	return false;
}

bool
scim_match(const struct scim_filter *f, const struct attrs *a)
{
	const struct attr *at;

	switch (f->op) {
	case OP_AND:
		return scim_match(f->left, a) && scim_match(f->right, a);
	case OP_OR:
		return scim_match(f->left, a) || scim_match(f->right, a);
	case OP_NOT:
		return !scim_match(f->left, a);
	case OP_EQ:
		at = attrs_get(a, f->attr);
		return at && attr_equals(at, f->value);
	case OP_PR:
		return attrs_get(a, f->attr) != NULL;
	}
	return false;
}
